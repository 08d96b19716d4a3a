//! Debian's packages: `/var/lib/dpkg/status`, and `status.d/NAME` of images without a package manager.
//!
//! Format: deb-control(5): paragraphs of `Name: value`, lines that begin with a space go on. A package whose
//! files are gone and whose settings are left is told as a setting: it is a residue, not a product.

use crate::inventory::bytes::lossy;
use crate::inventory::{Item, ItemKind, Items, Surface};

use super::without_address;

/// Reads a status file.
pub(in crate::inventory) fn read(bytes: &[u8], items: &mut Items<'_>) {
    let text = lossy(bytes);
    let mut strange = 0_u64;
    let mut paragraph = Paragraph::default();
    for line in text.lines().chain([""]) {
        if items.is_full() {
            items.partly("there are too many packages");
            return;
        }
        if line.trim_end().is_empty() {
            if let Some(item) = std::mem::take(&mut paragraph).item() {
                items.push(item);
            }
            continue;
        }
        if line.starts_with([' ', '\t']) {
            continue;
        }
        let Some((key, value)) = line.split_once(':') else {
            strange = strange.saturating_add(1);
            continue;
        };
        let field = match key.to_ascii_lowercase().as_str() {
            "package" => &mut paragraph.name,
            "version" => &mut paragraph.version,
            "status" => &mut paragraph.status,
            "maintainer" => &mut paragraph.maintainer,
            "source" => &mut paragraph.source,
            _ => continue,
        };
        value.trim().clone_into(field);
    }
    if strange > 0 {
        items.partly(&format!("{strange} lines are no fields"));
    }
}

#[derive(Default)]
struct Paragraph {
    name: String,
    version: String,
    status: String,
    maintainer: String,
    source: String,
}

impl Paragraph {
    fn item(self) -> Option<Item> {
        if self.name.is_empty() {
            return None;
        }
        // The last word says what is there; distroless images do not say, and have what they name.
        let kind = match self.status.split_whitespace().last() {
            Some("config-files") => ItemKind::Setting,
            Some("not-installed") => return None,
            _ => ItemKind::Package,
        };
        let source = self.source.split_whitespace().next().unwrap_or_default();
        Some(
            Item::new(kind, &self.name)
                .with_version(&self.version)
                .seen_in(&self.name)
                .with(Surface::LinuxPackage, &self.name)
                .with(Surface::LinuxPackage, source)
                .with(Surface::Supplier, without_address(&self.maintainer)),
        )
    }
}

#[cfg(test)]
mod tests {
    use crate::inventory::tests::{check, read, values};
    use crate::inventory::{CoverageState, ItemKind, Reader, Surface};

    const STATUS: &str = "\
Package: kesl
Status: install ok installed
Maintainer: Example Lab <support@example.com>
Architecture: amd64
Description: An agent
 Package: not-a-package
Version: 12.1.0-1508

Package: gone
Status: deinstall ok config-files
Version: 1.0

Package: never
Status: purge ok not-installed

Package: libexample1
Source: example (2.0)
Status: install ok installed
Version: 2.0
";

    #[test]
    fn installed_packages_and_left_settings_are_told_apart() {
        check(
            Reader::Dpkg,
            STATUS.as_bytes(),
            &[
                "Package kesl 12.1.0-1508 | kesl | LinuxPackage=kesl, Supplier=Example Lab",
                "Setting gone 1.0 | gone | LinuxPackage=gone",
                "Package libexample1 2.0 | libexample1 | LinuxPackage=libexample1, LinuxPackage=example",
            ],
        );
    }

    #[test]
    fn damage_costs_only_what_is_damaged() {
        let damaged = format!("Package: first\nVersion: 1\n\n\u{fffd}\0garbage\n\n{}", &STATUS[..60]);
        let (items, coverage) = read(Reader::Dpkg, "var/lib/dpkg/status", damaged.as_bytes());
        assert_eq!(values(&items, Surface::LinuxPackage), ["first", "kesl"]);
        assert_eq!(items[1].kind, ItemKind::Package);
        assert_eq!(coverage.state, CoverageState::Partly("1 lines are no fields".to_owned()));
    }
}
