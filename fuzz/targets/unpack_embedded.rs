//! Fuzzes the parser of embedded objects.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::run("unpack_embedded", bytes));
