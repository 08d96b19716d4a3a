//! The same packages in all three containers, whole and damaged.

use candor_fixtures::package_database::{Package, berkeley, ndb, sqlite};

use crate::inventory::tests::{check, read, values};
use crate::inventory::{Beside, CoverageState, Reader, Surface};

fn packages() -> Vec<Package> {
    let kesl = Package {
        name: "kesl".to_owned(),
        version: "12.1.0-1508".to_owned(),
        vendor: "Example Lab".to_owned(),
        installed: 1_727_582_400,
        key: Some("6AFE173577C4CBD621DF217FD093435AA3ED2C4A".to_owned()),
        padding: 0,
    };
    let large = Package {
        name: "kernel".to_owned(),
        version: "6.1-1".to_owned(),
        padding: 30_000,
        ..Package::default()
    };
    vec![kesl, large]
}

const EXPECTED: [&str; 2] = [
    "Package kesl 12.1.0-1508 | kesl | LinuxPackage=kesl, Supplier=Example Lab, PackageKey=6AFE173577C4CBD621DF217FD093435AA3ED2C4A | Installed=2024-09-29T04:00:00Z",
    "Package kernel 6.1-1 | kernel | LinuxPackage=kernel | Installed=1970-01-01T00:00:00Z",
];

fn containers(packages: &[Package]) -> [(&'static str, Vec<u8>); 4] {
    [
        ("sqlite", sqlite(packages)),
        ("ndb", ndb(packages)),
        ("Berkeley, little", berkeley(packages, false)),
        ("Berkeley, big", berkeley(packages, true)),
    ]
}

#[test]
fn all_containers_give_the_same_packages() {
    for (_, bytes) in containers(&packages()) {
        check(Reader::Rpm, &bytes, &EXPECTED);
    }
}

#[test]
fn many_packages_fill_many_pages() {
    let many: Vec<Package> = (0..700)
        .map(|number| Package {
            name: format!("p{number}"),
            version: "1-1".to_owned(),
            padding: number * 13,
            ..Package::default()
        })
        .collect();
    for (container, bytes) in containers(&many) {
        let (items, coverage) = read(Reader::Rpm, "x", &bytes);
        assert_eq!(values(&items, Surface::LinuxPackage).len(), 700, "{container}");
        assert_eq!(coverage.state, CoverageState::Read, "{container}");
    }
}

#[test]
fn half_a_database_keeps_what_is_in_it_and_says_so() {
    let many: Vec<Package> = (0..300)
        .map(|number| Package {
            name: format!("p{number}"),
            version: "1-1".to_owned(),
            padding: 900,
            ..Package::default()
        })
        .collect();
    for (container, bytes) in containers(&many) {
        let (items, coverage) = read(Reader::Rpm, "x", &bytes[..bytes.len() / 2]);
        assert!(items.len() < 300, "{container}");
        assert!(
            !matches!(coverage.state, CoverageState::Read | CoverageState::Absent),
            "{container}: {coverage:?}"
        );
    }
}

#[test]
fn damage_is_survived_wherever_it_is() {
    for (_, whole) in containers(&packages()) {
        for at in 0..whole.len().min(9000) {
            let mut damaged = whole.clone();
            damaged[at] = !damaged[at];
            read(Reader::Rpm, "x", &damaged);
        }
        for length in (0..whole.len()).step_by(97) {
            read(Reader::Rpm, "x", &whole[..length]);
        }
    }
}

#[test]
fn pages_that_lead_back_to_themselves_are_visited_once() {
    let mut bytes = sqlite(&packages());
    // The table becomes a page above itself.
    let root = 4096 * (bytes.len() / 4096 - 1);
    bytes[root] = 5;
    bytes[root + 8..root + 12].copy_from_slice(&((root / 4096) as u32 + 1).to_be_bytes());
    let (items, coverage) = read(Reader::Rpm, "x", &bytes);
    assert!(items.is_empty());
    assert!(matches!(coverage.state, CoverageState::Partly(_)), "{coverage:?}");
}

#[test]
fn what_a_log_beside_a_database_holds_takes_the_place_of_older_pages() {
    let named =
        |name: &str| Package { name: name.to_owned(), version: "1-1".to_owned(), ..Package::default() };
    let large = Package { padding: 20_000, ..named("large") };
    let (before, after) = (sqlite(&[named("old")]), sqlite(&[named("new"), large, named("third")]));
    let log = candor_fixtures::sqlite::log(&before, &after);
    let seen = |bytes: &[u8], log: &[u8]| {
        let mut items = Vec::new();
        let beside = [Beside { name: "-wal", bytes: log }];
        let coverage = Reader::Rpm.read_beside("rpmdb.sqlite", bytes, &beside, &mut |item| items.push(item));
        let names: Vec<String> = items.into_iter().map(|item| item.name).collect();
        (names, coverage.state)
    };
    let all = ["new", "large", "third"].map(str::to_owned).to_vec();
    assert_eq!(seen(&before, &log), (all.clone(), CoverageState::Read));
    // All of a new database may be in its log.
    let whole = candor_fixtures::sqlite::log(b"", &after);
    assert_eq!(seen(b"", &whole), (all, CoverageState::Read));
    let old = (vec!["old".to_owned()], CoverageState::Read);
    assert_eq!(seen(&before, b""), old);
    // What was not committed does not count, and is no damage.
    assert_eq!(seen(&before, &log[..log.len() - 2 * 4120]), old);
    // A frame whose sum is wrong, and a head that is none.
    let torn = "its log is damaged: what was written last may be missing".to_owned();
    for at in [100, 8] {
        let mut damaged = log.clone();
        damaged[at] ^= 1;
        assert_eq!(seen(&before, &damaged), (vec!["old".to_owned()], CoverageState::Partly(torn.clone())));
    }
    for at in (0..log.len()).step_by(41) {
        let mut damaged = log.clone();
        damaged[at] = !damaged[at];
        seen(&before, &damaged);
        seen(&before, &log[..at]);
    }
}
