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
    /// Blocks of Zstandard of 43,690 copies of three bytes, whose codes have no bits.
    ZstdCopies,
    /// Chunks of LZMA2 of one byte.
    Lzma2,
    /// Those in a stream of xz.
    Xz,
    /// Blocks of bzip2 of one byte.
    Bzip2,
    /// Blocks of LZ4 of one byte.
    Lz4,
    /// Blocks of Brotli of one byte, with 256 codes.
    Brotli,
}

/// All of them.
pub const ALL: [Nothing; 11] = [
    Nothing::KnownCodes,
    Nothing::OwnCodes,
    Nothing::Stored,
    Nothing::Zstd,
    Nothing::ZstdRun,
    Nothing::ZstdCopies,
    Nothing::Lzma2,
    Nothing::Xz,
    Nothing::Bzip2,
    Nothing::Lz4,
    Nothing::Brotli,
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
            // No literals; how many copies; one code for each part of them; and nothing but the bit that ends them.
            Self::ZstdCopies => {
                (b"\x28\xb5\x2f\xfd\0\x58\x40\0\0abcdefgh", b"\x4c\0\0\0\xff\xaa\x2b\x54\0\0\0\x01".to_vec())
            }
            Self::Lzma2 => (b"\x01\0\0a", b"\x02\0\0a".to_vec()),
            Self::Xz => (
                b"\xfd7zXZ\0\0\0\xff\x12\xd9\x41\x02\0\x21\x01\x16\0\0\0\x74\x2f\xe5\xa3\x01\0\0a",
                b"\x02\0\0a".to_vec(),
            ),
            Self::Bzip2 => (b"BZh9", bzip2_blocks()),
            Self::Lz4 => (b"\x04\x22\x4d\x18\x60\x40\x82", b"\x01\0\0\x80a".to_vec()),
            // Eight blocks behind the seven bits of a window of 1 KiB, which end with as many.
            Self::Brotli => {
                let bits = brotli_block().repeat(8);
                let start = low_first(&format!("1000010{}", &bits[..1]));
                return [
                    start,
                    low_first(&[&bits[1..], &bits[..1]].concat()).repeat(length * 8 / bits.len()),
                ]
                .concat();
            }
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

/// A block of Brotli of one byte: 256 codes for literals, each of which has one symbol.
fn brotli_block() -> String {
    let number = |value: usize, bits: usize| -> String {
        (0..bits).map(|bit| if value >> bit & 1 == 1 { '1' } else { '0' }).collect()
    };
    // A code of one symbol: a simple one, how many, and which.
    let code = |bits, symbol| ["10", "00", &number(symbol, bits)].concat();
    [
        // Not the last, four digits of sixteen, the length less one, and compressed.
        ["0", "00", &number(0, 16), "0"].concat(),
        // Blocks of one kind each; no distances beside those in codes; the mode of the context.
        ["000", "00", "0000", "00"].concat(),
        // 256 codes for literals: seven bits behind the last of the groups; no runs; the first one everywhere.
        ["1", "111", &number(127, 7), "0", &code(8, 0), "0"].concat(),
        // One for distances.
        "0".to_owned(),
        code(8, 0x61).repeat(256),
        // Insert one, and copy; a distance.
        code(10, 8),
        code(6, 0),
    ]
    .concat()
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

/// A frame of LZX as cabinets have it: blocks that bring codes and hold a zero each.
#[must_use]
pub fn lzx_frame(is_first: bool, blocks: usize) -> Vec<u8> {
    // Of the lengths of lengths only two have a code: that of a run of zeros, and that of no change, or of one from 0 to 1.
    let codes = |change: usize| -> String {
        (0..20).map(|place| if place == change || place == 18 { "0001" } else { "0000" }).collect()
    };
    let run = |count: usize| format!("1{:05b}", count - 20);
    let runs = |last: usize| [run(51).repeat(4), run(last)].concat();
    let block = |change: usize| {
        // One bit for the first two literals, none for the others, for copies and for lengths; and the first literal.
        [
            &format!("001{:024b}", 1),
            &codes(change),
            "00",
            &runs(50),
            &codes(0),
            &runs(36),
            &codes(0),
            &runs(45),
            "0",
        ]
        .concat()
    };
    let mut bits = if is_first { format!("0{}", block(16)) } else { block(0) };
    bits.push_str(&block(0).repeat(blocks.saturating_sub(1)));
    words(&bits)
}

/// A cabinet of such frames, with 800 blocks in each.
#[must_use]
pub fn cabinet(frames: u16) -> Vec<u8> {
    const BLOCKS: u16 = 800;
    let frame = |is_first| {
        let packed = lzx_frame(is_first, BLOCKS.into());
        let length = u16::try_from(packed.len()).unwrap_or(u16::MAX);
        [&[0; 4][..], &length.to_le_bytes(), &BLOCKS.to_le_bytes(), &packed].concat()
    };
    let length = (u32::from(BLOCKS) * u32::from(frames)).to_le_bytes();
    let data = [frame(true), frame(false).repeat(usize::from(frames.saturating_sub(1)))].concat();
    // One folder, whose window has 15 bits, and one file.
    let folder = [&62_u32.to_le_bytes()[..], &frames.to_le_bytes(), &[3, 15]].concat();
    let file = [&length[..], &[0; 4], &[0; 6], &[0x20, 0], b"a\0"].concat();
    let whole = u32::try_from(62 + data.len()).unwrap_or(u32::MAX).to_le_bytes();
    let header =
        [b"MSCF\0\0\0\0", &whole[..], &[0; 4], &[44, 0, 0, 0, 0, 0, 0, 0, 3, 1, 1, 0, 1, 0], &[0; 6]]
            .concat();
    [header, folder, file, data].concat()
}

/// An archive of RAR, of version 5 or 3, with a file of about `length` bytes of blocks that bring codes and hold nothing.
#[must_use]
pub fn rar(is_new: bool, length: usize) -> Vec<u8> {
    let sum = |bytes: &[u8]| {
        let mut sum = flate2::Crc::new();
        sum.update(bytes);
        sum.sum().to_le_bytes()
    };
    // Seventeen lengths of nothing, and a run of all others.
    let block: &[u8] = if is_new {
        // Four runs of zeros, of seven bits each.
        b"\x83\xde\x07\xff\0\x17\xf7\xf7\xf0\x50"
    } else {
        // The code that ends a block has one bit; and another block follows.
        b"\0\x7f\xc7\xff\xad\xfb\0\x80"
    };
    let data = block.repeat(length / block.len());
    let packed = u32::try_from(data.len()).unwrap_or(u32::MAX);
    let headers = if is_new {
        let header = |fields: &[u8]| {
            let fields = [&[u8::try_from(fields.len()).unwrap_or(u8::MAX)], fields].concat();
            [&sum(&fields)[..], &fields].concat()
        };
        let number =
            [0, 7, 14, 21, 28].map(|shift| (packed >> shift & 0x7f) as u8 | u8::from(shift < 28) << 7);
        // Packed and real length, and the third method.
        let file = [&[2, 2][..], &number, &[0], &number, &[0, 0x80, 3, 0, 1, b'a']].concat();
        [&b"Rar!\x1a\x07\x01\0"[..], &header(&[1, 0, 0]), &header(&file)].concat()
    } else {
        let header = |fields: &[u8]| [&sum(fields)[..2], fields].concat();
        let size = packed.to_le_bytes();
        let file =
            [&b"\x74\0\x80\x21\0"[..], &size, &size, b"\x02\0\0\0\0\0\0\x21\0\x1d\x33\x01\0\x20\0\0\0a"]
                .concat();
        let archive = header(b"\x73\0\0\x0d\0\0\0\0\0\0\0");
        [&b"Rar!\x1a\x07\0"[..], &archive, &header(&file)].concat()
    };
    [headers, data].concat()
}

/// A frame of LZX that holds bytes as they are. The first may say that calls are translated, in a program of this length.
#[must_use]
pub fn lzx_stored(program: Option<u32>, content: &[u8]) -> Vec<u8> {
    let start = program.map(|length| format!("1{length:032b}")).unwrap_or_default();
    let recent = [1_u32; 3].map(u32::to_le_bytes).concat();
    [&words(&format!("{start}011{:024b}", content.len())), &recent[..], content].concat()
}

/// Bits as words of two bytes, the highest bit first and the lower byte first.
fn words(bits: &str) -> Vec<u8> {
    let word = |bits: &[u8]| {
        let value = bits.iter().fold(0_u16, |word, bit| word << 1 | u16::from(bit & 1));
        (value << (16 - bits.len())).to_le_bytes()
    };
    bits.as_bytes().chunks(16).flat_map(word).collect()
}
