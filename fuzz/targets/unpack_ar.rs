//! Fuzzes the parser of ar.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::unpack_ar(bytes));
