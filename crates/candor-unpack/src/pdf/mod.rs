//! PDF: every stream with its filters undone, and scripts.
//!
//! Layout: ISO 32000-2, 7.3 (values), 7.4 (filters), 7.5 (files). The cross-reference table is not used:
//! hostile files have none, or a wrong one, and readers then search for objects as is done here. So objects
//! that an update replaced, and those that nothing refers to, are looked at too.
//!
//! What hostile files do: lengths that are wrong (the word `endstream` decides), names written with escapes,
//! chains of filters that multiply (sixteen are followed, and every step is paid for), scripts inside of
//! object streams, and a header anywhere.

mod encryption;
mod filter;
#[cfg(test)]
mod tests;
mod value;

use candor_model::{ChildKind, Content, Flow, Member, Reason, Sink};
use memchr::memmem;

use crate::codec::Decoder;
use crate::password;
use encryption::{Encryption, Found};
use filter::{FILTERS, Filter};
use value::{Lexer, Value};

/// Passwords that are tried: those of the newest revision cost some hundred rounds of AES each.
const TRIALS: usize = 24;
/// How far before a stream its dictionary may start.
const DICTIONARY: usize = 64 << 10;

/// Gives streams and scripts.
pub(crate) fn unpack(bytes: &[u8], sink: &mut dyn Sink) {
    let passwords: Vec<Vec<u8>> = password::candidates(sink).into_iter().take(TRIALS).collect();
    let (encryption, is_locked) = match encryption::find(bytes, &passwords) {
        Found::Nothing => (None, false),
        Found::Open(encryption) => (Some(encryption), false),
        Found::Locked => {
            sink.incomplete(Reason::Encrypted);
            (None, true)
        }
    };
    let mut walk = Walk { bytes, sink, position: 0, encryption, is_locked };
    let _ = walk.all();
}

struct Walk<'a, 'sink> {
    bytes: &'a [u8],
    sink: &'sink mut dyn Sink,
    position: u64,
    /// What the streams and strings are decrypted with.
    encryption: Option<Encryption>,
    /// They cannot be.
    is_locked: bool,
}

impl<'a> Walk<'a, '_> {
    fn all(&mut self) -> Flow {
        let mut text_start = 0_usize;
        let mut from = 0_usize;
        while let Some(found) = self.bytes.get(from..).and_then(|rest| memmem::find(rest, b"stream")) {
            let at = from.saturating_add(found);
            from = at.saturating_add(6);
            let before = self.bytes.get(text_start..at).unwrap_or_default();
            let Some([b'\r', b'\n', data @ ..] | [b'\r' | b'\n', data @ ..]) = self.bytes.get(from..) else {
                continue;
            };
            if before.ends_with(b"end") {
                continue;
            }
            let near = before.get(before.len().saturating_sub(DICTIONARY)..).unwrap_or_default();
            let Some((object, dictionary)) = dictionary(near) else { continue };
            if self.scripts(before, true) == Flow::Stop {
                return Flow::Stop;
            }
            let data = extent(data, &dictionary);
            if self.stream(object, &dictionary, data) == Flow::Stop {
                return Flow::Stop;
            }
            // Offset of the end of the data; the same bytes may not be a dictionary as well.
            let start = self.bytes.len().saturating_sub(self.bytes.get(from..).unwrap_or_default().len());
            text_start = start.saturating_add(data.len());
            from = text_start;
        }
        self.scripts(self.bytes.get(text_start..).unwrap_or_default(), true)
    }

    /// Gives one stream.
    fn stream(&mut self, object: (u64, u64), dictionary: &Value, data: &'a [u8]) -> Flow {
        if self.is_locked || data.is_empty() {
            return Flow::Continue;
        }
        if self.encryption.is_some()
            && let Err(reason) = self.sink.budget().admit(u64::try_from(data.len()).unwrap_or(u64::MAX))
        {
            self.sink.incomplete(reason);
            return Flow::Stop;
        }
        let encryption = self.encryption.as_ref();
        let plain = encryption.and_then(|encryption| encryption.stream(object, dictionary, data));
        let data = plain.as_deref().unwrap_or(data);
        let name = format!("object {}", object.0);
        let filters = filter::chain(dictionary);
        if filters.len() > FILTERS {
            self.sink.incomplete(Reason::Unsupported(format!("a chain of {} filters", filters.len())));
            return Flow::Continue;
        }
        let is_of_objects = dictionary.get(b"Type").and_then(Value::name) == Some(b"ObjStm");
        let Some((last, first)) = filters.split_last() else {
            return self.give(name, Content::Bytes(data), data.len());
        };
        let mut buffer: Option<Vec<u8>> = None;
        for filter in first {
            let Some(decoded) = self.decoded(filter, buffer.as_deref().unwrap_or(data)) else {
                return Flow::Continue;
            };
            buffer = Some(decoded);
        }
        let input = buffer.as_deref().unwrap_or(data);
        if is_of_objects {
            let Some(objects) = self.decoded(last, input) else { return Flow::Continue };
            if self.give(name, Content::Bytes(&objects), data.len()) == Flow::Stop {
                return Flow::Stop;
            }
            return self.scripts(&objects, false);
        }
        match last.decoder(input) {
            Some(mut decoder) => self.give(name, Content::Stream(&mut decoder), input.len()),
            None => {
                self.sink.incomplete(Reason::Unsupported("a filter that is not known".to_owned()));
                self.give(name, Content::Bytes(input), data.len())
            }
        }
    }

    /// What a filter makes of `data`, paid for; `None` when there is no room or no such filter.
    fn decoded(&mut self, filter: &Filter, data: &[u8]) -> Option<Vec<u8>> {
        let Some(mut decoder) = filter.decoder(data) else {
            self.sink.incomplete(Reason::Unsupported("a filter that is not known".to_owned()));
            return None;
        };
        let most = self.sink.budget().growth(u64::try_from(data.len()).unwrap_or(u64::MAX));
        let mut out = Vec::new();
        // What came before an error is kept.
        let outcome = read_to(&mut decoder, most, &mut out);
        let made = u64::try_from(out.len()).unwrap_or(u64::MAX);
        if made >= most && outcome {
            self.sink.incomplete(Reason::Ratio);
        }
        match self.sink.budget().spend(made) {
            Ok(()) => Some(out),
            Err(reason) => {
                self.sink.incomplete(reason);
                None
            }
        }
    }

    /// Gives the scripts that stand in text as strings, which the document's encryption
    /// covers when they stand in the file itself.
    fn scripts(&mut self, text: &[u8], is_file: bool) -> Flow {
        if self.is_locked {
            return Flow::Continue;
        }
        for at in memchr::memchr_iter(b'/', text) {
            let mut lexer = Lexer::new(text.get(at..).unwrap_or_default());
            // `JS` in any of its spellings: at most three characters each.
            let is_candidate = matches!(lexer.rest(), [_, b'J' | b'#', ..]);
            if !is_candidate || lexer.name().as_deref() != Some(b"JS") {
                continue;
            }
            if let Some(Value::Text(script)) = lexer.value() {
                let encryption = self.encryption.as_ref().filter(|_| is_file);
                let plain = encryption.and_then(|encryption| {
                    let before = text.get(..at)?;
                    let near = before.get(before.len().saturating_sub(DICTIONARY)..)?;
                    encryption.string(object_of(near, near.len())?, &script)
                });
                let script = plain.unwrap_or(script);
                let script = match script.strip_prefix(b"\xfe\xff") {
                    Some(wide) => encoding_rs::UTF_16BE.decode(wide).0.into_owned().into_bytes(),
                    None => script,
                };
                if self.give("JavaScript".to_owned(), Content::Bytes(&script), script.len()) == Flow::Stop {
                    return Flow::Stop;
                }
            }
        }
        Flow::Continue
    }

    fn give(&mut self, name: String, content: Content<'_>, compressed: usize) -> Flow {
        self.position = self.position.saturating_add(1);
        let compressed_size = u64::try_from(compressed).ok();
        let member = Member { name, position: self.position, compressed_size, ..Member::default() };
        self.sink.child(ChildKind::Extracted, &member, content)
    }
}

