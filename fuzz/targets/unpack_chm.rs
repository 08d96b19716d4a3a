//! Fuzzes the parser of compiled HTML help.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::unpack_chm(bytes));
