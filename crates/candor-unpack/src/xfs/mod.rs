//! XFS volumes, of versions 4 and 5.
//!
//! Layout: "XFS Algorithms & Data Structures",
//! <https://mirrors.edge.kernel.org/pub/linux/utils/fs/xfs/docs/xfs_filesystem_structure.pdf>. Numbers have their most
//! significant byte first; checks, the other way round.
//!
//! ```text
//! 0    "XFSB", 4 size of a block, 56 inode of the root, 84 blocks of a group, groups; 100 version; features
//!      a number of an inode: group, block in it, place in the block; of a block: group, block in it
//!      "IN": 2 mode, 4 version, 5 format, 56 size, 76 number of extents, 82 where attributes begin, 90 flags
//!      content behind it: itself, or extents of 16 bytes, or the root of a tree of them ("BMAP", "BMA3")
//!      a directory: in its inode, or in blocks "XD2B", "XD2D" ("XDB3", "XDD3"): inode, length of the name, name
//! ```
//!
//! Directories are followed from the root on, each once, so that loops mean nothing; what no directory leads to is
//! not given. Of version 5, every table has a check: one that does not fit is told, and read all the same. A file on
//! a realtime device is told, and so is a volume that was not left in order: what was changed last stands in its
//! journal then.

mod directory;
mod inode;
mod log;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use candor_model::{ChildKind, Content, Flow, Member, Reason, Sink};

use crate::crc::CASTAGNOLI;
use crate::extents::Extents;
use crate::medium::{Medium, taken};
use crate::name::decoded;
use crate::reader::{Order, Reader, clipped};
use crate::troubles::Troubles;
use inode::{Format, Inode, Kind};

/// Entries of all directories, bytes of a path, and of those of directories that wait.
const WALKED: u32 = 8_000_000;
const PATH: usize = 4096;
const WAITING: usize = 256 << 20;
/// What looking at an entry costs of the budget.
const ENTRY: u64 = 256;

/// Gives every file that is not empty.
pub(crate) fn unpack(bytes: &[u8], sink: &mut dyn Sink) {
    files(&bytes, false, sink);
}

/// Gives every file, empty ones too.
pub(crate) fn walk(medium: &dyn Medium, sink: &mut dyn Sink) {
    files(medium, true, sink);
}

fn files(medium: &dyn Medium, has_empty: bool, sink: &mut dyn Sink) {
    let Some(volume) = Volume::read(medium) else {
        sink.incomplete(Reason::Malformed("the superblock of an XFS volume".to_owned()));
        return;
    };
    volume.told(sink);
    let mut walk = Walk {
        volume: &volume,
        troubles: Troubles::default(),
        open: vec![(volume.root, String::new())],
        seen: BTreeSet::from([volume.root]),
        left: WALKED,
        room: WAITING,
        position: 0,
        has_empty,
    };
    if let Err(reason) = walk.all(sink) {
        sink.incomplete(reason);
    }
    walk.troubles.finish(sink);
}

struct Walk<'a, 'v> {
    volume: &'v Volume<'a>,
    troubles: Troubles,
    /// Directories that wait to be read.
    open: Vec<(u64, String)>,
    seen: BTreeSet<u64>,
    left: u32,
    room: usize,
    position: u64,
    has_empty: bool,
}

impl Walk<'_, '_> {
    /// Reads directories until none waits, or the sink wants no more.
    fn all(&mut self, sink: &mut dyn Sink) -> Result<(), Reason> {
        while let Some((number, folder)) = self.open.pop() {
            self.room = self.room.saturating_add(folder.len());
            let inode = self.volume.inode(number).filter(|inode| inode.kind == Kind::Directory);
            let Some(inode) = inode else {
                self.troubles.damaged(sink, format!("the inode {number} of the directory /{folder}"));
                continue;
            };
            if !inode.is_sound {
                self.troubles.damaged(sink, format!("the check of the inode {number} of /{folder}"));
            }
            if self.directory(&inode, &folder, sink)? == Flow::Stop {
                return Ok(());
            }
        }
        Ok(())
    }

