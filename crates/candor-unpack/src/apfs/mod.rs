//! APFS: containers, the volumes in them, and the files of these.
//!
//! Layout: Apple's "Apple File System Reference".
//!
//! ```text
//! block   checksum of 8 bytes, number, transaction, kind; then what it is
//! 0       "NXSB" at 32, size of a block, volumes; where newer ones of it are
//! ring    the same of the last transactions
//! map     a tree: number of an object and transaction -> block
//! volume  "APSB" at 32: its map and its tree, of which nodes are called by numbers of that map
//! tree    number of a file and kind of record -> inode, name, attribute, extent
//! ```
//!
//! Of the states in the ring, the newest that can be read is taken; snapshots are told and not read, and so are
//! volumes that need a key. A tree is read twice: names first, and then files in the order of their numbers, so that
//! nothing is held of them. Damaged blocks are told with their place; a block whose checksum is another is read all
//! the same.

mod blocks;
mod record;
mod tree;
mod volume;

#[cfg(test)]
mod tests;

use candor_model::{Flow, Reason, Sink};

use crate::medium::{Medium, taken};
use crate::reader::Reader;
use blocks::{Blocks, is_sound};
use tree::{Keys, Map, Tree, Visit};
pub use volume::ApfsVolume;

/// Blocks of the ring, volumes, and states that are tried.
const RING: u64 = 65_536;
const VOLUMES: u64 = 100;
const STATES: usize = 8;
/// What an entry of a map costs while it is made.
const ENTRY: u64 = 24;

/// Gives every file of every volume.
pub(crate) fn unpack(bytes: &[u8], sink: &mut dyn Sink) {
    walk(&bytes, sink);
}

/// The same of a container that need not be in memory.
pub(crate) fn walk(medium: &dyn Medium, sink: &mut dyn Sink) {
    let Some(container) = Apfs::open(medium, sink) else { return };
    let is_alone = container.volumes.len() == 1;
    let mut position = 0;
    for volume in &container.volumes {
        let folder = if is_alone { String::new() } else { format!("{}/", volume.name) };
        sink.detail("volume", volume.to_string());
        if container.give(volume, &folder, true, &mut position, sink) == Flow::Stop {
            return;
        }
    }
}

/// A container.
pub struct Apfs<'a> {
    blocks: Blocks<'a>,
    volumes: Vec<ApfsVolume>,
    /// The transaction that it is as after.
    transaction: u64,
}

impl std::fmt::Debug for Apfs<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Apfs").field("volumes", &self.volumes).finish_non_exhaustive()
    }
}

impl<'a> Apfs<'a> {
    /// Opens a container in its newest state that can be read; `None` when there is none, which is told.
    pub fn open(medium: &'a dyn Medium, sink: &mut dyn Sink) -> Option<Self> {
        let start = taken(medium, 0, 4096);
        let size = Reader::little(&start).at(36).and_then(|mut reader| reader.u32()).map_or(0, u64::from);
        if start.get(32..36) != Some(b"NXSB") || !size.is_power_of_two() || !(4096..=65_536).contains(&size) {
            sink.incomplete(Reason::Malformed("the superblock of an APFS container".to_owned()));
            return None;
        }
        let blocks = Blocks::new(medium, size);
        let (mut states, is_whole) = states(&blocks);
        if !is_whole {
            sink.incomplete(Reason::Unsupported("so many states of an APFS container".to_owned()));
        }
        let newest = states.first().map(|(transaction, _)| *transaction);
        if states.is_empty() {
            // It is damaged; perhaps what it leads to is not.
            sink.incomplete(Reason::Malformed("the superblock of an APFS container".to_owned()));
            states.extend(blocks.block(0).map(|block| (u64::MAX, block)));
        }
        let mut container = Self { blocks, volumes: Vec::new(), transaction: 0 };
        for (transaction, state) in states.into_iter().take(STATES) {
            container.transaction = transaction;
            match container.read(&state, sink) {
                Ok(true) => {
                    if newest.is_some_and(|newest| newest != transaction) {
                        let why = "the newest state of an APFS container; an older one was read";
                        sink.incomplete(Reason::Malformed(why.to_owned()));
                    }
                    let fusion =
                        Reader::little(&state).at(64).and_then(|mut reader| reader.u64()).unwrap_or(0);
                    if fusion & 0x100 != 0 {
                        let why = "an APFS container on two disks (Fusion)";
                        sink.incomplete(Reason::Unsupported(why.to_owned()));
                    }
                    container.blocks.damage();
                    return Some(container);
                }
                Ok(false) => {}
                Err(reason) => {
                    sink.incomplete(reason);
                    return None;
                }
            }
        }
        sink.incomplete(Reason::Malformed("the object map of an APFS container".to_owned()));
        None
    }

    /// Its volumes.
    #[must_use]
    pub fn volumes(&self) -> &[ApfsVolume] {
        &self.volumes
    }

    /// Gives the files of a volume, with a stream each that reads nothing until it is read; whether to go on. Forks
    /// and attributes are not given.
    pub fn files(&self, volume: &ApfsVolume, sink: &mut dyn Sink) -> Flow {
        self.give(volume, "", false, &mut 0, sink)
    }

