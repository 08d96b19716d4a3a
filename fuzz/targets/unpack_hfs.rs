//! Fuzzes the parser of hfs.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::unpack_hfs(bytes));
