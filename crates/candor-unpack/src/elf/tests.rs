//! Files built field by field; expectations settled by offset signatures in clamscan.

use candor_model::{Anomaly, ChildKind, Executable, FileType};
use proptest::prelude::*;

use crate::collected::Collected;

/// Type, offset, address, size in memory.
type Segment = (u32, u64, u64, u64);
/// Name, type, address, offset, size.
type Row = (u32, u64, u64, u64);

struct Builder {
    is_64_bit: bool,
    is_big: bool,
    entry: u64,
    segments: Vec<Segment>,
    sections: Vec<Row>,
}

impl Builder {
    fn new() -> Self {
        Self {
            is_64_bit: true,
            is_big: false,
            entry: 0x40_0510,
            segments: vec![(1, 0, 0x40_0000, 0x1000)],
            sections: vec![
                (0, 0, 0, 0),
                (1, 0x40_0500, 0x500, 0x100),
                (7, 0x40_0700, 0x700, 0x200),
                (1, 0, 0xf00, 16),
            ],
        }
    }

    fn build(&self) -> Vec<u8> {
        let half = |value: u16| if self.is_big { value.to_be_bytes() } else { value.to_le_bytes() };
        let long = |value: u32| if self.is_big { value.to_be_bytes() } else { value.to_le_bytes() };
        let word = |value: u64| -> Vec<u8> {
            match (self.is_64_bit, self.is_big) {
                (true, true) => value.to_be_bytes().to_vec(),
                (true, false) => value.to_le_bytes().to_vec(),
                (false, _) => long(value as u32).to_vec(),
            }
        };
        let mut file = b"\x7fELF".to_vec();
        file.extend_from_slice(&[1 + u8::from(self.is_64_bit), 1 + u8::from(self.is_big), 1]);
        file.resize(16, 0);
        file.extend(half(2).into_iter().chain(half(62)).chain(long(1)));
        file.extend(word(self.entry));
        let header: u16 = if self.is_64_bit { 64 } else { 52 };
        file.extend(word(u64::from(header)));
        file.extend(word(0x200));
        file.extend(long(0));
        let (segment, section) = if self.is_64_bit { (56, 64) } else { (32, 40) };
        for value in [header, segment, self.segments.len() as u16, section, self.sections.len() as u16, 3] {
            file.extend(half(value));
        }
        for &(kind, offset, address, size) in &self.segments {
            file.extend(long(kind));
            if self.is_64_bit {
                file.extend(long(5));
            }
            for value in [offset, address, address, size, size] {
                file.extend(word(value));
            }
            file.extend(if self.is_64_bit { word(0) } else { [long(5), long(0)].concat() });
        }
        file.resize(0x200, 0);
        for &(name, address, offset, size) in &self.sections {
            file.extend(long(name).into_iter().chain(long(1)));
            for value in [0, address, offset, size] {
                file.extend(word(value));
            }
            file.extend(long(0).into_iter().chain(long(0)));
            file.extend(word(0).into_iter().chain(word(0)));
        }
        file.resize(0x1000, 0);
        file[0xf00..0xf0d].copy_from_slice(b"\0.text\0.data\0");
        file
    }

    fn executable(&self) -> Executable {
        Collected::of(FileType::Elf, &self.build()).facts.unwrap().executable.unwrap()
    }
}

#[test]
fn every_class_and_order_is_read() {
    for (is_64_bit, is_big) in [(true, false), (true, true), (false, false), (false, true)] {
        let found = Builder { is_64_bit, is_big, ..Builder::new() }.executable();
        assert_eq!(found.is_64_bit, is_64_bit);
        assert_eq!(found.entry_point, Some(0x510));
        let raw: Vec<_> =
            found.sections.iter().map(|section| (section.raw_offset, section.raw_size)).collect();
        assert_eq!(raw, [(0, 0), (0x500, 0x100), (0x700, 0x200), (0xf00, 16)]);
        assert_eq!(found.sections[1].name, b".text");
        assert_eq!(found.sections[2].name, b".data");
    }
}

#[track_caller]
fn check_entry(entry: u64, segments: &[Segment], expected: Option<u64>) {
    let builder = Builder { entry, segments: segments.to_vec(), ..Builder::new() };
    assert_eq!(builder.executable().entry_point, expected);
}

