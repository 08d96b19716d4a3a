//! A directory that somebody else fills: `freshclam`, a configuration management, a person with a stick.
//!
//! Nobody vouches for it but whoever may write there, unless digests were written down. What hostile content does here: links that
//! lead elsewhere, programs under the name of a database, files that change while they are read, and too much of it.

use std::collections::BTreeMap;
use std::fs::{self, File, Metadata};
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use candor_signature::clamav;
use sha2::{Digest as _, Sha256};

use crate::generation::{Files, Staging, StoreError, hexadecimal};
use crate::source::{Key, KeyError, MOST_SIGNATURE};
use crate::{Member, MemberClass};

/// Files that a directory may bring.
const MOST_MEMBERS: usize = 10_000;

/// Bytes that all of them may have.
const MOST_BYTES: u64 = 16 << 30;

/// Why a directory is not taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LocalError {
    /// It cannot be read.
    #[error("cannot read {path}: {1}", path = .0.display())]
    Unreadable(PathBuf, std::io::Error),
    /// There is nothing of use in it.
    #[error("{} holds no signature database", .0.display())]
    Empty(PathBuf),
    /// There is too much in it.
    #[error("{path} holds more than {1}", path = .0.display())]
    TooMuch(PathBuf, &'static str),
    /// Something in it is neither a file nor a directory.
    #[error("{} is no plain file", .0.display())]
    NotPlain(PathBuf),
    /// Something in it is a program.
    #[error("{} is a program, not data", .0.display())]
    Program(PathBuf),
    /// It changed while it was read.
    #[error("{} changed while it was read; the next update takes it", .0.display())]
    Changed(PathBuf),
    /// A file is not what was written down.
    #[error("{name} has the digest {found}, and {expected} was written down")]
    Digest {
        /// The file.
        name: String,
        /// Its digest.
        found: String,
        /// What was written down.
        expected: String,
    },
    /// A file is there of which nothing was written down.
    #[error("no digest was written down for {0}")]
    NotPinned(String),
    /// A file that was written down is not there.
    #[error("{0} was written down and is not there")]
    Absent(String),
    /// There is no signature beside a file.
    #[error("there is no signature beside {0}: neither {0}.minisig nor {0}.sig")]
    NotSigned(String),
    /// A signature does not vouch for its file.
    #[error("{0}: {1}")]
    Signature(String, KeyError),
    /// It cannot be kept.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Digests that a customer wrote down, by names of files.
pub type Pins = BTreeMap<String, String>;

/// Reads what `sha256sum` writes: a digest, two blanks (or a blank and a star), and a name, a line each.
///
/// # Errors
/// A line is something else; says which.
pub fn pins(text: &str) -> Result<Pins, String> {
    let mut pins = Pins::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim_end();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let parsed = line.split_once(' ').and_then(|(digest, name)| {
            let name = name.strip_prefix([' ', '*'])?;
            let name = name.strip_prefix("./").unwrap_or(name);
            let is_digest = digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
            (is_digest && !name.is_empty()).then(|| (name.to_owned(), digest.to_ascii_lowercase()))
        });
        let (name, digest) = parsed.ok_or_else(|| format!("line {number} is no SHA-256 with a name"))?;
        if pins.insert(name, digest).is_some() {
            return Err(format!("line {number} names a file for the second time"));
        }
    }
    Ok(pins)
}

/// What a file is used as, by its name; `None` for what is no database.
#[must_use]
pub fn class(name: &str) -> Option<MemberClass> {
    let (_, extension) = name.rsplit_once('.')?;
    let extension = extension.to_ascii_lowercase();
    match extension.as_str() {
        "hdb" | "hsb" | "hdu" | "hsu" | "mdb" | "msb" | "mdu" | "msu" | "imp" => Some(MemberClass::Hashes),
        "fp" | "sfp" | "ign" | "ign2" => Some(MemberClass::Allow),
        "yar" | "yara" => Some(MemberClass::Rules),
        _ => clamav::extensions().any(|known| known == extension).then_some(MemberClass::Signatures),
    }
}

/// Whether bytes begin as those of something that a machine would run.
#[must_use]
pub fn is_program(start: &[u8]) -> bool {
    const MAGICS: [&[u8]; 9] = [
        b"\x7fELF",
        b"MZ",
        b"#!",
        b"\xfe\xed\xfa\xce",
        b"\xfe\xed\xfa\xcf",
        b"\xce\xfa\xed\xfe",
        b"\xcf\xfa\xed\xfe",
        b"\xca\xfe\xba\xbe",
        b"\0asm",
    ];
    MAGICS.iter().any(|magic| start.starts_with(magic))
}

/// Why what is in a directory is believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Vouched {
    /// Whoever may write there is.
    Owner,
    /// Digests were written down: what is there must be just that.
    Digests(Pins),
    /// There is a signature by this key beside each file.
    Key(Key),
}

/// What was taken over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// The files.
    pub members: Vec<Member>,
    /// When the oldest of the signatures was made, where they say it.
    pub signed: Option<u64>,
}

