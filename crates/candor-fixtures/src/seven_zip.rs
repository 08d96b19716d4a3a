//! 7z archives: by the library where it writes a method, by hand where it does not.

use std::io::{Cursor, Write as _};

use aes::cipher::{BlockCipherEncrypt as _, KeyInit as _};
use lzma_rust2::filter::bcj::BcjWriter;
use sevenz_rust2::encoder_options::AesEncoderOptions;
use sevenz_rust2::{ArchiveEntry, ArchiveWriter, EncoderConfiguration, EncoderMethod, Password};
use sha2::{Digest as _, Sha256};

use crate::archive::File;
use crate::nothing::Nothing;
use crate::{stream, zip_methods};

/// What members of a 7z archive are packed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SevenZip {
    /// Nothing.
    Copy,
    /// LZMA.
    Lzma,
    /// LZMA2.
    Lzma2,
    /// LZMA2 behind the filter for x86 programs.
    Lzma2WithX86,
    /// LZMA2 behind the filter for differences.
    Lzma2WithDelta,
    /// PPMd.
    Ppmd,
    /// bzip2.
    Bzip2,
    /// Deflate.
    Deflate,
    /// LZ4.
    Lz4,
    /// Deflate64.
    Deflate64,
    /// Two frames of Zstandard.
    Zstd,
    /// A stream of Brotli.
    Brotli,
    /// Brotli in two frames.
    BrotliFrames,
    /// The bytes of every two in the other order, behind LZMA.
    LzmaWithSwap2,
    /// The bytes of every four in the other order, behind LZMA2.
    Lzma2WithSwap4,
    /// Zstandard behind the filter for programs of ARM of 64 bits, which counts from another place than 0.
    ZstdWithArm64,
    /// Deflate64 behind the filters for x86 programs and for differences.
    Deflate64WithTwoFilters,
}

/// The packings of 7z.
pub const SEVEN_ZIP: [SevenZip; 17] = [
    SevenZip::Copy,
    SevenZip::Lzma,
    SevenZip::Lzma2,
    SevenZip::Lzma2WithX86,
    SevenZip::Lzma2WithDelta,
    SevenZip::Ppmd,
    SevenZip::Bzip2,
    SevenZip::Deflate,
    SevenZip::Lz4,
    SevenZip::Deflate64,
    SevenZip::Zstd,
    SevenZip::Brotli,
    SevenZip::BrotliFrames,
    SevenZip::LzmaWithSwap2,
    SevenZip::Lzma2WithSwap4,
    SevenZip::ZstdWithArm64,
    SevenZip::Deflate64WithTwoFilters,
];

