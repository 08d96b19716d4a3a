//! Hosts through matching and evaluation: the tables of `testdata/policy`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Deserialize;

use super::{Judgement, Outcome, evaluate, judge};
use crate::inventory::{Inventory, Item};
use crate::matching::{Finding, Matcher, Standing};
use crate::policy::Policy;
use crate::regime::AsOf;
use crate::vendor::Class;

#[derive(Deserialize)]
struct Hosts {
    host: Vec<Host>,
}

#[derive(Deserialize)]
struct Host {
    id: String,
    vendor: String,
    class: Class,
    standing: Standing,
    items: Vec<Item>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Table {
    as_of: Option<String>,
    row: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Row {
    host: String,
    regime: String,
    as_of: Option<String>,
    profile: Option<String>,
    outcome: Outcome,
    from: Option<String>,
}

fn read<T: serde::de::DeserializeOwned>(name: &str) -> T {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/policy").join(name);
    toml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// The one thing of each host that a vendor is known by.
fn findings(policy: &Policy) -> BTreeMap<String, Finding> {
    let matcher = Matcher::new(policy);
    let hosts: Hosts = read("hosts.toml");
    let mut all = BTreeMap::new();
    for host in hosts.host {
        let inventory = Inventory { items: host.items, ..Inventory::default() };
        let mut findings: Vec<Finding> =
            matcher.find(&inventory).into_iter().filter(|finding| finding.vendor == host.vendor).collect();
        // The name of the product around an engine is a lead of its own.
        findings.retain(|finding| finding.class == host.class && (finding.standing == host.standing));
        assert_eq!(findings.len(), 1, "{}: {:#?}", host.id, matcher.find(&inventory));
        all.insert(host.id, findings.remove(0));
    }
    all
}

fn compare(name: &str) -> Table {
    let policy = Policy::built_in().unwrap();
    let findings = findings(&policy);
    let table: Table = read(name);
    let mut wrong = Vec::new();
    for row in &table.row {
        let as_of = row.as_of.as_ref().or(table.as_of.as_ref()).unwrap();
        let profile = row.profile.as_ref().map(|id| policy.profile(id).unwrap());
        let judgement =
            judge(&policy.regimes[&row.regime], &findings[&row.host], profile, &AsOf::parse(as_of).unwrap());
        let Judgement { outcome, from, reason, .. } = &judgement;
        if *outcome != row.outcome || (row.from.is_some() && *from != row.from) {
            wrong.push(format!(
                "{} under {} as of {as_of}: {outcome:?} from {from:?} ({reason}), not {:?} from {:?}",
                row.host, row.regime, row.outcome, row.from
            ));
        }
        assert!(!reason.is_empty() && !judgement.citation.is_empty());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    table
}

#[test]
fn one_finding_has_an_answer_for_each_rule() {
    assert_eq!(compare("matrix.toml").row.len(), 30);
}

#[test]
fn every_rule_before_on_and_after_its_dates() {
    let table = compare("dates.toml");
    assert!(table.row.len() > 60);
    let regimes: BTreeSet<&String> = table.row.iter().map(|row| &row.regime).collect();
    let policy = Policy::built_in().unwrap();
    assert_eq!(regimes, policy.regimes.keys().collect(), "rules without a row");
    // A date of a phase that decides about known vendors is asked for, and so is the day before it.
    for regime in policy.regimes.values().filter(|regime| !regime.vendors.is_empty()) {
        let deciding = regime.phases.iter().filter(|phase| phase.outcome.is_some());
        let dates: BTreeSet<&str> =
            deciding.filter_map(|phase| phase.from.as_ref()).map(|from| from.text.as_str()).collect();
        let asked: BTreeSet<String> = table
            .row
            .iter()
            .filter(|row| row.regime == regime.id)
            .filter_map(|row| row.as_of.clone())
            .collect();
        for date in dates {
            let is_asked = asked.iter().any(|asked| asked.starts_with(date.get(..10).unwrap_or(date)));
            assert!(is_asked, "{}: nothing is asked on {date}", regime.id);
        }
    }
}

#[test]
fn only_rules_that_bind_the_profile_and_name_the_vendor_answer() {
    let policy = Policy::built_in().unwrap();
    let findings = findings(&policy);
    let answers = |host: &str, profile: Option<&str>| -> Vec<String> {
        let profile = profile.map(|id| policy.profile(id).unwrap());
        let evaluated =
            evaluate(&policy, vec![findings[host].clone()], profile, &AsOf::parse("2026-01-01").unwrap());
        evaluated[0]
            .judgements
            .iter()
            .map(|judgement| format!("{} {}", judgement.regime, judgement.outcome.word()))
            .collect()
    };
    assert_eq!(
        answers("kes-2025-01", Some("us-private")),
        [
            "us-bis-icts-kaspersky updated-after-cut-off",
            "us-bis-entity-list-kaspersky not-covered",
            "us-ofac-kaspersky-officers not-covered"
        ]
    );
    assert_eq!(answers("kes-2025-01", Some("de-federal")), ["de-bsi-2022-03-15 prohibited"]);
    assert_eq!(answers("camera", Some("de-federal")), Vec::<String>::new());
    assert!(answers("kes-2025-01", None).len() > 10);
}

#[test]
fn what_was_updated_says_by_what_it_is_known() {
    let policy = Policy::built_in().unwrap();
    let finding = &findings(&policy)["kes-2025-01"];
    let regime = &policy.regimes["us-bis-icts-kaspersky"];
    let judgement = judge(regime, finding, None, &AsOf::parse("2026-01-01").unwrap());
    let updated = judgement.updated.unwrap();
    assert!(updated.contains("2025-01-15T06:30:00Z") && updated.contains("AVP21.9/Bases"), "{updated}");
    // Dates that make no sense are passed over, and prove nothing.
    let mut senseless = finding.clone();
    senseless.moments.iter_mut().for_each(|dated| dated.at = String::from("99/99/9999"));
    let judgement = judge(regime, &senseless, None, &AsOf::parse("2026-01-01").unwrap());
    assert_eq!(judgement.outcome, Outcome::SupplyProhibited);
}

#[test]
fn what_changes_next_is_told() {
    let policy = Policy::built_in().unwrap();
    let findings = findings(&policy);
    let regime = &policy.regimes["us-bis-icts-kaspersky"];
    let on = |date: &str| judge(regime, &findings["kes-2024-08"], None, &AsOf::parse(date).unwrap());
    assert_eq!(on("2024-08-01").next.unwrap().at, "2024-09-29T04:00:00Z");
    assert_eq!(on("2024-10-01").next, None);
}
