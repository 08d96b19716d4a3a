//! What PKWARE's Data Compression Library implodes, with codes for literals.

use crate::stream::{Bits, copies};

/// Lengths of codes: how often each comes, less one, and the length.
const LITERALS: &str = "0b7c08071c07bc0d4c040a080c0a0c0a08170809070607080706370817180c0b\
                        07090b0c060716050718060b09060716070b26070908190b080b090c080c05260526050b07050615\
                        060a350807180a1b2cfdfdfdfcfcfc0d0c2d0c2d0c3d0c2d2cad";
const LENGTHS: &str = "022324352617";
const DISTANCES: &str = "021435e6f797f8";

/// Imploded `content`.
#[must_use]
pub fn implode(content: &[u8]) -> Vec<u8> {
    let (literals, lengths, distances) = (codes(LITERALS), codes(LENGTHS), codes(DISTANCES));
    let mut bits = Bits::default();
    let put = |bits: &mut Bits, codes: &[(u32, usize)], symbol: usize| {
        let (code, width) = codes[symbol];
        // Turned over.
        bits.put_reversed(!code, width);
    };
    for (unlike, copy) in copies(content, 3, 4096, 518) {
        for byte in unlike {
            bits.put(0, 1);
            put(&mut bits, &literals, usize::from(*byte));
        }
        if let Some((length, distance)) = copy {
            bits.put(1, 1);
            put_length(&mut bits, &lengths, length);
            put(&mut bits, &distances, (distance - 1) >> 6);
            bits.put(u32::try_from((distance - 1) & 63).unwrap_or(0), 6);
        }
    }
    bits.put(1, 1);
    put_length(&mut bits, &lengths, 519);
    [&[1, 6][..], &bits.bytes].concat()
}

fn put_length(bits: &mut Bits, codes: &[(u32, usize)], length: usize) {
    const BASES: [usize; 16] = [3, 2, 4, 5, 6, 7, 8, 9, 10, 12, 16, 24, 40, 72, 136, 264];
    let symbol = match length {
        2 => 1,
        3 => 0,
        _ => BASES.iter().rposition(|base| *base <= length).unwrap_or(0),
    };
    let (code, width) = codes[symbol];
    bits.put_reversed(!code, width);
    bits.put(u32::try_from(length - BASES[symbol]).unwrap_or(0), symbol.saturating_sub(7));
}

/// For each symbol, its code and how many bits it has.
fn codes(digits: &str) -> Vec<(u32, usize)> {
    let digits: Vec<usize> = digits.chars().filter_map(|digit| digit.to_digit(16)?.try_into().ok()).collect();
    let lengths: Vec<usize> = digits.chunks(2).flat_map(|pair| vec![pair[1]; pair[0] + 1]).collect();
    let mut codes = vec![(0, 0); lengths.len()];
    let mut code = 0;
    for length in 1..=13 {
        code <<= 1;
        for (symbol, _) in lengths.iter().enumerate().filter(|(_, known)| **known == length) {
            codes[symbol] = (code, length);
            code += 1;
        }
    }
    codes
}
