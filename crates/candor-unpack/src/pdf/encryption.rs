//! The standard security handler of PDF: the key that a password gives, and what is decrypted with it.
//!
//! Layout: ISO 32000-2, 7.6 (revisions 2 to 6: RC4 of 40 to 128 bits, AES of 128 and 256). Most encrypted
//! documents have an empty user password, so that everybody can read them; that one is tried first.

use std::collections::BTreeSet;

use candor_model::{Reason, Sink};
use md5::Md5;
use memchr::memmem;
use sha2::{Digest as _, Sha256, Sha384, Sha512};

use super::value::{Lexer, Value};
use crate::cipher;

/// What a password is filled up with.
const PADDING: [u8; 32] = [
    0x28, 0xbf, 0x4e, 0x5e, 0x4e, 0x75, 0x8a, 0x41, 0x64, 0x00, 0x4e, 0x56, 0xff, 0xfa, 0x01, 0x08, 0x2e,
    0x2e, 0x00, 0xb6, 0xd0, 0x68, 0x3e, 0x80, 0x2f, 0x0c, 0xa9, 0xfe, 0x64, 0x53, 0x69, 0x7a,
];

/// Places that may name an encryption, and different ones that are tried.
const PLACES: usize = 64;
const DICTIONARIES: usize = 3;
/// Objects that may be one of them.
const REFERRED: usize = 8;
/// How much of a dictionary and of the identifiers is read.
const DICTIONARY: usize = 64 << 10;
const IDENTIFIERS: usize = 4 << 10;

/// How bytes are encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Method {
    /// Not at all.
    Identity,
    Rc4,
    /// AES under a key for each object.
    Aes128,
    /// AES under the key of the document.
    Aes256,
}

/// The key of a document, and what it is for.
#[derive(Clone, Debug)]
pub(super) struct Encryption {
    key: Vec<u8>,
    streams: Method,
    strings: Method,
    /// Whether the streams of metadata are encrypted too.
    metadata: bool,
}

/// What a document says about its encryption.
pub(super) enum Found {
    /// It is not encrypted.
    Nothing,
    /// None of the passwords opens it.
    Locked,
    /// One of them does.
    Open(Encryption),
}

/// Looks for an encryption dictionary, and for a password that opens it.
pub(super) fn find(bytes: &[u8], passwords: &[Vec<u8>], sink: &mut dyn Sink) -> Found {
    let mut is_encrypted = false;
    let mut places = 0_usize;
    let mut tried: Vec<Value> = Vec::new();
    let mut referred: BTreeSet<u64> = BTreeSet::new();
    for at in memmem::find_iter(bytes, b"/Encrypt") {
        let rest = bytes.get(at.saturating_add(8)..).unwrap_or_default();
        if rest.first().is_some_and(u8::is_ascii_alphanumeric) {
            continue;
        }
        if places >= PLACES {
            sink.incomplete(Reason::Work);
            break;
        }
        places = places.saturating_add(1);
        let dictionary = match Lexer::new(rest.get(..DICTIONARY).unwrap_or(rest)).value() {
            Some(Value::Reference(number)) => {
                is_encrypted = true;
                // The whole document is searched for each.
                if referred.len() >= REFERRED || !referred.insert(number) {
                    continue;
                }
                object(bytes, number)
            }
            Some(direct @ Value::Dictionary(_)) => Some(direct),
            _ => continue,
        };
        is_encrypted = true;
        let Some(dictionary) = dictionary.filter(|dictionary| !tried.contains(dictionary)) else { continue };
        if tried.len() >= DICTIONARIES {
            break;
        }
        let is_new = dictionary.get(b"R").and_then(Value::number).is_some_and(|revision| revision >= 5);
        let identifiers = if is_new { vec![Vec::new()] } else { identifiers(bytes) };
        let price = price(&dictionary);
        let none: &[Vec<u8>] = &[Vec::new()];
        let as_user = none.iter().chain(passwords).map(|password| (password, false));
        let as_owner = passwords.iter().map(|password| (password, true));
        let opened = as_user.chain(as_owner).find_map(|(password, is_owner)| {
            let may_try = |_: &&Vec<u8>| sink.budget().pay_key(price);
            let mut affordable = identifiers.iter().take_while(may_try);
            affordable.find_map(|identifier| Encryption::open(&dictionary, identifier, password, is_owner))
        });
        if let Some(encryption) = opened {
            return Found::Open(encryption);
        }
        tried.push(dictionary);
    }
    if is_encrypted { Found::Locked } else { Found::Nothing }
}

