//! Certificates: files of them (PEM bundles, single ones in DER), and what stores of Windows keep.
//!
//! Formats: RFC 5280, RFC 7468. Of a certificate only the subject matters here, as an RFC 4514 string: it is
//! not verified, as what is in a store of trusted certificates needs no signature.

use std::fmt::Write as _;

use super::bytes::{hexadecimal, le32, size};
use super::{Item, ItemKind, Items, Surface, time};

/// Certificates of one file.
const MOST: usize = 20_000;

/// Reads a file of certificates.
pub(super) fn read(bytes: &[u8], items: &mut Items<'_>) {
    if bytes.first() == Some(&SEQUENCE) {
        return match item(bytes) {
            Some(item) => items.push(item),
            None => items.unread("it is no certificate"),
        };
    }
    let text = String::from_utf8_lossy(bytes);
    let mut seen = false;
    for (number, part) in text.split("-----BEGIN ").skip(1).take(MOST).enumerate() {
        let kind = part.split("-----").next().unwrap_or_default();
        if !matches!(kind, "CERTIFICATE" | "TRUSTED CERTIFICATE" | "X509 CERTIFICATE") {
            continue;
        }
        seen = true;
        let body = part.split("-----").nth(1).unwrap_or_default();
        match base64(body).as_deref().and_then(item) {
            Some(item) => items.push(item.seen_in(&format!("certificate {}", number.saturating_add(1)))),
            None => items.partly(&format!("certificate {} is damaged", number.saturating_add(1))),
        }
    }
    if !seen {
        items.unread("there is no certificate in it");
    }
}

/// The certificate in the properties that a store of Windows keeps of it: `kind 4 | 1 4 | length 4 | value`.
pub(super) fn in_blob(mut blob: &[u8]) -> Option<&[u8]> {
    loop {
        let (kind, length) = (le32(blob, 0)?, size(le32(blob, 8)?));
        let value = blob.get(12..12_usize.checked_add(length)?)?;
        // CERT_CERT_PROP_ID.
        if kind == 32 {
            return Some(value);
        }
        blob = blob.get(12_usize.checked_add(length)?..)?;
    }
}

/// What a certificate is about.
pub(super) fn item(der: &[u8]) -> Option<Item> {
    let body = Elements(first(der, SEQUENCE)?).expect(SEQUENCE)?;
    let mut fields = Elements(body);
    // Version, serial number, algorithm, issuer.
    fields.expect(CONTEXT_0);
    fields.expect(INTEGER)?;
    fields.expect(SEQUENCE)?;
    fields.expect(SEQUENCE)?;
    let mut validity = Elements(fields.expect(SEQUENCE)?);
    let from = validity.next().and_then(moment);
    let subject = fields.expect(SEQUENCE)?;
    let (name, attributes) = name(subject);
    let of = |key: &str| attributes.iter().find(|(known, _)| known == key).map(|(_, value)| value.as_str());
    let shown = of("CN").or(of("O")).unwrap_or(&name).to_owned();
    Some(
        Item::new(ItemKind::Certificate, &shown)
            .with(Surface::RootSubject, &name)
            .with(Surface::Supplier, of("O").unwrap_or_default())
            .with_moment(super::Moment::Built, from),
    )
}

fn moment((tag, content): (u8, &[u8])) -> Option<String> {
    let text = std::str::from_utf8(content).ok()?;
    match tag {
        0x17 if text.get(..2)? < "50" => time::from_stamp(&format!("20{text}")),
        0x17 => time::from_stamp(&format!("19{text}")),
        0x18 => time::from_stamp(text),
        _ => None,
    }
}

/// A name as RFC 4514 writes it, the most special part first, and its parts.
fn name(content: &[u8]) -> (String, Vec<(String, String)>) {
    let mut parts = Vec::new();
    for (_, set) in Elements(content).take(32) {
        for (_, attribute) in Elements(set).take(8) {
            let mut fields = Elements(attribute);
            let (Some(object), Some((tag, value))) = (fields.expect(OBJECT), fields.next()) else { continue };
            let value = match tag {
                // UTF-16, most significant byte first.
                0x1e => {
                    let units = value.as_chunks::<2>().0.iter().map(|unit| u16::from_be_bytes(*unit));
                    String::from_utf16_lossy(&units.collect::<Vec<_>>())
                }
                _ => String::from_utf8_lossy(value).into_owned(),
            };
            parts.push((key(object), value));
        }
    }
    parts.reverse();
    let mut text = String::new();
    for (key, value) in &parts {
        let comma = if text.is_empty() { "" } else { ", " };
        let _ = write!(text, "{comma}{key}={}", escaped(value));
    }
    (text, parts)
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

/// RFC 4514, 2.4.
fn escaped(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for (at, character) in value.char_indices() {
        let is_special = matches!(character, ',' | '+' | '"' | '\\' | '<' | '>' | ';' | '=');
        let is_edge = (at == 0 && matches!(character, '#' | ' '))
            || (character == ' ' && at.checked_add(1) == Some(value.len()));
        if is_special || is_edge {
            out.push('\\');
        }
        out.push(character);
    }
    out
}

const INTEGER: u8 = 0x02;
const OBJECT: u8 = 0x06;
const SEQUENCE: u8 = 0x30;
const CONTEXT_0: u8 = 0xa0;

/// Elements of DER that follow one another: tag and content.
#[derive(Clone, Copy)]
struct Elements<'a>(&'a [u8]);

