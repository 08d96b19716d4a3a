//! Fuzzes the parser of macho.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::unpack_macho(bytes));
