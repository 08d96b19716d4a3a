//! ar: static libraries and Debian packages.
//!
//! Layout: <https://man.freebsd.org/cgi/man.cgi?query=ar&sektion=5>. `!<arch>`, then headers of 60 bytes
//! (name, time, owner, group, mode, size in decimal) with content, padded to two bytes.
//!
//! Long names stand in a member `//` (GNU) or in front of the content (BSD, `#1/length`).

#[cfg(test)]
mod tests;

use candor_model::{ChildKind, Content, Flow, Member, Reason, Sink};

use crate::name::decoded;
use crate::reader::{Reader, clipped, without_nuls};

/// Bytes of a name: any number of members may have the same ones.
const NAME: u64 = 4096;

/// Gives every member.
pub(crate) fn unpack(bytes: &[u8], sink: &mut dyn Sink) {
    let start = Reader::little(bytes);
    let mut at = 8_u64;
    let mut position = 0_u64;
    let mut long_names: &[u8] = &[];
    while let Some(header) = start.at(at).and_then(|mut reader| reader.take(60)) {
        let size = header.get(48..58).and_then(decimal);
        let (Some(size), Some(b"`\n")) = (size, header.get(58..60)) else {
            sink.incomplete(Reason::Malformed(format!("ar header at {at}")));
            return;
        };
        let mut offset = at.saturating_add(60);
        at = offset.saturating_add(size.saturating_add(size & 1));
        let mut content = clipped(bytes, offset, size);
        let is_cut = u64::try_from(content.len()).unwrap_or(0) < size;
        let field = header.get(..16).unwrap_or_default().trim_ascii_end();
        if field == b"//" {
            long_names = content;
            if is_cut {
                sink.incomplete(Reason::Malformed("the names of an ar archive are cut short".to_owned()));
            }
            continue;
        }
        let mut name = field.strip_suffix(b"/").unwrap_or(field);
        if let Some(length) = field.strip_prefix(b"#1/").and_then(decimal) {
            name = without_nuls(clipped(content, 0, length.min(NAME)));
            content = clipped(content, length, u64::MAX);
            offset = offset.saturating_add(length);
        } else if let Some(index) = field.strip_prefix(b"/").and_then(decimal) {
            let rest = clipped(long_names, index, NAME);
            let end = memchr::memchr2(b'\n', b'/', rest).unwrap_or(rest.len());
            name = rest.get(..end).unwrap_or_default();
        }
        position = position.saturating_add(1);
        if is_cut {
            sink.incomplete(Reason::Malformed(format!("ar member {position} is cut short")));
        }
        let member = Member {
            name: decoded(name),
            position,
            compressed_size: Some(size),
            real_size: Some(size),
            ..Member::default()
        };
        let offset = offset.min(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        if sink.child(ChildKind::Embedded { offset }, &member, Content::Bytes(content)) == Flow::Stop {
            return;
        }
    }
    // Lines fill up members of an odd length.
    if clipped(bytes, at, u64::MAX).iter().any(|byte| !matches!(byte, b'\n' | 0)) {
        sink.incomplete(Reason::Malformed("the last ar header is cut short".to_owned()));
    }
}

fn decimal(digits: &[u8]) -> Option<u64> {
    std::str::from_utf8(digits.trim_ascii()).ok()?.parse().ok()
}
