//! Archives built record by record, honest ones first.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};

use candor_fixtures::stream;
use candor_fixtures::zip_methods::{self as methods, METHODS, pack};
use candor_model::{Anomaly, FileType, Limits, Reason};
use flate2::Compression;
use flate2::write::DeflateEncoder;
use proptest::prelude::*;

use crate::bits::Stepped;
use crate::collected::{Child, Collected, survives_damage};
use crate::ppmd;

#[derive(Clone)]
struct Entry {
    name: &'static str,
    flags: u16,
    method: u16,
    data: Vec<u8>,
    real: usize,
    crc32: u32,
    /// Whether the local header leaves sizes to a descriptor.
    has_descriptor: bool,
    is_listed: bool,
    is_wide: bool,
}

fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum()
}

fn stored(name: &'static str, data: &[u8]) -> Entry {
    Entry {
        name,
        flags: 0,
        method: 0,
        data: data.to_vec(),
        real: data.len(),
        crc32: crc32(data),
        has_descriptor: false,
        is_listed: true,
        is_wide: false,
    }
}

fn deflated(name: &'static str, data: &[u8]) -> Entry {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(data).unwrap();
    Entry { method: 8, data: encoder.finish().unwrap(), ..stored(name, data) }
}

impl Entry {
    /// The part that both headers share.
    fn common(&self, sizes: bool) -> Vec<u8> {
        let mut header = Vec::new();
        let flags = self.flags | if self.has_descriptor { 8 } else { 0 };
        for value in [flags, self.method, 0, 0] {
            header.extend(value.to_le_bytes());
        }
        let (compressed, real) = match (sizes, self.is_wide) {
            (false, _) => (0, 0),
            (true, false) => (self.data.len() as u32, self.real as u32),
            (true, true) => (u32::MAX, u32::MAX),
        };
        for value in [if sizes { self.crc32 } else { 0 }, compressed, real] {
            header.extend(value.to_le_bytes());
        }
        header.extend((self.name.len() as u16).to_le_bytes());
        header
    }

    fn extra(&self) -> Vec<u8> {
        if !self.is_wide {
            return Vec::new();
        }
        let mut extra = vec![1, 0, 16, 0];
        extra.extend((self.real as u64).to_le_bytes());
        extra.extend((self.data.len() as u64).to_le_bytes());
        extra
    }

    fn local(&self) -> Vec<u8> {
        let extra = self.extra();
        let mut bytes = b"PK\x03\x04\x14\0".to_vec();
        bytes.extend(self.common(!self.has_descriptor));
        bytes.extend((extra.len() as u16).to_le_bytes());
        bytes.extend_from_slice(self.name.as_bytes());
        bytes.extend(extra);
        bytes.extend_from_slice(&self.data);
        if self.has_descriptor {
            bytes.extend_from_slice(b"PK\x07\x08");
            for value in [self.crc32, self.data.len() as u32, self.real as u32] {
                bytes.extend(value.to_le_bytes());
            }
        }
        bytes
    }

    fn central(&self, offset: usize) -> Vec<u8> {
        let extra = self.extra();
        let mut bytes = b"PK\x01\x02\x14\0\x14\0".to_vec();
        bytes.extend(self.common(true));
        bytes.extend((extra.len() as u16).to_le_bytes());
        bytes.extend([0; 10]);
        bytes.extend((offset as u32).to_le_bytes());
        bytes.extend_from_slice(self.name.as_bytes());
        bytes.extend(extra);
        bytes
    }
}

fn archive(entries: &[Entry]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut directory = Vec::new();
    for entry in entries {
        if entry.is_listed {
            directory.extend(entry.central(bytes.len()));
        }
        bytes.extend(entry.local());
    }
    finish(bytes, &directory)
}

fn finish(mut bytes: Vec<u8>, directory: &[u8]) -> Vec<u8> {
    let start = bytes.len() as u32;
    bytes.extend_from_slice(directory);
    bytes.extend_from_slice(b"PK\x05\x06\0\0\0\0\x01\0\x01\0");
    bytes.extend((directory.len() as u32).to_le_bytes());
    bytes.extend(start.to_le_bytes());
    bytes.extend([0, 0]);
    bytes
}

fn children(bytes: &[u8]) -> Vec<Child> {
    Collected::of(FileType::Zip, bytes).children
}

/// Names and contents.
fn shown(bytes: &[u8]) -> Vec<(String, String)> {
    children(bytes)
        .into_iter()
        .map(|child| (child.member.name, String::from_utf8_lossy(&child.bytes).into_owned()))
        .collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|&(name, content)| (name.to_owned(), content.to_owned())).collect()
}

#[test]
fn members_come_with_what_the_archive_says_of_them() {
    let found = children(&archive(&[stored("a", b"first"), deflated("dir/b", b"second second second")]));
    assert_eq!(found.len(), 2);
    assert_eq!(found[1].bytes, b"second second second");
    let member = &found[1].member;
    assert_eq!((member.name.as_str(), member.position, member.real_size), ("dir/b", 2, Some(20)));
    assert_eq!(
        (member.method, member.crc32, member.encrypted),
        (Some(8), Some(crc32(b"second second second")), false)
    );
    assert!(member.compressed_size < member.real_size);
}

