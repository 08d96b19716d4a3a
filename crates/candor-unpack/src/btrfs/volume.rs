//! Subvolumes, their files, and the paths of these.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use candor_model::{ChildKind, Content, Flow, Member, Reason, Sink};

use super::file::{Extent, File, Unread};
use super::space::{Space, Superblock};
use super::tree::{Item, Key, Reading, Root};
use crate::medium::Medium;
use crate::name::decoded;
use crate::reader::Reader;
use crate::troubles::Troubles;

/// Kinds of what stands in trees.
const INODE: u8 = 1;
const NAME: u8 = 12;
const FURTHER_NAME: u8 = 13;
const ENTRY: u8 = 84;
const EXTENT: u8 = 108;
const ROOT: u8 = 132;
const ABOVE: u8 = 144;
const CHUNK: u8 = 228;

/// The tree of files that every volume has, the directory that says which subvolume is the default, and what counts
/// as a subvolume; the object of chunks is that of the root of a subvolume.
const TOP: u64 = 5;
const DEFAULTS: u64 = 6;
const FIRST: u64 = 256;
const LAST: u64 = u64::MAX - 256;

/// Features without which a volume is read wrongly: a tree of extents of its own, a tree of stripes.
const UNREAD: u64 = 0x2000 | 0x4000;

/// Subvolumes, how many may be in one another, names of one file, extents of one, bytes of it that stand in the tree, bytes of a path, bytes of paths
/// that are kept, and nodes that are remembered.
const SUBVOLUMES: usize = 65_536;
const NESTED: usize = 64;
const NAMES: usize = 4096;
const EXTENTS: usize = 1 << 18;
const INLINE: usize = 1 << 20;
const PATH: usize = 4096;
const PATHS: usize = 64 << 20;
const NODES: usize = 1 << 20;
/// What a name, a path or an extent that is kept costs of the budget besides the node that it stands in.
const KEPT: u64 = 32;

/// A subvolume.
#[derive(Clone, Debug)]
struct Subvolume {
    id: u64,
    root: Root,
    /// The one that it is in, the directory there, and its name.
    above: Option<(u64, u64, String)>,
}

/// Gives the files of all subvolumes, those of the default one first.
pub(super) fn files(
    medium: &dyn Medium,
    superblock: &Superblock,
    has_empty: bool,
    sink: &mut dyn Sink,
    enter: &mut dyn FnMut(&str),
) -> Result<(), Reason> {
    let mut troubles = Troubles::default();
    let space = open(medium, superblock, sink, &mut troubles)?;
    let (mut subvolumes, first) = subvolumes(&space, superblock, sink, &mut troubles)?;
    subvolumes.sort_by_key(|volume| (volume.id != first, volume.id));
    let by_id: BTreeMap<u64, &Subvolume> = subvolumes.iter().map(|volume| (volume.id, volume)).collect();
    let paths: BTreeMap<u64, Paths<'_, '_>> =
        subvolumes.iter().map(|volume| (volume.id, Paths::new(&space, volume.root))).collect();
    let mut walk =
        Walk { space: &space, sector: superblock.sector, has_empty, position: 0, seen: BTreeSet::new() };
    let mut outcome = Ok(());
    for volume in &subvolumes {
        let path = place(volume, &by_id, &paths, sink, &mut troubles)?;
        enter(&path);
        let Some(paths) = paths.get(&volume.id) else { continue };
        match walk.subvolume(volume, &path, paths, sink, &mut troubles) {
            Ok(Flow::Continue) => (),
            Ok(Flow::Stop) => break,
            Err(reason) => {
                outcome = Err(reason);
                break;
            }
        }
    }
    troubles.finish(sink);
    outcome
}

