//! What is done about files in which something was found: they are moved, copied or removed.
//!
//! Whoever owns a folder can swap what is in it between scan and action. A file is therefore looked up once more,
//! through a path without links, and left alone when it is not the one that was scanned.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use candor_sandbox::Identity;
use rustix::fs::{AtFlags, CWD, Mode, OFlags, RenameFlags, ResolveFlags, Stat};
use rustix::io::Errno;

use crate::console::Console;
use crate::options::Given;

/// Names that are tried in the folder that files are moved to.
const NAMES: u32 = 1000;

/// What is done.
#[derive(Debug, Default)]
pub(crate) enum Actions {
    /// Nothing.
    #[default]
    None,
    /// Files are moved to a folder.
    Move(Target),
    /// They are copied.
    Copy(Target),
    /// They are removed.
    Remove,
}

/// A folder to put files into.
#[derive(Debug)]
pub(crate) struct Target {
    path: PathBuf,
    folder: OwnedFd,
}

/// Why nothing can be done.
#[derive(Debug)]
enum Refusal {
    /// There is nothing at this path.
    NoSuchPath(OsString),
    /// What is there is no folder.
    NoFolder(PathBuf),
}

impl Actions {
    /// What the command line says; `None` when that cannot be done, which is told.
    pub(crate) fn from(given: &Given, console: &mut Console) -> anyhow::Result<Option<Self>> {
        match Self::new(given) {
            Ok(actions) => Ok(Some(actions)),
            Err(Refusal::NoSuchPath(path)) => {
                let path = Path::new(&path).display().to_string();
                console.show(format!("action_setup: Failed to get realpath of {path}").as_bytes());
                Ok(None)
            }
            Err(Refusal::NoFolder(path)) => {
                anyhow::bail!("'{}' doesn't exist or is not a directory", path.display())
            }
        }
    }

    fn new(given: &Given) -> Result<Self, Refusal> {
        if let Some(path) = given.text("move") {
            Ok(Self::Move(Target::open(path)?))
        } else if let Some(path) = given.text("copy") {
            Ok(Self::Copy(Target::open(path)?))
        } else if given.is_on("remove") {
            Ok(Self::Remove)
        } else {
            Ok(Self::None)
        }
    }

    /// Does it; says what was done.
    pub(crate) fn perform(&self, path: &[u8], identity: Option<Identity>) -> Result<Option<String>, String> {
        let Some(identity) = identity else { return Ok(None) };
        if matches!(self, Self::None) {
            return Ok(None);
        }
        let path = Path::new(OsStr::from_bytes(path));
        let real = path.canonicalize().map_err(|error| format!("its real path is not known: {error}"))?;
        let place = Place::find(&real, identity)?;
        let failed = |error: Errno| format!("it stays where it is: {}", io::Error::from(error));
        let done = match self {
            Self::None => return Ok(None),
            Self::Remove => {
                rustix::fs::unlinkat(&place.folder, &place.name, AtFlags::empty()).map_err(failed)?;
                String::from("Removed.")
            }
            Self::Move(target) => {
                let name = target.take(&place, true).map_err(failed)?;
                format!("moved to '{}'", target.path.join(name).display())
            }
            Self::Copy(target) => {
                let name = target.take(&place, false).map_err(failed)?;
                format!("copied to '{}'", target.path.join(name).display())
            }
        };
        let is_real = real.as_os_str() == path.as_os_str();
        Ok(Some(if is_real {
            format!(": {done}")
        } else {
            format!(" (real path: '{}'): {done}", real.display())
        }))
    }
}

impl Target {
    fn open(path: &OsStr) -> Result<Self, Refusal> {
        let real = Path::new(path).canonicalize().map_err(|_| Refusal::NoSuchPath(path.to_owned()))?;
        match rustix::fs::open(&real, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()) {
            Ok(folder) => Ok(Self { path: real, folder }),
            Err(_) => Err(Refusal::NoFolder(real)),
        }
    }

    /// Takes a file in, under its own name or one with a number behind it.
    fn take(&self, place: &Place, whole: bool) -> Result<OsString, Errno> {
        for number in 0..NAMES {
            let mut name = place.name.clone();
            if number > 0 {
                name.push(format!(".{number:03}"));
            }
            match self.put(place, &name, whole) {
                Ok(()) => return Ok(name),
                Err(Errno::EXIST) => (),
                Err(error) => return Err(error),
            }
        }
        Err(Errno::EXIST)
    }

