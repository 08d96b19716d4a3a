//! Bytes that can be read anywhere and need not stand in memory: a file that is there as a whole, a part of
//! another medium, the raw disk in the image of a virtual one.
//!
//! Volumes are read through this, so that one of terabytes costs what is looked at on it.

use std::io::{self, Read};

use crate::reader::clipped;

/// Bytes by their place.
pub trait Medium {
    /// How many there are.
    fn length(&self) -> u64;

    /// Reads what stands from `offset` on, as much as fits or less; nothing behind the end.
    ///
    /// # Errors
    /// What should stand there is damaged or missing.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize>;
}

impl Medium for &[u8] {
    fn length(&self) -> u64 {
        u64::try_from(self.len()).unwrap_or(u64::MAX)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let wanted = u64::try_from(buffer.len()).unwrap_or(u64::MAX);
        clipped(self, offset, wanted).read(buffer)
    }
}

/// A part of a medium, as far as that reaches.
#[derive(Clone, Copy)]
pub struct Window<'a> {
    medium: &'a dyn Medium,
    offset: u64,
    length: u64,
}

impl std::fmt::Debug for Window<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Window({} bytes from {} on)", self.length, self.offset)
    }
}

impl<'a> Window<'a> {
    /// `length` bytes from `offset` on.
    #[must_use]
    pub fn new(medium: &'a dyn Medium, offset: u64, length: u64) -> Self {
        let length = length.min(medium.length().saturating_sub(offset));
        Self { medium, offset, length }
    }
}

impl Medium for Window<'_> {
    fn length(&self) -> u64 {
        self.length
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.length.saturating_sub(offset)).unwrap_or(usize::MAX);
        let most = buffer.len().min(left);
        let buffer = buffer.get_mut(..most).unwrap_or_default();
        if buffer.is_empty() {
            return Ok(0);
        }
        self.medium.read_at(self.offset.saturating_add(offset), buffer)
    }
}

/// A medium from front to back.
pub(crate) struct Whole<'a> {
    pub(crate) medium: &'a dyn Medium,
    pub(crate) at: u64,
}

impl Read for Whole<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.medium.read_at(self.at, buffer)?;
        self.at = self.at.saturating_add(u64::try_from(read).unwrap_or(0));
        Ok(read)
    }
}

/// Most bytes that [`taken`] gives at once.
const TAKEN: u64 = 16 << 20;

/// `length` bytes from `offset` on, as far as they reach and can be read.
#[must_use]
pub fn taken(medium: &dyn Medium, offset: u64, length: u64) -> Vec<u8> {
    let length = length.min(medium.length().saturating_sub(offset)).min(TAKEN);
    let mut held = vec![0; usize::try_from(length).unwrap_or(0)];
    let mut filled = 0_usize;
    while let Some(rest) = held.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        let place = offset.saturating_add(u64::try_from(filled).unwrap_or(0));
        match medium.read_at(place, rest) {
            Ok(0) | Err(_) => break,
            Ok(read) => filled = filled.saturating_add(read),
        }
    }
    held.truncate(filled);
    held
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_end_where_they_end() {
        let bytes = &b"0123456789"[..];
        let window = Window::new(&bytes, 3, 4);
        assert_eq!((window.length(), taken(&window, 0, 100)), (4, b"3456".to_vec()));
        assert_eq!(taken(&window, 3, 2), b"6");
        assert_eq!(taken(&window, 4, 2), b"");
        let last = Window::new(&window, 2, u64::MAX);
        assert_eq!((last.length(), taken(&last, 0, u64::MAX)), (2, b"56".to_vec()));
        assert_eq!(Window::new(&bytes, u64::MAX, 4).length(), 0);
        let mut out = Vec::new();
        Whole { medium: &window, at: 1 }.read_to_end(&mut out).unwrap();
        assert_eq!(out, b"456");
    }
}