/// Reads the chunks, and tells what of the volume cannot be read.
fn open<'a>(
    medium: &'a dyn Medium,
    superblock: &Superblock,
    sink: &mut dyn Sink,
    troubles: &mut Troubles,
) -> Result<Space<'a>, Reason> {
    if !superblock.is_sound {
        troubles.damaged(sink, "the check of the superblock of a btrfs volume".to_owned());
    } else if superblock.is_copy {
        troubles.damaged(sink, "the first superblock of a btrfs volume".to_owned());
    }
    if superblock.devices > 1 {
        let why = format!("btrfs over {} devices, of which one is here", superblock.devices);
        sink.incomplete(Reason::Unsupported(why));
    } else if superblock.length > medium.length() {
        sink.incomplete(Reason::Malformed("the btrfs volume reaches behind the end".to_owned()));
    }
    if superblock.features & UNREAD != 0 {
        let why = format!("features of btrfs ({:#x})", superblock.features & UNREAD);
        sink.incomplete(Reason::Unsupported(why));
    }
    if superblock.log != 0 {
        sink.incomplete(Reason::Unsupported("changes in the log of a btrfs volume".to_owned()));
    }
    let mut space = Space::new(medium, superblock);
    for (key, chunk) in superblock.array() {
        if key.kind != CHUNK || space.add(key, chunk).is_none() {
            troubles.damaged(sink, "a chunk in the superblock of a btrfs volume".to_owned());
        }
    }
    let mut found: Vec<(Key, Vec<u8>)> = Vec::new();
    let reading = Reading { space: &space, name: "the tree of chunks", skip: None };
    let _ =
        reading.each(superblock.chunks, Key::first(FIRST, CHUNK), sink, troubles, &mut |_, _, item| {
            if item.key.kind == CHUNK {
                found.push((item.key, item.content.to_vec()));
            }
            Ok(Flow::Continue)
        })?;
    for (key, chunk) in found {
        if space.add(key, &chunk).is_none() {
            troubles.damaged(sink, format!("the chunk at {} of a btrfs volume", key.offset));
        }
    }
    Ok(space)
}

/// All subvolumes, and which one is the default.
fn subvolumes(
    space: &Space<'_>,
    superblock: &Superblock,
    sink: &mut dyn Sink,
    troubles: &mut Troubles,
) -> Result<(Vec<Subvolume>, u64), Reason> {
    let mut found: BTreeMap<u64, Subvolume> = BTreeMap::new();
    let mut first = TOP;
    let reading = Reading { space, name: "the tree of roots", skip: None };
    let _ =
        reading.each(superblock.roots, Key::first(0, 0), sink, troubles, &mut |sink, troubles, item| {
            let Key { object, kind, offset } = item.key;
            let is_subvolume = object == TOP || (FIRST..=LAST).contains(&object);
            match kind {
                ROOT if is_subvolume => match root(item.content) {
                    // One that is being deleted is nowhere any more.
                    Some((_, 0)) => (),
                    Some((root, _)) if found.len() < SUBVOLUMES => {
                        found.insert(object, Subvolume { id: object, root, above: None });
                    }
                    Some(_) => {
                        sink.incomplete(Reason::Children);
                        return Ok(Flow::Stop);
                    }
                    None => troubles.damaged(sink, format!("the subvolume {object}")),
                },
                ABOVE => {
                    if let (Some(volume), Some((directory, name))) =
                        (found.get_mut(&object), above(item.content))
                    {
                        volume.above = Some((offset, directory, name));
                    }
                }
                ENTRY if object == DEFAULTS => {
                    if let Some((id, name)) = entry(item.content)
                        && name == b"default"
                    {
                        first = id;
                    }
                }
                _ => (),
            }
            Ok(Flow::Continue)
        })?;
    if found.is_empty() {
        troubles.damaged(sink, "the subvolumes of a btrfs volume".to_owned());
    }
    Ok((found.into_values().collect(), first))
}

/// Where a tree begins, and how often it is in use.
fn root(content: &[u8]) -> Option<(Root, u32)> {
    let reader = Reader::little(content);
    let root = Root { place: reader.at(176)?.u64()?, level: reader.at(238)?.u8()? };
    Some((root, reader.at(216)?.u32()?))
}

