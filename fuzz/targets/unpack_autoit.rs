//! Fuzzes the parser of compiled AutoIt scripts.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::unpack_autoit(bytes));
