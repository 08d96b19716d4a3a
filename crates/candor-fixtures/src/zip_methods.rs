//! ZIP archives of any method and encryption, member by member. The packers of the old methods use the
//! least of them that a decoder must know.

use aes::cipher::{BlockCipherEncrypt as _, KeyInit as _};
use lzma_rust2::{LzmaOptions, LzmaWriter};
use ppmd_rust::{Ppmd8Encoder, RestoreMethod};
use std::io::Write as _;

use crate::dcl;
use crate::stream::{self, Bits};

/// A member as it stands in the archive.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Packed {
    /// Its name.
    pub name: String,
    /// The number of its method.
    pub method: u16,
    /// General-purpose flags.
    pub flags: u16,
    /// What stands behind its header.
    pub data: Vec<u8>,
    /// Length of its content.
    pub real: u32,
    /// CRC-32 of its content.
    pub crc32: u32,
    /// Its extra field.
    pub extra: Vec<u8>,
}

/// The methods that [`pack`] knows.
pub const METHODS: [u16; 15] = [0, 1, 2, 3, 4, 5, 6, 8, 9, 10, 12, 14, 93, 95, 98];

/// A member of one of [`METHODS`].
#[must_use]
pub fn pack(name: &str, content: &[u8], method: u16) -> Packed {
    let mut crc = flate2::Crc::new();
    crc.update(content);
    let (data, flags) = match method {
        1 => (shrink(content), 0),
        2..=5 => (reduce(content), 0),
        6 => (implode(content), 0),
        8 => (stream::deflate(content), 0),
        9 => (deflate_stored(content), 0),
        10 => (dcl::implode(content), 0),
        12 => (stream::bzip2(content), 0),
        14 => (lzma(content), 2),
        93 => (stream::zstd(content), 0),
        95 => (stream::xz(content), 0),
        98 => (ppmd(content), 0),
        _ => (content.to_vec(), 0),
    };
    let real = u32::try_from(content.len()).unwrap_or(u32::MAX);
    Packed { name: name.to_owned(), method, flags, data, real, crc32: crc.sum(), extra: Vec::new() }
}

impl Packed {
    /// The same under the traditional encryption.
    #[must_use]
    pub fn with_traditional_encryption(mut self, password: &[u8]) -> Self {
        let mut keys = [0x1234_5678_u32, 0x2345_6789, 0x3456_7890];
        let update = |keys: &mut [u32; 3], byte: u8| {
            let step = |crc: u32, byte: u8| {
                let start = (crc ^ u32::from(byte)) & 0xff;
                let value = (0..8).fold(start, |value, _| (value >> 1) ^ ((value & 1) * 0xedb8_8320));
                value ^ (crc >> 8)
            };
            keys[0] = step(keys[0], byte);
            keys[1] = (keys[1].wrapping_add(keys[0] & 0xff)).wrapping_mul(134_775_813).wrapping_add(1);
            keys[2] = step(keys[2], keys[1].to_be_bytes()[0]);
        };
        for &byte in password {
            update(&mut keys, byte);
        }
        let mut plain = b"random bytes".to_vec();
        plain[11] = self.crc32.to_be_bytes()[0];
        plain.extend_from_slice(&self.data);
        self.data = plain
            .iter()
            .map(|&byte| {
                let mixed = keys[2] & 0xffff | 2;
                let cipher = byte ^ (mixed.wrapping_mul(mixed ^ 1)).to_be_bytes()[2];
                update(&mut keys, byte);
                cipher
            })
            .collect();
        self.flags |= 1;
        self
    }

    /// The same under AES of 256 bits.
    #[must_use]
    pub fn with_aes(mut self, password: &[u8]) -> Self {
        let salt = *b"sixteen of salt.";
        let mut keys = [0_u8; 66];
        pbkdf2::pbkdf2_hmac::<sha1::Sha1>(password, &salt, 1000, &mut keys);
        let mut data = [&salt[..], &keys[64..]].concat();
        let Ok(cipher) = aes::Aes256::new_from_slice(&keys[..32]) else { return self };
        for (counter, chunk) in (1_u128..).zip(self.data.chunks(16)) {
            let mut block = aes::Block::from(counter.to_le_bytes());
            cipher.encrypt_block(&mut block);
            data.extend(chunk.iter().zip(block).map(|(byte, key)| byte ^ key));
        }
        data.extend([0; 10]);
        self.data = data;
        self.extra = [&[1, 0x99, 7, 0, 2, 0][..], b"AE\x03", &self.method.to_le_bytes()].concat();
        self.method = 99;
        self.flags |= 1;
        self.crc32 = 0;
        self
    }

