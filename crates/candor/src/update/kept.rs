//! Archives of a feed that were fetched before. A release of a thousand signatures names the archives of the releases before
//! it, too: what has not changed is not fetched again.
//!
//! An archive is known by its digest, which stands in its name and is compared before it is used; and the verifier compares it
//! once more with what is signed. So it does not matter who wrote here.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::fetch::Wanted;
use crate::units::hexadecimal;

/// Where a feed has its archives.
const ARCHIVES: &str = "targets";

/// A folder of archives, of one source.
#[derive(Debug)]
pub(super) struct Kept(PathBuf);

impl Kept {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self(folder)
    }

    /// Puts what is here of the files that are wanted into `place`; gives those that have to be fetched.
    pub(super) fn supply(&self, wanted: Vec<Wanted>, place: &Path) -> Vec<Wanted> {
        wanted.into_iter().filter(|(path, most)| !self.put(path, *most, place).unwrap_or(false)).collect()
    }

    /// Whether a file is here, and is in `place` now.
    fn put(&self, path: &str, most: u64, place: &Path) -> io::Result<bool> {
        let Some(name) = name(path) else { return Ok(false) };
        let kept = self.0.join(name);
        let found = match fs::symlink_metadata(&kept) {
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error),
        };
        if !found.is_file() || found.len() > most || !is_whole(&kept, name)? {
            // It is fetched again.
            fs::remove_file(&kept)?;
            return Ok(false);
        }
        let target = place.join(path);
        fs::create_dir_all(place.join(ARCHIVES))?;
        // Nobody writes to either of them: they are read, moved and removed.
        fs::hard_link(&kept, &target).or_else(|_| fs::copy(&kept, &target).map(drop))?;
        Ok(true)
    }

    /// Keeps the archives of the release that was let in, which lie in `place`, and no others.
    ///
    /// # Errors
    /// They cannot be kept: they will be fetched again.
    pub(super) fn keep(&self, place: &Path) -> io::Result<()> {
        let mut now = BTreeSet::new();
        fs::create_dir_all(&self.0)?;
        let archives = match fs::read_dir(place.join(ARCHIVES)) {
            Ok(archives) => archives,
            // A release of what is here already names what is here.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        for archive in archives {
            let archive = archive?;
            fs::rename(archive.path(), self.0.join(archive.file_name()))?;
            now.insert(archive.file_name());
        }
        for old in self.names()?.difference(&now) {
            fs::remove_file(self.0.join(old))?;
        }
        Ok(())
    }

    fn names(&self) -> io::Result<BTreeSet<OsString>> {
        fs::read_dir(&self.0)?.map(|entry| entry.map(|entry| entry.file_name())).collect()
    }
}

/// The name of an archive at this path: the digest, a dot, and what it is called.
fn name(path: &str) -> Option<&str> {
    let name = path.strip_prefix(ARCHIVES)?.strip_prefix('/')?;
    let (digest, rest) = name.split_once('.')?;
    let is_digest = digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    (is_digest && rest.bytes().all(plain)).then_some(name)
}

/// Whether a file is the one whose digest its name begins with.
fn is_whole(path: &Path, name: &str) -> io::Result<bool> {
    let mut digest = Sha256::new();
    let (mut file, mut buffer) = (File::open(path)?, vec![0; 1 << 18]);
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        digest.update(buffer.get(..read).unwrap_or_default());
    }
    Ok(name.split('.').next() == Some(hexadecimal(digest.finalize()).as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Place {
        folder: tempfile::TempDir,
        kept: Kept,
        runs: u32,
    }

    fn archive(content: &str) -> String {
        format!("{ARCHIVES}/{}.daily.tar.zst", hexadecimal(Sha256::digest(content)))
    }

    impl Place {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let kept = Kept::new(folder.path().join("kept"));
            Self { folder, kept, runs: 0 }
        }

        /// An update that wants these archives: what it has to fetch.
        fn run(&mut self, wanted: &[&str]) -> Vec<String> {
            self.runs += 1;
            let place = self.folder.path().join(self.runs.to_string());
            fs::create_dir(&place).unwrap();
            let all = wanted.iter().map(|content| (archive(content), 1 << 20));
            let all = all.chain([("timestamp.json".to_owned(), 100)]).collect();
            let missing = self.kept.supply(all, &place);
            fs::create_dir_all(place.join(ARCHIVES)).unwrap();
            for content in wanted {
                if missing.iter().any(|(path, _)| *path == archive(content)) {
                    fs::write(place.join(archive(content)), content).unwrap();
                }
                assert_eq!(fs::read_to_string(place.join(archive(content))).unwrap(), *content);
            }
            self.kept.keep(&place).unwrap();
            missing.into_iter().map(|(path, _)| path).collect()
        }

        fn file(&self, content: &str) -> PathBuf {
            self.kept.0.join(name(&archive(content)).unwrap())
        }
    }

    #[test]
    fn what_has_not_changed_is_not_fetched_again() {
        let mut place = Place::new();
        let timestamp = "timestamp.json".to_owned();
        assert_eq!(place.run(&["one"]), [archive("one"), timestamp.clone()]);
        assert_eq!(place.run(&["one", "two"]), [archive("two"), timestamp.clone()]);
        assert_eq!(place.run(&["one", "two"]), std::slice::from_ref(&timestamp));
        assert_eq!(place.run(&["two", "three"]), [archive("three"), timestamp.clone()]);
        // What no release names any more does not stay.
        assert!(!place.file("one").exists() && place.file("two").exists());
        assert_eq!(place.run(&["one"]), [archive("one"), timestamp]);
    }

    #[test]
    fn what_was_damaged_is_fetched_again() {
        let mut place = Place::new();
        place.run(&["one", "two"]);
        fs::write(place.file("one"), "0ne").unwrap();
        fs::remove_file(place.file("two")).unwrap();
        std::os::unix::fs::symlink("/etc/hostname", place.file("two")).unwrap();
        let fetched = place.run(&["one", "two"]);
        assert_eq!(fetched.len(), 3, "{fetched:?}");
        let long = "x".repeat(2 << 20);
        place.run(&[&long]);
        assert!(place.run(&[&long]).contains(&archive(&long)), "longer than it may be");
    }

    #[test]
    fn nothing_but_archives_is_kept() {
        let digest = "0".repeat(64);
        for path in ["timestamp.json", "targets/a.tar.zst", "targets/../x", "log/checkpoint"] {
            assert_eq!(name(path), None, "{path}");
        }
        assert_eq!(name(&format!("targets/{digest}.a/b")), None);
        assert!(name(&format!("targets/{digest}.a.tar.zst")).is_some());
    }
}
