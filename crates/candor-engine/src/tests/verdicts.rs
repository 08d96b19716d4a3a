//! What is found, what keeps it from being reported, and what the verdict is.

use std::fmt::Write as _;

use candor_database::{Builder, Image};
use candor_model::{
    DigestKind, FileType, Finding, Interrupt, LayerId, Limits, Match, Normalisation, Reason, Report,
    Strength, Verdict,
};
use candor_signature::Input;
use candor_signature::clamav::{self, load};
use md5::{Digest as _, Md5};
use sha1::Sha1;
use sha2::Sha256;

use super::{Tree, Trees, leaf, node, reasons};
use crate::{Observer, Options, PotentiallyUnwanted, Scanner};

/// An image of databases given as file name and text.
pub(super) fn signatures(files: &[(&str, &str)]) -> Image {
    let mut builder = Builder::new();
    let inputs: Vec<_> = files.iter().map(|(name, text)| Input { name, bytes: text.as_bytes() }).collect();
    load(&inputs, clamav::Options::default(), &mut builder, &mut |diagnostic| panic!("{diagnostic}"));
    Image::from_vec(builder.finish().unwrap()).unwrap()
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, byte| {
        write!(out, "{byte:02x}").unwrap();
        out
    })
}

/// A body signature for any file that contains `text`.
pub(super) fn any(name: &str, text: &str) -> String {
    format!("{name}:0:*:{}\n", hex(text.as_bytes()))
}

fn run(image: &Image, options: Options, tree: &Tree) -> Report {
    Scanner::with_formats(image, options, &Trees).scan(&tree.bytes(), "file", &Interrupt::new())
}

/// A scan that reports everything.
fn all(image: &Image, tree: &Tree) -> Report {
    run(image, Options { all_matches: true, ..Options::default() }, tree)
}

fn first(image: &Image, tree: &Tree) -> Report {
    run(image, Options::default(), tree)
}

fn names(report: &Report) -> Vec<&str> {
    let mut names: Vec<_> = report.findings.iter().map(|finding| finding.signature.as_str()).collect();
    names.sort_unstable();
    names
}

#[test]
fn a_finding_explains_itself() {
    let text = format!("# made for this test\n{}", any("Test.Body-1", "needle"));
    let image = signatures(&[("test.ndb", &text)]);
    let tree = node(&[(b's', leaf(b"hay")), (b's', node(&[(b'b', leaf(b"a needle in it"))]))]);
    let report = first(&image, &tree);
    assert_eq!(report.verdict, Verdict::Infected);
    let finding = &report.findings[0];
    assert_eq!(finding.signature, "Test.Body-1");
    assert_eq!((finding.origin.source.as_str(), finding.origin.line), ("test.ndb", 2));
    assert!(!finding.official);
    assert_eq!(finding.strength, Strength::Strong);
    assert_eq!(finding.language, "ndb");
    assert_eq!((finding.layer, finding.file_type), (LayerId(3), FileType::BinaryData));
    assert_eq!(finding.path, ["m2", "m1"]);
    assert_eq!(finding.normalised, None);
    assert_eq!(
        finding.matches,
        [Match { offset: 2, length: 6, subsignature: finding.matches[0].subsignature }]
    );
}

#[test]
fn every_kind_of_digest_is_found_in_any_layer() {
    let content = b"known content";
    let digests = [hex(&Md5::digest(content)), hex(&Sha1::digest(content)), hex(&Sha256::digest(content))];
    let tree = node(&[(b's', leaf(content)), (b'b', leaf(b"unknown content"))]);
    for (digest, kind) in digests.iter().zip(DigestKind::ALL) {
        for size in ["13", "*"] {
            let image = signatures(&[("test.hsb", &format!("{digest}:{size}:Test.Hash:73\n"))]);
            let report = first(&image, &tree);
            assert_eq!(names(&report), ["Test.Hash"], "{} {size}", kind.name());
            assert_eq!(report.findings[0].path, ["m1"]);
            assert_eq!(report.findings[0].matches, [Match { offset: 0, length: 13, subsignature: None }]);
        }
        let image = signatures(&[("test.hsb", &format!("{digest}:14:Test.Hash:73\n"))]);
        assert_eq!(first(&image, &tree).verdict, Verdict::Clean, "of another size");
    }
}

