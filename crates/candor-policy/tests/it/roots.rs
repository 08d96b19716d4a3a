//! Every group of identifiers, planted once where it would be on a system, is found with its strength; the same
//! systems without them give nothing, and neither does what only mentions the names.

use std::collections::BTreeSet;

use candor_fixtures::roots::{Planted, Root, linux, macos, windows};
use candor_fixtures::vendors;
use candor_policy::inventory::{Interest as _, Inventory, Item, ItemKind, Reader, Surface, plan};
use candor_policy::matching::{Finding, Matcher, Standing};
use candor_policy::policy::Policy;
use candor_policy::vendor::Strength;

/// What a walk would give of a root.
fn inventory(root: &Root, matcher: &Matcher) -> Inventory {
    let wanted = matcher.wanted();
    let mut inventory = Inventory::default();
    for (path, bytes) in root {
        if wanted.is_wanted(path, false) {
            let name = path.rsplit('/').next().unwrap();
            inventory.items.push(Item::new(ItemKind::File, name).at_path(path));
        }
        if let Some(reader) = plan::reader_of(path) {
            let coverage = reader.read(path, bytes, &mut |item| inventory.items.push(item));
            inventory.coverage.push(coverage);
        }
    }
    inventory
}

fn found(root: &Root) -> Vec<Finding> {
    let matcher = Matcher::new(&Policy::built_in().unwrap());
    matcher.find(&inventory(root, &matcher))
}

const SIGNER: &[(&str, &str)] = &[
    ("SERIALNUMBER", "1027739867473"),
    ("C", "RU"),
    ("L", "Moscow"),
    ("O", "AO Kaspersky Lab"),
    ("CN", "AO Kaspersky Lab"),
];

const TRUSTED: &[(&str, &str)] =
    &[("O", "AO Kaspersky Lab"), ("CN", "Kaspersky Anti-Virus Personal Root Certificate")];

/// What is planted, where, and on which surface it must show with which strength.
type Case<'a> = (&'a str, fn(&Planted<'_>) -> Root, Planted<'a>, Surface, Strength);

fn cases() -> Vec<Case<'static>> {
    let none = Planted::default;
    vec![
        (
            "signer",
            windows,
            Planted { signer: SIGNER, ..none() },
            Surface::AuthenticodeSubject,
            Strength::Cryptographic,
        ),
        (
            "team",
            macos,
            Planted { team: "2Y8XE5CQ94", ..none() },
            Surface::AppleTeam,
            Strength::Cryptographic,
        ),
        (
            "package key",
            linux,
            Planted {
                package_key: "6AFE173577C4CBD621DF217FD093435AA3ED2C4A",
                packages: &["a-package"],
                ..none()
            },
            Surface::PackageKey,
            Strength::Cryptographic,
        ),
        (
            "trusted on Linux",
            linux,
            Planted { roots: &[TRUSTED], ..none() },
            Surface::RootSubject,
            Strength::Strong,
        ),
        (
            "trusted on Windows",
            windows,
            Planted { roots: &[TRUSTED], ..none() },
            Surface::RootSubject,
            Strength::Strong,
        ),
        (
            "filter",
            windows,
            Planted { filters: &[("renamed.sys", "320400")], ..none() },
            Surface::MinifilterAltitude,
            Strength::Strong,
        ),
        (
            "filter of another vendor",
            windows,
            Planted { filters: &[("renamed.sys", "404910")], ..none() },
            Surface::MinifilterAltitude,
            Strength::Strong,
        ),
        (
            "bundle",
            macos,
            Planted { bundles: &["com.kaspersky.kav"], ..none() },
            Surface::AppleBundle,
            Strength::Strong,
        ),
        (
            "extension",
            linux,
            Planted { chrome: &["amkpcclbbgegoafihnpgomddadjhcadd"], ..none() },
            Surface::BrowserExtension,
            Strength::Strong,
        ),
        (
            "extension of Firefox",
            linux,
            Planted { firefox: &["urladvisor@kaspersky.com"], ..none() },
            Surface::BrowserExtension,
            Strength::Strong,
        ),
        (
            "host",
            linux,
            Planted { hosts: &["dnl-01.geo.kaspersky.com"], ..none() },
            Surface::Domain,
            Strength::Strong,
        ),
        (
            "package",
            linux,
            Planted { packages: &["kesl"], ..none() },
            Surface::LinuxPackage,
            Strength::Metadata,
        ),
        (
            "supplier",
            linux,
            Planted { packages: &["a-package"], supplier: "AO Kaspersky Lab", ..none() },
            Surface::Supplier,
            Strength::Metadata,
        ),
        (
            "product",
            windows,
            Planted { products: &["Kaspersky Endpoint Security for Windows"], ..none() },
            Surface::Product,
            Strength::Metadata,
        ),
        (
            "service",
            windows,
            Planted { services: &["klnagent"], ..none() },
            Surface::WindowsService,
            Strength::Path,
        ),
        ("key", windows, Planted { keys: &["KasperskyLab"], ..none() }, Surface::RegistryKey, Strength::Path),
        (
            "key of 32-bit programs",
            windows,
            Planted { keys: &[r"WOW6432Node\KasperskyLab\AVP21.3"], ..none() },
            Surface::RegistryKey,
            Strength::Path,
        ),
        ("unit", linux, Planted { units: &["kesl.service"], ..none() }, Surface::SystemdUnit, Strength::Path),
        (
            "folder on Linux",
            linux,
            Planted { files: &["opt/kaspersky/kesl/bin/kesl"], ..none() },
            Surface::Path,
            Strength::Path,
        ),
        (
            "folder on Windows",
            windows,
            Planted { files: &["ProgramData/Kaspersky Lab/AVP21.3/Bases/x"], ..none() },
            Surface::Path,
            Strength::Path,
        ),
        (
            "folder on macOS",
            macos,
            Planted {
                files: &["Library/Application Support/Kaspersky Lab/KAV/Binaries/UninstallScript"],
                ..none()
            },
            Surface::Path,
            Strength::Path,
        ),
        (
            "engine in another product",
            linux,
            Planted { files: &["opt/other/appinfo.kli"], ..none() },
            Surface::FileName,
            Strength::Strong,
        ),
        (
            "name of a program",
            windows,
            Planted { files: &["Tools/klnagent.exe"], ..none() },
            Surface::FileName,
            Strength::Name,
        ),
    ]
}

