//! Method 4: literals and copies, behind numbers whose first bits say how many more there are.

use std::io::{self, ErrorKind};

use crate::bits::{HighBits, Steps, copy_back};

/// A decoder.
pub(super) struct Fastest<'a>(HighBits<'a>);

impl<'a> Fastest<'a> {
    pub(super) const fn new(data: &'a [u8]) -> Self {
        Self(HighBits::new(data))
    }

    /// A number of `least` bits, or of more for every bit that is set in front, up to `most`.
    fn number(&mut self, least: u32, most: u32) -> u32 {
        let (mut width, mut base) = (least, 0_u32);
        while width < most && self.0.take(1) == 1 {
            base = base.saturating_add(1 << width);
            width = width.saturating_add(1);
        }
        base.saturating_add(self.0.take(width))
    }
}

impl Steps for Fastest<'_> {
    fn step(&mut self, out: &mut Vec<u8>) -> io::Result<bool> {
        let length = self.number(0, 7);
        let distance = if length == 0 { self.0.take(8) } else { self.number(9, 13) };
        // Nothing says where the end is but the length of the file.
        if self.0.missing() > 0 {
            return Err(io::Error::new(ErrorKind::UnexpectedEof, "the data of ARJ is cut short"));
        }
        if length == 0 {
            out.push(u8::try_from(distance).unwrap_or(0));
        } else {
            let count = |value: u32, more: usize| usize::try_from(value).unwrap_or(0).saturating_add(more);
            copy_back(out, count(distance, 1), count(length, 2));
        }
        Ok(true)
    }
}
