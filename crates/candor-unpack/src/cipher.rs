//! The ciphers that documents are encrypted with, over what their format says the key is.
//!
//! Nothing here is kept secret: passwords are public or stand in the mail, so plain table look-ups do.

use aes::cipher::consts::U16;
use aes::cipher::{BlockCipherDecrypt, BlockCipherEncrypt, BlockSizeUser, KeyInit};
use aes::{Aes128, Aes192, Aes256};

/// The stream cipher RC4 under one key.
#[derive(Clone)]
pub(crate) struct Rc4 {
    state: [u8; 256],
    first: u8,
    second: u8,
}

impl Rc4 {
    /// Schedules a key; an empty one counts as a single zero.
    pub(crate) fn new(key: &[u8]) -> Self {
        let mut state = [0_u8; 256];
        for (slot, value) in state.iter_mut().zip(0..=u8::MAX) {
            *slot = value;
        }
        let mut other = 0_u8;
        let key = if key.is_empty() { &[0][..] } else { key };
        for (index, byte) in (0..256_usize).zip(key.iter().cycle()) {
            let own = state.get(index).copied().unwrap_or(0);
            other = other.wrapping_add(own).wrapping_add(*byte);
            state.swap(index, usize::from(other));
        }
        Self { state, first: 0, second: 0 }
    }

    /// Encrypts or decrypts `bytes` in place; goes on where the last call ended.
    pub(crate) fn apply(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            *byte ^= self.next();
        }
    }

    fn next(&mut self) -> u8 {
        let of = |state: &[u8; 256], index: u8| state.get(usize::from(index)).copied().unwrap_or(0);
        self.first = self.first.wrapping_add(1);
        self.second = self.second.wrapping_add(of(&self.state, self.first));
        self.state.swap(usize::from(self.first), usize::from(self.second));
        let sum = of(&self.state, self.first).wrapping_add(of(&self.state, self.second));
        of(&self.state, sum)
    }
}

/// `bytes` under RC4 with this key from its beginning.
pub(crate) fn rc4(key: &[u8], bytes: &[u8]) -> Vec<u8> {
    let mut out = bytes.to_vec();
    Rc4::new(key).apply(&mut out);
    out
}

/// Decrypts AES in chained blocks; what does not fill a block at the end is left out. `None` when there is
/// no such length of a key.
pub(crate) fn aes_chained(key: &[u8], vector: &[u8], bytes: &[u8]) -> Option<Vec<u8>> {
    let mut last = padded(vector);
    let mut out = Vec::with_capacity(bytes.len());
    let decrypt = decryptor(key)?;
    for block in bytes.as_chunks::<16>().0 {
        let mut plain = aes::Block::from(*block);
        decrypt(&mut plain);
        out.extend(plain.iter().zip(last).map(|(byte, before)| byte ^ before));
        last = *block;
    }
    Some(out)
}

/// Decrypts AES block by block.
pub(crate) fn aes_blocks(key: &[u8], bytes: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(bytes.len());
    let decrypt = decryptor(key)?;
    for block in bytes.as_chunks::<16>().0 {
        let mut plain = aes::Block::from(*block);
        decrypt(&mut plain);
        out.extend_from_slice(&plain);
    }
    Some(out)
}

/// Encrypts whole blocks with AES-128 in chained blocks: a step of the hash of PDF 2.0.
pub(crate) fn aes128_encrypted(key: &[u8], vector: &[u8], bytes: &[u8]) -> Option<Vec<u8>> {
    let cipher = Aes128::new_from_slice(key).ok()?;
    let mut last = padded(vector);
    let mut out = Vec::with_capacity(bytes.len());
    for block in bytes.as_chunks::<16>().0 {
        let mut mixed = *block;
        for (byte, before) in mixed.iter_mut().zip(last) {
            *byte ^= before;
        }
        let mut secret = aes::Block::from(mixed);
        cipher.encrypt_block(&mut secret);
        last = secret.into();
        out.extend_from_slice(&last);
    }
    Some(out)
}

/// Decrypts one block.
type Decrypt = Box<dyn Fn(&mut aes::Block)>;

fn decryptor(key: &[u8]) -> Option<Decrypt> {
    match key.len() {
        16 => block_cipher::<Aes128>(key),
        24 => block_cipher::<Aes192>(key),
        32 => block_cipher::<Aes256>(key),
        _ => None,
    }
}

fn block_cipher<C>(key: &[u8]) -> Option<Decrypt>
where
    C: KeyInit + BlockCipherDecrypt + BlockSizeUser<BlockSize = U16> + 'static,
{
    let cipher = C::new_from_slice(key).ok()?;
    Some(Box::new(move |block| cipher.decrypt_block(block)))
}

fn padded(vector: &[u8]) -> [u8; 16] {
    let mut out = [0; 16];
    for (slot, byte) in out.iter_mut().zip(vector) {
        *slot = *byte;
    }
    out
}
