//! Hosts through matching and evaluation: the tables of `testdata/policy`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::{Judgement, Outcome, evaluate, judge};
use crate::inventory::{Inventory, Item};
use crate::matching::{Finding, Matcher, Standing};
use crate::policy::Policy;
use crate::regime::{AsOf, Phase, Regime};
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
    let mut missing = Vec::new();
    for regime in policy.regimes.values() {
        let rows: Vec<Asked<'_>> = table
            .row
            .iter()
            .filter(|row| row.regime == regime.id)
            .map(|row| Asked::new(row, table.as_of.as_deref(), regime))
            .collect();
        for phase in &regime.phases {
            missing.extend(unasked(regime, phase, &rows));
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

/// A row, as a moment and as it is written.
struct Asked<'a> {
    at: Timestamp,
    text: &'a str,
    profile: Option<&'a str>,
}

impl<'a> Asked<'a> {
    fn new(row: &'a Row, otherwise: Option<&'a str>, regime: &Regime) -> Self {
        let text = row.as_of.as_deref().or(otherwise).unwrap();
        Self { at: AsOf::parse(text).unwrap().instant(&regime.zone), text, profile: row.profile.as_deref() }
    }

    fn is_day(&self) -> bool {
        self.text.len() == 10
    }

    fn is_utc(&self) -> bool {
        self.text.ends_with('Z')
    }
}

/// What is not asked about a phase that has a date: the day before, the day (or month) itself and a day after it, before anything
/// else changes; the second before and the second itself in UTC; the same second by a clock elsewhere; and each
/// profile for which something else follows.
fn unasked(regime: &Regime, phase: &Phase, rows: &[Asked<'_>]) -> Vec<String> {
    let Some(from) = &phase.from else { return Vec::new() };
    let day = SignedDuration::from_hours(24);
    let (begins, settled) = (from.begins, from.surely.max(from.begins + day));
    let next = regime
        .phases
        .iter()
        .filter_map(|other| other.from.as_ref())
        .map(|other| other.begins)
        .filter(|other| *other >= settled)
        .min()
        .unwrap_or(Timestamp::MAX);
    let second = begins - SignedDuration::from_secs(1);
    let any = |what: &dyn Fn(&Asked<'_>) -> bool| rows.iter().any(what);
    let elsewhere = |row: &Asked<'_>| !row.is_day() && !row.is_utc();
    let mut missing: Vec<String> = [
        ("the day before", any(&|row| row.is_day() && (begins - day..begins).contains(&row.at))),
        ("the day", any(&|row| row.is_day() && (begins..settled).contains(&row.at))),
        ("a day after", any(&|row| row.is_day() && (settled..next).contains(&row.at))),
        ("the second before in UTC", any(&|row| row.is_utc() && row.at == second)),
        ("the second in UTC", any(&|row| row.is_utc() && row.at == begins)),
        ("the second elsewhere", any(&|row| elsewhere(row) && row.at == begins)),
    ]
    .into_iter()
    .filter(|(_, is_asked)| !is_asked)
    .map(|(what, _)| format!("{} {}: {what} is not asked ({})", regime.id, phase.id, from.text))
    .collect();
    for profile in phase.outcome_for.keys() {
        let of = |row: &&Asked<'_>| row.profile == Some(profile);
        let (before, after) = (
            rows.iter().filter(of).any(|row| row.at < begins),
            rows.iter().filter(of).any(|row| row.at >= from.surely),
        );
        if !before || !after {
            missing.push(format!("{} {}: {profile} is not asked before and after", regime.id, phase.id));
        }
    }
    missing
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
