//! Copies of a page that are given together: nobody can tell but by the time that it takes.

use candor_model::{
    ChildKind, Content, FileType, Flow, Interrupt, Limits, Member, Normalisation, PerceptualHash, Reason,
    Report, Sink, Verdict,
};
use md5::{Digest as _, Md5};
use proptest::prelude::*;

use super::verdicts::{any, hex, signatures};
use crate::formats::Formats;
use crate::{Options, Scanner};

/// Pages start with `<`. One with a `!` behind is said to be longer than what is rewritten of it. Behind the copies
/// comes one child.
#[derive(Debug)]
struct Pages {
    together: bool,
}

/// What is behind the copies.
const BEHIND: &[u8] = b"what is behind";

/// The copies of a page: one that has all of it, one that has half, and a script.
fn copies(page: &[u8]) -> [(Normalisation, Vec<u8>); 3] {
    [
        (Normalisation::HtmlNoComments, page.to_ascii_lowercase()),
        (Normalisation::HtmlNoTags, page.iter().step_by(2).copied().collect()),
        (Normalisation::Script, page.iter().rev().skip(page.len() / 4).copied().collect()),
    ]
}

impl Formats for Pages {
    fn identify(&self, bytes: &[u8]) -> FileType {
        if bytes.first() == Some(&b'<') { FileType::Html } else { FileType::BinaryData }
    }

    fn unpack(&self, file_type: FileType, bytes: &[u8], sink: &mut dyn Sink) {
        if file_type != FileType::Html {
            return;
        }
        if bytes.get(1) == Some(&b'!') {
            sink.incomplete(Reason::NormaliseSize);
        }
        let copies = copies(bytes);
        let flow = if self.together {
            sink.copies(&copies.each_ref().map(|(kind, bytes)| (*kind, &bytes[..])))
        } else {
            let one = |(kind, bytes): &(Normalisation, Vec<u8>)| {
                sink.child(ChildKind::Normalised(*kind), &Member::default(), Content::Bytes(bytes))
            };
            if copies.iter().map(one).any(|flow| flow == Flow::Stop) { Flow::Stop } else { Flow::Continue }
        };
        if flow == Flow::Continue {
            let _ = sink.child(ChildKind::Extracted, &Member::default(), Content::Bytes(BEHIND));
        }
    }

    fn image_hash(&self, _: &[u8], _: FileType) -> Option<PerceptualHash> {
        None
    }
}

/// A page of so many bytes.
fn page(length: usize, start: &[u8]) -> Vec<u8> {
    let rest = (0_u32..).map(|at| b"ABcd <"[at.wrapping_mul(at) as usize % 6]);
    start.iter().copied().chain(rest).take(length).collect()
}

/// The line of a digest's signature.
fn sum(bytes: &[u8], name: &str) -> String {
    format!("{}:{}:Test.{name}\n", hex(&Md5::digest(bytes)), bytes.len())
}

fn scan(file: &[u8], together: bool, files: &[(&str, &str)], options: Options) -> Report {
    let image = signatures(files);
    let formats = Pages { together };
    Scanner::with_formats(&image, options, &formats).scan(file, "page", &Interrupt::new())
}

/// What is found where copies are given together, and that it is the same where they are not.
fn found(file: &[u8], files: &[(&str, &str)], options: &Options) -> Report {
    let report = scan(file, true, files, options.clone());
    assert_eq!(report, scan(file, false, files, options.clone()));
    report
}

fn names(report: &Report) -> Vec<&str> {
    report.findings.iter().filter_map(|finding| finding.signature.strip_prefix("Test.")).collect()
}

fn all() -> Options {
    Options { all_matches: true, ..Options::default() }
}

#[test]
fn digests_of_a_page_and_of_each_copy_are_found_in_their_order() {
    for length in [3, 64, 1000, 1100, 1500, 5000, 70_000] {
        let page = page(length, b"<x");
        let [comments, tags, script] = copies(&page).map(|(_, bytes)| bytes);
        let each: [(&[u8], &str); 5] = [
            (&page, "Page"),
            (&comments, "Comments"),
            (&tags, "Tags"),
            (&script, "Script"),
            (BEHIND, "Behind"),
        ];
        let lines = each.map(|(bytes, name)| sum(bytes, name));
        assert_eq!(names(&found(&page, &[("t.hdb", &lines.concat())], &all())), each.map(|(_, name)| name));
        for (line, (_, name)) in lines.iter().zip(each) {
            assert_eq!(names(&found(&page, &[("t.hdb", line)], &Options::default())), [name], "{length}");
        }
        // One that is enough ends the scan.
        for (from, (_, name)) in each.iter().enumerate() {
            let files = [("t.hdb", &*lines[from..].concat())];
            assert_eq!(names(&found(&page, &files, &Options::default())), [*name], "{length}");
        }
    }
}

