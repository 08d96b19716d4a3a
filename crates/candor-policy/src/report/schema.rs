//! Reports against the schemas that their authors publish, and against the project's own.
//!
//! This knows the words of JSON Schema that these schemas use, and fails at any other: a check that passes over what it
//! does not know would prove nothing.

use std::path::Path;

use regex::Regex;
use serde_json::{Value, json};

use super::Format;
use super::tests::{nil, report};

/// Words that only tell something to people, or that are defaults.
const SILENT: [&str; 12] = [
    "$comment",
    "$id",
    "$schema",
    "additionalItems",
    "default",
    "definitions",
    "deprecated",
    "description",
    "examples",
    "format",
    "meta:enum",
    "title",
];

/// A schema, and what it refers to.
struct Schema {
    root: Value,
}

impl Schema {
    fn read(path: &str) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
        Self { root: serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap() }
    }

    /// What is wrong with a document.
    fn complaints(&self, document: &Value) -> Vec<String> {
        let mut complaints = Vec::new();
        self.check(&self.root, document, "", &mut complaints);
        complaints
    }

    fn holds(&self, schema: &Value, value: &Value) -> bool {
        let mut complaints = Vec::new();
        self.check(schema, value, "", &mut complaints);
        complaints.is_empty()
    }

    fn check(&self, schema: &Value, value: &Value, at: &str, complaints: &mut Vec<String>) {
        let words = match schema {
            Value::Bool(true) => return,
            Value::Bool(false) => return complaints.push(format!("{at}: may not be there")),
            other => other.as_object().expect("a schema is an object"),
        };
        if let Some(reference) = words.get("$ref") {
            let reference = reference.as_str().unwrap();
            let Some(pointer) = reference.strip_prefix('#') else {
                return complaints
                    .push(format!("{at}: {reference} is another schema, which no report needs"));
            };
            return self.check(self.root.pointer(pointer).expect(reference), value, at, complaints);
        }
        for (word, told) in words {
            if let Some(complaint) = self.word(words, word, told, value, at, complaints) {
                complaints.push(format!("{at}: {complaint}"));
            }
        }
    }

    fn word(
        &self,
        words: &serde_json::Map<String, Value>,
        word: &str,
        told: &Value,
        value: &Value,
        at: &str,
        complaints: &mut Vec<String>,
    ) -> Option<String> {
        let number = || told.as_f64().unwrap();
        let length = |length: usize| length as f64;
        let wrong = |is_wrong: bool, what: &str| is_wrong.then(|| format!("{what} {told}: {value}"));
        let list = || told.as_array().unwrap().iter();
        match word {
            "type" => {
                let types: Vec<&str> = match told {
                    Value::Array(types) => types.iter().map(|kind| kind.as_str().unwrap()).collect(),
                    kind => vec![kind.as_str().unwrap()],
                };
                wrong(!types.iter().any(|kind| is_of(kind, value)), "is not of the type")
            }
            "enum" => wrong(!told.as_array().unwrap().contains(value), "is none of"),
            "const" => wrong(told != value, "is not"),
            "pattern" => {
                let text = value.as_str()?;
                wrong(!Regex::new(told.as_str().unwrap()).unwrap().is_match(text), "is not like")
            }
            "minLength" => wrong(length(value.as_str()?.chars().count()) < number(), "is shorter than"),
            "maxLength" => wrong(length(value.as_str()?.chars().count()) > number(), "is longer than"),
            "minimum" => wrong(value.as_f64()? < number(), "is less than"),
            "maximum" => wrong(value.as_f64()? > number(), "is more than"),
            "minItems" => wrong(length(value.as_array()?.len()) < number(), "has fewer than"),
            "maxItems" => wrong(length(value.as_array()?.len()) > number(), "has more than"),
            "uniqueItems" => {
                let items = value.as_array()?;
                let is_twice = items.iter().enumerate().any(|(at, item)| items[..at].contains(item));
                wrong(*told == json!(true) && is_twice, "has something twice")
            }
            "items" => {
                for (number, item) in value.as_array()?.iter().enumerate() {
                    self.check(told, item, &format!("{at}/{number}"), complaints);
                }
                None
            }
            "required" => {
                let object = value.as_object()?;
                list()
                    .find(|name| !object.contains_key(name.as_str().unwrap()))
                    .map(|name| format!("lacks {name}"))
            }
            "properties" => {
                for (name, inside) in value.as_object()? {
                    if let Some(schema) = told.get(name) {
                        self.check(schema, inside, &format!("{at}/{name}"), complaints);
                    }
                }
                None
            }
            "additionalProperties" => {
                let known = words.get("properties").and_then(Value::as_object);
                for (name, inside) in value.as_object()? {
                    if known.is_none_or(|known| !known.contains_key(name)) {
                        self.check(told, inside, &format!("{at}/{name}"), complaints);
                    }
                }
                None
            }
            "anyOf" => wrong(!list().any(|schema| self.holds(schema, value)), "is none of these"),
            "oneOf" => {
                wrong(list().filter(|schema| self.holds(schema, value)).count() != 1, "is not one of these")
            }
            "allOf" => wrong(!list().all(|schema| self.holds(schema, value)), "is not all of these"),
            silent if SILENT.contains(&silent) => None,
            other => panic!("{at}: the word \"{other}\" of a schema is not known here"),
        }
    }
}

