//! Fuzzes the parser of gzip.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::unpack_gzip(bytes));
