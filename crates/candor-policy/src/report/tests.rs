//! Every form tells the same, is well formed, and leaves out nothing that somebody has to sign for.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Form, Format, Question, Report, seal};
use crate::inventory::{Coverage, CoverageState, Inventory, Item, ItemKind, Moment, Place, Surface, Trait};
use crate::matching::Matcher;
use crate::policy::Policy;
use crate::regime::AsOf;

fn item(kind: ItemKind, name: &str, path: &str, traits: &[(Surface, &str)]) -> Item {
    Item {
        kind,
        name: name.to_owned(),
        version: Some(String::from("12.1")),
        place: Place {
            reader: String::from("dpkg"),
            path: path.to_owned(),
            inside: Some(String::from("package kesl")),
        },
        traits: traits
            .iter()
            .map(|(surface, value)| Trait { surface: *surface, value: (*value).to_owned() })
            .collect(),
        moments: BTreeMap::from([(Moment::Bases, String::from("2025-01-01T00:00:00Z"))]),
    }
}

fn coverage(path: &str, state: CoverageState) -> Coverage {
    Coverage { reader: String::from("dpkg"), path: path.to_owned(), state, items: 1 }
}

/// A host with a product, an engine, residue and a lead whose names try to be more than names; and one with nothing.
pub(super) fn report(profile: Option<&str>) -> Report {
    let policy = Policy::built_in().unwrap();
    let host = Inventory {
        items: vec![
            item(
                ItemKind::Package,
                "kesl",
                "var/lib/dpkg/status",
                &[(Surface::LinuxPackage, "kesl"), (Surface::Supplier, "AO Kaspersky Lab")],
            ),
            item(ItemKind::File, "kavehost", "opt/gateway/kavehost", &[(Surface::FileName, "kavehost")]),
            item(
                ItemKind::Program,
                "=<img src=x onerror=alert(1)>]]>\u{1b}[2J\u{202e}",
                "a|b,\"c\"\n.json",
                &[(Surface::Product, "Kaspersky =HYPERLINK(1) <b>")],
            ),
            item(
                ItemKind::Driver,
                "file_tracker",
                "Windows/System32/config/SYSTEM",
                &[(Surface::MinifilterAltitude, "281420")],
            ),
        ],
        coverage: vec![
            coverage("var/lib/dpkg/status", CoverageState::Read),
            coverage("var/lib/rpm", CoverageState::Partly(String::from("damaged after 3 packages"))),
            coverage("home/secret", CoverageState::NotRead(String::from("permission denied"))),
            coverage("snap", CoverageState::Absent),
        ],
    };
    let clean =
        Inventory { items: Vec::new(), coverage: vec![coverage("var/lib/dpkg/status", CoverageState::Read)] };
    let question = Question {
        profile: profile.map(|id| policy.profile(id).unwrap()),
        as_of: AsOf::parse("2026-01-01").unwrap(),
        generated: String::from("2026-01-02T03:04:05Z"),
        version: String::from("0.1.0"),
    };
    let inventories = vec![(String::from("host<1>"), host), (String::from("clean"), clean)];
    Report::new(&policy, &Matcher::new(&policy), &question, inventories)
}

pub(super) fn nil() -> Report {
    let policy = Policy::built_in().unwrap();
    let question = Question {
        profile: None,
        as_of: AsOf::parse("2026-01-01").unwrap(),
        generated: String::from("2026-01-02T03:04:05Z"),
        version: String::from("0.1.0"),
    };
    let coverage = vec![coverage("var/lib/dpkg/status", CoverageState::Read)];
    let inventories = vec![(String::from("clean"), Inventory { items: Vec::new(), coverage })];
    Report::new(&policy, &Matcher::new(&policy), &question, inventories)
}

const ALL: [Format; 11] = [
    Format::Text,
    Format::Json,
    Format::Csv,
    Format::Html,
    Format::Sarif,
    Format::CycloneDx,
    Format::Junit,
    Format::Oscal,
    Format::Form(Form::Bod1701),
    Format::Form(Form::Far20423),
    Format::Form(Form::Far20430),
];

#[test]
fn every_form_says_when_by_what_and_what_was_not_seen() {
    let report = report(None);
    for format in ALL {
        let text = report.render(format);
        assert!(text.contains("2026-01-01"), "{format:?}: as of");
        assert!(text.contains(&report.policy.sha256), "{format:?}: the policy");
        if format != Format::Csv {
            assert!(text.contains("permission denied"), "{format:?}: what was not read");
            assert!(text.contains("damaged after 3 packages"), "{format:?}: what was read in part");
            assert!(text.contains("two independent weaker ones"), "{format:?}: the method");
        }
    }
}

