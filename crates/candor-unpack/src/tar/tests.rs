//! Archives built header by header.

use candor_model::{FileType, Reason};
use proptest::prelude::*;

use crate::collected::Collected;

fn header(name: &[u8], size: &[u8], kind: u8, magic: &[u8]) -> Vec<u8> {
    let mut block = vec![0; 512];
    block[..name.len()].copy_from_slice(name);
    block[124..124 + size.len()].copy_from_slice(size);
    block[156] = kind;
    block[257..257 + magic.len()].copy_from_slice(magic);
    sealed(block)
}

/// The header with its checksum.
fn sealed(mut block: Vec<u8>) -> Vec<u8> {
    block[148..156].fill(b' ');
    let sum: u32 = block.iter().map(|&byte| u32::from(byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block
}

fn member(name: &[u8], kind: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = header(name, format!("{:011o}", content.len()).as_bytes(), kind, b"ustar\x0000");
    bytes.extend_from_slice(content);
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    bytes
}

fn shown(bytes: &[u8]) -> Vec<(String, u64, String)> {
    Collected::of(FileType::PosixTar, bytes)
        .children
        .into_iter()
        .map(|child| {
            let text = String::from_utf8_lossy(&child.bytes).into_owned();
            (child.member.name, child.member.position, text)
        })
        .collect()
}

fn row(name: &str, position: u64, content: &str) -> (String, u64, String) {
    (name.to_owned(), position, content.to_owned())
}

#[test]
fn files_are_given_and_counted() {
    let bytes = [
        member(b"dir/", b'5', b""),
        member(b"a", b'0', b"first"),
        member(b"link", b'2', b""),
        member(b"empty", b'0', b""),
        member(b"b", 0, b"second"),
        vec![0; 1024],
    ]
    .concat();
    assert_eq!(shown(&bytes), [row("a", 1, "first"), row("empty", 2, ""), row("b", 3, "second")]);
}

#[test]
fn long_names_are_read_in_all_three_ways() {
    let mut prefixed = header(b"name", b"00000000001", b'0', b"ustar\x0000");
    prefixed[345..351].copy_from_slice(b"prefix");
    let prefixed = sealed(prefixed);
    let bytes = [
        member(b"././@LongLink", b'L', b"gnu long name\0"),
        member(b"short", b'0', b"x"),
        member(b"pax", b'x', b"13 mtime=123\n22 path=pax long name\n"),
        member(b"short", b'0', b"y"),
        prefixed,
        [b"z".to_vec(), vec![0; 511]].concat(),
    ]
    .concat();
    let names: Vec<_> = shown(&bytes).into_iter().map(|(name, ..)| name).collect();
    assert_eq!(names, ["gnu long name", "pax long name", "prefix/name"]);
}

#[test]
fn members_behind_blocks_of_zeros_are_given() {
    let bytes = [member(b"a", b'0', b"first"), vec![0; 2048], member(b"b", b'0', b"hidden")].concat();
    assert_eq!(shown(&bytes), [row("a", 1, "first"), row("b", 2, "hidden")]);
}

#[test]
fn what_is_no_header_is_said_and_the_next_one_is_found() {
    let (first, last) = (member(b"a", b'0', b"first"), member(b"b", b'0', b"last"));
    for junk in [vec![7; 512], vec![7; 51_200], [vec![0; 512], vec![7; 512]].concat()] {
        let place = first.len() + if junk[0] == 0 { 512 } else { 0 };
        let bytes = [&first[..], &junk, &last, &[0; 1024]].concat();
        assert_eq!(shown(&bytes), [row("a", 1, "first"), row("b", 2, "last")]);
        let said = [Reason::Malformed(format!("tar header at {place}"))];
        assert_eq!(Collected::of(FileType::PosixTar, &bytes).incomplete, said);
        assert_eq!(super::cut(&bytes), crate::Cut { whole: bytes.len(), next: None });
    }
    // Behind the end, it counts only in front of a member.
    let ended = [&first[..], &[0; 1024], &[7; 1000]].concat();
    assert_eq!(Collected::of(FileType::PosixTar, &ended).incomplete, []);
    let hidden = [&first[..], &[0; 1024], &[7; 1024], &last].concat();
    assert_eq!(shown(&hidden), [row("a", 1, "first"), row("b", 2, "last")]);
    assert_eq!(Collected::of(FileType::PosixTar, &hidden).incomplete.len(), 1);
}

#[test]
fn junk_is_paid_for() {
    let bytes = [member(b"a", b'0', b"first"), vec![7; 1 << 20], member(b"b", b'0', b"last")].concat();
    assert_eq!(Collected::of(FileType::PosixTar, &bytes).children.len(), 2);
    assert!(Collected::without_work(FileType::PosixTar, &bytes).incomplete.contains(&Reason::Work));
}

#[test]
fn the_member_of_a_header_with_a_wrong_checksum_is_given() {
    let mut bad = member(b"b", b'0', b"doubtful");
    bad[148..156].copy_from_slice(b"0000000\0");
    let bytes =
        [member(b"a", b'0', b"first"), bad.clone(), member(b"c", b'0', b"last"), vec![0; 1024]].concat();
    assert_eq!(shown(&bytes), [row("a", 1, "first"), row("b", 2, "doubtful"), row("c", 3, "last")]);
    let said = "the checksum of the tar header at 1024 is wrong";
    assert_eq!(Collected::of(FileType::PosixTar, &bytes).incomplete, [Reason::Malformed(said.to_owned())]);
    // A size that reaches over what follows hides none of it, and no more than one such header claims the same bytes.
    bad[124..136].copy_from_slice(b"00000004000\0");
    let bytes = [member(b"a", b'0', b"first"), bad.repeat(20), member(b"c", b'0', b"last")].concat();
    let names: Vec<_> = shown(&bytes).into_iter().map(|(name, ..)| name).collect();
    assert_eq!(names.iter().filter(|name| *name == "b").count(), 7);
    assert_eq!(names.last().unwrap(), "c");
    for length in (0..bytes.len()).step_by(512) {
        assert!(super::cut(&bytes[..length]).whole <= length);
    }
}

#[test]
fn the_size_of_a_link_hides_nothing() {
    let link = header(b"link", b"00000002000", b'1', b"ustar\x0000");
    let bytes = [link.clone(), member(b"a", b'0', b"first"), vec![0; 1024]].concat();
    assert_eq!(shown(&bytes), [row("a", 1, "first")]);
    assert_eq!(Collected::of(FileType::PosixTar, &bytes).incomplete, []);
    let bytes = [link, vec![b'x'; 1024], member(b"a", b'0', b"first"), vec![0; 1024]].concat();
    assert_eq!(shown(&bytes), [row("link", 1, &"x".repeat(1024)), row("a", 2, "first")]);
}

#[test]
fn an_archive_that_is_cut_in_a_header_is_said_to_be() {
    let bytes = [member(b"a", b'0', b"first"), member(b"b", b'0', b"last")].concat();
    for (length, is_cut) in [(1024, false), (1024 + 200, true), (1536, true), (1541, false)] {
        let found = Collected::of(FileType::PosixTar, &bytes[..length]);
        assert_eq!(found.incomplete.len(), usize::from(is_cut), "{length} {:?}", found.incomplete);
    }
    let long = [member(b"a", b'0', b"first"), member(b"././@LongLink", b'L', &[b'n'; 600])].concat();
    assert_eq!(Collected::of(FileType::PosixTar, &long[..2000]).incomplete.len(), 1);
}

#[test]
fn a_cut_member_is_given_and_said() {
    let mut bytes = member(b"a", b'0', &[b'x'; 2000]);
    bytes.truncate(1000);
    let found = Collected::of(FileType::PosixTar, &bytes);
    assert_eq!(found.children[0].bytes.len(), 488);
    assert_eq!(found.incomplete, [Reason::Malformed("tar member 1 is cut short".to_owned())]);
}

#[test]
fn sizes_in_base_256_and_signed_checksums_are_read() {
    let mut bytes = header(b"a", b"\x80\0\0\0\0\0\0\0\0\0\0\x05", b'0', b"ustar  \0");
    bytes.extend_from_slice(b"first");
    bytes.resize(1024, 0);
    assert_eq!(shown(&bytes), [row("a", 1, "first")]);

    let mut bytes = member(b"caf\xe9", b'0', b"first");
    let sum: i32 = bytes[..512]
        .iter()
        .enumerate()
        .map(|(at, &byte)| i32::from(if (148..156).contains(&at) { b' ' } else { byte }.cast_signed()))
        .sum();
    bytes[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    assert_eq!(shown(&bytes), [row("café", 1, "first")]);
}

#[test]
fn the_map_of_a_sparse_member_is_passed_over() {
    let mut sparse = header(b"a", b"00000000005", b'S', b"ustar  \0");
    sparse[482] = 1;
    let mut map = vec![0; 512];
    map[0] = 9;
    let bytes = [sealed(sparse), map, [&b"first"[..], &[0; 507]].concat()].concat();
    assert_eq!(shown(&bytes), [row("a", 1, "first")]);
}

#[test]
fn a_size_beyond_everything_ends_the_walk() {
    let huge = header(b"a", b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", b'0', b"ustar  \0");
    let large = header(b"a", b"\x80\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff", b'0', b"ustar  \0");
    for block in [huge, large] {
        let found = Collected::of(FileType::PosixTar, &[block, vec![0; 1024]].concat());
        assert!(found.children.len() <= 1);
    }
}

proptest! {
    #[test]
    fn any_members_come_back(contents in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..2000), 1..6)) {
        let bytes: Vec<u8> = contents.iter().flat_map(|content| member(b"n", b'0', content)).collect();
        let found = Collected::of(FileType::PosixTar, &bytes).children;
        prop_assert_eq!(found.into_iter().map(|child| child.bytes).collect::<Vec<_>>(), contents);
    }
}

#[test]
fn an_archive_is_cut_in_front_of_a_name_and_its_member() {
    let first = member(b"a", b'0', &[b'x'; 600]);
    let named =
        [member(b"././@LongLink", b'L', b"a long name\0"), member(b"b", b'0', &[b'y'; 5_000])].concat();
    let bytes = [&first[..], &[0; 512], &named, &first].concat();
    let whole = first.len() + 512;
    let end = (whole + named.len()) as u64;
    for length in whole..whole + named.len() {
        let found = super::cut(&bytes[..length]);
        assert_eq!(found.whole, whole, "{length}");
        // Whether there is a member behind the name shows only in its header.
        let is_seen = length >= whole + 1536;
        assert_eq!(found.next, if is_seen { Some(end) } else { found.next.filter(|next| *next < end) });
    }
    assert_eq!(super::cut(&bytes), crate::Cut { whole: bytes.len(), next: None });
    assert_eq!(super::cut(&[7; 1024]), crate::Cut { whole: 1024, next: None });
}

/// An extended header with these records.
fn extended(records: &[(&str, &str)]) -> Vec<u8> {
    let lines: String = records
        .iter()
        .map(|(key, value)| {
            let behind = format!(" {key}={value}\n");
            let length = behind.len() + if behind.len() < 8 { 1 } else { 2 };
            format!("{length}{behind}")
        })
        .collect();
    member(b"pax", b'x', lines.as_bytes())
}

#[test]
fn a_file_with_holes_is_given_with_them() {
    let records = [
        ("GNU.sparse.major", "1"),
        ("GNU.sparse.minor", "0"),
        ("GNU.sparse.name", "holes"),
        ("GNU.sparse.realsize", "3000"),
    ];
    let map = |lines: &str| [lines.as_bytes(), &vec![0; 512 - lines.len()], b"firstlast"].concat();
    let last = member(b"b", b'0', b"last");
    let bytes = [extended(&records), member(b"x", b'0', &map("2\n100\n5\n2000\n4\n")), last.clone()].concat();
    let found = Collected::of(FileType::PosixTar, &bytes);
    let whole = [&[0; 100][..], b"first", &[0; 1895], b"last", &[0; 996]].concat();
    let child = &found.children[0];
    assert_eq!((child.member.name.as_str(), child.member.real_size), ("holes", Some(3000)));
    assert!(child.bytes == whole && child.absent.is_none());
    assert_eq!((found.children.len(), &found.incomplete[..]), (2, &[][..]));
    // One that is mostly holes: its pieces.
    let large = [&records[..3], &[("GNU.sparse.realsize", "90000000000")]].concat();
    let bytes =
        [extended(&large), member(b"x", b'0', &map("2\n100\n5\n80000000000\n4\n")), last.clone()].concat();
    assert_eq!(Collected::of(FileType::PosixTar, &bytes).children[0].bytes, b"firstlast");
    // A map that is none: what stands there.
    for lines in ["2\n100\n5\n2\n4\n", "9999999999999\n1\n1\n", "1\n2990\n500\n", "x"] {
        let bytes = [extended(&records), member(b"x", b'0', &map(lines)), last.clone()].concat();
        assert_eq!(Collected::of(FileType::PosixTar, &bytes).children[0].bytes, map(lines));
    }
}

/// A header of a file with holes of the first kind, with as many pieces as it holds and the block that goes on with the others.
fn sparse(pieces: &[(u64, u64)], size: u64, real: u64) -> Vec<u8> {
    let rows = |pieces: &[(u64, u64)], length: usize| {
        let mut rows: Vec<u8> = pieces
            .iter()
            .flat_map(|(offset, length)| format!("{offset:011o}\0{length:011o}\0").into_bytes())
            .collect();
        rows.resize(length, 0);
        rows
    };
    let (first, more) = pieces.split_at(pieces.len().min(4));
    let mut block = header(b"holes", format!("{size:011o}").as_bytes(), b'S', b"ustar  \0");
    block[386..482].copy_from_slice(&rows(first, 96));
    block[482] = u8::from(!more.is_empty());
    block[483..494].copy_from_slice(format!("{real:011o}").as_bytes());
    let mut out = sealed(block);
    for (index, more) in more.chunks(21).enumerate() {
        let is_last = 21 * (index + 1) + 4 >= pieces.len();
        out.extend([&rows(more, 504)[..], &[u8::from(!is_last)], &[0; 7]].concat());
    }
    out
}

#[test]
fn files_with_holes_of_the_older_kinds_are_given_with_them() {
    let content = [&b"firstlast"[..], &[0; 503]].concat();
    let last = member(b"b", b'0', b"last");
    let whole = [&[0; 100][..], b"first", &[0; 1895], b"last", &[0; 996]].concat();
    let pieces = [(100, 5), (2000, 4), (3000, 0)];
    // As many pieces as take three blocks.
    let bytes = [b'x'; 30];
    let many: Vec<(u64, u64)> = (0..30).map(|place| (place * 100 + 70, 1)).collect();
    let dotted: Vec<u8> = (0..3000).map(|at| if at % 100 == 70 { b'x' } else { 0 }).collect();
    let listed = [
        ("GNU.sparse.size", "3000"),
        ("GNU.sparse.numblocks", "2"),
        ("GNU.sparse.offset", "100"),
        ("GNU.sparse.numbytes", "5"),
        ("GNU.sparse.offset", "2000"),
        ("GNU.sparse.numbytes", "4"),
    ];
    let mapped =
        [("GNU.sparse.size", "3000"), ("GNU.sparse.name", "holes"), ("GNU.sparse.map", "100,5,2000,4")];
    let cases = [
        ([sparse(&pieces, 9, 3000), content].concat(), &whole),
        ([sparse(&many, 30, 3000), [&bytes[..], &[0; 482]].concat()].concat(), &dotted),
        ([extended(&listed), member(b"holes", b'0', b"firstlast")].concat(), &whole),
        ([extended(&mapped), member(b"x", b'0', b"firstlast")].concat(), &whole),
    ];
    for (index, (archive, whole)) in cases.iter().enumerate() {
        let found = Collected::of(FileType::PosixTar, &[&archive[..], &last].concat());
        let child = &found.children[0];
        assert_eq!((child.member.name.as_str(), child.member.real_size), ("holes", Some(3000)), "{index}");
        assert!(child.bytes == **whole && child.absent.is_none(), "{index}");
        assert_eq!((found.children.len(), &found.incomplete[..]), (2, &[][..]), "{index}");
        crate::collected::survives_damage(FileType::PosixTar, archive);
    }
    // Maps of something else: what stands there.
    for pieces in [&[(100, 5), (50, 4)][..], &[(100, 5)], &[(100, 5), (2000, 1004)], &[(u64::MAX >> 31, 9)]] {
        let archive =
            [sparse(pieces, 9, 3000), [&b"firstlast"[..], &[0; 503]].concat(), last.clone()].concat();
        let found = Collected::of(FileType::PosixTar, &archive);
        assert_eq!((found.children.len(), &found.children[0].bytes[..]), (2, &b"firstlast"[..]));
    }
}

#[test]
fn the_size_of_an_extended_header_counts() {
    let hidden = header(b"a", b"00000000000", b'0', b"ustar\x0000");
    let content = [b"content".to_vec(), vec![0; 505]].concat();
    let bytes = [extended(&[("size", "7")]), hidden, content, member(b"b", b'0', b"last")].concat();
    assert_eq!(shown(&bytes), [row("a", 1, "content"), row("b", 2, "last")]);
    assert_eq!(super::cut(&bytes), crate::Cut { whole: bytes.len(), next: None });
    assert_eq!(super::cut(&bytes[..1536]), crate::Cut { whole: 0, next: Some(2048) });
}