#[test]
fn directories_are_members_too() {
    let found = children(&archive(&[stored("dir/", b""), stored("dir/a", b"x")]));
    let shown: Vec<_> =
        found.iter().map(|child| (child.member.name.as_str(), child.member.position)).collect();
    assert_eq!(shown, [("dir/", 1), ("dir/a", 2)]);
    assert!(found[0].bytes.is_empty());
}

#[test]
fn descriptors_and_wide_sizes_are_read() {
    let entries = [
        Entry { has_descriptor: true, ..deflated("a", b"late sizes") },
        Entry { is_wide: true, ..deflated("b", b"wide sizes") },
        Entry { has_descriptor: true, ..stored("c", b"late and stored") },
    ];
    let expected = pairs(&[("a", "late sizes"), ("b", "wide sizes"), ("c", "late and stored")]);
    assert_eq!(shown(&archive(&entries)), expected);
    let locals: Vec<u8> = entries.iter().flat_map(Entry::local).collect();
    assert_eq!(shown(&locals), expected);
}

#[test]
fn a_program_before_the_archive_moves_its_offsets() {
    let plain = archive(&[stored("a", b"content")]);
    let moved = [&b"program "[..], &plain].concat();
    assert_eq!(shown(&moved), pairs(&[("a", "content")]));
}

#[test]
fn members_that_no_row_lists_are_found() {
    let entries = [
        stored("a", b"listed"),
        Entry { is_listed: false, ..deflated("b", b"hidden") },
        stored("c", b"listed"),
        Entry { is_listed: false, ..stored("d", b"hidden too") },
    ];
    assert_eq!(
        shown(&archive(&entries)),
        pairs(&[("a", "listed"), ("c", "listed"), ("b", "hidden"), ("d", "hidden too")])
    );
}

#[test]
fn an_archive_in_an_archive_is_not_opened_twice() {
    let inner = archive(&[stored("inner", b"x")]);
    let found = children(&archive(&[stored("outer", &inner)]));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].bytes, inner);
    let headers_alone = stored("inner", b"x").local();
    assert_eq!(children(&stored("outer", &headers_alone).local()).len(), 1);
}

#[test]
fn a_header_that_contradicts_its_row_is_opened_both_ways() {
    let honest = stored("a", b"ABCDEFGH");
    let forged = Entry { data: b"ABCD".to_vec(), ..stored("a", b"ABCDEFGH") };
    let bytes = finish(honest.local(), &forged.central(0));
    assert_eq!(shown(&bytes), pairs(&[("a", "ABCD"), ("a", "ABCDEFGH")]));
}

#[test]
fn what_cannot_be_opened_is_said() {
    let locked = Entry { flags: 1, crc32: 7, ..stored("a", b"secret") };
    let odd = Entry { method: 97, ..stored("b", b"WavPack") };
    let found = children(&archive(&[locked, odd]));
    assert_eq!(found[0].absent, Some(Reason::Encrypted));
    assert!(found[0].member.encrypted);
    assert_eq!(found[1].absent, Some(Reason::Unsupported("ZIP compression method 97".to_owned())));
    let nowhere = finish(Vec::new(), &stored("c", b"gone").central(0x1000));
    assert!(matches!(children(&nowhere)[0].absent, Some(Reason::Malformed(_))));
}

#[test]
fn damaged_data_is_given_as_far_as_it_goes() {
    // Two bytes of the stream are missing.
    let mut entry = deflated("a", &(0..=255).collect::<Vec<u8>>());
    entry.data.truncate(entry.data.len() - 2);
    let found = children(&archive(&[entry, stored("b", b"after")]));
    assert!(found[0].bytes.starts_with(&[0, 1, 2, 3]));
    assert!(matches!(found[0].absent, Some(Reason::Malformed(_))));
    assert_eq!(found[1].bytes, b"after");
}

#[test]
fn a_member_whose_end_is_not_there_says_so_whatever_its_method() {
    let content: Vec<u8> = (0..300_u32).flat_map(|number| (number * number).to_le_bytes()).collect();
    for method in METHODS {
        let packed = pack("a", &content, method);
        let bytes = methods::archive(&[packed]);
        let end = memchr::memmem::find(&bytes, b"PK\x01\x02").unwrap();
        assert_eq!(children(&bytes)[0].absent, None, "{method}");
        for cut in [32, 34, 40, end / 2, end - 1] {
            let found = children(&bytes[..cut]);
            assert!(matches!(found[0].absent, Some(Reason::Malformed(_))), "{method}, cut at {cut} of {end}");
        }
    }
}

#[test]
fn names_of_any_encoding_stay_apart() {
    let mut bytes = archive(&[stored("caf?", b"x")]);
    for at in memchr::memmem::find_iter(&bytes.clone(), b"caf?") {
        bytes[at + 3] = 0xe9;
    }
    assert_eq!(children(&bytes)[0].member.name, "café");
}