#[test]
fn every_group_is_found_where_it_would_be_with_its_strength() {
    let mut missing = Vec::new();
    for (name, build, planted, surface, strength) in cases() {
        let findings = found(&build(&planted));
        let evidence = findings.iter().flat_map(|finding| &finding.evidence);
        let strengths: Vec<Strength> =
            evidence.filter(|one| one.surface == surface).map(|one| one.strength).collect();
        if !strengths.contains(&strength) {
            missing.push(format!("{name}: {surface:?} {strength:?}, but {findings:#?}"));
        }
        let decides = matches!(strength, Strength::Cryptographic | Strength::Strong);
        if decides && !findings.iter().any(|finding| finding.standing == Standing::Found) {
            missing.push(format!("{name}: is no more than a lead"));
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

/// What is found in an export of what is on a network.
fn found_on_network(is_planted: bool) -> Vec<Finding> {
    let matcher = Matcher::new(&Policy::built_in().unwrap());
    let mut inventory = Inventory::default();
    let text = vendors::network(is_planted);
    let coverage = Reader::Csv.read("network.csv", text.as_bytes(), &mut |item| inventory.items.push(item));
    inventory.coverage.push(coverage);
    matcher.find(&inventory)
}

#[test]
fn each_of_the_54_groups_is_found_once_all_are_planted() {
    let systems: [(&str, Vec<Finding>); 4] = [
        ("linux", found(&linux(&vendors::linux()))),
        ("windows", found(&windows(&vendors::windows()))),
        ("macos", found(&macos(&vendors::macos()))),
        ("network", found_on_network(true)),
    ];
    let mut missing = Vec::new();
    for group in vendors::GROUPS {
        let (_, findings) = systems.iter().find(|(system, _)| *system == group.system).unwrap();
        let holds = findings.iter().filter(|finding| finding.vendor == group.vendor).any(|finding| {
            let is_shown = finding
                .evidence
                .iter()
                .any(|one| one.kind == group.kind && one.strength.word() == group.strength);
            // What decides by itself has decided.
            let decides = matches!(group.strength, "cryptographic" | "strong");
            is_shown && (!decides || finding.standing == Standing::Found)
        });
        if !holds {
            missing.push(group);
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn the_54_groups_are_those_of_the_policy() {
    let policy = Policy::built_in().unwrap();
    let mut of_policy: BTreeSet<(String, String)> = BTreeSet::new();
    for vendor in policy.vendors.values() {
        let kinds = vendor.identifiers.iter().map(|group| &group.kind);
        let kinds = kinds.chain(vendor.facts.iter().map(|fact| &fact.kind));
        of_policy.extend(kinds.map(|kind| (vendor.id.clone(), kind.clone())));
    }
    let listed: BTreeSet<(String, String)> =
        vendors::GROUPS.iter().map(|group| (group.vendor.to_owned(), group.kind.to_owned())).collect();
    assert_eq!(listed.len(), vendors::GROUPS.len(), "a group stands there twice");
    let gone: Vec<_> = listed.difference(&of_policy).collect();
    assert!(gone.is_empty(), "{gone:?}");
    // Names of makers that only rules name, and of what they make, came with the rules.
    let more: Vec<_> = of_policy
        .difference(&listed)
        .filter(|(_, kind)| {
            !["legal_names", "application_names", "successor_products"].contains(&kind.as_str())
        })
        .collect();
    assert!(more.is_empty(), "{more:?} is planted nowhere");
}

#[test]
fn the_same_systems_without_them_give_nothing() {
    for build in [linux, windows, macos] {
        let root = build(&Planted::default());
        assert_eq!(found(&root), Vec::new());
    }
    assert_eq!(found_on_network(false), Vec::new());
}

#[test]
fn a_weak_name_never_counts_by_itself() {
    let names = r#"{"lockfileVersion":3,"packages":{}}"#;
    let requirements = "bytedance-sdk==1\nhuawei-solar==2\n";
    let lists: &[(&str, &str)] =
        &[("srv/app/package-lock.json", names), ("srv/app/requirements.txt", requirements)];
    assert_eq!(found(&linux(&Planted { lists, ..Planted::default() })), Vec::new());
}

#[test]
fn what_only_mentions_the_names_is_nothing() {
    assert_eq!(found(&vendors::traps()), Vec::new());
}

#[test]
fn the_age_of_signatures_comes_out_of_the_log() {
    let line = r#"Jan  2 00:00:00 host kesl[7]: {"EventType":"AVBasesAreOutOfDate","AVBasesDate":"2025-01-02 03:04:05"}"#;
    let root = linux(&Planted { packages: &["kesl"], log: &[line], ..Planted::default() });
    let matcher = Matcher::new(&Policy::built_in().unwrap());
    let inventory = inventory(&root, &matcher);
    let moments =
        inventory.items.iter().filter_map(|item| item.moments.get(&candor_policy::inventory::Moment::Bases));
    assert_eq!(moments.collect::<Vec<_>>(), ["2025-01-02T03:04:05Z"]);
}
