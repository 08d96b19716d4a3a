//! The filters and the MD5 of several layers in one loop, a block of each at a time.
//!
//! [`super::stitched`] hides the filters behind the latency of one MD5. The states of four MD5 fit into the four
//! parts of a vector, and their steps take no longer than those of one: so four layers of like size take little
//! more than two did. The filters of a layer follow one another: its indexes are computed at a few steps, its words
//! loaded at the sixteen steps behind, and tested when the next block comes.
//!
//! There is this one form, for AVX-512; on other processors layers come one after the other, with the same result.

use super::stitched::{Filters, Masks};

/// Layers at once.
pub(super) const LANES: usize = 4;

/// A layer of several.
#[derive(Debug)]
pub(super) struct Lane<'a> {
    /// What its positions are tested against.
    pub(super) filters: Filters<'a>,
    /// Its bytes from the next block on.
    pub(super) input: &'a [u8],
    /// Its MD5.
    pub(super) state: [u32; 4],
    /// Which positions pass, for each block.
    pub(super) masks: &'a mut [Masks],
}

/// Whether the processor has what [`run`] needs.
pub(super) fn are_supported() -> bool {
    #[cfg(target_arch = "x86_64")]
    {
        std::arch::is_x86_feature_detected!("avx512bw")
            && std::arch::is_x86_feature_detected!("avx512f")
            && std::arch::is_x86_feature_detected!("avx512vl")
            && std::arch::is_x86_feature_detected!("bmi1")
            && std::arch::is_x86_feature_detected!("bmi2")
    }
    #[cfg(not(target_arch = "x86_64"))]
    false
}

