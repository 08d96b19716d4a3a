//! Volumes of every form, files of every kind, hostile trees, and damage.

use candor_fixtures::volume::apfs::{DATA, Entry, Form, Kind, SYSTEM, Volume, apfs, container, seal};
use candor_fixtures::volume::{COMPRESSIONS, compressed};
use candor_model::{FileType, Limits, Reason};

use crate::collected::{Collected, survives_damage};

const BLOCK: usize = 4096;

fn shown(found: &Collected) -> Vec<(&str, &[u8])> {
    let mut shown: Vec<_> =
        found.children.iter().map(|child| (child.member.name.as_str(), child.bytes.as_slice())).collect();
    shown.sort_unstable();
    shown
}

fn volume(entries: Vec<Entry<'_>>, form: Form) -> Vec<u8> {
    container(&[Volume { name: "disk", entries, form, ..Volume::default() }])
}

const FORMS: [Form; 4] = [Form::Hashed, Form::CaseInsensitive, Form::Plain, Form::Sealed];

#[test]
fn files_are_children_under_their_paths() {
    let large: Vec<u8> = (0..9_000_u32).flat_map(u32::to_le_bytes).collect();
    for form in FORMS {
        let entries = vec![
            Entry::new("a", Kind::File(b"first")),
            Entry::new("Folder/Deeper/Größe", Kind::File(&large)),
            Entry::new("Folder/empty", Kind::File(b"")),
            Entry::new("Folder/none", Kind::Folder),
        ];
        let found = Collected::of(FileType::Apfs, &volume(entries, form));
        assert_eq!(found.incomplete, [], "{form:?}");
        assert!(shown(&found) == [("Folder/Deeper/Größe", &large[..]), ("a", b"first")], "{form:?}");
        assert_eq!(found.details, [("volume", "disk".to_owned())]);
        assert_eq!(found.children[0].member.real_size, Some(5));
    }
}

#[test]
fn trees_of_many_nodes_are_walked() {
    let names: Vec<String> = (0..1500).map(|number| format!("folder {}/file {number}", number % 7)).collect();
    let contents: Vec<String> = (0..1500).map(|number| format!("content {number}")).collect();
    for form in FORMS {
        let entries = names
            .iter()
            .zip(&contents)
            .map(|(name, content)| Entry::new(name, Kind::File(content.as_bytes())));
        let found = Collected::of(FileType::Apfs, &volume(entries.collect(), form));
        assert_eq!(found.incomplete, [], "{form:?}");
        let mut expected: Vec<(&str, &[u8])> =
            names.iter().zip(&contents).map(|(name, content)| (name.as_str(), content.as_bytes())).collect();
        expected.sort_unstable();
        assert!(shown(&found) == expected, "{form:?}");
    }
}

#[test]
fn files_in_many_pieces_are_put_together() {
    let part = vec![b'x'; BLOCK];
    // Every second block is a hole, in more extents than a node has.
    let parts: Vec<(usize, &[u8])> = (0..120).map(|number| (2 * number * BLOCK, &part[..])).collect();
    let whole: Vec<u8> =
        (0..240).flat_map(|number| vec![if number % 2 == 0 { b'x' } else { 0 }; BLOCK]).collect();
    for form in FORMS {
        let entries = vec![
            Entry::new("a", Kind::File(b"first")),
            Entry::new("pieces", Kind::Sparse(parts.clone(), 239 * BLOCK - 10)),
            Entry::new("hole", Kind::Sparse(vec![(BLOCK, b"there")], 5 * BLOCK)),
            Entry::new("z", Kind::File(b"last")),
        ];
        let found = Collected::of(FileType::Apfs, &volume(entries, form));
        assert_eq!(found.incomplete, [], "{form:?}");
        let shown = shown(&found);
        assert!(shown[2] == ("pieces", &whole[..239 * BLOCK - 10]), "{form:?}");
        let mut hole = vec![0; 5 * BLOCK];
        hole[BLOCK..BLOCK + 5].copy_from_slice(b"there");
        assert!(shown[1] == ("hole", &hole[..]) && found.children.iter().all(|child| child.absent.is_none()));
    }
}

#[test]
fn all_names_of_a_file_lead_to_it() {
    for form in FORMS {
        let entries = vec![
            Entry::new("a", Kind::File(b"content")),
            Entry::new("folder/b", Kind::Link("a")),
            Entry::new("folder/copy", Kind::Clone("a")),
            Entry::new("symbolic", Kind::Symlink("a")),
        ];
        let found = Collected::of(FileType::Apfs, &volume(entries, form));
        let content = &b"content"[..];
        assert_eq!(
            shown(&found),
            [("a", content), ("folder/b", content), ("folder/copy", content)],
            "{form:?}"
        );
        assert_eq!(found.incomplete, []);
    }
}