#[test]
fn digests_of_sections_and_imports_are_found() {
    let file = leaf(b"PE..textdata and more");
    let text = hex(&Md5::digest(b"text"));
    let image = signatures(&[
        ("test.mdb", &format!("4:{text}:Test.Section\n5:{text}:Test.Other\n")),
        ("test.imp", &format!("{}:3:Test.Imports\n", hex(&Md5::digest(b"a.b")))),
    ]);
    let report = all(&image, &file);
    assert_eq!(names(&report), ["Test.Imports", "Test.Section"]);
    let section = report.findings.iter().find(|finding| finding.signature == "Test.Section").unwrap();
    assert_eq!(section.matches, [Match { offset: 4, length: 4, subsignature: None }]);
}

#[test]
fn a_cut_layer_has_no_digest() {
    let image = signatures(&[
        ("test.hsb", &format!("{}:4:Test.Beginning\n", hex(&Md5::digest(b"need")))),
        ("test.sfp", &format!("{}:4:Test.Trusted\n", hex(&Sha256::digest(b"need")))),
        ("test.ndb", &any("Test.Body", "eed")),
    ]);
    let limits = Limits { max_file_size: 4, ..Limits::default() };
    let report = run(&image, Options { limits, all_matches: true, ..Options::default() }, &leaf(b"needle"));
    assert_eq!(names(&report), ["Test.Body"]);
    assert_eq!(report.verdict, Verdict::Infected, "what was read is searched");
    assert_eq!(reasons(&report), [([].as_slice(), &Reason::FileSize)]);
}

#[test]
fn the_first_strong_finding_ends_the_scan_unless_all_are_wanted() {
    let image = signatures(&[("test.ndb", &(any("Test.One", "first") + &any("Test.Two", "second")))]);
    let tree = node(&[(b's', leaf(b"the first")), (b's', leaf(b"the second"))]);
    let report = first(&image, &tree);
    assert_eq!((names(&report), report.layers.len()), (vec!["Test.One"], 2));
    assert_eq!(report.verdict, Verdict::Infected);
    // The container holds both texts as they are, too.
    let report = all(&image, &tree);
    assert_eq!(names(&report), ["Test.One", "Test.One", "Test.Two", "Test.Two"]);
}

#[test]
fn a_signature_is_reported_once_a_layer() {
    let image = signatures(&[("test.ndb", &any("Test.Any", "lower"))]);
    let report = all(&image, &leaf(b"#lower case is the same in the normalised copy"));
    assert_eq!(names(&report), ["Test.Any"]);
    assert_eq!(report.findings[0].normalised, None);
}

#[test]
fn strength_decides_the_verdict() {
    let weak = any("Weak.Sign", "sign");
    let unwanted = any("PUA.Win.Tool", "tool") + &any("Heuristics.Odd", "odd");
    let strong = any("Test.Strong", "strong");
    let image = signatures(&[("test.ndb", &(weak + &unwanted + &strong))]);
    let cases: [(&str, Verdict, &[&str]); 5] = [
        ("nothing", Verdict::Clean, &[]),
        ("a sign", Verdict::Clean, &["Weak.Sign"]),
        ("a tool", Verdict::Suspicious, &["PUA.Win.Tool"]),
        ("sign of an odd tool", Verdict::Suspicious, &["Heuristics.Odd", "PUA.Win.Tool", "Weak.Sign"]),
        ("a strong sign of a tool", Verdict::Infected, &["PUA.Win.Tool", "Test.Strong", "Weak.Sign"]),
    ];
    for (content, verdict, found) in cases {
        let report = all(&image, &leaf(content.as_bytes()));
        assert_eq!((report.verdict, names(&report)), (verdict, found.to_vec()), "{content}");
        assert!(report.findings.is_sorted_by_key(|finding| std::cmp::Reverse(finding.strength)));
    }
    let report = all(&image, &node(&[(b'a', leaf(b"?")), (b's', leaf(b"a tool"))]));
    assert_eq!(report.verdict, Verdict::Suspicious);
    assert_eq!(report.incomplete.len(), 1);
    let report = all(&image, &node(&[(b'a', leaf(b"?")), (b's', leaf(b"a sign"))]));
    assert_eq!(report.verdict, Verdict::Incomplete);
    // Something unwanted does not keep the scan from finding something worse behind it.
    let report = first(&image, &node(&[(b's', leaf(b"a tool")), (b's', leaf(b"strong"))]));
    assert_eq!(report.verdict, Verdict::Infected);
}

