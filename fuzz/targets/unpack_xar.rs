//! Fuzzes the parser of xar.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::unpack_xar(bytes));
