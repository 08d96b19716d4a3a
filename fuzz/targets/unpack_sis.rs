//! Fuzzes the parser of packages of Symbian.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::unpack_sis(bytes));
