//! Fuzzes the parser of ISO 9660.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::unpack_iso(bytes));
