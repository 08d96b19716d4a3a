//! The normalised copy of text: what signatures for text (target 7) are written against.
//!
//! Upper case becomes lower case, a run of white space one blank; controls and everything above ASCII are
//! dropped, and do not end a run of white space. Bytes are taken one by one whatever the encoding, as
//! ClamAV does: UTF-16 loses its zeros that way and needs no decoding.

mod encoded;
pub(crate) mod pgp;
#[cfg(test)]
mod tests;

use std::ops::Range;

use candor_model::flags::lowest_bits;
use candor_model::{ChildKind, Content, Flow, Member, Normalisation, Reason, Sink};

use crate::work::Allowance;
use crate::{binhex, encoded_script, mail};

/// Bytes that are looked at together: as many as a word has bits.
const BLOCK: usize = 64;
/// Every second of them.
const EVEN: u64 = 0x5555_5555_5555_5555;
const ODD: u64 = !EVEN;
/// Place of the last of them.
const LAST: u32 = 63;
/// Runs of base64 that are given; style sheets have hundreds of pictures.
const RUNS: u64 = 1024;

/// Gives the normalised copy of `bytes`, and what stands in them as base64, uuencoded and as BinHex, to the sink.
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
    drop(normal);
    // UTF-16 has a zero behind every digit.
    let narrow: Vec<u8>;
    let text = if memchr::memchr(0, kept.get(..64).unwrap_or(kept)).is_some() {
        narrow = without_zeros(kept);
        &narrow
    } else {
        kept
    };
    if encoded_script::search(text, sink) == Flow::Stop {
        return;
    }
    // What is named there is given with its name.
    let named: Vec<Range<usize>> = mail::named_base64(text).map(|(_, place)| place).collect();
    if search(text, 0, &named, sink) == Flow::Stop || mail::search_uuencoded(text, sink) == Flow::Stop {
        return;
    }
    binhex::search(text, sink);
}

/// Gives what stands in a text as base64 but for what begins in one of the places that are `known`, numbered behind what was
/// `given`, and tells of messages of PGP.
pub(crate) fn search(text: &[u8], given: u64, known: &[Range<usize>], sink: &mut dyn Sink) -> Flow {
    pgp::search(text, sink);
    let allowance = Allowance::new(sink.budget().work());
    let mut flow = Flow::Continue;
    // Both are in the order in which they stand there.
    let mut known = known.iter().peekable();
    let runs = encoded::found(text, &allowance).filter(|run| {
        while known.next_if(|place| place.end <= run.start).is_some() {}
        known.peek().is_none_or(|place| run.start < place.start)
    });
    for (number, run) in (1_u64..).zip(runs) {
        if number > RUNS {
            sink.incomplete(Reason::Children);
            break;
        }
        let length = u64::try_from(run.content.len()).ok();
        let position = given.saturating_add(number);
        let member = Member { name: format!("base64 {number}"), position, ..Member::default() };
        flow = match run.packing.decoder(&run.content) {
            None => {
                let member = Member { real_size: length, ..member };
                sink.child(ChildKind::Extracted, &member, Content::Bytes(&run.content))
            }
            Some(mut decoder) => {
                let member = Member { compressed_size: length, ..member };
                sink.child(ChildKind::Extracted, &member, Content::Stream(&mut decoder))
            }
        };
        if flow == Flow::Stop {
            break;
        }
    }
    allowance.settle(sink);
    flow
}

/// Whether a text is base64 throughout, and given decoded where it is opened.
pub(crate) fn is_base64(text: &[u8], sink: &mut dyn Sink) -> bool {
    let allowance = Allowance::new(sink.budget().work());
    let is_run = encoded::is_run(text, &allowance);
    allowance.settle(sink);
    is_run
}

/// The bytes that are not zero. Every byte is written, and what is not to stay is written over by the next: nothing
/// depends on where the zeros are.
pub(crate) fn without_zeros(bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![0; bytes.len()];
    let mut length = 0_usize;
    for byte in bytes {
        if let Some(place) = out.get_mut(length) {
            *place = *byte;
        }
        length = length.saturating_add(usize::from(*byte != 0));
    }
    out.truncate(length);
    out
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
    let mut last = [0; BLOCK];
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
    blank: u64,
}

impl Copy {
    /// Takes the next block.
    #[inline]
    fn take(&mut self, block: &[u8; BLOCK]) {
        let mut becoming = [0; 2 * BLOCK];
        let (mut staying, mut blanks) = ([0; BLOCK], [0; BLOCK]);
        // Each of these loops becomes vectors by itself.
        for (to, &byte) in blanks.iter_mut().zip(block) {
            *to = u8::from(matches!(byte, b'\t'..=b'\r')) | u8::from(byte == b' ');
        }
        for (to, &byte) in staying.iter_mut().zip(block) {
            *to = u8::from(matches!(byte, b' '..=0x7f));
        }
        for ((to, &byte), &blank) in becoming.iter_mut().zip(block).zip(&blanks) {
            // Upper and lower case differ by one bit.
            let lower = byte | u8::from(byte.is_ascii_uppercase()) << 5;
            *to = if blank != 0 { b' ' } else { lower };
        }
        let blanks = bits(&blanks);
        let mut kept = kept(bits(&staying) | blanks, blanks, &mut self.blank);
        // UTF-16: a run for each letter.
        match kept {
            EVEN => return self.every_second(&becoming, 0),
            ODD => return self.every_second(&becoming, 1),
            _ => {}
        }
        while kept != 0 {
            self.run(&becoming, &mut kept);
        }
    }

    /// Takes every second byte of a block, from `first` on.
    #[inline]
    fn every_second(&mut self, becoming: &[u8; 2 * BLOCK], first: usize) {
        let to = self.normal.get_mut(self.length..).and_then(<[u8]>::first_chunk_mut::<{ BLOCK / 2 }>);
        let from = becoming.get(first..).unwrap_or_default().as_chunks::<2>().0;
        for (to, [byte, _]) in to.into_iter().flatten().zip(from) {
            *to = *byte;
        }
        self.length = self.length.saturating_add(BLOCK / 2);
    }

    /// Takes the first run of bytes that stay. Of a block that is written, only they count.
    #[inline]
    fn run(&mut self, becoming: &[u8; 2 * BLOCK], kept: &mut u64) {
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

/// The lowest bit of each byte, of the first the lowest.
#[inline]
fn bits(flags: &[u8; BLOCK]) -> u64 {
    let mut bits = [0; BLOCK / 8];
    for (bits, flags) in bits.iter_mut().zip(flags.as_chunks::<8>().0) {
        *bits = lowest_bits(*flags);
    }
    u64::from_le_bytes(bits)
}

/// Which bytes of a block are kept, of those that are no controls, some of them blanks; the first in the lowest bit.
/// `blank` is whether the last one before the block was a blank, whatever was dropped since, and becomes that of its
/// end.
#[inline]
fn kept(staying: u64, blanks: u64, blank: &mut u64) -> u64 {
    let dropped = !staying;
    let behind = blanks << 1 | *blank;
    // What is dropped does not end a run of white space: the addition carries from the first of those that are dropped
    // behind a blank to the last.
    let through = (dropped.wrapping_add(behind & dropped) ^ dropped) & dropped;
    *blank = (blanks | through) >> LAST;
    !(dropped | blanks & (behind | through << 1))
}
