//! What a scan may spend, and what it has spent.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use crate::Reason;

/// Bytes that may be unpacked from any file before [`Limits::max_growth`] applies.
const FREE_GROWTH: u64 = 400 << 20;

/// What keys of passwords may cost in one file and all its layers, as rounds of a hash: as much as one archive may, about a
/// second on a slow machine, and one more for so many bytes of the file.
const KEY_ROUNDS: u64 = 24 << 19;
const BYTES_A_ROUND: u64 = 2;

/// What one file and all its layers may cost beside what stands in their lengths, in the units of [`Budget::pay_work`]: half a
/// second to a second, and so much more for each byte of the file.
const FREE_WORK: u64 = 96 << 20;
const WORK_A_BYTE: u64 = 32;

/// How often the bytes of a file may go into coders of ranges for nothing: what is packed twice is.
const CODED: u64 = 2;

/// The limits of one scan. Sizes are bytes. Reaching one is never reported as clean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Largest layer that is looked into; a larger file is Incomplete.
    pub max_file_size: u64,
    /// Bytes of all layers of one file together.
    pub max_scan_size: u64,
    /// Bytes of all layers of one file together, as a multiple of its own. Applies only past the first 400
    /// mebibytes of what is unpacked: a small file that unpacks to more is made to cost time.
    pub max_growth: u32,
    /// Bytes of unpacked layers that are open at the same time. What stands in the file itself is not counted:
    /// files are mapped.
    pub max_memory: u64,
    /// Layers inside one another; the file itself is layer 1.
    pub max_depth: u32,
    /// Children of one file, at all depths together.
    pub max_children: u32,
    /// Bytes that a layer may grow to, as a multiple of the compressed bytes that it came from.
    /// Applies only past the first mebibyte of output.
    pub max_ratio: u32,
    /// Largest text that is normalised.
    pub max_normalise: u64,
    /// Largest layer that regular expressions run over.
    pub max_regex_size: u64,
    /// Backtracking steps of one regular expression on one layer. (ClamAV's `PCREMatchLimit` of 100,000 counts
    /// from each place where a match might start, and says nothing when it is reached.)
    pub regex_steps: u64,
    /// Steps of pattern evaluation on one layer: about one a byte looked at.
    pub search_steps: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_file_size: 8 << 30,
            max_scan_size: 16 << 30,
            max_growth: 32,
            // Decoders need about as much again for their dictionaries.
            max_memory: 128 << 20,
            max_depth: 17,
            max_children: 10_000,
            // Deflate reaches 1,032 on a file of zeros, which is no bomb by itself.
            max_ratio: 2_000,
            max_normalise: 40 << 20,
            max_regex_size: 100 << 20,
            regex_steps: 20_000_000,
            search_steps: 50_000_000_000,
        }
    }
}

/// A flag by which the owner of a scan stops it from outside: the engine reads no clock.
#[derive(Clone, Debug, Default)]
pub struct Interrupt(Arc<AtomicU8>);

impl Interrupt {
    /// A flag that nobody has raised.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Says that the time of the scan is up.
    pub fn time_out(&self) {
        self.0.store(1, Ordering::Relaxed);
    }

    /// Says that the user wants the scan to stop.
    pub fn cancel(&self) {
        self.0.store(2, Ordering::Relaxed);
    }

    /// Lowers the flag again, for the next file.
    pub fn reset(&self) {
        self.0.store(0, Ordering::Relaxed);
    }

    /// Why the scan must stop, if it must.
    #[must_use]
    pub fn reason(&self) -> Option<Reason> {
        match self.0.load(Ordering::Relaxed) {
            0 => None,
            1 => Some(Reason::Timeout),
            _ => Some(Reason::Cancelled),
        }
    }
}

/// The account that every byte produced from input is paid from.
#[derive(Clone, Debug)]
pub struct Budget {
    limits: Limits,
    interrupt: Interrupt,
    /// Bytes that this file may cost: [`Limits::max_scan_size`], or less for a small one.
    allowance: u64,
    bytes: u64,
    held: u64,
    children: u32,
    depth: u32,
    key_rounds: u64,
    work: u64,
    coded: u64,
}

/// Takes `price` off an account, if there is as much.
const fn pay(account: &mut u64, price: u64) -> bool {
    match account.checked_sub(price) {
        Some(left) => {
            *account = left;
            true
        }
        None => false,
    }
}

impl Budget {
    /// A fresh account for a file of `length` bytes.
    #[must_use]
    pub fn new(limits: Limits, interrupt: Interrupt, length: u64) -> Self {
        let growth = length.saturating_mul(u64::from(limits.max_growth)).max(FREE_GROWTH);
        let allowance = length.saturating_add(growth).min(limits.max_scan_size);
        Self {
            limits,
            interrupt,
            allowance,
            bytes: 0,
            held: 0,
            children: 0,
            depth: 0,
            key_rounds: KEY_ROUNDS.saturating_add(length / BYTES_A_ROUND),
            work: FREE_WORK.saturating_add(length.saturating_mul(WORK_A_BYTE)),
            coded: length.saturating_mul(CODED),
        }
    }

    /// The limits that it enforces.
    #[must_use]
    pub const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Bytes spent so far.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Children opened so far.
    #[must_use]
    pub const fn children(&self) -> u32 {
        self.children
    }

    /// Bytes that may still be spent.
    #[must_use]
    pub const fn remaining(&self) -> u64 {
        self.allowance.saturating_sub(self.bytes)
    }

