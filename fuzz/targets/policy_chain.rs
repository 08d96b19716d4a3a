//! Fuzzes chains of reports.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::policy_chain(bytes));
