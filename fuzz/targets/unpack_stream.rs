//! Fuzzes the parser of compressed streams.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::unpack_stream(bytes));
