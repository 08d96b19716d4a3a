//! cpio: old binary of both byte orders, odc, newc and crc.
//!
//! Layout: <https://man.freebsd.org/cgi/man.cgi?query=cpio&sektion=5>. Headers with name and content, padded
//! to two bytes (binary), none (odc) or four (newc, crc), up to the name `TRAILER!!!`.
//!
//! Archives that follow one another, as in an initial RAM disk, are read on, also behind padding.

#[cfg(test)]
mod tests;

use candor_model::{ChildKind, Content, Flow, Member, Reason, Sink};

use crate::name::decoded;
use crate::reader::{Order, Reader, clipped, without_nuls};

/// Gives every file.
pub(crate) fn unpack(bytes: &[u8], sink: &mut dyn Sink) {
    let start = Reader::little(bytes);
    let mut at = 0_u64;
    let mut position = 0_u64;
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
        let padded = |length: u64| length.checked_next_multiple_of(header.alignment).unwrap_or(u64::MAX);
        let name = clipped(place.rest(), header.length, header.name);
        let offset = at.saturating_add(padded(header.length.saturating_add(header.name)));
        at = offset.saturating_add(padded(header.size));
        let name = without_nuls(name);
        // Directories and links have no content; those that have are not what they say.
        if name == b"TRAILER!!!" || header.size == 0 {
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
