//! Fuzzes a damaged or hostile image.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::database_open(bytes));
