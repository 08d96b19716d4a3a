//! Fuzzes the parser of Zoo.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::unpack_zoo(bytes));
