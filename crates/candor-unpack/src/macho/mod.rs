//! Mach-O: entry point and sections of thin files; the slices of universal ones.
//!
//! Layout: `mach-o/loader.h` and `mach-o/fat.h` of <https://github.com/apple-oss-distributions/xnu>.
//!
//! The sections are those inside of the segments, in the order of the load commands, as ClamAV counts
//! them. The entry point is what the kernel uses: the offset in `LC_MAIN`, or the address in
//! `LC_UNIXTHREAD` for the processors that still have one. (ClamAV knows it for PowerPC alone and takes
//! the start of the file for all others.) Hostile files give commands of size zero and more slices than
//! fit: the first ends the walk, the others are opened as far as they reach.

#[cfg(test)]
mod tests;

use candor_model::{
    ChildKind, Content, Executable, ExecutableFormat, Facts, Flow, Member, Reason, Section, Sink,
};

use crate::behind;
use crate::nuitka;
use crate::reader::{Order, Reader, clipped, until_nul};

pub(crate) const SEGMENT: u32 = 0x1;
const SYMBOLS: u32 = 0x2;
pub(crate) const UNIX_THREAD: u32 = 0x5;
pub(crate) const SEGMENT_64: u32 = 0x19;
const CODE_SIGNATURE: u32 = 0x1d;
pub(crate) const MAIN: u32 = 0x8000_0028;

/// Load commands and sections that are read, and slices that are given.
pub(crate) const COMMANDS: u32 = 16_384;
pub(crate) const SECTIONS: usize = 65_536;
pub(crate) const SLICES: u32 = 64;

/// Facts of a thin file. Children are what one packs that is a program of Python, and what stands behind its end.
pub(crate) fn unpack(bytes: &[u8], sink: &mut dyn Sink) {
    if let Some((executable, end)) = executable(bytes) {
        sink.facts(Facts { executable: Some(executable), ..Facts::default() });
        if nuitka::unpack(bytes, &[(0, u64::MAX)], sink) == Flow::Continue {
            behind::overlay(bytes, end, sink);
        }
    }
}

/// The slices of a universal file, and what stands behind them.
pub(crate) fn unpack_universal(bytes: &[u8], sink: &mut dyn Sink) {
    let mut reader = Reader::new(bytes, Order::Big);
    let (Some(magic), Some(count)) = (reader.u32(), reader.u32()) else { return };
    let is_wide = magic == 0xcafe_babf;
    let mut given = 0_u32;
    let mut end = 0_u64;
    for position in 1..=count {
        let mut slice = || {
            reader.skip(8)?;
            let (offset, size) = (reader.word(is_wide)?, reader.word(is_wide)?);
            reader.skip(if is_wide { 8 } else { 4 })?;
            Some((offset, size))
        };
        let Some((offset, size)) = slice() else { return };
        let content = clipped(bytes, offset, size);
        // A slice that holds this header would lead back here.
        if content.is_empty() || offset < 8 {
            continue;
        }
        if given >= SLICES {
            sink.incomplete(Reason::Children);
            return;
        }
        given = given.saturating_add(1);
        end = end.max(offset.saturating_add(size));
        let member = Member {
            name: format!("slice {position}"),
            position: u64::from(position),
            real_size: Some(size),
            ..Member::default()
        };
        if sink.child(ChildKind::Embedded { offset }, &member, Content::Bytes(content)) == Flow::Stop {
            return;
        }
    }
    let end = usize::try_from(end).unwrap_or(usize::MAX).max(reader.position());
    behind::give_from(bytes, end, sink);
}

