//! Fuzzes the metadata of a feed, and what is remembered of it.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::update_metadata(bytes));
