//! Windows images (WIM), also solid ones (ESD), those for pipes, and parts of split ones (SWM).
//!
//! Layout: Microsoft's "Windows Imaging File Format", MS-XCA and MS-PATCH for two of the compressions; solid
//! ones and those for pipes as Debian's `wimcapture` writes them.
//!
//! ```text
//! 0    "MSWIM", header length, version, flags, length of a chunk; 40 part; 48 the table of streams
//!      a stream: packed length and flags, place, real length, part, references, SHA-1
//!      its data: places of all chunks but the first; chunks, each packed on its own if that is shorter
//!      streams of metadata: folders, whose entries name the SHA-1 of their content
//! 0    "WLPWM" for pipes: the same header, the table's place is 0; another one is at the end
//!      each stream behind a magic, its length, SHA-1 and flags; each chunk behind its length
//! ```
//!
//! Every stream of the table is given once, also one that no folder names. Folders are read once each, so
//! loops mean nothing. What folders name and no stream holds is told.

mod chunks;
mod code;
mod folders;
mod lzms;
pub(crate) mod lzx;
mod solid;
#[cfg(test)]
mod tests;
mod xpress;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{ErrorKind, Read as _};

use candor_model::{ChildKind, Content, Flow, Member, Reason, Sink};

use crate::reader::{Reader, clipped};
use crate::work::Allowance;
use chunks::{Chunks, Method};

/// Bytes of metadata that are held, entries of folders that are read, streams of a table.
const METADATA: u64 = 64 << 20;
const ENTRIES: u32 = 500_000;
const STREAMS: usize = 500_000;
/// Files whose content is elsewhere that are told by name.
const ELSEWHERE: usize = 100;
/// Largest chunk, also of LZMS, which is all that has such large ones.
const CHUNK: u64 = 2 << 20;
const LARGEST: u64 = 64 << 20;
/// Length of a header.
const HEADER: usize = 208;
/// What is in front of each stream of an image for pipes, and how long that is.
const PIPED: u64 = 0x2b9b_9ba2_443d_b9d8;
const PIPED_LENGTH: u64 = 40;
/// What a resource of streams that are packed together says of its real length.
const RESOURCE: u64 = 1 << 32;

/// Paths by the SHA-1 of what they lead to.
type Names = BTreeMap<[u8; 20], String>;

/// Gives every stream.
pub(crate) fn unpack(bytes: &[u8], sink: &mut dyn Sink) {
    let image = match Image::read(bytes) {
        Ok(image) => image,
        Err(reason) => {
            sink.incomplete(reason);
            return;
        }
    };
    if image.parts > 1 {
        sink.incomplete(Reason::Unsupported("what other parts of a WIM hold".to_owned()));
    }
    let (streams, trouble) = image.streams();
    if let Some(reason) = trouble {
        sink.incomplete(reason);
    }
    let mut names = BTreeMap::new();
    let mut left = ENTRIES;
    for stream in streams.iter().filter(|stream| stream.is_metadata && !stream.is_solid) {
        let mut metadata = Vec::new();
        let outcome = image.stream(stream).take(METADATA).read_to_end(&mut metadata);
        if let Err(reason) = sink.budget().spend(u64::try_from(metadata.len()).unwrap_or(u64::MAX)) {
            sink.incomplete(reason);
            return;
        }
        if let Err(error) = outcome {
            sink.incomplete(match error.kind() {
                ErrorKind::Unsupported => Reason::Unsupported(error.to_string()),
                _ => Reason::Malformed("the folders of a WIM".to_owned()),
            });
        }
        // A file whose content is elsewhere is only known by its name.
        let work = Allowance::new(sink.budget().work());
        let are_all = folders::read(&metadata, &mut names, &mut left, &work);
        let is_over = work.is_over();
        work.settle(sink);
        if is_over {
            break;
        }
        if !are_all || stream.real > METADATA {
            sink.incomplete(Reason::Unsupported("so many folders of a WIM".to_owned()));
        }
    }
    let mut given = BTreeSet::new();
    for run in streams.chunk_by(|one, next| one.is_solid == next.is_solid) {
        let flow = if run.first().is_some_and(|stream| stream.is_solid) {
            solid::give(bytes, run, &mut names, sink)
        } else {
            image.give(run, &mut names, &mut given, sink)
        };
        if flow == Flow::Stop {
            return;
        }
    }
    elsewhere(&names, image.parts > 1, streams.len(), sink);
}

