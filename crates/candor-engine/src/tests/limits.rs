//! Limits and interrupts: nothing is overspent, and what is left out is said.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;

use candor_model::{
    Budget, ChildKind, Content, FileType, Flow, Interrupt, LayerId, Limits, Member, PerceptualHash, Reason,
    Report, Sink, Verdict,
};
use proptest::prelude::*;

use super::{Tree, Trees, image, leaf, nested, node, reasons};
use crate::formats::Formats;
use crate::{DEEPEST, Finding, Observer, Options, PotentiallyUnwanted, Scanner};

fn scan_with(tree: &Tree, limits: Limits, interrupt: &Interrupt) -> Report {
    let image = image();
    let options = Options { limits, ..Options::default() };
    Scanner::with_formats(&image, options, &Trees).scan(&tree.bytes(), "file", interrupt)
}

fn scan(tree: &Tree, limits: Limits) -> Report {
    scan_with(tree, limits, &Interrupt::new())
}

fn limits() -> Limits {
    Limits { max_file_size: 1 << 20, max_scan_size: 4 << 20, max_ratio: 10, ..Limits::default() }
}

#[test]
fn every_layer_is_listed_with_its_parent() {
    let tree = node(&[
        (b's', node(&[(b'b', leaf(b"one")), (b's', leaf(b"two"))])),
        (b'e', leaf(b"three")),
        (b't', leaf(b"a copy is no layer")),
    ]);
    let report = scan(&tree, limits());
    assert_eq!(report.verdict, Verdict::Clean);
    assert_eq!(report.file_type, FileType::Zip);
    let layers: Vec<_> = report
        .layers
        .iter()
        .map(|layer| (layer.id.0, layer.parent, layer.name.as_str(), layer.length))
        .collect();
    let inner = node(&[(b'b', leaf(b"one")), (b's', leaf(b"two"))]).bytes().len() as u64;
    assert_eq!(
        layers,
        [
            (0, None, "file", tree.bytes().len() as u64),
            (1, Some(LayerId(0)), "m1", inner),
            (2, Some(LayerId(1)), "m1", 3),
            (3, Some(LayerId(1)), "m2", 3),
            (4, Some(LayerId(0)), "m2", 5),
        ]
    );
    // Copies are paid for too.
    assert_eq!(report.bytes, tree.bytes().len() as u64 + inner + 3 + 3 + 5 + 18);
}

#[test]
fn an_empty_file_is_clean() {
    let report = scan(&leaf(b""), limits());
    assert_eq!((report.verdict, report.bytes, report.layers.len()), (Verdict::Clean, 0, 1));
}

#[test]
fn depth_is_a_reason() {
    let deep = Limits { max_depth: 4, ..limits() };
    assert_eq!(scan(&nested(3), deep).verdict, Verdict::Clean);
    let report = scan(&nested(4), deep);
    assert_eq!(report.verdict, Verdict::Incomplete);
    assert_eq!(report.layers.len(), 4);
    let path = vec!["m1".to_owned(); 4];
    assert_eq!(reasons(&report), [(path.as_slice(), &Reason::Depth)]);
}

#[test]
fn a_sibling_of_what_is_too_deep_is_still_opened() {
    let tree = node(&[(b's', nested(3)), (b's', leaf(b"beside"))]);
    let report = scan(&tree, Limits { max_depth: 2, ..limits() });
    assert!(report.layers.iter().any(|layer| layer.name == "m2"));
    assert_eq!(report.verdict, Verdict::Incomplete);
}

#[test]
fn no_limit_allows_more_depth_than_the_stack_does() {
    let report = scan(&nested(DEEPEST + 50), Limits { max_depth: u32::MAX, ..limits() });
    assert_eq!(report.layers.len(), DEEPEST as usize);
    assert_eq!(report.verdict, Verdict::Incomplete);
}

#[test]
fn the_number_of_children_is_a_reason() {
    let tree = Tree::Node((0..20).map(|_| (b's', leaf(b"child"))).collect());
    let report = scan(&tree, Limits { max_children: 5, ..limits() });
    assert_eq!(report.verdict, Verdict::Incomplete);
    assert_eq!(report.layers.len(), 6);
    assert_eq!(reasons(&report), [(["m6".to_owned()].as_slice(), &Reason::Children)]);
    assert_eq!(scan(&tree, Limits { max_children: 20, ..limits() }).verdict, Verdict::Clean);
}

