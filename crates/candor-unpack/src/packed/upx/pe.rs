//! Programs and libraries for Windows.
//!
//! ```text
//! in front of the packed bytes:
//!     32 bytes  "UPX!", version, format, method, level, Adler-32 of both forms, their sizes, size of the file,
//!               filter, its byte, ...
//! what they unpack to:
//!     the program in memory, from its first section on
//!     its imports   place of the library's name, and of its addresses; 1 and a name, or 255 and a number; ...; 0
//!     addresses     distances between the places that hold one: a byte, 16 bits and four, or 0 and 32 bits
//!     headers       those of the program, its sections; places of imports and addresses; where the headers stand
//! ```
//!
//! Those who do not want to be unpacked write over the header: then the first instructions say where the packed bytes stand and
//! where they go to. Which method it was shows where it comes to its end.
//!
//! What the program has in its file is put where it was, as far as it says: names of imports, which UPX takes out, included.
//! What it leaves unpacked for Windows, such as icons, stays where UPX put it, in a section behind the others.

use candor_model::{Flow, Reason, Sink};

use super::{LZMA, Packed, filter};
use crate::adler::adler;
use crate::packed::{PortableExecutable, child, rebuild};
use crate::reader::{Reader, clipped, until_nul};
use crate::work::{charge, units};

/// Bytes of the header.
const HEADER: u64 = 32;
/// Instructions among which the places stand, in bytes.
const ENTRY: u64 = 0x40;
/// Sections of a program, libraries that it imports from, and functions.
const SECTIONS: u16 = 96;
const IMPORTS: u32 = 0x1_0000;
/// What files of Windows are aligned to.
const SECTOR: usize = 0x200;
/// What memory is divided into.
const PAGE: u32 = 0x1000;

/// What the header says.
#[derive(Clone, Copy, Debug)]
struct Header {
    method: u8,
    packed_sum: u32,
    real_size: u32,
    size: u32,
    filter: u8,
    mark: u8,
}

impl Header {
    fn at(bytes: &[u8], place: u64) -> Option<Self> {
        let mut reader = Reader::little(bytes).at(place.checked_add(6)?)?;
        let (method, _, _) = (reader.u8()?, reader.u8()?, reader.u32()?);
        let (packed_sum, real_size, size, _) = (reader.u32()?, reader.u32()?, reader.u32()?, reader.u32()?);
        let (filter, mark) = (reader.u8()?, reader.u8()?);
        let makes_sense = size > 0 && matches!(method, 2..=10 | LZMA);
        makes_sense.then_some(Self { method, packed_sum, real_size, size, filter, mark })
    }
}

/// What the first instructions say: where the packed bytes stand in the file, where they go to in memory, and how much it is,
/// which only one that is packed with LZMA tells.
#[derive(Clone, Copy, Debug)]
struct Stub {
    offset: u64,
    base: u32,
    real_size: Option<u32>,
}

impl Stub {
    fn of(file: &PortableExecutable<'_>) -> Option<Self> {
        let start = file.offset_of(file.entry_point)?;
        let code = clipped(file.bytes, start, ENTRY);
        let after = |place: usize| Reader::little(code).at(u64::try_from(place).ok()?);
        let find = |finder: &[u8]| memchr::memmem::find(code, finder);
        let (source, mut reader) = if file.is_64_bit {
            // lea rsi, [rip + x]; lea rdi, [rsi + y]
            let place = find(b"\x48\x8d\x35")?;
            let mut reader = after(place.checked_add(3)?)?;
            let distance = reader.u32()?;
            let next = file.entry_point.wrapping_add(u32::try_from(reader.position()).ok()?);
            (
                next.wrapping_add(distance),
                reader.take(3).filter(|taken| taken == b"\x48\x8d\xbe").map(|_| reader)?,
            )
        } else {
            // pushad; mov esi, x; lea edi, [esi + y]
            let mut reader = after(find(b"\x60\xbe")?.checked_add(2)?)?;
            let source = reader.u32()?.wrapping_sub(file.image_base());
            (source, reader.take(2).filter(|taken| taken == b"\x8d\xbe").map(|_| reader)?)
        };
        let base = source.wrapping_add(reader.u32()?);
        let rest = reader.rest();
        let size_at = if file.is_64_bit {
            // push rdi; mov eax, size
            rest.starts_with(b"\x57\xb8").then_some(2)
        } else {
            // push edi; mov ebp, esp; lea ebx, [esp + x]; room for the tables; inc esi twice; push ebx; push size
            let is_lzma = rest.starts_with(b"\x57\x89\xe5\x8d\x9c\x24");
            (is_lzma && clipped(rest, 17, 4) == b"\x46\x46\x53\x68").then_some(21)
        };
        let real_size = size_at.and_then(|at| rest.get(at..)?.first_chunk()).copied().map(u32::from_le_bytes);
        Some(Self { offset: file.offset_of(source)?, base, real_size })
    }
}

