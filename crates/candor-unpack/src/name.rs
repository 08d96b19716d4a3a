//! Names of members, which come in any encoding and in none.

/// `bytes` as text: UTF-8 if they are, else one character a byte, so that different names stay different.
pub(crate) fn decoded(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().copied().map(char::from).collect(),
    }
}
