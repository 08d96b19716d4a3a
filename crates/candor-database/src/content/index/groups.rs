//! A test for hundreds of runs of two and three bytes: sixteen groups of runs, and for each byte of a run which groups
//! have it there.
//!
//! As [`super::nibbles`], but by whole folded bytes: there are 128 of them, and a table of as many entries is what one
//! instruction looks 64 bytes up in, on processors that have AVX-512 VBMI. A group passes every mix of its bytes, so
//! runs are put together such that the mixes are rare. The bitmap of pairs decides on what passes.

use super::kernel::Pairs;
use crate::content::frequency::{dense, surprise};

/// Six tables of 128 bytes: the first eight groups and the others, for the first, second and third byte.
pub(crate) const GROUPS: usize = 6 * BYTES;
/// Runs that groups are laid out for at most: beyond, nearly everything would pass.
pub(crate) const MAX_GROUP_RUNS: usize = 1024;
/// Folded bytes that there are.
const BYTES: usize = 128;
/// How many groups.
const COUNT: usize = 16;

/// Lays the tables out for `runs`: folded bytes as numbers, and how many of them count (2 or 3).
pub(crate) fn lay_out(runs: &[(u64, usize)]) -> Vec<u8> {
    let likely = Likelihoods::new();
    let mut runs: Vec<Run> = runs.iter().map(|(run, width)| Run::new(*run, *width)).collect();
    // The commonest first: they choose with whom they are mixed.
    runs.sort_unstable();
    runs.sort_by_cached_key(|run| std::cmp::Reverse(Group::default().with(run).cost(&likely)));
    let mut groups: [(Group, u64); COUNT] = Default::default();
    for run in runs {
        let costs = groups.iter().map(|(group, cost)| {
            let joined = group.with(&run);
            let more = joined.cost(&likely);
            (more.saturating_sub(*cost), joined, more)
        });
        // Of equal ones the first, so that the same runs give the same tables.
        let best = costs.enumerate().min_by_key(|(_, (more, ..))| *more);
        if let Some((number, (_, joined, cost))) = best
            && let Some(group) = groups.get_mut(number)
        {
            *group = (joined, cost);
        }
    }
    let mut tables = vec![0_u8; GROUPS];
    for (number, (group, _)) in groups.iter().enumerate() {
        let bit = 1_u8 << (number % 8);
        for (place, set) in group.sets.iter().enumerate() {
            let table =
                tables.chunks_exact_mut(BYTES).nth(place.saturating_mul(2).saturating_add(number / 8));
            for (byte, entry) in table.into_iter().flatten().enumerate() {
                if set >> byte & 1 == 1 {
                    *entry |= bit;
                }
            }
        }
    }
    tables
}

/// Whether a run may start with `bytes`; what is missing at the end may be anything.
pub(crate) fn admits(tables: &[u8; GROUPS], bytes: &[u8]) -> bool {
    let mut tables = tables.chunks_exact(BYTES);
    let mut groups = u16::MAX;
    for byte in bytes.iter().take(3) {
        let mut eight = || tables.next().and_then(|table| table.get(dense(*byte))).copied().unwrap_or(0);
        groups &= u16::from_le_bytes([eight(), eight()]);
    }
    groups != 0
}

/// Appends every position from `from` on that passes, as far as there are vectors for; returns the first one not tested.
#[cfg(target_arch = "x86_64")]
#[expect(unsafe_code, reason = "vector kernel, chosen at run time")]
pub(super) fn run(
    pairs: Pairs<'_>,
    tables: &[u8; GROUPS],
    input: &[u8],
    from: usize,
    to: usize,
    passed: &mut Vec<usize>,
) -> usize {
    let supported = std::arch::is_x86_feature_detected!("avx512f")
        && std::arch::is_x86_feature_detected!("avx512bw")
        && std::arch::is_x86_feature_detected!("avx512vbmi");
    if !supported {
        return from;
    }
    // SAFETY: the processor has what the function needs.
    unsafe { vector::run(pairs, tables, input, from, to, passed) }
}

