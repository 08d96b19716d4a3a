//! Fuzzes the parser of cryptff.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::unpack_cryptff(bytes));