#[test]
fn what_is_unpacked_may_be_so_many_times_larger_than_the_file() {
    // Applies only past 400 mebibytes, so the layers here are counted and not written out.
    let length = 32 << 20;
    let budget = |max_growth, max_scan_size| {
        Budget::new(Limits { max_growth, max_scan_size, ..Limits::default() }, Interrupt::new(), length)
    };
    let free = budget(2, 1 << 40);
    assert_eq!((free.remaining(), free.exhaustion()), (length + (400 << 20), Reason::Growth));
    let grown = budget(100, 1 << 40);
    assert_eq!((grown.remaining(), grown.exhaustion()), (length * 101, Reason::Growth));
    let capped = budget(100, 1 << 30);
    assert_eq!((capped.remaining(), capped.exhaustion()), (1 << 30, Reason::ScanSize));
    let mut spent = budget(2, 1 << 40);
    assert_eq!(spent.spend(length + (400 << 20)), Ok(()));
    assert_eq!(spent.spend(1), Err(Reason::Growth));
}

#[test]
fn only_so_much_of_what_is_unpacked_is_held_at_once() {
    let limits = Limits { max_memory: 10_000, ..limits() };
    // One after the other they need the memory of the largest alone.
    let beside = node(&[(b's', leaf(&[1; 9_000])), (b's', leaf(&[2; 9_000]))]);
    assert_eq!(scan(&beside, limits).verdict, Verdict::Clean);
    // Inside one another they need it together.
    let inside = node(&[(b's', node(&[(b's', leaf(&[1; 6_000]))]))]);
    let report = scan(&inside, limits);
    assert_eq!(report.verdict, Verdict::Incomplete);
    let path = vec!["m1".to_owned(); 2];
    assert_eq!(reasons(&report), [(path.as_slice(), &Reason::Memory)]);
    // What stands in the file as it is needs none.
    let stored = node(&[(b'e', node(&[(b'e', leaf(&[1; 20_000]))]))]);
    assert_eq!(scan(&stored, limits).verdict, Verdict::Clean);
}

#[test]
fn a_large_file_is_looked_at_up_to_the_limit() {
    let report = scan(&leaf(&[1; 5000]), Limits { max_file_size: 4999, ..limits() });
    assert_eq!(report.verdict, Verdict::Incomplete);
    assert_eq!(report.bytes, 4999);
    assert_eq!(reasons(&report), [([].as_slice(), &Reason::FileSize)]);
    assert_eq!(scan(&leaf(&[1; 5000]), Limits { max_file_size: 5000, ..limits() }).verdict, Verdict::Clean);
}

#[test]
fn what_a_limit_cut_is_not_called_malformed() {
    let tree = node(&[(b'i', leaf(b"")), (b'd', leaf(&[1; 5000]))]);
    let report = scan(&tree, Limits { max_file_size: 3000, ..limits() });
    let member = ["m2".to_owned()];
    assert_eq!(
        reasons(&report),
        [([].as_slice(), &Reason::FileSize), (member.as_slice(), &Reason::FileSize)]
    );
    // What is malformed without it is.
    let report = scan(&tree, limits());
    assert!(reasons(&report).iter().all(|(_, reason)| matches!(reason, Reason::Malformed(_))));
    assert_eq!(reasons(&report).len(), 2);
}

#[test]
fn a_large_member_is_looked_at_up_to_the_limit() {
    for kind in [b's', b'b', b'e'] {
        // The container is as large as its member, so it is under the limit of the scan alone.
        let tree = node(&[(kind, leaf(&[1; 5000])), (kind, leaf(b"next"))]);
        let report = scan(&tree, Limits { max_scan_size: 9000, ..limits() });
        assert_eq!(report.verdict, Verdict::Incomplete, "{}", kind as char);
        assert_eq!(report.bytes, 9000);
        assert_eq!(reasons(&report), [(["m1".to_owned()].as_slice(), &Reason::ScanSize)]);
        assert_eq!(report.layers.len(), 2, "nothing is left for the next one");
    }
}

