//! A volume of a container: what it says of itself, and its files.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use candor_model::{ChildKind, Content, Flow, Member, Reason, Sink};

use super::Apfs;
use super::blocks::Damage;
use super::record::{self, Attribute, Inode, Pieces, Value};
use super::tree::{Keys, Map, Tree, Visit};
use crate::decmpfs::{self, Header};
use crate::extents::Extents;
use crate::medium::Medium;
use crate::name::path_from;
use crate::reader::Reader;

/// Bytes of the names of all files, and what one costs besides its letters.
const NAMES: u64 = 512 << 20;
const NAME: u64 = 112;
/// Bytes of the attributes of one file that stand in its records.
const ATTRIBUTES: usize = 16 << 20;
/// Attributes with fewer bytes are not given: nearly all files of a Mac have some.
const SMALL: u64 = 64;
/// Letters of the name of a volume.
const LETTERS: usize = 255;
/// The number of the root directory, and of what it is in.
const ROOT: u64 = 2;

/// A volume.
#[derive(Clone, Debug)]
pub struct ApfsVolume {
    /// Its name, which no other of its container has.
    pub name: String,
    /// What it is for, as macOS says it: 1 is the system, 64 the data of users.
    pub role: u16,
    /// Which volumes it belongs to; zeros for none.
    pub group: [u8; 16],
    /// Whether its content needs a key.
    pub is_encrypted: bool,
    snapshots: u64,
    is_hashed: bool,
    /// Where its object map is, and the number of the root of its tree.
    map: u64,
    root: u64,
    root_is_place: bool,
    /// Where the tree of extents is, if it has one of its own.
    extents: Option<(u64, bool)>,
}

impl fmt::Display for ApfsVolume {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        let role = self.role_name();
        if role.is_empty() { Ok(()) } else { write!(f, " ({role})") }
    }
}

impl ApfsVolume {
    pub(super) fn read(block: &[u8]) -> Option<Self> {
        let start = Reader::little(block);
        let long = |at: u64| start.at(at)?.u64();
        let is_physical = |at: u64| Some(start.at(at)?.u32()? & 0xc000_0000 == 0x4000_0000);
        if block.get(32..36)? != b"APSB" {
            return None;
        }
        let features = long(56)?;
        let sealed = features & 0x20 != 0 && long(1032)? != 0;
        let letter =
            |letter: char| if matches!(letter, '/' | '!') || letter.is_control() { '_' } else { letter };
        let name: String = record::text(block.get(704..960)?).chars().take(LETTERS).map(letter).collect();
        Some(Self {
            name: if name.is_empty() { "volume".to_owned() } else { name },
            role: start.at(964)?.u16()?,
            group: *block.get(1008..)?.first_chunk()?,
            is_encrypted: long(264)? & 1 == 0,
            snapshots: long(216)?,
            is_hashed: features & 9 != 0,
            map: long(128)?,
            root: long(136)?,
            root_is_place: is_physical(116)?,
            extents: if sealed { Some((long(1032)?, is_physical(1040)?)) } else { None },
        })
    }

    /// What it is for, in words; empty when it does not say.
    #[must_use]
    pub const fn role_name(&self) -> &'static str {
        match self.role {
            1 => "system",
            2 => "user",
            4 => "recovery",
            8 => "virtual memory",
            0x10 => "preboot",
            0x20 => "installer",
            0x40 => "data",
            0x80 => "baseband",
            0xc0 => "update",
            0x100 => "xART",
            0x140 => "hardware",
            0x180 => "backup",
            0x240 => "enterprise",
            0x2c0 => "prelogin",
            _ => "",
        }
    }
}

/// Gives volumes of one name a number.
pub(super) fn number(volumes: &mut [ApfsVolume]) {
    let mut known = BTreeSet::new();
    for volume in volumes {
        let (plain, mut number) = (volume.name.clone(), 1_u32);
        while !known.insert(volume.name.clone()) {
            number = number.saturating_add(1);
            volume.name = format!("{plain} {number}");
        }
    }
}

