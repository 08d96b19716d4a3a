//! Extensions of browsers, in the profiles of their users.
//!
//! Chrome and its relatives keep an extension in `Extensions/ID/VERSION/`: the id stands in the path, the
//! `manifest.json` there has the rest. Firefox lists all in `extensions.json` of a profile.

use serde_json::Value;

use super::{Item, ItemKind, Items, Moment, Surface, time};

/// Reads the manifest of an extension of Chrome.
pub(super) fn chrome(bytes: &[u8], items: &mut Items<'_>) {
    let path = items.path().to_owned();
    let id = chrome_id(&path).unwrap_or_default();
    let manifest = serde_json::from_slice::<Value>(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes));
    let of = |key: &str| match &manifest {
        Ok(manifest) => manifest.get(key).and_then(Value::as_str).unwrap_or_default(),
        Err(_) => "",
    };
    // A name that is looked up in a table of translations says nothing.
    let name = if of("name").starts_with("__MSG_") { "" } else { of("name") };
    let author = manifest.as_ref().ok().and_then(|manifest| manifest.get("author"));
    let author = author.and_then(|author| author.as_str().or_else(|| author.get("email")?.as_str()));
    items.push(
        Item::new(ItemKind::Extension, if name.is_empty() { id } else { name })
            .with_version(of("version"))
            .seen_in(id)
            .with(Surface::BrowserExtension, id)
            .with(Surface::Product, name)
            .with(Surface::Supplier, author.unwrap_or_default()),
    );
    if manifest.is_err() {
        items.partly("its manifest is no JSON");
    }
}

/// The id in the path of a manifest: 32 letters from `a` to `p`, two folders up.
pub(super) fn chrome_id(path: &str) -> Option<&str> {
    let mut parts = path.rsplit('/');
    let (name, _version, id, folder) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let is_id = id.len() == 32 && id.bytes().all(|byte| matches!(byte, b'a'..=b'p'));
    (name.eq_ignore_ascii_case("manifest.json") && folder.eq_ignore_ascii_case("extensions") && is_id)
        .then_some(id)
}

/// Reads the list of Firefox.
pub(super) fn firefox(bytes: &[u8], items: &mut Items<'_>) {
    let Ok(list) = serde_json::from_slice::<Value>(bytes) else { return items.unread("it is no JSON") };
    let Some(addons) = list.get("addons").and_then(Value::as_array) else {
        return items.unread("it lists no extensions");
    };
    for addon in addons {
        let of = |key: &str| addon.get(key).and_then(Value::as_str).unwrap_or_default();
        let locale = |key: &str| {
            let locale = addon.get("defaultLocale")?;
            locale.get(key)?.as_str()
        };
        let name = locale("name").unwrap_or_default();
        let installed = addon.get("installDate").and_then(Value::as_i64).map(|moment| moment / 1000);
        items.push(
            Item::new(ItemKind::Extension, if name.is_empty() { of("id") } else { name })
                .with_version(of("version"))
                .seen_in(of("id"))
                .with(Surface::BrowserExtension, of("id"))
                .with(Surface::Product, name)
                .with(Surface::Supplier, locale("creator").unwrap_or_default())
                .with_moment(Moment::Installed, installed.and_then(time::from_unix)),
        );
        if items.is_full() {
            return items.partly("there are too many extensions");
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::inventory::Reader;
    use crate::inventory::tests::{check, check_at};

    #[test]
    fn extensions_of_both_families_are_told() {
        check_at(
            Reader::ChromeExtension,
            "home/u/.config/google-chrome/Default/Extensions/abcdefghijklmnopabcdefghijklmnop/1.2_0/manifest.json",
            br#"{"name":"__MSG_name__","version":"1.2","author":{"email":"a@example.com"}}"#,
            &[
                "Extension abcdefghijklmnopabcdefghijklmnop 1.2 | abcdefghijklmnopabcdefghijklmnop | BrowserExtension=abcdefghijklmnopabcdefghijklmnop, Supplier=a@example.com",
            ],
        );
        check(
            Reader::FirefoxExtensions,
            br#"{"schemaVersion":36,"addons":[{"id":"a@example.com","version":"2","installDate":1727582400000,"defaultLocale":{"name":"A","creator":"Example Lab"}}]}"#,
            &["Extension A 2 | a@example.com | BrowserExtension=a@example.com, Product=A, Supplier=Example Lab | Installed=2024-09-29T04:00:00Z"],
        );
    }
}
