//! Fuzzes the parser of SquashFS.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::unpack_squashfs(bytes));
