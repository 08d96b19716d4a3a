//! Fuzzes what mail servers say.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::milter_protocol(bytes));
