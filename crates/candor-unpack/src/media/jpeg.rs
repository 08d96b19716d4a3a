//! The segments of a JPEG file: whether they are whole, and where those stand that say what kind of file it is.
//!
//! Layout: ITU-T T.81, annex B; JFIF 1.02; Exif 2.3, 4.5; SPIFF (ITU-T T.84, annex F). Which order is wrong was settled by
//! running clamscan on files of every order of a few segments.

use candor_model::Anomaly;

use super::PARTS;
use crate::reader::{Order, Reader};

/// Bytes in which a marker must be found.
const SPURIOUS: usize = 16;

/// What was met, in front of a segment.
#[derive(Default)]
struct Met {
    jfif: bool,
    exif: bool,
    spiff: bool,
    /// A comment, or a description by Photoshop or XMP.
    remark: bool,
    /// The marker before.
    last: u8,
}

/// What is wrong up to the first segment with picture data, if anything is. JPG7 without anything in front of it that
/// says which kind of file it is ends the walk as well.
pub(super) fn wrong(bytes: &[u8]) -> Option<Anomaly> {
    let mut reader = Reader::new(bytes, Order::Big).at(2)?;
    let mut met = Met::default();
    for number in 1..=PARTS {
        let (marker, data) = match segment(&mut reader) {
            Ok(segment) => segment,
            Err(wrong) => return Some(wrong),
        };
        if marker == 0xda || (marker == 0xf7 && !met.is_of_a_kind()) {
            return None;
        }
        if let Some(what) = met.take(number, marker, data) {
            return Some(Anomaly::BrokenMedia(what));
        }
    }
    None
}

/// The next marker, and the bytes that belong to it. All of them are taken to have a length.
fn segment<'a>(reader: &mut Reader<'a>) -> Result<(u8, &'a [u8]), Anomaly> {
    let broken = Anomaly::BrokenMedia;
    let mut last = 0;
    let mut found = None;
    for _ in 0..SPURIOUS {
        let byte = reader.u8().ok_or(broken("JPEG.CantReadSegmentSize"))?;
        if last == 0xff && byte != 0xff {
            found = Some(byte);
            break;
        }
        last = byte;
    }
    let marker = found.ok_or(broken("JPEG.SpuriousBytesBeforeSegment"))?;
    let length = reader.u16().ok_or(broken("JPEG.CantReadSegmentSize"))?;
    let rest = length.checked_sub(2).ok_or(if marker == 0xfe {
        // A comment that is shorter than its own length field made readers of 2004 copy without end.
        Anomaly::ImageExploit("W32.MS04-028")
    } else {
        broken("JPEG.InvalidSegmentSize")
    })?;
    let data = reader.take(u64::from(rest)).ok_or(broken("JPEG.SegmentDataOutOfFile"))?;
    Ok((marker, data))
}

impl Met {
    /// Takes a segment, counted from 1.
    fn take(&mut self, number: u32, marker: u8, data: &[u8]) -> Option<&'static str> {
        let what = match (marker, data) {
            (0xe0, [b'J', b'F', b'I', b'F', 0, header @ ..]) => self.jfif(number, header),
            (0xe1, [b'E', b'x', b'i', b'f', 0, _, header @ ..]) => self.exif(number, header),
            (0xe8, [b'S', b'P', b'I', b'F', b'F', 0, header @ ..]) => self.spiff(number, header),
            (0xd9, _) => Some("JPEG.NoImages"),
            // Tables of tiles stand right behind what they are about.
            (0xf2, _) if self.last != 0xf1 => Some("JPEG.DTTMissingDTISegment"),
            (0xf7, _) => Some("JPEG.AppMarkerBeforeJPG7"),
            _ => None,
        };
        let is_xmp = marker == 0xe1 && data.starts_with(b"http://ns.adobe.com/xap/1.0/");
        self.remark |= matches!(marker, 0xed | 0xfe) || is_xmp;
        self.last = marker;
        what
    }

    /// Whether a segment said which kind of file it is.
    const fn is_of_a_kind(&self) -> bool {
        self.jfif || self.exif || self.spiff
    }

    /// One remark may stand in front of what belongs to the start.
    fn first_place(&self) -> u32 {
        1_u32.saturating_add(u32::from(self.remark))
    }

    fn jfif(&mut self, number: u32, header: &[u8]) -> Option<&'static str> {
        let is_late = number > self.first_place().saturating_add(u32::from(self.exif));
        if std::mem::replace(&mut self.jfif, true) {
            Some("JPEG.JFIFdupAppMarker")
        } else if is_late {
            Some("JPEG.JFIFmarkerBadPosition")
        } else {
            (header.len() < 9).then_some("JPEG.JFIFheaderTooShort")
        }
    }

    fn exif(&mut self, number: u32, header: &[u8]) -> Option<&'static str> {
        if std::mem::replace(&mut self.exif, true) || self.spiff {
            Some("JPEG.ExifDupAppMarker")
        } else if self.jfif && !self.remark && number > 3 {
            Some("JPEG.ExifHeaderBadPosition")
        } else {
            (header.len() < 8).then_some("JPEG.ExifHeaderTooShort")
        }
    }

    fn spiff(&mut self, number: u32, header: &[u8]) -> Option<&'static str> {
        if std::mem::replace(&mut self.spiff, true) || self.jfif || self.exif {
            Some("JPEG.SPIFFdupAppMarker")
        } else if number > self.first_place() {
            Some("JPEG.SPIFFmarkerBadPosition")
        } else {
            (header.len() < 8).then_some("JPEG.SPIFFheaderTooShort")
        }
    }
}
