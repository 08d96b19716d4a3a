//! ext2, ext3 and ext4 volumes.
//!
//! Layout: <https://docs.kernel.org/filesystems/ext4/>.
//!
//! ```text
//! 1024  inodes, blocks, ..., 24 size of a block; 40 inodes a group; 56 0xef53; 88 size of an inode; features
//!       behind it, a row a group: where its inodes stand
//!       an inode: mode, size, ..., 32 flags, 40 places of blocks, or a tree of extents
//!       a directory: inode, length of the entry, of the name, type; name
//! ```
//!
//! The inodes are read in their order, and directories only for names, so that loops mean nothing and a file
//! that no directory leads to is given. Inodes that are not in use are passed over. [`walk`] goes from directory
//! to directory instead: on a large volume, most inodes are not in use, and only what has a path is asked for.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;

use candor_model::{ChildKind, Content, Flow, Member, Reason, Sink};

use crate::extents::{Extent, Extents};
use crate::medium::{Medium, taken};
use crate::name::{decoded, path_from};
use crate::pieces::{PIECES, Pieces, STEP, STEPS};
use crate::reader::{Reader, clipped};
use crate::work::{charge, units};

/// Inodes of a volume, entries of directories, bytes of one directory.
const INODES: u32 = 1 << 20;
/// What looking at a group or an inode costs, and a byte of a directory, in the units of [`candor_model::Budget::pay_work`]:
/// entries have eight bytes.
const LOOK: u64 = 128;
const ENTRY_BYTE: u64 = 16;
const ENTRIES: u32 = 500_000;
const DIRECTORY: u64 = 16 << 20;
/// Bytes of names that are kept.
const NAMES: u64 = 32 << 20;
/// Inodes before this are the file system's own, except for the root.
const FIRST: u32 = 11;
const ROOT: u32 = 2;

/// Gives every file.
pub(crate) fn unpack(bytes: &[u8], sink: &mut dyn Sink) {
    let Some(volume) = Volume::open(&bytes, sink) else { return };
    // No more than would fit, whatever the superblock says.
    let fitting = volume.medium.length().checked_div(volume.inode).unwrap_or(0);
    let count = volume.inodes.min(INODES).min(u32::try_from(fitting).unwrap_or(u32::MAX));
    if volume.inodes > INODES && count == INODES {
        sink.incomplete(Reason::Children);
    }
    // Each inode is looked at twice.
    let groups = u64::from(volume.inodes.min(INODES).div_ceil(volume.per_group));
    let looks = u64::from(count).saturating_mul(2).saturating_add(groups);
    if !charge(looks.saturating_mul(LOOK), sink) {
        return;
    }
    let missing = volume.missing(volume.inodes.min(INODES));
    if missing > 0 {
        sink.incomplete(Reason::Malformed(format!("the inodes of {missing} groups of an ext volume")));
    }
    let mut names = BTreeMap::new();
    let (mut left, mut bytes_left) = (ENTRIES, NAMES);
    for number in 1..=count {
        let Some(inode) = volume.inode(number).filter(|inode| inode.kind == DIRECTORY_KIND) else { continue };
        let mut content = Vec::new();
        let steps = volume.read_directory(&inode, &mut content);
        let made =
            u64::try_from(content.len()).unwrap_or(u64::MAX).saturating_add(steps.saturating_mul(STEP));
        if let Err(reason) = sink.budget().spend(made) {
            sink.incomplete(reason);
            return;
        }
        if !charge(units(content.len()).saturating_mul(ENTRY_BYTE), sink) {
            return;
        }
        entries(&content, number, &mut names, &mut left, &mut bytes_left);
    }
    let mut position = 0_u64;
    for number in FIRST..=count {
        let Some(inode) = volume.inode(number).filter(|inode| inode.kind == FILE_KIND && inode.size > 0)
        else {
            continue;
        };
        position = position.saturating_add(1);
        if volume.give(&inode, path(&names, number), position, sink) == Flow::Stop {
            return;
        }
    }
}

