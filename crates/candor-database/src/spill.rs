//! Room beside memory, for what a builder wants again only once and from front to back.
//!
//! While millions of signatures are laid out they take several times what they take in use. What grows with their number
//! (digests, names, surroundings of anchors) is put aside piece by piece, into a file that nobody else has, and read back
//! when its section is written. Where there is no such file, or no more room in it, it stays in memory; the image is
//! the same.

use std::fmt;
use std::io::{Read, Seek, SeekFrom, Write};
use std::sync::{Arc, Mutex, PoisonError};

use crate::builder::BuildError;
use crate::image::Section;

/// Bytes that are put aside at once.
const PIECE: usize = 1 << 20;

/// Bytes that are read back at once.
const READ: usize = 64 << 10;

/// What is written to, and read from, in any order.
trait Room: Read + Write + Seek + Send {}

impl<T: Read + Write + Seek + Send> Room for T {}

/// Such room, or none.
#[derive(Clone, Default)]
pub(crate) struct Spill(Option<Arc<Mutex<State>>>);

struct State {
    room: Box<dyn Room>,
    /// Where it goes on.
    end: u64,
    is_full: bool,
}

impl Spill {
    /// In this file, which is empty.
    pub(crate) fn new(room: impl Read + Write + Seek + Send + 'static) -> Self {
        Self(Some(Arc::new(Mutex::new(State { room: Box::new(room), end: 0, is_full: false }))))
    }

    /// Whether there was room when something was put aside last.
    pub(crate) fn has_room(&self) -> bool {
        self.with(|state| !state.is_full).unwrap_or(false)
    }

    /// Puts bytes aside; says where. `None` when there is no room for them.
    pub(crate) fn put(&self, bytes: &[u8]) -> Option<u64> {
        self.with(|state| {
            if state.is_full {
                return None;
            }
            let place = state.end;
            let written = state.room.seek(SeekFrom::Start(place)).and_then(|_| state.room.write_all(bytes));
            // What was written of it stays behind the end, where nobody looks.
            state.is_full = written.is_err();
            written.ok()?;
            state.end = place.checked_add(u64::try_from(bytes.len()).ok()?)?;
            Some(place)
        })?
    }

    /// Reads back what was put aside at `place`.
    ///
    /// # Errors
    /// It cannot be read.
    pub(crate) fn read(&self, place: u64, bytes: &mut [u8]) -> Result<(), BuildError> {
        let read = self
            .with(|state| state.room.seek(SeekFrom::Start(place)).and_then(|_| state.room.read_exact(bytes)));
        match read {
            Some(Ok(())) => Ok(()),
            Some(Err(error)) => Err(BuildError::Spill(error.to_string())),
            None => Err(BuildError::Spill(String::from("there is none"))),
        }
    }

    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> Option<T> {
        let state = self.0.as_ref()?;
        Some(act(&mut state.lock().unwrap_or_else(PoisonError::into_inner)))
    }
}

impl fmt::Debug for Spill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spill").field("is_there", &self.0.is_some()).finish()
    }
}

/// Bytes that are only appended to until they are read, once or twice, from front to back.
#[derive(Debug, Default)]
pub(crate) struct Pile {
    spill: Spill,
    /// Pieces that were put aside: where each is, and its length.
    aside: Vec<(u64, usize)>,
    /// How long these are together.
    before: usize,
    held: Vec<u8>,
}

impl Pile {
    /// One that puts aside what it can.
    pub(crate) fn new(spill: &Spill) -> Self {
        Self { spill: spill.clone(), ..Self::default() }
    }

    /// How many bytes there are.
    pub(crate) fn len(&self) -> usize {
        self.before.saturating_add(self.held.len())
    }

    /// Appends what `write` appends to the bytes that it is given, and looks at nothing else of.
    pub(crate) fn append(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        write(&mut self.held);
        if self.held.len() >= PIECE
            && let Some(place) = self.spill.put(&self.held)
        {
            self.aside.push((place, self.held.len()));
            self.before = self.before.saturating_add(self.held.len());
            self.held.clear();
        }
    }

    /// Gives all of it to `take`, in pieces of a multiple of `width` bytes, if it is one itself.
    ///
    /// # Errors
    /// It cannot be read back.
    pub(crate) fn read(&self, width: usize, take: &mut dyn FnMut(&[u8])) -> Result<(), BuildError> {
        let step = READ.checked_div(width).unwrap_or(READ).max(1).saturating_mul(width.max(1));
        let mut buffer = Vec::new();
        for (place, length) in &self.aside {
            let (mut place, mut left) = (*place, *length);
            while left > 0 {
                buffer.resize(left.min(step), 0);
                self.spill.read(place, &mut buffer)?;
                take(&buffer);
                place = place.saturating_add(u64::try_from(buffer.len()).unwrap_or(0));
                left = left.saturating_sub(buffer.len());
            }
        }
        if !self.held.is_empty() {
            take(&self.held);
        }
        Ok(())
    }

    /// Appends all of it to a section.
    ///
    /// # Errors
    /// It cannot be read back.
    pub(crate) fn write(&self, out: &mut Section<'_>) -> Result<(), BuildError> {
        self.read(1, &mut |bytes| out.extend_from_slice(bytes))
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Cursor};

    use super::*;

    /// A pile of so many bytes, appended three at a time, read by tens.
    fn piled(spill: &Spill, length: usize) -> (Pile, bool) {
        let bytes: Vec<u8> = (0..=250).cycle().flat_map(|byte| [byte; 3]).take(length).collect();
        let mut pile = Pile::new(spill);
        bytes.chunks(3).for_each(|chunk| pile.append(|out| out.extend_from_slice(chunk)));
        let mut back = Vec::new();
        pile.read(3, &mut |piece| {
            assert!(piece.len().is_multiple_of(3));
            back.extend_from_slice(piece);
        })
        .unwrap();
        assert_eq!(pile.len(), length);
        (pile, back == bytes)
    }

    #[test]
    fn what_is_piled_up_comes_back_and_is_not_held() {
        let spill = Spill::new(Cursor::new(Vec::new()));
        let (one, same) = piled(&spill, 6 << 20);
        let (other, also) = piled(&spill, 3_000_000);
        assert!(same && also);
        assert!(one.held.len() < PIECE && other.held.len() < PIECE);
        assert!(piled(&Spill::default(), 3_000_000).1);
    }

    /// A file on a full disk.
    struct Full(Cursor<Vec<u8>>, usize);

    impl Read for Full {
        fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
            self.0.read(bytes)
        }
    }

    impl Seek for Full {
        fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
            self.0.seek(to)
        }
    }

    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.1 = self.1.checked_sub(bytes.len()).ok_or(io::ErrorKind::StorageFull)?;
            self.0.write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_there_is_no_room_for_stays_in_memory() {
        let spill = Spill::new(Full(Cursor::new(Vec::new()), 3 << 20));
        let (pile, same) = piled(&spill, 6 << 20);
        assert!(same && !spill.has_room());
        assert!(pile.held.len() > 2 << 20 && !pile.aside.is_empty());
    }

    #[test]
    fn what_cannot_be_read_back_is_an_error() {
        let spill = Spill::new(Cursor::new(Vec::new()));
        assert!(matches!(spill.read(7, &mut [0; 3]), Err(BuildError::Spill(_))));
        assert!(Spill::default().read(0, &mut [0; 3]).is_err());
    }
}