impl<'a> Apfs<'a> {
    /// Gives the files of a volume below a folder, with forks and attributes or without.
    pub(super) fn give(
        &self,
        volume: &ApfsVolume,
        folder: &str,
        with_all: bool,
        position: &mut u64,
        sink: &mut dyn Sink,
    ) -> Flow {
        if volume.snapshots > 0 {
            let why = format!("{} snapshots of the APFS volume {volume}", volume.snapshots);
            sink.incomplete(Reason::Unsupported(why));
        }
        if volume.is_encrypted {
            let name = format!("{folder}{}", if folder.is_empty() { volume.name.as_str() } else { "" });
            let member = Member { name, encrypted: true, ..Member::default() };
            let why = format!("the encrypted APFS volume {volume} (FileVault)");
            sink.incomplete(Reason::Unsupported(why));
            return sink.child(ChildKind::Extracted, &member, Content::Absent(Reason::Encrypted));
        }
        let read = self.read_volume(volume, folder, with_all, position, sink);
        let Damage { missing, changed } = self.blocks.damage();
        for (blocks, what) in [(missing, "cannot be read"), (changed, "have another checksum")] {
            if let Some(first) = blocks.first() {
                let count = blocks.len();
                let why = format!("{count} blocks of the APFS volume {volume} {what}, the first is {first}");
                sink.incomplete(Reason::Malformed(why));
            }
        }
        match read {
            Ok(flow) => flow,
            Err(reason) => {
                sink.incomplete(reason);
                Flow::Stop
            }
        }
    }

    fn read_volume(
        &self,
        volume: &ApfsVolume,
        folder: &str,
        with_all: bool,
        position: &mut u64,
        sink: &mut dyn Sink,
    ) -> Result<Flow, Reason> {
        let damaged = || Reason::Malformed(format!("the tree of the APFS volume {volume}"));
        let Some(map) = self.map(volume.map, sink)? else {
            sink.incomplete(damaged());
            return Ok(Flow::Continue);
        };
        let place = |object: u64, is_place: bool| if is_place { Some(object) } else { map.place(object) };
        let Some(root) = place(volume.root, volume.root_is_place) else {
            sink.incomplete(damaged());
            return Ok(Flow::Continue);
        };
        let numbers = if volume.root_is_place { None } else { Some((&map, volume.root)) };
        let tree = Tree { blocks: &self.blocks, root, map: numbers, keys: Keys::Records };
        let extents = volume.extents.map(|(object, is_place)| self.extents(&map, object, is_place));
        let extents = extents.as_ref().unwrap_or(&tree);
        let mapped = u64::try_from(map.0.len()).unwrap_or(u64::MAX).saturating_mul(16);
        sink.budget().hold(mapped);
        let most = NAMES.min(sink.budget().memory());
        let mut names = Names { is_hashed: volume.is_hashed, most, ..Names::default() };
        let named = tree.walk(&mut Naming { names: &mut names, sink });
        if let Err(reason) = named {
            sink.incomplete(reason);
        }
        let held = names.held;
        sink.budget().hold(held);
        let unpaid = || self.blocks.unpaid();
        let mut files = Files {
            medium: self.blocks.medium,
            unpaid: &unpaid,
            extents,
            names: &names,
            folder,
            with_all,
            position,
            sink,
            current: None,
            flow: Flow::Continue,
        };
        let read = tree.walk(&mut files).and_then(|()| files.finish());
        let flow = files.flow;
        sink.budget().release(held);
        sink.budget().release(mapped);
        read.map(|()| flow)
    }

    /// The tree of extents of a volume that is sealed.
    fn extents<'m>(&'m self, map: &'m Map, object: u64, is_place: bool) -> Tree<'m, 'a> {
        let root = if is_place { object } else { map.place(object).unwrap_or(u64::MAX) };
        Tree { blocks: &self.blocks, root, map: (!is_place).then_some((map, object)), keys: Keys::Pairs }
    }
}

/// Names of files, and where these are.
#[derive(Default)]
struct Names {
    is_hashed: bool,
    /// Of each, one; then further ones of those that have several.
    first: BTreeMap<u64, (u64, Box<str>)>,
    further: BTreeMap<u64, Vec<(u64, Box<str>)>>,
    held: u64,
    most: u64,
}

impl Names {
    fn add(&mut self, key: &[u8], value: &[u8]) -> Result<(), Reason> {
        let Some((parent, record::NAME, _)) = Keys::Records.read(key) else { return Ok(()) };
        let Some(file) = Reader::little(value).u64() else { return Ok(()) };
        let Some(name) = record::name(key, self.is_hashed) else { return Ok(()) };
        let cost = u64::try_from(name.len()).unwrap_or(0).saturating_add(NAME);
        self.held = self.held.saturating_add(cost);
        if self.held > self.most {
            return Err(Reason::Memory);
        }
        let named = (parent, name.into_boxed_str());
        match self.first.entry(file) {
            std::collections::btree_map::Entry::Vacant(entry) => drop(entry.insert(named)),
            std::collections::btree_map::Entry::Occupied(_) => {
                self.further.entry(file).or_default().push(named)
            }
        }
        Ok(())
    }

