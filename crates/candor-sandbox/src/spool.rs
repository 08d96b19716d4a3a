//! What can be read only once, as something that a worker can map: standard input, what came through a socket.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{MemfdFlags, Mode, OFlags, SealFlags, SeekFrom};

/// Bytes that are kept in memory. What is longer goes to the disk, into a file that has no name.
const IN_MEMORY: u64 = 32 << 20;

/// Copies what can be read from `input` to where a worker may read it and nobody can change it any more: at
/// most `most` bytes, and one buffer more if there is more. Says how many bytes were copied.
///
/// # Errors
/// It cannot be read, or there is no room for it.
pub fn spool(input: BorrowedFd<'_>, most: u64) -> io::Result<(OwnedFd, u64)> {
    spool_beyond(input, most, IN_MEMORY)
}

fn spool_beyond(input: BorrowedFd<'_>, most: u64, in_memory: u64) -> io::Result<(OwnedFd, u64)> {
    let memory = rustix::fs::memfd_create("candor-input", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
    let mut buffer = vec![0; 64 << 10];
    let length = copy(input, &memory, most.min(in_memory), &mut buffer)?;
    if length <= in_memory || length > most {
        let seals = SealFlags::WRITE | SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL;
        rustix::fs::seek(&memory, SeekFrom::Start(0))?;
        rustix::fs::fcntl_add_seals(&memory, seals)?;
        return Ok((memory, length));
    }
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    let disk = rustix::fs::open(std::env::temp_dir(), flags, Mode::RUSR)?;
    rustix::fs::seek(&memory, SeekFrom::Start(0))?;
    copy(memory.as_fd(), &disk, u64::MAX, &mut buffer)?;
    drop(memory);
    let rest = copy(input, &disk, most.saturating_sub(length), &mut buffer)?;
    Ok((read_only(&disk)?, length.saturating_add(rest)))
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

    /// What comes out of a pipe through a spool that keeps 100,000 bytes in memory.
    fn through(content: &[u8], most: u64) -> (Vec<u8>, u64, OwnedFd) {
        let (reader, mut writer) = io::pipe().unwrap();
        let spooled = std::thread::scope(|scope| {
            scope.spawn(move || writer.write_all(content));
            let spooled = spool_beyond(reader.as_fd(), most, 100_000);
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
            let (copy, said, file) = through(&content, u64::MAX);
            assert!(copy == content, "{length}");
            assert_eq!(said, u64::from(length));
            assert!(rustix::io::write(&file, b"x").is_err(), "{length}: it can be written to");
        }
    }

    #[test]
    fn what_is_too_long_is_seen_to_be() {
        for most in [10, 70_000, 150_000] {
            let (_, said, _) = through(&[7; 400_000], most);
            assert!(said > most && said <= most + (64 << 10), "{said} of {most}");
        }
    }
}