    fn put(&self, place: &Place, name: &OsStr, whole: bool) -> Result<(), Errno> {
        if whole {
            match rustix::fs::renameat_with(
                &place.folder,
                &place.name,
                &self.folder,
                name,
                RenameFlags::NOREPLACE,
            ) {
                // Another file system, or one that cannot do it without replacing.
                Err(Errno::XDEV | Errno::INVAL | Errno::NOSYS) => (),
                other => return other,
            }
        }
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let copy = rustix::fs::openat(&self.folder, name, flags, Mode::RUSR | Mode::WUSR)?;
        let copied = place.file.try_clone().and_then(|mut from| {
            io::copy(&mut from, &mut File::from(copy))?;
            Ok(())
        });
        if let Err(error) = copied {
            // Half a copy is worth nothing.
            let _ = rustix::fs::unlinkat(&self.folder, name, AtFlags::empty());
            return Err(Errno::from_io_error(&error).unwrap_or(Errno::IO));
        }
        if whole {
            rustix::fs::unlinkat(&place.folder, &place.name, AtFlags::empty())?;
        }
        Ok(())
    }
}

/// Where a file is.
struct Place {
    folder: OwnedFd,
    name: OsString,
    file: File,
}

impl Place {
    fn find(real: &Path, identity: Identity) -> Result<Self, String> {
        let changed = || String::from("it stays where it is: it is not the file that was scanned any more");
        let (Some(parent), Some(name)) = (real.parent(), real.file_name()) else { return Err(changed()) };
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = rustix::fs::openat2(CWD, parent, flags, Mode::empty(), ResolveFlags::NO_SYMLINKS);
        let folder = folder.map_err(|error| format!("it stays where it is: {}", io::Error::from(error)))?;
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&folder, name, flags, Mode::empty()).map_err(|_| changed())?;
        let status: Stat = rustix::fs::fstat(&file).map_err(|_| changed())?;
        let now = (status.st_dev, status.st_ino, status.st_ctime, status.st_ctime_nsec);
        if identity != now {
            return Err(changed());
        }
        Ok(Self { folder, name: name.to_owned(), file: file.into() })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use candor_sandbox::input::open;

    use super::*;

    fn identity(path: &Path) -> Identity {
        let name = std::ffi::CString::new(path.as_os_str().as_bytes()).unwrap();
        open(CWD, &name, true).unwrap().identity
    }

    #[test]
    fn a_file_that_took_the_place_of_another_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let (scanned, other) = (folder.path().join("scanned"), folder.path().join("other"));
        fs::write(&scanned, "found").unwrap();
        fs::write(&other, "precious").unwrap();
        let was = identity(&scanned);
        fs::rename(&scanned, folder.path().join("aside")).unwrap();
        symlink(&other, &scanned).unwrap();
        let away = tempfile::tempdir().unwrap();
        let target = || Target::open(away.path().as_os_str()).unwrap();
        for actions in [Actions::Remove, Actions::Move(target()), Actions::Copy(target())] {
            let said = actions.perform(scanned.as_os_str().as_bytes(), Some(was));
            assert!(said.unwrap_err().contains("not the file that was scanned"), "{actions:?}");
        }
        assert_eq!(fs::read(&other).unwrap(), b"precious");
        assert_eq!(fs::read_dir(away.path()).unwrap().count(), 0);
        // The right one is removed.
        let is = identity(&other);
        assert!(Actions::Remove.perform(other.as_os_str().as_bytes(), Some(is)).unwrap().is_some());
        assert!(!other.exists());
    }

    #[test]
    fn nothing_in_the_folder_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let away = tempfile::tempdir().unwrap();
        let scanned = folder.path().join("a");
        fs::write(&scanned, "found").unwrap();
        fs::write(away.path().join("a"), "kept").unwrap();
        symlink("/nonexistent", away.path().join("a.001")).unwrap();
        let actions = Actions::Copy(Target::open(away.path().as_os_str()).unwrap());
        let done =
            actions.perform(scanned.as_os_str().as_bytes(), Some(identity(&scanned))).unwrap().unwrap();
        assert!(done.ends_with("/a.002'"), "{done}");
        assert_eq!(fs::read(away.path().join("a")).unwrap(), b"kept");
        assert_eq!(fs::read(away.path().join("a.002")).unwrap(), b"found");
    }
}
