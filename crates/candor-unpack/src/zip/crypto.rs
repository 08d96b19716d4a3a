//! The two encryptions of ZIP: the traditional one, and AES in counter mode as WinZip writes it.
//!
//! Layout of the second: <https://www.winzip.com/en/support/aes-encryption/>. A salt, two bytes that tell a
//! wrong password, the data, ten bytes of its authentication code. The code is not looked at: what a forger
//! encrypted wrongly is shown as it is.

use aes::{Aes128, Aes192, Aes256};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;

use crate::reader::Reader;

/// The key schedule of the traditional encryption.
#[derive(Clone)]
struct Keys([u32; 3]);

impl Keys {
    fn new(password: &[u8]) -> Self {
        let mut keys = Self([0x1234_5678, 0x2345_6789, 0x3456_7890]);
        for &byte in password {
            keys.update(byte);
        }
        keys
    }

    fn update(&mut self, byte: u8) {
        let [first, second, third] = &mut self.0;
        *first = crc_step(*first, byte);
        *second = second.wrapping_add(*first & 0xff).wrapping_mul(0x0808_8405).wrapping_add(1);
        *third = crc_step(*third, u8::try_from(*second >> 24).unwrap_or(0));
    }

    fn decrypted(&mut self, byte: u8) -> u8 {
        let [_, _, third] = self.0;
        let mixed = (third & 0xffff) | 2;
        let stream = (mixed.wrapping_mul(mixed ^ 1) >> 8) & 0xff;
        let plain = byte ^ u8::try_from(stream).unwrap_or(0);
        self.update(plain);
        plain
    }
}

fn crc_step(crc: u32, byte: u8) -> u32 {
    let mut value = (crc ^ u32::from(byte)) & 0xff;
    for _ in 0..8 {
        value = if value & 1 == 1 { 0xedb8_8320 ^ (value >> 1) } else { value >> 1 };
    }
    value ^ (crc >> 8)
}

/// The data behind its header of twelve bytes, if the last of those is `check` under this password.
pub(super) fn traditional(data: &[u8], password: &[u8], check: u8) -> Option<Vec<u8>> {
    let (header, rest) = data.split_at_checked(12)?;
    let mut keys = Keys::new(password);
    let last = header.iter().fold(0, |_, &byte| keys.decrypted(byte));
    (last == check).then(|| rest.iter().map(|&byte| keys.decrypted(byte)).collect())
}

/// What the extra field of an AES member says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Aes {
    key_length: usize,
    /// The compression method below the encryption.
    pub(super) method: u16,
}

impl Aes {
    /// Reads the extra fields of a header.
    pub(super) fn find(extra: &[u8]) -> Option<Self> {
        let mut reader = Reader::little(extra);
        loop {
            let kind = reader.u16()?;
            let mut body = Reader::little(reader.take_counted()?);
            if kind != 0x9901 {
                continue;
            }
            body.skip(4)?;
            let key_length = match body.u8()? {
                1 => 16,
                2 => 24,
                3 => 32,
                _ => return None,
            };
            return Some(Self { key_length, method: body.u16()? });
        }
    }

    /// The data under this password; `None` when it is the wrong one.
    pub(super) fn decrypted(self, data: &[u8], password: &[u8]) -> Option<Vec<u8>> {
        let (salt, rest) = data.split_at_checked(self.key_length / 2)?;
        let (check, rest) = rest.split_at_checked(2)?;
        let cipher = rest.get(..rest.len().checked_sub(10)?)?;
        // Two bytes behind both keys tell a wrong password, and the block that they are in is enough to see them: the
        // others cost as much again.
        let end = self.key_length.checked_mul(2)?.checked_add(2)?;
        let last = end.div_ceil(BLOCK);
        let block = derived(password, salt, u32::try_from(last).ok()?)?;
        let within = end.checked_sub(last.checked_sub(1)?.checked_mul(BLOCK)?)?;
        if !block.get(..within)?.ends_with(check) {
            return None;
        }
        let mut keys = vec![0_u8; self.key_length];
        pbkdf2::pbkdf2_hmac::<Sha1>(password, salt, ROUNDS, &mut keys);
        let key = keys.get(..self.key_length)?;
        let encrypt: Encrypt = match self.key_length {
            16 => block_cipher::<Aes128>(key)?,
            24 => block_cipher::<Aes192>(key)?,
            _ => block_cipher::<Aes256>(key)?,
        };
        let mut plain = cipher.to_vec();
        for (counter, chunk) in (1_u128..).zip(plain.chunks_mut(16)) {
            let mut block = aes::Block::from(counter.to_le_bytes());
            encrypt(&mut block);
            for (byte, key) in chunk.iter_mut().zip(block) {
                *byte ^= key;
            }
        }
        Some(plain)
    }
}

/// Rounds for each block of a key, and the length of one.
const ROUNDS: u32 = 1000;
const BLOCK: usize = 20;

/// The block with this number, from 1, of what PBKDF2 gives for a password (RFC 8018, 5.2).
fn derived(password: &[u8], salt: &[u8], number: u32) -> Option<[u8; BLOCK]> {
    let keyed = Hmac::<Sha1>::new_from_slice(password).ok()?;
    let sum = |parts: [&[u8]; 2]| {
        let mut sum = keyed.clone();
        parts.into_iter().for_each(|part| sum.update(part));
        <[u8; BLOCK]>::from(sum.finalize().into_bytes())
    };
    let mut step = sum([salt, &number.to_be_bytes()]);
    let mut block = step;
    for _ in 1..ROUNDS {
        step = sum([&step, &[]]);
        block.iter_mut().zip(step).for_each(|(byte, more)| *byte ^= more);
    }
    Some(block)
}

/// Encrypts one block.
type Encrypt = Box<dyn Fn(&mut aes::Block)>;

fn block_cipher<C>(key: &[u8]) -> Option<Encrypt>
where
    C: aes::cipher::KeyInit
        + aes::cipher::BlockCipherEncrypt
        + aes::cipher::BlockSizeUser<BlockSize = aes::cipher::consts::U16>
        + 'static,
{
    let cipher = C::new_from_slice(key).ok()?;
    Some(Box::new(move |block| cipher.encrypt_block(block)))
}
