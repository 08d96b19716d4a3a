//! What PKWARE's Data Compression Library implodes: method 10 of ZIP, and archives of InstallShield 3.
//!
//! Format: the notes in `contrib/blast` of zlib, and Ben Rudiak-Gould's in comp.compression (13 August 2001).
//!
//! ```text
//! 0   whether literals have codes; bits of a distance below its code, 4 to 6
//! 2   bits, lowest first: 0 and a literal, or 1, the code of a length, the code of a distance; codes with their bits
//!     turned over, and the highest first
//! ```

use std::io::{self, ErrorKind};

use crate::bits::{Bits, Steps, copy_back};
use crate::huffman::Code;

/// Lengths of codes, in order of the symbols: how often it comes one after another, less one, and the length.
const LITERALS: [u8; 98] = [
    11, 124, 8, 7, 28, 7, 188, 13, 76, 4, 10, 8, 12, 10, 12, 10, 8, 23, 8, 9, 7, 6, 7, 8, 7, 6, 55, 8, 23,
    24, 12, 11, 7, 9, 11, 12, 6, 7, 22, 5, 7, 24, 6, 11, 9, 6, 7, 22, 7, 11, 38, 7, 9, 8, 25, 11, 8, 11, 9,
    12, 8, 12, 5, 38, 5, 38, 5, 11, 7, 5, 6, 21, 6, 10, 53, 8, 7, 24, 10, 27, 44, 253, 253, 253, 252, 252,
    252, 13, 12, 45, 12, 45, 12, 61, 12, 45, 44, 173,
];
const LENGTHS: [u8; 6] = [2, 35, 36, 53, 38, 23];
const DISTANCES: [u8; 7] = [2, 20, 53, 230, 247, 151, 248];
/// What the symbols of lengths begin at; from the eighth on, each has one bit more than the one before.
const BASES: [u16; 16] = [3, 2, 4, 5, 6, 7, 8, 9, 10, 12, 16, 24, 40, 72, 136, 264];
/// The length that stands for the end.
const END: u32 = 519;

/// A decoder.
pub(crate) struct Explode<'a> {
    bits: Bits<&'a [u8]>,
    /// Nothing when the header is damaged.
    codes: Option<Codes>,
}

struct Codes {
    literals: Option<Code>,
    lengths: Code,
    distances: Code,
    /// Bits of a distance below its code.
    low: u32,
}

impl Codes {
    fn new(has_literals: bool, low: u8) -> io::Result<Self> {
        let code = |runs| Code::new(&lengths(runs));
        Ok(Self {
            literals: has_literals.then(|| code(&LITERALS)).transpose()?,
            lengths: code(&LENGTHS)?,
            distances: code(&DISTANCES)?,
            low: u32::from(low),
        })
    }
}

impl<'a> Explode<'a> {
    /// A decoder at the start of `data`.
    pub(crate) fn new(data: &'a [u8]) -> Self {
        let (codes, rest) = match data {
            [kind @ 0..=1, low @ 4..=6, rest @ ..] => (Codes::new(*kind == 1, *low).ok(), rest),
            _ => (None, data),
        };
        Self { bits: Bits::new(rest), codes }
    }
}

impl Steps for Explode<'_> {
    fn step(&mut self, out: &mut Vec<u8>) -> io::Result<bool> {
        let codes = self.codes.as_ref().ok_or_else(invalid)?;
        if !self.bits.bit()? {
            let literal = match &codes.literals {
                Some(code) => u8::try_from(code.turned_symbol(&mut self.bits)?).map_err(|_| invalid())?,
                None => self.bits.byte()?,
            };
            out.push(literal);
            return Ok(true);
        }
        let symbol = codes.lengths.turned_symbol(&mut self.bits)?;
        let base = BASES.get(usize::from(symbol)).copied().ok_or_else(invalid)?;
        let more = self.bits.take(u32::from(symbol.saturating_sub(7)))?;
        let length = u32::from(base).saturating_add(more);
        if length == END {
            return Ok(false);
        }
        let low = if length == 2 { 2 } else { codes.low };
        let high = u32::from(codes.distances.turned_symbol(&mut self.bits)?) << low;
        let distance = (high | self.bits.take(low)?).saturating_add(1);
        let count = |value: u32| usize::try_from(value).unwrap_or(0);
        if count(distance) > out.len() {
            return Err(invalid());
        }
        copy_back(out, count(distance), count(length));
        Ok(true)
    }
}

/// The lengths of the codes of all symbols.
fn lengths(runs: &[u8]) -> Vec<u8> {
    runs.iter().flat_map(|run| (0..=run >> 4).map(move |_| run & 15)).collect()
}

fn invalid() -> io::Error {
    io::Error::new(ErrorKind::InvalidData, "imploded data is damaged")
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::{DISTANCES, Explode, LENGTHS, LITERALS, lengths};
    use crate::bits::Stepped;

    fn all(data: &[u8]) -> (Vec<u8>, bool) {
        let mut out = Vec::new();
        let is_whole = Stepped::new(Explode::new(data)).read_to_end(&mut out).is_ok();
        (out, is_whole)
    }

    #[test]
    fn codes_are_complete() {
        for (runs, symbols) in [(&LITERALS[..], 256), (&LENGTHS, 16), (&DISTANCES, 64)] {
            let lengths = lengths(runs);
            assert_eq!(lengths.len(), symbols);
            let room: u32 = lengths.iter().map(|length| 1 << (15 - length)).sum();
            assert_eq!(room, 1 << 15);
        }
    }

    #[test]
    fn the_published_example_is_read() {
        assert_eq!(all(b"\x00\x04\x82\x24\x25\x8f\x80\x7f"), (b"AIAIAIAIAIAIA".to_vec(), true));
    }

    #[test]
    fn what_came_before_the_damage_is_kept() {
        assert_eq!(all(b"\x00\x04\x82\x24\x25"), (b"AI".to_vec(), false));
        for header in [&b""[..], b"\x00", b"\x02\x04\x82", b"\x00\x03\x82", b"\x00\x07\x82"] {
            assert_eq!(all(header), (Vec::new(), false));
        }
    }
}
