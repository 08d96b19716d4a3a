//! Elements of DER: one after another, each within the one around it.
//!
//! Layout: X.690. Lengths are of the definite form, tags of one byte; nothing else stands in signatures.

use crate::reader::Reader;

pub(super) const BOOLEAN: u8 = 0x01;
pub(super) const INTEGER: u8 = 0x02;
pub(super) const BIT_STRING: u8 = 0x03;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const OBJECT: u8 = 0x06;
pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const SET: u8 = 0x31;
/// Tags whose meaning depends on the place.
pub(super) const CONTEXT_0: u8 = 0xa0;
pub(super) const CONTEXT_1: u8 = 0xa1;
pub(super) const CONTEXT_3: u8 = 0xa3;

/// One element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Element<'a> {
    pub(super) tag: u8,
    pub(super) content: &'a [u8],
    /// With tag and length.
    pub(super) whole: &'a [u8],
}

impl<'a> Element<'a> {
    /// What stands inside.
    pub(super) const fn inside(&self) -> Elements<'a> {
        Elements { rest: self.content }
    }
}

/// Elements that follow one another.
#[derive(Clone, Copy, Debug)]
pub(super) struct Elements<'a> {
    pub(super) rest: &'a [u8],
}

impl<'a> Elements<'a> {
    /// The next one, if it has this tag.
    pub(super) fn expect(&mut self, tag: u8) -> Option<Element<'a>> {
        let mut ahead = *self;
        let element = ahead.next().filter(|element| element.tag == tag)?;
        *self = ahead;
        Some(element)
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = Element<'a>;

    fn next(&mut self) -> Option<Element<'a>> {
        let mut reader = Reader::little(self.rest);
        let tag = reader.u8()?;
        let length = match reader.u8()? {
            short @ 0..=0x7f => u64::from(short),
            long @ 0x81..=0x84 => {
                let bytes = reader.take(u64::from(long & 7))?;
                bytes.iter().fold(0_u64, |length, &byte| length << 8 | u64::from(byte))
            }
            _ => return None,
        };
        if tag & 0x1f == 0x1f {
            return None;
        }
        let content = reader.take(length)?;
        let whole = self.rest.get(..reader.position())?;
        self.rest = reader.rest();
        Some(Element { tag, content, whole })
    }
}

/// The first element of `bytes`.
pub(super) fn first(bytes: &[u8], tag: u8) -> Option<Element<'_>> {
    Elements { rest: bytes }.expect(tag)
}
