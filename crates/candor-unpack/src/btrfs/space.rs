//! The superblock, and where what has a place in the volume's own space stands on its device.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::io::{self, ErrorKind};
use std::rc::Rc;

use super::sum::Sum;
use super::tree::{Key, Root};
use crate::medium::{Medium, taken};
use crate::reader::{Reader, clipped};

/// Where the superblock stands, and its copies.
const PLACES: [u64; 3] = [64 << 10, 64 << 20, 256 << 30];
const SUPERBLOCK: u64 = 4096;
/// Copies of a chunk that are looked at, and chunks.
const COPIES: u16 = 8;
const CHUNKS: usize = 1 << 20;
/// Nodes that are held, and how many bytes a look at a held one costs.
const HELD: usize = 96;
pub(super) const LOOK: u64 = 64;

/// What a chunk has besides plain copies.
const SPREAD: u64 = 0x8 | 0x40 | 0x80 | 0x100;

/// What the superblock says.
#[derive(Clone, Debug)]
pub(super) struct Superblock {
    pub(super) is_sound: bool,
    /// Whether it is a copy, as the first one is damaged.
    pub(super) is_copy: bool,
    generation: u64,
    pub(super) roots: Root,
    pub(super) chunks: Root,
    /// The tree of what was written last, if there is any.
    pub(super) log: u64,
    pub(super) length: u64,
    pub(super) devices: u64,
    pub(super) features: u64,
    pub(super) sum: Sum,
    pub(super) node: u64,
    pub(super) sector: u64,
    device: u64,
    /// Chunks that have to be known to find the others.
    array: Vec<u8>,
}

impl Superblock {
    /// The newest of the superblocks whose check is right; or else the first one.
    pub(super) fn read(medium: &dyn Medium) -> Option<Self> {
        let copies = PLACES.into_iter().filter_map(|place| {
            let copy = Self::parse(&taken(medium, place, SUPERBLOCK), place)?;
            Some(Self { is_copy: place != 64 << 10, ..copy })
        });
        // Of several equal ones the first is kept.
        copies.reduce(|best, next| {
            if (next.is_sound, next.generation) > (best.is_sound, best.generation) { next } else { best }
        })
    }

    fn parse(block: &[u8], place: u64) -> Option<Self> {
        let start = Reader::little(block);
        let field = |at: u64| start.at(at);
        if field(64)?.take(8)? != b"_BHRfS_M" || field(48)?.u64()? != place {
            return None;
        }
        let sum = Sum::new(field(196)?.u16()?);
        let (sector, node) = (u64::from(field(144)?.u32()?), u64::from(field(148)?.u32()?));
        let is_sane = |size: u64| size.is_power_of_two() && (512..=65_536).contains(&size);
        if !is_sane(sector) || !is_sane(node) {
            return None;
        }
        let array = u64::from(field(160)?.u32()?).min(2048);
        Some(Self {
            is_sound: sum.fits(block),
            is_copy: false,
            generation: field(72)?.u64()?,
            roots: Root { place: field(80)?.u64()?, level: field(198)?.u8()? },
            chunks: Root { place: field(88)?.u64()?, level: field(199)?.u8()? },
            log: field(96)?.u64()?,
            length: field(112)?.u64()?,
            devices: field(136)?.u64()?,
            features: field(188)?.u64()?,
            sum,
            node,
            sector,
            device: field(201)?.u64()?,
            array: field(811)?.take(array)?.to_vec(),
        })
    }

    /// The chunks that stand in the superblock.
    pub(super) fn array(&self) -> Vec<(Key, &[u8])> {
        let mut reader = Reader::little(&self.array);
        let mut found = Vec::new();
        while let Some(key) = Key::read(&mut reader) {
            let rest = reader.rest();
            let stripes = Reader::little(rest).at(44).and_then(|mut reader| reader.u16()).unwrap_or(0);
            let length = u64::from(stripes).saturating_mul(32).saturating_add(48);
            let Some(chunk) = reader.take(length) else { break };
            found.push((key, chunk));
        }
        found
    }
}

/// A run of the space.
#[derive(Clone, Debug)]
struct Chunk {
    length: u64,
    /// Where its copies stand on this device; none when it is on others only, or spread.
    copies: Vec<u64>,
    is_spread: bool,
}

/// The space that places are in.
pub(super) struct Space<'a> {
    medium: &'a dyn Medium,
    device: u64,
    pub(super) node: u64,
    sum: Sum,
    chunks: BTreeMap<u64, Chunk>,
    held: RefCell<VecDeque<(u64, Rc<Node>)>>,
}

