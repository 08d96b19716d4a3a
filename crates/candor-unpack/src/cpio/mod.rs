//! cpio: old binary of both byte orders, odc, newc and crc.
//!
//! Layout: <https://man.freebsd.org/cgi/man.cgi?query=cpio&sektion=5>. Headers with name and content, padded
//! to two bytes (binary), none (odc) or four (newc, crc), up to the name `TRAILER!!!`.
//!
//! Archives that follow one another, as in an initial RAM disk, are read on, also behind padding.

#[cfg(test)]
mod tests;

use candor_model::{ChildKind, Content, Flow, Member, Reason, Sink};

use crate::Cut;
use crate::name::decoded;
use crate::reader::{Order, Reader, clipped, without_nuls};
use crate::work::Work;

/// What a record without content costs, in the units of [`Work`].
const NOTHING: usize = 64;
/// Bytes of a name that are kept.
const NAME: u64 = 65_536;

/// Gives every file.
pub(crate) fn unpack(bytes: &[u8], sink: &mut dyn Sink) {
    let start = Reader::little(bytes);
    let mut at = 0_u64;
    let mut position = 0_u64;
    let mut work = Work::of(bytes);
    while let Some(place) = start.at(at) {
        let padding = place.rest().iter().take_while(|&&byte| byte == 0).count();
        at = at.saturating_add(u64::try_from(padding).unwrap_or(u64::MAX));
        let Some(place) = start.at(at).filter(|place| !place.rest().is_empty()) else { return };
        let Some(header) = Header::read(place.rest()) else {
            if position == 0 {
                sink.incomplete(Reason::Malformed("cpio header".to_owned()));
            }
            return;
        };
        let name = clipped(place.rest(), header.length, header.name.min(NAME));
        let offset = header.content(at);
        at = header.end(at);
        let name = without_nuls(name);
        // Directories and links have no content; those that have are not what they say.
        if name == b"TRAILER!!!" || header.size == 0 {
            if !work.pay(NOTHING, sink) {
                return;
            }
            continue;
        }
        position = position.saturating_add(1);
        let content = clipped(bytes, offset, header.size);
        if u64::try_from(content.len()).unwrap_or(0) < header.size {
            sink.incomplete(Reason::Malformed(format!("cpio member {position} is cut short")));
        }
        let member = Member {
            name: decoded(name),
            position,
            compressed_size: Some(header.size),
            real_size: Some(header.size),
            ..Member::default()
        };
        let offset = offset.min(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        if sink.child(ChildKind::Embedded { offset }, &member, Content::Bytes(content)) == Flow::Stop {
            return;
        }
    }
}

/// Where an archive that is only read up to the end of `bytes` may be cut: in front of a header.
pub(crate) fn cut(bytes: &[u8]) -> Cut {
    let start = Reader::little(bytes);
    let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    let mut whole = 0_u64;
    loop {
        let place = start.at(whole).map_or(&[][..], |place| place.rest());
        let padding = place.iter().take_while(|&&byte| byte == 0).count();
        let at = whole.saturating_add(u64::try_from(padding).unwrap_or(u64::MAX));
        let header = start.at(at).and_then(|place| Header::read(place.rest()));
        let end = header.map(|header| header.end(at));
        match end {
            Some(end) if end <= length => whole = end,
            next => return Cut { whole: usize::try_from(whole).unwrap_or(0), next },
        }
    }
}

struct Header {
    length: u64,
    name: u64,
    size: u64,
    alignment: u64,
}

impl Header {
    fn read(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [0xc7, 0x71, ..] => Self::binary(bytes, Order::Little),
            [0x71, 0xc7, ..] => Self::binary(bytes, Order::Big),
            _ if bytes.starts_with(b"070707") => {
                let name = number(bytes.get(59..65)?, 8)?;
                Some(Self { length: 76, name, size: number(bytes.get(65..76)?, 8)?, alignment: 1 })
            }
            _ if bytes.starts_with(b"070701") || bytes.starts_with(b"070702") => {
                let name = number(bytes.get(94..102)?, 16)?;
                Some(Self { length: 110, name, size: number(bytes.get(54..62)?, 16)?, alignment: 4 })
            }
            _ => None,
        }
    }

    /// Where the content begins, for a header at this place.
    fn content(&self, at: u64) -> u64 {
        at.saturating_add(self.padded(self.length.saturating_add(self.name)))
    }

    /// Where the next header is expected.
    fn end(&self, at: u64) -> u64 {
        self.content(at).saturating_add(self.padded(self.size))
    }

    fn padded(&self, length: u64) -> u64 {
        length.checked_next_multiple_of(self.alignment).unwrap_or(u64::MAX)
    }

    /// Sizes of four bytes are two numbers of two, the higher first.
    fn binary(bytes: &[u8], order: Order) -> Option<Self> {
        let mut reader = Reader::new(bytes, order).at(20)?;
        let name = u64::from(reader.u16()?);
        let (high, low) = (u64::from(reader.u16()?), u64::from(reader.u16()?));
        Some(Self { length: 26, name, size: high << 16 | low, alignment: 2 })
    }
}

fn number(digits: &[u8], base: u32) -> Option<u64> {
    u64::from_str_radix(std::str::from_utf8(digits).ok()?, base).ok()
}
