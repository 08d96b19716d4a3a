//! One of ClamAV's databases: verified, patched, and written as ClamAV writes it.
//!
//! Of a `cvd` the old signature covers what is behind the header; the header itself is covered by nothing but its
//! repetition in the signed list of members. So the two must agree to the byte: else whoever sits between could
//! make an old database look new.

use std::io::Write as _;

use candor_signature::Input;
use candor_signature::clamav::{ContainerError, Header, Member, open_container_with, open_vouched_container};
use flate2::Compression;
use flate2::write::GzEncoder;

use super::patch::{self, PatchError};
use super::script::{self, ScriptError};
use super::trust::Trust;

/// Length of a header in bytes.
pub const HEADER: usize = 512;
/// The most bytes of a container that are fetched. ClamAV's largest has 170 million.
pub const MOST_CONTAINER: u64 = 1 << 30;

/// What a header says, whoever vouches for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The number of the database.
    pub version: u64,
    /// How many signatures it says that there are.
    pub signatures: u64,
    /// The functionality level that it is for.
    pub level: u64,
    /// Who made it.
    pub builder: String,
    /// When, in seconds since 1970.
    pub seconds: u64,
}

/// A database that was verified.
#[derive(Debug)]
pub struct Database {
    /// What its header says; it was signed.
    pub head: Head,
    /// Its files.
    pub members: Vec<Member>,
}

