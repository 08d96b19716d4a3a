//! LZX. In WIM, every chunk is on its own, the length of a block is short, and calls are always translated; in cabinets and help
//! files, frames of 32 KiB follow one another in one window, blocks go on from one to the next, and the first says whether calls
//! are translated.

use std::io::{self, ErrorKind};

use super::code::{Bits, Code};
use crate::bits::copy_back;
use crate::pace::Pace;

/// What a program is taken to be long in WIM, for the translation of calls.
const PROGRAM: i32 = 12_000_000;
/// Length of a block that says none.
const BLOCK: usize = 32_768;
/// Most that a frame of a cabinet holds, and how many of them are translated.
pub(crate) const FRAME: usize = 32_768;
const TRANSLATED: u64 = 32_768;
/// What a block costs with its codes, in the units of [`Pace`].
const TABLES: u64 = 4000;
/// Symbols of lengths.
const LENGTHS: usize = 249;

/// Appends a chunk of `length` bytes, in a window of `window`.
///
/// # Errors
/// It is damaged; what came before the damage is appended.
pub(super) fn unpack(packed: &[u8], out: &mut Vec<u8>, length: usize, window: u64) -> io::Result<()> {
    let start = out.len();
    let mut bits = Bits::new(packed);
    let mut decoder = Decoder::new(window);
    decoder.pace.passed(packed.len());
    let outcome = decoder.run(&mut bits, out, start, length, window > 65_535);
    translate(out.get_mut(start..).unwrap_or_default(), 0, PROGRAM);
    outcome
}

/// Frames of a cabinet or a help file, one after another.
pub(crate) struct Frames {
    decoder: Decoder,
    window: usize,
    /// What was decoded, as copies see it: at least as much as the window, if there was as much.
    history: Vec<u8>,
    /// The block that the last frame ended in, how long it is and how much of it is left.
    block: Block,
    length: usize,
    left: usize,
    /// Bytes and frames that were given.
    given: u64,
    frames: u64,
    /// Length of the program whose calls are translated, if they are.
    program: i32,
}

impl Frames {
    /// Before the first frame, with a window of two to this power.
    pub(crate) fn new(power: u32) -> Self {
        let window = 1_usize.wrapping_shl(power);
        Self {
            decoder: Decoder::new(1_u64.wrapping_shl(power)),
            window,
            history: Vec::new(),
            block: Block::Stored,
            length: 0,
            left: 0,
            given: 0,
            frames: 0,
            program: 0,
        }
    }

    /// Appends the next frame, of `length` bytes and no more than [`FRAME`].
    ///
    /// # Errors
    /// It is damaged, or its blocks hold nothing; what came before is appended. There are no frames behind it.
    pub(crate) fn next(&mut self, packed: &[u8], length: usize, out: &mut Vec<u8>) -> io::Result<()> {
        if self.history.len() > self.window.saturating_mul(2).max(8 * FRAME) {
            self.history.drain(..self.history.len().saturating_sub(self.window));
        }
        let (start, from) = (self.history.len(), out.len());
        self.decoder.pace.passed(packed.len());
        let outcome = self.decode(&mut Bits::new(packed), start.saturating_add(length.min(FRAME)));
        out.extend_from_slice(self.history.get(start..).unwrap_or_default());
        if self.program != 0 && self.frames < TRANSLATED {
            let place = i32::try_from(self.given).unwrap_or(i32::MAX);
            translate(out.get_mut(from..).unwrap_or_default(), place, self.program);
        }
        self.frames = self.frames.saturating_add(1);
        self.given = self.given.saturating_add(u64::try_from(length).unwrap_or(u64::MAX));
        outcome
    }

    fn decode(&mut self, bits: &mut Bits<'_>, end: usize) -> io::Result<()> {
        let Self { decoder, history, block, .. } = self;
        if self.frames == 0 && bits.take(1)? == 1 {
            self.program = (bits.take(16)? << 16 | bits.take(16)?).cast_signed();
        }
        while history.len() < end {
            if self.left == 0 {
                let kind = bits.take(3)?;
                self.length = usize::try_from(bits.take(16)? << 8 | bits.take(8)?).unwrap_or(0);
                self.left = self.length;
                if self.left == 0 {
                    return Err(invalid("a block of no length"));
                }
                *block = decoder.begin(bits, kind)?;
            }
            let before = history.len();
            let until = before.saturating_add(self.left).min(end);
            let start = before.saturating_sub(self.window);
            let outcome = decoder.give(bits, block, history, start, until);
            let given = history.len().saturating_sub(before);
            decoder.pace.passed(given);
            self.left = self.left.saturating_sub(given);
            outcome?;
            if self.left == 0 && matches!(block, Block::Stored) && self.length % 2 == 1 {
                let _ = bits.byte();
            }
        }
        Ok(())
    }
}

