//! Testing the positions of a block against a filter.
//!
//! Two forms of each test, chosen when the program runs: plain, and AVX2 for the arithmetic with plain
//! loads of the filter's words. They pass the same positions in the same order. Gathering the words with
//! one vector instruction, in 256 or 512 bits, was measured too and is slower than eight loads where
//! gathers are microcode. `unsafe` are vector loads from bytes that are there.

use super::groups::{GROUPS, admits};
use super::layout::{
    BLANK, FILTER_POWERS, FOLD_MASK, PAIR_WORDS, START_MASK, filter_bits, filter_word, long_bits,
    long_digest, long_word, medium_digest, pair_word, start, third_bit,
};
use super::nibbles::{NIBBLES, groups};
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

/// Words of a filter that passes nothing.
pub(super) static NOTHING: [[u8; 4]; 1 << 10] = [[0; 4]; 1 << 10];

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

/// Every how many positions the filter is asked.
pub(super) const STRIDE: usize = 4;

/// Positions that pass a filter, ascending.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Passed {
    /// As runs of eight bytes.
    pub(super) long: Vec<usize>,
    /// As runs of four.
    pub(super) medium: Vec<usize>,
    /// The same, two positions behind those.
    pub(super) between: Vec<usize>,
}

impl Passed {
    /// Forgets all; the memory stays.
    pub(super) fn clear(&mut self) {
        self.long.clear();
        self.medium.clear();
        self.between.clear();
    }
}

/// Appends to `passed` every position from `from` to before `to` of `input` whose bytes pass
/// `filter`. Only multiples of [`STRIDE`] are tested, and `from` is one; two behind each, whether it passes `between`. What reaches
/// over the end of `input` never passes.
pub(super) fn passing(
    filters: (Option<Filter<'_>>, Option<Filter<'_>>),
    input: &[u8],
    from: usize,
    to: usize,
    passed: &mut Passed,
) {
    #[cfg(target_arch = "x86_64")]
    let from = vector::run(filters, input, from, to, passed);
    plain(filters, input, from, to, passed);
}

