//! Certificates (X.509, RFC 5280): who, by whom, from when to when, with which key.

use candor_model::CertificateRule;

use super::algorithm::PublicKey;
use super::der::{
    BIT_STRING, BOOLEAN, CONTEXT_0, CONTEXT_3, Element, Elements, INTEGER, OBJECT, OCTET_STRING, SEQUENCE,
    first,
};
use super::told::seconds;
use crate::hash::{Hash, hexadecimal};
use crate::work::{Allowance, units};

/// Extensions: for what the key is, whether its owner vouches for others, for what certificates are.
const KEY_USAGE: &[u8] = &[0x55, 0x1d, 15];
const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 19];
const EXTENDED_KEY_USAGE: &[u8] = &[0x55, 0x1d, 37];
const ANY_PURPOSE: &[u8] = &[0x55, 0x1d, 37, 0];
/// The bit of the first byte of a key usage that lets sign certificates.
const SIGNS_CERTIFICATES: u8 = 0x04;
const EXTENSIONS: usize = 64;

/// What a signature is to prove.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Who made a program.
    Code,
    /// When something was signed.
    Time,
}

impl Purpose {
    const fn identifier(self) -> &'static [u8] {
        match self {
            Self::Code => &[0x2b, 6, 1, 5, 5, 7, 3, 3],
            Self::Time => &[0x2b, 6, 1, 5, 5, 7, 3, 8],
        }
    }
}

/// A certificate.
#[derive(Clone, Debug)]
pub(super) struct Certificate<'a> {
    /// 1 to 3, as it is counted and not as it is written.
    pub(super) version: i64,
    pub(super) serial: &'a [u8],
    pub(super) issuer: Element<'a>,
    pub(super) subject: Element<'a>,
    /// First and last moment, as `YYYYMMDDHHMMSS`.
    pub(super) validity: (String, String),
    /// SHA-1 over all of it.
    pub(super) thumbprint: Vec<u8>,
    key: Element<'a>,
    extensions: Elements<'a>,
    signed: &'a [u8],
    algorithm: &'a [u8],
    signature: &'a [u8],
}

impl<'a> Certificate<'a> {
    pub(super) fn read(element: &Element<'a>) -> Option<Self> {
        let mut outer = element.inside();
        let body = outer.expect(SEQUENCE)?;
        let algorithm = outer.expect(SEQUENCE)?.inside().expect(OBJECT)?.content;
        let signature = outer.expect(BIT_STRING)?.content.get(1..)?;
        let mut fields = body.inside();
        let version = fields.expect(CONTEXT_0).and_then(|version| version.inside().expect(INTEGER));
        let version = version.and_then(|version| version.content.last().copied()).unwrap_or(0);
        let version = i64::from(version).saturating_add(1);
        let serial = fields.expect(INTEGER)?.content;
        fields.expect(SEQUENCE)?;
        let issuer = fields.expect(SEQUENCE)?;
        let mut validity = fields.expect(SEQUENCE)?.inside();
        let validity = (time(&validity.next()?)?, time(&validity.next()?)?);
        let subject = fields.expect(SEQUENCE)?;
        let key = fields.expect(SEQUENCE)?;
        let extensions = fields.take(3).find(|field| field.tag == CONTEXT_3);
        let extensions = extensions.and_then(|list| list.inside().expect(SEQUENCE));
        let extensions = extensions.map_or(Elements { rest: &[] }, |list| list.inside());
        let thumbprint = Hash::Sha1.of(&[element.whole]);
        let signed = body.whole;
        Some(Self {
            version,
            serial,
            issuer,
            subject,
            validity,
            thumbprint,
            key,
            extensions,
            signed,
            algorithm,
            signature,
        })
    }

