//! Which signatures are in force: those that are named, else ClamAV's folder, else the built-in ones.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use candor::store::{Compiler, Signers, built_in_image, serve_all};
use candor_database::Image;

use candor::clamav::clock::{self, Moment};

/// Where ClamAV's databases are when nothing is said.
const USUAL: &str = "/var/lib/clamav";

/// Signatures, ready to be searched with.
#[derive(Debug)]
pub(crate) struct Signatures {
    /// The image.
    pub(crate) image: Image,
    /// How many there are.
    pub(crate) number: u64,
}

/// What is asked of databases.
#[derive(Debug, Default)]
pub(crate) struct Wanted {
    /// Files and folders that are named.
    pub(crate) paths: Vec<PathBuf>,
    /// Only containers of the publisher.
    pub(crate) official_only: bool,
    /// What becomes of rules of YARA.
    pub(crate) rules: Rules,
    /// Days after which the daily database is too old.
    pub(crate) newest: Option<u32>,
    /// Who may sign containers.
    pub(crate) signers: Signers,
    /// Where compiled databases are kept.
    pub(crate) cache: Option<PathBuf>,
}

/// What becomes of rules of YARA that stand beside ClamAV's databases.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Rules {
    /// They are in force, too.
    #[default]
    Yes,
    /// They are left out.
    No,
    /// All others are left out.
    Only,
}

impl Rules {
    /// As ClamAV reads the value of its option: what it does not know says nothing.
    pub(crate) fn of(value: Option<&str>) -> Self {
        match value {
            Some("no") => Self::No,
            Some("only") => Self::Only,
            _ => Self::Yes,
        }
    }

    fn accepts(self, path: &Path) -> bool {
        let extension = path.extension().unwrap_or_default();
        let is_rules = extension.eq_ignore_ascii_case("yar") || extension.eq_ignore_ascii_case("yara");
        match self {
            Self::Yes => true,
            Self::No => !is_rules,
            Self::Only => is_rules,
        }
    }
}

impl Wanted {
    /// Opens them; what there is to be known about them goes to `note`.
    pub(crate) fn open(&self, note: &mut dyn FnMut(&str)) -> anyhow::Result<Signatures> {
        let usual = [PathBuf::from(USUAL)];
        let usual_is_used = self.paths.is_empty();
        let named = self.named(&usual);
        self.are_new()?;
        if usual_is_used && containers(&usual[0], &|_| true).is_empty() {
            note(&format!(
                "there are no databases in {USUAL}: only Candor's built-in signatures are in force"
            ));
            let image = built_in_image()?;
            let number = image.info().signatures;
            return Ok(Signatures { image, number });
        }
        let mut paths: Vec<PathBuf> = Vec::new();
        let accepts = |path: &Path| (!self.official_only || is_official(path)) && self.rules.accepts(path);
        for path in named {
            if (self.official_only || self.rules != Rules::Yes) && path.is_dir() {
                paths.extend(containers(path, &accepts));
            } else if accepts(path) {
                paths.push(path.clone());
            }
        }
        anyhow::ensure!(!paths.is_empty(), "No supported database files found");
        let paths: Vec<&Path> = paths.iter().map(PathBuf::as_path).collect();
        let compiler = Compiler::start()?;
        let served = serve_all(&paths, &self.signers, self.cache.as_deref(), &compiler, note)?;
        let image = Image::open(&served.file).context("compiled signatures cannot be opened")?;
        Ok(Signatures { image, number: served.signatures })
    }
}

impl Wanted {
    fn named<'a>(&'a self, usual: &'a [PathBuf]) -> &'a [PathBuf] {
        if self.paths.is_empty() { usual } else { &self.paths }
    }

    /// Fails when the daily database is older than it may be.
    pub(crate) fn are_new(&self) -> anyhow::Result<()> {
        let Some(days) = self.newest else { return Ok(()) };
        let usual = [PathBuf::from(USUAL)];
        let newest = self.named(&usual).iter().filter_map(|path| newest(path)).max().unwrap_or(0);
        let old = clock::seconds().saturating_sub(newest) > u64::from(days) * 86_400;
        anyhow::ensure!(!old, "Virus database is older than {days} days!");
        Ok(())
    }
}

/// ClamAV's version, with that of the daily database in `folder`.
pub(crate) fn version(folders: &[PathBuf]) -> String {
    let usual = [PathBuf::from(USUAL)];
    let folders = if folders.is_empty() { &usual[..] } else { folders };
    let daily = folders
        .iter()
        .flat_map(|folder| ["daily.cld", "daily.cvd"].map(|name| folder.join(name)))
        .filter_map(|path| Header::read(&path))
        .max_by_key(|header| header.version);
    match daily {
        Some(daily) => {
            format!("ClamAV {}/{}/{}", crate::CLAMAV, daily.version, Moment::of(daily.time).long())
        }
        None => format!("ClamAV {}", crate::CLAMAV),
    }
}

/// The version in the header of a container; the lowest when it has none.
pub(crate) fn version_of(path: &Path) -> u32 {
    Header::read(path).map_or(0, |header| header.version)
}

/// The first bytes of a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// Which one of its kind.
    pub(crate) version: u32,
    /// How many signatures there are.
    pub(crate) signatures: u64,
    /// When it was made, in seconds since 1970.
    pub(crate) time: u64,
}

impl Header {
    /// That of the file at `path`, if it has one.
    pub(crate) fn read(path: &Path) -> Option<Self> {
        let mut bytes = [0; 512];
        File::open(path).ok()?.read_exact(&mut bytes).ok()?;
        Self::parse(&bytes)
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        let mut fields = text.strip_prefix("ClamAV-VDB:")?.split(':');
        let version = fields.nth(1)?.parse().ok()?;
        let signatures = fields.next()?.parse().ok()?;
        let time = fields.nth(4)?.trim().parse().ok()?;
        Some(Self { version, signatures, time })
    }
}

/// When the newest container at `path` was made.
fn newest(path: &Path) -> Option<u64> {
    if path.is_dir() {
        return containers(path, &is_official).iter().filter_map(|path| newest(path)).max();
    }
    Header::read(path).map(|header| header.time)
}

fn is_official(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("cvd") || extension == "cld")
}

/// Files in a folder that are databases by their names.
fn containers(folder: &Path, accepts: &dyn Fn(&Path) -> bool) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| candor::store::is_database(path) && accepts(path))
        .collect();
    paths.sort();
    paths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_tells_version_and_time() {
        let header = b"ClamAV-VDB:07 Dec 2023 09-38 -0500:27116:2049000:90:0123:abc:raynman:1701959893   ";
        assert_eq!(
            Header::parse(header),
            Some(Header { version: 27_116, signatures: 2_049_000, time: 1_701_959_893 })
        );
        assert_eq!(Header::parse(b"ClamAV-VDB:x:y"), None);
    }
}