#[test]
fn trust_covers_a_layer_and_what_is_in_it() {
    let inner = node(&[(b's', leaf(b"a needle"))]);
    let tree = node(&[(b's', inner.clone()), (b's', leaf(b"another needle"))]);
    let body = any("Test.Needle", "needle");
    let trust = |bytes: &[u8]| format!("{}:{}:Test.Trusted\n", hex(&Md5::digest(bytes)), bytes.len());

    let none = signatures(&[("test.ndb", &body)]);
    assert_eq!(all(&none, &tree).findings.len(), 4);

    let image = signatures(&[("test.ndb", &body), ("test.fp", &trust(&tree.bytes()))]);
    let report = all(&image, &tree);
    assert_eq!((report.verdict, report.trusted.as_deref()), (Verdict::Clean, Some("Test.Trusted")));
    assert!(report.findings.is_empty());

    let image = signatures(&[("test.ndb", &body), ("test.fp", &trust(&inner.bytes()))]);
    let report = all(&image, &tree);
    assert_eq!(report.verdict, Verdict::Infected, "the file around it is not trusted");
    assert_eq!(report.trusted.as_deref(), Some("Test.Trusted"));
    let paths: Vec<_> = report.findings.iter().map(|finding| finding.path.join("/")).collect();
    assert_eq!(paths, ["m2", ""]);

    let sha256 = format!("{}:*:Test.Trusted:73\n", hex(&Sha256::digest(tree.bytes())));
    let image = signatures(&[("test.ndb", &body), ("test.sfp", &sha256)]);
    assert_eq!(all(&image, &tree).verdict, Verdict::Clean);
    // Another file of the same length is not trusted.
    let mut other = tree.bytes();
    *other.last_mut().unwrap() ^= 1;
    assert_eq!(all(&image, &leaf(&other)).verdict, Verdict::Infected);
}

#[test]
fn lists_of_the_potentially_unwanted_count_when_asked_for() {
    let text = any("PUA.Win.Tool.A", "tool") + &any("PUA.Andr.B", "tool");
    let image = signatures(&[("test.ndu", &text)]);
    let of = |list: &[&str]| list.iter().map(|&category| category.to_owned()).collect::<Vec<_>>();
    let cases: [(PotentiallyUnwanted, &[&str]); 5] = [
        (PotentiallyUnwanted::Off, &[]),
        (PotentiallyUnwanted::Except(of(&[])), &["PUA.Andr.B", "PUA.Win.Tool.A"]),
        (PotentiallyUnwanted::Except(of(&["Win"])), &["PUA.Andr.B"]),
        (PotentiallyUnwanted::Only(of(&["Win"])), &["PUA.Win.Tool.A"]),
        (PotentiallyUnwanted::Only(of(&["Other"])), &[]),
    ];
    for (potentially_unwanted, expected) in cases {
        let options = Options { potentially_unwanted: potentially_unwanted.clone(), ..Options::default() };
        let report = run(&image, options, &leaf(b"a tool"));
        assert_eq!(names(&report), expected, "{potentially_unwanted:?}");
        assert_eq!(report.verdict == Verdict::Clean, expected.is_empty());
    }
}

#[test]
fn text_is_searched_as_it_is_and_normalised() {
    let upper = hex(b"UPPER");
    let lower = hex(b"upper");
    let text = format!(
        "Raw.Any:0:*:{upper}\nRaw.Text:7:*:{upper}\nRaw.Other:14:*:{upper}\n\
         Copy.Any:0:*:{lower}\nCopy.Text:7:*:{lower}\nCopy.Other:14:*:{lower}\n"
    );
    let image = signatures(&[("test.ndb", &text)]);
    let report = all(&image, &leaf(b"#an UPPER case word"));
    assert_eq!(names(&report), ["Copy.Any", "Copy.Text", "Raw.Any"]);
    for Finding { signature, normalised, .. } in &report.findings {
        let expected = signature.starts_with("Copy").then_some(Normalisation::Text);
        assert_eq!(*normalised, expected, "{signature}");
    }
    assert_eq!(report.layers.len(), 1);
}

