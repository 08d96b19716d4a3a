//! Hives that were made for this, whole and damaged.

use candor_fixtures::registry::{Key, hive};

use crate::inventory::tests::{check, line, read, values};
use crate::inventory::{CoverageState, ItemKind, Reader, Surface};

const TICKS: u64 = (1_727_582_400 + 11_644_473_600) * 10_000_000;

fn software() -> Key {
    let entry = |name: &str| {
        Key::new(name)
            .text("DisplayName", "Example Endpoint Security")
            .text("DisplayVersion", "21.3.10.391")
            .text("Publisher", "Example Lab")
            .text("InstallDate", "20240102")
            .text("InstallLocation", r"C:\Program Files (x86)\Example Lab\EES\")
            .text("UninstallString", "MsiExec.exe /X{01234567-89AB-CDEF-0123-456789ABCDEF}")
    };
    let vendor = Key { written: TICKS, ..Key::new("ExampleLab") };
    Key::new("ROOT")
        .at(r"Microsoft\Windows\CurrentVersion\Uninstall", entry("{01234567-89ab-cdef-0123-456789abcdef}"))
        .at("WOW6432Node", vendor)
        .at(r"WOW6432Node\ExampleLab", Key { written: TICKS, ..Key::new("ÄVP21.3") })
        .at(r"Microsoft\Windows Defender\Exclusions\Paths", Key::new("unused"))
}

#[test]
fn programs_and_the_keys_of_their_makers_are_told() {
    check(
        Reader::Hive,
        &hive(&software()),
        &[
            r"Program Example Endpoint Security 21.3.10.391 | HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall\{01234567-89ab-cdef-0123-456789abcdef} | Product=Example Endpoint Security, Supplier=Example Lab, RegistryKey=HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall\{01234567-89ab-cdef-0123-456789abcdef}, MsiCode={01234567-89AB-CDEF-0123-456789ABCDEF}, Path=Program Files (x86)/Example Lab/EES | Installed=2024-01-02",
            r"Setting ExampleLab - | HKLM\SOFTWARE\WOW6432Node\ExampleLab | RegistryKey=HKLM\SOFTWARE\WOW6432Node\ExampleLab | Modified=2024-09-29T04:00:00Z",
            r"Setting ÄVP21.3 - | HKLM\SOFTWARE\WOW6432Node\ExampleLab\ÄVP21.3 | RegistryKey=HKLM\SOFTWARE\WOW6432Node\ExampleLab\ÄVP21.3 | Modified=2024-09-29T04:00:00Z",
        ],
    );
}

#[test]
fn what_a_user_has_installed_is_told() {
    let user = Key::new("ROOT").at(
        r"Software\Microsoft\Windows\CurrentVersion\Uninstall",
        Key::new("App").text("DisplayName", "App").number("NoModify", 1),
    );
    check(
        Reader::Hive,
        &hive(&user),
        &[
            r"Program App - | HKCU\SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall\App | Product=App, RegistryKey=HKCU\SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall\App",
        ],
    );
}

#[test]
fn services_drivers_and_altitudes_of_the_current_settings_are_told() {
    let driver = Key::new("klif")
        .number("Type", 2)
        .text("ImagePath", r"\SystemRoot\System32\drivers\klif.sys")
        .text("DisplayName", "@oem1.inf,%x%;y")
        .at("Instances", Key::new("klif instance").text("Altitude", "320400"));
    let service = Key::new("AVP21.3")
        .number("Type", 0x10)
        .text("DisplayName", "Example Service 21.3")
        .text("ImagePath", r#""C:\Program Files\Example\avp.exe" -r"#);
    let system = Key::new("ROOT")
        .at("", Key::new("Select").number("Current", 2))
        .at(r"ControlSet001\Services", Key::new("old"))
        .at(r"ControlSet002\Services", driver)
        .at(r"ControlSet002\Services", service);
    check(
        Reader::Hive,
        &hive(&system),
        &[
            r"Driver klif - | HKLM\SYSTEM\ControlSet002\Services\klif | WindowsService=klif, RegistryKey=HKLM\SYSTEM\ControlSet002\Services\klif, Path=Windows/System32/drivers/klif.sys, FileName=klif.sys, MinifilterAltitude=320400",
            r"Service AVP21.3 - | HKLM\SYSTEM\ControlSet002\Services\AVP21.3 | WindowsService=AVP21.3, RegistryKey=HKLM\SYSTEM\ControlSet002\Services\AVP21.3, Product=Example Service 21.3, Path=Program Files/Example/avp.exe, FileName=avp.exe",
        ],
    );
}

#[test]
fn what_defender_leaves_out_identifies_nobody() {
    let exclusions = Key::new("Paths").number(r"C:\Program Files (x86)\Kaspersky Lab\", 0);
    let root = Key::new("ROOT").at(r"Microsoft\Windows Defender\Exclusions", exclusions);
    let (items, _) = read(Reader::Hive, "x", &hive(&root));
    assert_eq!(items.len(), 1, "{items:?}");
    assert_eq!(items[0].kind, ItemKind::Setting);
    assert!(items[0].traits.is_empty());
}

#[test]
fn thousands_of_keys_and_long_values_are_read() {
    let mut root = Key::new("ROOT").at("", Key::new("Select").number("Current", 1));
    for number in 0..1200 {
        root = root.at(r"ControlSet001\Services", Key::new(&format!("s{number}")).number("Type", 1));
    }
    root = root.at(r"ControlSet001\Services", Key::new("long").text("DisplayName", &"x".repeat(20_000)));
    let (items, coverage) = read(Reader::Hive, "x", &hive(&root));
    assert_eq!(items.len(), 1201);
    assert_eq!(values(&items, Surface::Product)[0].len(), 1024);
    assert_eq!(coverage.state, CoverageState::Read);
}

#[test]
fn a_hive_that_was_not_closed_is_read_and_told() {
    let mut bytes = hive(&software());
    bytes[4] ^= 1;
    let (items, coverage) = read(Reader::Hive, "x", &bytes);
    assert_eq!(items.len(), 3);
    assert!(matches!(coverage.state, CoverageState::Partly(why) if why.contains("log")));
}

#[test]
fn a_hive_that_was_cut_keeps_what_is_there() {
    let mut root = Key::new("ROOT").at("", Key::new("Microsoft"));
    for number in 0..500 {
        root = root.at("", Key::new(&format!("Vendor{number}")).text("x", "some text that takes room"));
    }
    let bytes = hive(&root);
    // Cut a key's cell out of the middle.
    let mut damaged = bytes.clone();
    let at = damaged.windows(8).position(|window| window == b"Vendor77").unwrap();
    damaged[at - 76..at - 74].copy_from_slice(b"??");
    let (items, coverage) = read(Reader::Hive, "x", &damaged);
    assert_eq!(items.len(), 499);
    assert_eq!(coverage.state, CoverageState::Partly("1 of its cells are damaged".to_owned()));
    let (_, coverage) = read(Reader::Hive, "x", &bytes[..4096]);
    assert_eq!(coverage.state, CoverageState::NotRead("it is no hive".to_owned()));
}

#[test]
fn damage_is_survived_wherever_it_is() {
    let whole = hive(&software());
    for at in 0..whole.len() {
        for value in [0, 0xff, whole[at] ^ 0x10] {
            let mut damaged = whole.clone();
            damaged[at] = value;
            for item in read(Reader::Hive, "x", &damaged).0 {
                assert!(line(&item).len() < 64 << 10);
            }
        }
    }
}

#[test]
fn keys_below_themselves_come_to_an_end() {
    let mut bytes = hive(&Key::new("ROOT").at("", Key::new("Microsoft")).at("Vendor", Key::new("Vendor")));
    // Every list of keys leads to every key.
    let keys: Vec<u32> = bytes
        .windows(2)
        .enumerate()
        .filter(|(at, window)| *window == b"nk" && at % 8 == 4)
        .map(|(at, _)| (at - 4 - 4096) as u32)
        .collect();
    let lists: Vec<usize> =
        bytes.windows(4).enumerate().filter(|(_, window)| *window == b"lh\x01\0").map(|(at, _)| at).collect();
    for (at, key) in lists.into_iter().zip(keys.into_iter().rev()) {
        bytes[at + 4..at + 8].copy_from_slice(&key.to_le_bytes());
    }
    read(Reader::Hive, "x", &bytes);
}
