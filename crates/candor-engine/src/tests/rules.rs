//! Rules of YARA look at every layer as it stands.

use candor_database::{Builder, Image};
use candor_model::{Interrupt, Verdict};
use candor_signature::Input;
use candor_signature::clamav::load;

use super::{Trees, leaf, node};
use crate::{Options, Scanner};

fn found(files: &[(&str, &str)], bytes: &[u8]) -> Vec<(String, Vec<String>)> {
    let inputs: Vec<Input<'_>> =
        files.iter().map(|(name, text)| Input { name, bytes: text.as_bytes() }).collect();
    let mut builder = Builder::new();
    let mut said = Vec::new();
    load(&inputs, candor_signature::clamav::Options::default(), &mut builder, &mut |diagnostic| {
        said.push(diagnostic.to_string());
    });
    assert_eq!(said, Vec::<String>::new());
    let image = Image::from_vec(builder.finish().unwrap()).unwrap();
    let options = Options { all_matches: true, ..Options::default() };
    let mut scanner = Scanner::with_formats(&image, options, &Trees);
    let report = scanner.scan(bytes, "folder/file.bin", &Interrupt::new());
    assert_ne!(report.verdict, Verdict::Incomplete, "{:?}", report.incomplete);
    report.findings.into_iter().map(|finding| (finding.signature, finding.path)).collect()
}

fn names(files: &[(&str, &str)], bytes: &[u8]) -> Vec<String> {
    found(files, bytes).into_iter().map(|(name, _)| name).collect()
}

const MARKER: (&str, &str) = ("a.yar", r#"rule Marker { strings: $a = "MARKER-0123" condition: $a }"#);

#[test]
fn a_rule_is_found_in_each_layer_that_it_matches() {
    let bytes = node(&[(b'b', leaf(b"nothing")), (b's', leaf(b"has MARKER-0123"))]).bytes();
    let outer = ("YARA.Marker".to_owned(), Vec::new());
    let inner = ("YARA.Marker".to_owned(), vec!["m2".to_owned()]);
    let mut all = found(&[MARKER], &bytes);
    all.sort();
    assert_eq!(all, [outer, inner]);
}

#[test]
fn raw_pages_are_looked_at_by_rules_alone() {
    let body = ("b.ndb", "Body:0:*:4d41524b45522d30313233\n");
    assert_eq!(names(&[MARKER, body], b"<p>MARKER-0123"), ["YARA.Marker"]);
    assert_eq!(names(&[body], b"<p>MARKER-0123"), Vec::<String>::new());
}

#[test]
fn rewritten_copies_are_not_looked_at_by_rules() {
    let lower = ("a.yar", r#"rule Lower { strings: $a = "marker-0123" condition: $a }"#);
    // The copy is in lower case, and a signature for text is found there.
    let body = ("b.ndb", "Body:7:*:6d61726b65722d30313233\n");
    assert_eq!(names(&[lower, body], b"# MARKER-0123"), ["Body"]);
    assert_eq!(names(&[lower, body], b"# marker-0123"), ["YARA.Lower", "Body"]);
}

#[test]
fn rules_are_told_the_name_of_a_layer_and_its_digest() {
    let rules = r#"
        import "hash"
        rule Name { condition: filename == "m1" and filesize == 5 }
        rule Outer { condition: filename == "file.bin" and extension == ".bin" }
        rule Digest { condition: hash.md5(0, filesize) == "5d41402abc4b2a76b9719d911017c592" }
        rule Other { condition: hash.sha1(0, filesize) == "5d41402abc4b2a76b9719d911017c592" }
    "#;
    let mut all = names(&[("a.yar", rules)], &node(&[(b'b', leaf(b"hello"))]).bytes());
    all.sort();
    assert_eq!(all, ["YARA.Digest", "YARA.Name", "YARA.Outer"]);
}
