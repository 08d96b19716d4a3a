//! The folder of databases: one updater at a time, files that are replaced whole or not at all, and what is
//! remembered between runs. Its layout is freshclam's, so that one can go back.

use std::fs::{self, File};
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use candor_update::clamav::{HEADER, Head, Local, MOST_CONTAINER, State};
use rustix::fs::FlockOperation;

/// What is remembered.
const STATE: &str = "candor-freshclam.json";
/// Whoever holds it locked is at work.
const LOCK: &str = "candor-freshclam.lock";
/// The most bytes of what is remembered.
const MOST_STATE: u64 = 1 << 20;

/// The folder, while nobody else updates it.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    scratch: PathBuf,
    _lock: File,
}

/// Why a folder cannot be used.
#[derive(Debug)]
pub(crate) enum FolderError {
    /// Somebody else is at work in it.
    Locked,
    /// It cannot be written to.
    Unusable(io::Error),
}

impl From<io::Error> for FolderError {
    fn from(error: io::Error) -> Self {
        Self::Unusable(error)
    }
}

impl Folder {
    /// Takes the folder for oneself.
    pub(crate) fn take(path: &Path) -> Result<Self, FolderError> {
        let lock = fs::OpenOptions::new().create(true).truncate(false).write(true).open(path.join(LOCK))?;
        match rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => (),
            Err(rustix::io::Errno::WOULDBLOCK) => return Err(FolderError::Locked),
            Err(error) => return Err(io::Error::from(error).into()),
        }
        sweep(path);
        let number = RandomState::new().build_hasher().finish() & 0xff_ffff_ffff;
        let scratch = path.join(format!("tmp.{number:010x}"));
        fs::create_dir(&scratch)?;
        Ok(Self { path: path.to_owned(), scratch, _lock: lock })
    }

    /// A folder for files that are not yet what they shall be; it is empty.
    pub(crate) fn spool(&self) -> io::Result<PathBuf> {
        let spool = self.scratch.join("spool");
        if spool.exists() {
            fs::remove_dir_all(&spool)?;
        }
        fs::create_dir(&spool)?;
        Ok(spool)
    }

    /// Where a database is while it is tried out.
    pub(crate) fn trial(&self, file: &str) -> PathBuf {
        let number = RandomState::new().build_hasher().finish();
        self.scratch.join(format!("clamav-{number:016x}.tmp-{file}"))
    }

    /// What is remembered.
    pub(crate) fn state(&self) -> Result<State, String> {
        let path = self.path.join(STATE);
        let mut bytes = Vec::new();
        match File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(State::default()),
            opened => opened
                .and_then(|file| file.take(MOST_STATE).read_to_end(&mut bytes))
                .map_err(|error| format!("{}: {error}", path.display()))?,
        };
        State::read(&bytes).map_err(|error| {
            format!("{}: {error}; remove it to begin without what was remembered", path.display())
        })
    }

    /// Remembers.
    pub(crate) fn keep(&self, state: &State) -> io::Result<()> {
        let new = self.scratch.join(STATE);
        write(&new, &state.write(), None)?;
        fs::rename(&new, self.path.join(STATE))?;
        self.settle()
    }

    /// The newer of a database's two files.
    pub(crate) fn local(&self, database: &str) -> Option<Local> {
        let read = |kind| {
            let file = format!("{database}.{kind}");
            let mut header = [0; HEADER];
            File::open(self.path.join(&file)).ok()?.read_exact(&mut header).ok()?;
            Some(Local { file, head: Head::read(&header).ok()? })
        };
        match (read("cld"), read("cvd")) {
            (Some(cld), Some(cvd)) => Some(if cvd.head.version > cld.head.version { cvd } else { cld }),
            (cld, cvd) => cld.or(cvd),
        }
    }

    /// The bytes of a file.
    pub(crate) fn load(&self, file: &str) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        File::open(self.path.join(file))?.take(MOST_CONTAINER).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// When a file was changed, in seconds since 1970.
    pub(crate) fn modified(&self, file: &str) -> Option<u64> {
        let time = fs::metadata(self.path.join(file)).ok()?.modified().ok()?;
        time.duration_since(UNIX_EPOCH).ok().map(|since| since.as_secs())
    }

    /// Puts the signature by certificates beside a database: `daily-27000.cvd.sign`. Those of other versions go.
    pub(crate) fn put_beside(&self, file: &str, version: u64, signature: &[u8]) -> io::Result<()> {
        let Some((name, kind)) = file.rsplit_once('.') else { return Ok(()) };
        let own = format!("{name}-{version}.{kind}.sign");
        self.put(&own, signature, None)?;
        let (start, end) = (format!("{name}-"), format!(".{kind}.sign"));
        for entry in fs::read_dir(&self.path)?.flatten() {
            let other = entry.file_name();
            let version = other.to_str().and_then(|other| other.strip_prefix(&start)?.strip_suffix(&end));
            let is_one = version.is_some_and(|version| version.bytes().all(|byte| byte.is_ascii_digit()));
            if is_one && other != *own {
                drop(fs::remove_file(entry.path()));
            }
        }
        Ok(())
    }

    /// Puts a file in its place: it is whole and on the disk before it has its name.
    pub(crate) fn put(&self, file: &str, bytes: &[u8], modified: Option<u64>) -> io::Result<()> {
        let new = self.trial(file);
        let done = write(&new, bytes, modified).and_then(|()| fs::rename(&new, self.path.join(file)));
        if done.is_err() {
            drop(fs::remove_file(&new));
        }
        done?;
        self.settle()?;
        // A database is either patched or not.
        let other = match file.rsplit_once('.') {
            Some((name, "cld")) => Some(format!("{name}.cvd")),
            Some((name, "cvd")) => Some(format!("{name}.cld")),
            _ => None,
        };
        match other.map(|other| fs::remove_file(self.path.join(other))) {
            Some(Err(error)) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    fn settle(&self) -> io::Result<()> {
        File::open(&self.path)?.sync_all()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.scratch));
    }
}

