//! One file into memory.
//!
//! A file is read, not mapped: somebody who cuts a mapped file short kills the process that looks at it.
//! Opening never waits (pipes), never takes a terminal, and does not follow a link that the walk did not
//! see. Nothing but a regular file is read. What was promised about its length is not believed either.

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::buffer::spare_capacity;
use rustix::fs::{FileType, Mode, OFlags};
use rustix::io::Errno;

/// Buffers larger than this are given back after the file.
const KEPT: usize = 16 << 20;

/// What is allocated for files that do not say how long they are.
const STEP: usize = 64 << 10;

/// How reading a file went. What was read is in the buffer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
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
pub(crate) struct Buffer {
    bytes: Vec<u8>,
}

impl Buffer {
    /// What was read last.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Gives back memory that only a large file needed.
    pub(crate) fn trim(&mut self) {
        if self.bytes.capacity() > KEPT {
            self.bytes = Vec::new();
        }
    }

    /// Reads `file`, which says that it is `length` bytes long, if that is at most `max`.
    pub(crate) fn read(&mut self, file: impl AsFd, length: u64, max: u64) -> Reading {
        self.bytes.clear();
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
                Ok(0) => {
                    return Reading::Partial(format!(
                        "it became shorter while it was read: {} of {length} bytes",
                        self.bytes.len()
                    ));
                }
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
    pub(crate) fn read_to_end(&mut self, file: impl AsFd, max: u64) -> Reading {
        self.bytes.clear();
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

/// Opens a regular file below `directory`, and says how long it is.
pub(crate) fn open(directory: BorrowedFd<'_>, name: &CStr, follow: bool) -> Result<(OwnedFd, u64), Reading> {
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
        None => Ok((file, u64::try_from(status.st_size).unwrap_or(0))),
    }
}

/// What a thing is that is no regular file.
pub(crate) const fn special(kind: FileType) -> Option<&'static str> {
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
pub(crate) fn describe(error: Errno) -> String {
    let text = io::Error::from(error).to_string();
    let text = text.split(" (os error").next().unwrap_or(&text);
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_lowercase().chain(characters).collect())
}
