//! Bzip2 as the Nullsoft installer writes it: no header, no checksums, one byte in front of each block and at
//! the end, and no randomised blocks.
//!
//! The rest is bzip2: a move-to-front and run-length coded Burrows-Wheeler transform under up to six Huffman
//! codes, and runs of four and more bytes coded before all that.

use std::io::{self, ErrorKind};

use crate::bits::Steps;
use crate::pace::Pace;

/// Largest block.
const BLOCK: usize = 900_000;
/// Symbols under one code, and longest code.
const GROUP: usize = 50;
const LONGEST: usize = 20;
/// Bytes that one step appends at most, and some.
const CHUNK: usize = 8192;
/// What a block costs, in the units of [`Pace`].
const TABLES: u64 = 3000;

/// A decoder.
pub(super) struct Bzip2<'a> {
    bits: Bits<'a>,
    /// Byte in the low eight bits, and above them the place of the byte that follows.
    block: Vec<u32>,
    place: u32,
    left: usize,
    /// The last byte, and how often it came in a row.
    run: (Option<u8>, u8),
    pace: Pace,
}

impl<'a> Bzip2<'a> {
    /// A decoder that has not begun.
    pub(super) const fn new(data: &'a [u8], pace: Pace) -> Self {
        Self {
            bits: Bits { bytes: data, held: 0, count: 0 },
            block: Vec::new(),
            place: 0,
            left: 0,
            run: (None, 0),
            pace,
        }
    }

    /// Reads a block; `false` at the end.
    fn begin(&mut self) -> io::Result<bool> {
        match self.bits.take(8)? {
            0x17 => return Ok(false),
            0x31 => {}
            _ => return Err(invalid("no block of bzip2")),
        }
        self.pace.pay(TABLES)?;
        let before = self.bits.bytes.len();
        let origin = self.bits.take(24)?;
        let bytes = self.alphabet()?;
        let symbols = bytes.len().saturating_add(2);
        let code_count = self.bits.take(3)?;
        let selector_count = self.bits.take(15)?;
        if !(2..=6).contains(&code_count) || selector_count == 0 {
            return Err(invalid("the codes of bzip2"));
        }
        let mut order: Vec<u8> = (0..6).collect();
        let mut selectors = Vec::with_capacity(usize::try_from(selector_count).unwrap_or(0));
        for _ in 0..selector_count {
            let mut place = 0_usize;
            while self.bits.take(1)? == 1 {
                place = place.saturating_add(1);
                if place >= 6 {
                    return Err(invalid("a selector of bzip2"));
                }
            }
            selectors.push(to_front(&mut order, place)?);
        }
        let codes = (0..code_count).map(|_| self.code(symbols)).collect::<io::Result<Vec<_>>>()?;
        self.symbols(bytes, &selectors, &codes)?;
        self.pace.passed(before.saturating_sub(self.bits.bytes.len()));
        self.transform(origin)
    }

    /// The bytes that occur.
    fn alphabet(&mut self) -> io::Result<Vec<u8>> {
        let rows = self.bits.take(16)?;
        let mut bytes = Vec::new();
        for row in (0..16_u8).filter(|row| rows.wrapping_shr(15_u32.saturating_sub(u32::from(*row))) & 1 == 1)
        {
            let columns = self.bits.take(16)?;
            for column in (0..16_u8)
                .filter(|column| columns.wrapping_shr(15_u32.saturating_sub(u32::from(*column))) & 1 == 1)
            {
                bytes.push(row << 4 | column);
            }
        }
        if bytes.is_empty() { Err(invalid("a block without bytes")) } else { Ok(bytes) }
    }

    fn code(&mut self, symbols: usize) -> io::Result<Code> {
        let mut length = self.bits.take(5)?;
        let mut lengths = Vec::with_capacity(symbols);
        for _ in 0..symbols {
            while self.bits.take(1)? == 1 {
                length =
                    if self.bits.take(1)? == 0 { length.saturating_add(1) } else { length.saturating_sub(1) };
                if !(1..=20).contains(&length) {
                    return Err(invalid("the length of a code"));
                }
            }
            lengths.push(usize::try_from(length).unwrap_or(0));
        }
        Ok(Code::new(&lengths))
    }

    /// Decodes the symbols of a block into its bytes.
    fn symbols(&mut self, mut bytes: Vec<u8>, selectors: &[u8], codes: &[Code]) -> io::Result<()> {
        let end = bytes.len().saturating_add(1);
        let (mut run, mut weight) = (0_usize, 1_usize);
        self.block.clear();
        let append = |byte: Option<u8>, count: usize, block: &mut Vec<u32>| {
            if block.len().saturating_add(count) > BLOCK {
                return Err(invalid("a block that is too large"));
            }
            block.extend(std::iter::repeat_n(u32::from(byte.unwrap_or(0)), count));
            Ok(())
        };
        for selector in selectors {
            let code =
                codes.get(usize::from(*selector)).ok_or_else(|| invalid("a code that is not there"))?;
            for _ in 0..GROUP {
                let symbol = usize::from(code.symbol(&mut self.bits)?);
                if symbol < 2 {
                    run = run.saturating_add(weight.saturating_mul(symbol.saturating_add(1)));
                    weight = weight.saturating_mul(2);
                    if run > BLOCK {
                        return Err(invalid("a run that is too long"));
                    }
                    continue;
                }
                append(bytes.first().copied(), run, &mut self.block)?;
                (run, weight) = (0, 1);
                if symbol == end {
                    return Ok(());
                }
                let byte = to_front(&mut bytes, symbol.saturating_sub(1))?;
                append(Some(byte), 1, &mut self.block)?;
            }
        }
        Err(invalid("a block without an end"))
    }

