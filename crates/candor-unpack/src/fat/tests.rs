//! Volumes of every width, chains that lead back to themselves, and directories that hold themselves.

use candor_fixtures::volume::{exfat, fat};
use candor_model::{FileType, Reason};

use crate::collected::{Collected, survives_damage};

fn text() -> Vec<u8> {
    (0..3_000_u32).flat_map(|number| format!("{number} ").into_bytes()).collect()
}

fn all(files: &[(&str, &[u8])]) -> Vec<Vec<u8>> {
    vec![fat(12, files), fat(16, files), fat(32, files), exfat(files)]
}

#[test]
fn files_in_pieces_are_given_under_their_long_names() {
    let files: &[(&str, &[u8])] = &[
        ("small", b"first"),
        ("A Long Name of Text.txt", &text()),
        ("folder/inner", b"second"),
        ("empty", b""),
        ("Ein l\u{e4}ngerer Ordner/x", b"third"),
    ];
    for bytes in all(files) {
        let found = Collected::of(FileType::Fat, &bytes);
        assert_eq!(found.incomplete, []);
        let mut names: Vec<_> = found.children.iter().map(|child| child.member.name.as_str()).collect();
        names.sort_unstable();
        assert_eq!(names, ["A Long Name of Text.txt", "Ein l\u{e4}ngerer Ordner/x", "folder/inner", "small"]);
        for (name, content) in files {
            let child = found.children.iter().find(|child| child.member.name == *name);
            assert!(child.is_none_or(|child| child.bytes == *content && child.absent.is_none()), "{name}");
        }
    }
}

#[test]
fn a_volume_that_is_cut_short_gives_what_is_there() {
    for bytes in all(&[("small", b"first"), ("large", &text())]) {
        let whole = Collected::of(FileType::Fat, &bytes);
        let content = text();
        // The clusters of a file stand from back to front, so its end is what is left of it.
        let found = Collected::of(FileType::Fat, &bytes[..bytes.len() - 8 * 512]);
        assert!(whole.children.iter().any(|child| child.bytes == content));
        assert!(found.children.iter().all(|child| child.bytes != content));
    }
}

#[test]
fn chains_and_directories_that_lead_to_themselves_end() {
    let mut bytes = fat(16, &[("large", &text())]);
    // Every cluster is followed by the second.
    for entry in bytes[516..1024].as_chunks_mut::<2>().0 {
        *entry = [2, 0];
    }
    let found = Collected::of(FileType::Fat, &bytes);
    assert_eq!(found.children[0].bytes.len(), text().len());
    let mut bytes = fat(32, &[("folder/a", b"content")]);
    let at = bytes.windows(11).position(|part| part == b"FOLDER     ").unwrap();
    let root: [u8; 2] = bytes[44..46].try_into().unwrap();
    bytes[at + 26..at + 28].copy_from_slice(&root);
    assert_eq!(Collected::of(FileType::Fat, &bytes).children.len(), 0);
}

#[test]
fn what_is_no_boot_sector_is_said() {
    let mut bytes = fat(16, &[("a", b"content")]);
    bytes[13] = 0;
    assert!(matches!(Collected::of(FileType::Fat, &bytes).incomplete.as_slice(), [Reason::Malformed(_)]));
    let mut bytes = exfat(&[("a", b"content")]);
    bytes[108] = 40;
    assert!(matches!(Collected::of(FileType::Fat, &bytes).incomplete.as_slice(), [Reason::Malformed(_)]));
}

#[test]
fn damage_is_survived() {
    for bytes in all(&[("small", b"first"), ("A Long Name", &text()[..1500]), ("folder/x", b"y")]) {
        survives_damage(FileType::Fat, &bytes);
        for at in (0..128).step_by(2) {
            for value in [0, 1, 0x7fff_ffff, u32::MAX] {
                let mut lying = bytes.clone();
                lying[at..at + 4].copy_from_slice(&value.to_le_bytes());
                let _ = Collected::of(FileType::Fat, &lying);
            }
        }
    }
}

#[test]
fn a_directory_that_is_not_read_to_its_end_is_told() {
    // Of one entry, and of what was deleted up to the end of the cluster, or of nothing behind it.
    let directory = |mark: u8| {
        let mut bytes = fat(16, &[("folder/a", b"content")]);
        let entry = bytes.windows(11).position(|part| part == b"FOLDER     ").unwrap();
        let cluster = usize::from(u16::from_le_bytes([bytes[entry + 26], bytes[entry + 27]]));
        let first = bytes.windows(11).position(|part| part == b"A          ").unwrap();
        bytes[first..first + 512].iter_mut().step_by(32).for_each(|byte| *byte = mark);
        bytes[first] = 0xe5;
        // It is followed by itself.
        bytes[512 + cluster * 2..514 + cluster * 2].copy_from_slice(&(cluster as u16).to_le_bytes());
        Collected::of(FileType::Fat, &bytes).incomplete
    };
    assert_eq!(directory(0), []);
    assert_eq!(directory(0xe5), [Reason::Children]);
    let directory = |mark: u8| {
        let mut bytes = exfat(&[("a", b"content")]);
        let table = 512 * usize::from(bytes[80]);
        let root = usize::from(bytes[96]);
        let clusters = 512 * usize::from(bytes[88]);
        let first = clusters + (root - 2) * 512;
        bytes[first..first + 512].iter_mut().step_by(32).for_each(|byte| *byte = mark);
        bytes[first] = 5;
        bytes[table + root * 4..table + root * 4 + 4].copy_from_slice(&(root as u32).to_le_bytes());
        Collected::of(FileType::Fat, &bytes).incomplete
    };
    assert_eq!(directory(0), []);
    assert_eq!(directory(5), [Reason::Children]);
}

#[test]
fn folders_whose_path_is_too_long_are_told() {
    let nested = |count: u8| {
        let files: Vec<String> =
            (0..count).map(|file| format!("f{}/{}", char::from(b'a' + file), "n".repeat(250))).collect();
        let files: Vec<(&str, &[u8])> = files.iter().map(|name| (&name[..], &b"content"[..])).collect();
        let mut bytes = fat(16, &files);
        let number = |at: usize| usize::from(u16::from_le_bytes([bytes[at], bytes[at + 1]]));
        let root = 512 * (1 + number(22));
        let start = root + number(17) * 32;
        let entries: Vec<usize> = memchr::memmem::find_iter(&bytes, b"LONG~1     ").collect();
        assert_eq!(entries.len(), usize::from(count));
        // Each entry is in the second cluster of its folder, which stands before the first one.
        let folders: Vec<u16> =
            entries.iter().map(|entry| u16::try_from((entry - start) / 512 + 3).unwrap()).collect();
        for (entry, next) in entries.iter().zip(&folders[1..]) {
            bytes[entry + 11] = 0x10;
            bytes[entry + 26..entry + 28].copy_from_slice(&next.to_le_bytes());
        }
        for at in (root..start).step_by(32) {
            if bytes[at + 11] == 0x10 && bytes[at + 26..at + 28] != folders[0].to_le_bytes() {
                bytes[at] = 0xe5;
            }
        }
        let found = Collected::of(FileType::Fat, &bytes);
        (found.children.len(), found.incomplete)
    };
    assert_eq!(nested(17), (1, vec![]));
    assert_eq!(nested(18), (0, vec![Reason::Depth]));
}