impl<'a> Elements<'a> {
    /// The content of the next one, if it has this tag.
    fn expect(&mut self, tag: u8) -> Option<&'a [u8]> {
        let mut ahead = *self;
        let (_, content) = ahead.next().filter(|(found, _)| *found == tag)?;
        *self = ahead;
        Some(content)
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (&tag, rest) = self.0.split_first()?;
        let (&first, mut rest) = rest.split_first()?;
        let length = match first {
            0..=0x7f => usize::from(first),
            0x81..=0x84 => {
                let (digits, behind) = rest.split_at_checked(usize::from(first & 7))?;
                rest = behind;
                size(digits.iter().fold(0_u64, |length, &digit| length << 8 | u64::from(digit)))
            }
            _ => return None,
        };
        let (content, behind) = rest.split_at_checked(length)?;
        self.0 = behind;
        Some((tag, content))
    }
}

fn first(der: &[u8], tag: u8) -> Option<&[u8]> {
    Elements(der).expect(tag)
}

/// The bytes of a text in base 64; white space does not count, and it ends with the first `=`.
pub(super) fn base64(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() / 2);
    let (mut bits, mut held) = (0_u32, 0_u32);
    for byte in text.bytes() {
        let digit = match byte {
            b'A'..=b'Z' => byte.checked_sub(b'A')?,
            b'a'..=b'z' => byte.checked_sub(b'a')?.checked_add(26)?,
            b'0'..=b'9' => byte.checked_sub(b'0')?.checked_add(52)?,
            b'+' => 62,
            b'/' => 63,
            b'=' => break,
            b' ' | b'\t' | b'\r' | b'\n' => continue,
            _ => return None,
        };
        bits = bits << 6 | u32::from(digit);
        held = held.checked_add(6)?;
        if held >= 8 {
            held = held.checked_sub(8)?;
            let [.., byte] = (bits >> held).to_be_bytes();
            out.push(byte);
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::tests::{check, read as read_items, values};
    use crate::inventory::{CoverageState, Reader};

    fn element(tag: u8, content: &[u8]) -> Vec<u8> {
        let length = u16::try_from(content.len()).unwrap().to_be_bytes();
        [&[tag, 0x82, length[0], length[1]], content].concat()
    }

    fn attribute(object: &[u8], value: &str) -> Vec<u8> {
        let pair = [element(OBJECT, object), element(0x0c, value.as_bytes())].concat();
        element(0x31, &element(SEQUENCE, &pair))
    }

    fn certificate() -> Vec<u8> {
        let subject = [
            attribute(&[0x55, 4, 6], "RU"),
            attribute(&[0x55, 4, 10], "Example, \"Lab\""),
            attribute(&[0x55, 4, 3], "Personal Root"),
        ]
        .concat();
        let validity = [element(0x17, b"240929040000Z"), element(0x18, b"20500101000000Z")].concat();
        let body = [
            element(CONTEXT_0, &element(INTEGER, &[2])),
            element(INTEGER, &[1]),
            element(SEQUENCE, &[]),
            element(SEQUENCE, &attribute(&[0x55, 4, 3], "Issuer")),
            element(SEQUENCE, &validity),
            element(SEQUENCE, &subject),
        ]
        .concat();
        element(SEQUENCE, &element(SEQUENCE, &body))
    }

    fn pem(der: &[u8]) -> String {
        const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let mut text = String::new();
        for chunk in der.chunks(3) {
            let mut three = [0; 4];
            three[1..=chunk.len()].copy_from_slice(chunk);
            let bits = u32::from_be_bytes(three);
            for at in 0..4 {
                let digit =
                    if at <= chunk.len() { DIGITS[(bits >> (18 - 6 * at)) as usize & 63] } else { b'=' };
                text.push(char::from(digit));
            }
        }
        format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n")
    }

    #[test]
    fn subjects_are_told_so_that_no_value_can_pass_for_two() {
        let line = "Certificate Personal Root - | - | RootSubject=CN=Personal Root, O=Example\\, \\\"Lab\\\", C=RU, Supplier=Example, \"Lab\" | Built=2024-09-29T04:00:00Z";
        check(Reader::Certificates, &certificate(), &[line]);
        let bundle = format!("# a comment\n{}", pem(&certificate()));
        check(Reader::Certificates, bundle.as_bytes(), &[&line.replacen("| - |", "| certificate 1 |", 1)]);
    }

    #[test]
    fn a_damaged_certificate_costs_itself_alone() {
        let whole = pem(&certificate());
        let bundle =
            format!("{}{whole}", whole.replace("MII", "MIJ").replace("MIA", "MIZ").replace("MIC", "!"));
        let damaged = whole.lines().nth(1).unwrap()[..40].to_owned();
        let bundle = bundle + &format!("-----BEGIN CERTIFICATE-----\n{damaged}\n-----END CERTIFICATE-----\n");
        let (items, coverage) = read_items(Reader::Certificates, "ca.pem", bundle.as_bytes());
        assert!(!items.is_empty());
        assert_eq!(values(&items, Surface::RootSubject).len(), items.len());
        assert!(matches!(coverage.state, CoverageState::Partly(_)));
    }

    #[test]
    fn the_certificate_in_a_store_of_windows_is_found_behind_other_properties() {
        let property = |kind: u32, value: &[u8]| {
            [&kind.to_le_bytes(), &1_u32.to_le_bytes(), &(value.len() as u32).to_le_bytes(), value].concat()
        };
        let der = certificate();
        let blob = [property(3, &[7; 20]), property(32, &der)].concat();
        assert_eq!(in_blob(&blob), Some(&der[..]));
        assert_eq!(in_blob(&blob[..blob.len() - 1]), None);
        assert_eq!(in_blob(&property(3, &[])), None);
    }
}
