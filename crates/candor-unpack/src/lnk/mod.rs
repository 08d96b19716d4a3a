//! Windows shortcuts: where they lead, and with which arguments.
//!
//! Layout: MS-SHLLINK. A header of 76 bytes with flags; then, as the flags say, a list of shell items, what is
//! known of the volume and path, and up to five texts.
//!
//! Shortcuts are a favourite of attackers for their arguments, which Explorer shows the first 260 letters of.
//! They are given as a child: scripts in them are then looked at as text.

#[cfg(test)]
mod tests;

use candor_model::{ChildKind, Content, FileType, Member, Reason, Sink};

use crate::reader::{Reader, clipped, until_nul};

/// Texts behind the header, in their order, with the flag of each.
const TEXTS: [(u32, &str); 5] =
    [(4, "description"), (8, "relative path"), (16, "working directory"), (32, "arguments"), (64, "icon")];

/// Bytes of the path that it leads to.
const PATH: u64 = 65_536;

const HAS_ITEMS: u32 = 1;
const HAS_INFO: u32 = 2;
const IS_UNICODE: u32 = 128;

/// Says where a shortcut leads; gives its arguments, and what stands behind it.
pub(crate) fn unpack(bytes: &[u8], sink: &mut dyn Sink) {
    if read(bytes, sink).is_none() {
        sink.incomplete(Reason::Malformed(String::from("shortcut")));
    }
}

fn read(bytes: &[u8], sink: &mut dyn Sink) -> Option<()> {
    let start = Reader::little(bytes);
    let flags = start.at(20)?.u32()?;
    let mut reader = start.at(76)?;
    if flags & HAS_ITEMS != 0 {
        reader.take_counted()?;
    }
    if flags & HAS_INFO != 0 {
        let info = reader;
        let length = reader.u32()?;
        let info = clipped(info.rest(), 0, u64::from(length));
        if let Some(target) = target(info) {
            sink.detail("target", target);
        }
        reader.skip(u64::from(length).checked_sub(4)?)?;
    }
    for (flag, name) in TEXTS {
        if flags & flag == 0 {
            continue;
        }
        let count = u64::from(reader.u16()?);
        let text = if flags & IS_UNICODE != 0 {
            utf16(reader.take(count.checked_mul(2)?)?)
        } else {
            reader.take(count)?.iter().copied().map(char::from).collect()
        };
        if name == "arguments" && !text.is_empty() {
            let member = Member {
                name: String::from("arguments"),
                file_type: Some(FileType::TextAscii),
                ..Member::default()
            };
            sink.detail(name, text.clone());
            let _ = sink.child(ChildKind::Extracted, &member, Content::Bytes(text.as_bytes()));
        } else {
            sink.detail(name, text);
        }
    }
    Some(())
}

/// The path that the local part of the link information names.
fn target(info: &[u8]) -> Option<String> {
    let start = Reader::little(info);
    let mut reader = start.at(4)?;
    let (header, flags) = (reader.u32()?, reader.u32()?);
    if flags & 1 == 0 {
        return None;
    }
    if header >= 0x24
        && let Some(offset) = start.at(28).and_then(|mut reader| reader.u32())
        && let Some(place) = start.at(u64::from(offset)).filter(|_| offset != 0)
    {
        let text = utf16(clipped(place.rest(), 0, PATH));
        return text.split('\0').next().map(str::to_owned);
    }
    let offset = start.at(16)?.u32()?;
    Some(
        until_nul(clipped(start.at(u64::from(offset))?.rest(), 0, PATH))
            .iter()
            .copied()
            .map(char::from)
            .collect(),
    )
}

fn utf16(bytes: &[u8]) -> String {
    let units = bytes.chunks_exact(2).filter_map(|pair| pair.try_into().ok()).map(u16::from_le_bytes);
    char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}