/// Directory and name, of a subvolume.
fn above(content: &[u8]) -> Option<(u64, String)> {
    let mut reader = Reader::little(content);
    let (directory, _) = (reader.u64()?, reader.u64()?);
    let name = reader.take_counted()?;
    Some((directory, decoded(name)))
}

/// What an entry of a directory leads to, and its name.
fn entry(content: &[u8]) -> Option<(u64, &[u8])> {
    let mut reader = Reader::little(content);
    let key = Key::read(&mut reader)?;
    reader.skip(10)?;
    let length = u64::from(reader.u16()?);
    reader.skip(1)?;
    Some((key.object, reader.take(length)?))
}

/// Where a subvolume is, without a slash at its end; the top is nowhere.
fn place(
    volume: &Subvolume,
    others: &BTreeMap<u64, &Subvolume>,
    paths: &BTreeMap<u64, Paths<'_, '_>>,
    sink: &mut dyn Sink,
    troubles: &mut Troubles,
) -> Result<String, Reason> {
    let mut path = String::new();
    let mut seen = BTreeSet::new();
    let mut current = volume;
    while let Some((id, directory, name)) = current.above.as_ref().filter(|_| seen.insert(current.id)) {
        let folder = match paths.get(id) {
            Some(paths) => paths.of(*directory, sink, troubles)?,
            None => String::new(),
        };
        let slash = if path.is_empty() { "" } else { "/" };
        path = format!("{folder}{name}{slash}{path}");
        sink.budget().spend(KEPT)?;
        let is_short = path.len() < PATH && seen.len() < NESTED;
        let Some(above) = others.get(id).filter(|_| is_short) else { break };
        current = above;
    }
    Ok(path)
}

/// Paths of the directories of a subvolume, as they are asked for.
struct Paths<'s, 'a> {
    space: &'s Space<'a>,
    root: Root,
    known: RefCell<BTreeMap<u64, String>>,
    held: Cell<usize>,
}

impl<'s, 'a> Paths<'s, 'a> {
    fn new(space: &'s Space<'a>, root: Root) -> Self {
        Self { space, root, known: RefCell::default(), held: Cell::new(0) }
    }

    /// The path of a directory, with a slash at its end; nothing for the root.
    fn of(&self, directory: u64, sink: &mut dyn Sink, troubles: &mut Troubles) -> Result<String, Reason> {
        let mut chain: Vec<(u64, String)> = Vec::new();
        let (mut current, mut path) = (directory, String::new());
        let mut seen = BTreeSet::new();
        while current != FIRST && seen.insert(current) && chain.len() < PATH / 2 {
            if let Some(known) = self.known.borrow().get(&current) {
                path.clone_from(known);
                break;
            }
            // One that nothing is said of is somewhere, and what is in it is given.
            let Some((above, name)) = self.name(current, sink, troubles)? else { break };
            chain.push((current, name));
            current = above;
        }
        for (number, name) in chain.into_iter().rev() {
            if path.len() < PATH {
                path = format!("{path}{name}/");
            }
            self.keep(number, &path);
        }
        Ok(path)
    }

    fn keep(&self, directory: u64, path: &str) {
        let mut known = self.known.borrow_mut();
        let more = path.len().saturating_add(64);
        if self.held.get().saturating_add(more) > PATHS {
            known.clear();
            self.held.set(0);
        }
        self.held.set(self.held.get().saturating_add(more));
        known.insert(directory, path.to_owned());
    }

    /// The directory that a directory is in, and its name there.
    fn name(
        &self,
        directory: u64,
        sink: &mut dyn Sink,
        troubles: &mut Troubles,
    ) -> Result<Option<(u64, String)>, Reason> {
        let mut found = None;
        let reading = Reading { space: self.space, name: "a subvolume", skip: None };
        let _ = reading.each(self.root, Key::first(directory, NAME), sink, troubles, &mut |_, _, item| {
            if item.key.object == directory && matches!(item.key.kind, NAME | FURTHER_NAME) {
                let mut names = Vec::new();
                names_of(item, &mut names);
                found = names.into_iter().next();
            }
            Ok(Flow::Stop)
        })?;
        Ok(found)
    }
}

