//! `macho`: Mach-O files, and the slices of universal ones.

use candor_model::ModuleValue;

use super::fields::Fields;
use crate::macho::{COMMANDS, MAIN, SECTIONS, SEGMENT, SEGMENT_64, SLICES, UNIX_THREAD, thread_entry};
use crate::reader::{Order, Reader, clipped, until_nul};

/// What the module offers; nothing of what is no such file.
pub(crate) fn value(bytes: &[u8]) -> ModuleValue {
    universal(bytes).or_else(|| thin(bytes)).unwrap_or_default().into()
}

fn universal(bytes: &[u8]) -> Option<Fields> {
    let mut reader = Reader::new(bytes, Order::Big);
    let magic = reader.u32()?;
    let is_wide = match magic {
        0xcafe_babe => false,
        0xcafe_babf => true,
        _ => return None,
    };
    let count = reader.u32()?;
    let mut places = Vec::new();
    let mut files = Vec::new();
    for _ in 0..count.min(SLICES) {
        let mut row = || {
            let (processor, kind) = (reader.u32()?, reader.u32()?);
            let (offset, size) = (reader.word(is_wide)?, reader.word(is_wide)?);
            let align = reader.u32()?;
            if is_wide {
                reader.skip(4)?;
            }
            Some((processor, kind, offset, size, align))
        };
        let Some((processor, kind, offset, size, align)) = row() else { break };
        let place = Fields::default()
            .integer("cputype", processor)
            .integer("cpusubtype", kind)
            .wide("offset", offset)
            .wide("size", size)
            .integer("align", align);
        places.push(place.into());
        files.push(thin(clipped(bytes, offset, size)).unwrap_or_default().into());
    }
    Some(
        Fields::default()
            .integer("fat_magic", magic)
            .integer("nfat_arch", count)
            .array("fat_arch", places)
            .array("file", files),
    )
}

fn thin(bytes: &[u8]) -> Option<Fields> {
    let (order, is_wide) = match bytes.first_chunk()? {
        b"\xce\xfa\xed\xfe" => (Order::Little, false),
        b"\xcf\xfa\xed\xfe" => (Order::Little, true),
        b"\xfe\xed\xfa\xce" => (Order::Big, false),
        b"\xfe\xed\xfa\xcf" => (Order::Big, true),
        _ => return None,
    };
    let start = Reader::new(bytes, order);
    let magic = Reader::little(bytes).u32()?;
    let mut header = start.at(4)?;
    let (processor, kind, file_type) = (header.u32()?, header.u32()?, header.u32()?);
    let (count, size, flags) = (header.u32()?, header.u32()?, header.u32()?);
    let mut fields = Fields::default()
        .integer("magic", magic)
        .integer("cputype", processor)
        .integer("cpusubtype", kind)
        .integer("filetype", file_type)
        .integer("ncmds", count)
        .integer("sizeofcmds", size)
        .integer("flags", flags);
    if is_wide {
        fields = fields.integer("reserved", header.u32()?);
    }
    let mut told = Told::default();
    let mut at: u64 = if is_wide { 32 } else { 28 };
    for _ in 0..count.min(COMMANDS) {
        let Some(mut command) = start.at(at) else { break };
        let (Some(kind), Some(size)) = (command.u32(), command.u32()) else { break };
        told.command(command, kind, processor);
        let Some(next) = at.checked_add(u64::from(size)).filter(|_| size >= 8) else { break };
        at = next;
    }
    Some(told.tell(fields))
}

/// What load commands say.
#[derive(Debug, Default)]
struct Told {
    segments: Vec<ModuleValue>,
    /// Address, length in memory, and offset.
    places: Vec<(u64, u64, u64)>,
    sections: usize,
    entry: Option<Entry>,
    stack: Option<u64>,
}

#[derive(Clone, Copy, Debug)]
enum Entry {
    Address(u64),
    Offset(u64),
}

impl Told {
    fn command(&mut self, mut command: Reader<'_>, kind: u32, processor: u32) {
        match kind {
            SEGMENT | SEGMENT_64 => {
                self.segment(&mut command, kind == SEGMENT_64);
            }
            MAIN => {
                self.entry = command.u64().map(Entry::Offset);
                self.stack = command.u64();
            }
            UNIX_THREAD => self.entry = thread_entry(command, processor).map(Entry::Address).or(self.entry),
            _ => {}
        }
    }

    fn segment(&mut self, command: &mut Reader<'_>, is_wide: bool) -> Option<()> {
        let name = until_nul(command.take(16)?);
        let (address, length) = (command.word(is_wide)?, command.word(is_wide)?);
        let (offset, size) = (command.word(is_wide)?, command.word(is_wide)?);
        let (most, initial) = (command.u32()?, command.u32()?);
        let (count, flags) = (command.u32()?, command.u32()?);
        let mut sections = Vec::new();
        for _ in 0..count {
            if self.sections >= SECTIONS {
                break;
            }
            let Some(section) = section(command, is_wide) else { break };
            self.sections = self.sections.saturating_add(1);
            sections.push(section);
        }
        self.places.push((address, length, offset));
        self.segments.push(
            Fields::default()
                .text("segname", name)
                .wide("vmaddr", address)
                .wide("vmsize", length)
                .wide("fileoff", offset)
                .wide("fsize", size)
                .integer("maxprot", most)
                .integer("initprot", initial)
                .integer("nsects", count)
                .integer("flags", flags)
                .array("sections", sections)
                .into(),
        );
        Some(())
    }

    fn tell(self, fields: Fields) -> Fields {
        let entry = match self.entry {
            Some(Entry::Offset(offset)) => Some(offset),
            Some(Entry::Address(address)) => self.places.iter().find_map(|&(start, length, offset)| {
                let inside = address.checked_sub(start)?;
                if inside < length { offset.checked_add(inside) } else { None }
            }),
            None => None,
        };
        fields
            .count("number_of_segments", self.segments.len())
            .array("segments", self.segments)
            .integer_if("entry_point", entry)
            .integer_if("stack_size", self.stack)
    }
}

fn section(command: &mut Reader<'_>, is_wide: bool) -> Option<ModuleValue> {
    let mut fields = Fields::default().text("sectname", until_nul(command.take(16)?));
    fields = fields.text("segname", until_nul(command.take(16)?));
    fields = fields.wide("addr", command.word(is_wide)?).wide("size", command.word(is_wide)?);
    for name in ["offset", "align", "reloff", "nreloc", "flags", "reserved1", "reserved2"] {
        fields = fields.integer(name, command.u32()?);
    }
    if is_wide {
        fields = fields.integer("reserved3", command.u32()?);
    }
    Some(fields.into())
}
