//! PE32 and PE32+.

use candor_model::{Digest, Facts, ImportDigest, Section};
use md5::{Digest as _, Md5};

use super::{Executable, Kind, Writer, number, resource};

/// The file, and what is to be known about it.
pub(super) fn build(recipe: &Executable) -> (Vec<u8>, Facts) {
    let wide = recipe.kind == Kind::Pe32Plus;
    // Sections that the recipe only implies follow those that it names.
    let mut contents: Vec<(String, Vec<u8>)> =
        recipe.sections.iter().map(|section| (section.name.clone(), section.bytes.clone())).collect();
    let mut address = FIRST_ADDRESS;
    for (_, bytes) in &contents {
        address += spread(bytes.len());
    }
    let import_directory = (!recipe.imports.is_empty()).then(|| {
        let bytes = imports(recipe, address, wide);
        let directory = (address, number(bytes.len()));
        address += spread(bytes.len());
        contents.push((".idata".into(), bytes));
        directory
    });
    let mut version_offsets = Vec::new();
    let resource_directory = (!recipe.version.is_empty() || !recipe.icons.is_empty()).then(|| {
        let (bytes, offsets) = resource::section(&recipe.version, &recipe.icons, address);
        version_offsets = offsets;
        let directory = (address, number(bytes.len()));
        contents.push((".rsrc".into(), bytes));
        directory
    });

    let mut file = Writer::default();
    headers(&mut file, recipe, &contents, wide, import_directory, resource_directory);
    let mut sections = Vec::new();
    let mut raw = HEADERS;
    let mut address = FIRST_ADDRESS;
    for (name, bytes) in &contents {
        let raw_size = number(bytes.len().next_multiple_of(FILE_ALIGNMENT));
        sections.push(Section {
            name: name.clone().into_bytes(),
            raw_offset: u64::from(raw),
            raw_size: u64::from(raw_size),
            virtual_address: u64::from(address),
            virtual_size: u64::from(number(bytes.len().max(1))),
        });
        file.bytes(bytes).align(FILE_ALIGNMENT);
        raw += raw_size;
        address += spread(bytes.len());
    }
    let resources_at = sections.last().map_or(0, |section| section.raw_offset);
    let mut executable = recipe.facts(sections);
    executable.version_strings = version_offsets
        .into_iter()
        .zip(&recipe.version)
        .map(|(offset, (key, value))| candor_model::VersionString {
            offset: resources_at + u64::from(offset),
            key: key.clone(),
            value: value.clone(),
        })
        .collect();
    executable.imports = import_digest(recipe);
    (file.0, Facts { executable: Some(executable), icons: recipe.icons.clone(), ..Facts::default() })
}

/// How much address space a section takes.
fn spread(length: usize) -> u32 {
    number(length.max(1).next_multiple_of(0x1000))
}

fn headers(
    file: &mut Writer,
    recipe: &Executable,
    contents: &[(String, Vec<u8>)],
    wide: bool,
    imports: Option<(u32, u32)>,
    resources: Option<(u32, u32)>,
) {
    let (section, distance) = recipe.entry;
    let entry: u32 = FIRST_ADDRESS
        + contents.iter().take(section).map(|(_, bytes)| spread(bytes.len())).sum::<u32>()
        + distance;
    let image: u32 = FIRST_ADDRESS + contents.iter().map(|(_, bytes)| spread(bytes.len())).sum::<u32>();
    file.bytes(b"MZ").zeros(0x3a).u32(0x80).zeros(0x40);
    file.bytes(b"PE\0\0").u16(if wide { 0x8664 } else { 0x14c });
    file.u16(u16::try_from(contents.len()).unwrap_or(u16::MAX)).zeros(12);
    file.u16(if wide { 240 } else { 224 }).u16(0x102);
    file.u16(if wide { 0x20b } else { 0x10b }).zeros(14).u32(entry).u32(FIRST_ADDRESS);
    if wide {
        file.u64(0x1_4000_0000);
    } else {
        file.u32(0).u32(0x40_0000);
    }
    file.u32(0x1000).u32(number(FILE_ALIGNMENT)).u16(4).zeros(6).u16(4).zeros(6);
    file.u32(image).u32(HEADERS).zeros(4).u16(3).zeros(2).zeros(if wide { 32 } else { 16 }).zeros(4).u32(16);
    for directory in 0..16 {
        let (address, size) = match directory {
            1 => imports.unwrap_or_default(),
            2 => resources.unwrap_or_default(),
            _ => (0, 0),
        };
        file.u32(address).u32(size);
    }
    let mut raw = HEADERS;
    let mut address = FIRST_ADDRESS;
    for (name, bytes) in contents {
        let raw_size = number(bytes.len().next_multiple_of(FILE_ALIGNMENT));
        file.name(name, 8).u32(number(bytes.len().max(1))).u32(address).u32(raw_size).u32(raw);
        file.zeros(12).u32(0x6000_0020);
        raw += raw_size;
        address += spread(bytes.len());
    }
    let fill = usize::try_from(HEADERS).unwrap_or(0).saturating_sub(file.0.len());
    file.zeros(fill);
}

/// The import directory with everything that it refers to, to be loaded at `base`.
fn imports(recipe: &Executable, base: u32, wide: bool) -> Vec<u8> {
    let entry = if wide { 8 } else { 4 };
    let descriptors = 20 * (recipe.imports.len() + 1);
    let tables: usize = recipe.imports.iter().map(|(_, functions)| entry * (functions.len() + 1)).sum();
    // Directory, look-up tables, address tables, then names.
    let mut names = Writer::default();
    let names_at = base + number(descriptors + 2 * tables);
    let mut lookup = Writer::default();
    let mut directory = Writer::default();
    for (library, functions) in &recipe.imports {
        let table_at = base + number(descriptors) + lookup.position();
        for function in functions {
            lookup.address(names_at + names.position(), wide);
            names.u16(0).bytes(function.as_bytes()).zeros(1).align(2);
        }
        lookup.address(0, wide);
        directory.u32(table_at).zeros(8).u32(names_at + names.position()).u32(table_at + number(tables));
        names.bytes(library.as_bytes()).zeros(1).align(2);
    }
    directory.zeros(20);
    let mut section = directory;
    section.bytes(&lookup.0).bytes(&lookup.0).bytes(&names.0);
    section.0
}

/// MD5 over the list that import signatures are about.
fn import_digest(recipe: &Executable) -> Option<ImportDigest> {
    let names: Vec<String> = recipe
        .imports
        .iter()
        .flat_map(|(library, functions)| {
            let library = library.to_lowercase();
            let stem =
                [".dll", ".ocx", ".sys"].iter().find_map(|end| library.strip_suffix(end)).unwrap_or(&library);
            functions
                .iter()
                .map(move |function| format!("{stem}.{}", function.to_lowercase()))
                .collect::<Vec<_>>()
        })
        .collect();
    let list = names.join(",");
    let digest = Digest::new(&Md5::digest(list.as_bytes()))?;
    (!list.is_empty()).then_some(ImportDigest { digest, length: u64::from(number(list.len())) })
}

const HEADERS: u32 = 0x400;
const FIRST_ADDRESS: u32 = 0x1000;
const FILE_ALIGNMENT: usize = 0x200;