/// What was packed, and what was done to it before.
struct Unpacked {
    plain: Vec<u8>,
    base: u32,
    filter: u8,
    mark: u8,
}

/// Gives what a packed PE file unpacks to; `None` when it is not packed with UPX, or so damaged that only itself can do it.
pub(in crate::packed) fn give(file: &PortableExecutable<'_>, sink: &mut dyn Sink) -> Option<Flow> {
    let most = sink.budget().growth(u64::try_from(file.bytes.len()).ok()?);
    let mut unpacked = unpacked(file, most, sink)?;
    let made = original(file, &mut unpacked, most);
    if made.is_none() && !file.is_64_bit {
        return None;
    }
    let made = made.or_else(|| {
        let mut image = vec![0; usize::try_from(file.image_size()).ok().filter(|size| units(*size) <= most)?];
        let room = image.get_mut(usize::try_from(unpacked.base).ok()?..)?;
        for (to, from) in room.iter_mut().zip(&unpacked.plain) {
            *to = *from;
        }
        Some(rebuild::from_memory(file, &image, 0))
    });
    let Some(made) = made else {
        sink.incomplete(Reason::Unsupported(String::from("a packed program that is larger than the limits")));
        return Some(Flow::Continue);
    };
    sink.detail("packer", String::from("UPX"));
    Some(child("unpacked", &made, sink))
}

/// What the packed bytes hold, by the header or, where that is not true, by trying what the first instructions name.
fn unpacked(file: &PortableExecutable<'_>, most: u64, sink: &mut dyn Sink) -> Option<Unpacked> {
    let [first, second, ..] = file.sections.as_slice() else { return None };
    let stub = Stub::of(file);
    let letters = memchr::memmem::find(clipped(file.bytes, 0, 0x1000), b"UPX!");
    let named = stub.and_then(|stub| stub.offset.checked_sub(HEADER));
    let headers = [letters.and_then(|at| u64::try_from(at).ok()), named];
    let base = stub.map_or(u32::try_from(first.virtual_address).ok()?, |stub| stub.base);
    for place in headers.into_iter().flatten() {
        let Some(header) = Header::at(file.bytes, place) else { continue };
        let bytes = |at: u64| clipped(file.bytes, at, u64::from(header.size));
        let places = [place.saturating_add(HEADER), second.raw_offset];
        let bytes = places.into_iter().map(bytes).find(|bytes| adler(bytes) == header.packed_sum);
        let Some(bytes) = bytes else { continue };
        let Header { method, real_size, filter, mark, .. } = header;
        if u64::from(real_size) > most {
            let reason = sink.budget().growth_limit(units(file.bytes.len()));
            sink.incomplete(reason);
            return None;
        }
        let plain = Packed { method, real_size, bytes }.unpacked(most, sink)?;
        return Some(Unpacked { plain, base, filter, mark });
    }
    let stub = stub?;
    let header = named.and_then(|place| Header::at(file.bytes, place));
    let end = file.offset_of(file.entry_point).filter(|end| *end > stub.offset).unwrap_or(u64::MAX);
    let bytes = clipped(file.bytes, stub.offset, end.saturating_sub(stub.offset));
    // Never as much as there is room for: a stream that is read wrongly ends nowhere, or at once.
    let room = file.image_size().saturating_sub(stub.base);
    let methods = if stub.real_size.is_some() { &[LZMA][..] } else { &[8, 2, 5] };
    for method in methods.iter().copied() {
        let real_size = stub.real_size.unwrap_or(room);
        if u64::from(real_size) > most
            || !charge(u64::from(real_size).saturating_add(units(bytes.len())), sink)
        {
            return None;
        }
        if let Some(plain) = (Packed { method, real_size, bytes }).unpacked(most, sink)
            && (stub.real_size.is_some() || units(plain.len()) < u64::from(room))
            && headers_at(&plain).is_some()
        {
            let (filter, mark) = header.map_or_else(
                || (if file.is_64_bit { 0x49 } else { 0x26 }, filter::likely_mark(&plain)),
                |header| (header.filter, Some(header.mark)),
            );
            let (filter, mark) = mark.map_or((0, 0), |mark| (filter, mark));
            return Some(Unpacked { plain, base: stub.base, filter, mark });
        }
    }
    None
}

