//! Encrypted presentations of PowerPoint: RC4 with keys of the `CryptoAPI`, each object under a key of its own.
//!
//! Layout: MS-PPT 2.3.2 (`CurrentUserAtom`), 2.3.3 (`UserEditAtom`), 2.3.4 (`PersistDirectoryAtom`) and 2.3.7
//! (`CryptSession10Container`). The number of an object is that of its block; what leads to the objects is not encrypted.
//!
//! Hostile files have edits that lead to each other in a circle, and directories that say thousands of times where the same
//! object stands: edits are counted, and the bytes of every object are paid for.

use std::collections::BTreeMap;

use super::encryption::Blocks;
use crate::reader::{Reader, clipped};

/// What the stream of the current user says when the presentation is encrypted.
const ENCRYPTED: u32 = 0xf3d1_c4df;
/// Kinds of records.
const EDIT: u16 = 0x0ff5;
const DIRECTORY: u16 = 0x1772;
const SESSION: u16 = 0x2f14;
/// Edits that are followed, from the last one back.
const EDITS: usize = 256;

/// Whether the stream of the current user says that the presentation is encrypted.
pub(super) fn is_encrypted(user: &[u8]) -> bool {
    Reader::little(user).at(12).and_then(|mut reader| reader.u32()) == Some(ENCRYPTED)
}

/// The presentation with its objects decrypted; `None` when no password opens it. `pay` is asked before bytes are read once more.
pub(super) fn decrypted(
    user: &[u8],
    presentation: &[u8],
    passwords: &[Vec<u8>],
    pay: &mut dyn FnMut(usize) -> bool,
) -> Option<Vec<u8>> {
    let last = Reader::little(user).at(16)?.u32()?;
    let mut objects: BTreeMap<u32, u32> = BTreeMap::new();
    let mut session = None;
    let mut edit = last;
    for _ in 0..EDITS {
        let Some(body) = record(presentation, edit, EDIT) else { break };
        let mut reader = Reader::little(body).at(8)?;
        let (previous, directory) = (reader.u32()?, reader.u32()?);
        session = session.or_else(|| Reader::little(body).at(28)?.u32());
        let directory = record(presentation, directory, DIRECTORY).unwrap_or_default();
        if !pay(directory.len()) {
            break;
        }
        // What a later edit says counts.
        for (number, offset) in entries(directory) {
            objects.entry(number).or_insert(offset);
        }
        if previous == 0 {
            break;
        }
        edit = previous;
    }
    let session = record(presentation, *objects.get(&session?)?, SESSION)?;
    let blocks = Blocks::open(session, passwords)?;
    let mut plain = presentation.to_vec();
    for (number, offset) in objects {
        let rest = clipped(presentation, u64::from(offset), u64::MAX);
        if matches!(kind(rest), Some(EDIT | DIRECTORY | SESSION)) {
            continue;
        }
        let head = blocks.block(number, clipped(rest, 0, 8));
        let Some(length) = Reader::little(&head).at(4).and_then(|mut reader| reader.u32()) else { continue };
        let object = clipped(rest, 0, u64::from(length).saturating_add(8));
        if !pay(object.len()) {
            break;
        }
        let start = presentation.len().saturating_sub(rest.len());
        if let Some(place) = plain.get_mut(start..start.saturating_add(object.len())) {
            place.copy_from_slice(&blocks.block(number, object));
        }
    }
    Some(plain)
}

fn kind(record: &[u8]) -> Option<u16> {
    Reader::little(record).at(2)?.u16()
}

/// The body of the record at `offset`, if it is of this kind.
fn record(presentation: &[u8], offset: u32, expected: u16) -> Option<&[u8]> {
    let record = clipped(presentation, u64::from(offset), u64::MAX);
    let length = Reader::little(record).at(4)?.u32()?;
    (kind(record)? == expected).then(|| clipped(record, 8, u64::from(length)))
}

/// The numbers of objects, and where they stand.
fn entries(directory: &[u8]) -> impl Iterator<Item = (u32, u32)> {
    let mut reader = Reader::little(directory);
    let (mut number, mut left) = (0_u32, 0_u32);
    std::iter::from_fn(move || {
        while left == 0 {
            let head = reader.u32()?;
            (number, left) = (head & 0x000f_ffff, head >> 20);
        }
        let entry = (number, reader.u32()?);
        (number, left) = (number.saturating_add(1), left.saturating_sub(1));
        Some(entry)
    })
}
