//! Testing every position of a block against a filter.
//!
//! Two forms of one function, chosen when the program runs: plain, and AVX2 for the arithmetic with
//! plain loads. They give the same positions in the same order. Gathering the words with one vector
//! instruction, in 256 or 512 bits, was measured too and is slower than eight loads where gathers are
//! microcode. `unsafe` is one unaligned vector load from sixteen bytes that are there.

use super::layout::{FOLD_MASK, filter_bits, filter_word, long_digest, low_digest};

/// A filter of whole 32-bit words, a power of two of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Filter<'a> {
    words: &'a [[u8; 4]],
}

impl<'a> Filter<'a> {
    /// The filter in `bytes`, unless its length is not what a filter's can be.
    pub(crate) fn new(bytes: &'a [u8]) -> Option<Self> {
        let (words, rest) = bytes.as_chunks::<4>();
        (rest.is_empty() && words.len().is_power_of_two() && (2..=1 << 22).contains(&words.len()))
            .then_some(Self { words })
    }

    /// Whether there is a bit for each of the 65,536 pairs.
    pub(crate) const fn holds_pairs(&self) -> bool {
        self.words.len() >= 2048
    }

    #[inline(always)]
    fn word(&self, index: u64) -> u32 {
        match usize::try_from(index).ok().and_then(|index| self.words.get(index)) {
            Some(word) => u32::from_le_bytes(*word),
            None => 0,
        }
    }
}

/// Which bytes a position is tested by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Width {
    /// The pair at the position; the filter has one bit for each of the 65,536 pairs.
    Two,
    /// The four bytes at the position.
    Four,
    /// The eight bytes at the position.
    Eight,
}

/// Appends to `passed` every position from `from` to before `to` of `input` whose bytes pass
/// `filter`, ascending. Positions whose bytes reach over the end of `input` never pass.
pub(crate) fn passing(
    filter: Filter<'_>,
    width: Width,
    input: &[u8],
    from: usize,
    to: usize,
    passed: &mut Vec<usize>,
) {
    #[cfg(target_arch = "x86_64")]
    let from = vector::run(filter, width, input, from, to, passed);
    plain(filter, width, input, from, to, passed);
}

