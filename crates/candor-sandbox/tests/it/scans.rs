//! Workers with the engine in them: what is looked at together is found as what is looked at alone.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{Seek as _, Write as _};
use std::time::Duration;

use candor_database::{Builder, Image};
use candor_engine::Options;
use candor_model::Target;
use candor_sandbox::message::Answer;
use candor_sandbox::{Entry, Lane, Outcome, Sandbox, Setup, Task, worker};
use candor_signature::{Input, clamav};

/// An image that finds a text, and files of these digests. One names no size, so every file is hashed.
fn image(digests: &str) -> Image {
    let mut builder = Builder::new();
    let digests = format!("{digests}00000000000000000000000000000000:*:Any:73\n");
    let inputs = [
        Input { name: "test.ndb", bytes: b"Text:0:*:6e6565646c6520696e206974\n" },
        Input { name: "test.hsb", bytes: digests.as_bytes() },
    ];
    clamav::load(&inputs, clamav::Options::default(), &mut builder, &mut |_| ());
    Image::from_vec(builder.finish().unwrap()).unwrap()
}

fn noise(length: usize, step: u32) -> Vec<u8> {
    (0..u32::try_from(length).unwrap())
        .map(|at| at.wrapping_mul(0x9e37_79b1).wrapping_mul(2 * step + 1).to_le_bytes()[3])
        .collect()
}

/// What is said of each file; `claimed` is how much longer than it is a file is said to be.
fn scan(image: &Image, files: &[(&[u8], u64)], batch: usize) -> BTreeMap<usize, String> {
    let options = Options { all_matches: true, ..Options::default() };
    let sandbox =
        Sandbox::start(Setup::new(Task::Scan), |jailed| worker::scan(jailed, image, &options, None)).unwrap();
    let mut lane = Lane::new(&sandbox, batch);
    for (token, (bytes, claimed)) in files.iter().enumerate() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file.rewind().unwrap();
        let length = bytes.len() as u64 + claimed;
        lane.push(Entry { file: file.into(), identity: None, length, name: token.to_string(), token });
    }
    let mut came = BTreeMap::new();
    while !lane.is_empty() {
        let Some((token, outcome)) = lane.next(Duration::from_secs(20)) else { continue };
        let Outcome::Answer(Answer::Scanned { read, partial, report }) = outcome else {
            panic!("{token}: {outcome:?}")
        };
        let mut text = format!("{read} {} {}", report.verdict.name(), partial.unwrap_or_default());
        for finding in &report.findings {
            write!(text, " {} at {:?}", finding.signature, finding.matches.first().map(|found| found.offset))
                .unwrap();
        }
        assert_eq!(came.insert(token, text), None);
    }
    came
}

#[test]
fn large_files_are_found_together_as_alone() {
    let mut files: Vec<Vec<u8>> = Vec::new();
    for (number, length) in (0..).zip([300_000, 5_000, 400_001, 280_000, 262_144]) {
        files.push(noise(length, number));
    }
    for (number, at) in [(0, 299_988), (3, 16_380)] {
        files[number][at..at + 12].copy_from_slice(b"needle in it");
    }
    let empty = image("");
    let mut digests = String::new();
    for number in [2, 3] {
        let (digest, _) = empty.screening(Target::Other, &files[number]).finish();
        let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        writeln!(digests, "{hex}:{}:Whole{number}:73", files[number].len()).unwrap();
    }
    let image = image(&digests);
    let given: Vec<(&[u8], u64)> = files.iter().map(|file| (file.as_slice(), 0)).collect();
    let together = scan(&image, &given, 64);
    assert_eq!(together, scan(&image, &given, 1));
    assert_eq!(together[&0], "300000 infected  Text at Some(299988)");
    assert_eq!(together[&1], "5000 clean ");
    assert_eq!(together[&2], "400001 infected  Whole2 at Some(0)");
    assert!(together[&3].contains("Whole3") && together[&3].contains("Text"), "{}", together[&3]);
    assert_eq!(together[&4], "262144 clean ");
}

#[test]
fn a_file_that_became_shorter_is_told_among_others_too() {
    let files = [noise(300_000, 1), noise(290_000, 2), noise(280_000, 3)];
    let given = [(&files[0][..], 0), (&files[1][..], 4096), (&files[2][..], 0)];
    let came = scan(&image(""), &given, 64);
    assert_eq!(came[&0], "300000 clean ");
    assert_eq!(came[&1], "290000 clean it became shorter while it was read: 290000 of 294096 bytes");
    assert_eq!(came[&2], "280000 clean ");
}
