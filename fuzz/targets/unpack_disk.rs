//! Fuzzes the parser of disk.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::unpack_disk(bytes));
