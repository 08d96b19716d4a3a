//! Hives of the registry of Windows: keys, their values, what is below them.
//!
//! Format: <https://github.com/msuhanov/regf/blob/master/Windows%20registry%20file%20format%20specification.md>
//!
//! ```text
//! 0      "regf", two sequence numbers, …, where the root is (at 36), bytes of all bins (at 40)
//! 4096   bins of cells; places count from here. A cell begins with its size, negative when it is in use
//! cell   "nk" a key, "vk" a value, "lf" "lh" "li" "ri" lists of keys, "db" long data in pieces
//! ```
//!
//! Hostile hives have keys below themselves, lists of lists without end and sizes beyond the file. Who walks
//! pays a step for every key and value, and there are only so many.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;

use crate::inventory::bytes::{array, le16, le32, le64, run, size};

/// Where places count from.
const BINS: usize = 4096;
/// Bytes of one value.
const LONGEST: usize = 1 << 20;
/// Keys and values that are looked at.
const STEPS: u32 = 8_000_000;
/// What a piece of long data holds.
const PIECE: usize = 16_344;

/// A hive.
#[derive(Debug)]
pub(crate) struct Hive<'a> {
    bytes: &'a [u8],
    steps: Cell<u32>,
    /// Where cells are damaged.
    damaged: RefCell<BTreeSet<u32>>,
}

/// One key.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key<'h, 'a> {
    hive: &'h Hive<'a>,
    cell: &'a [u8],
}

/// One value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Value<'h, 'a> {
    hive: &'h Hive<'a>,
    cell: &'a [u8],
}

impl<'a> Hive<'a> {
    pub(crate) fn open(bytes: &'a [u8]) -> Option<Self> {
        (bytes.starts_with(b"regf") && bytes.len() > BINS).then(|| Self {
            bytes,
            steps: Cell::new(STEPS),
            damaged: RefCell::default(),
        })
    }

    pub(crate) fn root(&self) -> Option<Key<'_, 'a>> {
        self.key(le32(self.bytes, 36)?)
    }

    /// Why not all was read, when that is so.
    pub(crate) fn trouble(&self) -> Option<String> {
        if self.steps.get() == 0 {
            return Some("it has more keys and values than are looked at".to_owned());
        }
        let damaged = self.damaged.borrow().len();
        (damaged > 0).then(|| format!("{damaged} of its cells are damaged"))
    }

    fn cell(&self, place: u32) -> Option<&'a [u8]> {
        let at = size(place).checked_add(BINS)?;
        let length = array(self.bytes, at).map(i32::from_le_bytes)?;
        // Cells that are not in use still hold what was there.
        let length = usize::try_from(length.checked_neg()?).ok()?.checked_sub(4)?;
        let rest = self.bytes.get(at.checked_add(4)?..)?;
        // The last cell of a hive that was cut short keeps what is there.
        Some(rest.get(..length).unwrap_or(rest))
    }

    fn key(&self, place: u32) -> Option<Key<'_, 'a>> {
        let cell = self.cell(place).filter(|cell| cell.starts_with(b"nk"));
        self.step(place, cell).map(|cell| Key { hive: self, cell })
    }

    /// Pays for a look at a cell, and counts those that are not there.
    fn step<T>(&self, place: u32, cell: Option<T>) -> Option<T> {
        let left = self.steps.get().checked_sub(1)?;
        self.steps.set(left);
        if cell.is_none() && self.damaged.borrow().len() < 10_000 {
            self.damaged.borrow_mut().insert(place);
        }
        cell
    }
}

impl<'h, 'a> Key<'h, 'a> {
    pub(crate) fn name(&self) -> String {
        let name = run(self.cell, 76, usize::from(le16(self.cell, 72).unwrap_or(0))).unwrap_or_default();
        decode(name, le16(self.cell, 2).unwrap_or(0) & 0x20 != 0)
    }

    /// When it last changed, in the ticks of Windows.
    pub(crate) fn written(&self) -> u64 {
        le64(self.cell, 4).unwrap_or(0)
    }

    /// The keys below it.
    pub(crate) fn keys(&self) -> Vec<Self> {
        let mut places = Vec::new();
        if le32(self.cell, 20).unwrap_or(0) > 0
            && let Some(list) = le32(self.cell, 28)
        {
            self.list(list, true, &mut places);
        }
        places.into_iter().filter_map(|place| self.hive.key(place)).collect()
    }

