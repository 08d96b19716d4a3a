//! Fuzzes the parser of signed messages.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::unpack_cms(bytes));