/// Takes as many whole blocks of each lane as the lane with the fewest masks has, of two lanes to [`LANES`]. Each
/// must have the bytes of one block more. Returns whether it did; otherwise nothing has changed.
#[cfg_attr(target_arch = "x86_64", expect(unsafe_code, reason = "vector kernel, chosen at run time"))]
pub(super) fn run(lanes: &mut [Lane<'_>]) -> bool {
    #[cfg(target_arch = "x86_64")]
    if are_supported() {
        // SAFETY: the processor has what the function needs.
        return unsafe { vector::run(lanes) };
    }
    let _ = lanes;
    false
}

#[cfg(target_arch = "x86_64")]
mod vector {
    use std::arch::x86_64::{
        __m128i, __m512i, _mm_add_epi32, _mm_cvtsi32_si128, _mm_extract_epi32, _mm_rol_epi32, _mm_set_epi32,
        _mm_set1_epi32, _mm_setzero_si128, _mm_ternarylogic_epi32, _mm_unpackhi_epi32, _mm_unpackhi_epi64,
        _mm_unpacklo_epi32, _mm_unpacklo_epi64, _mm512_and_si512, _mm512_set1_epi32, _mm512_setzero_si512,
        _mm512_srl_epi32, _mm512_test_epi8_mask, _mm512_test_epi32_mask,
    };

    use super::super::nibbles::NIBBLES;
    use super::super::stitched::{Filters, Masks};
    use super::super::vector::{
        NOTHING, halves, load, load_quarter, load_words, long_digest, low_digest, shift, store, tables,
        three_bits, two_bits,
    };
    use super::{LANES, Lane};
    use crate::md5::{BLOCK, steps};

    #[target_feature(enable = "avx512f,avx512bw,avx512vl,bmi1,bmi2")]
    pub(super) fn run(lanes: &mut [Lane<'_>]) -> bool {
        match lanes {
            [a, b] => side_by_side::<2>([a, b, &mut nothing(), &mut nothing()]),
            [a, b, c] => side_by_side::<3>([a, b, c, &mut nothing()]),
            [a, b, c, d] => side_by_side::<4>([a, b, c, d]),
            _ => false,
        }
    }

    /// A lane of which nothing is wanted.
    const fn nothing() -> Lane<'static> {
        Lane {
            filters: Filters { long: None, medium: None, nibbles: None },
            input: &[],
            state: [0; 4],
            masks: &mut [],
        }
    }

    /// One step of four MD5, as [`crate::md5::step`] is of one. The function of each round is one instruction, by
    /// its table of eight bits.
    macro_rules! step {
        (f $($rest:tt)*) => { step!(@ 0xca $($rest)*); };
        (g $($rest:tt)*) => { step!(@ 0xe4 $($rest)*); };
        (h $($rest:tt)*) => { step!(@ 0x96 $($rest)*); };
        (i $($rest:tt)*) => { step!(@ 0x39 $($rest)*); };
        (@ $table:literal $a:ident $b:ident $c:ident $d:ident, $words:ident $word:literal, $turn:literal, $constant:literal) => {
            let constant = _mm_set1_epi32(u32::cast_signed($constant));
            $a = _mm_add_epi32($a, _mm_add_epi32($words[$word], constant));
            $a = _mm_add_epi32($a, _mm_ternarylogic_epi32::<$table>($b, $c, $d));
            $a = _mm_add_epi32(_mm_rol_epi32::<$turn>($a), $b);
        };
    }

    /// What the filters of a lane have under way.
    struct Work<'a> {
        masks: &'a mut [Masks],
        long_filter: &'a [[u8; 4]],
        medium_filter: &'a [[u8; 4]],
        long_shift: __m128i,
        medium_shift: __m128i,
        nibbles: &'a [u8; NIBBLES],
        long: __m512i,
        even: __m512i,
        odd: __m512i,
        long_index: [u32; 16],
        even_index: [u32; 16],
        odd_index: [u32; 16],
        long_words: [u32; 16],
        even_words: [u32; 16],
        odd_words: [u32; 16],
    }

    impl<'a> Work<'a> {
        #[inline]
        #[target_feature(enable = "avx512f,avx512bw,avx512vl,bmi1,bmi2")]
        fn new(filters: &Filters<'a>, masks: &'a mut [Masks]) -> Self {
            let long_filter = filters.long.map_or(&NOTHING[..], |filter| filter.words());
            let medium_filter = filters.medium.map_or(&NOTHING[..], |filter| filter.words());
            Self {
                masks,
                long_filter,
                medium_filter,
                long_shift: _mm_cvtsi32_si128(shift(long_filter)),
                medium_shift: _mm_cvtsi32_si128(shift(medium_filter)),
                nibbles: filters.nibbles.unwrap_or(&[0; NIBBLES]),
                long: _mm512_setzero_si512(),
                even: _mm512_setzero_si512(),
                odd: _mm512_setzero_si512(),
                long_index: [0; 16],
                even_index: [0; 16],
                odd_index: [0; 16],
                long_words: [0; 16],
                even_words: [0; 16],
                odd_words: [0; 16],
            }
        }

        /// Tests the words of the block before this one.
        #[inline]
        #[target_feature(enable = "avx512f,avx512bw,avx512vl,bmi1,bmi2")]
        fn test(&mut self, block: usize) {
            let Some(behind) = block.checked_sub(1).and_then(|block| self.masks.get_mut(block)) else {
                return;
            };
            let one = _mm512_set1_epi32(1);
            let found = three_bits(load_words(&mut self.long_words), self.long);
            behind.long = _mm512_test_epi32_mask(found, one);
            let found = two_bits(load_words(&mut self.even_words), self.even);
            behind.even = _mm512_test_epi32_mask(found, one);
            let found = two_bits(load_words(&mut self.odd_words), self.odd);
            behind.odd = _mm512_test_epi32_mask(found, one);
        }

        /// Computes which words the even positions lead to.
        #[inline]
        #[target_feature(enable = "avx512f,avx512bw,avx512vl,bmi1,bmi2")]
        fn digest_even(&mut self, here: &[u8; 2 * BLOCK]) {
            self.even = low_digest(load::<0>(here));
            self.long = long_digest(self.even, load::<4>(here));
            store(&mut self.long_index, _mm512_srl_epi32(self.long, self.long_shift));
            store(&mut self.even_index, _mm512_srl_epi32(self.even, self.medium_shift));
        }

        /// Computes which words the positions between them lead to.
        #[inline]
        #[target_feature(enable = "avx512f,avx512bw,avx512vl,bmi1,bmi2")]
        fn digest_odd(&mut self, here: &[u8; 2 * BLOCK]) {
            self.odd = low_digest(load::<2>(here));
            store(&mut self.odd_index, _mm512_srl_epi32(self.odd, self.medium_shift));
        }

        /// Which positions pass by nibbles.
        #[inline]
        #[target_feature(enable = "avx512f,avx512bw,avx512vl,bmi1,bmi2")]
        fn groups(&mut self, here: &[u8; 2 * BLOCK], block: usize) {
            let Some(masks) = self.masks.get_mut(block) else { return };
            let tables = tables(self.nibbles);
            let first = halves(load::<0>(here), tables[0], tables[1]);
            let second = halves(load::<1>(here), tables[2], tables[3]);
            let third = halves(load::<2>(here), tables[4], tables[5]);
            let groups = _mm512_and_si512(_mm512_and_si512(first, second), third);
            masks.nibbles = _mm512_test_epi8_mask(groups, groups);
        }

        /// Loads the words for one place of each kind.
        #[inline(always)]
        fn look(&mut self, place: usize) {
            let look = |filter: &[[u8; 4]], index: &[u32; 16], words: &mut [u32; 16]| {
                let word = index.get(place).and_then(|index| filter.get(*index as usize));
                if let Some(place) = words.get_mut(place) {
                    *place = u32::from_le_bytes(word.copied().unwrap_or_default());
                }
            };
            look(self.long_filter, &self.long_index, &mut self.long_words);
            look(self.medium_filter, &self.even_index, &mut self.even_words);
            look(self.medium_filter, &self.odd_index, &mut self.odd_words);
        }
    }

    /// Of the lanes only the first `USED` are looked at.
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,bmi1,bmi2")]
    fn side_by_side<const USED: usize>(lanes: [&mut Lane<'_>; LANES]) -> bool {
        let used = |lane: usize| lane < USED;
        let mut blocks = usize::MAX;
        for (lane, _) in lanes.iter().zip(0..USED) {
            let there = (lane.input.len() / BLOCK).checked_sub(1);
            if there.is_none_or(|there| there < lane.masks.len()) {
                return false;
            }
            blocks = blocks.min(lane.masks.len());
        }
        let [lane0, lane1, lane2, lane3] = lanes;
        let of_used = |lane: usize, input| if used(lane) { input } else { lane0.input };
        let inputs = [lane0.input, lane1.input, of_used(2, lane2.input), of_used(3, lane3.input)];
        let states = [lane0.state, lane1.state, lane2.state, lane3.state];
        let [mut a, mut b, mut c, mut d] = transposed(states.map(|state| from_words(state)));
        let mut work = [
            Work::new(&lane0.filters, lane0.masks),
            Work::new(&lane1.filters, lane1.masks),
            Work::new(&lane2.filters, lane2.masks),
            Work::new(&lane3.filters, lane3.masks),
        ];
        for block in 0..blocks {
            let at = block.wrapping_mul(BLOCK);
            let [Some(here0), Some(here1), Some(here2), Some(here3)] =
                inputs.map(|input| input.get(at..).and_then(<[u8]>::first_chunk::<{ 2 * BLOCK }>))
            else {
                return false;
            };
            let here = [here0, here1, here2, here3];
            let message = &message(here);
            let before = [a, b, c, d];
            // The lanes take turns: what takes vectors at twelve steps each, words at the sixteen behind four of them.
            macro_rules! turn {
                ($lane:literal, $number:literal) => {
                    if used($lane) {
                        match $number {
                            _ if $number == 12 * $lane => work[$lane].test(block),
                            _ if $number == 12 * $lane + 1 => work[$lane].digest_even(here[$lane]),
                            _ if $number == 12 * $lane + 2 => work[$lane].digest_odd(here[$lane]),
                            _ if $number == 12 * $lane + 3 => work[$lane].groups(here[$lane], block),
                            _ if $number >= 12 * $lane + 4 && $number < 12 * $lane + 20 => {
                                work[$lane].look(($number + 12 - 12 * $lane) & 15);
                            }
                            _ => (),
                        }
                    }
                };
            }
            macro_rules! meanwhile {
                ($number:literal) => {
                    turn!(0, $number);
                    turn!(1, $number);
                    turn!(2, $number);
                    turn!(3, $number);
                };
            }
            steps!(step, a b c d, message, meanwhile);
            a = _mm_add_epi32(a, before[0]);
            b = _mm_add_epi32(b, before[1]);
            c = _mm_add_epi32(c, before[2]);
            d = _mm_add_epi32(d, before[3]);
        }
        for work in work.iter_mut().take(USED) {
            work.test(blocks);
        }
        let [state0, state1, state2, state3] = transposed([a, b, c, d]).map(|state| to_words(state));
        lane0.state = state0;
        lane1.state = state1;
        lane2.state = state2;
        lane3.state = state3;
        true
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn from_words(words: [u32; 4]) -> __m128i {
        let [a, b, c, d] = words.map(u32::cast_signed);
        _mm_set_epi32(d, c, b, a)
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn to_words(state: __m128i) -> [u32; 4] {
        let words = [
            _mm_extract_epi32::<0>(state),
            _mm_extract_epi32::<1>(state),
            _mm_extract_epi32::<2>(state),
            _mm_extract_epi32::<3>(state),
        ];
        words.map(i32::cast_unsigned)
    }

    /// The words of a block of each lane, the first of all of them first.
    #[inline]
    #[target_feature(enable = "avx512f,avx512vl")]
    fn message(here: [&[u8; 2 * BLOCK]; LANES]) -> [__m128i; 16] {
        let mut message = [_mm_setzero_si128(); 16];
        let (quarters, _) = message.as_chunks_mut::<LANES>();
        for (number, quarter) in quarters.iter_mut().enumerate() {
            let bytes = here.map(|here| here.as_chunks::<16>().0.get(number).unwrap_or(&[0; 16]));
            *quarter = transposed(bytes.map(|bytes| load_quarter(bytes)));
        }
        message
    }

    /// Rows for columns.
    #[inline]
    #[target_feature(enable = "avx512f,avx512vl")]
    fn transposed([a, b, c, d]: [__m128i; LANES]) -> [__m128i; LANES] {
        let (low_ab, high_ab) = (_mm_unpacklo_epi32(a, b), _mm_unpackhi_epi32(a, b));
        let (low_cd, high_cd) = (_mm_unpacklo_epi32(c, d), _mm_unpackhi_epi32(c, d));
        [
            _mm_unpacklo_epi64(low_ab, low_cd),
            _mm_unpackhi_epi64(low_ab, low_cd),
            _mm_unpacklo_epi64(high_ab, high_cd),
            _mm_unpackhi_epi64(high_ab, high_cd),
        ]
    }
}
