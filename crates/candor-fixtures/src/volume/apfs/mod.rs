//! APFS: containers with volumes, as Apple's "Apple File System Reference" lays them out. Space manager, counts and
//! checksums are right, so that tools that check volumes take them.

mod tree;

use super::at;
use tree::{Records, Tree};

const BLOCK: usize = 4096;
/// Blocks of the rings that checkpoints are written to, and of the space that the space manager keeps for itself.
const DESCRIPTORS: usize = 8;
const EPHEMERAL: usize = 52;
const POOL_BITMAPS: usize = 16;
/// Blocks that one bitmap is about.
const CHUNK: usize = 8 * BLOCK;
const TRANSACTION: u64 = 1;
const FIRST_OBJECT: u64 = 0x400;
/// Numbers below are not for objects, which are called by their place.
const RESERVED: usize = 0x400;
/// Largest attribute that stands in its record.
const EMBEDDED: usize = 3804;

/// Roles of volumes.
pub const SYSTEM: u16 = 1;
/// The role of a volume with what users have.
pub const DATA: u16 = 0x40;
/// The role of a volume that a Mac starts from.
pub const PREBOOT: u16 = 0x10;

/// What a volume is like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// Names differ by case, and stand in their order by a hash.
    #[default]
    Hashed,
    /// Names do not differ by case.
    CaseInsensitive,
    /// Names stand in their order as they are, as before 2018.
    Plain,
    /// Its content needs a key.
    Encrypted,
    /// Its nodes have no headers and are hashed, and extents are in a tree of their own.
    Sealed,
}

