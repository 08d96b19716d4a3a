//! Results of osquery (`osqueryi --json "select * from programs"`), and logs of `osqueryd` (a row in `columns`).
//!
//! Format: an array of rows, or a row a line. The table that a row is of shows in its columns.
//! <https://osquery.io/schema/>

use serde_json::Value;

use super::add_port;
use super::stream::{self, Piece};
use crate::inventory::{Item, ItemKind, Items, Surface, windows};

/// Reads results.
pub(in crate::inventory) fn read(bytes: &[u8], items: &mut Items<'_>) {
    let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
    if first == Some(&b'[') {
        let mut take = |_: &str, piece: Piece| {
            let (Piece::Element(row) | Piece::Member(row)) = piece;
            self::row(&row, items);
            !items.is_full()
        };
        let read = stream::each(bytes, &[], &[], &mut take);
        if let Err(error) = read {
            items.unread(&format!("it is no JSON from line {} on", error.line()));
        }
    } else {
        for line in bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            match serde_json::from_slice::<Value>(line) {
                Ok(value) => row(value.get("columns").unwrap_or(&value), items),
                Err(_) => items.partly("there are lines that are no rows"),
            }
            if items.is_full() {
                break;
            }
        }
    }
    if items.is_full() {
        items.partly("there are more rows than are read");
    }
}

/// Columns whose value is a trait by itself.
const COLUMNS: [(&str, Surface); 17] = [
    ("publisher", Surface::Supplier),
    ("vendor", Surface::Supplier),
    ("maintainer", Surface::Supplier),
    ("manufacturer", Surface::Supplier),
    ("authority_team_identifier", Surface::AppleTeam),
    ("team_identifier", Surface::AppleTeam),
    ("bundle_identifier", Surface::AppleBundle),
    ("package_id", Surface::AppleBundle),
    ("subject_name", Surface::AuthenticodeSubject),
    ("sha256", Surface::Sha256),
    ("altitude", Surface::MinifilterAltitude),
    ("registry_path", Surface::RegistryKey),
    ("unit", Surface::SystemdUnit),
    ("author", Surface::Supplier),
    ("upgrade_code", Surface::MsiCode),
    ("product_code", Surface::MsiCode),
    ("company", Surface::Supplier),
];

fn row(row: &Value, items: &mut Items<'_>) {
    let of = |key: &str| row.get(key).and_then(Value::as_str).unwrap_or_default();
    let has = |key: &str| row.get(key).is_some();
    // The table, by the columns that only it has.
    let (kind, named) = if has("common_name") {
        (ItemKind::Certificate, None)
    } else if ["identifying_number", "uninstall_string", "bundle_identifier", "package_filename"]
        .into_iter()
        .any(has)
    {
        (ItemKind::Program, Some(Surface::Product))
    } else if has("service_type") || has("start_type") {
        (ItemKind::Service, Some(Surface::WindowsService))
    } else if has("driver_key") || has("image") && has("service_key") {
        (ItemKind::Driver, None)
    } else if has("browser_type") || has("identifier") && has("profile") {
        (ItemKind::Extension, None)
    } else if has("arch") && has("version") {
        (ItemKind::Package, Some(Surface::LinuxPackage))
    } else if has("mac") {
        (ItemKind::Device, None)
    } else if has("port") && has("protocol") || has("id") && has("fragment_path") {
        (ItemKind::Service, None)
    } else {
        (ItemKind::File, None)
    };
    let name = ["name", "display_name", "common_name", "id", "filename", "path"]
        .into_iter()
        .map(of)
        .find(|name| !name.is_empty());
    let mut item = Item::new(kind, name.unwrap_or_default()).with_version(of("version"));
    if let Some(surface) = named {
        item.add(surface, of("name"));
    }
    item.add(Surface::Product, of("display_name"));
    for (column, surface) in COLUMNS {
        item.add(surface, of(column));
    }
    match kind {
        ItemKind::Certificate => {
            item.add(Surface::RootSubject, of("subject"));
            let organisation = of("subject").split("O=").nth(1).and_then(|rest| rest.split(',').next());
            if of("subject").is_empty() {
                item.add(Surface::RootSubject, &format!("CN={}", of("common_name")));
            }
            item.add(Surface::Supplier, organisation.unwrap_or_default());
        }
        ItemKind::Extension => item.add(Surface::BrowserExtension, of("identifier")),
        ItemKind::Device => {
            let digits: String = of("mac").chars().filter(char::is_ascii_hexdigit).take(6).collect();
            item.add(Surface::MacPrefix, &digits.to_ascii_uppercase());
        }
        ItemKind::Service if has("port") => add_port(&mut item, of("protocol"), of("port")),
        ItemKind::Service if has("fragment_path") => item.add(Surface::SystemdUnit, of("id")),
        _ => (),
    }
    if let Some(code) = windows::guid(of("identifying_number")) {
        item.add(Surface::MsiCode, &code);
    }
    for column in ["path", "install_location", "image", "image_path", "module_path"] {
        let path = windows::below_root(of(column));
        if !path.is_empty() {
            item = item.at_path(&path);
        }
    }
    if !item.traits.is_empty() {
        items.push(item);
    }
}

#[cfg(test)]
mod tests {
    use crate::inventory::Reader;
    use crate::inventory::tests::check;

    #[test]
    fn rows_of_several_tables_are_known_by_their_columns() {
        let text = r#"[{"name":"Example AV","version":"21","publisher":"Example Lab","identifying_number":"{01234567-89AB-CDEF-0123-456789ABCDEF}","install_location":"C:\\Program Files\\E\\"},
            {"name":"kesl","version":"12","arch":"amd64","maintainer":"Example Lab"},
            {"name":"E.app","bundle_identifier":"com.example","path":"/Applications/E.app"},
            {"common_name":"Root","subject":"CN=Root, O=Example Lab"},
            {"name":"klif","service_type":"KERNEL_DRIVER","start_type":"AUTO_START","path":"system32\\drivers\\klif.sys"},
            {"pid":"7","port":"13111","protocol":"6","address":"0.0.0.0"},
            {"x":"y"}]"#;
        let expected = [
            "Program Example AV 21 | - | Product=Example AV, Supplier=Example Lab, MsiCode={01234567-89AB-CDEF-0123-456789ABCDEF}, Path=Program Files/E, FileName=E",
            "Package kesl 12 | - | LinuxPackage=kesl, Supplier=Example Lab",
            "Program E.app - | - | Product=E.app, AppleBundle=com.example, Path=Applications/E.app, FileName=E.app",
            "Certificate Root - | - | RootSubject=CN=Root, O=Example Lab, Supplier=Example Lab",
            "Service klif - | - | WindowsService=klif, Path=Windows/System32/drivers/klif.sys, FileName=klif.sys",
            "Service  - | - | NetworkPort=tcp/13111",
        ];
        check(Reader::Osquery, text.as_bytes(), &expected);
        check(
            Reader::Osquery,
            br#"{"name":"q","columns":{"name":"kesl","version":"12","arch":"amd64"}}"#,
            &["Package kesl 12 | - | LinuxPackage=kesl"],
        );
    }
}
