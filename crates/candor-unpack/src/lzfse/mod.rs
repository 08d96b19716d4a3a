//! LZFSE, a compression of Apple's: blocks, each as it is, packed by LZVN, or as literals and copies whose numbers
//! are coded by finite states.
//!
//! Layout: <https://github.com/lzfse/lzfse>.
//!
//! ```text
//! "bvx-" length, bytes            "bvx1" header with frequencies as they are, literals, copies
//! "bvxn" length, packed, LZVN     "bvx2" header with packed frequencies, literals, copies
//! "bvx$" the end
//! ```
//!
//! Streams of states are read from their end to their start. A block has as many literals and copies as it gives
//! bytes, or it is damaged. Its codes are made whatever it gives, which what was read and given pays for.

pub(crate) mod lzvn;
#[cfg(test)]
mod tests;

use crate::bits::copy_back;
use crate::pace::Pace;
use crate::reader::{Reader, clipped};
use crate::work::units;

/// Symbols and states of each of the four codes: how long literals are, how long and how far copies, and literals.
const LENGTHS: usize = 20;
const DISTANCES: usize = 64;
const LITERALS: usize = 256;
const LENGTH_STATES: usize = 64;
const DISTANCE_STATES: usize = 256;
const LITERAL_STATES: usize = 1024;
/// Bytes of a header whose frequencies are not packed.
const WIDE_HEADER: u64 = 772;
/// Literals and copies of a block.
const MOST_LITERALS: usize = 40_000;
const MOST_COPIES: usize = 10_000;
/// What the codes of a block cost, in the units of [`Pace`], and what a copy and a literal do, which may have no bits.
const CODES: u64 = 4000;
const COPY: u64 = 16;
const LITERAL: u64 = 4;
/// Symbols of all codes.
const SYMBOLS: usize = LENGTHS + LENGTHS + DISTANCES + LITERALS;

/// The first `most` bytes of a stream, as far as they can be read, and whether it came to its end.
pub(crate) fn unpack(data: &[u8], most: usize) -> (Vec<u8>, bool) {
    let mut out = Vec::new();
    let is_whole = blocks(data, &mut out, most).is_some();
    (out, is_whole)
}

fn blocks(data: &[u8], out: &mut Vec<u8>, most: usize) -> Option<()> {
    let mut reader = Reader::little(data);
    let pace = Pace::new();
    loop {
        let (place, given) = (reader.position(), out.len());
        let magic = reader.take(4)?;
        if magic == b"bvx$" {
            return Some(());
        }
        let length = usize::try_from(reader.u32()?).ok()?;
        let end = out.len().checked_add(length)?;
        let room = end.min(most);
        let mut price = 0;
        match magic {
            b"bvx-" => {
                let bytes = clipped(reader.rest(), 0, u64::try_from(length).ok()?);
                out.extend_from_slice(bytes.get(..room.checked_sub(out.len())?.min(bytes.len()))?);
                reader.skip(u64::try_from(length).ok()?)?;
            }
            b"bvxn" => {
                let packed = u64::from(reader.u32()?);
                lzvn::unpack(clipped(reader.rest(), 0, packed), out, room);
                reader.skip(packed)?;
            }
            b"bvx1" | b"bvx2" => {
                pace.pay(CODES).ok()?;
                let block = Block::read(&mut reader, magic == b"bvx1", length)?;
                price = units(block.copies).saturating_mul(COPY);
                price = price.saturating_add(units(block.literals).saturating_mul(LITERAL));
                block.give(out, room)?;
            }
            _ => return None,
        }
        if out.len() != end {
            return None;
        }
        pace.passed(reader.position().saturating_sub(place).saturating_add(out.len().saturating_sub(given)));
        pace.pay(price).ok()?;
    }
}

/// A block of literals and copies.
struct Block<'a> {
    literals: usize,
    copies: usize,
    literal_bits: Bits<'a>,
    literal_states: [usize; 4],
    copy_bits: Bits<'a>,
    /// Of lengths of literals, lengths of copies, and distances.
    states: [usize; 3],
    codes: [Vec<Step>; 4],
}

