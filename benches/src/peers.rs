//! Other engines for many patterns, over the same bytes. They get less to do than Candor: of each pattern its
//! longest run of fixed bytes, no case, no gaps, no offsets.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Instant;

use anyhow::Result;
use candor_database::ir::{
    Element, Header, Pattern, Receiver, Refusal, Signature, Source, SourceId, SubSignature,
};
use candor_model::Target;
use candor_signature::clamav::{Options, load};

use crate::sources;

/// Longest and shortest string that is given to an engine.
const LONGEST: usize = 64;
const SHORTEST: usize = 4;

/// Strings by the class of files that they are looked for in.
#[derive(Debug, Default)]
pub struct Literals {
    sources: u16,
    found: BTreeSet<(u8, Vec<u8>)>,
}

impl Literals {
    /// Those of the databases in `folder`.
    pub fn of(folder: &Path) -> Result<Self> {
        let mut literals = Self::default();
        let contents = sources::databases(folder)?;
        load(&sources::inputs(&contents), Options::default(), &mut literals, &mut |_| {});
        Ok(literals)
    }

    /// Those that are looked for in a file of this class: its own, and those for any file.
    pub fn for_target(&self, target: Target) -> Vec<Vec<u8>> {
        let own = [Target::Any as u8, target as u8];
        let all: BTreeSet<&Vec<u8>> =
            self.found.iter().filter(|(class, _)| own.contains(class)).map(|(_, literal)| literal).collect();
        all.into_iter().cloned().collect()
    }

    fn take(&mut self, target: Target, pattern: &Pattern) {
        let elements = pattern.parts.iter().flat_map(|part| &part.elements);
        let runs = elements.filter_map(|element| match element {
            Element::Bytes(bytes) => Some(bytes),
            _ => None,
        });
        let Some(longest) = runs.max_by_key(|run| run.len()).filter(|run| run.len() >= SHORTEST) else {
            return;
        };
        self.found.insert((target as u8, longest[..longest.len().min(LONGEST)].to_vec()));
    }
}

impl Receiver for Literals {
    fn source(&mut self, _: Source) -> Result<SourceId, Refusal> {
        self.sources += 1;
        Ok(SourceId(self.sources - 1))
    }

    fn add(&mut self, _: Header<'_>, signature: Signature) -> Result<(), Refusal> {
        match signature {
            Signature::Body(body) => self.take(body.target, &body.pattern),
            Signature::Logical(logical) => {
                for sub in &logical.subsignatures {
                    if let SubSignature::Content { patterns, .. } = sub {
                        patterns.iter().for_each(|pattern| self.take(logical.target.target, pattern));
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// Counts the occurrences of all strings in one file.
type Count = Box<dyn Fn(&[u8]) -> u64>;

/// An engine that counts occurrences.
pub struct Engine {
    /// What it is called.
    pub name: &'static str,
    /// Seconds to make it ready.
    pub build: f64,
    /// Counts in one file.
    pub count: Count,
}

/// Every engine that there is, one after the other: together they would need much memory.
pub fn each(literals: &[Vec<u8>], run: &mut dyn FnMut(Engine)) -> Result<()> {
    let mut made = |name, count: Count, start: Instant| {
        run(Engine { name, build: start.elapsed().as_secs_f64(), count });
    };
    let start = Instant::now();
    let automaton = aho_corasick::AhoCorasick::builder()
        .kind(Some(aho_corasick::AhoCorasickKind::ContiguousNFA))
        .build(literals)?;
    let count = move |bytes: &[u8]| automaton.find_overlapping_iter(bytes).count() as u64;
    made("aho-corasick", Box::new(count), start);

    let start = Instant::now();
    let automaton = daachorse::DoubleArrayAhoCorasick::<u32>::new(literals)
        .map_err(|error| anyhow::anyhow!("daachorse: {error}"))?;
    let count = move |bytes: &[u8]| automaton.find_overlapping_iter(bytes).count() as u64;
    made("daachorse", Box::new(count), start);

    #[cfg(vectorscan)]
    {
        let start = Instant::now();
        let engine = crate::vectorscan::Vectorscan::new(literals)?;
        made("vectorscan", Box::new(move |bytes: &[u8]| engine.count(bytes)), start);
    }
    #[cfg(not(vectorscan))]
    println!("  vectorscan: not installed (libvectorscan-dev or libhyperscan-dev, and pkg-config)");
    Ok(())
}
