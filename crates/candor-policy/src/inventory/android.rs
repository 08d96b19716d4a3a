//! Android packages: the name and version that their manifest gives.
//!
//! A package is a ZIP archive with `AndroidManifest.xml`, which is XML in a binary form: chunks of
//! `u16 kind | u16 bytes of its head | u32 bytes`, of which kind 1 holds all texts and 0x102 begins an element.
//! The element `manifest` comes first.

use candor_model::FileType;

use super::bytes::{array, le16, le32, run, size};
use super::members::{self, Wish};
use super::{Item, ItemKind, Items, Surface};

/// Bytes of a manifest.
const LONGEST: u64 = 16 << 20;

/// Reads a package.
pub(super) fn read(bytes: &[u8], items: &mut Items<'_>) {
    let mut found = None;
    let mut wants = |name: &str| if name == "AndroidManifest.xml" { Wish::Give(LONGEST) } else { Wish::Pass };
    let trouble = members::each(FileType::Zip, bytes, &mut wants, &mut |_, content| {
        found = manifest(content);
        false
    });
    let Some((package, version)) = found.filter(|(package, _)| !package.is_empty()) else {
        return items.unread("it has no manifest that can be read");
    };
    let path = items.path().to_owned();
    items.push(
        Item::new(ItemKind::Package, &package)
            .with_version(&version)
            .seen_in(&package)
            .with(Surface::AndroidPackage, &package)
            .at_path(&path),
    );
    if let Some(trouble) = trouble {
        items.partly(&trouble);
    }
}

/// Package and version.
fn manifest(bytes: &[u8]) -> Option<(String, String)> {
    let mut at = usize::from(le16(bytes, 2)?);
    let mut texts: &[u8] = &[];
    for _ in 0..64 {
        let (kind, length) = (le16(bytes, at)?, size(le32(bytes, at.checked_add(4)?)?));
        let chunk = run(bytes, at, length).filter(|chunk| chunk.len() >= 8)?;
        match kind {
            1 => texts = chunk,
            0x102 => {
                if text(texts, le32(chunk, 20)?).as_deref() != Some("manifest") {
                    return None;
                }
                let attribute = |name: &str| {
                    let start = usize::from(le16(chunk, 24)?).checked_add(16)?;
                    let width = usize::from(le16(chunk, 26)?);
                    (0..usize::from(le16(chunk, 28)?)).find_map(|number| {
                        let entry = chunk.get(number.checked_mul(width)?.checked_add(start)?..)?;
                        let is_it = text(texts, le32(entry, 4)?).as_deref() == Some(name);
                        is_it.then(|| text(texts, le32(entry, 8)?)).flatten()
                    })
                };
                return Some((attribute("package")?, attribute("versionName").unwrap_or_default()));
            }
            _ => (),
        }
        at = at.checked_add(length)?;
    }
    None
}

/// The text of this number.
fn text(chunk: &[u8], number: u32) -> Option<String> {
    if number >= le32(chunk, 8)? {
        return None;
    }
    let entry = size(number).checked_mul(4)?.checked_add(28)?;
    let at = size(le32(chunk, 20)?).checked_add(size(le32(chunk, entry)?))?;
    if le32(chunk, 16)? & 0x100 != 0 {
        // UTF-8: the number of characters, then that of bytes, each of one byte or two.
        let [first] = array(chunk, at)?;
        let at = at.checked_add(if first & 0x80 == 0 { 1 } else { 2 })?;
        let [high] = array(chunk, at)?;
        let (length, at) = if high & 0x80 == 0 {
            (usize::from(high), at.checked_add(1)?)
        } else {
            let [low] = array(chunk, at.checked_add(1)?)?;
            (usize::from(high & 0x7f) << 8 | usize::from(low), at.checked_add(2)?)
        };
        return run(chunk, at, length).map(|text| String::from_utf8_lossy(text).into_owned());
    }
    let length = le16(chunk, at)?;
    // Texts of more than 32,767 units have a longer length; no name has.
    let units = run(chunk, at.checked_add(2)?, usize::from(length).checked_mul(2)?)?;
    Some(super::bytes::utf16(units))
}

#[cfg(test)]
mod tests {
    use crate::inventory::tests::{check_at, read as read_items};
    use crate::inventory::{CoverageState, Reader};

    fn manifest(is_utf8: bool) -> Vec<u8> {
        candor_fixtures::android::manifest("com.example.av", "1.2", is_utf8)
    }

    #[test]
    fn a_package_says_its_name() {
        for is_utf8 in [false, true] {
            check_at(
                Reader::Android,
                "data/app/a.apk",
                &candor_fixtures::android::package(&manifest(is_utf8)),
                &[
                    "Package com.example.av 1.2 | com.example.av | AndroidPackage=com.example.av, Path=data/app/a.apk, FileName=a.apk",
                ],
            );
        }
    }

    #[test]
    fn damage_is_survived_and_told() {
        let whole = manifest(true);
        for at in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] = 0xff;
            let _ = super::manifest(&damaged);
            let _ = super::manifest(&whole[..at]);
        }
        let (_, coverage) = read_items(Reader::Android, "a.apk", &candor_fixtures::android::package(b"text"));
        assert!(matches!(coverage.state, CoverageState::NotRead(_)));
    }
}
