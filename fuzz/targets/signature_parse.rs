//! Fuzzes signature databases.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::signature_parse(bytes));
