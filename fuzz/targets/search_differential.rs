//! Fuzzes the matcher against its definition.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::search_differential(bytes));
