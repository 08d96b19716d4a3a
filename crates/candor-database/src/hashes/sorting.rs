//! Digests in their order, without all of them in memory at once where there is other room.
//!
//! Whenever some mebibytes have come they are sorted and put aside as a *run*; in the end all runs are merged, and the
//! result is put aside again, as it is read twice: a table has its columns one behind the other. Without room beside memory
//! all are sorted in place.

use std::cmp::{Ordering, Reverse};
use std::collections::BTreeMap;
use std::collections::binary_heap::{BinaryHeap, PeekMut};

use crate::builder::BuildError;
use crate::spill::{Pile, Spill};

/// Bytes of entries that are sorted at once.
const RUN: usize = 2 << 20;

/// Bytes of a run that are read back at once.
const READ: usize = 32 << 10;

/// Bytes of an entry besides its digest.
const REST: usize = 8;

/// Stands for any size.
pub(super) const ANY: u32 = u32::MAX;

/// Stands for a size that takes more than four bytes, or has the value of a mark.
pub(super) const LARGE: u32 = u32::MAX - 1;

/// Large sizes, by signature.
pub(super) type Large = BTreeMap<u32, u64>;

/// A digest with its signature and size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry<const LENGTH: usize> {
    pub(super) digest: [u8; LENGTH],
    pub(super) signature: u32,
    pub(super) size: u32,
}

impl<const LENGTH: usize> Entry<LENGTH> {
    /// The size; `None` for any.
    pub(super) fn size_of(&self, large: &Large) -> Option<u64> {
        match self.size {
            ANY => None,
            LARGE => Some(large.get(&self.signature).copied().unwrap_or(u64::MAX)),
            small => Some(small.into()),
        }
    }

    /// By size, as the mark of any size becomes zero, and that of large ones the greatest; then by digest.
    fn order(&self, other: &Self, large: &Large) -> Ordering {
        let sizes = self.size.wrapping_add(1).cmp(&other.size.wrapping_add(1));
        let sizes = if self.size == LARGE {
            sizes.then(self.size_of(large).cmp(&other.size_of(large)))
        } else {
            sizes
        };
        sizes.then_with(|| self.key().cmp(&other.key()))
    }

    /// What entries of one size are sorted by. The first bytes decide nearly always.
    fn key(&self) -> (u64, &[u8; LENGTH], u32) {
        let first = self.digest.first_chunk().map_or(0, |first| u64::from_be_bytes(*first));
        (first, &self.digest, self.signature)
    }

    /// The beginning of what it is sorted by: of entries that differ in it, it tells the order. Large sizes have one mark, and are
    /// told apart otherwise.
    fn rank(&self) -> (u32, u64) {
        let first = if self.size == LARGE { 0 } else { self.key().0 };
        (self.size.wrapping_add(1), first)
    }

    const fn width() -> usize {
        LENGTH.saturating_add(REST)
    }

    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.digest);
        out.extend_from_slice(&self.signature.to_le_bytes());
        out.extend_from_slice(&self.size.to_le_bytes());
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (digest, rest) = bytes.split_first_chunk()?;
        let (signature, rest) = rest.split_first_chunk()?;
        let size = u32::from_le_bytes(*rest.first_chunk()?);
        Some(Self { digest: *digest, signature: u32::from_le_bytes(*signature), size })
    }
}

/// Takes entries in any order.
#[derive(Debug, Default)]
pub(super) struct Sorter<const LENGTH: usize> {
    held: Vec<Entry<LENGTH>>,
    runs: Vec<Run>,
    /// How many are in the runs.
    before: usize,
}

/// Entries in their order, put aside.
#[derive(Clone, Copy, Debug)]
struct Run {
    place: u64,
    entries: usize,
}

impl<const LENGTH: usize> Sorter<LENGTH> {
    /// How many entries there are.
    pub(super) fn len(&self) -> usize {
        self.before.saturating_add(self.held.len())
    }

    /// Takes one. What it has of a size that is large must be in `large`.
    pub(super) fn push(&mut self, entry: Entry<LENGTH>, large: &Large, spill: &Spill) {
        self.held.push(entry);
        if self.held.len().saturating_mul(Entry::<LENGTH>::width()) >= RUN && spill.has_room() {
            self.put_aside(large, spill);
        }
    }

    fn put_aside(&mut self, large: &Large, spill: &Spill) {
        self.held.sort_unstable_by(|left, right| left.order(right, large));
        let mut bytes = Vec::with_capacity(self.held.len().saturating_mul(Entry::<LENGTH>::width()));
        self.held.iter().for_each(|entry| entry.put(&mut bytes));
        if let Some(place) = spill.put(&bytes) {
            self.runs.push(Run { place, entries: self.held.len() });
            self.before = self.before.saturating_add(self.held.len());
            self.held.clear();
        }
    }

