//! ZIP: stored and deflated members.
//!
//! Layout: <https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT>. Local headers with their data come
//! first, then the central directory with a row for each, then the end record that says where the directory
//! stands.
//!
//! Readers disagree on which of the three they believe, and hostile archives live from that. So all are
//! believed: every row of the central directory is opened; where the local header gives another method or
//! size, it is opened as that says too; and what the directory does not cover is searched for further local
//! headers. An archive without a directory is read by its local headers alone. Members that overlap are
//! opened each: the budget bounds what that may cost.

mod layout;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use candor_model::{ChildKind, Content, Flow, Member, Reason, Sink};
use flate2::bufread::DeflateDecoder;
use memchr::memmem;

use layout::{Entry, LOCAL};

use crate::name::decoded;
use crate::reader::{Reader, clipped};

/// Gives every member.
pub(crate) fn unpack(bytes: &[u8], sink: &mut dyn Sink) {
    let mut walk = Walk { bytes, sink, position: 0, covered: BTreeMap::new() };
    if walk.central() == Flow::Continue {
        // What is left are headers that nothing points to; stopping there or not is the same.
        let _ = walk.uncovered();
    }
}

struct Walk<'a, 'sink> {
    bytes: &'a [u8],
    sink: &'sink mut dyn Sink,
    position: u64,
    /// From the start of each local header that was read to the end of its data.
    covered: BTreeMap<u64, u64>,
}

impl Walk<'_, '_> {
    /// Opens what the central directory lists.
    fn central(&mut self) -> Flow {
        let Some((directory, base)) = layout::directory(self.bytes) else { return Flow::Continue };
        let mut reader = directory;
        while let Some(listed) = Entry::central(&mut reader) {
            self.position = self.position.saturating_add(1);
            // The directory counts from the start of the archive, which is not that of the file when a
            // program stands before it; and some writers count from the start of the file all the same.
            let places = [base.checked_add(listed.header), Some(listed.header)];
            let local = places
                .into_iter()
                .flatten()
                .find_map(|place| Entry::local(Reader::little(self.bytes).at(place)?));
            let Some(local) = local else {
                let reason = Reason::Malformed(format!("ZIP member {} has no header", self.position));
                if self.give(&listed, Content::Absent(reason)) == Flow::Stop {
                    return Flow::Stop;
                }
                continue;
            };
            let listed = Entry { data: local.data, ..listed };
            self.cover(&local, listed.compressed);
            if self.open(&listed) == Flow::Stop {
                return Flow::Stop;
            }
            let is_said_later = local.has_descriptor && local.compressed == 0;
            let agrees = local.method == listed.method && local.compressed == listed.compressed;
            if !agrees && !is_said_later && self.open(&local) == Flow::Stop {
                return Flow::Stop;
            }
        }
        Flow::Continue
    }

    /// Opens local headers where nothing was read yet.
    fn uncovered(&mut self) -> Flow {
        let mut at = 0_u64;
        while let Some(place) = self.next_header(at) {
            let entry = Reader::little(self.bytes).at(place).and_then(Entry::local);
            let Some(mut entry) = entry.filter(Entry::is_plausible) else {
                at = place.saturating_add(1);
                continue;
            };
            if entry.has_descriptor && entry.compressed == 0 {
                entry.compressed = self.size_from_descriptor(&entry);
            }
            self.position = self.position.saturating_add(1);
            self.cover(&entry, entry.compressed);
            if self.open(&entry) == Flow::Stop {
                return Flow::Stop;
            }
            at = entry.data.saturating_add(entry.compressed).max(place.saturating_add(1));
        }
        Flow::Continue
    }

    /// The first local header from `at` on that is not covered.
    fn next_header(&self, mut at: u64) -> Option<u64> {
        loop {
            // Jump over what was read already.
            while let Some((_, &end)) = self.covered.range(..=at).next_back().filter(|&(_, &end)| end > at) {
                at = end;
            }
            let rest = self.bytes.get(usize::try_from(at).ok()?..)?;
            let found = at.checked_add(u64::try_from(memmem::find(rest, LOCAL)?).ok()?)?;
            let is_covered = self.covered.range(..=found).next_back().is_some_and(|(_, &end)| end > found);
            if !is_covered {
                return Some(found);
            }
            at = found;
        }
    }

    fn cover(&mut self, entry: &Entry, compressed: u64) {
        let end = entry.data.saturating_add(compressed);
        let known = self.covered.entry(entry.header).or_insert(end);
        *known = end.max(*known);
    }

    /// Length of data whose header leaves it open: up to its descriptor or the next header.
    fn size_from_descriptor(&self, entry: &Entry) -> u64 {
        let data = clipped(self.bytes, entry.data, u64::MAX);
        let is_mark = |at: &usize| {
            let mark = data.get(*at..).and_then(|rest| rest.first_chunk());
            matches!(mark, Some(b"PK\x07\x08" | b"PK\x03\x04" | b"PK\x01\x02"))
        };
        let end = memmem::find_iter(data, b"PK").find(is_mark).unwrap_or(data.len());
        u64::try_from(end).unwrap_or(u64::MAX)
    }

    /// Gives the content of a member.
    fn open(&mut self, entry: &Entry) -> Flow {
        let data = clipped(self.bytes, entry.data, entry.compressed);
        if entry.is_encrypted {
            return self.give(entry, Content::Absent(Reason::Encrypted));
        }
        match entry.method {
            // Directories are members without data, and signatures name them like any other.
            _ if data.is_empty() => self.give(entry, Content::Bytes(data)),
            0 => self.give(entry, Content::Bytes(data)),
            8 => self.give(entry, Content::Stream(&mut DeflateDecoder::new(data))),
            other => {
                let reason = Reason::Unsupported(format!("ZIP compression method {other}"));
                self.give(entry, Content::Absent(reason))
            }
        }
    }

    fn give(&mut self, entry: &Entry, content: Content<'_>) -> Flow {
        let member = Member {
            name: decoded(&entry.name),
            position: self.position,
            compressed_size: Some(entry.compressed),
            real_size: Some(entry.real),
            encrypted: entry.is_encrypted,
            crc32: Some(entry.crc32),
            method: Some(entry.method),
            file_type: None,
        };
        self.sink.child(ChildKind::Extracted, &member, content)
    }
}
