//! Fuzzes the parser of 7z.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::unpack_seven_zip(bytes));
