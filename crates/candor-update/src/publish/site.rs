//! A publisher's directory: beginning it, and preparing what is to be signed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::PublishError;
use super::files::Folder;
use super::keys::Sign;
use super::settings::Settings;
use super::write::{self, Draft};
use crate::candidate::Expectation;
use crate::feed::release::{Contents, pack};
use crate::feed::{FileInfo, Metadata, Ring, Role, Root, Targets};
use crate::log::Hash;

pub(super) const ROOT: &str = "staging/root.json";
pub(super) const TARGETS: &str = "staging/targets.json";
pub(super) const CHECKPOINT: &str = "staging/checkpoint";
pub(super) const COSIGNATURES: &str = "staging/cosignatures";

const DAY: u64 = 86_400;

/// A publisher's directory.
#[derive(Clone, Debug)]
pub struct Site {
    pub(super) folder: Folder,
    pub(super) settings: Settings,
}

/// What becomes part of the next release.
#[derive(Clone, Debug, Default)]
pub struct Addition {
    /// The archive that is made or replaced.
    pub archive: String,
    /// Its members by name.
    pub members: Vec<(String, Vec<u8>)>,
    /// What must and must not be found with it.
    pub expectations: Vec<Expectation>,
    /// The release's ring; everybody otherwise.
    pub ring: Option<Ring>,
    /// Releases that are withdrawn, besides those that are already.
    pub withdrawn: BTreeSet<u64>,
}

impl Site {
    /// Begins a feed in a directory that has none: writes the settings, and a first root to be signed.
    ///
    /// # Errors
    /// There is one already, or the settings make no sense.
    pub fn begin(path: impl Into<PathBuf>, settings: Settings, now: u64) -> Result<Self, PublishError> {
        settings.check()?;
        let folder = Folder(path.into());
        if folder.find("feed.toml")?.is_some() {
            return Err(PublishError::Now("there is a feed in this directory already".to_owned()));
        }
        let text = toml::to_string(&settings).map_err(|error| PublishError::Settings(error.to_string()))?;
        folder.put("feed.toml", text.as_bytes())?;
        let site = Self { folder, settings };
        site.stage_root(now)?;
        Ok(site)
    }

