//! What to scan: the paths that the user named, and what lies below them.
//!
//! Everything below a directory is opened relative to it, never by its whole path: paths may be longer
//! than the system takes at once, and a directory that is swapped for a link meanwhile leads nowhere.

use std::ffi::{CStr, CString, OsStr, OsString};
use std::io::BufRead;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use clap::ValueEnum;
use globset::GlobSet;
use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use super::queue::Expansion;
use candor_sandbox::input::{describe, special};

/// Files handed to a worker at once.
const BATCH: usize = 16;

/// Entries of a directory, or lines of a list, that are read at once.
const PIECE: usize = 1024;

/// How to walk.
#[derive(Debug)]
pub(crate) struct Walk {
    /// Whether links inside directories are followed.
    pub(crate) follow: bool,
    /// Which file systems below a directory are entered.
    pub(crate) filesystems: Filesystems,
    /// What is left out, by whole path.
    pub(crate) exclude_paths: GlobSet,
    /// What is left out, by its name alone.
    pub(crate) exclude_names: GlobSet,
    /// Directories seen so far, when links are followed.
    visited: Mutex<std::collections::HashSet<Identity>>,
    /// What was left out.
    pub(crate) skipped: Skipped,
}

/// Which file systems below a directory are entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Filesystems {
    /// All but those that the kernel makes up, such as /proc and /sys.
    Real,
    /// Only the one that the directory itself is on.
    Same,
    /// All.
    All,
}

/// How many things were left out.
#[derive(Debug, Default)]
pub(crate) struct Skipped {
    /// Devices, sockets, pipes.
    pub(crate) special: AtomicU64,
    /// Symbolic links.
    pub(crate) links: AtomicU64,
    /// What `--exclude` names.
    pub(crate) excluded: AtomicU64,
    /// Directories on other file systems.
    pub(crate) filesystems: AtomicU64,
}

impl Skipped {
    /// Counts something that turned out to be no file when it was opened.
    pub(crate) fn count_special(&self) {
        count(&self.special);
    }
}

type Identity = (u64, u64);

/// A directory that is open.
#[derive(Debug)]
pub(crate) struct Directory {
    handle: OwnedFd,
    path: PathBuf,
    device: u64,
}

/// Files of one directory, or named by the user.
#[derive(Debug)]
pub(crate) struct Files {
    directory: Option<Arc<Directory>>,
    names: Vec<CString>,
    follow: bool,
}

/// One file to be scanned.
#[derive(Clone, Copy, Debug)]
pub(crate) struct File<'a> {
    files: &'a Files,
    name: &'a CStr,
}

/// Something that files are found in.
pub(crate) enum Pending {
    /// A path that the user named.
    Root(OsString),
    /// Standard input itself.
    Stdin,
    /// A list of paths.
    List {
        /// Where it is read from.
        reader: Box<dyn BufRead + Send>,
        /// What ends a path.
        end: u8,
    },
    /// A directory, by its name in another.
    Directory {
        /// The directory that it is in.
        parent: Arc<Directory>,
        /// Its name.
        name: CString,
        /// Whether it is reached by a link.
        follow: bool,
    },
    /// A directory of which a part is listed.
    Listing {
        /// The directory.
        directory: Arc<Directory>,
        /// What is left of it.
        rest: Dir,
    },
}

/// What a walk says besides files.
#[derive(Debug)]
pub(crate) enum Remark {
    /// Something could not be looked at; says which path and why.
    Trouble(PathBuf, String),
    /// Something worth knowing that leaves nothing out.
    Note(PathBuf, String),
    /// Standard input is to be scanned.
    Stdin,
}

impl Walk {
    pub(crate) fn new(
        follow: bool,
        filesystems: Filesystems,
        exclude_paths: GlobSet,
        exclude_names: GlobSet,
    ) -> Self {
        Self {
            follow,
            filesystems,
            exclude_paths,
            exclude_names,
            visited: Mutex::default(),
            skipped: Skipped::default(),
        }
    }

