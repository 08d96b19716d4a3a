//! Lock files in TOML with `[[package]]`: `Cargo.lock`, `poetry.lock`, `uv.lock`.

use super::{component, python};
use crate::inventory::Items;
use crate::inventory::bytes::lossy;

/// Reads a lock; its name says whose it is. The text is read line by line: a lock is written by a program, and
/// one that is damaged in one place still names the rest.
pub(in crate::inventory) fn toml_lock(bytes: &[u8], items: &mut Items<'_>) {
    let is_cargo = items.path().to_ascii_lowercase().ends_with("cargo.lock");
    let text = lossy(bytes);
    let mut current: Option<(String, String)> = None;
    let mut is_head = false;
    let give = |found: Option<(String, String)>, items: &mut Items<'_>| {
        let Some((name, version)) = found.filter(|(name, _)| !name.is_empty()) else { return };
        items.push(if is_cargo {
            component("cargo", "", &name, &version)
        } else {
            component("pypi", "", &python::normal(&name), &version)
        });
    };
    for line in text.lines() {
        if line.starts_with('[') {
            if line.trim() == "[[package]]" {
                give(current.take(), items);
                current = Some((String::new(), String::new()));
            }
            is_head = line.trim() == "[[package]]";
        } else if let (Some((name, version)), Some((key, value))) = (current.as_mut(), line.split_once('='))
            && is_head
        {
            let value = value.trim().trim_matches('"');
            match key.trim() {
                "name" => value.clone_into(name),
                "version" => value.clone_into(version),
                _ => (),
            }
        }
        if items.is_full() {
            return items.partly("there are too many packages");
        }
    }
    give(current, items);
}

#[cfg(test)]
mod tests {
    use crate::inventory::tests::{read, values};
    use crate::inventory::{Reader, Surface};

    #[test]
    fn locks_in_toml_name_their_packages() {
        let text = "version = 3\n[[package]]\nname = \"a_b\"\nversion = \"1.0\"\nsource = \"x\"\n[package.metadata]\nname = \"no\"\n\n[[package]]\nname = \"c\"\nversion = \"2\"\n";
        let (items, _) = read(Reader::TomlLock, "x/Cargo.lock", text.as_bytes());
        assert_eq!(values(&items, Surface::PackageUrl), ["pkg:cargo/a_b@1.0", "pkg:cargo/c@2"]);
        let (items, _) = read(Reader::TomlLock, "x/uv.lock", text.as_bytes());
        assert_eq!(values(&items, Surface::PackageUrl), ["pkg:pypi/a-b@1.0", "pkg:pypi/c@2"]);
    }
}
