//! The matcher finds what its definition finds.

use std::collections::BTreeSet;

use candor_database::ir::{Receiver, Signature, Source};
use candor_database::{Builder, Image, Scratch, Subject};
use candor_fixtures::collect::Collection;
use candor_fixtures::naive::{MacroGroups, body_matches, logical_matches};
use candor_model::{Facts, FileType, Limits, Target};

/// The definition is quadratic: it gets little.
const LONGEST_SIGNATURES: usize = 300;
const LONGEST_LAYER: usize = 600;

/// Signatures with a layer that they are about.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    [
        "0A:0:*:6162(63|64|6566)??67*68{2-4}69\0abcxghxxiabefxg",
        "0A:14:3,4:(B)616263(W)\0   abc abc",
        "0A:0:EOF-9:61[1-3]626364\0axxbcdaxbcd",
        "1A;Engine:51-255,Target:0;(0&1)|2>1,1;616263::i;646566;6161\0abc aaaa ABC",
        "1A;Engine:51-255,Target:0;0=0&1;616263;0/d.f/i\0xxx dEf",
        "1A;Engine:51-255,Target:0;0;616263;0(>>3#de2#=42)\0abc42",
        "1A;Engine:51-255,Target:0;0&1;$3$616263;6465${1-3}3$\0dexabc",
    ]
    .map(|seed| seed.as_bytes().to_vec())
    .to_vec()
}

/// Signatures of one language (that the first byte chooses) up to a NUL; behind it the layer.
pub(crate) fn search(bytes: &[u8]) {
    let Some((first, rest)) = bytes.split_first() else { return };
    let Some(end) = rest.iter().position(|byte| *byte == 0) else { return };
    let (text, layer) = (&rest[..end], &rest[end + 1..]);
    if text.len() > LONGEST_SIGNATURES || layer.len() > LONGEST_LAYER {
        return;
    }
    let Ok(text) = std::str::from_utf8(text) else { return };
    let extension = if first % 2 == 0 { "ndb" } else { "ldb" };
    let (mut collection, _) = Collection::load_all(&[(format!("fuzz.{extension}"), text.to_owned())]);

    let mut builder = Builder::new();
    let source =
        Source { name: "fuzz".to_owned(), language: extension, official: false, potentially_unwanted: false };
    let source = builder.source(source).expect("the first source");
    collection.signatures.retain(|named| {
        let header = candor_database::ir::Header { name: &named.name, source, line: named.line };
        builder.add(header, named.signature.clone()).is_ok()
    });
    let image = Image::from_vec(builder.finish().expect("a small image fits")).expect("what was built opens");

    let facts = Facts::default();
    let subject = Subject {
        bytes: layer,
        file_type: FileType::BinaryData,
        target: Target::Other,
        file_size: layer.len() as u64,
        facts: &facts,
        parents: &[],
        rules: None,
    };
    let mut hits = Vec::new();
    let limits = Limits { regex_steps: 100_000, ..Limits::default() };
    if !image.search(&subject, &limits, &mut Scratch::new(), &mut hits).is_empty() {
        return;
    }
    let (_, screen) = image.screening(subject.target, layer).finish();
    let (mut screened, mut work) = (Vec::new(), u64::MAX);
    let trouble = image.search_screened(
        &subject,
        Some(&screen),
        &limits,
        &mut work,
        &mut Scratch::new(),
        &mut screened,
    );
    assert!(trouble.is_empty() && screened == hits, "{text:?} on {layer:?}, after a screening");
    let found: BTreeSet<u32> = hits.iter().map(|hit| hit.signature.0).collect();
    let groups = MacroGroups::new(collection.signatures.iter().map(|named| &named.signature));
    let expected: BTreeSet<u32> = (0u32..)
        .zip(&collection.signatures)
        .filter(|(_, named)| match &named.signature {
            Signature::Body(body) => !body_matches(body, &groups, &subject).is_empty(),
            Signature::Logical(logical) => logical_matches(logical, &groups, &subject),
            _ => false,
        })
        .map(|(number, _)| number)
        .collect();
    assert_eq!(found, expected, "{text:?} on {layer:?}");
}
