//! Encrypted Office documents whose password is known: the one that Excel tries by itself, and those that
//! are tried on everything.
//!
//! Layout: MS-OFFCRYPTO 2.3.4 (packages: standard and agile), 2.3.6 (RC4 in binary documents), 2.3.5 (the
//! same with keys of the `CryptoAPI`). Excel opens what is encrypted with `VelvetSweatshop` without asking,
//! which is why attackers use it.

use candor_model::Budget;

use crate::cipher::{self, Rc4};
use crate::hash::Hash;
use crate::reader::{Reader, clipped};
use crate::transfer::base64;

/// What Excel tries before it asks.
const USUAL: &[u8] = b"VelvetSweatshop";
/// Passwords that are tried, and rounds of a hash that all of them may cost together.
const TRIALS: usize = 12;
const ROUNDS: u32 = 1_500_000;
/// What a round of it costs, in those that a [`Budget`] counts, and what the fifty thousand of the older form do.
const WEIGHT: u64 = 8;
const STANDARD: u64 = 100_000;

/// Block keys of agile encryption.
const VERIFIER_INPUT: [u8; 8] = [0xfe, 0xa7, 0xd2, 0x76, 0x3b, 0x4b, 0x9e, 0x79];
const VERIFIER_VALUE: [u8; 8] = [0xd7, 0xaa, 0x0f, 0x6d, 0x30, 0x61, 0x34, 0x4e];
const KEY_VALUE: [u8; 8] = [0x14, 0x6e, 0x0b, 0xe7, 0xab, 0xac, 0xd0, 0xd6];

/// The passwords to try, as UTF-16 like Office has them.
pub(super) fn candidates(known: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let usual = [USUAL.to_vec()];
    let texts = usual.iter().chain(known).take(TRIALS).map(|text| String::from_utf8_lossy(text).into_owned());
    texts.map(|text| text.encode_utf16().flat_map(u16::to_le_bytes).collect()).collect()
}

/// The document in an encrypted package; `None` when no password opens it.
pub(super) fn package(
    info: &[u8],
    package: &[u8],
    passwords: &[Vec<u8>],
    budget: &mut Budget,
) -> Option<Vec<u8>> {
    let mut reader = Reader::little(info);
    let (major, minor) = (reader.u16()?, reader.u16()?);
    reader.skip(4)?;
    let mut head = Reader::little(package);
    let length = head.u64()?;
    let mut plain = match (major, minor) {
        (4, 4) => Agile::read(reader.rest())?.decrypted(head.rest(), passwords, budget)?,
        (2..=4, 2) => {
            let standard = Standard::read(&mut reader)?;
            let mut may_make = || budget.pay_key(STANDARD);
            let key = passwords
                .iter()
                .take_while(|_| may_make())
                .find_map(|password| standard.aes_key(password))?;
            cipher::aes_blocks(&key, head.rest())?
        }
        _ => return None,
    };
    plain.truncate(usize::try_from(length).unwrap_or(usize::MAX));
    Some(plain)
}

impl Hash {
    fn named(name: &[u8]) -> Option<Self> {
        Some(match name {
            b"MD5" => Self::Md5,
            b"SHA1" | b"SHA-1" => Self::Sha1,
            b"SHA256" | b"SHA-256" => Self::Sha256,
            b"SHA384" | b"SHA-384" => Self::Sha384,
            b"SHA512" | b"SHA-512" => Self::Sha512,
            _ => return None,
        })
    }
}

/// What one element of the description says.
struct Parameters {
    hash: Hash,
    salt: Vec<u8>,
    /// Bytes of a key.
    key: usize,
}

impl Parameters {
    fn read(element: &[u8]) -> Option<Self> {
        let is_chained = attribute(element, b"cipherChaining") == Some(b"ChainingModeCBC");
        if attribute(element, b"cipherAlgorithm") != Some(b"AES") || !is_chained {
            return None;
        }
        Some(Self {
            hash: Hash::named(attribute(element, b"hashAlgorithm")?)?,
            salt: base64(attribute(element, b"saltValue")?),
            key: usize::try_from(number(element, b"keyBits")? / 8).ok()?,
        })
    }

    fn key(&self, hash: &[u8], block: &[u8]) -> Vec<u8> {
        let mut key = self.hash.of(&[hash, block]);
        key.resize(self.key, 0x36);
        key
    }
}

struct Agile {
    data: Parameters,
    password: Parameters,
    rounds: u32,
    verifier_input: Vec<u8>,
    verifier_value: Vec<u8>,
    key_value: Vec<u8>,
}

