//! Children that wait for others: nobody can tell but by the order in which the parser and the loop work.

use std::sync::Mutex;

use candor_model::{
    ChildKind, Content, FileType, Flow, Interrupt, Limits, Member, Normalisation, PerceptualHash, Reason,
    Report, Sink, Verdict,
};
use proptest::prelude::*;

use super::Broken;
use super::verdicts::{any, signatures};
use crate::formats::Formats;
use crate::{Options, Scanner};

/// Archives: `T`, then members, each a kind, the length that it says, the length that it has, both in three bytes,
/// and content. Kinds: `b` bytes where they stand, `c` a copy of them, `s` a stream, `d` a stream that breaks off, `n` a
/// normalised copy, `a` one that cannot be had, `i` none, but something that is told to be incomplete.
#[derive(Debug, Default)]
struct Archives {
    /// What happened: `+` a member was given, `-` something else than an archive was identified.
    log: Mutex<String>,
}

impl Formats for Archives {
    fn identify(&self, bytes: &[u8]) -> FileType {
        if bytes.first() == Some(&b'T') {
            return FileType::Zip;
        }
        self.log.lock().unwrap().push('-');
        FileType::BinaryData
    }

    fn unpack(&self, file_type: FileType, bytes: &[u8], sink: &mut dyn Sink) {
        if file_type != FileType::Zip {
            return;
        }
        let (mut rest, mut position) = (&bytes[1..], 0);
        while let [kind, a, b, c, d, e, f, tail @ ..] = rest {
            let says = u32::from_be_bytes([0, *a, *b, *c]);
            let (content, behind) = tail.split_at(u32::from_be_bytes([0, *d, *e, *f]) as usize);
            rest = behind;
            position += 1;
            let member = Member { position, real_size: Some(says.into()), ..Member::default() };
            let (copy, mut plain) = (content.to_vec(), content);
            let mut broken = std::io::Read::chain(content, Broken);
            let given = match kind {
                b'i' => {
                    sink.incomplete(Reason::Malformed(format!("member {position}")));
                    continue;
                }
                b'a' => Content::Absent(Reason::Encrypted),
                b'c' => Content::Bytes(&copy),
                b's' => Content::Stream(&mut plain),
                b'd' => Content::Stream(&mut broken),
                _ => Content::Bytes(content),
            };
            let kind = match kind {
                b'n' => ChildKind::Normalised(Normalisation::Text),
                _ => ChildKind::Extracted,
            };
            self.log.lock().unwrap().push('+');
            if sink.child(kind, &member, given) == Flow::Stop {
                return;
            }
        }
    }

    fn image_hash(&self, _: &[u8], _: FileType) -> Option<PerceptualHash> {
        None
    }
}

/// One member: its kind, the length that it says, its content.
type Row = (u8, usize, Vec<u8>);

fn archive(rows: &[Row]) -> Vec<u8> {
    let number = |length: usize| u32::try_from(length).unwrap().to_be_bytes()[1..].to_vec();
    let each = rows.iter().flat_map(|(kind, says, content)| {
        [vec![*kind], number(*says), number(content.len()), content.clone()]
    });
    [b"T".to_vec()].into_iter().chain(each).flatten().collect()
}

fn scan(file: &[u8], limits: Limits, all_matches: bool) -> (Report, String) {
    let sizes = "2c5d7a1b5c9f4e0d8a3b6c7d8e9f0a1b:*:Test.Sum:73\n";
    let image = signatures(&[("test.ndb", &any("Test.Body-1", "needle")), ("test.hsb", sizes)]);
    let formats = Archives::default();
    let options = Options { limits, all_matches, ..Options::default() };
    let report = Scanner::with_formats(&image, options, &formats).scan(file, "file", &Interrupt::new());
    (report, formats.log.into_inner().unwrap())
}

/// So near that nothing waits.
fn near() -> Limits {
    Limits { max_file_size: (64 << 20) - 1, ..Limits::default() }
}

fn filled(length: usize, with: &[u8]) -> Vec<u8> {
    [with, &vec![b'.'; length]].concat()
}

#[test]
fn small_children_wait_for_each_other_where_limits_are_far() {
    let rows: Vec<Row> = (0..6).map(|_| (b's', 2000, filled(2000, b""))).collect();
    assert_eq!(scan(&archive(&rows), Limits::default(), true).1, "++++++------");
    assert_eq!(scan(&archive(&rows), near(), true).1, "+-+-+-+-+-+-");
    for limits in [
        Limits { max_memory: (64 << 20) - 1, ..Limits::default() },
        Limits { max_scan_size: 64 << 20, ..Limits::default() },
        Limits { max_children: 63, ..Limits::default() },
    ] {
        assert_eq!(scan(&archive(&rows), limits, true).1, "+-+-+-+-+-+-");
    }
    // What is smaller is not worth it, unless others wait.
    let tiny: Vec<Row> = (0..3).map(|_| (b'b', 9, filled(9, b""))).collect();
    assert_eq!(scan(&archive(&tiny), Limits::default(), true).1, "+-+-+-");
    assert_eq!(scan(&archive(&[&rows[..1], &tiny].concat()), Limits::default(), true).1, "++++----");
}

