//! Packages that bring their own world: snap and flatpak.
//!
//! Formats: `/snap/NAME/REVISION/meta/snap.yaml` (of its text only the top-level `name`, `version`, `title`),
//! and the key file `metadata` of a flatpak.

use crate::inventory::bytes::lossy;
use crate::inventory::{Item, ItemKind, Items, Surface};

/// Reads `snap.yaml`.
pub(in crate::inventory) fn snap(bytes: &[u8], items: &mut Items<'_>) {
    let text = lossy(bytes);
    let field = |name: &str| {
        let mut found =
            text.lines().take(10_000).filter_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        found.next().unwrap_or_default().trim().trim_matches(['"', '\'']).to_owned()
    };
    let name = field("name");
    if name.is_empty() {
        return items.unread("it names no snap");
    }
    items.push(
        Item::new(ItemKind::Package, &name)
            .with_version(&field("version"))
            .with(Surface::LinuxPackage, &name)
            .with(Surface::Product, &field("title")),
    );
}

/// Reads the metadata of a flatpak.
pub(in crate::inventory) fn flatpak(bytes: &[u8], items: &mut Items<'_>) {
    let text = lossy(bytes);
    let mut group = "";
    for line in text.lines().take(10_000) {
        if let Some(name) = line.trim().strip_prefix('[').and_then(|name| name.strip_suffix(']')) {
            group = name;
        } else if let Some(name) = line.strip_prefix("name=")
            && matches!(group, "Application" | "Runtime")
        {
            return items.push(Item::new(ItemKind::Package, name).with(Surface::LinuxPackage, name));
        }
    }
    items.unread("it names no application");
}

#[cfg(test)]
mod tests {
    use crate::inventory::tests::{check, read};
    use crate::inventory::{CoverageState, Reader};

    #[test]
    fn snaps_and_flatpaks_say_their_names() {
        check(
            Reader::Snap,
            b"name: example\nversion: '1.2'\napps:\n  name: other\ntitle: Example",
            &["Package example 1.2 | - | LinuxPackage=example, Product=Example"],
        );
        check(
            Reader::Flatpak,
            b"[Other]\nname=no\n[Application]\nname=org.example.App\nruntime=x\n",
            &["Package org.example.App - | - | LinuxPackage=org.example.App"],
        );
        let (_, coverage) = read(Reader::Flatpak, "x", b"\0\0");
        assert_eq!(coverage.state, CoverageState::NotRead("it names no application".to_owned()));
    }
}
