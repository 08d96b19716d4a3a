//! Reading signature databases from disk, in one consistent state.
//!
//! An updater may replace databases while they are being read. Half of the old set and half of the new
//! one is a set that nobody made, so the list of files is taken before and after, and reading starts
//! over when they differ.

use std::fs::{self, Metadata};
use std::os::fd::AsFd as _;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use candor_sandbox::spool_into;
use candor_signature::clamav;
use sha2::{Digest as _, Sha256};

use super::vouched::{self, Signers};
use crate::escape::Escaped;

/// How often reading starts over before it is given up.
const ATTEMPTS: u32 = 3;

/// A database file that was read: a copy that nobody else can change, behind a descriptor.
#[derive(Debug)]
pub(crate) struct SourceFile {
    /// Its name in messages and in the image.
    pub(crate) name: String,
    /// Its bytes.
    pub(crate) file: fs::File,
    /// How many there are.
    pub(crate) length: u64,
}

impl SourceFile {
    /// Bytes that are no file yet.
    pub(crate) fn of(name: &str, bytes: &[u8]) -> anyhow::Result<Self> {
        use std::io::{Seek as _, Write as _};
        let memory = rustix::fs::memfd_create("candor-source", rustix::fs::MemfdFlags::CLOEXEC);
        let mut file = fs::File::from(memory.context("no memory for signatures")?);
        file.write_all(bytes).and_then(|()| file.rewind()).context("no memory for signatures")?;
        let name = Escaped::os(std::ffi::OsStr::new(name)).to_string();
        Ok(Self { name, file, length: u64::try_from(bytes.len())? })
    }

    /// Says that somebody who is believed vouched for the container of this name.
    pub(crate) fn vouched(name: &str) -> anyhow::Result<Self> {
        Self::marked(vouched::mark_of(name))
    }

    /// Nothing but its name.
    fn marked(name: String) -> anyhow::Result<Self> {
        Ok(Self { name, ..Self::of("", b"")? })
    }

    /// Gives the bytes, a piece at a time.
    pub(crate) fn pieces(&self, take: &mut dyn FnMut(&[u8])) -> std::io::Result<()> {
        let mut buffer = vec![0; 1 << 18];
        let mut offset = 0;
        loop {
            match self.file.read_at(&mut buffer, offset)? {
                0 => return Ok(()),
                read => {
                    take(&buffer[..read]);
                    offset += u64::try_from(read).unwrap_or(u64::MAX);
                }
            }
        }
    }
}

/// What a file is for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Role {
    /// It holds signatures.
    Database,
    /// It vouches for a container of this version.
    Signature {
        /// The container.
        of: PathBuf,
        /// The version in its name.
        version: u64,
    },
    /// Whoever it names may vouch for containers.
    Certificate,
    /// No file: RSA over an MD5 sum alone is not enough.
    Refuse,
}

/// What tells one state of a file from another without reading it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Stamp {
    path: PathBuf,
    role: Role,
    length: u64,
    modified: (i64, i64),
    changed: (i64, i64),
    inode: u64,
    device: u64,
}

/// Whether a file is a database by its name.
#[must_use]
pub fn is_database_name(path: &Path) -> bool {
    path.extension()
        .and_then(|extension| extension.to_str())
        .is_some_and(|extension| clamav::extensions().any(|known| extension.eq_ignore_ascii_case(known)))
}

/// Whether a database is a container that is signed, by its name.
fn is_signed(path: &Path) -> bool {
    let kind = path.extension().unwrap_or_default();
    kind.eq_ignore_ascii_case("cvd") || kind.eq_ignore_ascii_case("cld")
}

