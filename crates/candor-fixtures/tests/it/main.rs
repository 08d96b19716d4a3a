//! The table of conformance cases in `testdata/signatures/`.
//!
//! Every case is run on the naive matcher, on the real one, on the real one after its image went
//! through a file, and on the whole engine.

#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]

mod cases;
mod rules;
mod volumes;

use std::collections::BTreeSet;

use candor_database::ir::{FileMagic, Signature};
use candor_database::{Builder, Image, Scratch, Subject, TypeRules};
use candor_engine::{Options, Scanner};
use candor_fixtures::collect::Collection;
use candor_fixtures::naive::{MacroGroups, body_matches, file_type, logical_matches};
use candor_model::{Facts, FileType, Interrupt, Limits, Target};
use candor_signature::{Input, Severity};

use cases::{Case, Layer};

type Names = BTreeSet<String>;

/// The layer as a search sees it. `rules` says what file-type rules make of text or data.
fn subject<'a>(
    layer: &'a Layer,
    facts: &'a Facts,
    rules: impl FnOnce(&[u8], FileType) -> Option<FileType>,
) -> Subject<'a> {
    let own = layer.file_type;
    let is_open = own == FileType::BinaryData || own.is_text();
    let decided = if is_open { rules(&layer.bytes, own) } else { None };
    Subject {
        bytes: &layer.bytes,
        file_type: decided.unwrap_or(own),
        target: decided.map_or(layer.target, FileType::target),
        file_size: layer.bytes.len() as u64,
        facts,
        parents: &layer.parents,
        rules: None,
    }
}

fn image(case: &Case) -> Result<Vec<u8>, String> {
    let inputs: Vec<Input<'_>> =
        case.database.iter().map(|(name, text)| Input { name, bytes: text.as_bytes() }).collect();
    let mut builder = Builder::new();
    let mut said = Vec::new();
    candor_signature::clamav::load(
        &inputs,
        candor_signature::clamav::Options::default(),
        &mut builder,
        &mut |diagnostic| {
            if diagnostic.severity == Severity::Error {
                said.push(diagnostic.to_string());
            }
        },
    );
    expect_refused(case, &said)?;
    Ok(builder.finish().unwrap())
}

/// Whether just those lines cannot be used that the case names.
fn expect_refused(case: &Case, said: &[String]) -> Result<(), String> {
    let is_named = |(said, place): (&String, &String)| said.starts_with(&format!("{place}:"));
    let is_right = said.len() == case.refused.len() && said.iter().zip(&case.refused).all(is_named);
    if is_right { Ok(()) } else { Err(said.join("; ")) }
}

fn searched(image: &Image, case: &Case) -> Vec<Names> {
    let mut scratch = Scratch::new();
    let rules = TypeRules::new(image);
    let decide = |bytes: &[u8], own| {
        let prefix = bytes.get(..1024).unwrap_or(bytes);
        let found = rules.magic(prefix, false, FileType::Any).or_else(|| rules.detect(prefix, own));
        found.filter(|found| *found != FileType::Ignored)
    };
    case.layers
        .iter()
        .map(|layer| {
            let mut hits = Vec::new();
            let reasons = image.search(
                &subject(layer, &layer.facts, decide),
                &Limits::default(),
                &mut scratch,
                &mut hits,
            );
            assert!(reasons.is_empty(), "{}: {}: {reasons:?}", case.name, layer.name);
            hits.iter().map(|hit| image.signature(hit.signature).unwrap().name).collect()
        })
        .collect()
}

fn naively(case: &Case) -> Result<Vec<Names>, String> {
    let (collection, said) = Collection::load_all(&case.database);
    expect_refused(case, &said.iter().map(ToString::to_string).collect::<Vec<_>>())?;
    let groups = MacroGroups::new(collection.signatures.iter().map(|named| &named.signature));
    let rules: Vec<&FileMagic> = collection
        .signatures
        .iter()
        .filter_map(|named| match &named.signature {
            Signature::Magic(magic) => Some(magic),
            _ => None,
        })
        .collect();
    let found = case
        .layers
        .iter()
        .map(|layer| {
            let subject = subject(layer, &layer.facts, |bytes, own| file_type(&rules, bytes, own));
            let matched = collection.signatures.iter().filter(|named| match &named.signature {
                Signature::Body(body) => !body_matches(body, &groups, &subject).is_empty(),
                Signature::Logical(logical) => logical_matches(logical, &groups, &subject),
                _ => false,
            });
            matched.map(|named| named.name.clone()).collect()
        })
        .collect();
    Ok(found)
}

/// Runs every case and reports all that fail, not only the first.
fn check(find: impl Fn(&Case) -> Result<Vec<Names>, String>, expected: impl Fn(&Layer) -> Option<&Names>) {
    let mut failures = Vec::new();
    for case in cases::all() {
        let found = match find(&case) {
            Ok(found) => found,
            Err(said) => {
                failures.push(format!("{}: does not load: {said}", case.name));
                continue;
            }
        };
        for (layer, found) in case.layers.iter().zip(found) {
            let Some(expected) = expected(layer) else { continue };
            if found != *expected {
                failures
                    .push(format!("{}: {}: found {found:?}, expected {expected:?}", case.name, layer.name));
            }
        }
    }
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn naive_matcher() {
    check(naively, |layer| layer.hits.as_ref());
}

#[test]
fn image_in_memory() {
    check(|case| Ok(searched(&Image::from_vec(image(case)?).unwrap(), case)), |layer| layer.hits.as_ref());
}

#[test]
fn image_mapped_from_a_file() {
    check(
        |case| {
            let mut file = tempfile::tempfile().unwrap();
            std::io::Write::write_all(&mut file, &image(case)?).unwrap();
            let image = Image::open(&file).unwrap();
            image.check().unwrap();
            Ok(searched(&image, case))
        },
        |layer| layer.hits.as_ref(),
    );
}

fn scanned(case: &Case, all_matches: bool) -> Result<Vec<Names>, String> {
    let image = Image::from_vec(image(case)?).unwrap();
    let mut scanner = Scanner::new(&image, Options { all_matches, ..Options::default() });
    let scan = |layer: &Layer| {
        let report = scanner.scan(&layer.bytes, &layer.name, &Interrupt::new());
        report.findings.into_iter().map(|finding| finding.signature).collect()
    };
    Ok(case.layers.iter().map(scan).collect())
}

#[test]
fn engine() {
    check(|case| scanned(case, true), |layer| layer.scan.as_ref());
}

#[test]
fn engine_that_tells_of_one_finding() {
    check(|case| scanned(case, false), |layer| layer.first.as_ref());
}

#[test]
fn targets_of_layers_are_those_of_their_types() {
    // The cases rely on it when they do not name a target.
    assert_eq!(FileType::BinaryData.target(), Target::Other);
}
