//! Testing the positions of a block against a filter.
//!
//! Two forms of each test, chosen when the program runs: plain, and AVX2 for the arithmetic with plain
//! loads of the filter's words. They pass the same positions in the same order. Gathering the words with
//! one vector instruction, in 256 or 512 bits, was measured too and is slower than eight loads where
//! gathers are microcode. `unsafe` are vector loads from bytes that are there.

use super::groups::{GROUPS, admits};
use super::layout::{
    FILTER_POWERS, FOLD_MASK, PAIR_WORDS, filter_bits, filter_word, long_bits, long_digest, low_digest,
    pair_word, third_bit,
};
use super::nibbles::{NIBBLES, groups};
use crate::content::anchor::Tier;
use crate::content::frequency::fold;

/// A filter of as many 32-bit words as one of [`FILTER_POWERS`] says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Filter<'a> {
    words: &'a [[u8; 4]],
}

impl<'a> Filter<'a> {
    /// The filter in `bytes`, unless its length is not what a filter's can be.
    pub(crate) fn new(bytes: &'a [u8]) -> Option<Self> {
        let (words, rest) = bytes.as_chunks::<4>();
        (rest.is_empty() && FILTER_POWERS.iter().any(|power| words.len() == 1 << power))
            .then_some(Self { words })
    }

    /// Its words.
    pub(super) const fn words(&self) -> &'a [[u8; 4]] {
        self.words
    }

    /// Its words, when there are as many.
    fn sized<const WORDS: usize>(&self) -> Option<&'a [[u8; 4]; WORDS]> {
        self.words.try_into().ok()
    }
}

/// The test for runs of two and three bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pairs<'a> {
    words: &'a [[u8; 4]; PAIR_WORDS],
    /// A coarse test before, where runs are few enough for it to turn most positions down.
    nibbles: Option<&'a [u8; NIBBLES]>,
    /// Another one, for some more.
    groups: Option<&'a [u8; GROUPS]>,
}

impl<'a> Pairs<'a> {
    /// The test, unless its length is not what it must be.
    pub(crate) fn new(words: &'a [u8], before: &'a [u8]) -> Option<Self> {
        let words = words.as_chunks::<4>().0.try_into().ok()?;
        // Their lengths tell them apart.
        Some(Self { words, nibbles: before.try_into().ok(), groups: before.try_into().ok() })
    }

    /// The coarse test before, if there is one.
    pub(super) const fn nibbles(&self) -> Option<&'a [u8; NIBBLES]> {
        self.nibbles
    }

    /// Whether the coarse test lets the start of `rest` through, where there is one.
    fn admits(&self, rest: &[u8]) -> bool {
        self.nibbles.is_none_or(|nibbles| groups(nibbles, rest) != 0)
            && self.groups.is_none_or(|tables| admits(tables, rest))
    }

    /// Whether a run of two bytes may be at the start of `rest`.
    pub(super) fn passes_short(&self, rest: &[u8]) -> bool {
        let Some([first, second]) = rest.first_chunk::<2>() else { return false };
        let pair = u32::from(u16::from_le_bytes([fold(*first), fold(*second)]));
        // Whatever stands behind it.
        self.words.get(pair_word(pair)) == Some(&[0xff; 4])
    }

    /// Whether a run may begin with the bytes at the start of `rest`.
    #[inline(always)]
    pub(super) fn passes(&self, rest: &[u8]) -> bool {
        let Some([first, second]) = rest.first_chunk::<2>() else { return false };
        let pair = u32::from(u16::from_le_bytes([fold(*first), fold(*second)]));
        let word = u32::from_le_bytes(self.words.get(pair_word(pair)).copied().unwrap_or_default());
        match rest.get(2) {
            Some(third) => word & third_bit(u32::from(fold(*third))) != 0,
            None => word != 0,
        }
    }
}