#[test]
fn the_first_program_header_maps_the_entry_point() {
    let whole = (1, 0, 0x40_0000, 0x1000);
    check_entry(0x90_0000, &[whole], None);
    check_entry(0, &[whole], Some(0));
    check_entry(0x40_0510, &[], Some(0));
    check_entry(0x40_0510, &[(6, 0x100, 0x40_0000, 0x800), whole], Some(0x610));
    check_entry(0x40_0510, &[(1, 0x5000, 0x40_0000, 0x1000)], None);
    check_entry(0x40_1010, &[(1, u64::MAX - 15, 0x40_0000, 0x2000)], None);
}

#[test]
fn sections_end_where_the_file_ends() {
    let sections = vec![(0, 0, 0xf00, 0x1000), (0, 0, u64::MAX, u64::MAX)];
    let found = Builder { sections, ..Builder::new() }.executable().sections;
    assert_eq!((found[0].raw_offset, found[0].raw_size), (0xf00, 0x100));
    assert_eq!(found[1].raw_size, 0);
}

#[test]
fn a_cut_table_keeps_its_beginning() {
    let mut file = Builder::new().build();
    file.truncate(0x200 + 64 * 2 + 10);
    let found = Collected::of(FileType::Elf, &file).facts.unwrap().executable.unwrap();
    assert_eq!(found.sections.len(), 2);
}

#[test]
fn unknown_classes_have_no_facts() {
    let mut file = Builder::new().build();
    file[4] = 3;
    assert_eq!(Collected::of(FileType::Elf, &file).facts, None);
}

/// Whether it counts as broken; expectations are clamscan's.
fn is_broken(file: &[u8]) -> bool {
    let found = Collected::of(FileType::Elf, file).anomalies;
    assert!(found.is_empty() || found == [Anomaly::BrokenExecutable]);
    !found.is_empty()
}

#[test]
fn a_file_is_broken_when_its_tables_are() {
    for (is_64_bit, is_big) in [(true, false), (true, true), (false, false), (false, true)] {
        let builder = || Builder { is_64_bit, is_big, ..Builder::new() };
        assert!(!is_broken(&builder().build()));
        // Where in the header the lengths and counts of rows stand, and their right lengths.
        let at = if is_64_bit { [54_usize, 56, 58, 60] } else { [42, 44, 46, 48] };
        let (segment, section) = if is_64_bit { (56, 64) } else { (32, 40) };
        let with = |place: usize, value: u16| {
            let mut file = builder().build();
            file.resize(0x8000, 0);
            file[place..place + 2].copy_from_slice(&if is_big {
                value.to_be_bytes()
            } else {
                value.to_le_bytes()
            });
            is_broken(&file)
        };
        for other in [0, 1, 31, 39, 41, 55, 57, 63, 65] {
            assert!(with(at[0], other) && with(at[2], other), "{other}");
        }
        assert!(!with(at[0], segment) && !with(at[2], section));
        assert!(!with(at[1], 128) && with(at[1], 129) && !with(at[1], 0));
        assert!(!with(at[3], 256) && with(at[3], 2048) && !with(at[3], 2049) && !with(at[3], 0));
        assert!(!is_broken(&Builder { entry: 0, ..builder() }.build()));
        assert!(is_broken(&Builder { entry: 0x90_0000, ..builder() }.build()));
        assert!(!is_broken(&Builder { entry: 0x90_0000, segments: Vec::new(), ..builder() }.build()));
        assert!(!is_broken(&Builder { segments: vec![(6, 0x5000, 0x40_0000, 0x1000)], ..builder() }.build()));
        let (header, table) = if is_64_bit { (64, 0x200 + 64 * 4) } else { (52, 0x200 + 40 * 4) };
        let file = builder().build();
        for (length, expected) in
            [(table, false), (table - 1, true), (header, true), (header - 13, false), (20, false)]
        {
            assert_eq!(is_broken(&file[..length]), expected, "{length}");
        }
        let mut other = file.clone();
        other[4] = 9;
        assert!(is_broken(&other));
    }
}

