//! Packing an archive: the same members give the same bytes.

use ruzstd::encoding::{CompressionLevel, compress_to_vec};

use super::manifest::{Canary, ENGINE, FORMAT, Manifest, ManifestError, ManifestMember, class_of};
use super::{BLOCK, MANIFEST, header, padding};
use crate::candidate::Expectation;
use crate::feed::release::content::{Foreign, Inspector};
use crate::log::Hash;

/// What an archive is to hold.
#[derive(Clone, Debug, Default)]
pub struct Contents {
    /// The feed.
    pub feed: String,
    /// The archive's name in it.
    pub archive: String,
    /// The release that it is made for.
    pub release: u64,
    /// Members by name.
    pub members: Vec<(String, Vec<u8>)>,
    /// What must and must not be found.
    pub expectations: Vec<Expectation>,
}

/// Why an archive cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PackError {
    /// A manifest that nobody would accept.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// A member that is not data.
    #[error("`{name}` is {foreign}, and a release holds nothing but data")]
    Foreign {
        /// Its name.
        name: String,
        /// What it is.
        foreign: Foreign,
    },
    /// The manifest cannot be written.
    #[error("the manifest cannot be written: {0}")]
    Syntax(String),
}

/// Packs an archive.
///
/// # Errors
/// What is to be packed would be refused by those that it is for.
pub fn pack(contents: &Contents) -> Result<Vec<u8>, PackError> {
    let mut members: Vec<(&str, &[u8])> =
        contents.members.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
    members.sort_unstable();
    for (name, bytes) in &members {
        Inspector::default()
            .look(bytes)
            .map_err(|foreign| PackError::Foreign { name: (*name).to_owned(), foreign })?;
    }
    let described = members.iter().map(|(name, bytes)| {
        let class = class_of(name)
            .ok_or_else(|| ManifestError::Language { name: (*name).to_owned(), program: false })?;
        let sha256 = Hash::of(bytes).to_string();
        Ok(ManifestMember { name: (*name).to_owned(), class, length: bytes.len() as u64, sha256 })
    });
    let manifest = Manifest {
        format: FORMAT,
        feed: contents.feed.clone(),
        archive: contents.archive.clone(),
        release: contents.release,
        engine: ENGINE,
        members: described.collect::<Result<_, ManifestError>>()?,
        canaries: contents
            .expectations
            .iter()
            .map(|expected| Canary {
                content: expected.content.clone(),
                signature: expected.signature.clone(),
            })
            .collect(),
    };
    manifest.check()?;
    let manifest = toml::to_string(&manifest).map_err(|error| PackError::Syntax(error.to_string()))?;
    Ok(pack_as(&manifest, &members))
}

/// Packs members under a manifest as it is, without asking whether anybody would accept that.
#[must_use]
pub fn pack_as(manifest: &str, members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut tar = Vec::new();
    for (name, bytes) in [(MANIFEST, manifest.as_bytes())].into_iter().chain(members.iter().copied()) {
        let length = bytes.len() as u64;
        tar.extend_from_slice(&header(name, length));
        tar.extend_from_slice(bytes);
        let filled = tar.len().saturating_add(usize::try_from(padding(length)).unwrap_or(0));
        tar.resize(filled, 0);
    }
    tar.resize(tar.len().saturating_add(2 * BLOCK), 0);
    compress_to_vec(tar.as_slice(), CompressionLevel::Fastest)
}
