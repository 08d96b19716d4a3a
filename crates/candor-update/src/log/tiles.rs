//! A log as static files (C2SP `tlog-tiles`): hashes in tiles of 256, entries in bundles of 256.
//!
//! What is read from tiles is believed by nobody: a proof made from them is verified against roots that are
//! signed. So a mirror that changes a tile can only make an update fail.

use std::collections::BTreeMap;

use super::hash::Hash;
use super::merkle::{self, Subtrees};

/// Hashes in a full tile, entries in a full bundle.
const WIDTH: u64 = 256;

/// Height of a tile in levels of the tree.
const HEIGHT: u32 = 8;

/// Bytes of the longest entry.
pub const LONGEST_ENTRY: usize = u16::MAX as usize;

/// Where a log's files lie.
pub trait Files {
    /// Reads a file of at most `limit` bytes; `None` if it is not there.
    ///
    /// # Errors
    /// It is there and cannot be read, or is longer.
    fn read(&mut self, path: &str, limit: u64) -> std::io::Result<Option<Vec<u8>>>;
}

/// Where a log's files are written.
pub trait FilesMut: Files {
    /// Writes a file, in whole or not at all.
    ///
    /// # Errors
    /// It cannot be written.
    fn write(&mut self, path: &str, bytes: &[u8]) -> std::io::Result<()>;
}

/// Why a log cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TileError {
    /// A file is missing.
    #[error("the log has no `{0}`")]
    Missing(String),
    /// A file has another length than its name says.
    #[error("`{path}` has {got} bytes instead of {expected}")]
    Length {
        /// The file.
        path: String,
        /// Bytes that there should be.
        expected: u64,
        /// Bytes that there are.
        got: u64,
    },
    /// A bundle is not a sequence of entries.
    #[error("`{0}` is not a sequence of entries")]
    Bundle(String),
    /// An entry that does not fit.
    #[error("an entry of {0} bytes is longer than {LONGEST_ENTRY}")]
    Entry(usize),
    /// A hash beyond the size of the tree was asked for.
    #[error("the log has no such subtree")]
    Outside,
    /// The file system.
    #[error("cannot read or write `{path}`")]
    Io {
        /// The file.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

/// The path of a tile: of hashes at a level, or of entries where there is no level.
#[must_use]
pub fn path(level: Option<u32>, number: u64, width: u64) -> String {
    let mut path = level.map_or_else(|| "tile/entries/".to_owned(), |level| format!("tile/{level}/"));
    // As many groups of three digits as the number has, all but the last with an `x`.
    let digits = format!("{number:03}");
    let digits = format!("{digits:0>width$}", width = digits.len().next_multiple_of(3));
    let groups: Vec<String> =
        digits.as_bytes().chunks(3).map(|group| String::from_utf8_lossy(group).into_owned()).collect();
    let last = groups.len().saturating_sub(1);
    for (place, group) in groups.iter().enumerate() {
        path.push_str(&if place == last { group.clone() } else { format!("x{group}/") });
    }
    if width < WIDTH {
        path.push_str(&format!(".p/{width}"));
    }
    path
}

/// A log of one size, read from its files.
#[derive(Debug)]
pub struct Tree<'a, F> {
    files: &'a mut F,
    prefix: &'a str,
    size: u64,
    tiles: BTreeMap<(u32, u64), Vec<u8>>,
}

impl<'a, F: Files> Tree<'a, F> {
    /// A log below `prefix`, which is empty or ends with a slash.
    pub const fn new(files: &'a mut F, prefix: &'a str, size: u64) -> Self {
        Self { files, prefix, size, tiles: BTreeMap::new() }
    }

    /// The root of the whole tree.
    ///
    /// # Errors
    /// A tile cannot be read.
    pub fn root(&mut self) -> Result<Hash, TileError> {
        let size = self.size;
        merkle::root(self, 0, size)
    }