#[test]
fn a_bomb_is_cut_by_the_budget() {
    let bytes = archive(&[deflated("a", &vec![0; 8 << 20]), stored("b", b"never reached")]);
    let limits = Limits { max_scan_size: 1 << 20, ..Limits::default() };
    let found = Collected::with_limits(FileType::Zip, &bytes, limits);
    assert_eq!(found.children[0].bytes.len(), 1 << 20);
    assert!(found.budget.bytes() <= 1 << 20);
}

#[test]
fn thousands_of_headers_without_sizes_take_no_squares() {
    let header = Entry { has_descriptor: true, ..stored("a", b"") }.local()[..31].to_vec();
    let bytes = header.repeat(30_000);
    let found = Collected::of(FileType::Zip, &bytes);
    assert!(found.children.len() > 9_000);
}

/// Text in which every byte occurs, also the escape of the reduced methods.
fn text() -> Vec<u8> {
    (0..2000_u32).flat_map(|line| [&line.to_be_bytes()[..], b" some text "].concat()).collect()
}

#[test]
fn every_method_gives_its_content() {
    for method in METHODS {
        for content in [b"x".to_vec(), text()] {
            let found = children(&methods::archive(&[pack("a", &content, method), pack("b", b"b", 0)]));
            assert_eq!(found[0].absent, None, "method {method}");
            assert!(found[0].bytes == content, "method {method}: {} bytes", found[0].bytes.len());
            assert_eq!(found[1].bytes, b"b");
        }
    }
}

/// Values of so many bits, least significant bit first.
fn bits(parts: impl IntoIterator<Item = (u32, usize)>) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut count = 0;
    for (value, width) in parts {
        for bit in 0..width {
            if count % 8 == 0 {
                bytes.push(0_u8);
            }
            bytes[count / 8] |= u8::from(value >> bit & 1 == 1) << (count % 8);
            count += 1;
        }
    }
    bytes
}

#[test]
fn copies_and_followers_of_the_old_methods_are_read() {
    // Implode: two literals, then a copy of 4 from 2 back. Both trees have 64 codes of 6 bits, given out
    // from the last symbol on: symbol 0 is 63, and 2 is 61, first bit highest.
    let tree = [(3, 8), (0xf5, 8), (0xf5, 8), (0xf5, 8), (0xf5, 8)];
    let mut parts = [tree, tree].concat();
    parts.extend([(1, 1), (97, 8), (1, 1), (98, 8), (0, 1), (1, 6), (0b11_1111, 6), (0b10_1111, 6)]);
    let imploded = methods::Packed { data: bits(parts), real: 6, ..pack("a", b"ababab", 6) };
    // Reduce with factor 1: `b` and `c` follow `a`; then an escape copies 3 from 3 back.
    let mut parts = vec![(0, 6); 158];
    parts.extend([(2, 6), (98, 8), (99, 8)]);
    parts.extend(vec![(0, 6); 97]);
    parts.extend([(97, 8), (0, 1), (1, 1), (97, 8), (0, 1), (0, 1), (144, 8)]);
    let mut reduced = bits(parts);
    // Length 0 from 3 back: the head is 0x00 for "a literal escape", so 4 bytes with head 1.
    reduced.extend([1, 3]);
    let reduced = methods::Packed { data: reduced, real: 8, ..pack("b", b"", 2) };
    let found = children(&methods::archive(&[imploded, reduced]));
    assert_eq!(String::from_utf8_lossy(&found[0].bytes), "ababab");
    assert_eq!(found[0].absent, None);
    assert!(found[1].bytes.starts_with(b"acab"), "{:?}", found[1].bytes);
}

#[test]
fn members_under_common_passwords_are_opened() {
    for method in [0, 8, 12] {
        let traditional = pack("a", &text(), method).with_traditional_encryption(b"infected");
        let aes = pack("b", &text(), method).with_aes(b"1234");
        let unknown = [
            pack("c", &text(), method).with_traditional_encryption(b"jkh43k5jh"),
            pack("d", &text(), method).with_aes(b"jkh43k5jh"),
        ];
        let found = children(&methods::archive(&[vec![traditional, aes], unknown.to_vec()].concat()));
        assert!(found[0].bytes == text() && found[0].member.encrypted);
        assert!(found[1].bytes == text() && found[1].member.encrypted);
        assert_eq!(found[2].absent, Some(Reason::Encrypted));
        assert_eq!(found[3].absent, Some(Reason::Encrypted));
    }
}

#[test]
fn what_is_only_said_to_be_encrypted_is_given() {
    let content = text();
    let plain = |method: u16| {
        let member = pack("a", &content, method);
        Entry { method, data: member.data, real: content.len(), crc32: crc32(&content), ..stored("a", b"") }
    };
    for method in [0, 8, 12] {
        for (local, central) in [(0, 1), (1, 1), (1, 0)] {
            let (first, second) =
                (Entry { flags: local, ..plain(method) }, Entry { flags: central, ..plain(method) });
            let found = Collected::of(FileType::Zip, &finish(first.local(), &second.central(0)));
            assert!(
                found.children.len() == 1 && found.children[0].bytes == content,
                "{method} {local} {central}"
            );
            assert_eq!((&found.children[0].absent, &found.incomplete[..]), (&None, &[][..]));
        }
    }
    // Android does not look at the checksum either, but what was stored could be anything.
    for (method, is_given) in [(0, false), (8, true)] {
        let entry = Entry { flags: 1, crc32: 7, ..plain(method) };
        let found = children(&archive(&[entry]));
        assert_eq!((found.len(), found[0].bytes == content), (1, is_given), "{method}");
    }
}

