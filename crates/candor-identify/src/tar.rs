//! Tar headers: the one format that puts a name at offset 0.

/// Length of a header block in bytes.
const BLOCK: usize = 512;
/// Where the checksum field stands.
const CHECKSUM: std::ops::Range<usize> = 148..156;

/// Whether the POSIX or GNU magic stands where it should.
pub(crate) fn has_magic(prefix: &[u8]) -> bool {
    prefix.get(257..262) == Some(b"ustar")
}

/// Whether the checksum of the first header holds: the sum of its bytes with blanks in the field itself,
/// written in octal. Some old programs added the bytes up as signed ones.
pub(crate) fn has_valid_checksum(prefix: &[u8]) -> bool {
    let (Some(header), Some(field)) = (prefix.get(..BLOCK), prefix.get(CHECKSUM)) else { return false };
    let Some(claimed) = octal(field) else { return false };
    let sum = |bytes: &[u8]| bytes.iter().fold(0_u32, |sum, &byte| sum.wrapping_add(u32::from(byte)));
    let high =
        |bytes: &[u8]| bytes.iter().fold(0_u32, |count, &byte| count.wrapping_add(u32::from(byte >> 7)));
    let unsigned = sum(header).wrapping_sub(sum(field)).wrapping_add(8 * 32);
    let signed = unsigned.wrapping_sub(high(header).wrapping_sub(high(field)).wrapping_mul(256));
    // A block of zeros ends an archive; it does not begin one.
    claimed != 8 * 32 && (claimed == unsigned || claimed == signed)
}

fn octal(field: &[u8]) -> Option<u32> {
    let digits = field.trim_ascii_start();
    let end = digits.iter().position(|byte| !matches!(byte, b'0'..=b'7')).unwrap_or(digits.len());
    let (digits, rest) = digits.split_at_checked(end)?;
    let is_ended = rest.first().is_none_or(|&byte| byte == 0 || byte == b' ');
    if digits.is_empty() || !is_ended {
        return None;
    }
    digits.iter().try_fold(0_u32, |value, &digit| {
        value.checked_mul(8)?.checked_add(u32::from(digit).checked_sub(u32::from(b'0'))?)
    })
}
