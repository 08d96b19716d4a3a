//! Fuzzes the parser of cpio.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::unpack_cpio(bytes));
