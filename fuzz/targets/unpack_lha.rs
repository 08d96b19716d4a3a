//! Fuzzes the parser of LHA.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::unpack_lha(bytes));
