//! Streams that are packed together: places in what several resources unpack to, one after another.
//!
//! ```text
//! a resource   real length, length of a chunk, compression; packed length of each chunk; chunks
//! ```
//!
//! Each chunk is unpacked once: streams are given in the order in which they stand. One that overlaps the one
//! before it is not, for that could be said so often that unpacking never ends. What no stream lays claim to
//! is paid for too, or a file could say that one byte of each chunk is wanted.

use std::io::{self, ErrorKind, Read};

use candor_model::{ChildKind, Content, Flow, Member, Reason, Sink};

use super::chunks::Method;
use super::{LARGEST, Names, Stream, hold};
use crate::reader::{Reader, clipped};
use crate::work::charge;

/// What it costs to see whether a stream lays claim to a chunk, in the units of [`candor_model::Budget::pay_work`].
const STEP: u64 = 2;

/// Chunks of all resources.
const CHUNKS: usize = 1 << 20;

/// Gives the streams of `rows` that are not resources themselves.
pub(super) fn give(bytes: &[u8], rows: &[Stream], names: &mut Names, sink: &mut dyn Sink) -> Flow {
    let solid = Solid::read(bytes, rows.iter().filter(|row| row.is_resource()));
    let mut files: Vec<File<'_>> = rows
        .iter()
        .filter(|row| !row.is_resource() && row.packed > 0)
        .map(|row| File { begin: row.offset, end: row.offset.saturating_add(row.packed), row })
        .collect();
    files.sort_by_key(|file| (file.begin, file.end));
    let largest = solid.chunks.iter().map(|chunk| chunk.end.saturating_sub(chunk.begin)).max().unwrap_or(0);
    let held = hold(sink, largest.min(LARGEST));
    let mut at = At { solid: &solid, held: None, out: Vec::new(), damage: None };
    // Chunks up to here are paid for, and streams up to here are given.
    let (mut paid, mut given) = (0_usize, 0_u64);
    let mut flow = Flow::Continue;
    for (index, file) in files.iter().enumerate() {
        let name = names.remove(&file.row.digest).unwrap_or_default();
        let before = index.checked_sub(1).and_then(|before| files.get(before));
        if before.is_some_and(|before| (before.begin, before.end) == (file.begin, file.end)) {
            continue;
        }
        let member = Member {
            name,
            position: file.row.position,
            real_size: Some(file.row.packed),
            ..Member::default()
        };
        let absent = match &held {
            Err(reason) => Some(reason.clone()),
            Ok(_) if file.begin < given => {
                Some(Reason::Malformed("streams of a WIM that overlap".to_owned()))
            }
            Ok(_) => None,
        };
        flow = if let Some(reason) = absent {
            sink.child(ChildKind::Extracted, &member, Content::Absent(reason))
        } else {
            given = file.end;
            let behind = files.get(index..).unwrap_or_default();
            let most = sink.budget().work().checked_div(STEP).unwrap_or(0);
            let (unclaimed, steps) = solid.unclaimed(behind, &mut paid, most);
            if !charge(steps.saturating_mul(STEP), sink) {
                flow = Flow::Stop;
                break;
            }
            if let Err(reason) = sink.budget().spend(unclaimed) {
                sink.incomplete(reason);
                flow = Flow::Stop;
                break;
            }
            let mut content = Part { at: &mut at, begin: file.begin, end: file.end };
            sink.child(ChildKind::Extracted, &member, Content::Stream(&mut content))
        };
        if flow == Flow::Stop {
            break;
        }
    }
    sink.budget().release(held.unwrap_or(0));
    flow
}

/// A stream, as a place.
struct File<'r> {
    begin: u64,
    end: u64,
    row: &'r Stream,
}

/// Resources, as the chunks of all of them.
struct Solid<'a> {
    chunks: Vec<Chunk<'a>>,
}

struct Chunk<'a> {
    method: Method,
    packed: &'a [u8],
    window: u64,
    begin: u64,
    end: u64,
}

