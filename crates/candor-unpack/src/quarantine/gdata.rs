//! Quarantine files of G Data.
//!
//! ```text
//! 0    ca fe ba be, length; what was found: 12 unknown bytes, when, 4 unknown bytes, the threat
//!      ba ad f0 0d, length; where: 8 unknown bytes, length of the file, a text, 8 unknown bytes, three times,
//!      4 unknown bytes, length of the file, the path
//!      the file
//! ```
//!
//! Each of the three parts is under RC4 from its beginning on. A text is `ff fe ff`, its length and UTF-16.

use candor_model::Sink;

use super::{Told, Veil, give, malformed, moment, wide};
use crate::cipher::rc4;
use crate::reader::Reader;

const KEY: [u8; 16] =
    [0xa7, 0xbf, 0x73, 0xa0, 0x9f, 0x03, 0xd3, 0x11, 0x85, 0x6f, 0x00, 0x80, 0xad, 0xa9, 0x6e, 0x9b];

/// Bytes of a description that are read.
const LONGEST: usize = 1 << 16;

/// Gives the file that was set aside.
pub(crate) fn unpack(bytes: &[u8], sink: &mut dyn Sink) {
    let mut reader = Reader::little(bytes);
    let (Some(found), Some(place)) = (part(&mut reader), part(&mut reader)) else {
        return malformed("a part", sink);
    };
    let (at, threat) = what(&found).unwrap_or_default();
    let told = Told { path: path(&place), threat, at };
    told.tell("G Data", sink);
    if told.path.is_none() {
        malformed("the description", sink);
    }
    let _ = give(told.path.as_deref(), vec![reader.rest()], Veil::rc4(&KEY), sink);
}

fn part(reader: &mut Reader<'_>) -> Option<Vec<u8>> {
    reader.skip(4)?;
    let length = reader.u32()?;
    let part = reader.take(u64::from(length))?;
    Some(rc4(&KEY, part.get(..LONGEST).unwrap_or(part)))
}

fn what(part: &[u8]) -> Option<(Option<String>, Option<String>)> {
    let mut reader = Reader::little(part);
    reader.skip(12)?;
    let at = moment::from_unix(u64::from(reader.u32()?));
    reader.skip(4)?;
    Some((at, text(&mut reader)))
}

fn path(part: &[u8]) -> Option<String> {
    let mut reader = Reader::little(part);
    reader.skip(12)?;
    text(&mut reader)?;
    reader.skip(8 + 3 * 8 + 8)?;
    text(&mut reader)
}

fn text(reader: &mut Reader<'_>) -> Option<String> {
    if reader.take(3)? != b"\xff\xfe\xff" {
        return None;
    }
    let length = u64::from(reader.u8()?);
    reader.take(length.checked_mul(2)?).map(wide)
}