    /// The paths of a file; of one that no directory leads to, the place where it was made.
    fn paths(&self, number: u64, inode: &Inode) -> impl Iterator<Item = String> + use<'_> {
        let (named, alone) = match self.first.get(&number) {
            Some(first) => (Some(first), None),
            None if inode.name.is_empty() => (None, Some(format!("file {number}"))),
            None => (None, Some(self.path(inode.parent, &inode.name))),
        };
        let further = named.and_then(|_| self.further.get(&number)).into_iter().flatten();
        let named = named.into_iter().chain(further).map(|(parent, name)| self.path(*parent, name));
        alone.into_iter().chain(named)
    }

    fn path(&self, parent: u64, name: &str) -> String {
        path_from(ROOT, parent, Some(name), |number| {
            self.first.get(&number).map(|(above, name)| (*above, &**name))
        })
    }
}

/// The first walk.
struct Naming<'n, 's> {
    names: &'n mut Names,
    sink: &'s mut dyn Sink,
}

impl Visit for Naming<'_, '_> {
    fn record(&mut self, key: &[u8], value: &[u8]) -> Result<Flow, Reason> {
        self.names.add(key, value)?;
        Ok(Flow::Continue)
    }

    fn pay(&mut self, bytes: u64) -> Result<(), Reason> {
        self.sink.budget().spend(bytes)
    }
}

/// The second walk: a file and its attributes stand one after the other.
struct Files<'f, 'm, 'a> {
    medium: &'a dyn Medium,
    unpaid: &'f dyn Fn() -> u64,
    extents: &'m Tree<'m, 'a>,
    names: &'f Names,
    folder: &'f str,
    with_all: bool,
    position: &'f mut u64,
    sink: &'f mut dyn Sink,
    current: Option<File>,
    flow: Flow,
}

struct File {
    number: u64,
    inode: Inode,
    attributes: Vec<Attribute>,
    /// Bytes of attributes that may still be kept.
    room: usize,
}

impl Visit for Files<'_, '_, '_> {
    fn record(&mut self, key: &[u8], value: &[u8]) -> Result<Flow, Reason> {
        let Some((number, kind, _)) = Keys::Records.read(key) else { return Ok(Flow::Continue) };
        if self.current.as_ref().is_some_and(|file| file.number != number) {
            self.finish()?;
        }
        match (kind, &mut self.current) {
            (record::INODE, None) => {
                self.current = Inode::read(value).map(|inode| File {
                    number,
                    inode,
                    attributes: Vec::new(),
                    room: ATTRIBUTES,
                });
            }
            (record::ATTRIBUTE, Some(file)) => {
                if let Some(attribute) = Attribute::read(key, value) {
                    match file.room.checked_sub(value.len().saturating_add(64)) {
                        Some(room) => {
                            file.room = room;
                            file.attributes.push(attribute);
                        }
                        None => self
                            .sink
                            .incomplete(Reason::Unsupported("so many attributes of a file".to_owned())),
                    }
                }
            }
            _ => {}
        }
        Ok(self.flow)
    }

    fn pay(&mut self, bytes: u64) -> Result<(), Reason> {
        self.sink.budget().spend(bytes)
    }
}

