//! Fuzzes the parser of OLE2 compound files.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::unpack_ole2(bytes));
