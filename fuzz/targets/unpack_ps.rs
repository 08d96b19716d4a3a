//! Fuzzes the parser of ps.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::unpack_ps(bytes));