/// Copies the databases of `from` into `room`, which is empty; compares them with what vouches for them.
///
/// # Errors
/// Something in it is not data, is not vouched for, or cannot be read.
pub fn take(files: &impl Files, from: &Path, room: &Path, vouched: &Vouched) -> Result<Taken, LocalError> {
    let before = list(from)?;
    let mut taken = Taken::default();
    let mut bytes = 0_u64;
    for (name, (class, stamp)) in &before {
        let path = from.join(name);
        let unreadable = |error| LocalError::Unreadable(path.clone(), error);
        let mut file = File::open(&path).map_err(unreadable)?;
        let metadata = file.metadata().map_err(unreadable)?;
        // It may have been exchanged for something else since it was listed.
        if !metadata.is_file() || Stamp::of(&metadata) != *stamp {
            return Err(LocalError::Changed(path));
        }
        let mut start = [0; 8];
        let read = file.read(&mut start).map_err(unreadable)?;
        let start = start.get(..read).unwrap_or_default();
        if is_program(start) {
            return Err(LocalError::Program(path));
        }
        bytes = bytes.saturating_add(metadata.len());
        if bytes > MOST_BYTES {
            return Err(LocalError::TooMuch(from.to_path_buf(), "16 GiB of signatures"));
        }
        let rest = file.take(MOST_BYTES);
        let (length, sha256) = Staging::member(files, room, name, &mut start.chain(rest))?;
        match vouched {
            Vouched::Owner => (),
            Vouched::Digests(pins) => match pins.get(name) {
                Some(expected) if *expected == sha256 => (),
                Some(expected) => {
                    let (name, expected) = (name.clone(), expected.clone());
                    return Err(LocalError::Digest { name, found: sha256, expected });
                }
                None => return Err(LocalError::NotPinned(name.clone())),
            },
            // What is verified is what was copied, whatever becomes of the file meanwhile.
            Vouched::Key(key) => {
                let time = signed(key, from, name, &room.join(name))?;
                taken.signed = match (taken.signed, time) {
                    (Some(known), Some(time)) => Some(time.min(known)),
                    (known, time) => known.or(time),
                };
            }
        }
        taken.members.push(Member { name: name.clone(), class: *class, length, sha256 });
    }
    let pins = if let Vouched::Digests(pins) = vouched { Some(pins) } else { None };
    if let Some(absent) = pins.and_then(|pins| pins.keys().find(|name| !before.contains_key(*name))) {
        return Err(LocalError::Absent(absent.clone()));
    }
    // Half of an old set and half of a new one is a set that nobody made.
    if list(from)? != before {
        return Err(LocalError::Changed(from.to_path_buf()));
    }
    Ok(taken)
}

/// Verifies the signature beside a file over what was copied of it; says when it was made.
fn signed(key: &Key, from: &Path, name: &str, copy: &Path) -> Result<Option<u64>, LocalError> {
    for extension in ["minisig", "sig"] {
        let path = from.join(format!("{name}.{extension}"));
        let mut signature = Vec::new();
        match File::open(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            opened => opened
                .and_then(|file| file.take(MOST_SIGNATURE).read_to_end(&mut signature))
                .map_err(|error| LocalError::Unreadable(path.clone(), error))?,
        };
        let bytes = fs::read(copy).map_err(|error| LocalError::Unreadable(copy.to_path_buf(), error))?;
        let signed = key.verify(&bytes, &signature);
        return signed
            .map(|signed| signed.time)
            .map_err(|error| LocalError::Signature(name.to_owned(), error));
    }
    Err(LocalError::NotSigned(name.to_owned()))
}

/// What tells one state of a directory from another, without reading a file of it.
///
/// # Errors
/// It cannot be listed, or holds what is not taken.
pub fn state(from: &Path) -> Result<String, LocalError> {
    let mut digest = Sha256::new();
    for (name, (_, stamp)) in list(from)? {
        digest.update(format!("{name}\n{stamp:?}\n"));
        // A signature that is exchanged is a change, too.
        for extension in ["minisig", "sig"] {
            if let Ok(metadata) = fs::symlink_metadata(from.join(format!("{name}.{extension}"))) {
                digest.update(format!("{extension}\n{:?}\n", Stamp::of(&metadata)));
            }
        }
    }
    Ok(hexadecimal(&digest.finalize()))
}

/// What tells one state of a file from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp([i64; 5], u64, u64);

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        let times = [
            metadata.mtime(),
            metadata.mtime_nsec(),
            metadata.ctime(),
            metadata.ctime_nsec(),
            i64::from(metadata.mode()),
        ];
        Self(times, metadata.ino(), metadata.len())
    }
}

fn list(from: &Path) -> Result<BTreeMap<String, (MemberClass, Stamp)>, LocalError> {
    let unreadable = |error| LocalError::Unreadable(from.to_path_buf(), error);
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(from).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        let Some(class) = class(&name) else { continue };
        let metadata = fs::symlink_metadata(entry.path())
            .map_err(|error| LocalError::Unreadable(entry.path(), error))?;
        if !metadata.is_file() {
            return Err(LocalError::NotPlain(entry.path()));
        }
        found.insert(name, (class, Stamp::of(&metadata)));
        if found.len() > MOST_MEMBERS {
            return Err(LocalError::TooMuch(from.to_path_buf(), "10,000 files"));
        }
    }
    if found.is_empty() { Err(LocalError::Empty(from.to_path_buf())) } else { Ok(found) }
}
