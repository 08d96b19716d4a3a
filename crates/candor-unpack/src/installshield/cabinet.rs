//! Cabinets of InstallShield, versions 5 and up.
//!
//! ```text
//! 0    "ISc(", version, ..., where the directory stands and its length: 0 if it is in another file
//! 20   of a file with content: where it begins; number, place and lengths of its first and last file
//!      directory: 12 where the file table stands; 28 number of folders; 40 number of files;
//!      44 in version 6 and up, where in the table the files stand: 87 bytes each
//!      data of a packed file: length and deflate stream of each piece
//! ```

use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Read};

use candor_model::{ChildKind, Content, Flow, Member, Reason, Sink};

use crate::codec::{self, Decoder};
use crate::name::decoded;
use crate::reader::{Reader, clipped, until_nul};
use crate::work::{charge, units};

/// Files of a directory, and files with content that one may be spread over.
const FILES: u32 = 200_000;
const VOLUMES: u16 = 1000;
/// What a file costs besides its name, in the units of [`candor_model::Budget::pay_work`].
const FILE: u64 = 256;
/// The least that the pieces of a file may unpack to on average, when there are many: each costs what beginning to inflate it
/// costs.
const PIECE: u64 = 1024;
const MANY: u64 = 64;
/// Bytes of pieces that are joined where no directory says what belongs together.
const JOINED: u64 = 64 << 20;
/// Length of a file's entry, in version 6 and up.
const ENTRY: u64 = 87;

const IS_SPLIT: u16 = 1;
const IS_VEILED: u16 = 2;
const IS_PACKED: u16 = 4;
const IS_INVALID: u16 = 8;

/// Content, by number.
pub(super) type Volumes<'a> = BTreeMap<u16, &'a [u8]>;

/// A directory.
pub(super) struct Cabinet<'a> {
    bytes: &'a [u8],
    directory: u64,
    version: u32,
}

struct File {
    name: String,
    flags: u16,
    real: u64,
    packed: u64,
    offset: u64,
    /// The number of the file with its content, when the directory says.
    volume: Option<u16>,
    /// Whether its content is that of a file before it.
    is_link: bool,
}

