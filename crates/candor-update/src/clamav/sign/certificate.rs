//! Certificates (RFC 5280), as far as it takes to find out who signed: names, times, RSA keys, and whether one may
//! vouch for others.

use num_bigint::BigUint;
use sha2::{Digest as _, Sha256, Sha384, Sha512};

use super::der::{
    BITS, FIRST, IDENTIFIER, INTEGER, LONG_TIME, OCTETS, SEQUENCE, THIRD, UTC_TIME, Value, Values, only,
};
use super::text;

/// `rsaEncryption`, and RSA with SHA-256, SHA-384 and SHA-512 (RFC 8017).
const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];
const RSA_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11];
const RSA_SHA384: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 12];
const RSA_SHA512: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 13];
const SHA256: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1];
const SHA384: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 2];
const SHA512: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 3];
/// `basicConstraints`.
const CONSTRAINTS: &[u8] = &[0x55, 0x1d, 19];

/// Bits of a key: less is too weak, more costs too much.
const WEAKEST: u64 = 2048;
const STRONGEST: u64 = 8192;

/// A digest that is good enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Sha256,
    Sha384,
    Sha512,
}

impl Kind {
    /// By the identifier of the digest.
    pub(super) fn of(identifier: &[u8]) -> Option<Self> {
        match identifier {
            SHA256 => Some(Self::Sha256),
            SHA384 => Some(Self::Sha384),
            SHA512 => Some(Self::Sha512),
            _ => None,
        }
    }

    fn of_signature(identifier: &[u8]) -> Option<Self> {
        match identifier {
            RSA_SHA256 => Some(Self::Sha256),
            RSA_SHA384 => Some(Self::Sha384),
            RSA_SHA512 => Some(Self::Sha512),
            _ => None,
        }
    }

    const fn identifier(self) -> &'static [u8] {
        match self {
            Self::Sha256 => SHA256,
            Self::Sha384 => SHA384,
            Self::Sha512 => SHA512,
        }
    }

    /// The digest.
    pub(super) fn digest(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha256 => Sha256::digest(bytes).to_vec(),
            Self::Sha384 => Sha384::digest(bytes).to_vec(),
            Self::Sha512 => Sha512::digest(bytes).to_vec(),
        }
    }
}

/// A certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    pub(super) serial: Vec<u8>,
    pub(super) issuer: Vec<u8>,
    subject: Vec<u8>,
    not_before: u64,
    not_after: u64,
    is_authority: bool,
    modulus: BigUint,
    exponent: BigUint,
    signed: Vec<u8>,
    kind: Option<Kind>,
    signature: Vec<u8>,
}

impl Certificate {
    /// Reads the certificates in a file: PEM, one or more, or DER.
    #[must_use]
    pub fn read_all(bytes: &[u8]) -> Vec<Self> {
        if bytes.first() == Some(&SEQUENCE) {
            return Self::read(bytes).into_iter().collect();
        }
        let text = String::from_utf8_lossy(bytes);
        text.split("-----BEGIN CERTIFICATE-----")
            .skip(1)
            .take(64)
            .filter_map(|part| part.split("-----END CERTIFICATE-----").next())
            .filter_map(text::base64)
            .filter_map(|der| Self::read(&der))
            .collect()
    }