#[test]
fn html_is_searched_normalised_only() {
    let upper = hex(b"UPPER");
    let lower = hex(b"upper");
    let script = hex(b"run()");
    let text = format!(
        "Raw.Any:0:*:{upper}\nRaw.Html:3:*:{upper}\nCopy.Any:0:*:{lower}\nCopy.Html:3:*:{lower}\n\
         Copy.Text:7:*:{lower}\nScript.Any:0:*:{script}\nScript.Html:3:*:{script}\nScript.Text:7:*:{script}\n"
    );
    let file = leaf(b"<p>UPPER <script>run()");
    let image = signatures(&[("test.ndb", &text)]);
    let expected = ["Copy.Any", "Copy.Html", "Script.Any", "Script.Html", "Script.Text"];
    assert_eq!(names(&all(&image, &file)), expected);
    // One signature for raw files makes all of them apply to raw HTML, as in ClamAV.
    let image = signatures(&[("test.ndb", &text), ("test.sdb", &format!("Other:0:*:{}\n", hex(b"absent")))]);
    let mut expected = expected.to_vec();
    expected.extend(["Raw.Any", "Raw.Html"]);
    expected.sort_unstable();
    assert_eq!(names(&all(&image, &file)), expected);
}

#[test]
fn a_copy_of_html_has_digests_of_its_own() {
    let copy = b"<p>upper";
    let image = signatures(&[("test.hdb", &format!("{}:8:Test.Copy\n", hex(&Md5::digest(copy))))]);
    let report = all(&image, &leaf(b"<p>UPPER"));
    assert_eq!(report.findings[0].normalised, Some(Normalisation::HtmlNoComments));
}

#[test]
fn containers_are_the_layers_around() {
    let lower = hex(b"needle");
    let text = format!(
        "In.Zip;Engine:51-255,Target:0,Container:CL_TYPE_ZIP;0;{lower}\n\
         In.Text;Engine:51-255,Target:0,Container:CL_TYPE_TEXT_ASCII;0;{lower}\n\
         Text.In.Zip;Engine:51-255,Target:7,Container:CL_TYPE_ZIP;0;{lower}\n\
         Zip.In.Zip;Engine:51-255,Target:0,Intermediates:CL_TYPE_ZIP>CL_TYPE_ZIP;0;{lower}\n"
    );
    let image = signatures(&[("test.ldb", &text)]);
    let at = |tree: &Tree, path: &[&str]| {
        let report = all(&image, tree);
        let here = report.findings.into_iter().filter(|finding| finding.path == path);
        let mut names: Vec<_> = here.map(|finding| finding.signature).collect();
        names.sort_unstable();
        names
    };
    let text = leaf(b"#needle");
    assert!(at(&text, &[]).is_empty());
    let zip = node(&[(b's', text)]);
    assert_eq!(at(&zip, &["m1"]), ["In.Zip", "Text.In.Zip"]);
    let zip = node(&[(b's', zip)]);
    assert_eq!(at(&zip, &["m1", "m1"]), ["In.Zip", "Text.In.Zip", "Zip.In.Zip"]);
}

#[test]
fn file_size_is_that_of_the_layer() {
    let text = format!(
        "Seven;Engine:51-255,Target:7,FileSize:7-7;0;{0}\nEight;Engine:51-255,Target:0,FileSize:8-8;0;{0}\n",
        hex(b"needle")
    );
    let image = signatures(&[("test.ldb", &text)]);
    assert_eq!(names(&all(&image, &leaf(b"#NEEDLE"))), ["Seven"]);
    assert_eq!(names(&all(&image, &leaf(b"-needle."))), ["Eight"]);
}