#[test]
fn whatever_cannot_wait_comes_behind_what_does() {
    let small: Row = (b's', 2000, filled(2000, b""));
    for (row, log) in [
        ((b'c', 2000, filled(2000, b"")), "++--"),
        ((b's', 1 << 20, filled(1 << 20, b"")), "++--"),
        ((b'n', 2000, filled(2000, b"")), "++-"),
        ((b'a', 2000, Vec::new()), "++-"),
        ((b'i', 0, Vec::new()), "+-"),
    ] {
        let (report, found) = scan(&archive(&[small.clone(), row.clone()]), Limits::default(), true);
        assert_eq!(found, log, "{}", char::from(row.0));
        assert_eq!(report, scan(&archive(&[small.clone(), row]), near(), true).0);
    }
}

#[test]
fn what_is_missing_behind_what_is_enough_is_not_told() {
    let found = (b's', 2000, filled(2000, b"a needle"));
    let rows = [found, (b'i', 0, Vec::new()), (b'i', 0, Vec::new())];
    let (report, log) = scan(&archive(&rows), Limits::default(), false);
    assert_eq!((report.verdict, log.as_str()), (Verdict::Infected, "+-"));
    assert_eq!(report.incomplete, []);
    assert_eq!(report, scan(&archive(&rows), near(), false).0);
}

#[test]
fn only_so_many_wait() {
    let file = |count: usize, length: usize| {
        archive(&(0..count).map(|_| (b's', length, filled(length, b""))).collect::<Vec<_>>())
    };
    assert!(scan(&file(65, 1024), Limits::default(), true).1.starts_with(&"+".repeat(64)));
    assert!(scan(&file(65, 1024), Limits::default(), true).1.ends_with(&format!("{}+-", "-".repeat(64))));
    // A mebibyte of what was read.
    let log = scan(&file(20, 100 << 10), Limits::default(), true).1;
    assert_eq!(log, format!("{}{}{}{}", "+".repeat(11), "-".repeat(11), "+".repeat(9), "-".repeat(9)));
}

#[test]
fn a_stream_that_is_longer_than_it_says_is_read_to_its_end() {
    let mut long = filled(300_000, b"");
    long.extend(b"needle");
    let rows = [(b's', 2000, filled(2000, b"")), (b's', 2000, long.clone()), (b'd', 2000, long)];
    let (report, _) = scan(&archive(&rows), Limits::default(), true);
    assert_eq!(report.verdict, Verdict::Infected);
    let paths: Vec<_> = report.findings.iter().map(|finding| finding.path.join("/")).collect();
    assert_eq!(paths, ["#2", "#3", ""]);
    assert_eq!(
        report.layers.iter().map(|layer| layer.length).skip(1).collect::<Vec<_>>(),
        [2000, 300_006, 300_006]
    );
    assert_eq!(report, scan(&archive(&rows), near(), true).0);
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let leaf = (prop_oneof![Just(0), Just(5), Just(1100), Just(5000)], any_content())
        .prop_map(|(length, content): (usize, &'static [u8])| filled(length, content))
        .boxed();
    let kinds = || prop::sample::select(&b"bcsdnais"[..]);
    let row = |content: BoxedStrategy<Vec<u8>>| {
        (kinds(), content, prop_oneof![Just(0), Just(1), Just(900)])
            .prop_map(|(kind, content, less)| (kind, content.len().saturating_sub(less), content))
    };
    let inner = prop::collection::vec(row(leaf.clone()), 0..6).prop_map(|rows| archive(&rows));
    prop::collection::vec(row(prop_oneof![4 => leaf, 1 => inner.boxed()].boxed()), 0..12)
}

fn any_content() -> impl Strategy<Value = &'static [u8]> {
    prop_oneof![6 => Just(&b""[..]), 1 => Just(&b"a needle"[..])]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn that_some_wait_changes_no_report(rows in rows()) {
        let file = archive(&rows);
        prop_assert_eq!(scan(&file, Limits::default(), true).0, scan(&file, near(), true).0);
        // More may have been read when something is found.
        let (one, other) = (scan(&file, Limits::default(), false).0, scan(&file, near(), false).0);
        prop_assert_eq!(Report { bytes: other.bytes, ..one }, other);
    }
}