/// Where the headers of the program stand in what was packed: at its end it says so.
fn headers_at(plain: &[u8]) -> Option<u32> {
    let place = u32::from_le_bytes(*plain.last_chunk()?);
    let rest = plain.get(usize::try_from(place).ok()?..)?;
    rest.starts_with(b"PE\0\0").then_some(place)
}

/// A section of the program.
#[derive(Clone, Copy, Debug)]
struct Section {
    address: u32,
    size: u32,
    offset: u32,
}

/// The program as a file, at most `most` bytes of it; `None` where it does not say what that was.
fn original(file: &PortableExecutable<'_>, unpacked: &mut Unpacked, most: u64) -> Option<Vec<u8>> {
    let Unpacked { plain, base, filter, mark } = unpacked;
    let base = *base;
    let place = u64::from(headers_at(plain)?);
    let headers = clipped(plain, place, u64::MAX).to_vec();
    let reader = Reader::little(&headers);
    let count = reader.at(6)?.u16()?.min(SECTIONS);
    let optional_size = u64::from(reader.at(20)?.u16()?);
    let number = |offset: u64| reader.at(offset.checked_add(24)?)?.u32();
    let is_stripped = reader.at(22)?.u16()? & 1 != 0;
    if (reader.at(24)?.u16()? == 0x20b) != file.is_64_bit {
        return None;
    }
    let (code, code_size) = (number(20)?, number(4)?);
    let preferred = if file.is_64_bit { reader.at(48)?.u64()? } else { u64::from(number(28)?) };
    let directories = if file.is_64_bit { 112_u64 } else { 96 };
    let directory = |index: u64| number(index.saturating_mul(8).saturating_add(directories)).unwrap_or(0);
    let mut rows = reader.at(optional_size.checked_add(24)?)?;
    let mut sections = Vec::new();
    for _ in 0..count {
        rows.skip(12)?;
        let (address, size, offset) = (rows.u32()?, rows.u32()?, rows.u32()?);
        rows.skip(16)?;
        sections.push(Section { address, size, offset });
    }
    let table_end = u64::try_from(rows.position()).ok()?;
    let mut notes = rows;
    let mut note = |is_there: bool, behind: u64| {
        let place = is_there.then(|| notes.u32()).flatten()?;
        notes.skip(behind)?;
        Some(u64::from(place))
    };
    let imports = note(directory(1) != 0, 4);
    let addresses = note(directory(5) != 0 && !is_stripped, 1);
    let end = imports.into_iter().chain(addresses).fold(place, u64::min);
    let (image, lists) = plain.split_at_mut(usize::try_from(end).ok()?);
    let list = |place: u64| Reader::little(lists).at(place.checked_sub(end)?);
    let start = code.checked_sub(base).and_then(|start| usize::try_from(start).ok());
    if let Some(code) = start.and_then(|start| image.get_mut(start..)) {
        let size = usize::try_from(code_size).unwrap_or(usize::MAX).min(code.len());
        filter::undo(*filter, *mark, code.get_mut(..size)?);
    }
    if let Some(list) = addresses.and_then(list) {
        relocate(image, list, file.is_64_bit, preferred.wrapping_add(u64::from(base)));
    }
    if let Some(list) = imports.and_then(list) {
        let _ = import(file, image, list, base, directory(1));
    }
    let head = clipped(&headers, 0, table_end);
    assembled(file, head, &sections, image, base, most)
}

