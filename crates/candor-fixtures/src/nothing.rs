//! Streams whose blocks hold nothing, or next to it: what they cost a decoder stands neither in what they give nor in a count of
//! members, and they pack well.

/// Blocks, by the method that reads them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nothing {
    /// Empty blocks of deflate under its known codes, ten bits each.
    KnownCodes,
    /// Empty blocks of deflate that bring codes.
    OwnCodes,
    /// Stored blocks of deflate without a byte.
    Stored,
    /// Empty blocks of a frame of Zstandard.
    Zstd,
    /// Blocks of Zstandard that repeat a byte no times.
    ZstdRun,
    /// Chunks of LZMA2 of one byte.
    Lzma2,
    /// Those in a stream of xz.
    Xz,
    /// Blocks of bzip2 of one byte.
    Bzip2,
    /// Blocks of LZ4 of one byte.
    Lz4,
}

/// All of them.
pub const ALL: [Nothing; 9] = [
    Nothing::KnownCodes,
    Nothing::OwnCodes,
    Nothing::Stored,
    Nothing::Zstd,
    Nothing::ZstdRun,
    Nothing::Lzma2,
    Nothing::Xz,
    Nothing::Bzip2,
    Nothing::Lz4,
];

impl Nothing {
    /// A stream of about `length` bytes of such blocks, without an end.
    #[must_use]
    pub fn stream(self, length: usize) -> Vec<u8> {
        let (start, blocks): (&[u8], Vec<u8>) = match self {
            Self::KnownCodes => (&[], low_first(&"0100000000".repeat(4))),
            Self::OwnCodes => (&[], low_first(&own_codes().repeat(8))),
            Self::Stored => (&[], b"\0\0\0\xff\xff".to_vec()),
            Self::Zstd => (b"\x28\xb5\x2f\xfd\0\x58", b"\0\0\0".to_vec()),
            Self::ZstdRun => (b"\x28\xb5\x2f\xfd\0\x58", b"\x02\0\0a".to_vec()),
            Self::Lzma2 => (b"\x01\0\0a", b"\x02\0\0a".to_vec()),
            Self::Xz => (
                b"\xfd7zXZ\0\0\0\xff\x12\xd9\x41\x02\0\x21\x01\x16\0\0\0\x74\x2f\xe5\xa3\x01\0\0a",
                b"\x02\0\0a".to_vec(),
            ),
            Self::Bzip2 => (b"BZh9", bzip2_blocks()),
            Self::Lz4 => (b"\x04\x22\x4d\x18\x60\x40\x82", b"\x01\0\0\x80a".to_vec()),
        };
        [start, &blocks.repeat(length / blocks.len())].concat()
    }
}

/// The header of a block of deflate whose codes know the end of a block, and no more, and that end.
fn own_codes() -> String {
    // Lengths of codes have codes: of one bit, for one bit and for a run of zeros.
    let lengths: String =
        (0..18).map(|place| if place == 2 || place == 17 { "100" } else { "000" }).collect();
    // No more literals and distances than have to be, runs of 138 and of 118, the two lengths, and the end.
    format!("001{:05}{:05}0111{lengths}1{}1{}000", 0, 0, "1111111", "1101011")
}

/// Eight blocks of a byte, which end with a whole byte.
fn bzip2_blocks() -> Vec<u8> {
    let stream = crate::stream::bzip2(b"a");
    let bits: String = stream.iter().map(|byte| format!("{byte:08b}")).collect();
    let end = bits.find(&format!("{:048b}", 0x1772_4538_5090_u64)).unwrap_or(bits.len());
    let blocks: String = bits.chars().take(end).skip(32).collect::<String>().repeat(8);
    low_first(&blocks).into_iter().map(u8::reverse_bits).collect()
}

/// Bits as bytes, the first of each lowest.
fn low_first(bits: &str) -> Vec<u8> {
    bits.as_bytes().chunks(8).map(|bits| bits.iter().rev().fold(0, |byte, bit| byte << 1 | bit & 1)).collect()
}