impl<'a> Cabinet<'a> {
    /// The directory in `bytes`, if it is there.
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut reader = Reader::little(bytes.strip_prefix(b"ISc(")?);
        let version = major(reader.u32()?);
        reader.skip(4)?;
        let (directory, length) = (reader.u32()?, reader.u32()?);
        (length > 0 && directory > 0).then_some(Self { bytes, directory: u64::from(directory), version })
    }

    /// Gives every file of it.
    pub(super) fn give(&self, volumes: &Volumes<'_>, sink: &mut dyn Sink) -> Flow {
        let Some((folders, count)) = self.counts() else {
            sink.incomplete(Reason::Malformed("the directory of an InstallShield cabinet".to_owned()));
            return Flow::Continue;
        };
        let mut elsewhere = 0_u64;
        for index in 0..count.min(FILES) {
            let Some(file) = self.file(folders, index) else {
                sink.incomplete(Reason::Malformed("the directory of an InstallShield cabinet".to_owned()));
                return Flow::Continue;
            };
            // Any number of rows may lead to one entry.
            if !charge(FILE.saturating_add(units(file.name.len())), sink) {
                return Flow::Stop;
            }
            if file.flags & IS_INVALID != 0 || file.is_link || file.packed == 0 || file.offset == 0 {
                continue;
            }
            let pieces = pieces(&file, index, self.version, volumes);
            let mut found = pieces.iter().map(|piece| u64::try_from(piece.len()).unwrap_or(0)).sum::<u64>();
            if found == 0 {
                elsewhere = elsewhere.saturating_add(1);
                continue;
            }
            if found < file.packed {
                sink.incomplete(Reason::Malformed(format!("the file {} is cut short", file.name)));
            }
            found = found.min(file.packed);
            let member = Member {
                name: file.name.clone(),
                position: u64::from(index).saturating_add(1),
                compressed_size: Some(found),
                real_size: Some(file.real),
                ..Member::default()
            };
            let plain = Pieces {
                pieces: pieces.into_iter(),
                current: &[],
                is_veiled: file.flags & IS_VEILED != 0,
                at: 0,
            };
            let flow = if file.flags & IS_PACKED != 0 {
                let mut stream = Chunks { source: plain, chunk: None, begun: 0, made: 0 }.take(file.real);
                sink.child(ChildKind::Extracted, &member, Content::Stream(&mut stream))
            } else {
                let mut stream = plain.take(file.real);
                sink.child(ChildKind::Extracted, &member, Content::Stream(&mut stream))
            };
            if flow == Flow::Stop {
                return flow;
            }
        }
        if count > FILES {
            sink.incomplete(Reason::Children);
        }
        if elsewhere > 0 {
            sink.incomplete(Reason::Unsupported(format!("{elsewhere} files that other cabinets hold")));
        }
        Flow::Continue
    }

    fn at(&self, offset: u64) -> Option<Reader<'a>> {
        Reader::little(self.bytes).at(self.directory.checked_add(offset)?)
    }

    /// Numbers of folders and files.
    fn counts(&self) -> Option<(u32, u32)> {
        Some((self.at(28)?.u32()?, self.at(40)?.u32()?))
    }

    fn file(&self, folders: u32, index: u32) -> Option<File> {
        let table = u64::from(self.at(12)?.u32()?);
        let name = |offset: u32| {
            let reader = self.at(table.checked_add(u64::from(offset))?)?;
            let near = reader.rest();
            Some(decoded(until_nul(near.get(..near.len().min(1024))?)))
        };
        if self.version <= 5 {
            let row = u64::from(folders).checked_add(u64::from(index))?.checked_mul(4)?;
            let entry = self.at(table.checked_add(row)?)?.u32()?;
            let mut reader = self.at(table.checked_add(u64::from(entry))?)?;
            let name = name(reader.u32()?)?;
            reader.skip(4)?;
            let (flags, real, packed) = (reader.u16()?, reader.u32()?, reader.u32()?);
            reader.skip(20)?;
            let offset = u64::from(reader.u32()?);
            let (real, packed) = (u64::from(real), u64::from(packed));
            return Some(File { name, flags, real, packed, offset, volume: None, is_link: false });
        }
        let files = u64::from(self.at(44)?.u32()?);
        let place = table.checked_add(files)?.checked_add(u64::from(index).checked_mul(ENTRY)?)?;
        let mut reader = self.at(place)?;
        let flags = reader.u16()?;
        let (real, packed, offset) = (reader.u64()?, reader.u64()?, reader.u64()?);
        reader.skip(32)?;
        let name_offset = reader.u32()?;
        reader.skip(22)?;
        let (links, volume) = (reader.u8()?, reader.u16()?);
        let name = name(name_offset).unwrap_or_default();
        Some(File { name, flags, real, packed, offset, volume: Some(volume), is_link: links & 1 != 0 })
    }
}

/// The version that people speak of.
const fn major(version: u32) -> u32 {
    match version >> 24 {
        1 => version >> 12 & 15,
        _ => (version & 0xffff) / 100,
    }
}

/// What a file with content says of itself.
struct Header {
    first: u32,
    last: u32,
    first_place: (u64, u64),
    last_place: (u64, u64),
}

fn header(bytes: &[u8], version: u32) -> Option<Header> {
    let is_wide = version > 5;
    let mut reader = Reader::little(bytes).at(20)?;
    reader.skip(8)?;
    let (first, last) = (reader.u32()?, reader.u32()?);
    let mut place = || {
        let (offset, _, packed) = (reader.word(is_wide)?, reader.word(is_wide)?, reader.word(is_wide)?);
        Some((offset, packed))
    };
    Some(Header { first, last, first_place: place()?, last_place: place()? })
}

/// Where the content of a file stands, across all that hold some of it.
fn pieces<'a>(file: &File, index: u32, version: u32, volumes: &Volumes<'a>) -> Vec<&'a [u8]> {
    let whole = |volume: u16| volumes.get(&volume).map(|bytes| clipped(bytes, file.offset, file.packed));
    let holds = |volume: u16| {
        let header = header(volumes.get(&volume)?, version)?;
        (header.first..=header.last).contains(&index).then_some(header)
    };
    let first = file.volume.or_else(|| volumes.keys().copied().find(|volume| holds(*volume).is_some()));
    let first = first.unwrap_or(1);
    if file.flags & IS_SPLIT == 0 {
        return whole(first).into_iter().collect();
    }
    let mut pieces = Vec::new();
    for volume in first..=first.saturating_add(VOLUMES) {
        let Some((header, bytes)) = holds(volume).zip(volumes.get(&volume)) else { break };
        let (offset, length) = if volume == first || header.first != index {
            if header.last == index { header.last_place } else { (file.offset, file.packed) }
        } else {
            header.first_place
        };
        pieces.push(clipped(bytes, offset, length));
        if header.last != index {
            break;
        }
    }
    pieces
}

