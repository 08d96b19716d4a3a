//! Fuzzes the parser of what LZFSE packed.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::unpack_lzfse(bytes));
