//! LZX as WIM has it: every chunk on its own, blocks with a short length, and calls always translated.

use std::io::{self, ErrorKind};

use super::code::{Bits, Code};
use crate::bits::copy_back;
use crate::pace::Pace;

/// What a program is taken to be long, for the translation of calls.
const PROGRAM: i32 = 12_000_000;
/// Length of a block that says none.
const BLOCK: usize = 32_768;
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
    let mut decoder = Decoder::new(packed, window);
    let outcome = decoder.run(out, start, length);
    translate(out.get_mut(start..).unwrap_or_default());
    outcome
}

struct Decoder<'a> {
    bits: Bits<'a>,
    /// Bits for the length of a block.
    is_wide: bool,
    main: Vec<u8>,
    lengths: Vec<u8>,
    recent: [u32; 3],
    pace: Pace,
}

impl<'a> Decoder<'a> {
    fn new(packed: &'a [u8], window: u64) -> Self {
        let slots = slots(window);
        let pace = Pace::new();
        pace.passed(packed.len());
        Self {
            bits: Bits::new(packed),
            is_wide: window > 65_535,
            main: vec![0; slots.saturating_mul(8).saturating_add(256)],
            lengths: vec![0; LENGTHS],
            recent: [1; 3],
            pace,
        }
    }

    fn run(&mut self, out: &mut Vec<u8>, start: usize, length: usize) -> io::Result<()> {
        let end = start.saturating_add(length);
        while out.len() < end {
            let kind = self.bits.take(3)?;
            let block = if self.bits.take(1)? == 1 {
                BLOCK
            } else {
                let mut length = self.bits.take(16)?;
                if self.is_wide {
                    length = length << 8 | self.bits.take(8)?;
                }
                usize::try_from(length).unwrap_or(0)
            };
            let until = out.len().saturating_add(block).min(end);
            if until == out.len() {
                return Err(invalid("a block of no length"));
            }
            let before = out.len();
            match kind {
                1 | 2 => {
                    self.pace.pay(TABLES)?;
                    let aligned = if kind == 2 {
                        let lengths = (0..8)
                            .map(|_| self.bits.take(3).map(|length| u8::try_from(length).unwrap_or(0)))
                            .collect::<io::Result<Vec<u8>>>()?;
                        Some(Code::new(&lengths)?)
                    } else {
                        None
                    };
                    self.trees()?;
                    let (main, lengths) = (Code::new(&self.main)?, Code::new(&self.lengths)?);
                    self.block(out, start, until, &main, &lengths, aligned.as_ref())?;
                }
                3 => {
                    self.bits.align();
                    for recent in &mut self.recent {
                        let bytes = self.bits.bytes(4)?;
                        *recent = bytes.first_chunk().map_or(1, |bytes| u32::from_le_bytes(*bytes));
                    }
                    let length = until.saturating_sub(out.len());
                    out.extend_from_slice(self.bits.bytes(length)?);
                    if length % 2 == 1 {
                        // The next block begins with a whole word; the last one may lack the padding.
                        let _ = self.bits.byte();
                    }
                }
                _ => return Err(invalid("a kind of block that LZX does not have")),
            }
            self.pace.passed(out.len().saturating_sub(before));
        }
        Ok(())
    }

    fn trees(&mut self) -> io::Result<()> {
        let Self { bits, main, lengths, .. } = self;
        let (literals, copies) = main.split_at_mut_checked(256).ok_or_else(|| invalid("a tree of LZX"))?;
        changed(bits, literals)?;
        changed(bits, copies)?;
        changed(bits, lengths)
    }

    fn block(
        &mut self,
        out: &mut Vec<u8>,
        start: usize,
        until: usize,
        main: &Code,
        lengths: &Code,
        aligned: Option<&Code>,
    ) -> io::Result<()> {
        while out.len() < until {
            let symbol = main.symbol(&mut self.bits)?;
            let Some(copy) = symbol.checked_sub(256) else {
                out.push(u8::try_from(symbol).unwrap_or(0));
                continue;
            };
            let mut length = usize::from(copy & 7);
            if length == 7 {
                length = length.saturating_add(usize::from(lengths.symbol(&mut self.bits)?));
            }
            let distance = self.distance(copy >> 3, aligned)?;
            let distance = usize::try_from(distance).unwrap_or(usize::MAX);
            if distance == 0 || distance > out.len().saturating_sub(start) {
                return Err(invalid("a copy from before the start"));
            }
            copy_back(out, distance, length.saturating_add(2).min(until.saturating_sub(out.len())));
        }
        Ok(())
    }

    /// How far back a copy comes from.
    fn distance(&mut self, slot: u16, aligned: Option<&Code>) -> io::Result<u32> {
        let [first, second, third] = self.recent;
        match slot {
            0 => return Ok(first),
            1 => self.recent = [second, first, third],
            2 => self.recent = [third, second, first],
            _ => {
                let (base, width) = position(slot);
                let offset = match aligned {
                    Some(code) if width >= 3 => {
                        let high = self.bits.take(width.saturating_sub(3))? << 3;
                        high | u32::from(code.symbol(&mut self.bits)?)
                    }
                    _ => self.long(width)?,
                };
                let distance = base.saturating_add(offset).saturating_sub(2);
                self.recent = [distance, first, second];
            }
        }
        let [distance, ..] = self.recent;
        Ok(distance)
    }

    fn long(&mut self, width: u32) -> io::Result<u32> {
        match width.checked_sub(16) {
            Some(more) if more > 0 => Ok(self.bits.take(more)? << 16 | self.bits.take(16)?),
            _ => self.bits.take(width),
        }
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

/// Makes relative again what an encoder made absolute: the targets of calls.
fn translate(chunk: &mut [u8]) {
    let end = chunk.len().saturating_sub(10);
    let mut at = 0_usize;
    while at < end {
        if chunk.get(at) != Some(&0xe8) {
            at = at.saturating_add(1);
            continue;
        }
        let place = i32::try_from(at).unwrap_or(i32::MAX);
        let operand = chunk.get_mut(at.saturating_add(1)..).and_then(|rest| rest.first_chunk_mut::<4>());
        if let Some(operand) = operand {
            let target = i32::from_le_bytes(*operand);
            if target >= place.saturating_neg() && target < PROGRAM {
                let relative =
                    if target >= 0 { target.wrapping_sub(place) } else { target.wrapping_add(PROGRAM) };
                *operand = relative.to_le_bytes();
            }
        }
        at = at.saturating_add(5);
    }
}

fn invalid(what: &'static str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, what)
}
