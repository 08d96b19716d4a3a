//! Fuzzes names of suppliers.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::policy_parties(bytes));
