//! Fuzzes the parsers of quarantines: what `run("unpack_quarantine", …)` does, without all others.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::unpack_quarantine(bytes));