/// Tells files whose content is in no stream.
fn elsewhere(names: &Names, has_parts: bool, streams: usize, sink: &mut dyn Sink) {
    let reason = if has_parts {
        Reason::Unsupported("what other parts of a WIM hold".to_owned())
    } else {
        Reason::Malformed("a file of a WIM whose content is not in it".to_owned())
    };
    let behind = u64::try_from(streams).unwrap_or(u64::MAX);
    for (number, name) in (1_u64..).zip(names.values().take(ELSEWHERE)) {
        let position = behind.saturating_add(number);
        let member = Member { name: name.clone(), position, ..Member::default() };
        if sink.child(ChildKind::Extracted, &member, Content::Absent(reason.clone())) == Flow::Stop {
            return;
        }
    }
    let more = names.len().saturating_sub(ELSEWHERE);
    if more > 0 {
        sink.incomplete(Reason::Malformed(format!("{more} more files of a WIM whose content is not in it")));
    }
}

/// Takes room for a chunk that is unpacked while what comes out of it is looked at. The first image may have it
/// besides the layers that are unpacked; images in one another may not have one each.
fn hold(sink: &mut dyn Sink, length: u64) -> Result<u64, Reason> {
    let budget = sink.budget();
    if length <= CHUNK || budget.memory() >= budget.limits().max_memory {
        return Ok(0);
    }
    if length > budget.memory() {
        return Err(Reason::Memory);
    }
    budget.hold(length);
    Ok(length)
}

struct Image<'a> {
    bytes: &'a [u8],
    method: Method,
    chunk: u64,
    parts: u16,
    is_pipable: bool,
    table: Stream,
}

/// A stream, as the table says.
#[derive(Clone, Copy)]
struct Stream {
    packed: u64,
    offset: u64,
    real: u64,
    is_metadata: bool,
    is_packed: bool,
    is_solid: bool,
    digest: [u8; 20],
    /// Its row.
    position: u64,
}

impl Stream {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let word = reader.u64()?;
        let (offset, real) = (reader.u64()?, reader.u64()?);
        Some(Self::new(word & 0x00ff_ffff_ffff_ffff, offset, real, word >> 56))
    }

    const fn new(packed: u64, offset: u64, real: u64, flags: u64) -> Self {
        Self {
            packed,
            offset,
            real,
            is_metadata: flags & 2 != 0,
            is_packed: flags & 4 != 0,
            is_solid: flags & 16 != 0,
            digest: [0; 20],
            position: 0,
        }
    }

    /// Whether it is what streams are packed together in.
    const fn is_resource(&self) -> bool {
        self.is_solid && self.real == RESOURCE
    }
}

