//! Fuzzes the files of a store of generations.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::update_store(bytes));
