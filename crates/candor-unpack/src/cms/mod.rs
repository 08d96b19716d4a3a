//! Signed, encrypted and compressed messages (S/MIME: `.p7m`, `.p7s`): what was signed, when it stands inside.
//!
//! Layout: RFC 5652 (CMS, PKCS #7), RFC 3274 (compressed data), RFC 5083 (encrypted and authenticated), in BER of X.690.
//!
//! ```text
//! SEQUENCE: kind | [0]: SEQUENCE: version … SEQUENCE: kind | [0]: OCTET STRING: what was signed
//! ```
//!
//! Programs that do not know how long a message becomes write it without lengths, in pieces: so elements end with two zeros
//! or with what is around them. What is inside is looked for and not judged: a signature that is wrong hides nothing, and no
//! certificate is read. What is cut short is given as far as it goes.

#[cfg(test)]
mod tests;

use candor_model::{ChildKind, Content, FileType, Flow, Member, Reason, Sink};

use crate::codec;
use crate::reader::{Reader, clipped};
use crate::work::Allowance;

/// How deep elements are in one another that are passed over.
const DEPTH: u32 = 16;
/// Fields of a message that are looked at: it has ten at most.
const FIELDS: usize = 16;
/// What an element costs that others stand around, in the units of [`candor_model::Budget::pay_work`]: two bytes may be one.
const ELEMENT: u64 = 8;

const SEQUENCE: u8 = 0x30;
const OBJECT: u8 = 0x06;
const CONTEXT_0: u8 = 0xa0;
const OCTET_STRING: u8 = 0x04;
const OCTET_STRINGS: u8 = 0x24;

/// What a message is, by its name.
const KINDS: [(&[u8], Kind); 9] = [
    (b"\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02", Kind::Plain),
    (b"\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03", Kind::Encrypted),
    (b"\x2a\x86\x48\x86\xf7\x0d\x01\x07\x04", Kind::Encrypted),
    (b"\x2a\x86\x48\x86\xf7\x0d\x01\x07\x05", Kind::Plain),
    (b"\x2a\x86\x48\x86\xf7\x0d\x01\x07\x06", Kind::Encrypted),
    (b"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01\x02", Kind::Plain),
    (b"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01\x09", Kind::Compressed),
    (b"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01\x17", Kind::Encrypted),
    // The one of China's ciphers.
    (b"\x2a\x81\x1c\xcf\x55\x06\x01\x04\x02\x02", Kind::Plain),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Signed, or only with a digest.
    Plain,
    Compressed,
    Encrypted,
}

/// Whether bytes begin with such a message.
pub(crate) fn begins(bytes: &[u8]) -> bool {
    message(bytes).is_some()
}

/// Whether a layer of this type is such a message: its first bytes may be letters of UTF-16.
pub(crate) fn applies(file_type: FileType, bytes: &[u8]) -> bool {
    (file_type == FileType::BinaryData || file_type.is_text()) && begins(bytes)
}

/// Gives what a message holds.
pub(crate) fn unpack(bytes: &[u8], sink: &mut dyn Sink) {
    let Some((kind, inside)) = message(bytes) else { return };
    if kind == Kind::Encrypted {
        sink.incomplete(Reason::Encrypted);
        return;
    }
    let allowance = Allowance::new(sink.budget().work());
    let found = content(inside, &allowance);
    let mut octets = Octets { bytes: Vec::new(), is_cut: false, allowance: &allowance };
    if let Some(content) = found {
        octets.take(content, DEPTH);
    }
    let Octets { bytes, is_cut, .. } = octets;
    let reason = match () {
        () if allowance.is_over() => Some(Reason::Work),
        () if is_cut => Some(Reason::Malformed("a signed or compressed message is cut short".to_owned())),
        () => None,
    };
    allowance.settle(sink);
    if found.is_none() {
        return;
    }
    let is_entity =
        |start: &[u8]| bytes.get(..start.len()).is_some_and(|text| text.eq_ignore_ascii_case(start));
    let is_mail = [&b"content-"[..], b"mime-version:"].iter().any(|start| is_entity(start));
    let file_type = (is_mail && kind == Kind::Plain).then_some(FileType::Mail);
    let member = Member { position: 1, file_type, ..Member::default() };
    let mut stream;
    let (content, reason) = match (kind, reason) {
        (Kind::Compressed, reason) => {
            stream = codec::zlib(&bytes[..]);
            (Content::Stream(&mut stream), reason)
        }
        (_, Some(reason)) => (Content::Part(&bytes, reason), None),
        (_, None) => (Content::Bytes(&bytes), None),
    };
    let flow = sink.child(ChildKind::Extracted, &member, content);
    if let Some(reason) = reason.filter(|_| flow == Flow::Continue) {
        sink.incomplete(reason);
    }
}