#[test]
fn expansion_stops_at_the_first_limit() {
    let times = 3 << 20;
    let bomb = node(&[(b's', Tree::Bomb(times))]);
    let cases = [
        (Limits { max_file_size: 8 << 20, ..limits() }, Reason::Ratio, 1 << 20),
        (Limits { max_file_size: 100_000, ..limits() }, Reason::FileSize, 100_000),
        (Limits { max_scan_size: 50_000, ..limits() }, Reason::ScanSize, 50_000 - 6),
    ];
    for (limits, reason, length) in cases {
        let report = scan(&bomb, limits);
        assert_eq!(report.verdict, Verdict::Incomplete);
        assert_eq!(reasons(&report), [(["m1".to_owned()].as_slice(), &reason)]);
        assert_eq!(report.layers[1].length, length, "what was read is still looked at");
    }
    let roomy = Limits { max_file_size: 8 << 20, max_ratio: times, ..limits() };
    assert_eq!(scan(&bomb, roomy).verdict, Verdict::Clean);
}

#[test]
fn a_limit_that_is_just_met_is_no_reason() {
    let bomb = node(&[(b's', Tree::Bomb(1 << 20))]);
    let report = scan(&bomb, Limits { max_file_size: 1 << 20, ..limits() });
    assert_eq!((report.verdict, report.layers[1].length), (Verdict::Clean, 1 << 20));
}

#[test]
fn an_encrypted_member_is_incomplete_and_others_are_opened() {
    let report = scan(&node(&[(b'a', leaf(b"x")), (b's', leaf(b"plain"))]), limits());
    assert_eq!(report.verdict, Verdict::Incomplete);
    assert_eq!(reasons(&report), [(["m1".to_owned()].as_slice(), &Reason::Encrypted)]);
    assert_eq!(report.layers.len(), 2);
}

#[test]
fn what_a_broken_stream_gave_is_looked_at() {
    let report = scan(&node(&[(b'd', leaf(b"half")), (b's', leaf(b"next"))]), limits());
    assert_eq!(report.verdict, Verdict::Incomplete);
    let reason = Reason::Malformed("the stream is damaged".to_owned());
    assert_eq!(reasons(&report), [(["m1".to_owned()].as_slice(), &reason)]);
    assert_eq!(report.layers.iter().map(|layer| layer.length).collect::<Vec<_>>()[1..], [4, 4]);
}

#[test]
fn an_interrupt_ends_the_scan_and_says_why() {
    for (raise, reason) in
        [(Interrupt::time_out as fn(&Interrupt), Reason::Timeout), (Interrupt::cancel, Reason::Cancelled)]
    {
        let interrupt = Interrupt::new();
        raise(&interrupt);
        let report = scan_with(&nested(3), limits(), &interrupt);
        assert_eq!(report.verdict, Verdict::Incomplete);
        assert_eq!(reasons(&report), [([].as_slice(), &reason)]);
        assert_eq!(report.layers.len(), 1);
        interrupt.reset();
        assert_eq!(scan_with(&nested(3), limits(), &interrupt).verdict, Verdict::Clean);
    }
}

/// Raises an interrupt when it sees a layer, and keeps the bytes of all.
#[derive(Default)]
struct Watcher {
    interrupt: Option<(u32, Interrupt)>,
    seen: BTreeMap<u32, Vec<u8>>,
}

impl Observer for Watcher {
    fn layer(&mut self, id: LayerId, _file_type: FileType, bytes: &[u8], findings: &[Finding]) {
        assert!(findings.is_empty());
        self.seen.insert(id.0, bytes.to_vec());
        if let Some((at, interrupt)) = &self.interrupt
            && *at == id.0
        {
            interrupt.time_out();
        }
    }
}

