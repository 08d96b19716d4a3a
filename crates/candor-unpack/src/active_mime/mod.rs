//! ActiveMime: how Word keeps macros and objects where no file of their own can stand, in documents that are one XML file
//! (`editdata.mso`) and in pages (`oledata.mso`).
//!
//! ```text
//! 00  "ActiveMime", two zeros, then fields, of which that at 1e says how far behind 2e the stream begins
//! 32  in all that Word writes: a compound file as one stream of zlib
//! ```
//!
//! Word never told what the fields mean; those who take such files apart found streams at 22a, too, so that whatever holds
//! one is given.

#[cfg(test)]
mod tests;

use std::io::Read as _;

use candor_model::{ChildKind, Content, Flow, Member, Reason, Sink};

use crate::codec;
use crate::reader::Reader;
use crate::work::{Work, units};

/// Where the stream begins when the field is nought, and where it does as far as is known.
const BASE: usize = 0x2e;
const KNOWN: [usize; 2] = [0x32, 0x22a];
/// What may begin a stream elsewhere, of which so many are tried, and what trying one costs in bytes that are read.
const TRIALS: usize = 64;
const TRIAL: usize = 256;

/// Gives what the streams hold.
pub(crate) fn unpack(bytes: &[u8], sink: &mut dyn Sink) {
    let field = Reader::little(bytes).at(0x1e).and_then(|mut reader| reader.u16());
    let told = BASE.saturating_add(usize::from(field.unwrap_or(0)));
    let mut places: Vec<usize> = KNOWN.iter().copied().filter(|place| *place != told).collect();
    places.insert(0, told);
    places.retain(|place| is_stream(bytes, *place));
    if places.is_empty() {
        let mut work = Work::of(bytes);
        // Most of what looks like the two bytes that a stream begins with is none.
        let mut others =
            memchr::memchr_iter(0x78, bytes).filter(|place| has_header(bytes, *place)).take(TRIALS);
        places.extend(others.find(|place| work.pay(TRIAL, sink) && is_stream(bytes, *place)));
    }
    if places.is_empty() {
        sink.incomplete(Reason::Malformed("ActiveMime without a stream".to_owned()));
    }
    for (position, place) in (1..).zip(places) {
        let packed = bytes.get(place..).unwrap_or_default();
        let member = Member { position, compressed_size: Some(units(packed.len())), ..Member::default() };
        let mut decoder = codec::zlib(packed);
        if sink.child(ChildKind::Extracted, &member, Content::Stream(&mut decoder)) == Flow::Stop {
            return;
        }
    }
}

/// Whether the two bytes stand here that a stream of zlib begins with.
fn has_header(bytes: &[u8], place: usize) -> bool {
    let header = bytes.get(place..).and_then(|rest| rest.first_chunk::<2>());
    header
        .is_some_and(|[method, flags]| method & 0x8f == 8 && u16::from_be_bytes([*method, *flags]) % 31 == 0)
}

/// Whether a stream stands here that gives something.
fn is_stream(bytes: &[u8], place: usize) -> bool {
    let packed = bytes.get(place..).unwrap_or_default();
    has_header(bytes, place) && codec::zlib(packed).read(&mut [0; 16]).is_ok_and(|read| read > 0)
}
