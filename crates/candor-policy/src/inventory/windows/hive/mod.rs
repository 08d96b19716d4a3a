//! What a hive says is installed, started, trusted and left out: `SOFTWARE`, `SYSTEM`, and `NTUSER.DAT` of
//! each user.
//!
//! Which hive it is shows in the keys below its root, not in its name. Of vendors nothing is known here: the
//! first two levels below `SOFTWARE` are told as they are, and so are all services.

use super::regf::{Hive, Key};
use super::{below_root, guid, log, packed_guid};
use crate::inventory::{Item, ItemKind, Items, Moment, Surface, certificates, time};

const UNINSTALL: &str = r"Microsoft\Windows\CurrentVersion\Uninstall";
const INSTALLER: &str = r"Microsoft\Windows\CurrentVersion\Installer";

/// Keys of `SOFTWARE` whose content is not by the maker of what they are named after.
const NOT_VENDORS: [&str; 8] = [
    "Classes",
    "Clients",
    "Microsoft",
    "Policies",
    "RegisteredApplications",
    "WOW6432Node",
    "ODBC",
    "OpenSSH",
];

/// Reads a hive.
pub(in crate::inventory) fn read(bytes: &[u8], items: &mut Items<'_>) {
    if Hive::open(bytes).is_none() {
        return items.unread("it is no hive");
    }
    let logs: Vec<&[u8]> =
        items.beside().iter().filter(|log| log.name != "-wal").map(|log| log.bytes).collect();
    let recovered = log::recover(bytes, &logs);
    let Some(hive) = Hive::open(&recovered.bytes) else { return items.unread("it is no hive") };
    let Some(root) = hive.root() else { return items.unread("its root is damaged") };
    if let Some(trouble) = recovered.trouble {
        items.partly(trouble);
    }
    let software = root.child("Software");
    if root.child("Select").is_some() || root.child("ControlSet001").is_some() {
        system(&root, items);
    } else if let Some(software) = software {
        programs(&software, "HKCU\\SOFTWARE", items);
    } else if root.child("Microsoft").is_some() {
        programs(&root, "HKLM\\SOFTWARE", items);
        exclusions(&root, items);
        trusted(&root, items);
    } else {
        items.unread("it is none of the hives that programs, services or users have");
    }
    if let Some(trouble) = hive.trouble() {
        items.partly(&trouble);
    }
}

/// All of a `SOFTWARE` key: of the machine or of a user.
fn programs(software: &Key<'_, '_>, name: &str, items: &mut Items<'_>) {
    let other = software.child("WOW6432Node");
    let views = std::iter::once((*software, name.to_owned()))
        .chain(other.map(|other| (other, format!("{name}\\WOW6432Node"))));
    for (view, name) in views {
        if let Some(key) = view.at(UNINSTALL) {
            for entry in key.keys() {
                uninstall(&entry, &format!("{name}\\{UNINSTALL}"), items);
            }
        }
        vendors(&view, &name, items);
    }
    let Some(installer) = software.at(INSTALLER) else { return };
    for user in installer.child("UserData").map(|data| data.keys()).unwrap_or_default() {
        for product in user.child("Products").map(|products| products.keys()).unwrap_or_default() {
            if let Some(properties) = product.child("InstallProperties") {
                let place = format!("{name}\\{INSTALLER}\\UserData\\{}\\Products", user.name());
                program(&properties, &product.name(), packed_guid(&product.name()), &place, items);
            }
        }
    }
    for code in installer.child("UpgradeCodes").map(|codes| codes.keys()).unwrap_or_default() {
        if let Some(code) = packed_guid(&code.name()) {
            let place = format!("{name}\\{INSTALLER}\\UpgradeCodes");
            items.push(Item::new(ItemKind::Setting, &code).seen_in(&place).with(Surface::MsiCode, &code));
        }
    }
}

fn uninstall(entry: &Key<'_, '_>, place: &str, items: &mut Items<'_>) {
    program(entry, &entry.name(), guid(&entry.name()), place, items);
}

fn program(entry: &Key<'_, '_>, key: &str, code: Option<String>, place: &str, items: &mut Items<'_>) {
    let name = entry.text("DisplayName");
    let name = if name.is_empty() { key.to_owned() } else { name };
    let place = format!("{place}\\{key}");
    let installed =
        time::from_digits(&entry.text("InstallDate")).or_else(|| time::from_windows(entry.written()));
    let mut item = Item::new(ItemKind::Program, &name)
        .with_version(&entry.text("DisplayVersion"))
        .seen_in(&place)
        .with(Surface::Product, &name)
        .with(Surface::Supplier, &entry.text("Publisher"))
        .with(Surface::RegistryKey, &place)
        .with(Surface::MsiCode, code.as_deref().unwrap_or_default())
        .with_moment(Moment::Installed, installed);
    for value in ["InstallLocation", "DisplayIcon", "UninstallString"] {
        let path = below_root(entry.text(value).split(',').next().unwrap_or_default());
        // What the installer of Windows is asked to remove is not what it is.
        if path.contains('/') && !path.to_ascii_lowercase().contains("msiexec") {
            item.add(Surface::Path, &path);
        }
    }
    items.push(item);
}