#[test]
fn an_interrupt_between_layers_keeps_what_was_seen() {
    let interrupt = Interrupt::new();
    let mut watcher = Watcher { interrupt: Some((1, interrupt.clone())), ..Watcher::default() };
    let tree = node(&[(b's', leaf(b"one")), (b's', leaf(b"two")), (b's', leaf(b"three"))]);
    let image = image();
    let mut scanner = Scanner::with_formats(&image, Options::default(), &Trees);
    let report = scanner.scan_observed(&tree.bytes(), "file", &interrupt, &mut watcher);
    assert_eq!(report.verdict, Verdict::Incomplete);
    assert_eq!(reasons(&report).last().unwrap().1, &Reason::Timeout);
    assert_eq!(report.layers.len(), 2);
}

#[test]
fn an_observer_sees_the_bytes_of_every_layer() {
    let mut watcher = Watcher::default();
    let tree = node(&[(b's', leaf(b"one")), (b'b', leaf(b"two")), (b't', leaf(b"copy"))]);
    let image = image();
    let mut scanner = Scanner::with_formats(&image, Options::default(), &Trees);
    let _ = scanner.scan_observed(&tree.bytes(), "file", &Interrupt::new(), &mut watcher);
    let seen: Vec<_> = watcher.seen.values().map(Vec::as_slice).collect();
    assert_eq!(seen, [tree.bytes().as_slice(), b"one", b"two"]);
}

#[test]
fn names_in_reports_are_bounded() {
    let long = "é".repeat(5_000);
    let kept = crate::record::shorten(&long);
    assert!(kept.len() <= 1_024 && long.starts_with(&kept));
    assert_eq!(crate::record::shorten("short"), "short");
}

#[test]
fn categories_are_whole_components_of_a_name() {
    let of = |list: &[&str]| list.iter().map(|&category| category.to_owned()).collect::<Vec<_>>();
    let name = "PUA.Win.Tool.Example-1";
    assert!(!PotentiallyUnwanted::Off.counts(name));
    assert!(PotentiallyUnwanted::Except(Vec::new()).counts(name));
    assert!(!PotentiallyUnwanted::Except(of(&["Win"])).counts(name));
    assert!(!PotentiallyUnwanted::Except(of(&["Andr", "Tool"])).counts(name));
    assert!(PotentiallyUnwanted::Except(of(&["Wi", "win", "Example-1"])).counts(name));
    assert!(PotentiallyUnwanted::Only(of(&["Win.Tool"])).counts(name));
    assert!(!PotentiallyUnwanted::Only(of(&["Andr"])).counts(name));
    assert!(!PotentiallyUnwanted::Only(of(&["Win"])).counts("Win.Win.Example-1"));
}

