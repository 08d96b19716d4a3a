//! Digests, RSA and elliptic curves, as far as signatures of programs use them.

use candor_model::CertificateRule;
use num_bigint::BigUint;
use p256::ecdsa::signature::hazmat::PrehashVerifier as _;

use super::der::{BIT_STRING, Element, INTEGER, OBJECT, SEQUENCE, first};
use crate::hash::Hash;
use crate::work::Allowance;

/// Bits of a modulus; with more than these, somebody wants to keep the reader busy.
const MODULUS: std::ops::RangeInclusive<u64> = 512..=8192;

/// What verifying a signature by an elliptic curve costs, in the units of [`candor_model::Budget::pay_work`].
const P256: u64 = 40_000;
const P384: u64 = 160_000;

impl Hash {
    /// By the content of its object identifier.
    pub(super) const fn of_object(object: &[u8]) -> Option<Self> {
        Some(match object {
            [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 2, 5] => Self::Md5,
            [0x2b, 0x0e, 3, 2, 0x1a] => Self::Sha1,
            [0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1] => Self::Sha256,
            [0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 2] => Self::Sha384,
            [0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 3] => Self::Sha512,
            _ => return None,
        })
    }

    /// By the identifier of a signature made with RSA or on an elliptic curve, in certificates.
    pub(super) const fn of_signature(object: &[u8]) -> Option<Self> {
        Some(match object {
            [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 4] => Self::Md5,
            [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 5] | [0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 1] => {
                Self::Sha1
            }
            [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11] | [0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2] => {
                Self::Sha256
            }
            [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 12] | [0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 3] => {
                Self::Sha384
            }
            [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 13] | [0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 4] => {
                Self::Sha512
            }
            _ => return None,
        })
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Sha1 => "SHA-1",
            Self::Sha256 => "SHA-256",
            Self::Sha384 => "SHA-384",
            Self::Sha512 => "SHA-512",
        }
    }

    /// What stands before the digest in a signature: its identifier, with and without empty parameters.
    const fn object(self) -> &'static [u8] {
        match self {
            Self::Md5 => &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 2, 5],
            Self::Sha1 => &[0x2b, 0x0e, 3, 2, 0x1a],
            Self::Sha256 => &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1],
            Self::Sha384 => &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 2],
            Self::Sha512 => &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 3],
        }
    }
}

/// A public key.
#[derive(Clone, Debug)]
pub(super) enum PublicKey {
    Rsa(RsaKey),
    P256(p256::ecdsa::VerifyingKey),
    P384(p384::ecdsa::VerifyingKey),
}

/// A public key of RSA.
#[derive(Clone, Debug)]
pub(super) struct RsaKey {
    modulus: BigUint,
    exponent: BigUint,
}

impl PublicKey {
    /// From what a certificate holds; `None` for other kinds of keys and for unreasonable ones.
    pub(super) fn read(info: &Element<'_>) -> Option<Self> {
        let mut parts = info.inside();
        let mut algorithm = parts.expect(SEQUENCE)?.inside();
        let object = algorithm.expect(OBJECT)?.content;
        let bits = parts.expect(BIT_STRING)?.content.get(1..)?;
        match object {
            [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1] => RsaKey::read(bits).map(Self::Rsa),
            [0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1] => match algorithm.expect(OBJECT)?.content {
                [0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7] => {
                    p256::ecdsa::VerifyingKey::from_sec1_bytes(bits).ok().map(Self::P256)
                }
                [0x2b, 0x81, 4, 0, 0x22] => {
                    p384::ecdsa::VerifyingKey::from_sec1_bytes(bits).ok().map(Self::P384)
                }
                _ => None,
            },
            _ => None,
        }
    }

    /// The key of a rule.
    pub(super) fn of_rule(rule: &CertificateRule) -> Self {
        let modulus = BigUint::from_bytes_be(&rule.modulus);
        Self::Rsa(RsaKey { modulus, exponent: BigUint::from(65537_u32) })
    }

