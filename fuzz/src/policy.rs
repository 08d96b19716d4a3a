//! Policies of users, what inventories hand to them, names of suppliers, dates and chains of reports: whatever is
//! written there, it is taken as a whole or refused with its place, and every answer can be read back.

use std::sync::OnceLock;

use candor_policy::inventory::{Coverage, CoverageState, Inventory, Item, ItemKind, Surface};
use candor_policy::matching::Matcher;
use candor_policy::party::{Listed, Parties, THRESHOLD};
use candor_policy::policy::Policy;
use candor_policy::regime::{AsOf, Evidence, When};
use candor_policy::report::{Format, Question, Report, seal};
use jiff::tz::TimeZone;

/// What a line begins with behind which the name of the next file stands.
const NEXT: &str = "#= ";

/// Files of a policy in one text. A mistake is told with its file and a line that is there; what is taken compares,
/// judges and reports.
pub(crate) fn files(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let mut files: Vec<(&str, &str)> = Vec::new();
    for part in text.split(NEXT).skip(1).take(16) {
        let (name, rest) = part.split_once('\n').unwrap_or((part, ""));
        files.push((name, rest));
    }
    let policy = match Policy::from_files([], files.iter().copied()) {
        Ok(policy) => policy,
        Err(error) => {
            let told = error.to_string();
            let placed = |(name, text): &&(&str, &str)| {
                let Some(rest) = told.strip_prefix(name).and_then(|rest| rest.strip_prefix(':')) else {
                    return false;
                };
                // The line may be left out where it is about the file as a whole.
                let line: Option<usize> = rest.split(':').next().and_then(|line| line.parse().ok());
                line.is_none_or(|line| line >= 1 && line <= text.lines().count() + 1)
            };
            // Ways to remove something are checked against vendors under the name that their vendor gives them.
            assert!(
                files.iter().any(|file| placed(&file)) || told.starts_with("removal/"),
                "{told:?} is told of none of {files:?}"
            );
            return;
        }
    };
    assert_eq!(policy.version.own_files, files.len());
    let matcher = Matcher::new(&policy);
    let mut inventory = Inventory::default();
    for group in policy.vendors.values().flat_map(|vendor| &vendor.identifiers) {
        for value in group.values.iter().take(8) {
            let mut item = Item::new(ItemKind::Program, "a program");
            item.traits.push(candor_policy::inventory::Trait {
                surface: group.surface,
                value: value.get_ref().clone(),
            });
            inventory.items.push(item);
        }
    }
    report(&policy, &matcher, inventory);
}

/// Judges an inventory and writes the report in every form; the one in JSON is read back.
fn report(policy: &Policy, matcher: &Matcher, inventory: Inventory) {
    let profile = policy.profiles.values().next();
    let question = Question {
        profile,
        as_of: AsOf::parse("2026-01-01").expect("a date"),
        generated: "2026-01-02T03:04:05Z".to_owned(),
        version: "0".to_owned(),
    };
    let report = Report::new(policy, matcher, &question, vec![("host".to_owned(), inventory)]);
    let json = report.render(Format::Json);
    assert_eq!(serde_json::from_str::<Report>(&json).expect("a report is read back"), report);
    for format in [
        Format::Text,
        Format::Csv,
        Format::Html,
        Format::Sarif,
        Format::CycloneDx,
        Format::Junit,
        Format::Oscal,
    ] {
        let text = report.render(format);
        assert!(text.contains(&report.policy.sha256));
        assert!(!text.contains('\u{1b}'));
    }
}

fn built_in() -> &'static (Policy, Matcher) {
    static BUILT_IN: OnceLock<(Policy, Matcher)> = OnceLock::new();
    BUILT_IN.get_or_init(|| {
        let policy = Policy::built_in().expect("the built-in policy");
        let matcher = Matcher::new(&policy);
        (policy, matcher)
    })
}

const KINDS: [ItemKind; 12] = [
    ItemKind::Package,
    ItemKind::Program,
    ItemKind::Service,
    ItemKind::Driver,
    ItemKind::Certificate,
    ItemKind::Extension,
    ItemKind::Component,
    ItemKind::File,
    ItemKind::Directory,
    ItemKind::Setting,
    ItemKind::Host,
    ItemKind::Device,
];

