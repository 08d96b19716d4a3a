//! CycloneDX 1.6: a component for each finding, with the answers as properties and annotations.

use serde_json::{Value, json};

use super::json::pretty;
use super::words::{fingerprint, standing, uuid};
use super::{Report, Subject};
use crate::evaluate::Evaluated;
use crate::vendor::{Class, Strength};

pub(super) fn render(report: &Report) -> String {
    let mut components = Vec::new();
    let mut annotations = Vec::new();
    for subject in &report.subjects {
        for evaluated in &subject.findings {
            let reference = fingerprint(&subject.name, evaluated);
            components.push(component(report, subject, evaluated, &reference));
            for judgement in &evaluated.judgements {
                annotations.push(json!({
                    "bom-ref": format!("{reference}-{}", judgement.regime),
                    "subjects": [reference],
                    "annotator": { "component": {
                        "type": "application",
                        "name": report.tool.name,
                        "version": report.tool.version,
                    }},
                    "timestamp": report.generated,
                    "text": format!(
                        "{} ({}): {}: {}", judgement.title, judgement.citation, judgement.outcome.title(), judgement.reason
                    ),
                }));
            }
        }
    }
    let names: Vec<&str> = report.subjects.iter().map(|subject| subject.name.as_str()).collect();
    let name = if names.is_empty() { String::from("nothing") } else { names.join(", ") };
    let mut properties = vec![
        property("candor:as-of", &report.as_of.to_string()),
        property("candor:policy", &report.policy.sha256),
        property("candor:conclusion", &report.conclusion()),
        property("candor:nil-return", &report.summary.nil_return.to_string()),
        property("candor:complete", &report.summary.complete.to_string()),
    ];
    if let Some(asker) = &report.profile {
        properties.push(property("candor:profile", &asker.id));
    }
    properties.extend(report.method.iter().map(|told| property("candor:method", told)));
    properties.extend(report.blind_spots.iter().map(|told| property("candor:blind-spot", told)));
    pretty(&json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": format!("urn:uuid:{}", uuid(&[&report.generated, &report.policy.sha256, &name])),
        "version": 1,
        "metadata": {
            "timestamp": report.generated,
            "tools": { "components": [{
                "type": "application", "name": report.tool.name, "version": report.tool.version,
            }]},
            "component": { "type": "platform", "bom-ref": "subject", "name": name },
            "properties": properties,
        },
        "components": components,
        "annotations": annotations,
    }))
}

fn property(name: &str, value: &str) -> Value {
    json!({ "name": name, "value": value })
}

fn component(report: &Report, subject: &Subject, evaluated: &Evaluated, reference: &str) -> Value {
    let finding = &evaluated.finding;
    let kind = match finding.class {
        Class::Library | Class::Engine => "library",
        Class::Equipment => "device",
        Class::UpdatePackage | Class::Residue => "file",
        _ => "application",
    };
    let vendor = report.vendor(&finding.vendor);
    let name = finding.product.clone().unwrap_or_else(|| format!("{vendor} {}", finding.class.word()));
    let mut properties = vec![
        property("candor:subject", &subject.name),
        property("candor:class", finding.class.word()),
        property("candor:standing", standing(finding.standing)),
        property("candor:strength", finding.strength.word()),
    ];
    for judgement in &evaluated.judgements {
        properties.push(property(&format!("candor:outcome:{}", judgement.regime), judgement.outcome.word()));
    }
    let confidence = match finding.strength {
        Strength::Cryptographic => 1.0,
        Strength::Strong => 0.9,
        Strength::Metadata => 0.6,
        Strength::Path => 0.5,
        Strength::Name => 0.3,
        Strength::Weak => 0.1,
    };
    let occurrences: Vec<Value> =
        finding.evidence.iter().map(|evidence| json!({ "location": evidence.place.path })).collect();
    json!({
        "type": kind,
        "bom-ref": reference,
        "supplier": { "name": vendor },
        "name": name,
        "version": finding.versions.join(" "),
        "properties": properties,
        "evidence": {
            "identity": [{ "field": "name", "confidence": confidence }],
            "occurrences": occurrences,
        },
    })
}
