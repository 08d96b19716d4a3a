//! Fuzzes the parser of installers by NSIS.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::unpack_nsis(bytes));
