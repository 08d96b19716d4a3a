//! Archives: what is packed comes out, and everything else is refused for what it is.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;

use ruzstd::encoding::{CompressionLevel, compress_to_vec};

use super::*;
use crate::candidate::{Expectation, MemberClass};
use crate::feed::mirror::Output;

const OF: Header<'static> = Header { feed: "example.com/feed", archive: "daily.tar.zst", release: 7 };

#[derive(Default)]
struct Memory(BTreeMap<String, Vec<u8>>);

impl Output for Memory {
    fn directory(&self) -> &Path {
        Path::new("/")
    }

    fn create(&mut self, name: &str) -> io::Result<Box<dyn Write + '_>> {
        Ok(Box::new(self.0.entry(name.to_owned()).or_default()))
    }
}

fn contents() -> Contents {
    Contents {
        feed: OF.feed.to_owned(),
        archive: OF.archive.to_owned(),
        release: 7,
        members: vec![
            ("b.ndb".to_owned(), b"Test.Body:0:*:0badc0de\n".to_vec()),
            ("a.hdb".to_owned(), b"44d88612fea8a8f36de82e1278abb02f:68:Test.Hash\n".repeat(100)),
        ],
        expectations: vec![Expectation {
            content: "Zm9v".to_owned(),
            signature: Some("Test.Body".to_owned()),
        }],
    }
}

fn open(packed: &[u8]) -> Result<(Unpacked, Memory), ArchiveError> {
    let mut memory = Memory::default();
    let unpacked = unpack(packed, OF, &|_| true, &mut memory)?;
    Ok((unpacked, memory))
}

fn refused(packed: &[u8]) -> String {
    open(packed).map(|_| ()).unwrap_err().to_string()
}

/// The archive before it is compressed, changed.
fn changed(change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let packed = pack(&contents()).unwrap();
    let mut tar = Vec::new();
    let mut rest = packed.as_slice();
    let mut decoder = ruzstd::decoding::StreamingDecoder::new(&mut rest).unwrap();
    io::Read::read_to_end(&mut decoder, &mut tar).unwrap();
    change(&mut tar);
    compress_to_vec(tar.as_slice(), CompressionLevel::Fastest)
}

/// Where the header of the first member after the manifest begins.
fn first(tar: &[u8]) -> usize {
    tar.chunks(BLOCK).skip(1).position(|block| block.starts_with(b"a.hdb\0")).unwrap() * BLOCK + BLOCK
}