/// Takes the names of an inode, each with the directory that it is in.
fn names_of(item: &Item<'_>, names: &mut Vec<(u64, String)>) {
    let mut reader = Reader::little(item.content);
    let is_further = item.key.kind == FURTHER_NAME;
    loop {
        let mut one = || {
            let above = if is_further { reader.u64()? } else { item.key.offset };
            reader.skip(8)?;
            Some((above, decoded(reader.take_counted()?)))
        };
        match one().filter(|_| names.len() < NAMES) {
            Some(name) => names.push(name),
            None => return,
        }
    }
}

/// What is said of an inode.
#[derive(Default)]
struct Inode {
    number: u64,
    /// Mode and length, once these are known.
    head: Option<(u32, u64)>,
    names: Vec<(u64, String)>,
    extents: Vec<Extent>,
    inline: usize,
    /// Whether something of it stands in a leaf that no subvolume before has.
    is_own: bool,
    trouble: Option<Reason>,
}

impl Inode {
    fn is_file(&self) -> bool {
        self.head.is_some_and(|(mode, _)| mode >> 12 == 0x8)
    }

    /// Takes what an item says.
    fn add(&mut self, item: &Item<'_>) {
        match item.key.kind {
            INODE => {
                let reader = Reader::little(item.content);
                let fields = || {
                    let size = reader.at(16)?.u64()?;
                    let (links, mode) = (reader.at(40)?.u32()?, reader.at(52)?.u32()?);
                    Some((mode, size, links))
                };
                match fields() {
                    // One without a link is deleted, and only still open.
                    Some((_, _, 0)) => (),
                    Some((mode, size, _)) => self.head = Some((mode, size)),
                    None => self.trouble = Some(Reason::Malformed(String::new())),
                }
            }
            NAME | FURTHER_NAME => names_of(item, &mut self.names),
            EXTENT => match Extent::read(item.key.offset, item.content) {
                Ok(extent) => {
                    self.inline = self.inline.saturating_add(extent.held());
                    let is_behind = self.extents.last().is_none_or(|last| last.end() <= extent.first());
                    if !is_behind {
                        self.trouble = Some(Reason::Malformed(String::new()));
                    } else if self.extents.len() >= EXTENTS || self.inline > INLINE {
                        self.trouble = Some(Reason::Unsupported("so many pieces of a file".to_owned()));
                    } else {
                        self.extents.push(extent);
                    }
                }
                Err(Unread::Damaged) => self.trouble = Some(Reason::Malformed(String::new())),
                Err(Unread::Unknown) => {
                    self.trouble = Some(Reason::Unsupported("an extent of btrfs of this kind".to_owned()));
                }
            },
            _ => (),
        }
    }
}

struct Walk<'s, 'a> {
    space: &'s Space<'a>,
    sector: u64,
    has_empty: bool,
    position: u64,
    /// Nodes of subvolumes before.
    seen: BTreeSet<u64>,
}

