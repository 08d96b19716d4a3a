//! Fuzzes the parser of installers and cabinets of InstallShield.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::unpack_installshield(bytes));
