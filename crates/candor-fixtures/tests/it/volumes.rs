//! Tools of others that check volumes take those that are built, where they are installed.

use std::fs::OpenOptions;
use std::path::Path;
use std::process::Command;

use candor_fixtures::volume::apfs::{self, Entry, Form, Kind, Volume};

/// Where Debian puts the checker of `apfsprogs`.
const APFSCK: &str = "/usr/sbin/apfsck";

/// Blocks of a container that has room for two volumes.
const BLOCKS: usize = 140_000;

#[test]
fn containers_of_apfs_are_as_apfsck_wants_them() {
    if !Path::new(APFSCK).exists() {
        return;
    }
    let place = tempfile::tempdir().unwrap();
    let (large, part) = (vec![b'x'; 30_000], vec![b'y'; 4096]);
    let names: Vec<String> = (0..400).map(|number| format!("many/file {number}")).collect();
    let pieces: Vec<(usize, &[u8])> = (0..200).map(|number| (2 * number * 4096, &part[..])).collect();
    for form in [Form::Hashed, Form::CaseInsensitive, Form::Plain] {
        let mut entries = vec![
            Entry::new("a", Kind::File(b"content")),
            Entry::new("Folder/Deeper/Large", Kind::File(&large)),
            Entry::new("Folder/link", Kind::Link("a")),
            Entry::new("Folder/empty", Kind::Folder),
            Entry::new("clone", Kind::Clone("a")),
            Entry::new("symbolic", Kind::Symlink("Folder/Deeper")),
            Entry::new("pieces", Kind::Sparse(pieces.clone(), 399 * 4096)),
        ];
        entries[0].attributes =
            vec![("org.example.short", vec![7; 100]), ("org.example.long", vec![8; 9000])];
        entries.extend(names.iter().map(|name| Entry::new(name, Kind::File(b"content of many"))));
        let volume = |name, role| Volume { name, role, form, entries: entries.clone(), ..Volume::default() };
        let bytes = apfs::sized(&[volume("first", apfs::SYSTEM), volume("second", apfs::DATA)], BLOCKS);
        let path = place.path().join("disk.img");
        std::fs::write(&path, bytes).unwrap();
        let file = OpenOptions::new().write(true).open(&path).unwrap();
        file.set_len(BLOCKS as u64 * 4096).unwrap();
        // What is compressed it does not know.
        let told = Command::new(APFSCK).arg("-cuw").arg(&path).output().unwrap();
        let words =
            String::from_utf8_lossy(&told.stderr).into_owned() + &String::from_utf8_lossy(&told.stdout);
        assert!(told.status.success() && words.trim().is_empty(), "{form:?}: {words}");
    }
}
