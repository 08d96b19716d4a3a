//! Fuzzes the parser of dmg.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::unpack_dmg(bytes));