    /// The identifier of the algorithm that it was signed by.
    pub(super) const fn algorithm(&self) -> &'a [u8] {
        self.algorithm
    }

    /// Its key, if it is of a known kind.
    pub(super) fn key(&self) -> Option<PublicKey> {
        PublicKey::read(&self.key)
    }

    /// Whether it names itself as its issuer.
    pub(super) fn is_root(&self) -> bool {
        self.issuer.content == self.subject.content
    }

    /// Whether `issuer` signed it, as far as `work` allows to find out.
    pub(super) fn is_signed_by(&self, issuer: &Self, work: &Allowance) -> bool {
        work.pay(units(self.signed.len())) && issuer.key().is_some_and(|key| self.is_signed_with(&key, work))
    }

    fn is_signed_with(&self, key: &PublicKey, work: &Allowance) -> bool {
        Hash::of_signature(self.algorithm)
            .is_some_and(|hash| key.verify(hash, &hash.of(&[self.signed]), self.signature, work))
    }

    /// Whether this is the certificate that somebody decided about.
    pub(super) fn is(&self, rule: &CertificateRule, work: &Allowance) -> bool {
        let digest_is =
            |bytes: &[u8], told: [u8; 20]| work.pay(units(bytes.len())) && Hash::Sha1.of(&[bytes]) == told;
        digest_is(self.subject.content, rule.subject)
            && rule.serial.is_none_or(|serial| digest_is(self.serial, serial))
            && self.key().is_some_and(|key| key.is_of(rule))
    }

    /// Whether a certificate that somebody decided about, and that need not be at hand, signed it.
    pub(super) fn is_signed_by_rule(&self, rule: &CertificateRule, work: &Allowance) -> bool {
        rule.signs_certificates
            && work.pay(units(self.issuer.content.len()))
            && Hash::Sha1.of(&[self.issuer.content]) == rule.subject
            && work.pay(units(self.signed.len()))
            && self.is_signed_with(&PublicKey::of_rule(rule), work)
    }

    /// Whether a moment, in seconds since 1970, is within its validity.
    pub(super) fn is_valid_at(&self, moment: i64) -> bool {
        (seconds(&self.validity.0)..=seconds(&self.validity.1)).contains(&moment)
    }

    /// Whether its owner may vouch for certificates with so many others between them and the last one of a chain (RFC
    /// 5280, 4.2.1.3 and 4.2.1.9).
    pub(super) fn may_issue(&self, below: usize) -> bool {
        let Some(constraints) = self.extension(BASIC_CONSTRAINTS, SEQUENCE) else { return false };
        let mut fields = constraints.inside();
        let is_authority = fields.expect(BOOLEAN).is_some_and(|flag| flag.content != [0]);
        let most = fields.expect(INTEGER).map(|most| match most.content {
            [most] => usize::from(*most),
            _ => usize::MAX,
        });
        let usage = self.extension(KEY_USAGE, BIT_STRING);
        is_authority
            && most.is_none_or(|most| below <= most)
            && usage.is_none_or(|bits| bits.content.get(1).is_some_and(|bits| bits & SIGNS_CERTIFICATES != 0))
    }

    /// Whether it is for this: one that names no purpose is for all of them (RFC 5280, 4.2.1.12), but for times, whose
    /// signers must say so (RFC 3161, 2.3), where those above them need not.
    pub(super) fn is_for(&self, purpose: Purpose) -> bool {
        let Some(purposes) = self.extension(EXTENDED_KEY_USAGE, SEQUENCE) else {
            return purpose == Purpose::Code || self.may_issue(0);
        };
        let mut named = purposes.inside().filter(|named| named.tag == OBJECT);
        named.any(|named| [purpose.identifier(), ANY_PURPOSE].contains(&named.content))
    }

    /// What an extension says, as an element of this kind.
    fn extension(&self, object: &[u8], tag: u8) -> Option<Element<'a>> {
        let mut found = self.extensions.take(EXTENSIONS).filter_map(|extension| {
            let mut fields = extension.inside();
            let named = fields.expect(OBJECT)?;
            let _critical = fields.expect(BOOLEAN);
            let value = fields.expect(OCTET_STRING)?;
            (named.content == object).then(|| first(value.content, tag))
        });
        found.next().flatten()
    }
}

/// A moment of either form, as `YYYYMMDDHHMMSS`.
pub(super) fn time(element: &Element<'_>) -> Option<String> {
    let text = std::str::from_utf8(element.content).ok()?;
    let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
    match (element.tag, digits.len()) {
        (0x17, 12) => {
            let century = if digits.as_str() < "50" { "20" } else { "19" };
            Some(format!("{century}{digits}"))
        }
        (0x18, 14) => Some(digits),
        _ => None,
    }
}

/// A name as people read it: `CN=…, O=…`, the most special part first.
pub(super) fn name(element: &Element<'_>) -> String {
    let mut parts: Vec<String> = Vec::new();
    for set in element.inside().take(32) {
        for attribute in set.inside().take(8) {
            let mut fields = attribute.inside();
            let (Some(object), Some(value)) = (fields.expect(OBJECT), fields.next()) else { continue };
            let value = match value.tag {
                // UTF-16, most significant byte first.
                0x1e => String::from_utf16_lossy(
                    &value
                        .content
                        .as_chunks::<2>()
                        .0
                        .iter()
                        .map(|&unit| u16::from_be_bytes(unit))
                        .collect::<Vec<_>>(),
                ),
                _ => String::from_utf8_lossy(value.content).into_owned(),
            };
            parts.push(format!("{}={value}", key(object.content)));
        }
    }
    parts.reverse();
    parts.join(", ")
}

fn key(object: &[u8]) -> String {
    let known = match object {
        [0x55, 4, 3] => "CN",
        [0x55, 4, 5] => "SERIALNUMBER",
        [0x55, 4, 6] => "C",
        [0x55, 4, 7] => "L",
        [0x55, 4, 8] => "ST",
        [0x55, 4, 10] => "O",
        [0x55, 4, 11] => "OU",
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 1] => "E",
        _ => return hexadecimal(object),
    };
    known.to_owned()
}

/// The certificates in an element that holds them, at most `most`.
pub(super) fn all<'a>(elements: Elements<'a>, most: usize) -> Vec<Certificate<'a>> {
    elements.take(most).filter_map(|element| Certificate::read(&element)).collect()
}