/// Reads to the end or to `most` bytes; whether there was no error.
fn read_to(decoder: &mut Decoder<'_>, most: u64, out: &mut Vec<u8>) -> bool {
    std::io::Read::read_to_end(&mut std::io::Read::take(decoder, most), out).is_ok()
}

/// Number, generation and dictionary of the object that `text` ends with.
fn dictionary(text: &[u8]) -> Option<((u64, u64), Value)> {
    let at = last_object(text)?;
    let value = Lexer::new(text.get(at.saturating_add(3)..)?).value()?;
    if !matches!(value, Value::Dictionary(_)) {
        return None;
    }
    Some((object_of(text, at).unwrap_or((0, 0)), value))
}

/// Where the word `obj` stands last.
fn last_object(text: &[u8]) -> Option<usize> {
    memmem::rfind_iter(text, b"obj").find(|&at| !text.get(..at).unwrap_or_default().ends_with(b"end"))
}

/// Number and generation of the object whose `obj` stands at `at` or before it: `12 0 obj`.
fn object_of(text: &[u8], at: usize) -> Option<(u64, u64)> {
    let at = if text.get(at..)?.starts_with(b"obj") { at } else { last_object(text.get(..at)?)? };
    let mut words = text.get(..at)?.rsplit(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let mut number = || words.next().and_then(|word| std::str::from_utf8(word).ok()?.parse().ok());
    let generation = number();
    Some((number()?, generation.unwrap_or(0)))
}

/// As much of `data` as belongs to the stream.
fn extent<'a>(data: &'a [u8], dictionary: &Value) -> &'a [u8] {
    let claimed =
        dictionary.get(b"Length").and_then(Value::number).and_then(|length| usize::try_from(length).ok());
    if let Some((claimed, rest)) = claimed.and_then(|length| data.split_at_checked(length))
        && rest.trim_ascii_start().starts_with(b"endstream")
    {
        return claimed;
    }
    let end =
        memmem::find(data, b"endstream").or_else(|| memmem::find(data, b"endobj")).unwrap_or(data.len());
    let data = data.get(..end).unwrap_or_default();
    data.strip_suffix(b"\r\n").or_else(|| data.strip_suffix(b"\n")).unwrap_or(data)
}