#[test]
fn what_stays_encrypted_costs_nothing_beside() {
    for method in [0, 8] {
        let locked = pack("a", &text(), method).with_aes(b"a long one");
        let paid = Collected::work_of(FileType::Zip, &methods::archive(&[locked]));
        assert!(paid < text().len() as u64 / 10, "{method} {paid}");
    }
}

#[test]
fn a_member_under_a_common_password_is_given_as_far_as_it_goes() {
    let content = text();
    for method in [0, 8] {
        let bytes = methods::archive(&[pack("a", &content, method).with_traditional_encryption(b"infected")]);
        for part in [4, 6, 8] {
            let found = Collected::of(FileType::Zip, &bytes[..bytes.len() / 10 * part]);
            let child = &found.children[0];
            assert!(!child.bytes.is_empty() && content.starts_with(&child.bytes), "{method} {part}");
            assert!(matches!(child.absent, Some(Reason::Malformed(_))), "{method} {part}");
        }
    }
}

#[test]
fn an_archive_without_its_directory_is_said_to_be_cut() {
    let entries = [stored("a", b"first"), deflated("b", b"second")];
    let locals: Vec<u8> = entries.iter().flat_map(Entry::local).collect();
    let found = Collected::of(FileType::Zip, &locals);
    assert_eq!(found.children.len(), 2);
    assert!(matches!(&found.incomplete[..], [Reason::Malformed(what)] if what.contains("cut short")));
    assert_eq!(Collected::of(FileType::Zip, &archive(&entries)).incomplete, []);
}

#[test]
fn a_wrong_checksum_is_said_behind_the_content() {
    let wrong = |entry: Entry| Entry { crc32: entry.crc32 ^ 1, ..entry };
    for entry in [stored("a", b"content"), deflated("a", b"content")] {
        for has_descriptor in [false, true] {
            let good = Entry { has_descriptor, ..entry.clone() };
            let found = children(&archive(&[good.clone(), stored("b", b"next")]));
            assert!(found.len() == 2 && found.iter().all(|child| child.absent.is_none()));
            let found = children(&archive(&[wrong(good.clone()), stored("b", b"next")]));
            assert_eq!((found.len(), &found[0].bytes[..]), (2, &b"content"[..]));
            assert_eq!(found[0].absent, Some(Reason::Malformed("the checksum is wrong".to_owned())));
            // A header that leaves the checksum to a descriptor does not say it.
            let found = children(&wrong(good).local());
            assert_eq!((&found[0].bytes[..], found[0].absent.is_none()), (&b"content"[..], has_descriptor));
        }
    }
}

#[test]
fn content_under_a_password_that_is_wrong_after_all_is_paid_for() {
    // The first byte of the checksum says that it is the password; the others do not.
    let mut member = pack("a", &vec![0; 1 << 20], 8).with_traditional_encryption(b"infected");
    member.crc32 ^= 1;
    let bytes = methods::archive(&[member]);
    let found = Collected::of(FileType::Zip, &bytes);
    assert_eq!(found.children[0].absent, Some(Reason::Encrypted));
    let whole =
        candor_model::Budget::new(Limits::default(), candor_model::Interrupt::new(), bytes.len() as u64);
    assert_eq!(whole.work() - found.budget.work(), 4 << 20);
}

#[test]
fn a_part_of_a_split_archive_says_so() {
    let mut bytes = archive(&[stored("a", b"content")]);
    let end = bytes.len() - 22;
    bytes[end + 4] = 1;
    let found = Collected::of(FileType::Zip, &bytes);
    assert_eq!(found.children[0].bytes, b"content");
    assert!(matches!(found.incomplete[0], Reason::Unsupported(_)));
    // The first part has the mark and no end; an archive that turned out to fit one part has another mark.
    let bytes = archive(&[stored("a", b"content")]);
    let part = |mark: &[u8]| [mark, &bytes[..bytes.len() - 22]].concat();
    let found = Collected::of(FileType::Zip, &part(b"PK\x07\x08"));
    assert!(found.incomplete.iter().any(|reason| matches!(reason, Reason::Unsupported(_))));
    let whole = Collected::of(FileType::Zip, &part(b"PK00"));
    assert_eq!(whole.incomplete, []);
}

