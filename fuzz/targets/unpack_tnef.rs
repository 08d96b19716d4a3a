//! Fuzzes the parser of tnef.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::run("unpack_tnef", bytes));
