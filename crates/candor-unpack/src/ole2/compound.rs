//! The file system inside of a compound file: sectors in chains, and a directory of storages and streams.
//!
//! Every chain is followed for at most as many sectors as the file has, so a loop ends by itself.

use std::rc::Rc;

use crate::reader::{Reader, clipped};

/// Bytes of the directory that are read: 65,536 entries.
const DIRECTORY: u64 = 128 * 65_536;
/// What the last sector of a chain leads to.
const END: u32 = 0xffff_fffe;
/// The root, a storage, a stream.
const STORAGE: u8 = 1;
const STREAM: u8 = 2;
const ROOT: u8 = 5;

/// A compound file.
pub(super) struct Compound<'a> {
    bytes: &'a [u8],
    sector_size: u64,
    mini_size: u64,
    cutoff: u64,
    table: Vec<u32>,
    mini_table: Vec<u32>,
    mini_stream: Vec<u8>,
    /// The streams, in the order of the directory.
    pub(super) streams: Vec<Stream>,
    /// Whether the directory is there up to its end.
    pub(super) is_whole: bool,
}

/// A stream of a compound file.
#[derive(Clone, Debug)]
pub(super) struct Stream {
    name: String,
    storage: Rc<Storage>,
    start: u32,
    /// Its length, as the directory says.
    pub(super) length: u64,
}

impl Stream {
    /// Its own name.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Whether it stands in the same storage as another.
    pub(super) fn is_beside(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.storage, &other.storage)
    }

    /// Names from the root down, its own last.
    pub(super) fn path(&self) -> Vec<String> {
        let mut path = vec![self.name.clone()];
        let mut storage = &self.storage;
        while let Some((above, name)) = &storage.place {
            path.push(name.clone());
            storage = above;
        }
        path.reverse();
        path
    }
}

/// A storage, which thousands of streams may be in.
#[derive(Debug, Default)]
struct Storage {
    /// What it is in, and its name; nothing for the root.
    place: Option<(Rc<Self>, String)>,
    /// How many are around it.
    depth: usize,
}

