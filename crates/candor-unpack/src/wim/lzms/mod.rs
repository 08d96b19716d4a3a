//! LZMS, the compression of solid images.
//!
//! No layout is published by the maker. This is what wimlib's notes say of it
//! (<https://wimlib.net/compression.html>), the numbers settled by what Debian's `wimcapture` packs.
//!
//! ```text
//! words of two bytes from the start: decisions, by a range coder whose chances adapt
//! words of two bytes from the end:   bits, highest first: symbols of codes that adapt, and bits as they are
//!
//! an item    decisions: is it a copy; a copy of differences; from where another one came before?
//!   literal  its symbol
//!   copy     distance, or which of three recent ones; length
//!   delta    power, distance in steps of it, or which of three recent pairs; length
//! ```
//!
//! Where a copy came from is recent only for the item after the next one. Behind all of it the operands of
//! what look like instructions of x86 are made relative again.
//!
//! Hostile files say items that come from before the start or reach behind the end; either ends the chunk,
//! and what came before is kept.

mod adaptive;
mod chances;
mod instructions;
mod slots;
#[cfg(test)]
mod tests;

use std::io::{self, ErrorKind};

use adaptive::{Adaptive, Reversed};
use chances::{Chances, Decisions};
use slots::{DISTANCES, LENGTHS};

/// Appends a chunk of `length` bytes.
///
/// # Errors
/// It is damaged; what came before the damage is appended.
pub(super) fn unpack(packed: &[u8], out: &mut Vec<u8>, length: usize) -> io::Result<()> {
    let start = out.len();
    let outcome = Decoder::new(packed, length).and_then(|mut decoder| decoder.run(out, start, length));
    instructions::make_relative(out.get_mut(start..).unwrap_or_default(), length);
    outcome
}

/// Places of recent copies that an item may name.
const RECENT: usize = 3;

/// Where copies came from before, latest first.
struct Recent<T> {
    places: Vec<T>,
    /// That of the item before, which is not named yet.
    pending: Option<T>,
}

impl<T: Copy> Recent<T> {
    fn new(place: impl Fn(u32) -> T) -> Self {
        Self { places: (1..=4).map(place).collect(), pending: None }
    }

    /// Takes one of them out.
    fn take(&mut self, index: usize) -> io::Result<T> {
        if index >= self.places.len() {
            return Err(invalid("a recent place that LZMS does not have"));
        }
        Ok(self.places.remove(index))
    }

    /// Ends an item that came from `place`.
    fn end(&mut self, place: Option<T>) {
        if let Some(before) = std::mem::replace(&mut self.pending, place) {
            self.places.insert(0, before);
            self.places.truncate(RECENT.saturating_add(1));
        }
    }
}

/// Which of the recent places is meant: a decision for each but the last.
struct Which([Chances<64>; RECENT - 1]);

impl Which {
    fn next(&mut self, decisions: &mut Decisions<'_>) -> usize {
        let Self(chances) = self;
        chances.iter_mut().position(|chances| !chances.next(decisions)).unwrap_or(RECENT - 1)
    }
}

struct Decoder<'a> {
    decisions: Decisions<'a>,
    bits: Reversed<'a>,

    is_copy: Chances<16>,
    is_delta: Chances<32>,
    is_recent: Chances<64>,
    which: Which,
    is_recent_delta: Chances<64>,
    which_delta: Which,

    literals: Adaptive,
    distances: Adaptive,
    lengths: Adaptive,
    steps: Adaptive,
    powers: Adaptive,

    recent: Recent<u32>,
    recent_deltas: Recent<(u32, u32)>,
}

