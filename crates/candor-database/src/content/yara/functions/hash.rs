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
        "crc32" => Some(Value::Integer(i64::from(crc32(bytes)))),
        _ => None,
    })
}

/// The checksum of ZIP and PNG.
fn crc32(bytes: &[u8]) -> u32 {
    static TABLE: [u32; 256] = table();
    let step = |sum: u32, byte: &u8| {
        let place = (sum ^ u32::from(*byte)) & 0xff;
        (sum >> 8) ^ TABLE.get(place as usize).copied().unwrap_or(0)
    };
    !bytes.iter().fold(u32::MAX, step)
}

#[expect(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "evaluated when this is compiled"
)]
const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut byte = 0_u32;
    while byte < 256 {
        let mut sum = byte;
        let mut bit = 0;
        while bit < 8 {
            sum = if sum & 1 == 1 { (sum >> 1) ^ 0xedb8_8320 } else { sum >> 1 };
            bit += 1;
        }
        table[byte as usize] = sum;
        byte += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_checksum_is_the_known_one() {
        assert_eq!(super::crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(super::crc32(b""), 0);
    }
}