const SURFACES: [Surface; 26] = [
    Surface::AuthenticodeSubject,
    Surface::AppleTeam,
    Surface::AppleBundle,
    Surface::PackageKey,
    Surface::LinuxPackage,
    Surface::AndroidPackage,
    Surface::WingetPackage,
    Surface::Supplier,
    Surface::Product,
    Surface::MinifilterAltitude,
    Surface::WindowsService,
    Surface::SystemdUnit,
    Surface::RegistryKey,
    Surface::Path,
    Surface::FileName,
    Surface::Sha256,
    Surface::RootSubject,
    Surface::BrowserExtension,
    Surface::CpeVendor,
    Surface::PackageUrl,
    Surface::Domain,
    Surface::MacPrefix,
    Surface::MsiCode,
    Surface::LogEvent,
    Surface::ServiceBanner,
    Surface::NetworkPort,
];

/// Items of any sort with any values, a line each: what one of them shows is not lost beside others, and every finding
/// can be reported.
pub(crate) fn values(bytes: &[u8]) {
    let (policy, matcher) = built_in();
    let mut items = Vec::new();
    for line in bytes.split(|byte| *byte == b'\n').take(8) {
        let [kind, surface, value @ ..] = line else { continue };
        let kind = KINDS[usize::from(*kind) % KINDS.len()];
        let surface = SURFACES[usize::from(*surface) % SURFACES.len()];
        let value = String::from_utf8_lossy(value).into_owned();
        let mut item = Item::new(kind, &value);
        item.traits.push(candor_policy::inventory::Trait { surface, value });
        items.push(item);
    }
    let of = |items: &[Item]| {
        let coverage = Coverage {
            reader: "test".to_owned(),
            path: "x".to_owned(),
            state: CoverageState::Read,
            items: 1,
        };
        let inventory = Inventory { items: items.to_vec(), coverage: vec![coverage] };
        (matcher.find(&inventory), inventory)
    };
    let (all, inventory) = of(&items);
    for item in &items {
        for finding in of(std::slice::from_ref(item)).0 {
            assert!(all.iter().any(|one| one.vendor == finding.vendor), "{finding:?} is lost beside others");
        }
    }
    if !all.is_empty() {
        report(policy, matcher, inventory);
    }
}

/// Names, a line each, against each other: a name that is listed is found by its own spelling.
pub(crate) fn parties(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let mut parties = Parties::default();
    let mut held = Vec::new();
    for name in text.lines().take(8) {
        let listed = Listed { name: name.to_owned(), list: "list".to_owned(), note: None };
        if parties.add(name, listed) {
            held.push(name);
        }
    }
    assert_eq!(parties.len(), held.len());
    for name in text.lines().take(16) {
        let found = parties.find(name, THRESHOLD);
        assert!(found.windows(2).all(|pair| pair[0].score >= pair[1].score));
        assert!(found.iter().all(|one| (THRESHOLD..=1.0).contains(&one.score) && !one.reasons.is_empty()));
        if held.contains(&name) {
            assert!(found.iter().any(|one| one.listed.name == name), "{name:?} is not found among {held:?}");
        }
    }
}

/// What is a date has one moment in each zone, and is the same when it is written again.
pub(crate) fn dates(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(as_of) = AsOf::parse(text) {
        assert_eq!(AsOf::parse(&as_of.to_string()).expect("what was written is read"), as_of);
    }
    for zone in ["UTC", "America/New_York", "Australia/Sydney", "Pacific/Kiritimati", "America/Sao_Paulo"] {
        let zone = TimeZone::get(zone).expect("a zone");
        if let Ok(when) = When::parse(text, &zone) {
            assert!(when.begins <= when.surely);
            // A question that is asked with the same words is asked when it begins.
            if let Ok(as_of) = AsOf::parse(text) {
                assert_eq!(as_of.instant(&zone), when.begins);
            }
        }
    }
    if let Some(evidence) = Evidence::parse(text) {
        assert!(evidence.earliest <= evidence.latest);
        assert_eq!(evidence.is_from(evidence.earliest), Some(true));
    }
}