/// What the rest of a block is read by.
enum Block {
    Stored,
    /// Codes of literals and copies, of lengths, and of the low bits of distances, if these have one.
    Coded(Box<(Code, Code, Option<Code>)>),
}

struct Decoder {
    main: Vec<u8>,
    lengths: Vec<u8>,
    recent: [u32; 3],
    pace: Pace,
}

impl Decoder {
    fn new(window: u64) -> Self {
        Self {
            main: vec![0; slots(window).saturating_mul(8).saturating_add(256)],
            lengths: vec![0; LENGTHS],
            recent: [1; 3],
            pace: Pace::new(),
        }
    }

    /// Decodes the blocks of a chunk, whose lengths may have more than 16 bits.
    fn run(
        &mut self,
        bits: &mut Bits<'_>,
        out: &mut Vec<u8>,
        start: usize,
        length: usize,
        is_wide: bool,
    ) -> io::Result<()> {
        let end = start.saturating_add(length);
        while out.len() < end {
            let kind = bits.take(3)?;
            let block = if bits.take(1)? == 1 {
                BLOCK
            } else {
                let mut length = bits.take(16)?;
                if is_wide {
                    length = length << 8 | bits.take(8)?;
                }
                usize::try_from(length).unwrap_or(0)
            };
            let before = out.len();
            let until = before.saturating_add(block).min(end);
            if until == before {
                return Err(invalid("a block of no length"));
            }
            let block = self.begin(bits, kind)?;
            self.give(bits, &block, out, start, until)?;
            self.pace.passed(out.len().saturating_sub(before));
            if matches!(block, Block::Stored) && out.len().saturating_sub(before) % 2 == 1 {
                // The next block begins with a whole word; the last one may lack the padding.
                let _ = bits.byte();
            }
        }
        Ok(())
    }

    /// Reads what a block begins with, behind its length.
    fn begin(&mut self, bits: &mut Bits<'_>, kind: u32) -> io::Result<Block> {
        self.pace.pay(TABLES)?;
        let aligned = match kind {
            1 => None,
            2 => {
                let lengths = (0..8)
                    .map(|_| bits.take(3).map(|length| u8::try_from(length).unwrap_or(0)))
                    .collect::<io::Result<Vec<u8>>>()?;
                Some(Code::new(&lengths)?)
            }
            3 => {
                bits.align();
                for recent in &mut self.recent {
                    let bytes = bits.bytes(4)?;
                    *recent = bytes.first_chunk().map_or(1, |bytes| u32::from_le_bytes(*bytes));
                }
                return Ok(Block::Stored);
            }
            _ => return Err(invalid("a kind of block that LZX does not have")),
        };
        let (literals, copies) =
            self.main.split_at_mut_checked(256).ok_or_else(|| invalid("a tree of LZX"))?;
        changed(bits, literals)?;
        changed(bits, copies)?;
        changed(bits, &mut self.lengths)?;
        Ok(Block::Coded(Box::new((Code::new(&self.main)?, Code::new(&self.lengths)?, aligned))))
    }

    /// Appends what a block gives, until there are `until` bytes; copies come from behind `start`.
    fn give(
        &mut self,
        bits: &mut Bits<'_>,
        block: &Block,
        out: &mut Vec<u8>,
        start: usize,
        until: usize,
    ) -> io::Result<()> {
        let Block::Coded(codes) = block else {
            let wanted = until.saturating_sub(out.len());
            out.extend_from_slice(bits.bytes(wanted)?);
            return Ok(());
        };
        let (main, lengths, aligned) = &**codes;
        while out.len() < until {
            let symbol = main.symbol(bits)?;
            let Some(copy) = symbol.checked_sub(256) else {
                out.push(u8::try_from(symbol).unwrap_or(0));
                continue;
            };
            let mut length = usize::from(copy & 7);
            if length == 7 {
                length = length.saturating_add(usize::from(lengths.symbol(bits)?));
            }
            let distance = self.distance(bits, copy >> 3, aligned.as_ref())?;
            let distance = usize::try_from(distance).unwrap_or(usize::MAX);
            if distance == 0 || distance > out.len().saturating_sub(start) {
                return Err(invalid("a copy from before the start"));
            }
            copy_back(out, distance, length.saturating_add(2).min(until.saturating_sub(out.len())));
        }
        Ok(())
    }

