//! Fuzzes the parser of pyinstaller.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::unpack_pyinstaller(bytes));