/// Appends to `passed` every position from `from` to before `to` of `input` whose bytes pass
/// `filter`, ascending. Only multiples of the stride of `tier`, which is [`Tier::Long`] or
/// [`Tier::Medium`], are tested, and `from` is one. Positions whose bytes reach over the end of `input`
/// never pass.
pub(crate) fn passing(
    filter: Filter<'_>,
    tier: Tier,
    input: &[u8],
    from: usize,
    to: usize,
    passed: &mut Vec<usize>,
) {
    #[cfg(target_arch = "x86_64")]
    let from = vector::run(filter, tier, input, from, to, passed);
    plain(filter, tier, input, from, to, passed);
}

/// The form for every processor, and for the last few positions.
pub(crate) fn plain(
    filter: Filter<'_>,
    tier: Tier,
    input: &[u8],
    from: usize,
    to: usize,
    passed: &mut Vec<usize>,
) {
    let folded = |bytes: &[u8; 4]| u32::from_le_bytes(*bytes) | FOLD_MASK;
    for at in (from..to.min(input.len())).step_by(tier.stride()) {
        let Some(low) = input.get(at..).and_then(<[u8]>::first_chunk::<4>) else { return };
        let low = low_digest(folded(low));
        let (digest, bits) = if tier == Tier::Long {
            let high = input.get(at.saturating_add(4)..).and_then(<[u8]>::first_chunk::<4>);
            let Some(high) = high else { return };
            let digest = long_digest(low, folded(high));
            (digest, long_bits(digest))
        } else {
            (low, filter_bits(low))
        };
        let word = filter.words.get(filter_word(digest, filter.words.len())).copied().unwrap_or_default();
        if u32::from_le_bytes(word) & bits == bits {
            passed.push(at);
        }
    }
}

/// Appends to `passed` every position from `from` to before `to` of `input` where a run of two or
/// three bytes may stand, ascending.
pub(crate) fn pairs_passing(pairs: Pairs<'_>, input: &[u8], from: usize, to: usize, passed: &mut Vec<usize>) {
    #[cfg(target_arch = "x86_64")]
    let from = pairs.groups.map_or(from, |tables| super::groups::run(pairs, tables, input, from, to, passed));
    #[cfg(target_arch = "x86_64")]
    let from = vector::run_pairs(pairs, input, from, to, passed);
    pairs_plain(pairs, input, from, to, passed);
}

