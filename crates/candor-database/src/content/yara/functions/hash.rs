//! `hash`: digests and checksums.

use candor_model::DigestKind;

use super::{Call, Modules, Steps, Undecided, Value, chosen};

pub(super) fn call<'m>(
    call: &Call<'_, 'm, '_>,
    modules: &'m Modules<'_>,
    steps: &mut Steps,
) -> Result<Option<Value<'m>>, Undecided> {
    let Some((bytes, is_whole)) = chosen(call, 0) else { return Ok(None) };
    steps.spend(bytes.len().saturating_add(64))?;
    let length = if is_whole { bytes.len() } else { usize::MAX };
    let digest =
        |kind| modules.digest(kind, bytes, length).map(|digest| Value::text(digest.to_string().into_bytes()));
    Ok(match call.name {
        "md5" => digest(DigestKind::Md5),
        "sha1" => digest(DigestKind::Sha1),
        "sha256" => digest(DigestKind::Sha256),
        "checksum32" => {
            let sum = bytes.iter().fold(0_u32, |sum, byte| sum.wrapping_add(u32::from(*byte)));
            Some(Value::Integer(i64::from(sum)))
        }
        "crc32" => Some(Value::Integer(i64::from(crc32fast::hash(bytes)))),
        _ => None,
    })
}
