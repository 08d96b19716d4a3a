//! Fuzzes the parser of UDF.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| candor_fuzz::unpack_udf(bytes));
