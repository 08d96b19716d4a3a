//! Archives that are larger than memory, taken apart while they are unpacked.

use candor_database::{Builder, Image};
use candor_fixtures::archive;
use candor_fixtures::stream;
use candor_model::{Interrupt, Limits, Reason, Report, Verdict};
use candor_signature::Input;
use candor_signature::clamav::load;

use super::reasons;
use crate::{Options, Scanner};

const MEMORY: usize = 1 << 20;
const MARKER: &[u8] = b"what stands in the last member";

fn image() -> Image {
    let hex: String = MARKER.iter().map(|byte| format!("{byte:02x}")).collect();
    let text = format!("Marker:0:*:{hex}\n");
    let mut builder = Builder::new();
    let inputs = [Input { name: "a.ndb", bytes: text.as_bytes() }];
    load(&inputs, candor_signature::clamav::Options::default(), &mut builder, &mut |_| {});
    Image::from_vec(builder.finish().unwrap()).unwrap()
}

fn scan(bytes: &[u8], limits: Limits) -> Report {
    let image = image();
    Scanner::new(&image, Options { limits, ..Options::default() }).scan(bytes, "file", &Interrupt::new())
}

fn limits() -> Limits {
    Limits { max_memory: MEMORY as u64, ..Limits::default() }
}

/// Members of these lengths, and a last one with the marker in it.
fn members(lengths: &[usize]) -> Vec<(String, Vec<u8>)> {
    let name = |number: usize| format!("folder/{number}");
    let content = |number: usize, length: usize| {
        let mut state = u32::try_from(number).unwrap() + 1;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_le_bytes()[3]
        };
        (0..length).map(|at| if at % 16 < 2 { next() } else { b'.' }).collect::<Vec<u8>>()
    };
    let mut all: Vec<_> =
        lengths.iter().enumerate().map(|(number, length)| (name(number), content(number, *length))).collect();
    all.push(("last".to_owned(), MARKER.to_vec()));
    all
}

fn tar(members: &[(String, Vec<u8>)]) -> Vec<u8> {
    archive::tar(&members.iter().map(|(name, bytes)| (name.as_str(), &bytes[..])).collect::<Vec<_>>())
}

/// Names and lengths of the layers that are not the file itself, nor parts of the archive.
fn opened(report: &Report, names: &[(String, Vec<u8>)]) -> Vec<(String, u64)> {
    let is_member = |name: &str| names.iter().any(|(known, _)| known == name);
    report
        .layers
        .iter()
        .filter(|layer| is_member(&layer.name))
        .map(|layer| (layer.name.clone(), layer.length))
        .collect()
}

fn expected(members: &[(String, Vec<u8>)]) -> Vec<(String, u64)> {
    members.iter().map(|(name, bytes)| (name.clone(), bytes.len() as u64)).collect()
}

#[test]
fn every_member_of_an_archive_that_is_larger_than_memory_is_looked_at() {
    let members = members(&[[50_000; 25].as_slice(), &[0, 511, 512, 513, 700_000], &[50_000; 25]].concat());
    let archive = tar(&members);
    assert!(archive.len() > 3 * MEMORY);
    for packed in [
        stream::gzip(&archive),
        stream::bzip2(&archive),
        stream::xz(&archive),
        stream::zstd(&archive),
        stream::lz4(&archive),
    ] {
        let report = scan(&packed, limits());
        assert_eq!(report.verdict, Verdict::Infected);
        assert_eq!(report.findings[0].path.last().unwrap(), "last");
        assert_eq!(report.findings[0].path.len(), 2);
        assert_eq!(reasons(&report), []);
        assert_eq!(opened(&report, &members), expected(&members));
    }
}

#[test]
fn a_member_that_is_larger_than_memory_is_cut_and_those_behind_it_are_not() {
    let members = members(&[50_000, 2_500_000, 50_000, 1_500_000, 50_000]);
    let report = scan(&stream::gzip(&tar(&members)), limits());
    assert_eq!(report.verdict, Verdict::Infected);
    assert_eq!(report.findings[0].path.last().unwrap(), "last");
    assert_eq!(reasons(&report).iter().filter(|(_, reason)| **reason == Reason::Memory).count(), 2);
    let found = opened(&report, &members);
    assert_eq!(found.len(), members.len(), "{found:?}");
    for ((name, length), (known, bytes)) in found.iter().zip(&members) {
        assert_eq!(name, known);
        assert!(*length == bytes.len() as u64 || bytes.len() > MEMORY && *length > MEMORY as u64 / 2);
    }
    let clean = scan(&stream::gzip(&tar(&members[..5])), limits());
    assert_eq!(clean.verdict, Verdict::Incomplete);
}

#[test]
fn an_archive_that_fits_stays_in_one_piece() {
    let members = members(&[50_000; 5]);
    let report = scan(&stream::gzip(&tar(&members)), limits());
    assert_eq!(report.layers.len(), 2 + members.len());
}

#[test]
fn an_archive_that_is_cut_or_damaged_says_so_and_keeps_what_was_read() {
    let members = members(&[50_000; 40]);
    let packed = stream::gzip(&tar(&members));
    let report = scan(&packed[..packed.len() * 3 / 4], limits());
    assert_eq!(report.verdict, Verdict::Incomplete);
    assert!(report.incomplete.iter().any(|missed| matches!(missed.reason, Reason::Malformed(_))));
    assert!(opened(&report, &members).len() > 25);
    // What comes in the place of a header is searched as it stands.
    let mut bytes = tar(&members);
    let end = bytes.len() - 2 * 1024;
    bytes[end..end + 600].fill(b'x');
    bytes.extend_from_slice(MARKER);
    bytes.extend_from_slice(&vec![b'y'; 2 * MEMORY]);
    assert_eq!(scan(&stream::gzip(&bytes), limits()).verdict, Verdict::Infected);
}

#[test]
fn an_archive_in_parts_costs_no_more_than_the_file_may() {
    let members = members(&[50_000; 40]);
    let packed = stream::gzip(&tar(&members));
    let limits = Limits { max_scan_size: 1_500_000, ..limits() };
    let report = scan(&packed, limits);
    assert!(report.bytes <= limits.max_scan_size);
    assert_eq!(report.verdict, Verdict::Incomplete);
    assert!(reasons(&report).iter().any(|(_, reason)| **reason == Reason::ScanSize));
    let limits = Limits { max_ratio: 10, ..self::limits() };
    let zeros: Vec<_> = (0..40).map(|number| (number.to_string(), vec![0; 100_000])).collect();
    let report = scan(&stream::gzip(&tar(&zeros)), limits);
    assert!(report.layers.iter().map(|layer| layer.length).sum::<u64>() < 3 << 20, "bounded by the ratio");
    assert!(reasons(&report).iter().any(|(_, reason)| **reason == Reason::Ratio));
}