/// A file that is written at its places, up to so many bytes of it.
struct Output {
    bytes: Vec<u8>,
    most: u64,
}

impl Output {
    fn put(&mut self, at: usize, bytes: &[u8]) -> Option<()> {
        let end = at.checked_add(bytes.len()).filter(|end| units(*end) <= self.most)?;
        if self.bytes.len() < end {
            self.bytes.resize(end, 0);
        }
        self.bytes.get_mut(at..end)?.copy_from_slice(bytes);
        Some(())
    }
}

/// Puts headers and sections where they were.
fn assembled(
    file: &PortableExecutable<'_>,
    headers: &[u8],
    sections: &[Section],
    image: &[u8],
    base: u32,
    most: u64,
) -> Option<Vec<u8>> {
    let start = u64::from(Reader::little(file.bytes).at(0x3c)?.u32()?);
    // Several sections may claim the same bytes.
    let sizes = sections.iter().map(|section| u64::from(section.size));
    if sizes.fold(start, u64::saturating_add) > most {
        return None;
    }
    let mut out = Output { bytes: clipped(file.bytes, 0, start).to_vec(), most };
    out.bytes.extend_from_slice(headers);
    let filled = sections.iter().filter(|section| section.size > 0);
    for section in filled.clone() {
        let inside = u64::from(section.address.checked_sub(base)?);
        let offset = usize::try_from(section.offset).ok()?;
        out.put(offset, clipped(image, inside, u64::from(section.size)))?;
        out.put(offset.checked_add(usize::try_from(section.size).ok()?)?, &[])?;
    }
    let first = filled.map(|section| section.offset).min();
    let room = usize::try_from(first.unwrap_or(0)).ok()?;
    let _ = keep(file, &mut out, usize::try_from(start).ok()?, headers.len(), room, sections);
    Some(out.bytes)
}

/// Adds the sections with what Windows has to find in the packed file: exports, and resources as icons are.
fn keep(
    file: &PortableExecutable<'_>,
    out: &mut Output,
    start: usize,
    length: usize,
    room: usize,
    sections: &[Section],
) -> Option<()> {
    let kept = file.sections.get(2..)?;
    let moved = [0, 2_usize].map(|index| (index, file.directory(index)));
    let mut row = start.checked_add(length)?;
    let is_needed = moved.iter().any(|(_, directory)| directory.is_some());
    if !is_needed || row.checked_add(kept.len().checked_mul(40)?)? > room {
        return None;
    }
    // Sections stand one behind another.
    let next = u32::try_from(kept.first()?.virtual_address).ok()?.checked_sub(sections.last()?.address)?;
    out.put(row.checked_sub(32)?, &next.to_le_bytes())?;
    let mut end = 0;
    for section in kept {
        let offset = out.bytes.len().next_multiple_of(SECTOR);
        out.put(offset, clipped(file.bytes, section.raw_offset, section.raw_size))?;
        let mut name = section.name.clone();
        name.resize(8, 0);
        out.put(row, &name)?;
        let candor_model::Section { virtual_size, virtual_address, raw_size, .. } = section;
        let fields = [*virtual_size, *virtual_address, *raw_size, units(offset), 0, 0, 0, 0x4000_0040];
        for (field, place) in fields.into_iter().zip((row.checked_add(8)?..).step_by(4)) {
            out.put(place, &u32::try_from(field).ok()?.to_le_bytes())?;
        }
        row = row.checked_add(40)?;
        end = u32::try_from(virtual_address.checked_add(*virtual_size)?).ok()?;
    }
    let count = u16::try_from(sections.len().checked_add(kept.len())?).ok()?;
    out.put(start.checked_add(6)?, &count.to_le_bytes())?;
    let size = end.checked_next_multiple_of(PAGE)?;
    out.put(start.checked_add(24 + 56)?, &size.to_le_bytes())?;
    let directories = start.checked_add(if file.is_64_bit { 24 + 112 } else { 24 + 96 })?;
    for (index, directory) in moved {
        let Some((address, length)) = directory else { continue };
        let place = directories.checked_add(index.checked_mul(8)?)?;
        out.put(place, &address.to_le_bytes())?;
        out.put(place.checked_add(4)?, &length.to_le_bytes())?;
    }
    Some(())
}

