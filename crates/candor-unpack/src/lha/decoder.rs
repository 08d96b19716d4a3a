//! The library's decoders as readers.

use std::io::{self, ErrorKind, Read};

use candor_model::{ChildKind, Content, Flow, Member, Reason, Sink};
use delharc::decode::{Decoder as _, DecoderAny};
use delharc::header::CompressionMethod;

use crate::work::{self, Price, charge, units};

/// Bytes that are asked for at a time: a decoder gives all of them or none.
const STEP: usize = 64;

/// What each byte costs that goes in or comes out, beside being looked at, in the units of [`candor_model::Budget::pay_work`].
const BYTE: u64 = 3;

/// A method of LHA, known or not.
pub(crate) struct Method {
    name: String,
    method: Option<CompressionMethod>,
}

impl Method {
    /// The method of this name.
    pub(crate) fn named(name: &[u8; 5]) -> Self {
        let method = match name {
            b"-lh0-" | b"-lz4-" | b"-pm0-" => Some(CompressionMethod::Lh0),
            b"-lh1-" => Some(CompressionMethod::Lh1),
            b"-lh4-" => Some(CompressionMethod::Lh4),
            b"-lh5-" => Some(CompressionMethod::Lh5),
            b"-lh6-" => Some(CompressionMethod::Lh6),
            b"-lh7-" => Some(CompressionMethod::Lh7),
            b"-lhx-" => Some(CompressionMethod::Lhx),
            b"-lzs-" => Some(CompressionMethod::Lzs),
            b"-lz5-" => Some(CompressionMethod::Lz5),
            _ => None,
        };
        Self { name: String::from_utf8_lossy(name).into_owned(), method }
    }
}

/// Gives a member of `real` bytes, or tells that its method is not known, or costs too much.
pub(crate) fn give(member: &Member, method: Method, data: &[u8], real: u64, sink: &mut dyn Sink) -> Flow {
    let reason = match method.method {
        Some(method) if charge(units(data.len()).saturating_mul(BYTE), sink) => {
            let decoder = DecoderAny::new_from_compression(method, data);
            return work::give(member, Lha { decoder, left: real }, Price::of(BYTE), sink);
        }
        Some(_) => Reason::Work,
        None => Reason::Unsupported(format!("LHA compression {}", method.name)),
    };
    sink.child(ChildKind::Extracted, member, Content::Absent(reason))
}

struct Lha<'a> {
    decoder: DecoderAny<&'a [u8]>,
    left: u64,
}

impl Read for Lha<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.left).unwrap_or(usize::MAX);
        let length = buffer.len().min(left).min(STEP);
        let Some(slot) = buffer.get_mut(..length) else { return Ok(0) };
        if slot.is_empty() {
            return Ok(0);
        }
        if self.decoder.fill_buffer(slot).is_err() {
            self.left = 0;
            return Err(io::Error::new(ErrorKind::InvalidData, "the data of LHA is damaged or cut short"));
        }
        self.left = self.left.saturating_sub(u64::try_from(length).unwrap_or(0));
        Ok(length)
    }
}
