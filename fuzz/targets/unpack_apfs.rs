//! Fuzzes the parser of apfs.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::unpack_apfs(bytes));
