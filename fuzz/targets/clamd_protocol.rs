//! Fuzzes what clients and daemons say to each other.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::clamd_protocol(bytes));
