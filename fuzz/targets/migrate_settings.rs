//! Fuzzes the readers of other products' settings: what `run("migrate_settings", …)` does, without all others.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::migrate_settings(bytes));
