//! Fuzzes logs beside what they belong to, in an inventory.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::inventory_beside(bytes));