#[test]
fn a_handler_makes_the_layer_be_looked_at_again() {
    let text = format!(
        "Test.Handler;Engine:51-255,Target:0,HandlerType:CL_TYPE_HTML;0;{0}\n\
         Test.Html;Engine:51-255,Target:3;0;{0}\n\
         Test.Inside;Engine:51-255,Target:3,Container:CL_TYPE_BINARY_DATA;0;{0}\n",
        hex(b"needle")
    );
    let image = signatures(&[("test.ldb", &text)]);
    let report = all(&image, &leaf(b"-needle"));
    // The one that asked is a finding all the same.
    let mut found: Vec<_> = report
        .findings
        .iter()
        .map(|finding| (finding.signature.as_str(), finding.layer, finding.file_type))
        .collect();
    found.sort_unstable_by_key(|(name, ..)| *name);
    let wanted = [
        ("Test.Handler", FileType::BinaryData),
        ("Test.Html", FileType::Html),
        ("Test.Inside", FileType::Html),
    ];
    assert_eq!(found, wanted.map(|(name, file_type)| (name, LayerId(0), file_type)));
    assert_eq!(report.layers.len(), 1);
}

#[test]
fn a_handler_is_followed_once() {
    // Each type asks for the other; without an end this would not return.
    let text = format!(
        "To.Html;Engine:51-255,Target:14,HandlerType:CL_TYPE_HTML;0;{0}\n\
         To.Data;Engine:51-255,Target:3,HandlerType:CL_TYPE_BINARY_DATA;0;{0}\n",
        hex(b"needle")
    );
    let image = signatures(&[("test.ldb", &text)]);
    let report = all(&image, &leaf(b"-needle"));
    assert_eq!(names(&report), ["To.Data", "To.Html"]);
    assert_eq!(report.bytes, 7 + 7 + 7, "the layer, the layer again, its copy");
}

#[test]
fn file_type_rules_decide_where_nothing_better_is_known() {
    let rules = format!(
        "0:0:{}:New:CL_TYPE_ANY:CL_TYPE_PDF\n0:0:{}:Zip:CL_TYPE_ANY:CL_TYPE_PDF\n\
         0:0:{}:Music:CL_TYPE_ANY:CL_TYPE_IGNORED\n",
        hex(b"NEW"),
        hex(b"T"),
        hex(b"ID3")
    );
    let image = signatures(&[("test.ftm", &rules)]);
    assert_eq!(all(&image, &leaf(b"NEW format")).file_type, FileType::Pdf);
    assert_eq!(all(&image, &leaf(b"no format")).file_type, FileType::BinaryData);
    assert_eq!(all(&image, &leaf(b"ID3 is no way to hide")).file_type, FileType::BinaryData);
    assert_eq!(all(&image, &node(&[])).file_type, FileType::Zip);
}

#[test]
fn file_type_rules_on_patterns_see_the_first_kilobyte() {
    let rules = format!(
        "1:*:{}:Word:CL_TYPE_ANY:CL_TYPE_PDF\n1:*:{}:Data:CL_TYPE_BINARY_DATA:CL_TYPE_SWF\n\
         1:*:{}:Zip:CL_TYPE_ANY:CL_TYPE_ZIPSFX\n",
        hex(b"magic word"),
        hex(b"data word"),
        hex(b"zip word")
    );
    let image = signatures(&[("test.ftm", &rules)]);
    let type_of = |bytes: &[u8]| all(&image, &leaf(bytes)).file_type;
    let behind = |zeros: usize, word: &[u8]| [&vec![0; zeros], word].concat();
    assert_eq!(type_of(&behind(1014, b"magic word")), FileType::Pdf);
    assert_eq!(type_of(&behind(1015, b"magic word")), FileType::BinaryData);
    assert_eq!(type_of(b"# text with the magic word"), FileType::Pdf);
    assert_eq!(type_of(b"<p>magic word"), FileType::Html, "ours know better");
    assert_eq!(type_of(&behind(9, b"data word")), FileType::Swf);
    assert_eq!(type_of(b"# text with the data word"), FileType::TextAscii);
    assert_eq!(type_of(&behind(9, b"zip word")), FileType::BinaryData);
}

