//! Metadata: rights, then folders in one another, whose entries name the SHA-1 of their content.

use std::collections::{BTreeMap, BTreeSet};

use crate::reader::{Reader, clipped};
use crate::work::{Allowance, units};

/// Bytes of names that are kept, and folders that wait to be read.
const NAMES: usize = 32 << 20;
const FOLDERS: usize = 10_000;

/// Bytes of the name of a stream, as there may be: entries may overlap.
const NAME: u64 = 512;
/// What an entry and each of its streams cost besides the path, in the units of [`Allowance`].
const ENTRY: u64 = 512;

/// Takes the names of files from metadata; `left` entries more are read. Whether there is room for all of them, and `work` to
/// read them.
pub(super) fn read(
    metadata: &[u8],
    names: &mut BTreeMap<[u8; 20], String>,
    left: &mut u32,
    work: &Allowance,
) -> bool {
    let mut are_all = true;
    let start = Reader::little(metadata);
    let Some(rights) = start.at(0).and_then(|mut reader| reader.u32()) else { return true };
    let root = u64::from(rights.max(8)).next_multiple_of(8);
    let mut open = vec![(root, String::new())];
    let mut seen = BTreeSet::new();
    let mut bytes = names.values().map(String::len).fold(0, usize::saturating_add);
    while let Some((place, path)) = open.pop() {
        if !seen.insert(place) {
            continue;
        }
        let mut at = place;
        while let Some(entry) = Entry::read(metadata, at) {
            let Some(fewer) = left.checked_sub(1) else { return false };
            *left = fewer;
            let count = units(entry.streams.len());
            let length = units(path.len().saturating_add(entry.name.len()));
            if !work.pay(count.saturating_mul(ENTRY.saturating_add(length))) {
                return false;
            }
            at = entry.end;
            // The root has no name.
            let name = if entry.name.is_empty() { path.clone() } else { format!("{path}{}", entry.name) };
            if entry.is_folder {
                if name.len() < 4096 && open.len() < FOLDERS {
                    let below = if name.is_empty() { name } else { name + "/" };
                    open.push((entry.below, below));
                } else {
                    are_all = false;
                }
                continue;
            }
            // What is empty has no digest.
            for (digest, stream) in entry.streams.into_iter().filter(|(digest, _)| *digest != [0; 20]) {
                let name = if stream.is_empty() { name.clone() } else { format!("{name}:{stream}") };
                bytes = bytes.saturating_add(name.len());
                if bytes > NAMES {
                    return false;
                }
                names.entry(digest).or_insert(name);
            }
        }
    }
    are_all
}

struct Entry {
    name: String,
    is_folder: bool,
    below: u64,
    end: u64,
    /// Digests and names of its streams.
    streams: Vec<([u8; 20], String)>,
}

impl Entry {
    fn read(metadata: &[u8], at: u64) -> Option<Self> {
        let start = Reader::little(metadata).at(at)?;
        let mut reader = start;
        // A length of 0 is the end of a folder.
        let length = reader.u64().filter(|length| *length >= 102)?;
        let attributes = reader.u32()?;
        reader.skip(4)?;
        let below = reader.u64()?;
        let field = |offset: u64| Reader::little(metadata).at(at.checked_add(offset)?);
        let digest = *field(64)?.take(20)?.first_chunk()?;
        let mut counts = field(96)?;
        let (streams, _, name_length) = (counts.u16()?, counts.u16()?, counts.u16()?);
        let name = utf16(clipped(metadata, at.checked_add(102)?, u64::from(name_length)));
        let mut end = at.checked_add(length)?.checked_next_multiple_of(8)?;
        let mut found = vec![(digest, String::new())];
        for _ in 0..streams {
            let mut reader = Reader::little(metadata).at(end)?;
            let length = reader.u64().filter(|length| *length >= 38)?;
            reader.skip(8)?;
            let digest = *reader.take(20)?.first_chunk()?;
            let name_length = reader.u16()?;
            found.push((digest, utf16(clipped(reader.rest(), 0, u64::from(name_length).min(NAME)))));
            end = end.checked_add(length)?.checked_next_multiple_of(8)?;
        }
        Some(Self { name, is_folder: attributes & 16 != 0, below, end, streams: found })
    }
}

fn utf16(bytes: &[u8]) -> String {
    encoding_rs::UTF_16LE.decode_without_bom_handling(bytes).0.into_owned()
}