/// A node of a tree, as it was read.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) bytes: Vec<u8>,
    /// Whether its check is right.
    pub(super) is_sound: bool,
}

impl<'a> Space<'a> {
    pub(super) const fn new(medium: &'a dyn Medium, superblock: &Superblock) -> Self {
        Self {
            medium,
            device: superblock.device,
            node: superblock.node,
            sum: superblock.sum,
            chunks: BTreeMap::new(),
            held: RefCell::new(VecDeque::new()),
        }
    }

    /// Takes what is said of a chunk; `None` when it makes no sense.
    pub(super) fn add(&mut self, key: Key, chunk: &[u8]) -> Option<()> {
        let mut reader = Reader::little(chunk);
        let length = reader.u64()?;
        reader.skip(16)?;
        let kind = reader.u64()?;
        reader.skip(12)?;
        let (count, _) = (reader.u16()?, reader.u16()?);
        let mut copies = Vec::new();
        for _ in 0..count.min(COPIES) {
            let (device, offset) = (reader.u64()?, reader.u64()?);
            reader.skip(16)?;
            if device == self.device {
                copies.push(offset);
            }
        }
        // What is spread over one device alone is all there.
        let is_spread = kind & SPREAD != 0 && count > 1;
        if length == 0 || self.chunks.len() >= CHUNKS {
            return None;
        }
        self.chunks.insert(key.offset, Chunk { length, copies, is_spread });
        Some(())
    }

    /// The chunk of a place, how far into it that is, and how much of it follows.
    fn chunk(&self, place: u64) -> Option<(&Chunk, u64, u64)> {
        let (first, chunk) = self.chunks.range(..=place).next_back()?;
        let within = place.checked_sub(*first)?;
        let left = chunk.length.checked_sub(within).filter(|left| *left > 0)?;
        Some((chunk, within, left))
    }

    /// The node at a place, from the first copy of it whose check is right; the second value says that it was held.
    pub(super) fn node(&self, place: u64) -> Option<(Rc<Node>, bool)> {
        let mut held = self.held.borrow_mut();
        if let Some(index) = held.iter().position(|(known, _)| *known == place) {
            // What was asked for last stays longest.
            let found = held.remove(index)?;
            let node = Rc::clone(&found.1);
            held.push_front(found);
            return Some((node, true));
        }
        let node = Rc::new(self.read_node(place)?);
        held.push_front((place, Rc::clone(&node)));
        held.truncate(HELD);
        Some((node, false))
    }

    fn read_node(&self, place: u64) -> Option<Node> {
        let (chunk, within, left) = self.chunk(place)?;
        if chunk.is_spread || left < self.node {
            return None;
        }
        let mut damaged = None;
        for offset in &chunk.copies {
            let bytes = taken(self.medium, offset.checked_add(within)?, self.node);
            let said = Reader::little(&bytes).at(48).and_then(|mut reader| reader.u64());
            if u64::try_from(bytes.len()) != Ok(self.node) || said != Some(place) {
                continue;
            }
            if self.sum.fits(&bytes) {
                return Some(Node { bytes, is_sound: true });
            }
            damaged = damaged.or(Some(Node { bytes, is_sound: false }));
        }
        damaged
    }
}

/// The space as bytes, of which many are nowhere.
impl Medium for Space<'_> {
    fn length(&self) -> u64 {
        self.chunks.iter().next_back().map_or(0, |(first, chunk)| first.saturating_add(chunk.length))
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let nowhere = || io::Error::new(ErrorKind::UnexpectedEof, "an extent that stands nowhere");
        let (chunk, within, left) = self.chunk(offset).ok_or_else(nowhere)?;
        let elsewhere = || io::Error::new(ErrorKind::Unsupported, "btrfs over several devices");
        if chunk.is_spread {
            return Err(elsewhere());
        }
        let place = chunk.copies.first().ok_or_else(elsewhere)?.checked_add(within).ok_or_else(nowhere)?;
        let most = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        let buffer = buffer.get_mut(..most).unwrap_or_default();
        match self.medium.read_at(place, buffer)? {
            0 if !buffer.is_empty() => Err(nowhere()),
            read => Ok(read),
        }
    }
}

impl Node {
    /// What every node begins with: how many keys it has, and its level.
    pub(super) fn head(&self) -> Option<(u32, u8)> {
        let mut reader = Reader::little(&self.bytes).at(96)?;
        Some((reader.u32()?, reader.u8()?))
    }

    /// What stands behind its head.
    pub(super) fn rows(&self) -> &[u8] {
        clipped(&self.bytes, 101, u64::MAX)
    }
}
