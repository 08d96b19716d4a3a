//! Method 6, implode: literals, and copies whose distance and length come from Shannon-Fano trees.

use std::io::{self, ErrorKind};

use crate::bits::{Bits, Steps, copy_back};

/// For every 16 bits that may follow, first bit highest: the symbol and the length of its code.
type Tree = Vec<(u8, u8)>;

/// A decoder.
pub(super) struct Implode<'a> {
    bits: Bits<&'a [u8]>,
    /// Whether the window has 8 KiB, or 4.
    is_wide: bool,
    has_literals: bool,
    trees: Option<Trees>,
}

struct Trees {
    literals: Option<Tree>,
    lengths: Tree,
    distances: Tree,
}

impl<'a> Implode<'a> {
    /// A decoder for a member with these general-purpose flags.
    pub(super) const fn new(data: &'a [u8], flags: u16) -> Self {
        Self { bits: Bits::new(data), is_wide: flags & 2 != 0, has_literals: flags & 4 != 0, trees: None }
    }
}

impl Steps for Implode<'_> {
    fn step(&mut self, out: &mut Vec<u8>) -> io::Result<bool> {
        let trees = match &self.trees {
            Some(trees) => trees,
            None => {
                let literals = if self.has_literals { Some(tree(&mut self.bits, 256)?) } else { None };
                let lengths = tree(&mut self.bits, 64)?;
                let distances = tree(&mut self.bits, 64)?;
                self.trees.insert(Trees { literals, lengths, distances })
            }
        };
        if self.bits.bit()? {
            out.push(match &trees.literals {
                Some(literals) => symbol(&mut self.bits, literals)?,
                None => self.bits.byte()?,
            });
            return Ok(true);
        }
        let low_bits = if self.is_wide { 7 } else { 6 };
        let low = self.bits.take(low_bits)?;
        let high = u32::from(symbol(&mut self.bits, &trees.distances)?);
        let mut length = usize::from(symbol(&mut self.bits, &trees.lengths)?);
        if length == 63 {
            length = length.saturating_add(usize::from(self.bits.byte()?));
        }
        length = length.saturating_add(if self.has_literals { 3 } else { 2 });
        let distance = (high.wrapping_shl(low_bits) | low).saturating_add(1);
        copy_back(out, usize::try_from(distance).unwrap_or(1), length);
        Ok(true)
    }
}

/// Reads a tree: runs of code lengths, one byte each.
fn tree(bits: &mut Bits<&[u8]>, count: usize) -> io::Result<Tree> {
    let mut lengths: Vec<u8> = Vec::new();
    let runs = u32::from(bits.byte()?).saturating_add(1);
    for _ in 0..runs {
        let run = bits.byte()?;
        let length = (run & 15).saturating_add(1);
        lengths.extend(std::iter::repeat_n(length, usize::from(run >> 4).saturating_add(1)));
    }
    if lengths.len() != count {
        return Err(io::Error::new(ErrorKind::InvalidData, "a tree of the wrong size"));
    }
    let mut order: Vec<(u8, u8)> =
        (0..=u8::MAX).zip(&lengths).map(|(symbol, &length)| (length, symbol)).collect();
    order.sort_unstable();
    // The codes are given out from the last one on, so the longest come first.
    let mut table = Vec::with_capacity(1 << 16);
    for (length, symbol) in order.into_iter().rev() {
        let width = 1_usize.wrapping_shl(16_u32.saturating_sub(u32::from(length)));
        if table.len().saturating_add(width) > 1 << 16 {
            return Err(io::Error::new(ErrorKind::InvalidData, "a tree with too many codes"));
        }
        table.extend(std::iter::repeat_n((symbol, length), width));
    }
    Ok(table)
}

fn symbol(bits: &mut Bits<&[u8]>, tree: &Tree) -> io::Result<u8> {
    let mut code = 0_usize;
    for length in 1..=16_u8 {
        code = code << 1 | usize::from(bits.bit()?);
        let place = code.wrapping_shl(16_u32.saturating_sub(u32::from(length)));
        match tree.get(place) {
            Some(&(symbol, found)) if found == length => return Ok(symbol),
            Some(_) => {}
            None => break,
        }
    }
    Err(io::Error::new(ErrorKind::InvalidData, "a code that no tree has"))
}
