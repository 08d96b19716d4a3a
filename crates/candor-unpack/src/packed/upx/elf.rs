//! Programs and libraries for Linux.
//!
//! ```text
//! behind the program headers, in a library behind the first part of it, which stands there as it was:
//!     12 bytes  checksum, "UPX!", size of the loader, version, format
//!     12 bytes  program, size of the file, size of a block
//!     blocks    real size, packed size, method, filter, its byte; then the packed bytes
//! behind the loader, where the segment ends that is run:
//!     blocks    of what is in no segment
//! at the end of the file:
//!     4 bytes   where the second 12 bytes above stand
//! ```
//!
//! The first block holds the headers of the program, the others what each of its segments has in the file; then, behind the
//! loader, what stands between the segments and behind them. Segments of a library that are written to are not packed.

use candor_model::{Flow, Reason, Sink};

use super::{LZMA, Packed, filter};
use crate::elf::class_and_order;
use crate::reader::{Order, Reader, clipped};

/// Blocks of one program, and segments.
const BLOCKS: u32 = 4096;
const SEGMENTS: u64 = 128;
/// Places that have the letters of UPX at which a library may begin.
const MARKS: usize = 8;

/// A program header.
#[derive(Clone, Copy, Debug)]
struct Segment {
    kind: u32,
    flags: u32,
    offset: u64,
    address: u64,
    size: u64,
}

const LOAD: u32 = 1;
const DYNAMIC: u32 = 2;
const EXECUTABLE: u32 = 1;
/// What a library runs first, in its table for the linker.
const INIT: u64 = 12;

impl Segment {
    const fn end(&self) -> u64 {
        self.offset.saturating_add(self.size)
    }
}

/// The program headers, and where they end.
fn segments(bytes: &[u8], is_wide: bool, order: Order) -> Option<(Vec<Segment>, u64)> {
    let start = Reader::new(bytes, order);
    let table = start.at(if is_wide { 32 } else { 28 })?.word(is_wide)?;
    let mut counts = start.at(if is_wide { 54 } else { 42 })?;
    let (row, count) = (u64::from(counts.u16()?), u64::from(counts.u16()?));
    let rows = (0..count.min(SEGMENTS)).map_while(|number| {
        let mut row = start.at(table.checked_add(number.checked_mul(row)?)?)?;
        let kind = row.u32()?;
        let flags = if is_wide { row.u32()? } else { 0 };
        let (offset, address, _) = (row.word(is_wide)?, row.word(is_wide)?, row.word(is_wide)?);
        let (size, _) = (row.word(is_wide)?, row.word(is_wide)?);
        let flags = if is_wide { flags } else { row.u32()? };
        Some(Segment { kind, flags, offset, address, size })
    });
    Some((rows.collect(), table.checked_add(row.checked_mul(count)?)?))
}

/// Blocks that follow each other, and how much they may still give.
struct Blocks<'a> {
    reader: Reader<'a>,
    left: u32,
    room: u64,
    /// Whether one could not be read that is there.
    is_cut: bool,
}

impl<'a> Blocks<'a> {
    /// The next one, and where those behind it stand; `None` behind the last.
    fn peek(&self) -> Option<(Block<'a>, Reader<'a>)> {
        let mut reader = self.reader;
        let (real_size, size) = (reader.u32()?, reader.u32()?);
        let (method, filter, mark) = (reader.u8()?, reader.u8()?, reader.u8()?);
        reader.skip(1)?;
        let makes_sense =
            size > 0 && (size == real_size || size < real_size && matches!(method, 2..=10 | LZMA));
        if !makes_sense || self.left == 0 {
            return None;
        }
        let bytes = reader.take(u64::from(size))?;
        Some((Block { packed: Packed { method, real_size, bytes }, filter, mark }, reader))
    }

    /// What the next one holds, when that is at most `most` bytes.
    fn next(&mut self, most: u64, sink: &mut dyn Sink) -> Option<Vec<u8>> {
        let (block, behind) = self.peek().filter(|(block, _)| u64::from(block.packed.real_size) <= most)?;
        let size = u64::from(block.packed.real_size);
        self.left = self.left.saturating_sub(1);
        if self.room == 0 {
            self.is_cut = true;
            return None;
        }
        if size > self.room {
            sink.incomplete(Reason::FileSize);
        }
        let plain = block.plain(self.room, sink);
        self.is_cut |= plain.is_none();
        self.room = self.room.saturating_sub(size);
        self.reader = behind;
        plain
    }
}