/// Why a database is not used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatabaseError {
    /// The container is damaged, or its signatures do not fit.
    #[error(transparent)]
    Container(#[from] ContainerError),
    /// The header says something that was not signed.
    #[error("the header is not what the signed list of members says")]
    Header,
    /// A patch is not to be used.
    #[error(transparent)]
    Patch(#[from] PatchError),
    /// A patch is for another state of the database.
    #[error("the patch cannot be carried out: {0}")]
    Script(#[from] ScriptError),
    /// There is nothing in the patch.
    #[error("the patch is empty")]
    EmptyPatch,
    /// It cannot be written.
    #[error("the database cannot be written: {0}")]
    Write(#[from] std::io::Error),
}

impl DatabaseError {
    /// Whether it is about the container's own signatures alone, so that somebody else's may do.
    #[must_use]
    pub const fn is_about_signatures(&self) -> bool {
        use ContainerError::{HeaderSignature, ListSignature, Sum};
        matches!(self, Self::Header | Self::Container(HeaderSignature | ListSignature | Sum))
    }
}

impl Head {
    /// Reads the header at the start of `bytes`.
    ///
    /// # Errors
    /// There is none.
    pub fn read(bytes: &[u8]) -> Result<Self, ContainerError> {
        let header = Header::parse(bytes)?;
        Ok(Self {
            version: header.version,
            signatures: header.signatures.unwrap_or(0),
            level: header.level.unwrap_or(0),
            builder: String::from_utf8_lossy(header.builder)
                .chars()
                .filter(|letter| !letter.is_control())
                .collect(),
            seconds: header.seconds.unwrap_or(0),
        })
    }
}

impl Database {
    /// Opens a container. Its name tells whether it is one that was published (`cvd`) or patched (`cld`); both must
    /// be signed.
    ///
    /// # Errors
    /// It is damaged, or nobody who is trusted signed it.
    pub fn open(name: &str, bytes: &[u8], trust: &Trust) -> Result<Self, DatabaseError> {
        let opened = open_container_with(&Input { name, bytes }, &trust.containers)?;
        if !opened.official {
            return Err(ContainerError::HeaderSignature.into());
        }
        let list = opened.members.iter().find(|member| is_list(&member.name));
        let list = list.ok_or(ContainerError::ListMissing)?;
        if !header_fits(bytes, first_line(&list.bytes)) {
            return Err(DatabaseError::Header);
        }
        Ok(Self { head: Head::read(bytes)?, members: opened.members })
    }

    /// Opens a published container for which a signature beside it vouches as a whole, its header included.
    ///
    /// # Errors
    /// It is damaged.
    pub fn open_vouched(name: &str, bytes: &[u8]) -> Result<Self, DatabaseError> {
        let opened = open_vouched_container(&Input { name, bytes })?;
        if !opened.official {
            return Err(ContainerError::HeaderSignature.into());
        }
        Ok(Self { head: Head::read(bytes)?, members: opened.members })
    }

    /// Carries out the patch that leads to the next version.
    ///
    /// # Errors
    /// It is not signed, or not for this database; it is then in no state that anybody signed.
    pub fn apply(&mut self, patch: &[u8], trust: &Trust) -> Result<(), DatabaseError> {
        if patch.is_empty() {
            return Err(DatabaseError::EmptyPatch);
        }
        let next = self.head.version.saturating_add(1);
        let script = patch::script(patch, next, &trust.patches)?;
        script::apply(&script, &mut self.members)?;
        let list = self.members.iter().find(|member| is_list(&member.name));
        let list = list.ok_or(ContainerError::ListMissing)?;
        let head = Head::read(first_line(&list.bytes))?;
        if head.version != next {
            return Err(PatchError::Version(head.version, next).into());
        }
        self.head = head;
        Ok(())
    }

    /// A `cld` of this database, as freshclam writes it, verified once more as whoever reads it will.
    ///
    /// # Errors
    /// The members are not what their signed list says.
    pub fn to_container(&self, compress: bool, trust: &Trust) -> Result<Vec<u8>, DatabaseError> {
        let list = self.members.iter().find(|member| is_list(&member.name));
        let list = list.ok_or(ContainerError::ListMissing)?;
        let mut bytes = first_line(&list.bytes).to_vec();
        if bytes.len() > HEADER {
            return Err(ContainerError::Header("longer than a header").into());
        }
        bytes.resize(HEADER, b' ');
        // ClamAV tells by the first name whether what follows is compressed.
        let first = self.members.iter().filter(|member| member.name == "COPYING");
        let second = self.members.iter().filter(|member| is_list(&member.name));
        let rest = self.members.iter().filter(|member| member.name != "COPYING" && !is_list(&member.name));
        let mut archive = tar::Builder::new(Vec::new());
        for member in first.chain(second).chain(rest) {
            let mut header = tar::Header::new_ustar();
            header.set_size(u64::try_from(member.bytes.len()).unwrap_or(u64::MAX));
            header.set_mode(0o644);
            header.set_path(&member.name)?;
            header.set_cksum();
            archive.append(&header, member.bytes.as_slice())?;
        }
        let body = archive.into_inner()?;
        if compress {
            let mut encoder = GzEncoder::new(bytes, Compression::default());
            encoder.write_all(&body)?;
            bytes = encoder.finish()?;
        } else {
            bytes.extend_from_slice(&body);
        }
        Self::open("patched.cld", &bytes, trust)?;
        Ok(bytes)
    }
}

fn is_list(name: &str) -> bool {
    name.to_ascii_lowercase().ends_with(".info")
}

fn first_line(bytes: &[u8]) -> &[u8] {
    bytes.split(|byte| *byte == b'\n').next().unwrap_or_default()
}

/// Whether a header says what the first line of the signed list says. The list has `X` where a header of a `cvd` has
/// the sum and its signature; those of a `cld` are not looked at by anybody, but must not hold anything else.
fn header_fits(bytes: &[u8], signed: &[u8]) -> bool {
    let Some(header) = bytes.get(..HEADER) else { return false };
    let text = header.trim_ascii_end();
    if !header.iter().skip(text.len()).all(|byte| *byte == b' ') {
        return false;
    }
    let fields: Vec<&[u8]> = text.split(|byte| *byte == b':').collect();
    let wanted: Vec<&[u8]> = signed.split(|byte| *byte == b':').collect();
    let plain = |digits: &[u8], also: &[u8]| {
        digits
            .iter()
            .all(|digit| digit.is_ascii_digit() || digit.is_ascii_lowercase() || also.contains(digit))
    };
    fields.len() == wanted.len()
        && fields.iter().zip(&wanted).enumerate().all(|(place, (field, wanted))| match place {
            // Of a sum, capital letters mean the same: not here, so that every byte counts.
            5 => field == wanted || (field.len() == 32 && plain(field, b"")),
            6 => field == wanted || plain(field, b"ABCDEFGHIJKLMNOPQRSTUVWXYZ+/"),
            _ => field == wanted,
        })
}
