//! A stream that is being received: in memory, and from a length on in a file that has no name. When it is complete
//! nobody can change it any more.

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{MemfdFlags, Mode, OFlags, SealFlags, SeekFrom};

/// Bytes of all streams that are in memory.
#[derive(Clone, Debug, Default)]
pub struct InMemory(Arc<AtomicU64>);

/// A part of that.
#[derive(Debug)]
pub struct Share {
    total: InMemory,
    bytes: u64,
}

/// How much goes to memory.
#[derive(Clone, Debug)]
pub struct Bounds<'a> {
    /// Of one stream.
    pub one: u64,
    /// Of all.
    pub all: u64,
    /// The folder for what is longer.
    pub folder: &'a Path,
}

/// A stream, as far as it has come.
#[derive(Debug)]
pub struct Incoming {
    file: OwnedFd,
    length: u64,
    on_disk: bool,
    share: Share,
}

/// A complete one. It counts as long as it is held.
#[derive(Debug)]
pub struct Received {
    /// The bytes.
    pub file: OwnedFd,
    /// How many there are.
    pub length: u64,
    /// What it takes of the memory for all streams.
    pub share: Arc<Share>,
}

impl InMemory {
    /// How many there are.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Share {
    fn grow(&mut self, bytes: u64, all: u64) -> bool {
        let before = self.total.0.fetch_add(bytes, Ordering::Relaxed);
        self.bytes = self.bytes.saturating_add(bytes);
        before.saturating_add(bytes) <= all
    }

    fn give_back(&mut self) {
        self.total.0.fetch_sub(self.bytes, Ordering::Relaxed);
        self.bytes = 0;
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.give_back();
    }
}

impl Incoming {
    /// Begins one.
    ///
    /// # Errors
    /// There is no memory for it, or too many files are open.
    pub fn new(total: &InMemory) -> io::Result<Self> {
        let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
        let file = rustix::fs::memfd_create("candor-stream", flags)?;
        let share = Share { total: total.clone(), bytes: 0 };
        Ok(Self { file, length: 0, on_disk: false, share })
    }

    /// Adds bytes.
    ///
    /// # Errors
    /// There is no room for them.
    pub fn add(&mut self, mut bytes: &[u8], bounds: &Bounds<'_>) -> io::Result<()> {
        let more = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.length = self.length.saturating_add(more);
        if !self.on_disk && (!self.share.grow(more, bounds.all) || self.length > bounds.one) {
            self.spill(bounds.folder)?;
        }
        while !bytes.is_empty() {
            let written = match rustix::io::write(&self.file, bytes) {
                Err(rustix::io::Errno::INTR) => continue,
                other => other?,
            };
            bytes = bytes.get(written..).unwrap_or_default();
        }
        Ok(())
    }

    fn spill(&mut self, folder: &Path) -> io::Result<()> {
        let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
        let disk = rustix::fs::open(folder, flags, Mode::RUSR | Mode::WUSR)?;
        rustix::fs::seek(&self.file, SeekFrom::Start(0))?;
        let mut memory = std::fs::File::from(std::mem::replace(&mut self.file, disk));
        let mut disk = std::fs::File::from(self.file.try_clone()?);
        io::copy(&mut memory, &mut disk)?;
        self.on_disk = true;
        self.share.give_back();
        Ok(())
    }

    /// How many bytes have come.
    #[must_use]
    pub const fn length(&self) -> u64 {
        self.length
    }

    /// Ends it.
    ///
    /// # Errors
    /// The system does not let it be closed against writing.
    pub fn end(self) -> io::Result<Received> {
        let Self { file, length, on_disk, share } = self;
        rustix::fs::seek(&file, SeekFrom::Start(0))?;
        if on_disk {
            // What has no name cannot be opened by anybody else; the right to write goes with this descriptor.
            let path = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&file));
            let file = rustix::fs::open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
            return Ok(Received { file, length, share: Arc::new(share) });
        }
        let seals = SealFlags::WRITE | SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL;
        rustix::fs::fcntl_add_seals(&file, seals)?;
        Ok(Received { file, length, share: Arc::new(share) })
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    fn through(pieces: &[&[u8]], bounds: &Bounds<'_>, total: &InMemory) -> (Vec<u8>, Received) {
        let mut incoming = Incoming::new(total).unwrap();
        pieces.iter().for_each(|piece| incoming.add(piece, bounds).unwrap());
        let received = incoming.end().unwrap();
        let mut bytes = Vec::new();
        std::fs::File::from(received.file.try_clone().unwrap()).read_to_end(&mut bytes).unwrap();
        (bytes, received)
    }

    #[test]
    fn what_goes_in_comes_out_and_cannot_be_changed() {
        let folder = tempfile::tempdir().unwrap();
        for (one, all) in [(100, 1000), (3, 1000), (100, 3), (0, 0)] {
            let bounds = Bounds { one, all, folder: folder.path() };
            let total = InMemory::default();
            let (bytes, received) = through(&[b"abc", b"", b"defg"], &bounds, &total);
            assert_eq!((bytes.as_slice(), received.length), (&b"abcdefg"[..], 7));
            assert!(rustix::io::write(&received.file, b"x").is_err());
            let in_memory = one >= 7 && all >= 7;
            assert_eq!(total.0.load(Ordering::Relaxed), if in_memory { 7 } else { 0 });
            drop(received);
            assert_eq!(total.0.load(Ordering::Relaxed), 0);
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
