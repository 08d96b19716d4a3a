//! Fuzzes the parser of swf.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::unpack_swf(bytes));
