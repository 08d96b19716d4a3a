//! Fuzzes the readers of other products' settings.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::migrate_settings(bytes));