#[test]
fn file_type_rules_on_bytes_go_before_those_on_patterns() {
    let rules = format!(
        "1:*:{0}:Pattern:CL_TYPE_ANY:CL_TYPE_SWF\n0:4:{0}:Bytes:CL_TYPE_ZIP:CL_TYPE_PDF\n",
        hex(b"magic word")
    );
    let image = signatures(&[("test.ftm", &rules)]);
    let type_of = |bytes: &[u8]| all(&image, &leaf(bytes)).file_type;
    // Nothing is known when a file is looked at first: what such a rule requires does not count.
    assert_eq!(type_of(b"\0\0\0\0magic word"), FileType::Pdf);
    assert_eq!(type_of(b"\0\0\0magic word"), FileType::Swf);
}

#[test]
fn a_file_type_rule_does_not_find_a_layer_in_itself() {
    let rules = format!("0:2:{}:Word:CL_TYPE_ANY:CL_TYPE_ZIP\n", hex(b"word"));
    let image = signatures(&[("test.ftm", &rules)]);
    // One member up to the end, with the word where the rule wants it; the first word is its length as well.
    let outer = b"\0bword.word";
    let report = all(&image, &leaf(outer));
    assert_eq!(report.file_type, FileType::Zip);
    let types: Vec<FileType> = report.layers.iter().map(|layer| layer.file_type).collect();
    assert_eq!(types, [FileType::Zip, FileType::BinaryData]);
}

#[test]
fn file_type_rules_for_partitions_are_for_partitions_of_disks() {
    let rules = format!("4:1030:{}:Part:CL_TYPE_PART_ANY:CL_TYPE_PDF\n", hex(b"volume"));
    let image =
        signatures(&[("test.ftm", &rules), ("test.ndb", &format!("Test.Pdf:10:*:{}\n", hex(b"needle")))]);
    let volume = leaf(&[&vec![0; 1030][..], b"volume needle"].concat());
    let mut disk = node(&[(b'b', volume.clone())]).bytes();
    disk[0] = 0xd1;
    assert_eq!(all(&image, &leaf(&disk)).verdict, Verdict::Infected);
    assert_eq!(all(&image, &node(&[(b'b', volume.clone())])).verdict, Verdict::Clean, "no disk");
    assert_eq!(all(&image, &volume).verdict, Verdict::Clean, "no partition");
}

#[derive(Default)]
struct Seen(Vec<(u32, FileType, Vec<u8>, Vec<String>)>);

impl Observer for Seen {
    fn layer(&mut self, id: LayerId, file_type: FileType, bytes: &[u8], findings: &[Finding]) {
        let names = findings.iter().map(|finding| finding.signature.clone()).collect();
        self.0.push((id.0, file_type, bytes.to_vec(), names));
    }
}

#[test]
fn an_observer_sees_copies_in_which_something_was_found() {
    let image = signatures(&[("test.ndb", &format!("Test.Text:7:*:{}\n", hex(b"upper")))]);
    let mut seen = Seen::default();
    let mut scanner = Scanner::with_formats(&image, Options::default(), &Trees);
    let _ = scanner.scan_observed(b"#UPPER", "file", &Interrupt::new(), &mut seen);
    let found = vec!["Test.Text".to_owned()];
    assert_eq!(
        seen.0,
        [
            (0, FileType::TextAscii, b"#upper".to_vec(), found),
            (0, FileType::TextAscii, b"#UPPER".to_vec(), Vec::new()),
        ]
    );
}

