//! Fuzzes what proxies say.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::icap_protocol(bytes));
