//! Fuzzes proofs from tiles of a log.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::update_tiles(bytes));
