//! The header: `ClamAV-VDB:time:version:signatures:level:MD5:signature:builder:seconds`, padded with
//! spaces to 512 bytes.

use md5::{Digest as _, Md5};

use super::ContainerError;
use crate::clamav::hex;
use crate::clamav::text::decimal;

/// What is needed of a header.
#[derive(Debug)]
pub(super) struct Header<'a> {
    /// Number of the database.
    pub(super) version: u64,
    /// MD5 sum of everything behind the header; of a `cld` and a `cud` not meaningful.
    pub(super) sum: [u8; 16],
    /// Signature of the sum, in ClamAV's digits.
    pub(super) signature: &'a [u8],
}

impl<'a> Header<'a> {
    /// Reads a header.
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, ContainerError> {
        let rest = bytes
            .strip_prefix(b"ClamAV-VDB:")
            .ok_or(ContainerError::Header("no 'ClamAV-VDB:' at its start"))?;
        let mut fields = rest.split(|byte| *byte == b':');
        let mut field = |what| fields.next().ok_or(ContainerError::Header(what));
        field("no time")?;
        let version =
            decimal(field("no version")?).ok_or(ContainerError::Header("the version is no number"))?;
        field("no number of signatures")?;
        field("no functionality level")?;
        let digits = field("no MD5 sum")?;
        let mut sum = [0; 16];
        // A container that is not signed may hold any text here; its sum is then never asked for.
        if hex::decode_into(digits, &mut sum).is_none() {
            sum = [0; 16];
        }
        let signature = field("no digital signature")?;
        Ok(Self { version, sum, signature })
    }

    /// Whether the sum is that of `rest`.
    pub(super) fn sum_fits(&self, rest: &[u8]) -> bool {
        let sum: [u8; 16] = Md5::digest(rest).into();
        sum == self.sum
    }
}
