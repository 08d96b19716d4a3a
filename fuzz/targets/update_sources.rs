//! Fuzzes lists of sources, and of digests.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::update_sources(bytes));