impl<'a> Block<'a> {
    /// Reads the header of a block that gives `length` bytes, and passes over it and its content.
    fn read(reader: &mut Reader<'a>, is_wide: bool, length: usize) -> Option<Self> {
        let start = reader.rest();
        let field = |word: u64, at: u32, width: u32| {
            usize::try_from(word.wrapping_shr(at) & !u64::MAX.wrapping_shl(width)).unwrap_or(usize::MAX)
        };
        let (counts, literal_states, states, unused, frequencies, header);
        if is_wide {
            let mut fields = Reader::little(start);
            fields.skip(4)?;
            let mut number = || usize::try_from(fields.u32()?).ok();
            counts = [number()?, number()?, number()?, number()?];
            let first = fields.u32()?.cast_signed();
            let mut state = || Some(usize::from(fields.u16()?));
            literal_states = [state()?, state()?, state()?, state()?];
            unused = [first, fields.u32()?.cast_signed()];
            let mut state = || Some(usize::from(fields.u16()?));
            states = [state()?, state()?, state()?];
            frequencies = (0..SYMBOLS).map(|_| fields.u16()).collect::<Option<Vec<_>>>()?;
            header = WIDE_HEADER.checked_sub(8)?;
        } else {
            let mut fields = Reader::little(start);
            let words = [fields.u64()?, fields.u64()?, fields.u64()?];
            let [first, second, third] = words;
            counts = [field(first, 0, 20), field(first, 40, 20), field(first, 20, 20), field(second, 40, 20)];
            literal_states = [0, 10, 20, 30].map(|at| field(second, at, 10));
            states = [32, 42, 52].map(|at| field(third, at, 10));
            let bits = |word: u64| i32::try_from(field(word, 60, 3)).unwrap_or(0).saturating_sub(7);
            unused = [bits(first), bits(second)];
            header = (third & 0xffff_ffff).checked_sub(8)?;
            frequencies = packed_frequencies(clipped(start, 24, header.checked_sub(24)?));
        }
        let [literals, copies, literal_length, copy_length] = counts;
        if literals > MOST_LITERALS.min(length.saturating_add(3))
            || copies > MOST_COPIES.min(length.saturating_add(1))
        {
            return None;
        }
        reader.skip(header)?;
        let literal_bits = Bits::new(reader.take(u64::try_from(literal_length).ok()?)?, unused[0])?;
        let copy_bits = Bits::new(reader.take(u64::try_from(copy_length).ok()?)?, unused[1])?;
        let (lengths, rest) = frequencies.split_at_checked(LENGTHS)?;
        let (copy_lengths, rest) = rest.split_at_checked(LENGTHS)?;
        let (distances, of_literals) = rest.split_at_checked(DISTANCES)?;
        let symbol = |symbol: usize| (0, u32::try_from(symbol).unwrap_or(0));
        let codes = [
            code(lengths, LENGTH_STATES, |symbol| length_of(symbol, [2, 3, 5, 8], [16, 20, 28, 60]))?,
            code(copy_lengths, LENGTH_STATES, |symbol| length_of(symbol, [3, 5, 8, 11], [16, 24, 56, 312]))?,
            code(distances, DISTANCE_STATES, distance_of)?,
            code(of_literals, LITERAL_STATES, symbol)?,
        ];
        Some(Self { literals, copies, literal_bits, literal_states, copy_bits, states, codes })
    }

    /// Appends what the block gives, until there are `most` bytes.
    fn give(mut self, out: &mut Vec<u8>, most: usize) -> Option<()> {
        let [lengths, copy_lengths, distances, of_literals] = &self.codes;
        let mut literals = Vec::new();
        while literals.len() < self.literals {
            for state in &mut self.literal_states {
                literals.push(u8::try_from(step(of_literals, state, &mut self.literal_bits)?).ok()?);
            }
        }
        let mut rest = literals.get(..self.literals)?;
        let mut distance = 0;
        let [length_state, copy_state, distance_state] = &mut self.states;
        for number in 1..=self.copies {
            let literal = step(lengths, length_state, &mut self.copy_bits)?;
            let copy = step(copy_lengths, copy_state, &mut self.copy_bits)?;
            let next = step(distances, distance_state, &mut self.copy_bits)?;
            if next != 0 {
                distance = next;
            }
            if literal == 0 && copy == 0 && number != self.copies {
                return None;
            }
            let (bytes, behind) = rest.split_at_checked(literal)?;
            rest = behind;
            append(out, bytes, copy, distance, most)?;
        }
        Some(())
    }
}

/// Appends bytes and a copy of what is `distance` back, as far as there is room for `most` in all; nothing where that is not
/// enough, and where there is nothing so far back.
fn append(out: &mut Vec<u8>, bytes: &[u8], copy: usize, distance: usize, most: usize) -> Option<()> {
    let room = most.checked_sub(out.len())?;
    out.extend_from_slice(bytes.get(..room.min(bytes.len()))?);
    let length = copy.min(most.checked_sub(out.len())?);
    if length > 0 && (distance == 0 || distance > out.len()) {
        return None;
    }
    copy_back(out, distance, length);
    (bytes.len().saturating_add(copy) <= room).then_some(())
}

