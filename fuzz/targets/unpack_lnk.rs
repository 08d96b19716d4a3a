//! Fuzzes the parser of Windows shortcuts.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::unpack_lnk(bytes));