proptest! {
    #[test]
    fn damage_never_makes_sections_leave_the_file(
        changes in prop::collection::vec((0..0x300_usize, any::<u8>()), 0..30),
        length in 0..0x1000_usize,
        is_64_bit: bool,
    ) {
        let mut file = Builder { is_64_bit, ..Builder::new() }.build();
        for (at, value) in changes {
            file[at] = value;
        }
        file.truncate(length);
        if let Some(facts) = Collected::of(FileType::Elf, &file).facts {
            for section in facts.executable.unwrap().sections {
                prop_assert!(section.raw_size == 0 || section.raw_offset + section.raw_size <= length as u64);
            }
        }
    }
}

#[test]
fn what_stands_behind_the_last_segment_section_and_table_is_given() {
    let behind = candor_fixtures::stream::gzip(b"what no magic is looked for of");
    for (is_64_bit, is_big) in [(true, false), (true, true), (false, false), (false, true)] {
        let builder = |segments: &[Segment], size: u64| {
            let mut builder = Builder { is_64_bit, is_big, segments: segments.to_vec(), ..Builder::new() };
            builder.sections.push((1, 0, 0xf00, size));
            builder
        };
        let row = if is_64_bit { 64 } else { 40 };
        for (segments, size, end) in [
            (&[(1, 0, 0x40_0000, 0x1000), (4, 0x100, 0, 0x100)][..], 0, 0x1000),
            (&[], 0x40, 0xf40),
            // What begins as zeros in memory is nothing in the file.
            (&[], u64::MAX, 0xf10),
        ] {
            let mut file = builder(segments, size).build();
            if size == u64::MAX {
                let kind = 0x200 + row * 4 + 4;
                file[kind..kind + 4].copy_from_slice(&if is_big { [0, 0, 0, 8] } else { [8, 0, 0, 0] });
            }
            file.truncate(end);
            assert_eq!(Collected::of(FileType::Elf, &file).details, [], "{end}");
            file.extend(&behind);
            let found = Collected::of(FileType::Elf, &file);
            let offset = end as u64;
            assert_eq!(found.children.len(), 1, "{end}");
            assert_eq!(found.children[0].kind, ChildKind::Embedded { offset });
            assert_eq!(found.children[0].bytes, behind);
            let detail = ("overlay", format!("{} bytes at offset {offset}", behind.len()));
            assert_eq!(found.details, [detail]);
        }
        // A section table behind everything else.
        let mut file = Builder { is_64_bit, is_big, ..builder(&[], 0) }.build();
        let (table, moved) = (file[0x200..0x200 + row * 5].to_vec(), 0x2000_u64);
        let place = if is_64_bit { 40 } else { 32 };
        let place = if is_big { place + if is_64_bit { 6 } else { 2 } } else { place };
        file[place..place + 2].copy_from_slice(&if is_big { [0x20, 0] } else { [0, 0x20] });
        file.resize(moved as usize, 0);
        file.extend(table);
        assert!(Collected::of(FileType::Elf, &file).children.is_empty());
        file.extend(&behind);
        assert_eq!(Collected::of(FileType::Elf, &file).children[0].bytes, behind);
    }
}

#[test]
fn what_is_found_by_its_magic_anyway_is_given_once() {
    let zip =
        candor_fixtures::zip_methods::archive(&[candor_fixtures::zip_methods::pack("a", b"content", 8)]);
    let arj = candor_fixtures::archive::arj(&[("a", 0, b"content".to_vec(), 7)]);
    for archive in [zip, arj] {
        let found = Collected::of(FileType::Elf, &[Builder::new().build(), archive.clone()].concat());
        assert_eq!((found.children.len(), &found.children[0].bytes), (1, &archive));
        assert_eq!(found.details.len(), 1);
        let found =
            Collected::of(FileType::Elf, &[&Builder::new().build(), &[0; 3000][..], &archive].concat());
        assert_eq!((found.children.len(), &found.children[0].bytes), (1, &archive));
    }
    // Zeros are nothing.
    assert!(
        Collected::of(FileType::Elf, &[Builder::new().build(), vec![0; 99]].concat()).children.is_empty()
    );
}
