//! Collects digests and lays out their tables.

use std::collections::BTreeMap;

use candor_model::DigestKind;

use super::filter::FilterBuilder;
use super::layout::{self, Shape, pack};
use super::section_of;
use crate::image::{ImageWriter, LINE, SignatureId};
use crate::ir::{Hash, HashSubject};

/// Digests of every subject and algorithm.
#[derive(Debug, Default)]
pub(crate) struct HashesBuilder {
    md5: [Collector<16>; 4],
    sha1: [Collector<20>; 4],
    sha256: [Collector<32>; 4],
}

impl HashesBuilder {
    /// Takes a digest.
    pub(crate) fn add(&mut self, id: SignatureId, hash: &Hash) {
        let subject = hash.subject as usize;
        let digest = hash.digest.as_bytes();
        // Each has a collector for every subject.
        match hash.digest.kind() {
            DigestKind::Md5 => self.md5.get_mut(subject).map(|md5| md5.add(id, digest, hash.size)),
            DigestKind::Sha1 => self.sha1.get_mut(subject).map(|sha1| sha1.add(id, digest, hash.size)),
            DigestKind::Sha256 => {
                self.sha256.get_mut(subject).map(|sha256| sha256.add(id, digest, hash.size))
            }
        };
    }

    /// Writes the tables.
    pub(crate) fn finish(self, writer: &mut ImageWriter) {
        write(self.md5, DigestKind::Md5, writer);
        write(self.sha1, DigestKind::Sha1, writer);
        write(self.sha256, DigestKind::Sha256, writer);
    }
}

fn write<const LENGTH: usize>(
    collectors: [Collector<LENGTH>; 4],
    kind: DigestKind,
    writer: &mut ImageWriter,
) {
    for (subject, collector) in HashSubject::ALL.into_iter().zip(collectors) {
        if !collector.entries.is_empty() {
            writer.section_with(section_of(subject, kind), LINE, |out| collector.write(out));
        }
    }
}

/// Digests of one subject and algorithm, in a flat array: there may be tens of millions.
#[derive(Debug, Default)]
struct Collector<const LENGTH: usize> {
    entries: Vec<Entry<LENGTH>>,
    /// The sizes of the entries marked with [`LARGE`], by signature.
    large: BTreeMap<u32, u64>,
}

/// A digest with its signature and size.
#[derive(Clone, Copy, Debug)]
struct Entry<const LENGTH: usize> {
    digest: [u8; LENGTH],
    signature: u32,
    size: u32,
}

/// Stands for any size.
const ANY: u32 = u32::MAX;

/// Stands for a size that takes more than four bytes, or has the value of a mark.
const LARGE: u32 = u32::MAX - 1;

impl<const LENGTH: usize> Entry<LENGTH> {
    /// What entries are sorted by. The first bytes decide nearly always.
    fn key(&self) -> (u64, &[u8; LENGTH], u32) {
        let first = self.digest.first_chunk().map_or(0, |first| u64::from_be_bytes(*first));
        (first, &self.digest, self.signature)
    }
}

impl<const LENGTH: usize> Collector<LENGTH> {
    fn add(&mut self, id: SignatureId, digest: &[u8], size: Option<u64>) {
        let Ok(digest) = digest.try_into() else { return };
        let size = match size {
            None => ANY,
            Some(size) => u32::try_from(size).ok().filter(|small| *small < LARGE).unwrap_or_else(|| {
                self.large.insert(id.0, size);
                LARGE
            }),
        };
        self.entries.push(Entry { digest, signature: id.0, size });
    }

    /// Appends the table.
    fn write(mut self, out: &mut Vec<u8>) {
        self.entries.sort_unstable_by(|left, right| left.key().cmp(&right.key()));
        let entries = &self.entries;
        let sizes = self.sizes();
        let highest = entries.iter().map(|entry| entry.signature).max().unwrap_or(0);
        let shape = Shape {
            // Every entry has a signature of its own, and those are numbered by 32 bits.
            entries: number(entries.len()),
            directory_bits: layout::directory_bits(entries.len()),
            signature_bits: layout::bits_for(highest),
            size_bits: layout::bits_for(number(sizes.small.len().saturating_add(sizes.large.len()))),
            any_size: entries.iter().any(|entry| entry.size == ANY),
            filter_blocks: number(super::filter::blocks_for(entries.len())),
            small_sizes: number(sizes.small.len()),
            large_sizes: number(sizes.large.len()),
        };
        shape.write(out);
        self.write_filter(out);
        self.write_directory(&shape, out);
        for entry in entries {
            out.extend_from_slice(entry.digest.get(shape.told()..).unwrap_or_default());
        }
        pack(out, shape.signature_bits, entries.iter().map(|entry| entry.signature));
        let size = |entry: &Entry<LENGTH>| sizes.number(entry.size, self.large.get(&entry.signature));
        pack(out, shape.size_bits, entries.iter().map(size));
        out.extend(sizes.small.iter().flat_map(|size| size.to_le_bytes()));
        out.extend(sizes.large.iter().flat_map(|size| size.to_le_bytes()));
    }

    fn write_filter(&self, out: &mut Vec<u8>) {
        let mut filter = FilterBuilder::new(self.entries.len());
        self.entries.iter().for_each(|entry| filter.insert(&entry.digest));
        filter.write(out);
    }

    fn write_directory(&self, shape: &Shape, out: &mut Vec<u8>) {
        let beginnings = 1_usize << shape.directory_bits;
        let mut start = 0_usize;
        for beginning in 0..=beginnings {
            let rest = self.entries.get(start..).unwrap_or_default();
            let before = |entry: &&Entry<LENGTH>| shape.beginning(&entry.digest) < Some(beginning);
            start = start.saturating_add(rest.iter().take_while(before).count());
            out.extend_from_slice(&number(start).to_le_bytes());
        }
    }

    fn sizes(&self) -> Sizes {
        let mut small: Vec<u32> =
            self.entries.iter().map(|entry| entry.size).filter(|size| *size < LARGE).collect();
        small.sort_unstable();
        small.dedup();
        let mut large: Vec<u64> = self.large.values().copied().collect();
        large.sort_unstable();
        large.dedup();
        Sizes { small, large }
    }
}

/// The sizes that occur, ascending.
struct Sizes {
    small: Vec<u32>,
    large: Vec<u64>,
}

impl Sizes {
    /// The number of a size in the packed column.
    fn number(&self, size: u32, large: Option<&u64>) -> u32 {
        let place = match size {
            ANY => return 0,
            LARGE => large
                .and_then(|large| self.large.binary_search(large).ok())
                .map(|place| place.saturating_add(self.small.len())),
            small => self.small.binary_search(&small).ok(),
        };
        number(place.unwrap_or(0).saturating_add(1))
    }
}

/// A count of entries, or of something that each entry has at most one of.
fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
