//! EGG archives.
//!
//! Layout: ESTsoft's "EGG File Format Specification".
//!
//! ```text
//! 0    "EGGA", version, number, reserved; fields; their end
//!      a file: mark, number, length; fields (name, ...); their end
//!      a block of it: mark, method, hint, real and packed length, CRC-32; end of fields; data
//!      the end again
//! a field: mark, flags, length of two bytes or four, content
//! ```
//!
//! Blocks belong to the file before them; in solid archives all blocks are one stream for all files.

#[cfg(test)]
mod tests;

use std::io::{self, Read};

use candor_model::{Budget, ChildKind, Content, Flow, Member, Reason, Sink};

use crate::codec::{self, Decoder};
use crate::pace::Pace;
use crate::reader::{Reader, clipped};
use crate::work::{Paid, Price, units};

/// The number of LZMA among the methods.
const LZMA: u8 = 4;

const FILE: u32 = 0x0a85_90e3;
const NAME: u32 = 0x0a85_91ac;
const BLOCK: u32 = 0x02b5_0c13;
const END: u32 = 0x08e2_8222;
const ENCRYPTED: u32 = 0x08d1_470f;
const SOLID: u32 = 0x24e5_a060;
const SPLIT: u32 = 0x24f5_a262;

/// Files and blocks of an archive.
const PARTS: usize = 200_000;

/// Gives every file.
pub(crate) fn unpack(bytes: &[u8], sink: &mut dyn Sink) {
    let mut archive = Archive::default();
    if archive.read(bytes).is_none() {
        sink.incomplete(Reason::Malformed("an EGG archive that is damaged or cut short".to_owned()));
    }
    if archive.is_split {
        sink.incomplete(Reason::Unsupported("what other volumes of EGG hold".to_owned()));
    }
    if archive.is_solid {
        let blocks: Vec<Block<'_>> =
            archive.files.iter().flat_map(|file| file.blocks.iter().copied()).collect();
        let pace = pace(&blocks, sink.budget());
        let mut stream = Blocks::new(&blocks, &pace);
        for (position, file) in (1_u64..).zip(&archive.files) {
            let mut stream = (&mut stream).take(file.length);
            if give(file, position, archive.is_encrypted, &mut stream, sink) == Flow::Stop {
                break;
            }
        }
        return pace.settle(sink.budget());
    }
    for (position, file) in (1_u64..).zip(&archive.files) {
        let pace = pace(&file.blocks, sink.budget());
        let mut stream = Blocks::new(&file.blocks, &pace).take(file.length);
        let flow = give(file, position, archive.is_encrypted, &mut stream, sink);
        pace.settle(sink.budget());
        if flow == Flow::Stop {
            return;
        }
    }
}

/// What pays for the decisions of some blocks.
fn pace(blocks: &[Block<'_>], budget: &mut Budget) -> Pace {
    let coded = blocks.iter().filter(|block| block.method == LZMA);
    Pace::coding(coded.map(|block| units(block.data.len())).fold(0, u64::saturating_add), budget)
}

fn give(
    file: &File<'_>,
    position: u64,
    is_encrypted: bool,
    stream: &mut io::Take<impl Read>,
    sink: &mut dyn Sink,
) -> Flow {
    let is_encrypted = is_encrypted || file.is_encrypted;
    let member = Member {
        name: file.name.clone(),
        position,
        real_size: Some(file.length),
        encrypted: is_encrypted,
        method: file.blocks.first().map(|block| u16::from(block.method)),
        ..Member::default()
    };
    if file.length == 0 {
        return Flow::Continue;
    }
    if is_encrypted {
        return sink.child(ChildKind::Extracted, &member, Content::Absent(Reason::Encrypted));
    }
    let is_sorted = file.blocks.iter().any(|block| block.method == 2);
    let price = if is_sorted { codec::SORTED } else { Price::of(0) };
    let mut paid = Paid::new(&mut *stream, price, sink.budget().work());
    let flow = sink.child(ChildKind::Extracted, &member, Content::Stream(&mut paid));
    // In solid archives, what the sink did not want stands in front of what comes next.
    let room = sink.budget().remaining();
    let passed = io::copy(&mut (&mut paid).take(room), &mut io::sink()).unwrap_or(0);
    paid.settle(sink.budget());
    match sink.budget().spend(passed) {
        Ok(()) => flow,
        Err(reason) => {
            sink.incomplete(reason);
            Flow::Stop
        }
    }
}

#[derive(Default)]
struct Archive<'a> {
    files: Vec<File<'a>>,
    is_solid: bool,
    is_split: bool,
    is_encrypted: bool,
}

#[derive(Default)]
struct File<'a> {
    name: String,
    length: u64,
    is_encrypted: bool,
    blocks: Vec<Block<'a>>,
}

#[derive(Clone, Copy)]
struct Block<'a> {
    method: u8,
    real: u64,
    data: &'a [u8],
}

