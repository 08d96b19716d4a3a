//! Fuzzes the parser of PDF.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::unpack_pdf(bytes));