impl<'a> Solid<'a> {
    fn read<'r>(bytes: &'a [u8], resources: impl Iterator<Item = &'r Stream>) -> Self {
        let mut solid = Self { chunks: Vec::new() };
        for resource in resources {
            // Without it, nobody knows where those behind it begin.
            if solid.add(clipped(bytes, resource.offset, resource.packed)).is_none() {
                break;
            }
        }
        solid
    }

    /// Adds the chunks of a resource.
    fn add(&mut self, data: &'a [u8]) -> Option<()> {
        let mut reader = Reader::little(data);
        let (length, window) = (reader.u64()?, u64::from(reader.u32()?));
        let method = match reader.u32()? {
            0 => Method::Stored,
            1 => Method::Xpress,
            2 => Method::Lzx,
            3 => Method::Lzms,
            _ => Method::Unknown("an unknown compression of WIM"),
        };
        let start = self.chunks.last().map_or(0, |chunk| chunk.end);
        let end = start.checked_add(length)?;
        if window == 0 || window > LARGEST {
            let method = Method::Unknown("chunks of a WIM over 64 MiB");
            self.chunks.push(Chunk { method, packed: &[], window, begin: start, end });
            return Some(());
        }
        let count = length.div_ceil(window);
        let mut places = Reader::little(reader.take(count.checked_mul(4)?)?);
        if usize::try_from(count).ok()?.checked_add(self.chunks.len())? > CHUNKS {
            return None;
        }
        let mut begin = start;
        for _ in 0..count {
            let until = begin.saturating_add(window).min(end);
            let packed = u64::from(places.u32()?);
            let rest = reader.rest();
            let packed = clipped(rest, 0, packed);
            let _ = reader.skip(u64::try_from(packed.len()).ok()?);
            self.chunks.push(Chunk { method, packed, window, begin, end: until });
            begin = until;
        }
        Some(())
    }

    /// The chunk that a place is in.
    fn find(&self, place: u64) -> Option<usize> {
        let behind = self.chunks.partition_point(|chunk| chunk.begin <= place);
        behind.checked_sub(1).filter(|index| self.chunks.get(*index).is_some_and(|chunk| place < chunk.end))
    }

    /// Bytes of the chunks of the first file that are not `paid` for yet and that none of the files claims,
    /// and the steps that it took to see that: as many as `most`, or one more where there would have been more.
    fn unclaimed(&self, files: &[File<'_>], paid: &mut usize, most: u64) -> (u64, u64) {
        let (mut unclaimed, mut steps) = (0_u64, 0_u64);
        let Some(file) = files.first() else { return (unclaimed, steps) };
        let Some(first) = self.find(file.begin) else { return (unclaimed, steps) };
        for index in first.max(*paid)..self.chunks.len() {
            let Some(chunk) = self.chunks.get(index).filter(|chunk| chunk.begin < file.end) else { break };
            *paid = index.saturating_add(1);
            if matches!(chunk.method, Method::Unknown(_)) {
                continue;
            }
            let claimed = files
                .iter()
                .take_while(|file| {
                    steps = steps.saturating_add(1);
                    file.begin < chunk.end && steps <= most
                })
                .map(|file| file.end.min(chunk.end).saturating_sub(file.begin.max(chunk.begin)))
                .fold(0, u64::saturating_add);
            unclaimed =
                unclaimed.saturating_add(chunk.end.saturating_sub(chunk.begin).saturating_sub(claimed));
            if steps > most {
                break;
            }
        }
        (unclaimed, steps)
    }
}

/// A place in what is unpacked, with the chunk around it.
struct At<'s, 'a> {
    solid: &'s Solid<'a>,
    /// The chunk that is unpacked.
    held: Option<usize>,
    out: Vec<u8>,
    /// Why there is not more of it.
    damage: Option<(ErrorKind, String)>,
}

impl At<'_, '_> {
    /// What is unpacked from a place to the end of its chunk.
    fn from(&mut self, place: u64) -> io::Result<&[u8]> {
        let index = self.solid.find(place).ok_or(ErrorKind::UnexpectedEof)?;
        let chunk = self.solid.chunks.get(index).ok_or(ErrorKind::UnexpectedEof)?;
        if self.held != Some(index) {
            self.held = Some(index);
            self.out.clear();
            let length = usize::try_from(chunk.end.saturating_sub(chunk.begin)).unwrap_or(usize::MAX);
            let outcome = chunk.method.unpack(chunk.packed, &mut self.out, length, chunk.window);
            self.damage = outcome.err().map(|error| (error.kind(), error.to_string()));
        }
        let within = usize::try_from(place.saturating_sub(chunk.begin)).unwrap_or(usize::MAX);
        match self.out.get(within..).filter(|rest| !rest.is_empty()) {
            Some(rest) => Ok(rest),
            None => Err(match &self.damage {
                Some((kind, what)) => io::Error::new(*kind, what.clone()),
                None => ErrorKind::UnexpectedEof.into(),
            }),
        }
    }
}

/// One stream.
struct Part<'p, 's, 'a> {
    at: &'p mut At<'s, 'a>,
    begin: u64,
    end: u64,
}

impl Read for Part<'_, '_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end.saturating_sub(self.begin)).unwrap_or(usize::MAX);
        let most = left.min(buffer.len());
        if most == 0 {
            return Ok(0);
        }
        let mut there = self.at.from(self.begin)?;
        let read = there.read(buffer.get_mut(..most).unwrap_or_default())?;
        self.begin = self.begin.saturating_add(u64::try_from(read).unwrap_or(0));
        Ok(read)
    }
}