    /// Reads one in DER, with a key of RSA.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let mut outer = only(bytes, SEQUENCE)?.values();
        let body = outer.expect(SEQUENCE)?;
        let algorithm = identifier(outer.expect(SEQUENCE)?)?;
        let signature = bits(outer.expect(BITS)?)?;
        let mut fields = body.values();
        fields.optional(FIRST);
        let serial = fields.expect(INTEGER)?.content.to_vec();
        let inner = identifier(fields.expect(SEQUENCE)?)?;
        let issuer = fields.expect(SEQUENCE)?.whole.to_vec();
        let mut validity = fields.expect(SEQUENCE)?.values();
        let (not_before, not_after) = (time(validity.next()?)?, time(validity.next()?)?);
        let subject = fields.expect(SEQUENCE)?.whole.to_vec();
        let mut key = fields.expect(SEQUENCE)?.values();
        if identifier(key.expect(SEQUENCE)?)? != RSA || inner != algorithm {
            return None;
        }
        let mut numbers = only(bits(key.expect(BITS)?)?, SEQUENCE)?.values();
        let modulus = BigUint::from_bytes_be(numbers.expect(INTEGER)?.content);
        let exponent = BigUint::from_bytes_be(numbers.expect(INTEGER)?.content);
        if !(WEAKEST..=STRONGEST).contains(&modulus.bits()) || exponent.bits() > 64 {
            return None;
        }
        let mut is_authority = false;
        while let Some(field) = fields.next() {
            if field.tag == THIRD {
                is_authority = authority(field)?;
            }
        }
        Some(Self {
            serial,
            issuer,
            subject,
            not_before,
            not_after,
            is_authority,
            modulus,
            exponent,
            signed: body.whole.to_vec(),
            kind: Kind::of_signature(algorithm),
            signature: signature.to_vec(),
        })
    }

    /// Whether it is one of this time.
    pub(super) const fn is_of(&self, now: u64) -> bool {
        self.not_before <= now && now <= self.not_after
    }

    /// Whether this one vouches for `other`.
    pub(super) fn vouches_for(&self, other: &Self) -> bool {
        self.is_authority
            && self.subject == other.issuer
            && other.kind.is_some_and(|kind| self.verify(kind, &kind.digest(&other.signed), &other.signature))
    }

    /// RSASSA-PKCS1-v1_5 of RFC 8017, section 8.2.2: what is expected is made and compared as a whole.
    pub(super) fn verify(&self, kind: Kind, digest: &[u8], signature: &[u8]) -> bool {
        self.encoded(kind, digest).is_some_and(|expected| {
            let number = BigUint::from_bytes_be(signature);
            signature.len() == expected.len()
                && number < self.modulus
                && number.modpow(&self.exponent, &self.modulus) == BigUint::from_bytes_be(&expected)
        })
    }

    fn encoded(&self, kind: Kind, digest: &[u8]) -> Option<Vec<u8>> {
        let length = usize::try_from(self.modulus.bits().div_ceil(8)).ok()?;
        let name = kind.identifier();
        let byte = |length: usize| u8::try_from(length).ok();
        let mut info = vec![IDENTIFIER, byte(name.len())?];
        info.extend_from_slice(name);
        info.extend_from_slice(&[5, 0]);
        let mut body = vec![SEQUENCE, byte(info.len())?];
        body.extend_from_slice(&info);
        body.extend_from_slice(&[OCTETS, byte(digest.len())?]);
        body.extend_from_slice(digest);
        let mut end = vec![0, SEQUENCE, byte(body.len())?];
        end.extend_from_slice(&body);
        let mut encoded = vec![0, 1];
        let padding = length.checked_sub(2)?.checked_sub(end.len())?;
        if padding < 8 {
            return None;
        }
        encoded.resize(padding.checked_add(2)?, 0xff);
        encoded.extend_from_slice(&end);
        Some(encoded)
    }
}

/// The identifier of an algorithm.
pub(super) fn identifier(value: Value<'_>) -> Option<&[u8]> {
    value.values().expect(IDENTIFIER).map(|value| value.content)
}

/// Whole bytes of a bit string.
fn bits(value: Value<'_>) -> Option<&[u8]> {
    value.content.split_first().filter(|(unused, _)| **unused == 0).map(|(_, bytes)| bytes)
}

/// Whether the extensions say that it may vouch for others.
fn authority(field: Value<'_>) -> Option<bool> {
    let mut extensions = field.values().expect(SEQUENCE)?.values();
    while let Some(extension) = extensions.next() {
        let mut parts = extension.values();
        if parts.expect(IDENTIFIER)?.content != CONSTRAINTS {
            continue;
        }
        parts.optional(1);
        let mut constraints = only(parts.expect(OCTETS)?.content, SEQUENCE)?.values();
        return Some(constraints.optional(1).is_some_and(|value| value.content == [0xff]));
    }
    Some(false)
}

/// A time, in seconds since 1970.
fn time(value: Value<'_>) -> Option<u64> {
    let digits = std::str::from_utf8(value.content).ok()?.strip_suffix('Z')?;
    let digits = match value.tag {
        UTC_TIME if digits.len() == 12 => {
            let century = if digits.get(..2)?.parse::<u32>().ok()? < 50 { "20" } else { "19" };
            format!("{century}{digits}")
        }
        LONG_TIME if digits.len() == 14 => digits.to_owned(),
        _ => return None,
    };
    let number = |from: usize, to: usize| digits.get(from..to)?.parse::<u64>().ok();
    let month = usize::try_from(number(4, 6)?.checked_sub(1)?).ok()?;
    let name = crate::clamav::date::MONTHS.get(month)?;
    let text = format!(
        "X, {} {name} {} {}:{}:{} GMT",
        number(6, 8)?,
        number(0, 4)?,
        number(8, 10)?,
        number(10, 12)?,
        number(12, 14)?
    );
    crate::clamav::date::from_http_date(&text)
}

/// Certificates that stand one behind the other.
pub(super) fn several(mut values: Values<'_>) -> Vec<Certificate> {
    let mut certificates = Vec::new();
    while let Some(value) = values.next() {
        if certificates.len() >= 16 {
            break;
        }
        certificates.extend(Certificate::read(value.whole));
    }
    certificates
}
