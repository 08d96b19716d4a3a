//! RTF: the objects embedded in it, which stand there in hexadecimal, and the HTML that a mail was made of.
//!
//! Layout: the Rich Text Format specification 1.9.1, and MS-OLEDS 2.2.5 for the header of an object.
//!
//! Hostile files break the digits up with white space, control words, groups that are to be ignored and
//! binary runs, because Word skips all of that. What is left between `\objdata` and the end of its group is
//! taken together; an odd digit at the end is dropped. Readers do not agree on groups that begin with a control word, whose
//! text belongs to the object when the word is no destination: where it matters, the object is given without and with it.
//! Objects that stand in the digits of another are objects of their own.

mod html;
#[cfg(test)]
mod tests;

use candor_model::{ChildKind, Content, Flow, Member, Reason, Sink};
use memchr::memmem;

use crate::reader::{Reader, clipped};
use crate::transfer::hex_digit;
use crate::work::Work;

/// Objects that are given, and how many of them may stand in one another: each is read as often as there are others around it.
const OBJECTS: u64 = 4096;
const DEPTH: usize = 16;
/// What a bracket costs, or a control word, among digits, in bytes that are read.
const MARK: usize = 16;

/// Gives every object, without the header that says what program it belongs to.
pub(crate) fn unpack(bytes: &[u8], sink: &mut dyn Sink) {
    let mut count = 0_u64;
    // Where the objects end that the present one stands in, the innermost last.
    let mut ends: Vec<usize> = Vec::new();
    let mut is_deep = false;
    let mut work = Work::of(bytes);
    if html::is_within(bytes) && work.pay(bytes.len(), sink) {
        let html = html::of(bytes);
        let real_size = u64::try_from(html.len()).ok();
        let member = Member { name: "html".to_owned(), position: 1, real_size, ..Member::default() };
        if sink.child(ChildKind::Extracted, &member, Content::Bytes(&html)) == Flow::Stop {
            return;
        }
    }
    for at in memmem::find_iter(bytes, b"\\objdata") {
        let start = at.saturating_add(8);
        while ends.pop_if(|end| *end <= at).is_some() {}
        if ends.len() >= DEPTH {
            is_deep = true;
            continue;
        }
        // What stands in the digits of another is read again.
        let again = usize::from(!ends.is_empty());
        let mut pay = |marks: usize, read: usize| {
            let price = marks.saturating_mul(MARK).saturating_add(read.saturating_mul(again));
            price == 0 || work.pay(price, sink)
        };
        let Digits { own, all, length, is_open } = digits(bytes.get(start..).unwrap_or_default(), &mut pay);
        ends.push(start.saturating_add(length));
        let differing = Some(all).filter(|all| own.as_ref() != Some(all));
        for blob in own.into_iter().chain(differing).filter(|blob| is_open || !blob.is_empty()) {
            if count >= OBJECTS {
                sink.incomplete(Reason::Children);
                return;
            }
            count = count.saturating_add(1);
            if give(&blob, is_open, count, sink) == Flow::Stop {
                return;
            }
        }
        if work.is_over() {
            return;
        }
    }
    if is_deep {
        sink.incomplete(Reason::Children);
    }
}

/// Gives what stands in an object, or the file in it when it is a package.
fn give(blob: &[u8], is_open: bool, position: u64, sink: &mut dyn Sink) -> Flow {
    let native = native(blob);
    // Hostile files lie about the length; what ends before its group does is not all there.
    let is_cut = is_open && native.as_ref().is_none_or(|native| native.is_short);
    let (name, object) = native.map_or((String::new(), blob), |native| (native.class, native.data));
    // Packages name the file that they hold.
    let packaged = if name == "Package" { crate::ole2::package(object) } else { None };
    let (name, content) = packaged.unwrap_or((name, object));
    let real_size = u64::try_from(content.len()).ok();
    let member = Member { name, position, real_size, ..Member::default() };
    let content = if is_cut {
        Content::Part(content, Reason::Malformed("an object is cut short".to_owned()))
    } else {
        Content::Bytes(content)
    };
    sink.child(ChildKind::Extracted, &member, content)
}

