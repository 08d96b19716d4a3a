//! Finds files, in the order in which the system lists them.
//!
//! Everything below a folder is opened relative to it, so that a folder that is swapped for a link meanwhile leads
//! nowhere.

use std::ffi::{CStr, CString, OsStr, OsString};
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;

use candor_sandbox::input::{self, Reading, describe};
use candor_sandbox::message::Answer;
use candor_sandbox::spool;
use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use super::order::{Order, Remark, Subject};
use super::wishes::{Follow, Wishes};
use crate::console::shown;

/// Folders inside one another that are followed at most, whatever is allowed: each is open meanwhile.
const DEEPEST: usize = 512;

/// A walk.
#[derive(Debug)]
pub(super) struct Walk<'a, 'o, 'b> {
    wishes: &'a Wishes,
    order: &'a mut Order<'o, 'b>,
    /// The file system of the folder that was named.
    device: u64,
    failed: bool,
}

impl<'a, 'o, 'b> Walk<'a, 'o, 'b> {
    pub(super) const fn new(wishes: &'a Wishes, order: &'a mut Order<'o, 'b>) -> Self {
        Self { wishes, order, device: 0, failed: false }
    }

    /// Walks; says whether anything failed.
    pub(super) fn run(mut self, list: Option<File>, paths: &[OsString]) -> bool {
        if let Some(list) = list {
            for line in BufReader::new(list).split(b'\n') {
                match line {
                    Ok(line) => self.root(&line),
                    Err(error) => {
                        self.failed = true;
                        self.order.remark(Remark::Warning(format!("the list of files ends early: {error}")));
                        break;
                    }
                }
            }
        } else if paths.is_empty() {
            match std::env::current_dir() {
                Ok(path) => self.root(path.as_os_str().as_bytes()),
                Err(error) => {
                    self.failed = true;
                    self.order.remark(Remark::Warning(format!("the current directory: {error}")));
                }
            }
        } else {
            for path in paths {
                if path == "-" { self.stdin() } else { self.root(path.as_bytes()) }
            }
        }
        self.failed
    }

    fn stdin(&mut self) {
        let max = self.wishes.options.limits.max_file_size;
        let subject = |length| Subject { path: b"stdin".to_vec(), length, identity: None };
        match spool(std::io::stdin().as_fd(), max) {
            Ok((_, length)) if length > max => self.order.known(subject(length), Answer::TooLarge(None)),
            Ok((file, length)) => self.order.file(subject(length), file, String::from("stdin")),
            Err(error) => self.order.known(subject(0), Answer::Unreadable(error.to_string())),
        }
    }

    /// A path that was named.
    fn root(&mut self, path: &[u8]) {
        let Ok(name) = CString::new(path) else {
            return self.cannot(path, "No such file or directory");
        };
        let status = match rustix::fs::statat(CWD, &name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(status) => status,
            Err(error) => return self.cannot(path, &words(error)),
        };
        let bare = match path.iter().rposition(|&byte| byte != b'/') {
            Some(last) => &path[..=last],
            None => b"",
        };
        let is_link = kind(&status) == FileType::Symlink;
        let status = if is_link {
            match rustix::fs::statat(CWD, &name, AtFlags::empty()) {
                Ok(status) => status,
                // It leads nowhere.
                Err(_) => {
                    if (self.wishes.follow_files, self.wishes.follow_folders)
                        == (Follow::Never, Follow::Never)
                    {
                        self.plain(bare, "Symbolic link");
                    }
                    return;
                }
            }
        } else {
            status
        };
        let followed = |follow| !is_link || follow != Follow::Never;
        match kind(&status) {
            FileType::RegularFile if followed(self.wishes.follow_files) => {
                self.file(CWD, &name, bare, &status, true);
            }
            FileType::Directory if followed(self.wishes.follow_folders) => {
                self.device = status.st_dev;
                self.folder(CWD, &name, bare, true, 1);
            }
            FileType::RegularFile | FileType::Directory => self.plain(bare, "Symbolic link"),
            _ => {
                self.failed = true;
                let path = String::from_utf8_lossy(&shown(bare)).into_owned();
                self.order.remark(Remark::Warning(format!("{path}: Not supported file type")));
            }
        }
    }

    fn folder(&mut self, at: BorrowedFd<'_>, name: &CStr, path: &[u8], follow: bool, depth: usize) {
        if !self.wishes.folders.takes(path) {
            return self.plain(path, "Excluded");
        }
        if depth > self.wishes.depth.min(DEEPEST) {
            return self.order.missed();
        }
        let opened = open(at, name, follow).and_then(|folder| Ok((Dir::read_from(&folder)?, folder)));
        let Ok((entries, folder)) = opened else {
            self.failed = true;
            return self.order.remark(Remark::Denied(path.to_vec(), "Can't open directory."));
        };
        self.order.folder();
        for entry in entries {
            let Ok(entry) = entry else {
                self.failed = true;
                return self.order.remark(Remark::Denied(path.to_vec(), "Can't open directory."));
            };
            let name = entry.file_name();
            if !matches!(name.to_bytes(), b"." | b"..") {
                let whole = [path, b"/", name.to_bytes()].concat();
                self.entry(&folder, name, &whole, depth);
            }
        }
    }

