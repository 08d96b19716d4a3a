//! Fuzzes what broker and worker say to each other.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::worker_message(bytes));
