//! XAR, which installer packages of macOS are: files that a packed table of contents lists.
//!
//! ```text
//! 0   "xar!", size of the header, version, packed and real length of the table, kind of checksum
//!     the table: XML, packed by zlib
//!     the heap: offsets of the table count from here
//! ```
//!
//! The table is read as a run of tags, not as a tree that somebody could nest deeply; no entity is expanded.

#[cfg(test)]
mod tests;

use std::io::{ErrorKind, Read as _};

use candor_model::{ChildKind, Content, Flow, Member, Reason, Sink};

use crate::name::decoded;
use crate::pace::Pace;
use crate::reader::{Order, Reader, clipped};
use crate::work::{self, Price, charge, units};
use crate::{behind, codec};

/// Most bytes of a table, and files that are open at a time.
const TABLE: u64 = 64 << 20;
const DEPTH: usize = 64;
/// Bytes of the checksums of SHA-1 and MD5.
const CHECKSUMS: [u64; 2] = [20, 16];
/// Bytes of a name: those of the folders around a file are written for each.
const NAME: u64 = 1024;
/// What is told of a file whose end is not there.
const CUT: &str = "a file of a XAR archive is cut short";
/// Tags that are paid for at once, and what one costs, in the units of [`candor_model::Budget::pay_work`].
const TAGS: u32 = 1024;
const TAG: u64 = 64;

/// Gives every file.
pub(crate) fn unpack(bytes: &[u8], sink: &mut dyn Sink) {
    let mut reader = Reader::new(bytes, Order::Big);
    let mut header = || {
        reader.skip(4)?;
        let (size, _, packed) = (reader.u16()?, reader.u16()?, reader.u64()?);
        Some((u64::from(size), packed))
    };
    let Some((size, packed)) = header() else {
        sink.incomplete(Reason::Malformed("XAR header".to_owned()));
        return;
    };
    let table = clipped(bytes, size, packed);
    let most = sink.budget().growth(u64::try_from(table.len()).unwrap_or(0)).min(TABLE);
    let mut text = Vec::new();
    let outcome = codec::zlib(table).take(most).read_to_end(&mut text);
    if outcome.is_err() || text.is_empty() {
        sink.incomplete(Reason::Malformed("the table of contents".to_owned()));
    } else if u64::try_from(text.len()).unwrap_or(u64::MAX) >= most {
        sink.incomplete(Reason::Ratio);
    }
    if let Err(reason) = sink.budget().spend(u64::try_from(text.len()).unwrap_or(u64::MAX)) {
        sink.incomplete(reason);
        return;
    }
    let heap = clipped(bytes, size.saturating_add(packed), u64::MAX);
    let mut end = 0;
    if files(&text, heap, &mut end, sink) == Flow::Continue && !text.is_empty() {
        let end = size.saturating_add(packed).saturating_add(end);
        // Behind the heap, libarchive leaves as many bytes of the table as its checksum has.
        let rest = clipped(bytes, end, u64::MAX);
        let is_left = |length: &u64| rest.starts_with(clipped(table, 0, *length));
        let end = end.saturating_add(CHECKSUMS.into_iter().find(is_left).unwrap_or(0));
        behind::give_from(bytes, usize::try_from(end).unwrap_or(usize::MAX), sink);
    }
}

#[derive(Default)]
struct File {
    name: String,
    offset: u64,
    length: u64,
    real: u64,
    encoding: Vec<u8>,
    has_data: bool,
}

/// A stretch of the heap, which may be of content, attributes, checksums or signatures. Those of content and attributes have a
/// length as they are packed, besides their size.
#[derive(Clone, Copy, Debug, Default)]
struct Stretch {
    offset: u64,
    length: Option<u64>,
    size: u64,
}

