//! Fuzzes keys that were written down, and signatures by them.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::update_key(bytes));
