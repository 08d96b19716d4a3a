//! Fuzzes the parser of embedded objects.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::unpack_embedded(bytes));
