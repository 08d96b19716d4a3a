//! Fuzzes the parser of zip.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::unpack_zip(bytes));
