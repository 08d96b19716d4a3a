//! Compiled HTML help: a directory of names, and two sections of content, of which one is packed by LZX.
//!
//! Layout: <https://www.russotto.net/chm/chmformat.html>.
//!
//! ```text
//! 0    "ITSF", version, ...; at 56 where two sections stand, at 88 where the content begins
//!      the second section: "ITSP", length of a chunk, number of chunks; chunks
//!      "PMGL", unused bytes at its end, links; entries: name, section, offset, length
//! ```
//!
//! The chunks of the directory are read as they stand and not along their links, so loops mean nothing.
//! The packed section is read once from front to back, as files lie in it; for files that overlap it is begun
//! again at the last place where the compression was reset, and that is paid for.

mod section;
#[cfg(test)]
mod tests;

use candor_model::{ChildKind, Content, Flow, Member, Reason, Sink};

use crate::name::decoded;
use crate::reader::{Reader, clipped};
use section::Section;

/// Entries of a directory.
const FILES: usize = 200_000;

/// Where the parts of the compression are named.
const STORAGE: &[u8] = b"::DataSpace/Storage/MSCompressed/";

/// Gives every file.
pub(crate) fn unpack(bytes: &[u8], sink: &mut dyn Sink) {
    let Some(help) = Help::read(bytes) else {
        sink.incomplete(Reason::Malformed("CHM header".to_owned()));
        return;
    };
    let (mut entries, is_whole) = help.entries();
    if !is_whole {
        sink.incomplete(Reason::Malformed("the directory of CHM is damaged".to_owned()));
    }
    let part = |name: &[u8]| {
        let entry = entries.iter().find(|entry| {
            entry.section == 0 && entry.name.strip_prefix(STORAGE).is_some_and(|rest| rest.ends_with(name))
        });
        entry.map(|entry| help.stored(entry))
    };
    let table = part(b"InstanceData/ResetTable");
    let mut packed = part(b"Content")
        .zip(part(b"ControlData"))
        .zip(table)
        .and_then(|((content, control), table)| Section::read(content, control, table));
    let stored_first = |entry: &Entry<'_>| (entry.section, entry.offset);
    entries.sort_by_key(stored_first);
    let mut position = 0_u64;
    for entry in entries.iter().filter(|entry| entry.length > 0 && !entry.name.starts_with(b"::DataSpace/")) {
        position = position.saturating_add(1);
        let member = Member {
            name: decoded(entry.name.strip_prefix(b"/").unwrap_or(entry.name)),
            position,
            real_size: Some(entry.length),
            ..Member::default()
        };
        let flow = match (entry.section, &mut packed) {
            (0, _) => {
                let content = help.stored(entry);
                if u64::try_from(content.len()).unwrap_or(0) < entry.length {
                    sink.incomplete(Reason::Malformed(format!("the file {} is cut short", member.name)));
                }
                sink.child(ChildKind::Extracted, &member, Content::Bytes(content))
            }
            (1, Some(section)) => match sink.budget().spend(section.skipped(entry.offset)) {
                Ok(()) => {
                    let mut stream = section.stream(entry.offset, entry.length);
                    sink.child(ChildKind::Extracted, &member, Content::Stream(&mut stream))
                }
                Err(reason) => {
                    sink.incomplete(reason);
                    Flow::Stop
                }
            },
            (1, None) => {
                let reason = Reason::Malformed("the compression of CHM is not described".to_owned());
                sink.child(ChildKind::Extracted, &member, Content::Absent(reason))
            }
            _ => {
                let reason = Reason::Unsupported("a section of CHM that readers do not know".to_owned());
                sink.child(ChildKind::Extracted, &member, Content::Absent(reason))
            }
        };
        if flow == Flow::Stop {
            return;
        }
    }
}

struct Help<'a> {
    bytes: &'a [u8],
    /// Where the content begins.
    content: u64,
    chunks: &'a [u8],
    /// Length of a chunk.
    chunk: usize,
}

struct Entry<'a> {
    name: &'a [u8],
    section: u64,
    offset: u64,
    length: u64,
}

impl<'a> Help<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let start = Reader::little(bytes);
        let version = start.at(4)?.u32()?;
        let mut place = start.at(72)?;
        let (offset, length) = (place.u64()?, place.u64()?);
        let content = if version < 3 { offset.checked_add(length)? } else { start.at(88)?.u64()? };
        let directory = start.at(offset)?;
        let header = directory.at(offset.checked_add(8)?)?.u32()?;
        let chunk = usize::try_from(directory.at(offset.checked_add(16)?)?.u32()?).ok()?;
        let first = offset.checked_add(u64::from(header))?;
        let chunks = clipped(bytes, first, length.saturating_sub(u64::from(header)));
        (64..=1 << 20).contains(&chunk).then_some(Self { bytes, content, chunks, chunk })
    }

    fn stored(&self, entry: &Entry<'a>) -> &'a [u8] {
        clipped(self.bytes, self.content.saturating_add(entry.offset), entry.length)
    }

    /// Every entry, and whether that is all.
    fn entries(&self) -> (Vec<Entry<'a>>, bool) {
        let mut entries = Vec::new();
        let mut is_whole = !self.chunks.is_empty();
        for chunk in self.chunks.chunks(self.chunk).filter(|chunk| chunk.starts_with(b"PMGL")) {
            let unused = Reader::little(chunk).at(4).and_then(|mut reader| reader.u32());
            let unused = unused.and_then(|unused| usize::try_from(unused).ok()).unwrap_or(0);
            let end = self.chunk.saturating_sub(unused).max(20);
            is_whole &= chunk.len() >= end;
            let mut rest = chunk.get(20..end.min(chunk.len())).unwrap_or_default();
            while !rest.is_empty() {
                let Some(entry) = entry(&mut rest).filter(|_| entries.len() < FILES) else {
                    is_whole = false;
                    break;
                };
                entries.push(entry);
            }
        }
        (entries, is_whole)
    }
}

fn entry<'a>(rest: &mut &'a [u8]) -> Option<Entry<'a>> {
    let length = usize::try_from(number(rest)?).ok()?;
    let (name, behind) = rest.split_at_checked(length)?;
    *rest = behind;
    let name = name.get(..length.min(4096))?;
    Some(Entry { name, section: number(rest)?, offset: number(rest)?, length: number(rest)? })
}

/// A number in groups of seven bits, most significant first; the last has no highest bit.
fn number(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for _ in 0..9 {
        let (&byte, behind) = rest.split_first()?;
        *rest = behind;
        value = value << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}