impl<'m, 'a> Files<'_, 'm, 'a> {
    /// Gives the file whose records were all seen.
    fn finish(&mut self) -> Result<(), Reason> {
        let Some(file) = self.current.take().filter(|_| self.flow == Flow::Continue) else { return Ok(()) };
        let attribute = |name: &str| file.attributes.iter().find(|attribute| attribute.name == name);
        let compressed = attribute(decmpfs::ATTRIBUTE).and_then(|attribute| match &attribute.content {
            Value::Here(bytes) => Some((Header::read(bytes)?, &bytes[..])),
            Value::Stream(..) => None,
        });
        let compressed = compressed.filter(|_| file.inode.is_file());
        let fork = attribute("com.apple.ResourceFork").map(|attribute| &attribute.content);
        let is_given =
            file.inode.is_file() && (file.inode.length > 0 || compressed.is_some() || !self.with_all);
        let others = file.attributes.iter().filter(|attribute| self.is_given(attribute, compressed));
        let others: Vec<&Attribute> = if self.with_all { others.collect() } else { Vec::new() };
        if !is_given && others.is_empty() {
            return Ok(());
        }
        for path in self.names.paths(file.number, &file.inode) {
            if self.flow == Flow::Stop {
                break;
            }
            let path = format!("{}{path}", self.folder);
            // Whatever it leads to, a path costs what is written of it.
            self.sink.budget().spend(u64::try_from(path.len()).unwrap_or(u64::MAX))?;
            if is_given {
                let content = (file.inode.stream, file.inode.length, file.inode.is_sparse);
                match compressed {
                    Some((header, bytes)) if file.inode.is_compressed || file.inode.length == 0 => {
                        self.give_compressed(path.clone(), header, bytes, fork);
                        if file.inode.length > 0 && self.with_all {
                            self.give_stream(format!("{path}:data"), content);
                        }
                    }
                    compressed => {
                        self.give_stream(path.clone(), content);
                        // Nobody sees this; it is there.
                        if let Some((header, bytes)) = compressed.filter(|_| self.with_all) {
                            self.give_compressed(
                                format!("{path}:{}", decmpfs::ATTRIBUTE),
                                header,
                                bytes,
                                fork,
                            );
                        }
                    }
                }
            }
            for attribute in &others {
                let name = match attribute.name.as_str() {
                    "com.apple.ResourceFork" => format!("{path}/rsrc"),
                    name => format!("{path}:{name}"),
                };
                match &attribute.content {
                    Value::Here(bytes) => self.child(name, bytes.len(), None, Content::Bytes(bytes)),
                    Value::Stream(stream, length) => self.give_stream(name, (*stream, *length, false)),
                }
            }
            self.sink.budget().spend((self.unpaid)())?;
        }
        Ok(())
    }

    /// Whether an attribute is content of its own.
    fn is_given(&self, attribute: &Attribute, compressed: Option<(Header, &[u8])>) -> bool {
        let length = match &attribute.content {
            Value::Here(bytes) => u64::try_from(bytes.len()).unwrap_or(u64::MAX),
            Value::Stream(_, length) => *length,
        };
        match attribute.name.as_str() {
            decmpfs::ATTRIBUTE => compressed.is_none(),
            "com.apple.ResourceFork" => {
                length > 0 && !compressed.is_some_and(|(header, _)| header.is_in_fork())
            }
            "com.apple.fs.symlink" => false,
            _ => length >= SMALL,
        }
    }

    fn stream(&self, (stream, length, is_sparse): (u64, u64, bool)) -> Extents<'a, Pieces<'m, 'a>> {
        Extents::new(self.medium, Pieces::new(self.extents, stream, is_sparse), length)
    }

    fn give_stream(&mut self, name: String, stream: (u64, u64, bool)) {
        let mut content = self.stream(stream);
        let length = usize::try_from(stream.1).unwrap_or(usize::MAX);
        self.child(name, length, None, Content::Stream(&mut content));
    }

    fn give_compressed(&mut self, name: String, header: Header, attribute: &[u8], fork: Option<&Value>) {
        let length = usize::try_from(header.length).unwrap_or(usize::MAX);
        if let Some(why) = header.unread() {
            return self.child(name, length, None, Content::Absent(Reason::Unsupported(why)));
        }
        if !header.is_in_fork() {
            let mut content = header.inline(attribute);
            let packed = u64::try_from(attribute.len()).ok();
            return self.child(name, length, packed, Content::Stream(&mut content));
        }
        match fork {
            None => {
                let why = Reason::Malformed("the resource fork of a compressed file".to_owned());
                self.child(name, length, None, Content::Absent(why));
            }
            Some(Value::Here(bytes)) => {
                let medium = bytes.as_slice();
                let mut content = header.forked(medium);
                self.child(name, length, Some(medium.length()), Content::Stream(&mut content));
            }
            Some(Value::Stream(stream, packed)) => {
                let pieces = Pieces::new(self.extents, *stream, false);
                let fork = crate::extents::Pieced::new(self.medium, pieces, *packed);
                let mut content = header.forked(fork);
                self.child(name, length, Some(*packed), Content::Stream(&mut content));
            }
        }
    }

    fn child(&mut self, name: String, length: usize, compressed_size: Option<u64>, content: Content<'_>) {
        if self.flow == Flow::Stop {
            return;
        }
        *self.position = self.position.saturating_add(1);
        let member = Member {
            name,
            position: *self.position,
            compressed_size,
            real_size: u64::try_from(length).ok(),
            ..Member::default()
        };
        self.flow = self.sink.child(ChildKind::Extracted, &member, content);
    }
}