    /// One entry.
    ///
    /// # Errors
    /// Its bundle cannot be read or is damaged.
    pub fn entry(&mut self, index: u64) -> Result<Vec<u8>, TileError> {
        if index >= self.size {
            return Err(TileError::Outside);
        }
        let number = index / WIDTH;
        let path = format!("{}{}", self.prefix, path(None, number, width(self.size, 0, number)));
        let bundle =
            read(self.files, &path, bundle_limit())?.ok_or_else(|| TileError::Missing(path.clone()))?;
        let place = usize::try_from(index % WIDTH).unwrap_or(usize::MAX);
        entries(&bundle)
            .and_then(|entries| entries.get(place).map(|entry| (*entry).to_vec()))
            .ok_or(TileError::Bundle(path))
    }

    fn tile(&mut self, level: u32, number: u64) -> Result<&[u8], TileError> {
        if !self.tiles.contains_key(&(level, number)) {
            let width = width(self.size, level, number);
            if width == 0 {
                return Err(TileError::Outside);
            }
            let name = format!("{}{}", self.prefix, path(Some(level), number, width));
            let expected = width.saturating_mul(32);
            let mut bytes = read(self.files, &name, expected)?;
            if bytes.is_none() && width < WIDTH {
                // A log may drop a partial tile once it has the full one, which begins with it.
                let full = format!("{}{}", self.prefix, path(Some(level), number, WIDTH));
                bytes = read(self.files, &full, WIDTH.saturating_mul(32))?;
                if let Some(bytes) = &mut bytes {
                    bytes.truncate(usize::try_from(expected).unwrap_or(usize::MAX));
                }
            }
            let bytes = bytes.ok_or_else(|| TileError::Missing(name.clone()))?;
            let got = bytes.len() as u64;
            if got != expected {
                return Err(TileError::Length { path: name, expected, got });
            }
            self.tiles.insert((level, number), bytes);
        }
        Ok(self.tiles.get(&(level, number)).map_or(&[], Vec::as_slice))
    }
}

impl<F: Files> Subtrees for Tree<'_, F> {
    type Error = TileError;

    fn subtree(&mut self, level: u32, index: u64) -> Result<Hash, TileError> {
        let inside = level % HEIGHT;
        let first = index.checked_shl(inside).ok_or(TileError::Outside)?;
        let tile = self.tile(level / HEIGHT, first / WIDTH)?;
        let (hashes, _) = tile.as_chunks::<32>();
        let start = usize::try_from(first % WIDTH).unwrap_or(usize::MAX);
        let end = start.saturating_add(1 << inside);
        let mut hashes: Vec<Hash> =
            hashes.get(start..end).ok_or(TileError::Outside)?.iter().map(|hash| Hash(*hash)).collect();
        while hashes.len() > 1 {
            let (pairs, _) = hashes.as_chunks::<2>();
            hashes = pairs.iter().map(|[left, right]| merkle::node(*left, *right)).collect();
        }
        hashes.first().copied().ok_or(TileError::Outside)
    }
}

/// Adds entries to a log of `size`, and gives the new size. The files of the old size stay as they are, so
/// that whoever reads the log at that size is not disturbed.
///
/// # Errors
/// A file cannot be read or written, or an entry is too long.
pub fn append<F: FilesMut>(
    files: &mut F,
    prefix: &str,
    size: u64,
    new: &[Vec<u8>],
) -> Result<u64, TileError> {
    let mut bundle = tail(files, prefix, size, None)?;
    let mut levels: Vec<Vec<u8>> = Vec::new();
    let mut above = size;
    while above > 0 {
        let level = u32::try_from(levels.len()).unwrap_or(u32::MAX);
        levels.push(tail(files, prefix, size, Some(level))?);
        above /= WIDTH;
    }
    let mut now = size;
    let mut bundled = size % WIDTH;
    for entry in new {
        let length = u16::try_from(entry.len()).map_err(|_| TileError::Entry(entry.len()))?;
        bundle.extend_from_slice(&length.to_be_bytes());
        bundle.extend_from_slice(entry);
        bundled = bundled.saturating_add(1);
        if bundled == WIDTH {
            write(files, &format!("{prefix}{}", path(None, now / WIDTH, WIDTH)), &bundle)?;
            bundle.clear();
            bundled = 0;
        }
        carry(files, prefix, now, merkle::leaf(entry), &mut levels)?;
        now = now.saturating_add(1);
    }
    if bundled > 0 {
        write(files, &format!("{prefix}{}", path(None, now / WIDTH, bundled)), &bundle)?;
    }
    for (level, hashes) in (0..).zip(&levels) {
        let number = (now >> (HEIGHT.saturating_mul(level))) / WIDTH;
        let width = hashes.len() as u64 / 32;
        if width > 0 {
            write(files, &format!("{prefix}{}", path(Some(level), number, width)), hashes)?;
        }
    }
    Ok(now)
}