/// Gives every file that a path leads to, from the root on, empty ones too.
pub(crate) fn walk(medium: &dyn Medium, sink: &mut dyn Sink) {
    let Some(volume) = Volume::open(medium, sink) else { return };
    if volume.is_open {
        sink.incomplete(Reason::Unsupported("changes in the journal of an ext volume".to_owned()));
    }
    let mut walk = Walk { volume: &volume, sink, open: vec![(ROOT, String::new())], position: 0 };
    let mut seen = BTreeSet::from([ROOT]);
    let (mut left, mut room) = (WALKED, WAITING);
    while let Some((number, folder)) = walk.open.pop() {
        room = room.saturating_add(folder.len());
        let Some(content) = walk.directory(number, &folder) else { return };
        let mut flow = Flow::Continue;
        let whole = each(&content, &mut |number, name| {
            let Some(fewer) = left.checked_sub(1) else { return false };
            left = fewer;
            let path = format!("{folder}{}", decoded(name));
            if !charge(LOOK.saturating_mul(2).saturating_add(units(path.len())), walk.sink) {
                flow = Flow::Stop;
                return false;
            }
            match volume.inode(number) {
                // A directory is in one other only, whatever entries say.
                Some(inode) if inode.kind == DIRECTORY_KIND => {
                    let Some(less) = room.checked_sub(path.len()) else { return false };
                    if path.len() >= PATH {
                        walk.sink.incomplete(Reason::Depth);
                    } else if seen.insert(number) {
                        room = less.saturating_sub(1);
                        walk.open.push((number, path + "/"));
                    }
                }
                Some(inode) if inode.kind == FILE_KIND => flow = walk.file(&inode, path),
                Some(_) => {}
                None => walk.sink.incomplete(Reason::Malformed(format!("the inode of {path}"))),
            }
            flow == Flow::Continue
        });
        if flow == Flow::Stop {
            return;
        }
        if !whole {
            walk.sink.incomplete(Reason::Children);
            return;
        }
    }
}

struct Walk<'a, 'v, 'sink> {
    volume: &'v Volume<'a>,
    sink: &'sink mut dyn Sink,
    /// Directories that wait to be read.
    open: Vec<(u32, String)>,
    position: u64,
}

impl Walk<'_, '_, '_> {
    /// The content of a directory, as far as it can be read; `None` to stop.
    fn directory(&mut self, number: u32, folder: &str) -> Option<Vec<u8>> {
        let mut content = Vec::new();
        let inode = self.volume.inode(number).filter(|inode| inode.kind == DIRECTORY_KIND);
        let damaged = || Reason::Malformed(format!("the directory /{folder}"));
        let Some(inode) = inode else {
            self.sink.incomplete(damaged());
            return Some(content);
        };
        if inode.flags & ENCRYPTED != 0 {
            self.sink.incomplete(Reason::Encrypted);
            return Some(content);
        }
        let steps = self.volume.read_directory(&inode, &mut content);
        let read = u64::try_from(content.len()).unwrap_or(u64::MAX);
        if inode.size > DIRECTORY {
            self.sink.incomplete(Reason::Children);
        } else if inode.inline().is_none() && read < inode.size {
            self.sink.incomplete(damaged());
        }
        match self.sink.budget().spend(read.saturating_add(steps.saturating_mul(STEP))) {
            Ok(()) => Some(content),
            Err(reason) => {
                self.sink.incomplete(reason);
                None
            }
        }
    }

    fn file(&mut self, inode: &Inode, path: String) -> Flow {
        self.position = self.position.saturating_add(1);
        self.volume.give(inode, path, self.position, self.sink)
    }
}

const FILE_KIND: u16 = 0x8;
const DIRECTORY_KIND: u16 = 0x4;
const ENCRYPTED: u32 = 0x800;
const EXTENTS: u32 = 0x8_0000;
const INLINE: u32 = 0x1000_0000;

/// Entries of all directories on a walk, bytes of a path on it, and of those of directories that wait.
const WALKED: u32 = 8_000_000;
const PATH: usize = 4096;
const WAITING: usize = 256 << 20;

struct Volume<'a> {
    medium: &'a dyn Medium,
    block: u64,
    inodes: u32,
    per_group: u32,
    inode: u64,
    /// Where the rows of groups stand, and the length of one.
    groups: u64,
    group: u64,
    spread: Option<Spread>,
    /// Whether it was in use: what was changed last stands in its journal then.
    is_open: bool,
}

/// Rows that do not stand together: from a block of them on, each block stands in the first group that it tells of.
struct Spread {
    /// The first such block.
    first: u64,
    /// Where the first group begins, and how long each is, in blocks.
    start: u64,
    length: u64,
    /// Which groups begin with a copy of the superblock.
    copies: Copies,
}

enum Copies {
    All,
    /// The first two, and powers of 3, 5 and 7: none that a block of rows begins with, as it has a power of two of them.
    Sparse,
    Two([u32; 2]),
}

