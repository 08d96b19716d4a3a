//! Nothing of the facts is lost, and nothing is judged by half a policy.

use std::collections::BTreeMap;

use super::{Policy, PolicyError};
use crate::regime::Covered;

const VENDOR: &str = "id = \"example\"\nname = \"Example\"\nsummary = \"Makes things.\"\n\n[[identifiers]]\nkind = \"linux_package\"\nsurface = \"linux-package\"\nstrength = \"metadata\"\nsource = \"a test\"\nvalues = [\"exampled\"]\n";

const REGIME: &str = "id = \"example-rule\"\ntitle = \"Rule\"\nkind = \"rule\"\njurisdiction = \"X\"\ntime-zone = \"Europe/Berlin\"\nauthority = \"A\"\ninstrument = \"I\"\ncitation = \"C\"\nsummary = \"S\"\nbinds = \"all\"\nvendors = [\"example\"]\nentities = [\"Example\"]\ncovered = [\"all\"]\nembedded = \"covered\"\nconfidence = \"high\"\nsources = [\"a test\"]\n\n[[phase]]\nid = \"one\"\nfrom = \"2030-01-01\"\neffects = [\"x\"]\noutcome = \"prohibited\"\nsays = \"no\"\n";

fn wrong(files: &[(&str, &str)]) -> String {
    Policy::from_files([], files.iter().copied()).unwrap_err().to_string()
}

/// Counts of the collections that the data was made from, by vendor and kind. A number here only changes when
/// facts are added or corrected.
#[test]
fn no_identifier_is_lost() {
    let policy = Policy::built_in().unwrap();
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for vendor in policy.vendors.values() {
        for group in &vendor.identifiers {
            *counts.entry((&vendor.id, &group.kind)).or_default() += group.values.len();
        }
        for fact in &vendor.facts {
            *counts.entry((&vendor.id, &fact.kind)).or_default() += fact.values.len();
        }
        if !vendor.white_labels.is_empty() {
            counts.insert((&vendor.id, "white labels"), vendor.white_labels.len());
        }
        if !vendor.events.is_empty() {
            counts.insert((&vendor.id, "events"), vendor.events.len());
        }
    }
    let told: Vec<String> =
        counts.iter().map(|((vendor, kind), count)| format!("{vendor} {kind} {count}")).collect();
    let expected: Vec<&str> = include_str!("counts.txt").lines().collect();
    assert_eq!(told, expected);
}

#[test]
fn no_phase_of_a_regime_is_lost() {
    let policy = Policy::built_in().unwrap();
    let told: Vec<String> = policy
        .regimes
        .values()
        .map(|regime| {
            let phases: Vec<&str> = regime
                .phases
                .iter()
                .map(|phase| phase.from.as_ref().map_or("-", |from| from.text.as_str()))
                .collect();
            format!(
                "{}: {} entities, {} exemptions, {} sources, {} fields, {} entries; {}",
                regime.id,
                regime.entities.len(),
                regime.exemptions.len(),
                regime.sources.len(),
                regime.report_fields.len(),
                regime.entries.len(),
                phases.join(" ")
            )
        })
        .collect();
    let expected: Vec<&str> = include_str!("phases.txt").lines().collect();
    assert_eq!(told, expected);
}

#[test]
fn every_rule_that_names_a_vendor_says_something_of_every_class() {
    use crate::vendor::Class;
    let policy = Policy::built_in().unwrap();
    let classes = [
        Class::Antivirus,
        Class::Security,
        Class::Engine,
        Class::UpdatePackage,
        Class::Successor,
        Class::Library,
        Class::ThreatIntelligence,
        Class::Training,
        Class::Equipment,
        Class::Application,
        Class::Residue,
        Class::UpdateHost,
    ];
    for regime in policy.regimes.values() {
        for vendor in &regime.vendors {
            for class in classes {
                let cover = regime.cover(vendor, class);
                assert!(cover.is_some(), "{} says nothing of {class:?}", regime.id);
                assert!(cover.is_none_or(|cover| cover.is == Covered::Covered
                    || cover.reason.is_some()
                    || cover.exemption.is_some()));
            }
        }
    }
}