#[derive(Clone, Copy, Debug)]
struct Block<'a> {
    packed: Packed<'a>,
    filter: u8,
    mark: u8,
}

impl Block<'_> {
    fn plain(&self, most: u64, sink: &mut dyn Sink) -> Option<Vec<u8>> {
        let size = usize::try_from(self.packed.real_size).ok()?;
        let mut plain = if self.packed.bytes.len() == size {
            clipped(self.packed.bytes, 0, most).to_vec()
        } else {
            self.packed.unpacked(most, sink)?
        };
        filter::undo(self.filter, self.mark, &mut plain);
        Some(plain)
    }
}

/// The program that is made again.
struct Program<'a> {
    bytes: &'a [u8],
    blocks: Blocks<'a>,
    out: Vec<u8>,
    most: u64,
}

impl Program<'_> {
    /// Writes something where it stood. What is between that and what is there already is zeros.
    fn put(&mut self, at: u64, bytes: &[u8]) -> Option<()> {
        let start = usize::try_from(at).ok()?;
        let end = start.checked_add(bytes.len())?;
        if u64::try_from(end).ok()? > self.most {
            self.blocks.is_cut = true;
            return None;
        }
        if self.out.len() < end {
            self.out.resize(end, 0);
        }
        self.out.get_mut(start..end)?.copy_from_slice(bytes);
        Some(())
    }

    /// Fills a part of the program with what the next blocks hold; where they end, or the next would not fit.
    fn fill(&mut self, mut at: u64, end: u64, sink: &mut dyn Sink) -> u64 {
        while at < end
            && let Some(plain) = self.blocks.next(end.saturating_sub(at), sink)
            && self.put(at, &plain).is_some()
        {
            at = at.saturating_add(u64::try_from(plain.len()).unwrap_or(u64::MAX));
        }
        at
    }

    /// Copies a part that is not packed; where it ends.
    fn copy(&mut self, from: u64, at: u64, length: u64) -> u64 {
        let bytes = clipped(self.bytes, from, length.min(self.blocks.room));
        let copied = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.blocks.room = self.blocks.room.saturating_sub(copied);
        self.put(at, bytes).map_or(at, |()| at.saturating_add(copied))
    }
}

impl<'a> Program<'a> {
    /// What a library runs first is the loader in the packed one: behind the blocks stands where that stands itself, then what it
    /// was before.
    fn put_start_back(
        &mut self,
        inner: &[Segment],
        run: &Segment,
        behind: Reader<'a>,
        is_wide: bool,
        order: Order,
    ) -> Option<()> {
        let start = u64::try_from(behind.position().next_multiple_of(4)).ok()?;
        let words = (start..start.saturating_add(16)).step_by(4);
        let (mark, first) = words.into_iter().find_map(|place| {
            let mut reader = behind.at(place)?;
            (u64::from(reader.u32()?) == place).then_some((place, reader.u32()?))
        })?;
        let loader = mark..run.end();
        let table = inner.iter().find(|segment| segment.kind == DYNAMIC)?;
        let (width, row) = if is_wide { (8, 16) } else { (4, 8) };
        let entries = Reader::new(clipped(&self.out, table.offset, table.size), order);
        let entries = (0_u64..).step_by(row).map_while(|at| {
            let mut entry = entries.at(at)?;
            Some((at, entry.word(is_wide)?, entry.word(is_wide)?))
        });
        let is_start = |(_, tag, value): &(u64, u64, u64)| *tag == INIT && loader.contains(value);
        let (at, _, _) = entries.into_iter().find(is_start)?;
        let place = table.offset.checked_add(at)?.checked_add(width)?;
        let (narrow, wide) = match order {
            Order::Little => (first.to_le_bytes(), u64::from(first).to_le_bytes()),
            Order::Big => (first.to_be_bytes(), u64::from(first).to_be_bytes()),
        };
        self.put(place, if is_wide { &wide } else { &narrow })
    }
}