impl Spread {
    /// Where the block stands with the rows of groups from `group` on, in blocks.
    fn place(&self, group: u64) -> Option<u64> {
        let has_copy = match self.copies {
            Copies::All => true,
            Copies::Sparse => false,
            Copies::Two(groups) => groups.iter().any(|&with| u64::from(with) == group),
        };
        group.checked_mul(self.length)?.checked_add(self.start)?.checked_add(u64::from(has_copy))
    }
}

struct Inode {
    kind: u16,
    size: u64,
    flags: u32,
    /// Places of blocks, or the root of a tree of extents, or the content itself.
    places: [u8; 60],
}

impl Inode {
    /// What stands in the inode, when that is where its content is.
    fn inline(&self) -> Option<&[u8]> {
        (self.flags & INLINE != 0).then(|| clipped(&self.places, 0, self.size))
    }
}

impl<'a> Volume<'a> {
    fn open(medium: &'a dyn Medium, sink: &mut dyn Sink) -> Option<Self> {
        let volume = Self::read(medium);
        if volume.is_none() {
            sink.incomplete(Reason::Malformed("the superblock of an ext volume".to_owned()));
        }
        volume
    }

    fn read(medium: &'a dyn Medium) -> Option<Self> {
        let superblock = taken(medium, 1024, 1024);
        let start = Reader::little(&superblock);
        let field = |at: u64| start.at(at);
        if field(56)?.u16()? != 0xef53 {
            return None;
        }
        let (inodes, shift) = (field(0)?.u32()?, field(24)?.u32()?);
        let per_group = field(40)?.u32()?;
        let revision = field(76)?.u32()?;
        let inode = if revision == 0 { 128 } else { u64::from(field(88)?.u16()?) };
        let incompatible = if revision == 0 { 0 } else { field(96)?.u32()? };
        let wide = u64::from(field(254)?.u16()?);
        let block = 1024_u64.checked_shl(shift).filter(|_| shift <= 6)?;
        if per_group == 0 || !(128..=4096).contains(&inode) {
            return None;
        }
        let group = if incompatible & 0x80 != 0 { wide.max(32) } else { 32 };
        let is_open = incompatible & 4 != 0;
        // Behind the superblock's own block. That is not always the first that belongs to a group: where groups count in
        // clusters, it is the second of the first cluster.
        let groups = 1024_u64.checked_div(block)?.checked_add(1)?.checked_mul(block)?;
        let spread = if incompatible & 0x10 != 0 {
            let copies = if field(92)?.u32()? & 0x200 != 0 {
                Copies::Two([field(588)?.u32()?, field(592)?.u32()?])
            } else if field(100)?.u32()? & 1 != 0 {
                Copies::Sparse
            } else {
                Copies::All
            };
            let (start, length) = (field(20)?.u32()?, field(32)?.u32()?);
            let first = u64::from(field(260)?.u32()?);
            Some(Spread { first, start: start.into(), length: length.into(), copies })
        } else {
            None
        };
        Some(Self { medium, block, inodes, per_group, inode, groups, group, spread, is_open })
    }

    /// Where the row of a group stands.
    fn row(&self, group: u64) -> Option<u64> {
        let rows = self.block.checked_div(self.group)?;
        let (block, index) = (group.checked_div(rows)?, group.checked_rem(rows)?);
        let Some(spread) = self.spread.as_ref().filter(|spread| block > 0 && block >= spread.first) else {
            return self.groups.checked_add(group.checked_mul(self.group)?);
        };
        let place = spread.place(block.checked_mul(rows)?)?.checked_mul(self.block)?;
        place.checked_add(index.checked_mul(self.group)?)
    }

    /// Where the inodes of a group stand, and whether any of them was ever used.
    fn table(&self, group: u64) -> Option<(u64, bool)> {
        let row = taken(self.medium, self.row(group)?, self.group);
        let reader = Reader::little(&row);
        let mut table = u64::from(reader.at(8)?.u32()?);
        if self.group >= 64 {
            table |= u64::from(reader.at(40)?.u32()?) << 32;
        }
        let is_used = reader.at(18)?.u16()? & 1 == 0;
        Some((table.checked_mul(self.block)?, is_used))
    }

    /// How many of the groups that the first `inodes` belong to have theirs behind the end.
    fn missing(&self, inodes: u32) -> usize {
        let length = u64::from(self.per_group).saturating_mul(self.inode);
        let end = self.medium.length();
        let is_missing = |group: &u32| match self.table(u64::from(*group)) {
            Some((place, is_used)) => is_used && place.saturating_add(length) > end,
            None => true,
        };
        (0..inodes.div_ceil(self.per_group)).filter(is_missing).count()
    }

