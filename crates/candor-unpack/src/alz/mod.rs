//! ALZ archives.
//!
//! Layout: none is published by the maker; this is what its archives look like.
//!
//! ```text
//! 0   "ALZ", 1, four bytes
//!     "BLZ", 1, length of the name, attributes, time, a byte that says whether the file is encrypted and how
//!     wide its sizes are, a byte; method, a byte, CRC-32, packed and real size; name; data
//!     "CLZ", 1 and 2 at the end
//! ```

#[cfg(test)]
mod tests;

use candor_model::{ChildKind, Content, Flow, Member, Reason, Sink};

use crate::codec::{self, Decoder};
use crate::reader::{Reader, clipped};
use crate::work::{self, Price};

/// Files of an archive.
const FILES: u64 = 100_000;

/// Gives every file.
pub(crate) fn unpack(bytes: &[u8], sink: &mut dyn Sink) {
    let Some(mut reader) = Reader::little(bytes).at(8) else {
        sink.incomplete(Reason::Malformed("ALZ header".to_owned()));
        return;
    };
    for position in 1..=FILES {
        match reader.take(4) {
            Some(b"BLZ\x01") => {}
            Some(b"CLZ\x01") => return,
            _ => {
                sink.incomplete(Reason::Malformed("an ALZ archive without an end".to_owned()));
                return;
            }
        }
        let Some(file) = File::read(&mut reader) else {
            sink.incomplete(Reason::Malformed("the header of a file in ALZ".to_owned()));
            return;
        };
        let data = clipped(reader.rest(), 0, file.packed);
        let is_cut = reader.skip(file.packed).is_none();
        if is_cut {
            sink.incomplete(Reason::Malformed(format!("the file {} is cut short", file.name)));
        }
        let member = Member {
            name: file.name,
            position,
            compressed_size: Some(file.packed),
            real_size: Some(file.real),
            encrypted: file.is_encrypted,
            crc32: Some(file.crc32),
            method: Some(u16::from(file.method)),
            ..Member::default()
        };
        if file.real == 0 {
            continue;
        }
        let decoder: Result<Decoder<'_>, Reason> = match file.method {
            _ if file.is_encrypted => Err(Reason::Encrypted),
            0 => Ok(Box::new(data)),
            1 if data.starts_with(b"BZh") => Ok(codec::bzip2_stream(data)),
            2 => Ok(codec::deflate(data)),
            method => Err(Reason::Unsupported(format!("method {method} of ALZ"))),
        };
        let flow = match decoder {
            Ok(decoder) => work::give(
                &member,
                decoder,
                if file.method == 1 { codec::SORTED } else { Price::of(0) },
                sink,
            ),
            Err(reason) => sink.child(ChildKind::Extracted, &member, Content::Absent(reason)),
        };
        if flow == Flow::Stop || is_cut {
            return;
        }
    }
    sink.incomplete(Reason::Children);
}

struct File {
    name: String,
    is_encrypted: bool,
    method: u8,
    crc32: u32,
    packed: u64,
    real: u64,
}

impl File {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let name_length = u64::from(reader.u16()?);
        reader.skip(5)?;
        let flags = reader.u8()?;
        reader.skip(1)?;
        let mut file = Self {
            name: String::new(),
            is_encrypted: flags & 1 != 0,
            method: 0,
            crc32: 0,
            packed: 0,
            real: 0,
        };
        // Without sizes it is a folder.
        let width = flags >> 4;
        if width > 0 {
            file.method = reader.u8()?;
            reader.skip(1)?;
            file.crc32 = reader.u32()?;
            let mut size = || {
                Some(match width {
                    1 => u64::from(reader.u8()?),
                    2 => u64::from(reader.u16()?),
                    4 => u64::from(reader.u32()?),
                    8 => reader.u64()?,
                    _ => return None,
                })
            };
            (file.packed, file.real) = (size()?, size()?);
        }
        file.name = encoding_rs::EUC_KR.decode_without_bom_handling(reader.take(name_length)?).0.into_owned();
        if file.is_encrypted {
            reader.skip(12)?;
        }
        Some(file)
    }
}
