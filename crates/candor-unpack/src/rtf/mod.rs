//! RTF: the objects embedded in it, which stand there in hexadecimal.
//!
//! Layout: the Rich Text Format specification 1.9.1, and MS-OLEDS 2.2.5 for the header of an object.
//!
//! Hostile files break the digits up with white space, control words, groups that are to be ignored and
//! binary runs, because Word skips all of that. What is left between `\objdata` and the end of its group is
//! taken together; an odd digit at the end is dropped.

#[cfg(test)]
mod tests;

use candor_model::{ChildKind, Content, Flow, Member, Reason, Sink};
use memchr::memmem;

use crate::reader::{Reader, clipped};
use crate::transfer::hex_digit;
use crate::work::Work;

/// Objects that are given.
const OBJECTS: u64 = 4096;
/// What a bracket costs, or a control word, among digits, in bytes that are read.
const MARK: usize = 16;

/// Gives every object, without the header that says what program it belongs to.
pub(crate) fn unpack(bytes: &[u8], sink: &mut dyn Sink) {
    let mut position = 0_u64;
    let mut read_until = 0_usize;
    let mut work = Work::of(bytes);
    for at in memmem::find_iter(bytes, b"\\objdata") {
        if at < read_until {
            continue;
        }
        if position >= OBJECTS {
            sink.incomplete(Reason::Children);
            return;
        }
        let start = at.saturating_add(8);
        let mut pay = || work.pay(MARK, sink);
        let Digits { blob, length, is_open } = digits(bytes.get(start..).unwrap_or_default(), &mut pay);
        read_until = start.saturating_add(length);
        position = position.saturating_add(1);
        let native = native(&blob);
        // Hostile files lie about the length; what ends before its group does is not all there.
        let is_cut = is_open && native.as_ref().is_none_or(|native| native.is_short);
        let (name, object) = native.map_or((String::new(), &blob[..]), |native| (native.class, native.data));
        // Packages name the file that they hold.
        let packaged =
            if name == "Package" { crate::ole2::package(object_with_length(&blob, object)) } else { None };
        let (name, content) = packaged.unwrap_or((name, object));
        let member =
            Member { name, position, real_size: u64::try_from(content.len()).ok(), ..Member::default() };
        let content = if is_cut {
            Content::Part(content, Reason::Malformed("an object is cut short".to_owned()))
        } else {
            Content::Bytes(content)
        };
        if sink.child(ChildKind::Extracted, &member, content) == Flow::Stop {
            return;
        }
    }
}

/// A package counts its own length field, which stands in front of the native data.
fn object_with_length<'a>(blob: &'a [u8], object: &[u8]) -> &'a [u8] {
    let start = blob.len().saturating_sub(object.len()).saturating_sub(4);
    blob.get(start..).unwrap_or_default()
}

/// What digits spell.
struct Digits {
    blob: Vec<u8>,
    /// How much of the text they are.
    length: usize,
    /// Whether the text ends before their group does.
    is_open: bool,
}

/// The bytes that the digits up to the end of the group spell; those of everything, when marks among them could not be paid
/// for.
fn digits(text: &[u8], pay: &mut dyn FnMut() -> bool) -> Digits {
    let mut out = Vec::new();
    let mut high: Option<u8> = None;
    let mut depth = 0_u32;
    let mut ignored_from: Option<u32> = None;
    let mut reader = Reader::little(text);
    while let Some(byte) = reader.u8() {
        if matches!(byte, b'{' | b'}' | b'\\') && !pay() {
            return Digits { blob: out, length: text.len(), is_open: false };
        }
        match byte {
            b'{' => {
                depth = depth.saturating_add(1);
                if reader.rest().starts_with(b"\\*") && ignored_from.is_none() {
                    ignored_from = Some(depth);
                }
            }
            b'}' => {
                if depth == 0 {
                    return Digits { blob: out, length: reader.position(), is_open: false };
                }
                if ignored_from == Some(depth) {
                    ignored_from = None;
                }
                depth = depth.saturating_sub(1);
            }
            b'\\' => {
                let (word, number) = control(&mut reader);
                if word == b"bin" {
                    let run = clipped(reader.rest(), 0, number);
                    let _ = reader.skip(u64::try_from(run.len()).unwrap_or(0));
                    if ignored_from.is_none() {
                        out.extend_from_slice(run);
                        high = None;
                    }
                }
            }
            _ => {
                // With what follows of the same kind.
                let rest = text.get(reader.position().saturating_sub(1)..).unwrap_or_default();
                let end = memchr::memchr3(b'{', b'}', b'\\', rest).unwrap_or(rest.len());
                let run = rest.get(..end).unwrap_or_default();
                let _ = reader.skip(u64::try_from(end.saturating_sub(1)).unwrap_or(u64::MAX));
                if ignored_from.is_some() {
                    continue;
                }
                for byte in run {
                    let Some(digit) = hex_digit(*byte) else { continue };
                    match high.take() {
                        Some(first) => out.push(first << 4 | digit),
                        None => high = Some(digit),
                    }
                }
            }
        }
    }
    Digits { blob: out, length: reader.position(), is_open: true }
}

/// The control word behind a backslash, with its number.
fn control<'a>(reader: &mut Reader<'a>) -> (&'a [u8], u64) {
    let rest = reader.rest();
    let letters = rest.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    if letters == 0 {
        // A symbol; an escaped byte has two digits, which are none of the object's.
        let _ = reader.skip(if rest.first() == Some(&b'\'') { 3 } else { 1 });
        return (&[], 0);
    }
    let (word, behind) = rest.split_at_checked(letters).unwrap_or((rest, &[]));
    let sign = usize::from(behind.first() == Some(&b'-'));
    let number = behind.get(sign..).unwrap_or_default();
    let count = number.iter().take_while(|byte| byte.is_ascii_digit()).count().min(20);
    let value = number
        .get(..count)
        .and_then(|digits| std::str::from_utf8(digits).ok())
        .and_then(|digits| digits.parse().ok())
        .unwrap_or(0);
    let blank = usize::from(number.get(count) == Some(&b' '));
    let length = letters.saturating_add(sign).saturating_add(count).saturating_add(blank);
    let _ = reader.skip(u64::try_from(length).unwrap_or(0));
    (word, value)
}

/// An object.
struct Native<'a> {
    class: String,
    data: &'a [u8],
    /// Whether there should be more of it.
    is_short: bool,
}

/// Class and native data of an object: version, kind, three strings, length, data.
fn native(blob: &[u8]) -> Option<Native<'_>> {
    let mut reader = Reader::little(blob);
    reader.skip(4)?;
    if reader.u32()? != 2 {
        return None;
    }
    let mut class = String::new();
    for index in 0..3 {
        let length = reader.u32()?;
        let text = reader.take(u64::from(length))?;
        if index == 0 {
            class = crate::name::decoded(crate::reader::without_nuls(text));
        }
    }
    let length = u64::from(reader.u32()?);
    let data = clipped(reader.rest(), 0, length);
    Some(Native { class, data, is_short: u64::try_from(data.len()).unwrap_or(0) < length })
}
