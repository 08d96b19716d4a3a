//! Collects digests and lays out their tables.

use std::collections::BTreeMap;

use candor_model::DigestKind;

use super::filter::{self, FilterBuilder};
use super::layout::{self, SLACK, Shape, pack};
use super::section_of;
use super::sizes::{self, SizesBuilder};
use super::sorting::{ANY, Entry, LARGE, Sorter};
use crate::builder::BuildError;
use crate::image::{ImageWriter, LINE, Section, SignatureId};
use crate::ir::{Hash, HashSubject};
use crate::spill::Spill;

/// Numbers that are packed at once: a multiple of eight, so that each lot ends with a whole byte.
const LOT: usize = 8192;

/// Digests of every subject and algorithm.
#[derive(Debug, Default)]
pub(crate) struct HashesBuilder {
    spill: Spill,
    md5: [Collector<16>; 4],
    sha1: [Collector<20>; 4],
    sha256: [Collector<32>; 4],
}

impl HashesBuilder {
    /// One that puts aside what it can.
    pub(crate) fn new(spill: &Spill) -> Self {
        Self { spill: spill.clone(), ..Self::default() }
    }

    /// Takes a digest.
    pub(crate) fn add(&mut self, id: SignatureId, hash: &Hash) {
        let subject = hash.subject as usize;
        let (digest, size, spill) = (hash.digest.as_bytes(), hash.size, &self.spill);
        // Each has a collector for every subject.
        match hash.digest.kind() {
            DigestKind::Md5 => self.md5.get_mut(subject).map(|md5| md5.add(id, digest, size, spill)),
            DigestKind::Sha1 => self.sha1.get_mut(subject).map(|sha1| sha1.add(id, digest, size, spill)),
            DigestKind::Sha256 => {
                self.sha256.get_mut(subject).map(|sha256| sha256.add(id, digest, size, spill))
            }
        };
    }

    /// Writes the tables.
    pub(crate) fn finish(self, writer: &mut ImageWriter) -> Result<(), BuildError> {
        write(self.md5, DigestKind::Md5, &self.spill, writer)?;
        write(self.sha1, DigestKind::Sha1, &self.spill, writer)?;
        write(self.sha256, DigestKind::Sha256, &self.spill, writer)
    }
}

fn write<const LENGTH: usize>(
    collectors: [Collector<LENGTH>; 4],
    kind: DigestKind,
    spill: &Spill,
    writer: &mut ImageWriter,
) -> Result<(), BuildError> {
    for (subject, collector) in HashSubject::ALL.into_iter().zip(collectors) {
        if collector.entries.len() > 0 {
            let kind = section_of(subject, kind);
            writer.section_with(kind, LINE, |out| collector.write(spill, out))?;
        }
    }
    Ok(())
}

/// Digests of one subject and algorithm: there may be tens of millions.
#[derive(Debug, Default)]
struct Collector<const LENGTH: usize> {
    entries: Sorter<LENGTH>,
    any_size: usize,
    /// The highest number of a signature.
    highest: u32,
    /// The sizes of the entries marked with [`LARGE`], by signature.
    large: BTreeMap<u32, u64>,
}

impl<const LENGTH: usize> Collector<LENGTH> {
    fn add(&mut self, id: SignatureId, digest: &[u8], size: Option<u64>, spill: &Spill) {
        let Ok(digest) = digest.try_into() else { return };
        let size = match size {
            None => ANY,
            Some(size) => u32::try_from(size).ok().filter(|small| *small < LARGE).unwrap_or_else(|| {
                self.large.insert(id.0, size);
                LARGE
            }),
        };
        self.any_size = self.any_size.saturating_add(usize::from(size == ANY));
        self.highest = self.highest.max(id.0);
        self.entries.push(Entry { digest, signature: id.0, size }, &self.large, spill);
    }

    /// Appends the table.
    fn write(mut self, spill: &Spill, out: &mut Section<'_>) -> Result<(), BuildError> {
        let mut sizes = SizesBuilder::new(number(self.any_size));
        let mut filter = (self.any_size > 0).then(|| FilterBuilder::new(self.any_size));
        // Entries of one size stand together: that size, and how many there have been.
        let mut group: Option<(u64, u32)> = None;
        let large = std::mem::take(&mut self.large);
        let sorted =
            self.entries.sorted(&large, spill, &mut |entry| match (entry.size_of(&large), &mut group) {
                (None, _) => {
                    if let Some(filter) = &mut filter {
                        filter.insert(&entry.digest);
                    }
                }
                (Some(size), Some((known, count))) if size == *known => *count = count.saturating_add(1),
                (Some(size), group) => {
                    if let Some((before, count)) = group.replace((size, 1)) {
                        sizes.push(before, count);
                    }
                }
            })?;
        if let Some((size, count)) = group {
            sizes.push(size, count);
        }
        let (size_blocks, sizes) = sizes.finish();
        let mut bits = Vec::new();
        if let Some(filter) = filter {
            filter.write(&mut bits);
        }
        let shape = Shape {
            // Every entry has a signature of its own, and those are numbered by 32 bits.
            entries: number(sorted.len()),
            any_size: number(self.any_size),
            filter_blocks: number(bits.len() / filter::BLOCK),
            size_blocks: number(size_blocks.len() / sizes::BLOCK),
            sizes: number(sizes.len()),
            signature_bits: layout::bits_for(self.highest),
        };
        let mut lot = Vec::new();
        shape.write(&mut lot);
        for part in [&lot, &bits, &size_blocks, &sizes] {
            out.extend_from_slice(part);
        }
        sorted.each(&mut |entry| out.extend_from_slice(&entry.digest))?;
        let mut numbers: Vec<u32> = Vec::with_capacity(LOT);
        let mut pack_lot = |numbers: &mut Vec<u32>| {
            lot.clear();
            pack(&mut lot, shape.signature_bits, numbers.drain(..));
            out.extend_from_slice(&lot);
        };
        sorted.each(&mut |entry| {
            numbers.push(entry.signature);
            if numbers.len() == LOT {
                pack_lot(&mut numbers);
            }
        })?;
        pack_lot(&mut numbers);
        out.extend_from_slice(&[0; SLACK]);
        Ok(())
    }
}

/// A count of entries, or of something that each entry has at most one of.
fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
