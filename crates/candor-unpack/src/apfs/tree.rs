//! Trees: nodes of one block, with a table of where keys and values are.
//!
//! Hostile trees lead back to themselves, or to one node again and again. A walk goes down level by level and reads
//! no node twice; a search takes one way down, and each further one begins behind the one before.

use std::collections::BTreeSet;
use std::rc::Rc;

use candor_model::{Flow, Reason};

use super::blocks::Blocks;
use crate::reader::{Reader, clipped};

/// Most levels.
const LEVELS: u16 = 16;

/// A node.
pub(super) struct Node {
    block: Vec<u8>,
    is_fixed: bool,
    pub(super) level: u16,
    pub(super) count: usize,
    /// Where keys begin, and from where values are counted back.
    keys: u64,
    values: u64,
}

impl Node {
    pub(super) fn read(block: Vec<u8>) -> Option<Self> {
        let mut reader = Reader::little(&block).at(32)?;
        let (flags, level, count) = (reader.u16()?, reader.u16()?, reader.u32()?);
        let (table, length) = (reader.u16()?, reader.u16()?);
        let keys = u64::from(table).checked_add(u64::from(length))?.checked_add(56)?;
        let end = u64::try_from(block.len()).ok()?;
        let values = if flags & 1 == 0 { end } else { end.checked_sub(40)? };
        let count = usize::try_from(count).ok()?;
        // A node of zeros is none.
        let is_leaf = flags & 2 != 0;
        if level > LEVELS || is_leaf != (level == 0) || count > block.len() / 4 || keys > values {
            return None;
        }
        Some(Self { is_fixed: flags & 4 != 0, level, count, keys, values, block })
    }

    /// Key and value of a record; of fixed length they are 16 bytes, or what there is. Keys without a value have none.
    pub(super) fn record(&self, index: usize) -> Option<(&[u8], &[u8])> {
        let wide = if self.is_fixed { 4 } else { 8 };
        let at = u64::try_from(index).ok()?.checked_mul(wide)?.checked_add(56)?;
        if at.checked_add(wide)? > self.keys {
            return None;
        }
        let mut reader = Reader::little(&self.block).at(at)?;
        let mut number = || reader.u16();
        let (key, key_length, value, value_length) = if self.is_fixed {
            let (key, value) = (number()?, number()?);
            (key, 16, value, value.min(16))
        } else {
            (number()?, number()?, number()?, number()?)
        };
        let key = clipped(&self.block, self.keys.checked_add(u64::from(key))?, u64::from(key_length));
        if value == u16::MAX {
            return Some((key, &[]));
        }
        let place = self.values.checked_sub(u64::from(value))?;
        Some((key, clipped(&self.block, place, u64::from(value_length))))
    }
}

/// A key, as it is compared: what object it is of, its kind, and what comes then.
pub(super) type Key = (u64, u8, u64);

/// What keys of a tree are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keys {
    /// Two numbers: of an object map, or of the extents of a volume that is sealed.
    Pairs,
    /// A number with its kind in the upper four bits, and what that kind has.
    Records,
}

impl Keys {
    pub(super) fn read(self, key: &[u8]) -> Option<Key> {
        let mut reader = Reader::little(key);
        let first = reader.u64()?;
        match self {
            Self::Pairs => Some((first, 0, reader.u64()?)),
            Self::Records => {
                let kind = u8::try_from(first >> 60).ok()?;
                let then = if kind == super::record::EXTENT { reader.u64()? } else { 0 };
                Some((first & 0x0fff_ffff_ffff_ffff, kind, then))
            }
        }
    }
}

/// Where objects are, of those whose number says nothing of it: sorted by number.
#[derive(Default)]
pub(super) struct Map(pub(super) Vec<(u64, u64)>);

impl Map {
    pub(super) fn place(&self, object: u64) -> Option<u64> {
        let at = self.0.binary_search_by_key(&object, |(object, _)| *object).ok()?;
        self.0.get(at).map(|(_, place)| *place)
    }
}

/// A tree.
pub(super) struct Tree<'m, 'a> {
    pub(super) blocks: &'m Blocks<'a>,
    /// The place of its root.
    pub(super) root: u64,
    /// Where nodes are, and the number of the root, when nodes have numbers.
    pub(super) map: Option<(&'m Map, u64)>,
    pub(super) keys: Keys,
}

/// What takes the records of a walk.
pub(super) trait Visit {
    /// Takes a record; it may stop the walk, for a reason or for none.
    fn record(&mut self, key: &[u8], value: &[u8]) -> Result<Flow, Reason>;

    /// Pays for what was read.
    fn pay(&mut self, bytes: u64) -> Result<(), Reason>;
}

impl Tree<'_, '_> {
    /// The place of a child.
    fn child(&self, value: &[u8]) -> Option<u64> {
        let object = Reader::little(value).u64()?;
        match self.map {
            None => Some(object),
            // In volumes that are sealed, numbers count from that of the root.
            Some((map, root)) => map.place(object).or_else(|| map.place(root.checked_add(object)?)),
        }
    }

    /// Gives all records, in the order in which they stand.
    pub(super) fn walk(&self, visit: &mut dyn Visit) -> Result<(), Reason> {
        let mut seen = BTreeSet::from([self.root]);
        let Some(root) = self.blocks.node(self.root) else { return Ok(()) };
        visit.pay(self.blocks.unpaid())?;
        let mut way: Vec<(Rc<Node>, usize)> = vec![(root, 0)];
        while let Some((node, next)) = way.last_mut() {
            let (node, index) = (Rc::clone(node), *next);
            *next = next.saturating_add(1);
            if index >= node.count {
                way.pop();
                continue;
            }
            let Some((key, value)) = node.record(index) else { continue };
            if node.level == 0 {
                if visit.record(key, value)? == Flow::Stop {
                    return Ok(());
                }
                continue;
            }
            let Some(place) = self.child(value) else {
                self.blocks.miss(Reader::little(value).u64().unwrap_or(0));
                continue;
            };
            if !seen.insert(place) {
                continue;
            }
            if let Some(child) = self.blocks.node(place) {
                if child.level < node.level {
                    way.push((child, 0));
                } else {
                    self.blocks.miss(place);
                }
            }
            visit.pay(self.blocks.unpaid())?;
        }
        Ok(())
    }

    /// The leaf where a key is or would be, the first record there that is not before it, and the key that the next
    /// leaf begins with.
    pub(super) fn seek(&self, key: Key) -> Option<(Rc<Node>, usize, Option<Key>)> {
        let mut node = self.blocks.node(self.root)?;
        let mut behind = None;
        let at = |node: &Node, index: usize| node.record(index).and_then(|(key, _)| self.keys.read(key));
        while node.level > 0 {
            let first_after = first(node.count, |index| at(&node, index).is_some_and(|found| found > key));
            behind = at(&node, first_after).filter(|_| first_after < node.count).or(behind);
            let (_, value) = node.record(first_after.saturating_sub(1))?;
            let child = self.blocks.node(self.child(value)?)?;
            if child.level >= node.level {
                return None;
            }
            node = child;
        }
        let index = first(node.count, |index| at(&node, index).is_some_and(|found| found >= key));
        Some((node, index, behind))
    }
}

/// The first of so many for which something holds, when it holds for all behind it as well.
fn first(count: usize, holds: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = usize::midpoint(low, high);
        if holds(middle) { high = middle } else { low = middle.saturating_add(1) }
    }
    low
}
