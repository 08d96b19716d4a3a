//! Fuzzes the parser of RTF.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::unpack_rtf(bytes));
