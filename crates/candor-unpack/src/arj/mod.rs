//! ARJ: stored members, those of methods 1 to 3, which are LHA's, and those of method 4.
//!
//! Layout: `60 ea`, the length of a header, its fields, CRC-32, extensions; the first header is the
//! archive's, each other one a member's with its data behind it; a length of zero ends the archive.

mod fastest;
#[cfg(test)]
mod tests;

use std::io::Read as _;

use candor_model::{ChildKind, Content, Flow, Member, Reason, Sink};

use crate::bits::Stepped;
use crate::lha::{self, Method};
use crate::name::decoded;
use crate::reader::{Reader, clipped, until_nul};
use crate::work::{self, Price};
use fastest::Fastest;

/// What a byte of method 4 costs that comes out, beside being looked at, in the units of [`candor_model::Budget::pay_work`].
const FASTEST: u64 = 3;

/// Gives every file.
pub(crate) fn unpack(bytes: &[u8], sink: &mut dyn Sink) {
    let mut reader = Reader::little(bytes);
    if Header::read(&mut reader).is_none() {
        sink.incomplete(Reason::Malformed("ARJ header".to_owned()));
        return;
    }
    let mut position = 0_u64;
    loop {
        let is_end = reader.rest().starts_with(b"\x60\xea\0\0");
        let Some(header) = Header::read(&mut reader) else {
            if !is_end {
                sink.incomplete(Reason::Malformed("the ARJ archive is cut short".to_owned()));
            }
            return;
        };
        let data = clipped(reader.rest(), 0, header.packed);
        let is_cut = reader.skip(header.packed).is_none();
        // Directories, volume labels, chapters.
        if header.kind > 1 {
            continue;
        }
        position = position.saturating_add(1);
        let is_encrypted = header.flags & 1 != 0;
        let member = Member {
            name: decoded(header.name),
            position,
            compressed_size: Some(header.packed),
            real_size: Some(header.real),
            encrypted: is_encrypted,
            method: Some(u16::from(header.method)),
            ..Member::default()
        };
        if header.flags & 0x0c != 0 {
            sink.incomplete(Reason::Unsupported("a member that goes on in another volume".to_owned()));
        }
        let mut give = |content: Content<'_>| sink.child(ChildKind::Extracted, &member, content);
        let flow = match header.method {
            _ if is_encrypted => give(Content::Absent(Reason::Encrypted)),
            0 => give(Content::Bytes(data)),
            1..=3 => lha::give(&member, Method::named(b"-lh6-"), data, header.real, sink),
            4 => {
                let stream = Stepped::new(Fastest::new(data)).take(header.real);
                work::give(&member, stream, Price::of(FASTEST), sink)
            }
            other => give(Content::Absent(Reason::Unsupported(format!("ARJ compression method {other}")))),
        };
        if flow == Flow::Stop {
            return;
        }
        if is_cut {
            sink.incomplete(Reason::Malformed(format!("ARJ member {position} is cut short")));
            return;
        }
    }
}

struct Header<'a> {
    flags: u8,
    method: u8,
    kind: u8,
    packed: u64,
    real: u64,
    name: &'a [u8],
}

impl<'a> Header<'a> {
    /// The next header, with its extensions passed over; `None` at the end.
    fn read(reader: &mut Reader<'a>) -> Option<Self> {
        if reader.take(2)? != b"\x60\xea" {
            return None;
        }
        let body = reader.take_counted().filter(|body| !body.is_empty())?;
        reader.skip(4)?;
        loop {
            let extension = reader.u16()?;
            if extension == 0 {
                break;
            }
            reader.skip(u64::from(extension).saturating_add(4))?;
        }
        let fixed = u64::from(*body.first()?);
        let start = Reader::little(body);
        let mut sizes = start.at(12)?;
        Some(Self {
            flags: *body.get(4)?,
            method: *body.get(5)?,
            kind: *body.get(6)?,
            packed: u64::from(sizes.u32()?),
            real: u64::from(sizes.u32()?),
            name: until_nul(clipped(body, fixed, u64::MAX)),
        })
    }
}