/// The dictionary with this number: the last one counts.
fn object(bytes: &[u8], number: u64) -> Option<Value> {
    let mark = format!("{number} ");
    memmem::rfind_iter(bytes, mark.as_bytes()).take(10_000).find_map(|at| {
        let before = at.checked_sub(1).and_then(|before| bytes.get(before));
        if before.is_some_and(|byte| byte.is_ascii_alphanumeric()) {
            return None;
        }
        let rest = bytes.get(at.saturating_add(mark.len())..)?;
        let generation = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let rest = rest.get(generation..)?.trim_ascii_start().strip_prefix(b"obj")?.trim_ascii_start();
        // Nothing else is read: there may be thousands of objects of this number.
        let text = rest.starts_with(b"<<").then(|| rest.get(..DICTIONARY).unwrap_or(rest))?;
        Lexer::new(text).value()
    })
}

/// What a password costs to try, in rounds of a hash as a [`candor_model::Budget`] counts them.
fn price(dictionary: &Value) -> u64 {
    match dictionary.get(b"R").and_then(Value::number) {
        Some(6..) => 40_000,
        Some(3 | 4) => 1_500,
        _ => 64,
    }
}

/// The first halves of the identifiers that the file has, and none at all.
fn identifiers(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut found: Vec<Vec<u8>> = Vec::new();
    // Those that begin in one another are read once, twice at most.
    let mut left = bytes.len().saturating_mul(2);
    for at in memmem::find_iter(bytes, b"/ID").take(1000) {
        let rest = bytes.get(at.saturating_add(3)..).unwrap_or_default();
        let mut lexer = Lexer::new(rest.get(..IDENTIFIERS.min(left)).unwrap_or(rest));
        let before = lexer.rest().len();
        let value = lexer.value();
        left = left.saturating_sub(before.saturating_sub(lexer.rest().len()));
        if let Some(Value::Array(halves)) = value
            && let Some(Value::Text(first)) = halves.first()
            && !found.contains(first)
            && found.len() < 4
        {
            found.push(first.clone());
        }
    }
    found.push(Vec::new());
    found
}

impl Encryption {
    /// The key that `password` gives, that of the user or of the owner; `None` when it is the wrong one, or the handler another.
    fn open(dictionary: &Value, identifier: &[u8], password: &[u8], is_owner: bool) -> Option<Self> {
        let version = dictionary.get(b"V").and_then(Value::number).unwrap_or(0);
        let revision = dictionary.get(b"R").and_then(Value::number)?;
        let metadata = dictionary.get(b"EncryptMetadata").is_none_or(|value| *value != Value::False);
        let (streams, strings) = match version {
            1..=3 => (Method::Rc4, Method::Rc4),
            4 | 5 => (method(dictionary, b"StmF"), method(dictionary, b"StrF")),
            _ => return None,
        };
        let key = if revision >= 5 {
            key_of_256(dictionary, revision, password, is_owner)?
        } else {
            let length = match version {
                1 => 5,
                4 => 16,
                _ => dictionary.get(b"Length").and_then(Value::number).unwrap_or(40) / 8,
            };
            let length = usize::try_from(length).ok()?.clamp(5, 16);
            let users =
                if is_owner { Some(user_password(dictionary, revision, length, password)?) } else { None };
            let password = users.as_deref().unwrap_or(password);
            key_of_128(dictionary, revision, length, metadata, identifier, password)?
        };
        Some(Self { key, streams, strings, metadata })
    }

