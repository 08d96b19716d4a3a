//! Programs of Python in one file, as PyInstaller makes them: an archive behind a program for Windows or Linux.
//!
//! ```text
//! data | table of contents | MEI 0c 0b 0a 0b 0e | length of the archive | offset and length of the table |
//!      version of Python | name of its library, 64 bytes, in newer versions
//! entry: its length | offset | packed length | length | packed? 1 | kind 1 | name
//! ```
//!
//! All numbers have the most significant byte first. The archive of modules inside (`PYZ`) is a row of zlib
//! streams, each given as one child; their names stand in a table behind them.

mod names;
#[cfg(test)]
mod tests;

use candor_model::{ChildKind, Content, Flow, Member, Reason, Sink};
use memchr::memmem;

use crate::codec;
use crate::name::decoded;
use crate::reader::{Order, Reader, clipped, until_nul};
use crate::work::units;

const MAGIC: &[u8] = b"MEI\x0c\x0b\x0a\x0b\x0e";
/// How far from the end of a file that of an archive may be: signatures may follow it.
const TAIL: u64 = 256 << 10;
/// Entries of an archive, and modules in one.
const ENTRIES: usize = 16_384;
/// Bytes of the name of a module that are shown.
const NAME: usize = 1024;

/// Gives what stands in the archive behind a program, if there is one. Up to `end` the program itself is for certain, which
/// may have the magic in its own text.
pub(crate) fn unpack(bytes: &[u8], end: u64, sink: &mut dyn Sink) -> Flow {
    let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    let near = length.saturating_sub(TAIL);
    let from = end.min(near);
    // The last one, sought from the front: that way vectors look for it.
    let places = memmem::find_iter(clipped(bytes, from, u64::MAX), MAGIC);
    let Some(at) = places.last().and_then(|at| u64::try_from(at).ok()) else {
        return Flow::Continue;
    };
    let cookie = from.saturating_add(at);
    let Some(archive) = Archive::read(bytes, cookie) else {
        if cookie >= near {
            sink.incomplete(Reason::Malformed("the archive of PyInstaller".to_owned()));
        }
        return Flow::Continue;
    };
    sink.detail("bundle", format!("PyInstaller, Python {}", archive.version));
    archive.entries(sink)
}

struct Archive<'a> {
    bytes: &'a [u8],
    table: &'a [u8],
    version: u32,
}

impl<'a> Archive<'a> {
    fn read(bytes: &'a [u8], cookie: u64) -> Option<Self> {
        let mut reader = Reader::new(bytes, Order::Big).at(cookie)?;
        reader.skip(8)?;
        let (length, table, table_length) = (reader.u32()?, reader.u32()?, reader.u32()?);
        let version = reader.u32()?;
        // The length counts what stands here, in two versions of it.
        let start = |size: u64| cookie.checked_add(size)?.checked_sub(u64::from(length));
        let table_at = |start: u64| {
            let table = clipped(bytes, start.checked_add(u64::from(table))?, u64::from(table_length));
            let first = u64::from(Reader::new(table, Order::Big).u32()?);
            (table.len() as u64 == u64::from(table_length)
                && (18..=first.max(18)).contains(&first)
                && first <= 4096)
                .then_some((start, table))
        };
        let (start, table) = [88, 24].into_iter().find_map(|size| table_at(start(size)?))?;
        Some(Self { bytes: clipped(bytes, start, u64::MAX), table, version })
    }

