//! Fuzzes the parser of ALZ.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::unpack_alz(bytes));