/// Gives what a packed ELF file unpacks to.
pub(in crate::packed) fn give(bytes: &[u8], sink: &mut dyn Sink) -> Flow {
    let Some((is_wide, order)) = class_and_order(bytes).filter(|_| bytes.starts_with(b"\x7fELF")) else {
        return Flow::Continue;
    };
    let Some((outer, table_end)) = segments(bytes, is_wide, order) else { return Flow::Continue };
    let Some((start, mut blocks)) = begin(bytes, order, table_end, sink) else { return Flow::Continue };
    let Some(headers) = blocks.next(u64::MAX, sink) else { return Flow::Continue };
    let behind = u64::try_from(headers.len()).unwrap_or(u64::MAX);
    let (inner, _) = segments(&headers, is_wide, order).unwrap_or_default();
    let mut loaded: Vec<Segment> = inner.iter().copied().filter(|segment| segment.kind == LOAD).collect();
    let is_library = outer.iter().any(|segment| segment.kind == DYNAMIC);
    let most = blocks.room.saturating_add(behind);
    let mut program = Program { bytes, blocks, out: headers, most };
    for segment in &loaded {
        let mut at = segment.offset.max(behind);
        if is_library && at < start.min(segment.end()) {
            at = program.copy(at, at, start.min(segment.end()).saturating_sub(at));
        }
        let twin = |other: &&Segment| {
            other.kind == LOAD && (other.address, other.size) == (segment.address, segment.size)
        };
        at = program.fill(at, segment.end(), sink);
        if is_library
            && at == segment.offset
            && let Some(twin) = outer.iter().find(twin)
        {
            program.copy(twin.offset, at, twin.size);
        }
    }
    if loaded.is_empty() {
        // Headers that were made up: what the blocks hold is there yet.
        program.fill(behind, u64::MAX, sink);
    }
    let behind_blocks = program.blocks.reader;
    let run = |segment: &&Segment| {
        segment.kind == LOAD
            && segment.flags & EXECUTABLE != 0
            && (segment.offset..segment.end()).contains(&start)
    };
    if let Some(run) = outer.iter().find(run)
        && let Some(reader) = Reader::new(bytes, order).at(run.end().next_multiple_of(4))
    {
        if is_library {
            program.put_start_back(&inner, run, behind_blocks, is_wide, order);
        }
        program.blocks.reader = reader;
        loaded.sort_unstable_by_key(|segment| segment.offset);
        let mut at = behind;
        for segment in &loaded {
            program.fill(at, segment.offset, sink);
            at = at.max(segment.end());
        }
        // The size of the file is not asked: some write over it.
        program.fill(at, u64::MAX, sink);
    }
    if program.blocks.is_cut {
        sink.incomplete(Reason::Malformed(String::from("a block of UPX")));
    }
    sink.detail("packer", String::from("UPX"));
    super::super::child("unpacked", &program.out, sink)
}

/// Where what UPX says begins, and the blocks behind it, if the first one holds headers of a program.
///
/// The file says where at its end, unless something was added to it; letters and sizes may have been written over.
fn begin<'a>(
    bytes: &'a [u8],
    order: Order,
    table_end: u64,
    sink: &mut dyn Sink,
) -> Option<(u64, Blocks<'a>)> {
    let start = Reader::new(bytes, order);
    let length = u64::try_from(bytes.len()).ok()?;
    let room = sink.budget().growth(length);
    let told = start.at(length.checked_sub(4)?)?.u32().map(u64::from);
    let marks = memchr::memmem::find_iter(bytes, b"UPX!").take(MARKS);
    let marks = marks.filter_map(|at| u64::try_from(at).ok()?.checked_add(8));
    let places = [Some(table_end.checked_add(12)?), told].into_iter().flatten().chain(marks);
    for sizes in places {
        let Some(reader) = sizes.checked_add(12).and_then(|at| start.at(at)) else { continue };
        let blocks = Blocks { reader, left: BLOCKS, room, is_cut: false };
        let Some((block, _)) = blocks.peek() else { continue };
        let has_headers =
            |plain: Vec<u8>| plain.starts_with(b"\x7fELF") && plain.get(4..6) == bytes.get(4..6);
        if (0x34..0x1_0000).contains(&block.packed.real_size)
            && block.plain(0x40, sink).is_some_and(has_headers)
        {
            return Some((sizes.saturating_sub(12), blocks));
        }
    }
    None
}