#[test]
fn a_nil_return_is_said() {
    let report = nil();
    assert!(report.summary.nil_return && report.summary.complete && !report.counts());
    for format in ALL {
        let text = report.render(format).to_lowercase();
        let is_said =
            ["nil return", "nil-return", "\"nil_return\": true"].iter().any(|said| text.contains(said));
        assert!(is_said, "{format:?}: {text}");
    }
    let found = self::report(None);
    assert!(!found.summary.nil_return && !found.summary.complete && found.counts());
    assert!(!found.render(Format::Text).contains("Nil return"));
}

#[test]
fn a_name_stays_a_name_in_every_form() {
    let report = report(None);
    for format in ALL {
        let text = report.render(format);
        assert!(!text.contains('\u{1b}'), "{format:?}");
        // Programs get names as they are.
        let is_for_programs =
            matches!(format, Format::Json | Format::Sarif | Format::CycloneDx | Format::Oscal);
        assert!(is_for_programs || !text.contains('\u{202e}'), "{format:?}");
        match format {
            Format::Html | Format::Junit => {
                assert!(!text.contains("<img") && !text.contains("<b>"), "{format:?}");
                assert!(text.contains("host&lt;1&gt;"), "{format:?}");
            }
            Format::Csv => {
                for line in text.lines() {
                    assert_eq!(cells(line).len(), 21, "{line}");
                    assert!(cells(line).iter().all(|cell| !cell.starts_with('=')), "{line}");
                }
            }
            Format::Form(_) => assert!(!text.contains("<img") && !text.contains("a|b"), "{text}"),
            _ => {}
        }
    }
}

/// The cells of a line of CSV.
fn cells(line: &str) -> Vec<String> {
    let mut cells = vec![String::new()];
    let mut quoted = false;
    for character in line.chars() {
        match character {
            '"' => quoted = !quoted,
            ',' if !quoted => cells.push(String::new()),
            _ => cells.last_mut().unwrap().push(character),
        }
    }
    cells
}

#[test]
fn the_json_is_read_back() {
    let report = report(Some("us-contractor"));
    let read: Report = serde_json::from_str(&report.render(Format::Json)).unwrap();
    assert_eq!(read, report);
    assert_eq!(read.schema, super::SCHEMA);
}

#[test]
fn the_page_needs_nothing_else_and_is_balanced() {
    let page = report(None).render(Format::Html);
    for foreign in ["<script", "http-equiv=\"refresh\"", "@import", "url("] {
        assert!(!page.contains(foreign), "{foreign}");
    }
    assert!(page.contains("prefers-color-scheme: dark") && page.contains("@media print"));
    let mut open: Vec<&str> = Vec::new();
    for tag in page.split('<').skip(1).filter_map(|piece| piece.split('>').next()) {
        let name = tag.trim_start_matches('/').split_whitespace().next().unwrap();
        assert!(!tag.contains("src=") && !tag.contains("href="), "{tag}");
        if tag.starts_with('!') || ["meta", "br"].contains(&name) {
            continue;
        }
        if tag.starts_with('/') { assert_eq!(open.pop(), Some(name)) } else { open.push(name) }
    }
    assert!(open.is_empty(), "{open:?}");
}

#[test]
fn answers_of_sarif_have_their_rules_and_levels() {
    let sarif: Value = serde_json::from_str(&report(Some("us-contractor")).render(Format::Sarif)).unwrap();
    let run = &sarif["runs"][0];
    let results = run["results"].as_array().unwrap();
    assert!(!results.is_empty());
    for result in results {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(run["tool"]["driver"]["rules"][index]["id"], result["ruleId"]);
        // The standard gives a level to nothing but failures.
        assert_eq!(result["kind"] == "fail", result["level"] != "none", "{result}");
    }
    let far = results.iter().find(|result| {
        result["ruleId"] == "us-far-52.204-23" && result["properties"]["class"] == "antivirus"
    });
    let far = far.unwrap();
    assert_eq!((far["kind"].as_str(), far["level"].as_str()), (Some("fail"), Some("error")));
    let bis = results.iter().find(|result| result["properties"]["outcome"] == "updated-after-cut-off");
    assert!(bis.is_some());
}

#[test]
fn references_of_cyclonedx_lead_somewhere() {
    let bom: Value = serde_json::from_str(&report(None).render(Format::CycloneDx)).unwrap();
    let known: Vec<&str> = bom["components"]
        .as_array()
        .unwrap()
        .iter()
        .map(|component| component["bom-ref"].as_str().unwrap())
        .collect();
    assert!(known.len() >= 4);
    for annotation in bom["annotations"].as_array().unwrap() {
        assert!(known.contains(&annotation["subjects"][0].as_str().unwrap()));
    }
    let mut sorted = known.clone();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(sorted.len(), known.len());
}

