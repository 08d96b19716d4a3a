//! How common bytes are in ordinary files: what makes one window of a pattern a better anchor than
//! another.
//!
//! The tables were counted over ordinary programs, libraries, scripts and documents, that of runs of four bytes by
//! `cargo xtask bench frequencies`. They only decide how fast a search is, never what it finds.

/// Bytes in a window of the main tier.
pub(crate) const WINDOW: usize = 8;

/// What the index takes for equal: it clears the difference between upper and lower case by setting
/// one bit of every byte, so that patterns with and without case share one index.
pub(crate) const fn fold(byte: u8) -> u8 {
    byte | 0x20
}

/// Folded byte as a number below 128.
pub(crate) const fn dense(byte: u8) -> usize {
    ((byte >> 6 << 5) | (byte & 0x1f)) as usize
}

/// Costs in eighths of a bit: entry `128 * a + b` is how surprising `b` is behind `a`; the 128
/// entries behind those are how surprising a byte is by itself.
static PAIRS: &[u8] = include_bytes!("../../data/pairs.bin");

/// Digests of the windows that occur in most files, ascending, each a little-endian `u32` followed
/// by one byte: how rare it is in eighths of a bit, as a window of one position of one file.
static COMMON: &[u8] = include_bytes!("../../data/common.bin");

/// The same for runs of four bytes, by themselves instead of by their digest.
static QUADS: &[u8] = include_bytes!("../../data/quads.bin");

const COMMON_ENTRY: usize = 5;

/// How surprising `window` is in ordinary files, in eighths of a bit: the higher, the rarer.
pub(crate) fn surprise(window: &[u8]) -> u32 {
    let mut sum = 0_u32;
    let mut previous: Option<usize> = None;
    for byte in window {
        let here = dense(*byte);
        let index = match previous {
            None => (128 << 7) | here,
            Some(before) => before << 7 | here,
        };
        sum = sum.saturating_add(PAIRS.get(index).copied().map_or(64, u32::from));
        previous = Some(here);
    }
    let known = if let Ok(window) = window.try_into() {
        common(COMMON, window_digest(window))
    } else if let Ok(quad) = <&[u8; 4]>::try_from(window) {
        common(QUADS, u32::from_le_bytes(quad.map(fold)))
    } else {
        None
    };
    let sum = known.map_or(sum, |known| sum.min(known));
    if is_sequence(window) { sum.min(SEQUENCE) } else { sum }
}

/// How rare bytes that count upwards are: most programs have a few tables of letters, of digits or of all bytes.
const SEQUENCE: u32 = 136;

/// Whether the bytes of a window count upwards, but for one step of a long one.
fn is_sequence(window: &[u8]) -> bool {
    let steps = window.windows(2).filter(|two| match two {
        [before, behind] => fold(before.wrapping_add(1)) == fold(*behind),
        _ => false,
    });
    let odd = window.len().saturating_sub(steps.count()).saturating_sub(1);
    window.len() >= 4 && odd <= window.len() / WINDOW
}

/// What [`fold`] sets in each of the bytes of a window.
pub(crate) const FOLD_WINDOW: u64 = 0x2020_2020_2020_2020;

/// The digest of up to eight folded bytes, the first of which is the lowest.
pub(crate) const fn digest(folded: u64) -> u32 {
    (folded.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as u32
}

/// The digest that the table of common windows is sorted by.
pub(crate) fn window_digest(window: &[u8; WINDOW]) -> u32 {
    digest(u64::from_le_bytes(*window) | FOLD_WINDOW)
}

/// How rare a window is that `table` lists, by its key there.
fn common(table: &[u8], sought: u32) -> Option<u32> {
    let entry = |index: usize| {
        let start = index.checked_mul(COMMON_ENTRY)?;
        let bytes = table.get(start..start.checked_add(COMMON_ENTRY)?)?;
        let (key, cost) = bytes.split_first_chunk::<4>()?;
        Some((u32::from_le_bytes(*key), u32::from(*cost.first()?)))
    };
    let (mut low, mut high) = (0, table.len() / COMMON_ENTRY);
    while low < high {
        let middle = low.midpoint(high);
        let (key, cost) = entry(middle)?;
        match key.cmp(&sought) {
            std::cmp::Ordering::Equal => return Some(cost),
            std::cmp::Ordering::Less => low = middle.saturating_add(1),
            std::cmp::Ordering::Greater => high = middle,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::surprise;

    #[test]
    fn a_run_of_four_that_is_common_in_programs_is_less_rare_than_its_pairs_say() {
        // The end of a function, `pop r12; pop r13`, and the same bytes in another order.
        let common = surprise(b"\x41\x5c\x41\x5d");
        assert!(common < 112, "{common}");
        assert!(surprise(b"\x5c\x5d\x41\x41") > common);
    }

    #[test]
    fn an_alphabet_is_not_rare() {
        for window in [&b"IJKLMNOP"[..], b"\x5c\x5d\x5e\x5f\x60\x61\x62\x63", b"cdef"] {
            assert!(surprise(window) <= 136, "{window:?}");
        }
        assert!(surprise(b"KJLINMPO") > 200);
    }

    #[test]
    fn both_cases_are_as_common() {
        assert_eq!(surprise(b"type"), surprise(b"TYPE"));
        assert_eq!(surprise(b"function"), surprise(b"FUNCTION"));
    }
}
