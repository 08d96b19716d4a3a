//! The quarantine of Microsoft Defender: three folders of files under RC4.
//!
//! ```text
//! ResourceData   streams as the backup of Windows has them: kind, attributes, length, length of a name; 1 is the
//!                file, 3 its rights, 4 an alternate stream
//! Entries        header of 60 bytes (40 length of the first section, 44 of the second), two sections, each under
//!                RC4 from its beginning: 32 when, 52 the threat; then how many entries and where: path in UTF-16, how
//!                many values, kind of the entry, values of a length, a number and a kind
//! Resources      the same header; at 32 of the file's own section nothing more, then the entry that it belongs to
//! ```
//!
//! The name of a file of `ResourceData` stands as a value of twenty bytes in its entry, and the file of that name in
//! `Resources` leads to the entry: details `resource` and `entry`.

use std::io::Read as _;

use candor_model::{ChildKind, Content, Flow, Member, Sink};

use super::{LONGEST_TEXT, Told, Unveiled, Veil, malformed, moment, narrow, wide};
use crate::cipher::{Rc4, rc4};
use crate::hash::hexadecimal;
use crate::reader::{Reader, clipped};

/// The key of all installations.
#[rustfmt::skip]
const KEY: [u8; 256] = [
    0x1e, 0x87, 0x78, 0x1b, 0x8d, 0xba, 0xa8, 0x44, 0xce, 0x69, 0x70, 0x2c, 0x0c, 0x78, 0xb7, 0x86,
    0xa3, 0xf6, 0x23, 0xb7, 0x38, 0xf5, 0xed, 0xf9, 0xaf, 0x83, 0x53, 0x0f, 0xb3, 0xfc, 0x54, 0xfa,
    0xa2, 0x1e, 0xb9, 0xcf, 0x13, 0x31, 0xfd, 0x0f, 0x0d, 0xa9, 0x54, 0xf6, 0x87, 0xcb, 0x9e, 0x18,
    0x27, 0x96, 0x97, 0x90, 0x0e, 0x53, 0xfb, 0x31, 0x7c, 0x9c, 0xbc, 0xe4, 0x8e, 0x23, 0xd0, 0x53,
    0x71, 0xec, 0xc1, 0x59, 0x51, 0xb8, 0xf3, 0x64, 0x9d, 0x7c, 0xa3, 0x3e, 0xd6, 0x8d, 0xc9, 0x04,
    0x7e, 0x82, 0xc9, 0xba, 0xad, 0x97, 0x99, 0xd0, 0xd4, 0x58, 0xcb, 0x84, 0x7c, 0xa9, 0xff, 0xbe,
    0x3c, 0x8a, 0x77, 0x52, 0x33, 0x55, 0x7d, 0xde, 0x13, 0xa8, 0xb1, 0x40, 0x87, 0xcc, 0x1b, 0xc8,
    0xf1, 0x0f, 0x6e, 0xcd, 0xd0, 0x83, 0xa9, 0x59, 0xcf, 0xf8, 0x4a, 0x9d, 0x1d, 0x50, 0x75, 0x5e,
    0x3e, 0x19, 0x18, 0x18, 0xaf, 0x23, 0xe2, 0x29, 0x35, 0x58, 0x76, 0x6d, 0x2c, 0x07, 0xe2, 0x57,
    0x12, 0xb2, 0xca, 0x0b, 0x53, 0x5e, 0xd8, 0xf6, 0xc5, 0x6c, 0xe7, 0x3d, 0x24, 0xbd, 0xd0, 0x29,
    0x17, 0x71, 0x86, 0x1a, 0x54, 0xb4, 0xc2, 0x85, 0xa9, 0xa3, 0xdb, 0x7a, 0xca, 0x6d, 0x22, 0x4a,
    0xea, 0xcd, 0x62, 0x1d, 0xb9, 0xf2, 0xa2, 0x2e, 0xd1, 0xe9, 0xe1, 0x1d, 0x75, 0xbe, 0xd7, 0xdc,
    0x0e, 0xcb, 0x0a, 0x8e, 0x68, 0xa2, 0xff, 0x12, 0x63, 0x40, 0x8d, 0xc8, 0x08, 0xdf, 0xfd, 0x16,
    0x4b, 0x11, 0x67, 0x74, 0xcd, 0x0b, 0x9b, 0x8d, 0x05, 0x41, 0x1e, 0xd6, 0x26, 0x2e, 0x42, 0x9b,
    0xa4, 0x95, 0x67, 0x6b, 0x83, 0x98, 0xdb, 0x2f, 0x35, 0xd3, 0xc1, 0xb9, 0xce, 0xd5, 0x26, 0x36,
    0xf2, 0x76, 0x5e, 0x1a, 0x95, 0xcb, 0x7c, 0xa4, 0xc3, 0xdd, 0xab, 0xdd, 0xbf, 0xf3, 0x82, 0x53,
];

