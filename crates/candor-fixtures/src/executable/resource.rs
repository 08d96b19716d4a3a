//! A PE version resource: `VS_VERSIONINFO` with one table of strings.

use super::Writer;

/// A resource section, to be loaded at `base`, with these version strings; and where in it the key of each
/// string stands.
pub(super) fn version(strings: &[(String, String)], base: u32) -> (Vec<u8>, Vec<u32>) {
    let mut section = Writer::default();
    // Three levels of directories with one entry each: type 16 (version), name 1, language 0x409.
    for (id, next) in [(16_u32, 0x8000_0018_u32), (1, 0x8000_0030), (0x409, 0x48)] {
        section.zeros(12).u16(0).u16(1).u32(id).u32(next);
    }
    let data_at = 0x58;
    let (data, offsets) = version_info(strings);
    section.u32(base + data_at).u32(super::number(data.len())).zeros(8).bytes(&data);
    (section.0, offsets.into_iter().map(|offset| offset + data_at).collect())
}

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
