//! Fuzzes the parser of zisofs.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::unpack_zisofs(bytes));