    /// Finds files in `pending`: one piece of it.
    pub(crate) fn expand(&self, pending: Pending, remark: &mut dyn FnMut(Remark)) -> Expansion {
        let mut expansion = Expansion::default();
        match pending {
            Pending::Stdin => remark(Remark::Stdin),
            Pending::Root(path) => self.root(path, &mut expansion, remark),
            Pending::List { reader, end } => self.list(reader, end, &mut expansion, remark),
            Pending::Directory { parent, name, follow } => {
                let path = parent.path.join(OsStr::from_bytes(name.as_bytes()));
                let opened = open_directory(parent.handle.as_fd(), &name, follow);
                self.enter(opened, path, Some(parent), &mut expansion, remark);
            }
            Pending::Listing { directory, rest } => self.listing(directory, rest, &mut expansion, remark),
        }
        expansion
    }

    fn root(&self, path: OsString, expansion: &mut Expansion, remark: &mut dyn FnMut(Remark)) {
        let path = PathBuf::from(path);
        if self.excludes(&path) {
            count(&self.skipped.excluded);
            return;
        }
        let Ok(name) = CString::new(path.as_os_str().as_bytes()) else {
            return remark(Remark::Trouble(path, String::from("no file has a NUL byte in its name")));
        };
        let status = match rustix::fs::statat(CWD, &name, AtFlags::empty()) {
            Ok(status) => status,
            Err(error) => return remark(Remark::Trouble(path, describe(error))),
        };
        match FileType::from_raw_mode(status.st_mode) {
            FileType::RegularFile => {
                expansion.files.push(Files { directory: None, names: vec![name], follow: true });
            }
            FileType::Directory => {
                self.enter(open_directory(CWD, &name, true), path, None, expansion, remark);
            }
            kind => {
                let kind = special(kind).unwrap_or("no file");
                remark(Remark::Trouble(path, format!("it is {kind}, not a file")));
            }
        }
    }

    fn list(
        &self,
        mut reader: Box<dyn BufRead + Send>,
        end: u8,
        expansion: &mut Expansion,
        remark: &mut dyn FnMut(Remark),
    ) {
        let mut roots = Vec::new();
        for _ in 0..PIECE {
            let mut line = Vec::new();
            match reader.read_until(end, &mut line) {
                Ok(0) => break,
                Ok(_) => (),
                Err(error) => {
                    remark(Remark::Trouble(PathBuf::from("(file list)"), error.to_string()));
                    break;
                }
            }
            line.pop_if(|byte| *byte == end);
            if !line.is_empty() {
                roots.push(Pending::Root(OsString::from_vec(line)));
            }
        }
        if !roots.is_empty() {
            expansion.pending.push(Pending::List { reader, end });
            expansion.pending.extend(roots.into_iter().rev());
        }
    }

    fn enter(
        &self,
        opened: Result<(OwnedFd, Stat), Errno>,
        path: PathBuf,
        parent: Option<Arc<Directory>>,
        expansion: &mut Expansion,
        remark: &mut dyn FnMut(Remark),
    ) {
        let (handle, status) = match opened {
            Ok(opened) => opened,
            Err(error) => return remark(Remark::Trouble(path, describe(error))),
        };
        let identity = identity(&status);
        if self.follow && !self.visited.lock().unwrap_or_else(PoisonError::into_inner).insert(identity) {
            if parent.is_some_and(|parent| lies_in(&parent.handle, identity)) {
                let note =
                    String::from("the link leads back to a directory that it is in, which is scanned once");
                remark(Remark::Note(path, note));
            }
            count(&self.skipped.links);
            return;
        }
        if let Some(parent) = parent
            && parent.device != identity.0
            && !self.enters_filesystem(&handle)
        {
            count(&self.skipped.filesystems);
            return;
        }
        let directory = Arc::new(Directory { handle, path, device: identity.0 });
        match Dir::read_from(&directory.handle) {
            Ok(rest) => self.listing(directory, rest, expansion, remark),
            Err(error) => remark(Remark::Trouble(directory.path.clone(), describe(error))),
        }
    }

