//! Fuzzes what the fetcher is told and says.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::update_message(bytes));
