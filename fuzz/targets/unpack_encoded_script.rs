//! Fuzzes the parser of encoded scripts.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::run("unpack_encoded_script", bytes));
