//! Volumes of both versions, directories of every form, trees of extents, holes, loops, journals, and damage.

use candor_fixtures::volume::xfs;
use candor_model::{FileType, Limits, Reason};

use super::*;
use crate::collected::{Collected, survives_damage};

/// More runs than a leaf of a tree has, with a hole.
fn text() -> Vec<u8> {
    let words = (0..50_000_u32).flat_map(|number| format!("{number} ").into_bytes());
    words
        .chain([0; 20_000])
        .chain((0..9_000_u32).flat_map(|number| format!("{number:x} ").into_bytes()))
        .collect()
}

fn names(found: &Collected) -> Vec<&str> {
    found.children.iter().map(|child| child.member.name.as_str()).collect()
}

#[test]
fn files_are_given_with_their_paths() {
    let text = text();
    for version in [4, 5] {
        let files: &[(&str, &[u8])] = &[
            ("small", b"first"),
            ("folder/large", &text),
            ("folder/x", b"last"),
            ("middle", &text[..5000]),
            ("of zeros", &[0; 5000]),
        ];
        let found = Collected::of(FileType::Xfs, &xfs(version, files));
        assert_eq!(found.incomplete, [], "{version}");
        assert_eq!(found.children.len(), files.len());
        for (name, content) in files {
            let child = found.children.iter().find(|child| child.member.name == *name).expect(name);
            assert!(child.bytes == *content && child.absent.is_none(), "{version} {name}");
        }
    }
}

#[test]
fn directories_of_every_form_are_read() {
    // In the inode, in one block, and in several.
    for (version, count) in [4, 5].into_iter().flat_map(|version| [2, 30, 300].map(|count| (version, count)))
    {
        let made: Vec<(String, Vec<u8>)> = (0..count)
            .map(|number| (format!("folder/file {number} of many"), format!("content {number}").into_bytes()))
            .collect();
        let files: Vec<(&str, &[u8])> =
            made.iter().map(|(name, content)| (name.as_str(), content.as_slice())).collect();
        let bytes = xfs(version, &files);
        let has = |mark: &[u8]| bytes.windows(4).any(|part| part == mark);
        let (block, data): (&[u8], &[u8]) =
            if version == 5 { (b"XDB3", b"XDD3") } else { (b"XD2B", b"XD2D") };
        assert_eq!((has(block), has(data)), (count == 30, count == 300), "{version} {count}");
        let found = Collected::of(FileType::Xfs, &bytes);
        assert_eq!(found.incomplete, [], "{version} {count}");
        assert_eq!(found.children.len(), count);
        for (child, (name, content)) in found.children.iter().zip(&files) {
            assert_eq!((child.member.name.as_str(), &child.bytes[..]), (*name, *content));
        }
    }
}

#[test]
fn empty_files_are_given_on_a_walk_alone() {
    let bytes = xfs(5, &[("empty", b""), ("full", b"x")]);
    assert_eq!(names(&Collected::of(FileType::Xfs, &bytes)), ["full"]);
    let mut walked = Collected::of(FileType::BinaryData, b"");
    walk(&&bytes[..], &mut walked);
    assert_eq!(names(&walked), ["empty", "full"]);
}

/// Where the inode of this number in the table stands, in version 5.
fn inode(index: usize) -> usize {
    4 * 1024 + index * 512
}

/// Makes the check of an inode right again.
fn mended(bytes: &mut [u8], at: usize) {
    bytes[at + 100..at + 104].fill(0);
    let check = CASTAGNOLI.of(&[&bytes[at..at + 512]]).to_le_bytes();
    bytes[at + 100..at + 104].copy_from_slice(&check);
}

#[test]
fn what_is_damaged_is_told_with_its_place_and_the_rest_is_given() {
    let text = text();
    let bytes = xfs(5, &[("a", b"first"), ("b", &text), ("folder/c", b"third")]);
    // Inodes: the root, the folder and what is in it, then the rest.
    let with = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut damaged = bytes.clone();
        change(&mut damaged);
        let found = Collected::of(FileType::Xfs, &damaged);
        let told: Vec<String> = found.incomplete.iter().map(ToString::to_string).collect();
        (names(&found).into_iter().map(str::to_owned).collect::<Vec<_>>(), told.join("; "))
    };
    let (given, told) = with(&|damaged| damaged[inode(1) + 1] = b'X');
    assert_eq!(given, ["a", "b"]);
    assert!(told.contains("of folder"), "{told}");
    // A check that is wrong is no reason not to look.
    let (given, told) = with(&|damaged| damaged[inode(2) + 30] = 1);
    assert_eq!(given, ["a", "b", "folder/c"]);
    assert!(told.contains("the check of the inode") && told.contains("folder/c"), "{told}");
    let node = bytes.windows(6).position(|part| part == b"BMA3\0\0").expect("a leaf");
    let (given, told) = with(&|damaged| damaged[node] = b'?');
    assert_eq!(given.len(), 3);
    assert!(told.contains("of the tree of extents of b"), "{told}");
    let (given, told) = with(&|damaged| damaged[node + 20] ^= 1);
    assert_eq!(given.len(), 3);
    assert!(told.contains("the check of block") && told.contains("of b"), "{told}");
    let (given, told) = with(&|damaged| damaged[200] ^= 1);
    assert_eq!(given.len(), 3);
    assert!(told.contains("the check of the superblock"), "{told}");
    let (given, told) = with(&|damaged| damaged.truncate(bytes.len() - 100_000));
    assert!(given.contains(&"a".to_owned()) && told.contains("reaches behind the end"), "{told}");
    let (given, told) = with(&|damaged| damaged[84..88].fill(0));
    assert!(given.is_empty() && told.contains("the superblock"), "{told}");
}