impl<'a> Archive<'a> {
    /// Reads to the end; `None` if there is none, with what came before kept.
    fn read(&mut self, bytes: &'a [u8]) -> Option<()> {
        let mut reader = Reader::little(bytes).at(14)?;
        let mut parts = 0_usize;
        let mut is_in_front = true;
        loop {
            let mark = reader.u32()?;
            parts = parts.checked_add(1).filter(|parts| *parts < PARTS)?;
            match mark {
                // The end of the fields in front, or of the archive.
                END if is_in_front => is_in_front = false,
                END => return Some(()),
                FILE => {
                    reader.skip(4)?;
                    let length = reader.u64()?;
                    self.files.push(File { length, ..File::default() });
                    self.fields(&mut reader)?;
                }
                BLOCK => {
                    let method = reader.u8()?;
                    reader.skip(1)?;
                    let (real, packed) = (u64::from(reader.u32()?), u64::from(reader.u32()?));
                    reader.skip(4)?;
                    while reader.u32()? != END {
                        field(&mut reader)?;
                    }
                    let data = clipped(reader.rest(), 0, packed);
                    // Blocks before every file are those of a solid archive whose files are damaged.
                    if self.files.is_empty() {
                        self.files.push(File { length: real, ..File::default() });
                    }
                    self.files.last_mut()?.blocks.push(Block { method, real, data });
                    reader.skip(packed)?;
                }
                SOLID | SPLIT | ENCRYPTED => {
                    self.is_solid |= mark == SOLID;
                    self.is_split |= mark == SPLIT;
                    self.is_encrypted |= mark == ENCRYPTED;
                    field(&mut reader)?;
                }
                _ => {
                    field(&mut reader)?;
                }
            }
        }
    }

    /// The fields of the last file.
    fn fields(&mut self, reader: &mut Reader<'a>) -> Option<()> {
        loop {
            let mark = reader.u32()?;
            if mark == END {
                return Some(());
            }
            let (flags, content) = field(reader)?;
            let file = self.files.last_mut()?;
            match mark {
                NAME => file.name = name(flags, content.get(..content.len().min(4096))?)?,
                ENCRYPTED => file.is_encrypted = true,
                _ => {}
            }
        }
    }
}

/// Flags and content of a field, behind its mark.
fn field<'a>(reader: &mut Reader<'a>) -> Option<(u8, &'a [u8])> {
    let flags = reader.u8()?;
    let length = if flags & 1 != 0 { u64::from(reader.u32()?) } else { u64::from(reader.u16()?) };
    Some((flags, reader.take(length)?))
}

fn name(flags: u8, content: &[u8]) -> Option<String> {
    let mut reader = Reader::little(content);
    let is_local = flags & 8 != 0;
    if is_local {
        reader.skip(2)?;
    }
    if flags & 16 != 0 {
        reader.skip(4)?;
    }
    Some(if is_local {
        encoding_rs::EUC_KR.decode_without_bom_handling(reader.rest()).0.into_owned()
    } else {
        crate::name::decoded(reader.rest())
    })
}

/// Blocks as one stream.
struct Blocks<'b, 'a> {
    rest: std::slice::Iter<'b, Block<'a>>,
    current: Option<io::Take<Decoder<'a>>>,
    pace: Pace,
}

impl<'b, 'a> Blocks<'b, 'a> {
    fn new(blocks: &'b [Block<'a>], pace: &Pace) -> Self {
        Self { rest: blocks.iter(), current: None, pace: pace.clone() }
    }
}

impl Read for Blocks<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            if let Some(current) = &mut self.current {
                match current.read(buffer)? {
                    0 => self.current = None,
                    read => return Ok(read),
                }
            }
            let Some(block) = self.rest.next() else { return Ok(0) };
            let decoder: Decoder<'_> = match block.method {
                0 => Box::new(block.data),
                1 => codec::deflate(block.data),
                2 => codec::bzip2_stream(block.data),
                LZMA => lzma(block, &self.pace),
                3 => codec::failed(io::ErrorKind::Unsupported, "AZO compression"),
                _ => codec::failed(io::ErrorKind::Unsupported, "an unknown compression of EGG"),
            };
            self.current = Some(decoder.take(block.real));
        }
    }
}

/// LZMA behind a version, and the length of its properties.
fn lzma<'a>(block: &Block<'a>, pace: &Pace) -> Decoder<'a> {
    let mut reader = Reader::little(block.data);
    let header = || {
        reader.skip(4)?;
        Some((reader.u8()?, reader.u32()?, reader.rest()))
    };
    match { header }() {
        Some((properties, dictionary, data)) => codec::lzma(data, properties, dictionary, block.real, pace),
        None => codec::failed(io::ErrorKind::UnexpectedEof, "the properties of LZMA are cut short"),
    }
}
