//! A coarse test for runs of two and three bytes: eight groups of runs, and for each byte of a run
//! and each half of it, which groups have that half there.
//!
//! Sixteen entries a table are what one vector instruction looks up, so that all positions of a vector
//! are tested at once. (The method is known as Teddy, from the Hyperscan project.) With a handful of
//! runs it passes little; with hundreds it still turns most positions down, and the bitmap of pairs
//! decides on the rest.

/// Six tables of sixteen bytes: low and high half of the first, second and third byte.
pub(crate) const NIBBLES: usize = 96;

/// Lays the tables out for `runs`: folded bytes as numbers, and how many of them count (2 or 3).
pub(crate) fn lay_out(runs: &[(u64, usize)]) -> Vec<u8> {
    let mut tables = vec![0_u8; NIBBLES];
    let mut sorted = runs.to_vec();
    // Runs that begin alike share a group: a group passes every mix of its bytes.
    sorted.sort_unstable_by_key(|(run, width)| (run.swap_bytes(), *width));
    let each = sorted.len().div_ceil(8).max(1);
    for (index, (run, width)) in sorted.into_iter().enumerate() {
        let group =
            1_u8.checked_shl(u32::try_from(index.checked_div(each).unwrap_or(0)).unwrap_or(0)).unwrap_or(0);
        for (place, tables) in tables.chunks_exact_mut(32).enumerate() {
            let (low, high) = tables.split_at_mut(16);
            let mut admit = |byte: u8| {
                for (table, half) in [(&mut *low, byte & 15), (&mut *high, byte >> 4)] {
                    if let Some(entry) = table.get_mut(usize::from(half)) {
                        *entry |= group;
                    }
                }
            };
            if place < width {
                let byte = run.to_le_bytes().get(place).copied().unwrap_or(0);
                // The folded bit may stand either way.
                admit(byte);
                admit(byte & !0x20);
            } else {
                (0..=u8::MAX).for_each(&mut admit);
            }
        }
    }
    tables
}

/// The groups that a run starting with `bytes` may belong to; what is missing at the end may be anything.
pub(crate) fn groups(tables: &[u8; NIBBLES], bytes: &[u8]) -> u8 {
    tables.chunks_exact(32).zip(bytes).fold(0xff, |groups, (tables, byte)| {
        let (low, high) = tables.split_at(16);
        let low = low.get(usize::from(byte & 15)).copied().unwrap_or(0);
        let high = high.get(usize::from(byte >> 4)).copied().unwrap_or(0);
        groups & low & high
    })
}
