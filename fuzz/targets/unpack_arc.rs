//! Fuzzes the parser of ARC.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::unpack_arc(bytes));