    /// All of them in their order; each is also given to `see`, once, on the way.
    ///
    /// # Errors
    /// What was put aside cannot be read back.
    pub(super) fn sorted(
        mut self,
        large: &Large,
        spill: &Spill,
        see: &mut dyn FnMut(&Entry<LENGTH>),
    ) -> Result<Sorted<LENGTH>, BuildError> {
        self.held.sort_unstable_by(|left, right| left.order(right, large));
        if self.runs.is_empty() {
            self.held.iter().for_each(see);
            return Ok(Sorted::Held(self.held));
        }
        let mut pile = Pile::new(spill);
        let mut rest = self.held.into_iter();
        let mut heads = BinaryHeap::new();
        let first = rest.next();
        let rest = Source::Held(rest);
        let runs = self.runs.into_iter().map(|run| Source::Aside { run, read: Vec::new(), at: 0, spill });
        for mut source in runs {
            if let Some(entry) = source.next()? {
                heads.push(Reverse(Head::new(entry, source, large)));
            }
        }
        if let Some(entry) = first {
            heads.push(Reverse(Head::new(entry, rest, large)));
        }
        while let Some(mut head) = heads.peek_mut() {
            let Reverse(least) = &mut *head;
            see(&least.entry);
            pile.append(|out| least.entry.put(out));
            match least.source.next()? {
                // The heap is put in order again when `head` goes.
                Some(next) => least.put(next),
                None => drop(PeekMut::pop(head)),
            }
        }
        Ok(Sorted::Aside(pile))
    }
}

/// Where entries in their order come from.
enum Source<'s, const LENGTH: usize> {
    Held(std::vec::IntoIter<Entry<LENGTH>>),
    Aside {
        /// What was not read yet.
        run: Run,
        read: Vec<u8>,
        /// Where the next one is in what was read.
        at: usize,
        spill: &'s Spill,
    },
}

impl<const LENGTH: usize> Source<'_, LENGTH> {
    fn next(&mut self) -> Result<Option<Entry<LENGTH>>, BuildError> {
        let (run, read, at, spill) = match self {
            Self::Held(entries) => return Ok(entries.next()),
            Self::Aside { run, read, at, spill } => (run, read, at, spill),
        };
        let width = Entry::<LENGTH>::width();
        if *at == read.len() {
            let entries = run.entries.min(READ.checked_div(width).unwrap_or(1));
            if entries == 0 {
                return Ok(None);
            }
            read.resize(entries.saturating_mul(width), 0);
            spill.read(run.place, read)?;
            run.place = run.place.saturating_add(read.len() as u64);
            run.entries = run.entries.saturating_sub(entries);
            *at = 0;
        }
        let entry = read.get(*at..).and_then(Entry::read);
        *at = at.saturating_add(width);
        Ok(entry)
    }
}

/// The next entry of a source, and the source.
struct Head<'s, const LENGTH: usize> {
    /// What nearly always tells two entries apart.
    rank: (u32, u64),
    entry: Entry<LENGTH>,
    source: Source<'s, LENGTH>,
    large: &'s Large,
}

impl<'s, const LENGTH: usize> Head<'s, LENGTH> {
    fn new(entry: Entry<LENGTH>, source: Source<'s, LENGTH>, large: &'s Large) -> Self {
        Self { rank: entry.rank(), entry, source, large }
    }

    fn put(&mut self, entry: Entry<LENGTH>) {
        self.rank = entry.rank();
        self.entry = entry;
    }
}

impl<const LENGTH: usize> Ord for Head<'_, LENGTH> {
    fn cmp(&self, other: &Self) -> Ordering {
        match self.rank.cmp(&other.rank) {
            Ordering::Equal => self.entry.order(&other.entry, self.large),
            told => told,
        }
    }
}

impl<const LENGTH: usize> PartialOrd for Head<'_, LENGTH> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<const LENGTH: usize> PartialEq for Head<'_, LENGTH> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl<const LENGTH: usize> Eq for Head<'_, LENGTH> {}

/// Entries in their order.
pub(super) enum Sorted<const LENGTH: usize> {
    Held(Vec<Entry<LENGTH>>),
    Aside(Pile),
}

impl<const LENGTH: usize> Sorted<LENGTH> {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Held(entries) => entries.len(),
            Self::Aside(pile) => pile.len().checked_div(Entry::<LENGTH>::width()).unwrap_or(0),
        }
    }

    /// Gives each to `take`.
    ///
    /// # Errors
    /// They cannot be read back.
    pub(super) fn each(&self, take: &mut dyn FnMut(&Entry<LENGTH>)) -> Result<(), BuildError> {
        let width = Entry::<LENGTH>::width();
        match self {
            Self::Held(entries) => entries.iter().for_each(take),
            Self::Aside(pile) => pile.read(width, &mut |bytes| {
                bytes.chunks_exact(width).filter_map(Entry::read).for_each(|entry| take(&entry));
            })?,
        }
        Ok(())
    }
}
