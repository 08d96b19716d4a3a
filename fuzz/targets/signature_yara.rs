//! Fuzzes rules of YARA.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::signature_yara(bytes));
