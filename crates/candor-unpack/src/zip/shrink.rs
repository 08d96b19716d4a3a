//! Method 1, shrink: LZW of 9 to 13 bits whose table loses its leaves when the writer says so.

use std::io::{self, ErrorKind};

use crate::bits::{Bits, Steps};

const CODES: usize = 1 << 13;
/// Announces a wider code (1) or a clearing of the table (2).
const CONTROL: u16 = 256;

/// A decoder.
pub(super) struct Shrink<'a> {
    bits: Bits<'a>,
    width: u32,
    /// The code before the last byte, and that byte; `None` for codes that are free.
    table: Vec<Option<(u16, u8)>>,
    last_used: usize,
    previous: Option<u16>,
    first: u8,
}

impl<'a> Shrink<'a> {
    /// A decoder.
    pub(super) fn new(data: &'a [u8]) -> Self {
        Self {
            bits: Bits::new(data),
            width: 9,
            table: vec![None; CODES],
            last_used: usize::from(CONTROL),
            previous: None,
            first: 0,
        }
    }

    fn code(&mut self) -> io::Result<u16> {
        self.bits.take(self.width).map(|code| u16::try_from(code).unwrap_or(u16::MAX))
    }

    /// Frees every code that no other builds upon.
    fn clear_leaves(&mut self) {
        let mut is_parent = vec![false; CODES];
        for &(parent, _) in self.table.iter().flatten() {
            if let Some(flag) = is_parent.get_mut(usize::from(parent)) {
                *flag = true;
            }
        }
        for (entry, is_parent) in self.table.iter_mut().zip(is_parent) {
            if !is_parent {
                *entry = None;
            }
        }
        self.last_used = usize::from(CONTROL);
    }

    /// The bytes of a code, last first; `None` when it is free.
    fn string(&self, code: u16) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        let mut code = code;
        // A table that was cleared may lead back into itself.
        for _ in 0..CODES {
            match u8::try_from(code) {
                Ok(byte) => {
                    bytes.push(byte);
                    return Some(bytes);
                }
                Err(_) => {
                    let (parent, byte) = self.table.get(usize::from(code)).copied().flatten()?;
                    bytes.push(byte);
                    code = parent;
                }
            }
        }
        None
    }
}

impl Steps for Shrink<'_> {
    fn step(&mut self, out: &mut Vec<u8>) -> io::Result<bool> {
        let code = self.code()?;
        if code == CONTROL {
            match self.code()? {
                1 if self.width < 13 => self.width = self.width.saturating_add(1),
                2 => self.clear_leaves(),
                _ => return Err(ErrorKind::InvalidData.into()),
            }
            return Ok(true);
        }
        let mut string = match (self.string(code), self.previous) {
            (Some(string), _) => string,
            (None, Some(previous)) => {
                // The code that is about to be made: the last string and its own first byte.
                let mut string = vec![self.first];
                string.extend(self.string(previous).unwrap_or_else(|| vec![self.first]));
                string
            }
            (None, None) => return Err(ErrorKind::InvalidData.into()),
        };
        string.reverse();
        self.first = string.first().copied().unwrap_or(0);
        if let Some(previous) = self.previous {
            let start = self.last_used.saturating_add(1);
            let free = self.table.iter().enumerate().skip(start).find(|(_, entry)| entry.is_none());
            if let Some((free, _)) = free
                && let Some(slot) = self.table.get_mut(free)
            {
                *slot = Some((previous, self.first));
                self.last_used = free;
            }
        }
        self.previous = Some(code);
        out.extend(string);
        Ok(true)
    }
}
