//! Who signed a program, in the words of OpenSSL, which rules of YARA are written in.

use super::certificate::Certificate;
use super::der::{Element, OBJECT};
use super::signed::SignedData;

/// Signed data in one another, and names of one party.
const DEPTH: u32 = 4;
const PARTS: usize = 64;

/// Who made one signature.
#[derive(Clone, Debug)]
pub(crate) struct Signer<'a> {
    /// SHA-1 over the certificate.
    pub(crate) thumbprint: [u8; 20],
    /// Who issued it, and to whom, as `/C=…/O=…/CN=…`.
    pub(crate) issuer: Vec<u8>,
    pub(crate) subject: Vec<u8>,
    /// 1 to 3.
    pub(crate) version: i64,
    pub(crate) serial: &'a [u8],
    /// Seconds since 1970.
    pub(crate) not_before: i64,
    pub(crate) not_after: i64,
    algorithm: &'a [u8],
}

/// Adds who signed what stands in `data`, at most `most` of them: signed data, one after another, each with signatures
/// of its own in it.
pub(crate) fn signers<'a>(data: &'a [u8], most: usize, found: &mut Vec<Signer<'a>>) {
    let mut rest = super::der::Elements { rest: data };
    while found.len() < most
        && let Some(element) = rest.next()
        && let Some(signed) = SignedData::read(element.whole)
    {
        add(&signed, DEPTH, most, found);
    }
}

fn add<'a>(data: &SignedData<'a>, depth: u32, most: usize, found: &mut Vec<Signer<'a>>) {
    // Where the certificate of one signer is missing, nothing is known of the others.
    let certificates: Option<Vec<_>> = data.signers.iter().map(|signer| data.certificate(signer)).collect();
    let Some(certificates) = certificates else { return };
    for certificate in certificates {
        if found.len() >= most {
            return;
        }
        found.push(Signer::of(certificate));
    }
    let Some((depth, signer)) = depth.checked_sub(1).zip(data.signers.first()) else { return };
    for nested in signer.nested() {
        add(&nested, depth, most, found);
    }
}

impl<'a> Signer<'a> {
    fn of(certificate: &Certificate<'a>) -> Self {
        Self {
            thumbprint: certificate.thumbprint.first_chunk().copied().unwrap_or_default(),
            issuer: name(&certificate.issuer),
            subject: name(&certificate.subject),
            version: certificate.version,
            serial: certificate.serial,
            not_before: seconds(&certificate.validity.0),
            not_after: seconds(&certificate.validity.1),
            algorithm: certificate.algorithm(),
        }
    }

    /// The algorithm of the signature of the certificate, as numbers with dots.
    pub(crate) fn algorithm_number(&self) -> String {
        dotted(self.algorithm)
    }

    /// Its name.
    pub(crate) fn algorithm_name(&self) -> Option<&'static str> {
        Some(match self.algorithm {
            [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 2] => "md2WithRSAEncryption",
            [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 4] => "md5WithRSAEncryption",
            [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 5] => "sha1WithRSAEncryption",
            [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 10] => "rsassaPss",
            [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11] => "sha256WithRSAEncryption",
            [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 12] => "sha384WithRSAEncryption",
            [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 13] => "sha512WithRSAEncryption",
            [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 14] => "sha224WithRSAEncryption",
            [0x2b, 0x0e, 3, 2, 0x1d] => "sha1WithRSA",
            [0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 1] => "ecdsa-with-SHA1",
            [0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2] => "ecdsa-with-SHA256",
            [0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 3] => "ecdsa-with-SHA384",
            [0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 4] => "ecdsa-with-SHA512",
            [0x2a, 0x86, 0x48, 0xce, 0x38, 4, 3] => "dsaWithSHA1",
            _ => return None,
        })
    }
}

/// A name as `/C=…/O=…/CN=…`: the most general part first; what is no printable ASCII as `\xNN`.
fn name(element: &Element<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    for attribute in element.inside().flat_map(|set| set.inside()).take(PARTS) {
        let mut fields = attribute.inside();
        let (Some(object), Some(value)) = (fields.expect(OBJECT), fields.next()) else { continue };
        out.push(b'/');
        match known(object.content) {
            Some(name) => out.extend(name.as_bytes()),
            None => out.extend(dotted(object.content).into_bytes()),
        }
        out.push(b'=');
        for &byte in value.content {
            match byte {
                b' '..=b'~' => out.push(byte),
                _ => out.extend(format!("\\x{byte:02X}").into_bytes()),
            }
        }
    }
    out
}

