//! OneNote sections: the files that are embedded in them.
//!
//! Layout: MS-ONESTORE 2.6.13. Every embedded file stands behind the same GUID, its length and twelve bytes
//! that say nothing, whatever leads to it; so the GUID is looked for, and nothing else is believed.

#[cfg(test)]
mod tests;

use candor_model::{ChildKind, Content, Flow, Member, Reason, Sink};
use memchr::memmem;

use crate::reader::{Reader, clipped};

/// What every embedded file begins with.
const HEADER: &[u8] = b"\xe7\x16\xe3\xbd\x65\x26\x11\x45\xa4\xc4\x8d\x4d\x0b\x7a\x9e\xac";

/// Gives the embedded files.
pub(crate) fn unpack(bytes: &[u8], sink: &mut dyn Sink) {
    for (position, at) in (1_u64..).zip(memmem::find_iter(bytes, HEADER)) {
        let start = u64::try_from(at).unwrap_or(u64::MAX).saturating_add(16);
        let Some(length) = Reader::little(bytes).at(start).and_then(|mut reader| reader.u64()) else {
            continue;
        };
        let offset = start.saturating_add(20);
        let content = clipped(bytes, offset, length);
        if u64::try_from(content.len()).unwrap_or(0) < length {
            sink.incomplete(Reason::Malformed("an embedded file is cut short".to_owned()));
        }
        if content.is_empty() {
            continue;
        }
        let member = Member { position, real_size: Some(length), ..Member::default() };
        if sink.child(ChildKind::Embedded { offset }, &member, Content::Bytes(content)) == Flow::Stop {
            return;
        }
    }
}