    /// Opens the directory of a feed.
    ///
    /// # Errors
    /// There is none, or its settings make no sense.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, PublishError> {
        let folder = Folder(path.into());
        let text = String::from_utf8(folder.read("feed.toml")?)
            .map_err(|_| PublishError::Settings("it is not text".to_owned()))?;
        Ok(Self { settings: Settings::parse(&text)?, folder })
    }

    /// The settings.
    #[must_use]
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The directory that customers see.
    #[must_use]
    pub fn public(&self) -> PathBuf {
        self.folder.0.join("public")
    }

    /// Prepares the next root from the settings as they are now: new keys, new thresholds, or only more time.
    ///
    /// # Errors
    /// A file cannot be read or written.
    pub fn stage_root(&self, now: u64) -> Result<u64, PublishError> {
        let version = self.root()?.map_or(0, |root| root.version).saturating_add(1);
        let expires = now.saturating_add(self.settings.root_days.saturating_mul(DAY));
        let draft = Draft::new(write::root(&self.settings, version, expires));
        self.forget_signatures("root.json")?;
        self.folder.put(ROOT, &draft.write())?;
        Ok(version)
    }

    /// Packs an archive and makes it part of the next release, which otherwise has what the last one had.
    ///
    /// # Errors
    /// The archive would be refused, or a release is being witnessed.
    pub fn add(&self, addition: &Addition, now: u64) -> Result<u64, PublishError> {
        let Addition { archive, members, expectations, ring, withdrawn } = addition;
        if !crate::feed::is_name(archive) {
            return Err(PublishError::Now(format!("`{archive}` is not a plain name of a file")));
        }
        let release = self.next_release()?;
        let contents = Contents {
            feed: self.settings.feed.clone(),
            archive: archive.clone(),
            release,
            members: members.clone(),
            expectations: expectations.clone(),
        };
        let bytes = pack(&contents)?;
        let info = FileInfo { length: bytes.len() as u64, sha256: Hash::of(&bytes) };
        self.folder.put(&format!("public/targets/{}.{archive}", info.sha256), &bytes)?;
        self.stage(BTreeMap::from([(archive.clone(), info)]), *ring, withdrawn, now)
    }

    /// Makes the archives of another feed's release, which was verified, those that this one agrees with (TAP 4).
    ///
    /// # Errors
    /// A file cannot be read or written.
    pub fn agree(&self, archives: &BTreeMap<String, FileInfo>, now: u64) -> Result<u64, PublishError> {
        self.next_release()?;
        self.stage(archives.clone(), None, &BTreeSet::new(), now)
    }

    /// The number of the release that comes next.
    fn next_release(&self) -> Result<u64, PublishError> {
        if self.folder.find(CHECKPOINT)?.is_some() {
            let reason =
                "a release is in the log and waits for witnesses: finish it first (a log does not unsay)";
            return Err(PublishError::Now(reason.to_owned()));
        }
        Ok(self.targets()?.map_or(0, |targets| targets.version).saturating_add(1))
    }

    fn stage(
        &self,
        new: BTreeMap<String, FileInfo>,
        ring: Option<Ring>,
        withdrawn: &BTreeSet<u64>,
        now: u64,
    ) -> Result<u64, PublishError> {
        let last = self.targets()?;
        // What was staged before counts, so that several archives can be added one after the other.
        let staged = match self.folder.find(TARGETS)? {
            None => None,
            Some(bytes) => Some(parse::<Targets>(TARGETS, &bytes)?),
        };
        let base = staged.as_ref().or(last.as_ref()).map(|targets| &targets.body);
        let mut archives = base.map(|base| base.archives.clone()).unwrap_or_default();
        archives.extend(new);
        let mut gone = base.map(|base| base.withdrawn.clone()).unwrap_or_default();
        gone.extend(withdrawn);
        let staged_ring = staged.as_ref().map(|staged| staged.body.ring);
        let ring = ring.or(staged_ring).unwrap_or(Ring::Broad);
        let version = last.map_or(0, |last| last.version).saturating_add(1);
        let expires = now.saturating_add(self.settings.content_days.saturating_mul(DAY));
        let draft = Draft::new(write::targets(&archives, (ring, &gone), version, expires));
        self.forget_signatures("targets.json")?;
        self.folder.put(TARGETS, &draft.write())?;
        Ok(version)
    }

    /// The newest root that is published.
    pub(super) fn root(&self) -> Result<Option<Metadata<Root>>, PublishError> {
        self.newest::<Root>(Role::Root)
    }

    /// The newest targets that are published.
    pub(super) fn targets(&self) -> Result<Option<Metadata<Targets>>, PublishError> {
        self.newest::<Targets>(Role::Targets)
    }

    fn newest<T: crate::feed::Body>(&self, role: Role) -> Result<Option<Metadata<T>>, PublishError> {
        let Some(version) = self.newest_version(role)? else { return Ok(None) };
        let file = format!("public/{version}.{role}.json");
        parse(&file, &self.folder.read(&file)?).map(Some)
    }

    pub(super) fn newest_version(&self, role: Role) -> Result<Option<u64>, PublishError> {
        let end = format!(".{role}.json");
        let names = self.folder.list("public")?;
        let versions = names.iter().filter_map(|name| name.strip_suffix(&end)?.parse::<u64>().ok());
        Ok(versions.max())
    }

    /// Signatures of a draft that has changed are of no use.
    pub(super) fn forget_signatures(&self, of: &str) -> Result<(), PublishError> {
        let end = ".sig";
        for name in self.folder.list("staging")? {
            if name.starts_with(of) && name.ends_with(end) {
                self.folder.remove(&format!("staging/{name}"))?;
            }
        }
        Ok(())
    }
}

pub(super) fn parse<T: crate::feed::Body>(file: &str, bytes: &[u8]) -> Result<Metadata<T>, PublishError> {
    Metadata::<T>::parse(file, bytes)
        .map_err(|refusal| PublishError::Damaged(file.to_owned(), refusal.to_string()))
}

/// Signs a draft that was carried here. Writes the signature beside it, and gives the file's name.
///
/// # Errors
/// It is not a draft of a root or of targets, or is not signed properly.
pub fn sign(draft: &Path, key: &dyn Sign) -> Result<PathBuf, PublishError> {
    let name = draft.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let folder = Folder(draft.parent().unwrap_or(Path::new("")).to_owned());
    let not_draft =
        || PublishError::Damaged(draft.display().to_string(), "it is not a draft of metadata".to_owned());
    let mut parsed = Draft::parse(&folder.read(&name)?).ok_or_else(not_draft)?;
    let id = parsed.sign(key)?;
    let signature = parsed.detached(id).ok_or_else(not_draft)?;
    let short: String = id.to_string().chars().take(16).collect();
    let beside = format!("{name}.{short}.sig");
    folder.put(&beside, &signature)?;
    Ok(folder.0.join(beside))
}
