//! Images with two trees, with loops, and in raw sectors.

use candor_fixtures::archive;
use candor_model::{FileType, Reason};

use crate::collected::{Collected, survives_damage};

#[test]
fn files_are_given_once_under_their_long_names() {
    let bytes = archive::iso(&[("a long name.exe", b"content"), ("b", &[7; 5000])]);
    let found = Collected::of(FileType::Iso9660, &bytes);
    let shown: Vec<_> = found.children.iter().map(|child| child.member.name.as_str()).collect();
    assert_eq!(shown, ["a long name.exe", "b"]);
    assert!(found.children[0].bytes == b"content" && found.children[1].bytes == [7; 5000]);
    let raw: Vec<u8> =
        bytes.chunks(2048).flat_map(|sector| [&[0; 16][..], sector, &[0; 288]].concat()).collect();
    assert_eq!(Collected::of(FileType::Iso9660, &raw).children[0].bytes, b"content");
}

#[test]
fn a_directory_that_leads_back_to_itself_is_read_once() {
    let mut bytes = archive::iso(&[("a", b"content")]);
    // The file becomes a directory at the place of the root.
    let record = 20 * 2048 + 34 + 34;
    bytes[record + 2] = 20;
    bytes[record + 25] = 2;
    let found = Collected::of(FileType::Iso9660, &bytes);
    assert_eq!(found.children.len(), 1);
    assert_eq!(found.children[0].member.name, "FILE0.");
}

#[test]
fn damage_is_survived() {
    survives_damage(FileType::Iso9660, &archive::iso(&[("a", b"content")])[16 * 2048 - 32_768..]);
}

#[test]
fn folders_whose_path_is_too_long_are_told() {
    let nested = |count: u32| {
        let mut bytes = archive::iso(&[]);
        let first = bytes.len() as u32 / 2048;
        let record = |sector: u32, flags: u8| {
            let mut record = vec![235, 0];
            for value in [sector, 2048] {
                record.extend([value.to_le_bytes(), value.to_be_bytes()].concat());
            }
            record.extend([&[0; 7][..], &[flags, 0, 0, 1, 0, 0, 1, 201]].concat());
            record.resize(235, b'n');
            record.resize(2048, 0);
            record
        };
        bytes[19 * 2048..20 * 2048].copy_from_slice(&record(first, 2));
        for folder in 1..=count {
            bytes.extend(record(first + folder, if folder == count { 0 } else { 2 }));
        }
        bytes.extend([b'x'; 2048]);
        let found = Collected::of(FileType::Iso9660, &bytes);
        (found.children.len(), found.incomplete)
    };
    assert_eq!(nested(20), (1, vec![]));
    assert_eq!(nested(30), (0, vec![Reason::Depth]));
}

#[test]
fn what_only_the_image_says_is_packed_is_unpacked() {
    let content = [b'z'; 3000];
    let packed = candor_fixtures::stream::zlib(&content);
    // Without the magic, which Linux does not ask for.
    let mut file = [24_u32, 24 + packed.len() as u32].map(u32::to_le_bytes).concat();
    file.splice(..0, [0; 16]);
    file.extend(packed);
    let mut bytes = archive::iso(&[("a", &file)]);
    let found = Collected::of(FileType::Iso9660, &bytes);
    assert_eq!(found.children.len(), 1);
    // The record of the other tree gets a field.
    let record = 20 * 2048 + 34 + 34;
    let end = record + usize::from(bytes[record]);
    bytes[record] += 16;
    let field = [&b"ZF\x10\x01pz\x04\x0f"[..], &3000_u32.to_le_bytes(), &3000_u32.to_be_bytes()].concat();
    bytes[end..end + 16].copy_from_slice(&field);
    let found = Collected::of(FileType::Iso9660, &bytes);
    assert_eq!(found.incomplete, []);
    assert_eq!(found.children.len(), 2);
    assert_eq!((&found.children[0].bytes, &found.children[1].bytes[..]), (&file, &content[..]));
}
