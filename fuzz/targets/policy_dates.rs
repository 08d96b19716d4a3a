//! Fuzzes dates of rules and evidence.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::policy_dates(bytes));
