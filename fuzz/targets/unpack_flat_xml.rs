//! Fuzzes the parser of flat_xml.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::unpack_flat_xml(bytes));
