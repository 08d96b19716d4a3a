//! Method 1, shrink: LZW of 9 to 13 bits whose table loses its leaves when the writer says so.

use std::io::{self, ErrorKind};

use crate::bits::{Bits, Steps};

const CODES: usize = 1 << 13;
/// Announces a wider code (1) or a clearing of the table (2).
const CONTROL: u16 = 256;
/// The first code that strings are given.
const FIRST: usize = 257;

/// A decoder. Clearing takes two codes, so what it costs is what was put into the table since, and not the size of that.
pub(super) struct Shrink<'a> {
    bits: Bits<&'a [u8]>,
    width: u32,
    /// The code before the last byte, and that byte; `None` for codes that are free.
    table: Vec<Option<(u16, u8)>>,
    /// How many codes build upon each.
    children: Vec<u16>,
    /// Codes that may be leaves: those that were made, and those whose last child was freed.
    leaves: Vec<u16>,
    /// Codes that are free, a bit each, and where the next one is looked for.
    free: Vec<u64>,
    next: usize,
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
            children: vec![0; CODES],
            leaves: Vec::new(),
            free: vec![u64::MAX; CODES / 64],
            next: FIRST,
            previous: None,
            first: 0,
        }
    }

    fn code(&mut self) -> io::Result<u16> {
        self.bits.take(self.width).map(|code| u16::try_from(code).unwrap_or(u16::MAX))
    }

    /// Says of a code whether it is free.
    fn mark(&mut self, code: usize, is_free: bool) {
        if let Some(word) = self.free.get_mut(code / 64) {
            let bit = 1_u64 << (code % 64);
            *word = if is_free { *word | bit } else { *word & !bit };
        }
    }

    /// The first free code from here on.
    fn free_from(&self, start: usize) -> Option<usize> {
        let first = start / 64;
        // Of the first word, not what is before the start.
        let passed = u64::MAX << (start % 64);
        self.free.iter().enumerate().skip(first).find_map(|(number, word)| {
            let word = if number == first { word & passed } else { *word };
            let bit = usize::try_from(word.trailing_zeros()).ok().filter(|_| word != 0)?;
            Some(number.saturating_mul(64).saturating_add(bit))
        })
    }

    /// Puts a string into the table, if there is a place for it behind the last one.
    fn add(&mut self, parent: u16, byte: u8) {
        let Some(code) = self.free_from(self.next) else { return };
        self.next = code.saturating_add(1);
        self.mark(code, false);
        if let Some(slot) = self.table.get_mut(code) {
            *slot = Some((parent, byte));
        }
        if let Some(count) = self.children.get_mut(usize::from(parent)) {
            *count = count.saturating_add(1);
        }
        self.leaves.extend(u16::try_from(code));
    }

    /// Frees every code that no other builds upon.
    fn clear_leaves(&mut self) {
        let has_children = |this: &Self, code: u16| this.children.get(usize::from(code)) != Some(&0);
        let mut leaves = std::mem::take(&mut self.leaves);
        leaves.retain(|&code| !has_children(self, code));
        for code in leaves {
            let slot = self.table.get_mut(usize::from(code));
            let Some((parent, _)) = slot.and_then(Option::take) else { continue };
            self.mark(usize::from(code), true);
            if let Some(count) = self.children.get_mut(usize::from(parent)) {
                *count = count.saturating_sub(1);
            }
            // It was none when the clearing began, and is one for the next.
            if !has_children(self, parent) && self.table.get(usize::from(parent)).is_some_and(Option::is_some)
            {
                self.leaves.push(parent);
            }
        }
        self.next = FIRST;
    }

    /// Puts the bytes of a code behind `out`, last first; `false` when it is free.
    ///
    /// # Errors
    /// It builds upon a code that is free, or upon itself: a table that was cleared may lead there, but nobody writes such
    /// codes.
    fn string(&self, code: u16, out: &mut Vec<u8>) -> io::Result<bool> {
        let mut next = code;
        for _ in 0..CODES {
            if let Ok(byte) = u8::try_from(next) {
                out.push(byte);
                return Ok(true);
            }
            match self.table.get(usize::from(next)).copied().flatten() {
                Some((parent, byte)) => {
                    out.push(byte);
                    next = parent;
                }
                None if next == code => return Ok(false),
                None => break,
            }
        }
        Err(ErrorKind::InvalidData.into())
    }

    /// The same for the code that is read; one that is free is about to be made, of the last string and its own first byte.
    fn read(&self, code: u16, out: &mut Vec<u8>) -> io::Result<()> {
        if self.string(code, out)? {
            return Ok(());
        }
        let previous = self.previous.ok_or(ErrorKind::InvalidData)?;
        out.push(self.first);
        if !self.string(previous, out)? {
            out.push(self.first);
        }
        Ok(())
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
        let start = out.len();
        if let Err(error) = self.read(code, out) {
            out.truncate(start);
            return Err(error);
        }
        let string = out.get_mut(start..).unwrap_or_default();
        string.reverse();
        self.first = string.first().copied().unwrap_or(0);
        if let Some(previous) = self.previous {
            self.add(previous, self.first);
        }
        self.previous = Some(code);
        Ok(true)
    }
}
