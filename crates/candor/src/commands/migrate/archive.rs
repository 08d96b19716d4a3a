//! The archive that a quarantine goes to: a ZIP of stored files under the password `infected`, which the field uses so
//! that nobody runs or scans them by accident, and a manifest that anybody can read.
//!
//! Files are named by their digest and can be executed by nobody; what they were called stands in the manifest only. Each
//! entry of it holds the digest of the one before, so that one that was changed, left out or put in later shows, to
//! whoever keeps the last digest elsewhere. The encryption is the traditional one: it hides nothing from anybody.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufWriter, Read, Seek as _, SeekFrom, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use ed25519_dalek::SigningKey;
use sha2::{Digest as _, Sha256};

use super::manifest::{Entry, Manifest, NAME, PASSWORD};

/// The largest archive: what the offsets of a ZIP can say.
const LARGEST: u64 = u32::MAX as u64;

/// An archive that is being written.
pub(super) struct Archive {
    path: PathBuf,
    file: BufWriter<tempfile::NamedTempFile>,
    at: u64,
    directory: Vec<u8>,
    members: u16,
    names: BTreeSet<String>,
    manifest: Manifest,
}

impl Archive {
    /// Begins an archive that was not there before.
    pub(super) fn create(path: &Path) -> anyhow::Result<Self> {
        if path.exists() {
            bail!("{} is there already, and nothing is overwritten", path.display());
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let file = tempfile::NamedTempFile::new_in(folder)
            .with_context(|| format!("{} cannot be written", path.display()))?;
        Ok(Self {
            path: path.to_path_buf(),
            file: BufWriter::new(file),
            at: 0,
            directory: Vec::new(),
            members: 0,
            names: BTreeSet::new(),
            manifest: Manifest::new(),
        })
    }

    /// Adds a file; the same content stands there once.
    pub(super) fn add(&mut self, entry: Entry, content: &mut File) -> anyhow::Result<()> {
        if self.names.insert(entry.file.clone()) {
            let name = entry.file.clone();
            self.member(&name, content, entry.size, true)?;
        }
        self.manifest.add(entry)
    }

    /// Writes the manifest, signs it when there is a key, and ends the archive; returns the last digest of the chain.
    pub(super) fn finish(mut self, generated: &str, key: Option<&SigningKey>) -> anyhow::Result<String> {
        let manifest = std::mem::replace(&mut self.manifest, Manifest::new());
        let last = manifest.last().to_owned();
        let text = manifest.finish(generated, key)?;
        let size = text.len() as u64;
        self.member(NAME, &mut std::io::Cursor::new(text), size, false)?;
        let (start, length) = (self.at, self.directory.len() as u64);
        let mut end = b"PK\x05\x06\0\0\0\0".to_vec();
        end.extend([self.members.to_le_bytes(), self.members.to_le_bytes()].concat());
        end.extend([narrow(length)?.to_le_bytes(), narrow(start)?.to_le_bytes()].concat());
        end.extend([0, 0]);
        let directory = std::mem::take(&mut self.directory);
        self.put(&directory)?;
        self.put(&end)?;
        let file = self.file.into_inner().map_err(|error| anyhow::anyhow!("{}", error.error()))?;
        file.as_file().set_permissions(std::fs::Permissions::from_mode(0o600))?;
        file.as_file().sync_all()?;
        file.persist_noclobber(&self.path)
            .with_context(|| format!("{} cannot be written", self.path.display()))?;
        Ok(last)
    }

    fn member(&mut self, name: &str, content: &mut dyn Read, size: u64, hidden: bool) -> anyhow::Result<()> {
        let start = narrow(self.at)?;
        let stored = size + if hidden { 12 } else { 0 };
        let members = self.members.checked_add(1).context("more files than an archive holds")?;
        // The sum of the content comes first in the file and is known last, so the header is written twice.
        let header = |crc: u32| -> anyhow::Result<Vec<u8>> {
            let mut fields = vec![20, 0];
            fields.extend((if hidden { 1_u16 } else { 0 }).to_le_bytes());
            // Stored, on the first day that a ZIP can say.
            fields.extend([0, 0, 0, 0, 0x21, 0]);
            fields.extend(
                [crc.to_le_bytes(), narrow(stored)?.to_le_bytes(), narrow(size)?.to_le_bytes()].concat(),
            );
            fields.extend([u16::try_from(name.len())?.to_le_bytes(), [0, 0]].concat());
            Ok(fields)
        };
        let mut content = Summed { inner: content, crc: Crc::new(), left: size };
        // What is encrypted begins with a byte of the sum, so that has to be known before.
        let mut spool = tempfile::tempfile()?;
        std::io::copy(&mut content, &mut spool)?;
        if content.left > 0 {
            bail!("{name}: it is shorter than it was");
        }
        let crc = content.crc.finish();
        spool.seek(SeekFrom::Start(0))?;
        let local = [&b"PK\x03\x04"[..], &header(crc)?, name.as_bytes()].concat();
        self.put(&local)?;
        let mut keys = Keys::new(PASSWORD.as_bytes());
        if hidden {
            // Any twelve bytes do: nothing is kept secret here. The last one lets a reader see a wrong password.
            let mut head: Vec<u8> = Sha256::digest(name.as_bytes())[..11].to_vec();
            head.push(crc.to_be_bytes()[0]);
            keys.encrypt(&mut head);
            self.put(&head)?;
        }
        let mut buffer = vec![0; 1 << 16];
        loop {
            let length = spool.read(&mut buffer)?;
            if length == 0 {
                break;
            }
            let piece = &mut buffer[..length];
            if hidden {
                keys.encrypt(piece);
            }
            let piece = piece.to_vec();
            self.put(&piece)?;
        }
        // Made on Unix; a regular file that its owner may read and write, and nobody may execute.
        let attributes = (0o100_600_u32) << 16;
        self.directory.extend(b"PK\x01\x02\x14\x03");
        self.directory.extend(header(crc)?);
        self.directory.extend([0; 6]);
        self.directory.extend([attributes.to_le_bytes(), start.to_le_bytes()].concat());
        self.directory.extend(name.as_bytes());
        self.members = members;
        Ok(())
    }

    fn put(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        self.at += bytes.len() as u64;
        if self.at > LARGEST {
            bail!("more than an archive holds: export folder by folder");
        }
        Ok(self.file.write_all(bytes)?)
    }
}

fn narrow(value: u64) -> anyhow::Result<u32> {
    u32::try_from(value).context("more than an archive holds: export folder by folder")
}

/// CRC-32.
struct Crc {
    table: [u32; 256],
    value: u32,
}

impl Crc {
    fn new() -> Self {
        let mut table = [0; 256];
        for (slot, byte) in table.iter_mut().zip(0_u32..) {
            *slot = (0..8)
                .fold(byte, |value, _| if value & 1 == 1 { value >> 1 ^ 0xedb8_8320 } else { value >> 1 });
        }
        Self { table, value: u32::MAX }
    }

