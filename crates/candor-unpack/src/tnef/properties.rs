//! Properties of a message or of an attachment, of which some are files.
//!
//! Layout: MS-OXTNEF 2.1.3.4 (`MsgPropertyList`): their number, then for each its type, its number, the name of one that has
//! no number of its own, and its value, or several, filled up to four bytes each.

use candor_model::{Flow, Reason, Sink};

use crate::lzfu;
use crate::reader::Reader;
use crate::work::Work;

/// The bit of a type of which there are several values.
const SEVERAL: u16 = 0x1000;
/// What a property costs, and what a value does, in the units of [`Work`].
const PROPERTY: usize = 16;

/// Gives the bodies in RTF and HTML, and the objects that are attached.
pub(super) fn give(list: &[u8], position: &mut u64, work: &mut Work, sink: &mut dyn Sink) -> Flow {
    let mut reader = Reader::little(list);
    let count = reader.u32().unwrap_or(0);
    for _ in 0..count {
        if !work.pay(PROPERTY, sink) {
            return Flow::Continue;
        }
        let Some((kind, number)) = head(&mut reader) else { return cut(sink) };
        let Some(size) = fixed_size(kind) else {
            let Some(values) = reader.u32() else { return cut(sink) };
            for _ in 0..values {
                if !work.pay(PROPERTY, sink) {
                    return Flow::Continue;
                }
                let Some(value) = reader.u32().and_then(|length| padded(&mut reader, length)) else {
                    return cut(sink);
                };
                if value_is_given(kind, number, value, position, sink) == Flow::Stop {
                    return Flow::Stop;
                }
            }
            continue;
        };
        let values = if kind & SEVERAL == 0 { Some(1) } else { reader.u32() };
        if values.and_then(|values| reader.skip(u64::from(values).saturating_mul(size))).is_none() {
            return cut(sink);
        }
    }
    Flow::Continue
}

/// Gives a value that is a file: `PidTagRtfCompressed`, `PidTagBodyHtml` or `PidTagHtml`, and `PidTagAttachDataBinary` or
/// `PidTagAttachDataObject`, which begins with the identifier of its interface (MS-OXTNEF 2.1.3.4.5).
fn value_is_given(kind: u16, number: u16, value: &[u8], position: &mut u64, sink: &mut dyn Sink) -> Flow {
    match (number, kind) {
        (0x1009, 0x0102) => {
            *position = position.saturating_add(1);
            lzfu::give(value, "body.rtf".to_owned(), *position, sink)
        }
        (0x1013, 0x001e | 0x001f | 0x0102) => super::give(sink, position, "body.html".to_owned(), value),
        (0x3701, 0x000d) => {
            super::give(sink, position, "object".to_owned(), value.get(16..).unwrap_or_default())
        }
        (0x3701, 0x0102) => super::give(sink, position, "content".to_owned(), value),
        _ => Flow::Continue,
    }
}

fn cut(sink: &mut dyn Sink) -> Flow {
    sink.incomplete(Reason::Malformed("the properties of a message".to_owned()));
    Flow::Continue
}

/// Type and number of a property; its name is passed over.
fn head(reader: &mut Reader<'_>) -> Option<(u16, u16)> {
    let (kind, number) = (reader.u16()?, reader.u16()?);
    if number >= 0x8000 {
        reader.skip(16)?;
        let (is_text, length) = (reader.u32()? != 0, reader.u32()?);
        if is_text {
            padded(reader, length)?;
        }
    }
    Some((kind, number))
}

/// So many bytes, behind which what fills them up is passed over; it may be missing at the end.
fn padded<'a>(reader: &mut Reader<'a>, length: u32) -> Option<&'a [u8]> {
    let value = reader.take(u64::from(length))?;
    let padding = length.wrapping_neg() % 4;
    let _ = reader.skip(u64::from(padding).min(u64::try_from(reader.rest().len()).unwrap_or(0)));
    Some(value)
}

/// How long a value of this type is with what fills it up; `None` of those that say it themselves (MS-OXCDATA 2.11.1).
const fn fixed_size(kind: u16) -> Option<u64> {
    match kind & !SEVERAL {
        0x0000 | 0x0001 => Some(0),
        0x0002 | 0x0003 | 0x0004 | 0x000a | 0x000b => Some(4),
        0x0005 | 0x0006 | 0x0007 | 0x0014 | 0x0040 => Some(8),
        0x0048 => Some(16),
        _ => None,
    }
}
