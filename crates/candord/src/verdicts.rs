//! Verdicts that are remembered: a file that did not change since it was found clean, with the same
//! signatures, is not scanned again.
//!
//! Only *clean* is remembered, and only when all was looked at. A state of a file is what the file system says of it.
//! That can be trusted only so far: not while it may change without a new time stamp, which it can for a while after
//! a change (a page that is mapped and was written to may be written to again), and not on file systems that
//! keep no such times, or where somebody else keeps them. There nothing is remembered.

use std::collections::{HashMap, VecDeque};
use std::os::fd::AsFd;
use std::sync::{Mutex, PoisonError};
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

/// What is remembered.
#[derive(Debug)]
pub struct Verdicts {
    most: usize,
    clean: Mutex<Clean>,
}

#[derive(Debug, Default)]
struct Clean {
    generation: u64,
    states: HashMap<State, ()>,
    /// Oldest first.
    order: VecDeque<State>,
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

impl Verdicts {
    /// Remembers up to `most`.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self { most, clean: Mutex::default() }
    }

    /// Whether this state was found clean with the signatures of this generation.
    #[must_use]
    pub fn is_clean(&self, state: &State, generation: u64) -> bool {
        let clean = self.clean.lock().unwrap_or_else(PoisonError::into_inner);
        clean.generation == generation && clean.states.contains_key(state)
    }

    /// How many there are.
    #[must_use]
    pub fn number(&self) -> usize {
        self.clean.lock().unwrap_or_else(PoisonError::into_inner).states.len()
    }

    /// Remembers that it was.
    pub fn remember(&self, state: State, generation: u64) {
        if self.most == 0 {
            return;
        }
        let mut clean = self.clean.lock().unwrap_or_else(PoisonError::into_inner);
        if generation < clean.generation {
            return;
        }
        if generation > clean.generation {
            *clean = Clean { generation, ..Clean::default() };
        }
        if clean.states.insert(state, ()).is_none() {
            clean.order.push_back(state);
            if clean.order.len() > self.most
                && let Some(oldest) = clean.order.pop_front()
            {
                clean.states.remove(&oldest);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(inode: u64) -> State {
        State { device: 1, inode, changed: (1, 2), modified: (3, 4), length: 5 }
    }

    #[test]
    fn nothing_survives_a_change_of_signatures() {
        let verdicts = Verdicts::new(10);
        verdicts.remember(state(1), 1);
        assert!(verdicts.is_clean(&state(1), 1));
        assert!(!verdicts.is_clean(&state(1), 2));
        verdicts.remember(state(2), 2);
        assert!(verdicts.is_clean(&state(2), 2) && !verdicts.is_clean(&state(1), 2));
        // A scan that was begun before the change and ends behind it.
        verdicts.remember(state(3), 1);
        assert!(!verdicts.is_clean(&state(3), 1) && !verdicts.is_clean(&state(3), 2));
        assert!(verdicts.is_clean(&state(2), 2));
    }

    #[test]
    fn only_so_many_are_remembered() {
        let verdicts = Verdicts::new(3);
        for inode in 0..5 {
            verdicts.remember(state(inode), 1);
            verdicts.remember(state(inode), 1);
        }
        let known: Vec<u64> = (0..5).filter(|inode| verdicts.is_clean(&state(*inode), 1)).collect();
        assert_eq!(known, [2, 3, 4]);
    }

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