#[test]
fn a_program_is_what_its_certificate_makes_it() {
    let line = |name: &str, trusted: u8| {
        format!("{name};{trusted};{};;{};010001;1;0;1;0;\n", "ab".repeat(20), "c1".repeat(128))
    };
    let (body, inner) = (any("Body", "body"), any("Inner", "inner"));
    let program =
        |place: u8| node(&[(b'v', Tree::Leaf(vec![place])), (b'm', leaf(b"inner")), (b'm', leaf(b"body"))]);
    let crb = line("Trusted", 1) + &line("Blocked", 0);
    let image = signatures(&[("a.crb", &crb), ("b.ndb", &(body + &inner))]);
    let found = |report: &Report| -> Vec<String> {
        report.findings.iter().map(|finding| finding.signature.clone()).collect()
    };
    let trusted = all(&image, &program(0));
    assert_eq!(found(&trusted), [""; 0]);
    assert_eq!(trusted.verdict, Verdict::Clean);
    assert_eq!(trusted.trusted.as_deref(), Some("Trusted"));
    let blocked = all(&image, &program(1));
    assert_eq!(found(&blocked)[0], "Blocked");
    assert_eq!(blocked.verdict, Verdict::Infected);
    let unknown = all(&image, &program(2));
    assert!(!found(&unknown).is_empty() && !found(&unknown).contains(&String::from("Blocked")));
    let ignored = Options { all_matches: true, ignore_certificates: true, ..Options::default() };
    assert_eq!(found(&run(&image, ignored.clone(), &program(0))), found(&unknown));
    assert_eq!(found(&run(&image, ignored, &program(1))), found(&unknown));
}

#[test]
fn a_certificate_does_not_undo_what_was_found() {
    let program = node(&[(b'v', Tree::Leaf(vec![0]))]);
    let digest = hex(&Md5::digest(program.bytes()));
    let hash = format!("{digest}:{}:Known\n", program.bytes().len());
    let crb = format!("Trusted;1;{};;{};010001;1;0;1;0;\n", "ab".repeat(20), "c1".repeat(128));
    let image = signatures(&[("a.crb", &crb), ("b.hdb", &hash)]);
    let report = all(&image, &program);
    assert_eq!(report.findings[0].signature, "Known");
    assert_eq!(report.verdict, Verdict::Infected);
}

#[test]
fn a_catalogue_makes_programs_trusted() {
    let body = any("Body", "body");
    let program = |digest: &[u8]| node(&[(b'p', Tree::Leaf(digest.to_vec())), (b'm', leaf(b"body"))]);
    let image = signatures(&[("a.cat", "0digest"), ("b.ndb", &body)]);
    let trusted = all(&image, &program(b"digest"));
    assert_eq!((trusted.verdict, trusted.findings.len()), (Verdict::Clean, 0));
    assert_eq!(trusted.trusted.as_deref(), Some("a.cat"));
    assert_eq!(all(&image, &program(b"other")).verdict, Verdict::Infected);
    let ignored = Options { ignore_certificates: true, ..Options::default() };
    assert_eq!(run(&image, ignored, &program(b"digest")).verdict, Verdict::Infected);
    let crb = format!("Blocked;0;{};;{};010001;1;0;1;0;\n", "ab".repeat(20), "c1".repeat(128));
    let image = signatures(&[("a.cat", "0digest"), ("b.ndb", &body), ("c.crb", &crb)]);
    assert_eq!(all(&image, &program(b"digest")).verdict, Verdict::Infected);
}

#[test]
fn layers_have_their_sums_where_they_are_asked_for() {
    let image = signatures(&[("test.ndb", &any("Test.Body", "needle"))]);
    let tree = node(&[(b'b', leaf(b"hay")), (b's', node(&[(b'b', leaf(b""))])), (b'b', leaf(b"a needle"))]);
    let limits = Limits { max_children: 2, ..Limits::default() };
    for limits in [Limits::default(), limits] {
        let options = Options { all_matches: true, layer_sums: true, limits, ..Options::default() };
        let report = run(&image, options, &tree);
        let sums = [&tree.bytes()[..], b"hay", &node(&[(b'b', leaf(b""))]).bytes(), b"", b"a needle"];
        for (layer, bytes) in report.layers.iter().zip(sums) {
            assert_eq!(layer.length, bytes.len() as u64);
            assert_eq!(layer.md5, Some(Md5::digest(bytes).into()), "{layer:?}");
        }
    }
    assert!(all(&image, &tree).layers.iter().all(|layer| layer.md5.is_none()));
    // The sum of a beginning is none.
    let limits = Limits { max_file_size: 3, ..Limits::default() };
    let report = run(&image, Options { layer_sums: true, limits, ..Options::default() }, &leaf(b"haystack"));
    assert_eq!((report.layers[0].length, report.layers[0].md5), (3, None));
}
