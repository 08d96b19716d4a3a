//! The walk: every name below a root is looked at, and only those files are opened that a reader is for or that
//! somebody's identifiers name.
//!
//! Nothing leads out of the root: directories are opened relative to the one that they are in, and no link is
//! followed. A link by a name that matters is told by its name.

use std::ffi::{CStr, CString};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::Arc;

use candor_policy::inventory::{Coverage, CoverageState, Interest, Item, ItemKind, Moment, Reader, plan};
use candor_sandbox::input::{self, describe};
use candor_sandbox::records::MOST_BESIDE;
use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags};

use super::reading::{Given, Job, Near};
use crate::scan::walk::is_made_up;

/// Directories in one another.
const DEPTH: usize = 512;

/// Bytes of a file of an unknown kind that is looked into.
const MOST: u64 = 1 << 30;

/// A directory that is still to be listed.
struct Pending {
    /// The one that it is in, and its name there; `None` for the root itself.
    parent: Option<(Arc<OwnedFd>, CString)>,
    path: String,
    depth: usize,
}

struct Walk<'a> {
    interest: &'a (dyn Interest + Sync),
    give: &'a mut dyn FnMut(Given),
    root: &'a Path,
    device: u64,
}

/// Walks a root; gives items, files to be read and what could not be looked at.
pub(super) fn walk(root: &Path, interest: &(dyn Interest + Sync), give: &mut dyn FnMut(Given)) {
    let mut walk = Walk { interest, give, root, device: 0 };
    let mut pending = vec![Pending { parent: None, path: String::new(), depth: 0 }];
    while let Some(directory) = pending.pop() {
        walk.directory(&directory, &mut pending);
    }
}

/// Gives a single file to be read, with what stands beside it by names that say so.
pub(super) fn single(path: &Path, give: &mut dyn FnMut(Given)) {
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    let opened = CString::new(path.as_os_str().as_bytes())
        .map_err(|_| input::Reading::Failed(String::from("no file has a NUL byte in its name")))
        .and_then(|path| Ok((input::open(CWD, &path, true)?, path)));
    match opened {
        Ok((opened, path)) => {
            let beside = [Reader::Hive, Reader::Rpm]
                .into_iter()
                .flat_map(|reader| near(CWD, &path, &name, reader, give))
                .collect();
            give(Given::Job(Job {
                path: name,
                reader: None,
                file: opened.file,
                length: opened.length,
                beside,
                is_layout: false,
                is_told: true,
            }));
        }
        Err(reading) => give(Given::Coverage(unread("any", &name, why(&reading)))),
    }
}

/// Opens what belongs to the file at `path` in `directory`: logs that may not have been applied. `shown` is where it
/// is in the words of a report.
fn near(
    directory: BorrowedFd<'_>,
    path: &CStr,
    shown: &str,
    reader: Reader,
    give: &mut dyn FnMut(Given),
) -> Vec<Near> {
    let mut found: Vec<Near> = Vec::new();
    for ending in plan::beside(reader) {
        // Where capital letters make a difference, either may be there.
        for ending in [(*ending).to_owned(), ending.to_ascii_lowercase()] {
            let is_known = found.iter().any(|near| near.name.eq_ignore_ascii_case(&ending));
            let Ok(name) = CString::new([path.to_bytes(), ending.as_bytes()].concat()) else { continue };
            let is_there = || rustix::fs::statat(directory, &name, AtFlags::SYMLINK_NOFOLLOW).is_ok();
            if is_known || !is_there() {
                continue;
            }
            match input::open(directory, &name, false) {
                Ok(opened) if opened.length == 0 => (),
                Ok(opened) => found.push(Near { name: ending, file: opened.file, length: opened.length }),
                Err(reading) => {
                    let path = format!("{shown}{ending}");
                    give(Given::Coverage(unread(reader.name(), &path, why(&reading))));
                }
            }
        }
    }
    for near in &mut found {
        // Readers know one spelling.
        let known = plan::beside(reader).iter().find(|ending| ending.eq_ignore_ascii_case(&near.name));
        near.name = known.map_or_else(String::new, |ending| (*ending).to_owned());
    }
    found
}

