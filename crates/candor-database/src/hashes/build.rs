//! Collects digests and lays out their tables.

use std::collections::BTreeMap;

use candor_model::DigestKind;

use super::filter::{self, FilterBuilder};
use super::layout::{self, SLACK, Shape, pack};
use super::section_of;
use super::sizes::{self, SizesBuilder};
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

    /// The size of an entry; `None` for any.
    fn size(&self, entry: &Entry<LENGTH>) -> Option<u64> {
        match entry.size {
            ANY => None,
            LARGE => Some(self.large.get(&entry.signature).copied().unwrap_or(u64::MAX)),
            small => Some(small.into()),
        }
    }

    /// Appends the table.
    fn write(mut self, out: &mut Vec<u8>) {
        let mut entries = std::mem::take(&mut self.entries);
        // In the order of sizes, as the mark of any size becomes zero, and that of large ones the greatest.
        entries.sort_unstable_by(|left, right| {
            let sizes = left.size.wrapping_add(1).cmp(&right.size.wrapping_add(1));
            let sizes =
                if left.size == LARGE { sizes.then(self.size(left).cmp(&self.size(right))) } else { sizes };
            sizes.then_with(|| left.key().cmp(&right.key()))
        });
        let mut groups = entries.chunk_by(|left, right| self.size(left) == self.size(right)).peekable();
        let first = groups.peek().and_then(|group| group.first());
        let any_size = match first.map(|entry| self.size(entry)) {
            Some(None) => groups.next().unwrap_or_default(),
            _ => &[],
        };
        let mut sizes = SizesBuilder::new(number(any_size.len()));
        for group in groups {
            if let Some(size) = group.first().and_then(|entry| self.size(entry)) {
                sizes.push(size, number(group.len()));
            }
        }
        let (size_blocks, sizes) = sizes.finish();
        let mut filter = Vec::new();
        if !any_size.is_empty() {
            let mut builder = FilterBuilder::new(any_size.len());
            any_size.iter().for_each(|entry| builder.insert(&entry.digest));
            builder.write(&mut filter);
        }
        let highest = entries.iter().map(|entry| entry.signature).max().unwrap_or(0);
        let shape = Shape {
            // Every entry has a signature of its own, and those are numbered by 32 bits.
            entries: number(entries.len()),
            any_size: number(any_size.len()),
            filter_blocks: number(filter.len() / filter::BLOCK),
            size_blocks: number(size_blocks.len() / sizes::BLOCK),
            sizes: number(sizes.len()),
            signature_bits: layout::bits_for(highest),
        };
        shape.write(out);
        out.append(&mut filter);
        out.extend(size_blocks);
        out.extend(sizes);
        for entry in &entries {
            out.extend_from_slice(&entry.digest);
        }
        pack(out, shape.signature_bits, entries.iter().map(|entry| entry.signature));
        out.extend_from_slice(&[0; SLACK]);
    }
}

impl<const LENGTH: usize> Entry<LENGTH> {
    /// What entries of one size are sorted by. The first bytes decide nearly always.
    fn key(&self) -> (u64, &[u8; LENGTH], u32) {
        let first = self.digest.first_chunk().map_or(0, |first| u64::from_be_bytes(*first));
        (first, &self.digest, self.signature)
    }
}

/// A count of entries, or of something that each entry has at most one of.
fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