#[cfg(target_arch = "x86_64")]
mod vector {
    use std::arch::x86_64::{
        __m512i, _mm512_and_si512, _mm512_or_si512, _mm512_permutex2var_epi8, _mm512_set1_epi8,
        _mm512_setzero_si512, _mm512_srli_epi16, _mm512_ternarylogic_epi32, _mm512_test_epi8_mask,
    };

    use super::super::kernel::Pairs;
    use super::super::vector::{load, load_whole};
    use super::GROUPS;
    use crate::md5::BLOCK;

    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
    #[expect(clippy::arithmetic_side_effects, reason = "positions stay below the length of the input")]
    pub(super) fn run(
        pairs: Pairs<'_>,
        tables: &[u8; GROUPS],
        input: &[u8],
        from: usize,
        to: usize,
        passed: &mut Vec<usize>,
    ) -> usize {
        let mut halves = [_mm512_setzero_si512(); 12];
        for (half, bytes) in halves.iter_mut().zip(tables.as_chunks::<64>().0) {
            *half = load_whole(bytes);
        }
        let mut at = from;
        while at + BLOCK <= to {
            let Some(here) = input.get(at..).and_then(<[u8]>::first_chunk::<{ 2 * BLOCK }>) else { break };
            let (first, second, third) =
                (index(load::<0>(here)), index(load::<1>(here)), index(load::<2>(here)));
            let [a0, a1, b0, b1, c0, c1, d0, d1, e0, e1, f0, f1] = halves;
            let low = _mm512_and_si512(
                _mm512_and_si512(
                    _mm512_permutex2var_epi8(a0, first, a1),
                    _mm512_permutex2var_epi8(c0, second, c1),
                ),
                _mm512_permutex2var_epi8(e0, third, e1),
            );
            let high = _mm512_and_si512(
                _mm512_and_si512(
                    _mm512_permutex2var_epi8(b0, first, b1),
                    _mm512_permutex2var_epi8(d0, second, d1),
                ),
                _mm512_permutex2var_epi8(f0, third, f1),
            );
            let groups = _mm512_or_si512(low, high);
            let mut mask = _mm512_test_epi8_mask(groups, groups);
            while mask != 0 {
                let place = at + mask.trailing_zeros() as usize;
                if input.get(place..).is_some_and(|rest| pairs.passes(rest)) {
                    passed.push(place);
                }
                mask &= mask - 1;
            }
            at += BLOCK;
        }
        at
    }

    /// The numbers of bytes, as [`dense`](crate::content::frequency::dense) says, in the lower seven bits of each.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw")]
    fn index(bytes: __m512i) -> __m512i {
        // Five bits as they stand, two from one place higher.
        let low = _mm512_set1_epi8(0x1f);
        _mm512_ternarylogic_epi32::<0xca>(low, bytes, _mm512_srli_epi16::<1>(bytes))
    }
}

/// Dense bytes of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Run([Option<usize>; 3]);

impl Run {
    fn new(run: u64, width: usize) -> Self {
        let mut places = run.to_le_bytes().into_iter().map(dense);
        Self([0, 1, 2].map(|place| places.next().filter(|_| place < width)))
    }
}

/// Which bytes stand at each place of some run of a group.
#[derive(Clone, Copy, Debug, Default)]
struct Group {
    sets: [u128; 3],
}

impl Group {
    fn with(mut self, run: &Run) -> Self {
        for (set, byte) in self.sets.iter_mut().zip(run.0) {
            *set |= byte.map_or(u128::MAX, |byte| 1 << byte);
        }
        self
    }

    /// How likely it is that a position of an ordinary file passes, in units of [`ONE`].
    fn cost(&self, likely: &Likelihoods) -> u64 {
        let [first, second, third] = self.sets;
        let mut sum = 0_u64;
        for b in members(second) {
            let before = members(first).map(|a| likely.pair(a, b)).fold(0, u64::saturating_add);
            let behind = members(third).map(|c| likely.next(b, c)).fold(0, u64::saturating_add);
            sum = sum.saturating_add(before.saturating_mul(behind.min(ONE)) >> BITS);
        }
        sum
    }
}

