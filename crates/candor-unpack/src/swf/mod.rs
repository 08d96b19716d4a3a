//! Flash: the film with its compression undone, and the data that are embedded in it.
//!
//! Layout: the SWF file format specification, version 19. `FWS` is stored, `CWS` is packed by zlib and `ZWS`
//! by LZMA behind the first eight bytes. A stored film is a list of tags; those of kind 87 hold any data.

#[cfg(test)]
mod tests;

use std::io::Read as _;

use candor_model::{ChildKind, Content, FileType, Flow, Member, Reason, Sink};

use crate::codec;
use crate::pace::Pace;
use crate::reader::{Reader, clipped};
use crate::work::units;

/// The tag that holds data.
const BINARY_DATA: u16 = 87;

/// Gives the film as it would be stored, or the data in a stored one.
pub(crate) fn unpack(bytes: &[u8], sink: &mut dyn Sink) {
    let rest = bytes.get(8..).unwrap_or_default();
    let length = Reader::little(bytes).at(4).and_then(|mut reader| reader.u32()).unwrap_or(0);
    let coded = if bytes.starts_with(b"Z") { units(bytes.len()) } else { 0 };
    let pace = Pace::coding(coded, sink.budget());
    let decoder = match bytes {
        [b'C', ..] => codec::zlib(rest),
        [b'Z', ..] => {
            // Length of the data, properties, size of the dictionary.
            let mut reader = Reader::little(rest);
            let mut header = || {
                reader.skip(4)?;
                Some((reader.u8()?, reader.u32()?, reader.rest()))
            };
            match header() {
                Some((properties, dictionary, data)) => {
                    let length = u64::from(length).saturating_sub(8);
                    codec::lzma(data, properties, dictionary, length, &pace)
                }
                None => codec::failed(std::io::ErrorKind::UnexpectedEof, "the film is cut short"),
            }
        }
        _ => return tags(bytes, sink),
    };
    let mut head = bytes.get(..8).unwrap_or_default().to_vec();
    if let Some(first) = head.first_mut() {
        *first = b'F';
    }
    let member = Member {
        compressed_size: u64::try_from(bytes.len()).ok(),
        real_size: Some(u64::from(length)),
        file_type: Some(FileType::Swf),
        ..Member::default()
    };
    // There is nothing after this child, so whether to go on makes no difference.
    let _ = sink.child(ChildKind::Extracted, &member, Content::Stream(&mut head.chain(decoder)));
    pace.settle(sink.budget());
}

/// Gives the data in the tags of a stored film.
fn tags(bytes: &[u8], sink: &mut dyn Sink) {
    // The size of the stage is written in as many bits as it needs; rate and count follow.
    let stage = u64::from(bytes.get(8).copied().unwrap_or(0) >> 3);
    let size = stage.saturating_mul(4).saturating_add(5).div_ceil(8);
    let Some(mut reader) = Reader::little(bytes).at(size.saturating_add(12)) else { return };
    let mut position = 0_u64;
    while let Some(head) = reader.u16() {
        let length = match head & 0x3f {
            0x3f => match reader.u32() {
                Some(length) => u64::from(length),
                None => return,
            },
            short => u64::from(short),
        };
        let body = clipped(reader.rest(), 0, length);
        if u64::try_from(body.len()).is_ok_and(|there| there < length) {
            sink.incomplete(Reason::Malformed("the film is cut short".to_owned()));
        }
        if head >> 6 == BINARY_DATA {
            position = position.saturating_add(1);
            let content = body.get(6..).unwrap_or_default();
            let name = format!("data {position}");
            let member =
                Member { name, position, real_size: u64::try_from(content.len()).ok(), ..Member::default() };
            if sink.child(ChildKind::Extracted, &member, Content::Bytes(content)) == Flow::Stop {
                return;
            }
        }
        if reader.skip(length).is_none() {
            return;
        }
    }
}
