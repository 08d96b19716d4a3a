//! Whether a loader would take a program at all. What ClamAV calls broken was settled by running clamscan on a small
//! program with each field of its headers changed.
//!
//! Sections must stand in memory one behind another without a gap, from where the headers end; and the program must
//! begin at bytes that are in the file. That other sections reach outside of the file is not broken, and neither is a file
//! that is cut in front of its headers or within the list of directories.

use crate::reader::{Reader, clipped};

/// More sections than any loader takes.
const MOST_SECTIONS: u16 = 96;
/// What the section and the file alignment are multiples of.
const PAGE: u64 = 0x1000;
const SECTOR: u64 = 0x200;
/// Length of the directories in the optional header.
const DIRECTORIES: u64 = 128;
/// Sizes from here on are below zero for a loader.
const NEGATIVE: u64 = 0x8000_0000;

/// Whether the headers of `bytes` contradict themselves; `entry` is where in the file the address of the entry point is
/// found.
pub(super) fn is_broken(bytes: &[u8], entry: impl FnOnce(u32) -> Option<u64>) -> bool {
    check(bytes, entry).unwrap_or(false)
}

/// `None` where there is not enough of a header to say.
fn check(bytes: &[u8], entry: impl FnOnce(u32) -> Option<u64>) -> Option<bool> {
    let start = Reader::little(bytes);
    let header = u64::from(start.at(0x3c)?.u32()?);
    let mut file_header = start.at(header)?;
    if file_header.take(4)? != b"PE\0\0" {
        return None;
    }
    file_header.skip(2)?;
    let count = file_header.u16()?;
    file_header.skip(12)?;
    let optional_size = u64::from(file_header.u16()?);
    file_header.skip(2)?;
    let optional = clipped(bytes, header.checked_add(24)?, u64::MAX);
    let number = |offset: u64| Reader::little(optional).at(offset).and_then(|mut reader| reader.u32());
    let is_64_bit = Reader::little(optional).u16() == Some(0x20b);
    let standard: u64 = if is_64_bit { 112 } else { 96 };
    let there = u64::try_from(optional.len()).ok()?;
    if !(1..=MOST_SECTIONS).contains(&count)
        || optional_size < standard.saturating_add(DIRECTORIES)
        || there < standard
    {
        return Some(true);
    }
    if there < standard.saturating_add(DIRECTORIES) {
        return None;
    }
    let (section_alignment, file_alignment) = (u64::from(number(32)?), u64::from(number(36)?));
    let is_multiple = |value: u64, of: u64| value > 0 && value.is_multiple_of(of);
    if !is_multiple(section_alignment, PAGE) || !is_multiple(file_alignment, SECTOR) {
        return Some(true);
    }
    let up = |value: u64| value.checked_next_multiple_of(section_alignment).unwrap_or(u64::MAX);
    let mut next = up(u64::from(number(60)?));
    let mut table = Reader::little(optional).at(optional_size);
    for _ in 0..count {
        let row = table.as_mut().and_then(|table| {
            table.skip(8)?;
            let row = (u64::from(table.u32()?), u64::from(table.u32()?), u64::from(table.u32()?));
            table.skip(20)?;
            Some(row)
        });
        let Some((virtual_size, address, raw_size)) = row else { return Some(true) };
        if address != next || virtual_size >= NEGATIVE || raw_size >= NEGATIVE {
            return Some(true);
        }
        let size = if virtual_size == 0 { raw_size } else { virtual_size };
        next = address.saturating_add(up(size));
    }
    let length = u64::try_from(bytes.len()).ok()?;
    Some(entry(number(16)?).is_none_or(|offset| offset >= length))
}

#[cfg(test)]
mod tests {
    use candor_model::{Anomaly, FileType};

    use crate::collected::Collected;

    /// A program of two sections, with what is changed.
    struct Program {
        is_64_bit: bool,
        /// Numbers in the optional header, by their place.
        numbers: Vec<(usize, u32)>,
        count: u16,
        optional_size: Option<u16>,
        /// Size in memory, address, size and place in the file.
        sections: [[u32; 4]; 2],
        length: usize,
    }

    impl Program {
        fn new(is_64_bit: bool) -> Self {
            let sections = [[0x1000, 0x1000, 0x200, 0x400], [0x1000, 0x2000, 0x200, 0x600]];
            Self { is_64_bit, numbers: Vec::new(), count: 2, optional_size: None, sections, length: 0x800 }
        }

        fn build(&self) -> Vec<u8> {
            let mut file = vec![0; 0x8000];
            let mut put = |at: usize, bytes: &[u8]| file[at..at + bytes.len()].copy_from_slice(bytes);
            let whole: u16 = if self.is_64_bit { 240 } else { 224 };
            let size = self.optional_size.unwrap_or(whole);
            put(0, b"MZ");
            put(0x3c, &[0x80]);
            put(0x80, b"PE\0\0\x4c\x01");
            put(0x86, &self.count.to_le_bytes());
            put(0x94, &size.to_le_bytes());
            put(0x98, if self.is_64_bit { b"\x0b\x02" } else { b"\x0b\x01" });
            let usual = [(16, 0x1000), (32, 0x1000), (36, 0x200), (60, 0x400)];
            for (place, number) in usual.iter().chain(&self.numbers) {
                put(0x98 + place, &number.to_le_bytes());
            }
            for (row, section) in self.sections.iter().enumerate() {
                let at = 0x98 + usize::from(size) + 40 * row;
                for (column, number) in section.iter().enumerate().filter(|_| at < 0x4000) {
                    put(at + 8 + 4 * column, &number.to_le_bytes());
                }
            }
            file.truncate(self.length);
            file
        }