/// What kind of message this is, and its fields.
fn message(bytes: &[u8]) -> Option<(Kind, &[u8])> {
    let (outer, _) = Element::first(bytes).filter(|(outer, _)| outer.tag == SEQUENCE)?;
    let (name, behind) = Element::first(outer.content).filter(|(name, _)| name.tag == OBJECT)?;
    let (_, kind) = KINDS.iter().find(|(known, _)| *known == name.content)?;
    let (inside, _) = Element::first(behind).filter(|(inside, _)| inside.tag == CONTEXT_0)?;
    let (fields, _) = Element::first(inside.content).filter(|(fields, _)| fields.tag == SEQUENCE)?;
    Some((*kind, fields.content))
}

/// What stands inside of a message with these fields: nothing when it is a signature of something else.
fn content<'a>(fields: &'a [u8], allowance: &Allowance) -> Option<Element<'a>> {
    let mut rest = fields;
    for _ in 0..FIELDS {
        let (field, _) = Element::first(rest)?;
        if field.tag == SEQUENCE
            && let Some((name, behind)) = Element::first(field.content)
            && name.tag == OBJECT
            && let Some((inside, _)) = Element::first(behind)
            && inside.tag == CONTEXT_0
        {
            let (content, _) = Element::first(inside.content)?;
            // What is no string belongs to other formats: lists of trust, for one.
            return matches!(content.tag, OCTET_STRING | OCTET_STRINGS).then_some(content);
        }
        rest = Element::behind(rest, DEPTH, allowance)?;
    }
    None
}

/// One element.
#[derive(Clone, Copy, Debug)]
struct Element<'a> {
    tag: u8,
    /// What stands inside; with what follows when no length says where it ends.
    content: &'a [u8],
    has_length: bool,
    is_cut: bool,
}

impl<'a> Element<'a> {
    /// The first element of `bytes`, and what follows it when a length says where.
    fn first(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let mut reader = Reader::little(bytes);
        let tag = reader.u8()?;
        // Tags of several bytes stand nowhere.
        if tag & 0x1f == 0x1f {
            return None;
        }
        let length = match reader.u8()? {
            short @ 0..=0x7f => u64::from(short),
            0x80 if tag & 0x20 != 0 => {
                return Some((Self { tag, content: reader.rest(), has_length: false, is_cut: false }, &[]));
            }
            long @ 0x81..=0x88 => {
                let bytes = reader.take(u64::from(long & 15))?;
                bytes.iter().fold(0_u64, |length, &byte| length << 8 | u64::from(byte))
            }
            _ => return None,
        };
        let content = clipped(reader.rest(), 0, length);
        let behind = reader.rest().get(content.len()..).unwrap_or_default();
        let is_cut = u64::try_from(content.len()).unwrap_or(0) < length;
        Some((Self { tag, content, has_length: true, is_cut }, behind))
    }

    /// What follows the first element of `bytes`, when that can be paid for.
    fn behind(bytes: &'a [u8], depth: u32, allowance: &Allowance) -> Option<&'a [u8]> {
        let (element, behind) = Self::first(bytes).filter(|_| allowance.pay(ELEMENT))?;
        if element.has_length {
            return Some(behind);
        }
        let depth = depth.checked_sub(1)?;
        let mut rest = element.content;
        loop {
            if let Some(behind) = rest.strip_prefix(&[0, 0]) {
                return Some(behind);
            }
            rest = Self::behind(rest, depth, allowance)?;
        }
    }
}

/// A string that may be in pieces.
#[derive(Debug)]
struct Octets<'w> {
    bytes: Vec<u8>,
    is_cut: bool,
    allowance: &'w Allowance,
}

impl Octets<'_> {
    /// Takes an element, and says where the next one stands when it has no length.
    fn take<'a>(&mut self, element: Element<'a>, depth: u32) -> &'a [u8] {
        self.is_cut |= element.is_cut;
        if element.tag != OCTET_STRINGS {
            self.bytes.extend_from_slice(element.content);
            return &[];
        }
        let mut rest = element.content;
        let Some(depth) = depth.checked_sub(1) else {
            self.is_cut = true;
            return &[];
        };
        loop {
            if element.has_length && rest.is_empty() {
                return rest;
            }
            if let Some(behind) = rest.strip_prefix(&[0, 0]).filter(|_| !element.has_length) {
                return behind;
            }
            let piece =
                Element::first(rest).filter(|(piece, _)| matches!(piece.tag, OCTET_STRING | OCTET_STRINGS));
            let Some((piece, behind)) = piece.filter(|_| self.allowance.pay(ELEMENT)) else {
                self.is_cut = true;
                return &[];
            };
            let inside = self.take(piece, depth);
            rest = if piece.has_length { behind } else { inside };
        }
    }
}
