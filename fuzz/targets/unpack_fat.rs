//! Fuzzes the parsers of FAT and exFAT.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::unpack_fat(bytes));