/// Puts the addresses back, which are kept as distances from the first section, highest byte first.
fn relocate(image: &mut [u8], mut list: Reader<'_>, is_wide: bool, base: u64) -> Option<()> {
    let mut at = 0_usize.wrapping_sub(4);
    loop {
        let step = match list.u8()? {
            0 => return Some(()),
            near @ 1..=0xef => u32::from(near),
            far => match u32::from(far & 15).wrapping_shl(16) | u32::from(list.u16()?) {
                0 => list.u32()?,
                far => far,
            },
        };
        at = at.wrapping_add(usize::try_from(step).ok()?);
        let place = image.get_mut(at..)?;
        if is_wide {
            let place = place.first_chunk_mut()?;
            *place = u64::from_be_bytes(*place).wrapping_add(base).to_le_bytes();
        } else {
            let place = place.first_chunk_mut()?;
            *place = u32::from_be_bytes(*place)
                .wrapping_add(u32::try_from(base & 0xffff_ffff).ok()?)
                .to_le_bytes();
        }
    }
}

/// Puts the names of imports back: those of functions behind the numbers that the table of addresses tells, those of
/// libraries where the `table` of imports says.
fn import(
    file: &PortableExecutable<'_>,
    image: &mut [u8],
    mut list: Reader<'_>,
    base: u32,
    table: u32,
) -> Option<()> {
    let width = if file.is_64_bit { 8 } else { 4 };
    let (outer, _) = file.directory(1)?;
    let inside = |address: u32| usize::try_from(address.checked_sub(base)?).ok();
    let number = |image: &[u8], at: usize| Reader::little(image.get(at..)?).u32();
    let write = |image: &mut [u8], at: Option<usize>, bytes: &[u8]| {
        let place = at.and_then(|at| image.get_mut(at..)?.get_mut(..bytes.len()));
        if let Some(place) = place {
            place.copy_from_slice(bytes);
        }
    };
    let mut row = inside(table)?;
    let mut left = IMPORTS;
    loop {
        let name = list.u32().filter(|name| *name != 0)?;
        let slots = list.u32()?;
        let library =
            file.reader_at(outer.checked_add(name)?).map(|reader| until_nul(clipped(reader.rest(), 0, 256)));
        if let (Some(library), Some(place)) = (library, number(image, row.checked_add(12)?)) {
            write(image, inside(place), library);
        }
        write(image, row.checked_add(16), &slots.wrapping_add(base).to_le_bytes());
        row = row.checked_add(20)?;
        let mut slot = usize::try_from(slots).ok()?;
        loop {
            left = left.checked_sub(1)?;
            match list.u8()? {
                0 => break,
                1..=0x7f => {
                    let name = until_nul(list.rest());
                    list.skip(units(name.len()).checked_add(1)?)?;
                    let place = number(image, slot).filter(|place| *place > 0);
                    write(image, place.and_then(|place| inside(place)?.checked_add(2)), name);
                }
                _ => list.skip(2)?,
            }
            slot = slot.checked_add(width)?;
        }
    }
}
