//! What every parser promises, whatever it is given: it returns, and it stays within the budget.

use candor_fixtures::executable::Executable;
use candor_fixtures::installer::{Nsis, installshield_with_cabinet, nsis, sis};
use candor_fixtures::volume::{SquashFs, exfat, ext, fat, ntfs, squashfs, udf};
use candor_fixtures::wim::{Wim, wim};
use candor_fixtures::{archive, container};
use candor_model::{FileType, Limits, Reason};
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

#[test]
fn every_entry_of_a_table_is_paid_for() {
    let files: &[(&str, &[u8])] = &[("folder/a", b"content"), ("b", &[7; 5000])];
    for (file_type, bytes) in [
        (FileType::Ext, ext(true, files)),
        (FileType::Ext, ext(false, files)),
        (FileType::Fat, fat(12, files)),
        (FileType::Fat, fat(32, files)),
        (FileType::Fat, exfat(files)),
        (FileType::Iso9660, archive::iso(files)),
        (FileType::Udf, udf(false, files)),
        (FileType::Ntfs, ntfs(files)),
        (FileType::PartHfsPlus, container::hfs(b"content")),
        (FileType::SquashFs, squashfs(SquashFs::Gzip, files)),
        (FileType::Wim, wim(Wim::Stored, files)),
        (FileType::Sis, sis(files)),
        (FileType::IshieldMsi, installshield_with_cabinet(5, files)),
        (FileType::IshieldMsi, installshield_with_cabinet(9, files)),
        (FileType::Nulsft, nsis(Nsis::Stored, false, files)),
        (FileType::MsExe, Executable::of_company("A company")),
    ] {
        let found = Collected::of(file_type, &bytes);
        assert_eq!(found.incomplete, [], "{file_type}");
        let price = Collected::work_of(file_type, &bytes);
        assert!((1..100_000).contains(&price), "{file_type} {price}");
        assert!(Collected::without_work(file_type, &bytes).incomplete.contains(&Reason::Work), "{file_type}");
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