    fn enters_filesystem(&self, handle: &OwnedFd) -> bool {
        match self.filesystems {
            Filesystems::All => true,
            Filesystems::Same => false,
            Filesystems::Real => !is_made_up(handle),
        }
    }

    fn listing(
        &self,
        directory: Arc<Directory>,
        mut rest: Dir,
        expansion: &mut Expansion,
        remark: &mut dyn FnMut(Remark),
    ) {
        let mut found =
            Found { directory: &directory, files: Vec::new(), links: Vec::new(), directories: Vec::new() };
        let mut more = false;
        for read in 0.. {
            if read == PIECE {
                more = true;
                break;
            }
            let entry = match rest.read() {
                None => break,
                Some(Ok(entry)) => entry,
                Some(Err(error)) => {
                    remark(Remark::Trouble(directory.path.clone(), describe(error)));
                    break;
                }
            };
            let name = entry.file_name();
            if !matches!(name.to_bytes(), b"." | b"..") {
                self.entry(&mut found, name, entry.file_type(), remark);
            }
        }
        let Found { files, links, directories, .. } = found;
        for (names, follow) in [(files, false), (links, true)] {
            for batch in names.chunks(BATCH) {
                let names = batch.to_vec();
                expansion.files.push(Files { directory: Some(Arc::clone(&directory)), names, follow });
            }
        }
        expansion.pending.extend(directories.into_iter().map(|(name, follow)| Pending::Directory {
            parent: Arc::clone(&directory),
            name,
            follow,
        }));
        if more {
            expansion.pending.push(Pending::Listing { directory, rest });
        }
    }

    fn entry(&self, found: &mut Found<'_>, name: &CStr, kind: FileType, remark: &mut dyn FnMut(Remark)) {
        let path = || found.directory.path.join(OsStr::from_bytes(name.to_bytes()));
        if !(self.exclude_paths.is_empty() && self.exclude_names.is_empty()) && self.excludes(&path()) {
            return count(&self.skipped.excluded);
        }
        let handle = found.directory.handle.as_fd();
        let kind = if kind == FileType::Unknown {
            match rustix::fs::statat(handle, name, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(status) => FileType::from_raw_mode(status.st_mode),
                Err(error) => return remark(Remark::Trouble(path(), describe(error))),
            }
        } else {
            kind
        };
        match kind {
            FileType::RegularFile => found.files.push(name.to_owned()),
            FileType::Directory => found.directories.push((name.to_owned(), false)),
            FileType::Symlink if self.follow => match rustix::fs::statat(handle, name, AtFlags::empty()) {
                Ok(status) => match FileType::from_raw_mode(status.st_mode) {
                    FileType::RegularFile => found.links.push(name.to_owned()),
                    FileType::Directory => found.directories.push((name.to_owned(), true)),
                    _ => count(&self.skipped.special),
                },
                // It leads nowhere, so there is nothing that was not looked at.
                Err(Errno::NOENT | Errno::NOTDIR) => count(&self.skipped.links),
                Err(Errno::LOOP) => {
                    count(&self.skipped.links);
                    remark(Remark::Note(path(), String::from("the link leads round in a circle")));
                }
                Err(error) => remark(Remark::Trouble(path(), describe(error))),
            },
            FileType::Symlink => count(&self.skipped.links),
            _ => count(&self.skipped.special),
        }
    }

    fn excludes(&self, path: &Path) -> bool {
        self.exclude_paths.is_match(path)
            || path.file_name().is_some_and(|name| self.exclude_names.is_match(Path::new(name)))
    }
}

/// What was found in a piece of a directory.
struct Found<'a> {
    directory: &'a Arc<Directory>,
    files: Vec<CString>,
    links: Vec<CString>,
    directories: Vec<(CString, bool)>,
}

impl Files {
    /// The files.
    pub(crate) fn iter(&self) -> impl Iterator<Item = File<'_>> {
        self.names.iter().map(|name| File { files: self, name })
    }
}

