//! One file into memory.
//!
//! Somebody who cuts a mapped file short kills the process that looks at it. Outside of the jail files are
//! therefore read; inside, large ones are mapped, as only a worker is at stake, and the file is then looked
//! at once more, read into memory. Opening never waits (pipes), never takes a terminal, and does not follow a link that the walk did not
//! see. Nothing but a regular file is read. What was promised about its length is not believed either.

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::buffer::spare_capacity;
use rustix::fs::{FileType, Mode, OFlags, SeekFrom};
use rustix::io::Errno;

use crate::sys::Mapping;

/// Buffers larger than this are given back after the file.
const KEPT: usize = 4 << 20;

/// What is allocated for files that do not say how long they are.
const STEP: usize = 64 << 10;

/// Files of this size and more are mapped by a worker. Below, reading is faster.
pub(crate) const MAPPED: u64 = 256 << 10;

/// How reading a file went. What was read is in the buffer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reading {
    /// All of it was read.
    Complete,
    /// Only its beginning could be read; says why.
    Partial(String),
    /// It is larger than allowed, and was not read. Says how large, when it is known.
    TooLarge(Option<u64>),
    /// It is no regular file; says what it is.
    Special(&'static str),
    /// It could not be read at all; says why.
    Failed(String),
}

/// Memory that one thread reads one file after the other into.
#[derive(Debug, Default)]
pub struct Buffer {
    bytes: Vec<u8>,
    mapped: Option<Mapping>,
}

impl Buffer {
    /// What was read last.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.mapped.as_deref().unwrap_or(&self.bytes)
    }

    /// Lets go of the pages of a mapped file that were looked at.
    pub(crate) fn let_go(&self) {
        if let Some(mapped) = &self.mapped {
            mapped.let_go();
        }
    }

    /// Gives back memory that only a large file needed.
    pub fn trim(&mut self) {
        self.mapped = None;
        if self.bytes.capacity() > KEPT {
            self.bytes = Vec::new();
        }
    }

    /// As [`read`](Self::read), in a worker: maps a large file. `again` says that it ended a worker before;
    /// then it is not mapped, if it is at most `room` bytes long.
    ///
    /// Either way the position in the file is no longer 0: the broker sees by it that the file was begun.
    pub(crate) fn take(&mut self, file: &OwnedFd, length: u64, max: u64, room: u64, again: bool) -> Reading {
        self.mapped = None;
        if again && length <= room {
            return match rustix::fs::seek(file, SeekFrom::Start(0)) {
                Ok(_) => self.read(file, length, max),
                Err(error) => Reading::Failed(describe(error)),
            };
        }
        if length < MAPPED || length > max {
            return self.read(file, length, max);
        }
        let there = match rustix::fs::seek(file, SeekFrom::End(0)) {
            Ok(there) => there.min(length),
            Err(error) => return Reading::Failed(describe(error)),
        };
        let mapped = usize::try_from(there).ok().filter(|there| *there > 0);
        match mapped.map(|there| Mapping::new(file.as_fd(), there)) {
            Some(Ok(mapping)) => self.mapped = Some(mapping),
            // Some file systems cannot map.
            Some(Err(_)) | None if length <= room => return self.take(file, length, max, room, true),
            Some(Err(error)) => return Reading::Failed(error.to_string()),
            None => return Self::shorter(there, length),
        }
        if there < length { Self::shorter(there, length) } else { Reading::Complete }
    }

    /// Takes a mapping of a file of this length that was made before, unless the file has become shorter. Marks it
    /// as begun, too.
    pub(crate) fn adopt(&mut self, file: &OwnedFd, mapping: Mapping) -> bool {
        let there =
            rustix::fs::seek(file, SeekFrom::End(0)).ok().and_then(|there| usize::try_from(there).ok());
        let is_whole = there.is_some_and(|there| there >= mapping.len());
        self.mapped = is_whole.then_some(mapping);
        is_whole
    }

    fn shorter(read: u64, length: u64) -> Reading {
        Reading::Partial(format!("it became shorter while it was read: {read} of {length} bytes"))
    }

    /// Reads `file`, which says that it is `length` bytes long, if that is at most `max`.
    pub fn read(&mut self, file: impl AsFd, length: u64, max: u64) -> Reading {
        self.bytes.clear();
        self.mapped = None;
        if length > max {
            return Reading::TooLarge(Some(length));
        }
        let Ok(expected) = usize::try_from(length) else { return Reading::TooLarge(Some(length)) };
        if self.bytes.try_reserve_exact(expected).is_err() {
            return Reading::Failed(format!("no memory for its {length} bytes"));
        }
        if expected == 0 {
            // Empty, or made by the kernel while it is read, as in /proc.
            return self.read_to_end(file, max);
        }
        while self.bytes.len() < expected {
            match rustix::io::read(&file, spare_capacity(&mut self.bytes)) {
                Ok(0) => return Self::shorter(u64::try_from(self.bytes.len()).unwrap_or(length), length),
                Ok(_) | Err(Errno::INTR) => (),
                Err(error) if self.bytes.is_empty() => return Reading::Failed(describe(error)),
                Err(error) => {
                    return Reading::Partial(format!("{} at byte {}", describe(error), self.bytes.len()));
                }
            }
        }
        // It grew after it was opened: what it was then is what is scanned.
        self.bytes.truncate(expected);
        Reading::Complete
    }

    /// Reads until the end, however long it is, if that is at most `max`.
    pub fn read_to_end(&mut self, file: impl AsFd, max: u64) -> Reading {
        self.bytes.clear();
        self.mapped = None;
        loop {
            if self.bytes.len() == self.bytes.capacity() && self.bytes.try_reserve(STEP).is_err() {
                return Reading::Partial(format!("no memory for more than {} bytes", self.bytes.len()));
            }
            match rustix::io::read(&file, spare_capacity(&mut self.bytes)) {
                Ok(0) => return Reading::Complete,
                Ok(_) if u64::try_from(self.bytes.len()).is_ok_and(|length| length > max) => {
                    self.bytes.clear();
                    return Reading::TooLarge(None);
                }
                Ok(_) | Err(Errno::INTR) => (),
                Err(error) if self.bytes.is_empty() => return Reading::Failed(describe(error)),
                Err(error) => {
                    return Reading::Partial(format!("{} at byte {}", describe(error), self.bytes.len()));
                }
            }
        }
    }
}

