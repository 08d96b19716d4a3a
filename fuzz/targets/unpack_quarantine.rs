//! Fuzzes the parsers of quarantines.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::unpack_quarantine(bytes));
