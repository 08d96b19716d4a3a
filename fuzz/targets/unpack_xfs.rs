//! Fuzzes the parser of XFS volumes.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::unpack_xfs(bytes));
