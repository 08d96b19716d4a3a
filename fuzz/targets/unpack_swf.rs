//! Fuzzes the parser of swf.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::run("unpack_swf", bytes));
