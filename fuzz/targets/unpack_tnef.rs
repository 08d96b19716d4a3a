//! Fuzzes the parser of tnef.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::unpack_tnef(bytes));