impl<'a> Decoder<'a> {
    fn new(packed: &'a [u8], length: usize) -> io::Result<Self> {
        let (words, odd) = packed.as_chunks::<2>();
        if !odd.is_empty() {
            return Err(invalid("half a word of LZMS"));
        }
        let farthest = u32::try_from(length.saturating_sub(1)).unwrap_or(u32::MAX);
        let count = DISTANCES.reaching(farthest);
        Ok(Self {
            decisions: Decisions::new(words),
            bits: Reversed::new(words),
            is_copy: Chances::new(),
            is_delta: Chances::new(),
            is_recent: Chances::new(),
            which: Which(std::array::from_fn(|_| Chances::new())),
            is_recent_delta: Chances::new(),
            which_delta: Which(std::array::from_fn(|_| Chances::new())),
            literals: Adaptive::new(256, 1024)?,
            distances: Adaptive::new(count, 1024)?,
            lengths: Adaptive::new(LENGTHS.count(), 512)?,
            steps: Adaptive::new(count, 1024)?,
            powers: Adaptive::new(8, 512)?,
            recent: Recent::new(|number| number),
            recent_deltas: Recent::new(|number| (0, number)),
        })
    }

    fn run(&mut self, out: &mut Vec<u8>, start: usize, length: usize) -> io::Result<()> {
        let end = start.saturating_add(length);
        while out.len() < end {
            let (mut place, mut pair) = (None, None);
            if !self.is_copy.next(&mut self.decisions) {
                let literal = self.literals.symbol(&mut self.bits)?;
                out.push(u8::try_from(literal).unwrap_or(0));
            } else if !self.is_delta.next(&mut self.decisions) {
                let distance = self.distance()?;
                let length = self.length(end.saturating_sub(out.len()))?;
                place = Some(distance);
                copy(out, start, usize_of(distance), length)?;
            } else {
                let (power, steps) = self.step()?;
                let length = self.length(end.saturating_sub(out.len()))?;
                pair = Some((power, steps));
                copy_changed(out, start, power, steps, length)?;
            }
            if !self.decisions.are_plausible() {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            self.recent.end(place);
            self.recent_deltas.end(pair);
        }
        Ok(())
    }

    fn distance(&mut self) -> io::Result<u32> {
        if self.is_recent.next(&mut self.decisions) {
            let index = self.which.next(&mut self.decisions);
            return self.recent.take(index);
        }
        DISTANCES.value(&mut self.distances, &mut self.bits)
    }

    fn step(&mut self) -> io::Result<(u32, u32)> {
        if self.is_recent_delta.next(&mut self.decisions) {
            let index = self.which_delta.next(&mut self.decisions);
            return self.recent_deltas.take(index);
        }
        let power = u32::from(self.powers.symbol(&mut self.bits)?);
        let steps = DISTANCES.value(&mut self.steps, &mut self.bits)?;
        Ok((power, steps))
    }

    /// A length, of which `most` are left to be made.
    fn length(&mut self, most: usize) -> io::Result<usize> {
        let length = usize_of(LENGTHS.value(&mut self.lengths, &mut self.bits)?);
        if length > most {
            return Err(invalid("a copy that reaches behind the end"));
        }
        Ok(length)
    }
}

/// Appends what stands `distance` before.
fn copy(out: &mut Vec<u8>, start: usize, distance: usize, length: usize) -> io::Result<()> {
    let Some(from) = out.len().checked_sub(distance).filter(|from| *from >= start && distance > 0) else {
        return Err(invalid("a copy from before the start"));
    };
    // What was copied is the source of what follows, so that each turn may double it.
    let mut left = length;
    while left > 0 {
        let there = out.len().saturating_sub(from).min(left);
        out.extend_from_within(from..from.saturating_add(there));
        left = left.saturating_sub(there);
    }
    Ok(())
}

/// Appends what differs from the bytes one span before as it did `steps` spans before that.
fn copy_changed(out: &mut Vec<u8>, start: usize, power: u32, steps: u32, length: usize) -> io::Result<()> {
    let span = 1_usize.wrapping_shl(power);
    let distance = usize_of(steps).saturating_mul(span);
    let farthest = distance.saturating_add(span);
    if distance == 0 || farthest > out.len().saturating_sub(start) {
        return Err(invalid("differences from before the start"));
    }
    for _ in 0..length {
        let back =
            |count: usize| out.len().checked_sub(count).and_then(|at| out.get(at)).copied().unwrap_or(0);
        let byte = back(distance).wrapping_add(back(span)).wrapping_sub(back(farthest));
        out.push(byte);
    }
    Ok(())
}

fn usize_of(value: u32) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}

fn invalid(what: &'static str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, what)
}
