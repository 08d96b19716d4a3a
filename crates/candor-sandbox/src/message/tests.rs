//! What is written is read as it was, and what nobody would write is refused.

use candor_model::{
    FileType, Finding, Incomplete, LayerId, LayerSummary, Match, Normalisation, Origin, Reason, Strength,
    Verdict,
};
use proptest::prelude::*;

use super::*;

fn finding(strength: Strength) -> Finding {
    Finding {
        signature: String::from("Found.Me-1"),
        origin: Origin { source: String::from("daily.cvd/daily.ldb"), line: 77 },
        official: true,
        strength,
        language: "ldb",
        layer: LayerId(3),
        file_type: FileType::Html,
        path: vec![String::from("a.zip"), String::new(), String::from("ü.html")],
        normalised: Some(Normalisation::HtmlNoTags),
        matches: vec![
            Match { offset: 1 << 40, length: 0, subsignature: None },
            Match { offset: 0, length: 9, subsignature: Some(63) },
        ],
    }
}

fn report(findings: Vec<Finding>, incomplete: Vec<Incomplete>) -> Report {
    let strongest = findings.iter().map(|finding| finding.strength).max();
    Report {
        verdict: match strongest {
            Some(Strength::Strong) => Verdict::Infected,
            Some(Strength::PotentiallyUnwanted) => Verdict::Suspicious,
            _ if incomplete.is_empty() => Verdict::Clean,
            _ => Verdict::Incomplete,
        },
        file_type: FileType::Zip,
        findings,
        incomplete,
        trusted: Some(String::from("Trusted")),
        layers: vec![LayerSummary {
            id: LayerId(0),
            parent: None,
            name: String::from("x.zip"),
            file_type: FileType::Zip,
            length: 5,
            md5: Some([7; 16]),
        }],
        bytes: 12,
    }
}

fn scanned(report: Report) -> Answer {
    Answer::Scanned { read: 5, partial: Some(String::from("cut")), report: Box::new(report) }
}

fn reasons() -> Vec<Incomplete> {
    let text = || String::from("why");
    [
        Reason::Cancelled,
        Reason::Children,
        Reason::Crashed,
        Reason::Depth,
        Reason::Encrypted,
        Reason::FileSize,
        Reason::Malformed(text()),
        Reason::Memory,
        Reason::NormaliseSize,
        Reason::Ratio,
        Reason::RegexSteps(text()),
        Reason::ScanSize,
        Reason::SearchSteps,
        Reason::Timeout,
        Reason::Unreadable(text()),
        Reason::Unsupported(text()),
        Reason::Growth,
        Reason::Work,
    ]
    .into_iter()
    .map(|reason| Incomplete { layer: LayerId(1), path: vec![text()], reason })
    .collect()
}

fn words() -> Vec<Word> {
    vec![
        Word::Jailed(0xffff),
        Word::Ready,
        Word::Layer(LayerSummary {
            id: LayerId(3),
            parent: Some(LayerId(0)),
            name: String::from("a.txt"),
            file_type: FileType::TextAscii,
            length: 12,
            md5: None,
        }),
        Word::Facts { layer: 3, facts: vec![(String::from("signer"), String::from("nobody"))] },
        Word::Content { layer: 3, bytes: vec![1, 2, 3] },
        Word::Record { last: false, bytes: vec![1, 2, 3] },
        Word::Record { last: true, bytes: Vec::new() },
        Word::Answers(vec![
            scanned(report(vec![finding(Strength::Strong), finding(Strength::Weak)], reasons())),
            Answer::TooLarge(None),
            Answer::TooLarge(Some(u64::MAX)),
            Answer::Unreadable(String::from("input/output error")),
            Answer::Defect(String::from("the engine failed")),
            scanned(report(Vec::new(), reasons())),
            scanned(report(vec![finding(Strength::PotentiallyUnwanted)], Vec::new())),
            scanned(report(vec![finding(Strength::Weak)], Vec::new())),
        ]),
        Word::Part { bytes: vec![1, 2, 3], last: true },
        Word::Diagnostic(Diagnostic {
            error: true,
            source: String::from("a.ndb"),
            line: 1,
            column: 2,
            message: String::from("odd number of digits"),
        }),
        Word::Summary(Summary { source: String::from("a.ndb"), numbers: [1, 2, 3, 4, 5] }),
        Word::Compiled(Ok(Sums { accepted: 1, refused: 2, length: 3 })),
        Word::Compiled(Err(String::from("no signature"))),
        Word::Attempted(Ok(-7)),
        Word::Attempted(Err(13)),
        Word::LastWords(String::from("memory allocation of 7 bytes failed")),
    ]
}

fn orders() -> Vec<Order> {
    let files = vec![
        Given { name: String::from("a"), length: 7, careful: false },
        Given { name: String::new(), length: u64::MAX, careful: true },
    ];
    vec![
        Order::Unpack { file: files[0].clone(), contents: true },
        Order::Files(files.clone()),
        Order::Sources { sources: files, last: true },
        Order::Attempt(9),
    ]
}

