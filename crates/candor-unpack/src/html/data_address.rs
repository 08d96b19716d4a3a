//! What stands behind `data:` in an address (RFC 2397): a type, perhaps `;base64`, a comma, the content.

/// The type and the content; `None` without a comma.
pub(super) fn decoded(address: &[u8]) -> Option<(String, Vec<u8>)> {
    let comma = memchr::memchr(b',', address)?;
    let (head, content) = address.split_at_checked(comma)?;
    let content = content.get(1..).unwrap_or_default();
    let mut parameters = head.split(|&byte| byte == b';');
    let kind = crate::name::decoded(parameters.next().unwrap_or_default().trim_ascii());
    let is_base64 = parameters.any(|parameter| parameter.trim_ascii().eq_ignore_ascii_case(b"base64"));
    let plain = without_percents(content);
    Some((kind, if is_base64 { from_base64(&plain) } else { plain }))
}

/// Resolves `%41`.
fn without_percents(mut text: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(text.len());
    while let Some((&byte, rest)) = text.split_first() {
        let digits = rest.first_chunk().and_then(|&[high, low]| Some((digit(high)?, digit(low)?)));
        match digits {
            Some((high, low)) if byte == b'%' => {
                plain.push(high << 4 | low);
                text = rest.get(2..).unwrap_or_default();
            }
            _ => {
                plain.push(byte);
                text = rest;
            }
        }
    }
    plain
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

/// Decodes either alphabet; what belongs to neither is passed over, as mail readers and browsers do.
fn from_base64(text: &[u8]) -> Vec<u8> {
    let mut content = Vec::with_capacity(text.len());
    let (mut bits, mut count) = (0_u32, 0_u32);
    for &byte in text {
        let value = match byte {
            b'A'..=b'Z' => byte.wrapping_sub(b'A'),
            b'a'..=b'z' => byte.wrapping_sub(b'a').wrapping_add(26),
            b'0'..=b'9' => byte.wrapping_sub(b'0').wrapping_add(52),
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            b'=' => break,
            _ => continue,
        };
        bits = bits << 6 | u32::from(value);
        count = count.wrapping_add(6);
        if count >= 8 {
            count = count.wrapping_sub(8);
            content.push(u8::try_from(bits.wrapping_shr(count) & 0xff).unwrap_or(0));
        }
    }
    content
}