#[test]
fn the_last_part_of_an_archive_that_was_cut_tells_what_it_does_not_hold() {
    let entries = [stored("a", b"first"), stored("b", b"second"), stored("c", b"third")];
    let bytes = archive(&entries);
    let elsewhere = Some(Reason::Unsupported("what another part of a ZIP archive holds".to_owned()));
    let told = |file_type, part: &[u8]| -> Vec<_> {
        let found = Collected::of(file_type, part);
        assert_eq!(found.incomplete, []);
        found.children.into_iter().map(|child| (child.member.name, child.bytes, child.absent)).collect()
    };
    let lengths: Vec<usize> = entries.iter().map(|entry| entry.local().len()).collect();
    let missing = |name: &str| (name.to_owned(), vec![], elsewhere.clone());
    let there = |name: &str, content: &[u8]| (name.to_owned(), content.to_vec(), None);
    // From a member on, and from within one.
    let part = &bytes[lengths[0]..];
    assert_eq!(told(FileType::Zip, part), [missing("a"), there("b", b"second"), there("c", b"third")]);
    survives_damage(FileType::Zip, part);
    let part = &bytes[lengths[0] + 3..];
    assert_eq!(told(FileType::Zip, part), [missing("a"), missing("b"), there("c", b"third")]);
    // One in which no member begins is known by nothing else; with a directory that is not whole it is one, too.
    let start = lengths.iter().sum::<usize>();
    for (from, names) in [(start - 2, &["a", "b", "c"][..]), (start + 3, &["b", "c"])] {
        let expected: Vec<_> = names.iter().map(|name| missing(name)).collect();
        assert_eq!(told(FileType::BinaryData, &bytes[from..]), expected);
        survives_damage(FileType::BinaryData, &bytes[from..]);
    }
    // Nothing is missing where the archive only counts from the start of the program in front of it, nor where the file is
    // something else behind whose end others stand.
    let mut locals = Vec::new();
    let mut directory = Vec::new();
    for entry in &entries {
        directory.extend(entry.central(1000 + locals.len()));
        locals.extend(entry.local());
    }
    let mut adjusted = finish(locals, &directory);
    let offset = adjusted.len() - 6;
    let moved = u32::from_le_bytes(adjusted[offset..offset + 4].try_into().unwrap()) + 1000;
    adjusted[offset..offset + 4].copy_from_slice(&moved.to_le_bytes());
    let expected = [there("a", b"first"), there("b", b"second"), there("c", b"third")];
    assert_eq!(told(FileType::Zip, &adjusted), expected);
    let is_last_part = |file_type| crate::zip::is_last_part(file_type, &bytes[start - 2..]);
    assert!(is_last_part(FileType::TextUtf16Be) && !is_last_part(FileType::Lnk));
}

#[test]
fn damage_to_any_method_is_survived() {
    for method in METHODS {
        survives_damage(FileType::Zip, &methods::archive(&[pack("a", &text()[..300], method)]));
    }
    survives_damage(FileType::Zip, &methods::archive(&[pack("a", b"text", 8).with_aes(b"infected")]));
}

proptest! {
    #[test]
    fn any_archive_gives_back_what_was_put_in(
        contents in prop::collection::vec((any::<bool>(), any::<bool>(), prop::collection::vec(any::<u8>(), 1..200)), 1..8),
        before in prop::collection::vec(any::<u8>(), 0..50),
    ) {
        let entries: Vec<Entry> = contents
            .iter()
            .map(|(packed, late, data)| Entry {
                has_descriptor: *late,
                ..if *packed { deflated("n", data) } else { stored("n", data) }
            })
            .collect();
        let found = children(&[before, archive(&entries)].concat());
        prop_assert!(found.len() >= contents.len());
        for (child, (_, _, data)) in found.iter().zip(&contents) {
            prop_assert_eq!(&child.bytes, data);
        }
    }

    #[test]
    fn damage_stays_within_the_budget(
        changes in prop::collection::vec((0..400_usize, any::<u8>()), 0..20),
        cut in 0..400_usize,
    ) {
        let mut bytes = archive(&[stored("a", b"first"), deflated("b", &[7; 3000]), Entry { has_descriptor: true, ..deflated("c", &[8; 50]) }]);
        for (at, value) in changes {
            if let Some(byte) = bytes.get_mut(at) {
                *byte = value;
            }
        }
        bytes.truncate(bytes.len().saturating_sub(cut));
        let limits = Limits { max_scan_size: 5000, ..Limits::default() };
        let found = Collected::with_limits(FileType::Zip, &bytes, limits);
        prop_assert!(found.budget.bytes() <= 5000);
    }
}

