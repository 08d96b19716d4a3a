//! Fuzzes what inventories hand to a policy.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::policy_values(bytes));