impl<'a> Image<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, Reason> {
        let malformed = || Reason::Malformed("WIM header".to_owned());
        let is_pipable = bytes.starts_with(b"WLPWM\0\0\0");
        if !is_pipable && !bytes.starts_with(b"MSWIM\0\0\0") {
            return Err(malformed());
        }
        let header = || {
            let start = Reader::little(bytes);
            let mut fields = start.at(16)?;
            let (flags, chunk) = (fields.u32()?, u64::from(fields.u32()?));
            let parts = start.at(42)?.u16()?;
            let mut table = Stream::read(&mut start.at(48)?)?;
            let end = bytes.last_chunk::<HEADER>().filter(|end| end.starts_with(b"WLPWM\0\0\0"));
            if let Some(end) = end.filter(|_| is_pipable && table.offset == 0) {
                table = Stream::read(&mut Reader::little(end).at(48)?)?;
            }
            let method = match flags {
                _ if flags & 0x2_0000 != 0 => Method::Xpress,
                _ if flags & 0x4_0000 != 0 => Method::Lzx,
                _ if flags & 0x8_0000 != 0 => Method::Lzms,
                _ => Method::Unknown("an unknown compression of WIM"),
            };
            let chunk = if chunk == 0 { 32 << 10 } else { chunk };
            Some(Self { bytes, method, chunk, parts, is_pipable, table })
        };
        let image = header().ok_or_else(malformed)?;
        let most = if image.method == Method::Lzms { LARGEST } else { CHUNK };
        if image.chunk > most {
            return Err(Reason::Unsupported("chunks of a WIM of this size".to_owned()));
        }
        if !image.chunk.is_power_of_two() || image.chunk < 4096 {
            return Err(malformed());
        }
        Ok(image)
    }

    /// The rows of the table, and what is wrong with it.
    fn streams(&self) -> (Vec<Stream>, Option<Reason>) {
        let malformed = || Some(Reason::Malformed("the table of streams of a WIM".to_owned()));
        if self.is_pipable && self.table.offset == 0 {
            // It is cut short.
            return (self.piped(), malformed());
        }
        let mut table = Vec::new();
        let outcome = self.stream(&self.table).take(METADATA).read_to_end(&mut table);
        let rows = table.as_chunks::<50>().0;
        let streams: Vec<Stream> = (1_u64..)
            .zip(rows)
            .take(STREAMS)
            .filter_map(|(position, row)| {
                let stream = Stream::read(&mut Reader::little(row))?;
                Some(Stream { digest: row.last_chunk().copied().unwrap_or_default(), position, ..stream })
            })
            .collect();
        let trouble = match () {
            () if outcome.is_err() || streams.is_empty() => malformed(),
            () if rows.len() > STREAMS || self.table.real > METADATA => {
                Some(Reason::Unsupported("so many streams of a WIM".to_owned()))
            }
            () => None,
        };
        (streams, trouble)
    }

    /// Streams as they follow one another in an image for pipes.
    fn piped(&self) -> Vec<Stream> {
        let mut streams = Vec::new();
        let mut at = u64::try_from(HEADER).unwrap_or(0);
        while let Some((stream, next)) = self.piped_at(at) {
            // In front of all others is a description of the images.
            if streams.len() >= STREAMS {
                break;
            }
            streams.push(Stream { position: u64::try_from(streams.len()).unwrap_or(0), ..stream });
            at = next;
        }
        streams.into_iter().skip(1).collect()
    }

    /// A stream of an image for pipes, and where the next one begins.
    fn piped_at(&self, at: u64) -> Option<(Stream, u64)> {
        let mut reader = Reader::little(self.bytes).at(at)?;
        if reader.u64()? != PIPED {
            return None;
        }
        let real = reader.u64()?;
        let digest = *reader.take(20)?.first_chunk()?;
        let flags = reader.u32()?;
        let offset = at.checked_add(PIPED_LENGTH)?;
        let mut end = offset;
        if flags & 4 == 0 {
            end = end.checked_add(real)?;
        } else {
            let count = real.div_ceil(self.chunk);
            for _ in 0..count {
                let Some(length) = Reader::little(self.bytes).at(end).and_then(|mut reader| reader.u32())
                else {
                    break;
                };
                end = end.checked_add(4)?.checked_add(u64::from(length))?;
            }
            // The places of chunks, which others have in front.
            let width = if real >> 32 == 0 { 4 } else { 8 };
            end = end.checked_add(count.saturating_sub(1).checked_mul(width)?)?;
        }
        let stream = Stream::new(end.checked_sub(offset)?, offset, real, u64::from(flags));
        Some((Stream { digest, ..stream }, end))
    }

    fn stream(&self, stream: &Stream) -> Chunks<'a> {
        let data = clipped(self.bytes, stream.offset, stream.packed);
        let method = if stream.is_packed { self.method } else { Method::Stored };
        Chunks::new(method, self.chunk, data, stream.real, self.is_pipable)
    }

    /// Gives streams that are packed each on its own.
    fn give(
        &self,
        streams: &[Stream],
        names: &mut Names,
        given: &mut BTreeSet<(u64, u64)>,
        sink: &mut dyn Sink,
    ) -> Flow {
        for stream in streams {
            if stream.is_metadata || stream.real == 0 {
                continue;
            }
            let name = names.remove(&stream.digest).unwrap_or_default();
            if !given.insert((stream.offset, stream.real)) {
                continue;
            }
            let member = Member {
                name,
                position: stream.position,
                compressed_size: Some(stream.packed),
                real_size: Some(stream.real),
                ..Member::default()
            };
            let held = if stream.is_packed { self.chunk.min(stream.real) } else { 0 };
            let held = hold(sink, held);
            let flow = match &held {
                Err(reason) => sink.child(ChildKind::Extracted, &member, Content::Absent(reason.clone())),
                Ok(_) => {
                    let mut content = self.stream(stream);
                    sink.child(ChildKind::Extracted, &member, Content::Stream(&mut content))
                }
            };
            sink.budget().release(held.unwrap_or(0));
            if flow == Flow::Stop {
                return flow;
            }
        }
        Flow::Continue
    }
}
