//! Volumes packed in every way, subvolumes and snapshots, copies of trees, loops, and damage.

use candor_fixtures::volume::{BTRFS, Btrfs, btrfs, btrfs_of};
use candor_model::{FileType, Limits, Reason};

use super::*;
use crate::collected::{Collected, survives_damage};
use crate::crc::CASTAGNOLI;
use crate::medium::Medium;

fn text() -> Vec<u8> {
    let words = (0..20_000_u32).flat_map(|number| format!("{number} ").into_bytes());
    words
        .chain([0; 40_000])
        .chain((0..9_000_u32).flat_map(|number| format!("{number:x} ").into_bytes()))
        .collect()
}

/// Files by path.
type Files<'a> = &'a [(&'a str, &'a [u8])];

fn shown(found: &Collected) -> Vec<(&str, &[u8])> {
    found.children.iter().map(|child| (child.member.name.as_str(), &child.bytes[..])).collect()
}

fn told(found: &Collected) -> String {
    found.incomplete.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// Where a node stands of which this is the place in the space, and its copy.
fn copies(bytes: &[u8], place: u64) -> [usize; 2] {
    let first = 128 << 10;
    let length = u64::from_le_bytes(bytes[(64 << 10) + 828..(64 << 10) + 836].try_into().unwrap());
    let at = first + (place - (1 << 20)) as usize;
    [at, at + length as usize]
}

fn nodes(bytes: &[u8]) -> Vec<u64> {
    let length = copies(bytes, 1 << 20)[1] - (128 << 10);
    (0..length as u64 / 4096).map(|index| (1 << 20) + index * 4096).collect()
}

/// Changes every copy of a node, and makes its check right again.
fn change(bytes: &mut [u8], place: u64, change: impl Fn(&mut [u8])) {
    for at in copies(bytes, place) {
        change(&mut bytes[at..at + 4096]);
        let check = CASTAGNOLI.of(&[&bytes[at + 32..at + 4096]]).to_le_bytes();
        bytes[at..at + 4].copy_from_slice(&check);
    }
}

/// The nodes of a level that a tree owns.
fn of_level(bytes: &[u8], owner: u64, level: u8) -> Vec<u64> {
    let is = |place: &u64| {
        let at = copies(bytes, *place)[0];
        bytes[at + 88..at + 96] == owner.to_le_bytes() && bytes[at + 100] == level
    };
    nodes(bytes).into_iter().filter(is).collect()
}

/// Changes the superblock, and makes its check right again.
fn change_superblock(bytes: &mut [u8], change: impl Fn(&mut [u8])) {
    let block = &mut bytes[64 << 10..(64 << 10) + 4096];
    change(block);
    let check = CASTAGNOLI.of(&[&block[32..]]).to_le_bytes();
    block[..4].copy_from_slice(&check);
}

#[test]
fn files_are_given_with_their_paths_however_they_are_packed() {
    let text = text();
    for packing in BTRFS {
        let files: &[(&str, &[u8])] = &[
            ("small", b"first"),
            ("middle", &text[..5000]),
            ("of zeros", &[0; 5000]),
            ("folder/large", &text),
            ("folder/x", b"last"),
        ];
        let found = Collected::of(FileType::Btrfs, &btrfs(packing, files));
        assert_eq!(found.incomplete, [], "{packing:?}");
        assert!(found.children.iter().all(|child| child.absent.is_none()), "{packing:?}");
        assert_eq!(shown(&found).len(), files.len());
        for (name, content) in files {
            assert!(shown(&found).contains(&(*name, *content)), "{packing:?} {name}");
        }
    }
}

#[test]
fn subvolumes_are_given_by_their_paths_the_default_one_first() {
    let (top, root, home): (Files<'_>, Files<'_>, Files<'_>) =
        (&[("a", b"at the top")], &[("etc/hosts", b"in the root"), ("empty", b"")], &[("b", b"at home")]);
    let bytes = btrfs_of(Btrfs::Stored, 256, &[("", top), ("root", root), ("home", home)]);
    let found = Collected::of(FileType::Btrfs, &bytes);
    assert_eq!(found.incomplete, []);
    let given: &[(&str, &[u8])] =
        &[("root/etc/hosts", b"in the root"), ("a", b"at the top"), ("home/b", b"at home")];
    assert_eq!(shown(&found), given);
    let (mut entered, mut walked) = (Vec::new(), Collected::of(FileType::BinaryData, b""));
    walk(&&bytes[..], &mut walked, &mut |path| entered.push(path.to_owned()));
    assert_eq!(entered, ["root", "", "home"]);
    assert_eq!(walked.children.len(), 4);
}

#[test]
fn what_a_snapshot_shares_is_given_once_and_what_it_does_not_is_whole() {
    let text = text();
    let many: Vec<(String, Vec<u8>)> =
        (0..40).map(|number| (format!("file {number}"), format!("content {number}").into_bytes())).collect();
    let mut files: Vec<(&str, &[u8])> =
        many.iter().map(|(name, content)| (name.as_str(), content.as_slice())).collect();
    // One whose extents are in several leaves, before and behind the change.
    files.push(("large", &text));
    for changed in [0, 17, 39, 40] {
        for end in [0, text.len() - 10, text.len() - 30_000] {
            let mut other = text.clone();
            other[end] = b'!';
            let mut later = files.clone();
            later[changed].1 = if changed == 40 { &other } else { b"changed" };
            let subvolumes = [("", &files[..]), ("snapshot", &later[..])];
            let found = Collected::of(FileType::Btrfs, &btrfs_of(Btrfs::Stored, 5, &subvolumes));
            assert_eq!(found.incomplete, [], "{changed} {end}");
            let shown = shown(&found);
            assert!(files.iter().all(|file| shown.contains(file)), "{changed} {end}");
            let name = format!("snapshot/{}", later[changed].0);
            assert!(shown.contains(&(name.as_str(), later[changed].1)), "{changed} {end}");
            // At most what stands in the same leaves is given twice.
            assert!(shown.len() < files.len() + 8, "{changed} {end}: {}", shown.len());
        }
    }
}

#[test]
fn a_copy_is_read_where_the_first_one_is_damaged() {
    let files: &[(&str, &[u8])] = &[("a", b"first"), ("folder/b", b"second")];
    let bytes = btrfs(Btrfs::Stored, files);
    for place in nodes(&bytes) {
        for which in [0, 1] {
            let mut damaged = bytes.clone();
            damaged[copies(&bytes, place)[which] + 110] ^= 1;
            let found = Collected::of(FileType::Btrfs, &damaged);
            assert_eq!((found.incomplete.len(), shown(&found)), (0, files.to_vec()), "{place}");
        }
        // With no copy left, it is read as it is, and told with its place.
        let mut damaged = bytes.clone();
        for at in copies(&bytes, place) {
            damaged[at + 40] ^= 1;
        }
        let found = Collected::of(FileType::Btrfs, &damaged);
        assert_eq!(shown(&found), files, "{place}");
        assert!(told(&found).contains(&format!("the check of the node at {place} of ")), "{}", told(&found));
    }
}

#[test]
fn a_copy_of_the_superblock_is_read_where_the_first_one_is_damaged() {
    let mut bytes = btrfs(Btrfs::Stored, &[("a", b"first")]);
    let mut copy = bytes[64 << 10..(64 << 10) + 4096].to_vec();
    bytes.resize((64 << 20) + 4096, 0);
    copy[48..56].copy_from_slice(&(64_u64 << 20).to_le_bytes());
    let check = CASTAGNOLI.of(&[&copy[32..]]).to_le_bytes();
    copy[..4].copy_from_slice(&check);
    bytes[64 << 20..].copy_from_slice(&copy);
    assert_eq!(told(&Collected::of(FileType::Btrfs, &bytes)), "");
    bytes[(64 << 10) + 80] ^= 1;
    let found = Collected::of(FileType::Btrfs, &bytes);
    assert_eq!(shown(&found), [("a", &b"first"[..])]);
    assert!(told(&found).contains("the first superblock"), "{}", told(&found));
    // Nothing but a damaged one: it is told, and tried.
    bytes.truncate(1 << 20);
    let found = Collected::of(FileType::Btrfs, &bytes);
    assert!(told(&found).contains("the check of the superblock"), "{}", told(&found));
}

#[test]
fn every_kind_of_check_is_known() {
    for (kind, sum) in [(1_u16, sum::Sum::Xxhash64), (2, sum::Sum::Sha256), (3, sum::Sum::Blake2b)] {
        let mut bytes = btrfs(Btrfs::Stored, &[("a", b"first")]);
        let places: Vec<usize> = nodes(&bytes).iter().flat_map(|place| copies(&bytes, *place)).collect();
        bytes[(64 << 10) + 196..(64 << 10) + 198].copy_from_slice(&kind.to_le_bytes());
        for at in places.iter().chain(&[64 << 10]) {
            let content = &bytes[at + 32..at + 4096];
            let check = match sum {
                sum::Sum::Xxhash64 => xxhash_rust::xxh64::xxh64(content, 0).to_le_bytes().to_vec(),
                sum::Sum::Sha256 => crate::hash::Hash::Sha256.of(&[content]),
                _ => {
                    use blake2::Digest as _;
                    blake2::Blake2b256::digest(content).to_vec()
                }
            };
            bytes[*at..at + 32].fill(0);
            bytes[*at..at + check.len()].copy_from_slice(&check);
        }
        assert_eq!(told(&Collected::of(FileType::Btrfs, &bytes)), "", "{sum:?}");
        let leaf = of_level(&bytes, 5, 0)[0];
        for at in copies(&bytes, leaf) {
            bytes[at + 4000] ^= 1;
        }
        assert!(told(&Collected::of(FileType::Btrfs, &bytes)).contains("the check of the node"), "{sum:?}");
    }
}

#[test]
fn what_is_not_here_is_told() {
    let text = text();
    let bytes = btrfs(Btrfs::Stored, &[("a", b"first"), ("large", &text)]);
    let with = |value: &dyn Fn(&mut [u8])| {
        let mut changed = bytes.clone();
        change_superblock(&mut changed, value);
        told(&Collected::of(FileType::Btrfs, &changed))
    };
    assert!(with(&|block| block[136] = 2).contains("btrfs over 2 devices, of which one is here"));
    assert!(with(&|block| block[189] = 0x40).contains("features of btrfs (0x4000)"));
    assert!(with(&|block| block[96] = 1).contains("changes in the log"));
    // The chunk of data stands on another device. It is the second item of its leaf, so it is in front.
    let mut changed = bytes;
    let leaf = of_level(&changed, 3, 0)[0];
    change(&mut changed, leaf, |node| node[4096 - 112 - 80 + 48] = 2);
    let found = Collected::of(FileType::Btrfs, &changed);
    let large = found.children.iter().find(|child| child.member.name == "large").unwrap();
    assert_eq!(large.absent, Some(Reason::Unsupported("btrfs over several devices".to_owned())));
    assert!(shown(&found).contains(&("a", b"first")));
}

#[test]
fn chunks_in_stripes_are_told_and_mirrored_ones_are_read() {
    let bytes = btrfs(Btrfs::Stored, &[("a", b"first")]);
    let medium = &bytes[..];
    let superblock = space::Superblock::read(&medium).unwrap();
    let read = |kind: u64, devices: &[u64]| {
        let mut chunk = [4096_u64, 2, 65_536, kind].map(u64::to_le_bytes).concat();
        chunk.extend([0; 12]);
        chunk.extend([devices.len() as u8, 0, 1, 0]);
        for device in devices {
            chunk.extend([device.to_le_bytes(), 65_536_u64.to_le_bytes(), [0; 8], [0; 8]].concat());
        }
        let mut space = space::Space::new(&medium, &superblock);
        space.add(tree::Key { object: 256, kind: 228, offset: 0 }, &chunk).unwrap();
        let mut buffer = [0; 8];
        space.read_at(64, &mut buffer).map(|_| buffer).map_err(|error| error.kind())
    };
    let (here, away) = (Ok(*b"_BHRfS_M"), Err(std::io::ErrorKind::Unsupported));
    // Single, on both halves of one device, on two devices; stripes on one device alone, and on two.
    let kinds: [(u64, &[u64], _); 8] = [
        (1, &[1], here),
        (1 | 0x20, &[1, 1], here),
        (1 | 0x10, &[2, 1], here),
        (1 | 0x10, &[2, 3], away),
        (1 | 8, &[1], here),
        (1 | 8, &[1, 2], away),
        (1 | 0x40, &[1, 2, 3, 4], away),
        (1 | 0x80, &[1, 2, 3], away),
    ];
    for (kind, devices, expected) in kinds {
        assert_eq!(read(kind, devices), expected, "{kind:#x} {devices:?}");
    }
}

#[test]
fn extents_that_make_no_sense_are_told_with_the_file() {
    let text = text();
    let bytes = btrfs(Btrfs::Zlib, &[("large", &text[..5000])]);
    let leaf = of_level(&bytes, 5, 0)[0];
    let at = {
        let [at, _] = copies(&bytes, leaf);
        // The last item is the extent; it stands in front.
        let head = [9_u64.to_le_bytes(), 8192_u64.to_le_bytes()].concat();
        bytes[at..at + 4096].windows(16).position(|part| part == head).expect("the extent")
    };
    let with = |value: &dyn Fn(&mut [u8])| {
        let mut changed = bytes.clone();
        change(&mut changed, leaf, |node| value(&mut node[at..]));
        let found = Collected::of(FileType::Btrfs, &changed);
        let absent = found.children.first().and_then(|child| child.absent.as_ref()).map(ToString::to_string);
        (told(&found), absent.unwrap_or_default())
    };
    assert_eq!(with(&|_| ()), (String::new(), String::new()));
    assert!(with(&|extent| extent[16] = 9).0.contains("an extent of btrfs of this kind"));
    assert!(with(&|extent| extent[17] = 1).0.contains("an extent of btrfs of this kind"));
    assert!(with(&|extent| extent[26] = 0xff).1.contains("damaged"));
    assert!(with(&|extent| extent[10] = 0xff).1.contains("too large"));
    assert!(with(&|extent| extent[16] = 3).1.contains("damaged"));
}

#[test]
fn loops_end() {
    let text = text();
    let files: &[(&str, &[u8])] = &[("a", b"first"), ("b", &text), ("folder/c", b"third")];
    let bytes = btrfs(Btrfs::Stored, files);
    let node = of_level(&bytes, 5, 1)[0];
    // A node all of whose children are itself, with a level that says it can be.
    let mut looped = bytes.clone();
    change(&mut looped, node, |node_bytes| {
        let count = u32::from_le_bytes(node_bytes[96..100].try_into().unwrap()) as usize;
        for index in 0..count {
            let row = 101 + index * 33;
            node_bytes[row + 17..row + 25].copy_from_slice(&node.to_le_bytes());
        }
    });
    let found = Collected::of(FileType::Btrfs, &looped);
    assert!(found.children.is_empty() && told(&found).contains("the node at"), "{}", told(&found));
    // All children are the first leaf: it is of use in its own range alone.
    let leaf = of_level(&bytes, 5, 0)[0];
    let mut looped = bytes.clone();
    change(&mut looped, node, |node_bytes| {
        let count = u32::from_le_bytes(node_bytes[96..100].try_into().unwrap()) as usize;
        for index in 0..count {
            let row = 101 + index * 33;
            node_bytes[row + 17..row + 25].copy_from_slice(&leaf.to_le_bytes());
        }
    });
    let found = Collected::of(FileType::Btrfs, &looped);
    assert_eq!(shown(&found).iter().filter(|(name, _)| *name == "a").count(), 1);
    assert!(told(&found).contains("keys of the node at"), "{}", told(&found));
    // A folder that is in itself.
    let mut looped = bytes;
    let name = [&259_u64.to_le_bytes()[..], &[12], &256_u64.to_le_bytes()].concat();
    let row = |place: u64| {
        let at = copies(&looped, place)[0];
        let row = looped[at..at + 4096].windows(17).position(|part| part == name)?;
        (row >= 101).then_some((place, row))
    };
    let (place, at) = of_level(&looped, 5, 0).into_iter().find_map(row).expect("the name of the folder");
    change(&mut looped, place, |node| {
        let own: Vec<u8> = node[at..at + 8].to_vec();
        node[at + 9..at + 17].copy_from_slice(&own);
    });
    let found = Collected::of(FileType::Btrfs, &looped);
    assert!(found.children.iter().any(|child| child.bytes == b"third"), "{found:?}");
}

#[test]
fn trees_are_paid_for() {
    let bytes = btrfs(Btrfs::Stored, &[("a", b"first")]);
    let limits = Limits { max_scan_size: 9_000, ..Limits::default() };
    let found = Collected::with_limits(FileType::Btrfs, &bytes, limits);
    assert_eq!((found.children.len(), found.incomplete), (0, vec![Reason::ScanSize]));
}

#[test]
fn damage_is_survived() {
    let text = text();
    for packing in [Btrfs::Stored, Btrfs::Lzo] {
        let files: &[(&str, &[u8])] = &[("small", b"first"), ("folder/large", &text[..30_000])];
        let bytes = btrfs_of(packing, 256, &[("", files), ("root", files)]);
        survives_damage(FileType::Btrfs, &bytes);
        let block = 64 << 10;
        let nodes: Vec<usize> = nodes(&bytes).iter().map(|place| copies(&bytes, *place)[0]).collect();
        let fields = (block + 40..block + 220).chain(block + 811..block + 960);
        let fields =
            fields.chain(nodes.into_iter().flat_map(|at| (at + 48..at + 340).chain(at + 3500..at + 4096)));
        for at in fields.step_by(4) {
            for value in [0, 1, 0x7fff_ffff, u32::MAX] {
                let mut lying = bytes.clone();
                lying[at..at + 4].copy_from_slice(&value.to_le_bytes());
                let _ = Collected::of(FileType::Btrfs, &lying);
            }
        }
    }
}