#[test]
fn behind_the_digest_of_a_page_nothing_is_said_of_it() {
    let page = page(5000, b"<!needle");
    let (body, line) = (any("Test.Body", "needle"), sum(&page, "Page"));
    let report = found(&page, &[("t.hdb", &line), ("t.ndb", &body)], &Options::default());
    assert_eq!((names(&report), report.incomplete.len()), (vec!["Page"], 0));
    let report = found(&page, &[("t.ndb", &body)], &Options::default());
    assert_eq!((names(&report), report.incomplete.len()), (vec!["Body"], 1));
    let report = found(&page, &[("t.hdb", &line), ("t.ndb", &body)], &all());
    assert_eq!((names(&report), report.incomplete.len()), (vec!["Page", "Body"], 1));
}

#[test]
fn what_is_found_in_copies_of_a_trusted_page_is_not_told() {
    let page = page(5000, b"<needle");
    let (body, line) = (any("Test.Body", "needle"), sum(&page, "Trusted"));
    let report = found(&page, &[("t.fp", &line), ("t.ndb", &body)], &all());
    assert_eq!((report.verdict, report.trusted.as_deref()), (Verdict::Clean, Some("Test.Trusted")));
}

#[test]
fn the_sum_of_a_page_is_told() {
    for line in
        [String::new(), sum(b"another", "Sum"), "2c5d7a1b5c9f4e0d8a3b6c7d8e9f0a1b:*:Test.Any:73\n".into()]
    {
        let page = page(5000, b"<");
        let report = found(&page, &[("t.hsb", &line)], &Options { layer_sums: true, ..Options::default() });
        assert_eq!(report.layers[0].md5, Some(Md5::digest(&page).into()));
    }
}

#[test]
fn copies_that_are_no_longer_afforded_are_cut() {
    let page = page(5000, b"<");
    let [comments, tags, script] = copies(&page).map(|(_, bytes)| bytes);
    let cut = sum(&tags[..1000], "Cut");
    let lines = [sum(&comments, "Comments"), sum(&tags, "Tags"), sum(&script, "Script"), cut].concat();
    let limits = Limits { max_scan_size: 11_000, ..Limits::default() };
    let report = found(&page, &[("t.hdb", &lines)], &Options { limits, ..all() });
    assert_eq!((names(&report)[0], report.verdict), ("Comments", Verdict::Infected));
    assert!(!names(&report).contains(&"Tags") && !report.incomplete.is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn that_copies_come_together_changes_no_report(
        length in prop_oneof![0_usize..200, 900_usize..1300, 3000_usize..9000],
        start in prop::sample::select(vec!["<", "<!", "<needle", "<!a needle", "<NEEDLE"]),
        size in prop_oneof![Just(u64::MAX), 0_u64..30_000],
        known in 0_usize..6,
        all_matches: bool,
        layer_sums: bool,
    ) {
        let page = page(length, start.as_bytes());
        let [comments, tags, script] = copies(&page).map(|(_, bytes)| bytes);
        let each = [page.clone(), comments, tags, script, BEHIND.to_vec(), b"none".to_vec()];
        let files = [("t.hdb", &*sum(&each[known], "Sum")), ("t.ndb", &any("Test.Body", "needle"))];
        let limits = Limits { max_scan_size: size.min(Limits::default().max_scan_size), ..Limits::default() };
        found(&page, &files, &Options { limits, all_matches, layer_sums, ..Options::default() });
    }
}

#[test]
fn a_page_in_front_of_what_is_no_text_is_searched_as_one() {
    let line = format!("Test.Page:3:*:{}\n", hex(b"needleinapage"));
    let image = signatures(&[("t.ndb", &line)]);
    let page = b"<html><body>needle<!-- x -->inapage</body></html>";
    let mut volume = vec![0; 4096];
    volume[..page.len()].copy_from_slice(page);
    volume[1024..1028].copy_from_slice(&[16, 0, 0, 0]);
    volume[1080..1082].copy_from_slice(&[0x53, 0xef]);
    let behind = |start: &[u8]| [start, page].concat();
    for (file_type, bytes) in [
        (FileType::Ext, volume),
        (FileType::Gif, behind(b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\0\0\0\x3b")),
        (FileType::Wasm, behind(b"\0asm\x01\0\0\0")),
        (FileType::AiModel, behind(b"GGUF\x03\0\0\0")),
        (FileType::Java, behind(b"\xca\xfe\xba\xbe\0\0\0\x34")),
    ] {
        let report = Scanner::new(&image, Options::default()).scan(&bytes, "file", &Interrupt::new());
        assert_eq!((report.file_type, names(&report)), (file_type, vec!["Page"]));
    }
}
