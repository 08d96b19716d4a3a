//! PE resources: `VS_VERSIONINFO` with one table of strings, and icons with the group that names them.

use candor_model::Icon;

use super::{Writer, number};

/// A resource section, to be loaded at `base`, with these version strings and icons; and where in it the key
/// of each string stands.
pub(super) fn section(strings: &[(String, String)], icons: &[Icon], base: u32) -> (Vec<u8>, Vec<u32>) {
    let mut types: Vec<(u32, Vec<Vec<u8>>)> = Vec::new();
    if !icons.is_empty() {
        let bitmaps: Vec<Vec<u8>> = icons.iter().map(bitmap).collect();
        let group = group(icons, &bitmaps);
        types.push((ICON, bitmaps));
        types.push((ICON_GROUP, vec![group]));
    }
    let mut keys = Vec::new();
    if !strings.is_empty() {
        let (data, offsets) = version_info(strings);
        types.push((VERSION, vec![data]));
        keys = offsets;
    }
    let (section, last) = tree(&types, base);
    (section, keys.into_iter().map(|offset| offset + last).collect())
}

/// Three levels of directories: type, number from 1, language. Says where the last resource stands.
fn tree(types: &[(u32, Vec<Vec<u8>>)], base: u32) -> (Vec<u8>, u32) {
    let directory = |count: usize| 16 + 8 * number(count);
    let names_at = directory(types.len());
    let count: usize = types.iter().map(|(_, resources)| resources.len()).sum();
    let languages_at = names_at + types.iter().map(|(_, resources)| directory(resources.len())).sum::<u32>();
    let entries_at = languages_at + number(count) * directory(1);
    let mut data_at = (entries_at + 16 * number(count)).next_multiple_of(8);

    let mut section = Writer::default();
    let mut names = Writer::default();
    let mut languages = Writer::default();
    let mut entries = Writer::default();
    let mut data = Writer::default();
    let open = |writer: &mut Writer, count: usize| {
        writer.zeros(14).u16(u16::try_from(count).unwrap_or(u16::MAX));
    };
    let first = data_at;
    let mut last = data_at;
    open(&mut section, types.len());
    for (kind, resources) in types {
        section.u32(*kind).u32(SUBDIRECTORY | (names_at + names.position()));
        open(&mut names, resources.len());
        for (id, resource) in (1..).zip(resources) {
            names.u32(id).u32(SUBDIRECTORY | (languages_at + languages.position()));
            open(&mut languages, 1);
            languages.u32(0x409).u32(entries_at + entries.position());
            last = data_at;
            entries.u32(base + data_at).u32(number(resource.len())).zeros(8);
            data.bytes(resource).align(8);
            data_at = first + data.position();
        }
    }
    section.bytes(&names.0).bytes(&languages.0).bytes(&entries.0).align(8).bytes(&data.0);
    (section.0, last)
}

/// A bitmap of 32 bits a pixel, bottom row first, and a mask that says nothing.
fn bitmap(icon: &Icon) -> Vec<u8> {
    let side = usize::try_from(icon.size).unwrap_or(0);
    let mut file = Writer::default();
    file.u32(40).u32(icon.size).u32(icon.size * 2).u16(1).u16(32).zeros(24);
    for row in icon.pixels.chunks(side.max(1)).rev() {
        row.iter().for_each(|pixel| {
            file.u32(*pixel);
        });
    }
    file.zeros(side * side.div_ceil(32) * 4);
    file.0
}

fn group(icons: &[Icon], bitmaps: &[Vec<u8>]) -> Vec<u8> {
    let mut group = Writer::default();
    group.u16(0).u16(1).u16(u16::try_from(icons.len()).unwrap_or(u16::MAX));
    for (id, (icon, bitmap)) in (1..).zip(icons.iter().zip(bitmaps)) {
        let side = u8::try_from(icon.size).unwrap_or(0);
        group.bytes(&[side, side, 0, 0]).u16(1).u16(32).u32(number(bitmap.len())).u16(id);
    }
    group.0
}

const ICON: u32 = 3;
const ICON_GROUP: u32 = 14;
const VERSION: u32 = 16;
/// Set in the place of an entry that is a directory.
const SUBDIRECTORY: u32 = 0x8000_0000;

fn version_info(strings: &[(String, String)]) -> (Vec<u8>, Vec<u32>) {
    let mut info = Writer::default();
    let mut offsets = Vec::new();
    let whole = open(&mut info, 52, 0, "VS_VERSION_INFO");
    info.u32(0xfeef_04bd).u32(0x1_0000).zeros(44);
    let file_info = open(&mut info, 0, 1, "StringFileInfo");
    let table = open(&mut info, 0, 1, "040904B0");
    for (key, value) in strings {
        info.align(4);
        offsets.push(info.position() + 6);
        let units = u16::try_from(value.encode_utf16().count() + 1).unwrap_or(u16::MAX);
        let string = open(&mut info, units, 1, key);
        wide(&mut info, value);
        close(&mut info, string);
    }
    close(&mut info, table);
    close(&mut info, file_info);
    close(&mut info, whole);
    (info.0, offsets)
}

/// Begins a block; returns where its length is to be written.
fn open(info: &mut Writer, value_length: u16, kind: u16, key: &str) -> usize {
    info.align(4);
    let at = info.0.len();
    info.u16(0).u16(value_length).u16(kind);
    wide(info, key);
    info.align(4);
    at
}

fn close(info: &mut Writer, at: usize) {
    let length = u16::try_from(info.0.len() - at).unwrap_or(u16::MAX);
    if let Some(field) = info.0.get_mut(at..at + 2) {
        field.copy_from_slice(&length.to_le_bytes());
    }
}

fn wide(info: &mut Writer, text: &str) {
    for unit in text.encode_utf16().chain([0]) {
        info.u16(unit);
    }
}