#[test]
fn compressed_files_are_given_as_they_are_read() {
    let text: Vec<u8> =
        (0_u32..40_000).flat_map(|number| format!("{} ", number % 977).into_bytes()).collect();
    for method in COMPRESSIONS {
        let content = if matches!(method, 4 | 8 | 10 | 12) { &text[..] } else { &text[..2000] };
        let bytes = volume(vec![Entry::compressed("packed", method, content)], Form::Hashed);
        let found = Collected::of(FileType::Apfs, &bytes);
        assert_eq!(found.incomplete, [], "{method}");
        assert!(shown(&found) == [("packed", content)], "{method}");
        assert_eq!(found.children[0].member.real_size, Some(content.len() as u64));
    }
    for (method, why) in [(5, "keeps elsewhere"), (13, "LZBITMAP"), (200, "compression 200")] {
        let bytes = volume(vec![Entry::compressed("packed", method, b"content")], Form::Hashed);
        let found = Collected::of(FileType::Apfs, &bytes);
        let Some(Reason::Unsupported(told)) = &found.children[0].absent else { panic!("{method} is read") };
        assert!(told.contains(why), "{told}");
    }
}

#[test]
fn forks_and_attributes_are_content_as_well() {
    let long = vec![b'y'; 9000];
    let attributes = vec![
        ("com.apple.ResourceFork", b"fork".to_vec()),
        ("org.example.script", long.clone()),
        ("org.example.short", vec![b'z'; 64]),
        ("org.example.tiny", vec![b'z'; 63]),
    ];
    let file = Entry { path: "a", kind: Kind::File(b"content"), attributes: attributes.clone() };
    let folder = Entry { path: "folder", kind: Kind::Folder, attributes: attributes[2..].to_vec() };
    let found = Collected::of(FileType::Apfs, &volume(vec![file, folder], Form::Hashed));
    let expected: [(&str, &[u8]); 5] = [
        ("a", b"content"),
        ("a/rsrc", b"fork"),
        ("a:org.example.script", &long),
        ("a:org.example.short", &[b'z'; 64]),
        ("folder:org.example.short", &[b'z'; 64]),
    ];
    assert!(shown(&found) == expected, "{:?}", found.children);
    assert_eq!(found.incomplete, []);
}

/// Which macOS does not look at, as the file is not marked.
#[test]
fn compressed_content_behind_other_content_is_given_too() {
    let hidden = compressed(3, b"hidden");
    let file = Entry { path: "a", kind: Kind::File(b"content"), attributes: hidden };
    let mut bytes = volume(vec![file], Form::Hashed);
    let found = Collected::of(FileType::Apfs, &bytes);
    assert_eq!(shown(&found), [("a", &b"hidden"[..]), ("a:data", b"content")]);
    // Without the mark.
    let inode = bytes.windows(8).position(|part| part == [1, 0, 0, 0, 0, 0, 0, 0]).unwrap();
    let mark = (inode..bytes.len())
        .find(|&at| bytes[at..].starts_with(&[0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xa4, 0x81]));
    bytes[mark.unwrap()] = 0;
    let found = Collected::of(FileType::Apfs, &bytes);
    assert_eq!(shown(&found), [("a", &b"content"[..]), ("a:com.apple.decmpfs", b"hidden")]);
}

#[test]
fn volumes_are_folders_with_their_roles() {
    let volume = |name, role, form, snapshots| Volume {
        name,
        role,
        form,
        snapshots,
        entries: vec![Entry::new("a", Kind::File(b"content"))],
        ..Volume::default()
    };
    let bytes = container(&[
        volume("Mac/intosh", SYSTEM, Form::Sealed, 1),
        volume("Data", DATA, Form::Encrypted, 0),
        volume("Data", 0, Form::Plain, 0),
    ]);
    let found = Collected::of(FileType::Apfs, &bytes);
    let names: Vec<_> = found.children.iter().map(|child| child.member.name.as_str()).collect();
    assert_eq!(names, ["Mac_intosh/a", "Data/", "Data 2/a"]);
    assert_eq!(found.children[1].absent, Some(Reason::Encrypted));
    assert!(found.children[1].member.encrypted);
    let told: Vec<String> = found.incomplete.iter().map(ToString::to_string).collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].contains("1 snapshots of the APFS volume Mac_intosh (system)"), "{told:?}");
    assert!(told[1].contains("the encrypted APFS volume Data (data) (FileVault)"), "{told:?}");
    let details: Vec<_> = found.details.iter().map(|(_, volume)| volume.as_str()).collect();
    assert_eq!(details, ["Mac_intosh (system)", "Data (data)", "Data 2"]);
}