/// Opens what belongs to the file at `path`, which a reader like `reader` reads; what is there and cannot be opened is told.
pub(crate) fn logs_of(path: &Path, reader: Reader, tell: &mut dyn FnMut(String)) -> Vec<Near> {
    let Ok(name) = CString::new(path.as_os_str().as_bytes()) else { return Vec::new() };
    near(CWD, &name, "", reader, &mut |given| {
        if let Given::Coverage(Coverage { path, state: CoverageState::NotRead(why), .. }) = given {
            tell(format!("what stands beside it ({path}) was not read: {why}"));
        }
    })
}

/// Whether a folder has an OCI layout, as its names say.
pub(super) fn is_layout(folder: &Path) -> bool {
    folder.join("oci-layout").is_file()
        && folder.join("index.json").is_file()
        && folder.join("blobs").is_dir()
}

/// Bytes of all blobs of a layout.
pub(super) fn layout_length(folder: &Path) -> u64 {
    let mut length = 0_u64;
    blobs(folder, &mut |_, _, opened| {
        length = length.saturating_add(opened.length);
        true
    });
    length
}

/// Gives the index of a layout to be read, with all blobs beside it.
pub(super) fn layout(folder: &Path, give: &mut dyn FnMut(Given)) {
    let mut beside = Vec::new();
    let is_whole = blobs(folder, &mut |algorithm, name, opened| {
        let name = format!("blobs/{algorithm}/{name}");
        beside.push(Near { name, file: opened.file, length: opened.length });
        beside.len() < MOST_BESIDE
    });
    if !is_whole {
        let why = format!("it has more than {MOST_BESIDE} blobs, or some that cannot be opened");
        give(Given::Coverage(unread("image", "blobs", why)));
    }
    let path = String::from("index.json");
    let opened =
        rustix::fs::open(folder, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
            .map_err(|error| input::Reading::Failed(describe(error)))
            .and_then(|folder| input::open(folder.as_fd(), c"index.json", false));
    match opened {
        Ok(opened) => give(Given::Job(Job {
            path,
            reader: None,
            file: opened.file,
            length: opened.length,
            beside,
            is_layout: true,
            is_told: true,
        })),
        Err(reading) => give(Given::Coverage(unread("image", &path, why(&reading)))),
    }
}

/// Opens every blob of a layout until `take` wants no more; says whether it took all.
fn blobs(folder: &Path, take: &mut dyn FnMut(&str, &str, input::Opened) -> bool) -> bool {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let list = |directory: &OwnedFd| -> Vec<CString> {
        let entries = Dir::read_from(directory).into_iter().flatten().flatten();
        let names = entries.map(|entry| entry.file_name().to_owned());
        names.filter(|name| !name.to_bytes().starts_with(b".")).collect()
    };
    let Ok(blobs) = rustix::fs::open(folder.join("blobs"), flags, Mode::empty()) else { return false };
    let mut is_whole = true;
    for algorithm in list(&blobs) {
        let Ok(directory) = rustix::fs::openat(&blobs, &algorithm, flags, Mode::empty()) else {
            is_whole = false;
            continue;
        };
        for name in list(&directory) {
            match input::open(directory.as_fd(), &name, false) {
                Ok(opened) => {
                    if !take(&algorithm.to_string_lossy(), &name.to_string_lossy(), opened) {
                        return false;
                    }
                }
                Err(_) => is_whole = false,
            }
        }
    }
    is_whole
}

impl Walk<'_> {
    fn directory(&mut self, directory: &Pending, pending: &mut Vec<Pending>) {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let opened = match &directory.parent {
            None => rustix::fs::open(self.root, flags, Mode::empty()),
            Some((parent, name)) => rustix::fs::openat(parent, name, flags | OFlags::NOFOLLOW, Mode::empty()),
        };
        let handle = match opened {
            Ok(handle) => Arc::new(handle),
            Err(error) => return self.trouble(&directory.path, describe(error)),
        };
        let Ok(status) = rustix::fs::fstat(&*handle) else { return };
        if directory.parent.is_none() {
            self.device = status.st_dev;
        } else if status.st_dev != self.device && is_made_up(&handle) {
            return;
        }
        let list = match Dir::read_from(&*handle) {
            Ok(list) => list,
            Err(error) => return self.trouble(&directory.path, describe(error)),
        };
        for entry in list {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => return self.trouble(&directory.path, describe(error)),
            };
            let name = entry.file_name();
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            let mut path = directory.path.clone();
            if !path.is_empty() {
                path.push('/');
            }
            path.push_str(&String::from_utf8_lossy(name.to_bytes()));
            let kind = match entry.file_type() {
                // Some file systems do not say.
                FileType::Unknown => rustix::fs::statat(&*handle, name, AtFlags::SYMLINK_NOFOLLOW)
                    .map_or(FileType::Unknown, |status| FileType::from_raw_mode(status.st_mode)),
                known => known,
            };
            match kind {
                FileType::Directory => {
                    if self.interest.is_wanted(&path, true) {
                        self.named(&handle, name, &path, ItemKind::Directory);
                    }
                    if directory.depth >= DEPTH {
                        self.trouble(&path, String::from("too many directories are in one another"));
                        continue;
                    }
                    let parent = Some((Arc::clone(&handle), name.to_owned()));
                    pending.push(Pending { parent, path, depth: directory.depth + 1 });
                }
                FileType::RegularFile => self.file(&handle, name, path),
                FileType::Symlink if self.interest.is_wanted(&path, false) => {
                    self.named(&handle, name, &path, ItemKind::File);
                }
                _ => (),
            }
        }
    }

    fn file(&mut self, directory: &OwnedFd, name: &CStr, path: String) {
        let reader = plan::reader_of(&path);
        let is_wanted = self.interest.is_wanted(&path, false);
        if is_wanted {
            self.named(directory, name, &path, ItemKind::File);
        }
        if reader.is_none() && !is_wanted {
            return;
        }
        let opened = match input::open(directory.as_fd(), name, false) {
            Ok(opened) => opened,
            Err(reading) => {
                return (self.give)(Given::Coverage(unread(reader_name(reader), &path, why(&reading))));
            }
        };
        let most = reader.map_or(MOST, Reader::most);
        if opened.length > most {
            let why = format!("its {} bytes are more than the {most} that are read", opened.length);
            return (self.give)(Given::Coverage(unread(reader_name(reader), &path, why)));
        }
        let beside = reader.map(|reader| near(directory.as_fd(), name, &path, reader, self.give));
        let job = Job {
            path,
            reader,
            file: opened.file,
            length: opened.length,
            beside: beside.unwrap_or_default(),
            is_layout: false,
            is_told: reader.is_some(),
        };
        (self.give)(Given::Job(job));
    }

    /// Tells something by its name alone.
    fn named(&mut self, directory: &OwnedFd, name: &CStr, path: &str, kind: ItemKind) {
        let file = path.rsplit('/').next().unwrap_or_default();
        let modified = rustix::fs::statat(directory, name, AtFlags::SYMLINK_NOFOLLOW).ok();
        let modified = modified.and_then(|status| candor_policy::inventory::moment(status.st_mtime));
        let mut item = Item::new(kind, file).at_path(path).with_moment(Moment::Modified, modified);
        item.place.reader = String::from("walk");
        item.place.path = Item::new(kind, path).name;
        (self.give)(Given::Item(item));
    }

    fn trouble(&mut self, path: &str, why: String) {
        let path = if path.is_empty() { "/" } else { path };
        (self.give)(Given::Coverage(unread("walk", path, why)));
    }
}

fn reader_name(reader: Option<Reader>) -> &'static str {
    match reader {
        Some(reader) => reader.name(),
        None => "any",
    }
}

fn unread(reader: &str, path: &str, why: String) -> Coverage {
    let path = Item::new(ItemKind::File, path).name;
    Coverage { reader: reader.to_owned(), path, state: CoverageState::NotRead(why), items: 0 }
}

fn why(reading: &input::Reading) -> String {
    match reading {
        input::Reading::Partial(why) | input::Reading::Failed(why) => why.clone(),
        input::Reading::Special(kind) => format!("it is {kind}, not a file"),
        input::Reading::TooLarge(_) => String::from("it is too large"),
        input::Reading::Complete => String::from("it could not be opened"),
    }
}