/// What digits spell.
struct Digits {
    /// Without those in groups that begin with a control word, if there are such groups.
    own: Option<Vec<u8>>,
    /// With them.
    all: Vec<u8>,
    /// How much of the text they are.
    length: usize,
    /// Whether the text ends before their group does.
    is_open: bool,
}

/// Digits that are taken together.
#[derive(Clone, Default)]
struct Hex {
    bytes: Vec<u8>,
    high: Option<u8>,
}

impl Hex {
    fn digits(&mut self, text: &[u8]) {
        for digit in text.iter().filter_map(|byte| hex_digit(*byte)) {
            match self.high.take() {
                Some(first) => self.bytes.push(first << 4 | digit),
                None => self.high = Some(digit),
            }
        }
    }

    fn binary(&mut self, run: &[u8]) {
        self.bytes.extend_from_slice(run);
        self.high = None;
    }
}

/// The bytes that the digits up to the end of the group spell; those of everything, when marks among them, or bytes, could not
/// be paid for.
fn digits(text: &[u8], pay: &mut dyn FnMut(usize, usize) -> bool) -> Digits {
    let mut all = Hex::default();
    let mut own: Option<Hex> = None;
    let mut depth = 0_u32;
    // The outermost group around that is to be ignored, and the one that begins with a control word.
    let (mut ignored_from, mut worded_from): (Option<u32>, Option<u32>) = (None, None);
    let mut reader = Reader::little(text);
    let (length, is_open) = loop {
        let Some(byte) = reader.u8() else { break (text.len(), true) };
        if matches!(byte, b'{' | b'}' | b'\\') && !pay(1, 1) {
            break (text.len(), false);
        }
        match byte {
            b'{' => {
                depth = depth.saturating_add(1);
                match reader.rest().trim_ascii_start() {
                    _ if ignored_from.is_some() => {}
                    [b'\\', b'*', ..] => ignored_from = Some(depth),
                    // Binary runs are no text of another.
                    [b'\\', b'b', b'i', b'n', ..] => {}
                    [b'\\', letter, ..] if letter.is_ascii_alphabetic() && worded_from.is_none() => {
                        worded_from = Some(depth);
                        own.get_or_insert_with(|| all.clone());
                    }
                    _ => {}
                }
            }
            b'}' => {
                if depth == 0 {
                    break (reader.position(), false);
                }
                for from in [&mut ignored_from, &mut worded_from] {
                    from.take_if(|from| *from == depth);
                }
                depth = depth.saturating_sub(1);
            }
            _ => {
                let run = if byte == b'\\' {
                    let (word, number) = control(&mut reader);
                    let length = if word == b"bin" { number } else { 0 };
                    clipped(reader.rest(), 0, length)
                } else {
                    // With what follows of the same kind.
                    let rest = text.get(reader.position().saturating_sub(1)..).unwrap_or_default();
                    let end = memchr::memchr3(b'{', b'}', b'\\', rest).unwrap_or(rest.len());
                    rest.get(..end).unwrap_or_default()
                };
                let taken = run.len().saturating_sub(usize::from(byte != b'\\'));
                let _ = reader.skip(u64::try_from(taken).unwrap_or(u64::MAX));
                if !pay(0, run.len()) {
                    break (text.len(), false);
                }
                if ignored_from.is_some() {
                    continue;
                }
                let add = if byte != b'\\' {
                    Hex::digits
                } else if run.is_empty() {
                    continue;
                } else {
                    Hex::binary
                };
                add(&mut all, run);
                if let (Some(own), None) = (&mut own, worded_from) {
                    add(own, run);
                }
            }
        }
    };
    Digits { own: own.map(|own| own.bytes), all: all.bytes, length, is_open }
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