    fn inode(&self, number: u32) -> Option<Inode> {
        let index = number.checked_sub(1)?;
        let (table, _) = self.table(u64::from(index.checked_div(self.per_group)?))?;
        let within = u64::from(index.checked_rem(self.per_group)?).checked_mul(self.inode)?;
        let place = table.checked_add(within)?;
        let inode = taken(self.medium, place, self.inode.min(128));
        let reader = Reader::little(&inode);
        let mode = reader.at(0)?.u16()?;
        let low = u64::from(reader.at(4)?.u32()?);
        let links = reader.at(26)?.u16()?;
        let flags = reader.at(32)?.u32()?;
        let high = u64::from(reader.at(108)?.u32()?);
        if mode == 0 || links == 0 {
            return None;
        }
        let places = *inode.get(40..100)?.first_chunk()?;
        let kind = mode >> 12;
        let size = if kind == FILE_KIND { low | high << 32 } else { low };
        Some(Inode { kind, size, flags, places })
    }

    /// Gives the content of a file, which is found when it is asked for.
    fn give(&self, inode: &Inode, name: String, position: u64, sink: &mut dyn Sink) -> Flow {
        let member = Member { name, position, real_size: Some(inode.size), ..Member::default() };
        if inode.flags & ENCRYPTED != 0 {
            let member = Member { encrypted: true, ..member };
            return sink.child(ChildKind::Extracted, &member, Content::Absent(Reason::Encrypted));
        }
        if let Some(content) = inode.inline() {
            if u64::try_from(content.len()).unwrap_or(0) < inode.size {
                sink.incomplete(Reason::Unsupported("content in extended attributes of ext".to_owned()));
            }
            return sink.child(ChildKind::Extracted, &member, Content::Bytes(content));
        }
        let (pieces, steps, is_damaged) = self.pieces(inode);
        if is_damaged {
            sink.incomplete(Reason::Malformed(format!("what says where {} stands", member.name)));
        }
        if pieces.len() >= PIECES || steps >= STEPS {
            sink.incomplete(Reason::Unsupported("so many pieces of a file".to_owned()));
        }
        if let Err(reason) = sink.budget().spend(steps.saturating_mul(STEP)) {
            sink.incomplete(reason);
            return Flow::Stop;
        }
        let mut stream = Extents::new(self.medium, pieces.into_iter(), inode.size);
        sink.child(ChildKind::Extracted, &member, Content::Stream(&mut stream))
    }

    /// Reads a directory as far as it can be; gives the steps that this took.
    fn read_directory(&self, inode: &Inode, out: &mut Vec<u8>) -> u64 {
        if let Some(content) = inode.inline() {
            // The inode of the folder above stands in front.
            out.extend_from_slice(content.get(4..).unwrap_or_default());
            return 0;
        }
        let (pieces, steps, _) = self.pieces(inode);
        let _ = Extents::new(self.medium, pieces.into_iter(), inode.size.min(DIRECTORY)).read_to_end(out);
        steps
    }

    /// Where the blocks of an inode stand, holes included, the steps that it took to find them, and whether blocks
    /// that say where others stand are damaged or not there.
    fn pieces(&self, inode: &Inode) -> (Vec<Extent>, u64, bool) {
        let mut is_damaged = false;
        let end = inode.size.div_ceil(self.block);
        let mut pieces = Pieces::new(self.block, end);
        if inode.flags & EXTENTS != 0 {
            is_damaged |= !self.extents(&inode.places, &mut pieces);
        } else {
            let words = inode.places.as_chunks::<4>().0;
            for (index, word) in words.iter().enumerate() {
                let place = u64::from(u32::from_le_bytes(*word));
                // The last three lead to blocks of places, of such blocks, and of those.
                match index {
                    0..12 => pieces.push(place, 1),
                    _ => {
                        let level = u32::try_from(index).unwrap_or(12).saturating_sub(11);
                        is_damaged |= !self.indirect(place, level, &mut pieces);
                    }
                }
            }
        }
        let (pieces, steps) = pieces.finish();
        (pieces, steps, is_damaged)
    }

    /// Takes what blocks of places lead to; whether they are all there.
    fn indirect(&self, place: u64, level: u32, pieces: &mut Pieces) -> bool {
        let mut is_whole = true;
        let mut open = vec![(place, level)];
        while let Some((place, level)) = open.pop() {
            if pieces.is_done() {
                return is_whole;
            }
            if level == 0 {
                pieces.push(place, 1);
                continue;
            }
            let per_block = self.block / 4;
            if place == 0 {
                pieces.push(0, per_block.saturating_pow(level));
                continue;
            }
            let block = taken(self.medium, place.saturating_mul(self.block), self.block);
            pieces.pay(self.block);
            is_whole &= u64::try_from(block.len()).is_ok_and(|length| length == self.block);
            let words = block.as_chunks::<4>().0.iter().rev();
            let below = level.saturating_sub(1);
            open.extend(words.map(|word| (u64::from(u32::from_le_bytes(*word)), below)));
        }
        is_whole
    }

