//! BinHex 4.0: a file of the Macintosh as text, with both of its forks.
//!
//! Layout: RFC 1741. Behind the line that says so and a colon, six bits a character; runs behind 0x90; then
//! name, type, lengths of the forks, the forks, a checksum behind each. Checksums are not looked at.

#[cfg(test)]
mod tests;

use candor_model::{ChildKind, Content, FileType, Flow, Member, Reason, Sink};
use memchr::memmem;

use crate::name::decoded;
use crate::reader::{Order, Reader, clipped};
use crate::transfer::worth;
use crate::work::Work;

const DIGITS: &[u8; 64] = b"!\"#$%&'()*+,-012345689@ABCDEFGHIJKLMNPQRSTUVXYZ[`abcdefhijklmpqr";

/// What a digit is worth; 255 for what is none.
const VALUES: [u8; 256] = worth([DIGITS]);

/// What a character costs, in the units of [`candor_model::Budget::pay_work`]: every one is asked what it is, and may write
/// out a run.
const CHARACTER: usize = 2;
/// How many bytes of runs are written out in the time of one such unit.
const WRITTEN: usize = 8;

/// What stands before a file.
const LINE: &[u8] = b"(This file must be converted with BinHex";
/// Digits that are looked at to see whether a file begins, which hold the longest name also when lines break them.
const HEADER: usize = 128;
/// Files of one text that are given.
const FILES: u64 = 256;

/// Gives the files in a text, as they stand there.
pub(crate) fn search(text: &[u8], sink: &mut dyn Sink) {
    let finder = memmem::Finder::new(LINE);
    let mut rest = text;
    let mut position = 0_u64;
    while let Some(file) = finder.find(rest).and_then(|at| rest.get(at..)) {
        // From one colon to the next.
        let mut colons = memchr::memchr_iter(b':', file).map(|at| at.saturating_add(1));
        let (Some(start), end) = (colons.next(), colons.next()) else { return };
        if !file.get(start..).is_some_and(begins) {
            // A text that tells of such files.
            rest = file.get(LINE.len()..).unwrap_or_default();
            continue;
        }
        let (file, behind) = file.split_at_checked(end.unwrap_or(file.len())).unwrap_or((file, &[]));
        rest = behind;
        if position >= FILES {
            sink.incomplete(Reason::Children);
            return;
        }
        position = position.saturating_add(1);
        let name = format!("BinHex {position}");
        let member = Member { name, position, file_type: Some(FileType::BinHex), ..Member::default() };
        if sink.child(ChildKind::Extracted, &member, Content::Bytes(file)) == Flow::Stop {
            return;
        }
    }
}

/// Whether digits begin with a header: a name of 63 bytes at most, and a zero.
fn begins(digits: &[u8]) -> bool {
    let plain = unfolded(digits.get(..HEADER).unwrap_or(digits), HEADER);
    let Some((&length, rest)) = plain.split_first() else { return false };
    let Some((name, behind)) = rest.split_at_checked(usize::from(length)) else { return false };
    matches!(length, 1..=63) && behind.first() == Some(&0) && name.iter().all(|byte| *byte >= b' ')
}

/// Gives the forks.
pub(crate) fn unpack(bytes: &[u8], sink: &mut dyn Sink) {
    let line = memchr::memchr(b'\n', bytes).or_else(|| memchr::memchr(b'\r', bytes)).unwrap_or(0);
    let text = bytes.get(line..).unwrap_or_default();
    let start = memchr::memchr(b':', text).map_or(text.len(), |at| at.saturating_add(1));
    let packed = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    let most = usize::try_from(sink.budget().growth(packed)).unwrap_or(usize::MAX);
    let mut work = Work::of(bytes);
    let text = text.get(start..).unwrap_or_default();
    let text = text.get(..memchr::memchr(b':', text).unwrap_or(text.len())).unwrap_or_default();
    let affordable = work.left(sink) / CHARACTER;
    let is_paid = work.pay(text.len().saturating_mul(CHARACTER), sink);
    let text = text.get(..affordable).filter(|_| !is_paid).unwrap_or(text);
    let affordable = work.left(sink).saturating_mul(WRITTEN);
    let plain = unfolded(text, most.min(affordable));
    if plain.len() >= most {
        sink.incomplete(Reason::Ratio);
    } else {
        // One more when it was cut, which cannot be paid for.
        let cut = usize::from(plain.len() >= affordable);
        let _ = work.pay((plain.len() / WRITTEN).saturating_add(cut), sink);
    }
    let mut reader = Reader::new(&plain, Order::Big);
    let mut header = || {
        let length = reader.u8()?;
        let name = reader.take(u64::from(length))?;
        // A zero, type, creator, flags.
        reader.skip(11)?;
        let forks = [reader.u32()?, reader.u32()?];
        reader.skip(2)?;
        Some((decoded(name), forks, reader.rest()))
    };
    let Some((name, forks, rest)) = header() else {
        sink.incomplete(Reason::Malformed("BinHex header".to_owned()));
        return;
    };
    let mut offset = 0_u64;
    for (position, length) in (1_u64..).zip(forks) {
        let length = u64::from(length);
        let content = clipped(rest, offset, length);
        offset = offset.saturating_add(length).saturating_add(2);
        if u64::try_from(content.len()).unwrap_or(0) < length {
            sink.incomplete(Reason::Malformed("a fork is cut short".to_owned()));
        }
        if content.is_empty() {
            continue;
        }
        let name = if position == 1 { name.clone() } else { format!("{name}/rsrc") };
        let member = Member { name, position, real_size: Some(length), ..Member::default() };
        if sink.child(ChildKind::Extracted, &member, Content::Bytes(content)) == Flow::Stop {
            return;
        }
    }
}

/// The bytes that the characters up to the next colon stand for, their runs written out, up to `most`.
fn unfolded(text: &[u8], most: usize) -> Vec<u8> {
    let mut out: Vec<u8> = Vec::new();
    let (mut held, mut count) = (0_u32, 0_u32);
    let mut is_run = false;
    for &character in text {
        if character == b':' || out.len() >= most {
            break;
        }
        let digit = VALUES.get(usize::from(character)).copied().unwrap_or(255);
        if digit > 63 {
            continue;
        }
        held = held << 6 | u32::from(digit);
        count = count.saturating_add(6);
        if count < 8 {
            continue;
        }
        count = count.saturating_sub(8);
        let byte = held.wrapping_shr(count).to_le_bytes()[0];
        match (is_run, byte) {
            (true, 0) => out.push(0x90),
            (true, times) => {
                let last = out.last().copied().unwrap_or(0);
                out.extend(std::iter::repeat_n(last, usize::from(times).saturating_sub(1)));
            }
            (false, 0x90) => {}
            (false, byte) => out.push(byte),
        }
        is_run = !is_run && byte == 0x90;
    }
    out.truncate(most);
    out
}