    /// How far back a copy comes from.
    fn distance(&mut self, bits: &mut Bits<'_>, slot: u16, aligned: Option<&Code>) -> io::Result<u32> {
        let [first, second, third] = self.recent;
        match slot {
            0 => return Ok(first),
            1 => self.recent = [second, first, third],
            2 => self.recent = [third, second, first],
            _ => {
                let (base, width) = position(slot);
                let offset = match aligned {
                    Some(code) if width >= 3 => {
                        let high = bits.take(width.saturating_sub(3))? << 3;
                        high | u32::from(code.symbol(bits)?)
                    }
                    _ => long(bits, width)?,
                };
                let distance = base.saturating_add(offset).saturating_sub(2);
                self.recent = [distance, first, second];
            }
        }
        let [distance, ..] = self.recent;
        Ok(distance)
    }
}

fn long(bits: &mut Bits<'_>, width: u32) -> io::Result<u32> {
    match width.checked_sub(16) {
        Some(more) if more > 0 => Ok(bits.take(more)? << 16 | bits.take(16)?),
        _ => bits.take(width),
    }
}

/// Numbers of groups of distances for a window.
const fn slots(window: u64) -> usize {
    match window {
        0..=32_768 => 30,
        32_769..=65_536 => 32,
        65_537..=131_072 => 34,
        131_073..=262_144 => 36,
        262_145..=524_288 => 38,
        524_289..=1_048_576 => 42,
        _ => 50,
    }
}

/// Where a group of distances begins, and how many bits say which of it.
fn position(slot: u16) -> (u32, u32) {
    let slot = u32::from(slot);
    if slot < 4 {
        return (slot, 0);
    }
    let width = (slot / 2).saturating_sub(1).min(17);
    // Groups 36 and up are all of one length.
    match slot.checked_sub(36) {
        Some(past) => (past.saturating_add(2).wrapping_shl(17), 17),
        None => ((2 | (slot & 1)).wrapping_shl(width), width),
    }
}

/// Changes the lengths of a code by what the stream says of each.
fn changed(bits: &mut Bits<'_>, lengths: &mut [u8]) -> io::Result<()> {
    let own = (0..20)
        .map(|_| bits.take(4).map(|length| u8::try_from(length).unwrap_or(0)))
        .collect::<io::Result<Vec<u8>>>()?;
    let code = Code::new(&own)?;
    let mut left = lengths;
    while !left.is_empty() {
        let symbol = code.symbol(bits)?;
        let (count, value) = match symbol {
            17 => (bits.take(4)?.saturating_add(4), Some(0)),
            18 => (bits.take(5)?.saturating_add(20), Some(0)),
            19 => {
                let count = bits.take(1)?.saturating_add(4);
                let change = code.symbol(bits)?;
                (count, left.first().map(|length| less(*length, change)))
            }
            change => (1, left.first().map(|length| less(*length, change))),
        };
        let value = value.unwrap_or(0);
        let count = usize::try_from(count).unwrap_or(0).min(left.len());
        let (now, behind) = left.split_at_mut_checked(count).ok_or_else(|| invalid("a tree of LZX"))?;
        now.fill(value);
        left = behind;
    }
    Ok(())
}

/// A length less a change, modulo 17.
fn less(length: u8, change: u16) -> u8 {
    let sum = u16::from(length).saturating_add(17).saturating_sub(change.min(17));
    u8::try_from(sum % 17).unwrap_or(0)
}

/// Makes relative again what an encoder made absolute: the targets of calls, in a piece that stands at a place of a program of this
/// length.
fn translate(chunk: &mut [u8], start: i32, program: i32) {
    let end = chunk.len().saturating_sub(10);
    let mut at = 0_usize;
    while at < end {
        if chunk.get(at) != Some(&0xe8) {
            at = at.saturating_add(1);
            continue;
        }
        let place = start.saturating_add(i32::try_from(at).unwrap_or(i32::MAX));
        let operand = chunk.get_mut(at.saturating_add(1)..).and_then(|rest| rest.first_chunk_mut::<4>());
        if let Some(operand) = operand {
            let target = i32::from_le_bytes(*operand);
            if target >= place.saturating_neg() && target < program {
                let relative =
                    if target >= 0 { target.wrapping_sub(place) } else { target.wrapping_add(program) };
                *operand = relative.to_le_bytes();
            }
        }
        at = at.saturating_add(5);
    }
}

fn invalid(what: &'static str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, what)
}
