//! Alpine's packages: `/lib/apk/db/installed`.
//!
//! Format: paragraphs of `L:value` with one letter a field: `P` name, `V` version, `o` the package it was
//! built from, `m` maintainer, `t` when it was built.

use crate::inventory::bytes::lossy;
use crate::inventory::{Item, ItemKind, Items, Moment, Surface, time};

use super::without_address;

/// Reads the database of what is installed.
pub(in crate::inventory) fn read(bytes: &[u8], items: &mut Items<'_>) {
    let text = lossy(bytes);
    let mut item: Option<Item> = None;
    for line in text.lines().chain([""]) {
        if items.is_full() {
            items.partly("there are too many packages");
            return;
        }
        let Some((key, value)) = line.split_once(':') else {
            if line.trim_end().is_empty() {
                if let Some(item) = item.take() {
                    items.push(item);
                }
            } else {
                items.partly("there are lines that are no fields");
            }
            continue;
        };
        if key == "P" {
            if let Some(item) = item.take() {
                items.push(item);
            }
            item =
                Some(Item::new(ItemKind::Package, value).seen_in(value).with(Surface::LinuxPackage, value));
            continue;
        }
        let Some(current) = item.take() else { continue };
        item = Some(match key {
            "V" => current.with_version(value),
            "o" => current.with(Surface::LinuxPackage, value),
            "m" => current.with(Surface::Supplier, without_address(value)),
            "t" => current.with_moment(Moment::Built, value.parse().ok().and_then(time::from_unix)),
            _ => current,
        });
    }
}

#[cfg(test)]
mod tests {
    use crate::inventory::Reader;
    use crate::inventory::tests::check;

    #[test]
    fn packages_are_read() {
        let text = "C:Q1abc=\nP:musl\nV:1.2.5-r0\nA:x86_64\no:musl\nm:Timo Example <t@example.org>\nt:1727582400\nF:lib\nR:libc.so\n\nP:busybox\nV:1.36";
        check(
            Reader::Apk,
            text.as_bytes(),
            &[
                "Package musl 1.2.5-r0 | musl | LinuxPackage=musl, Supplier=Timo Example | Built=2024-09-29T04:00:00Z",
                "Package busybox 1.36 | busybox | LinuxPackage=busybox",
            ],
        );
    }
}