/// A 7z archive, encrypted with the header when there is a password and the library writes the method; without the
/// header else.
#[must_use]
pub fn seven_zip(method: SevenZip, password: Option<&str>, files: &[File<'_>]) -> Vec<u8> {
    let methods: &[EncoderMethod] = match method {
        SevenZip::Copy => &[EncoderMethod::COPY],
        SevenZip::Lzma => &[EncoderMethod::LZMA],
        SevenZip::Lzma2 => &[EncoderMethod::LZMA2],
        SevenZip::Lzma2WithX86 => &[EncoderMethod::LZMA2, EncoderMethod::BCJ_X86_FILTER],
        SevenZip::Lzma2WithDelta => &[EncoderMethod::LZMA2, EncoderMethod::DELTA_FILTER],
        SevenZip::Ppmd => &[EncoderMethod::PPMD],
        SevenZip::Bzip2 => &[EncoderMethod::BZIP2],
        SevenZip::Deflate => &[EncoderMethod::DEFLATE],
        SevenZip::Lz4 => &[EncoderMethod::LZ4],
        _ => return by_hand(method, password, files),
    };
    let Ok(mut writer) = ArchiveWriter::new(Cursor::new(Vec::new())) else { return Vec::new() };
    let mut methods: Vec<EncoderConfiguration> =
        methods.iter().copied().map(EncoderConfiguration::new).collect();
    if let Some(password) = password {
        methods.insert(0, AesEncoderOptions::new(Password::new(password)).into());
    }
    writer.set_content_methods(methods);
    for (name, content) in files {
        if writer.push_archive_entry(ArchiveEntry::new_file(name), Some(*content)).is_err() {
            return Vec::new();
        }
    }
    writer.finish().map(Cursor::into_inner).unwrap_or_default()
}

const BROTLI: &[u8] = &[4, 0xf7, 0x11, 2];

/// A method of a block.
struct Coder {
    id: &'static [u8],
    properties: Vec<u8>,
    /// Length of what it unpacks to.
    length: usize,
}

/// What a block is packed with, from the method that is undone last to the one that is undone first.
#[derive(Default)]
struct Chain {
    coders: Vec<Coder>,
    data: Vec<u8>,
}

impl Chain {
    fn of(content: Vec<u8>) -> Self {
        Self { coders: Vec::new(), data: content }
    }

    fn then(mut self, id: &'static [u8], properties: &[u8], pack: impl FnOnce(&[u8]) -> Vec<u8>) -> Self {
        self.coders.push(Coder { id, properties: properties.to_vec(), length: self.data.len() });
        self.data = pack(&self.data);
        self
    }
}

fn by_hand(method: SevenZip, password: Option<&str>, files: &[File<'_>]) -> Vec<u8> {
    let content: Vec<u8> = files.iter().flat_map(|(_, content)| content.iter().copied()).collect();
    let chain = Chain::of(content);
    let zstd = |bytes: &[u8]| stream::zstd(bytes);
    let deflate64 = |bytes: &[u8]| zip_methods::deflate_stored(bytes);
    let halves = |bytes: &[u8], pack: fn(&[u8]) -> Vec<u8>| {
        let (first, second) = bytes.split_at(bytes.len() / 2);
        [pack(first), pack(second)].concat()
    };
    let mut chain = match method {
        SevenZip::Deflate64 => chain.then(&[4, 1, 9], &[], deflate64),
        SevenZip::Zstd => {
            chain.then(&[4, 0xf7, 0x11, 1], &[1, 5, 3, 0, 0], |bytes| halves(bytes, stream::zstd))
        }
        SevenZip::Brotli => chain.then(BROTLI, &[1, 0, 3], stream::brotli),
        SevenZip::BrotliFrames => chain.then(BROTLI, &[1, 0, 3], |bytes| halves(bytes, brotli_frame)),
        SevenZip::LzmaWithSwap2 => lzma(chain.then(&[2, 3, 2], &[], |bytes| swapped(bytes, 2))),
        SevenZip::Lzma2WithSwap4 => chain
            .then(&[2, 3, 4], &[], |bytes| swapped(bytes, 4))
            // Pieces of LZMA2 that stand as they are, of which the first begins anew.
            .then(&[0x21], &[0], |bytes| {
                let pieces = bytes.chunks(0x1_0000).enumerate().flat_map(|(index, piece)| {
                    let length = u16::try_from(piece.len() - 1).unwrap_or(u16::MAX);
                    [&[if index == 0 { 1 } else { 2 }][..], &length.to_be_bytes(), piece].concat()
                });
                pieces.chain([0]).collect()
            }),
        SevenZip::ZstdWithArm64 => {
            let filter = |bytes: &[u8]| {
                let mut writer = BcjWriter::new_arm64(Vec::new(), 0x1000);
                writer.write_all(bytes).and_then(|()| writer.finish()).unwrap_or_default()
            };
            chain.then(&[10], &[0, 0x10, 0, 0], filter).then(&[4, 0xf7, 0x11, 1], &[], zstd)
        }
        _ => {
            let x86 = |bytes: &[u8]| {
                let mut writer = BcjWriter::new_x86(Vec::new(), 0);
                writer.write_all(bytes).and_then(|()| writer.finish()).unwrap_or_default()
            };
            let differences = |bytes: &[u8]| {
                let before = [0, 0].iter().chain(bytes);
                bytes.iter().zip(before).map(|(byte, before)| byte.wrapping_sub(*before)).collect()
            };
            chain.then(&[3, 3, 1, 3], &[], x86).then(&[3], &[1], differences).then(&[4, 1, 9], &[], deflate64)
        }
    };
    if let Some(password) = password {
        chain = encrypted(chain, password);
    }
    let coders: Vec<(&[u8], &[u8])> =
        chain.coders.iter().map(|coder| (coder.id, coder.properties.as_slice())).collect();
    let lengths: Vec<usize> = chain.coders.iter().map(|coder| coder.length).collect();
    container(&folder(&coders), &[&chain.data], &lengths, files)
}

fn lzma(chain: Chain) -> Chain {
    let packed = stream::lzma(&chain.data);
    let (properties, rest) = packed.split_at(5);
    chain.then(&[3, 1, 1], properties, |_| rest[8..].to_vec())
}

fn swapped(bytes: &[u8], width: usize) -> Vec<u8> {
    let mut out = bytes.to_vec();
    out.chunks_exact_mut(width).for_each(<[u8]>::reverse);
    out
}

fn brotli_frame(bytes: &[u8]) -> Vec<u8> {
    let packed = stream::brotli(bytes);
    let length = u32::try_from(packed.len()).unwrap_or(u32::MAX).to_le_bytes();
    [b"\x50\x2a\x4d\x18\x08\0\0\0", &length[..], b"BR\x01\0", &packed].concat()
}

/// AES of 256 bits under a key of sixteen rounds.
fn encrypted(chain: Chain, password: &str) -> Chain {
    let vector = *b"sixteen of them.";
    let mut hash = Sha256::new();
    for round in 0..16_u64 {
        hash.update(password.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>());
        hash.update(round.to_le_bytes());
    }
    let Ok(cipher) = aes::Aes256::new_from_slice(&hash.finalize()) else { return Chain::default() };
    let properties = [&[4 | 0x40, 15][..], &vector].concat();
    chain.then(&[6, 0xf1, 7, 1], &properties, |bytes| {
        let mut out = Vec::new();
        let mut last = vector;
        for piece in bytes.chunks(16) {
            for (slot, byte) in last.iter_mut().zip(piece) {
                *slot ^= byte;
            }
            let mut block = aes::Block::from(last);
            cipher.encrypt_block(&mut block);
            last = block.into();
            out.extend(last);
        }
        out
    })
}

/// A 7z archive of one member, made of blocks that hold nothing: of Brotli, or of LZMA2 behind BCJ2.
#[must_use]
pub fn of_nothing(is_brotli: bool, length: usize) -> Vec<u8> {
    let files: &[File<'_>] = &[("a", &[0; 1000])];
    if is_brotli {
        let packed = Nothing::Brotli.stream(length);
        return container(&folder(&[(BROTLI, &[1, 0, 3])]), &[&packed], &[1000], files);
    }
    // Four streams that go in; the first one comes out of LZMA2, the others are as they are.
    let bcj2 = [&[2, 0x14, 3, 3, 1, 0x1b, 4, 1][..], &[0x21, 0x21, 1, 16], &[0, 1], &[4, 1, 2, 3]].concat();
    let packed = Nothing::Lzma2.stream(length);
    container(&bcj2, &[&packed, &[], &[], &[0; 5]], &[1000, 1000], files)
}

/// How the methods of a chain follow on each other.
fn folder(coders: &[(&[u8], &[u8])]) -> Vec<u8> {
    let mut folder = number(coders.len());
    for (id, properties) in coders {
        let flags = if properties.is_empty() { 0 } else { 0x20 };
        folder.push(u8::try_from(id.len()).unwrap_or(0) | flags);
        folder.extend_from_slice(id);
        if !properties.is_empty() {
            folder.extend(number(properties.len()));
            folder.extend_from_slice(properties);
        }
    }
    // What goes into a method comes out of the one that is undone before it.
    for index in 1..coders.len() {
        folder.extend([number(index - 1), number(index)].concat());
    }
    folder
}

/// An archive of one block, with a header as it is: its packed streams, and the lengths of what its methods give.
fn container(folder: &[u8], packed: &[&[u8]], lengths: &[usize], files: &[File<'_>]) -> Vec<u8> {
    let mut header = vec![1, 4, 6];
    header.extend([number(0), number(packed.len()), vec![9]].concat());
    packed.iter().for_each(|stream| header.extend(number(stream.len())));
    header.extend([0, 7, 11, 1, 0]);
    header.extend(folder);
    header.push(12);
    lengths.iter().for_each(|length| header.extend(number(*length)));
    header.extend([0, 8, 13]);
    header.extend(number(files.len()));
    header.push(9);
    for (_, content) in &files[..files.len() - 1] {
        header.extend(number(content.len()));
    }
    header.extend([10, 1]);
    for (_, content) in files {
        header.extend(crc32(content).to_le_bytes());
    }
    header.extend([0, 0, 5]);
    header.extend(number(files.len()));
    let mut names = vec![0];
    for (name, _) in files {
        names.extend(name.encode_utf16().chain([0]).flat_map(u16::to_le_bytes));
    }
    header.push(17);
    header.extend(number(names.len()));
    header.extend(names);
    header.extend([0, 0]);
    let long = |value: usize| u64::try_from(value).unwrap_or(u64::MAX).to_le_bytes();
    let packed = packed.concat();
    let start = [&long(packed.len())[..], &long(header.len()), &crc32(&header).to_le_bytes()].concat();
    [b"7z\xbc\xaf\x27\x1c\0\x04", &crc32(&start).to_le_bytes()[..], &start, &packed, &header].concat()
}

/// A number whose first byte says how many more there are.
fn number(value: usize) -> Vec<u8> {
    let bytes = u32::try_from(value).unwrap_or(u32::MAX).to_le_bytes();
    match value {
        ..0x80 => vec![bytes[0]],
        0x80..0x4000 => vec![0x80 | bytes[1], bytes[0]],
        _ => [&[0xf0][..], &bytes].concat(),
    }
}

fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum()
}