/// The first two levels: makers, and their products.
fn vendors(view: &Key<'_, '_>, name: &str, items: &mut Items<'_>) {
    for vendor in view.keys() {
        let key = vendor.name();
        if NOT_VENDORS.iter().any(|known| known.eq_ignore_ascii_case(&key)) {
            continue;
        }
        let place = format!("{name}\\{key}");
        items.push(setting(&vendor, &key, &place));
        for product in vendor.keys() {
            let (key, place) = (product.name(), format!("{place}\\{}", product.name()));
            items.push(setting(&product, &key, &place));
        }
        if items.is_full() {
            return;
        }
    }
}

fn setting(key: &Key<'_, '_>, name: &str, place: &str) -> Item {
    Item::new(ItemKind::Setting, name)
        .seen_in(place)
        .with(Surface::RegistryKey, place)
        .with_moment(Moment::Modified, time::from_windows(key.written()))
}

/// What Defender leaves out. It names other products' places: told, with nothing to recognise them by.
fn exclusions(software: &Key<'_, '_>, items: &mut Items<'_>) {
    for view in [r"Microsoft\Windows Defender\Exclusions", r"Policies\Microsoft\Windows Defender\Exclusions"]
    {
        for kind in software.at(view).map(|key| key.keys()).unwrap_or_default() {
            for value in kind.values() {
                let place = format!("HKLM\\SOFTWARE\\{view}\\{}", kind.name());
                items.push(Item::new(ItemKind::Setting, &value.name()).seen_in(&place));
            }
        }
    }
}

/// Certificates that the machine trusts.
fn trusted(software: &Key<'_, '_>, items: &mut Items<'_>) {
    for root in ["Microsoft", r"Policies\Microsoft"] {
        for store in ["ROOT", "AuthRoot", "CA"] {
            let view = format!("{root}\\SystemCertificates\\{store}\\Certificates");
            for key in software.at(&view).map(|key| key.keys()).unwrap_or_default() {
                let blob = key.value("Blob").and_then(|value| value.data()).unwrap_or_default();
                match certificates::in_blob(&blob).and_then(certificates::item) {
                    Some(item) => {
                        items.push(item.seen_in(&format!("HKLM\\SOFTWARE\\{view}\\{}", key.name())))
                    }
                    None => items.partly("a certificate in it is damaged"),
                }
            }
        }
    }
}

/// Services and drivers of the set of settings that the system starts with.
fn system(root: &Key<'_, '_>, items: &mut Items<'_>) {
    let current = root.child("Select").and_then(|select| select.number("Current"));
    let sets: Vec<Key<'_, '_>> = root
        .keys()
        .into_iter()
        .filter(|set| {
            let name = set.name();
            let is_set = name.len() == 13 && name.to_ascii_lowercase().starts_with("controlset");
            let number = name.get(10..).and_then(|digits| digits.parse::<u32>().ok());
            is_set && current.is_none_or(|current| number == Some(current))
        })
        .collect();
    if sets.is_empty() {
        items.partly("the settings that it starts with are not there");
    }
    for set in sets {
        let Some(services) = set.child("Services") else { continue };
        for service in services.keys() {
            items.push(service_item(&service, &format!("HKLM\\SYSTEM\\{}\\Services", set.name())));
            if items.is_full() {
                return;
            }
        }
    }
}

fn service_item(service: &Key<'_, '_>, place: &str) -> Item {
    let name = service.name();
    let place = format!("{place}\\{name}");
    // SERVICE_KERNEL_DRIVER, SERVICE_FILE_SYSTEM_DRIVER, SERVICE_RECOGNIZER_DRIVER.
    let is_driver = matches!(service.number("Type"), Some(1 | 2 | 8));
    let kind = if is_driver { ItemKind::Driver } else { ItemKind::Service };
    let path = below_root(&service.text("ImagePath"));
    // Texts of resources say nothing by themselves.
    let display = service.text("DisplayName");
    let display = if display.starts_with('@') { "" } else { &display };
    let mut item = Item::new(kind, &name)
        .seen_in(&place)
        .with(Surface::WindowsService, &name)
        .with(Surface::RegistryKey, &place)
        .with(Surface::Product, display)
        .with_moment(Moment::Modified, time::from_windows(service.written()));
    if !path.is_empty() {
        item = item.at_path(&path);
    }
    for instance in service.child("Instances").map(|key| key.keys()).unwrap_or_default() {
        item.add(Surface::MinifilterAltitude, &instance.text("Altitude"));
    }
    item
}

#[cfg(test)]
mod tests;