fn is_of(kind: &str, value: &Value) -> bool {
    match kind {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        "number" => value.is_number(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("no type: {other}"),
    }
}

fn check(path: &str, format: Format) {
    let schema = Schema::read(path);
    for report in [report(None), report(Some("us-contractor")), report(Some("ca-government")), nil()] {
        let document: Value = serde_json::from_str(&report.render(format)).unwrap();
        assert_eq!(schema.complaints(&document), Vec::<String>::new());
    }
}

#[test]
fn sarif_is_as_its_schema_says() {
    check("testdata/schemas/sarif-2.1.0.json", Format::Sarif);
}

#[test]
fn cyclonedx_is_as_its_schema_says() {
    check("testdata/schemas/cyclonedx-1.6.json", Format::CycloneDx);
}

#[test]
fn json_is_as_the_documented_schema_says() {
    check("docs/reference/audit.schema.json", Format::Json);
}

#[test]
fn what_is_not_as_a_schema_says_is_seen() {
    let schema = Schema::read("testdata/schemas/sarif-2.1.0.json");
    let good: Value = serde_json::from_str(&report(None).render(Format::Sarif)).unwrap();
    for (pointer, wrong) in [
        ("/version", json!("2.0.0")),
        ("/runs/0/results/0/level", json!("fatal")),
        ("/runs/0/results/0/ruleIndex", json!("one")),
        ("/runs/0/results/0/message", json!({})),
        ("/runs/0/tool", json!({})),
        ("/runs/0/tool/driver/rules/0", json!({ "id": "x", "unheard": 1 })),
    ] {
        let mut document = good.clone();
        *document.pointer_mut(pointer).expect(pointer) = wrong;
        assert!(!schema.complaints(&document).is_empty(), "{pointer}");
    }
    let schema = Schema::read("testdata/schemas/cyclonedx-1.6.json");
    let good: Value = serde_json::from_str(&report(None).render(Format::CycloneDx)).unwrap();
    for (pointer, wrong) in [
        ("/serialNumber", json!("urn:uuid:1")),
        ("/components/0/type", json!("virus")),
        ("/components/0/evidence/identity/0/confidence", json!(2)),
        ("/annotations/0/annotator", json!({})),
    ] {
        let mut document = good.clone();
        *document.pointer_mut(pointer).expect(pointer) = wrong;
        assert!(!schema.complaints(&document).is_empty(), "{pointer}");
    }
    let schema = Schema::read("docs/reference/audit.schema.json");
    let good: Value = serde_json::from_str(&report(None).render(Format::Json)).unwrap();
    for (pointer, wrong) in [
        ("/schema", json!("candor-audit/2")),
        ("/summary/nil_return", json!("no")),
        ("/subjects/0/findings/0/judgements/0/outcome", json!("banned")),
        ("/subjects/0/findings/0/finding/standing", json!("sure")),
        ("/subjects/0/coverage/0/state", json!({ "state": "skipped" })),
    ] {
        let mut document = good.clone();
        *document.pointer_mut(pointer).expect(pointer) = wrong;
        assert!(!schema.complaints(&document).is_empty(), "{pointer}");
    }
}
