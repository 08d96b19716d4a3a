//! MD5, so written that other work can go on in its shadow.
//!
//! Each of its 64 steps waits for the one before: 4.5 cycles a byte on processors that could do three times as
//! much. A hash of many files at once would fill the gaps, but large files come alone. So the
//! steps are a macro with a place behind each of them for whatever else there is to do with the same bytes:
//! the filters of the index take theirs ([`crate::content`]).
//!
//! RFC 1321. The constant and the word of the message are added before the function of the round, and the
//! second round's choice is two additions, so that only what depends on the step before waits for it.

/// Bytes that are digested at a time.
pub(crate) const BLOCK: usize = 64;

/// The state that every digest begins with.
pub(crate) const START: [u32; 4] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];

/// One step: the function of its round over `b`, `c` and `d` goes into `a`, with a word of the message.
macro_rules! step {
    (f $a:ident $b:ident $c:ident $d:ident, $words:ident $word:literal, $turn:literal, $constant:literal) => {
        $a = $a.wrapping_add($constant).wrapping_add(u32::from_le_bytes($words[$word]));
        $a = $a.wrapping_add((($c ^ $d) & $b) ^ $d).rotate_left($turn).wrapping_add($b);
    };
    (g $a:ident $b:ident $c:ident $d:ident, $words:ident $word:literal, $turn:literal, $constant:literal) => {
        $a = $a.wrapping_add($constant).wrapping_add(u32::from_le_bytes($words[$word]));
        // The two halves have no bit in common: adding them is choosing.
        $a = $a.wrapping_add(!$d & $c).wrapping_add($d & $b).rotate_left($turn).wrapping_add($b);
    };
    (h $a:ident $b:ident $c:ident $d:ident, $words:ident $word:literal, $turn:literal, $constant:literal) => {
        $a = $a.wrapping_add($constant).wrapping_add(u32::from_le_bytes($words[$word]));
        $a = $a.wrapping_add(($c ^ $d) ^ $b).rotate_left($turn).wrapping_add($b);
    };
    (i $a:ident $b:ident $c:ident $d:ident, $words:ident $word:literal, $turn:literal, $constant:literal) => {
        $a = $a.wrapping_add($constant).wrapping_add(u32::from_le_bytes($words[$word]));
        $a = $a.wrapping_add((!$d | $b) ^ $c).rotate_left($turn).wrapping_add($b);
    };
}
pub(crate) use step;

