//! Files in folders, and damage.

use candor_fixtures::container;
use candor_fixtures::volume::COMPRESSIONS;
use candor_model::{FileType, Reason};

use crate::collected::{Collected, survives_damage};

#[test]
fn files_are_children_under_their_paths() {
    let bytes = container::hfs(b"content");
    let found = Collected::of(FileType::PartHfsPlus, &bytes);
    let shown: Vec<_> =
        found.children.iter().map(|child| (child.member.name.as_str(), child.bytes.as_slice())).collect();
    assert_eq!(shown, [("a", &b"content"[..]), ("folder/b", b"content"), ("folder/b/rsrc", b"content")]);
    assert_eq!(found.incomplete, []);
    survives_damage(FileType::PartHfsPlus, &bytes);
}

#[test]
fn compressed_files_are_given_as_they_are_read() {
    let text: Vec<u8> =
        (0_u32..40_000).flat_map(|number| format!("{} ", number % 977).into_bytes()).collect();
    for method in COMPRESSIONS {
        let content = if matches!(method, 4 | 8 | 10 | 12) { &text[..] } else { &text[..2000] };
        let bytes = container::hfs_compressed(method, content);
        let found = Collected::of(FileType::PartHfsPlus, &bytes);
        assert_eq!((found.children.len(), found.incomplete.len()), (1, 0), "{method}");
        let child = &found.children[0];
        assert!(child.member.name == "a" && child.bytes == content && child.absent.is_none(), "{method}");
        assert_eq!(child.member.real_size, Some(content.len() as u64));
        survives_damage(FileType::PartHfsPlus, &bytes);
    }
    let found = Collected::of(FileType::PartHfsPlus, &container::hfs_compressed(13, b"content"));
    assert_eq!(found.children[0].absent, Some(Reason::Unsupported("LZBITMAP".to_owned())));
}