#[test]
fn counts_of_junit_are_those_of_its_cases() {
    let text = report(Some("us-contractor")).render(Format::Junit);
    let count = |what: &str| text.matches(what).count();
    let all: &str = text.lines().find(|line| line.starts_with("<testsuites")).unwrap();
    assert!(all.contains(&format!("tests=\"{}\"", count("<testcase "))), "{all}");
    assert!(all.contains(&format!("failures=\"{}\"", count("<failure "))), "{all}");
    assert!(all.contains(&format!("errors=\"{}\"", count("<error "))), "{all}");
    // The format has no sum of what was skipped: it is counted in each suite.
    let number = |line: &str| -> usize {
        let (_, rest) = line.split_once(" skipped=\"").unwrap();
        rest.split('"').next().unwrap().parse().unwrap()
    };
    let skipped: usize = text.lines().filter(|line| line.starts_with("  <testsuite ")).map(number).sum();
    assert_eq!(skipped, count("<skipped>"));
    assert!(count("<failure ") > 0 && count("<error ") == 2 && count("<skipped>") > 0);
}

#[test]
fn findings_of_oscal_lead_to_their_observations() {
    let oscal: Value = serde_json::from_str(&report(None).render(Format::Oscal)).unwrap();
    let result = &oscal["assessment-results"]["results"][0];
    let observations: Vec<&Value> =
        result["observations"].as_array().unwrap().iter().map(|seen| &seen["uuid"]).collect();
    for finding in result["findings"].as_array().unwrap() {
        assert!(observations.contains(&&finding["related-observations"][0]["observation-uuid"]));
    }
    let plan = oscal["assessment-results"]["import-ap"]["href"].as_str().unwrap().trim_start_matches('#');
    assert_eq!(oscal["assessment-results"]["back-matter"]["resources"][0]["uuid"], plan);
}

#[test]
fn forms_have_the_fields_that_are_asked_for() {
    let bod = report(Some("us-federal")).render(Format::Form(Form::Bod1701));
    for field in [
        "Products found",
        "endpoints",
        "Methodology used",
        "Point of contact",
        "Components impacted",
        "Mission function",
        "Contracts",
        "Timeline of removal",
        "Controls impacted",
        "Replacement",
        "challenges",
        "Costs",
    ] {
        assert!(bod.contains(field), "{field}");
    }
    // An engine inside something else is not addressed by the directive, and is reported under the clause.
    assert!(bod.contains("Kaspersky Endpoint Security for Linux") && !bod.contains("kavehost"));
    assert!(!bod.contains("Nil return"));
    let far = report(Some("us-contractor")).render(Format::Form(Form::Far20423));
    for field in [
        "Contract number",
        "Order number",
        "Supplier",
        "Brand",
        "Model number",
        "Item description",
        "Mitigation",
        "Efforts undertaken to prevent",
        "Reasons",
        "Further efforts",
    ] {
        assert!(far.contains(field), "{field}");
    }
    assert!(far.contains("kavehost"));
    let order = report(Some("us-contractor")).render(Format::Form(Form::Far20430));
    for field in ["Product or service", "Covered article", "CAGE", "SAM.gov", "Acronis"] {
        assert!(order.contains(field), "{field}");
    }
    assert!(!order.contains("Brand: Kaspersky"));
}

const KEY: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f\n-----END PRIVATE KEY-----\n";