    #[cfg(test)]
    pub(super) fn modulus(&self) -> Vec<u8> {
        match self {
            Self::Rsa(key) => key.modulus.to_bytes_be(),
            Self::P256(_) | Self::P384(_) => Vec::new(),
        }
    }

    /// Whether it is the key of a rule. Rules know keys of RSA alone.
    pub(super) fn is_of(&self, rule: &CertificateRule) -> bool {
        matches!(self, Self::Rsa(key) if key.modulus == BigUint::from_bytes_be(&rule.modulus))
    }

    /// Whether `signature` is one of `digest`: by RSASSA-PKCS1-v1_5 (RFC 8017, 8.2.2), or by ECDSA (FIPS 186-5).
    /// Not when `work` does not allow to find out.
    pub(super) fn verify(&self, hash: Hash, digest: &[u8], signature: &[u8], work: &Allowance) -> bool {
        work.pay(self.price()) && self.is_right(hash, digest, signature)
    }

    /// What verifying a signature costs, in the units of [`candor_model::Budget::pay_work`].
    fn price(&self) -> u64 {
        match self {
            // A multiplication takes the square of the length; there is one for each bit of the exponent, and twenty more.
            Self::Rsa(key) => {
                let words = key.modulus.bits().div_ceil(64);
                words.saturating_mul(words).saturating_mul(key.exponent.bits().saturating_add(20)) / 3
            }
            Self::P256(_) => P256,
            Self::P384(_) => P384,
        }
    }

    fn is_right(&self, hash: Hash, digest: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Rsa(key) => key.verify(hash, digest, signature),
            Self::P256(key) => p256::ecdsa::Signature::from_der(signature)
                .is_ok_and(|signature| key.verify_prehash(digest, &signature).is_ok()),
            Self::P384(key) => p384::ecdsa::Signature::from_der(signature)
                .is_ok_and(|signature| key.verify_prehash(digest, &signature).is_ok()),
        }
    }
}

impl RsaKey {
    fn read(bits: &[u8]) -> Option<Self> {
        let mut numbers = first(bits, SEQUENCE)?.inside();
        let modulus = numbers.expect(INTEGER)?;
        let exponent = numbers.expect(INTEGER)?;
        if modulus.content.len() > 1100 || exponent.content.len() > 5 {
            return None;
        }
        let modulus = BigUint::from_bytes_be(modulus.content);
        let exponent = BigUint::from_bytes_be(exponent.content);
        (MODULUS.contains(&modulus.bits()) && modulus.bit(0) && exponent.bits() > 1)
            .then_some(Self { modulus, exponent })
    }

    fn verify(&self, hash: Hash, digest: &[u8], signature: &[u8]) -> bool {
        let length = usize::try_from(self.modulus.bits().div_ceil(8)).unwrap_or(0);
        let number = BigUint::from_bytes_be(signature);
        if signature.len() > length || number >= self.modulus {
            return false;
        }
        let message = number.modpow(&self.exponent, &self.modulus).to_bytes_be();
        [true, false].into_iter().any(|has_parameters| {
            let expected = padded(hash, digest, has_parameters, length);
            // The leading zero is no digit of the number.
            expected.is_some_and(|expected| expected.get(1..) == Some(&message[..]))
        })
    }
}

/// A digest as it is signed: `00 01 ff… 00`, its description, the digest.
fn padded(hash: Hash, digest: &[u8], has_parameters: bool, length: usize) -> Option<Vec<u8>> {
    let parameters: &[u8] = if has_parameters { &[5, 0] } else { &[] };
    let element = |tag: u8, content: &[u8]| {
        let length = u8::try_from(content.len()).ok().filter(|length| *length < 0x80)?;
        Some([&[tag, length], content].concat())
    };
    let algorithm = element(0x30, &[&element(6, hash.object())?, parameters].concat())?;
    let info = element(0x30, &[algorithm, element(4, digest)?].concat())?;
    let filling = length.checked_sub(info.len())?.checked_sub(3).filter(|filling| *filling >= 8)?;
    Some([&[0, 1][..], &vec![0xff; filling], &[0], &info].concat())
}
