//! The header: `ClamAV-VDB:time:version:signatures:level:MD5:signature:builder:seconds`, padded with
//! spaces to 512 bytes.

use md5::{Digest as _, Md5};

use super::ContainerError;
use crate::clamav::hex;
use crate::clamav::text::decimal;

/// Bytes between two pauses.
const PIECE: usize = 4 << 20;

/// What a header says. Only the signature of a `cvd` makes it true.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header<'a> {
    /// When the database was made, in words; hyphens stand for the colons of the hour.
    pub time: &'a [u8],
    /// Number of the database.
    pub version: u64,
    /// How many signatures there are.
    pub signatures: Option<u64>,
    /// The functionality level that is needed.
    pub level: Option<u64>,
    /// The digits of the MD5 sum; of a `cld` and a `cud` they may be anything.
    pub digits: &'a [u8],
    /// MD5 sum of everything behind the header; of a `cld` and a `cud` not meaningful.
    pub(super) sum: [u8; 16],
    /// Signature of the sum, in ClamAV's digits.
    pub signature: &'a [u8],
    /// Who made it; empty when the header does not say.
    pub builder: &'a [u8],
    /// When it was made, in seconds since 1970.
    pub seconds: Option<u64>,
}

impl<'a> Header<'a> {
    /// Reads the header at the start of `bytes`.
    ///
    /// # Errors
    /// There is none.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ContainerError> {
        let head = bytes.get(..super::HEADER).unwrap_or(bytes);
        let rest = head
            .strip_prefix(b"ClamAV-VDB:")
            .ok_or(ContainerError::Header("no 'ClamAV-VDB:' at its start"))?;
        let mut fields = rest.split(|byte| *byte == b':');
        let mut field = |what| fields.next().ok_or(ContainerError::Header(what));
        let time = field("no time")?;
        let version =
            decimal(field("no version")?).ok_or(ContainerError::Header("the version is no number"))?;
        let signatures = decimal(field("no number of signatures")?);
        let level = decimal(field("no functionality level")?);
        let digits = field("no MD5 sum")?;
        let mut sum = [0; 16];
        // A container that is not signed may hold any text here; its sum is then never asked for.
        if hex::decode_into(digits, &mut sum).is_none() {
            sum = [0; 16];
        }
        let signature = field("no digital signature")?;
        let builder = fields.next().unwrap_or_default().trim_ascii_end();
        let seconds = fields.next().map(<[u8]>::trim_ascii_end).and_then(decimal);
        Ok(Self { time, version, signatures, level, digits, sum, signature, builder, seconds })
    }

    /// Whether the sum is that of `rest`; `pause` is called now and then.
    pub(super) fn sum_fits(&self, rest: &[u8], pause: &mut dyn FnMut()) -> bool {
        let mut sum = Md5::new();
        for piece in rest.chunks(PIECE) {
            sum.update(piece);
            pause();
        }
        let sum: [u8; 16] = sum.finalize().into();
        sum == self.sum
    }
}
