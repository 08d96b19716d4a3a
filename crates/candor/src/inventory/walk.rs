//! The walk: every name below a root is looked at, and only those files are opened that a reader is for or that
//! somebody's identifiers name.
//!
//! Nothing leads out of the root: directories are opened relative to the one that they are in, and no link is
//! followed. A link by a name that matters is told by its name.

use std::ffi::{CStr, CString};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::Arc;

use candor_policy::inventory::{Coverage, CoverageState, Interest, Item, ItemKind, Moment, Reader, plan};
use candor_sandbox::input::{self, describe};
use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags};

use super::reading::{Given, Job};
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

/// Gives a single file to be read.
pub(super) fn single(path: &Path, give: &mut dyn FnMut(Given)) {
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    let opened = CString::new(path.as_os_str().as_bytes())
        .map_err(|_| input::Reading::Failed(String::from("no file has a NUL byte in its name")))
        .and_then(|path| input::open(CWD, &path, true));
    match opened {
        Ok(opened) => give(Given::Job(Job {
            path: name,
            reader: None,
            file: opened.file,
            length: opened.length,
            is_told: true,
        })),
        Err(reading) => give(Given::Coverage(unread("any", &name, why(&reading)))),
    }
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
        let job = Job { path, reader, file: opened.file, length: opened.length, is_told: reader.is_some() };
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
