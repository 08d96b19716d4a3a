//! Windows programs that are signed, by whoever a test wants, with a key that is known to everybody.
//!
//! The key is made for tests and stands below: what it signs is worth nothing anywhere else.

use num_bigint::BigUint;
use sha2::{Digest as _, Sha256};

use crate::executable::{Executable, Kind, SectionRecipe};

const MODULUS: &str = "bffa0cb2590885ee69858a1a09fd5d320375dd1a6cb17059f21dde25459cb71becdcf32fb5c7abee8a624ede6a2ed78f131c38fbe98712e94c2d667f0b701f430a923d4437b90b39417c7a688b414ecffa5c6a6bc2ddd47eefba7bd5ba023103f11c158bc7542db6890ba22a5894bb37dc42518d93c653749246a754512e9249";
const PRIVATE: &str = "ab1d4719e4f00ae8e1d76cac1f015d8349c051ceced92dca8e5b7ef97bdddefc9e18a70e7c99b82f4bdbaa6ee6f84f9cb0acf441ddfa4ea9f203799b7de777846db02cf777895ce237824f5594e529fd49eacaf98ec75d48e3dd122c2c9abf320999886be3b7424cafef5588d78f4fc57b087c3b44f5295b6a1f303d861fda2d";

/// Object identifiers, as their content is written.
const SHA256: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1];
const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];
const SHA256_WITH_RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11];
const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2];
const CONTENT_TYPE: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 3];
const MESSAGE_DIGEST: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 4];
const INDIRECT_DATA: &[u8] = &[0x2b, 6, 1, 4, 1, 0x82, 0x37, 2, 1, 4];
const IMAGE_DATA: &[u8] = &[0x2b, 6, 1, 4, 1, 0x82, 0x37, 2, 1, 15];

/// A program with these version strings, signed by `subject`: names of attributes (`CN`, `O`, `C`, `L`, `ST`,
/// `SERIALNUMBER`) and values, the most general first. No subject, no signature.
#[must_use]
pub fn program(version: &[(&str, &str)], subject: &[(&str, &str)]) -> Vec<u8> {
    let version = version.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    let code = SectionRecipe { name: ".text".to_owned(), bytes: vec![0xc3; 64] };
    let recipe = Executable {
        kind: Kind::Pe32,
        sections: vec![code],
        entry: (0, 0),
        version,
        icons: Vec::new(),
        imports: Vec::new(),
    };
    let (mut file, _) = recipe.build();
    if subject.is_empty() {
        return file;
    }
    file.resize(file.len().next_multiple_of(8), 0);
    // Checksum at 64 and the entry for signatures at 128 of the optional header, which stands at 0x98.
    let (checksum, entry) = (0x98 + 64, 0x98 + 96 + 32);
    let signed = [&file[..checksum], &file[checksum + 4..entry], &file[entry + 8..]].concat();
    let mut signature = signature(&Sha256::digest(signed), subject);
    signature.resize(signature.len().next_multiple_of(8), 0);
    let length = u32::try_from(signature.len() + 8).unwrap_or(u32::MAX).to_le_bytes();
    let place = u32::try_from(file.len()).unwrap_or(u32::MAX).to_le_bytes();
    file[entry..entry + 4].copy_from_slice(&place);
    file[entry + 4..entry + 8].copy_from_slice(&length);
    file.extend(length);
    file.extend([0, 2, 2, 0]);
    file.extend(signature);
    file
}

