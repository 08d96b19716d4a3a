//! Fuzzes what parts of images say of themselves.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::unpack_media(bytes));