#[test]
fn a_mistake_is_told_with_its_file_and_line() {
    for (name, from, to, told) in [
        (
            "vendors/example.toml",
            "strength = \"metadata\"",
            "strength = \"sure\"",
            "vendors/example.toml:8: unknown variant",
        ),
        (
            "vendors/example.toml",
            "surface = \"linux-package\"",
            "surface = \"sha256\"",
            "vendors/example.toml:10: \"exampled\" cannot be",
        ),
        (
            "vendors/example.toml",
            "name = \"Example\"",
            "nam = \"Example\"",
            "vendors/example.toml:2: unknown field",
        ),
        ("vendors/example.toml", "name = \"Example\"", "name = \"Example", "vendors/example.toml:2: "),
        (
            "vendors/example.toml",
            "id = \"example\"",
            "id = \"Ex ample\"",
            "vendors/example.toml:1: \"Ex ample\" is no id",
        ),
        (
            "vendors/example.toml",
            "[\"exampled\"]",
            "[]",
            "vendors/example.toml:10: linux_package of example has no values",
        ),
        ("regimes/rule.toml", "2030-01-01", "2030-02-30", "regimes/rule.toml:20: \"2030-02-30\" is no date"),
        (
            "regimes/rule.toml",
            "Europe/Berlin",
            "Europe/Atlantis",
            "regimes/rule.toml:5: \"Europe/Atlantis\" is no time zone",
        ),
        (
            "regimes/rule.toml",
            "[\"example\"]",
            "[\"exampel\"]",
            "regimes/rule.toml:11: there is no vendor \"exampel\"",
        ),
        (
            "regimes/rule.toml",
            "from = \"2030-01-01\"",
            "from = \"2030-01-01\"\nuntil = \"2029-01-01\"",
            "regimes/rule.toml:19: the phase \"one\" ends before it begins",
        ),
        (
            "regimes/rule.toml",
            "from = \"2030-01-01\"\n",
            "",
            "regimes/rule.toml:19: the phase \"one\" has an outcome and no date",
        ),
        (
            "regimes/rule.toml",
            "[[phase]]\n",
            "[[cover]]\nclasses = [\"engine\"]\nis = \"exempt\"\nexemption = \"none\"\n\n[[phase]]\n",
            "regimes/rule.toml:18: what is exempt names an exemption",
        ),
        (
            "vendors/example.toml",
            "source = \"a test\"",
            "source = \"a test\"\nlast-seen = \"2024-31\"",
            "vendors/example.toml:10: \"2024-31\" is no date",
        ),
        (
            "vendors/example.toml",
            "[[identifiers]]",
            "[[event]]\nid = \"x\"\ndate = \"last week\"\nwhat = \"w\"\nlesson = \"l\"\nsource = \"s\"\n\n[[identifiers]]",
            "vendors/example.toml:7: \"last week\" is no date",
        ),
        (
            "regimes/rule.toml",
            "[[phase]]\n",
            "[[entry]]\ndate = \"2021-02-29\"\ntext = \"x\"\n\n[[phase]]\n",
            "regimes/rule.toml:19: \"2021-02-29\" is no date",
        ),
        (
            "regimes/rule.toml",
            "from = \"2030-01-01\"",
            "from = \"2030-01-01\"\noutcome-for = { nobody = \"advisory\" }",
            "regimes/rule.toml:21: there is no profile \"nobody\"",
        ),
    ] {
        let text =
            |file: &str, text: &str| if file == name { text.replacen(from, to, 1) } else { text.to_owned() };
        let (vendor, regime) = (text("vendors/example.toml", VENDOR), text("regimes/rule.toml", REGIME));
        let error = wrong(&[("vendors/example.toml", &vendor), ("regimes/rule.toml", &regime)]);
        assert!(error.starts_with(told), "{error:?} does not begin with {told:?}");
    }
}

#[test]
fn one_id_has_one_file() {
    let error = wrong(&[("vendors/a.toml", VENDOR), ("vendors/b.toml", VENDOR)]);
    assert_eq!(error, "vendors/b.toml:1: the vendor \"example\" stands in vendors/a.toml already");
}

#[test]
fn a_users_folder_adds_and_replaces() {
    let folder = std::env::temp_dir().join(format!("candor-policy-{}", std::process::id()));
    for part in ["vendors", "regimes", "profiles"] {
        std::fs::create_dir_all(folder.join(part)).unwrap();
    }
    let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
    write("vendors/example.toml", VENDOR);
    write("regimes/rule.toml", REGIME);
    write(
        "profiles/us-private.toml",
        "id = \"us-private\"\ntitle = \"Us\"\ntime-zone = \"UTC\"\nregimes = [\"example-rule\"]\n",
    );
    let more = "id = \"kaspersky\"\nname = \"K\"\nsummary = \"S\"\nextends = true\n\n[[identifiers]]\nkind = \"own\"\nsurface = \"sha256\"\nstrength = \"cryptographic\"\nsource = \"us\"\nvalues = [\"";
    write("vendors/more.toml", &format!("{more}{}\"]\n", "a".repeat(64)));
    let policy = Policy::with_folder(&folder).unwrap();
    let built_in = Policy::built_in().unwrap();
    assert_eq!(policy.version.own_files, 4);
    assert_ne!(policy.version.sha256, built_in.version.sha256);
    assert_eq!(policy.profiles["us-private"].regimes, ["example-rule"]);
    let groups = |policy: &Policy| policy.vendors["kaspersky"].identifiers.len();
    assert_eq!(groups(&policy), groups(&built_in) + 1);
    // One wrong file, and there is no policy at all.
    write("vendors/broken.toml", "id = 5\n");
    let error = Policy::with_folder(&folder).unwrap_err();
    assert!(matches!(error, PolicyError::Wrong { line: 1, .. }), "{error}");
    // So is one that is no text.
    std::fs::write(folder.join("vendors/broken.toml"), b"id = \"x\"\n\xff").unwrap();
    let error = Policy::with_folder(&folder).unwrap_err().to_string();
    assert_eq!(error, "vendors/broken.toml:2: it is no text in UTF-8");
    std::fs::remove_dir_all(&folder).unwrap();
    assert!(matches!(Policy::with_folder(&folder).unwrap_err(), PolicyError::Unreadable { .. }));
}