/// An archive of rows, each for a local header at an offset, behind `body`.
fn listed(rows: &[(u32, u32)], body: &[u8]) -> Vec<u8> {
    let mut file = body.to_vec();
    for (offset, size) in rows {
        file.extend(b"PK\x01\x02\x14\0\x14\0\0\0\0\0\0\0\0\0\0\0\0\0");
        file.extend(size.to_le_bytes().repeat(2));
        file.extend([1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        file.extend(offset.to_le_bytes());
        file.push(b'a');
    }
    let directory = (file.len() - body.len()) as u32;
    file.extend(b"PK\x05\x06\0\0\0\0");
    file.extend((rows.len() as u16).to_le_bytes().repeat(2));
    file.extend(directory.to_le_bytes());
    file.extend((body.len() as u32).to_le_bytes());
    file.extend([0, 0]);
    file
}

/// So many local headers with 100 bytes behind each, which say that it is `size` bytes.
fn locals(count: usize, size: u32) -> Vec<u8> {
    let sizes = size.to_le_bytes().repeat(2);
    [b"PK\x03\x04\x14\0\0\0\0\0\0\0\0\0\0\0\0\0", &sizes[..], b"\x01\0\0\0a", &[b'x'; 100]]
        .concat()
        .repeat(count)
}

#[test]
fn members_that_lie_over_one_another_are_told_when_there_are_many() {
    let anomalies =
        |rows: &[(u32, u32)], body: &[u8]| Collected::of(FileType::Zip, &listed(rows, body)).anomalies;
    let each = 131;
    let rows = |count: u32, size: u32| (0..count).map(|row| (row * each, size)).collect::<Vec<_>>();
    // As the local headers say, and not the directory; the last one lies over nothing.
    assert_eq!(anomalies(&rows(7, 100), &locals(7, 150)), [Anomaly::OverlappingZip]);
    assert_eq!(anomalies(&rows(6, 100), &locals(6, 150)), []);
    assert_eq!(anomalies(&rows(10, 150), &locals(10, 100)), []);
    assert_eq!(anomalies(&rows(10, 100), &locals(10, 100)), []);
    assert_eq!(anomalies(&[(0, 100); 10], &locals(1, 100)), []);
}

#[test]
fn the_directory_is_found_however_many_ends_seem_to_be_there() {
    let rows: Vec<(u32, u32)> = (0..7).map(|row| (row * 131, 100)).collect();
    let decoys = [&b"PK\x05\x06"[..], &[0; 18]].concat().repeat(100);
    // Only the directory says that they lie over one another.
    let archive = [listed(&rows, &locals(7, 150)), decoys].concat();
    assert_eq!(Collected::of(FileType::Zip, &archive).anomalies, [Anomaly::OverlappingZip]);
}

#[test]
fn what_slow_decoders_give_is_paid_for() {
    let content = vec![0; 100_000];
    let archive = methods::archive(&[pack("a", &content, 98)]);
    let price = Collected::work_of(FileType::Zip, &archive);
    let found = Collected::with_work(FileType::Zip, &archive, price);
    assert_eq!((&found.children[0].bytes, &found.children[0].absent), (&content, &None));
    // As much as there is work for, and no more.
    let found = Collected::with_work(FileType::Zip, &archive, price - 1_000 * ppmd::DECODING);
    assert_eq!((found.children[0].bytes.len(), &found.children[0].absent), (99_000, &Some(Reason::Work)));
    assert_eq!(found.budget.work(), 0);
}

#[test]
fn streams_of_a_member_that_give_nothing_are_paid_for() {
    for (method, encode) in
        [(12, stream::bzip2 as fn(&[u8]) -> Vec<u8>), (93, stream::zstd), (95, stream::xz)]
    {
        let mut member = pack("a", b"firstlast", method);
        member.data = [encode(b"first"), encode(b"").repeat(100), encode(b"last")].concat();
        let archive = methods::archive(&[member]);
        let found = Collected::of(FileType::Zip, &archive);
        assert_eq!(
            (&found.children[0].bytes[..], &found.children[0].absent),
            (&b"firstlast"[..], &None),
            "{method}"
        );
        let found = Collected::with_work(FileType::Zip, &archive, 9);
        let given = (&found.children[0].bytes[..], &found.children[0].absent);
        assert_eq!(given, (&b"first"[..], &Some(Reason::Work)), "{method}");
    }
}

#[test]
fn streams_that_give_nothing_are_paid_for_under_a_password_that_is_wrong_after_all() {
    for (method, encode) in
        [(12, stream::bzip2 as fn(&[u8]) -> Vec<u8>), (93, stream::zstd), (95, stream::xz)]
    {
        let price = |count| {
            let mut member = pack("a", b"", method);
            member.data = encode(b"").repeat(count);
            let mut member = member.with_traditional_encryption(b"infected");
            member.crc32 ^= 1;
            Collected::work_of(FileType::Zip, &methods::archive(&[member]))
        };
        // The first of them are free.
        assert_eq!(price(16), 0, "{method}");
        assert_eq!(price(66), price(41) * 2, "{method}");
        assert!(price(41) > 0, "{method}");
    }
}

#[test]
fn memory_for_models_is_paid_for() {
    let content = vec![0; 20 << 10];
    let mut member = pack("a", &content, 98);
    // 256 MiB: they stand between the order and what is to be done when they are used up.
    member.data[0] |= 0xf0;
    member.data[1] |= 0x0f;
    let archive = methods::archive(&vec![member; 1_000]);
    let found = Collected::of(FileType::Zip, &archive);
    let (given, refused) =
        found.children.split_at(found.children.iter().position(|child| child.bytes.is_empty()).unwrap());
    assert!(given.len() > 10 && given.iter().all(|child| child.bytes == content && child.absent.is_none()));
    assert!(refused.len() > 100 && refused.iter().all(|child| child.absent == Some(Reason::Work)));
    // Small ones cost little.
    let found = Collected::of(FileType::Zip, &methods::archive(&vec![pack("a", &[0; 100], 98); 1_000]));
    assert!(found.children.len() == 1_000 && found.children.iter().all(|child| child.absent.is_none()));
}

/// Codes with a few commands among them, least significant bit first.
fn shrunk(codes: &[u16], width: usize) -> Vec<u8> {
    let widening = (9..width).flat_map(|width| [(256, width), (1, width)]);
    bits(widening.chain(codes.iter().map(|code| (u32::from(*code), width))))
}

/// What shrunk codes are by their description alone, whatever it costs; up to where there is an error.
fn by_description(codes: &[u16]) -> Vec<u8> {
    let mut table = vec![None::<(u16, u8)>; 1 << 13];
    let (mut next, mut previous, mut first, mut out) = (257, None::<u16>, 0, Vec::new());
    let string = |table: &[Option<(u16, u8)>], code: u16| {
        let (mut bytes, mut at) = (Vec::new(), code);
        while at > 255 {
            match table[usize::from(at)] {
                Some((parent, byte)) if bytes.len() < 1 << 13 => {
                    bytes.push(byte);
                    at = parent;
                }
                None if at == code => return Ok(None),
                _ => return Err(()),
            }
        }
        bytes.push(u8::try_from(at).unwrap());
        bytes.reverse();
        Ok(Some(bytes))
    };
    let mut codes = codes.iter();
    while let Some(&code) = codes.next() {
        if code == 256 {
            match codes.next() {
                Some(2) => {
                    let parents: BTreeSet<u16> = table.iter().flatten().map(|(parent, _)| *parent).collect();
                    for (code, entry) in table.iter_mut().enumerate() {
                        *entry = entry.filter(|_| parents.contains(&u16::try_from(code).unwrap()));
                    }
                    next = 257;
                    continue;
                }
                _ => return out,
            }
        }
        let bytes = match (string(&table, code), previous) {
            (Ok(Some(bytes)), _) => bytes,
            (Ok(None), Some(previous)) => match string(&table, previous) {
                Ok(bytes) => [bytes.unwrap_or_else(|| vec![first]), vec![first]].concat(),
                Err(()) => return out,
            },
            _ => return out,
        };
        first = bytes[0];
        if let Some(previous) = previous
            && let Some(free) = (next..1 << 13).find(|code| table[*code].is_none())
        {
            table[free] = Some((previous, first));
            next = free + 1;
        }
        previous = Some(code);
        out.extend(bytes);
    }
    out
}

proptest! {
    #[test]
    fn shrunk_codes_are_what_their_description_says(
        parts in prop::collection::vec(
            prop_oneof![
                6 => (0_u16..4).prop_map(|code| vec![code]),
                8 => (257_u16..300).prop_map(|code| vec![code]),
                2 => Just(vec![256, 2]),
            ],
            0..120,
        ),
    ) {
        let codes = parts.concat();
        let mut out = Vec::new();
        let data = shrunk(&codes, 13);
        let _ = Stepped::new(super::shrink::Shrink::new(&data)).read_to_end(&mut out);
        prop_assert_eq!(out, by_description(&codes));
    }
}

#[test]
fn clearing_again_and_again_costs_what_was_put_in_since() {
    // A chain of 2,000 codes, of which each clearing frees the last and one code makes it anew.
    let chain: Vec<u16> = std::iter::once(0).chain(257..2_257).collect();
    let clearing = [256, 2, 0].repeat(200_000);
    let mut out = Vec::new();
    let data = shrunk(&[chain, clearing].concat(), 13);
    // Only the length of the member says where it ends.
    let _ = Stepped::new(super::shrink::Shrink::new(&data)).read_to_end(&mut out);
    assert_eq!(out.len(), (1..=2_001).sum::<usize>() + 200_000);
    // One that leads into itself is none.
    let data = shrunk(&[[0, 257, 256, 2, 257, 258].as_slice(), &[257].repeat(100_000)].concat(), 13);
    out.clear();
    assert!(Stepped::new(super::shrink::Shrink::new(&data)).read_to_end(&mut out).is_err());
    assert!(out.len() < 10, "{}", out.len());
}

#[test]
fn a_manifest_tells_that_the_members_of_a_document_are_encrypted() {
    let manifest = |entry: &str, method| {
        let text =
            format!("<manifest:file-entry manifest:full-path=\"content.xml\">{entry}</manifest:file-entry>");
        let archive = methods::archive(&[
            pack("content.xml", b"not to be read", 0),
            pack("META-INF/manifest.xml", text.as_bytes(), method),
        ]);
        let found = Collected::of(FileType::Zip, &archive);
        assert_eq!(found.incomplete, []);
        let told = found.children.into_iter().skip(2).map(|child| (child.member.name, child.absent.unwrap()));
        told.collect::<Vec<_>>()
    };
    for method in [0, 8] {
        assert_eq!(manifest("", method), []);
        let entry = "<manifest:encryption-data manifest:checksum=\"a\"/>";
        assert_eq!(manifest(entry, method), [("content.xml".to_owned(), Reason::Encrypted)]);
        let entry =
            "<manifest:encryption-data><manifest:algorithm manifest:algorithm-name=\"Blowfish CFB\"/>";
        let reason = Reason::Unsupported("a document that is encrypted with Blowfish CFB".to_owned());
        assert_eq!(manifest(entry, method), [("content.xml".to_owned(), reason)]);
    }
    // A member that is not there was not looked at.
    let text = b"<a:file-entry a:full-path='b'><a:encryption-data/></a:file-entry>";
    let found = Collected::of(FileType::Zip, &methods::archive(&[pack("META-INF/manifest.xml", text, 8)]));
    assert_eq!(found.incomplete, [Reason::Encrypted]);
}

/// A document whose members are encrypted as `OpenOffice` does, under its hash of this password.
fn document(password: &[u8], members: &[(&str, &[u8])]) -> Vec<u8> {
    use aes::cipher::{BlockCipherEncrypt as _, KeyInit as _};
    let (mut manifest, mut packed) = (String::from("<manifest:manifest>"), Vec::new());
    for (number, (name, content)) in (1_u8..).zip(members) {
        let (salt, vector) = ([number; 16], [!number; 16]);
        let mut key = [0; 32];
        pbkdf2::pbkdf2_hmac::<sha1::Sha1>(&crate::hash::Hash::Sha256.of(&[password]), &salt, 1024, &mut key);
        let mut data = stream::deflate(content);
        let sum = crate::hash::Hash::Sha256.of(&[&data[..data.len().min(1024)]]);
        let more = 16 - data.len() % 16;
        data.resize(data.len() + more, more as u8);
        let cipher = aes::Aes256::new_from_slice(&key).unwrap();
        let mut last = vector;
        for block in data.as_chunks_mut::<16>().0 {
            block.iter_mut().zip(last).for_each(|(byte, before)| *byte ^= before);
            let mut secret = aes::Block::from(*block);
            cipher.encrypt_block(&mut secret);
            last = secret.into();
            *block = last;
        }
        let base64 = candor_fixtures::container::base64;
        let escaped = name.replace('&', "&amp;");
        manifest += &format!(
            "<manifest:file-entry manifest:full-path=\"{escaped}\" manifest:size=\"{}\"><manifest:encryption-data \
             manifest:checksum-type=\"urn:x#sha256-1k\" manifest:checksum=\"{}\"><manifest:algorithm \
             manifest:algorithm-name=\"http://www.w3.org/2001/04/xmlenc#aes256-cbc\" \
             manifest:initialisation-vector=\"{}\"/><manifest:key-derivation manifest:key-derivation-name=\"PBKDF2\" \
             manifest:key-size=\"32\" manifest:iteration-count=\"1024\" manifest:salt=\"{}\"/>\
             <manifest:start-key-generation manifest:key-size=\"32\" \
             manifest:start-key-generation-name=\"http://www.w3.org/2000/09/xmldsig#sha256\"/>\
             </manifest:encryption-data></manifest:file-entry>",
            content.len(),
            base64(&sum),
            base64(&vector),
            base64(&salt),
        );
        packed.push(pack(name, &data, 0));
    }
    packed.push(pack("META-INF/manifest.xml", manifest.as_bytes(), 8));
    methods::archive(&packed)
}

#[test]
fn members_of_documents_are_opened_with_common_passwords() {
    let long: Vec<u8> = (0..9_000_u32).map(|at| (at.wrapping_mul(at) >> 5) as u8).collect();
    let members = [("content.xml", &b"a short text"[..]), ("Pictures/a&b.png", &long), ("Basic/x", b"")];
    let found = Collected::of(FileType::Zip, &document(b"infected", &members));
    assert_eq!(found.incomplete, []);
    let opened: Vec<_> =
        found.children[4..].iter().map(|child| (&child.member.name[..], &child.bytes[..])).collect();
    assert_eq!(opened, members);
    assert!(found.children.iter().all(|child| child.absent.is_none()));
    // Under another, each says so.
    let found = Collected::of(FileType::Zip, &document(b"nobody knows", &members));
    let closed: Vec<_> = found.children[4..].iter().map(|child| child.absent.clone()).collect();
    assert_eq!(closed, vec![Some(Reason::Encrypted); 3]);
    survives_damage(FileType::Zip, &document(b"infected", &members[..1]));
}

#[test]
fn keys_of_documents_are_paid_for() {
    let text = b"<a:file-entry a:full-path='b'><a:encryption-data a:checksum='AAAA'/><a:algorithm \
        a:algorithm-name='#aes256-cbc'/><a:key-derivation a:iteration-count='4000000000'/></a:file-entry>";
    let archive =
        methods::archive(&[pack("b", b"sixteen bytes of", 0), pack("META-INF/manifest.xml", text, 0)]);
    let found = Collected::of(FileType::Zip, &archive);
    assert_eq!(found.children[2].absent, Some(Reason::Work));
}
