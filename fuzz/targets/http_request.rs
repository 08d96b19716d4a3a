//! Fuzzes requests of monitors.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::http_request(bytes));