impl Agile {
    fn read(xml: &[u8]) -> Option<Self> {
        let password = element(xml, b"encryptedKey")?;
        let coded = |name: &[u8]| attribute(password, name).map(base64);
        Some(Self {
            data: Parameters::read(element(xml, b"keyData")?)?,
            password: Parameters::read(password)?,
            rounds: number(password, b"spinCount")?,
            verifier_input: coded(b"encryptedVerifierHashInput")?,
            verifier_value: coded(b"encryptedVerifierHashValue")?,
            key_value: coded(b"encryptedKeyValue")?,
        })
    }

    fn decrypted(&self, package: &[u8], passwords: &[Vec<u8>], budget: &mut Budget) -> Option<Vec<u8>> {
        let mut left = ROUNDS;
        let key = passwords.iter().find_map(|password| {
            left = left.checked_sub(self.rounds)?;
            budget.pay_key(u64::from(self.rounds).saturating_mul(WEIGHT)).then_some(())?;
            self.key(password)
        })?;
        let mut plain = Vec::with_capacity(package.len());
        for (index, segment) in (0_u32..).zip(package.chunks(4096)) {
            let vector = self.data.hash.of(&[&self.data.salt, &index.to_le_bytes()]);
            plain.extend(cipher::aes_chained(&key, &vector, segment)?);
        }
        Some(plain)
    }

    fn key(&self, password: &[u8]) -> Option<Vec<u8>> {
        let hash = self.password.hash.repeated(&self.password.salt, password, self.rounds);
        let open = |block: &[u8], secret: &[u8]| {
            cipher::aes_chained(&self.password.key(&hash, block), &self.password.salt, secret)
        };
        let input = open(&VERIFIER_INPUT, &self.verifier_input)?;
        let input = input.get(..self.password.salt.len()).unwrap_or(&input);
        let expected = open(&VERIFIER_VALUE, &self.verifier_value)?;
        if !expected.starts_with(&self.password.hash.of(&[input])) {
            return None;
        }
        let mut key = open(&KEY_VALUE, &self.key_value)?;
        key.truncate(self.data.key);
        Some(key)
    }
}

/// The start tag of the first element of this name, whatever its prefix.
fn element<'a>(xml: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let at = memchr::memmem::find_iter(xml, name).find(|at| {
        let before = at.checked_sub(1).and_then(|at| xml.get(at));
        let after = xml.get(at.saturating_add(name.len()));
        matches!(before, Some(b'<' | b':')) && after.is_some_and(u8::is_ascii_whitespace)
    })?;
    let rest = xml.get(at..)?;
    rest.get(..memchr::memchr(b'>', rest)?)
}

fn attribute<'a>(element: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let start = [b" ", name, b"=\""].concat();
    let at = memchr::memmem::find(element, &start)?.checked_add(start.len())?;
    let rest = element.get(at..)?;
    rest.get(..memchr::memchr(b'"', rest)?)
}

fn number(element: &[u8], name: &[u8]) -> Option<u32> {
    std::str::from_utf8(attribute(element, name)?).ok()?.parse().ok()
}

/// Header and verifier of standard encryption, which RC4 with keys of the `CryptoAPI` shares.
struct Standard {
    algorithm: u32,
    /// Bytes of a key.
    key: usize,
    salt: [u8; 16],
    verifier: [u8; 16],
    /// The verifier's hash, encrypted.
    hash: Vec<u8>,
}

impl Standard {
    /// Reads what stands behind version and flags.
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let length = reader.u32()?;
        let mut header = Reader::little(reader.take(u64::from(length))?);
        header.skip(8)?;
        let (algorithm, _, bits) = (header.u32()?, header.u32()?, header.u32()?);
        reader.skip(4)?;
        let (salt, verifier) = (*reader.take(16)?.first_chunk()?, *reader.take(16)?.first_chunk()?);
        reader.skip(4)?;
        // Forty bits are meant when nothing is said.
        let key = usize::try_from(if bits == 0 { 40 } else { bits } / 8).ok()?.min(32);
        Some(Self { algorithm, key, salt, verifier, hash: clipped(reader.rest(), 0, 32).to_vec() })
    }

    fn aes_key(&self, password: &[u8]) -> Option<Vec<u8>> {
        if !(0x660e..=0x6610).contains(&self.algorithm) {
            return None;
        }
        let hash = Hash::Sha1.repeated(&self.salt, password, 50_000);
        let hash = Hash::Sha1.of(&[&hash, &[0; 4]]);
        let half = |fill: u8| {
            let mut block = [fill; 64];
            for (byte, other) in block.iter_mut().zip(&hash) {
                *byte ^= other;
            }
            Hash::Sha1.of(&[&block])
        };
        let mut key = [half(0x36), half(0x5c)].concat();
        key.truncate(self.key);
        let verifier = cipher::aes_blocks(&key, &self.verifier)?;
        let hash = cipher::aes_blocks(&key, &self.hash)?;
        hash.starts_with(&Hash::Sha1.of(&[&verifier])).then_some(key)
    }
}

