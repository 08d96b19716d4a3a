//! Fuzzes the archives of a release.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::update_archive(bytes));