impl Walk<'_, '_> {
    /// Gives the files of a subvolume.
    fn subvolume(
        &mut self,
        volume: &Subvolume,
        path: &str,
        paths: &Paths<'_, '_>,
        sink: &mut dyn Sink,
        troubles: &mut Troubles,
    ) -> Result<Flow, Reason> {
        let name = format!("the subvolume {}", if path.is_empty() { "at the top" } else { path });
        let name: String = name.chars().take(128).collect();
        let folder = if path.is_empty() { String::new() } else { format!("{path}/") };
        let (own, pending) = (RefCell::new(Vec::new()), Cell::new(None));
        let seen = std::mem::take(&mut self.seen);
        // What others have is passed over, unless what came last goes on in it.
        let skip = |place: u64, first: Key| {
            let is_seen = seen.contains(&place);
            let goes_on = pending.get() == Some(first.object) && first.kind != INODE;
            if !is_seen && own.borrow().len() < NODES {
                own.borrow_mut().push(place);
            }
            is_seen && !goes_on
        };
        let reading = Reading { space: self.space, name: &name, skip: Some(&skip) };
        let mut inode = Inode::default();
        let flow =
            reading.each(volume.root, Key::first(0, 0), sink, troubles, &mut |sink, troubles, item| {
                let is_own = !seen.contains(&item.leaf);
                if item.key.object != inode.number {
                    let done =
                        std::mem::replace(&mut inode, Inode { number: item.key.object, ..Inode::default() });
                    if self.give(done, &folder, paths, sink, troubles)? == Flow::Stop {
                        return Ok(Flow::Stop);
                    }
                    // It begins in a leaf that was passed over.
                    if item.key.kind != INODE && !seen.is_empty() {
                        self.before(volume.root, item.key, &mut inode, sink, troubles)?;
                    }
                }
                inode.is_own |= is_own;
                pending.set(inode.is_own.then_some(inode.number));
                inode.add(item);
                Ok(Flow::Continue)
            });
        let flow = match flow {
            Ok(Flow::Continue) => self.give(inode, &folder, paths, sink, troubles),
            other => other,
        };
        self.seen = seen;
        let room = NODES.saturating_sub(self.seen.len());
        self.seen.extend(own.into_inner().into_iter().take(room));
        flow
    }

    /// Takes what is said of an inode before `key`.
    fn before(
        &self,
        root: Root,
        key: Key,
        inode: &mut Inode,
        sink: &mut dyn Sink,
        troubles: &mut Troubles,
    ) -> Result<(), Reason> {
        let reading = Reading { space: self.space, name: "a subvolume", skip: None };
        let _ = reading.each(root, Key::first(key.object, INODE), sink, troubles, &mut |_, _, item| {
            if item.key >= key {
                return Ok(Flow::Stop);
            }
            inode.add(item);
            Ok(Flow::Continue)
        })?;
        Ok(())
    }

    /// Gives a file under its names.
    fn give(
        &mut self,
        inode: Inode,
        folder: &str,
        paths: &Paths<'_, '_>,
        sink: &mut dyn Sink,
        troubles: &mut Troubles,
    ) -> Result<Flow, Reason> {
        let (is_file, is_own) = (inode.is_file(), inode.is_own);
        let Some((_, size)) = inode.head.filter(|_| is_file && is_own) else { return Ok(Flow::Continue) };
        if size == 0 && !self.has_empty {
            return Ok(Flow::Continue);
        }
        let kept = inode.names.len().saturating_add(inode.extents.len());
        sink.budget().spend(u64::try_from(kept).unwrap_or(u64::MAX).saturating_mul(KEPT))?;
        let mut names = Vec::new();
        for (directory, name) in &inode.names {
            names.push(format!("{folder}{}{name}", paths.of(*directory, sink, troubles)?));
            // A scan reads content once; who looks for names wants all of them.
            if !self.has_empty {
                break;
            }
        }
        if names.is_empty() {
            names.push(folder.to_owned());
        }
        if let Some(trouble) = inode.trouble {
            let name = names.first().map_or("", String::as_str);
            match trouble {
                Reason::Malformed(_) => troubles.damaged(sink, format!("the extents of {name}")),
                other => sink.incomplete(other),
            }
        }
        for name in names {
            self.position = self.position.saturating_add(1);
            let member = Member { name, position: self.position, real_size: Some(size), ..Member::default() };
            let mut stream = File::new(self.space, self.sector, &inode.extents, size);
            if sink.child(ChildKind::Extracted, &member, Content::Stream(&mut stream)) == Flow::Stop {
                return Ok(Flow::Stop);
            }
        }
        Ok(Flow::Continue)
    }
}