    /// The content of a stream of this object.
    pub(super) fn stream(&self, object: (u64, u64), dictionary: &Value, data: &[u8]) -> Option<Vec<u8>> {
        let kind = dictionary.get(b"Type").and_then(Value::name);
        // Cross-references are what the key is found through.
        if kind == Some(b"XRef") || (kind == Some(b"Metadata") && !self.metadata) || is_identity(dictionary) {
            return None;
        }
        self.decrypted(self.streams, object, data)
    }

    /// A string of this object.
    pub(super) fn string(&self, object: (u64, u64), data: &[u8]) -> Option<Vec<u8>> {
        self.decrypted(self.strings, object, data)
    }

    fn decrypted(&self, method: Method, (number, generation): (u64, u64), data: &[u8]) -> Option<Vec<u8>> {
        let own_key = |salt: &[u8]| {
            let number = number.to_le_bytes();
            let generation = generation.to_le_bytes();
            let mut hash = Md5::new();
            hash.update(&self.key);
            hash.update(number.get(..3).unwrap_or_default());
            hash.update(generation.get(..2).unwrap_or_default());
            hash.update(salt);
            let mut key = hash.finalize().to_vec();
            key.truncate(self.key.len().saturating_add(5).min(16));
            key
        };
        match method {
            Method::Identity => None,
            Method::Rc4 => Some(cipher::rc4(&own_key(b""), data)),
            Method::Aes128 => chained(&own_key(b"sAlT"), data),
            Method::Aes256 => chained(&self.key, data),
        }
    }
}

/// AES with its vector in front and its padding behind.
fn chained(key: &[u8], data: &[u8]) -> Option<Vec<u8>> {
    let (vector, rest) = data.split_at_checked(16)?;
    let mut plain = cipher::aes_chained(key, vector, rest)?;
    if let Some(&padding @ 1..=16) = plain.last() {
        plain.truncate(plain.len().saturating_sub(usize::from(padding)));
    }
    Some(plain)
}

/// Whether a stream names the filter that leaves it as it is.
fn is_identity(dictionary: &Value) -> bool {
    let filters = dictionary.get(b"Filter").map(Value::list).unwrap_or_default();
    let parameters = dictionary.get(b"DecodeParms").map(Value::list).unwrap_or_default();
    let own = filters.iter().position(|filter| filter.name() == Some(b"Crypt"));
    own.is_some_and(|index| {
        let name = parameters.get(index).and_then(|value| value.get(b"Name")).and_then(Value::name);
        name.is_none_or(|name| name == b"Identity")
    })
}

/// The method of a crypt filter.
fn method(dictionary: &Value, which: &[u8]) -> Method {
    let name = dictionary.get(which).and_then(Value::name).unwrap_or(b"Identity");
    let filter = dictionary.get(b"CF").and_then(|filters| filters.get(name));
    match filter.and_then(|filter| filter.get(b"CFM")).and_then(Value::name) {
        Some(b"V2") => Method::Rc4,
        Some(b"AESV2") => Method::Aes128,
        Some(b"AESV3") => Method::Aes256,
        _ => Method::Identity,
    }
}

fn text<'a>(dictionary: &'a Value, key: &[u8]) -> Option<&'a [u8]> {
    match dictionary.get(key)? {
        Value::Text(text) => Some(text),
        _ => None,
    }
}

/// A password as the older revisions take it.
fn padded(password: &[u8]) -> Vec<u8> {
    password.iter().chain(&PADDING).copied().take(32).collect()
}

/// `data` under RC4 with a key of which every byte is changed by the round.
fn mixed_rc4(key: &[u8], round: u8, data: &[u8]) -> Vec<u8> {
    let mixed: Vec<u8> = key.iter().map(|byte| byte ^ round).collect();
    cipher::rc4(&mixed, data)
}