/// A regular file, open for reading.
#[derive(Debug)]
pub struct Opened {
    /// The file.
    pub file: OwnedFd,
    /// How long it says that it is, in bytes.
    pub length: u64,
    /// Which file it is.
    pub identity: crate::Identity,
}

/// Opens a regular file below `directory`, and says how long it is.
///
/// # Errors
/// How reading it went, if it cannot be opened or is no regular file.
pub fn open(directory: BorrowedFd<'_>, name: &CStr, follow: bool) -> Result<Opened, Reading> {
    let link = if follow { OFlags::empty() } else { OFlags::NOFOLLOW };
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY | link;
    let failed = |error| Reading::Failed(describe(error));
    let file = loop {
        match rustix::fs::openat(directory, name, flags, Mode::empty()) {
            Ok(file) => break file,
            Err(Errno::INTR) => (),
            // What ELOOP means here: a link took the place of the file.
            Err(Errno::LOOP) if !follow => return Err(Reading::Special("a symbolic link")),
            Err(Errno::NXIO) => return Err(Reading::Special("a socket or a device that is not there")),
            Err(error) => return Err(failed(error)),
        }
    };
    let status = rustix::fs::fstat(&file).map_err(failed)?;
    match special(FileType::from_raw_mode(status.st_mode)) {
        Some(kind) => Err(Reading::Special(kind)),
        None => Ok(Opened {
            file,
            length: u64::try_from(status.st_size).unwrap_or(0),
            identity: (status.st_dev, status.st_ino, status.st_ctime, status.st_ctime_nsec),
        }),
    }
}

/// What a thing is that is no regular file.
#[must_use]
pub const fn special(kind: FileType) -> Option<&'static str> {
    match kind {
        FileType::RegularFile => None,
        FileType::BlockDevice => Some("a block device"),
        FileType::CharacterDevice => Some("a character device"),
        FileType::Directory => Some("a directory"),
        FileType::Fifo => Some("a named pipe"),
        FileType::Socket => Some("a socket"),
        FileType::Symlink => Some("a symbolic link"),
        _ => Some("something that is no file"),
    }
}

/// What the system says about an error, in the words of this program's messages.
#[must_use]
pub fn describe(error: Errno) -> String {
    let text = io::Error::from(error).to_string();
    let text = text.split(" (os error").next().unwrap_or(&text);
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_lowercase().chain(characters).collect())
}
