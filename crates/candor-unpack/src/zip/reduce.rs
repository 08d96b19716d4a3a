//! Methods 2 to 5, reduce: each byte is told by the one before it, and runs are copies behind an escape.

use std::io;

use crate::bits::{Bits, Steps, copy_back};

/// The byte that announces a copy.
const ESCAPE: u8 = 144;

/// A decoder.
pub(super) struct Reduce<'a> {
    bits: Bits<&'a [u8]>,
    /// 1 to 4: how many bits of the byte behind the escape belong to the distance.
    factor: u32,
    /// For each byte those that are likely to follow it, once they were read.
    followers: Option<Vec<Vec<u8>>>,
    last: u8,
}

impl<'a> Reduce<'a> {
    /// A decoder with the factor 1 to 4.
    pub(super) fn new(data: &'a [u8], factor: u16) -> Self {
        Self { bits: Bits::new(data), factor: u32::from(factor), followers: None, last: 0 }
    }

    fn byte(&mut self) -> io::Result<u8> {
        let followers = match &self.followers {
            Some(followers) => followers,
            None => {
                let mut read = Vec::with_capacity(256);
                for _ in 0..256 {
                    let count = self.bits.take(6)?;
                    let set: io::Result<Vec<u8>> = (0..count).map(|_| self.bits.byte()).collect();
                    read.push(set?);
                }
                read.reverse();
                self.followers.insert(read)
            }
        };
        let set = followers.get(usize::from(self.last)).map(Vec::as_slice).unwrap_or_default();
        let byte = if set.is_empty() || self.bits.bit()? {
            self.bits.byte()?
        } else {
            let most = set.len().saturating_sub(1);
            let width = usize::BITS.saturating_sub(most.leading_zeros()).max(1);
            let index = usize::try_from(self.bits.take(width)?).unwrap_or(usize::MAX);
            set.get(index).copied().unwrap_or(0)
        };
        self.last = byte;
        Ok(byte)
    }
}

impl Steps for Reduce<'_> {
    fn step(&mut self, out: &mut Vec<u8>) -> io::Result<bool> {
        let byte = self.byte()?;
        if byte != ESCAPE {
            out.push(byte);
            return Ok(true);
        }
        let head = self.byte()?;
        if head == 0 {
            out.push(ESCAPE);
            return Ok(true);
        }
        let mask = u8::MAX.wrapping_shr(self.factor);
        let mut length = usize::from(head & mask);
        if head & mask == mask {
            length = length.saturating_add(usize::from(self.byte()?));
        }
        let high = usize::from(head).wrapping_shr(8_u32.saturating_sub(self.factor));
        let distance = (high << 8).saturating_add(usize::from(self.byte()?)).saturating_add(1);
        copy_back(out, distance, length.saturating_add(3));
        Ok(true)
    }
}
