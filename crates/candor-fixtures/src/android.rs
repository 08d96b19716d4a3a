//! Packages for Android: a ZIP archive with a manifest in the binary form of XML.

use crate::zip::{Member, build};

fn number(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

fn numbers(numbers: &[u32]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}

fn chunk(kind: u16, head: u16, rest: &[u8]) -> Vec<u8> {
    [&kind.to_le_bytes()[..], &head.to_le_bytes(), &(number(rest.len()) + 8).to_le_bytes(), rest].concat()
}

/// `<manifest package="…" versionName="…">`, with texts in either form.
#[must_use]
pub fn manifest(package: &str, version: &str, is_utf8: bool) -> Vec<u8> {
    let texts = ["manifest", "package", package, "versionName", version];
    let (mut offsets, mut data) = (Vec::new(), Vec::new());
    for text in texts {
        offsets.extend(number(data.len()).to_le_bytes());
        let length = u16::try_from(text.len()).unwrap_or(u16::MAX).to_le_bytes();
        if is_utf8 {
            data.extend([length[0], length[0]]);
            data.extend(text.as_bytes());
            data.push(0);
        } else {
            data.extend(length);
            data.extend(text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes));
        }
    }
    let flags = if is_utf8 { 0x100 } else { 0 };
    let pool = [numbers(&[5, 0, flags, 28 + number(offsets.len()), 0]), offsets, data].concat();
    let attribute = |name: u32, value: u32| numbers(&[u32::MAX, name, value, 0x0300_0008, value]);
    let element = [
        numbers(&[1, u32::MAX, u32::MAX, 0]),
        [20_u16, 20, 2, 0, 0, 0].iter().flat_map(|number| number.to_le_bytes()).collect(),
        attribute(3, 4),
        attribute(1, 2),
    ]
    .concat();
    chunk(3, 8, &[chunk(1, 28, &pool), chunk(0x180, 8, &[0; 8]), chunk(0x102, 16, &element)].concat())
}

/// A package with that manifest.
#[must_use]
pub fn package(manifest: &[u8]) -> Vec<u8> {
    let member = |name: &str, bytes: &[u8]| Member {
        name: name.to_owned(),
        bytes: bytes.to_vec(),
        deflate: true,
        encrypted: false,
    };
    build(&[member("classes.dex", b"x"), member("AndroidManifest.xml", manifest)])
}
