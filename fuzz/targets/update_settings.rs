//! Fuzzes settings of updates and of feeds, and what sources remember.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::update_settings(bytes));
