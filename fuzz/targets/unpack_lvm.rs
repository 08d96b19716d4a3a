//! Fuzzes the parser of physical volumes of LVM.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::unpack_lvm(bytes));
