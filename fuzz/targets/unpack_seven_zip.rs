//! Fuzzes the parser of 7z.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::run("unpack_seven_zip", bytes));
