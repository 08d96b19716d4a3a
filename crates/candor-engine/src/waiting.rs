//! Children that wait for the next ones of their layer, so that several are screened side by side.
//!
//! What comes out of an archive is mostly small, and MD5 of one thing after the other keeps a processor waiting. So
//! a child that is small is kept, with what has been read of it, until there are enough of them or something else
//! comes; then they are looked at in the order in which they came. Nobody can tell but by the time that it takes: near a
//! limit, where it would make a difference who spends first, none waits.

use candor_model::{Budget, FileType, Member, Reason};

/// Bytes of a child that is kept in a buffer, and of all of them, at most.
pub(crate) const EACH: usize = 128 << 10;
const ALL: usize = 1 << 20;
/// The same for those that stand in the layer itself: they cost no memory, but what is found in them ahead does.
const EACH_OWN: usize = 4 << 20;
const ALL_OWN: usize = 8 << 20;
/// What is smaller waits only behind others: it is not screened with them.
const LEAST: usize = 1 << 10;
/// Children that wait at most.
const MOST: u32 = 64;
/// Nothing waits with less than this left of an account.
const ROOM: u64 = 64 << 20;

/// A child whose turn has not come.
#[derive(Debug)]
pub(crate) struct Waiting<'f> {
    /// Its part of the path.
    pub(crate) label: String,
    /// What its container says about it.
    pub(crate) member: Member,
    /// Its bytes.
    pub(crate) bytes: Held<'f>,
    /// What it was identified as.
    pub(crate) file_type: Option<FileType>,
    /// Why that is not all of it.
    pub(crate) cut: Option<Reason>,
}

/// The bytes of a child that waits.
#[derive(Debug)]
pub(crate) enum Held<'f> {
    /// They stand in its layer, and are not paid for yet.
    InLayer(&'f [u8]),
    /// They were read, and paid for.
    Read(Vec<u8>),
}

impl Held<'_> {
    /// The bytes.
    pub(crate) fn as_slice(&self) -> &[u8] {
        match self {
            Self::InLayer(bytes) => bytes,
            Self::Read(buffer) => buffer,
        }
    }
}

/// The children of one layer that wait.
#[derive(Debug, Default)]
pub(crate) struct Queue<'f> {
    waiting: Vec<Waiting<'f>>,
    read: usize,
    in_layer: usize,
}

impl<'f> Queue<'f> {
    /// Whether so many bytes of the layer itself may wait, too.
    pub(crate) fn has_room_in_layer(&self, length: usize, budget: &Budget) -> bool {
        length <= EACH_OWN && self.is_worth(length) && is_far_from_limits(budget)
    }

    /// Whether a child may wait that is as long as its container says, if it does.
    pub(crate) fn has_room(&self, length: Option<u64>, budget: &Budget) -> bool {
        let length = length.and_then(|length| usize::try_from(length).ok());
        length.is_some_and(|length| length < EACH && self.is_worth(length)) && is_far_from_limits(budget)
    }

    const fn is_worth(&self, length: usize) -> bool {
        length >= LEAST || !self.is_empty()
    }

    /// Adds one. Whether there are enough now.
    pub(crate) fn push(&mut self, child: Waiting<'f>) -> bool {
        let length = child.bytes.as_slice().len();
        let sum = match child.bytes {
            Held::InLayer(_) => &mut self.in_layer,
            Held::Read(_) => &mut self.read,
        };
        *sum = sum.saturating_add(length);
        self.waiting.push(child);
        self.waiting.len() >= MOST as usize || self.read >= ALL || self.in_layer >= ALL_OWN
    }

    /// Whether nothing waits.
    pub(crate) const fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// All that wait, in the order in which they came.
    pub(crate) fn take(&mut self) -> Vec<Waiting<'f>> {
        let Self { waiting, .. } = std::mem::take(self);
        waiting
    }
}

fn is_far_from_limits(budget: &Budget) -> bool {
    let limits = budget.limits();
    let room = budget.memory().min(budget.remaining()).min(limits.max_file_size);
    room >= ROOM && budget.children().saturating_add(MOST) <= limits.max_children
}
