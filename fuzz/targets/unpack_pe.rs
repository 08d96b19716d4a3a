//! Fuzzes the parser of pe.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::unpack_pe(bytes));
