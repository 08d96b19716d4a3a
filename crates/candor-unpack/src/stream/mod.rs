//! Files that are one compressed stream, or several one after another: bzip2, xz, LZMA, lzip, Zstandard,
//! LZ4 and compress. Each gives one child, the content of all streams.
//!
//! Layouts: <https://tukaani.org/xz/xz-file-format.txt>, <https://www.nongnu.org/lzip/manual/lzip_manual.html>,
//! RFC 8878 (Zstandard), <https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md>, and for `.Z`
//! `1f 9d`, a byte with the widest code and the flag for the code that clears the table, then codes.
//!
//! Hostile files hide the second stream behind a first one that is clean, ask for dictionaries of gigabytes,
//! or hold streams of nothing, thousands of them. Bytes behind the last stream, which the usual
//! programs pass over, are a child of their own. A checksum that does not hold comes after the content, which is given.

#[cfg(test)]
mod tests;

use std::io::{ErrorKind, Read};

use candor_model::{ChildKind, Content, Member, Sink};

use crate::behind;
use crate::codec::{self, Decoder, Method};
use crate::lz4::Lz4;
use crate::lzw::Lzw;
use crate::pace::Pace;
use crate::work::{Paid, Price, units};

/// Gives the content of all streams of bzip2.
pub(crate) fn bzip2(bytes: &[u8], sink: &mut dyn Sink) {
    streams(bytes, Method::Bzip2, codec::bzip2, sink);
}

/// Gives the content of all streams of xz.
pub(crate) fn xz(bytes: &[u8], sink: &mut dyn Sink) {
    streams(bytes, Method::Xz, codec::xz, sink);
}

/// Gives the content of an LZMA file.
pub(crate) fn lzma(bytes: &[u8], sink: &mut dyn Sink) {
    let pace = Pace::coding(units(bytes.len()), sink.budget());
    give(bytes, codec::lzma_alone(bytes, &pace), sink);
    pace.settle(sink.budget());
}

/// Gives the content of all members of lzip.
pub(crate) fn lzip(bytes: &[u8], sink: &mut dyn Sink) {
    streams(bytes, Method::Lzip, codec::lzip, sink);
}

/// Gives the content of all frames of Zstandard, or of LZ4 behind a frame to be skipped.
pub(crate) fn zstd(bytes: &[u8], sink: &mut dyn Sink) {
    let first = codec::behind_skippable(bytes);
    if first.starts_with(b"\x04\x22\x4d\x18") || first.starts_with(b"\x02\x21\x4c\x18") {
        return lz4(bytes, sink);
    }
    streams(bytes, Method::Zstd, codec::zstd, sink);
}

/// Gives the content of all frames of LZ4.
pub(crate) fn lz4(bytes: &[u8], sink: &mut dyn Sink) {
    give(bytes, Box::new(Lz4::new(bytes)), sink);
}

/// Gives the content of a `.Z` file.
pub(crate) fn compress(bytes: &[u8], sink: &mut dyn Sink) {
    let decoder: Decoder<'_> = match bytes {
        [0x1f, 0x9d, flags, data @ ..] if (9..=16).contains(&(flags & 0x1f)) => {
            Box::new(Lzw::new(data, flags & 0x1f, flags & 0x80 != 0))
        }
        _ => codec::failed(ErrorKind::InvalidData, "the header of compress"),
    };
    give(bytes, decoder, sink);
}

/// Gives the content of as many streams as can be paid for.
fn streams<'a>(
    bytes: &'a [u8],
    method: Method,
    decode: fn(&'a [u8], &Pace) -> Decoder<'a>,
    sink: &mut dyn Sink,
) {
    let pace = match method {
        // Its sequences cost more than their bytes are worth in some.
        Method::Zstd => Pace::on(sink.budget()),
        Method::Xz | Method::Lzip => Pace::coding(units(bytes.len()), sink.budget()),
        Method::Gzip | Method::Bzip2 => Pace::new(),
    };
    let work = sink.budget().work();
    let decoder = codec::paid(bytes, method, sink.budget(), |bytes| decode(bytes, &pace));
    let price = if method == Method::Bzip2 { codec::SORTED } else { Price::of(0) };
    let mut paid = Paid::new(decoder, price, work);
    give(bytes, &mut paid, sink);
    paid.settle(sink.budget());
    pace.settle(sink.budget());
    behind::give_behind_frames(bytes, bytes.len().saturating_sub(pace.behind()), sink);
}

fn give(bytes: &[u8], mut decoder: impl Read, sink: &mut dyn Sink) {
    let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    let member = Member { compressed_size: Some(length), ..Member::default() };
    // There is nothing after this child, so whether to go on makes no difference.
    let _ = sink.child(ChildKind::Extracted, &member, Content::Stream(&mut decoder));
}
