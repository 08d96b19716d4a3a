//! Fuzzes the parser of binhex.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::unpack_binhex(bytes));
