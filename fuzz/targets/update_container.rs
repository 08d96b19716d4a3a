//! Fuzzes containers of signatures, signed.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::update_container(bytes));
