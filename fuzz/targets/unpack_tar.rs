//! Fuzzes the parser of tar.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::unpack_tar(bytes));
