//! Results of osquery (`osqueryi --json "select * from programs"`), and logs of `osqueryd` (a row in `columns`).
//!
//! Format: an array of rows, or a row a line. The table that a row is of shows in its columns.
//! <https://osquery.io/schema/>

use serde_json::Value;

use super::add_port;
use super::stream::{self, Piece};
use crate::inventory::{Item, ItemKind, Items, Moment, Surface, time, windows};

/// Reads results.
pub(in crate::inventory) fn read(bytes: &[u8], items: &mut Items<'_>) {
    let mut unknown = 0_u64;
    let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
    if first == Some(&b'[') {
        let mut take = |_: &str, piece: Piece| {
            let (Piece::Element(row) | Piece::Member(row)) = piece;
            unknown = unknown.saturating_add(u64::from(!self::row(&row, items)));
            !items.is_full()
        };
        let read = stream::each(bytes, &[], &[], &mut take);
        if let Err(error) = read {
            items.unread(&format!("it is no JSON from line {} on", error.line()));
        }
    } else {
        for line in bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            match serde_json::from_slice::<Value>(line) {
                Ok(value) => {
                    let is_known = row(value.get("columns").unwrap_or(&value), items);
                    unknown = unknown.saturating_add(u64::from(!is_known));
                }
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
    if unknown > 0 {
        items.partly(&format!("{unknown} rows have no column that is read"));
    }
}

/// Columns whose value is a trait by itself.
const COLUMNS: [(&str, Surface); 21] = [
    ("publisher", Surface::Supplier),
    ("vendor", Surface::Supplier),
    ("maintainer", Surface::Supplier),
    ("manufacturer", Surface::Supplier),
    ("authority_team_identifier", Surface::AppleTeam),
    ("team_identifier", Surface::AppleTeam),
    ("bundle_identifier", Surface::AppleBundle),
    ("package_id", Surface::AppleBundle),
    ("label", Surface::AppleBundle),
    ("team", Surface::AppleTeam),
    ("sha256", Surface::Sha256),
    ("altitude", Surface::MinifilterAltitude),
    ("registry_path", Surface::RegistryKey),
    ("unit", Surface::SystemdUnit),
    ("author", Surface::Supplier),
    ("upgrade_code", Surface::MsiCode),
    ("product_code", Surface::MsiCode),
    ("company", Surface::Supplier),
    ("creator", Surface::Supplier),
    ("provider", Surface::Supplier),
    ("developer_id", Surface::AppleTeam),
];

/// Takes what a row says; whether it has a column that is read.
fn row(row: &Value, items: &mut Items<'_>) -> bool {
    let of = |key: &str| row.get(key).and_then(Value::as_str).unwrap_or_default();
    let has = |key: &str| row.get(key).is_some();
    // The table, by the columns that only it has.
    if has("hostnames") {
        hosts(of("address"), of("hostnames"), items);
        return true;
    }
    let (kind, named) = if has("common_name") {
        (ItemKind::Certificate, None)
    } else if PROGRAMS.into_iter().any(has) {
        (ItemKind::Program, Some(Surface::Product))
    } else if has("service_type") || has("start_type") {
        (ItemKind::Service, Some(Surface::WindowsService))
    } else if has("driver_key") || has("image") && has("service_key") {
        (ItemKind::Driver, None)
    } else if has("browser_type") || has("identifier") && EXTENSIONS.into_iter().any(has) {
        (ItemKind::Extension, None)
    } else if has("key") && has("data") {
        (ItemKind::Setting, None)
    } else if has("license") && has("directory") {
        (ItemKind::Component, None)
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
    let version = [of("version"), of("bundle_short_version")].into_iter().find(|text| !text.is_empty());
    let installed = time::from_digits(of("install_date"))
        .or_else(|| of("install_time").split('.').next()?.parse().ok().and_then(time::from_unix));
    let mut item = Item::new(kind, name.unwrap_or_default())
        .with_version(version.unwrap_or_default())
        .with_moment(Moment::Installed, installed);
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
        ItemKind::Driver => item.add(Surface::WindowsService, of("service")),
        ItemKind::Setting => {
            let key = of("key").replacen("HKEY_LOCAL_MACHINE", "HKLM", 1);
            item.add(Surface::RegistryKey, &key);
            items.extend_with(Some(item.seen_in(&key)));
            return true;
        }
        ItemKind::Component => {
            // Both tables have the same columns but for one.
            let kind = if has("homepage") { "npm" } else { "pypi" };
            let url = format!("pkg:{kind}/{}@{}", of("name").replacen('@', "%40", 1), of("version"));
            item.add(Surface::PackageUrl, &url);
        }
        // Who signed a file, by the name alone; one whose signature does not hold names nobody.
        ItemKind::File if has("subject_name") && matches!(of("result"), "" | "trusted") => {
            let surface = if of("subject_name").contains('=') {
                Surface::AuthenticodeSubject
            } else {
                Surface::Supplier
            };
            item.add(surface, of("subject_name"));
        }
        ItemKind::File if has("team_identifier") || has("team") => {
            item.add(Surface::AppleBundle, of("identifier"));
        }
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
    if item.traits.is_empty() {
        // A row of a known table may say nothing, as one of an interface without an address.
        return kind != ItemKind::File;
    }
    items.push(item);
    true
}

/// Columns that only tables of programs have.
const PROGRAMS: [&str; 5] = [
    "identifying_number",
    "uninstall_string",
    "bundle_identifier",
    "package_filename",
    "signatures_up_to_date",
];

/// Columns that tables of extensions have besides an identifier.
const EXTENSIONS: [&str; 3] = ["profile", "creator", "developer_id"];

/// Names in a hosts file that lead somewhere.
fn hosts(address: &str, names: &str, items: &mut Items<'_>) {
    if matches!(address, "0.0.0.0" | "::" | "::1") || address.starts_with("127.") {
        return;
    }
    for name in names.split_whitespace() {
        items.push(Item::new(ItemKind::Host, name).with(Surface::Domain, name));
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
            {"pid":"7","port":"13111","protocol":"6","address":"0.0.0.0"}]"#;
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

    /// With the columns that osquery 5 gives.
    #[test]
    fn tables_of_protection_signatures_extensions_and_settings_are_known_as_well() {
        let text = r#"[{"type":"Antivirus","name":"Example AV","path":"C:\\E\\e.exe","state":"On","signatures_up_to_date":"1"},
            {"path":"C:\\E\\e.exe","original_program_name":"e","issuer_name":"CA","subject_name":"Example Lab","result":"trusted"},
            {"path":"C:\\F\\f.exe","subject_name":"Example Lab","result":"distrusted"},
            {"uid":"501","name":"E","identifier":"e@example.com","creator":"Example Lab","version":"2","location":"x"},
            {"path":"/A.app","identifier":"com.example","signed":"1","team_identifier":"TEAM"},
            {"device_id":"d","image":"C:\\Windows\\System32\\drivers\\klif.sys","service":"klif","service_key":"k","provider":"Example Lab"},
            {"key":"HKEY_LOCAL_MACHINE\\SOFTWARE\\Example","name":"x","type":"REG_SZ","data":"y","path":"HKEY_LOCAL_MACHINE\\SOFTWARE\\Example\\x"},
            {"name":"@example/ui","version":"1","license":"MIT","homepage":"x","directory":"/srv"},
            {"name":"examplelib","version":"1","license":"MIT","summary":"x","directory":"/srv"},
            {"address":"10.0.0.1","hostnames":"a.example.com b.example.com"},
            {"address":"127.0.0.1","hostnames":"blocked.example.com"},
            {"name":"e","version":"1","release":"2","arch":"x86_64","vendor":"Example Lab","install_time":"1727582400"}]"#;
        check(
            Reader::Osquery,
            text.as_bytes(),
            &[
                "Program Example AV - | - | Product=Example AV, Path=E/e.exe, FileName=e.exe",
                "File C:\\E\\e.exe - | - | Supplier=Example Lab, Path=E/e.exe, FileName=e.exe",
                "File C:\\F\\f.exe - | - | Path=F/f.exe, FileName=f.exe",
                "Extension E 2 | - | Supplier=Example Lab, BrowserExtension=e@example.com",
                "File /A.app - | - | AppleTeam=TEAM, AppleBundle=com.example, Path=A.app, FileName=A.app",
                "Driver  - | - | Supplier=Example Lab, WindowsService=klif, Path=Windows/System32/drivers/klif.sys, FileName=klif.sys",
                "Setting x - | HKLM\\SOFTWARE\\Example | RegistryKey=HKLM\\SOFTWARE\\Example",
                "Component @example/ui 1 | - | PackageUrl=pkg:npm/%40example/ui@1",
                "Component examplelib 1 | - | PackageUrl=pkg:pypi/examplelib@1",
                "Host a.example.com - | - | Domain=a.example.com",
                "Host b.example.com - | - | Domain=b.example.com",
                "Package e 1 | - | LinuxPackage=e, Supplier=Example Lab | Installed=2024-09-29T04:00:00Z",
            ],
        );
    }

    #[test]
    fn rows_that_nobody_reads_are_told() {
        let (items, coverage) =
            crate::inventory::tests::read(Reader::Osquery, "x", br#"[{"x":"y"},{"uid":"0"}]"#);
        assert!(items.is_empty());
        let why = "2 rows have no column that is read".to_owned();
        assert_eq!(coverage.state, crate::inventory::CoverageState::Partly(why));
    }
}
