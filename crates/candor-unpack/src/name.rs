//! Names of members, which come in any encoding and in none.

use std::collections::BTreeSet;

/// Bytes of names behind which no more are put in front, and folders in one another: a way may be walked for each of ten
/// thousand files.
const PATH: usize = 4096;
const FOLDERS: usize = 256;

/// The path to what has this `number`: the names that `above` knows, as far as the root, with `last` behind them. Of a way in a
/// circle, and of one that is too long, it is the end.
pub(crate) fn path_from<'n>(
    root: u64,
    mut number: u64,
    last: Option<&'n str>,
    above: impl Fn(u64) -> Option<(u64, &'n str)>,
) -> String {
    let mut parts: Vec<&str> = last.into_iter().collect();
    let mut length = last.map_or(0, str::len);
    let mut seen = BTreeSet::new();
    while number != root && seen.len() < FOLDERS && seen.insert(number) && length < PATH {
        let Some((parent, name)) = above(number) else { break };
        length = length.saturating_add(name.len()).saturating_add(1);
        parts.push(name);
        number = parent;
    }
    parts.reverse();
    parts.join("/")
}

/// `bytes` as text: UTF-8 if they are, else one character a byte, so that different names stay different.
pub(crate) fn decoded(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().copied().map(char::from).collect(),
    }
}
