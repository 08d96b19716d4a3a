//! The headers of a PE file, and where an address of the loaded program stands in the file.

use std::collections::BTreeMap;

use candor_model::Section;

use crate::reader::{Reader, without_nuls};

/// What the headers say.
#[derive(Debug)]
pub(crate) struct PortableExecutable<'a> {
    /// The whole file.
    pub(crate) bytes: &'a [u8],
    /// Whether it is PE32+.
    pub(crate) is_64_bit: bool,
    /// Whether it is a library, which is told why it is called.
    pub(crate) is_library: bool,
    /// Address of the entry point.
    pub(crate) entry_point: u32,
    /// Sections in table order.
    pub(crate) sections: Vec<Section>,
    /// Addresses and sizes of the data directories, as many as the file says, at most 16.
    directories: Vec<(u32, u32)>,
    /// What sections may be used for, in table order.
    characteristics: Vec<u32>,
    image_base: u32,
    image_size: u32,
    /// Up to where addresses are offsets in the file.
    header_size: u64,
    places: Places,
}

/// Which section has an address: where each piece begins in memory, where it ends there, and where it begins in the file. Of
/// several sections that claim an address, the last has it.
#[derive(Debug, Default)]
struct Places(BTreeMap<u64, (u64, u64)>);

impl Places {
    fn of(sections: &[Section], alignment: u64) -> Self {
        let mut places = BTreeMap::<u64, (u64, u64)>::new();
        for section in sections {
            let start = rounded_down(section.virtual_address, alignment);
            let end = start.saturating_add(section.raw_size);
            if start == end {
                continue;
            }
            // What is left of those that it covers: the part in front of it, and the one behind it.
            let covered = places.range(..end).next_back().map(|(start, piece)| (*start, *piece));
            if let Some((first, (last, offset))) = covered.filter(|(_, (last, _))| *last > end) {
                places.insert(end, (last, offset.saturating_add(end.saturating_sub(first))));
            }
            if let Some((_, (last, _))) = places.range_mut(..start).next_back() {
                *last = (*last).min(start);
            }
            while let Some(inside) = places.range(start..end).next().map(|(inside, _)| *inside) {
                places.remove(&inside);
            }
            places.insert(start, (end, section.raw_offset));
        }
        Self(places)
    }

    fn offset_of(&self, address: u64) -> Option<u64> {
        let (start, (end, offset)) = self.0.range(..=address).next_back()?;
        let inside = address.checked_sub(*start).filter(|_| address < *end)?;
        offset.checked_add(inside)
    }
}

/// Sections that say more of themselves than this start behind the alignment of Windows loaders.
const SECTOR: u64 = 0x200;

/// What the characteristics of a library have.
const LIBRARY: u16 = 0x2000;

impl<'a> PortableExecutable<'a> {
    /// Reads the headers; `None` when there is no PE header.
    pub(crate) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let start = Reader::little(bytes);
        let header = u64::from(start.at(0x3c)?.u32()?);
        let mut reader = start.at(header)?;
        if reader.take(4)? != b"PE\0\0" {
            return None;
        }
        reader.skip(2)?;
        let section_count = reader.u16()?;
        reader.skip(12)?;
        let optional_size = reader.u16()?;
        let is_library = reader.u16()? & LIBRARY != 0;
        let optional_start = header.checked_add(24)?;
        let optional =
            Reader::little(crate::reader::clipped(bytes, optional_start, u64::from(optional_size)));
        let number = |offset: u64| optional.at(offset).and_then(|mut reader| reader.u32()).unwrap_or(0);
        let is_64_bit = optional.at(0)?.u16()? == 0x20b;
        let section_alignment = u64::from(number(32));
        let file_alignment = u64::from(number(36));
        let directory_start = if is_64_bit { 108 } else { 92 };
        let directories = directories(&optional, directory_start);
        let table = start.at(optional_start.checked_add(u64::from(optional_size))?)?;
        let (sections, characteristics) = sections(table, section_count, file_alignment, bytes.len());
        let places = Places::of(&sections, section_alignment);
        let header_size = rounded_up(u64::from(number(60)), section_alignment);
        Some(Self {
            bytes,
            is_64_bit,
            is_library,
            entry_point: number(16),
            sections,
            directories,
            characteristics,
            image_base: number(28),
            image_size: number(56),
            header_size,
            places,
        })
    }

    /// Offset and length of the table of signatures; it is the one table whose place is no address.
    pub(crate) fn certificates(&self) -> Option<(u64, u64)> {
        let (offset, length) = self.directory(4)?;
        let end = u64::from(offset).checked_add(u64::from(length))?;
        let total = u64::try_from(self.bytes.len()).ok()?;
        (length > 8 && end <= total).then_some((u64::from(offset), u64::from(length)))
    }

    /// Where a 32-bit program wants to be loaded.
    pub(crate) const fn image_base(&self) -> u32 {
        self.image_base
    }

    /// Bytes that it takes in memory: as it says, or as its sections say.
    pub(crate) fn image_size(&self) -> u32 {
        let end = |section: &Section| {
            let size =
                section.virtual_size.max(section.raw_size.min(section.virtual_size.saturating_add(0x1000)));
            u32::try_from(section.virtual_address.saturating_add(size)).unwrap_or(u32::MAX)
        };
        self.sections.iter().map(end).max().unwrap_or(0).max(self.image_size)
    }

    /// Where the last section ends in the file, if there is one.
    pub(crate) fn end_of_sections(&self) -> Option<u64> {
        let ends = self.sections.iter().map(|section| section.raw_offset.saturating_add(section.raw_size));
        ends.max()
    }

    /// The bytes in front of the sections, as they are loaded.
    pub(crate) fn headers(&self) -> &'a [u8] {
        let first = self.sections.iter().map(|section| section.virtual_address).min().unwrap_or(0x1000);
        crate::reader::clipped(self.bytes, 0, first.min(0x1000))
    }

    /// Whether the program may write to the section that it begins in.
    pub(crate) fn entry_is_writable(&self) -> bool {
        const WRITABLE: u32 = 0x8000_0000;
        let entry = u64::from(self.entry_point);
        let holds = |section: &Section| {
            let size = section.virtual_size.max(section.raw_size).max(1);
            entry.checked_sub(section.virtual_address).is_some_and(|inside| inside < size)
        };
        let mut sections = self.sections.iter().zip(&self.characteristics);
        entry != 0 && sections.any(|(section, bits)| holds(section) && bits & WRITABLE != 0)
    }

    /// Address and size of a data directory; `None` when the file has none.
    pub(crate) fn directory(&self, index: usize) -> Option<(u32, u32)> {
        self.directories.get(index).copied().filter(|&(address, _)| address != 0)
    }

    /// Where in the file an address relative to the image base stands, if it stands there at all.
    ///
    /// The last of several sections that claim the address has it.
    pub(crate) fn offset_of(&self, address: u32) -> Option<u64> {
        let address = u64::from(address);
        let length = u64::try_from(self.bytes.len()).ok()?;
        if address < self.header_size {
            return (address < length).then_some(address);
        }
        self.places.offset_of(address)
    }

    /// The file from the place of an address on.
    pub(crate) fn reader_at(&self, address: u32) -> Option<Reader<'a>> {
        Reader::little(self.bytes).at(self.offset_of(address)?)
    }
}

