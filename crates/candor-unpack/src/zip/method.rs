//! The compression methods of ZIP, each as a reader over the member's data.

use std::io::{ErrorKind, Read as _};

use candor_model::Budget;
use ppmd_rust::{Error, Ppmd8Decoder};

use super::implode::Implode;
use super::layout::Entry;
use super::reduce::Reduce;
use super::shrink::Shrink;
use crate::bits::Stepped;
use crate::codec::{self, Decoder, Method, failed};
use crate::explode::Explode;
use crate::pace::Pace;
use crate::ppmd::{self, Growing};
use crate::reader::Reader;
use crate::work::{Price, units};

/// A decoder for `data`, compressed by `method`; `None` for methods that are not known.
pub(super) fn decoder<'a>(entry: &Entry, method: u16, data: &'a [u8], pace: &Pace) -> Option<Decoder<'a>> {
    let real = entry.real;
    Some(match method {
        0 => Box::new(data),
        1 => Box::new(Stepped::new(Shrink::new(data)).take(real)),
        2..=5 => Box::new(Stepped::new(Reduce::new(data, method.saturating_sub(1))).take(real)),
        6 => Box::new(Stepped::new(Implode::new(data, entry.flags)).take(real)),
        8 => codec::deflate(data),
        9 => codec::deflate64(data),
        10 => Box::new(Stepped::new(Explode::new(data)).take(real)),
        12 => codec::bzip2(data, &Pace::new()),
        14 => lzma(entry, data, pace),
        20 | 93 => codec::zstd(data, &Pace::new()),
        95 => codec::xz(data, pace),
        98 => ppmd8(entry, data),
        _ => return None,
    })
}

/// Two bytes of a version, the length of the properties, the properties.
fn lzma<'a>(entry: &Entry, data: &'a [u8], pace: &Pace) -> Decoder<'a> {
    let mut reader = Reader::little(data);
    let mut header = || {
        reader.skip(2)?;
        let mut properties = Reader::little(reader.take_counted()?);
        Some((properties.u8()?, properties.u32()?, reader.rest()))
    };
    let Some((properties, dictionary, rest)) = header() else {
        return failed(ErrorKind::UnexpectedEof, "the header of LZMA is cut short");
    };
    let has_end_mark = entry.flags & 2 != 0;
    let length = if has_end_mark { u64::MAX } else { entry.real };
    codec::lzma(rest, properties, dictionary, length, pace)
}

/// What making the decoder costs, in the units of [`candor_model::Budget::pay_work`].
pub(super) fn work(entry: &Entry, method: u16, data: &[u8]) -> u64 {
    let model = model(data).filter(|_| method == 98);
    model.map_or(0, |model| ppmd::work(model.order, model.memory, entry.real))
}

/// As much of the data of a member as can be paid for, and whether that is all.
pub(super) fn affordable<'a>(method: u16, data: &'a [u8], budget: &mut Budget) -> (&'a [u8], bool) {
    match method {
        12 => codec::affordable(data, Method::Bzip2, budget),
        20 | 93 => codec::affordable(data, Method::Zstd, budget),
        95 => codec::affordable(data, Method::Xz, budget),
        _ => (data, true),
    }
}

/// What pays for the decisions of a method of which so much is packed.
pub(super) fn pace(method: u16, packed: usize, budget: &mut Budget) -> Pace {
    match method {
        14 | 95 => Pace::coding(units(packed), budget),
        _ => Pace::new(),
    }
}

/// What the bytes cost that are decoded by a method.
pub(super) const fn price(method: u16) -> Price {
    match method {
        12 => codec::SORTED,
        98 => Price::of(ppmd::DECODING),
        _ => Price::of(0),
    }
}

/// What data in PPMd begin with.
struct Model<'a> {
    order: u32,
    memory: u32,
    restore: u32,
    rest: &'a [u8],
}

/// Two bytes: order, memory in mebibytes, and what to do when it is used up.
fn model(data: &[u8]) -> Option<Model<'_>> {
    let mut reader = Reader::little(data);
    let header = u32::from(reader.u16()?);
    Some(Model {
        order: (header & 15).saturating_add(1),
        memory: ((header >> 4) & 0xff).saturating_add(1) << 20,
        restore: (header >> 12).min(2),
        rest: reader.rest(),
    })
}

fn ppmd8<'a>(entry: &Entry, data: &'a [u8]) -> Decoder<'a> {
    let Some(Model { order, memory, restore, rest }) = model(data) else {
        return failed(ErrorKind::UnexpectedEof, "the header of PPMd is cut short");
    };
    let make = move |memory| -> Result<Decoder<'a>, Error> {
        Ok(Box::new(Ppmd8Decoder::new(rest, order, memory, restore.into())?))
    };
    match Growing::new(order, memory, entry.real, Box::new(make)) {
        Ok(decoder) => Box::new(decoder),
        Err(error) => failed(ErrorKind::InvalidData, error.to_string()),
    }
}