/// The members of a set, ascending.
fn members(mut set: u128) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let member = set.trailing_zeros() as usize;
        set &= set.checked_sub(1)?;
        Some(member)
    })
}

/// Bits of a likelihood.
const BITS: u32 = 30;
/// What is certain.
const ONE: u64 = 1 << BITS;

/// How likely bytes are in ordinary files. Whole numbers, so that the same runs give the same tables everywhere.
struct Likelihoods {
    /// Of `b` at a place and of `c` behind it: `128 * b + c`.
    pairs: Vec<u64>,
    /// Of `c` behind `b`.
    next: Vec<u64>,
}

impl Likelihoods {
    fn new() -> Self {
        let mut pairs = Vec::with_capacity(BYTES * BYTES);
        let mut next = Vec::with_capacity(BYTES * BYTES);
        let bytes = (0..=u8::MAX).filter(|byte| byte & 0x20 != 0);
        let mut ordered: Vec<u8> = bytes.collect();
        ordered.sort_by_key(|byte| dense(*byte));
        for before in &ordered {
            let alone = surprise(&[*before]);
            for behind in &ordered {
                let both = surprise(&[*before, *behind]);
                pairs.push(likelihood(both));
                next.push(likelihood(both.saturating_sub(alone)));
            }
        }
        Self { pairs, next }
    }

    fn pair(&self, before: usize, behind: usize) -> u64 {
        self.pairs.get(before << 7 | behind).copied().unwrap_or(0)
    }

    fn next(&self, before: usize, behind: usize) -> u64 {
        self.next.get(before << 7 | behind).copied().unwrap_or(0)
    }
}

/// Two to the power of so many eighths below zero.
fn likelihood(eighths: u32) -> u64 {
    // 2^30 / 2^(n/8), rounded.
    const ROOTS: [u64; 8] = [
        1_073_741_824,
        984_625_594,
        902_905_651,
        827_968_132,
        759_250_125,
        696_235_434,
        638_450_708,
        585_461_881,
    ];
    let root = ROOTS.get((eighths % 8) as usize).copied().unwrap_or(0);
    root.checked_shr(eighths / 8).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::{GROUPS, admits, lay_out};

    #[test]
    fn runs_pass_in_both_cases_and_most_other_bytes_do_not() {
        // Two hundred runs that have nothing in common.
        let run = |number: u64| -> [u8; 3] {
            let [a, b, c, ..] = number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes();
            [a, b, c].map(|byte| byte | 0x20)
        };
        let number = |[a, b, c]: [u8; 3]| u64::from_le_bytes([a, b, c, 0, 0, 0, 0, 0]);
        let runs: Vec<(u64, usize)> = (1..=200).map(|index| (number(run(index)), 3)).collect();
        let tables: [u8; GROUPS] = lay_out(&runs).try_into().unwrap();
        for index in 1..=200 {
            let [a, b, c] = run(index);
            assert!(admits(&tables, &[a, b, c]));
            assert!(admits(&tables, &[a & !0x20, b, c & !0x20, 7]));
            assert!(admits(&tables, &[a, b]), "what is missing may be anything");
        }
        let passing = (1000..3000).filter(|index| admits(&tables, &run(*index))).count();
        assert!(passing < 1000, "{passing} of 2000");
    }

    #[test]
    fn a_run_of_two_bytes_passes_whatever_is_behind() {
        let tables: [u8; GROUPS] = lay_out(&[(u64::from(u16::from_le_bytes(*b"mz")), 2)]).try_into().unwrap();
        assert!((0..=u8::MAX).all(|byte| admits(&tables, &[b'M', b'Z', byte])));
        assert!(!admits(&tables, b"MY1"));
    }
}