    fn directory(&mut self, inode: &Inode, folder: &str, sink: &mut dyn Sink) -> Result<Flow, Reason> {
        let (mut trouble, mut names) = (None, Vec::new());
        let volume = self.volume;
        // One block at a time, so that a large directory is not held.
        let mut blocks = directory::Blocks::new(volume, inode);
        loop {
            names.clear();
            let read = blocks.next(&mut names, &mut trouble);
            if let Some(what) = trouble.take() {
                self.troubles.damaged(sink, format!("{what} of the directory /{folder}"));
            }
            let entries = u64::try_from(names.len()).unwrap_or(u64::MAX);
            sink.budget().spend(blocks.paid().saturating_add(entries.saturating_mul(ENTRY)))?;
            for (number, name) in &names {
                self.left = self.left.checked_sub(1).ok_or(Reason::Children)?;
                if self.entry(*number, format!("{folder}{}", decoded(name)), sink)? == Flow::Stop {
                    return Ok(Flow::Stop);
                }
            }
            if !read {
                break;
            }
        }
        if blocks.is_cut() {
            sink.incomplete(Reason::Children);
        }
        Ok(Flow::Continue)
    }

    fn entry(&mut self, number: u64, path: String, sink: &mut dyn Sink) -> Result<Flow, Reason> {
        let Some(inode) = self.volume.inode(number) else {
            self.troubles.damaged(sink, format!("the inode {number} of {path}"));
            return Ok(Flow::Continue);
        };
        match inode.kind {
            // A directory is in one other only, whatever entries say.
            Kind::Directory => {
                if self.seen.insert(number) {
                    if path.len() >= PATH {
                        self.troubles.damaged(sink, "a path of this length".to_owned());
                        return Ok(Flow::Continue);
                    }
                    self.room = self.room.checked_sub(path.len()).ok_or(Reason::Children)?;
                    self.open.push((number, path + "/"));
                }
                Ok(Flow::Continue)
            }
            Kind::File if inode.size == 0 && !self.has_empty => Ok(Flow::Continue),
            Kind::File => {
                if !inode.is_sound {
                    self.troubles.damaged(sink, format!("the check of the inode {number} of {path}"));
                }
                self.position = self.position.saturating_add(1);
                self.file(&inode, path, sink)
            }
            Kind::Other => Ok(Flow::Continue),
        }
    }

    /// Gives the content of a file.
    fn file(&mut self, inode: &Inode, path: String, sink: &mut dyn Sink) -> Result<Flow, Reason> {
        let name = path.clone();
        let member =
            Member { name, position: self.position, real_size: Some(inode.size), ..Member::default() };
        if inode.is_realtime && inode.size > 0 {
            let reason = Reason::Unsupported("content on a realtime device of XFS".to_owned());
            return Ok(sink.child(ChildKind::Extracted, &member, Content::Absent(reason)));
        }
        if inode.format == Format::Local {
            let content = clipped(&inode.fork, 0, inode.size);
            return Ok(sink.child(ChildKind::Extracted, &member, Content::Bytes(content)));
        }
        let mut trouble = None;
        let (pieces, steps) = self.volume.pieces(inode, &mut trouble);
        if let Some(what) = trouble {
            self.troubles.damaged(sink, format!("{what} of {path}"));
        }
        if pieces.len() >= crate::pieces::PIECES || steps >= crate::pieces::STEPS {
            sink.incomplete(Reason::Unsupported("so many pieces of a file".to_owned()));
        }
        sink.budget().spend(steps.saturating_mul(crate::pieces::STEP))?;
        let mut stream = Extents::new(self.volume.medium, pieces.into_iter(), inode.size);
        Ok(sink.child(ChildKind::Extracted, &member, Content::Stream(&mut stream)))
    }
}

/// What the superblock says.
struct Volume<'a> {
    medium: &'a dyn Medium,
    block: u64,
    /// Length of an inode, and how many bits say which one of a block.
    inode: u64,
    inode_bits: u32,
    /// Blocks of a group, the bits of their numbers, and the groups.
    group: u64,
    group_bits: u32,
    groups: u64,
    /// Length of a block of directories.
    directory: u64,
    root: u64,
    is_checked: bool,
    /// Whether entries of directories say what they lead to.
    has_kinds: bool,
    /// First block of the journal, and its length in blocks.
    log: (u64, u64),
    length: u64,
    troubles: Vec<Reason>,
}

/// What has to be known to read a volume of version 5; all that is known of such.
const FEATURES: u32 = 0x7ff;
const NEEDS_REPAIR: u32 = 0x10;

