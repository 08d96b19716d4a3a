//! RPM packages: the payload, a compressed cpio archive.
//!
//! Layout: <https://rpm-software-management.github.io/rpm/manual/format_v4.html>. A lead of 96 bytes, the
//! signature (a header, padded to eight bytes), the header, the payload to the end. A header is `8e ad e8`,
//! its version, four reserved bytes, the number of its entries of 16 bytes, the length of its data.

#[cfg(test)]
mod tests;

use candor_model::{ChildKind, Content, Flow, Member, Reason, Sink};

use crate::reader::{Order, Reader, clipped};

/// Gives the payload as it stands: what it is shows in its content.
pub(crate) fn unpack(bytes: &[u8], sink: &mut dyn Sink) {
    let behind = |at: u64| {
        let mut reader = Reader::new(bytes, Order::Big).at(at)?;
        if reader.take(3)? != b"\x8e\xad\xe8" {
            return None;
        }
        reader.skip(5)?;
        let (entries, data) = (u64::from(reader.u32()?), u64::from(reader.u32()?));
        at.checked_add(16)?.checked_add(entries.checked_mul(16)?)?.checked_add(data)
    };
    let payload = behind(96).and_then(|end| behind(end.checked_next_multiple_of(8)?));
    let Some(offset) = payload.filter(|&offset| !clipped(bytes, offset, 1).is_empty()) else {
        sink.incomplete(Reason::Malformed("RPM headers".to_owned()));
        return;
    };
    let content = clipped(bytes, offset, u64::MAX);
    let member = Member { name: "payload".to_owned(), position: 1, ..Member::default() };
    let _: Flow = sink.child(ChildKind::Embedded { offset }, &member, Content::Bytes(content));
}
