//! Fuzzes the parsers of disks of virtual machines.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::unpack_virtual_disk(bytes));
