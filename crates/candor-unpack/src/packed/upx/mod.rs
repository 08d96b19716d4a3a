//! UPX: programs for Linux and Windows, made again as they were.
//!
//! Those who do not want to be unpacked write over what says that it is UPX, and over sizes that are not needed to run: what
//! counts is whether something comes out that is a program. 32-bit programs for Windows that do not give one this way run in
//! the emulated processor.
//!
//! What is known of the format is what runs of UPX 4.2 show.

mod elf;
mod filter;
mod nrv;
mod pe;
#[cfg(test)]
mod tests;

pub(super) use elf::give as elf;
pub(super) use pe::give as portable_executable;

use std::io::Read as _;

use candor_model::{Reason, Sink};

use crate::lzma::{Lzma, Properties};
use crate::pace::Pace;
use crate::work::units;

/// The number of LZMA among the methods.
const LZMA: u8 = 14;

/// One packed run of bytes.
#[derive(Clone, Copy, Debug)]
struct Packed<'a> {
    method: u8,
    real_size: u32,
    bytes: &'a [u8],
}

impl Packed<'_> {
    /// What it unpacks to, at most `most` bytes of it. What cannot be paid for is told.
    fn unpacked(&self, most: u64, sink: &mut dyn Sink) -> Option<Vec<u8>> {
        let coded = if self.method == LZMA { units(self.bytes.len()) } else { 0 };
        let pace = Pace::coding(coded, sink.budget());
        let plain = self.decoded(most, &pace);
        pace.settle(sink.budget());
        if plain.is_none() && pace.is_over() {
            sink.incomplete(Reason::Work);
        }
        plain
    }

    fn decoded(&self, most: u64, pace: &Pace) -> Option<Vec<u8>> {
        let size = u64::from(self.real_size).min(most);
        let size = usize::try_from(size).ok()?;
        match self.method {
            2..=10 => nrv::unpack(self.method, self.bytes, size),
            LZMA => {
                let [first, second, stream @ ..] = self.bytes else { return None };
                let (bits, literal, position) = (first & 7, second & 15, second >> 4);
                let dictionary = self.real_size.max(4096);
                let properties = Properties::checked(literal, position, bits)?;
                let length = Some(u64::from(self.real_size));
                let decoder = Lzma::new(stream, properties, dictionary, length, pace.clone());
                let mut out = Vec::new();
                decoder.ok()?.take(u64::try_from(size).ok()?).read_to_end(&mut out).ok()?;
                Some(out)
            }
            _ => None,
        }
    }
}