const PRODUCT: &str = "Microsoft Defender";

/// Streams of one file, entries and values that are read.
const STREAMS: u64 = 64;
const ENTRIES: u32 = 1024;
const VALUES: u16 = 256;
/// Bytes of a section that are read.
const SECTION: u64 = 1 << 20;

/// Gives the file that was set aside, or says what is known of it.
pub(crate) fn unpack(bytes: &[u8], sink: &mut dyn Sink) {
    if rc4(&KEY, clipped(bytes, 0, 4)) == b"\xdb\xe8\xc5\x01" {
        return described(bytes, sink);
    }
    sink.detail("quarantine", PRODUCT.to_owned());
    let mut cipher = Rc4::new(&KEY);
    let mut reader = Reader::little(bytes);
    let mut has_file = false;
    for position in 1..=STREAMS {
        // Zeros may stand behind the last one.
        if is_over(&reader, &cipher) {
            if !has_file {
                malformed("the file", sink);
            }
            return;
        }
        let Some(stream) = Stream::read(&mut reader, &mut cipher) else {
            return malformed("the header of a stream", sink);
        };
        let content = clipped(reader.rest(), 0, stream.length);
        let is_whole = reader.skip(stream.length).is_some();
        if !is_whole {
            malformed("the end", sink);
        }
        let mut unveiled = Unveiled::new(vec![content], Veil::Rc4(Box::new(cipher)));
        has_file |= stream.kind == 1;
        if matches!(stream.kind, 1 | 4) {
            let length = u64::try_from(content.len()).ok();
            let name = if stream.kind == 1 { String::new() } else { stream.name };
            let member =
                Member { name, position, real_size: length, compressed_size: length, ..Member::default() };
            if sink.child(ChildKind::Extracted, &member, Content::Stream(&mut unveiled)) == Flow::Stop {
                return;
            }
        }
        if !is_whole {
            return;
        }
        // Most files end here.
        if reader.rest().is_empty() && has_file {
            return;
        }
        // The cipher has to be where the next header is, however much of this was read.
        if std::io::copy(&mut unveiled.by_ref(), &mut std::io::sink()).is_err() {
            return;
        }
        let Some(next) = unveiled.into_cipher() else { return };
        cipher = next;
    }
    malformed("the number of streams", sink);
}

/// Whether nothing but zeros is left.
fn is_over(reader: &Reader<'_>, cipher: &Rc4) -> bool {
    let mut left = clipped(reader.rest(), 0, 20).to_vec();
    cipher.clone().apply(&mut left);
    left.iter().all(|byte| *byte == 0)
}

struct Stream {
    kind: u32,
    length: u64,
    name: String,
}

impl Stream {
    fn read(reader: &mut Reader<'_>, cipher: &mut Rc4) -> Option<Self> {
        let mut head = reader.take(20)?.to_vec();
        cipher.apply(&mut head);
        let mut fields = Reader::little(&head);
        let kind = fields.u32()?;
        fields.skip(4)?;
        let (length, name) = (fields.u64()?, fields.u32()?);
        let mut name = reader.take(u64::from(name).min(u64::try_from(LONGEST_TEXT).ok()?))?.to_vec();
        cipher.apply(&mut name);
        (kind <= 11).then(|| Self { kind, length, name: wide(&name) })
    }
}

