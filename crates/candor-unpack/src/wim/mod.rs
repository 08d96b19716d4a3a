//! Windows images (WIM).
//!
//! Layout: Microsoft's "Windows Imaging File Format", and MS-XCA and MS-PATCH for the compressions.
//!
//! ```text
//! 0    "MSWIM", header length, version, flags, length of a chunk; 40 part; 48 the table of streams
//!      a stream: packed length and flags, place, real length, part, references, SHA-1
//!      its data: places of all chunks but the first; chunks, each packed on its own if that is shorter
//!      streams of metadata: folders, whose entries name the SHA-1 of their content
//! ```
//!
//! Every stream of the table is given once, also one that no folder names. Folders are read once each, so
//! loops mean nothing.

mod code;
mod lzx;
#[cfg(test)]
mod tests;
mod xpress;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, ErrorKind, Read};

use candor_model::{ChildKind, Content, Flow, Member, Reason, Sink};

use crate::reader::{Reader, clipped};

/// Bytes of metadata that are held, entries of folders that are read, streams of a table.
const METADATA: u64 = 64 << 20;
const ENTRIES: u32 = 500_000;
const STREAMS: usize = 500_000;
/// Bytes of names that are kept, and folders that wait to be read.
const NAMES: usize = 32 << 20;
const FOLDERS: usize = 10_000;
/// Largest chunk.
const CHUNK: u64 = 2 << 20;

/// Gives every stream.
pub(crate) fn unpack(bytes: &[u8], sink: &mut dyn Sink) {
    let Some(image) = Image::read(bytes) else {
        sink.incomplete(Reason::Malformed("WIM header".to_owned()));
        return;
    };
    if image.parts > 1 {
        sink.incomplete(Reason::Unsupported("what other parts of a WIM hold".to_owned()));
    }
    let streams = match image.streams() {
        Ok(streams) => streams,
        Err(reason) => {
            sink.incomplete(reason);
            return;
        }
    };
    let mut names = BTreeMap::new();
    let mut left = ENTRIES;
    for stream in streams.iter().filter(|stream| stream.is_metadata) {
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
        folders(&metadata, &mut names, &mut left);
    }
    let mut given = BTreeSet::new();
    for (position, stream) in (1_u64..).zip(&streams) {
        if stream.is_metadata || stream.real == 0 || !given.insert((stream.offset, stream.real)) {
            continue;
        }
        let member = Member {
            name: names.remove(&stream.digest).unwrap_or_default(),
            position,
            compressed_size: Some(stream.packed),
            real_size: Some(stream.real),
            ..Member::default()
        };
        let flow = if stream.is_solid {
            let reason = Reason::Unsupported("streams of a WIM that are packed together".to_owned());
            sink.child(ChildKind::Extracted, &member, Content::Absent(reason))
        } else {
            let mut content = image.stream(stream);
            sink.child(ChildKind::Extracted, &member, Content::Stream(&mut content))
        };
        if flow == Flow::Stop {
            return;
        }
    }
}

/// Compressions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Method {
    Xpress,
    Lzx,
    Unknown(&'static str),
}

struct Image<'a> {
    bytes: &'a [u8],
    method: Method,
    chunk: u64,
    parts: u16,
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
}

impl Stream {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let word = reader.u64()?;
        let flags = word >> 56;
        Some(Self {
            packed: word & 0x00ff_ffff_ffff_ffff,
            offset: reader.u64()?,
            real: reader.u64()?,
            is_metadata: flags & 2 != 0,
            is_packed: flags & 4 != 0,
            is_solid: flags & 16 != 0,
            digest: [0; 20],
        })
    }
}

