//! SARIF 2.1.0: a rule of the run for each regime, a result for each answer.

use serde_json::{Value, json};

use super::json::pretty;
use super::words::{fingerprint, uri};
use super::{Report, Subject};
use crate::evaluate::{Evaluated, Judgement, Outcome};
use crate::inventory::CoverageState;
use crate::matching::Standing;

/// The rule of findings that no regime names.
const NO_RULE: &str = "no-rule";

pub(super) fn render(report: &Report) -> String {
    let mut rules: Vec<Value> = report
        .regimes
        .iter()
        .map(|rule| {
            json!({
                "id": rule.id,
                "name": rule.title,
                "shortDescription": { "text": rule.title },
                "fullDescription": { "text": format!("{} Binds {}.", rule.summary, rule.binds) },
                "help": { "text": format!("{}\n{}", rule.citation, rule.sources.join("\n")) },
                "properties": { "jurisdiction": rule.jurisdiction, "citation": rule.citation, "confidence": rule.confidence },
            })
        })
        .collect();
    let no_rule = rules.len();
    rules.push(json!({
        "id": NO_RULE,
        "name": "Vendor without a rule",
        "shortDescription": { "text": "a vendor of the policy that no rule asked about names" },
    }));
    let mut results = Vec::new();
    for subject in &report.subjects {
        for evaluated in &subject.findings {
            for judgement in &evaluated.judgements {
                let index = report.regimes.iter().position(|rule| rule.id == judgement.regime);
                results.push(result(report, subject, evaluated, Some(judgement), index.unwrap_or(no_rule)));
            }
            if evaluated.judgements.is_empty() {
                results.push(result(report, subject, evaluated, None, no_rule));
            }
        }
    }
    let mut notifications = vec![json!({ "level": "note", "message": { "text": report.conclusion() } })];
    for subject in &report.subjects {
        for coverage in &subject.coverage {
            if let CoverageState::Partly(reason) | CoverageState::NotRead(reason) = &coverage.state {
                notifications.push(json!({
                    "level": "warning",
                    "message": { "text": format!("{}: {} ({}): {reason}", subject.name, coverage.path, coverage.reader) },
                }));
            }
        }
    }
    pretty(&json!({
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": report.tool.name,
                "version": report.tool.version,
                "rules": rules,
            }},
            "invocations": [{
                "executionSuccessful": true,
                "endTimeUtc": report.generated,
                "toolExecutionNotifications": notifications,
            }],
            "results": results,
            "properties": {
                "asOf": report.as_of.to_string(),
                "profile": report.profile.as_ref().map(|asker| asker.id.clone()),
                "policyVersion": report.policy.built_in,
                "policySha256": report.policy.sha256,
                "nilReturn": report.summary.nil_return,
                "complete": report.summary.complete,
                "method": report.method,
                "blindSpots": report.blind_spots,
            },
        }],
    }))
}

fn result(
    report: &Report,
    subject: &Subject,
    evaluated: &Evaluated,
    judgement: Option<&Judgement>,
    index: usize,
) -> Value {
    let finding = &evaluated.finding;
    let (kind, level) = kind(finding.standing, judgement.map(|judgement| judgement.outcome));
    let said = judgement.map_or_else(
        || String::from("no rule that was asked names this vendor"),
        |judgement| format!("{}: {}", judgement.outcome.title(), judgement.reason),
    );
    let rule = judgement.map_or(NO_RULE, |judgement| judgement.regime.as_str());
    // A reference may not be empty.
    let locations: Vec<Value> = finding
        .evidence
        .iter()
        .filter(|evidence| !uri(&evidence.place.path).is_empty())
        .take(8)
        .map(|evidence| {
            json!({
                "physicalLocation": { "artifactLocation": { "uri": uri(&evidence.place.path) } },
                "logicalLocations": [{
                    "name": evidence.name,
                    "fullyQualifiedName": format!("{}:{}", subject.name, evidence.place.inside.as_deref().unwrap_or(&evidence.name)),
                }],
                "message": { "text": format!("{} {} ({})", evidence.kind, evidence.value, evidence.strength.word()) },
            })
        })
        .collect();
    json!({
        "ruleId": rule,
        "ruleIndex": index,
        "kind": kind,
        "level": level,
        "message": { "text": format!("{}: {said}", report.called(evaluated)) },
        "locations": locations,
        "partialFingerprints": { "candorFinding/v1": fingerprint(&subject.name, evaluated) },
        "properties": {
            "subject": subject.name,
            "vendor": finding.vendor,
            "class": finding.class.word(),
            "standing": super::words::standing(finding.standing),
            "strength": finding.strength.word(),
            "outcome": judgement.map(|judgement| judgement.outcome.word()),
            "citation": judgement.map(|judgement| judgement.citation.clone()),
            "exemption": judgement.and_then(|judgement| judgement.exemption.clone()),
        },
    })
}

/// The kind and level of a result. Only what fails has a level.
const fn kind(standing: Standing, outcome: Option<Outcome>) -> (&'static str, &'static str) {
    match (standing, outcome) {
        (_, None) => ("informational", "none"),
        (_, Some(Outcome::Exempt | Outcome::NotCovered)) => ("notApplicable", "none"),
        (Standing::Lead, _) => ("review", "none"),
        (_, Some(Outcome::Unknown)) => ("open", "none"),
        (_, Some(Outcome::Residue)) => ("informational", "none"),
        (_, Some(Outcome::UpdatedAfterCutOff | Outcome::Prohibited)) => ("fail", "error"),
        (_, Some(Outcome::SupplyProhibited | Outcome::ProhibitedFrom)) => ("fail", "warning"),
        (_, Some(Outcome::Advisory)) => ("fail", "note"),
    }
}
