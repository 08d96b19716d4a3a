//! Fuzzes the parser of HWP 3.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::unpack_hwp3(bytes));
