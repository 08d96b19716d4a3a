//! Files that are cut short, at the ends of what they consist of and in between: what is missing is told. Nothing is
//! said of a file of which only a header is there, as there is nothing in it that could not be looked at, and of
//! formats that do not say how long they are.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{iter, thread};

use candor_engine::{Options, Scanner};
use candor_fixtures::marker::{Combination, MARKER, alone};
use candor_model::{Interrupt, Limits, Verdict};

use crate::signatures;

/// Up to this length a file that is cut may be clean.
const HEADER: usize = 64;

/// Formats of which longer beginnings may be clean, and up to which length. What they have in common is told by
/// the first word that their names begin with.
const LONGER: &[(&str, usize, &str)] = &[
    ("ar", 129, "up to the end of a member's header"),
    ("arj", 95, "up to the end of a member's header"),
    ("cpio", 217, "up to the end of a member's header"),
    ("tar", 1535, "up to the end of a member's header"),
    ("rar", 165, "a few bytes of a header are no header"),
    ("xz", 65, "what stands behind a whole stream is passed over, a cut header too"),
    ("onenote", 87, "up to the header of an object"),
    ("chm", 181, "up to the header of a directory"),
    ("lz4", 64, "the header of a frame"),
    ("gpt", 519, "up to the header of the table"),
    ("apm", 519, "up to the first row of the map"),
    ("fat", 512, "the boot sector"),
    ("exfat", 512, "the boot sector"),
    ("compress", usize::MAX, "has no length and no end"),
    ("cryptff", usize::MAX, "has no length and no end"),
    ("mail", usize::MAX, "text has no length"),
    ("pdf", usize::MAX, "what is there of a stream is given, and readers do not ask for its end"),
    ("eps preview", usize::MAX, "text has no length, and what is there of data in it is given"),
    ("ps", usize::MAX, "text has no length, and what is there of data in it is given"),
    ("rtf", usize::MAX, "text has no length"),
    ("word", usize::MAX, "text has no length"),
    ("quarantine", usize::MAX, "some products write no length"),
    ("gzip", usize::MAX, "what stands behind a whole stream is passed over, a cut header too"),
    ("zstd", usize::MAX, "what stands behind a whole frame is passed over, a cut header too"),
    ("vhd fixed", usize::MAX, "is the disk itself"),
];

/// Lengths at which to cut: where zeros begin and end, which is where most parts of volumes do, and in between.
fn cuts(bytes: &[u8]) -> BTreeSet<usize> {
    let count = if bytes.len() > 64 << 10 { 24 } else { 96 };
    let mut cuts: BTreeSet<usize> = (1..bytes.len()).step_by((bytes.len() / count).max(1)).collect();
    let mut edges = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let zeros = bytes[at..].iter().take_while(|byte| **byte == 0).count();
        if zeros >= 16 {
            edges.extend([at, at + zeros]);
        }
        at += zeros.max(1);
    }
    let step = edges.len().div_ceil(count).max(1);
    for edge in edges.into_iter().step_by(step) {
        cuts.extend([edge.saturating_sub(1), edge, edge + 1]);
    }
    cuts.retain(|cut| (1..bytes.len()).contains(cut));
    cuts
}

#[test]
fn what_is_missing_of_a_file_that_is_cut_is_told() {
    let digits: String = MARKER.iter().map(|byte| format!("{byte:02x}")).collect();
    let image = signatures(&[("test.ndb", &format!("Test.Marker:0:*:{digits}\n"))]);
    let limits = Limits { max_scan_size: 16 << 20, ..Limits::default() };
    let silent_of = |file: &Combination| {
        let mut scanner = Scanner::new(&image, Options { limits, ..Options::default() });
        let whole = candor_identify::identify(&file.bytes);
        let longer = LONGER.iter().find(|(name, _, _)| file.name.starts_with(name));
        let header = longer.map_or(HEADER, |(_, header, _)| *header);
        let mut silent = Vec::new();
        for cut in cuts(&file.bytes) {
            let bytes = &file.bytes[..cut];
            let report = scanner.scan(bytes, "file", &Interrupt::new());
            if cut > header && report.verdict == Verdict::Clean && report.file_type == whole {
                silent.push(format!("{} cut at {cut} of {}", file.name, file.bytes.len()));
            }
        }
        silent
    };
    // It takes longer than all other tests: on two threads.
    let files = alone();
    let next = AtomicUsize::new(0);
    let work = || {
        let files = iter::from_fn(|| files.get(next.fetch_add(1, Ordering::Relaxed)));
        files.flat_map(silent_of).collect::<Vec<_>>()
    };
    let silent = thread::scope(|scope| {
        let other = scope.spawn(work);
        [work(), other.join().unwrap()].concat()
    });
    assert!(silent.is_empty(), "{silent:#?}");
}
