//! The filters and MD5 in one loop over the same bytes.
//!
//! Each step of MD5 waits for the step before, and the processor is idle for two thirds of the time. The
//! filters need its other units: vectors for the digests of positions, loads for the words. Stitched
//! together, step by step, they take as long as MD5 alone.
//!
//! For a block of 64 bytes vectors compute the indexes of 48 words and put them into memory. One word is
//! loaded behind each step of the last three rounds, into memory again, and the vectors of the *next*
//! block test its bits, when it has long arrived. So nothing here ever waits but MD5.
//!
//! There is this one form, for AVX-512; other processors do one after the other, with the same result.

#[cfg(target_arch = "x86_64")]
pub(super) use vector::run;

use super::kernel::Filter;
use super::nibbles::NIBBLES;
use crate::md5::BLOCK;

/// What positions are tested against. What is missing passes nothing.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Filters<'a> {
    pub(super) long: Option<Filter<'a>>,
    pub(super) medium: Option<Filter<'a>>,
    pub(super) nibbles: Option<&'a [u8; NIBBLES]>,
}

/// Which positions of a block of 64 bytes pass, a bit each.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Masks {
    /// Every fourth position, as a run of eight bytes.
    pub(super) long: u16,
    /// The same positions, as a run of four.
    pub(super) even: u16,
    /// Those between them, as a run of four.
    pub(super) odd: u16,
    /// Every position, by nibbles.
    pub(super) nibbles: u64,
}

impl Masks {
    /// Every second position, as a run of four bytes.
    pub(super) const fn medium(&self) -> u32 {
        apart(self.even) | apart(self.odd) << 1
    }
}

/// Sixteen bits with a zero before each but the lowest.
const fn apart(bits: u16) -> u32 {
    let bits = bits as u32;
    let bits = (bits | bits << 8) & 0x00ff_00ff;
    let bits = (bits | bits << 4) & 0x0f0f_0f0f;
    let bits = (bits | bits << 2) & 0x3333_3333;
    (bits | bits << 1) & 0x5555_5555
}

/// Every position of a mask, ascending: `stride` bytes apart, from `at` on.
pub(super) fn positions(mut mask: u64, at: usize, stride: usize) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let place = mask.trailing_zeros();
        mask &= mask.checked_sub(1)?;
        Some((place as usize).wrapping_mul(stride).wrapping_add(at))
    })
}

/// For processors that have no form of it.
#[cfg(not(target_arch = "x86_64"))]
pub(super) fn run(
    _: Filters<'_>,
    _: &[u8],
    from: usize,
    _: usize,
    _: &mut [u32; 4],
    _: &mut [Masks],
) -> usize {
    from
}

#[cfg(target_arch = "x86_64")]
mod vector {
    use std::arch::x86_64::{
        _mm_cvtsi32_si128, _mm512_and_si512, _mm512_set1_epi32, _mm512_setzero_si512, _mm512_srl_epi32,
        _mm512_test_epi8_mask, _mm512_test_epi32_mask,
    };

    use super::super::nibbles::NIBBLES;
    use super::super::vector::{
        NOTHING, halves, load, load_words, long_digest, low_digest, shift, store, tables, three_bits,
        two_bits,
    };
    use super::{BLOCK, Filters, Masks};
    use crate::md5::{add, step, steps};

    /// Takes whole blocks of `input` from `from` to before `to` into the MD5 `state` and notes in `masks`,
    /// one for each block, which positions pass. Returns the end of the last block that it took: those at
    /// the very end are left out, as a test looks at bytes behind its block.
    #[expect(unsafe_code, reason = "vector kernel, chosen at run time")]
    pub(in super::super) fn run(
        filters: Filters<'_>,
        input: &[u8],
        from: usize,
        to: usize,
        state: &mut [u32; 4],
        masks: &mut [Masks],
    ) -> usize {
        let supported = std::arch::is_x86_feature_detected!("avx512bw")
            && std::arch::is_x86_feature_detected!("avx512f")
            && std::arch::is_x86_feature_detected!("bmi1")
            && std::arch::is_x86_feature_detected!("bmi2");
        if !supported {
            return from;
        }
        // SAFETY: the processor has what the function needs.
        unsafe { stitched(filters, input, from, to, state, masks) }
    }