impl<'a> Image<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let start = Reader::little(bytes);
        let mut fields = start.at(16)?;
        let (flags, chunk) = (fields.u32()?, u64::from(fields.u32()?));
        let parts = start.at(42)?.u16()?;
        let table = Stream::read(&mut start.at(48)?)?;
        let method = match flags {
            _ if flags & 0x2_0000 != 0 => Method::Xpress,
            _ if flags & 0x4_0000 != 0 => Method::Lzx,
            _ if flags & 0x8_0000 != 0 => Method::Unknown("LZMS compression"),
            _ => Method::Unknown("an unknown compression of WIM"),
        };
        let chunk = if chunk == 0 { 32 << 10 } else { chunk };
        (bytes.starts_with(b"MSWIM\0\0\0") && chunk.is_power_of_two() && (4096..=CHUNK).contains(&chunk))
            .then_some(Self { bytes, method, chunk, parts, table })
    }

    fn streams(&self) -> Result<Vec<Stream>, Reason> {
        let mut table = Vec::new();
        let outcome = self.stream(&self.table).take(METADATA).read_to_end(&mut table);
        if outcome.is_err() && table.is_empty() {
            return Err(Reason::Malformed("the table of streams of a WIM".to_owned()));
        }
        let mut streams = Vec::new();
        for row in table.as_chunks::<50>().0.iter().take(STREAMS) {
            let Some(stream) = Stream::read(&mut Reader::little(row)) else { break };
            let digest = row.last_chunk().copied().unwrap_or_default();
            streams.push(Stream { digest, ..stream });
        }
        if outcome.is_err() || streams.is_empty() {
            return Err(Reason::Malformed("the table of streams of a WIM".to_owned()));
        }
        Ok(streams)
    }

    fn stream(&self, stream: &Stream) -> Chunks<'a> {
        let data = clipped(self.bytes, stream.offset, stream.packed);
        let count = stream.real.div_ceil(self.chunk);
        // Places have four bytes in streams below four gigabytes.
        let is_wide = stream.real >> 32 != 0;
        let table = if stream.is_packed {
            count.saturating_sub(1).saturating_mul(if is_wide { 8 } else { 4 })
        } else {
            0
        };
        Chunks {
            method: stream.is_packed.then_some(self.method),
            places: Reader::little(clipped(data, 0, table)),
            is_wide,
            data: clipped(data, table, u64::MAX),
            chunk: self.chunk,
            start: 0,
            left: stream.real,
            out: Vec::new(),
            at: 0,
        }
    }
}

/// The chunks of a stream, unpacked.
struct Chunks<'a> {
    method: Option<Method>,
    places: Reader<'a>,
    is_wide: bool,
    data: &'a [u8],
    chunk: u64,
    /// Where the next chunk begins.
    start: u64,
    /// What is still to be unpacked.
    left: u64,
    out: Vec<u8>,
    at: usize,
}

impl Chunks<'_> {
    fn next(&mut self) -> io::Result<()> {
        self.out.clear();
        self.at = 0;
        let length = self.left.min(self.chunk);
        // Behind the last chunk there is no place.
        let end = match self.method {
            _ if self.left <= self.chunk => Some(u64::MAX),
            Some(_) => self.places.word(self.is_wide),
            None => self.start.checked_add(self.chunk),
        };
        let end = end.filter(|end| *end > self.start).ok_or(ErrorKind::UnexpectedEof)?;
        let packed = clipped(self.data, self.start, end.saturating_sub(self.start));
        self.start = end;
        self.left = self.left.saturating_sub(length);
        let most = usize::try_from(length).unwrap_or(0);
        let outcome = if u64::try_from(packed.len()).unwrap_or(0) >= length {
            self.out.extend_from_slice(packed.get(..most).unwrap_or_default());
            Ok(())
        } else {
            match self.method {
                Some(Method::Xpress) => xpress::unpack(packed, &mut self.out, most),
                Some(Method::Lzx) => lzx::unpack(packed, &mut self.out, most, self.chunk),
                Some(Method::Unknown(what)) => Err(io::Error::new(ErrorKind::Unsupported, what)),
                None => {
                    self.out.extend_from_slice(packed);
                    Err(ErrorKind::UnexpectedEof.into())
                }
            }
        };
        if outcome.is_err() {
            // What came before the damage is kept, and nothing behind it.
            self.left = 0;
            self.method = None;
            if self.out.is_empty() {
                return outcome;
            }
            self.left = 1;
            self.places = Reader::little(&[]);
            self.start = u64::MAX;
        }
        Ok(())
    }
}