impl<'a> Compound<'a> {
    /// Reads tables and directory; `None` when the header is none.
    pub(super) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let start = Reader::little(bytes);
        let mut compound = Self::with_table(bytes)?;
        let (directory, first_mini) = (start.at(48)?.u32()?, start.at(60)?.u32()?);
        compound.mini_table = numbers(&compound.chained(first_mini, u64::MAX));
        compound.read_directory(directory);
        Some(compound)
    }

    /// Reads the table of sectors, and nothing of what stands in them.
    pub(super) fn with_table(bytes: &'a [u8]) -> Option<Self> {
        let start = Reader::little(bytes);
        if !bytes.starts_with(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1") {
            return None;
        }
        let mut shifts = start.at(30)?;
        let (shift, mini_shift) = (u32::from(shifts.u16()?), u32::from(shifts.u16()?));
        if !(7..=16).contains(&shift) || !(2..=shift).contains(&mini_shift) {
            return None;
        }
        let cutoff = u64::from(start.at(56)?.u32()?);
        let mut compound = Self {
            bytes,
            sector_size: 1 << shift,
            mini_size: 1 << mini_shift,
            cutoff,
            table: Vec::new(),
            mini_table: Vec::new(),
            mini_stream: Vec::new(),
            streams: Vec::new(),
            is_whole: false,
        };
        compound.read_table(start)?;
        Some(compound)
    }

    /// Where the last sector ends that the table knows to be in use.
    pub(super) fn end(&self) -> Option<u64> {
        const FREE: u32 = u32::MAX;
        let last = self.table.iter().rposition(|next| *next != FREE)?;
        // The header takes the place of one sector.
        u64::try_from(last).ok()?.checked_add(2)?.checked_mul(self.sector_size)
    }

    /// The content of a stream, as far as it is there.
    pub(super) fn content(&self, stream: &Stream) -> Vec<u8> {
        if stream.length >= self.cutoff {
            return self.chained(stream.start, stream.length);
        }
        let mut content = Vec::new();
        let mut sector = stream.start;
        for _ in 0..=self.mini_table.len() {
            let missing = stream.length.saturating_sub(u64::try_from(content.len()).unwrap_or(u64::MAX));
            let offset = u64::from(sector).saturating_mul(self.mini_size);
            let part = clipped(&self.mini_stream, offset, self.mini_size.min(missing));
            content.extend_from_slice(part);
            let next = usize::try_from(sector).ok().and_then(|sector| self.mini_table.get(sector));
            match next {
                Some(&next) if !part.is_empty() => sector = next,
                _ => break,
            }
        }
        content
    }

    /// The sectors of a chain, up to `most` bytes.
    fn chained(&self, start: u32, most: u64) -> Vec<u8> {
        self.chain(start, most).0
    }

    /// The sectors of a chain, up to `most` bytes, and where it led behind them.
    fn chain(&self, start: u32, most: u64) -> (Vec<u8>, Option<u32>) {
        let mut content = Vec::new();
        let mut sector = start;
        for _ in 0..=self.table.len() {
            let missing = most.saturating_sub(u64::try_from(content.len()).unwrap_or(u64::MAX));
            let part = clipped(self.sector(sector), 0, missing);
            content.extend_from_slice(part);
            let next = usize::try_from(sector).ok().and_then(|sector| self.table.get(sector));
            match next {
                Some(&next) if !part.is_empty() => sector = next,
                _ => return (content, Some(sector)),
            }
        }
        (content, None)
    }

    /// All sectors, in the order in which they stand there.
    pub(super) fn sectors(&self) -> &'a [u8] {
        clipped(self.bytes, self.sector_size, u64::MAX)
    }

    fn sector(&self, number: u32) -> &'a [u8] {
        let offset = u64::from(number).saturating_add(1).saturating_mul(self.sector_size);
        clipped(self.bytes, offset, self.sector_size)
    }

    /// Reads the table of chains through the list of its sectors, which goes on in sectors of its own.
    fn read_table(&mut self, start: Reader<'_>) -> Option<()> {
        let sectors = u64::try_from(self.bytes.len()).ok()?.checked_div(self.sector_size)?;
        let mut next = start.at(68)?.u32()?;
        let mut list = numbers(clipped(self.bytes, 76, 436));
        for _ in 0..sectors {
            let more = numbers(self.sector(next));
            let Some((&link, more)) = more.split_last() else { break };
            list.extend_from_slice(more);
            next = link;
            if u64::try_from(list.len()).ok()? > sectors {
                break;
            }
        }
        let most = usize::try_from(sectors).ok()?.saturating_add(1);
        for number in list {
            if self.table.len() >= most {
                break;
            }
            self.table.extend(numbers(self.sector(number)));
        }
        // The last sector may have thousands of rows for sectors that are not there.
        self.table.truncate(most);
        Some(())
    }

    fn read_directory(&mut self, start: u32) {
        let (directory, end) = self.chain(start, DIRECTORY);
        self.is_whole = end == Some(END) && !directory.is_empty();
        let entries: Vec<Entry> = directory.chunks(128).map_while(Entry::read).collect();
        if let Some(root) = entries.iter().find(|entry| entry.kind == ROOT) {
            self.mini_stream = self.chained(root.start, root.length);
        }
        // The tree says what is inside of what. A stream that it does not lead to is given all the same.
        let mut storages: Vec<Option<Rc<Storage>>> = vec![None; entries.len()];
        let top = Rc::new(Storage::default());
        let roots = entries.iter().filter(|entry| entry.kind == ROOT);
        let mut open: Vec<(u32, Rc<Storage>)> = roots.map(|root| (root.child, Rc::clone(&top))).collect();
        while let Some((number, above)) = open.pop() {
            let Ok(index) = usize::try_from(number) else { continue };
            let (Some(entry), Some(slot)) = (entries.get(index), storages.get_mut(index)) else { continue };
            if slot.is_some() || above.depth > 32 {
                continue;
            }
            *slot = Some(Rc::clone(&above));
            if entry.kind == STORAGE {
                let depth = above.depth.saturating_add(1);
                let place = Some((Rc::clone(&above), entry.name.clone()));
                open.push((entry.child, Rc::new(Storage { place, depth })));
            }
            open.push((entry.right, Rc::clone(&above)));
            open.push((entry.left, above));
        }
        for (Entry { name, kind, start, length, .. }, storage) in entries.into_iter().zip(storages) {
            if kind == STREAM {
                let storage = storage.unwrap_or_else(|| Rc::clone(&top));
                self.streams.push(Stream { name, storage, start, length });
            }
        }
    }
}

struct Entry {
    name: String,
    kind: u8,
    left: u32,
    right: u32,
    child: u32,
    start: u32,
    length: u64,
}

impl Entry {
    fn read(bytes: &[u8]) -> Option<Self> {
        let start = Reader::little(bytes);
        let units: Vec<u16> = bytes
            .get(..64)?
            .as_chunks::<2>()
            .0
            .iter()
            .map(|&unit| u16::from_le_bytes(unit))
            .take_while(|&unit| unit != 0)
            .collect();
        let mut links = start.at(68)?;
        let (left, right, child) = (links.u32()?, links.u32()?, links.u32()?);
        let mut place = start.at(116)?;
        let (start, low) = (place.u32()?, place.u32()?);
        // The upper half of the length holds anything in files of the first version.
        Some(Self {
            name: name(&units),
            kind: *bytes.get(66)?,
            left,
            right,
            child,
            start,
            length: u64::from(low),
        })
    }
}

/// A name; those of installer databases pack two characters of a small alphabet into one.
fn name(units: &[u16]) -> String {
    const ALPHABET: &[u8; 64] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz._";
    let letter = |index: u16| ALPHABET.get(usize::from(index & 63)).copied().map_or('_', char::from);
    let mut name = String::new();
    for unit in char::decode_utf16(units.iter().copied()) {
        let unit = unit.unwrap_or(char::REPLACEMENT_CHARACTER);
        match u16::try_from(u32::from(unit)).ok() {
            Some(0x4840) => name.push('!'),
            Some(code @ 0x3800..0x4800) => {
                name.push(letter(code));
                name.push(letter(code.saturating_sub(0x3800) >> 6));
            }
            Some(code @ 0x4800..0x4840) => name.push(letter(code)),
            _ => name.push(unit),
        }
    }
    name
}

fn numbers(bytes: &[u8]) -> Vec<u32> {
    bytes.as_chunks::<4>().0.iter().map(|&number| u32::from_le_bytes(number)).collect()
}
