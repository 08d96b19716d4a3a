//! Deflate as no decoder of the standard reads it: that of Nullsoft installers, whose stored blocks say their length once and
//! not twice, and Deflate64 of ZIP archives, with a window of twice the size. Installers that were built with an ordinary zlib
//! say it twice; both are read here.

use std::io::{self, ErrorKind, Read};
use std::rc::Rc;

use crate::bits::{Bits, Steps, copy_back};
use crate::huffman::Code;
use crate::pace::Pace;

/// What a block costs whose codes are known, and one that brings codes.
const BLOCK: u64 = 20;
const CODES: u64 = 2500;

/// What is different.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    Nullsoft,
    Deflate64,
}

/// A decoder.
pub(crate) struct Inflate<R> {
    bits: Bits<R>,
    block: Block,
    is_last: bool,
    dialect: Dialect,
    fixed: Option<Rc<Codes>>,
    pace: Pace,
    /// How many bytes had been read when the last block began.
    read: usize,
}

/// Of literals and lengths, and of distances.
type Codes = (Code, Code);

enum Block {
    None,
    Stored(u32),
    Coded(Rc<Codes>),
}

impl<R: Read> Inflate<R> {
    /// A decoder that has not begun. It asks for its bytes one by one.
    pub(crate) fn new(data: R, dialect: Dialect, pace: Pace) -> Self {
        Self {
            bits: Bits::new(data),
            block: Block::None,
            is_last: false,
            dialect,
            fixed: None,
            pace,
            read: 0,
        }
    }

    fn begin(&mut self) -> io::Result<()> {
        let before = std::mem::replace(&mut self.read, self.bits.read());
        self.pace.passed(self.read.saturating_sub(before));
        self.is_last = self.bits.bit()?;
        self.block = match self.bits.take(2)? {
            0 => {
                self.pace.pay(BLOCK)?;
                self.bits.align();
                let length = self.bits.take(16)?;
                let is_twice = self.bits.peek(16) == length ^ 0xffff;
                if is_twice {
                    self.bits.take(16)?;
                } else if self.dialect == Dialect::Deflate64 {
                    return Err(invalid("the length of a block"));
                }
                Block::Stored(length)
            }
            1 => {
                self.pace.pay(BLOCK)?;
                Block::Coded(self.fixed_codes()?)
            }
            2 => {
                self.pace.pay(CODES)?;
                Block::Coded(Rc::new(self.codes()?))
            }
            _ => return Err(invalid("a kind of block that deflate does not have")),
        };
        Ok(())
    }

    /// The codes that need not be said, made once.
    fn fixed_codes(&mut self) -> io::Result<Rc<Codes>> {
        if let Some(codes) = &self.fixed {
            return Ok(Rc::clone(codes));
        }
        let lengths: Vec<u8> = (0..288_u16)
            .map(|symbol| match symbol {
                144..=255 => 9,
                256..=279 => 7,
                _ => 8,
            })
            .collect();
        let codes = Rc::new((Code::new(&lengths)?, Code::new(&[5; 32])?));
        Ok(Rc::clone(self.fixed.insert(codes)))
    }

    fn codes(&mut self) -> io::Result<(Code, Code)> {
        let literals = usize::try_from(self.bits.take(5)?).unwrap_or(0).saturating_add(257);
        let distances = usize::try_from(self.bits.take(5)?).unwrap_or(0).saturating_add(1);
        let count = usize::try_from(self.bits.take(4)?).unwrap_or(0).saturating_add(4);
        let mut lengths = [0_u8; 19];
        for &place in ORDER.iter().take(count) {
            let length = u8::try_from(self.bits.take(3)?).unwrap_or(0);
            if let Some(known) = lengths.get_mut(place) {
                *known = length;
            }
        }
        let code = Code::new(&lengths)?;
        let wanted = literals.saturating_add(distances);
        let mut lengths: Vec<u8> = Vec::with_capacity(wanted);
        while lengths.len() < wanted {
            let (value, count) = match code.symbol(&mut self.bits)? {
                16 => {
                    let last = *lengths.last().ok_or_else(|| invalid("a repeated length without a first"))?;
                    (last, self.bits.take(2)?.saturating_add(3))
                }
                17 => (0, self.bits.take(3)?.saturating_add(3)),
                18 => (0, self.bits.take(7)?.saturating_add(11)),
                length => (u8::try_from(length).unwrap_or(0), 1),
            };
            lengths.extend(std::iter::repeat_n(value, usize::try_from(count).unwrap_or(0)));
        }
        lengths.truncate(wanted);
        let (literals, distances) = lengths.split_at_checked(literals).unwrap_or_default();
        Ok((Code::new(literals)?, Code::new(distances)?))
    }
}