    fn entries(&self, sink: &mut dyn Sink) -> Flow {
        let mut rest = self.table;
        let mut position = 0_u64;
        while !rest.is_empty() {
            let Some((entry, behind)) = Entry::read(rest) else {
                sink.incomplete(Reason::Malformed("the table of an archive of PyInstaller".to_owned()));
                break;
            };
            rest = behind;
            position = position.saturating_add(1);
            if position > ENTRIES as u64 {
                sink.incomplete(Reason::Children);
                break;
            }
            let data = clipped(self.bytes, entry.offset, entry.packed_length);
            let member = Member {
                name: entry.name,
                position,
                compressed_size: Some(entry.packed_length),
                real_size: Some(entry.length),
                ..Member::default()
            };
            let is_short = (data.len() as u64) < entry.packed_length;
            let flow = match () {
                () if entry.is_packed => {
                    sink.child(ChildKind::Extracted, &member, Content::Stream(&mut codec::zlib(data)))
                }
                () if is_short => {
                    let reason = Reason::Malformed("an entry of PyInstaller is cut short".to_owned());
                    sink.child(ChildKind::Extracted, &member, Content::Part(data, reason))
                }
                () => sink.child(ChildKind::Extracted, &member, Content::Bytes(data)),
            };
            if flow == Flow::Stop || (entry.kind == b'z' && modules(&member.name, data, sink) == Flow::Stop) {
                return Flow::Stop;
            }
        }
        Flow::Continue
    }
}

/// Gives the modules of an archive of them.
fn modules(name: &str, archive: &[u8], sink: &mut dyn Sink) -> Flow {
    let mut reader = Reader::new(archive, Order::Big);
    let (Some(b"PYZ\0"), Some(_), Some(table)) = (reader.take(4), reader.u32(), reader.u32()) else {
        return Flow::Continue;
    };
    let data = clipped(archive, 0, u64::from(table));
    let names = names::names(clipped(archive, u64::from(table), u64::MAX));
    let mut count = 0_u64;
    // Each stream begins where the one before ends; only its decoder knows where that is.
    let mut at = stream_from(data, 0);
    while let Some(start) = at {
        let stream = data.get(start..).unwrap_or_default();
        if stream.is_empty() {
            break;
        }
        count = count.saturating_add(1);
        if count > ENTRIES as u64 {
            sink.incomplete(Reason::Children);
            return Flow::Continue;
        }
        let module = names.get(&units(start)).map(|module| decoded(module.get(..NAME).unwrap_or(module)));
        let module = module.filter(|module| !module.is_empty()).unwrap_or_else(|| format!("module {count}"));
        let member = Member { name: format!("{name}/{module}"), position: count, ..Member::default() };
        let mut rest = stream;
        let mut content = codec::zlib(&mut rest);
        let flow = sink.child(ChildKind::Extracted, &member, Content::Stream(&mut content));
        drop(content);
        if flow == Flow::Stop {
            return Flow::Stop;
        }
        let used = stream.len().saturating_sub(rest.len());
        let next = start.saturating_add(used.max(2));
        at = stream_from(data, next);
    }
    if count == 0 && !names.is_empty() {
        // Versions before 6 could encrypt the modules.
        sink.incomplete(Reason::Unsupported("modules of PyInstaller that are no streams of zlib".to_owned()));
    }
    Flow::Continue
}

/// Where the next zlib stream begins.
fn stream_from(data: &[u8], from: usize) -> Option<usize> {
    let rest = data.get(from..)?;
    let is_start = |&at: &usize| matches!(rest.get(at..at.saturating_add(2)), Some([0x78, 0x9c | 0xda]));
    memchr::memchr_iter(0x78, rest).find(is_start).map(|at| from.saturating_add(at))
}

struct Entry {
    offset: u64,
    packed_length: u64,
    length: u64,
    is_packed: bool,
    kind: u8,
    name: String,
}

impl Entry {
    fn read(table: &[u8]) -> Option<(Self, &[u8])> {
        let mut reader = Reader::new(table, Order::Big);
        let size = u64::from(reader.u32()?);
        let (offset, packed_length, length) =
            (u64::from(reader.u32()?), u64::from(reader.u32()?), u64::from(reader.u32()?));
        let (is_packed, kind) = (reader.u8()? != 0, reader.u8()?);
        let name = reader.take(size.checked_sub(18)?)?;
        let name = decoded(until_nul(name));
        Some((Self { offset, packed_length, length, is_packed, kind, name }, reader.rest()))
    }
}
