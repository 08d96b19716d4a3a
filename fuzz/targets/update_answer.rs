//! Fuzzes answers of the name system.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::update_answer(bytes));
