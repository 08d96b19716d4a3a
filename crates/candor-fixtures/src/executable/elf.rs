//! ELF, 32 and 64 bits, little-endian.

use candor_model::{Facts, Section};

use super::{Executable, Kind, Writer, number};

/// The file, and what is to be known about it. The section table begins with the empty section that the
/// format demands and ends with that of the names.
pub(super) fn build(recipe: &Executable) -> (Vec<u8>, Facts) {
    let wide = recipe.kind == Kind::Elf64;
    let (header, program, entry) = if wide { (64_u32, 56_u32, 64_u32) } else { (52, 32, 40) };
    let mut names = Writer::default();
    names.zeros(1);
    let mut body = Writer::default();
    let first = header + program;
    let mut table = vec![(0_u32, 0_u32, 0_u32, 0_u32, 0_u32)];
    for section in &recipe.sections {
        body.align(16);
        let at = first + body.position();
        table.push((names.position(), 1, at, BASE + at, number(section.bytes.len())));
        names.bytes(section.name.as_bytes()).zeros(1);
        body.bytes(&section.bytes);
    }
    let own_name = names.position();
    names.bytes(b".shstrtab\0");
    table.push((own_name, 3, first + body.position(), 0, names.position()));
    body.bytes(&names.0).align(8);
    let table_at = first + body.position();
    let (index, distance) = recipe.entry;
    let entry_point = table.get(index + 1).map_or(0, |section| section.3) + distance;

    let mut file = Writer::default();
    file.bytes(b"\x7fELF").bytes(&[if wide { 2 } else { 1 }, 1, 1]).zeros(9);
    file.u16(2).u16(if wide { 62 } else { 3 }).u32(1);
    file.address(entry_point, wide).address(header, wide).address(table_at, wide).u32(0);
    file.u16(u16::try_from(header).unwrap_or(0)).u16(u16::try_from(program).unwrap_or(0)).u16(1);
    let count = u16::try_from(table.len()).unwrap_or(u16::MAX);
    file.u16(u16::try_from(entry).unwrap_or(0)).u16(count).u16(count.saturating_sub(1));
    // One program header: the whole file, loaded at the base address.
    if wide {
        file.u32(1).u32(5).u64(0).u64(u64::from(BASE)).u64(u64::from(BASE));
        file.u64(u64::from(table_at)).u64(u64::from(table_at)).u64(0x1000);
    } else {
        file.u32(1).u32(0).u32(BASE).u32(BASE).u32(table_at).u32(table_at).u32(5).u32(0x1000);
    }
    file.bytes(&body.0);
    for (name, kind, at, address, size) in &table {
        file.u32(*name).u32(*kind).address(if *kind == 1 { 6 } else { 0 }, wide).address(*address, wide);
        file.address(*at, wide)
            .address(*size, wide)
            .u32(0)
            .u32(0)
            .address(u32::from(*kind != 0), wide)
            .address(0, wide);
    }

    let names = std::iter::once("").chain(recipe.sections.iter().map(|section| section.name.as_str()));
    let sections = table
        .iter()
        .zip(names.chain([".shstrtab"]))
        .map(|((_, _, at, address, size), name)| Section {
            name: name.as_bytes().to_vec(),
            raw_offset: u64::from(*at),
            raw_size: u64::from(*size),
            virtual_address: u64::from(*address),
            virtual_size: u64::from(*size),
        })
        .collect();
    let mut executable = recipe.facts(sections);
    executable.entry_point = Some(u64::from(entry_point - BASE));
    (file.0, Facts { executable: Some(executable), ..Facts::default() })
}

/// Where the file is loaded.
const BASE: u32 = 0x1_0000;
