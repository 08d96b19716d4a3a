//! Extents of a file, and the file as one stream.

use std::io::{self, ErrorKind, Read};

use super::space::Space;
use crate::medium::{Medium, taken};
use crate::reader::{Reader, clipped};
use crate::{codec, lzo};

/// Bytes that are packed together, packed or not: no more are written, and of a larger one all would have to be
/// unpacked for every piece of it.
const PACKED: u64 = 128 << 10;

/// How content is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    Stored,
    Zlib,
    Lzo,
    Zstd,
}

/// What stands in a run of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Stands {
    /// Zeros, which stand nowhere.
    Hole,
    /// As it is, at this place.
    Plain(u64),
    /// Packed, with so many bytes at this place; so many of what comes out are passed over.
    Packed { method: Method, place: u64, length: u64, unpacked: u64, skip: u64 },
    /// In the tree.
    Inline { method: Method, bytes: Vec<u8>, unpacked: u64 },
}

/// A run of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Extent {
    first: u64,
    length: u64,
    stands: Stands,
}

/// What is said of an extent that cannot be read.
pub(super) enum Unread {
    Damaged,
    /// By a method that nobody knows.
    Unknown,
}

impl Extent {
    /// Reads what a tree says of the extent that begins at `first`.
    pub(super) fn read(first: u64, content: &[u8]) -> Result<Self, Unread> {
        let damaged = || Unread::Damaged;
        let mut reader = Reader::little(content).at(8).ok_or_else(damaged)?;
        let mut fields = || {
            let unpacked = reader.u64()?;
            let method = reader.u8()?;
            let other = (reader.u8()?, reader.u16()?);
            Some((unpacked, method, other, reader.u8()?))
        };
        let (unpacked, method, other, kind) = fields().ok_or_else(damaged)?;
        let method = match method {
            0 => Method::Stored,
            1 => Method::Zlib,
            2 => Method::Lzo,
            3 => Method::Zstd,
            _ => return Err(Unread::Unknown),
        };
        if other != (0, 0) {
            return Err(Unread::Unknown);
        }
        if kind == 0 {
            let bytes = reader.rest().to_vec();
            let length =
                if method == Method::Stored { u64::try_from(bytes.len()).unwrap_or(0) } else { unpacked };
            return Ok(Self { first, length, stands: Stands::Inline { method, bytes, unpacked } });
        }
        let mut fields = || Some((reader.u64()?, reader.u64()?, reader.u64()?, reader.u64()?));
        let (place, packed, skip, length) = fields().ok_or_else(damaged)?;
        let stands = match (kind, place, method) {
            (2, ..) | (1, 0, _) => Stands::Hole,
            (1, _, Method::Stored) => Stands::Plain(place.checked_add(skip).ok_or_else(damaged)?),
            (1, ..) => Stands::Packed { method, place, length: packed, unpacked, skip },
            _ => return Err(Unread::Unknown),
        };
        Ok(Self { first, length, stands })
    }

    /// Where it ends.
    pub(super) const fn end(&self) -> u64 {
        self.first.saturating_add(self.length)
    }

    /// Where it begins.
    pub(super) const fn first(&self) -> u64 {
        self.first
    }

    /// Bytes of it that are held.
    pub(super) const fn held(&self) -> usize {
        match &self.stands {
            Stands::Inline { bytes, .. } => bytes.len(),
            _ => 0,
        }
    }
}

/// A file, whose extents are in order. What none of them is of is zeros.
pub(super) struct File<'s, 'a> {
    space: &'s Space<'a>,
    sector: u64,
    extents: std::slice::Iter<'s, Extent>,
    current: Option<&'s Extent>,
    /// What the current one unpacked to, from its start in the file on, and why that is not all.
    unpacked: Option<(Vec<u8>, Option<&'static str>)>,
    at: u64,
    size: u64,
}

impl<'s, 'a> File<'s, 'a> {
    pub(super) fn new(space: &'s Space<'a>, sector: u64, extents: &'s [Extent], size: u64) -> Self {
        let mut extents = extents.iter();
        let current = extents.next();
        Self { space, sector, extents, current, unpacked: None, at: 0, size }
    }

