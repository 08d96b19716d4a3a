//! What decoding a stream costs beside the bytes that go in and come out: blocks bring tables of their own, and may hold nothing.
//!
//! A megabyte of such blocks takes a decoder from 5 to 250 milliseconds, and may itself come out of a kilobyte. A stream pays for
//! its blocks with what passes through it, so that whatever its blocks hold, its bytes do not cost more than some others.

use std::cell::Cell;
use std::io::{self, BufRead, ErrorKind, Read, Seek, SeekFrom};
use std::rc::Rc;

use candor_model::Budget;

use crate::work::units;

/// What every byte pays that goes in or comes out; a unit is about a nanosecond. Makers of streams begin a block, which takes a
/// microsecond, every ten thousand bytes.
const BYTE: u64 = 3;
/// What is there before the first byte: streams may be short.
const BEGIN: u64 = 8192;
/// What a stream brings that follows another one: its header and its end are parts, too.
const NEXT: u64 = 3072;
/// Bytes that are searched for blocks at a time.
const PIECE: usize = 4096;

/// What a byte may cost that goes into a decoder which tells nothing of its blocks.
const DOUBT: u64 = 400;

/// What a byte earns at once that the file brings itself for a coder of ranges: ten decisions. Programs take ten, text nine, and a
/// byte that nobody foresees nine; each byte that comes out earns one and a half more.
const CODED: u64 = 20;

/// How many of these units one of [`Budget::pay_work`] is.
const WORK: u64 = 2;

/// The account of one stream.
#[derive(Clone, Debug)]
pub(crate) struct Pace(Rc<Account>);

#[derive(Debug)]
struct Account {
    left: Cell<u64>,
    is_over: Cell<bool>,
    /// How much of it is what the file may cost.
    lent: u64,
    /// How many bytes stand behind the last stream.
    behind: Cell<usize>,
}

impl Pace {
    /// For a stream that has not begun.
    pub(crate) fn new() -> Self {
        Self::with(0)
    }

    /// For a stream whose blocks may cost what the file may, too, as some write each line at once: see [`settle`](Self::settle).
    pub(crate) fn on(budget: &Budget) -> Self {
        Self::with(budget.work().saturating_mul(WORK))
    }

    /// For streams of coders of ranges that are packed to so many bytes. What of these the file brings itself pays for decisions
    /// with more than what comes out; for others there is what the file may cost: see [`settle`](Self::settle).
    pub(crate) fn coding(packed: u64, budget: &mut Budget) -> Self {
        let own = packed.saturating_sub(budget.code(packed));
        let pace = Self::on(budget);
        pace.earn(own.saturating_mul(CODED));
        pace
    }

    /// For streams that may cost so much.
    pub(crate) fn with(lent: u64) -> Self {
        let left = Cell::new(lent.saturating_add(BEGIN));
        Self(Rc::new(Account { left, is_over: Cell::new(false), lent, behind: Cell::new(0) }))
    }

    /// Pays for what was used of the budget.
    pub(crate) fn settle(&self, budget: &mut Budget) {
        let used = self.0.lent.saturating_sub(self.0.left.get()) / WORK;
        // What was opened inside of it has been paid for in the meantime.
        let _ = budget.pay_work(used.min(budget.work()));
    }

    /// Whether something was not paid for.
    pub(crate) fn is_over(&self) -> bool {
        self.0.is_over.get()
    }

    /// Another stream begins, which was paid for elsewhere.
    pub(crate) fn begin(&self) {
        self.earn(NEXT);
    }

    /// The last stream has ended in front of so many bytes.
    pub(crate) fn leave(&self, behind: usize) {
        self.0.behind.set(behind);
    }

    /// How many bytes stand behind the last stream, when it has ended.
    pub(crate) fn behind(&self) -> usize {
        self.0.behind.get()
    }

    /// So many bytes went in or came out.
    pub(crate) fn passed(&self, bytes: usize) {
        self.earn(units(bytes).saturating_mul(BYTE));
    }

    fn earn(&self, earned: u64) {
        self.0.left.set(self.0.left.get().saturating_add(earned));
    }

    /// Pays for a block, or a part of one.
    ///
    /// # Errors
    /// What passed does not pay for it; the kind is the one that the sink knows.
    pub(crate) fn pay(&self, price: u64) -> io::Result<()> {
        match self.0.left.get().checked_sub(price) {
            Some(left) => self.0.left.set(left),
            None => {
                self.0.left.set(0);
                self.0.is_over.set(true);
            }
        }
        self.checked(Ok(()))
    }

    /// An outcome of a decoder. Not every library hands on what was wrong with its source.
    pub(crate) fn checked<T>(&self, outcome: io::Result<T>) -> io::Result<T> {
        if self.0.is_over.get() {
            return Err(io::Error::new(ErrorKind::QuotaExceeded, "blocks of nothing"));
        }
        outcome
    }
}

/// What a decoder reads from which asks a few times for each block.
#[derive(Debug)]
pub(crate) struct Asked<R> {
    pub(crate) source: R,
    pace: Pace,
    price: u64,
}

impl<R> Asked<R> {
    /// With what a block costs for each time that is asked.
    pub(crate) const fn new(source: R, price: u64, pace: Pace) -> Self {
        Self { source, pace, price }
    }
}