/// A file of `Entries` or `Resources`.
fn described(bytes: &[u8], sink: &mut dyn Sink) {
    let head = rc4(&KEY, clipped(bytes, 0, 60));
    let lengths = || {
        let mut reader = Reader::little(&head).at(40)?;
        Some((u64::from(reader.u32()?), u64::from(reader.u32()?)))
    };
    let Some((first, second)) = lengths().filter(|_| head.len() == 60) else {
        return malformed("the header", sink);
    };
    let section = |at: u64, length: u64| rc4(&KEY, clipped(bytes, at, length.min(SECTION)));
    let behind = first.saturating_add(60);
    let is_whole = Reader::little(bytes).at(behind.saturating_add(second)).is_some();
    let (what, place) = (section(60, first), section(behind, second));
    if second == 16 && first < 52 {
        sink.detail("quarantine", PRODUCT.to_owned());
        if let Some(entry) = guid(&place) {
            sink.detail("entry", entry);
        }
    } else {
        entry(&what, &place, sink);
    }
    if !is_whole {
        malformed("the end", sink);
    }
}

fn entry(what: &[u8], place: &[u8], sink: &mut dyn Sink) {
    let ticks = Reader::little(what).at(32).and_then(|mut reader| reader.u64());
    let mut told = Told {
        path: None,
        threat: Some(narrow(what.get(52..).unwrap_or_default())),
        at: ticks.and_then(moment::from_windows),
    };
    if let Some(id) = guid(what) {
        sink.detail("entry", id);
    }
    let mut reader = Reader::little(place);
    let count = reader.u32().unwrap_or(0).min(ENTRIES);
    let mut is_sound = true;
    let mut paths = Vec::new();
    for _ in 0..count {
        let Some(at) = reader.u32() else {
            is_sound = false;
            break;
        };
        match item(place, at) {
            Some((path, resources)) => {
                paths.push(path);
                resources.into_iter().for_each(|resource| sink.detail("resource", resource));
            }
            None => is_sound = false,
        }
    }
    told.path = paths.first().cloned();
    told.tell(PRODUCT, sink);
    for path in paths.into_iter().skip(1) {
        sink.detail("original-path", path);
    }
    if !is_sound {
        malformed("an entry", sink);
    }
}

/// Path of an entry, and the files of `ResourceData` that are of it.
fn item(place: &[u8], at: u32) -> Option<(String, Vec<String>)> {
    let mut reader = Reader::little(place).at(u64::from(at))?;
    let path = wide(reader.rest());
    let length = reader.rest().as_chunks::<2>().0.iter().position(|unit| *unit == [0, 0])?;
    reader.skip(u64::try_from(length).ok()?.checked_add(1)?.checked_mul(2)?)?;
    let count = reader.u16()?;
    let kind = crate::reader::until_nul(reader.rest()).len();
    reader.skip(u64::try_from(kind).ok()?.checked_add(1)?)?;
    let mut resources = Vec::new();
    for _ in 0..count.min(VALUES) {
        let behind = reader.position() % 4;
        if behind != 0 && reader.skip(u64::try_from(4_usize.saturating_sub(behind)).ok()?).is_none() {
            break;
        }
        let Some(length) = reader.u16() else { break };
        reader.skip(2)?;
        let value = reader.take(u64::from(length))?;
        if value.len() == 20 {
            resources.push(hexadecimal(value).to_ascii_uppercase());
        }
    }
    Some((path.strip_prefix(r"\\?\").map_or_else(|| path.clone(), str::to_owned), resources))
}

/// Sixteen bytes as a name of a file of `Entries`.
fn guid(bytes: &[u8]) -> Option<String> {
    let mut reader = Reader::little(bytes);
    let (one, two, three) = (reader.u32()?, reader.u16()?, reader.u16()?);
    let (four, five) = (hexadecimal(reader.take(2)?), hexadecimal(reader.take(6)?));
    Some(format!("{{{one:08X}-{two:04X}-{three:04X}-{four}-{five}}}").to_ascii_uppercase())
}
