//! Fuzzes what modules of YARA say of a file.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::modules(bytes));