    /// Reads the volumes of a state; whether it can be read.
    fn read(&mut self, state: &[u8], sink: &mut dyn Sink) -> Result<bool, Reason> {
        let start = Reader::little(state);
        let number = |at: u64| start.at(at).and_then(|mut reader| reader.u64()).unwrap_or(0);
        let Some(map) = self.map(number(160), sink)? else { return Ok(false) };
        let objects: Vec<u64> = (0..VOLUMES)
            .map(|index| number(index.saturating_mul(8).saturating_add(184)))
            .filter(|object| *object != 0)
            .collect();
        let mut volumes = Vec::new();
        let mut missing = 0_u64;
        for object in &objects {
            let block = map.place(*object).and_then(|place| self.blocks.block(place));
            match block.as_deref().and_then(ApfsVolume::read) {
                Some(volume) => volumes.push(volume),
                None => missing = missing.saturating_add(1),
            }
        }
        sink.budget().spend(self.blocks.unpaid())?;
        if volumes.is_empty() && missing > 0 {
            return Ok(false);
        }
        if missing > 0 {
            sink.incomplete(Reason::Malformed(format!("{missing} volumes of an APFS container")));
        }
        volume::number(&mut volumes);
        self.volumes = volumes;
        Ok(true)
    }

    /// Reads the object map at a place; `None` when there is none.
    fn map(&self, place: u64, sink: &mut dyn Sink) -> Result<Option<Map>, Reason> {
        let Some(block) = self.blocks.block(place).filter(|block| is_sound(block)) else { return Ok(None) };
        let root = Reader::little(&block).at(48).and_then(|mut reader| reader.u64());
        let Some(root) = root.filter(|_| block.get(24..26) == Some(&[0xb, 0])) else { return Ok(None) };
        let tree = Tree { blocks: &self.blocks, root, map: None, keys: Keys::Pairs };
        let most = sink.budget().memory() / 4;
        let mut entries = Entries { found: Vec::new(), latest: self.transaction, most, sink };
        tree.walk(&mut entries)?;
        let mut found = entries.found;
        // Of several states of an object, the last.
        found.sort_unstable();
        let mut map = Map::default();
        for (object, _, place) in found {
            match map.0.last_mut().filter(|(known, _)| *known == object) {
                Some(last) => last.1 = place,
                None => map.0.push((object, place)),
            }
        }
        map.0.retain(|(_, place)| *place != 0);
        Ok(Some(map))
    }
}

/// The superblocks that are as they were written, with their transactions, the newest first, and whether all of the ring
/// was looked at.
fn states(blocks: &Blocks<'_>) -> (Vec<(u64, Vec<u8>)>, bool) {
    let sound = |place: u64| {
        let block = blocks.block(place)?;
        let is_superblock = block.get(32..36) == Some(b"NXSB") && block.get(24..26) == Some(&[1, 0]);
        let transaction = Reader::little(&block).at(16)?.u64()?;
        (is_superblock && is_sound(&block)).then_some((transaction, block))
    };
    let Some(first) = blocks.block(0) else { return (Vec::new(), true) };
    let start = Reader::little(&first);
    let count = start.at(104).and_then(|mut reader| reader.u32()).map_or(0, u64::from);
    let base = start.at(112).and_then(|mut reader| reader.u64()).unwrap_or(0);
    let mut states: Vec<(u64, Vec<u8>)> = Vec::new();
    // A ring in pieces, which the upper bit tells of, is not one that was ever seen.
    for place in std::iter::once(0).chain((0..count.min(RING)).map(|index| base.saturating_add(index))) {
        if let Some(state) = sound(place)
            && states.iter().all(|(known, _)| *known != state.0)
        {
            states.push(state);
            states.sort_by_key(|(transaction, _)| std::cmp::Reverse(*transaction));
            states.truncate(STATES);
        }
    }
    (states, count <= RING)
}

/// Entries of a map: object, transaction, place; no place for what was deleted.
struct Entries<'s> {
    found: Vec<(u64, u64, u64)>,
    latest: u64,
    /// Bytes that may be held of them.
    most: u64,
    sink: &'s mut dyn Sink,
}

impl Visit for Entries<'_> {
    fn record(&mut self, key: &[u8], value: &[u8]) -> Result<Flow, Reason> {
        let Some((object, _, transaction)) = Keys::Pairs.read(key) else { return Ok(Flow::Continue) };
        let mut reader = Reader::little(value);
        let mut fields = || Some((reader.u32()?, reader.u32()?, reader.u64()?));
        let Some((flags, _, place)) = fields() else { return Ok(Flow::Continue) };
        if transaction <= self.latest {
            self.found.push((object, transaction, if flags & 1 == 0 { place } else { 0 }));
        }
        let held = u64::try_from(self.found.len()).unwrap_or(u64::MAX).saturating_mul(ENTRY);
        if held > self.most { Err(Reason::Memory) } else { Ok(Flow::Continue) }
    }

    fn pay(&mut self, bytes: u64) -> Result<(), Reason> {
        self.sink.budget().spend(bytes)
    }
}