#[test]
fn everything_comes_back_as_it_was() {
    for word in words() {
        assert_eq!(Word::decode(&word.encode()).as_ref(), Ok(&word));
    }
    for order in orders() {
        assert_eq!(Order::decode(&order.encode()).as_ref(), Ok(&order));
    }
}

#[test]
fn what_is_cut_short_or_has_more_is_malformed() {
    for packet in words().iter().filter(|word| !is_free(word)).map(Word::encode) {
        for end in 0..packet.len() {
            // A packet of answers may end behind any of them.
            let cut = Word::decode(&packet[..end]);
            assert!(cut.is_err() || matches!(cut, Ok(Word::Answers(_))), "{end} of {packet:?}");
        }
        assert!(Word::decode(&[packet.as_slice(), &[9]].concat()).is_err());
    }
    for packet in orders().iter().map(Order::encode) {
        assert!((0..packet.len()).all(|end| Order::decode(&packet[..end]).is_err()));
        assert!(Order::decode(&[packet.as_slice(), &[0]].concat()).is_err());
    }
}

/// Words that have no end of their own.
fn is_free(word: &Word) -> bool {
    matches!(word, Word::Content { .. } | Word::Part { .. } | Word::Record { .. } | Word::LastWords(_))
}

#[test]
fn a_verdict_that_does_not_fit_is_malformed() {
    let mut lie = report(vec![finding(Strength::Strong)], Vec::new());
    lie.verdict = Verdict::Clean;
    assert!(Word::decode(&Word::Answers(vec![scanned(lie)]).encode()).is_err());
    let mut lie = report(Vec::new(), reasons());
    lie.verdict = Verdict::Clean;
    assert!(Word::decode(&Word::Answers(vec![scanned(lie)]).encode()).is_err());
}

#[test]
fn counts_that_nothing_stands_behind_cost_no_memory() {
    let mut packet = vec![VERSION, 1];
    packet.extend(u32::MAX.to_le_bytes());
    assert_eq!(Order::decode(&packet), Err(Malformed::Excess("files")));
    let mut packet = vec![VERSION, 3, 0];
    packet.extend([0; 8]);
    packet.extend([0, 0, 0]);
    packet.extend([0; 8]);
    packet.push(0);
    packet.extend(19_999_u32.to_le_bytes());
    assert_eq!(Word::decode(&packet), Err(Malformed::Short));
}

#[test]
fn an_answer_of_any_length_goes_over_in_packets() {
    let mut large = report(Vec::new(), Vec::new());
    large.layers = (0..60_000)
        .map(|number| LayerSummary {
            id: LayerId(number),
            parent: Some(LayerId(0)),
            name: format!("member {number}"),
            file_type: FileType::Html,
            length: 1,
            md5: None,
        })
        .collect();
    let answers = [scanned(report(Vec::new(), reasons())), scanned(large), Answer::TooLarge(None)];
    let mut packer = Packer::default();
    let mut packets: Vec<Vec<u8>> = Vec::new();
    let mut send = |packet: &[u8]| {
        packets.push(packet.to_vec());
        Ok::<(), ()>(())
    };
    answers.iter().for_each(|answer| packer.push(answer, &mut send).unwrap());
    packer.flush(&mut send).unwrap();
    packer.flush(&mut send).unwrap();
    assert!(packets.len() > 10 && packets.iter().all(|packet| packet.len() <= PACKET));
    let mut got = Vec::new();
    let mut long = Vec::new();
    for packet in packets {
        match Word::decode(&packet).unwrap() {
            Word::Answers(answers) => got.extend(answers),
            Word::Part { bytes, last } => {
                long.extend(bytes);
                if last {
                    got.push(Answer::decode(&std::mem::take(&mut long)).unwrap());
                }
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(got, answers);
}

#[test]
fn what_was_found_outlives_any_number_of_layers() {
    let mut large = report(vec![finding(Strength::Strong)], Vec::new());
    large.layers = (0..20_000)
        .map(|number| LayerSummary {
            id: LayerId(number),
            parent: None,
            name: "n".repeat(1000),
            file_type: FileType::Html,
            length: 1,
            md5: None,
        })
        .collect();
    let mut out = Vec::new();
    worker::put_answer(&mut out, &scanned(large.clone()));
    assert!(out.len() < LONGEST_ANSWER);
    let Answer::Scanned { report, .. } = Answer::decode(&out).unwrap() else { panic!() };
    assert_eq!(report.findings, large.findings);
    assert!(report.layers.len() > 5000);
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused_and_read_back_the_same(bytes: Vec<u8>) {
        if let Ok(word) = Word::decode(&bytes) && !is_free(&word) {
            prop_assert_eq!(word.encode(), bytes.clone());
        }
        if let Ok(order) = Order::decode(&bytes) {
            prop_assert_eq!(order.encode(), bytes);
        }
    }

    #[test]
    fn a_changed_byte_is_read_or_refused(which in 0..8_usize, place: prop::sample::Index, byte: u8) {
        let mut packet = words()[which].encode();
        let place = place.index(packet.len());
        packet[place] = byte;
        if let Ok(word) = Word::decode(&packet) && !is_free(&word) {
            prop_assert_eq!(word.encode(), packet);
        }
    }
}