/// What a path leads to.
#[derive(Clone, Debug)]
pub enum Kind<'a> {
    /// A file.
    File(&'a [u8]),
    /// A file of this length, of which these parts were written, each at a block.
    Sparse(Vec<(usize, &'a [u8])>, usize),
    /// Another name of a file.
    Link(&'a str),
    /// Another file with the content of a file, which stands there once.
    Clone(&'a str),
    /// A path that stands for another.
    Symlink(&'a str),
    /// A folder.
    Folder,
}

/// What is in a volume. Folders in front are made.
#[derive(Clone, Debug)]
pub struct Entry<'a> {
    /// Its path.
    pub path: &'a str,
    /// What it is.
    pub kind: Kind<'a>,
    /// Attributes that it has.
    pub attributes: Vec<(&'a str, Vec<u8>)>,
}

impl<'a> Entry<'a> {
    /// Without attributes.
    #[must_use]
    pub const fn new(path: &'a str, kind: Kind<'a>) -> Self {
        Self { path, kind, attributes: Vec::new() }
    }

    /// A file that the file system compresses, by a method of [`COMPRESSIONS`](super::COMPRESSIONS).
    #[must_use]
    pub fn compressed(path: &'a str, method: u32, content: &[u8]) -> Self {
        Self { path, kind: Kind::File(b""), attributes: super::compressed(method, content) }
    }
}

/// A volume.
#[derive(Clone, Debug, Default)]
pub struct Volume<'a> {
    /// Its name.
    pub name: &'a str,
    /// What it is for.
    pub role: u16,
    /// Which volumes it belongs to.
    pub group: [u8; 16],
    /// What it is like.
    pub form: Form,
    /// So many snapshots it says that it has.
    pub snapshots: u64,
    /// What is in it.
    pub entries: Vec<Entry<'a>>,
}

/// A container of one volume with these files.
#[must_use]
pub fn apfs(files: &[crate::archive::File<'_>]) -> Vec<u8> {
    let entries = files.iter().map(|(path, content)| Entry::new(path, Kind::File(content))).collect();
    container(&[Volume { name: "volume", entries, ..Volume::default() }])
}

/// A container of these volumes.
#[must_use]
pub fn container(volumes: &[Volume<'_>]) -> Vec<u8> {
    sized(volumes, 0)
}

/// A container of these volumes as the rules want it: of so many blocks, 131,072 for each volume, with no object in
/// the first 1,024. Blocks at its end that nothing was written to are left out. With 0 it is as small as can be.
#[must_use]
pub fn sized(volumes: &[Volume<'_>], least: usize) -> Vec<u8> {
    let mut disk = Disk { blocks: Vec::new(), object: FIRST_OBJECT + 4 };
    let ephemeral = 1 + DESCRIPTORS;
    let bitmaps = if least > 0 { RESERVED } else { ephemeral + EPHEMERAL };
    let pool = bitmaps + POOL_BITMAPS;
    let chunks = least.div_ceil(CHUNK).max(1);
    let reserved = 3 * (chunks + 1);
    disk.blocks.resize(pool + reserved, vec![0; BLOCK]);
    let mut mappings = Vec::new();
    for (index, volume) in volumes.iter().enumerate() {
        let object = disk.new_object();
        let block = superblock(&mut disk, index, volume);
        mappings.push((object, disk.store(object, 0xd, 0, block)));
    }
    let map = object_map(&mut disk, &mappings, 1);
    let end = disk.blocks.len();
    let total = least.max(end + 8);
    assert!(end <= CHUNK, "a bitmap holds what is in use");
    let is_used = |block: &usize| !(ephemeral + EPHEMERAL..bitmaps).contains(block);
    let used = (0..end).filter(is_used).count();

    let mut bitmap = vec![0; BLOCK];
    for block in (0..end).filter(is_used) {
        bitmap[block / 8] |= 1 << (block % 8);
    }
    disk.blocks[pool] = bitmap;
    let mut list = vec![0; BLOCK];
    put32(&mut list, 0x24, chunks);
    for chunk in 0..chunks {
        let (place, blocks) = (0x28 + 32 * chunk, CHUNK.min(total - chunk * CHUNK));
        put64(&mut list, place, TRANSACTION);
        put64(&mut list, place + 8, wide(chunk * CHUNK));
        put32(&mut list, place + 16, blocks);
        put32(&mut list, place + 20, if chunk == 0 { blocks - used } else { blocks });
        put64(&mut list, place + 24, if chunk == 0 { wide(pool) } else { 0 });
    }
    disk.place(pool + 1, wide(pool + 1), 0x4000_0007, 0, list);
    disk.blocks[bitmaps][0] = 3;

    let mut reaper = vec![0; BLOCK];
    put64(&mut reaper, 0x20, 1);
    put32(&mut reaper, 0x40, 1);
    put32(&mut reaper, 0x6c, BLOCK - 0x70);
    disk.place(ephemeral, FIRST_OBJECT + 1, 0x8000_0011, 0, reaper);
    disk.place(ephemeral + 1, FIRST_OBJECT, 0x8000_0005, 0, space_manager(total, used, bitmaps, reserved));
    for (number, object) in [FIRST_OBJECT + 2, FIRST_OBJECT + 3].into_iter().enumerate() {
        let queue = Tree { subtype: 9, flags: 0xc, fixed: Some((16, 8)), storage: 0x8000_0000, hash: false };
        let (node, kind) = queue.node(&[], 0, Some((0, 1, 16, 8)));
        disk.place(ephemeral + 2 + number, object, kind, 9, node);
    }

    let mut checkpoint = vec![0; BLOCK];
    put32(&mut checkpoint, 0x20, 1);
    put32(&mut checkpoint, 0x24, 4);
    let kinds = [(0x8000_0011, 0, 1), (0x8000_0005, 0, 0), (0x8000_0002, 9, 2), (0x8000_0002, 9, 3)];
    for (number, (kind, subtype, object)) in kinds.into_iter().enumerate() {
        let place = 0x28 + 40 * number;
        put32(&mut checkpoint, place, kind);
        put32(&mut checkpoint, place + 4, subtype);
        put32(&mut checkpoint, place + 8, BLOCK);
        put64(&mut checkpoint, place + 24, FIRST_OBJECT + object);
        put64(&mut checkpoint, place + 32, wide(ephemeral + number));
    }
    disk.place(1, 1, 0x4000_000c, 0, checkpoint);
    let first = disk.object;
    let container = container_superblock(total, first, map, &mappings);
    disk.place(2, 1, 0x8000_0001, 0, container);
    disk.blocks[0] = disk.blocks[2].clone();
    disk.blocks.concat()
}

fn container_superblock(total: usize, next: u64, map: u64, volumes: &[(u64, u64)]) -> Vec<u8> {
    let mut out = vec![0; BLOCK];
    at(&mut out, 0x20, b"NXSB");
    put32(&mut out, 0x24, BLOCK);
    put64(&mut out, 0x28, wide(total));
    put64(&mut out, 0x40, 2);
    at(&mut out, 0x48, b"a container here");
    put64(&mut out, 0x58, next);
    put64(&mut out, 0x60, TRANSACTION + 1);
    put32(&mut out, 0x68, DESCRIPTORS);
    put32(&mut out, 0x6c, EPHEMERAL);
    put64(&mut out, 0x70, 1);
    put64(&mut out, 0x78, wide(1 + DESCRIPTORS));
    for (place, value) in [(0x80, 2), (0x84, 4), (0x88, 0), (0x8c, 2), (0x90, 0), (0x94, 4)] {
        put32(&mut out, place, value);
    }
    put64(&mut out, 0x98, FIRST_OBJECT);
    put64(&mut out, 0xa0, map);
    put64(&mut out, 0xa8, FIRST_OBJECT + 1);
    put32(&mut out, 0xb4, total.div_ceil(0x2_0000).max(volumes.len()));
    for (number, (object, _)) in volumes.iter().enumerate() {
        put64(&mut out, 0xb8 + 8 * number, *object);
    }
    put64(&mut out, 0x520, 0x8_0004_0001);
    out
}

fn space_manager(total: usize, used: usize, bitmaps: usize, reserved: usize) -> Vec<u8> {
    let pool = bitmaps + POOL_BITMAPS;
    let mut out = vec![0; BLOCK];
    for (place, value) in [
        (0x20, BLOCK),
        (0x24, CHUNK),
        (0x28, 126),
        (0x2c, 507),
        (0x40, 1),
        (0x50, 0x180),
        (0x80, 0x188),
        (0x94, 16),
        (0xa0, 1),
        (0xa4, POOL_BITMAPS),
        (0xe0, 1),
        (0x108, total.div_ceil(4544)),
        (0x140, 0x000f_0001),
        (0x144, 0x150),
        (0x148, 0x158),
        (0x14c, 0x160),
    ] {
        put32(&mut out, place, value);
    }
    for (place, value) in [
        (0x30, wide(total)),
        (0x38, wide(total.div_ceil(CHUNK))),
        (0x48, wide(total - used)),
        (0x98, wide(reserved)),
        (0xa8, wide(bitmaps)),
        (0xb0, wide(pool)),
        (0xd0, FIRST_OBJECT + 2),
        (0xf8, FIRST_OBJECT + 3),
        (0x150, TRANSACTION),
        (0x180, wide(pool + 1)),
    ] {
        put64(&mut out, place, value);
    }
    // Which bitmap of the pool is free next; the first is in use, and the last has none behind it.
    for number in 0..POOL_BITMAPS {
        let next = if number == 0 || number + 1 == POOL_BITMAPS { 0xffff } else { super::u16_of(number + 1) };
        at(&mut out, 0x160 + 2 * number, &next.to_le_bytes());
    }
    out
}

/// Blocks, and what objects are called.
struct Disk {
    blocks: Vec<Vec<u8>>,
    object: u64,
}

impl Disk {
    fn new_object(&mut self) -> u64 {
        self.object += 1;
        self.object - 1
    }

    /// Writes an object behind everything else; one without a number is called by its place. Gives its place.
    fn store(&mut self, object: u64, kind: u32, subtype: u32, block: Vec<u8>) -> u64 {
        let place = self.blocks.len();
        self.blocks.push(Vec::new());
        let object = if object == 0 { wide(place) } else { object };
        self.place(place, object, kind, subtype, block);
        wide(place)
    }

    fn place(&mut self, place: usize, object: u64, kind: u32, subtype: u32, mut block: Vec<u8>) {
        put64(&mut block, 8, object);
        put64(&mut block, 16, TRANSACTION);
        at(&mut block, 24, &kind.to_le_bytes());
        at(&mut block, 28, &subtype.to_le_bytes());
        seal(&mut block);
        self.blocks[place] = block;
    }

    /// Stores the content of a file; gives its first block.
    fn data(&mut self, content: &[u8]) -> u64 {
        let place = self.blocks.len();
        for part in content.chunks(BLOCK) {
            let mut block = part.to_vec();
            block.resize(BLOCK, 0);
            self.blocks.push(block);
        }
        wide(place)
    }
}

/// Puts Fletcher's checksum in front of a block.
pub fn seal(block: &mut [u8]) {
    let (mut first, mut second) = (0_u64, 0_u64);
    for word in block[8..].as_chunks::<4>().0 {
        first += u64::from(u32::from_le_bytes(*word));
        second += first;
        second %= 0xffff_ffff;
    }
    first %= 0xffff_ffff;
    let low = 0xffff_ffff - (first + second) % 0xffff_ffff;
    let high = 0xffff_ffff - (first + low) % 0xffff_ffff;
    put64(block, 0, high << 32 | low);
}

fn object_map(disk: &mut Disk, mappings: &[(u64, u64)], flags: usize) -> u64 {
    let records = mappings
        .iter()
        .map(|(object, place)| {
            let key = [object.to_le_bytes(), TRANSACTION.to_le_bytes()].concat();
            let value = [&[0, 0, 0, 0, 0, 0x10, 0, 0][..], &place.to_le_bytes()].concat();
            (key, value)
        })
        .collect();
    // The map comes first, as it is made with its volume.
    let place = disk.blocks.len();
    disk.blocks.push(Vec::new());
    let tree = Tree::map().store(disk, records, &mut Vec::new());
    let mut out = vec![0; BLOCK];
    put32(&mut out, 0x20, flags);
    put32(&mut out, 0x28, 0x4000_0002);
    put32(&mut out, 0x2c, 0x4000_0002);
    put64(&mut out, 0x30, tree);
    disk.place(place, wide(place), 0x4000_000b, 0, out);
    wide(place)
}

fn superblock(disk: &mut Disk, index: usize, volume: &Volume<'_>) -> Vec<u8> {
    let first = disk.blocks.len();
    let is_sealed = volume.form == Form::Sealed;
    let mut files = Files::new(volume);
    files.fill(disk);
    let mut mappings = Vec::new();
    let storage = 0x4000_0000;
    let hash = is_sealed;
    let flags = if is_sealed { 0x1c0 } else { 0x40 };
    let names = Tree { subtype: 0xe, flags, fixed: None, storage: 0, hash };
    let root = names.store(disk, std::mem::take(&mut files.records), &mut mappings);
    let physical = Tree { subtype: 0xf, flags: 0x50, fixed: None, storage, hash: false };
    let used = physical.store(disk, std::mem::take(&mut files.used), &mut Vec::new());
    let snapshots = Tree { subtype: 0x10, flags: 0x50, fixed: None, storage, hash: false };
    let snapshots = snapshots.store(disk, Vec::new(), &mut Vec::new());
    let extents = if is_sealed {
        let tree = Tree { subtype: 0x1f, flags: 0x10, fixed: Some((16, 16)), storage, hash: false };
        tree.store(disk, std::mem::take(&mut files.extents), &mut Vec::new())
    } else {
        0
    };
    let map = object_map(disk, &mappings, 0);
    let features = match volume.form {
        Form::CaseInsensitive => 1,
        Form::Plain => 0,
        Form::Sealed => 0x29,
        Form::Hashed | Form::Encrypted => 8,
    };
    let mut out = vec![0; BLOCK];
    at(&mut out, 0x20, b"APSB");
    put32(&mut out, 0x24, index);
    for (place, value) in [
        (0x28, 2),
        (0x38, features),
        (0x58, wide(disk.blocks.len() - first)),
        (0x60, 5),
        (0x68, 6),
        (0x70, 0x2_0000_0001),
        (0x78, 0x4000_0002_4000_0002),
        (0x80, map),
        (0x88, root),
        (0x90, used),
        (0x98, snapshots),
        (0xb0, files.next),
        (0xb8, files.counts[0]),
        (0xc0, files.counts[1]),
        (0xc8, files.counts[2]),
        (0xd8, volume.snapshots),
        (0x108, u64::from(volume.form != Form::Encrypted)),
        (0x130, 1),
        (0x138, TRANSACTION),
        (0x408, extents),
    ] {
        put64(&mut out, place, value);
    }
    at(&mut out, 0xf0, b"a volume is here");
    out[0xf0] = super::u16_of(index).to_le_bytes()[0] + b'a';
    at(&mut out, 0x110, b"candor-fixtures");
    at(&mut out, 0x2c0, volume.name.as_bytes());
    put32(&mut out, 0x3c0, 3);
    at(&mut out, 0x3c4, &volume.role.to_le_bytes());
    at(&mut out, 0x3f0, &volume.group);
    put32(&mut out, 0x410, if is_sealed { 0x4000_0002 } else { 0 });
    out
}

/// A file or folder.
struct Inode {
    number: u64,
    parent: u64,
    name: String,
    mode: u16,
    /// Names that it has, with the number of each when there are several.
    links: Vec<(u64, String)>,
    children: u64,
    /// Length, blocks, and whether parts of it are missing.
    content: Option<(u64, u64, u64)>,
    private: u64,
    attributes: Vec<(String, Vec<u8>)>,
    symlink: Option<String>,
}

struct Files<'a> {
    volume: &'a Volume<'a>,
    records: Records,
    used: Records,
    extents: Records,
    next: u64,
    /// Files, folders, symbolic links.
    counts: [u64; 3],
    inodes: Vec<Inode>,
}

impl<'a> Files<'a> {
    fn new(volume: &'a Volume<'a>) -> Self {
        let folder = |number: u64, name: &str| Inode {
            number,
            parent: 1,
            name: name.to_owned(),
            mode: 0o40755,
            links: vec![(1, name.to_owned())],
            children: 0,
            content: None,
            private: number,
            attributes: Vec::new(),
            symlink: None,
        };
        let inodes = vec![folder(2, "root"), folder(3, "private-dir")];
        Self {
            volume,
            records: Vec::new(),
            used: Vec::new(),
            extents: Vec::new(),
            next: 16,
            counts: [0; 3],
            inodes,
        }
    }

    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next - 1
    }

    /// The folder of a path, which is made, and the last part of the path.
    fn folder<'p>(&mut self, path: &'p str) -> (u64, &'p str) {
        let (mut parent, mut rest) = (2, path);
        while let Some((name, behind)) = rest.split_once('/') {
            rest = behind;
            parent = match self.inodes.iter().find(|inode| inode.parent == parent && inode.name == name) {
                Some(inode) => inode.number,
                None => self.add(parent, name, 0o40755),
            };
        }
        (parent, rest)
    }

    fn add(&mut self, parent: u64, name: &str, mode: u16) -> u64 {
        let number = self.number();
        if let Some(above) = self.inodes.iter_mut().find(|inode| inode.number == parent) {
            above.children += 1;
        }
        self.counts[match mode & 0o17_0000 {
            0o4_0000 => 1,
            0o12_0000 => 2,
            _ => 0,
        }] += 1;
        self.inodes.push(Inode {
            number,
            parent,
            name: name.to_owned(),
            mode,
            links: vec![(parent, name.to_owned())],
            children: 0,
            content: None,
            private: number,
            attributes: Vec::new(),
            symlink: None,
        });
        number
    }

    fn at_path(&mut self, path: &str) -> usize {
        let (parent, name) = self.folder(path);
        let found = self.inodes.iter().position(|inode| inode.parent == parent && inode.name == name);
        found.expect("what a link leads to stands before it")
    }

    fn fill(&mut self, disk: &mut Disk) {
        for entry in &self.volume.entries {
            let (parent, name) = self.folder(entry.path);
            match &entry.kind {
                Kind::Folder => drop(self.add(parent, name, 0o40755)),
                Kind::Symlink(target) => {
                    self.add(parent, name, 0o12_0755);
                    self.last().symlink = Some((*target).to_owned());
                }
                Kind::Link(target) => {
                    let target = self.at_path(target);
                    self.inodes[target].links.push((parent, name.to_owned()));
                    if let Some(above) = self.inodes.iter_mut().find(|inode| inode.number == parent) {
                        above.children += 1;
                    }
                }
                Kind::Clone(target) => {
                    let target = self.at_path(target);
                    let (private, content) = (self.inodes[target].private, self.inodes[target].content);
                    self.add(parent, name, 0o10_0644);
                    let last = self.last();
                    (last.private, last.content) = (private, content);
                }
                Kind::File(content) => {
                    let number = self.add(parent, name, 0o10_0644);
                    // The second half stands in front of the first.
                    let half = (content.len() / 2).next_multiple_of(BLOCK);
                    let half = if half < content.len() { half } else { 0 };
                    let (front, back) = content.split_at(half);
                    let pieces = [(half, back), (0, front)];
                    self.store(disk, number, &pieces);
                    let blocks = wide(content.len().div_ceil(BLOCK));
                    self.last().content = (!content.is_empty()).then_some((wide(content.len()), blocks, 0));
                }
                Kind::Sparse(parts, length) => {
                    let number = self.add(parent, name, 0o10_0644);
                    self.store(disk, number, parts);
                    let blocks = wide(length.div_ceil(BLOCK));
                    let there: usize = parts.iter().map(|(_, part)| part.len().div_ceil(BLOCK)).sum();
                    self.last().content = Some((wide(*length), blocks, blocks - wide(there)));
                }
            }
            let last = self.last();
            last.attributes =
                entry.attributes.iter().map(|(name, bytes)| ((*name).to_owned(), bytes.clone())).collect();
        }
        for inode in std::mem::take(&mut self.inodes) {
            self.write(disk, &inode);
        }
    }

    fn last(&mut self) -> &mut Inode {
        self.inodes.last_mut().expect("there is always a root")
    }

    /// Stores pieces of a stream, each at its place, and notes where they are.
    fn store(&mut self, disk: &mut Disk, stream: u64, pieces: &[(usize, &[u8])]) {
        let mut written: Vec<(usize, usize, u64)> = Vec::new();
        for (offset, piece) in pieces.iter().filter(|(_, piece)| !piece.is_empty()) {
            let place = disk.data(piece);
            let blocks = piece.len().div_ceil(BLOCK);
            let value = [wide(blocks) | 1 << 60, stream].map(u64::to_le_bytes).concat();
            let value = [&value[..], &1_u32.to_le_bytes()].concat();
            self.used.push(((place | 2 << 60).to_le_bytes().to_vec(), value));
            written.push((*offset, blocks * BLOCK, place));
        }
        written.sort_unstable();
        let mut end = 0;
        for (offset, length, place) in written {
            if offset > end {
                self.extent(stream, end, offset - end, 0);
            }
            self.extent(stream, offset, length, place);
            end = offset + length;
        }
    }

    fn extent(&mut self, stream: u64, offset: usize, length: usize, place: u64) {
        if self.volume.form == Form::Sealed {
            let key = [stream, wide(offset)].map(u64::to_le_bytes).concat();
            self.extents.push((key, [wide(length), place].map(u64::to_le_bytes).concat()));
            return;
        }
        let key = [stream | 8 << 60, wide(offset)].map(u64::to_le_bytes).concat();
        self.records.push((key, [wide(length), place, 0].map(u64::to_le_bytes).concat()));
    }

    fn record(&mut self, object: u64, kind: u64, key: &[u8], value: Vec<u8>) {
        self.records.push(([&(object | kind << 60).to_le_bytes()[..], key].concat(), value));
    }

    fn write(&mut self, disk: &mut Disk, inode: &Inode) {
        let is_folder = inode.mode & 0o17_0000 == 0o4_0000;
        let is_compressed = inode.attributes.iter().any(|(name, _)| name == "com.apple.decmpfs");
        let has_fork = inode.attributes.iter().any(|(name, _)| name == "com.apple.ResourceFork");
        let numbers: Vec<u64> = if inode.links.len() > 1 {
            inode.links.iter().map(|_| self.number()).collect()
        } else {
            Vec::new()
        };
        for (index, (parent, name)) in inode.links.iter().enumerate() {
            let kind = inode.mode >> 12;
            let mut value = inode.number.to_le_bytes().to_vec();
            value.extend(1_u64.to_le_bytes());
            value.extend(kind.to_le_bytes());
            if let Some(sibling) = numbers.get(index) {
                value.extend(fields(&[(1, 0, sibling.to_le_bytes().to_vec())]));
                let mut link = parent.to_le_bytes().to_vec();
                link.extend(counted(name));
                self.record(inode.number, 5, &sibling.to_le_bytes(), link);
                self.record(*sibling, 12, &[], inode.number.to_le_bytes().to_vec());
            }
            let key = match self.volume.form {
                Form::Plain => counted(name),
                Form::CaseInsensitive | Form::Sealed => hashed(name, &name.to_lowercase()),
                Form::Hashed | Form::Encrypted => hashed(name, name),
            };
            self.record(*parent, 9, &key, value);
        }
        let name = [inode.name.as_bytes(), &[0]].concat();
        let mut extra = vec![(4, 2, name)];
        let missing = inode.content.map_or(0, |(_, _, missing)| missing);
        let copies = self.volume.entries.iter().filter(|entry| match &entry.kind {
            Kind::Clone(target) => target.rsplit('/').next() == Some(&inode.name),
            _ => false,
        });
        let copies = super::u32_of(copies.count());
        if let Some((length, blocks, missing)) = inode.content {
            extra.push((8, 0x20, stream(length, blocks)));
            if missing > 0 {
                extra.push((13, 0x28, (missing * wide(BLOCK)).to_le_bytes().to_vec()));
            }
            if inode.private == inode.number {
                self.record(inode.number, 6, &[], (1 + copies).to_le_bytes().to_vec());
            }
        }
        let count = if is_folder { inode.children } else { wide(inode.links.len()) };
        let flags = if has_fork { 0x4000 } else { 0x8000 }
            | if missing > 0 { 0x200 } else { 0 }
            | if inode.private == inode.number { 0 } else { 0x10 }
            | if inode.private == inode.number && copies == 0 { 0 } else { 0x400 };
        let mut value = [inode.parent, inode.private, 1, 1, 1, 1, flags].map(u64::to_le_bytes).concat();
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        let numbers = [count, 0, 0, if is_compressed { 0x20 } else { 0 }, 0, 0, u32::from(inode.mode)];
        value.extend(numbers.map(u32::to_le_bytes).concat());
        value.extend([0; 8]);
        value.extend(fields(&extra));
        self.record(inode.number, 3, &[], value);
        for (name, bytes) in &inode.attributes {
            let is_stream = bytes.len() > EMBEDDED || name == "com.apple.ResourceFork";
            let (flags, content) = if is_stream {
                let number = self.number();
                self.store(disk, number, &[(0, bytes)]);
                let blocks = wide(bytes.len().div_ceil(BLOCK));
                (1_u16, [&number.to_le_bytes()[..], &stream(wide(bytes.len()), blocks)].concat())
            } else {
                (2, bytes.clone())
            };
            self.attribute(inode.number, name, flags, &content);
        }
        if let Some(target) = &inode.symlink {
            let target = [target.as_bytes(), &[0]].concat();
            self.attribute(inode.number, "com.apple.fs.symlink", 6, &target);
        }
    }

    fn attribute(&mut self, inode: u64, name: &str, flags: u16, content: &[u8]) {
        let value = [&flags.to_le_bytes()[..], &super::u16_of(content.len()).to_le_bytes(), content].concat();
        self.record(inode, 4, &counted(name), value);
    }
}

/// What is said of a stream: its length, and that of the blocks that it has.
fn stream(length: u64, blocks: u64) -> Vec<u8> {
    [length, blocks * wide(BLOCK), 0, 0, 0].map(u64::to_le_bytes).concat()
}

/// Extended fields: kind, flags and content of each.
fn fields(fields: &[(u8, u8, Vec<u8>)]) -> Vec<u8> {
    let used: usize = fields.iter().map(|(_, _, content)| content.len().next_multiple_of(8)).sum();
    let mut out = [super::u16_of(fields.len()).to_le_bytes(), super::u16_of(used).to_le_bytes()].concat();
    for (kind, flags, content) in fields {
        out.extend([*kind, *flags]);
        out.extend(super::u16_of(content.len()).to_le_bytes());
    }
    for (_, _, content) in fields {
        out.extend_from_slice(content);
        out.resize(out.len() + content.len().next_multiple_of(8) - content.len(), 0);
    }
    out
}

/// A name behind its length.
fn counted(name: &str) -> Vec<u8> {
    [&super::u16_of(name.len() + 1).to_le_bytes()[..], name.as_bytes(), &[0]].concat()
}

/// A name behind its length and the hash of how it is compared. Only for names that are composed of nothing.
fn hashed(name: &str, compared: &str) -> Vec<u8> {
    let mut hash = u32::MAX;
    for byte in compared.chars().flat_map(|letter| u32::from(letter).to_le_bytes()) {
        hash ^= u32::from(byte);
        for _ in 0..8 {
            hash = hash >> 1 ^ if hash & 1 == 1 { 0x82f6_3b78 } else { 0 };
        }
    }
    let both = hash << 10 | super::u32_of(name.len() + 1);
    [&both.to_le_bytes()[..], name.as_bytes(), &[0]].concat()
}

fn wide(value: usize) -> u64 {
    u64::try_from(value).unwrap_or(u64::MAX)
}

fn read64(bytes: &[u8]) -> u64 {
    bytes.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

fn put32(bytes: &mut [u8], place: usize, value: usize) {
    at(bytes, place, &super::u32_of(value).to_le_bytes());
}

fn put64(bytes: &mut [u8], place: usize, value: u64) {
    at(bytes, place, &value.to_le_bytes());
}
