//! What every parser promises, whatever it is given: it returns, and it stays within the budget.

use candor_model::{FileType, Limits};
use proptest::prelude::*;

use crate::FORMATS;
use crate::collected::Collected;

/// Beginnings that get a parser past its first check.
const STARTS: [&[u8]; 8] = [
    b"",
    b"MZ",
    b"\x7fELF\x02\x01\x01",
    b"\xcf\xfa\xed\xfe",
    b"\xca\xfe\xba\xbe\0\0\0\x04",
    b"\x1f\x8b\x08\0\0\0\0\0\0\x03",
    b"PK\x03\x04",
    b"<html><script>",
];

#[test]
fn no_type_belongs_to_two_formats() {
    for file_type in FileType::ALL {
        let count = FORMATS.iter().filter(|format| format.types.contains(file_type)).count();
        assert!(count <= 1, "{file_type}");
    }
}

proptest! {
    #[test]
    fn every_parser_stays_within_the_budget(
        format in 0..FORMATS.len(),
        start in 0..STARTS.len(),
        tail in prop::collection::vec(any::<u8>(), 0..2000),
        max_scan_size in 0..4000_u64,
        max_children in 0..8_u32,
    ) {
        let limits = Limits { max_scan_size, max_children, ..Limits::default() };
        let bytes = [STARTS[start], &tail].concat();
        for &file_type in FORMATS[format].types {
            let found = Collected::with_limits(file_type, &bytes, limits);
            prop_assert!(found.budget.bytes() <= max_scan_size);
            prop_assert!(found.children.len() <= max_children as usize + 1);
        }
    }
}
