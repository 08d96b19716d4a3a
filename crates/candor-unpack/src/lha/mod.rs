//! LHA (LZH): headers of levels 0 to 3.
//!
//! Layout: <https://web.archive.org/web/2021/http://homepage1.nifty.com/dangan/en/Content/Program/Java/jLHA/Notes/Notes.html>.
//! The method stands at 2 as `-lh5-`; the level of the header at 20 decides what is where.
//!
//! Our own headers, because the library stops at the first one that is damaged; its decoders.

mod decoder;
#[cfg(test)]
mod tests;

use candor_model::{Flow, Member, Reason, Sink};

use crate::name::decoded;
use crate::reader::{Reader, clipped};
pub(crate) use decoder::{Method, give};

/// Gives every file.
pub(crate) fn unpack(bytes: &[u8], sink: &mut dyn Sink) {
    let start = Reader::little(bytes);
    let mut at = 0_u64;
    let mut position = 0_u64;
    while let Some(place) = start.at(at) {
        // A zero ends the archive.
        if matches!(place.rest(), [] | [0, ..]) {
            return;
        }
        let Some(header) = Header::read(place.rest()) else {
            sink.incomplete(Reason::Malformed(format!("LHA header at {at}")));
            return;
        };
        let data = clipped(place.rest(), header.length, header.packed);
        at = at.saturating_add(header.length).saturating_add(header.packed);
        if &header.method == b"-lhd-" {
            continue;
        }
        position = position.saturating_add(1);
        let member = Member {
            name: decoded(&header.name),
            position,
            compressed_size: Some(header.packed),
            real_size: Some(header.real),
            ..Member::default()
        };
        let flow = give(&member, Method::named(&header.method), data, header.real, sink);
        if flow == Flow::Stop {
            return;
        }
    }
    sink.incomplete(Reason::Malformed("the LHA archive is cut short".to_owned()));
}

/// Where the archive ends, or where the members end that are whole.
pub(crate) fn end(bytes: &[u8]) -> Option<u64> {
    let start = Reader::little(bytes);
    let mut at = 0_u64;
    loop {
        let rest = start.at(at)?.rest();
        match (rest, Header::read(rest)) {
            ([], _) => return None,
            ([0, ..], _) => return at.checked_add(1),
            (_, None) => return Some(at),
            (_, Some(header)) => at = at.checked_add(header.length)?.checked_add(header.packed)?,
        }
    }
}

struct Header {
    /// With all of its extensions.
    length: u64,
    method: [u8; 5],
    packed: u64,
    real: u64,
    name: Vec<u8>,
}

impl Header {
    fn read(bytes: &[u8]) -> Option<Self> {
        let start = Reader::little(bytes);
        let method: [u8; 5] = *bytes.get(2..)?.first_chunk()?;
        if !(method.starts_with(b"-") && method.ends_with(b"-")) {
            return None;
        }
        let mut sizes = start.at(7)?;
        let (packed, real) = (u64::from(sizes.u32()?), u64::from(sizes.u32()?));
        let level = *bytes.get(20)?;
        let mut header = Self { length: 0, method, packed, real, name: Vec::new() };
        match level {
            0 | 1 => {
                header.length = u64::from(*bytes.first()?).checked_add(2)?;
                let name = u64::from(*bytes.get(21)?);
                header.name = clipped(bytes, 22, name).to_vec();
                if level == 1 {
                    // The extensions count as data.
                    let next = start.at(header.length.checked_sub(2)?)?.u16()?;
                    let extensions = header.extensions(bytes, header.length, u64::from(next), false)?;
                    header.length = header.length.checked_add(extensions)?;
                    header.packed = header.packed.saturating_sub(extensions);
                }
            }
            2 => {
                header.length = u64::from(start.u16_at(0)?);
                let next = start.u16_at(24)?;
                // They end where the header does: of each header, they could be all that follow.
                header.extensions(clipped(bytes, 0, header.length), 26, u64::from(next), false)?;
            }
            3 => {
                let mut reader = start.at(24)?;
                header.length = u64::from(reader.u32()?);
                let next = reader.u32()?;
                header.extensions(clipped(bytes, 0, header.length), 32, u64::from(next), true)?;
            }
            _ => return None,
        }
        (header.length >= 22).then_some(header)
    }

    /// Reads extensions, each of which ends with the length of the next; their length together.
    fn extensions(&mut self, bytes: &[u8], start: u64, mut next: u64, is_wide: bool) -> Option<u64> {
        let width = if is_wide { 4 } else { 2 };
        let mut at = start;
        let mut directory = Vec::new();
        while next > width {
            let body = clipped(bytes, at, next.checked_sub(width)?);
            match body.split_first() {
                Some((1, name)) => self.name = name.to_vec(),
                Some((2, name)) => {
                    directory = name.iter().map(|&byte| if byte == 0xff { b'/' } else { byte }).collect();
                }
                _ => {}
            }
            at = at.checked_add(next)?;
            next = Reader::little(bytes).at(at.checked_sub(width)?)?.number(is_wide)?;
        }
        directory.append(&mut self.name);
        self.name = directory;
        at.checked_sub(start)
    }
}

impl Reader<'_> {
    fn u16_at(&self, offset: u64) -> Option<u16> {
        self.at(offset)?.u16()
    }

    fn number(mut self, is_wide: bool) -> Option<u64> {
        if is_wide { self.u32().map(u64::from) } else { self.u16().map(u64::from) }
    }
}