    fn entry(&mut self, folder: &OwnedFd, name: &CStr, path: &[u8], depth: usize) {
        let Wishes { recursive, follow_files, follow_folders, cross, .. } = *self.wishes;
        let status = match rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(status) => status,
            // It went away after the folder named it.
            Err(Errno::NOENT) => return,
            Err(error) => return self.cannot(path, &words(error)),
        };
        let is_link = kind(&status) == FileType::Symlink;
        if is_link && follow_files != Follow::Always && follow_folders != Follow::Always {
            return self.plain(path, "Symbolic link");
        }
        let status = if is_link {
            match rustix::fs::statat(folder, name, AtFlags::empty()) {
                Ok(status) => status,
                Err(_) => return,
            }
        } else {
            status
        };
        match kind(&status) {
            FileType::RegularFile if !is_link || follow_files == Follow::Always => {
                self.file(folder.as_fd(), name, path, &status, is_link);
            }
            FileType::Directory if !is_link || follow_folders == Follow::Always => {
                if !recursive {
                    return;
                }
                if !cross && status.st_dev != self.device {
                    return self.plain(path, "Excluded (another filesystem)");
                }
                self.folder(folder.as_fd(), name, path, is_link, depth.saturating_add(1));
            }
            FileType::RegularFile | FileType::Directory => self.plain(path, "Symbolic link"),
            // Pipes, devices and sockets are passed over.
            _ => (),
        }
    }

    fn file(&mut self, at: BorrowedFd<'_>, name: &CStr, path: &[u8], status: &Stat, follow: bool) {
        if !self.is_wanted(path) {
            return self.plain(path, "Excluded");
        }
        if status.st_size == 0 {
            return self.plain(path, "Empty file");
        }
        let opened = match input::open(at, name, follow) {
            Ok(opened) => opened,
            Err(Reading::Failed(why)) => {
                let denied = why == describe(Errno::ACCESS) || why == describe(Errno::PERM);
                let text = if denied { "Access denied" } else { "Can't open file or directory ERROR" };
                return self.order.remark(Remark::Denied(path.to_vec(), text));
            }
            // What it was is not there any more.
            Err(_) => {
                return self
                    .order
                    .remark(Remark::Denied(path.to_vec(), "Can't open file or directory ERROR"));
            }
        };
        let subject = Subject { path: path.to_vec(), length: opened.length, identity: Some(opened.identity) };
        if opened.length > self.wishes.options.limits.max_file_size {
            return self.order.known(subject, Answer::TooLarge(Some(opened.length)));
        }
        let name = name.to_string_lossy();
        let name = name.rsplit('/').next().unwrap_or_default().to_owned();
        self.order.file(subject, opened.file, name);
    }

    /// Files are compared with expressions by their real paths, folders by those that lead to them.
    fn is_wanted(&self, path: &[u8]) -> bool {
        let filter = &self.wishes.files;
        if filter.is_empty() {
            return true;
        }
        match std::fs::canonicalize(OsStr::from_bytes(path)) {
            Ok(real) => filter.takes(real.as_os_str().as_bytes()),
            Err(_) => filter.takes(path),
        }
    }

    fn plain(&mut self, path: &[u8], what: &'static str) {
        if !self.wishes.infected_only {
            self.order.remark(Remark::Plain(path.to_vec(), what));
        }
    }

    fn cannot(&mut self, path: &[u8], why: &str) {
        self.failed = true;
        self.order.remark(Remark::System(path.to_vec(), why.to_owned()));
        let path = String::from_utf8_lossy(&shown(path)).into_owned();
        self.order.remark(Remark::Warning(format!("{path}: Can't access file")));
    }
}

fn kind(status: &Stat) -> FileType {
    FileType::from_raw_mode(status.st_mode)
}

fn open(at: BorrowedFd<'_>, name: &CStr, follow: bool) -> Result<OwnedFd, Errno> {
    let link = if follow { OFlags::empty() } else { OFlags::NOFOLLOW };
    rustix::fs::openat(at, name, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | link, Mode::empty())
}

/// What the system says about an error, as the C library words it.
fn words(error: Errno) -> String {
    let text = std::io::Error::from(error).to_string();
    text.split(" (os error").next().unwrap_or(&text).to_owned()
}
