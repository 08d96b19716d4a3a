//! The policy as a whole: vendors, regimes and profiles, and the version of what was read.
//!
//! The program carries the policy of the repository. A user's folder of the same shape adds to it: a file with
//! a known `id` takes the place of what was there; a vendor's with `extends = true` adds to it. One mistake in
//! one file and there is no policy: nothing is judged by half of the rules.

mod error;
mod read;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

pub use error::PolicyError;
pub(crate) use read::Place;

use crate::migrate::plan::Removal;
use crate::regime::{Profile, Regime};
use crate::vendor::Vendor;

/// The files of the repository, by their names.
const BUILT_IN: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/policy.rs"));

/// The largest policy file that is read.
const LARGEST: u64 = 8 << 20;

/// The most policy files of a user's folder.
const MOST_FILES: usize = 10_000;

/// Everything that things are compared with and judged by.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Vendors, by their ids.
    pub vendors: BTreeMap<String, Vendor>,
    /// Regimes, by their ids.
    pub regimes: BTreeMap<String, Regime>,
    /// Profiles, by their ids.
    pub profiles: BTreeMap<String, Profile>,
    /// How products are removed, by the ids of their vendors.
    pub removals: BTreeMap<String, Removal>,
    /// Which policy this is.
    pub version: Version,
}

/// Which policy was used: a report without this could not be checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// The version of the built-in files.
    pub built_in: String,
    /// SHA-256 over the names and texts of all files, built in and of the user.
    pub sha256: String,
    /// How many files a user added.
    pub own_files: usize,
}

/// The file `version.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct VersionFile {
    version: String,
    #[serde(rename = "retrieved")]
    _retrieved: String,
    #[serde(rename = "note")]
    _note: Option<String>,
}

impl Policy {
    /// The policy that the program carries.
    ///
    /// # Errors
    /// A file of it is wrong; tests make sure that none is.
    pub fn built_in() -> Result<Self, PolicyError> {
        Self::from_files(BUILT_IN.iter().map(|(name, text)| (*name, *text)), [])
    }

    /// The built-in policy, with the files of a user's folder: `vendors/*.toml`, `regimes/*.toml`, `removal/*.toml`,
    /// `profiles/*.toml`.
    ///
    /// # Errors
    /// A file cannot be read or is wrong; the first mistake is told with its file and line.
    pub fn with_folder(folder: &Path) -> Result<Self, PolicyError> {
        let files = own_files(folder)?;
        let own = files.iter().map(|(name, text)| (name.as_str(), text.as_str()));
        Self::from_files(BUILT_IN.iter().map(|(name, text)| (*name, *text)), own)
    }

    /// A policy of texts, each with its name (`vendors/…`, `regimes/…`, `profiles/…`, `version.toml`).
    ///
    /// # Errors
    /// A text is wrong.
    pub fn from_files<'a>(
        built_in: impl IntoIterator<Item = (&'a str, &'a str)>,
        own: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, PolicyError> {
        let mut policy = Self {
            vendors: BTreeMap::new(),
            regimes: BTreeMap::new(),
            profiles: BTreeMap::new(),
            removals: BTreeMap::new(),
            version: Version { built_in: String::from("none"), sha256: String::new(), own_files: 0 },
        };
        let mut digest = Sha256::new();
        let mut seen = BTreeMap::new();
        let mut texts = BTreeMap::new();
        for (is_own, (name, text)) in
            built_in.into_iter().map(|file| (false, file)).chain(own.into_iter().map(|file| (true, file)))
        {
            // Lengths keep two different sets of files from giving one digest.
            digest.update((name.len() as u64).to_le_bytes());
            digest.update(name);
            digest.update((text.len() as u64).to_le_bytes());
            digest.update(text);
            policy.version.own_files += usize::from(is_own);
            policy.add(name, text, is_own, &mut seen)?;
            texts.insert(name, text);
        }
        policy.version.sha256 = hexadecimal(&digest.finalize());
        policy.check(&texts)?;
        Ok(policy)
    }