/// What a state leads to: a number, whose low bits follow, and the next state, whose low bits do.
#[derive(Clone, Copy)]
struct Step {
    bits: u32,
    more: u32,
    base: u32,
    next: usize,
}

/// The next number.
fn step(code: &[Step], state: &mut usize, bits: &mut Bits<'_>) -> Option<usize> {
    let step = code.get(*state)?;
    let next = bits.take(step.bits)?;
    *state = step.next.checked_add(usize::try_from(next).ok()?)?;
    let value = step.base.checked_add(bits.take(step.more)?)?;
    usize::try_from(value).ok()
}

/// The states of a code whose symbols have these frequencies. `meaning` gives how many bits follow a symbol, and
/// what they are added to.
fn code(frequencies: &[u16], states: usize, meaning: impl Fn(usize) -> (u32, u32)) -> Option<Vec<Step>> {
    let mut steps = Vec::new();
    for (symbol, &frequency) in frequencies.iter().enumerate().filter(|(_, frequency)| **frequency > 0) {
        let frequency = usize::from(frequency);
        if steps.len().checked_add(frequency)? > states {
            return None;
        }
        let (more, base) = meaning(symbol);
        let bits = frequency.leading_zeros().checked_sub(states.leading_zeros())?;
        // So many states take all of these bits, the others one fewer.
        let full = states.checked_mul(2)?.checked_shr(bits)?.checked_sub(frequency)?;
        for number in 0..frequency {
            let (bits, next) = if number < full {
                (bits, frequency.checked_add(number)?.checked_shl(bits)?.checked_sub(states)?)
            } else {
                let fewer = bits.checked_sub(1)?;
                (fewer, number.checked_sub(full)?.checked_shl(fewer)?)
            };
            steps.push(Step { bits, more, base, next });
        }
    }
    Some(steps)
}

fn length_of(symbol: usize, more: [u32; 4], base: [u32; 4]) -> (u32, u32) {
    let large = symbol.checked_sub(16).and_then(|at| Some((*more.get(at)?, *base.get(at)?)));
    large.unwrap_or((0, u32::try_from(symbol).unwrap_or(0)))
}

/// Four distances for every number of bits.
fn distance_of(symbol: usize) -> (u32, u32) {
    let symbol = u32::try_from(symbol).unwrap_or(0);
    let (more, within) = (symbol >> 2, symbol & 3);
    let first = 4_u32.wrapping_shl(more).saturating_sub(4);
    (more, first.saturating_add(within.wrapping_shl(more)))
}

/// The frequencies of all symbols; those that are missing are nothing.
fn packed_frequencies(bytes: &[u8]) -> Vec<u16> {
    let mut at = 0_u64;
    let mut next = || {
        let word = window(bytes, at);
        let small = u16::try_from(word & 0xffff).unwrap_or(0);
        let (length, value) = match small & 7 {
            0 | 4 => (2, 0),
            2 | 6 => (2, 1),
            1 => (3, 2),
            5 => (3, 3),
            3 => (5, 4_u16.saturating_add(small >> 3 & 3)),
            _ if small & 8 == 0 => (8, 8_u16.saturating_add(small >> 4 & 15)),
            _ => (14, 24_u16.saturating_add(small >> 4 & 0x3ff)),
        };
        at = at.saturating_add(length);
        value
    };
    (0..SYMBOLS).map(|_| next()).collect()
}

/// At least 57 bits from this one on.
fn window(bytes: &[u8], at: u64) -> u64 {
    let part = clipped(bytes, at / 8, 8);
    let mut word = [0; 8];
    if let Some(start) = word.get_mut(..part.len()) {
        start.copy_from_slice(part);
    }
    u64::from_le_bytes(word).wrapping_shr(u32::try_from(at % 8).unwrap_or(0))
}

/// Bits that are read from the end to the start.
struct Bits<'a> {
    bytes: &'a [u8],
    /// How many are left.
    left: u64,
}

impl<'a> Bits<'a> {
    /// All of `bytes` but the last `-unused` bits.
    fn new(bytes: &'a [u8], unused: i32) -> Option<Self> {
        let all = u64::try_from(bytes.len()).ok()?.checked_mul(8)?;
        let unused = u64::try_from(unused.checked_neg()?).ok().filter(|unused| *unused < 8)?;
        // A stream of nothing has no byte that bits could be left in.
        Some(Self { bytes, left: all.saturating_sub(unused) })
    }

    fn take(&mut self, count: u32) -> Option<u32> {
        self.left = self.left.checked_sub(u64::from(count))?;
        let word = window(self.bytes, self.left) & !u64::MAX.wrapping_shl(count);
        u32::try_from(word).ok()
    }
}