        fn is_broken(&self) -> bool {
            let found = Collected::of(FileType::MsExe, &self.build()).anomalies;
            assert!(found.is_empty() || found == [Anomaly::BrokenExecutable]);
            !found.is_empty()
        }
    }

    fn with_number(is_64_bit: bool, place: usize, number: u32) -> bool {
        Program { numbers: vec![(place, number)], ..Program::new(is_64_bit) }.is_broken()
    }

    /// Whether it is broken when a number of one of the sections is another.
    fn with_section(is_64_bit: bool, section: usize, column: usize, number: u32) -> bool {
        let mut program = Program::new(is_64_bit);
        program.sections[section][column] = number;
        program.is_broken()
    }

    #[test]
    fn a_program_is_broken_when_clamscan_says_so() {
        for is_64_bit in [false, true] {
            let broken = |place: usize, numbers: &[u32]| {
                numbers.iter().all(|number| with_number(is_64_bit, place, *number))
            };
            let sound = |place: usize, numbers: &[u32]| {
                numbers.iter().all(|number| !with_number(is_64_bit, place, *number))
            };
            assert!(!Program::new(is_64_bit).is_broken());
            // The entry point.
            assert!(sound(16, &[0, 1, 0x3ff, 0x400, 0x7ff, 0x1000, 0x2000]));
            assert!(broken(16, &[0x800, 0xfff, 0x17ff, 0x1fff, 0x2fff, 0x3000, 0x7fff_ffff]));
            // The alignments, and how long the headers are.
            assert!(broken(32, &[0, 1, 0x10, 0x200, 0x1001, 0x2000, 0x1_0000]));
            assert!(sound(36, &[0x200, 0x400, 0x1000, 0x4000, 0x1_0000]));
            assert!(broken(36, &[0, 1, 0x10, 0x100, 0x201, 0x300, 0x1001]));
            assert!(sound(60, &[0x100, 0x1000]) && broken(60, &[0, u32::MAX]));
            // Directories.
            assert!(sound(if is_64_bit { 108 } else { 92 }, &[0, 1, 16, 100, u32::MAX]));
            for (count, expected) in [(0, true), (1, false), (2, false), (3, true), (97, true)] {
                assert_eq!(Program { count, ..Program::new(is_64_bit) }.is_broken(), expected, "{count}");
            }
            let whole = if is_64_bit { 240 } else { 224 };
            for (size, expected) in
                [(0, true), (1, true), (whole - 1, true), (whole, false), (300, false), (u16::MAX, true)]
            {
                let program = Program { optional_size: Some(size), ..Program::new(is_64_bit) };
                assert_eq!(program.is_broken(), expected, "{size}");
            }
        }
    }

    #[test]
    fn sections_stand_one_behind_another_and_the_others_may_reach_outside() {
        for is_64_bit in [false, true] {
            let all = |section: usize, column: usize, numbers: &[u32], expected: bool| {
                for number in numbers {
                    let found = with_section(is_64_bit, section, column, *number);
                    assert_eq!(found, expected, "{section} {column} {number:x}");
                }
            };
            all(0, 0, &[0, 1, 0x200, 0xfff], false);
            all(0, 0, &[0x1001, 0x2000, 0x7fff_ffff, 0x8000_0000, u32::MAX], true);
            all(1, 0, &[0, 1, 0x1001, 0x7fff_ffff], false);
            all(1, 0, &[0x8000_0000, u32::MAX], true);
            for section in [0, 1] {
                all(section, 1, &[0, 1, 0x200, 0x1001, 0x3000, 0x7fff_f000, 0xffff_f000], true);
                all(section, 2, &[1, 0x1ff, 0x201, 0x600, 0x7fff_ffff], false);
                all(section, 2, &[0x8000_0000, u32::MAX], true);
            }
            all(0, 2, &[0], true);
            all(1, 2, &[0], false);
            all(0, 3, &[0, 1, 0x200, 0x401, 0x7ff], false);
            all(0, 3, &[0x800, 0x1000, 0x7fff_ffff], true);
            all(1, 3, &[0, 0x401, 0x800, 0x7fff_ffff, u32::MAX], false);
        }
    }

    #[test]
    fn where_a_program_is_cut_decides() {
        for (is_64_bit, cuts) in [
            (false, [0x97, 0x98, 0xf7, 0xf8, 0x177, 0x178, 0x1c7, 0x400, 0x401]),
            (true, [0x97, 0x98, 0x107, 0x108, 0x187, 0x188, 0x1d7, 0x400, 0x401]),
        ] {
            let expected = [false, true, true, false, false, true, true, true, false];
            for (length, expected) in cuts.into_iter().zip(expected) {
                let program = Program { length, ..Program::new(is_64_bit) };
                assert_eq!(program.is_broken(), expected, "{is_64_bit} {length:x}");
            }
        }
    }
}
