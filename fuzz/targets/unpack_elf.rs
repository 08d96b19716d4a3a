//! Fuzzes the parser of elf.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::unpack_elf(bytes));
