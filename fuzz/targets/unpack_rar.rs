//! Fuzzes the parser of RAR.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::unpack_rar(bytes));
