//! Records of files: inodes, names, attributes, extents.

use std::collections::VecDeque;

use super::tree::{Key, Keys, Tree};
use crate::extents::Extent;
use crate::reader::{Reader, until_nul};

/// Kinds of records.
pub(super) const INODE: u8 = 3;
pub(super) const ATTRIBUTE: u8 = 4;
pub(super) const EXTENT: u8 = 8;
pub(super) const NAME: u8 = 9;

/// What an inode says.
#[derive(Clone, Debug, Default)]
pub(super) struct Inode {
    pub(super) parent: u64,
    /// What its stream is called.
    pub(super) stream: u64,
    pub(super) is_sparse: bool,
    pub(super) is_compressed: bool,
    mode: u16,
    /// Its name when it was made.
    pub(super) name: String,
    /// Length of its content.
    pub(super) length: u64,
}

impl Inode {
    pub(super) fn read(value: &[u8]) -> Option<Self> {
        let start = Reader::little(value);
        let mut inode = Self {
            parent: start.at(0)?.u64()?,
            stream: start.at(8)?.u64()?,
            is_sparse: start.at(48)?.u64()? & 0x200 != 0,
            is_compressed: start.at(68)?.u32()? & 0x20 != 0,
            mode: start.at(80)?.u16()?,
            ..Self::default()
        };
        // Fields that follow: first kind, flags and length of all, then their content, each at a multiple of 8.
        let Some(mut heads) = start.at(92) else { return Some(inode) };
        let count = heads.u16().unwrap_or(0);
        let mut place = 96_u64.saturating_add(u64::from(count).saturating_mul(4));
        let _ = heads.u16();
        for _ in 0..count {
            let Some((kind, _, length)) = head(&mut heads) else { break };
            let content = start.at(place).and_then(|mut reader| reader.take(u64::from(length)));
            match (kind, content) {
                (4, Some(content)) => inode.name = text(content),
                (8, Some(content)) => inode.length = Reader::little(content).u64().unwrap_or(0),
                _ => {}
            }
            place = place.saturating_add(u64::from(length).next_multiple_of(8));
        }
        Some(inode)
    }

    pub(super) const fn is_file(&self) -> bool {
        self.mode & 0o17_0000 == 0o10_0000
    }
}

fn head(reader: &mut Reader<'_>) -> Option<(u8, u8, u16)> {
    Some((reader.u8()?, reader.u8()?, reader.u16()?))
}

/// The name in the key of a directory's record, which stands behind a hash or not.
pub(super) fn name(key: &[u8], is_hashed: bool) -> Option<String> {
    let mut reader = Reader::little(key);
    reader.skip(8)?;
    let length = if is_hashed { reader.u32()? & 0x3ff } else { u32::from(reader.u16()?) };
    let name = reader.take(u64::from(length)).unwrap_or(reader.rest());
    Some(text(name)).filter(|name| !name.is_empty())
}

/// Text up to its end.
pub(super) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(until_nul(bytes)).into_owned()
}

/// An attribute.
#[derive(Clone, Debug)]
pub(super) struct Attribute {
    pub(super) name: String,
    pub(super) content: Value,
}

/// Where the content of an attribute is.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Here(Vec<u8>),
    /// In a stream of this number and length.
    Stream(u64, u64),
}

impl Attribute {
    pub(super) fn read(key: &[u8], value: &[u8]) -> Option<Self> {
        let mut reader = Reader::little(value);
        let (flags, content) = (reader.u16()?, reader.take_counted()?);
        let content = if flags & 1 != 0 {
            let mut reader = Reader::little(content);
            Value::Stream(reader.u64()?, reader.u64()?)
        } else {
            Value::Here(content.to_vec())
        };
        Some(Self { name: name(key, false)?, content })
    }
}

/// The pieces of a stream, one after the other; what lies between two is a hole.
pub(super) struct Pieces<'m, 'a> {
    tree: &'m Tree<'m, 'a>,
    stream: u64,
    /// From which key on the next leaf is looked at.
    from: Option<Key>,
    /// Offset in the stream, length and block of those that were read.
    found: VecDeque<(u64, u64, u64)>,
    /// How far the stream was given.
    at: u64,
    /// Whether the stream may end with a hole.
    is_sparse: bool,
}

impl<'m, 'a> Pieces<'m, 'a> {
    pub(super) fn new(tree: &'m Tree<'m, 'a>, stream: u64, is_sparse: bool) -> Self {
        let from = Some((stream, Self::kind(tree), 0));
        Self { tree, stream, from, found: VecDeque::new(), at: 0, is_sparse }
    }

    fn kind(tree: &Tree<'_, '_>) -> u8 {
        if tree.keys == Keys::Pairs { 0 } else { EXTENT }
    }

    /// Reads the extents of the next leaf.
    fn read_leaf(&mut self, from: Key) {
        self.from = None;
        let Some((leaf, first, behind)) = self.tree.seek(from) else { return };
        let kind = Self::kind(self.tree);
        for index in first..leaf.count {
            let Some((key, value)) = leaf.record(index) else { continue };
            match self.tree.keys.read(key) {
                Some((stream, found, offset)) if (stream, found) == (self.stream, kind) => {
                    let mut reader = Reader::little(value);
                    let mut fields = || Some((reader.u64()? & 0x00ff_ffff_ffff_ffff, reader.u64()?));
                    let Some((length, place)) = fields() else { continue };
                    self.found.push_back((offset, length, place));
                }
                Some(_) => return,
                None => {}
            }
        }
        // Extents may go on in the next leaf. It is never one before this one.
        self.from = behind.filter(|behind| *behind > from && (behind.0, behind.1) <= (self.stream, kind));
    }
}

impl Iterator for Pieces<'_, '_> {
    type Item = Extent;

    fn next(&mut self) -> Option<Extent> {
        loop {
            let Some(&(offset, length, place)) = self.found.front() else {
                if let Some(from) = self.from {
                    self.read_leaf(from);
                    continue;
                }
                // What is missing at the end was never written.
                return std::mem::take(&mut self.is_sparse)
                    .then_some(Extent { offset: None, length: u64::MAX });
            };
            if let Some(hole) = offset.checked_sub(self.at).filter(|hole| *hole > 0) {
                self.at = offset;
                return Some(Extent { offset: None, length: hole });
            }
            self.found.pop_front();
            // Of extents over one another, the first counts.
            let passed = self.at.saturating_sub(offset);
            let Some(length) = length.checked_sub(passed).filter(|length| *length > 0) else { continue };
            self.at = self.at.saturating_add(length);
            let start = place.saturating_mul(self.tree.blocks.size).saturating_add(passed);
            return Some(Extent { offset: (place > 0).then_some(start), length });
        }
    }
}
