//! UPX: programs for Linux, and 64-bit programs for Windows. 32-bit ones run in the emulated processor.
//!
//! ```text
//! ELF, behind the program headers:
//!     12 bytes  checksum, "UPX!", size of the loader, version, format
//!     12 bytes  program, size of the file, size of a block
//!     blocks    real size, packed size, method, filter, its byte; then the packed bytes
//! PE, behind the section table:
//!     32 bytes  "UPX!", version, format, method, level, Adler-32 of both forms, their sizes, ...
//!     the packed bytes stand at the start of the second section
//! ```
//!
//! Those who do not want to be unpacked write other letters over the magic: what is looked at is whether the
//! sizes make sense. Calls that a filter rewrote stay so: signatures for code seldom include addresses.

mod nrv;
#[cfg(test)]
mod tests;

use std::io::Read as _;

use candor_model::{Flow, Reason, Sink};

use super::PortableExecutable;
use super::rebuild;
use crate::adler::adler;
use crate::lzma::{Lzma, Properties};
use crate::pace::Pace;
use crate::reader::{Order, Reader, clipped};
use crate::work::units;

/// The number of LZMA among the methods.
const LZMA: u8 = 14;
/// Blocks of one program.
const BLOCKS: u32 = 4096;

/// One packed run of bytes.
#[derive(Clone, Copy, Debug)]
struct Packed<'a> {
    method: u8,
    real_size: u32,
    bytes: &'a [u8],
}

impl Packed<'_> {
    /// What it unpacks to, at most `most` bytes of it. What cannot be paid for is told.
    fn unpacked(&self, most: u64, sink: &mut dyn Sink) -> Option<Vec<u8>> {
        let coded = if self.method == LZMA { units(self.bytes.len()) } else { 0 };
        let pace = Pace::coding(coded, sink.budget());
        let plain = self.decoded(most, &pace);
        pace.settle(sink.budget());
        if plain.is_none() && pace.is_over() {
            sink.incomplete(Reason::Work);
        }
        plain
    }

    fn decoded(&self, most: u64, pace: &Pace) -> Option<Vec<u8>> {
        let size = u64::from(self.real_size).min(most);
        let size = usize::try_from(size).ok()?;
        match self.method {
            2..=10 => nrv::unpack(self.method, self.bytes, size),
            LZMA => {
                let [first, second, stream @ ..] = self.bytes else { return None };
                let (bits, literal, position) = (first & 7, second & 15, second >> 4);
                let dictionary = self.real_size.max(4096);
                let properties = Properties::checked(literal, position, bits)?;
                let length = Some(u64::from(self.real_size));
                let decoder = Lzma::new(stream, properties, dictionary, length, pace.clone());
                let mut out = Vec::new();
                decoder.ok()?.take(u64::try_from(size).ok()?).read_to_end(&mut out).ok()?;
                Some(out)
            }
            _ => None,
        }
    }
}

/// Gives what a packed ELF file unpacks to.
pub(super) fn elf(bytes: &[u8], sink: &mut dyn Sink) -> Flow {
    let Some(mut reader) = behind_headers(bytes) else { return Flow::Continue };
    let mut out = Vec::new();
    let mut most = sink.budget().growth(u64::try_from(bytes.len()).unwrap_or(0));
    let mut cut = false;
    for _ in 0..BLOCKS {
        let Some((packed, is_stored)) = block(&mut reader) else { break };
        if is_stored {
            out.extend_from_slice(clipped(packed.bytes, 0, most));
        } else {
            match packed.unpacked(most, sink) {
                Some(plain) => out.extend(plain),
                None if out.is_empty() => return Flow::Continue,
                None => {
                    cut = true;
                    break;
                }
            }
        }
        most = most.saturating_sub(u64::from(packed.real_size));
        if most == 0 {
            sink.incomplete(Reason::FileSize);
            break;
        }
    }
    // The first block holds the headers of the program, whatever else was made up.
    if !out.starts_with(b"\x7fELF") {
        return Flow::Continue;
    }
    if cut {
        sink.incomplete(Reason::Malformed(String::from("a block of UPX")));
    }
    sink.detail("packer", String::from("UPX"));
    super::child("unpacked", &out, sink)
}

/// The first block behind the two headers of UPX, if they make sense.
fn behind_headers(bytes: &[u8]) -> Option<Reader<'_>> {
    if !bytes.starts_with(b"\x7fELF") {
        return None;
    }
    let order = if bytes.get(5) == Some(&2) { Order::Big } else { Order::Little };
    let start = Reader::new(bytes, order);
    let is_wide = bytes.get(4) == Some(&2);
    let table = start.at(if is_wide { 32 } else { 28 })?.word(is_wide)?;
    let mut counts = start.at(if is_wide { 54 } else { 42 })?;
    let (size, count) = (u64::from(counts.u16()?), u64::from(counts.u16()?));
    let place = table.checked_add(size.checked_mul(count)?)?;
    let mut reader = start.at(place.checked_add(12)?)?;
    let (_, file_size, block_size) = (reader.u32()?, reader.u32()?, reader.u32()?);
    let mut first = reader;
    let (real, packed) = (first.u32()?, first.u32()?);
    let makes_sense = (0x34..0x1_0000).contains(&real)
        && packed <= real
        && packed > 0
        && file_size >= real
        && block_size >= real
        && matches!(first.u8()?, 2..=10 | LZMA);
    makes_sense.then_some(reader)
}

/// The next block, and whether it is stored as it is; `None` behind the last one.
fn block<'a>(reader: &mut Reader<'a>) -> Option<(Packed<'a>, bool)> {
    let (real_size, size) = (reader.u32()?, reader.u32()?);
    let method = reader.u8()?;
    reader.skip(3)?;
    if real_size == 0 || size == 0 || size > real_size {
        return None;
    }
    let bytes = reader.take(u64::from(size))?;
    Some((Packed { method, real_size, bytes }, size == real_size))
}

/// Gives what a packed 64-bit PE file unpacks to; `None` when it is not packed with UPX.
pub(super) fn portable_executable(file: &PortableExecutable<'_>, sink: &mut dyn Sink) -> Option<Flow> {
    let [first, second, ..] = file.sections.as_slice() else { return None };
    let head = clipped(file.bytes, 0, 0x1000);
    let at = memchr::memmem::find(head, b"UPX!")?;
    let mut reader = Reader::little(head).at(u64::try_from(at).ok()?.checked_add(6)?)?;
    let (method, _) = (reader.u8()?, reader.u8()?);
    let (_, packed_sum, real_size, size) = (reader.u32()?, reader.u32()?, reader.u32()?, reader.u32()?);
    let bytes = clipped(file.bytes, second.raw_offset, u64::from(size));
    if adler(bytes) != packed_sum || size == 0 {
        return None;
    }
    let most = sink.budget().growth(u64::try_from(file.bytes.len()).ok()?);
    let length = u64::from(file.image_size());
    if length > most {
        sink.incomplete(Reason::Unsupported(String::from("a packed program that is larger than the limits")));
        return Some(Flow::Continue);
    }
    let packed = Packed { method, real_size, bytes };
    let plain = packed.unpacked(length, sink)?;
    let start = usize::try_from(first.virtual_address).ok()?;
    let mut image = vec![0; usize::try_from(length).ok()?];
    for (to, from) in image.iter_mut().skip(start).zip(&plain) {
        *to = *from;
    }
    sink.detail("packer", String::from("UPX"));
    Some(super::child("unpacked", &rebuild::from_memory(file, &image, 0), sink))
}
