//! Fuzzes the parser of cabinets.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::unpack_cab(bytes));