#[test]
fn realtime_files_and_what_is_new_are_told() {
    let mut bytes = xfs(5, &[("a", b"first"), ("b", b"second")]);
    bytes[inode(1) + 91] = 1;
    mended(&mut bytes, inode(1));
    let found = Collected::of(FileType::Xfs, &bytes);
    let reason = Reason::Unsupported("content on a realtime device of XFS".to_owned());
    assert_eq!((found.incomplete.len(), found.children[0].absent.as_ref()), (0, Some(&reason)));
    assert_eq!(found.children[1].bytes, b"second");
    let mut bytes = xfs(5, &[("a", b"first")]);
    bytes[216] = 0x80;
    let told = Collected::of(FileType::Xfs, &bytes).incomplete;
    assert!(told.contains(&Reason::Unsupported("features of XFS (0x80000000)".to_owned())), "{told:?}");
    bytes[100..102].copy_from_slice(&[0, 3]);
    let told = Collected::of(FileType::Xfs, &bytes).incomplete;
    assert!(told.contains(&Reason::Unsupported("version 3 of XFS".to_owned())), "{told:?}");
}

#[test]
fn the_number_of_extents_may_be_a_wide_one() {
    let mut bytes = xfs(5, &[("a", b"first")]);
    let at = inode(1);
    bytes[at + 76..at + 80].fill(0);
    bytes[at + 127] = 0x10;
    bytes[at + 31] = 1;
    mended(&mut bytes, at);
    let found = Collected::of(FileType::Xfs, &bytes);
    assert_eq!((found.incomplete.len(), &found.children[0].bytes[..]), (0, &b"first"[..]));
}

#[test]
fn a_volume_that_was_in_use_says_so() {
    let bytes = xfs(5, &[("a", b"first")]);
    let log = bytes.windows(4).position(|part| part == [0xfe, 0xed, 0xba, 0xbe]).unwrap();
    let told = |change: &dyn Fn(&mut [u8])| {
        let mut changed = bytes.clone();
        change(&mut changed);
        Collected::of(FileType::Xfs, &changed).incomplete
    };
    let open = [Reason::Unsupported("changes in the journal of an XFS volume".to_owned())];
    assert_eq!(told(&|_| ()), []);
    // Another operation is the last one; one comes behind; there is none; more than one.
    assert_eq!(told(&|bytes| bytes[log + 512 + 9] = 0), open);
    assert_eq!(told(&|bytes| bytes[log + 1027] = 1), open);
    assert_eq!(told(&|bytes| bytes[log..log + 1024].fill(0)), open);
    assert_eq!(told(&|bytes| bytes[log + 43] = 2), open);
    // A ring in its second round, whose last record is at its end.
    let around = |bytes: &mut [u8]| {
        let record = bytes[log..log + 1024].to_vec();
        (0..16).for_each(|sector| bytes[log + sector * 512 + 3] = 1);
        bytes[log..log + 4].fill(0);
        bytes[log + 3] = 1;
        bytes[log + 14 * 512..log + 16 * 512].copy_from_slice(&record);
    };
    assert_eq!(told(&around), []);
}

#[test]
fn loops_end() {
    // A folder in which the root stands, and a tree whose node is below itself.
    let text = text();
    let mut bytes = xfs(5, &[("folder/a", b"first"), ("large", &text)]);
    let name = bytes.windows(9).position(|part| part.starts_with(b"\x01\0\0a\x01")).expect("an entry");
    let root = bytes[60..64].to_vec();
    bytes[name + 5..name + 9].copy_from_slice(&root);
    let node = bytes.windows(6).position(|part| part == b"BMA3\0\x01").expect("a node");
    let own = {
        let block = node / 1024;
        (((block / 200) << 8) | (block % 200)) as u64
    };
    let places = node + 72 + (1024 - 72) / 16 * 8;
    bytes[places..places + 8].copy_from_slice(&own.to_be_bytes());
    let found = Collected::of(FileType::Xfs, &bytes);
    assert_eq!(names(&found), ["large"]);
    assert!(found.incomplete.iter().any(|reason| reason.to_string().contains("of large")), "{found:?}");
}

#[test]
fn directories_that_cost_much_are_paid_for() {
    let bytes = xfs(5, &[("a", b"first"), ("b", b"second")]);
    let limits = Limits { max_scan_size: 300, ..Limits::default() };
    let found = Collected::with_limits(FileType::Xfs, &bytes, limits);
    assert_eq!((found.children.len(), found.incomplete), (0, vec![Reason::ScanSize]));
}

#[test]
fn damage_is_survived() {
    let text = text();
    for version in [4, 5] {
        let bytes = xfs(version, &[("small", b"first"), ("folder/large", &text[..40_000])]);
        survives_damage(FileType::Xfs, &bytes);
        for at in (0..256).chain(4096..4096 + 4 * 512).step_by(4) {
            for value in [0, 1, 0x7fff_ffff, u32::MAX] {
                let mut lying = bytes.clone();
                lying[at..at + 4].copy_from_slice(&value.to_le_bytes());
                let _ = Collected::of(FileType::Xfs, &lying);
            }
        }
    }
}