/// The form for every processor, and for the last few positions.
pub(crate) fn plain(
    filter: Filter<'_>,
    width: Width,
    input: &[u8],
    from: usize,
    to: usize,
    passed: &mut Vec<usize>,
) {
    let fold = |bytes: &[u8; 4]| u32::from_le_bytes(*bytes) | FOLD_MASK;
    for at in from..to.min(input.len()) {
        let Some(rest) = input.get(at..) else { return };
        let passes = if width == Width::Two {
            rest.first_chunk::<2>().is_some_and(|pair| {
                let pair = u32::from(u16::from_le_bytes(*pair)) | (FOLD_MASK & 0xffff);
                filter.word(u64::from(pair >> 5)) >> (pair & 31) & 1 == 1
            })
        } else {
            rest.first_chunk::<4>().is_some_and(|low| {
                let low = low_digest(fold(low));
                let high = rest.get(4..).and_then(<[u8]>::first_chunk::<4>);
                let digest = match (width, high) {
                    (Width::Eight, None) => return false,
                    (Width::Eight, Some(high)) => long_digest(low, fold(high)),
                    _ => low,
                };
                let bits = filter_bits(digest);
                filter.word(filter_word(digest, filter.words.len()) as u64) & bits == bits
            })
        };
        if passes {
            passed.push(at);
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod vector {
    //! Eight positions at a time.

    use std::arch::x86_64::{
        __m256i, _mm_cvtsi32_si128, _mm_loadu_si128, _mm256_add_epi32, _mm256_and_si256,
        _mm256_broadcastsi128_si256, _mm256_castsi256_ps, _mm256_extract_epi64, _mm256_movemask_ps,
        _mm256_mullo_epi32, _mm256_or_si256, _mm256_set1_epi32, _mm256_setr_epi8, _mm256_setr_epi32,
        _mm256_shuffle_epi8, _mm256_slli_epi32, _mm256_srl_epi32, _mm256_srli_epi32, _mm256_srlv_epi32,
        _mm256_xor_si256,
    };

    use super::super::layout::{FOLD_MASK, HIGH_FACTOR, LOW_FACTOR};
    use super::{Filter, Width};

    const TWO: u8 = 0;
    const FOUR: u8 = 1;
    const EIGHT: u8 = 2;

    /// Tests as many positions as there are vectors for, and returns the first one not tested.
    #[expect(unsafe_code, reason = "vector kernel, chosen at run time")]
    pub(super) fn run(
        filter: Filter<'_>,
        width: Width,
        input: &[u8],
        from: usize,
        to: usize,
        passed: &mut Vec<usize>,
    ) -> usize {
        let kernel = match width {
            Width::Two => passing::<TWO>,
            Width::Four => passing::<FOUR>,
            Width::Eight => passing::<EIGHT>,
        };
        if !std::arch::is_x86_feature_detected!("avx2") {
            return from;
        }
        // SAFETY: the processor has AVX2.
        unsafe { kernel(filter, input, from, to, passed) }
    }

    /// # Safety
    /// The processor must have AVX2.
    #[target_feature(enable = "avx2")]
    #[expect(unsafe_code, reason = "vector kernel")]
    #[expect(clippy::arithmetic_side_effects, reason = "bounded by the length of the input")]
    #[expect(clippy::cast_possible_wrap, reason = "bit patterns for vector lanes")]
    unsafe fn passing<const WIDTH: u8>(
        filter: Filter<'_>,
        input: &[u8],
        from: usize,
        to: usize,
        passed: &mut Vec<usize>,
    ) -> usize {
        let shift = _mm_cvtsi32_si128(32 - filter.words.len().trailing_zeros().cast_signed());
        // Lane i of the result takes the four bytes from position i on.
        let spread_low = _mm256_setr_epi8(
            0, 1, 2, 3, 1, 2, 3, 4, 2, 3, 4, 5, 3, 4, 5, 6, //
            4, 5, 6, 7, 5, 6, 7, 8, 6, 7, 8, 9, 7, 8, 9, 10,
        );
        let spread_high = _mm256_setr_epi8(
            4, 5, 6, 7, 5, 6, 7, 8, 6, 7, 8, 9, 7, 8, 9, 10, //
            8, 9, 10, 11, 9, 10, 11, 12, 10, 11, 12, 13, 11, 12, 13, 14,
        );
        let fold = _mm256_set1_epi32(FOLD_MASK as i32);
        let low_factor = _mm256_set1_epi32(LOW_FACTOR as i32);
        let high_factor = _mm256_set1_epi32(HIGH_FACTOR as i32);
        let five_bits = _mm256_set1_epi32(31);
        let two_bytes = _mm256_set1_epi32(0xffff);
        let end = to.min(input.len().saturating_sub(15));
        let mut at = from;
        while at + 8 <= end {
            let Some(here) = input.get(at..).and_then(<[u8]>::first_chunk::<16>) else { break };
            // SAFETY: the pointer is to sixteen bytes, and the load needs no alignment.
            let sixteen = unsafe { _mm_loadu_si128(here.as_ptr().cast()) };
            let bytes = _mm256_or_si256(_mm256_broadcastsi128_si256(sixteen), fold);
            let low = _mm256_shuffle_epi8(bytes, spread_low);
            let bits = if WIDTH == TWO {
                let pair = _mm256_and_si256(low, two_bytes);
                let word = words(filter, _mm256_srli_epi32::<5>(pair));
                _mm256_srlv_epi32(word, _mm256_and_si256(pair, five_bits))
            } else {
                let product = _mm256_mullo_epi32(low, low_factor);
                let low = _mm256_xor_si256(product, _mm256_srli_epi32::<15>(product));
                let digest = if WIDTH == EIGHT {
                    let high = _mm256_mullo_epi32(_mm256_shuffle_epi8(bytes, spread_high), high_factor);
                    let sum = _mm256_add_epi32(low, high);
                    _mm256_xor_si256(sum, _mm256_srli_epi32::<15>(sum))
                } else {
                    low
                };
                tests(words(filter, _mm256_srl_epi32(digest, shift)), digest)
            };
            let mut mask =
                _mm256_movemask_ps(_mm256_castsi256_ps(_mm256_slli_epi32::<31>(bits))).cast_unsigned();
            while mask != 0 {
                passed.push(at + mask.trailing_zeros() as usize);
                mask &= mask - 1;
            }
            at += 8;
        }
        at
    }

    /// The words of `filter` at eight indexes.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn words(filter: Filter<'_>, indexes: __m256i) -> __m256i {
        // No closures here: they would not be compiled for AVX2.
        let a = _mm256_extract_epi64::<0>(indexes).cast_unsigned();
        let b = _mm256_extract_epi64::<1>(indexes).cast_unsigned();
        let c = _mm256_extract_epi64::<2>(indexes).cast_unsigned();
        let d = _mm256_extract_epi64::<3>(indexes).cast_unsigned();
        _mm256_setr_epi32(
            filter.word(a & LOW_HALF).cast_signed(),
            filter.word(a >> 32).cast_signed(),
            filter.word(b & LOW_HALF).cast_signed(),
            filter.word(b >> 32).cast_signed(),
            filter.word(c & LOW_HALF).cast_signed(),
            filter.word(c >> 32).cast_signed(),
            filter.word(d & LOW_HALF).cast_signed(),
            filter.word(d >> 32).cast_signed(),
        )
    }

    const LOW_HALF: u64 = 0xffff_ffff;

    /// Whether both bits of `digest` are set in `word`, as the lowest bit of each lane.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn tests(word: __m256i, digest: __m256i) -> __m256i {
        let five_bits = _mm256_set1_epi32(31);
        let first = _mm256_srlv_epi32(word, _mm256_and_si256(digest, five_bits));
        let second = _mm256_srlv_epi32(word, _mm256_and_si256(_mm256_srli_epi32::<5>(digest), five_bits));
        _mm256_and_si256(first, second)
    }
}