/// The form for every processor, and for the last few positions.
pub(crate) fn pairs_plain(pairs: Pairs<'_>, input: &[u8], from: usize, to: usize, passed: &mut Vec<usize>) {
    for at in from..to.min(input.len()) {
        let Some(rest) = input.get(at..) else { return };
        if pairs.passes(rest) && pairs.admits(rest) {
            passed.push(at);
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod vector {
    //! Eight positions of a filter at a time, 32 of the pairs.

    use std::arch::x86_64::{
        __m256i, _mm_cvtsi32_si128, _mm_loadu_si128, _mm256_add_epi32, _mm256_and_si256,
        _mm256_broadcastsi128_si256, _mm256_castsi256_ps, _mm256_cmpeq_epi8, _mm256_extract_epi64,
        _mm256_loadu_si256, _mm256_movemask_epi8, _mm256_movemask_ps, _mm256_mullo_epi32, _mm256_or_si256,
        _mm256_permute4x64_epi64, _mm256_set1_epi8, _mm256_set1_epi32, _mm256_setr_epi8, _mm256_setr_epi32,
        _mm256_setzero_si256, _mm256_shuffle_epi8, _mm256_slli_epi32, _mm256_srl_epi32, _mm256_srli_epi16,
        _mm256_srli_epi32, _mm256_srlv_epi32, _mm256_xor_si256,
    };

    use super::super::layout::{FOLD_MASK, HIGH_FACTOR, LOW_FACTOR, PAIR_SHIFT};
    use super::super::nibbles::NIBBLES;
    use super::{Filter, Pairs};
    use crate::content::anchor::Tier;

    /// The words at eight indexes. Indexes count modulo the number of words, a power of two that is
    /// known when this is compiled: so no bounds are checked.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn gather<const WORDS: usize>(words: &[[u8; 4]; WORDS], indexes: __m256i) -> __m256i {
        // No closures and iterators here: they would not be compiled for AVX2.
        let a = _mm256_extract_epi64::<0>(indexes).cast_unsigned();
        let b = _mm256_extract_epi64::<1>(indexes).cast_unsigned();
        let c = _mm256_extract_epi64::<2>(indexes).cast_unsigned();
        let d = _mm256_extract_epi64::<3>(indexes).cast_unsigned();
        _mm256_setr_epi32(
            word(words, a),
            word(words, a >> 32),
            word(words, b),
            word(words, b >> 32),
            word(words, c),
            word(words, c >> 32),
            word(words, d),
            word(words, d >> 32),
        )
    }

    #[inline(always)]
    #[expect(
        clippy::indexing_slicing,
        clippy::cast_possible_truncation,
        reason = "the index is masked to what there is; the upper half belongs to the next lane"
    )]
    const fn word<const WORDS: usize>(words: &[[u8; 4]; WORDS], index: u64) -> i32 {
        i32::from_le_bytes(words[index as usize & (WORDS.wrapping_sub(1))])
    }

    /// Tests as many positions as there are vectors for, and returns the first one not tested.
    #[expect(unsafe_code, reason = "vector kernel, chosen at run time")]
    pub(super) fn run(
        filter: Filter<'_>,
        tier: Tier,
        input: &[u8],
        from: usize,
        to: usize,
        passed: &mut Vec<usize>,
    ) -> usize {
        if !std::arch::is_x86_feature_detected!("avx2") {
            return from;
        }
        macro_rules! sized {
            ($($power:literal)*) => {
                match filter.words.len() {
                    $(size if size == 1 << $power => {
                        let Some(words) = filter.sized::<{ 1 << $power }>() else { return from };
                        match tier {
                            // SAFETY: the processor has AVX2.
                            Tier::Long => unsafe { long(words, input, from, to, passed) },
                            // SAFETY: the processor has AVX2.
                            Tier::Medium => unsafe { medium(words, input, from, to, passed) },
                            Tier::Triple | Tier::Short => from,
                        }
                    })*
                    _ => from,
                }
            };
        }
        sized!(10 11 12 13 14 15 16 17 18)
    }

    /// The same for the pairs.
    #[expect(unsafe_code, reason = "vector kernel, chosen at run time")]
    pub(super) fn run_pairs(
        pairs: Pairs<'_>,
        input: &[u8],
        from: usize,
        to: usize,
        passed: &mut Vec<usize>,
    ) -> usize {
        if !std::arch::is_x86_feature_detected!("avx2") {
            return from;
        }
        match pairs.nibbles {
            // SAFETY: the processor has AVX2.
            Some(nibbles) => unsafe { few(pairs, nibbles, input, from, to, passed) },
            // SAFETY: the processor has AVX2.
            None => unsafe { many(pairs, input, from, to, passed) },
        }
    }

    /// Thirty-two bytes of `input` from `at`, if they are there.
    #[inline]
    #[target_feature(enable = "avx2")]
    #[expect(unsafe_code, reason = "an unaligned vector load")]
    fn load(input: &[u8], at: usize) -> Option<__m256i> {
        let here = input.get(at..)?.first_chunk::<32>()?;
        // SAFETY: the pointer is to 32 bytes, and the load needs no alignment.
        Some(unsafe { _mm256_loadu_si256(here.as_ptr().cast()) })
    }

    /// Runs of eight bytes at every fourth position: the lanes are the words as they stand.
    #[target_feature(enable = "avx2")]
    #[expect(clippy::arithmetic_side_effects, reason = "positions stay below the length of the input")]
    fn long<const WORDS: usize>(
        filter: &[[u8; 4]; WORDS],
        input: &[u8],
        from: usize,
        to: usize,
        passed: &mut Vec<usize>,
    ) -> usize {
        let fold = _mm256_set1_epi32(FOLD_MASK.cast_signed());
        let low_factor = _mm256_set1_epi32(LOW_FACTOR.cast_signed());
        let high_factor = _mm256_set1_epi32(HIGH_FACTOR.cast_signed());
        let mut at = from;
        while at + 32 <= to {
            let (Some(low), Some(high)) = (load(input, at), load(input, at + 4)) else { break };
            let low = _mm256_mullo_epi32(_mm256_or_si256(low, fold), low_factor);
            let low = _mm256_xor_si256(low, _mm256_srli_epi32::<15>(low));
            let high = _mm256_mullo_epi32(_mm256_or_si256(high, fold), high_factor);
            let sum = _mm256_add_epi32(low, high);
            let digest = _mm256_xor_si256(sum, _mm256_srli_epi32::<15>(sum));
            let mut mask = tested::<3, WORDS>(filter, digest);
            while mask != 0 {
                passed.push(at + 4 * mask.trailing_zeros() as usize);
                mask &= mask - 1;
            }
            at += 32;
        }
        at
    }

    /// Runs of four bytes at every second position: the words as they stand, and those between them.
    #[target_feature(enable = "avx2")]
    #[expect(clippy::arithmetic_side_effects, reason = "positions stay below the length of the input")]
    fn medium<const WORDS: usize>(
        filter: &[[u8; 4]; WORDS],
        input: &[u8],
        from: usize,
        to: usize,
        passed: &mut Vec<usize>,
    ) -> usize {
        let mut at = from;
        while at + 32 <= to {
            let (Some(even), Some(odd)) = (load(input, at), load(input, at + 2)) else { break };
            let even = tested::<2, WORDS>(filter, low_digest(even));
            let odd = tested::<2, WORDS>(filter, low_digest(odd));
            let mut mask = apart(even) | apart(odd) << 1;
            while mask != 0 {
                passed.push(at + 2 * mask.trailing_zeros() as usize);
                mask &= mask - 1;
            }
            at += 32;
        }
        at
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn low_digest(low: __m256i) -> __m256i {
        let folded = _mm256_or_si256(low, _mm256_set1_epi32(FOLD_MASK.cast_signed()));
        let product = _mm256_mullo_epi32(folded, _mm256_set1_epi32(LOW_FACTOR.cast_signed()));
        _mm256_xor_si256(product, _mm256_srli_epi32::<15>(product))
    }

    /// Eight bits with a zero before each but the lowest.
    const fn apart(bits: u32) -> u32 {
        let bits = (bits | bits << 4) & 0x0f0f;
        let bits = (bits | bits << 2) & 0x3333;
        (bits | bits << 1) & 0x5555
    }

    /// Which lanes of `digest` pass, with so many bits of each.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn tested<const BITS: u8, const WORDS: usize>(filter: &[[u8; 4]; WORDS], digest: __m256i) -> u32 {
        // The upper bits number the word.
        let shift = _mm_cvtsi32_si128(32_i32.wrapping_sub(WORDS.trailing_zeros().cast_signed()));
        let word = gather(filter, _mm256_srl_epi32(digest, shift));
        let five_bits = _mm256_set1_epi32(31);
        let first = _mm256_srlv_epi32(word, _mm256_and_si256(digest, five_bits));
        let second = _mm256_srlv_epi32(word, _mm256_and_si256(_mm256_srli_epi32::<5>(digest), five_bits));
        let mut all = _mm256_and_si256(first, second);
        if BITS == 3 {
            let third = _mm256_and_si256(_mm256_srli_epi32::<10>(digest), five_bits);
            all = _mm256_and_si256(all, _mm256_srlv_epi32(word, third));
        }
        _mm256_movemask_ps(_mm256_castsi256_ps(_mm256_slli_epi32::<31>(all))).cast_unsigned()
    }

    /// Many runs of two and three bytes, at every position.
    #[target_feature(enable = "avx2")]
    #[expect(clippy::arithmetic_side_effects, reason = "positions stay below the length of the input")]
    fn many(pairs: Pairs<'_>, input: &[u8], from: usize, to: usize, passed: &mut Vec<usize>) -> usize {
        let mut at = from;
        while at + 8 <= to {
            let Some(bytes) = load(input, at) else { break };
            let eight = _mm256_permute4x64_epi64::<0b01_00_01_00>(bytes);
            let mut mask = pairs_tested(pairs, eight);
            while mask != 0 {
                let place = at + mask.trailing_zeros() as usize;
                if input.get(place..).is_some_and(|rest| pairs.admits(rest)) {
                    passed.push(place);
                }
                mask &= mask - 1;
            }
            at += 8;
        }
        at
    }

    /// Which of the first eight positions pass; `bytes` holds the first sixteen bytes twice.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn pairs_tested(pairs: Pairs<'_>, bytes: __m256i) -> u32 {
        // Three bytes from each position into a lane of its own.
        let spread = _mm256_setr_epi8(
            0, 1, 2, -1, 1, 2, 3, -1, 2, 3, 4, -1, 3, 4, 5, -1, 4, 5, 6, -1, 5, 6, 7, -1, 6, 7, 8, -1, 7, 8,
            9, -1,
        );
        let folded = _mm256_or_si256(bytes, _mm256_set1_epi32(FOLD_MASK.cast_signed()));
        let triple = _mm256_shuffle_epi8(folded, spread);
        let pair = _mm256_and_si256(triple, _mm256_set1_epi32(0xffff));
        let index = _mm256_srli_epi32::<{ PAIR_SHIFT.cast_signed() }>(_mm256_mullo_epi32(
            pair,
            _mm256_set1_epi32(LOW_FACTOR.cast_signed()),
        ));
        let third = _mm256_srli_epi32::<16>(triple);
        let third = _mm256_xor_si256(third, _mm256_srli_epi32::<5>(third));
        // A shift by more than 31 would give zero.
        let bits =
            _mm256_srlv_epi32(gather(pairs.words, index), _mm256_and_si256(third, _mm256_set1_epi32(31)));
        _mm256_movemask_ps(_mm256_castsi256_ps(_mm256_slli_epi32::<31>(bits))).cast_unsigned()
    }

    /// A few runs of two and three bytes, at every position.
    #[target_feature(enable = "avx2")]
    #[expect(clippy::arithmetic_side_effects, reason = "positions stay below the length of the input")]
    fn few(
        pairs: Pairs<'_>,
        nibbles: &[u8; NIBBLES],
        input: &[u8],
        from: usize,
        to: usize,
        passed: &mut Vec<usize>,
    ) -> usize {
        let tables = tables(nibbles);
        let mut at = from;
        while at + 32 <= to {
            let bytes = (load(input, at), load(input, at + 1), load(input, at + 2));
            let (Some(first), Some(second), Some(third)) = bytes else { break };
            let first = halves(first, tables[0], tables[1]);
            let second = halves(second, tables[2], tables[3]);
            let third = halves(third, tables[4], tables[5]);
            let groups = _mm256_and_si256(_mm256_and_si256(first, second), third);
            let none = _mm256_cmpeq_epi8(groups, _mm256_setzero_si256());
            let mut mask = !_mm256_movemask_epi8(none).cast_unsigned();
            while mask != 0 {
                let place = at + mask.trailing_zeros() as usize;
                if input.get(place..).is_some_and(|rest| pairs.passes(rest)) {
                    passed.push(place);
                }
                mask &= mask - 1;
            }
            at += 32;
        }
        at
    }

    /// The groups that the bytes may belong to, by both their halves.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn halves(bytes: __m256i, low: __m256i, high: __m256i) -> __m256i {
        let half = _mm256_set1_epi8(15);
        let low = _mm256_shuffle_epi8(low, _mm256_and_si256(bytes, half));
        let high = _mm256_shuffle_epi8(high, _mm256_and_si256(_mm256_srli_epi16::<4>(bytes), half));
        _mm256_and_si256(low, high)
    }

    /// The tables, each in both halves of a vector.
    #[target_feature(enable = "avx2")]
    #[expect(unsafe_code, reason = "an unaligned vector load")]
    fn tables(nibbles: &[u8; NIBBLES]) -> [__m256i; 6] {
        let mut tables = [_mm256_setzero_si256(); 6];
        for (table, bytes) in tables.iter_mut().zip(nibbles.as_chunks::<16>().0) {
            // SAFETY: the pointer is to sixteen bytes, and the load needs no alignment.
            *table = _mm256_broadcastsi128_si256(unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) });
        }
        tables
    }
}