fn sign_header(tar: &mut [u8], at: usize) {
    tar[at + 148..at + 156].fill(b' ');
    let sum: u64 = tar[at..at + BLOCK].iter().map(|byte| u64::from(*byte)).sum();
    tar[at + 148..at + 156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}

#[test]
fn what_is_packed_comes_out() {
    let packed = pack(&contents()).unwrap();
    assert_eq!(packed, pack(&contents()).unwrap(), "the same members give the same bytes");
    let (unpacked, memory) = open(&packed).unwrap();
    assert_eq!(unpacked.members.len(), 2);
    assert_eq!(unpacked.expectations, contents().expectations);
    assert_eq!(memory.0["b.ndb"], contents().members[0].1);
    assert_eq!(memory.0["a.hdb"], contents().members[1].1);
    let mut memory = Memory::default();
    let hashes = |class| class == MemberClass::Hashes;
    assert_eq!(unpack(&packed, OF, &hashes, &mut memory).unwrap().members.len(), 1);
    assert_eq!(memory.0.keys().collect::<Vec<_>>(), ["a.hdb"]);
}

#[test]
fn a_header_has_nothing_in_it_that_is_not_needed() {
    let header = |at: usize, bytes: &[u8]| {
        changed(|tar| {
            let first = first(tar);
            tar[first + at..first + at + bytes.len()].copy_from_slice(bytes);
            sign_header(tar, first);
        })
    };
    assert_eq!(
        refused(&header(156, b"2")),
        "the member `a.hdb` is a symbolic link, and a release has plain files only"
    );
    assert_eq!(
        refused(&header(156, b"1")),
        "the member `a.hdb` is a hard link, and a release has plain files only"
    );
    assert_eq!(
        refused(&header(156, b"5")),
        "the member `a.hdb` is a directory, and a release has plain files only"
    );
    assert_eq!(
        refused(&header(156, b"x")),
        "the member `a.hdb` is an extension of another member, and a release has plain files only"
    );
    assert_eq!(refused(&header(0, b"../a.hdb")), "the member `../a.hdb` has a path that would climb out");
    assert_eq!(refused(&header(345, b"/etc")), "the member `a.hdb` has a path that would climb out");
    let spelling =
        "the header of `a.hdb` is not in its one spelling: it has an owner, a time, a mode or more";
    assert_eq!(refused(&header(100, b"0000755")), spelling);
    assert_eq!(refused(&header(108, b"0001750")), spelling);
    assert_eq!(refused(&header(136, b"00000000001")), spelling);
    assert_eq!(refused(&header(265, b"root")), spelling);
    assert_eq!(refused(&header(500, b"x")), spelling);
    assert_eq!(refused(&header(0, b"c.hdb")), "the member `c.hdb` is where the manifest has `a.hdb`");
    assert_eq!(
        refused(&header(124, b"00000000001")),
        "the member `a.hdb` has 1 bytes, and the manifest says 4600"
    );
}

#[test]
fn a_name_that_is_a_path_is_refused_by_the_manifest_already() {
    let member = |name: &str| {
        format!(
            "format = 1\nfeed = \"example.com/feed\"\narchive = \"daily.tar.zst\"\nrelease = 7\nengine = 1\n\
             [[member]]\nname = \"{name}\"\nclass = \"hashes\"\nlength = 1\nsha256 = \"{}\"\n",
            "0".repeat(64)
        )
    };
    let check = |name: &str, message: &str| {
        assert_eq!(Manifest::parse(&member(name)).unwrap_err().to_string(), message);
    };
    check("../a.hdb", "the member `../a.hdb` is not a plain name: it would climb out, or hide");
    check("/a.hdb", "the member `/a.hdb` is not a plain name: it would climb out, or hide");
    check(".a.hdb", "the member `.a.hdb` is not a plain name: it would climb out, or hide");
    check("manifest.toml", "the member `manifest.toml` is not a plain name: it would climb out, or hide");
    check("a.cbc", "the member `a.cbc` is not of a language that a release may hold: it would be a program");
    check(
        "a.yarc",
        "the member `a.yarc` is not of a language that a release may hold: it would be a program",
    );
    check("a.bin", "the member `a.bin` is not of a language that a release may hold");
    check(
        "a.ndb",
        "the member `a.ndb` is said to be of class `hashes`, and its language is of class `signatures`",
    );
    assert!(Manifest::parse(&member("a.hdb")).is_ok());
}

#[test]
fn what_is_not_data_is_named() {
    let with = |bytes: &[u8]| {
        let mut contents = contents();
        contents.members.truncate(1);
        contents.members[0].1 = bytes.to_vec();
        let refusal = pack(&contents).unwrap_err();
        let PackError::Foreign { foreign, .. } = refusal else { panic!("{refusal}") };
        // Whoever packs by other means gets the same answer where it counts.
        let manifest = Manifest {
            format: FORMAT,
            feed: OF.feed.to_owned(),
            archive: OF.archive.to_owned(),
            release: 7,
            engine: ENGINE,
            members: vec![ManifestMember {
                name: "b.ndb".to_owned(),
                class: MemberClass::Signatures,
                length: bytes.len() as u64,
                sha256: crate::log::Hash::of(bytes).to_string(),
            }],
            canaries: vec![],
        };
        let packed = pack_as(&toml::to_string(&manifest).unwrap(), &[("b.ndb", bytes)]);
        let expected = format!("the member `b.ndb` is {foreign}, and a release holds nothing but data");
        assert_eq!(refused(&packed), expected);
        foreign
    };
    assert_eq!(with(b"\x7fELF\x02\x01\x01"), Foreign::Elf);
    assert_eq!(with(b"MZ\x90\0"), Foreign::Pe);
    assert_eq!(with(b"\xcf\xfa\xed\xfe\x07"), Foreign::MachO);
    assert_eq!(with(b"\xca\xfe\xba\xbe"), Foreign::Class);
    assert_eq!(with(b"\0asm\x01"), Foreign::Wasm);
    assert_eq!(with(b"#!/bin/sh\n"), Foreign::Script);
    assert_eq!(with(b"\xef\xbb\xbf#!/bin/sh\n"), Foreign::Script);
    assert_eq!(with(b"<?php system(1);"), Foreign::Script);
    assert_eq!(with(b"Name:0:*:00\0"), Foreign::Binary);
    let hashes = (0..4000_u32).map(|number| crate::log::Hash::of(&number.to_be_bytes()).to_string());
    let mut late = hashes.collect::<String>().into_bytes();
    late.push(0x1b);
    assert_eq!(with(&late), Foreign::Binary);
    // A signature may be called what it likes.
    let mut contents = contents();
    contents.members[0].1 = b"MZ.Packed.Thing:1:EP+0:6060\n".to_vec();
    assert!(open(&pack(&contents).unwrap()).is_ok());
}

#[test]
fn an_archive_of_something_else_is_not_taken_for_this_one() {
    let with = |change: fn(&mut Contents)| {
        let mut contents = contents();
        change(&mut contents);
        refused(&pack(&contents).unwrap())
    };
    assert_eq!(
        with(|contents| contents.feed = "example.org/feed".to_owned()),
        "its feed is `example.org/feed`, not `example.com/feed` (wrong software)"
    );
    assert_eq!(
        with(|contents| contents.archive = "base.tar.zst".to_owned()),
        "its archive is `base.tar.zst`, not `daily.tar.zst` (wrong software)"
    );
    assert_eq!(
        with(|contents| contents.release = 8),
        "it belongs to release 8 and later, and is offered as part of 7"
    );
    let mut earlier = contents();
    earlier.release = 3;
    assert!(open(&pack(&earlier).unwrap()).is_ok(), "an archive that has not changed is used again");
}

#[test]
fn a_bomb_does_not_go_off() {
    let zeros = vec![b'0'; 8 << 20];
    let mut contents = contents();
    contents.members = vec![("a.hdb".to_owned(), zeros)];
    let packed = pack(&contents).unwrap();
    assert!(refused(&packed).ends_with("are unpacked (bomb)"), "{}", refused(&packed));
}

#[test]
fn what_is_damaged_or_follows_is_noticed() {
    let packed = pack(&contents()).unwrap();
    assert_eq!(refused(b""), "it is not a Zstandard frame with a window of at most 33554432 bytes");
    assert_eq!(
        refused(b"\x1f\x8b\x08"),
        "it is not a Zstandard frame with a window of at most 33554432 bytes"
    );
    for length in 10..packed.len() {
        assert!(open(&packed[..length]).is_err(), "{length} of {}", packed.len());
    }
    let longer: Vec<u8> = packed.iter().copied().chain([0]).collect();
    assert_eq!(refused(&longer), "more follows the end of the archive");
    assert_eq!(refused(&changed(|tar| tar.push(0))), "more follows the end of the archive");
    let missing = changed(|tar| {
        let first = first(tar);
        tar.truncate(first);
        tar.resize(first + 1024, 0);
    });
    assert_eq!(refused(&missing), "it is damaged at `a.hdb`, which is missing");
    let extra = changed(|tar| {
        let end = tar.len() - 1024;
        tar.splice(end..end, header("z.ndb", 0));
    });
    assert_eq!(refused(&extra), "the member `z.ndb` is where the manifest has no more");
    let padded = changed(|tar| {
        let at = first(tar) + BLOCK + 4600;
        tar[at] = 1;
    });
    assert_eq!(refused(&padded), "it is damaged at `a.hdb`");
    let other = changed(|tar| {
        let at = first(tar) + BLOCK;
        tar[at] = b'5';
    });
    assert!(refused(&other).contains("has the digest"), "{}", refused(&other));
}