impl<R: Read> Read for Asked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.pace.pay(self.price)?;
        let read = self.source.read(buffer)?;
        self.pace.passed(read);
        Ok(read)
    }
}

/// What a decoder reads from whose blocks begin with a mark, in which they are counted.
#[derive(Debug)]
pub(crate) struct Marked<R> {
    pub(crate) source: R,
    pace: Pace,
    price: u64,
    count: fn(&[u8]) -> usize,
    /// How many bytes of what the source has were searched.
    seen: usize,
}

impl<R> Marked<R> {
    /// With what counts the marks, and the price of one.
    pub(crate) const fn new(source: R, price: u64, count: fn(&[u8]) -> usize, pace: Pace) -> Self {
        Self { source, pace, price, count, seen: 0 }
    }
}

impl<R: BufRead> BufRead for Marked<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let bytes = self.source.fill_buf()?;
        if self.seen == 0 {
            let piece = bytes.get(..bytes.len().min(PIECE)).unwrap_or_default();
            let marks = u64::try_from((self.count)(piece)).unwrap_or(u64::MAX);
            self.pace.passed(piece.len());
            self.pace.pay(marks.saturating_mul(self.price))?;
            self.seen = piece.len();
        }
        Ok(bytes.get(..self.seen).unwrap_or(bytes))
    }

    fn consume(&mut self, count: usize) {
        self.seen = self.seen.saturating_sub(count);
        self.source.consume(count);
    }
}

impl<R: BufRead> Read for Marked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(buffer)?;
        self.consume(read);
        Ok(read)
    }
}

/// A decoder whose bytes pay for the blocks that they come out of.
#[derive(Debug)]
pub(crate) struct Paced<D> {
    decoder: D,
    pace: Pace,
    /// What each of its bytes earns.
    worth: u64,
}

impl<D> Paced<D> {
    /// With the account that its source has, too.
    pub(crate) const fn new(decoder: D, pace: Pace) -> Self {
        Self { decoder, pace, worth: BYTE }
    }

    /// One whose source is [`Doubted`]: its bytes give back what those of the source paid.
    pub(crate) const fn doubted(decoder: D, pace: Pace) -> Self {
        Self { decoder, pace, worth: DOUBT }
    }
}

impl<D: Read> Read for Paced<D> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.pace.checked(self.decoder.read(buffer))?;
        self.pace.earn(units(read).saturating_mul(self.worth));
        Ok(read)
    }
}

/// What a decoder reads from that tells nothing of its blocks: each byte pays as if it were of blocks that hold nothing, which
/// it gets back when one comes out ([`Paced::doubted`]).
#[derive(Debug)]
pub(crate) struct Doubted<R> {
    source: R,
    pace: Pace,
}

impl<R> Doubted<R> {
    /// With an account [on a budget](Pace::on).
    pub(crate) const fn new(source: R, pace: Pace) -> Self {
        Self { source, pace }
    }
}

impl<R: Read> Read for Doubted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.pace.checked(Ok(()))?;
        let read = self.source.read(buffer)?;
        self.pace.pay(units(read).saturating_mul(DOUBT))?;
        Ok(read)
    }
}

impl<R: Seek> Seek for Doubted<R> {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        self.source.seek(position)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{ErrorKind, Read as _};

    use candor_fixtures::nothing::{self, Nothing};
    use candor_model::{Budget, Interrupt, Limits};

    use super::Pace;
    use crate::brotli;
    use crate::codec::{self, Decoder};
    use crate::inflate::Dialect;
    use crate::lz4::Lz4;

    #[test]
    fn blocks_that_hold_nothing_are_not_read_for_long() {
        let budget = Budget::new(Limits::default(), Interrupt::new(), 0);
        for kind in nothing::ALL {
            let bytes = kind.stream(1 << 20);
            let rest = &bytes[..];
            let decoders: Vec<Decoder<'_>> = match kind {
                Nothing::KnownCodes | Nothing::OwnCodes | Nothing::Stored => vec![
                    codec::deflate(rest),
                    codec::deflate64(rest),
                    codec::inflate(rest, Dialect::Nullsoft),
                ],
                Nothing::Zstd | Nothing::ZstdRun | Nothing::ZstdCopies => {
                    vec![codec::zstd(rest, &Pace::new()), codec::zstd_frame(rest)]
                }
                Nothing::Lzma2 => vec![codec::lzma2(rest, 1 << 16, &Pace::new())],
                Nothing::Xz => vec![codec::xz(rest, &Pace::new())],
                Nothing::Bzip2 => vec![codec::bzip2(rest, &Pace::new()), codec::bzip2_stream(rest)],
                Nothing::Lz4 => vec![Box::new(Lz4::new(rest))],
                Nothing::Brotli => vec![brotli::stream(rest, &Pace::on(&budget))],
            };
            for (number, mut decoder) in decoders.into_iter().enumerate() {
                let mut out = Vec::new();
                let error = decoder.read_to_end(&mut out).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::QuotaExceeded, "{kind:?} {number}: {error}");
                // A small part of what the blocks could give, or none.
                assert!(out.len() < 1 << 15, "{kind:?} {number}: {}", out.len());
            }
        }
    }
}
