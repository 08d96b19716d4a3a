//! An image of digests: time to build, bytes an entry, time to open, look-ups a second.
//!
//! The entries are pseudo-random and always the same. Nine of ten are digests of PE sections of up to 4,095
//! different sizes, as in ClamAV's `main.mdb`, the others digests of files of any size.

use std::hint::black_box;
use std::io::Write;
use std::time::{Duration, Instant};

use anyhow::Result;
use candor_database::ir::{Hash, HashSubject, Header, Receiver, Signature, Source};
use candor_database::{Builder, Image, SignatureId};
use candor_model::{Digest, DigestKind};
use clap::Args;

/// A stream of numbers that looks random and is always the same (SplitMix64).
struct Random {
    state: u64,
    files: bool,
}

impl Random {
    fn number(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn digest(&mut self, kind: DigestKind) -> Digest {
        let mut bytes = [0; 32];
        bytes.as_chunks_mut::<8>().0.iter_mut().for_each(|chunk| *chunk = self.number().to_le_bytes());
        Digest::new(&bytes[..kind.length()]).unwrap()
    }

    fn hash(&mut self, kind: DigestKind) -> Hash {
        let digest = self.digest(kind);
        let (subject, size) = match kind {
            DigestKind::Md5 if !self.files && !self.number().is_multiple_of(10) => {
                (HashSubject::Section, 512 * (1 + self.number() % 4_095))
            }
            _ => (HashSubject::File, 1_024 + self.number() % 4_000_000),
        };
        Hash { subject, digest, size: Some(size) }
    }
}

#[derive(Debug, Args)]
pub struct Arguments {
    /// MD5 entries.
    #[arg(long, default_value_t = 12_400_000)]
    md5: usize,
    /// SHA-256 entries.
    #[arg(long, default_value_t = 0)]
    sha256: usize,
    /// All of them of files, none of PE sections.
    #[arg(long)]
    files: bool,
}

pub fn run(arguments: &Arguments) -> Result<()> {
    let Arguments { md5, sha256, files } = *arguments;
    let kinds = || {
        std::iter::repeat_n(DigestKind::Md5, md5)
            .chain(std::iter::repeat_n(DigestKind::Sha256, sha256))
            .enumerate()
    };
    let total = md5 + sha256;

    let mut random = Random { state: 1, files };
    let made = time(|| {
        for (number, kind) in kinds() {
            black_box((format!("Win.Scaled.Section-{number}-0"), random.hash(kind)));
        }
    })
    .0;
    let mut random = Random { state: 1, files };
    let mut builder = Builder::new();
    let (added, ()) = time(|| {
        let source =
            Source { name: "main.mdb".into(), language: "mdb", official: true, potentially_unwanted: false };
        let source = builder.source(source).unwrap();
        for (number, kind) in kinds() {
            let name = format!("Win.Scaled.Section-{number}-0");
            let header = Header { name: &name, source, line: u32::try_from(number).unwrap() };
            builder.add(header, Signature::Hash(random.hash(kind))).unwrap();
        }
    });
    say("add", added.saturating_sub(made), total);
    let (finished, bytes) = time(|| builder.finish().unwrap());
    say("finish", finished, total);
    println!("image: {} bytes, {:.1} an entry; peak {} KiB", bytes.len(), ratio(bytes.len(), total), peak());

    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&bytes).unwrap();
    drop(bytes);
    let (opened, image) = time(|| Image::open(&file).unwrap());
    println!("open: {} µs", opened.as_micros());
    for section in image.info().sections {
        println!(
            "  {:24} {:>11} bytes {:>6.2}",
            section.name,
            section.length,
            ratio(usize::try_from(section.length).unwrap(), total)
        );
    }
    say("check", time(|| image.check().unwrap()).0, total);
    // Other digests than the image has, and every seventh of those that it has.
    let hashes = |seed| {
        let mut random = Random { state: seed, files };
        kinds().map(move |(_, kind)| random.hash(kind)).step_by(7).collect::<Vec<_>>()
    };
    measure_look_ups(&image, &hashes(2), &hashes(1));
    Ok(())
}

fn measure_look_ups(image: &Image, foreign: &[Hash], known: &[Hash]) {
    let mut hits = Vec::new();
    for (what, hashes) in [("look-up, foreign", foreign), ("look-up, known", known)] {
        hits.clear();
        let (taken, ()) = time(|| {
            for hash in hashes {
                image.search_digest(hash.subject, &hash.digest, hash.size.unwrap(), &mut hits);
            }
        });
        say(what, taken, hashes.len());
        println!("  {} hits", hits.len());
    }
    let (taken, count) = time(|| foreign.iter().filter(|hash| wanted(image, hash)).count());
    say("size gate", taken, foreign.len());
    println!("  {count} wanted");
    let step = u32::try_from(known.len() / 100_000 + 1).unwrap();
    let (taken, found) =
        time(|| (0..100_000).filter(|id| image.signature(SignatureId(id * step)).is_some()).count());
    say("name", taken, 100_000);
    println!("  {found} found");
}

fn wanted(image: &Image, hash: &Hash) -> bool {
    !image.digests_wanted(hash.subject, hash.size.unwrap() + 1).is_empty()
}

fn time<T>(run: impl FnOnce() -> T) -> (Duration, T) {
    let start = Instant::now();
    let value = run();
    (start.elapsed(), value)
}

fn say(what: &str, taken: Duration, count: usize) {
    let each = taken.as_nanos() as f64 / count as f64;
    println!(
        "{what}: {:.3} s, {each:.0} ns each, {:.1} million a second",
        taken.as_secs_f64(),
        1_000.0 / each
    );
}

fn ratio(bytes: usize, count: usize) -> f64 {
    bytes as f64 / count as f64
}

/// The most memory that this process held so far, in KiB, where the system tells.
fn peak() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("?");
    line.trim().trim_end_matches(" kB").to_owned()
}
