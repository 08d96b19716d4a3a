//! Fuzzes proofs of logging, and what witnesses are asked.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::update_proof(bytes));