    /// What is said when [`remaining`](Self::remaining) is used up.
    #[must_use]
    pub const fn exhaustion(&self) -> Reason {
        if self.allowance < self.limits.max_scan_size { Reason::Growth } else { Reason::ScanSize }
    }

    /// Bytes of unpacked layers that may still be held.
    #[must_use]
    pub const fn memory(&self) -> u64 {
        self.limits.max_memory.saturating_sub(self.held)
    }

    /// Whether a copy of `bytes` may be made, which is paid for when it is given.
    ///
    /// # Errors
    /// The reason why not.
    pub fn admit(&self, bytes: u64) -> Result<(), Reason> {
        if bytes > self.remaining() {
            return Err(self.exhaustion());
        }
        if bytes > self.memory() { Err(Reason::Memory) } else { Ok(()) }
    }

    /// Notes that so many bytes of an unpacked layer are held from now on.
    pub const fn hold(&mut self, bytes: u64) {
        self.held = self.held.saturating_add(bytes);
    }

    /// Notes that so many bytes are not held any more.
    pub const fn release(&mut self, bytes: u64) {
        self.held = self.held.saturating_sub(bytes);
    }

    /// Pays for `bytes` of a layer.
    ///
    /// # Errors
    /// The reason to stop: what the file may cost is used up, or somebody interrupted. Nothing is paid then.
    pub fn spend(&mut self, bytes: u64) -> Result<(), Reason> {
        self.check()?;
        let sum = self.bytes.saturating_add(bytes);
        if sum > self.allowance || sum == u64::MAX {
            return Err(self.exhaustion());
        }
        self.bytes = sum;
        Ok(())
    }

    /// Pays for a key that is made of a password, in rounds of SHA-256 over a few bytes; slower hashes cost a multiple. Archives
    /// say how many rounds it takes, and a file may hold a thousand archives. Whether there were as many left; if not, nothing is
    /// paid and the key must not be made.
    #[must_use]
    pub const fn pay_key(&mut self, rounds: u64) -> bool {
        pay(&mut self.key_rounds, rounds)
    }

    /// Pays for work that no length accounts for: bytes that are read once more because something else began before them,
    /// steps of a program. A unit is a byte that a parser reads, five to ten nanoseconds; what is faster or slower pays a part or
    /// a multiple. What one layer may cost beside its length a file could ask for ten thousand times. Whether there was as much
    /// left; if not, nothing is paid, the work must not be done, and [`Reason::Work`] is what to say.
    #[must_use]
    pub const fn pay_work(&mut self, units: u64) -> bool {
        pay(&mut self.work, units)
    }

    /// Notes that so many bytes go into a coder of ranges, which makes up to five hundred bytes of one, each at the price of one
    /// that is packed well. How many of them are more than the file has itself: those come out of what was packed
    /// before, and have to be paid for ([`pay_work`](Self::pay_work)).
    #[must_use]
    pub const fn code(&mut self, bytes: u64) -> u64 {
        let beyond = bytes.saturating_sub(self.coded);
        self.coded = self.coded.saturating_sub(bytes);
        beyond
    }

    /// What is left of the work.
    #[must_use]
    pub const fn work(&self) -> u64 {
        self.work
    }

    /// Whether the owner of the scan lets it go on.
    ///
    /// # Errors
    /// The reason to stop.
    pub fn check(&self) -> Result<(), Reason> {
        self.interrupt.reason().map_or(Ok(()), Err)
    }

    /// Enters one more layer.
    ///
    /// # Errors
    /// The depth or the number of children is used up, or somebody interrupted.
    pub fn enter(&mut self) -> Result<(), Reason> {
        self.check()?;
        if self.depth >= self.limits.max_depth {
            return Err(Reason::Depth);
        }
        if self.children > self.limits.max_children {
            return Err(Reason::Children);
        }
        self.depth = self.depth.saturating_add(1);
        self.children = self.children.saturating_add(1);
        Ok(())
    }

    /// Leaves the layer that the last [`enter`](Self::enter) opened.
    pub const fn leave(&mut self) {
        self.depth = self.depth.saturating_sub(1);
    }

    /// The most that a child made from `compressed` bytes may grow to, in bytes.
    #[must_use]
    pub fn growth(&self, compressed: u64) -> u64 {
        self.flow(compressed).min(self.memory())
    }

    /// The most that may come out of `compressed` bytes when it need not be held all at the same time.
    #[must_use]
    pub fn flow(&self, compressed: u64) -> u64 {
        let by_ratio = compressed.saturating_mul(u64::from(self.limits.max_ratio)).max(1 << 20);
        by_ratio.min(self.limits.max_file_size).min(self.remaining())
    }

    /// Why [`flow`](Self::flow) for these `compressed` bytes is not more.
    #[must_use]
    pub fn flow_limit(&self, compressed: u64) -> Reason {
        let limit = self.flow(compressed);
        match () {
            () if limit == self.remaining() => self.exhaustion(),
            () if limit == self.limits.max_file_size => Reason::FileSize,
            () => Reason::Ratio,
        }
    }

    /// Why [`growth`](Self::growth) for these `compressed` bytes is not more.
    #[must_use]
    pub fn growth_limit(&self, compressed: u64) -> Reason {
        if self.memory() < self.flow(compressed) { Reason::Memory } else { self.flow_limit(compressed) }
    }
}