/// RC4 as binary documents have it: a key for each block.
pub(super) struct Blocks {
    base: Vec<u8>,
    hash: Hash,
    /// Bytes of a key.
    key: usize,
}

impl Blocks {
    /// Finds the password of what `header` describes; it starts with the version.
    pub(super) fn open(header: &[u8], passwords: &[Vec<u8>]) -> Option<Self> {
        let mut reader = Reader::little(header);
        let (major, minor) = (reader.u16()?, reader.u16()?);
        if (major, minor) == (1, 1) {
            let rest = reader.rest();
            let (salt, verifier, hash) = (rest.get(..16)?, rest.get(16..32)?, rest.get(32..48)?);
            return passwords.iter().find_map(|password| {
                let first = Hash::Md5.of(&[password]);
                let mixed = [first.get(..5)?, salt].concat().repeat(16);
                let mut base = Hash::Md5.of(&[&mixed]);
                base.truncate(5);
                Self { base, hash: Hash::Md5, key: 16 }.verified(verifier, hash)
            });
        }
        if !(2..=4).contains(&major) || minor != 2 {
            return None;
        }
        reader.skip(4)?;
        let standard = Standard::read(&mut reader)?;
        passwords.iter().find_map(|password| {
            let base = Hash::Sha1.of(&[&standard.salt, password]);
            let blocks = Self { base, hash: Hash::Sha1, key: standard.key };
            blocks.verified(&standard.verifier, standard.hash.get(..20)?)
        })
    }

    fn verified(self, verifier: &[u8], hash: &[u8]) -> Option<Self> {
        let mut both = [verifier, hash].concat();
        self.cipher(0).apply(&mut both);
        let (verifier, hash) = both.split_at_checked(16)?;
        (self.hash.of(&[verifier]) == hash).then_some(self)
    }

    fn cipher(&self, block: u32) -> Rc4 {
        let mut key = self.hash.of(&[&self.base, &block.to_le_bytes()]);
        key.truncate(self.key);
        // Keys of forty bits are filled up, those of the older kind are not that short.
        if self.key == 5 {
            key.resize(16, 0);
        }
        Rc4::new(&key)
    }

    /// `bytes` decrypted as one block.
    pub(super) fn block(&self, number: u32, bytes: &[u8]) -> Vec<u8> {
        let mut plain = bytes.to_vec();
        self.cipher(number).apply(&mut plain);
        plain
    }

    /// `stream` decrypted in blocks of this size.
    pub(super) fn decrypted(&self, stream: &[u8], block_size: usize) -> Vec<u8> {
        let mut plain = stream.to_vec();
        for (number, block) in (0_u32..).zip(plain.chunks_mut(block_size.max(1))) {
            self.cipher(number).apply(block);
        }
        plain
    }

    /// A workbook: heads of records, and some whole records, are not encrypted.
    pub(super) fn workbook(&self, stream: &[u8]) -> Vec<u8> {
        let mut plain = self.decrypted(stream, 1024);
        let mut reader = Reader::little(stream);
        loop {
            let start = reader.position();
            let (Some(kind), Some(length)) = (reader.u16(), reader.u16()) else { break };
            let open = match kind {
                // Begin, password, exclusive use, lock, interface, revisions.
                0x809 | 0x2f | 0x194 | 0x195 | 0xe1 | 0x196 | 0x138 => usize::from(length),
                // Where a sheet starts.
                0x85 => 4,
                _ => 0,
            };
            let end = start.saturating_add(4).saturating_add(open).min(stream.len());
            if let (Some(to), Some(from)) = (plain.get_mut(start..end), stream.get(start..end)) {
                to.copy_from_slice(from);
            }
            if reader.skip(u64::from(length)).is_none() {
                break;
            }
        }
        plain
    }
}

/// The record of a workbook that says how it is encrypted, from its version on; it stands among the first.
pub(super) fn file_pass(workbook: &[u8]) -> Option<&[u8]> {
    let mut reader = Reader::little(workbook);
    for _ in 0..8 {
        let kind = reader.u16()?;
        let record = reader.take_counted()?;
        if kind == 0x2f {
            return Some(record.get(2..).filter(|_| record.starts_with(&[1, 0])).unwrap_or_default());
        }
    }
    None
}