/// What a thin file says, and where the last of it ends, which may be behind the file.
fn executable(bytes: &[u8]) -> Option<(Executable, u64)> {
    let (order, is_64_bit) = match bytes.first_chunk()? {
        b"\xce\xfa\xed\xfe" => (Order::Little, false),
        b"\xcf\xfa\xed\xfe" => (Order::Little, true),
        b"\xfe\xed\xfa\xce" => (Order::Big, false),
        b"\xfe\xed\xfa\xcf" => (Order::Big, true),
        _ => return None,
    };
    let start = Reader::new(bytes, order);
    let processor = start.at(4)?.u32()?;
    let count = start.at(16)?.u32()?.min(COMMANDS);
    let mut sections = Vec::new();
    let mut entry = None;
    let mut end = 0;
    let mut at = if is_64_bit { 32 } else { 28 };
    for _ in 0..count {
        let Some(mut command) = start.at(at) else { break };
        let (Some(kind), Some(size)) = (command.u32(), command.u32()) else { break };
        end = end_of(kind, command).unwrap_or(0).max(end);
        match kind {
            SEGMENT | SEGMENT_64 => {
                read_segment(command, bytes, kind == SEGMENT_64, &mut sections);
            }
            MAIN => entry = command.u64().map(Entry::Offset),
            UNIX_THREAD => entry = thread_entry(command, processor).map(Entry::Address).or(entry),
            _ => {}
        }
        let Some(next) = at.checked_add(u64::from(size)).filter(|_| size >= 8) else { break };
        at = next;
    }
    let entry_point = match entry {
        Some(Entry::Offset(offset)) => Some(offset),
        Some(Entry::Address(address)) => sections.iter().find_map(|section: &Section| {
            let inside = address.checked_sub(section.virtual_address)?;
            if inside < section.virtual_size { section.raw_offset.checked_add(inside) } else { None }
        }),
        None => Some(0),
    };
    let length = u64::try_from(bytes.len()).ok()?;
    let executable = Executable {
        format: ExecutableFormat::MachO,
        is_64_bit,
        entry_point: entry_point.filter(|&offset| offset < length),
        sections,
        version_strings: Vec::new(),
        imports: None,
    };
    Some((executable, end))
}

/// Where what a load command leads to ends. Object files have their symbols outside of all segments.
fn end_of(kind: u32, mut command: Reader<'_>) -> Option<u64> {
    let is_wide = kind == SEGMENT_64;
    match kind {
        SEGMENT | SEGMENT_64 => command.skip(if is_wide { 32 } else { 24 })?,
        SYMBOLS => command.skip(8)?,
        CODE_SIGNATURE => (),
        _ => return None,
    }
    Some(command.word(is_wide)?.saturating_add(command.word(is_wide)?))
}

/// What a load command says about the entry point.
#[derive(Clone, Copy, Debug)]
enum Entry {
    Address(u64),
    Offset(u64),
}

/// Reads the sections of a segment, as many as are there.
fn read_segment(mut command: Reader<'_>, bytes: &[u8], is_wide: bool, sections: &mut Vec<Section>) {
    let mut count = || {
        command.skip(16)?;
        for _ in 0..4 {
            command.word(is_wide)?;
        }
        command.skip(8)?;
        let count = command.u32()?;
        command.skip(4)?;
        Some(count)
    };
    for _ in 0..count().unwrap_or(0) {
        if sections.len() >= SECTIONS {
            return;
        }
        let Some(section) = read_section(&mut command, bytes, is_wide) else { return };
        sections.push(section);
    }
}

fn read_section(command: &mut Reader<'_>, bytes: &[u8], is_wide: bool) -> Option<Section> {
    let name = until_nul(command.take(16)?).to_vec();
    command.skip(16)?;
    let virtual_address = command.word(is_wide)?;
    let virtual_size = command.word(is_wide)?;
    let raw_offset = u64::from(command.u32()?);
    command.skip(if is_wide { 28 } else { 24 })?;
    let raw_size = u64::try_from(clipped(bytes, raw_offset, virtual_size).len()).ok()?;
    Some(Section { name, raw_offset, raw_size, virtual_address, virtual_size })
}

/// The program counter in the state that a thread starts with.
pub(crate) fn thread_entry(mut command: Reader<'_>, processor: u32) -> Option<u64> {
    command.skip(8)?;
    match processor {
        // i386: eip is the eleventh register.
        7 => command.skip(40).and_then(|()| command.u32()).map(u64::from),
        // x86-64: rip is the seventeenth.
        0x0100_0007 => command.skip(128).and_then(|()| command.u64()),
        // ARM: pc is the sixteenth.
        12 => command.skip(60).and_then(|()| command.u32()).map(u64::from),
        // ARM64: pc comes behind x0 to x28, fp, lr and sp.
        0x0100_000c => command.skip(256).and_then(|()| command.u64()),
        // PowerPC: srr0 is the first.
        18 => command.u32().map(u64::from),
        0x0100_0012 => command.u64(),
        _ => None,
    }
}
