//! Fuzzes the parser of installers by NSIS.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::run("unpack_nsis", bytes));
