//! What can be read only once, as something that a worker can map: standard input, what came through a socket; and files
//! without a name for workers to write to.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{MemfdFlags, Mode, OFlags, SealFlags, SeekFrom};

/// Bytes that are kept in memory. What is longer goes to the disk, into a file that has no name.
const IN_MEMORY: u64 = 32 << 20;

/// Bytes of a file among many that are kept in memory.
const LITTLE: u64 = 256 << 10;

/// Bytes of a disk that are left to others.
const SPARE: u64 = 64 << 20;

/// Copies what can be read from `input` to where a worker may read it and nobody can change it any more: at
/// most `most` bytes, and one buffer more if there is more. Says how many bytes were copied.
///
/// # Errors
/// It cannot be read, or there is no room for it.
pub fn spool(input: BorrowedFd<'_>, most: u64) -> io::Result<(OwnedFd, u64)> {
    spool_beyond(input, most, IN_MEMORY, &|| on_disk(None, 0))
}

/// As [`spool`], for one of many files, of at most `most` bytes: all but a little of it goes to the disk that `directory`
/// is on, as long as there is room.
///
/// # Errors
/// As [`spool`].
pub fn spool_into(directory: Option<&Path>, input: BorrowedFd<'_>, most: u64) -> io::Result<(OwnedFd, u64)> {
    spool_beyond(input, most, LITTLE, &|| on_disk(directory, most))
}

/// A file without a name, to be written to and read: on the disk that `directory` is on, or that temporary files are
/// on, if that has so many bytes to spare; in memory otherwise.
///
/// # Errors
/// There is no memory.
pub fn nameless(directory: Option<&Path>, bytes: u64) -> io::Result<OwnedFd> {
    on_disk(directory, bytes).map_or_else(in_memory, Ok)
}

fn in_memory() -> io::Result<OwnedFd> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    Ok(rustix::fs::memfd_create("candor-input", flags)?)
}

/// A file without a name on a disk, if there is one that can have such files and has so many bytes to spare.
fn on_disk(directory: Option<&Path>, bytes: u64) -> Option<OwnedFd> {
    // Whoever gives it a name later gives it to all who may read what that program writes.
    let mode = Mode::RUSR | Mode::WUSR | Mode::RGRP | Mode::WGRP | Mode::ROTH | Mode::WOTH;
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    let usual = std::env::temp_dir();
    directory.into_iter().chain([usual.as_path()]).find_map(|directory| {
        let disk = rustix::fs::statvfs(directory).ok()?;
        let free = disk.f_bavail.saturating_mul(disk.f_frsize);
        let is_enough = free >= bytes.saturating_add(SPARE);
        rustix::fs::open(directory, flags, mode).ok().filter(|_| is_enough)
    })
}

fn spool_beyond(
    input: BorrowedFd<'_>,
    most: u64,
    at_first: u64,
    on_disk: &dyn Fn() -> Option<OwnedFd>,
) -> io::Result<(OwnedFd, u64)> {
    let memory = in_memory()?;
    let mut buffer = vec![0; 64 << 10];
    let mut length = copy(input, &memory, most.min(at_first), &mut buffer)?;
    if length > at_first && length <= most {
        if let Some(disk) = on_disk() {
            rustix::fs::seek(&memory, SeekFrom::Start(0))?;
            copy(memory.as_fd(), &disk, u64::MAX, &mut buffer)?;
            drop(memory);
            let rest = copy(input, &disk, most.saturating_sub(length), &mut buffer)?;
            return Ok((read_only(&disk)?, length.saturating_add(rest)));
        }
        length = length.saturating_add(copy(input, &memory, most.saturating_sub(length), &mut buffer)?);
    }
    rustix::fs::seek(&memory, SeekFrom::Start(0))?;
    seal(&memory)?;
    Ok((memory, length))
}

/// Keeps a file in memory from being changed any more.
pub(crate) fn seal(memory: &OwnedFd) -> io::Result<()> {
    let seals = SealFlags::WRITE | SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL;
    Ok(rustix::fs::fcntl_add_seals(memory, seals)?)
}

/// The same file, with no right to write to it.
fn read_only(file: &OwnedFd) -> io::Result<OwnedFd> {
    use std::os::fd::AsRawFd;
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    Ok(rustix::fs::open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?)
}

/// Copies until the end, or until more than `most` bytes were copied.
fn copy(from: BorrowedFd<'_>, to: &OwnedFd, most: u64, buffer: &mut [u8]) -> io::Result<u64> {
    let mut length = 0_u64;
    while length <= most {
        let read = match rustix::io::read(from, &mut *buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(rustix::io::Errno::INTR) => continue,
            Err(error) => return Err(error.into()),
        };
        let mut bytes = buffer.get(..read).unwrap_or_default();
        length = length.saturating_add(u64::try_from(read).unwrap_or(0));
        while !bytes.is_empty() {
            let written = rustix::io::write(to, bytes)?;
            bytes = bytes.get(written..).unwrap_or_default();
        }
    }
    Ok(length)
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};

    use super::*;

    /// What comes out of a pipe through a spool that keeps 100,000 bytes in memory, if there is a disk.
    fn through(content: &[u8], most: u64, disk: bool) -> (Vec<u8>, u64, OwnedFd) {
        let (reader, mut writer) = io::pipe().unwrap();
        let spooled = std::thread::scope(|scope| {
            scope.spawn(move || writer.write_all(content));
            let on_disk = || on_disk(None, 0).filter(|_| disk);
            let spooled = spool_beyond(reader.as_fd(), most, 100_000, &on_disk);
            // Whoever writes more than is wanted must not wait for it to be read.
            drop(reader);
            spooled
        });
        let (file, length) = spooled.unwrap();
        let mut copy = Vec::new();
        std::fs::File::from(file.try_clone().unwrap()).read_to_end(&mut copy).unwrap();
        (copy, length, file)
    }

    #[test]
    fn content_comes_back_from_memory_and_from_the_disk() {
        for length in [0, 1, 65_536, 100_000, 100_001, 262_144, 3_000_000] {
            let content: Vec<u8> = (0..length).map(|number: u32| number.to_le_bytes()[1]).collect();
            for disk in [true, false] {
                let (copy, said, file) = through(&content, u64::MAX, disk);
                assert!(copy == content, "{length}");
                assert_eq!(said, u64::from(length));
                assert!(rustix::io::write(&file, b"x").is_err(), "{length}: it can be written to");
                let is_on_disk = rustix::fs::fcntl_get_seals(&file).is_err();
                assert_eq!(is_on_disk, disk && length > 100_000, "{length}");
            }
        }
    }

    #[test]
    fn what_is_too_long_is_seen_to_be() {
        for most in [10, 70_000, 150_000] {
            let (_, said, _) = through(&[7; 400_000], most, true);
            assert!(said > most && said <= most + (64 << 10), "{said} of {most}");
        }
    }

    #[test]
    fn where_there_is_no_room_it_is_memory() {
        let folder = tempfile::tempdir().unwrap();
        let is_on_disk = |file: &OwnedFd| rustix::fs::fcntl_get_seals(file).is_err();
        assert!(is_on_disk(&nameless(Some(folder.path()), 1).unwrap()));
        assert!(is_on_disk(&nameless(Some(&folder.path().join("none")), 1).unwrap()));
        assert!(!is_on_disk(&nameless(Some(folder.path()), u64::MAX).unwrap()));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
