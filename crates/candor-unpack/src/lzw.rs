//! LZW as `compress` writes it: codes of 9 bits and more, least significant bit first, in groups of eight. And as Zoo
//! does: in no groups, and with a code for the end.

use std::io::{self, ErrorKind, Read};

/// The code that empties the table, in files that say that they use it.
const CLEAR: u32 = 256;
/// The code of the end, where there is one.
const END: u32 = 257;
/// Widest codes of Zoo.
const WIDEST_OF_ZOO: usize = 13;

/// Decodes what follows the header of a `.Z` file.
pub(crate) struct Lzw<'a> {
    data: &'a [u8],
    /// Place of the next code, in bits.
    at: usize,
    /// Where the codes of the present width began, in bits: groups count from there.
    group_start: usize,
    width: usize,
    widest: usize,
    has_clear: bool,
    has_end: bool,
    /// For each code from the first free one on: the code before its last byte, and that byte.
    table: Vec<(u16, u8)>,
    previous: Option<u32>,
    first: u8,
    /// Decoded bytes, last first.
    pending: Vec<u8>,
}

impl<'a> Lzw<'a> {
    /// A decoder for codes of at most `widest` bits, 9 to 16.
    pub(crate) fn new(data: &'a [u8], widest: u8, has_clear: bool) -> Self {
        Self {
            data,
            at: 0,
            group_start: 0,
            width: 9,
            widest: usize::from(widest),
            has_clear,
            has_end: false,
            table: Vec::new(),
            previous: None,
            first: 0,
            pending: Vec::new(),
        }
    }

    /// A decoder for what Zoo writes.
    pub(crate) fn of_zoo(data: &'a [u8]) -> Self {
        let mut decoder = Self::new(data, 9, true);
        decoder.widest = WIDEST_OF_ZOO;
        decoder.has_end = true;
        decoder
    }

    fn first_free(&self) -> usize {
        match (self.has_clear, self.has_end) {
            (_, true) => 258,
            (true, false) => 257,
            (false, false) => 256,
        }
    }

    fn free(&self) -> usize {
        self.table.len().saturating_add(self.first_free())
    }

    fn code(&mut self) -> Option<u32> {
        if self.free() >= 1 << self.width && self.width < self.widest {
            self.next_group();
            self.width = self.width.saturating_add(1);
        }
        let (byte, bit) = (self.at / 8, self.at % 8);
        let mut code = 0_u32;
        for (index, shift) in [(0_usize, 0_u32), (1, 8), (2, 16)] {
            let value = self.data.get(byte.saturating_add(index)).copied();
            code |= u32::from(value.unwrap_or(0)) << shift;
        }
        let end = self.at.saturating_add(self.width);
        if end > self.data.len().saturating_mul(8) {
            return None;
        }
        self.at = end;
        Some((code >> bit) & !(u32::MAX << self.width))
    }

    /// Passes over what is left of a group of eight codes.
    fn next_group(&mut self) {
        if self.has_end {
            return;
        }
        let group = self.width.saturating_mul(8);
        let inside = self.at.saturating_sub(self.group_start).checked_next_multiple_of(group).unwrap_or(0);
        self.at = self.group_start.saturating_add(inside);
        self.group_start = self.at;
    }

    /// Decodes one code into `pending`; `false` at the end.
    fn step(&mut self) -> io::Result<bool> {
        let Some(code) = self.code() else {
            return if self.has_end { Err(ErrorKind::UnexpectedEof.into()) } else { Ok(false) };
        };
        if code == END && self.has_end {
            self.at = self.data.len().saturating_mul(8);
            self.has_end = false;
            return Ok(false);
        }
        if code == CLEAR && self.has_clear {
            self.next_group();
            self.width = 9;
            self.table.clear();
            self.previous = None;
            return Ok(true);
        }
        let known = |code: u32| code < 256 || usize::try_from(code).is_ok_and(|code| code < self.free());
        let mut next = code;
        match self.previous {
            Some(previous) if !known(code) => {
                if usize::try_from(code) != Ok(self.free()) {
                    return Err(ErrorKind::InvalidData.into());
                }
                self.pending.push(self.first);
                next = previous;
            }
            None if code >= 256 => return Err(ErrorKind::InvalidData.into()),
            _ => {}
        }
        let first_free = u32::try_from(self.first_free()).unwrap_or(u32::MAX);
        // Every entry refers to an older one, so this ends.
        while let Some(index) = next.checked_sub(first_free) {
            let entry = usize::try_from(index).ok().and_then(|index| self.table.get(index));
            let Some(&(before, byte)) = entry else { return Err(ErrorKind::InvalidData.into()) };
            self.pending.push(byte);
            next = u32::from(before);
        }
        self.first = u8::try_from(next).unwrap_or(0);
        self.pending.push(self.first);
        if let Some(previous) = self.previous
            && self.free() < 1 << self.widest
            && let Ok(previous) = u16::try_from(previous)
        {
            self.table.push((previous, self.first));
        }
        self.previous = Some(code);
        Ok(true)
    }
}

impl Read for Lzw<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut written = 0_usize;
        for slot in buffer {
            while self.pending.is_empty() {
                match self.step() {
                    Ok(true) => {}
                    Ok(false) => return Ok(written),
                    Err(_) if written > 0 => return Ok(written),
                    Err(error) => return Err(error),
                }
            }
            *slot = self.pending.pop().unwrap_or(0);
            written = written.saturating_add(1);
        }
        Ok(written)
    }
}