/// Breaks a chain of three entries in one place after the other: the first entry that does not hold is told, and why.
#[test]
fn the_first_entry_that_does_not_hold_is_told() {
    let key = seal::signing_key(KEY).unwrap();
    let public = key.verifying_key();
    let mut chain = seal::Chain::default();
    let mut text = String::new();
    for made in [&report(None), &nil(), &report(None)] {
        text.push_str(&seal::seal(&chain, made, &made.render(Format::Json), Some(&key)).unwrap());
        chain = seal::verify(text.as_bytes(), Some(&public)).unwrap();
    }
    let lines: Vec<String> = text.lines().map(|line| format!("{line}\n")).collect();
    let entry = |number: usize| chain.entries[number].clone();
    let in_line = |number: usize, from: &str, to: &str| {
        let mut changed = lines.clone();
        assert!(changed[number].contains(from), "{from}");
        changed[number] = changed[number].replacen(from, to, 1);
        changed.concat()
    };
    let zeros = "0".repeat(64);
    let cases: Vec<(&str, String, &str)> = vec![
        ("the first left out", lines[1..].concat(), "entry 0 does not hold: its number does not follow"),
        (
            "one left out",
            [lines[0].clone(), lines[2].clone()].concat(),
            "entry 1 does not hold: its number does not follow",
        ),
        (
            "one put in twice",
            [lines[0].clone(), lines[0].clone(), lines[1].clone()].concat(),
            "entry 1 does not hold: its number does not follow",
        ),
        (
            "a link",
            in_line(1, &entry(1).previous, &zeros),
            "entry 1 does not hold: it does not follow the entry before",
        ),
        (
            "a report",
            in_line(0, &entry(0).report, &zeros),
            "entry 0 does not hold: its signature is not of that key",
        ),
        (
            "a time",
            in_line(2, &entry(2).generated, "2025-01-01T00:00:00Z"),
            "entry 2 does not hold: its signature",
        ),
        (
            "a date",
            in_line(1, "\"as_of\":\"2026", "\"as_of\":\"2025"),
            "entry 1 does not hold: its signature",
        ),
        ("a policy", in_line(0, &entry(0).policy, &zeros), "entry 0 does not hold: its signature"),
        (
            "a nil return",
            in_line(1, "\"nil_return\":true", "\"nil_return\":false"),
            "entry 1 does not hold: its signature",
        ),
        ("no signature", in_line(0, "\"signature\"", "\"key\""), "entry 0 does not hold: it is no entry"),
        (
            "blanks",
            in_line(2, "{\"entry\":", "{\"entry\": "),
            "entry 2 does not hold: it is not written as it was made",
        ),
        (
            "a field more",
            in_line(1, "\"found\"", "\"more\":1,\"found\""),
            "entry 1 does not hold: it is no entry",
        ),
        ("half a line", text[..text.len() - 40].to_owned(), "entry 2 does not hold: its line is not whole"),
    ];
    for (what, changed, told) in cases {
        let said = seal::verify(changed.as_bytes(), Some(&public)).unwrap_err().to_string();
        assert!(said.starts_with(told), "{what}: {said}");
    }
    // Without a key, a changed entry shows by the one after it.
    let changed = in_line(0, &entry(0).report, &zeros);
    let said = seal::verify(changed.as_bytes(), None).unwrap_err().to_string();
    assert_eq!(said, "entry 1 does not hold: it does not follow the entry before");
    assert_eq!(chain.digests.last(), Some(&chain.last));
}

#[test]
fn a_chain_holds_until_something_in_it_is_changed() {
    let key = seal::signing_key(KEY).unwrap();
    let (report, nil) = (report(None), nil());
    let mut chain = seal::Chain::default();
    let mut text = String::new();
    for made in [&report, &nil, &report] {
        text.push_str(&seal::seal(&chain, made, &made.render(Format::Json), Some(&key)).unwrap());
        chain = seal::verify(text.as_bytes(), Some(&key.verifying_key())).unwrap();
    }
    assert_eq!((chain.entries.len(), chain.signed), (3, 3));
    assert!(chain.entries[1].nil_return && !chain.entries[0].nil_return);
    assert_eq!(chain.entries[0].report, seal::digest(&report.render(Format::Json)));

    let holds = |text: &str| seal::verify(text.as_bytes(), Some(&key.verifying_key())).is_ok();
    let lines: Vec<&str> = text.lines().collect();
    assert!(!holds(&format!("{}\n{}\n", lines[0], lines[2])), "one was left out");
    assert!(!holds(&format!("{}\n{}\n{}\n", lines[1], lines[0], lines[2])), "two changed places");
    assert!(!holds(&text.replacen("\"found\":", "\"found\":1", 1)), "a number was changed");
    assert!(
        !holds(&text.replacen("\"nil_return\":false", "\"nil_return\":true", 1)),
        "a nil return was made up"
    );
    assert!(!holds(&text.replacen("{\"entry\"", "{ \"entry\"", 1)), "it was written in another way");
    assert!(!holds(text.trim_end()), "a line is not whole");
    // Without the key an entry that somebody made up in the same form would hold; with it, it does not.
    let unsigned = seal::seal(&chain, &nil, "another report", None).unwrap();
    assert!(seal::verify(format!("{text}{unsigned}").as_bytes(), None).is_ok());
    assert!(!holds(&format!("{text}{unsigned}")));
    let other = ed25519_dalek::SigningKey::from_bytes(&[7; 32]);
    assert!(seal::verify(text.as_bytes(), Some(&other.verifying_key())).is_err());
    assert!(seal::signing_key("no key").is_err() && seal::verifying_key(KEY).is_err());
}
