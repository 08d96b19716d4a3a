//! Fuzzes the parser of dex.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::unpack_dex(bytes));