/// Gives what the table lists, and says where in the heap the last of it ends.
fn files(table: &[u8], heap: &[u8], heap_end: &mut u64, sink: &mut dyn Sink) -> Flow {
    let mut stretch = Stretch::default();
    let mut open: Vec<File> = Vec::new();
    let mut position = 0_u64;
    let mut is_data = false;
    let mut rest = table;
    let mut tags = 0_u32;
    while let Some(start) = memchr::memchr(b'<', rest) {
        rest = rest.get(start.saturating_add(1)..).unwrap_or_default();
        let Some(end) = memchr::memchr(b'>', rest) else { break };
        let tag = rest.get(..end).unwrap_or_default();
        tags = tags.saturating_add(1);
        if tags >= TAGS {
            if !charge(u64::from(tags).saturating_mul(TAG), sink) {
                return Flow::Stop;
            }
            tags = 0;
        }
        rest = rest.get(end.saturating_add(1)..).unwrap_or_default();
        let text = rest.get(..memchr::memchr(b'<', rest).unwrap_or(rest.len())).unwrap_or_default();
        let name = tag.split(u8::is_ascii_whitespace).next().unwrap_or_default();
        let number = || std::str::from_utf8(text.trim_ascii()).ok().and_then(|text| text.parse().ok());
        match name {
            b"data" | b"ea" | b"checksum" | b"signature" | b"x-signature" => stretch = Stretch::default(),
            b"offset" => stretch.offset = number().unwrap_or(0),
            b"length" => stretch.length = number(),
            b"size" => stretch.size = number().unwrap_or(0),
            b"/data" | b"/ea" | b"/checksum" | b"/signature" | b"/x-signature" => {
                let length = stretch.length.unwrap_or(stretch.size);
                *heap_end = stretch.offset.saturating_add(length).max(*heap_end);
            }
            _ => {}
        }
        let depth = open.len();
        match (name, open.last_mut()) {
            (b"file", _) if depth < DEPTH => open.push(File::default()),
            (b"file", _) => sink.incomplete(Reason::Depth),
            (b"data", Some(file)) => (is_data, file.has_data) = (true, true),
            (b"/data", _) => is_data = false,
            (b"name", Some(file)) => file.name = decoded(clipped(text.trim_ascii(), 0, NAME)),
            (b"offset", Some(file)) if is_data => file.offset = number().unwrap_or(0),
            (b"length", Some(file)) if is_data => file.length = number().unwrap_or(0),
            (b"size", Some(file)) if is_data => file.real = number().unwrap_or(0),
            (b"encoding", Some(file)) if is_data => file.encoding = clipped(tag, 0, NAME).to_vec(),
            (b"/file", Some(_)) => {
                if !open.last().is_some_and(|file| file.has_data) {
                    open.pop();
                    continue;
                }
                let path: Vec<&str> = open.iter().map(|file| file.name.as_str()).collect();
                let path = path.join("/");
                let Some(file) = open.pop() else { continue };
                position = position.saturating_add(1);
                if give(&file, path, position, heap, sink) == Flow::Stop {
                    return Flow::Stop;
                }
            }
            _ => {}
        }
    }
    Flow::Continue
}

fn give(file: &File, name: String, position: u64, heap: &[u8], sink: &mut dyn Sink) -> Flow {
    let data = clipped(heap, file.offset, file.length);
    let is_cut = u64::try_from(data.len()).is_ok_and(|there| there < file.length);
    let has = |word: &[u8]| memchr::memmem::find(&file.encoding, word).is_some();
    let member = Member {
        name,
        position,
        compressed_size: Some(file.length),
        real_size: Some(file.real),
        ..Member::default()
    };
    let is_coded = has(b"lzma") || has(b"xz");
    let pace = Pace::coding(if is_coded { units(data.len()) } else { 0 }, sink.budget());
    let (decoder, price) = match () {
        () if has(b"gzip") || has(b"zlib") => (codec::zlib(data), Price::of(0)),
        () if has(b"bzip2") => (codec::bzip2_stream(data), codec::SORTED),
        () if has(b"lzma") && !data.starts_with(b"\xfd7zXZ") => {
            (codec::lzma_alone(data, &pace), Price::of(0))
        }
        () if is_coded => (codec::xz(data, &pace), Price::of(0)),
        () => {
            let cut = || Content::Part(data, Reason::Malformed(CUT.to_owned()));
            let content = if is_cut { cut() } else { Content::Bytes(data) };
            return sink.child(ChildKind::Extracted, &member, content);
        }
    };
    // Not every decoder minds.
    let decoder =
        if is_cut { Box::new(decoder.chain(codec::failed(ErrorKind::UnexpectedEof, CUT))) } else { decoder };
    let flow = work::give(&member, decoder, price, sink);
    pace.settle(sink.budget());
    flow
}