fn trees() -> impl Strategy<Value = Tree> {
    let leaf = prop_oneof![
        4 => prop::collection::vec(any::<u8>(), 0..200).prop_map(Tree::Leaf),
        1 => (0u32..3_000_000).prop_map(Tree::Bomb),
    ];
    leaf.prop_recursive(12, 200, 8, |inner| {
        let kind = prop::sample::select(vec![b'b', b's', b's', b'e', b't', b'a', b'd']);
        prop::collection::vec((kind, inner), 0..8).prop_map(Tree::Node)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// Whatever the tree and the limits: nothing is overspent, and what is left out is said.
    #[test]
    fn no_limit_is_ever_exceeded(
        tree in trees(),
        max_depth in 1u32..8,
        max_children in 0u32..30,
        max_file_size in 0u64..20_000,
        max_scan_size in 0u64..2_000_000,
        max_ratio in 1u32..20,
    ) {
        let limits = Limits { max_depth, max_children, max_file_size, max_scan_size, max_ratio, ..Limits::default() };
        let report = scan(&tree, limits);
        prop_assert!(report.bytes <= max_scan_size);
        prop_assert!(report.layers.len() <= max_children as usize + 1);
        let mut depths = BTreeMap::new();
        for layer in &report.layers {
            let depth = layer.parent.map_or(1, |parent| depths[&parent] + 1);
            depths.insert(layer.id, depth);
            prop_assert!(depth <= max_depth);
            prop_assert!(layer.length <= max_file_size);
        }
        let everything = scan(&tree, Limits { max_ratio: 1 << 30, ..Limits::default() });
        let lengths = |report: &Report| report.layers.iter().map(|layer| layer.length).collect::<Vec<_>>();
        let complete = lengths(&report) == lengths(&everything) && report.bytes == everything.bytes;
        prop_assert!(complete || report.verdict == Verdict::Incomplete, "{report:?} {everything:?}");
        if report.incomplete.is_empty() {
            prop_assert_eq!(report, everything);
        }
    }
}

/// A parser that hands out children whatever it is told, and spends what it can get.
#[derive(Debug)]
struct Stubborn;

thread_local! {
    static SPENT: RefCell<u64> = const { RefCell::new(0) };
}

impl Formats for Stubborn {
    fn identify(&self, _: &[u8]) -> FileType {
        FileType::Zip
    }

    fn unpack(&self, _: FileType, _: &[u8], sink: &mut dyn Sink) {
        for position in 1..50 {
            let member = Member { position, ..Member::default() };
            let _ = sink.child(ChildKind::Extracted, &member, Content::Stream(&mut io::repeat(7)));
        }
        SPENT.with_borrow_mut(|spent| *spent = sink.budget().bytes());
    }

    fn image_hash(&self, _: &[u8], _: FileType) -> Option<PerceptualHash> {
        None
    }
}

#[test]
fn a_parser_that_does_not_stop_gets_nothing_more() {
    let image = image();
    let limits = Limits { max_scan_size: 5 << 20, max_ratio: 1, max_depth: 4, ..Limits::default() };
    let options = Options { limits, ..Options::default() };
    let report =
        Scanner::with_formats(&image, options, &Stubborn).scan(b"endless", "file", &Interrupt::new());
    assert_eq!(report.verdict, Verdict::Incomplete);
    assert!(report.bytes <= 5 << 20);
    assert!(SPENT.with_borrow(|spent| *spent) <= 5 << 20);
    assert!(report.incomplete.iter().any(|missed| missed.reason == Reason::ScanSize));
}

#[test]
fn work_that_stands_in_no_length_is_counted_for_a_file_with_all_its_layers() {
    let budget = |length| Budget::new(Limits::default(), Interrupt::new(), length);
    let mut small = budget(0);
    let whole = small.work();
    assert!(small.pay_work(whole - 1));
    // What there is not enough for is neither paid nor done.
    assert!(!small.pay_work(2));
    assert!(small.pay_work(1) && !small.pay_work(1));
    assert!(budget(1 << 20).work() > whole);
    assert_eq!(budget(u64::MAX).work(), u64::MAX);
}

/// Gives each layer once more, as a parser does that can read nothing of what a magic says; `a` turns into `b` and back.
#[derive(Debug)]
struct Mirrors;

impl Formats for Mirrors {
    fn identify(&self, _: &[u8]) -> FileType {
        FileType::CpioNewc
    }

    fn unpack(&self, file_type: FileType, bytes: &[u8], sink: &mut dyn Sink) {
        sink.incomplete(Reason::Malformed("the header".to_owned()));
        let other = if file_type == FileType::CpioNewc { FileType::Zstd } else { FileType::CpioNewc };
        for member in [
            Member::default(),
            Member { file_type: Some(other), ..Member::default() },
            Member { name: "part".to_owned(), file_type: Some(FileType::BinaryData), ..Member::default() },
        ] {
            let end = if member.name.is_empty() { bytes.len() } else { 3 };
            if file_type != FileType::BinaryData {
                let content = Content::Bytes(&bytes[..end]);
                assert_eq!(sink.child(ChildKind::Embedded { offset: 0 }, &member, content), Flow::Continue);
            }
        }
    }

    fn image_hash(&self, _: &[u8], _: FileType) -> Option<PerceptualHash> {
        None
    }
}

#[test]
fn a_layer_that_gives_itself_is_looked_at_once_as_each_type() {
    let image = image();
    let mut scanner = Scanner::with_formats(&image, Options::default(), &Mirrors);
    let report = scanner.scan(b"070701 is the magic", "file", &Interrupt::new());
    let types: Vec<_> = report.layers.iter().map(|layer| (layer.file_type, layer.length)).collect();
    let part = (FileType::BinaryData, 3);
    assert_eq!(types, [(FileType::CpioNewc, 19), (FileType::Zstd, 19), part, part]);
    assert_eq!(report.verdict, Verdict::Incomplete);
}