    fn common(&self) -> Vec<u8> {
        let numbers = [
            &20_u16.to_le_bytes()[..],
            &self.flags.to_le_bytes(),
            &self.method.to_le_bytes(),
            &[0, 0, 0x21, 0x50],
            &self.crc32.to_le_bytes(),
            &u32::try_from(self.data.len()).unwrap_or(u32::MAX).to_le_bytes(),
            &self.real.to_le_bytes(),
            &u16::try_from(self.name.len()).unwrap_or(u16::MAX).to_le_bytes(),
            &u16::try_from(self.extra.len()).unwrap_or(u16::MAX).to_le_bytes(),
        ];
        numbers.concat()
    }
}

/// An archive of `members`, in this order.
#[must_use]
pub fn archive(members: &[Packed]) -> Vec<u8> {
    let mut archive = Vec::new();
    let mut directory = Vec::new();
    for member in members {
        let at = u32::try_from(archive.len()).unwrap_or(u32::MAX);
        let name = member.name.as_bytes();
        directory.extend(
            [b"PK\x01\x02\x14\x00", &member.common()[..], &[0; 10], &at.to_le_bytes(), name, &member.extra]
                .concat(),
        );
        archive.extend([b"PK\x03\x04", &member.common()[..], name, &member.extra, &member.data].concat());
    }
    let count = u16::try_from(members.len()).unwrap_or(u16::MAX).to_le_bytes();
    let at = u32::try_from(archive.len()).unwrap_or(u32::MAX).to_le_bytes();
    let size = u32::try_from(directory.len()).unwrap_or(u32::MAX).to_le_bytes();
    archive.extend(directory);
    archive.extend([b"PK\x05\x06\0\0\0\0", &count[..], &count, &size, &at, &[0, 0]].concat());
    archive
}

/// Every byte as a code of nine bits; in the middle, a wider code and a clearing of the table.
fn shrink(content: &[u8]) -> Vec<u8> {
    let mut bits = Bits::default();
    let mut width = 9;
    for (index, &byte) in content.iter().enumerate() {
        if index == content.len() / 2 {
            bits.put(256, width);
            bits.put(1, width);
            width += 1;
            bits.put(256, width);
            bits.put(2, width);
        }
        bits.put(u32::from(byte), width);
    }
    bits.bytes
}

/// No byte has followers.
fn reduce(content: &[u8]) -> Vec<u8> {
    let mut bits = Bits::default();
    for _ in 0..256 {
        bits.put(0, 6);
    }
    for &byte in content {
        bits.put(u32::from(byte), 8);
        if byte == 144 {
            bits.put(0, 8);
        }
    }
    bits.bytes
}

/// Literals without a tree, behind two trees of 64 codes of six bits.
fn implode(content: &[u8]) -> Vec<u8> {
    let mut bits = Bits::default();
    for _ in 0..2 {
        bits.put(3, 8);
        for _ in 0..4 {
            bits.put(0xf5, 8);
        }
    }
    for &byte in content {
        bits.put(1, 1);
        bits.put(u32::from(byte), 8);
    }
    bits.bytes
}

/// Stored blocks, which deflate and deflate64 share.
pub(crate) fn deflate_stored(content: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for block in content.chunks(60_000) {
        let length = u16::try_from(block.len()).unwrap_or(u16::MAX);
        out.extend([&[0][..], &length.to_le_bytes(), &(!length).to_le_bytes(), block].concat());
    }
    out.extend([1, 0, 0, 0xff, 0xff]);
    out
}

fn lzma(content: &[u8]) -> Vec<u8> {
    let options = LzmaOptions::with_preset(1);
    let Ok(mut encoder) = LzmaWriter::new_no_header(Vec::new(), &options, true) else { return Vec::new() };
    let data = encoder.write_all(content).and_then(|()| encoder.finish()).unwrap_or_default();
    [&[9, 20, 5, 0, options.get_props()][..], &options.dict_size.to_le_bytes(), &data].concat()
}

fn ppmd(content: &[u8]) -> Vec<u8> {
    let (order, mebibytes) = (8_u16, 4_u16);
    let memory = u32::from(mebibytes) << 20;
    let Ok(mut encoder) = Ppmd8Encoder::new(Vec::new(), u32::from(order), memory, RestoreMethod::Restart)
    else {
        return Vec::new();
    };
    let data = encoder.write_all(content).and_then(|()| encoder.finish(true)).unwrap_or_default();
    [&((order - 1) | ((mebibytes - 1) << 4)).to_le_bytes()[..], &data].concat()
}