fn directories(optional: &Reader<'_>, start: u64) -> Vec<(u32, u32)> {
    let Some(mut reader) = optional.at(start) else { return Vec::new() };
    let count = reader.u32().unwrap_or(0).min(16);
    (0..count).map_while(|_| Some((reader.u32()?, reader.u32()?))).collect()
}

fn sections(mut table: Reader<'_>, count: u16, alignment: u64, length: usize) -> (Vec<Section>, Vec<u32>) {
    let length = u64::try_from(length).unwrap_or(u64::MAX);
    let mut characteristics = Vec::new();
    let mut sections: Vec<Section> = (0..count)
        .map_while(|_| {
            let name = without_nuls(table.take(8)?).to_vec();
            let virtual_size = u64::from(table.u32()?);
            let virtual_address = u64::from(table.u32()?);
            let raw_size = u64::from(table.u32()?);
            let raw_offset = u64::from(table.u32()?);
            table.skip(12)?;
            characteristics.push(table.u32()?);
            Some(Section { name, raw_offset, raw_size, virtual_address, virtual_size })
        })
        .collect();
    // A file that does not keep to its own alignment, but does to that of the loader, means the latter.
    let is_ignored = |section: &Section| {
        section.raw_offset.checked_rem(alignment).is_some_and(|rest| rest != 0)
            && section.raw_offset.checked_rem(SECTOR) == Some(0)
    };
    let alignment = if sections.iter().any(is_ignored) { SECTOR } else { alignment };
    for section in &mut sections {
        section.raw_offset = rounded_down(section.raw_offset, alignment);
        section.raw_size =
            rounded_up(section.raw_size, alignment).min(length.saturating_sub(section.raw_offset));
    }
    (sections, characteristics)
}

fn rounded_down(value: u64, alignment: u64) -> u64 {
    value.saturating_sub(value.checked_rem(alignment).unwrap_or(0))
}

fn rounded_up(value: u64, alignment: u64) -> u64 {
    value.checked_next_multiple_of(alignment).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_last_of_several_sections_has_an_address(
            rows in prop::collection::vec((0..60_u64, 0..40_u64, 0..1000_u64), 0..12),
            alignment in 0..9_u64,
        ) {
            let section = |&(virtual_address, raw_size, raw_offset): &(u64, u64, u64)| {
                Section { name: Vec::new(), raw_offset, raw_size, virtual_address, virtual_size: 0 }
            };
            let sections: Vec<Section> = rows.iter().map(section).collect();
            let places = Places::of(&sections, alignment);
            for address in 0..120_u64 {
                let claimed = sections.iter().rev().find_map(|section| {
                    let start = rounded_down(section.virtual_address, alignment);
                    let inside = address.checked_sub(start).filter(|inside| *inside < section.raw_size)?;
                    Some(section.raw_offset + inside)
                });
                prop_assert_eq!(places.offset_of(address), claimed);
            }
        }
    }
}