/// All steps over the sixteen `words` of a block, each as `$step!` makes it: [`step!`] takes words as arrays of
/// four bytes. Behind each stands `$then!` with its number.
#[rustfmt::skip]
macro_rules! steps {
    ($step:ident, $a:ident $b:ident $c:ident $d:ident, $words:ident, $then:ident) => {
        $step!(f $a $b $c $d, $words 0, 7, 0xd76a_a478);
        $then!(0);
        $step!(f $d $a $b $c, $words 1, 12, 0xe8c7_b756);
        $then!(1);
        $step!(f $c $d $a $b, $words 2, 17, 0x2420_70db);
        $then!(2);
        $step!(f $b $c $d $a, $words 3, 22, 0xc1bd_ceee);
        $then!(3);
        $step!(f $a $b $c $d, $words 4, 7, 0xf57c_0faf);
        $then!(4);
        $step!(f $d $a $b $c, $words 5, 12, 0x4787_c62a);
        $then!(5);
        $step!(f $c $d $a $b, $words 6, 17, 0xa830_4613);
        $then!(6);
        $step!(f $b $c $d $a, $words 7, 22, 0xfd46_9501);
        $then!(7);
        $step!(f $a $b $c $d, $words 8, 7, 0x6980_98d8);
        $then!(8);
        $step!(f $d $a $b $c, $words 9, 12, 0x8b44_f7af);
        $then!(9);
        $step!(f $c $d $a $b, $words 10, 17, 0xffff_5bb1);
        $then!(10);
        $step!(f $b $c $d $a, $words 11, 22, 0x895c_d7be);
        $then!(11);
        $step!(f $a $b $c $d, $words 12, 7, 0x6b90_1122);
        $then!(12);
        $step!(f $d $a $b $c, $words 13, 12, 0xfd98_7193);
        $then!(13);
        $step!(f $c $d $a $b, $words 14, 17, 0xa679_438e);
        $then!(14);
        $step!(f $b $c $d $a, $words 15, 22, 0x49b4_0821);
        $then!(15);
        $step!(g $a $b $c $d, $words 1, 5, 0xf61e_2562);
        $then!(16);
        $step!(g $d $a $b $c, $words 6, 9, 0xc040_b340);
        $then!(17);
        $step!(g $c $d $a $b, $words 11, 14, 0x265e_5a51);
        $then!(18);
        $step!(g $b $c $d $a, $words 0, 20, 0xe9b6_c7aa);
        $then!(19);
        $step!(g $a $b $c $d, $words 5, 5, 0xd62f_105d);
        $then!(20);
        $step!(g $d $a $b $c, $words 10, 9, 0x0244_1453);
        $then!(21);
        $step!(g $c $d $a $b, $words 15, 14, 0xd8a1_e681);
        $then!(22);
        $step!(g $b $c $d $a, $words 4, 20, 0xe7d3_fbc8);
        $then!(23);
        $step!(g $a $b $c $d, $words 9, 5, 0x21e1_cde6);
        $then!(24);
        $step!(g $d $a $b $c, $words 14, 9, 0xc337_07d6);
        $then!(25);
        $step!(g $c $d $a $b, $words 3, 14, 0xf4d5_0d87);
        $then!(26);
        $step!(g $b $c $d $a, $words 8, 20, 0x455a_14ed);
        $then!(27);
        $step!(g $a $b $c $d, $words 13, 5, 0xa9e3_e905);
        $then!(28);
        $step!(g $d $a $b $c, $words 2, 9, 0xfcef_a3f8);
        $then!(29);
        $step!(g $c $d $a $b, $words 7, 14, 0x676f_02d9);
        $then!(30);
        $step!(g $b $c $d $a, $words 12, 20, 0x8d2a_4c8a);
        $then!(31);
        $step!(h $a $b $c $d, $words 5, 4, 0xfffa_3942);
        $then!(32);
        $step!(h $d $a $b $c, $words 8, 11, 0x8771_f681);
        $then!(33);
        $step!(h $c $d $a $b, $words 11, 16, 0x6d9d_6122);
        $then!(34);
        $step!(h $b $c $d $a, $words 14, 23, 0xfde5_380c);
        $then!(35);
        $step!(h $a $b $c $d, $words 1, 4, 0xa4be_ea44);
        $then!(36);
        $step!(h $d $a $b $c, $words 4, 11, 0x4bde_cfa9);
        $then!(37);
        $step!(h $c $d $a $b, $words 7, 16, 0xf6bb_4b60);
        $then!(38);
        $step!(h $b $c $d $a, $words 10, 23, 0xbebf_bc70);
        $then!(39);
        $step!(h $a $b $c $d, $words 13, 4, 0x289b_7ec6);
        $then!(40);
        $step!(h $d $a $b $c, $words 0, 11, 0xeaa1_27fa);
        $then!(41);
        $step!(h $c $d $a $b, $words 3, 16, 0xd4ef_3085);
        $then!(42);
        $step!(h $b $c $d $a, $words 6, 23, 0x0488_1d05);
        $then!(43);
        $step!(h $a $b $c $d, $words 9, 4, 0xd9d4_d039);
        $then!(44);
        $step!(h $d $a $b $c, $words 12, 11, 0xe6db_99e5);
        $then!(45);
        $step!(h $c $d $a $b, $words 15, 16, 0x1fa2_7cf8);
        $then!(46);
        $step!(h $b $c $d $a, $words 2, 23, 0xc4ac_5665);
        $then!(47);
        $step!(i $a $b $c $d, $words 0, 6, 0xf429_2244);
        $then!(48);
        $step!(i $d $a $b $c, $words 7, 10, 0x432a_ff97);
        $then!(49);
        $step!(i $c $d $a $b, $words 14, 15, 0xab94_23a7);
        $then!(50);
        $step!(i $b $c $d $a, $words 5, 21, 0xfc93_a039);
        $then!(51);
        $step!(i $a $b $c $d, $words 12, 6, 0x655b_59c3);
        $then!(52);
        $step!(i $d $a $b $c, $words 3, 10, 0x8f0c_cc92);
        $then!(53);
        $step!(i $c $d $a $b, $words 10, 15, 0xffef_f47d);
        $then!(54);
        $step!(i $b $c $d $a, $words 1, 21, 0x8584_5dd1);
        $then!(55);
        $step!(i $a $b $c $d, $words 8, 6, 0x6fa8_7e4f);
        $then!(56);
        $step!(i $d $a $b $c, $words 15, 10, 0xfe2c_e6e0);
        $then!(57);
        $step!(i $c $d $a $b, $words 6, 15, 0xa301_4314);
        $then!(58);
        $step!(i $b $c $d $a, $words 13, 21, 0x4e08_11a1);
        $then!(59);
        $step!(i $a $b $c $d, $words 4, 6, 0xf753_7e82);
        $then!(60);
        $step!(i $d $a $b $c, $words 11, 10, 0xbd3a_f235);
        $then!(61);
        $step!(i $c $d $a $b, $words 2, 15, 0x2ad7_d2bb);
        $then!(62);
        $step!(i $b $c $d $a, $words 9, 21, 0xeb86_d391);
        $then!(63);
    };
}
pub(crate) use steps;

