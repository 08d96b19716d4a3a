//! Containers of databases: `cvd`, `cld`, `cud`.
//!
//! A header of 512 bytes, then a tar file, compressed by gzip or not. Who vouches for it:
//!
//! * `cvd`: the header holds an MD5 sum of the rest and an RSA signature of that sum.
//! * `cvd` and `cld`: the member `*.info` holds SHA-256 sums of the other members, and an RSA-PSS
//!   signature of those lines.
//! * `cud`: nobody.
//!
//! Hostile containers: the signature of a `cvd` is checked before anything is unpacked; what is
//! unpacked is limited in total and by the length of what it came out of; a member that the signed
//! list does not name, or a sum that does not fit, refuses the whole container.

mod header;
mod list;
mod signature;
#[cfg(test)]
mod tests;
mod unpack;

pub use header::Header;
pub use signature::{Keys, PublicKey};
pub(crate) use unpack::Again;
use unpack::Seen;

use super::language::ContainerKind;

/// Length of the header in bytes.
const HEADER: usize = 512;

/// A container whose signatures fit, as far as its kind has any.
#[derive(Debug)]
pub struct Opened {
    /// Whether someone with the right key vouches for the members.
    pub official: bool,
    /// The files in it, in their order.
    pub members: Vec<Member>,
}

/// A file in a container.
#[derive(Debug, PartialEq, Eq)]
pub struct Member {
    /// Its name, without folders.
    pub name: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// Why a container is not used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ContainerError {
    /// The header is not one.
    #[error("not a database container: {0}")]
    Header(&'static str),
    /// The MD5 sum in the header is not that of the rest.
    #[error("damaged: the MD5 sum in the header is not that of the contents")]
    Sum,
    /// The signature in the header does not fit.
    #[error("the digital signature of the header is not valid")]
    HeaderSignature,
    /// There is no list of members where one is needed.
    #[error("the signed list of members (.info) is missing")]
    ListMissing,
    /// The list of members is not one.
    #[error("the list of members (.info) is malformed at line {0}")]
    List(usize),
    /// The signature of the list does not fit.
    #[error("the digital signature of the list of members (.info) is not valid")]
    ListSignature,
    /// A member is not what the list says.
    #[error("member {0} is not what the signed list says")]
    Member(String),
    /// The list names a member that is not there.
    #[error("member {0} is missing")]
    MemberMissing(String),
    /// More than would be sensible comes out of it.
    #[error("refused: it unpacks to more than {0} bytes")]
    TooLarge(u64),
    /// The tar file or its compression is damaged.
    #[error("damaged: {0}")]
    Archive(String),
}

/// As `open`, with ClamAV's own keys. How the container vouches for itself is told by its name; one whose name
/// says nothing is as good as one that nobody signed.
///
/// # Errors
/// It is damaged, or it is signed and not by ClamAV.
pub fn open_container(input: &crate::Input<'_>) -> Result<Opened, ContainerError> {
    open_container_with(input, &Keys::published())
}

/// As [`open_container`], with these keys instead of ClamAV's.
///
/// # Errors
/// It is damaged, or it is signed and not with these keys.
pub fn open_container_with(input: &crate::Input<'_>, keys: &Keys) -> Result<Opened, ContainerError> {
    open(input.bytes, kind_of(input.name), keys)
}

/// As [`open_container`], of a container for which somebody who is believed vouches as a whole: its own signatures need not fit.
///
/// # Errors
/// It is damaged.
pub fn open_vouched_container(input: &crate::Input<'_>) -> Result<Opened, ContainerError> {
    whole(input.bytes, kind_of(input.name), &Keys::published(), true)
}

fn kind_of(name: &str) -> ContainerKind {
    match super::language::of_name(name).map(|kind| kind.language) {
        Some(super::language::Language::Container(kind)) => kind,
        _ => ContainerKind::Unsigned,
    }
}

/// The version in the header of a container, when it has one.
pub(crate) fn version(bytes: &[u8]) -> Option<u64> {
    Header::parse(bytes.get(..HEADER)?).ok().map(|header| header.version)
}

/// Checks and unpacks a container.
pub(crate) fn open(bytes: &[u8], kind: ContainerKind, keys: &Keys) -> Result<Opened, ContainerError> {
    whole(bytes, kind, keys, false)
}

fn whole(bytes: &[u8], kind: ContainerKind, keys: &Keys, vouched: bool) -> Result<Opened, ContainerError> {
    let verified = verify(bytes, kind, (keys, vouched), &|_| true, &mut || ())?;
    let member = |member: Seen| Member { name: member.name, bytes: member.bytes.unwrap_or_default() };
    Ok(Opened { official: verified.official, members: verified.members.into_iter().map(member).collect() })
}

/// A container that was read from end to end and that is what its signatures say.
pub(crate) struct Verified<'a> {
    /// Whether someone with the right key vouches for the members.
    pub(crate) official: bool,
    /// The files in it, in their order.
    pub(crate) members: Vec<Seen>,
    /// What they are in.
    pub(crate) body: &'a [u8],
}

/// Checks a container; when somebody who is trusted vouches for all of it already (`vouched`), nobody else has to. The bytes of those members
/// are held that are `wanted` by their name; of the others it is known where they are. `pause` is called now and then.
pub(crate) fn verify<'a>(
    bytes: &'a [u8],
    kind: ContainerKind,
    (keys, vouched): (&Keys, bool),
    wanted: &dyn Fn(&str) -> bool,
    pause: &mut dyn FnMut(),
) -> Result<Verified<'a>, ContainerError> {
    let (head, body) =
        bytes.split_at_checked(HEADER).ok_or(ContainerError::Header("shorter than its header"))?;
    let header = Header::parse(head)?;
    if kind == ContainerKind::Published && !vouched {
        if !header.sum_fits(body, pause) {
            return Err(ContainerError::Sum);
        }
        if !keys.verify_sum(&header.sum, header.signature) {
            return Err(ContainerError::HeaderSignature);
        }
    }
    let members = unpack::unpack(body, &|name| is_list(name) || wanted(name), pause)?;
    let mut lists = members.iter().filter(|member| is_list(&member.name));
    match (lists.next(), lists.next()) {
        (Some(_), Some(_)) => {
            return Err(ContainerError::Archive("more than one list of members".to_owned()));
        }
        (Some(member), None) => {
            let list = list::List::parse(member.bytes.as_deref().unwrap_or_default())?;
            if kind != ContainerKind::Unsigned
                && !vouched
                && !list.signature.is_some_and(|signature| keys.verify_list(list.signed, signature))
            {
                return Err(ContainerError::ListSignature);
            }
            list.check(&members)?;
        }
        (None, _) if kind == ContainerKind::Updated => return Err(ContainerError::ListMissing),
        (None, _) => {}
    }
    Ok(Verified { official: kind != ContainerKind::Unsigned, members, body })
}

/// Whether a member of this name is the list of the others.
fn is_list(name: &str) -> bool {
    name.to_ascii_lowercase().ends_with(".info")
}
