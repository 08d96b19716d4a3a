//! Zoo archives.
//!
//! Layout: the public description in `zoo.h` of its maker's notes.
//!
//! ```text
//! 0    text; 20 0xfdc4a7dc, where the first entry stands
//!      0xfdc4a7dc, kind, method, where the next entry and the data stand, date, time, checksum, real and packed
//!      length, ..., 38 name of 13 bytes
//! ```
//!
//! Entries that lead back are read once each. Of deleted files, the data are given like any other.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use candor_model::{ChildKind, Content, Flow, Member, Reason, Sink};

use crate::lha::{self, Method};
use crate::lzw::Lzw;
use crate::name::decoded;
use crate::reader::{Reader, clipped, until_nul};

const MARK: u32 = 0xfdc4_a7dc;
/// Files of an archive.
const FILES: usize = 100_000;

/// Gives every file.
pub(crate) fn unpack(bytes: &[u8], sink: &mut dyn Sink) {
    let start = Reader::little(bytes);
    let mut next = start.at(24).and_then(|mut reader| reader.u32()).unwrap_or(0);
    let mut seen = BTreeSet::new();
    let mut position = 0_u64;
    while seen.len() < FILES && seen.insert(next) {
        let Some(entry) = Entry::read(bytes, next) else {
            sink.incomplete(Reason::Malformed("an entry of a Zoo archive".to_owned()));
            return;
        };
        // The last entry has no other behind it, and no data.
        if entry.next == 0 {
            return;
        }
        next = entry.next;
        let data = clipped(bytes, u64::from(entry.place), entry.packed);
        if u64::try_from(data.len()).unwrap_or(0) < entry.packed {
            sink.incomplete(Reason::Malformed(format!("the file {} is cut short", entry.name)));
        }
        position = position.saturating_add(1);
        let member = Member {
            name: entry.name,
            position,
            compressed_size: Some(entry.packed),
            real_size: Some(entry.real),
            method: Some(u16::from(entry.method)),
            ..Member::default()
        };
        let flow = match entry.method {
            0 => sink.child(ChildKind::Extracted, &member, Content::Bytes(data)),
            1 => sink.child(ChildKind::Extracted, &member, Content::Stream(&mut Lzw::of_zoo(data))),
            2 => lha::give(&member, Method::named(b"-lh5-"), data, entry.real, sink),
            method => {
                let reason = Reason::Unsupported(format!("method {method} of Zoo"));
                sink.child(ChildKind::Extracted, &member, Content::Absent(reason))
            }
        };
        if flow == Flow::Stop {
            return;
        }
    }
    sink.incomplete(Reason::Malformed("the entries of a Zoo archive have no end".to_owned()));
}

struct Entry {
    name: String,
    method: u8,
    next: u32,
    place: u32,
    real: u64,
    packed: u64,
}

impl Entry {
    fn read(bytes: &[u8], place: u32) -> Option<Self> {
        let mut reader = Reader::little(bytes).at(u64::from(place))?;
        if reader.u32()? != MARK {
            return None;
        }
        reader.skip(1)?;
        let method = reader.u8()?;
        let (next, place) = (reader.u32()?, reader.u32()?);
        reader.skip(6)?;
        let (real, packed) = (u64::from(reader.u32()?), u64::from(reader.u32()?));
        reader.skip(10)?;
        let name = decoded(until_nul(reader.take(13)?));
        Some(Self { name, method, next, place, real, packed })
    }
}
