//! Fuzzes the parser of ARJ.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::unpack_arj(bytes));
