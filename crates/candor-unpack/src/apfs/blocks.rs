//! Blocks of a container: read where they stand, checked, and held while they are used again and again.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::tree::Node;
use crate::medium::{Medium, taken};
use crate::reader::Reader;

/// Nodes that are held.
const HELD: usize = 96;

/// Blocks of a container.
pub(super) struct Blocks<'a> {
    pub(super) medium: &'a dyn Medium,
    /// Length of a block.
    pub(super) size: u64,
    nodes: RefCell<BTreeMap<u64, Rc<Node>>>,
    /// Bytes that were read and not paid for yet.
    read: Cell<u64>,
    damage: RefCell<Damage>,
}

/// Blocks that are not what they should be.
#[derive(Clone, Debug, Default)]
pub(super) struct Damage {
    /// Those that cannot be read, or are not where they should be.
    pub(super) missing: BTreeSet<u64>,
    /// Those whose checksum is another.
    pub(super) changed: BTreeSet<u64>,
}

impl<'a> Blocks<'a> {
    pub(super) fn new(medium: &'a dyn Medium, size: u64) -> Self {
        Self { medium, size, nodes: RefCell::default(), read: Cell::new(0), damage: RefCell::default() }
    }

    /// The block at a place, if it is there.
    pub(super) fn block(&self, place: u64) -> Option<Vec<u8>> {
        let offset = place.checked_mul(self.size).filter(|offset| *offset < self.medium.length())?;
        let block = taken(self.medium, offset, self.size);
        self.read.set(self.read.get().saturating_add(self.size));
        (u64::try_from(block.len()) == Ok(self.size)).then_some(block)
    }

    /// The node of a tree at a place; one that is not there, or is none, is counted.
    pub(super) fn node(&self, place: u64) -> Option<Rc<Node>> {
        if let Some(node) = self.nodes.borrow().get(&place) {
            return Some(Rc::clone(node));
        }
        let block = self.block(place);
        let is_changed = block.as_deref().is_some_and(|block| !is_sound(block) && !is_headless(block));
        let Some(node) = block.and_then(Node::read) else {
            self.miss(place);
            return None;
        };
        if is_changed {
            self.damage.borrow_mut().changed.insert(place);
        }
        let node = Rc::new(node);
        let mut nodes = self.nodes.borrow_mut();
        if nodes.len() >= HELD {
            nodes.clear();
        }
        nodes.insert(place, Rc::clone(&node));
        Some(node)
    }

    /// Notes that something is not where it should be.
    pub(super) fn miss(&self, place: u64) {
        self.damage.borrow_mut().missing.insert(place);
    }

    /// What was read since somebody asked the last time.
    pub(super) fn unpaid(&self) -> u64 {
        self.read.take()
    }

    /// What was damaged since somebody asked the last time.
    pub(super) fn damage(&self) -> Damage {
        self.damage.take()
    }
}

/// Nodes of volumes that are sealed have no header.
fn is_headless(block: &[u8]) -> bool {
    block.get(..32).is_some_and(|header| header.iter().all(|byte| *byte == 0))
}

/// Whether a block is as it was written, by Fletcher's checksum at its start.
pub(super) fn is_sound(block: &[u8]) -> bool {
    const MODULUS: u64 = 0xffff_ffff;
    let (mut first, mut second) = (0_u64, 0_u64);
    for word in block.get(8..).unwrap_or_default().as_chunks::<4>().0 {
        first = first.wrapping_add(u64::from(u32::from_le_bytes(*word)));
        second = second.wrapping_add(first) % MODULUS;
    }
    let first = first % MODULUS;
    let low = MODULUS.saturating_sub(first.wrapping_add(second) % MODULUS);
    let high = MODULUS.saturating_sub(first.wrapping_add(low) % MODULUS);
    Reader::little(block).u64() == Some(high << 32 | low)
}