    fn list(&self, place: u32, may_be_index: bool, places: &mut Vec<u32>) {
        let Some(cell) = self.hive.step(place, self.hive.cell(place)) else { return };
        let count = usize::from(le16(cell, 2).unwrap_or(0));
        let body = cell.get(4..).unwrap_or_default();
        match cell.get(..2) {
            Some(b"lf" | b"lh") => {
                let entries = body.as_chunks::<8>().0.iter().take(count);
                places.extend(entries.filter_map(|entry| le32(&entry[..], 0)));
            }
            Some(b"li") => {
                places.extend(body.as_chunks::<4>().0.iter().take(count).map(|raw| u32::from_le_bytes(*raw)));
            }
            Some(b"ri") if may_be_index => {
                for raw in body.as_chunks::<4>().0.iter().take(count) {
                    self.list(u32::from_le_bytes(*raw), false, places);
                }
            }
            _ => drop(self.hive.step::<()>(place, None)),
        }
    }

    /// The key below it by this name.
    pub(crate) fn child(&self, name: &str) -> Option<Self> {
        self.keys().into_iter().find(|key| key.name().eq_ignore_ascii_case(name))
    }

    /// The key that a path leads to.
    pub(crate) fn at(&self, path: &str) -> Option<Self> {
        path.split('\\').try_fold(*self, |key, name| key.child(name))
    }

    pub(crate) fn values(&self) -> Vec<Value<'h, 'a>> {
        let count = size(le32(self.cell, 36).unwrap_or(0));
        let list = || self.hive.cell(le32(self.cell, 40)?);
        let Some(list) = (count > 0).then(list).flatten() else { return Vec::new() };
        let places = list.as_chunks::<4>().0.iter().take(count).map(|raw| u32::from_le_bytes(*raw));
        places
            .filter_map(|place| {
                let cell = self.hive.cell(place).filter(|cell| cell.starts_with(b"vk"));
                self.hive.step(place, cell).map(|cell| Value { hive: self.hive, cell })
            })
            .collect()
    }

    /// The text of a value by this name; empty when there is none.
    pub(crate) fn text(&self, name: &str) -> String {
        self.value(name).and_then(|value| value.text()).unwrap_or_default()
    }

    pub(crate) fn number(&self, name: &str) -> Option<u32> {
        self.value(name)?.number()
    }

    pub(crate) fn value(&self, name: &str) -> Option<Value<'h, 'a>> {
        self.values().into_iter().find(|value| value.name().eq_ignore_ascii_case(name))
    }
}

impl<'a> Value<'_, 'a> {
    pub(crate) fn name(&self) -> String {
        let name = run(self.cell, 20, usize::from(le16(self.cell, 2).unwrap_or(0))).unwrap_or_default();
        decode(name, le16(self.cell, 16).unwrap_or(0) & 1 != 0)
    }

    /// A text, or the first of several.
    pub(crate) fn text(&self) -> Option<String> {
        matches!(le32(self.cell, 12)?, 1 | 2 | 7)
            .then(|| self.data())
            .flatten()
            .map(|data| crate::inventory::bytes::utf16(&data))
    }

    pub(crate) fn number(&self) -> Option<u32> {
        if le32(self.cell, 12)? == 4 { le32(&self.data()?, 0) } else { None }
    }

    pub(crate) fn data(&self) -> Option<Vec<u8>> {
        let length = le32(self.cell, 4)?;
        if length & 0x8000_0000 != 0 {
            return run(self.cell, 8, size(length & 0x7fff_ffff).min(4)).map(<[u8]>::to_vec);
        }
        let length = size(length).min(LONGEST);
        let cell = self.hive.cell(le32(self.cell, 8)?)?;
        if length > PIECE && cell.starts_with(b"db") {
            let list = self.hive.cell(le32(cell, 4)?)?;
            let mut out = Vec::new();
            for raw in list.as_chunks::<4>().0.iter().take(usize::from(le16(cell, 2)?)) {
                let piece = self.hive.cell(u32::from_le_bytes(*raw))?;
                out.extend_from_slice(piece.get(..PIECE).unwrap_or(piece));
                if out.len() >= length {
                    break;
                }
            }
            out.truncate(length);
            return Some(out);
        }
        Some(cell.get(..length).unwrap_or(cell).to_vec())
    }
}

/// A name: Latin 1 when it is said to be short for UTF-16.
fn decode(bytes: &[u8], is_latin: bool) -> String {
    if is_latin {
        bytes.iter().map(|byte| char::from(*byte)).collect()
    } else {
        let units: Vec<u16> = bytes.as_chunks::<2>().0.iter().map(|unit| u16::from_le_bytes(*unit)).collect();
        String::from_utf16_lossy(&units)
    }
}
