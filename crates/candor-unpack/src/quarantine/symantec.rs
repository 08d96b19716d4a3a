//! Quarantine files of Symantec Endpoint Protection (`.VBN`).
//!
//! ```text
//! 0    where the payload begins (0x1290); 4 the path in 384 bytes; 0x184 a line of the log, fields between commas
//! 0xd70  when, in seconds since 1970
//! payload under 0x5a: 8 NULs, where lists of values begin and how long they are: of metadata, and of content
//! content: a kind in one byte and its value; behind the value 4 (length of the file), the values 9 are pieces of the
//! file, once more under 0xff
//! ```
//!
//! Of other versions the payload is the file itself, perhaps behind a header that says where. The file that
//! describes a folder of others has a payload without a veil, and no content.
//!
//! Layouts: ERNW's notes, and <https://malwaremaloney.blogspot.com/2021/03/your-av-is-trying-to-tell-you-something_9.html>

use candor_model::Sink;

use super::{Told, Veil, give, malformed, moment, narrow};
use crate::reader::{Reader, clipped};

/// Of what stands in the payload itself, and of pieces in it.
const OUTER: &[u8] = &[0x5a];
const BOTH: &[u8] = &[0x5a ^ 0xff];

/// Gives the file that was set aside.
pub(crate) fn unpack(bytes: &[u8], sink: &mut dyn Sink) {
    let Some(start) = Reader::little(bytes).u32() else { return malformed("the header", sink) };
    let line = narrow(clipped(bytes, 0x184, 0x800));
    let fields: Vec<&str> = line.split(',').collect();
    let path = narrow(clipped(bytes, 4, 384));
    let at = Reader::little(bytes).at(0xd70).and_then(|mut reader| reader.u32());
    let told = Told {
        path: Some(path).filter(|path| !path.is_empty()),
        threat: fields.get(6).map(|name| name.trim_matches('"').to_owned()),
        at: at.and_then(|at| moment::from_unix(u64::from(at))),
    };
    told.tell("Symantec", sink);
    let payload = clipped(bytes, u64::from(start), u64::MAX);
    let name = told.path.as_deref();
    // A list of values without a veil begins with the value 6: it only describes.
    if payload.is_empty() || payload.starts_with(&[6, 1, 0, 0, 0, 0x0a]) {
        if payload.is_empty() {
            malformed("the payload", sink);
        }
        return;
    }
    let head = Veil::Xor(OUTER).lifted(clipped(payload, 0, 40));
    if head.starts_with(&[0; 8]) {
        let Some((content, is_whole)) = content(payload, &head) else {
            return malformed("the header of the payload", sink);
        };
        let pieces = pieces(content);
        if !is_whole || pieces.is_none() {
            malformed("the content", sink);
        }
        if let Some(pieces) = pieces {
            let _ = give(name, pieces, Veil::Xor(BOTH), sink);
        }
        return;
    }
    let file =
        if head.starts_with(b"\0\0\0\x06\xaa\xaa\x20\xce") { located(payload, &head) } else { Some(payload) };
    match file {
        Some(file) => {
            let _ = give(name, vec![file], Veil::Xor(OUTER), sink);
        }
        None => malformed("the place of the content", sink),
    }
}

/// The list of values that holds the file, and whether all of it is there.
fn content<'a>(payload: &'a [u8], head: &[u8]) -> Option<(&'a [u8], bool)> {
    let mut reader = Reader::little(head).at(24)?;
    let (start, length) = (reader.u64()?, reader.u64()?);
    Reader::little(payload).at(start)?;
    let content = clipped(payload, start, length);
    Some((content, u64::try_from(content.len()).ok()? == length))
}

/// The pieces of the file; none when a length of it leads out of the list.
fn pieces(content: &[u8]) -> Option<Vec<&[u8]>> {
    let lift = |bytes: &[u8]| Veil::Xor(OUTER).lifted(bytes);
    let mut reader = Reader::little(content);
    let mut pieces = Vec::new();
    let mut begun = false;
    while !reader.rest().is_empty() {
        let fixed = match reader.u8()? ^ 0x5a {
            0x01 | 0x0a => 1,
            0x03 | 0x06 => 4,
            0x04 => {
                begun = true;
                8
            }
            kind @ (0x08 | 0x09) => {
                let length = u32::from_le_bytes(*lift(reader.take(4)?).first_chunk()?);
                let rest = reader.rest();
                let Some(piece) = reader.take(u64::from(length)) else {
                    // What is there of the last piece is kept.
                    if kind == 0x09 && begun {
                        pieces.push(rest);
                    }
                    return begun.then_some(pieces);
                };
                if kind == 0x09 && begun {
                    pieces.push(piece);
                }
                continue;
            }
            _ => return begun.then_some(pieces),
        };
        reader.skip(fixed)?;
    }
    begun.then_some(pieces)
}

/// The file where the header of the payload says that it is.
fn located<'a>(payload: &'a [u8], head: &[u8]) -> Option<&'a [u8]> {
    let mut reader = Reader::little(head).at(8)?;
    let start = reader.u64()?;
    reader.skip(8)?;
    let behind = u64::from(reader.u32()?);
    Reader::little(payload).at(start)?;
    let length = u64::try_from(payload.len()).ok()?.checked_sub(start)?.checked_sub(behind)?;
    Some(clipped(payload, start, length))
}
