//! Fuzzes the parser of EGG.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::unpack_egg(bytes));
