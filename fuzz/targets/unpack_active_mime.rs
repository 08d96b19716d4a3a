//! Fuzzes the parser of ActiveMime.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::unpack_active_mime(bytes));
