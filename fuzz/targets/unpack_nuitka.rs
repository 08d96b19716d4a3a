//! Fuzzes the parser of nuitka.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::unpack_nuitka(bytes));
