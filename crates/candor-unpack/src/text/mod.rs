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

/// Bytes that are looked at together.
const BLOCK: usize = 16;
/// Place of the last of them.
const LAST: u32 = 15;
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
    // A block is always written whole; what of it does not stay is overwritten by the next one.
    let normal = vec![0; bytes.len().saturating_add(BLOCK)];
    let mut copy = Copy { normal, length: 0, blank: 0 };
    let (blocks, rest) = bytes.as_chunks::<BLOCK>();
    for block in blocks {
        copy.take(block);
    }
    let mut last = [DROPPED; BLOCK];
    for (to, byte) in last.iter_mut().zip(rest) {
        *to = *byte;
    }
    copy.take(&last);
    copy.normal.truncate(copy.length);
    copy.normal
}

/// A copy that grows block by block.
struct Copy {
    normal: Vec<u8>,
    /// Bytes of it that stay.
    length: usize,
    /// Whether the last byte that stayed, or would have but for being one more of a run, is a blank.
    blank: u32,
}

impl Copy {
    /// Takes the next block.
    #[inline]
    fn take(&mut self, block: &[u8; BLOCK]) {
        let mut becoming = [DROPPED; 2 * BLOCK];
        for (to, byte) in becoming.iter_mut().zip(block) {
            *to = becomes(*byte);
        }
        let mut kept = kept(&becoming, &mut self.blank);
        // One run of bytes that stay after the other. Most blocks have one or two: whether there is a second cannot
        // be foretold, so nobody asks.
        self.run(&becoming, &mut kept);
        self.run(&becoming, &mut kept);
        while kept != 0 {
            self.run(&becoming, &mut kept);
        }
    }

    /// Takes the first run of bytes that stay, if there is one. Of a block that is written, only they count.
    #[inline]
    fn run(&mut self, becoming: &[u8; 2 * BLOCK], kept: &mut u32) {
        let start = kept.trailing_zeros() & LAST;
        let count = (*kept >> start).trailing_ones();
        let from = becoming.get(start as usize..).and_then(<[u8]>::first_chunk::<BLOCK>);
        let to = self.normal.get_mut(self.length..).and_then(<[u8]>::first_chunk_mut::<BLOCK>);
        if let (Some(from), Some(to)) = (from, to) {
            *to = *from;
        }
        self.length = self.length.saturating_add(count as usize);
        // The addition carries through the run.
        *kept &= kept.wrapping_add(*kept & kept.wrapping_neg());
    }
}

/// What becomes of a byte: itself or another, or [`DROPPED`]. Without branches and tables, so that all of a block are
/// done at once.
const fn becomes(byte: u8) -> u8 {
    let is_upper = byte.wrapping_sub(b'A') < 26;
    let lower = if is_upper { byte | 0x20 } else { byte };
    let plain = if byte.wrapping_sub(b' ') < 0x60 { lower } else { DROPPED };
    if byte.wrapping_sub(b'\t') < 5 { b' ' } else { plain }
}

/// Which bytes of a block stay, the first in the lowest bit. `blank` is whether the last one before the block was a
/// blank, whatever was dropped since, and becomes that of its end.
fn kept(block: &[u8; 2 * BLOCK], blank: &mut u32) -> u32 {
    let dropped = bits(block, DROPPED);
    let blanks = bits(block, b' ');
    let behind = blanks << 1 | *blank;
    // What is dropped does not end a run of white space: the addition carries from the first of those that are dropped
    // behind a blank to the last.
    let through = (dropped.wrapping_add(behind & dropped) ^ dropped) & dropped;
    *blank = (blanks | through) >> (BLOCK - 1) & 1;
    !(dropped | blanks & (behind | through << 1)) & ((1 << BLOCK) - 1)
}

/// Which of the first bytes of a block are `sought`.
fn bits(block: &[u8; 2 * BLOCK], sought: u8) -> u32 {
    let mut flags = [0; BLOCK];
    for (flag, byte) in flags.iter_mut().zip(block) {
        *flag = u8::from(*byte == sought);
    }
    // The factor brings the lowest bits of eight bytes together in the highest byte.
    let eight =
        |flags: &[u8; 8]| u64::from_le_bytes(*flags).wrapping_mul(0x0102_0408_1020_4080).to_be_bytes()[0];
    match flags.as_chunks::<8>().0 {
        [low, high] => u32::from(u16::from_le_bytes([eight(low), eight(high)])),
        _ => 0,
    }
}
