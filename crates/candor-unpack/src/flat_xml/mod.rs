//! Documents that are one XML file: what stands in them as base64.
//!
//! Word 2003 XML (`w:binData`: macros and pictures), flat packages (`pkg:binaryData`: any part), Hancom's
//! (`BINDATA`) and XDP (`chunk`: a PDF file); elsewhere it is found as in any other text. The elements are looked
//! for as text: hostile files are not well formed, and no entity is ever expanded.

#[cfg(test)]
mod tests;

use candor_model::{ChildKind, Content, Flow, Member, Reason, Sink};
use memchr::memmem;

use crate::name::decoded;
use crate::text;
use crate::transfer::base64;
use crate::work::Work;

/// Elements that hold base64.
const ELEMENTS: [&[u8]; 4] = [b"binData", b"binaryData", b"BINDATA", b"chunk"];
/// What it costs to look at one, in bytes that are read.
const ELEMENT: usize = 64;
/// Elements of one document that are decoded.
const PARTS: usize = 4096;

/// Gives what the elements hold.
pub(crate) fn unpack(bytes: &[u8], sink: &mut dyn Sink) {
    let mut position = 0_u64;
    let mut known = Vec::new();
    let mut work = Work::of(bytes);
    for name in ELEMENTS {
        let mut from = 0_usize;
        let finder = memmem::Finder::new(name);
        while let Some(found) = bytes.get(from..).and_then(|rest| finder.find(rest)) {
            if !work.pay(ELEMENT, sink) {
                return;
            }
            let at = from.saturating_add(found);
            from = at.saturating_add(name.len());
            let Some(Element { attributes, text, is_open }) = element(bytes, at, name) else { continue };
            from = from.saturating_add(attributes.len()).saturating_add(text.len());
            let end = from.saturating_add(1);
            known.push(end.saturating_sub(text.len())..end);
            position = position.saturating_add(1);
            if position > u64::try_from(PARTS).unwrap_or(0) {
                sink.incomplete(Reason::Children);
                return;
            }
            if let Err(reason) = sink.budget().admit(u64::try_from(text.len()).unwrap_or(u64::MAX)) {
                sink.incomplete(reason);
                return;
            }
            let content = base64(text);
            let real_size = u64::try_from(content.len()).ok();
            let member = Member { name: label(attributes), position, real_size, ..Member::default() };
            let content = if is_open {
                Content::Part(&content, Reason::Malformed("base64 in a document is cut short".to_owned()))
            } else {
                Content::Bytes(&content)
            };
            if sink.child(ChildKind::Extracted, &member, content) == Flow::Stop {
                return;
            }
        }
    }
    // Scripts and attributes may hold it, too.
    known.sort_unstable_by_key(|place| place.start);
    let _ = text::search(bytes, position, &known, sink);
}

/// An element that holds something.
struct Element<'a> {
    attributes: &'a [u8],
    text: &'a [u8],
    /// Whether the document ends before it does.
    is_open: bool,
}

/// Attributes and text of the element whose name stands at `at`, when it begins there and holds something.
fn element<'a>(bytes: &'a [u8], at: usize, name: &[u8]) -> Option<Element<'a>> {
    // `<w:binData`: a prefix stands between the bracket and the name.
    let before = bytes.get(..at)?;
    let prefix = before.iter().rev().take(16).position(|byte| *byte == b'<')?;
    let prefix = before.get(before.len().checked_sub(prefix)?..)?;
    if !(prefix.is_empty() || prefix.ends_with(b":")) || prefix.starts_with(b"/") {
        return None;
    }
    let rest = bytes.get(at.checked_add(name.len())?..)?;
    let attributes = rest.get(..memchr::memchr(b'>', rest)?)?;
    let is_whole_name = attributes.first().is_none_or(u8::is_ascii_whitespace);
    if attributes.ends_with(b"/") || !is_whole_name {
        return None;
    }
    let text = rest.get(attributes.len().checked_add(1)?..)?;
    let end = memchr::memchr(b'<', text);
    let text = text.get(..end.unwrap_or(text.len()))?;
    (!text.trim_ascii().is_empty()).then_some(Element { attributes, text, is_open: end.is_none() })
}

/// What the first attribute says, which is a name where there is one.
fn label(attributes: &[u8]) -> String {
    let mut parts = attributes.split(|byte| *byte == b'"');
    decoded(parts.nth(1).and_then(|value| value.get(..value.len().min(200))).unwrap_or_default())
}
