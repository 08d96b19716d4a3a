//! Trees of keys and what is said of them.

use candor_model::{Flow, Reason, Sink};

use super::space::{LOOK, Space};
use crate::reader::{Reader, clipped};
use crate::troubles::Troubles;

/// Levels of a tree.
const LEVELS: u8 = 8;

/// What finds something in a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) object: u64,
    pub(super) kind: u8,
    pub(super) offset: u64,
}

impl Key {
    pub(super) const LAST: Self = Self { object: u64::MAX, kind: u8::MAX, offset: u64::MAX };

    pub(super) const fn first(object: u64, kind: u8) -> Self {
        Self { object, kind, offset: 0 }
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        Some(Self { object: reader.u64()?, kind: reader.u8()?, offset: reader.u64()? })
    }
}

/// Where a tree begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Root {
    pub(super) place: u64,
    pub(super) level: u8,
}

/// What is found in a leaf.
pub(super) struct Item<'i> {
    pub(super) key: Key,
    pub(super) content: &'i [u8],
    /// The leaf that it stands in.
    pub(super) leaf: u64,
}

/// What takes items. An error stops, and is what reading ends with.
pub(super) type Take<'t> = dyn FnMut(&mut dyn Sink, &mut Troubles, &Item<'_>) -> Result<Flow, Reason> + 't;

/// A node that waits: its place, level, and the keys that may be in it.
struct Open {
    place: u64,
    level: u8,
    first: Key,
    /// The first key that is not in it any more.
    end: Key,
}

/// Reading of a tree.
pub(super) struct Reading<'s, 'a> {
    pub(super) space: &'s Space<'a>,
    /// What the tree is of, for what is told of it.
    pub(super) name: &'s str,
    /// Which nodes are passed over, by their places and first keys.
    pub(super) skip: Option<&'s dyn Fn(u64, Key) -> bool>,
}

impl Reading<'_, '_> {
    /// Gives the items of a tree from `from` on in their order, until `take` wants no more. Every node is paid for.
    pub(super) fn each(
        &self,
        root: Root,
        from: Key,
        sink: &mut dyn Sink,
        troubles: &mut Troubles,
        take: &mut Take<'_>,
    ) -> Result<Flow, Reason> {
        let first = Key::first(0, 0);
        if root.level >= LEVELS {
            troubles.damaged(sink, format!("the root of {}", self.name));
            return Ok(Flow::Continue);
        }
        let mut open = vec![Open { place: root.place, level: root.level, first, end: Key::LAST }];
        while let Some(next) = open.pop() {
            if self.skip.is_some_and(|skip| skip(next.place, next.first)) {
                sink.budget().spend(LOOK)?;
                continue;
            }
            let damaged = || format!("the node at {} of {}", next.place, self.name);
            let Some((node, was_held)) = self.space.node(next.place) else {
                sink.budget().spend(LOOK)?;
                troubles.damaged(sink, damaged());
                continue;
            };
            sink.budget().spend(if was_held { LOOK } else { self.space.node })?;
            let Some((count, _)) = node.head().filter(|(_, level)| *level == next.level) else {
                troubles.damaged(sink, damaged());
                continue;
            };
            if !node.is_sound && !was_held {
                troubles.damaged(sink, format!("the check of {}", damaged()));
            }
            let is_whole = match next.level.checked_sub(1) {
                Some(below) => pointers(node.rows(), count, below, from, &next, &mut open),
                None => {
                    let leaf = Leaf { rows: node.rows(), count, place: next.place };
                    match leaf.each(from, &next, sink, troubles, take)? {
                        Some(Flow::Stop) => return Ok(Flow::Stop),
                        Some(Flow::Continue) => true,
                        None => false,
                    }
                }
            };
            if !is_whole {
                troubles.damaged(sink, format!("keys of {}", damaged()));
            }
        }
        Ok(Flow::Continue)
    }
}

/// Takes the nodes below one in which keys from `from` on may be; says whether all of them make sense.
fn pointers(rows: &[u8], count: u32, level: u8, from: Key, above: &Open, open: &mut Vec<Open>) -> bool {
    let mut reader = Reader::little(rows);
    let mut found: Vec<Open> = Vec::new();
    let mut is_whole = true;
    for _ in 0..count {
        let mut row = || Some((Key::read(&mut reader)?, reader.u64()?, reader.u64()?));
        let Some((key, place, _)) = row() else {
            is_whole = false;
            break;
        };
        let least = found.last().map_or(above.first, |before| before.first);
        let is_behind = if found.is_empty() { key >= least } else { key > least };
        if !is_behind || key >= above.end {
            is_whole = false;
            continue;
        }
        if let Some(before) = found.last_mut() {
            before.end = key;
        }
        found.push(Open { place, level, first: key, end: above.end });
    }
    open.extend(found.into_iter().rev().filter(|node| node.end > from));
    is_whole
}

struct Leaf<'n> {
    rows: &'n [u8],
    count: u32,
    place: u64,
}

impl Leaf<'_> {
    /// Gives its items; `None` when some make no sense.
    fn each(
        &self,
        from: Key,
        range: &Open,
        sink: &mut dyn Sink,
        troubles: &mut Troubles,
        take: &mut Take<'_>,
    ) -> Result<Option<Flow>, Reason> {
        let mut reader = Reader::little(self.rows);
        let mut is_whole = true;
        let mut before: Option<Key> = None;
        for _ in 0..self.count {
            let mut row = || Some((Key::read(&mut reader)?, reader.u32()?, reader.u32()?));
            let Some((key, offset, length)) = row() else { return Ok(None) };
            let content = clipped(self.rows, u64::from(offset), u64::from(length));
            let is_there = u64::try_from(content.len()) == Ok(u64::from(length));
            let is_in_order =
                before.is_none_or(|before| before < key) && range.first <= key && key < range.end;
            if !is_there || !is_in_order {
                is_whole = false;
                continue;
            }
            before = Some(key);
            if key < from {
                continue;
            }
            let item = Item { key, content, leaf: self.place };
            if take(sink, troubles, &item)? == Flow::Stop {
                return Ok(Some(Flow::Stop));
            }
        }
        Ok(is_whole.then_some(Flow::Continue))
    }
}