/// The form for every processor, and for the last few positions.
pub(super) fn plain(
    (filter, between): (Option<Filter<'_>>, Option<Filter<'_>>),
    input: &[u8],
    from: usize,
    to: usize,
    passed: &mut Passed,
) {
    let filter = filter.map_or(&NOTHING[..], |filter| filter.words);
    let between = between.map_or(&NOTHING[..], |filter| filter.words);
    let word_at =
        |words: &[[u8; 4]], place: usize| words.get(place).map_or(0, |word| u32::from_le_bytes(*word));
    let four_at = |at: usize| -> Option<u32> {
        let four = input.get(at..)?.first_chunk::<4>()?;
        Some(u32::from_le_bytes(*four) | FOLD_MASK)
    };
    let passes_medium = |words: &[[u8; 4]], low: u32| {
        let start = start(low);
        let bits = filter_bits(medium_digest(start));
        low & START_MASK != BLANK && word_at(words, filter_word(start, words.len())) & bits == bits
    };
    for at in (from..to.min(input.len())).step_by(STRIDE) {
        let Some(low) = four_at(at) else { return };
        if passes_medium(filter, low) {
            passed.medium.push(at);
        }
        let behind = at.saturating_add(STRIDE / 2);
        if four_at(behind).is_some_and(|low| passes_medium(between, low)) {
            passed.between.push(behind);
        }
        if let Some(high) = four_at(at.saturating_add(4)) {
            let start = start(low);
            let digest = long_digest(start, high);
            let bits = long_bits(digest);
            let place = long_word(filter_word(start, filter.len()), digest);
            if word_at(filter, place) & bits == bits {
                passed.long.push(at);
            }
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
        __m128i, __m256i, _mm_cvtsi32_si128, _mm_loadu_si128, _mm256_add_epi32, _mm256_and_si256,
        _mm256_andnot_si256, _mm256_broadcastsi128_si256, _mm256_castsi256_ps, _mm256_cmpeq_epi8,
        _mm256_cmpeq_epi32, _mm256_extract_epi64, _mm256_loadu_si256, _mm256_movemask_epi8,
        _mm256_movemask_ps, _mm256_mullo_epi32, _mm256_or_si256, _mm256_permute4x64_epi64, _mm256_set1_epi8,
        _mm256_set1_epi32, _mm256_setr_epi8, _mm256_setr_epi32, _mm256_setzero_si256, _mm256_shuffle_epi8,
        _mm256_slli_epi32, _mm256_srl_epi32, _mm256_srli_epi16, _mm256_srli_epi32, _mm256_srlv_epi32,
        _mm256_xor_si256,
    };

    use super::super::layout::{
        BLANK, FOLD_MASK, HIGH_FACTOR, LINE_MASK, LOW_FACTOR, PAIR_SHIFT, START_MASK,
    };
    use super::super::nibbles::NIBBLES;
    use super::{Filter, NOTHING, Pairs, Passed, STRIDE};

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
        (filter, between): (Option<Filter<'_>>, Option<Filter<'_>>),
        input: &[u8],
        from: usize,
        to: usize,
        passed: &mut Passed,
    ) -> usize {
        if !std::arch::is_x86_feature_detected!("avx2") {
            return from;
        }
        if let Some(between) = between {
            macro_rules! sized {
                ($($power:literal)*) => {
                    match between.words.len() {
                        $(size if size == 1 << $power => {
                            let Some(words) = between.sized::<{ 1 << $power }>() else { return from };
                            // SAFETY: the processor has AVX2.
                            unsafe { behind(words, input, from, to, &mut passed.between) }
                        })*
                        _ => return from,
                    }
                };
            }
            sized!(10 11 12 13 14 15 16 17 18);
        }
        let words = filter.map_or(&NOTHING[..], |filter| filter.words);
        macro_rules! sized {
            ($($power:literal)*) => {
                match words.len() {
                    $(size if size == 1 << $power => {
                        let Ok(words) = <&[[u8; 4]; 1 << $power]>::try_from(words) else { return from };
                        // SAFETY: the processor has AVX2.
                        unsafe { positions(words, input, from, to, passed) }
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

    /// Every fourth position: the lanes are the words as they stand.
    #[target_feature(enable = "avx2")]
    #[expect(clippy::arithmetic_side_effects, reason = "positions stay below the length of the input")]
    fn positions<const WORDS: usize>(
        filter: &[[u8; 4]; WORDS],
        input: &[u8],
        from: usize,
        to: usize,
        passed: &mut Passed,
    ) -> usize {
        let fold = _mm256_set1_epi32(FOLD_MASK.cast_signed());
        let low_factor = _mm256_set1_epi32(LOW_FACTOR.cast_signed());
        let high_factor = _mm256_set1_epi32(HIGH_FACTOR.cast_signed());
        let line_mask = _mm256_set1_epi32(LINE_MASK.cast_signed());
        let shift = shift(WORDS);
        let mut at = from;
        while at + 32 <= to {
            let (Some(low), Some(high)) = (load(input, at), load(input, at + 4)) else { break };
            let low = _mm256_or_si256(low, fold);
            let start = _mm256_mullo_epi32(low, low_factor);
            let place = _mm256_srl_epi32(start, shift);
            let word = gather(filter, place);
            push(at, medium(low, start, word), &mut passed.medium);
            let high = _mm256_mullo_epi32(_mm256_or_si256(high, fold), high_factor);
            let sum = _mm256_add_epi32(_mm256_xor_si256(start, _mm256_srli_epi32::<15>(start)), high);
            let long = _mm256_xor_si256(sum, _mm256_srli_epi32::<15>(sum));
            let place = _mm256_or_si256(_mm256_and_si256(place, line_mask), _mm256_srli_epi32::<28>(long));
            let own = gather(filter, place);
            let third = _mm256_and_si256(_mm256_srli_epi32::<10>(long), _mm256_set1_epi32(31));
            let found = _mm256_and_si256(two_bits(own, long), _mm256_srlv_epi32(own, third));
            push(at, found, &mut passed.long);
            at += 32;
        }
        at
    }

    /// Two behind every fourth position, for the same positions.
    #[target_feature(enable = "avx2")]
    #[expect(clippy::arithmetic_side_effects, reason = "positions stay below the length of the input")]
    fn behind<const WORDS: usize>(
        filter: &[[u8; 4]; WORDS],
        input: &[u8],
        from: usize,
        to: usize,
        passed: &mut Vec<usize>,
    ) {
        let fold = _mm256_set1_epi32(FOLD_MASK.cast_signed());
        let factor = _mm256_set1_epi32(LOW_FACTOR.cast_signed());
        let shift = shift(WORDS);
        let mut at = from;
        while at + 32 <= to {
            // Not further than `positions`.
            let (Some(low), Some(_)) = (load(input, at + 2), load(input, at + 4)) else { break };
            let low = _mm256_or_si256(low, fold);
            let start = _mm256_mullo_epi32(low, factor);
            let word = gather(filter, _mm256_srl_epi32(start, shift));
            push(at + 2, medium(low, start, word), passed);
            at += 32;
        }
    }

    /// By how much a digest is shifted to be the index of one of so many words.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn shift(words: usize) -> __m128i {
        _mm_cvtsi32_si128(32_i32.wrapping_sub(words.trailing_zeros().cast_signed()))
    }

    /// In the lowest bit of each lane: whether four folded bytes pass by their word.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn medium(low: __m256i, start: __m256i, word: __m256i) -> __m256i {
        let begin = _mm256_and_si256(low, _mm256_set1_epi32(START_MASK.cast_signed()));
        let is_blank = _mm256_cmpeq_epi32(begin, _mm256_set1_epi32(BLANK.cast_signed()));
        let digest = _mm256_xor_si256(start, _mm256_srli_epi32::<22>(start));
        _mm256_andnot_si256(is_blank, two_bits(word, digest))
    }

    /// Notes the positions whose lanes have the lowest bit set.
    #[inline]
    #[target_feature(enable = "avx2")]
    #[expect(clippy::arithmetic_side_effects, reason = "positions stay below the length of the input")]
    fn push(at: usize, found: __m256i, passed: &mut Vec<usize>) {
        let lanes = _mm256_castsi256_ps(_mm256_slli_epi32::<31>(found));
        let mut mask = _mm256_movemask_ps(lanes).cast_unsigned();
        while mask != 0 {
            passed.push(at + STRIDE * mask.trailing_zeros() as usize);
            mask &= mask - 1;
        }
    }

    /// In the lowest bit of each lane: whether both bits of a digest are set in its word.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn two_bits(word: __m256i, digest: __m256i) -> __m256i {
        let five_bits = _mm256_set1_epi32(31);
        let first = _mm256_srlv_epi32(word, _mm256_and_si256(digest, five_bits));
        let second = _mm256_and_si256(_mm256_srli_epi32::<5>(digest), five_bits);
        _mm256_and_si256(first, _mm256_srlv_epi32(word, second))
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
