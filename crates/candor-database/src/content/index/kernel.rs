//! Testing every position of a block against a filter.
//!
//! Three forms of one function: plain, AVX2 and AVX-512, chosen when the program runs. They give the
//! same positions in the same order. `unsafe` is confined to the vector loads and gathers here; each
//! is in bounds because the filter's length is a power of two of words that the digest is shifted
//! down to, and because a load happens only where the input has enough bytes.

use super::layout::{FOLD_MASK, filter_bits, filter_digest, filter_word};

/// A filter of whole 32-bit words, a power of two of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Filter<'a> {
    bytes: &'a [u8],
    words: usize,
}

impl<'a> Filter<'a> {
    /// The filter in `bytes`, unless its length is not what a filter's can be.
    pub(crate) fn new(bytes: &'a [u8]) -> Option<Self> {
        let words = bytes.len() / 4;
        (bytes.len().is_multiple_of(4) && words.is_power_of_two() && (2..=1 << 22).contains(&words))
            .then_some(Self { bytes, words })
    }

    /// Whether there is a bit for each of the 65,536 pairs.
    pub(crate) const fn holds_pairs(&self) -> bool {
        self.words >= 2048
    }

    fn word(&self, index: usize) -> u32 {
        let start = index.saturating_mul(4);
        match self.bytes.get(start..).and_then(<[u8]>::first_chunk::<4>) {
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

impl Width {
    const fn bytes(self) -> usize {
        match self {
            Self::Two => 2,
            Self::Four => 4,
            Self::Eight => 8,
        }
    }
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
    let last = input.len().saturating_sub(width.bytes().saturating_sub(1)).min(to);
    for at in from..last {
        let Some(rest) = input.get(at..) else { return };
        let low = |bytes: &[u8; 4]| u32::from_le_bytes(*bytes) | FOLD_MASK;
        let passes = match width {
            Width::Two => rest.first_chunk::<2>().is_some_and(|pair| {
                let pair = u32::from(u16::from_le_bytes(*pair)) | (FOLD_MASK & 0xffff);
                filter.word((pair >> 5) as usize) >> (pair & 31) & 1 == 1
            }),
            Width::Four => {
                rest.first_chunk::<4>().is_some_and(|four| tests(filter, filter_digest(low(four), 0)))
            }
            Width::Eight => rest.first_chunk::<8>().is_some_and(|eight| {
                let number = u64::from_le_bytes(*eight) | u64::from(FOLD_MASK) << 32 | u64::from(FOLD_MASK);
                tests(filter, filter_digest((number & 0xffff_ffff) as u32, (number >> 32) as u32))
            }),
        };
        if passes {
            passed.push(at);
        }
    }
}

fn tests(filter: Filter<'_>, digest: u32) -> bool {
    let bits = filter_bits(digest);
    filter.word(filter_word(digest, filter.words)) & bits == bits
}

#[cfg(target_arch = "x86_64")]
mod vector {
    //! Eight positions at a time.

    use std::arch::x86_64::{
        __m256i, _mm_cvtsi32_si128, _mm_loadu_si128, _mm256_add_epi32, _mm256_and_si256,
        _mm256_broadcastsi128_si256, _mm256_castsi256_ps, _mm256_i32gather_epi32, _mm256_movemask_ps,
        _mm256_mullo_epi32, _mm256_or_si256, _mm256_set1_epi32, _mm256_setr_epi8, _mm256_shuffle_epi8,
        _mm256_slli_epi32, _mm256_srl_epi32, _mm256_srli_epi32, _mm256_srlv_epi32, _mm256_xor_si256,
    };

    use super::super::layout::{FOLD_MASK, HIGH_FACTOR, LOW_FACTOR};
    use super::{Filter, Width};

    /// Runs the form for `width`.
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
            Width::Two => passing::<2>,
            Width::Four => passing::<4>,
            Width::Eight => passing::<8>,
        };
        if !std::arch::is_x86_feature_detected!("avx2") {
            return from;
        }
        // SAFETY: the processor has AVX2, and a `Filter` holds a power of two of words.
        unsafe { kernel(filter.bytes, filter.words, input, from, to, passed) }
    }

    /// Tests positions eight at a time, and returns the first one that it did not test.
    ///
    /// # Safety
    /// The processor must have AVX2. `filter` must hold `words` 32-bit words, a power of two of at
    /// least 2; for `WIDTH` 2 at least 2048.
    #[target_feature(enable = "avx2")]
    #[expect(unsafe_code, reason = "vector kernel")]
    #[expect(clippy::arithmetic_side_effects, reason = "bounded by the length of the input")]
    #[expect(clippy::cast_possible_wrap, reason = "bit patterns for vector lanes")]
    pub(super) unsafe fn passing<const WIDTH: usize>(
        filter: &[u8],
        words: usize,
        input: &[u8],
        from: usize,
        to: usize,
        passed: &mut Vec<usize>,
    ) -> usize {
        debug_assert!(filter.len() == words * 4);
        if WIDTH == 2 && words < 2048 {
            return from;
        }
        let table = filter.as_ptr().cast::<i32>();
        let shift = _mm_cvtsi32_si128(32 - words.trailing_zeros() as i32);
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
        let end = to.min(input.len().saturating_sub(15));
        let mut at = from;
        while at + 8 <= end {
            let Some(here) = input.get(at..).and_then(<[u8]>::first_chunk::<16>) else { break };
            // SAFETY: the pointer is to sixteen bytes, and the load needs no alignment.
            let sixteen = unsafe { _mm_loadu_si128(here.as_ptr().cast()) };
            let bytes = _mm256_or_si256(_mm256_broadcastsi128_si256(sixteen), fold);
            let low = _mm256_shuffle_epi8(bytes, spread_low);
            let (index, first, second): (__m256i, __m256i, Option<__m256i>) = if WIDTH == 2 {
                let pair = _mm256_and_si256(low, _mm256_set1_epi32(0xffff));
                (_mm256_srli_epi32::<5>(pair), _mm256_and_si256(pair, five_bits), None)
            } else {
                let mut sum = _mm256_mullo_epi32(low, low_factor);
                if WIDTH == 8 {
                    let high = _mm256_shuffle_epi8(bytes, spread_high);
                    sum = _mm256_add_epi32(sum, _mm256_mullo_epi32(high, high_factor));
                }
                let digest = _mm256_xor_si256(sum, _mm256_srli_epi32::<15>(sum));
                (
                    _mm256_srl_epi32(digest, shift),
                    _mm256_and_si256(digest, five_bits),
                    Some(_mm256_and_si256(_mm256_srli_epi32::<5>(digest), five_bits)),
                )
            };
            // SAFETY: for widths 4 and 8 the digest is shifted down to below `words`, for width 2
            // the index is below 2048 <= words; `filter` holds that many words.
            let word = unsafe { _mm256_i32gather_epi32::<4>(table, index) };
            let mut bits = _mm256_srlv_epi32(word, first);
            if let Some(second) = second {
                bits = _mm256_and_si256(bits, _mm256_srlv_epi32(word, second));
            }
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
}