    /// What the current extent unpacks to.
    fn unpack(&self, stands: &Stands) -> (Vec<u8>, Option<&'static str>) {
        let (method, packed, unpacked, skip) = match stands {
            Stands::Packed { method, place, length, unpacked, skip } => {
                if *length > PACKED || *unpacked > PACKED {
                    return (Vec::new(), Some("an extent of btrfs is too large"));
                }
                (*method, &taken(self.space, *place, *length)[..], *unpacked, *skip)
            }
            Stands::Inline { method, bytes, unpacked } => (*method, &bytes[..], (*unpacked).min(PACKED), 0),
            Stands::Hole | Stands::Plain(_) => return (Vec::new(), None),
        };
        let mut out = Vec::new();
        let is_sound = match method {
            Method::Stored => {
                out.extend_from_slice(packed);
                true
            }
            Method::Zlib => codec::zlib(packed).take(unpacked).read_to_end(&mut out).is_ok(),
            Method::Zstd => codec::zstd_frame(packed).take(unpacked).read_to_end(&mut out).is_ok(),
            Method::Lzo => segments(packed, unpacked, self.sector, &mut out).is_some(),
        };
        let skip = usize::try_from(skip).unwrap_or(usize::MAX).min(out.len());
        out.drain(..skip);
        (out, (!is_sound).then_some("an extent of btrfs is damaged"))
    }
}

/// Unpacks LZO: the length of all, then segments of a sector each, whose lengths do not cross sectors either.
fn segments(packed: &[u8], unpacked: u64, sector: u64, out: &mut Vec<u8>) -> Option<()> {
    let total = u64::from(Reader::little(packed).u32()?);
    let mut at = 4_u64;
    let most = usize::try_from(sector).ok()?;
    while at < total && u64::try_from(out.len()).ok()? < unpacked {
        let left = sector.checked_sub(at.checked_rem(sector)?)?;
        if left < 4 {
            at = at.checked_add(left)?;
        }
        let length = u64::from(Reader::little(packed).at(at)?.u32()?);
        at = at.checked_add(4)?;
        let segment = clipped(packed, at, length);
        lzo::decode(segment, out, most)?;
        at = at.checked_add(length)?;
    }
    Some(())
}

impl Read for File<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let left = self.size.saturating_sub(self.at);
            if buffer.is_empty() || left == 0 {
                return Ok(0);
            }
            if self.current.is_some_and(|extent| extent.end() <= self.at) {
                self.current = self.extents.next();
                self.unpacked = None;
                continue;
            }
            let zeros = |buffer: &mut [u8], count: u64| io::repeat(0).take(count).read(buffer);
            let read = match self.current {
                None => zeros(buffer, left)?,
                Some(extent) if extent.first > self.at => {
                    zeros(buffer, left.min(extent.first.saturating_sub(self.at)))?
                }
                Some(extent) => {
                    let within = self.at.saturating_sub(extent.first);
                    let wanted = left.min(extent.end().saturating_sub(self.at));
                    match &extent.stands {
                        Stands::Hole => zeros(buffer, wanted)?,
                        Stands::Plain(place) => {
                            let most = usize::try_from(wanted).unwrap_or(usize::MAX).min(buffer.len());
                            let buffer = buffer.get_mut(..most).unwrap_or_default();
                            self.space.read_at(place.saturating_add(within), buffer)?
                        }
                        stands => {
                            if self.unpacked.is_none() {
                                self.unpacked = Some(self.unpack(stands));
                            }
                            let (content, trouble) = self
                                .unpacked
                                .as_ref()
                                .map_or((&[][..], None), |(content, trouble)| (content, *trouble));
                            match clipped(content, within, wanted).read(buffer)? {
                                0 => {
                                    let what = trouble.unwrap_or("an extent of btrfs is too short");
                                    return Err(io::Error::new(ErrorKind::InvalidData, what));
                                }
                                read => read,
                            }
                        }
                    }
                }
            };
            if read == 0 {
                return Err(io::Error::new(ErrorKind::UnexpectedEof, "an extent that stands nowhere"));
            }
            self.at = self.at.saturating_add(u64::try_from(read).unwrap_or(0));
            return Ok(read);
        }
    }
}