/// Short names of parts of names.
fn known(object: &[u8]) -> Option<&'static str> {
    Some(match object {
        [0x55, 4, 3] => "CN",
        [0x55, 4, 4] => "SN",
        [0x55, 4, 5] => "serialNumber",
        [0x55, 4, 6] => "C",
        [0x55, 4, 7] => "L",
        [0x55, 4, 8] => "ST",
        [0x55, 4, 9] => "street",
        [0x55, 4, 10] => "O",
        [0x55, 4, 11] => "OU",
        [0x55, 4, 12] => "title",
        [0x55, 4, 13] => "description",
        [0x55, 4, 15] => "businessCategory",
        [0x55, 4, 16] => "postalAddress",
        [0x55, 4, 17] => "postalCode",
        [0x55, 4, 18] => "postOfficeBox",
        [0x55, 4, 20] => "telephoneNumber",
        [0x55, 4, 41] => "name",
        [0x55, 4, 42] => "GN",
        [0x55, 4, 43] => "initials",
        [0x55, 4, 44] => "generationQualifier",
        [0x55, 4, 45] => "x500UniqueIdentifier",
        [0x55, 4, 46] => "dnQualifier",
        [0x55, 4, 65] => "pseudonym",
        [0x55, 4, 97] => "organizationIdentifier",
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 1] => "emailAddress",
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 2] => "unstructuredName",
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 8] => "unstructuredAddress",
        [0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 1] => "UID",
        [0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 25] => "DC",
        [0x2b, 6, 1, 4, 1, 0x82, 0x37, 60, 2, 1, 1] => "jurisdictionL",
        [0x2b, 6, 1, 4, 1, 0x82, 0x37, 60, 2, 1, 2] => "jurisdictionST",
        [0x2b, 6, 1, 4, 1, 0x82, 0x37, 60, 2, 1, 3] => "jurisdictionC",
        _ => return None,
    })
}

/// An identifier as numbers with dots.
fn dotted(object: &[u8]) -> String {
    let mut numbers: Vec<u64> = Vec::new();
    let mut number: u64 = 0;
    for byte in object.iter().take(64) {
        number = number.wrapping_shl(7) | u64::from(byte & 0x7f);
        if byte & 0x80 != 0 {
            continue;
        }
        if numbers.is_empty() {
            let first = (number / 40).min(2);
            numbers.push(first);
            number = number.saturating_sub(first.saturating_mul(40));
        }
        numbers.push(number);
        number = 0;
    }
    numbers.iter().map(u64::to_string).collect::<Vec<_>>().join(".")
}

/// Seconds since 1970 of a moment, `YYYYMMDDHHMMSS`.
pub(super) fn seconds(moment: &str) -> i64 {
    let number = |range: std::ops::Range<usize>| moment.get(range).and_then(|text| text.parse::<i64>().ok());
    let parts = (number(0..4), number(4..6), number(6..8), number(8..10), number(10..12), number(12..14));
    let (Some(year), Some(month), Some(day), Some(hour), Some(minute), Some(second)) = parts else {
        return 0;
    };
    // Days since the first of March of the year 0, so that a leap day is the last one of its year.
    let year = if month > 2 { year } else { year.saturating_sub(1) };
    let month = (month.saturating_add(9)) % 12;
    let days = year
        .saturating_mul(365)
        .saturating_add(year / 4)
        .saturating_sub(year / 100)
        .saturating_add(year / 400)
        .saturating_add(month.saturating_mul(153).saturating_add(2) / 5)
        .saturating_add(day)
        .saturating_sub(1)
        .saturating_sub(719_468);
    let hours = days.saturating_mul(24).saturating_add(hour);
    hours.saturating_mul(60).saturating_add(minute).saturating_mul(60).saturating_add(second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_seconds() {
        assert_eq!(seconds("19700101000000"), 0);
        assert_eq!(seconds("20000229235959"), 951_868_799);
        assert_eq!(seconds("20260312193519"), 1_773_344_119);
        assert_eq!(seconds("20991231000000"), 4_102_358_400);
        assert_eq!(seconds("2000"), 0);
    }

    #[test]
    fn identifiers_are_numbers_with_dots() {
        assert_eq!(dotted(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11]), "1.2.840.113549.1.1.11");
        assert_eq!(dotted(&[0x55, 4, 3]), "2.5.4.3");
        assert_eq!(dotted(&[0x88, 0x37, 3]), "2.999.3");
    }

    #[test]
    fn names_are_those_of_openssl() {
        // SEQUENCE { SET { C = "US" }, SET { 1.2.3.4 = "\0A\n" } }
        let bytes = [
            0x30, 0x1b, 0x31, 11, 0x30, 9, 6, 3, 0x55, 4, 6, 0x13, 2, b'U', b'S', 0x31, 12, 0x30, 10, 6, 3,
            0x2a, 3, 4, 0x1e, 3, 0, b'A', b'\n',
        ];
        let element = super::super::der::first(&bytes, 0x30).unwrap();
        assert_eq!(String::from_utf8(name(&element)).unwrap(), "/C=US/1.2.3.4=\\x00A\\x0A");
    }
}