impl<R: Read> Steps for Inflate<R> {
    fn step(&mut self, out: &mut Vec<u8>) -> io::Result<bool> {
        loop {
            match &mut self.block {
                Block::None if self.is_last => return Ok(false),
                Block::None => self.begin()?,
                Block::Stored(0) => self.block = Block::None,
                Block::Stored(left) => {
                    let length = std::mem::take(left);
                    self.bits.bytes(usize::try_from(length).unwrap_or(0), out)?;
                    return Ok(true);
                }
                Block::Coded(codes) => {
                    let symbol = codes.0.symbol(&mut self.bits)?;
                    if let Ok(literal) = u8::try_from(symbol) {
                        out.push(literal);
                        return Ok(true);
                    }
                    if symbol == 256 {
                        self.block = Block::None;
                        continue;
                    }
                    let length = match (self.dialect, symbol) {
                        (Dialect::Deflate64, 285) => extended(&mut self.bits, &LONG, 0)?,
                        _ => extended(&mut self.bits, &LENGTHS, symbol.saturating_sub(257))?,
                    };
                    let symbol = codes.1.symbol(&mut self.bits)?;
                    let distance = match (self.dialect, symbol) {
                        (Dialect::Deflate64, 30..) => {
                            extended(&mut self.bits, &FAR, symbol.saturating_sub(30))?
                        }
                        _ => extended(&mut self.bits, &DISTANCES, symbol)?,
                    };
                    copy_back(out, distance, length);
                    return Ok(true);
                }
            }
        }
    }
}

/// A length or distance: what its symbol stands for, and more bits.
fn extended<R: Read>(bits: &mut Bits<R>, table: &[(u32, u8)], symbol: u16) -> io::Result<usize> {
    let &(base, more) =
        table.get(usize::from(symbol)).ok_or_else(|| invalid("a length that deflate does not have"))?;
    let more = usize::try_from(bits.take(u32::from(more))?).unwrap_or(0);
    Ok(usize::try_from(base).unwrap_or(0).saturating_add(more))
}

fn invalid(what: &'static str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, what)
}

const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

const LENGTHS: [(u32, u8); 29] = [
    (3, 0),
    (4, 0),
    (5, 0),
    (6, 0),
    (7, 0),
    (8, 0),
    (9, 0),
    (10, 0),
    (11, 1),
    (13, 1),
    (15, 1),
    (17, 1),
    (19, 2),
    (23, 2),
    (27, 2),
    (31, 2),
    (35, 3),
    (43, 3),
    (51, 3),
    (59, 3),
    (67, 4),
    (83, 4),
    (99, 4),
    (115, 4),
    (131, 5),
    (163, 5),
    (195, 5),
    (227, 5),
    (258, 0),
];

/// The longest copies of Deflate64, and those from farthest back.
const LONG: [(u32, u8); 1] = [(3, 16)];
const FAR: [(u32, u8); 2] = [(32_769, 14), (49_153, 14)];

const DISTANCES: [(u32, u8); 30] = [
    (1, 0),
    (2, 0),
    (3, 0),
    (4, 0),
    (5, 1),
    (7, 1),
    (9, 2),
    (13, 2),
    (17, 3),
    (25, 3),
    (33, 4),
    (49, 4),
    (65, 5),
    (97, 5),
    (129, 6),
    (193, 6),
    (257, 7),
    (385, 7),
    (513, 8),
    (769, 8),
    (1025, 9),
    (1537, 9),
    (2049, 10),
    (3073, 10),
    (4097, 11),
    (6145, 11),
    (8193, 12),
    (12_289, 12),
    (16_385, 13),
    (24_577, 13),
];

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::Dialect;
    use crate::codec;

    #[test]
    fn deflate64_copies_from_farther_back_and_more() {
        let text: Vec<u8> = (0..65_000_u32).map(|at| (at.wrapping_mul(at) >> 7).to_le_bytes()[0]).collect();
        for (symbol, base, more) in
            [(30_u32, 32_769_usize, 5_usize), (30, 32_769, 16_383), (31, 49_153, 0), (31, 49_153, 15_000)]
        {
            let low = |value: usize, width: u32| -> String {
                (0..width).map(|bit| if value >> bit & 1 == 1 { '1' } else { '0' }).collect()
            };
            // Length 3 and 1,000 more, under the eight bits of the longest; the distance; the end.
            let bits =
                ["1", "10", "11000101", &low(1000, 16), &format!("{symbol:05b}"), &low(more, 14), "0000000"]
                    .concat();
            let coded = bits
                .as_bytes()
                .chunks(8)
                .map(|bits| bits.iter().rev().fold(0, |byte, bit| byte << 1 | bit & 1));
            let length = u16::try_from(text.len()).unwrap();
            let mut packed = [&[0][..], &length.to_le_bytes(), &(!length).to_le_bytes(), &text].concat();
            packed.extend(coded);
            let mut out = Vec::new();
            codec::inflate(&packed[..], Dialect::Deflate64).read_to_end(&mut out).unwrap();
            let start = text.len() - base - more;
            assert!(out[text.len()..] == text[start..start + 1003], "{symbol} {more}");
        }
    }
}