/// Pieces as one stream, without what veils them.
struct Pieces<'a> {
    pieces: std::vec::IntoIter<&'a [u8]>,
    current: &'a [u8],
    is_veiled: bool,
    at: u64,
}

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() {
            match self.pieces.next() {
                Some(piece) => self.current = piece,
                None => return Ok(0),
            }
        }
        let read = self.current.read(buffer)?;
        for byte in buffer.iter_mut().take(read).filter(|_| self.is_veiled) {
            let key = u8::try_from(self.at % 0x47).unwrap_or(0);
            *byte = (*byte ^ 0xd5).rotate_right(2).wrapping_sub(key);
            self.at = self.at.wrapping_add(1);
        }
        Ok(read)
    }
}

/// Pieces of deflate behind their lengths.
struct Chunks<R> {
    source: R,
    chunk: Option<Decoder<'static>>,
    /// How many pieces were begun, and how many bytes they made.
    begun: u64,
    made: u64,
}

impl<R: Read> Read for Chunks<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            if let Some(chunk) = &mut self.chunk {
                match chunk.read(buffer) {
                    Ok(0) => self.chunk = None,
                    // The last piece may lack its end.
                    Err(error) if error.kind() == ErrorKind::UnexpectedEof => self.chunk = None,
                    Ok(read) => {
                        self.made = self.made.saturating_add(units(read));
                        return Ok(read);
                    }
                    Err(error) => return Err(error),
                }
            }
            self.begun = self.begun.saturating_add(1);
            if self.begun > MANY && self.made < self.begun.saturating_mul(PIECE) {
                return Err(io::Error::new(ErrorKind::QuotaExceeded, "pieces of nothing"));
            }
            let mut packed = Vec::new();
            (&mut self.source).take(2).read_to_end(&mut packed)?;
            let Some(length) = packed.first_chunk().map(|length| u16::from_le_bytes(*length)) else {
                return Ok(0);
            };
            packed.clear();
            (&mut self.source).take(u64::from(length)).read_to_end(&mut packed)?;
            if packed.len() < usize::from(length) {
                return Err(io::Error::new(ErrorKind::UnexpectedEof, "a piece of a cabinet is cut short"));
            }
            self.chunk = Some(codec::deflate(io::Cursor::new(packed)));
        }
    }
}

/// Gives what is packed in a file with content alone: whatever follows one another as pieces of deflate.
/// Where one file ends shows in a piece that is shorter than those before it.
pub(super) fn give_without_directory(bytes: &[u8], sink: &mut dyn Sink) {
    sink.incomplete(Reason::Unsupported("files whose directory is in another cabinet".to_owned()));
    let Some(start) = Reader::little(bytes).at(20).and_then(|mut reader| reader.u32()) else { return };
    let mut rest = clipped(bytes, u64::from(start).max(20), u64::MAX);
    let mut position = 0_u64;
    while let Some((length, behind)) = rest.split_first_chunk() {
        let length = usize::from(u16::from_le_bytes(*length));
        let Some(packed) = behind.get(..length).filter(|packed| !packed.is_empty()) else { break };
        let mut ends = Vec::new();
        let room = sink.budget().growth(u64::try_from(bytes.len()).unwrap_or(u64::MAX)).min(JOINED);
        let mut content = Vec::new();
        let (mut packed, mut behind) = (packed, behind.get(length..).unwrap_or_default());
        loop {
            let before = content.len();
            let left = room.saturating_sub(u64::try_from(before).unwrap_or(u64::MAX)).min(1 << 20);
            let outcome = codec::deflate(packed).take(left).read_to_end(&mut content);
            let is_damaged = outcome.is_err_and(|error| error.kind() != ErrorKind::UnexpectedEof);
            if is_damaged || content.len() == before {
                content.truncate(before);
                break;
            }
            rest = behind;
            ends.push(content.len().saturating_sub(before));
            if ends.first().is_some_and(|first| ends.last() < Some(first)) {
                break;
            }
            let Some((length, next)) = behind.split_first_chunk() else { break };
            let length = usize::from(u16::from_le_bytes(*length));
            let Some(data) = next.get(..length).filter(|data| !data.is_empty()) else { break };
            (packed, behind) = (data, next.get(length..).unwrap_or_default());
        }
        if content.is_empty() {
            break;
        }
        position = position.saturating_add(1);
        let member = Member { position, ..Member::default() };
        if sink.child(ChildKind::Extracted, &member, Content::Bytes(&content)) == Flow::Stop {
            return;
        }
    }
}
