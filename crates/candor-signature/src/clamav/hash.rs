//! Digest signatures: `hdb hsb hdu hsu`, `fp sfp`, `mdb msb mdu msu`, `imp`.
//!
//! The kind of digest is told by its length alone, whatever the extension says. Most of all
//! signatures are of this kind, millions of them, so nothing here allocates.

use candor_database::ir::{Hash, HashSubject, Signature};
use candor_model::{Digest, DigestKind};

use super::hex;
use super::level;
use super::text::{Fault, Text};
use super::{Line, Parsed};

/// Below this level an engine does not know signatures for any size, so they must ask for it.
const ANY_SIZE_LEVEL: u32 = 73;
/// Sizes from here on are not sizes: ClamAV's marker for "any".
const SIZE_LIMIT: u64 = 0xffff_ffff;

/// `Hash:Size:Name[:MinFL[:MaxFL]]`, for PE sections `Size:Hash:Name[…]`.
pub(crate) fn parse<'a>(line: Line<'a>, subject: HashSubject) -> Result<Parsed<'a>, Fault> {
    let text = line.text;
    let mut fields = text.split(b':');
    let first = fields.field(text, "the hash")?;
    let second = fields.field(text, "the size")?;
    let (hash, size) = if subject == HashSubject::Section { (second, first) } else { (first, second) };
    let name = fields.field(text, "the name")?;
    let levels = level::parse(&mut fields)?;
    let size = parse_size(size)?;
    if size.is_none() && subject != HashSubject::Imports && levels.min < ANY_SIZE_LEVEL {
        return Err(first.fault(format!(
            "a hash for any size must name a lowest functionality level of at least {ANY_SIZE_LEVEL}"
        )));
    }
    if !levels.contains(line.level) {
        return Ok(Parsed::OtherLevel);
    }
    let digest = parse_digest(hash)?;
    Ok(Parsed::Signature { name, signature: Signature::Hash(Hash { subject, digest, size }) })
}

fn parse_size(text: Text<'_>) -> Result<Option<u64>, Fault> {
    if text.bytes() == b"*" {
        return Ok(None);
    }
    let size = text.trim().number("the size")?;
    if size == 0 || size >= SIZE_LIMIT {
        return Err(text.fault("the size must be from 1 to 4294967294"));
    }
    Ok(Some(size))
}

fn parse_digest(text: Text<'_>) -> Result<Digest, Fault> {
    let mut bytes = [0_u8; 32];
    let kind = DigestKind::from_length(text.len() / 2).filter(|_| text.len().is_multiple_of(2));
    let Some(held) = kind.and_then(|kind| bytes.get_mut(..kind.length())) else {
        return Err(text.fault(format!(
            "a hash has 32, 40 or 64 hexadecimal digits, not {}: {}",
            text.len(),
            text.quoted()
        )));
    };
    hex::decode_into(text.bytes(), held).ok_or_else(|| {
        let odd = text.bytes().iter().position(|byte| hex::digit(*byte).is_none()).unwrap_or_default();
        text.fault_at(odd, "not a hexadecimal digit")
    })?;
    Digest::new(held).ok_or_else(|| text.fault("not a hash"))
}