    fn add(
        &mut self,
        name: &str,
        text: &str,
        is_own: bool,
        seen: &mut BTreeMap<(bool, &'static str, String), String>,
    ) -> Result<(), PolicyError> {
        let place = Place { file: name, text };
        let mut once = |kind: &'static str, id: &str| match seen
            .insert((is_own, kind, id.to_owned()), name.to_owned())
        {
            Some(before) => {
                let reason = format!("the {kind} \"{id}\" stands in {before} already");
                Err(place.error(place.line_of(id), reason))
            }
            None => Ok(()),
        };
        match name.split_once('/') {
            Some(("vendors", _)) => {
                let vendor = Vendor::parse(place)?;
                once("vendor", &vendor.id)?;
                match self.vendors.get_mut(&vendor.id) {
                    Some(held) if vendor.extends => held.extend(vendor),
                    None if vendor.extends => {
                        let reason = format!("there is no vendor \"{}\" to extend", vendor.id);
                        return Err(place.error(place.line_of(&vendor.id), reason));
                    }
                    _ => drop(self.vendors.insert(vendor.id.clone(), vendor)),
                }
            }
            Some(("regimes", _)) => {
                let regime = Regime::parse(place)?;
                once("regime", &regime.id)?;
                self.regimes.insert(regime.id.clone(), regime);
            }
            Some(("profiles", _)) => {
                let profile = Profile::parse(place)?;
                once("profile", &profile.id)?;
                self.profiles.insert(profile.id.clone(), profile);
            }
            Some(("removal", _)) => {
                let removal = Removal::parse(place)?;
                once("removal", &removal.vendor)?;
                self.removals.insert(removal.vendor.clone(), removal);
            }
            None if name == "version.toml" => {
                let version: VersionFile = place.parse()?;
                self.version.built_in = version.version;
            }
            _ => return Err(place.error(0, String::from("neither a vendor, nor a regime, nor a profile"))),
        }
        Ok(())
    }

    /// What files say of each other must be there.
    fn check(&self, texts: &BTreeMap<&str, &str>) -> Result<(), PolicyError> {
        let missing = |file: &str, kind: &str, id: &str| {
            let place = Place { file, text: texts.get(file).copied().unwrap_or_default() };
            Err(place.error(place.line_of(id), format!("there is no {kind} \"{id}\"")))
        };
        for regime in self.regimes.values() {
            let phases = regime.phases.iter().flat_map(|phase| &phase.vendors);
            let covers = regime.covers.iter().flat_map(|cover| &cover.vendors);
            for vendor in regime.vendors.iter().chain(phases).chain(covers) {
                if !self.vendors.contains_key(vendor) {
                    return missing(&regime.file, "vendor", vendor);
                }
            }
            for merged in &regime.merges {
                if !self.regimes.contains_key(merged) {
                    return missing(&regime.file, "regime", merged);
                }
            }
            for profile in regime.phases.iter().flat_map(|phase| phase.outcome_for.keys()) {
                if !self.profiles.contains_key(profile) {
                    return missing(&regime.file, "profile", profile);
                }
            }
        }
        for (vendor, removal) in &self.removals {
            if !self.vendors.contains_key(vendor) {
                return missing(&removal.file, "vendor", vendor);
            }
        }
        for profile in self.profiles.values() {
            for regime in &profile.regimes {
                if !self.regimes.contains_key(regime) {
                    return missing(&profile.file, "regime", regime);
                }
            }
        }
        Ok(())
    }

    /// The profile of that id.
    ///
    /// # Errors
    /// There is none; the message names those that are.
    pub fn profile(&self, id: &str) -> Result<&Profile, PolicyError> {
        self.profiles.get(id).ok_or_else(|| PolicyError::NoProfile {
            id: id.to_owned(),
            known: self.profiles.keys().cloned().collect::<Vec<_>>().join(", "),
        })
    }
}

/// The files of a user's folder, in the order of their names.
fn own_files(folder: &Path) -> Result<Vec<(String, String)>, PolicyError> {
    let unreadable =
        |path: &Path, source: std::io::Error| PolicyError::Unreadable { path: path.to_path_buf(), source };
    std::fs::read_dir(folder).map_err(|error| unreadable(folder, error))?;
    let mut files = Vec::new();
    for part in ["profiles", "regimes", "removal", "vendors"] {
        let part_path = folder.join(part);
        let entries = match std::fs::read_dir(&part_path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => return Err(unreadable(&part_path, error)),
        };
        for entry in entries {
            let path = entry.map_err(|error| unreadable(&part_path, error))?.path();
            if path.extension().is_none_or(|extension| extension != "toml") {
                continue;
            }
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let length = std::fs::metadata(&path).map_err(|error| unreadable(&path, error))?.len();
            let shown = format!("{part}/{name}");
            if length > LARGEST || files.len() >= MOST_FILES {
                return Err(PolicyError::at(&shown, 0, String::from("too large, or too many files")));
            }
            let bytes = std::fs::read(&path).map_err(|error| unreadable(&path, error))?;
            let text = String::from_utf8(bytes).map_err(|error| {
                let before = error.as_bytes().get(..error.utf8_error().valid_up_to()).unwrap_or_default();
                let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
                PolicyError::at(&shown, line, String::from("it is no text in UTF-8"))
            })?;
            files.push((shown, text));
        }
    }
    if files.is_empty() {
        let reason =
            String::from("holds no vendors/*.toml, regimes/*.toml, removal/*.toml or profiles/*.toml");
        return Err(PolicyError::at(&folder.display().to_string(), 0, reason));
    }
    files.sort();
    Ok(files)
}

/// Bytes as hexadecimal digits.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // A string takes everything.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
