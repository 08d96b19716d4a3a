//! Fuzzes the parsers of FAT and exFAT.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::run("unpack_fat", bytes));
