//! The normalised copy of text: what signatures for text (target 7) are written against.
//!
//! Upper case becomes lower case, a run of white space one blank; controls and everything above ASCII are
//! dropped, and do not end a run of white space. Bytes are taken one by one whatever the encoding, as
//! ClamAV does: UTF-16 loses its zeros that way and needs no decoding.

mod encoded;
#[cfg(test)]
mod tests;

use candor_model::{ChildKind, Content, Flow, Member, Normalisation, Reason, Sink};

use crate::encoded_script;

/// What becomes of each byte: itself or another, or [`DROPPED`].
const TABLE: [u8; 256] = {
    let mut table = [DROPPED; 256];
    let mut byte = 0_u8;
    #[expect(clippy::indexing_slicing, reason = "evaluated at compile time, where it is an error")]
    while byte < 0x80 {
        table[byte as usize] = match byte {
            b'\t'..=b'\r' | b' ' => b' ',
            b'A'..=b'Z' => byte.to_ascii_lowercase(),
            b'!'..=0x7f => byte,
            _ => DROPPED,
        };
        byte += 1;
    }
    table
};

/// Not a byte that stays.
const DROPPED: u8 = 0;

/// Gives the normalised copy of `bytes`, and what stands in them as base64, to the sink.
pub(crate) fn unpack(bytes: &[u8], sink: &mut dyn Sink) {
    let limit = usize::try_from(sink.budget().limits().max_normalise).unwrap_or(usize::MAX);
    let kept = match bytes.get(..limit) {
        Some(start) if start.len() < bytes.len() => {
            sink.incomplete(Reason::NormaliseSize);
            start
        }
        _ => bytes,
    };
    let normal = normalise(kept);
    let kind = ChildKind::Normalised(Normalisation::Text);
    if sink.child(kind, &Member::default(), Content::Bytes(&normal)) == Flow::Stop {
        return;
    }
    // UTF-16 has a zero behind every digit.
    let narrow: Vec<u8>;
    let text = if memchr::memchr(0, kept.get(..64).unwrap_or(kept)).is_some() {
        narrow = kept.iter().copied().filter(|&byte| byte != 0).collect();
        &narrow
    } else {
        kept
    };
    if encoded_script::search(text, sink) == Flow::Stop {
        return;
    }
    for (position, content) in (1_u64..).zip(encoded::found(text)) {
        let real_size = u64::try_from(content.len()).ok();
        let member = Member { name: format!("base64 {position}"), position, real_size, ..Member::default() };
        if sink.child(ChildKind::Extracted, &member, Content::Bytes(&content)) == Flow::Stop {
            return;
        }
    }
}

/// The normalised copy of `bytes`; never longer than they are.
pub(crate) fn normalise(bytes: &[u8]) -> Vec<u8> {
    let mut normal = vec![0; bytes.len()];
    let mut length = 0_usize;
    // Whether the last byte that stayed, or would have but for being one more of a run, is a blank.
    let mut blank = false;
    for &byte in bytes {
        let becomes = TABLE.get(usize::from(byte)).copied().unwrap_or(DROPPED);
        // Written always and counted only if it stays: without a branch on the content.
        if let Some(slot) = normal.get_mut(length) {
            *slot = becomes;
        }
        let (is_kept, is_blank) = (becomes != DROPPED, becomes == b' ');
        length = length.saturating_add(usize::from(is_kept & !(is_blank & blank)));
        blank = is_blank | (blank & !is_kept);
    }
    normal.truncate(length);
    normal
}