/// The user's password, filled up, which the owner's gives: algorithm 7, revisions 2 to 4.
fn user_password(dictionary: &Value, revision: u64, length: usize, password: &[u8]) -> Option<Vec<u8>> {
    let mut key = Md5::digest(padded(password)).to_vec();
    let rounds = if revision >= 3 { 20_u8 } else { 1 };
    if revision >= 3 {
        for _ in 0..50 {
            key = Md5::digest(&key).to_vec();
        }
    }
    key.truncate(length);
    let secret = text(dictionary, b"O")?.get(..32)?.to_vec();
    Some((0..rounds).rev().fold(secret, |data, round| mixed_rc4(&key, round, &data)))
}

/// Revisions 2 to 4.
fn key_of_128(
    dictionary: &Value,
    revision: u64,
    length: usize,
    metadata: bool,
    identifier: &[u8],
    password: &[u8],
) -> Option<Vec<u8>> {
    let permissions = dictionary.get(b"P")?.integer()?.to_le_bytes();
    let mut hash = Md5::new();
    hash.update(padded(password));
    hash.update(text(dictionary, b"O")?.get(..32)?);
    hash.update(permissions.get(..4)?);
    hash.update(identifier);
    if revision >= 4 && !metadata {
        hash.update([0xff; 4]);
    }
    let mut key = hash.finalize().to_vec();
    if revision >= 3 {
        for _ in 0..50 {
            key = Md5::digest(key.get(..length)?).to_vec();
        }
    }
    key.truncate(length);
    let expected = text(dictionary, b"U")?;
    let is_right = if revision == 2 {
        expected.get(..32)? == cipher::rc4(&key, &PADDING)
    } else {
        let mut hash = Md5::new();
        hash.update(PADDING);
        hash.update(identifier);
        let mut check = hash.finalize().to_vec();
        for round in 0..20_u8 {
            check = mixed_rc4(&key, round, &check);
        }
        expected.get(..16)? == check
    };
    is_right.then_some(key)
}

/// Revisions 5 and 6. What the owner's password is checked with is mixed with what the user's is (algorithm 2.A).
fn key_of_256(dictionary: &Value, revision: u64, password: &[u8], is_owner: bool) -> Option<Vec<u8>> {
    let password = password.get(..127).unwrap_or(password);
    let user = text(dictionary, b"U")?;
    let (own, secret, mixed) = match is_owner {
        true => (text(dictionary, b"O")?, b"OE", user.get(..48)?),
        false => (user, b"UE", &[][..]),
    };
    let hash = |salt: &[u8]| {
        if revision == 5 {
            Some(Sha256::digest([password, salt, mixed].concat()).to_vec())
        } else {
            strong_hash(password, salt, mixed)
        }
    };
    if hash(own.get(32..40)?)? != own.get(..32)? {
        return None;
    }
    let key = hash(own.get(40..48)?)?;
    cipher::aes_chained(&key, &[], text(dictionary, secret)?.get(..32)?)
}

/// The hash of revision 6: rounds of AES and one of three hashes, at least 64.
fn strong_hash(password: &[u8], salt: &[u8], mixed: &[u8]) -> Option<Vec<u8>> {
    let mut key = Sha256::digest([password, salt, mixed].concat()).to_vec();
    for round in 0_u32.. {
        let block = [password, &key, mixed].concat().repeat(64);
        let secret = cipher::aes128_encrypted(key.get(..16)?, key.get(16..32)?, &block)?;
        let remainder = secret.get(..16)?.iter().map(|byte| u32::from(*byte)).sum::<u32>() % 3;
        key = match remainder {
            0 => Sha256::digest(&secret).to_vec(),
            1 => Sha384::digest(&secret).to_vec(),
            _ => Sha512::digest(&secret).to_vec(),
        };
        // Each last byte is below 256, so this ends after 288 rounds at the latest.
        if round >= 63 && u32::from(*secret.last()?) <= round.saturating_sub(31) {
            break;
        }
    }
    key.truncate(32);
    Some(key)
}