    fn step(&self, value: u32, byte: u8) -> u32 {
        self.table[usize::from((value & 0xff) as u8 ^ byte)] ^ value >> 8
    }

    fn update(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.value = self.step(self.value, *byte);
        }
    }

    const fn finish(&self) -> u32 {
        !self.value
    }
}

/// Content whose sum is made while it is read.
struct Summed<'a> {
    inner: &'a mut dyn Read,
    crc: Crc,
    left: u64,
}

impl Read for Summed<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let room = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        let length = self.inner.read(&mut buffer[..room])?;
        self.crc.update(&buffer[..length]);
        self.left -= length as u64;
        Ok(length)
    }
}

/// The traditional encryption of ZIP (APPNOTE 6.1).
struct Keys {
    crc: Crc,
    keys: [u32; 3],
}

impl Keys {
    fn new(password: &[u8]) -> Self {
        let mut keys = Self { crc: Crc::new(), keys: [0x1234_5678, 0x2345_6789, 0x3456_7890] };
        password.iter().for_each(|byte| keys.update(*byte));
        keys
    }

    fn update(&mut self, byte: u8) {
        self.keys[0] = self.crc.step(self.keys[0], byte);
        let sum = self.keys[1].wrapping_add(self.keys[0] & 0xff);
        self.keys[1] = sum.wrapping_mul(134_775_813).wrapping_add(1);
        self.keys[2] = self.crc.step(self.keys[2], self.keys[1].to_be_bytes()[0]);
    }

    fn encrypt(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            let value = self.keys[2] | 2;
            let mask = value.wrapping_mul(value ^ 1).to_le_bytes()[1];
            let plain = *byte;
            *byte ^= mask;
            self.update(plain);
        }
    }
}
