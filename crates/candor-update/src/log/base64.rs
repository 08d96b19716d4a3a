//! Standard Base 64 (RFC 4648, section 4) in its one canonical form: with padding, without line breaks, and
//! with nothing in the bits that padding leaves over. Two texts for the same bytes would be two names for
//! the same signature.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The text for some bytes.
#[must_use]
pub fn encode(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let mut word = 0_u32;
        for at in 0..3 {
            word = (word << 8) | u32::from(chunk.get(at).copied().unwrap_or(0));
        }
        for at in 0..4_usize {
            let symbol = ALPHABET.get(((word >> 18) & 63) as usize).copied().unwrap_or(b'=');
            text.push(if at <= chunk.len() { char::from(symbol) } else { '=' });
            word <<= 6;
        }
    }
    text
}

/// The bytes of a text, if it is what [`encode`] would write.
#[must_use]
pub fn decode(text: &str) -> Option<Vec<u8>> {
    let text = text.as_bytes();
    if !text.len().is_multiple_of(4) {
        return None;
    }
    let mut bytes = Vec::with_capacity(text.len());
    let last = text.chunks(4).len().checked_sub(1);
    for (number, chunk) in text.chunks(4).enumerate() {
        let padding = chunk.iter().rev().take_while(|symbol| **symbol == b'=').count();
        if padding > 2 || (padding > 0 && Some(number) != last) {
            return None;
        }
        let mut word = 0_u32;
        for (at, symbol) in chunk.iter().enumerate() {
            let padded = at.checked_add(padding).is_some_and(|end| end >= 4);
            word = (word << 6) | if padded { 0 } else { value(*symbol)? };
        }
        let [_, first, second, third] = word.to_be_bytes();
        let (kept, left_over) = match padding {
            0 => (3, 0),
            1 => (2, third),
            _ => (1, second | third),
        };
        if left_over != 0 {
            return None;
        }
        bytes.extend([first, second, third].iter().take(kept));
    }
    Some(bytes)
}

fn value(symbol: u8) -> Option<u32> {
    let place = ALPHABET.iter().position(|known| *known == symbol)?;
    u32::try_from(place).ok()
}
