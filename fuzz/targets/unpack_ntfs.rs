//! Fuzzes the parser of NTFS.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::unpack_ntfs(bytes));
