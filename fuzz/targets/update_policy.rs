//! Fuzzes policies of customers, and of logs.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::update_policy(bytes));