    #[target_feature(enable = "avx512f,avx512bw,bmi1,bmi2")]
    fn stitched(
        filters: Filters<'_>,
        input: &[u8],
        from: usize,
        to: usize,
        state: &mut [u32; 4],
        masks: &mut [Masks],
    ) -> usize {
        let long_filter = filters.long.map_or(&NOTHING[..], |filter| filter.words());
        let medium_filter = filters.medium.map_or(&NOTHING[..], |filter| filter.words());
        let long_shift = _mm_cvtsi32_si128(shift(long_filter));
        let medium_shift = _mm_cvtsi32_si128(shift(medium_filter));
        let tables = tables(filters.nibbles.unwrap_or(&[0; NIBBLES]));
        let one = _mm512_set1_epi32(1);

        let [mut a, mut b, mut c, mut d] = *state;
        // Indexes of a block, and the words that they lead to.
        let mut long_words = [0_u32; 16];
        let mut even_words = [0_u32; 16];
        let mut odd_words = [0_u32; 16];
        let mut long_index = [0_u32; 16];
        let mut even_index = [0_u32; 16];
        let mut odd_index = [0_u32; 16];
        let mut long = _mm512_setzero_si512();
        let (mut even, mut odd) = (long, long);
        let mut at = from;
        // What is tested is one block behind.
        let mut unused = Masks::default();
        let mut behind = &mut unused;
        for masks in masks {
            let next = at.wrapping_add(BLOCK);
            if next > to {
                break;
            }
            let Some(here) = input.get(at..).and_then(<[u8]>::first_chunk::<{ 2 * BLOCK }>) else { break };
            let message = here.as_chunks::<4>().0.as_chunks::<16>().0;
            let Some(message) = message.first() else { break };
            let before = [a, b, c, d];
            macro_rules! test {
                () => {
                    let found = three_bits(load_words(&mut long_words), long);
                    behind.long = _mm512_test_epi32_mask(found, one);
                    let found = two_bits(load_words(&mut even_words), even);
                    behind.even = _mm512_test_epi32_mask(found, one);
                    let found = two_bits(load_words(&mut odd_words), odd);
                    behind.odd = _mm512_test_epi32_mask(found, one);
                };
            }
            macro_rules! look {
                ($words:ident, $index:ident, $filter:ident, $place:expr) => {
                    let word = $filter.get($index[$place] as usize).copied().unwrap_or_default();
                    $words[$place] = u32::from_le_bytes(word);
                };
            }
            macro_rules! meanwhile {
                (0) => {
                    test!();
                };
                (3) => {
                    even = low_digest(load::<0>(here));
                    long = long_digest(even, load::<4>(here));
                    store(&mut long_index, _mm512_srl_epi32(long, long_shift));
                };
                (7) => {
                    store(&mut even_index, _mm512_srl_epi32(even, medium_shift));
                    odd = low_digest(load::<2>(here));
                    store(&mut odd_index, _mm512_srl_epi32(odd, medium_shift));
                };
                (11) => {
                    let first = halves(load::<0>(here), tables[0], tables[1]);
                    let second = halves(load::<1>(here), tables[2], tables[3]);
                    let third = halves(load::<2>(here), tables[4], tables[5]);
                    let groups = _mm512_and_si512(_mm512_and_si512(first, second), third);
                    masks.nibbles = _mm512_test_epi8_mask(groups, groups);
                };
                ($number:literal) => {
                    if $number >= 48 {
                        look!(odd_words, odd_index, medium_filter, $number & 15);
                    } else if $number >= 32 {
                        look!(even_words, even_index, medium_filter, $number & 15);
                    } else if $number >= 16 {
                        look!(long_words, long_index, long_filter, $number & 15);
                    }
                };
            }
            steps!(step, a b c d, message, meanwhile);
            [a, b, c, d] = add([a, b, c, d], before);
            behind = masks;
            at = next;
        }
        let found = three_bits(load_words(&mut long_words), long);
        behind.long = _mm512_test_epi32_mask(found, one);
        let found = two_bits(load_words(&mut even_words), even);
        behind.even = _mm512_test_epi32_mask(found, one);
        let found = two_bits(load_words(&mut odd_words), odd);
        behind.odd = _mm512_test_epi32_mask(found, one);
        *state = [a, b, c, d];
        at
    }
}