/// The database files that `paths` stand for, in an order that depends on nothing but their names, and what vouches
/// for them. A file counts whatever its name; of a directory, the files in it that are databases by their names.
pub(crate) fn list(paths: &[&Path], signers: &Signers) -> anyhow::Result<Vec<Stamp>> {
    let mut stamps = Vec::new();
    for path in paths {
        let name = Escaped::os(path.as_os_str());
        let metadata = fs::metadata(path).with_context(|| format!("database {name}"))?;
        if metadata.is_file() {
            stamps.push(Stamp::new(path.to_path_buf(), &metadata, Role::Database));
            continue;
        }
        anyhow::ensure!(metadata.is_dir(), "database {name}: neither a file nor a directory");
        let before = stamps.len();
        for entry in fs::read_dir(path).with_context(|| format!("database {name}"))? {
            let entry = entry.with_context(|| format!("database {name}"))?.path();
            if !is_database_name(&entry) || (signers.official_only && !is_signed(&entry)) {
                continue;
            }
            match fs::metadata(&entry) {
                Ok(metadata) if metadata.is_file() => {
                    stamps.push(Stamp::new(entry, &metadata, Role::Database))
                }
                Ok(_) => (),
                // It went away after the directory named it: the second listing will tell.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => (),
                Err(error) => {
                    return Err(error)
                        .with_context(|| format!("database {}", Escaped::os(entry.as_os_str())));
                }
            }
        }
        anyhow::ensure!(stamps.len() > before, "database {name}: the directory holds no signature database");
    }
    let certificates = signers.certificates()?;
    if !certificates.is_empty() {
        let beside = vouched::beside(&stamps);
        stamps.extend(beside);
        stamps.extend(certificates);
    }
    stamps.sort();
    stamps.dedup();
    Ok(stamps)
}

/// Reads the databases that `paths` stand for, and what vouches for them. Copies are on the disk that `room` is on, or that
/// temporary files are on, but for little ones.
pub(crate) fn read(
    paths: &[&Path],
    signers: &Signers,
    room: Option<&Path>,
) -> anyhow::Result<Vec<SourceFile>> {
    for _ in 0..ATTEMPTS {
        let before = list(paths, signers)?;
        let files = read_once(&before, room)?;
        if let Some(mut files) = files
            && list(paths, signers)? == before
        {
            if signers.refuse_md5 {
                files.push(SourceFile::marked(vouched::name_of(&Role::Refuse, ""))?);
            }
            return Ok(files);
        }
    }
    let name = paths.first().map(|path| Escaped::os(path.as_os_str()).to_string()).unwrap_or_default();
    anyhow::bail!("database {name}: changed each of the {ATTEMPTS} times that it was read; try again later")
}

/// `None` when something changed meanwhile.
fn read_once(stamps: &[Stamp], room: Option<&Path>) -> anyhow::Result<Option<Vec<SourceFile>>> {
    let mut files = Vec::with_capacity(stamps.len());
    for stamp in stamps {
        let name = Escaped::os(stamp.path.as_os_str());
        let file = match fs::File::open(&stamp.path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).with_context(|| format!("database {name}")),
        };
        let copied = spool_into(room, file.as_fd(), stamp.length);
        let (copy, length) = copied.with_context(|| format!("database {name}"))?;
        if length != stamp.length {
            return Ok(None);
        }
        let of = if let Role::Signature { of, .. } = &stamp.role { of } else { &stamp.path };
        let name = vouched::name_of(&stamp.role, &short_name(of, stamps));
        files.push(SourceFile { name, file: copy.into(), length });
    }
    Ok(Some(files))
}

/// The file name alone where it is enough, the path where two files have the same name.
fn short_name(path: &Path, all: &[Stamp]) -> String {
    let Some(name) = path.file_name() else { return Escaped::os(path.as_os_str()).to_string() };
    let databases = all.iter().filter(|stamp| stamp.role == Role::Database);
    let alike = databases.filter(|stamp| stamp.path.file_name() == Some(name)).count();
    Escaped::os(if alike > 1 { path.as_os_str() } else { name }).to_string()
}

impl Stamp {
    pub(super) fn new(path: PathBuf, metadata: &Metadata, role: Role) -> Self {
        Self {
            path,
            role,
            length: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
            inode: metadata.ino(),
            device: metadata.dev(),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Adds it to a digest, each field at its own place.
    pub(crate) fn digest(&self, digest: &mut Sha256) {
        use std::os::unix::ffi::OsStrExt as _;
        let path = self.path.as_os_str().as_bytes();
        digest.update(u64::try_from(path.len()).unwrap_or(u64::MAX).to_le_bytes());
        digest.update(path);
        for number in [self.modified.0, self.modified.1, self.changed.0, self.changed.1] {
            digest.update(number.to_le_bytes());
        }
        for number in [self.length, self.inode, self.device] {
            digest.update(number.to_le_bytes());
        }
    }

    /// When it last changed, in nanoseconds since 1970.
    pub(crate) fn last_change(&self) -> i128 {
        let nanoseconds =
            |(seconds, rest): (i64, i64)| i128::from(seconds) * 1_000_000_000 + i128::from(rest);
        nanoseconds(self.modified).max(nanoseconds(self.changed))
    }
}