/// Removes what a run left behind that was ended in the middle. Nobody else is at work: the lock is held.
fn sweep(path: &Path) {
    let Ok(entries) = fs::read_dir(path) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let is_ours = name.strip_prefix("tmp.").is_some_and(|digits| {
            digits.len() == 10 && digits.bytes().all(|digit| digit.is_ascii_hexdigit())
        });
        if is_ours && entry.file_type().is_ok_and(|kind| kind.is_dir()) && entry.path().join("spool").exists()
        {
            drop(fs::remove_dir_all(entry.path()));
        }
    }
}

fn write(path: &Path, bytes: &[u8], modified: Option<u64>) -> io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o644).open(path)?;
    file.write_all(bytes)?;
    if let Some(seconds) = modified {
        file.set_modified(UNIX_EPOCH + Duration::from_secs(seconds))?;
    }
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_updater_at_a_time() {
        let place = tempfile::tempdir().unwrap();
        let first = Folder::take(place.path()).unwrap();
        assert!(matches!(Folder::take(place.path()), Err(FolderError::Locked)));
        drop(first);
        assert!(Folder::take(place.path()).is_ok());
    }

    #[test]
    fn what_was_left_in_the_middle_is_removed_and_nothing_else() {
        let place = tempfile::tempdir().unwrap();
        for folder in ["tmp.0123456789/spool", "tmp.mine", "other"] {
            fs::create_dir_all(place.path().join(folder)).unwrap();
        }
        let taken = Folder::take(place.path()).unwrap();
        assert!(!place.path().join("tmp.0123456789").exists());
        assert!(place.path().join("tmp.mine").exists() && place.path().join("other").exists());
        drop(taken);
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 3);
    }

    #[test]
    fn a_file_takes_the_place_of_the_other_kind() {
        let place = tempfile::tempdir().unwrap();
        fs::write(place.path().join("daily.cvd"), b"old").unwrap();
        let folder = Folder::take(place.path()).unwrap();
        folder.put("daily.cld", b"new", Some(1_000_000)).unwrap();
        assert_eq!(folder.load("daily.cld").unwrap(), b"new");
        assert_eq!(folder.modified("daily.cld"), Some(1_000_000));
        assert!(!place.path().join("daily.cvd").exists());
    }

    #[test]
    fn a_damaged_state_stops_it() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::take(place.path()).unwrap();
        assert_eq!(folder.state().unwrap(), State::default());
        let mut state = State::default();
        state.refused(403, None, 1);
        folder.keep(&state).unwrap();
        assert_eq!(folder.state().unwrap(), state);
        fs::write(place.path().join(STATE), b"{").unwrap();
        assert!(folder.state().unwrap_err().contains("remove it to begin without what was remembered"));
    }
}