/// Adds the hash of the leaf at `index`, and of every tile that it fills.
fn carry<F: FilesMut>(
    files: &mut F,
    prefix: &str,
    index: u64,
    leaf: Hash,
    levels: &mut Vec<Vec<u8>>,
) -> Result<(), TileError> {
    let mut hash = leaf;
    for level in 0_u32.. {
        let place = level as usize;
        if place == levels.len() {
            levels.push(Vec::new());
        }
        let Some(hashes) = levels.get_mut(place) else { break };
        hashes.extend_from_slice(&hash.0);
        if (hashes.len() as u64) < WIDTH.saturating_mul(32) {
            break;
        }
        let number = (index >> HEIGHT.saturating_mul(level)) / WIDTH;
        write(files, &format!("{prefix}{}", path(Some(level), number, WIDTH)), hashes)?;
        let (full, _) = hashes.as_chunks::<32>();
        let mut row: Vec<Hash> = full.iter().map(|hash| Hash(*hash)).collect();
        while row.len() > 1 {
            let (pairs, _) = row.as_chunks::<2>();
            row = pairs.iter().map(|[left, right]| merkle::node(*left, *right)).collect();
        }
        hash = row.first().copied().ok_or(TileError::Outside)?;
        hashes.clear();
    }
    Ok(())
}

/// What stands in the partial tile (or bundle) at the right edge of a log of `size`.
fn tail<F: Files>(files: &mut F, prefix: &str, size: u64, level: Option<u32>) -> Result<Vec<u8>, TileError> {
    let hashes = size >> HEIGHT.saturating_mul(level.unwrap_or(0));
    let width = hashes % WIDTH;
    if width == 0 {
        return Ok(Vec::new());
    }
    let path = format!("{prefix}{}", path(level, hashes / WIDTH, width));
    let limit = if level.is_some() { width.saturating_mul(32) } else { bundle_limit() };
    let bytes = read(files, &path, limit)?.ok_or_else(|| TileError::Missing(path.clone()))?;
    let got = bytes.len() as u64;
    match level {
        Some(_) if got != limit => Err(TileError::Length { path, expected: limit, got }),
        None if entries(&bytes).is_none_or(|entries| entries.len() as u64 != width) => {
            Err(TileError::Bundle(path))
        }
        _ => Ok(bytes),
    }
}

/// Takes a bundle apart.
#[must_use]
pub fn entries(bundle: &[u8]) -> Option<Vec<&[u8]>> {
    let mut rest = bundle;
    let mut entries = Vec::new();
    while !rest.is_empty() {
        let (length, after) = rest.split_first_chunk::<2>()?;
        let (entry, after) = after.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        entries.push(entry);
        rest = after;
    }
    (entries.len() as u64 <= WIDTH).then_some(entries)
}

/// Hashes in tile `number` of a level, in a tree of `size`.
const fn width(size: u64, level: u32, number: u64) -> u64 {
    let hashes = match size.checked_shr(HEIGHT.saturating_mul(level)) {
        Some(hashes) => hashes,
        None => 0,
    };
    let rest = hashes.saturating_sub(number.saturating_mul(WIDTH));
    if rest > WIDTH { WIDTH } else { rest }
}

const fn bundle_limit() -> u64 {
    // Each entry has two bytes of length before it.
    (LONGEST_ENTRY as u64).saturating_add(2).saturating_mul(WIDTH)
}

fn read<F: Files>(files: &mut F, path: &str, limit: u64) -> Result<Option<Vec<u8>>, TileError> {
    files.read(path, limit).map_err(|source| TileError::Io { path: path.to_owned(), source })
}

fn write<F: FilesMut>(files: &mut F, path: &str, bytes: &[u8]) -> Result<(), TileError> {
    files.write(path, bytes).map_err(|source| TileError::Io { path: path.to_owned(), source })
}
