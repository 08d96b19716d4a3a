//! Films of every compression, and the data in them.

use candor_fixtures::container;
use candor_model::FileType;

use crate::collected::{Collected, survives_damage};

#[test]
fn films_are_stored_again_and_their_data_are_children() {
    let stored = container::swf(b"content");
    let found = Collected::of(FileType::Swf, &stored);
    assert_eq!(found.children.len(), 1);
    assert_eq!(
        (found.children[0].member.name.as_str(), &found.children[0].bytes[..]),
        ("data 1", &b"content"[..])
    );
    for packed in [container::swf_zlib(b"content"), container::swf_lzma(b"content")] {
        let found = Collected::of(FileType::Swf, &packed);
        assert_eq!(found.children[0].bytes, stored);
        assert_eq!(found.children[0].absent, None);
        assert_eq!(found.children[0].member.file_type, Some(FileType::Swf));
        survives_damage(FileType::Swf, &packed);
    }
    survives_damage(FileType::Swf, &stored);
}

#[test]
fn data_are_found_behind_any_number_of_tags() {
    // A stage of no width, a rate and a count.
    let head = b"FWS\x05\0\0\0\0\0\0\0\0\0";
    let data = [&(87_u16 << 6 | 13).to_le_bytes()[..], &[0; 6], b"content"].concat();
    let found = Collected::of(FileType::Swf, &[&head[..], &vec![0; 2_000_002], &data].concat());
    assert_eq!(found.children.iter().map(|child| &child.bytes[..]).collect::<Vec<_>>(), [b"content"]);
}