    /// Takes what a tree of extents leads to; whether all of its nodes are some.
    fn extents(&self, root: &[u8], pieces: &mut Pieces) -> bool {
        let mut is_whole = true;
        // Where nodes stand; the first is the inode's.
        let mut open: Vec<(Option<u64>, u32)> = vec![(None, 0)];
        let mut held;
        while let Some((place, depth)) = open.pop() {
            let node = match place {
                None => root,
                Some(place) => {
                    held = taken(self.medium, place.saturating_mul(self.block), self.block);
                    pieces.pay(self.block);
                    &held[..]
                }
            };
            let mut reader = Reader::little(node);
            let mut header = || {
                let (mark, count) = (reader.u16()?, reader.u16()?);
                reader.skip(2)?;
                let level = reader.u16()?;
                reader.skip(4)?;
                (mark == 0xf30a).then_some((count, level))
            };
            let Some((count, level)) = header() else {
                is_whole = false;
                continue;
            };
            let rows = reader.rest().as_chunks::<12>().0;
            let rows = rows.get(..usize::from(count)).unwrap_or(rows);
            if pieces.is_done() {
                return is_whole;
            }
            // No tree is as deep: this one leads to itself.
            if depth > 5 {
                return false;
            }
            if level == 0 {
                for row in rows {
                    let mut reader = Reader::little(row);
                    let mut fields = || Some((reader.u32()?, reader.u16()?, reader.u16()?, reader.u32()?));
                    let Some((first, length, high, low)) = fields() else { break };
                    // Lengths above 32,768 are of space that nothing was written to.
                    let place = u64::from(high) << 32 | u64::from(low);
                    let (place, length) = match length.checked_sub(32_768).filter(|length| *length > 0) {
                        Some(length) => (0, length),
                        None => (place, length),
                    };
                    pieces.seek(u64::from(first));
                    pieces.push(place, u64::from(length));
                }
                continue;
            }
            for row in rows.iter().rev() {
                let mut reader = Reader::little(row);
                let mut fields = || {
                    reader.skip(4)?;
                    Some(u64::from(reader.u32()?) | u64::from(reader.u16()?) << 32)
                };
                let Some(place) = fields() else { break };
                if open.len() < PIECES {
                    open.push((Some(place), depth.saturating_add(1)));
                }
            }
        }
        is_whole
    }
}

/// Takes the names in a directory.
fn entries(
    content: &[u8],
    directory: u32,
    names: &mut BTreeMap<u32, (u32, String)>,
    left: &mut u32,
    bytes_left: &mut u64,
) {
    each(content, &mut |inode, name| {
        let length = u64::try_from(name.len()).unwrap_or(u64::MAX);
        let Some(fewer) = left.checked_sub(1).zip(bytes_left.checked_sub(length)) else { return false };
        (*left, *bytes_left) = fewer;
        names.entry(inode).or_insert_with(|| (directory, decoded(name)));
        true
    });
}

/// Gives inode and name of each entry of a directory until `take` wants no more; says whether it wanted all.
fn each(content: &[u8], take: &mut dyn FnMut(u32, &[u8]) -> bool) -> bool {
    let mut at = 0_u64;
    loop {
        let entry = clipped(content, at, 263);
        let mut reader = Reader::little(entry);
        let mut fields = || Some((reader.u32()?, reader.u16()?, reader.u8()?, reader.u8()?));
        let Some((inode, length, name_length, _)) = fields() else { return true };
        let name = clipped(reader.rest(), 0, u64::from(name_length));
        if inode != 0 && !matches!(name, b"." | b".." | b"") && !take(inode, name) {
            return false;
        }
        // Entries do not cross blocks; one without a length ends what can be read.
        if length < 8 {
            return true;
        }
        at = at.saturating_add(u64::from(length));
    }
}

fn path(names: &BTreeMap<u32, (u32, String)>, number: u32) -> String {
    path_from(u64::from(ROOT), u64::from(number), None, |number| {
        let (above, name) = names.get(&u32::try_from(number).ok()?)?;
        Some((u64::from(*above), name.as_str()))
    })
}
