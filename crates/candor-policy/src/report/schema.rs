//! Reports against the schemas that their authors publish, and against the project's own.

use std::path::Path;

use jsonschema::{Registry, Validator};
use serde_json::{Value, json};

use super::Format;
use super::tests::{nil, report};

const SARIF: &str = "testdata/schemas/sarif-2.1.0.json";
const CYCLONEDX: &str = "testdata/schemas/cyclonedx-1.6.json";
const OSCAL: &str = "testdata/schemas/oscal-ar-1.2.3.json";
const OWN: &str = "docs/reference/audit.schema.json";

fn read(path: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    let text = std::fs::read_to_string(&path).unwrap();
    // One expression of SARIF's has a bracket that only JavaScript takes for itself.
    serde_json::from_str(&text.replace("[a-zA-Z]{2}]?$", r"[a-zA-Z]{2}\\]?$")).unwrap()
}

/// A schema with the two that CycloneDX's refers to; nothing is fetched.
fn schema(path: &str) -> Validator {
    let registry = Registry::new()
        .add(
            "http://cyclonedx.org/schema/spdx.SNAPSHOT.schema.json",
            read("testdata/schemas/cyclonedx-spdx.json"),
        )
        .unwrap()
        .add(
            "http://cyclonedx.org/schema/jsf-0.82.SNAPSHOT.schema.json",
            read("testdata/schemas/cyclonedx-jsf-0.82.json"),
        )
        .unwrap()
        .prepare()
        .unwrap();
    let options = jsonschema::options().with_registry(&registry).should_validate_formats(true).offline();
    options.build(&read(path)).unwrap()
}

/// What is wrong with a document.
fn complaints(schema: &Validator, document: &Value) -> Vec<String> {
    schema.iter_errors(document).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

fn check(path: &str, format: Format) {
    let schema = schema(path);
    for report in [report(None), report(Some("us-contractor")), report(Some("ca-government")), nil()] {
        let document: Value = serde_json::from_str(&report.render(format)).unwrap();
        assert_eq!(complaints(&schema, &document), Vec::<String>::new());
    }
}

#[test]
fn sarif_is_as_its_schema_says() {
    check(SARIF, Format::Sarif);
}

#[test]
fn cyclonedx_is_as_its_schema_says() {
    check(CYCLONEDX, Format::CycloneDx);
}

#[test]
fn oscal_is_as_its_schema_says() {
    check(OSCAL, Format::Oscal);
}

#[test]
fn json_is_as_the_documented_schema_says() {
    check(OWN, Format::Json);
}

/// Puts something wrong into a good report, in one place after the other.
fn spoil(path: &str, format: Format, places: &[(&str, Value)]) {
    let schema = schema(path);
    let good: Value = serde_json::from_str(&report(None).render(format)).unwrap();
    for (pointer, wrong) in places {
        let mut document = good.clone();
        *document.pointer_mut(pointer).expect(pointer) = wrong.clone();
        assert!(!complaints(&schema, &document).is_empty(), "{pointer}");
    }
}

#[test]
fn what_is_not_as_a_schema_says_is_seen() {
    spoil(
        SARIF,
        Format::Sarif,
        &[
            ("/version", json!("2.0.0")),
            ("/runs/0/results/0/level", json!("fatal")),
            ("/runs/0/results/0/ruleIndex", json!("one")),
            ("/runs/0/results/0/message", json!({})),
            ("/runs/0/tool", json!({})),
            ("/runs/0/tool/driver/rules/0", json!({ "id": "x", "unheard": 1 })),
        ],
    );
    spoil(
        CYCLONEDX,
        Format::CycloneDx,
        &[
            ("/serialNumber", json!("urn:uuid:1")),
            ("/components/0/type", json!("virus")),
            ("/components/0/evidence/identity/0/confidence", json!(2)),
            ("/annotations/0/annotator", json!({})),
        ],
    );
    spoil(
        OSCAL,
        Format::Oscal,
        &[
            ("/assessment-results/uuid", json!("1")),
            ("/assessment-results/metadata/last-modified", json!("yesterday")),
            ("/assessment-results/results/0/start", json!("2026-01-02T03:04:05")),
            ("/assessment-results/results/0/observations/0/methods", json!([])),
            ("/assessment-results/results/0/reviewed-controls", json!({})),
        ],
    );
    spoil(
        OWN,
        Format::Json,
        &[
            ("/schema", json!("candor-audit/2")),
            ("/summary/nil_return", json!("no")),
            ("/subjects/0/findings/0/judgements/0/outcome", json!("banned")),
            ("/subjects/0/findings/0/finding/standing", json!("sure")),
            ("/subjects/0/coverage/0/state", json!({ "state": "skipped" })),
        ],
    );
}
