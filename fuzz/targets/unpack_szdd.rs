//! Fuzzes the parser of szdd.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::unpack_szdd(bytes));
