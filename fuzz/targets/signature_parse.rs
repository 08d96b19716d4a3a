//! Fuzzes signature databases.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::run("signature_parse", bytes));
