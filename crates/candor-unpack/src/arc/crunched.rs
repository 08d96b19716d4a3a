//! Data that was crunched before 1986: LZW whose codes, of twelve bits each, are places of a table of hashes.
//!
//! A code stands for the code of what is in front of its last byte, and that byte; where it has its place follows from
//! both. So a decoder has to put every string where the packer did.

use std::io::{self, ErrorKind};

use crate::bits::{HighBits, Steps};

/// Places of the table.
const PLACES: u16 = 4096;
/// What is in front of a string of one byte.
const NOTHING: u16 = u16::MAX;
/// How far behind a place that is taken the search for a free one begins.
const ASIDE: u16 = 101;

#[derive(Clone, Copy)]
struct Place {
    before: u16,
    last: u8,
    /// Where the next string with this hash is; 0 for the last of them.
    next: u16,
}

/// A decoder.
pub(super) struct Crunched<'a> {
    bits: HighBits<'a>,
    table: Vec<Option<Place>>,
    has_new_hash: bool,
    free: u16,
    previous: Option<u16>,
    first: u8,
}

impl<'a> Crunched<'a> {
    /// A decoder of what methods 5 and 6 wrote, or method 7, which had another hash.
    pub(super) fn new(data: &'a [u8], has_new_hash: bool) -> Self {
        let table = vec![None; usize::from(PLACES)];
        let mut decoder =
            Self { bits: HighBits::new(data), table, has_new_hash, free: PLACES, previous: None, first: 0 };
        for byte in 0..=u8::MAX {
            decoder.add(NOTHING, byte);
        }
        decoder
    }

    fn at(&self, place: u16) -> Option<Place> {
        self.table.get(usize::from(place)).copied().flatten()
    }

    fn hash(&self, before: u16, last: u8) -> u16 {
        let sum = before.wrapping_add(u16::from(last));
        if self.has_new_hash {
            return sum.wrapping_mul(15_073) % PLACES;
        }
        let odd = u32::from(sum | 0x0800);
        u16::try_from(odd.wrapping_mul(odd) >> 6 & 0x0fff).unwrap_or(0)
    }

    /// Puts a string into its place, if there is one left.
    fn add(&mut self, before: u16, last: u8) {
        let Some(free) = self.free.checked_sub(1) else { return };
        self.free = free;
        let mut place = self.hash(before, last);
        if self.at(place).is_some() {
            while let Some(next) = self.at(place).map(|taken| taken.next).filter(|next| *next > 0) {
                place = next;
            }
            let end = place;
            let start = place.wrapping_add(ASIDE) % PLACES;
            place = (start..PLACES).chain(0..start).find(|place| self.at(*place).is_none()).unwrap_or(0);
            if let Some(Some(taken)) = self.table.get_mut(usize::from(end)) {
                taken.next = place;
            }
        }
        if let Some(slot) = self.table.get_mut(usize::from(place)) {
            *slot = Some(Place { before, last, next: 0 });
        }
    }
}

impl Steps for Crunched<'_> {
    fn step(&mut self, out: &mut Vec<u8>) -> io::Result<bool> {
        let code = u16::try_from(self.bits.take(12)).unwrap_or(0);
        if self.bits.missing() > 0 {
            return Ok(false);
        }
        let start = out.len();
        let is_known = self.at(code).is_some();
        let mut next = code;
        if !is_known {
            // A string that the packer has put into the table with this code.
            next = self.previous.ok_or(ErrorKind::InvalidData)?;
            out.push(self.first);
        }
        // Every string is longer by one than the one in it, which was there before.
        while next != NOTHING {
            let place = self.at(next).ok_or(ErrorKind::InvalidData)?;
            out.push(place.last);
            self.first = place.last;
            next = place.before;
        }
        if let Some(made) = out.get_mut(start..) {
            made.reverse();
        }
        if let Some(previous) = self.previous {
            self.add(previous, self.first);
        }
        if !is_known && self.at(code).is_none() {
            return Err(io::Error::new(ErrorKind::InvalidData, "a code that the table does not have"));
        }
        self.previous = Some(code);
        Ok(true)
    }
}
