//! Fuzzes the parser of onenote.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::unpack_onenote(bytes));
