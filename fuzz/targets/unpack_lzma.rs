//! Fuzzes the parser of LZMA, xz and lzip.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::unpack_lzma(bytes));
