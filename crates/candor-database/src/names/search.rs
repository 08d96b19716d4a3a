//! Decodes names.

use super::{BLOCK, LINE_BEHIND, LONGEST, MIDDLE_BEHIND, MIDDLE_BITS, SHARED_BEHIND, SOURCE_BEHIND};
use crate::bytes::{Reader, u32_at};

/// The name table of an image.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Names<'a> {
    blocks: &'a [u8],
    encoded: &'a [u8],
    count: u64,
}

/// A name and where it was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Written {
    /// The name. Not checked to be UTF-8.
    pub(crate) name: Vec<u8>,
    /// Number of the source.
    pub(crate) source: u16,
    /// Line in it.
    pub(crate) line: u32,
}

impl<'a> Names<'a> {
    /// The table in these two sections, with the number of names that the image claims.
    pub(crate) const fn new(blocks: &'a [u8], encoded: &'a [u8], count: u64) -> Self {
        Self { blocks, encoded, count }
    }

    /// The name of a signature.
    pub(crate) fn find(self, id: u32) -> Option<Written> {
        if u64::from(id) >= self.count {
            return None;
        }
        let place = usize::try_from(id).ok()?;
        let mut cursor = self.block(place / BLOCK)?;
        for _ in 0..=place % BLOCK {
            cursor.advance()?;
        }
        Some(cursor.written)
    }

    /// Every name that can be decoded, with its number, in order.
    pub(crate) fn iter(self) -> impl Iterator<Item = (u32, Written)> + 'a {
        let blocks = self.blocks.len() / 4;
        let count = u32::try_from(self.count).unwrap_or(u32::MAX);
        let first = |block: usize| block.checked_mul(BLOCK).and_then(|first| u32::try_from(first).ok());
        (0..blocks).filter_map(move |block| Some((first(block)?, self.block(block)?))).flat_map(
            move |(first, mut cursor)| {
                (first..count).take(BLOCK).map_while(move |id| {
                    cursor.advance()?;
                    Some((id, cursor.written.clone()))
                })
            },
        )
    }

    fn block(self, block: usize) -> Option<Cursor<'a>> {
        let start = usize::try_from(u32_at(self.blocks, block)?).ok()?;
        Some(Cursor {
            reader: Reader::new(self.encoded.get(start..)?),
            first: true,
            written: Written::default(),
        })
    }
}

/// Steps through the names of one block.
#[derive(Debug)]
struct Cursor<'a> {
    reader: Reader<'a>,
    first: bool,
    written: Written,
}

impl Cursor<'_> {
    /// Makes [`written`](Self::written) the next name.
    fn advance(&mut self) -> Option<()> {
        let reader = &mut self.reader;
        if self.first {
            self.first = false;
            self.written.source = u16::try_from(reader.varint()?).ok()?;
            self.written.line = u32::try_from(reader.varint()?).ok()?;
            let name = reader.run()?;
            return self.replace(0, name, 0);
        }
        let control = reader.u8()?;
        if control & SOURCE_BEHIND != 0 {
            self.written.source = u16::try_from(reader.varint()?).ok()?;
            self.written.line = u32::try_from(reader.varint()?).ok()?;
        } else {
            let difference = if control & LINE_BEHIND != 0 { unzigzag(reader.varint()?) } else { 1 };
            let line = i64::from(self.written.line).checked_add(difference)?;
            self.written.line = u32::try_from(line).ok()?;
        }
        let shared = match control & SHARED_BEHIND {
            SHARED_BEHIND => usize::try_from(reader.varint()?).ok()?,
            short => usize::from(short),
        };
        let lengths = reader.u8()?;
        let middle = match lengths & MIDDLE_BEHIND {
            MIDDLE_BEHIND => reader.length()?,
            short => usize::from(short),
        };
        let middle = reader.bytes(middle)?;
        self.replace(shared, middle, usize::from(lengths >> MIDDLE_BITS))
    }

    /// Makes `middle` what stands in the name between its first `shared` and its last `end` bytes.
    fn replace(&mut self, shared: usize, middle: &[u8], end: usize) -> Option<()> {
        let name = &mut self.written.name;
        let end_from = name.len().checked_sub(end).filter(|from| *from >= shared)?;
        let length = shared.checked_add(middle.len())?.checked_add(end)?;
        if length > LONGEST {
            return None;
        }
        name.splice(shared..end_from, middle.iter().copied());
        Some(())
    }
}

/// Undoes `zigzag` of the builder.
const fn unzigzag(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ (value & 1).cast_signed().wrapping_neg()
}
