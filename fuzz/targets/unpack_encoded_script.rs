//! Fuzzes the parser of encoded scripts.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::unpack_encoded_script(bytes));
