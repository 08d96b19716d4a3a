//! Documents of Hangul 3 (HWP 3.0), before they became compound files.
//!
//! Layout: Hancom's description of the documents of Hangul 97.
//!
//! ```text
//!    0  "HWP Document File V3.00 " 1a 01 02 03 04 05
//!   30  128 bytes: at 96 whether there is a password, at 124 whether the text is deflated, at 126 the length
//!       of the blocks behind the summary
//!  158  summary, 1,008 bytes
//! 1166  blocks
//!       the text: fonts, styles, paragraphs, and behind them blocks of a number, a length and content, of which
//!       0 is the last, 1 are pictures, 2 is the compound file of objects
//! ```
//!
//! To find the blocks by the text before them, every kind of paragraph would have to be read, of which hostile
//! documents have those that nobody expects. They are found from their end instead: what is a block is followed
//! by a block, up to the one that ends them.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::io::Read as _;

use candor_model::{ChildKind, Content, Flow, Member, Reason, Sink};

use crate::codec;
use crate::name::decoded;
use crate::reader::{Reader, clipped, until_nul};

const INFORMATION: u64 = 30;
const BLOCKS: u64 = 30 + 128 + 1008;
/// Numbers that blocks have.
const KINDS: u32 = 0x1ff;
/// A block's number and length.
const HEAD: usize = 8;
/// What stands before the bytes of a picture: its name, and the kind that it is of.
const PICTURE: usize = 32;
/// Blocks that are given.
const MOST: usize = 1024;

/// Gives the text, and what is embedded.
pub(crate) fn unpack(bytes: &[u8], sink: &mut dyn Sink) {
    let field = |offset: u64| Reader::little(bytes).at(INFORMATION.saturating_add(offset))?.u16();
    let (Some(password), Some(deflated), Some(blocks)) = (field(96), field(124), field(126)) else {
        sink.incomplete(Reason::Malformed("HWP header".to_owned()));
        return;
    };
    if password != 0 {
        sink.incomplete(Reason::Encrypted);
        return;
    }
    let stored = clipped(bytes, BLOCKS.saturating_add(u64::from(blocks)), u64::MAX);
    let mut unpacked = Vec::new();
    let text = if deflated & 0xff == 0 {
        stored
    } else {
        let packed = u64::try_from(stored.len()).unwrap_or(u64::MAX);
        let most = sink.budget().growth(packed);
        if let Err(error) = codec::deflate(stored).take(most).read_to_end(&mut unpacked) {
            sink.incomplete(Reason::Malformed(error.to_string()));
        }
        if u64::try_from(unpacked.len()).is_ok_and(|length| length >= most) {
            let reason = sink.budget().growth_limit(packed);
            sink.incomplete(reason);
        }
        &unpacked
    };
    if text.is_empty() {
        return;
    }
    let mut position = 0_u64;
    let mut give = |name: String, content: &[u8]| {
        position = position.saturating_add(1);
        let real_size = u64::try_from(content.len()).ok();
        let member = Member { name, position, real_size, ..Member::default() };
        sink.child(ChildKind::Extracted, &member, Content::Bytes(content))
    };
    if give("text".to_owned(), text) == Flow::Stop {
        return;
    }
    let (blocks, are_all) = embedded(text);
    for (kind, content) in blocks {
        let flow = match (kind, content.split_at_checked(PICTURE)) {
            (1, Some((head, picture))) => give(decoded(until_nul(head.get(..16).unwrap_or(head))), picture),
            _ => give(format!("block {kind}"), content),
        };
        if flow == Flow::Stop {
            return;
        }
    }
    if !are_all {
        sink.incomplete(Reason::Children);
    }
}

/// Number and content of the blocks behind the text, in their order. Bytes inside of a block that look like one are
/// given, too: which of both is meant cannot be known from their end. And whether there are no more of them.
fn embedded(text: &[u8]) -> (Vec<(u32, &[u8])>, bool) {
    let mut are_all = true;
    let mut found = Vec::new();
    let number = |at: usize| text.get(at..)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes));
    let Some(last) = text.len().checked_sub(HEAD).filter(|_| text.ends_with(&[0; HEAD])) else {
        return (found, true);
    };
    let mut starts = BTreeSet::from([last]);
    for at in (0..last).rev() {
        let Some(length) = number(at.saturating_add(4)).and_then(|length| usize::try_from(length).ok())
        else {
            continue;
        };
        let start = at.saturating_add(HEAD);
        let kind = number(at).unwrap_or(0);
        let end = start.saturating_add(length);
        if (1..=KINDS).contains(&kind) && end <= last && starts.contains(&end) {
            if found.len() >= MOST {
                are_all = false;
                break;
            }
            found.push((kind, text.get(start..end).unwrap_or_default()));
            starts.insert(at);
        }
    }
    found.reverse();
    (found, are_all)
}