/// A chain that holds has an entry for each of its lines, and nobody can have signed it here.
pub(crate) fn chain(bytes: &[u8]) {
    if let Ok(chain) = seal::verify(bytes, None) {
        assert_eq!(chain.entries.len(), bytes.iter().filter(|byte| **byte == b'\n').count());
        assert!(chain.entries.iter().zip(0..).all(|(entry, number)| entry.number == number));
    }
    let _ = seal::signing_key(&String::from_utf8_lossy(bytes));
    let _ = seal::verifying_key(&String::from_utf8_lossy(bytes));
}

/// Inputs to start from.
pub(crate) fn seeds(target: &str) -> Vec<Vec<u8>> {
    match target {
        "policy_files" => {
            let files = [
                ("vendors/cxmt.toml", include_str!("../../policy/vendors/cxmt.toml")),
                ("vendors/smic.toml", include_str!("../../policy/vendors/smic.toml")),
                ("vendors/ymtc.toml", include_str!("../../policy/vendors/ymtc.toml")),
                ("vendors/doctorweb.toml", include_str!("../../policy/vendors/doctorweb.toml")),
                ("regimes/us-ndaa-5949.toml", include_str!("../../policy/regimes/us-ndaa-5949.toml")),
                ("version.toml", include_str!("../../policy/version.toml")),
            ];
            let one = |(name, text): &(&str, &str)| format!("{NEXT}{name}\n{text}");
            let profile = "#= profiles/us.toml\nid = \"us\"\ntitle = \"Us\"\ntime-zone = \"UTC\"\nregimes = [\"us-ndaa-5949\"]\n";
            let removal = include_str!("../../policy/removal/kaspersky.toml");
            let all = files.iter().map(one).collect::<String>();
            vec![
                one(&files[0]).into_bytes(),
                all.clone().into_bytes(),
                format!("{all}{profile}").into_bytes(),
                format!("{NEXT}removal/kaspersky.toml\n{removal}").into_bytes(),
            ]
        }
        "policy_values" => {
            let line = |kind: usize, surface: usize, value: &str| {
                [&[kind as u8, surface as u8][..], value.as_bytes()].concat()
            };
            vec![
                line(1, 0, "CN=AO Kaspersky Lab, O=AO Kaspersky Lab, C=RU, SERIALNUMBER=1027739867473"),
                line(4, 16, "CN=Kaspersky Anti-Virus Personal Root Certificate,O=AO Kaspersky Lab"),
                line(3, 9, "320400"),
                line(7, 13, r"C:\Program Files (x86)\Kaspersky Lab\avp.exe"),
                line(6, 19, "pkg:npm/%40kaspersky/hexa-ui@1.2.3?x=y#z"),
                line(10, 20, "dnl-01.geo.kaspersky.com"),
                line(11, 24, "Server: DNVRS-Webs"),
                [line(0, 4, "kesl"), line(0, 7, "AO Kaspersky Lab")].join(&b'\n'),
            ]
        }
        "policy_parties" => vec![
            "AO Kaspersky Lab\nKaspersky Lab, Inc.\nАО «Лаборатория Касперского»".as_bytes().to_vec(),
            "Hangzhou Hikvision Digital Technology Co., Ltd.\n华为技术有限公司\nHua Wei Technologies"
                .as_bytes()
                .to_vec(),
        ],
        "policy_dates" => [
            "2024-09-29",
            "2024-09-29T04:00:00Z",
            "2024-09-29T00:00:00-04:00",
            "2022-03",
            "2024-09-29 04:00:00",
        ]
        .map(|text| text.as_bytes().to_vec())
        .to_vec(),
        _ => {
            let entry = format!(
                "{{\"entry\":{{\"number\":0,\"previous\":\"{0}\",\"report\":\"{0}\",\"generated\":\"2026-01-01T00:00:00Z\",\"as_of\":\"2026-01-01\",\"policy\":\"{0}\",\"found\":1,\"nil_return\":false}}}}\n",
                "0".repeat(64)
            );
            let pem = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAA6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=\n-----END PUBLIC KEY-----\n";
            vec![entry.into_bytes(), pem.as_bytes().to_vec()]
        }
    }
}
