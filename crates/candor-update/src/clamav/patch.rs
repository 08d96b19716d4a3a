//! A patch as it is published: `ClamAV-Diff:version:size:`, a script compressed by gzip, `:` and a signature of
//! all bytes before that colon (RSASSA-PSS with SHA-256).
//!
//! Hostile patches: nothing is unpacked before the signature fits; what is unpacked is bounded.

use std::io::Read as _;

use candor_signature::clamav::PublicKey;
use flate2::read::MultiGzDecoder;

/// Modulus of the key that signs patches, 2047 bits. A public number, part of every ClamAV.
const MODULUS: &[u8] =
    b"1478390587407746709026222851655791757025459963837620353203198921410555284726968748977197579212344218\
    5817287694951949800908791527542017115600501303394778618535864845235700041590056318230102449612217458\
    5490160893133065913885907907965158196541023207257123008223563487240112326548375032417361779077841987\
    0083444068112472706054003575469965810589505009657622675300859688169882818565242490192166875832657846\
    2003247906470982092298106789657211905488986281078346361469524484829559560886227198091995498440676639\
    6398304635932113860550653602884223940539981344586237125406832940349538184124583621981178119900060219\
    89844180721010947";
const EXPONENT: u32 = 100_002_053;

/// The most bytes that a script may have. The longest that unpack to a whole `daily` stay below.
const MOST_SCRIPT: u64 = 512 << 20;
/// Longest signature in digits.
const MOST_DIGITS: usize = 700;
/// The most bytes of a patch that are fetched.
pub const MOST_PATCH: u64 = 128 << 20;

/// ClamAV's own key.
pub(super) fn published_key() -> PublicKey {
    PublicKey::new(MODULUS, EXPONENT)
}

/// Why a patch is not used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PatchError {
    /// Its head is none.
    #[error("not a patch: {0}")]
    Head(&'static str),
    /// It is for another version.
    #[error("it leads to version {0}, not {1}")]
    Version(u64, u64),
    /// The signature does not fit.
    #[error("the digital signature is not valid")]
    Signature,
    /// The script in it is damaged.
    #[error("damaged: {0}")]
    Damaged(String),
    /// The script in it is longer than any should be.
    #[error("refused: it unpacks to more than {MOST_SCRIPT} bytes")]
    TooLarge,
}

/// The script in a patch that leads to `version`, once its signature fits.
///
/// # Errors
/// It is not signed with this key, or not for this version.
pub fn script(bytes: &[u8], version: u64, key: &PublicKey) -> Result<Vec<u8>, PatchError> {
    let rest =
        bytes.strip_prefix(b"ClamAV-Diff:").ok_or(PatchError::Head("no 'ClamAV-Diff:' at its start"))?;
    let mut fields = rest.splitn(3, |byte| *byte == b':');
    let mut field = |what| fields.next().ok_or(PatchError::Head(what));
    let says = field("no version")?;
    field("no size")?;
    field("no script")?;
    let colon = memchr::memrchr(b':', bytes).ok_or(PatchError::Head("no signature"))?;
    let signed = bytes.get(..colon).unwrap_or_default();
    let digits = bytes.get(colon.saturating_add(1)..).unwrap_or_default();
    // Blanks around it would be cut off by whoever reads digits, so that not every byte would count.
    let plain = digits.iter().all(|digit| digit.is_ascii_alphanumeric() || matches!(digit, b'+' | b'/'));
    if digits.len() > MOST_DIGITS || !plain || !key.verify(signed, digits) {
        return Err(PatchError::Signature);
    }
    let says: u64 = std::str::from_utf8(says)
        .ok()
        .and_then(|text| text.parse().ok())
        .ok_or(PatchError::Head("the version is no number"))?;
    if says != version {
        return Err(PatchError::Version(says, version));
    }
    // Three fields behind the first word, each with its colon.
    let head = signed.splitn(4, |byte| *byte == b':').nth(3).unwrap_or_default();
    let mut script = Vec::new();
    let mut source = MultiGzDecoder::new(head).take(MOST_SCRIPT.saturating_add(1));
    source.read_to_end(&mut script).map_err(|error| PatchError::Damaged(error.to_string()))?;
    if u64::try_from(script.len()).unwrap_or(u64::MAX) > MOST_SCRIPT {
        return Err(PatchError::TooLarge);
    }
    Ok(script)
}
