//! Mach-O, 64 bits, little-endian: one segment that holds every section.

use candor_model::{Facts, Section};

use super::{Executable, Writer, number};

/// The file, and what is to be known about it.
pub(super) fn build(recipe: &Executable) -> (Vec<u8>, Facts) {
    let count = number(recipe.sections.len());
    let segment = 72 + 80 * count;
    let entry_command = 24;
    let first = (32 + segment + entry_command).next_multiple_of(16);
    let mut body = Writer::default();
    let mut places = Vec::new();
    for section in &recipe.sections {
        body.align(16);
        places.push((first + body.position(), number(section.bytes.len())));
        body.bytes(&section.bytes);
    }
    let length = first + body.position();
    let (index, distance) = recipe.entry;
    let entry = places.get(index).map_or(0, |(at, _)| *at) + distance;

    let mut file = Writer::default();
    file.u32(0xfeed_facf).u32(0x0100_0007).u32(3).u32(2).u32(2).u32(segment + entry_command).u32(0).u32(0);
    file.u32(0x19).u32(segment).name("__TEXT", 16).u64(BASE).u64(u64::from(length));
    file.u64(0).u64(u64::from(length)).u32(7).u32(5).u32(count).u32(0);
    for (section, (at, size)) in recipe.sections.iter().zip(&places) {
        file.name(&section.name, 16).name("__TEXT", 16).u64(BASE + u64::from(*at)).u64(u64::from(*size));
        file.u32(*at).u32(4).zeros(24);
    }
    // LC_MAIN: the entry point as a file offset.
    file.u32(0x8000_0028).u32(entry_command).u64(u64::from(entry)).u64(0);
    let fill = usize::try_from(first).unwrap_or(0).saturating_sub(file.0.len());
    file.zeros(fill).bytes(&body.0);

    let sections = recipe
        .sections
        .iter()
        .zip(&places)
        .map(|(section, (at, size))| Section {
            name: section.name.clone().into_bytes(),
            raw_offset: u64::from(*at),
            raw_size: u64::from(*size),
            virtual_address: BASE + u64::from(*at),
            virtual_size: u64::from(*size),
        })
        .collect();
    (file.0, Facts { executable: Some(recipe.facts(sections)), ..Facts::default() })
}

/// Where the file is loaded.
const BASE: u64 = 0x1_0000_0000;
