//! btrfs volumes on one device.
//!
//! Layout: <https://btrfs.readthedocs.io/en/latest/dev/On-disk-format.html>.
//!
//! ```text
//! 64 KiB  check, 48 its own place, 64 "_BHRfS_M", 72 generation, 80 trees of roots and of chunks, 144 sizes; 811 the
//!         chunks in which the tree of chunks stands. Copies at 64 MiB and 256 GiB
//!         a node: check, 48 its place, 80 generation, 88 tree, 96 how many, 100 level; then keys of 17 bytes: object,
//!         kind, offset; with a place and a generation, or in a leaf with offset and length of what stands at the end
//! ```
//!
//! Places are those of a space of its own, which the tree of chunks leads to places on devices: `space`. Each subvolume
//! has a tree, in which what is said of an inode stands together: itself, its names, its extents. So trees are read
//! from front to back, and no directory is: a file that no directory leads to is given. Of a tree that a snapshot shares
//! with the subvolume that it is of, a leaf that was read is not read again: what did not change is given once.
//!
//! Hostile trees lead to themselves and to one another. Levels fall with each step, and a node is only of use in the
//! range of keys that leads to it, which no two ways do; and every node is paid for.

mod file;
mod space;
mod sum;
#[cfg(test)]
mod tests;
mod tree;
mod volume;

use candor_model::{Reason, Sink};

use crate::medium::Medium;

/// Gives every file of every subvolume that is not empty.
pub(crate) fn unpack(bytes: &[u8], sink: &mut dyn Sink) {
    files(&bytes, false, sink, &mut |_| ());
}

/// Gives every file, empty ones too. Before those of a subvolume, `enter` is told the path of that.
pub(crate) fn walk(medium: &dyn Medium, sink: &mut dyn Sink, enter: &mut dyn FnMut(&str)) {
    files(medium, true, sink, enter);
}

fn files(medium: &dyn Medium, has_empty: bool, sink: &mut dyn Sink, enter: &mut dyn FnMut(&str)) {
    let Some(superblock) = space::Superblock::read(medium) else {
        sink.incomplete(Reason::Malformed("the superblock of a btrfs volume".to_owned()));
        return;
    };
    if let Err(reason) = volume::files(medium, &superblock, has_empty, sink, enter) {
        sink.incomplete(reason);
    }
}
