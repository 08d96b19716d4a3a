//! Members of lzip: LZMA with one set of contexts, a short header, and what it should come to behind it.

use std::io::{self, ErrorKind, Read};

use flate2::Crc;

use super::{Lzma, Properties};
use crate::pace::Pace;
use crate::reader::Reader;
use crate::work::units;

/// What every member begins with.
pub(crate) const MAGIC: &[u8] = b"LZIP";
/// `lc`, `lp` and `pb` of all members.
const PROPERTIES: Properties = Properties { before: 3, literal: 0, place: 2 };
/// The smallest and the largest dictionary, as powers of two.
const DICTIONARIES: std::ops::RangeInclusive<u8> = 12..=29;

/// One member.
pub(crate) struct Member<'a> {
    bytes: &'a [u8],
    header: usize,
    lzma: Lzma<&'a [u8]>,
    sum: Crc,
    version: u8,
    left: &'a [u8],
    is_wrong: bool,
}

impl<'a> Member<'a> {
    /// The one at the start of `bytes`. What it decides is paid for on `pace`.
    ///
    /// # Errors
    /// It has no header that is known.
    pub(crate) fn new(bytes: &'a [u8], pace: Pace) -> io::Result<Self> {
        let mut reader = Reader::little(bytes);
        let mut read = || {
            reader.skip(4)?;
            Some((reader.u8()?, reader.u8()?))
        };
        let (version, dictionary) = read().ok_or(ErrorKind::UnexpectedEof)?;
        let power = dictionary & 0x1f;
        if version > 1 || !DICTIONARIES.contains(&power) {
            return Err(io::Error::new(ErrorKind::InvalidData, "the header of lzip"));
        }
        let whole = 1_u32 << power;
        let dictionary = whole.saturating_sub((whole >> 4).saturating_mul(u32::from(dictionary >> 5)));
        let data = reader.rest();
        let header = bytes.len().saturating_sub(data.len());
        let lzma = Lzma::new(data, PROPERTIES, dictionary, None, pace)?;
        Ok(Self { bytes, header, lzma, sum: Crc::new(), version, left: bytes, is_wrong: false })
    }

    /// What stands behind it, when it has ended.
    pub(crate) const fn rest(&self) -> &'a [u8] {
        self.left
    }

    /// Whether it was what its end says.
    pub(crate) const fn is_sound(&self) -> bool {
        !self.is_wrong
    }

    /// Reads what stands behind the stream.
    fn end(&mut self) -> io::Result<()> {
        let (taken, made) = self.lzma.passed();
        let start = self.header.saturating_add(taken);
        let mut reader = Reader::little(self.bytes.get(start..).unwrap_or_default());
        let mut read = || {
            let told = (reader.u32()?, reader.u64()?);
            Some((told, if self.version == 0 { None } else { Some(reader.u64()?) }))
        };
        let (told, length) = read().ok_or(ErrorKind::UnexpectedEof)?;
        self.left = reader.rest();
        let whole = units(self.bytes.len().saturating_sub(self.left.len()));
        self.is_wrong = told != (self.sum.sum(), made) || length.is_some_and(|length| length != whole);
        Ok(())
    }
}

impl Read for Member<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let read = self.lzma.read(buffer)?;
        if read == 0 {
            self.end()?;
        }
        self.sum.update(buffer.get(..read).unwrap_or_default());
        Ok(read)
    }
}
