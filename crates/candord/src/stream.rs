//! A stream that is being received: in memory, and from a length on in a file that has no name. When it is complete
//! nobody can change it any more. One that is short is in a file only when a worker is to see it: what is known
//! already is answered without.

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{MemfdFlags, Mode, OFlags, SealFlags, SeekFrom};

/// Bytes of a stream that is short: whoever receives it may look at all of it and hold nobody up.
const SHORT: usize = 16 << 10;

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
    place: Place,
    length: u64,
    share: Share,
}

/// Where it is.
#[derive(Debug)]
enum Place {
    Short(Vec<u8>),
    Memory(OwnedFd),
    Disk(OwnedFd),
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
    #[must_use]
    pub fn new(total: &InMemory) -> Self {
        let share = Share { total: total.clone(), bytes: 0 };
        Self { place: Place::Short(Vec::new()), length: 0, share }
    }

    /// Adds bytes.
    ///
    /// # Errors
    /// There is no room for them.
    pub fn add(&mut self, bytes: &[u8], bounds: &Bounds<'_>) -> io::Result<()> {
        let more = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.length = self.length.saturating_add(more);
        let is_in_memory = !matches!(self.place, Place::Disk(_));
        if is_in_memory && (!self.share.grow(more, bounds.all) || self.length > bounds.one) {
            self.spill(bounds.folder)?;
        }
        if let Place::Short(short) = &mut self.place {
            if short.len().saturating_add(bytes.len()) <= SHORT {
                short.extend_from_slice(bytes);
                return Ok(());
            }
            let memory = in_memory(short)?;
            self.place = Place::Memory(memory);
        }
        match &self.place {
            Place::Short(_) => Ok(()),
            Place::Memory(file) | Place::Disk(file) => write(file, bytes),
        }
    }

    fn spill(&mut self, folder: &Path) -> io::Result<()> {
        let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
        let disk = rustix::fs::open(folder, flags, Mode::RUSR | Mode::WUSR)?;
        match &self.place {
            Place::Short(short) => write(&disk, short)?,
            Place::Memory(memory) | Place::Disk(memory) => {
                rustix::fs::seek(memory, SeekFrom::Start(0))?;
                let mut memory = std::fs::File::from(memory.try_clone()?);
                io::copy(&mut memory, &mut std::fs::File::from(disk.try_clone()?))?;
            }
        }
        self.place = Place::Disk(disk);
        self.share.give_back();
        Ok(())
    }

    /// How many bytes have come.
    #[must_use]
    pub const fn length(&self) -> u64 {
        self.length
    }

    /// All of it, if it is short.
    #[must_use]
    pub fn short(&self) -> Option<&[u8]> {
        if let Place::Short(short) = &self.place { Some(short) } else { None }
    }

    /// Ends it.
    ///
    /// # Errors
    /// There is no memory for it, too many files are open, or the system does not let it be closed against writing.
    pub fn end(self) -> io::Result<Received> {
        let Self { place, length, share } = self;
        let file = match place {
            Place::Short(short) => sealed(in_memory(&short)?)?,
            Place::Memory(file) => sealed(file)?,
            Place::Disk(file) => {
                rustix::fs::seek(&file, SeekFrom::Start(0))?;
                // What has no name cannot be opened by anybody else; the right to write goes with this descriptor.
                let path = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&file));
                rustix::fs::open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?
            }
        };
        Ok(Received { file, length, share: Arc::new(share) })
    }
}

/// These bytes, in a file in memory.
fn in_memory(bytes: &[u8]) -> io::Result<OwnedFd> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let file = rustix::fs::memfd_create("candor-stream", flags)?;
    write(&file, bytes)?;
    Ok(file)
}

fn sealed(file: OwnedFd) -> io::Result<OwnedFd> {
    rustix::fs::seek(&file, SeekFrom::Start(0))?;
    let seals = SealFlags::WRITE | SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL;
    rustix::fs::fcntl_add_seals(&file, seals)?;
    Ok(file)
}

fn write(file: &OwnedFd, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        let written = match rustix::io::write(file, bytes) {
            Err(rustix::io::Errno::INTR) => continue,
            other => other?,
        };
        bytes = bytes.get(written..).unwrap_or_default();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    fn through(pieces: &[&[u8]], bounds: &Bounds<'_>, total: &InMemory) -> (Vec<u8>, Received) {
        let mut incoming = Incoming::new(total);
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

    #[test]
    fn it_goes_on_elsewhere_at_each_length_and_stays_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let all: Vec<u8> = (0..=250).cycle().take(3 * SHORT).collect();
        for length in [0, 1, SHORT - 1, SHORT, SHORT + 1, 3 * SHORT] {
            for (step, one) in
                [(1000, 1 << 20), (SHORT, 1 << 20), (700, SHORT as u64 / 2), (700, SHORT as u64 + 1)]
            {
                let bounds = Bounds { one, all: 1 << 20, folder: folder.path() };
                let total = InMemory::default();
                let wanted = all.get(..length).unwrap();
                let mut incoming = Incoming::new(&total);
                wanted.chunks(step).for_each(|piece| incoming.add(piece, &bounds).unwrap());
                let is_short = length <= SHORT && length as u64 <= one;
                assert_eq!(incoming.short(), is_short.then_some(wanted));
                let (bytes, received) = through(&wanted.chunks(step).collect::<Vec<_>>(), &bounds, &total);
                assert!(bytes == wanted && received.length == length as u64, "{length} {step} {one}");
            }
        }
    }
}
