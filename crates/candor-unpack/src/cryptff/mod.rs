//! CryptFF: a file with every bit the other way, as an old tool hid its files.
//!
//! ```text
//! b6 b9 ac ae fe ff ff ff   "IFSQ", 1, in the same way
//! ? x 8                     not looked at
//! ...                       the file
//! ```
//!
//! Where the file begins was found out by a digest of it that ClamAV finds.

#[cfg(test)]
mod tests;

use candor_model::{ChildKind, Content, Member, Reason, Sink};

use crate::reader::clipped;

const HEADER: u64 = 16;

/// Gives the file.
pub(crate) fn unpack(bytes: &[u8], sink: &mut dyn Sink) {
    let hidden = clipped(bytes, HEADER, u64::MAX);
    if hidden.is_empty() {
        sink.incomplete(Reason::Malformed("the header is cut short".to_owned()));
        return;
    }
    let length = u64::try_from(hidden.len()).ok();
    // The plain copy stands beside the other one, and is paid for when it is given.
    if let Err(reason) = sink.budget().admit(length.unwrap_or(u64::MAX)) {
        sink.incomplete(reason);
        return;
    }
    let plain: Vec<u8> = hidden.iter().map(|byte| !byte).collect();
    let member = Member { compressed_size: length, real_size: length, ..Member::default() };
    // There is nothing after this child, so whether to go on makes no difference.
    let _ = sink.child(ChildKind::Extracted, &member, Content::Bytes(&plain));
}
