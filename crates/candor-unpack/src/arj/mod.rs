//! ARJ: stored members, those of methods 1 to 3, which are LHA's, and those of method 4.
//!
//! Layout: `60 ea`, the length of a header, its fields, CRC-32, extensions; the first header is the
//! archive's, each other one a member's with its data behind it; a length of zero ends the archive.
//!
//! Members under a password are garbled, which passwords are tried on, or encrypted with GOST, which is told.

mod fastest;
mod garble;
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
use garble::Trials;

/// What a byte of method 4 costs that comes out, beside being looked at, in the units of [`candor_model::Budget::pay_work`].
const FASTEST: u64 = 3;

/// What headers begin with, and what the archive ends with.
pub(crate) const MAGIC: &[u8] = b"\x60\xea";
const END: &[u8] = b"\x60\xea\0\0";
/// How long the fields of a header are at most, and those that each has at least.
const LONGEST: usize = 2600;
const SHORTEST: usize = 30;
/// The kind that the header of an archive has.
const ARCHIVE: u8 = 2;

/// The fields of the header of an archive that may begin here, their checksum, and its extensions and what is behind
/// them.
pub(crate) fn main_header(bytes: &[u8]) -> Option<(&[u8], u32, &[u8])> {
    let mut reader = Reader::little(bytes.strip_prefix(MAGIC)?);
    let body = reader.take_counted()?;
    let fixed = usize::from(*body.first()?);
    let is_main =
        body.len() <= LONGEST && (SHORTEST..=body.len()).contains(&fixed) && body.get(6) == Some(&ARCHIVE);
    let sum = reader.u32().filter(|_| is_main)?;
    Some((body, sum, reader.rest()))
}

/// Where the archive ends, when its end is there.
pub(crate) fn end(bytes: &[u8]) -> Option<u64> {
    let mut reader = Reader::little(bytes);
    Header::read(&mut reader)?;
    while !reader.rest().starts_with(END) {
        let header = Header::read(&mut reader)?;
        reader.skip(header.packed)?;
    }
    u64::try_from(reader.position().checked_add(END.len())?).ok()
}

/// Gives every file.
pub(crate) fn unpack(bytes: &[u8], sink: &mut dyn Sink) {
    let mut reader = Reader::little(bytes);
    let Some(main) = Header::read(&mut reader) else {
        sink.incomplete(Reason::Malformed("ARJ header".to_owned()));
        return;
    };
    let mut trials = Trials::new(main.encryption, sink);
    let mut position = 0_u64;
    loop {
        let is_end = reader.rest().starts_with(END);
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
        let flow = if is_encrypted {
            match trials.plain(&header, &member, data, sink) {
                Ok(plain) => header.give(&member, &plain, sink),
                Err(reason) => sink.child(ChildKind::Extracted, &member, Content::Absent(reason)),
            }
        } else {
            header.give(&member, data, sink)
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
    /// What is added to each byte of a password.
    modifier: u8,
    packed: u64,
    real: u64,
    /// CRC-32 of the content.
    sum: u32,
    /// In the header of the archive, what its members are garbled with.
    encryption: u8,
    name: &'a [u8],
}

impl<'a> Header<'a> {
    /// The next header, with its extensions passed over; `None` at the end.
    fn read(reader: &mut Reader<'a>) -> Option<Self> {
        if reader.take(2)? != MAGIC {
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
            modifier: *body.get(7)?,
            packed: u64::from(sizes.u32()?),
            real: u64::from(sizes.u32()?),
            sum: sizes.u32()?,
            encryption: body.get(28).copied().filter(|_| fixed > 28).unwrap_or(0),
            name: until_nul(clipped(body, fixed, u64::MAX)),
        })
    }

    /// Gives what the data of a member, garbled no more, unpack to.
    fn give(&self, member: &Member, data: &[u8], sink: &mut dyn Sink) -> Flow {
        let content = match self.method {
            0 => Content::Bytes(data),
            1..=3 => return lha::give(member, Method::named(b"-lh6-"), data, self.real, sink),
            4 => {
                let stream = Stepped::new(Fastest::new(data)).take(self.real);
                return work::give(member, stream, Price::of(FASTEST), sink);
            }
            other => Content::Absent(Reason::Unsupported(format!("ARJ compression method {other}"))),
        };
        sink.child(ChildKind::Extracted, member, content)
    }
}
