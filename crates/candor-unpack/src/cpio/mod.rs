//! cpio: old binary of both byte orders, odc, newc and crc.
//!
//! Layout: <https://man.freebsd.org/cgi/man.cgi?query=cpio&sektion=5>. Headers with name and content, padded
//! to two bytes (binary), none (odc) or four (newc, crc), up to the name `TRAILER!!!`.
//!
//! One that ends in front of its trailer is cut short, even where no member is.
//!
//! Archives that follow one another, as in an initial RAM disk, are read on, also behind padding. Where a header should be
//! and is none, the next one is looked for, as cpio does; behind the trailer that is something else, as in a RAM disk
//! whose second part is compressed, which is a child of its own.

#[cfg(test)]
mod tests;

use candor_model::{Budget, ChildKind, Content, Flow, Member, Reason, Sink};

use crate::Cut;
use crate::name::decoded;
use crate::reader::{Order, Reader, clipped, without_nuls};
use crate::work::Work;

/// What a record without content costs, in the units of [`Work`].
const NOTHING: usize = 64;
/// Bytes of a name that are kept.
const NAME: u64 = 65_536;
/// Bytes of a name that is believed where a header is looked for.
const LIKELY_NAME: u64 = 256;
/// So many places are told at which an archive is damaged.
const DAMAGES: u32 = 100;

/// Gives every file.
pub(crate) fn unpack(bytes: &[u8], sink: &mut dyn Sink) {
    let start = Reader::little(bytes);
    let mut at = 0_u64;
    let mut position = 0_u64;
    let mut work = Work::of(bytes);
    // Behind a trailer, something else may stand.
    let mut place_in = Place::Start;
    let mut damages = DAMAGES;
    let mut is_cut = false;
    while let Some(place) = start.at(at) {
        let padding = place.rest().iter().take_while(|&&byte| byte == 0).count();
        at = at.saturating_add(u64::try_from(padding).unwrap_or(u64::MAX));
        let Some(place) = start.at(at).filter(|place| !place.rest().is_empty()) else { break };
        let rest = place.rest();
        let Some(header) = Header::read(rest) else {
            let is_damage = place_in != Place::BehindTrailer || rest.starts_with(b"07070");
            if is_damage && damages > 0 {
                damages = damages.saturating_sub(1);
                sink.incomplete(Reason::Malformed(format!("cpio header at {at}")));
            }
            let next = next_header(rest);
            let skipped = rest.get(..next.unwrap_or(rest.len())).unwrap_or_default();
            if !work.pay(skipped.len(), sink) {
                return;
            }
            if place_in != Place::Inside {
                position = position.saturating_add(1);
                let size = u64::try_from(skipped.len()).ok();
                let member = Member { position, compressed_size: size, real_size: size, ..Member::default() };
                let kind = ChildKind::Embedded { offset: at };
                if sink.child(kind, &member, Content::Bytes(skipped)) == Flow::Stop {
                    return;
                }
            }
            let Some(next) = next else { return };
            at = at.saturating_add(u64::try_from(next).unwrap_or(u64::MAX));
            place_in = Place::Inside;
            continue;
        };
        place_in = Place::Inside;
        let name = clipped(place.rest(), header.length, header.name.min(NAME));
        let offset = header.content(at);
        let behind_name = at.saturating_add(header.length).saturating_add(header.name);
        at = header.end(at);
        let name = without_nuls(name);
        if name == b"TRAILER!!!" {
            place_in = Place::BehindTrailer;
            at = behind_name;
        }
        // Directories and links have no content; those that have are not what they say.
        if name == b"TRAILER!!!" || header.size == 0 {
            if !work.pay(NOTHING, sink) {
                return;
            }
            continue;
        }
        position = position.saturating_add(1);
        let content = clipped(bytes, offset, header.size);
        is_cut = u64::try_from(content.len()).unwrap_or(0) < header.size;
        if is_cut {
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
    if place_in == Place::Inside && !is_cut && !may_go_on(sink.budget()) {
        sink.incomplete(Reason::Malformed("the end of a cpio archive, which is cut short".to_owned()));
    }
}

/// Whether what ends between two members may be a part of an archive ([`cut`]), of which only the last has the trailer. Those are
/// unpacked in parts that are larger than half of the memory, which they hold then.
fn may_go_on(budget: &Budget) -> bool {
    budget.memory() <= (budget.limits().max_memory / 2).saturating_add(1)
}

/// Where in a file of archives something is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// In front of the first header.
    Start,
    Inside,
    BehindTrailer,
}

/// How far the next header is, where there should be one and is none. One of a binary archive has a mark of two bytes only,
/// so more of it is looked at.
fn next_header(bytes: &[u8]) -> Option<usize> {
    let first = memchr::memchr3_iter(b'0', 0x71, 0xc7, bytes);
    first.filter(|&at| at > 0).find(|&at| {
        let rest = bytes.get(at..).unwrap_or_default();
        Header::read(rest).is_some_and(|header| header.is_likely(rest))
    })
}

/// Where an archive that is only read up to the end of `bytes` may be cut: in front of a header.
pub(crate) fn cut(bytes: &[u8]) -> Cut {
    let start = Reader::little(bytes);
    let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    let mut whole = 0_u64;
    let mut at = 0_u64;
    loop {
        let rest = start.at(at).map_or(&[][..], |place| place.rest());
        let padding = rest.iter().take_while(|&&byte| byte == 0).count();
        let rest = rest.get(padding..).unwrap_or_default();
        at = at.saturating_add(u64::try_from(padding).unwrap_or(u64::MAX));
        let Some(header) = Header::read(rest) else {
            match next_header(rest) {
                Some(next) => at = at.saturating_add(u64::try_from(next).unwrap_or(u64::MAX)),
                None => return Cut { whole: usize::try_from(whole).unwrap_or(0), next: None },
            }
            continue;
        };
        at = header.end(at);
        if at > length {
            return Cut { whole: usize::try_from(whole).unwrap_or(0), next: Some(at) };
        }
        whole = at;
    }
}

/// Whether bytes begin with what can only be a header.
pub(crate) fn begins_with_header(bytes: &[u8]) -> bool {
    Header::read(bytes).is_some_and(|header| header.is_likely(bytes))
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

    /// Whether what reads as a header has a name as names are, and numbers in all of its fields.
    fn is_likely(&self, bytes: &[u8]) -> bool {
        let digits = bytes.get(6..usize::try_from(self.length).unwrap_or(0)).unwrap_or_default();
        let are_digits = match self.alignment {
            1 => digits.iter().all(|digit| matches!(digit, b'0'..=b'7')),
            4 => digits.iter().all(u8::is_ascii_hexdigit),
            _ => true,
        };
        let name = clipped(bytes, self.length, self.name);
        let last = name.split_last().filter(|(last, rest)| **last == 0 && !rest.is_empty());
        are_digits && self.name <= LIKELY_NAME && last.is_some_and(|(_, rest)| !rest.contains(&0))
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