impl<'a> Volume<'a> {
    fn read(medium: &'a dyn Medium) -> Option<Self> {
        let superblock = taken(medium, 0, 512);
        let start = Reader::new(&superblock, Order::Big);
        let field = |at: u64| start.at(at);
        if !superblock.starts_with(b"XFSB") {
            return None;
        }
        let bits = |at: u64| Some(u32::from(field(at)?.u8()?));
        let (block_bits, inode_bits, group_bits) = (bits(120)?, bits(122)?, bits(124)?);
        let directory_bits = block_bits.checked_add(bits(192)?)?;
        let (group, groups) = (u64::from(field(84)?.u32()?), u64::from(field(88)?.u32()?));
        let is_sane = (9..=16).contains(&block_bits)
            && (8..=11).contains(&inode_bits)
            && inode_bits <= block_bits
            && group_bits <= 31
            && group > 0
            && group <= 1_u64.checked_shl(group_bits)?
            && groups > 0
            && directory_bits <= 16;
        if !is_sane {
            return None;
        }
        let version = field(100)?.u16()?;
        let is_checked = version & 0xf == 5;
        let features = field(200)?.u32()?;
        let needed = if is_checked { field(216)?.u32()? } else { 0 };
        let has_kinds = if is_checked { needed & 1 != 0 } else { features & 0x200 != 0 };
        let mut troubles = Vec::new();
        if !matches!(version & 0xf, 4 | 5) || version & 0x2000 == 0 {
            troubles.push(Reason::Unsupported(format!("version {} of XFS", version & 0xf)));
        }
        if needed & !FEATURES != 0 {
            troubles.push(Reason::Unsupported(format!("features of XFS ({:#x})", needed & !FEATURES)));
        }
        if needed & NEEDS_REPAIR != 0 {
            troubles.push(Reason::Malformed("the XFS volume says that it needs repair".to_owned()));
        }
        let block = 1_u64.checked_shl(block_bits)?;
        let length = field(8)?.u64()?.saturating_mul(block);
        if is_checked {
            let sector = taken(medium, 0, u64::from(field(102)?.u16()?).clamp(512, 32 << 10));
            if !is_right(&sector, 224) {
                troubles.push(Reason::Malformed("the check of the superblock of an XFS volume".to_owned()));
            }
        }
        Some(Self {
            medium,
            block,
            inode: 1_u64.checked_shl(inode_bits)?,
            inode_bits: block_bits.checked_sub(inode_bits)?,
            group,
            group_bits,
            groups,
            directory: 1_u64.checked_shl(directory_bits)?,
            root: field(56)?.u64()?,
            is_checked,
            has_kinds,
            log: (field(48)?.u64()?, u64::from(field(96)?.u32()?)),
            length,
            troubles,
        })
    }

    /// Tells what of all of it cannot be read.
    fn told(&self, sink: &mut dyn Sink) {
        self.troubles.iter().for_each(|reason| sink.incomplete(reason.clone()));
        if self.length > self.medium.length() {
            sink.incomplete(Reason::Malformed("the XFS volume reaches behind the end".to_owned()));
        }
        match log::is_clean(self) {
            Some(true) => (),
            Some(false) => {
                sink.incomplete(Reason::Unsupported("changes in the journal of an XFS volume".to_owned()));
            }
            None => {
                sink.incomplete(Reason::Unsupported("a journal of XFS that stands elsewhere".to_owned()));
            }
        }
    }

    /// The block with this number, counted from the start of the volume.
    fn linear(&self, block: u64) -> Option<u64> {
        let group = block >> self.group_bits;
        let within = block & mask(self.group_bits);
        let is_there = group < self.groups && within < self.group;
        if is_there { group.checked_mul(self.group)?.checked_add(within) } else { None }
    }

    /// Reads a block, or more than one that stand together.
    fn block(&self, number: u64) -> Option<Vec<u8>> {
        let offset = self.linear(number)?.checked_mul(self.block)?;
        let block = taken(self.medium, offset, self.block);
        (u64::try_from(block.len()) == Ok(self.block)).then_some(block)
    }
}

/// A number of which so many bits are set.
const fn mask(bits: u32) -> u64 {
    match 1_u64.checked_shl(bits) {
        Some(power) => power.wrapping_sub(1),
        None => u64::MAX,
    }
}

/// Whether bytes have the right check, which stands in them at `at`, where it counts as zeros.
fn is_right(bytes: &[u8], at: usize) -> bool {
    let end = at.saturating_add(4);
    let (Some(before), Some(check), Some(behind)) = (bytes.get(..at), bytes.get(at..end), bytes.get(end..))
    else {
        return false;
    };
    CASTAGNOLI.of(&[before, &[0; 4], behind]).to_le_bytes() == check
}
