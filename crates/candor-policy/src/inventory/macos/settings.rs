//! What property lists say is there: bundles (`Info.plist`), receipts of installers, and what launchd starts.

use super::plist::Value;
use crate::inventory::{Item, ItemKind, Items, Moment, Surface};

/// Reads a property list; its place shows what it is about.
pub(in crate::inventory) fn read(bytes: &[u8], items: &mut Items<'_>) {
    let Some(value) = Value::read(bytes) else { return items.unread("it is no property list") };
    let path = items.path().to_owned();
    let item = if value.get("CFBundleIdentifier").is_some() {
        bundle(&value, &path)
    } else if value.get("PackageIdentifier").is_some() {
        receipt(&value)
    } else if value.get("Label").is_some() {
        started(&value, &path)
    } else {
        return items.unread("it is neither a bundle nor a receipt nor something that is started");
    };
    items.push(item);
}

fn bundle(value: &Value, path: &str) -> Item {
    let identifier = value.text("CFBundleIdentifier");
    let name = [value.text("CFBundleDisplayName"), value.text("CFBundleName"), identifier];
    let name = name.into_iter().find(|name| !name.is_empty()).unwrap_or_default();
    let version = value.text("CFBundleShortVersionString");
    let version = if version.is_empty() { value.text("CFBundleVersion") } else { version };
    let folder = path.rsplit_once("/Contents/").map_or(path, |(folder, _)| folder);
    let kind = if folder.ends_with(".kext") || folder.ends_with(".systemextension") {
        ItemKind::Driver
    } else {
        ItemKind::Program
    };
    Item::new(kind, name)
        .with_version(version)
        .seen_in(identifier)
        .with(Surface::AppleBundle, identifier)
        .with(Surface::Product, name)
        .with(Surface::Path, folder)
}

fn receipt(value: &Value) -> Item {
    let identifier = value.text("PackageIdentifier");
    Item::new(ItemKind::Package, identifier)
        .with_version(value.text("PackageVersion"))
        .seen_in(identifier)
        .with(Surface::AppleBundle, identifier)
        .with_moment(Moment::Installed, Some(value.text("InstallDate").to_owned()))
}

fn started(value: &Value, path: &str) -> Item {
    let label = value.text("Label");
    let program = match value.get("ProgramArguments") {
        Some(Value::Array(arguments)) => match arguments.first() {
            Some(Value::Text(program)) => program.as_str(),
            _ => value.text("Program"),
        },
        _ => value.text("Program"),
    };
    Item::new(ItemKind::Service, label)
        .seen_in(label)
        .with(Surface::AppleBundle, label)
        .with(Surface::Path, path)
        .with(Surface::Path, program.trim_start_matches('/'))
}

#[cfg(test)]
mod tests {
    use crate::inventory::Reader;
    use crate::inventory::tests::check_at;

    fn plist(pairs: &[(&str, &str)]) -> String {
        let inside: String =
            pairs.iter().map(|(key, value)| format!("<key>{key}</key><string>{value}</string>")).collect();
        format!("<plist version=\"1.0\"><dict>{inside}</dict></plist>")
    }

    #[test]
    fn bundles_receipts_and_jobs_are_told_apart_by_what_they_say() {
        let bundle = plist(&[
            ("CFBundleIdentifier", "com.example.av"),
            ("CFBundleName", "Example AV"),
            ("CFBundleShortVersionString", "21.3"),
        ]);
        check_at(
            Reader::PropertyList,
            "Applications/Example.app/Contents/Info.plist",
            bundle.as_bytes(),
            &[
                "Program Example AV 21.3 | com.example.av | AppleBundle=com.example.av, Product=Example AV, Path=Applications/Example.app",
            ],
        );
        check_at(
            Reader::PropertyList,
            "Library/Extensions/klif.kext/Contents/Info.plist",
            plist(&[("CFBundleIdentifier", "com.example.klif")]).as_bytes(),
            &[
                "Driver com.example.klif - | com.example.klif | AppleBundle=com.example.klif, Product=com.example.klif, Path=Library/Extensions/klif.kext",
            ],
        );
        check_at(
            Reader::PropertyList,
            "private/var/db/receipts/com.example.plist",
            plist(&[
                ("PackageIdentifier", "com.example.pkg"),
                ("PackageVersion", "1"),
                ("InstallDate", "2024-01-01T00:00:00Z"),
            ])
            .as_bytes(),
            &[
                "Package com.example.pkg 1 | com.example.pkg | AppleBundle=com.example.pkg | Installed=2024-01-01T00:00:00Z",
            ],
        );
        check_at(
            Reader::PropertyList,
            "Library/LaunchDaemons/com.example.plist",
            b"<plist><dict><key>Label</key><string>com.example</string><key>ProgramArguments</key><array><string>/opt/a</string></array></dict></plist>",
            &["Service com.example - | com.example | AppleBundle=com.example, Path=Library/LaunchDaemons/com.example.plist, Path=opt/a"],
        );
    }
}
