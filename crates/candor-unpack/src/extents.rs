//! Files that stand in pieces: as one stream, with holes as zeros.

use std::cell::RefCell;
use std::io::{self, ErrorKind, Read};

use crate::medium::Medium;

/// A piece of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Extent {
    /// Where it stands; `None` for zeros that stand nowhere.
    pub(crate) offset: Option<u64>,
    /// Its length in bytes.
    pub(crate) length: u64,
}

/// Pieces one after another, as far as the file is long.
pub(crate) struct Extents<'a, I> {
    medium: &'a dyn Medium,
    pieces: I,
    current: Extent,
    left: u64,
}

impl<'a, I: Iterator<Item = Extent>> Extents<'a, I> {
    /// The first `length` bytes of the pieces, which stand in `medium`.
    pub(crate) const fn new(medium: &'a dyn Medium, pieces: I, length: u64) -> Self {
        Self { medium, pieces, current: Extent { offset: None, length: 0 }, left: length }
    }

    /// Whether reading stopped in a piece, which is not in the medium, and not behind the last of them.
    pub(crate) const fn is_in_piece(&self) -> bool {
        self.current.length > 0 && self.left > 0
    }
}

impl<I: Iterator<Item = Extent>> Read for Extents<'_, I> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() || self.left == 0 {
            return Ok(0);
        }
        while self.current.length == 0 {
            self.current = self.pieces.next().ok_or_else(missing)?;
        }
        let wanted = self.left.min(self.current.length);
        let read = match self.current.offset {
            Some(offset) => {
                let most = usize::try_from(wanted).unwrap_or(usize::MAX).min(buffer.len());
                let read = self.medium.read_at(offset, buffer.get_mut(..most).unwrap_or_default())?;
                if read == 0 {
                    return Err(missing());
                }
                self.current.offset = offset.checked_add(u64::try_from(read).unwrap_or(0));
                read
            }
            None => io::repeat(0).take(wanted).read(buffer)?,
        };
        let count = u64::try_from(read).unwrap_or(u64::MAX);
        self.current.length = self.current.length.saturating_sub(count);
        self.left = self.left.saturating_sub(count);
        Ok(read)
    }
}

/// Pieces as a medium of their own. They are asked for as far as somebody reads.
pub(crate) struct Pieced<'a, I> {
    medium: &'a dyn Medium,
    length: u64,
    known: RefCell<Known<I>>,
}

struct Known<I> {
    pieces: I,
    /// Where each piece begins, up to the end of the last.
    places: Vec<(u64, Extent)>,
    end: u64,
}

/// Pieces that are remembered.
const PIECES: usize = 1 << 20;

impl<'a, I: Iterator<Item = Extent>> Pieced<'a, I> {
    /// The first `length` bytes of the pieces, which stand in `medium`.
    pub(crate) const fn new(medium: &'a dyn Medium, pieces: I, length: u64) -> Self {
        Self { medium, length, known: RefCell::new(Known { pieces, places: Vec::new(), end: 0 }) }
    }
}

impl<I: Iterator<Item = Extent>> Medium for Pieced<'_, I> {
    fn length(&self) -> u64 {
        self.length
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.length.saturating_sub(offset);
        let most = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        let buffer = buffer.get_mut(..most).unwrap_or_default();
        if buffer.is_empty() {
            return Ok(0);
        }
        let mut known = self.known.borrow_mut();
        while known.end <= offset {
            if known.places.len() >= PIECES {
                return Err(missing());
            }
            let piece = known.pieces.next().ok_or_else(missing)?;
            let start = known.end;
            known.places.push((start, piece));
            known.end = start.saturating_add(piece.length);
        }
        let behind = known.places.partition_point(|(start, _)| *start <= offset);
        let found = behind.checked_sub(1).and_then(|index| known.places.get(index)).copied();
        let (start, piece) = found.ok_or_else(missing)?;
        let within = offset.saturating_sub(start);
        let rest = usize::try_from(piece.length.saturating_sub(within)).unwrap_or(usize::MAX);
        let most = rest.min(buffer.len());
        let buffer = buffer.get_mut(..most).unwrap_or_default();
        let Some(place) = piece.offset else {
            buffer.fill(0);
            return Ok(buffer.len());
        };
        match self.medium.read_at(place.saturating_add(within), buffer)? {
            0 => Err(missing()),
            read => Ok(read),
        }
    }
}

fn missing() -> io::Error {
    io::Error::new(ErrorKind::UnexpectedEof, "pieces of the file are missing")
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::{Extent, Extents, Pieced};
    use crate::medium::{Medium as _, taken};

    fn read(pieces: &[Extent], length: u64) -> (Vec<u8>, bool) {
        let mut out = Vec::new();
        let outcome = Extents::new(&&b"0123456789"[..], pieces.iter().copied(), length).read_to_end(&mut out);
        (out, outcome.is_ok())
    }

    #[test]
    fn pieces_and_holes_are_one_stream() {
        let at = |offset, length| Extent { offset, length };
        let pieces = [at(Some(7), 2), at(None, 3), at(Some(0), 0), at(Some(0), 4)];
        assert_eq!(read(&pieces, 9), (b"78\0\0\x000123".to_vec(), true));
        assert_eq!(read(&pieces, 6), (b"78\0\0\x000".to_vec(), true));
    }

    #[test]
    fn missing_pieces_are_an_error_behind_what_is_there() {
        let at = |offset, length| Extent { offset: Some(offset), length };
        assert_eq!(read(&[at(8, 4)], 4), (b"89".to_vec(), false));
        assert_eq!(read(&[at(8, 1)], 4), (b"8".to_vec(), false));
        assert_eq!(read(&[at(u64::MAX, 4)], 4), (Vec::new(), false));
    }

    #[test]
    fn pieces_are_a_medium_that_is_read_anywhere() {
        let at = |offset, length| Extent { offset, length };
        let pieces = [at(Some(7), 2), at(None, 3), at(Some(0), 0), at(Some(0), 4), at(Some(8), 9)];
        let bytes = &b"0123456789"[..];
        let medium = Pieced::new(&bytes, pieces.into_iter(), 13);
        assert_eq!((medium.length(), taken(&medium, 5, 3)), (13, b"012".to_vec()));
        assert_eq!(taken(&medium, 0, 9), b"78\0\0\x000123");
        assert_eq!(taken(&medium, 3, 3), b"\0\x000");
        // The last piece is not all there, and nothing is behind the end.
        assert_eq!(taken(&medium, 8, 9), b"389");
        assert_eq!(taken(&medium, 13, 9), b"");
    }
}