/// A container whose block says another transaction, with its checksum.
fn superblock(block: &[u8], transaction: u64, change: impl Fn(&mut [u8])) -> Vec<u8> {
    let mut block = block.to_vec();
    block[16..24].copy_from_slice(&transaction.to_le_bytes());
    change(&mut block);
    seal(&mut block);
    block
}

#[test]
fn the_newest_state_that_can_be_read_is_taken() {
    let old = apfs(&[("a", b"old")]);
    let place = |number: usize| number * BLOCK..(number + 1) * BLOCK;
    // The ring has a newer one whose checksum is wrong, and one without a map.
    let mut bytes = old.clone();
    let mut broken = superblock(&old[..BLOCK], 9, |_| {});
    broken[100] ^= 1;
    bytes[place(4)].copy_from_slice(&broken);
    let found = Collected::of(FileType::Apfs, &bytes);
    assert_eq!(shown(&found), [("a", &b"old"[..])]);
    assert_eq!(found.incomplete, []);
    bytes[place(5)].copy_from_slice(&superblock(&old[..BLOCK], 8, |block| block[160] ^= 0xff));
    let found = Collected::of(FileType::Apfs, &bytes);
    assert_eq!(shown(&found), [("a", &b"old"[..])]);
    assert!(found.incomplete[0].to_string().contains("newest state"), "{:?}", found.incomplete);
    // One that leads to no volume any more is newer than that in the first block.
    let mut bytes = old.clone();
    bytes[place(5)].copy_from_slice(&superblock(&old[..BLOCK], 8, |block| block[184..192].fill(0)));
    let found = Collected::of(FileType::Apfs, &bytes);
    assert!(found.children.is_empty() && found.incomplete.is_empty(), "{:?}", found.incomplete);
}

#[test]
fn disks_of_fusion_are_told() {
    let mut bytes = apfs(&[("a", b"content")]);
    for number in [0, 2] {
        let block = &mut bytes[number * BLOCK..(number + 1) * BLOCK];
        block[65] = 1;
        seal(block);
    }
    let found = Collected::of(FileType::Apfs, &bytes);
    assert!(found.incomplete[0].to_string().contains("Fusion"), "{:?}", found.incomplete);
    assert_eq!(shown(&found), [("a", &b"content"[..])]);
}

/// The blocks with nodes of the tree of files.
fn nodes(bytes: &[u8]) -> Vec<usize> {
    let is_node = |block: &usize| bytes[block * BLOCK + 28..][..4] == [0xe, 0, 0, 0];
    (0..bytes.len() / BLOCK).filter(is_node).collect()
}

#[test]
fn a_block_with_another_checksum_is_read_and_told() {
    let mut bytes = apfs(&[("a", b"content")]);
    let node = nodes(&bytes)[0];
    bytes[node * BLOCK] ^= 1;
    let found = Collected::of(FileType::Apfs, &bytes);
    assert_eq!(shown(&found), [("a", &b"content"[..])]);
    let why = format!("1 blocks of the APFS volume volume have another checksum, the first is {node}");
    assert_eq!(found.incomplete, [Reason::Malformed(why)]);
}

#[test]
fn a_node_that_is_gone_does_not_take_the_others_along() {
    let names: Vec<String> = (0..600).map(|number| format!("file {number}")).collect();
    let files: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &b"content"[..])).collect();
    let whole = apfs(&files);
    // One with names, without which files are called what they were made as, and one with inodes.
    for (index, least, most) in [(3, 600, 600), (20, 300, 599)] {
        let mut bytes = whole.clone();
        let node = nodes(&bytes)[index];
        bytes[node * BLOCK..(node + 1) * BLOCK].fill(0);
        let found = Collected::of(FileType::Apfs, &bytes);
        let count = found.children.len();
        assert!((least..=most).contains(&count), "{index}: {count}");
        let why = format!("1 blocks of the APFS volume volume cannot be read, the first is {node}");
        assert_eq!(found.incomplete, [Reason::Malformed(why)], "{index}");
    }
}

