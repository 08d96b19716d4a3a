//! Fuzzes the record of versions, dates and heads.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::update_record(bytes));
