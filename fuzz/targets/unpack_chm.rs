//! Fuzzes the parser of compiled HTML help.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::run("unpack_chm", bytes));