#[test]
fn trees_that_lead_back_to_themselves_end() {
    let names: Vec<String> = (0..600).map(|number| format!("file {number}")).collect();
    let files: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &b"content"[..])).collect();
    let whole = apfs(&files);
    let map =
        (0..whole.len() / BLOCK).rev().filter(|block| whole[block * BLOCK + 28..][..4] == [0xb, 0, 0, 0]);
    let places: Vec<usize> = nodes(&whole);
    // Each node of the files' tree stands where the others were, by the map of the volume.
    for map in map.take(2) {
        let mut bytes = whole.clone();
        let block = &mut bytes[map * BLOCK..(map + 1) * BLOCK];
        for at in (56..BLOCK - 8).step_by(8) {
            let value = u64::from_le_bytes(*block[at..].first_chunk().unwrap()) as usize;
            if places.contains(&value) {
                block[at..at + 8].copy_from_slice(&(*places.last().unwrap() as u64).to_le_bytes());
            }
        }
        seal(block);
        let found = Collected::of(FileType::Apfs, &bytes);
        assert!(found.children.len() <= 600);
    }
}

#[test]
fn folders_that_hold_themselves_end() {
    let mut bytes = apfs(&[("folder/deeper/a", b"content")]);
    // The folder is in the one that is in it: 16 is in 2, 17 in 16.
    let key = [2, 0, 0, 0, 0, 0, 0, 0x90];
    let at: Vec<usize> = (0..bytes.len() - 8).filter(|&at| bytes[at..].starts_with(&key)).collect();
    assert_eq!(at.len(), 1);
    bytes[at[0]] = 17;
    let found = Collected::of(FileType::Apfs, &bytes);
    assert_eq!(found.children[0].bytes, b"content");
}

#[test]
fn files_that_no_folder_leads_to_are_found_by_what_they_were_called() {
    let mut bytes = apfs(&[("folder/lost", b"content")]);
    let key = [16, 0, 0, 0, 0, 0, 0, 0x90];
    let at = (0..bytes.len() - 8).find(|&at| bytes[at..].starts_with(&key)).unwrap();
    bytes[at + 7] = 0x70;
    let found = Collected::of(FileType::Apfs, &bytes);
    assert_eq!(shown(&found), [("folder/lost", &b"content"[..])]);
}

#[test]
fn names_are_held_within_the_memory_of_a_scan() {
    let names: Vec<String> = (0..3000).map(|number| format!("{number} {}", "x".repeat(100))).collect();
    let files: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &b"content"[..])).collect();
    let limits = Limits { max_memory: 100_000, ..Limits::default() };
    let found = Collected::with_limits(FileType::Apfs, &apfs(&files), limits);
    assert!(found.incomplete.contains(&Reason::Memory), "{:?}", found.incomplete);
    assert_eq!(found.budget.memory(), 100_000);
}

#[test]
fn damage_is_survived() {
    let text = vec![b'x'; 5000];
    for form in FORMS {
        let entries = vec![
            Entry::new("folder/a", Kind::File(&text)),
            Entry::new("b", Kind::Link("folder/a")),
            Entry::compressed("packed", 8, &text),
        ];
        let bytes = volume(entries, form);
        survives_damage(FileType::Apfs, &bytes);
        // Every field of the blocks that are not empty, with the checksum or without.
        for block in 0..bytes.len() / BLOCK {
            let range = block * BLOCK..(block + 1) * BLOCK;
            let filled: Vec<usize> = range.clone().filter(|at| bytes[*at] != 0 && at % 2 == 0).collect();
            for at in filled.iter().copied().step_by(1 + filled.len() / 25) {
                for value in [0, 1, 0x7fff_ffff, u32::MAX] {
                    let mut lying = bytes.clone();
                    let end = (at + 4).min(range.end);
                    lying[at..end].copy_from_slice(&value.to_le_bytes()[..end - at]);
                    if value != 1 {
                        seal(&mut lying[range.clone()]);
                    }
                    let limits = Limits { max_scan_size: 1 << 20, ..Limits::default() };
                    let found = Collected::with_limits(FileType::Apfs, &lying, limits);
                    assert!(found.budget.bytes() <= limits.max_scan_size);
                }
            }
        }
    }
    for bytes in [&b""[..], &[0; 4096], b"NXSB"] {
        let found = Collected::of(FileType::Apfs, bytes);
        assert_eq!(found.incomplete, [Reason::Malformed("the superblock of an APFS container".to_owned())]);
    }
}

#[test]
fn a_ring_that_is_not_looked_at_to_its_end_is_told() {
    let old = apfs(&[("a", b"content")]);
    let told = |count: u32| {
        let mut bytes = old.clone();
        let first =
            superblock(&old[..BLOCK], 9, |block| block[104..108].copy_from_slice(&count.to_le_bytes()));
        bytes[..BLOCK].copy_from_slice(&first);
        let found = Collected::of(FileType::Apfs, &bytes);
        assert_eq!(shown(&found), [("a", &b"content"[..])]);
        found.incomplete.contains(&Reason::Unsupported("so many states of an APFS container".to_owned()))
    };
    assert!(!told(65_536));
    assert!(told(65_537));
}
