//! What a file is known by: what the file system says of it.
//!
//! That can be trusted only so far: not while it may change without a new time stamp, which it can for a while after
//! a change (a page that is mapped and was written to may be written to again), and not on file systems that
//! keep no such times, or where somebody else keeps them. There nothing is remembered.

use std::os::fd::AsFd;
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::fs::Stat;

/// A file that changed less than so many seconds before it was scanned may change again without a trace: dirty pages
/// are written back after half a minute.
const SETTLED: i64 = 60;

/// File systems of a disk of this machine that note each change: ext2 to ext4, XFS, Btrfs, F2FS, ZFS.
const TRUSTED: [u64; 5] = [0xef53, 0x5846_5342, 0x9123_683e, 0xf2f5_2010, 0x2fc1_2fc1];

/// A state of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct State {
    device: u64,
    inode: u64,
    changed: (i64, u64),
    modified: (i64, u64),
    length: i64,
}

impl State {
    /// The state of an open file, if it is one to remember.
    #[must_use]
    pub fn of(file: impl AsFd, status: &Stat) -> Option<Self> {
        let kind = rustix::fs::fstatfs(file).ok()?.f_type;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_secs();
        Self::settled(status, u64::try_from(kind).ok()?, i64::try_from(now).ok()?)
    }

    fn settled(status: &Stat, file_system: u64, now: i64) -> Option<Self> {
        let youngest = status.st_ctime.max(status.st_mtime);
        if !TRUSTED.contains(&file_system) || youngest.saturating_add(SETTLED) > now {
            return None;
        }
        Some(Self {
            device: status.st_dev,
            inode: status.st_ino,
            changed: (status.st_ctime, status.st_ctime_nsec),
            modified: (status.st_mtime, status.st_mtime_nsec),
            length: status.st_size,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_change_without_a_trace_is_not_remembered() {
        let file = tempfile::tempfile().unwrap();
        let status = rustix::fs::fstat(&file).unwrap();
        let changed = status.st_ctime.max(status.st_mtime);
        let ext4 = TRUSTED[0];
        assert!(State::settled(&status, ext4, changed + SETTLED).is_some());
        assert!(State::settled(&status, ext4, changed + SETTLED - 1).is_none());
        // A file system in memory, and one that a program makes up.
        for kind in [0x0102_1994, 0x6573_5546] {
            assert!(State::settled(&status, kind, changed + 1000).is_none());
        }
        let state = State::settled(&status, ext4, changed + 1000).unwrap();
        let mut other = status;
        other.st_mtime_nsec ^= 1;
        assert_ne!(State::settled(&other, ext4, changed + 1000).unwrap(), state);
    }
}