impl Read for Chunks<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        if self.at >= self.out.len() {
            if self.left == 0 {
                return Ok(0);
            }
            self.next()?;
        }
        let read = self.out.get(self.at..).unwrap_or_default().read(buffer)?;
        self.at = self.at.saturating_add(read);
        Ok(read)
    }
}

/// Takes the names of files from metadata: behind the rights, folders in one another.
fn folders(metadata: &[u8], names: &mut BTreeMap<[u8; 20], String>, left: &mut u32) {
    let start = Reader::little(metadata);
    let Some(rights) = start.at(0).and_then(|mut reader| reader.u32()) else { return };
    let root = u64::from(rights.max(8)).next_multiple_of(8);
    let mut open = vec![(root, String::new())];
    let mut seen = BTreeSet::new();
    let mut bytes = names.values().map(String::len).fold(0, usize::saturating_add);
    while let Some((place, path)) = open.pop() {
        if !seen.insert(place) {
            continue;
        }
        let mut at = place;
        while let Some(entry) = Entry::read(metadata, at) {
            let Some(fewer) = left.checked_sub(1) else { return };
            *left = fewer;
            at = entry.end;
            // The root has no name.
            let name = if entry.name.is_empty() { path.clone() } else { format!("{path}{}", entry.name) };
            if entry.is_folder {
                if name.len() < 4096 && open.len() < FOLDERS {
                    let below = if name.is_empty() { name } else { name + "/" };
                    open.push((entry.below, below));
                }
                continue;
            }
            for (digest, stream) in entry.streams {
                let name = if stream.is_empty() { name.clone() } else { format!("{name}:{stream}") };
                bytes = bytes.saturating_add(name.len());
                if bytes > NAMES {
                    return;
                }
                names.entry(digest).or_insert(name);
            }
        }
    }
}

struct Entry {
    name: String,
    is_folder: bool,
    below: u64,
    end: u64,
    /// Digests and names of its streams.
    streams: Vec<([u8; 20], String)>,
}

impl Entry {
    fn read(metadata: &[u8], at: u64) -> Option<Self> {
        let start = Reader::little(metadata).at(at)?;
        let mut reader = start;
        // A length of 0 is the end of a folder.
        let length = reader.u64().filter(|length| *length >= 102)?;
        let attributes = reader.u32()?;
        reader.skip(4)?;
        let below = reader.u64()?;
        let field = |offset: u64| Reader::little(metadata).at(at.checked_add(offset)?);
        let digest = *field(64)?.take(20)?.first_chunk()?;
        let mut counts = field(96)?;
        let (streams, _, name_length) = (counts.u16()?, counts.u16()?, counts.u16()?);
        let name = utf16(clipped(metadata, at.checked_add(102)?, u64::from(name_length)));
        let mut end = at.checked_add(length)?.checked_next_multiple_of(8)?;
        let mut found = vec![(digest, String::new())];
        for _ in 0..streams {
            let mut reader = Reader::little(metadata).at(end)?;
            let length = reader.u64().filter(|length| *length >= 38)?;
            reader.skip(8)?;
            let digest = *reader.take(20)?.first_chunk()?;
            let name_length = reader.u16()?;
            found.push((digest, utf16(clipped(reader.rest(), 0, u64::from(name_length)))));
            end = end.checked_add(length)?.checked_next_multiple_of(8)?;
        }
        Some(Self { name, is_folder: attributes & 16 != 0, below, end, streams: found })
    }
}

fn utf16(bytes: &[u8]) -> String {
    encoding_rs::UTF_16LE.decode_without_bom_handling(bytes).0.into_owned()
}