/// Takes whole blocks into `state`.
pub(crate) fn compress(state: &mut [u32; 4], blocks: &[[[u8; 4]; 16]]) {
    macro_rules! nothing {
        ($number:literal) => {};
    }
    let [mut a, mut b, mut c, mut d] = *state;
    for words in blocks {
        let before = [a, b, c, d];
        steps!(step, a b c d, words, nothing);
        [a, b, c, d] = add([a, b, c, d], before);
    }
    *state = [a, b, c, d];
}

/// The sum of two states.
#[inline(always)]
pub(crate) const fn add([a, b, c, d]: [u32; 4], [e, f, g, h]: [u32; 4]) -> [u32; 4] {
    [a.wrapping_add(e), b.wrapping_add(f), c.wrapping_add(g), d.wrapping_add(h)]
}

/// Whole blocks, as [`compress`] takes them, and the bytes behind them.
pub(crate) const fn blocks(bytes: &[u8]) -> (&[[[u8; 4]; 16]], &[u8]) {
    let (blocks, rest) = bytes.as_chunks::<BLOCK>();
    (blocks.as_flattened().as_chunks::<4>().0.as_chunks::<16>().0, rest)
}

/// The digest of `length` bytes, of which those behind the last whole block are in `rest`.
pub(crate) fn finish(mut state: [u32; 4], rest: &[u8], length: u64) -> [u8; 16] {
    // A one, zeros, and the number of bits, modulo 2^64.
    let mut end = [0_u8; 2 * BLOCK];
    let marked = rest.iter().copied().take(BLOCK - 1).chain([0x80]);
    end.iter_mut().zip(marked).for_each(|(place, byte)| *place = byte);
    let size = if rest.len() < BLOCK - 8 { BLOCK } else { 2 * BLOCK };
    let end = end.get_mut(..size).unwrap_or_default();
    if let Some(place) = end.last_chunk_mut::<8>() {
        *place = length.wrapping_mul(8).to_le_bytes();
    }
    compress(&mut state, blocks(end).0);
    let mut digest = [0; 16];
    let (words, _) = digest.as_chunks_mut::<4>();
    words.iter_mut().zip(state).for_each(|(word, value)| *word = value.to_le_bytes());
    digest
}

#[cfg(test)]
mod tests {
    //! The same digests as another implementation has.

    use md5::{Digest as _, Md5};

    use super::{START, blocks, compress, finish};

    #[test]
    fn every_length_is_digested() {
        let bytes: Vec<u8> =
            (0..400_u32).map(|index| (index.wrapping_mul(0x9e37_79b1) >> 24) as u8).collect();
        for length in 0..bytes.len() {
            let input = &bytes[..length];
            let (whole, rest) = blocks(input);
            let mut state = START;
            compress(&mut state, whole);
            assert_eq!(finish(state, rest, length as u64), <[u8; 16]>::from(Md5::digest(input)), "{length}");
        }
    }
}
