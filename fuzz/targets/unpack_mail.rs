//! Fuzzes the parser of mail.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::unpack_mail(bytes));
