//! OSCAL assessment results: an observation for each finding, a finding of OSCAL for each answer.

use serde_json::{Value, json};

use super::Report;
use super::json::pretty;
use super::words::{standing, uuid};
use crate::evaluate::Outcome;
use crate::matching::Standing;

/// The version of the model.
const VERSION: &str = "1.1.2";

pub(super) fn render(report: &Report) -> String {
    let seed = format!("{} {} {}", report.generated, report.policy.sha256, report.as_of);
    let mut observations = Vec::new();
    let mut findings = Vec::new();
    for (place, subject) in report.subjects.iter().enumerate() {
        let place = place.to_string();
        for (number, evaluated) in subject.findings.iter().enumerate() {
            let number = number.to_string();
            let observation = uuid(&[&seed, "observation", &place, &number]);
            let name = report.called(evaluated);
            let evidence: Vec<Value> = evaluated
                .finding
                .evidence
                .iter()
                .map(|evidence| {
                    json!({ "description": format!("{} {} at {}: {}", evidence.kind, evidence.value, evidence.place.path, evidence.source) })
                })
                .collect();
            observations.push(json!({
                "uuid": observation,
                "title": name,
                "description": format!(
                    "{} on {}, class {}, {} by {} evidence",
                    name,
                    subject.name,
                    evaluated.finding.class.word(),
                    standing(evaluated.finding.standing),
                    evaluated.finding.strength.word()
                ),
                "methods": ["EXAMINE"],
                "collected": report.generated,
                "relevant-evidence": evidence,
            }));
            for judgement in &evaluated.judgements {
                let fails = evaluated.finding.standing == Standing::Found
                    && matches!(
                        judgement.outcome,
                        Outcome::UpdatedAfterCutOff | Outcome::Prohibited | Outcome::SupplyProhibited
                    );
                findings.push(json!({
                    "uuid": uuid(&[&seed, "finding", &place, &number, &judgement.regime]),
                    "title": format!("{}: {}", judgement.title, judgement.outcome.title()),
                    "description": format!("{} ({})", judgement.reason, judgement.citation),
                    "target": {
                        "type": "objective-id",
                        "target-id": judgement.regime,
                        "status": {
                            "state": if fails { "not-satisfied" } else { "satisfied" },
                            "reason": "other",
                            "remarks": judgement.outcome.title(),
                        },
                    },
                    "related-observations": [{ "observation-uuid": observation }],
                }));
            }
        }
    }
    if observations.is_empty() {
        observations.push(json!({
            "uuid": uuid(&[&seed, "nil return"]),
            "title": "Nil return",
            "description": report.conclusion(),
            "methods": ["EXAMINE"],
            "collected": report.generated,
        }));
    }
    let plan = uuid(&[&seed, "plan"]);
    let mut result = json!({
        "uuid": uuid(&[&seed, "result"]),
        "title": "Products of prohibited vendors",
        "description": report.conclusion(),
        "start": report.generated,
        "end": report.generated,
        "props": [
            { "name": "as-of", "value": report.as_of.to_string() },
            { "name": "policy-sha256", "value": report.policy.sha256 },
            { "name": "nil-return", "value": report.summary.nil_return.to_string() },
            { "name": "complete", "value": report.summary.complete.to_string() },
        ],
        "reviewed-controls": { "control-selections": [{ "include-all": {} }] },
        "observations": observations,
        "remarks": format!("Blind spots: {}", report.blind_spots.join(" | ")),
    });
    // A list that is there has something in it.
    if !findings.is_empty()
        && let Some(result) = result.as_object_mut()
    {
        result.insert(String::from("findings"), Value::Array(findings));
    }
    pretty(&json!({
        "assessment-results": {
            "uuid": uuid(&[&seed, "results"]),
            "metadata": {
                "title": "Audit of products of prohibited vendors",
                "last-modified": report.generated,
                "version": report.tool.version,
                "oscal-version": VERSION,
            },
            "import-ap": { "href": format!("#{plan}") },
            "results": [result],
            "back-matter": { "resources": [{
                "uuid": plan,
                "title": "Method",
                "description": report.method.join(" "),
            }]},
        },
    }))
}
