//! Fuzzes the processor that packed programs run in.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::unpack_packed(bytes));
