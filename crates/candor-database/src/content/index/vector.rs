//! What the AVX-512 forms of the filters have in common: digests of sixteen positions at once, tests of bits, and
//! the way between vectors and memory.

use std::arch::x86_64::{
    __m128i, __m512i, _mm_loadu_si128, _mm512_add_epi32, _mm512_and_si512, _mm512_broadcast_i32x4,
    _mm512_loadu_si512, _mm512_mullo_epi32, _mm512_or_si512, _mm512_set1_epi8, _mm512_set1_epi32,
    _mm512_setzero_si512, _mm512_shuffle_epi8, _mm512_srli_epi16, _mm512_srli_epi32, _mm512_srlv_epi32,
    _mm512_storeu_si512, _mm512_xor_si512,
};

use super::layout::{FOLD_MASK, HIGH_FACTOR, LOW_FACTOR};
use super::nibbles::NIBBLES;
use crate::md5::BLOCK;

/// Words of a filter that passes nothing.
pub(super) static NOTHING: [[u8; 4]; 1 << 10] = [[0; 4]; 1 << 10];

/// By how much a digest is shifted to be the index of one of so many words.
pub(super) const fn shift(words: &[[u8; 4]]) -> i32 {
    32_i32.wrapping_sub(words.len().trailing_zeros().cast_signed())
}

/// 64 bytes from `AT` on.
#[inline]
#[target_feature(enable = "avx512f")]
#[expect(unsafe_code, reason = "an unaligned vector load")]
pub(super) fn load<const AT: usize>(bytes: &[u8; 2 * BLOCK]) -> __m512i {
    const { assert!(AT <= BLOCK) };
    // SAFETY: there are 64 bytes behind the first 64, and the load needs no alignment.
    unsafe { _mm512_loadu_si512(bytes.as_ptr().wrapping_add(AT).cast()) }
}

/// 64 bytes.
#[inline]
#[target_feature(enable = "avx512f")]
#[expect(unsafe_code, reason = "an unaligned vector load")]
pub(super) fn load_whole(bytes: &[u8; 64]) -> __m512i {
    // SAFETY: there are 64 bytes, and the load needs no alignment.
    unsafe { _mm512_loadu_si512(bytes.as_ptr().cast()) }
}

/// Sixteen bytes.
#[inline]
#[target_feature(enable = "avx512f")]
#[expect(unsafe_code, reason = "an unaligned vector load")]
pub(super) fn load_quarter(bytes: &[u8; 16]) -> __m128i {
    // SAFETY: there are sixteen bytes, and the load needs no alignment.
    unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) }
}

/// Loads from memory what was put there one by one. That they take this way keeps them out of the
/// units that vectors need.
#[inline]
#[target_feature(enable = "avx512f")]
#[expect(unsafe_code, reason = "an unaligned vector load")]
pub(super) fn load_words(words: &mut [u32; 16]) -> __m512i {
    let words = std::hint::black_box(words);
    // SAFETY: there are sixteen words, and the load needs no alignment.
    unsafe { _mm512_loadu_si512(words.as_ptr().cast()) }
}

/// Puts indexes where they are loaded from one by one.
#[inline]
#[target_feature(enable = "avx512f")]
#[expect(unsafe_code, reason = "an unaligned vector store")]
pub(super) fn store(words: &mut [u32; 16], value: __m512i) {
    // SAFETY: there is room for sixteen words, and the store needs no alignment.
    unsafe { _mm512_storeu_si512(words.as_mut_ptr().cast(), value) };
    std::hint::black_box(words);
}

#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn low_digest(low: __m512i) -> __m512i {
    let folded = _mm512_or_si512(low, _mm512_set1_epi32(FOLD_MASK.cast_signed()));
    let product = _mm512_mullo_epi32(folded, _mm512_set1_epi32(LOW_FACTOR.cast_signed()));
    _mm512_xor_si512(product, _mm512_srli_epi32::<15>(product))
}

#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn long_digest(low_digest: __m512i, high: __m512i) -> __m512i {
    let folded = _mm512_or_si512(high, _mm512_set1_epi32(FOLD_MASK.cast_signed()));
    let product = _mm512_mullo_epi32(folded, _mm512_set1_epi32(HIGH_FACTOR.cast_signed()));
    let sum = _mm512_add_epi32(low_digest, product);
    _mm512_xor_si512(sum, _mm512_srli_epi32::<15>(sum))
}

/// In the lowest bits: whether the two bits of a digest are set in its word.
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn two_bits(word: __m512i, digest: __m512i) -> __m512i {
    let five_bits = _mm512_set1_epi32(31);
    let first = _mm512_srlv_epi32(word, _mm512_and_si512(digest, five_bits));
    let second = _mm512_and_si512(_mm512_srli_epi32::<5>(digest), five_bits);
    _mm512_and_si512(first, _mm512_srlv_epi32(word, second))
}

/// The same for three bits.
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn three_bits(word: __m512i, digest: __m512i) -> __m512i {
    let third = _mm512_and_si512(_mm512_srli_epi32::<10>(digest), _mm512_set1_epi32(31));
    _mm512_and_si512(two_bits(word, digest), _mm512_srlv_epi32(word, third))
}

/// The groups that the bytes may belong to, by both their halves.
#[inline]
#[target_feature(enable = "avx512bw")]
pub(super) fn halves(bytes: __m512i, low: __m512i, high: __m512i) -> __m512i {
    let half = _mm512_set1_epi8(15);
    let low = _mm512_shuffle_epi8(low, _mm512_and_si512(bytes, half));
    let high = _mm512_shuffle_epi8(high, _mm512_and_si512(_mm512_srli_epi16::<4>(bytes), half));
    _mm512_and_si512(low, high)
}

/// The tables, each in all four parts of a vector.
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn tables(nibbles: &[u8; NIBBLES]) -> [__m512i; 6] {
    let mut tables = [_mm512_setzero_si512(); 6];
    for (table, bytes) in tables.iter_mut().zip(nibbles.as_chunks::<16>().0) {
        *table = _mm512_broadcast_i32x4(load_quarter(bytes));
    }
    tables
}