    /// Links every byte to the one that follows it.
    fn transform(&mut self, origin: u32) -> io::Result<bool> {
        let mut next = [0_u32; 256];
        for value in &self.block {
            if let Some(count) = next.get_mut(usize::from(low(*value))) {
                *count = count.saturating_add(1);
            }
        }
        let mut sum = 0_u32;
        for count in &mut next {
            let own = *count;
            *count = sum;
            sum = sum.saturating_add(own);
        }
        for index in 0..self.block.len() {
            let byte = self.block.get(index).map_or(0, |value| low(*value));
            let Some(count) = next.get_mut(usize::from(byte)) else { continue };
            if let Some(linked) = self.block.get_mut(usize::try_from(*count).unwrap_or(usize::MAX)) {
                *linked |= u32::try_from(index).unwrap_or(0) << 8;
            }
            *count = count.saturating_add(1);
        }
        let first = self.block.get(usize::try_from(origin).unwrap_or(usize::MAX));
        self.place = first.ok_or_else(|| invalid("the origin of a block"))? >> 8;
        self.left = self.block.len();
        self.run = (None, 0);
        Ok(true)
    }
}

impl Steps for Bzip2<'_> {
    fn step(&mut self, out: &mut Vec<u8>) -> io::Result<bool> {
        while self.left == 0 {
            if !self.begin()? {
                return Ok(false);
            }
        }
        for _ in 0..self.left.min(CHUNK) {
            let value =
                self.block.get(usize::try_from(self.place).unwrap_or(usize::MAX)).copied().unwrap_or(0);
            self.place = value >> 8;
            self.left = self.left.saturating_sub(1);
            let byte = low(value);
            match self.run {
                // The byte behind four equal ones says how many more there are.
                (Some(last), 4) => {
                    out.extend(std::iter::repeat_n(last, usize::from(byte)));
                    self.run = (None, 0);
                }
                (last, count) => {
                    out.push(byte);
                    self.run =
                        if last == Some(byte) { (last, count.saturating_add(1)) } else { (Some(byte), 1) };
                }
            }
        }
        Ok(true)
    }
}

/// The byte of a place in a block.
const fn low(value: u32) -> u8 {
    let [byte, ..] = value.to_le_bytes();
    byte
}

fn to_front(order: &mut [u8], place: usize) -> io::Result<u8> {
    let moved = order.get_mut(..=place).ok_or_else(|| invalid("a place that is not there"))?;
    moved.rotate_right(1);
    moved.first().copied().ok_or_else(|| invalid("a place that is not there"))
}

fn invalid(what: &'static str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, what)
}

/// A canonical code: how many codes have each length, and symbols by length.
struct Code {
    counts: [u32; LONGEST + 1],
    symbols: Vec<u16>,
}

impl Code {
    fn new(lengths: &[usize]) -> Self {
        let mut counts = [0_u32; LONGEST + 1];
        let mut symbols = Vec::with_capacity(lengths.len());
        for length in 1..=LONGEST {
            let own = (0_u16..).zip(lengths).filter(|(_, found)| **found == length);
            let before = symbols.len();
            symbols.extend(own.map(|(symbol, _)| symbol));
            if let Some(count) = counts.get_mut(length) {
                *count = u32::try_from(symbols.len().saturating_sub(before)).unwrap_or(0);
            }
        }
        Self { counts, symbols }
    }

    fn symbol(&self, bits: &mut Bits<'_>) -> io::Result<u16> {
        let (mut code, mut first, mut index) = (0_u32, 0_u32, 0_u32);
        for &count in self.counts.iter().skip(1) {
            code |= bits.take(1)?;
            if let Some(offset) = code.checked_sub(first).filter(|offset| *offset < count) {
                let place = usize::try_from(index.saturating_add(offset)).unwrap_or(usize::MAX);
                return self.symbols.get(place).copied().ok_or_else(|| invalid("a code that no tree has"));
            }
            index = index.saturating_add(count);
            first = first.saturating_add(count).wrapping_shl(1);
            code = code.wrapping_shl(1);
        }
        Err(invalid("a code that no tree has"))
    }
}

/// Bits, most significant first.
struct Bits<'a> {
    bytes: &'a [u8],
    held: u32,
    count: u32,
}

impl Bits<'_> {
    /// The next `count` bits, at most 24.
    fn take(&mut self, count: u32) -> io::Result<u32> {
        while self.count < count {
            let (&byte, rest) = self.bytes.split_first().ok_or(ErrorKind::UnexpectedEof)?;
            self.bytes = rest;
            self.held = self.held << 8 | u32::from(byte);
            self.count = self.count.saturating_add(8);
        }
        self.count = self.count.saturating_sub(count);
        Ok(self.held.wrapping_shr(self.count) & !u32::MAX.wrapping_shl(count))
    }
}