impl File<'_> {
    /// Where it is, as the user would write it.
    pub(crate) fn path(&self) -> PathBuf {
        let name = OsStr::from_bytes(self.name.to_bytes());
        self.files
            .directory
            .as_ref()
            .map_or_else(|| PathBuf::from(name), |directory| directory.path.join(name))
    }

    /// Its own name.
    pub(crate) fn name(&self) -> &CStr {
        self.name
    }

    /// The directory that [`name`](Self::name) is in.
    pub(crate) fn directory(&self) -> BorrowedFd<'_> {
        self.files.directory.as_ref().map_or(CWD, |directory| directory.handle.as_fd())
    }

    /// Whether the user named it, and it was not found in a directory.
    pub(crate) const fn is_named(&self) -> bool {
        self.files.directory.is_none()
    }

    /// Whether it may be a link.
    pub(crate) const fn follow(&self) -> bool {
        self.files.follow
    }
}

impl Pending {
    /// Whether looking for files in it may wait for somebody who writes.
    pub(crate) const fn may_wait(&self) -> bool {
        matches!(self, Self::Stdin | Self::List { .. })
    }
}

impl std::fmt::Debug for Pending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Root(path) => f.debug_tuple("Root").field(path).finish(),
            Self::Stdin => f.write_str("Stdin"),
            Self::List { .. } => f.write_str("List"),
            Self::Directory { name, .. } => f.debug_tuple("Directory").field(name).finish(),
            Self::Listing { directory, .. } => f.debug_tuple("Listing").field(&directory.path).finish(),
        }
    }
}

fn open_directory(parent: BorrowedFd<'_>, name: &CStr, follow: bool) -> Result<(OwnedFd, Stat), Errno> {
    let link = if follow { OFlags::empty() } else { OFlags::NOFOLLOW };
    let flags =
        OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY | link;
    let handle = rustix::fs::openat(parent, name, flags, Mode::empty())?;
    let status = rustix::fs::fstat(&handle)?;
    Ok((handle, status))
}

/// Whether `directory` is the one with this identity, or lies somewhere below it.
fn lies_in(directory: &OwnedFd, wanted: Identity) -> bool {
    let Ok(mut status) = rustix::fs::fstat(directory) else { return false };
    let Ok(mut above) = open_directory(directory.as_fd(), c"..", false) else { return false };
    // Deeper than any tree that is meant seriously; each step costs two calls.
    for _ in 0..4096 {
        if identity(&status) == wanted {
            return true;
        }
        if identity(&status) == identity(&above.1) {
            return false;
        }
        status = above.1;
        match open_directory(above.0.as_fd(), c"..", false) {
            Ok(opened) => above = opened,
            Err(_) => return false,
        }
    }
    false
}

fn identity(status: &Stat) -> Identity {
    (status.st_dev, status.st_ino)
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// Whether a directory is on a file system that the kernel makes up.
pub(crate) fn is_made_up(directory: &OwnedFd) -> bool {
    rustix::fs::fstatfs(directory).is_ok_and(|status| PSEUDO_FILESYSTEMS.contains(&i128::from(status.f_type)))
}

/// File systems whose files are made up by the kernel while they are read: there is nothing in them that
/// anybody has stored, some have no end, and some do something when they are read. From `linux/magic.h`.
const PSEUDO_FILESYSTEMS: [i128; 16] = [
    0x9fa0,      // proc
    0x6265_6572, // sysfs
    0x6462_6720, // debugfs
    0x7472_6163, // tracefs
    0x7363_6673, // securityfs
    0xf97c_ff8c, // selinuxfs
    0x4341_5d53, // smackfs
    0x0027_e0eb, // cgroup
    0x6367_7270, // cgroup2
    0xcafe_4a11, // bpf
    0x1cd1,      // devpts
    0x6265_6570, // configfs
    0x1980_0202, // mqueue
    0x4249_4e4d, // binfmt_misc
    0x6165_676c, // pstore
    0xde5e_81e4, // efivarfs
];
