//! Fuzzes the parser of RPM.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::unpack_rpm(bytes));