/// A certificate of `subject`, signed by itself.
#[must_use]
pub fn certificate(subject: &[(&str, &str)]) -> Vec<u8> {
    let algorithm = sequence(&[&element(6, SHA256_WITH_RSA), &[5, 0]]);
    let key = sequence(&[&integer(&number(MODULUS)), &integer(&BigUint::from(65_537_u32))]);
    let bits = element(3, &[&[0], &key[..]].concat());
    let info = sequence(&[&sequence(&[&element(6, RSA), &[5, 0]]), &bits]);
    let validity = sequence(&[&element(0x17, b"240101000000Z"), &element(0x17, b"480101000000Z")]);
    let name = name(subject);
    let version = element(0xa0, &[2, 1, 2]);
    let body = sequence(&[&version, &[2, 1, 7], &algorithm, &name, &validity, &name, &info]);
    let signature = element(3, &[&[0], &sign(&body)[..]].concat());
    sequence(&[&body, &algorithm, &signature])
}

fn signature(digest: &[u8], subject: &[(&str, &str)]) -> Vec<u8> {
    let hash = sequence(&[&element(6, SHA256), &[5, 0]]);
    let link = element(0xa0, &element(0xa2, &element(0x80, b"")));
    let data = sequence(&[&element(6, IMAGE_DATA), &sequence(&[&[3, 1, 0], &link])]);
    let inside = [data, sequence(&[&hash, &element(4, digest)])].concat();
    let content = sequence(&[&element(6, INDIRECT_DATA), &element(0xa0, &element(0x30, &inside))]);
    let attribute = |kind: &[u8], value: &[u8]| sequence(&[&element(6, kind), &element(0x31, value)]);
    let attributes = [
        attribute(CONTENT_TYPE, &element(6, INDIRECT_DATA)),
        attribute(MESSAGE_DIGEST, &element(4, &Sha256::digest(&inside))),
    ]
    .concat();
    let signer = sequence(&[
        &[2, 1, 1],
        &sequence(&[&name(subject), &[2, 1, 7]]),
        &hash,
        &element(0xa0, &attributes),
        &sequence(&[&element(6, RSA), &[5, 0]]),
        &element(4, &sign(&element(0x31, &attributes))),
    ]);
    let certificates = element(0xa0, &certificate(subject));
    let body =
        sequence(&[&[2, 1, 1], &element(0x31, &hash), &content, &certificates, &element(0x31, &signer)]);
    sequence(&[&element(6, SIGNED_DATA), &element(0xa0, &body)])
}

/// RSASSA-PKCS1-v1_5 with SHA-256.
fn sign(message: &[u8]) -> Vec<u8> {
    let info = sequence(&[&sequence(&[&element(6, SHA256), &[5, 0]]), &element(4, &Sha256::digest(message))]);
    let filling = vec![0xff; 128 - 3 - info.len()];
    let padded = [&[0, 1][..], &filling, &[0], &info].concat();
    let signed = BigUint::from_bytes_be(&padded).modpow(&number(PRIVATE), &number(MODULUS)).to_bytes_be();
    [vec![0; 128 - signed.len()], signed].concat()
}

fn number(digits: &str) -> BigUint {
    BigUint::parse_bytes(digits.as_bytes(), 16).unwrap_or_default()
}

fn name(subject: &[(&str, &str)]) -> Vec<u8> {
    let parts: Vec<u8> = subject
        .iter()
        .flat_map(|(key, value)| {
            let kind = match *key {
                "CN" => 3,
                "SERIALNUMBER" => 5,
                "C" => 6,
                "L" => 7,
                "ST" => 8,
                "OU" => 11,
                _ => 10,
            };
            element(0x31, &sequence(&[&element(6, &[0x55, 4, kind]), &element(0x0c, value.as_bytes())]))
        })
        .collect();
    element(0x30, &parts)
}

fn integer(number: &BigUint) -> Vec<u8> {
    // A first bit that is set would make it negative.
    element(2, &[&[0][..], &number.to_bytes_be()].concat())
}

fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    element(0x30, &parts.concat())
}

fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = match u16::try_from(content.len()).unwrap_or(u16::MAX).to_be_bytes() {
        [0, short @ 0..=0x7f] => vec![short],
        [0, long] => vec![0x81, long],
        [high, low] => vec![0x82, high, low],
    };
    [&[tag][..], &length, content].concat()
}
