//! Lock files in TOML with `[[package]]` (`Cargo.lock`, `poetry.lock`, `uv.lock`), and what cargo has unpacked or
//! installed.

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

/// Reads the `Cargo.toml` of a crate that cargo unpacked, or `.crates.toml`, where it notes what it installed.
pub(in crate::inventory) fn cargo(bytes: &[u8], items: &mut Items<'_>) {
    let text = lossy(bytes);
    if items.path().ends_with(".crates.toml") {
        // `"NAME VERSION (SOURCE)" = ["PROGRAM"]`
        for line in text.lines().filter_map(|line| line.strip_prefix('"')) {
            let mut words = line.split([' ', '"']);
            if let (Some(name), Some(version)) = (words.next(), words.next()) {
                items.push(component("cargo", "", name, version));
            }
        }
        return;
    }
    let package = text.lines().map(str::trim).skip_while(|line| *line != "[package]").skip(1);
    let (mut name, mut version) = ("", "");
    for (key, value) in
        package.take_while(|line| !line.starts_with('[')).filter_map(|line| line.split_once('='))
    {
        let value = value.trim().trim_matches('"');
        match key.trim() {
            "name" => name = value,
            "version" => version = value,
            _ => (),
        }
    }
    if name.is_empty() {
        return items.unread("it names no crate");
    }
    items.push(component("cargo", "", name, version));
}

#[cfg(test)]
mod tests {
    use crate::inventory::tests::{read, values};
    use crate::inventory::{CoverageState, Reader, Surface};

    #[test]
    fn what_cargo_has_unpacked_and_installed_is_told() {
        let manifest = "# written by cargo\n[package]\nedition = \"2021\"\nname = \"a_b\"\nversion = \"1.0\"\n\n[dependencies.c]\nversion = \"9\"\nname = \"no\"\n";
        let (items, _) = read(Reader::Cargo, "x/Cargo.toml", manifest.as_bytes());
        assert_eq!(values(&items, Surface::PackageUrl), ["pkg:cargo/a_b@1.0"]);
        let installed = "[v1]\n\"rg 14.1 (registry+https://example.com)\" = [\"rg\"]\n\"x 2 (path+file:///x)\" = [\"y\"]\n";
        let (items, _) = read(Reader::Cargo, "home/u/.cargo/.crates.toml", installed.as_bytes());
        assert_eq!(values(&items, Surface::PackageUrl), ["pkg:cargo/rg@14.1", "pkg:cargo/x@2"]);
        let (_, coverage) = read(Reader::Cargo, "x/Cargo.toml", b"[workspace]\nname = \"x\"\n");
        assert!(matches!(coverage.state, CoverageState::NotRead(_)));
    }

    #[test]
    fn locks_in_toml_name_their_packages() {
        let text = "version = 3\n[[package]]\nname = \"a_b\"\nversion = \"1.0\"\nsource = \"x\"\n[package.metadata]\nname = \"no\"\n\n[[package]]\nname = \"c\"\nversion = \"2\"\n";
        let (items, _) = read(Reader::TomlLock, "x/Cargo.lock", text.as_bytes());
        assert_eq!(values(&items, Surface::PackageUrl), ["pkg:cargo/a_b@1.0", "pkg:cargo/c@2"]);
        let (items, _) = read(Reader::TomlLock, "x/uv.lock", text.as_bytes());
        assert_eq!(values(&items, Surface::PackageUrl), ["pkg:pypi/a-b@1.0", "pkg:pypi/c@2"]);
    }
}
