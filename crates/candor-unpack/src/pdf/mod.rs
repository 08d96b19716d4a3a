//! PDF: every stream with its filters undone, scripts, and addresses.
//!
//! Layout: ISO 32000-2, 7.3 (values), 7.4 (filters), 7.5 (files). The cross-reference table is not used:
//! hostile files have none, or a wrong one, and readers then search for objects as is done here. So objects
//! that an update replaced, and those that nothing refers to, are looked at too.
//!
//! What hostile files do: lengths that are wrong (the word `endstream` decides), names written with escapes,
//! chains of filters that multiply (sixteen are followed, and every step is paid for), scripts inside of
//! object streams, values that only a reference leads to, and a header anywhere.

mod encryption;
mod extent;
pub(crate) mod filter;
mod names;
mod objects;
mod predictor;
#[cfg(test)]
mod tests;
pub(crate) mod value;

use std::collections::BTreeSet;

use candor_model::flags::triples;
use candor_model::{Anomaly, ChildKind, Content, Flow, Member, Reason, Sink};
use memchr::memmem;

use crate::password;
use crate::work::Work;
use encryption::{Encryption, Found};
use extent::{Ends, Heads};
use filter::{FILTERS, decoded_by};
use objects::Objects;
use value::{Lexer, Value};

/// Passwords that are tried: those of the newest revision cost some hundred rounds of AES each.
const TRIALS: usize = 24;
/// How far before a stream its dictionary may start.
const DICTIONARY: usize = 64 << 10;
/// What a byte of a value costs, in bytes that are read: brackets in one another are the dearest.
const VALUE: usize = 8;
/// The same of a string.
const TEXT: usize = 2;
/// What it costs to look at a name that may be that of a script or an address, in the same.
const NAME: usize = 64;
/// What the word `stream` costs, with looking for its object.
const STREAM: usize = 128;
/// Blanks behind the word `stream`.
const BLANKS: usize = 64;
/// Addresses that are told at most.
const ADDRESSES: usize = 64;
/// What says how the bytes of a stream are to be read.
const READING: [&[u8]; 5] = [b"Filter", b"F", b"DecodeParms", b"DP", b"Length"];

/// Gives streams and scripts.
pub(crate) fn unpack(bytes: &[u8], sink: &mut dyn Sink) {
    let passwords: Vec<Vec<u8>> = password::candidates(sink).into_iter().take(TRIALS).collect();
    let (encryption, is_locked) = match encryption::find(bytes, &passwords, sink) {
        Found::Nothing => (None, false),
        Found::Open(encryption) => (Some(encryption), false),
        Found::Locked => {
            sink.incomplete(Reason::Encrypted);
            (None, true)
        }
    };
    let objects = Objects::new(bytes);
    let given = BTreeSet::new();
    let (position, addresses) = (0, 0);
    let (work, trials) = (Work::of(bytes), names::TRIALS);
    let mut walk = Walk {
        bytes,
        sink,
        position,
        encryption,
        is_locked,
        objects,
        given,
        addresses,
        work,
        trials,
        has_hidden_name: false,
    };
    let _ = walk.all();
    if walk.objects.is_cut() && !walk.work.is_over() {
        walk.sink.incomplete(Reason::Work);
    }
}

struct Walk<'a, 'sink> {
    bytes: &'a [u8],
    sink: &'sink mut dyn Sink,
    position: u64,
    /// What the streams and strings are decrypted with.
    encryption: Option<Encryption>,
    /// They cannot be.
    is_locked: bool,
    objects: Objects<'a>,
    /// Numbers of objects that were given because a reference led to them.
    given: BTreeSet<u64>,
    /// How many addresses were told.
    addresses: usize,
    /// Reading strings that stand in a string that was begun before, perhaps in a comment, and objects behind references.
    work: Work,
    /// Names that may still be looked at more closely.
    trials: u32,
    /// A name was found that is written so as not to be.
    has_hidden_name: bool,
}

impl<'a> Walk<'a, '_> {
    fn all(&mut self) -> Flow {
        let mut heads = Heads::new(self.bytes);
        let mut ends = Ends::new(self.bytes);
        let mut text_start = 0_usize;
        let mut from = 0_usize;
        let word = memmem::Finder::new(b"stream");
        while let Some(found) = self.bytes.get(from..).and_then(|rest| word.find(rest)) {
            if !self.work.pay(STREAM, self.sink) {
                return Flow::Continue;
            }
            let at = from.saturating_add(found);
            from = at.saturating_add(6);
            let before = self.bytes.get(text_start..at).unwrap_or_default();
            let behind = self.bytes.get(from..).unwrap_or_default();
            // Readers pass over blanks that do not belong here.
            let blanks = behind.iter().take(BLANKS).take_while(|byte| matches!(byte, b' ' | b'\t')).count();
            let behind = behind.get(blanks..).unwrap_or_default();
            let ([b'\r', b'\n', data @ ..] | [b'\r' | b'\n', data @ ..]) = behind else { continue };
            if before.ends_with(b"end") {
                continue;
            }
            let mut pay = |bytes| self.work.pay(bytes, self.sink);
            let Some((object, mut dictionary)) = heads.dictionary(at, &mut pay) else { continue };
            dictionary.replace(&READING, |value| self.objects.resolved(value, &mut pay));
            self.names(before);
            if self.scripts(before, true) == Flow::Stop {
                return Flow::Stop;
            }
            let start = self.bytes.len().saturating_sub(data.len());
            let data = ends.extent(start, &dictionary);
            if self.stream(object, &dictionary, data) == Flow::Stop {
                return Flow::Stop;
            }
            // The end of the data; the same bytes may not be a dictionary as well.
            text_start = start.saturating_add(data.len());
            from = text_start;
            heads.pass(text_start);
        }
        if heads.is_cut {
            self.sink.incomplete(Reason::Unsupported("so long a dictionary of a stream".to_owned()));
        }
        let behind = self.bytes.get(text_start..).unwrap_or_default();
        self.names(behind);
        self.scripts(behind, true)
    }

    /// Notes names that are written so as not to be found, once.
    fn names(&mut self, text: &[u8]) {
        let mut pay = |bytes| self.work.pay(bytes, self.sink);
        if !self.has_hidden_name && names::are_hidden(text, &mut self.trials, &mut pay) {
            self.has_hidden_name = true;
            self.sink.anomaly(Anomaly::ObfuscatedPdfName);
        }
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
            if self.give(name, Content::Bytes(data), data.len()) == Flow::Stop {
                return Flow::Stop;
            }
            return if is_of_objects { self.scripts(data, false) } else { Flow::Continue };
        };
        let Some(input) = decoded_by(first, data, self.sink) else { return Flow::Continue };
        let input = &*input;
        if is_of_objects {
            let Some(objects) = last.decoded(input, self.sink) else { return Flow::Continue };
            if self.give(name, Content::Bytes(&objects), data.len()) == Flow::Stop {
                return Flow::Stop;
            }
            return self.scripts(&objects, false);
        }
        match last.decoder(input) {
            Some(mut decoder) => self.give(name, Content::Stream(&mut decoder), input.len()),
            None => self.give(name, Content::Part(input, last.unknown()), data.len()),
        }
    }

    /// Gives the scripts that stand in text as strings, and tells the addresses. The document's encryption covers
    /// them when they stand in the file itself.
    fn scripts(&mut self, text: &[u8], is_file: bool) -> Flow {
        if self.is_locked {
            return Flow::Continue;
        }
        // Up to where values were read.
        let mut covered = 0_usize;
        // `JS` and `URI` in any of their spellings: at most three characters for each of theirs.
        let begins = |second, third| {
            let is_name = (second == b'J') & (third == b'S') | (second == b'U') & (third == b'R');
            is_name | (second == b'#') | (third == b'#')
        };
        for at in triples(text, |first, second, third| (first == b'/') & begins(second, third)) {
            if !self.work.pay(NAME, self.sink) {
                break;
            }
            let mut lexer = Lexer::new(text.get(at..).unwrap_or_default());
            let name = lexer.name();
            let is_script = match name.as_deref() {
                Some(b"JS") => true,
                Some(b"URI") => false,
                _ => continue,
            };
            lexer.blanks();
            // What stands in a string that was read before is read again.
            let price = if at < covered { VALUE } else { TEXT };
            let (value, least) = match lexer.rest() {
                // Values in others are met when it is their turn.
                [b'[', ..] | [b'<', b'<', ..] => (None, 0),
                rest => {
                    // So long is a string at least.
                    let least = match rest {
                        [b'(' | b'<', ..] => memchr::memchr2(b')', b'>', rest).unwrap_or(rest.len()),
                        _ => 0,
                    };
                    if !self.work.pay(least.saturating_mul(price), self.sink) {
                        break;
                    }
                    (lexer.value(), least)
                }
            };
            let end = text.len().saturating_sub(lexer.rest().len());
            let read = end.saturating_sub(at).saturating_sub(least);
            if !self.work.pay(read.saturating_mul(price), self.sink) {
                break;
            }
            covered = covered.max(end);
            let string = match value {
                Some(Value::Text(string)) => {
                    let near = text.get(..at).unwrap_or_default();
                    let near = near.get(near.len().saturating_sub(DICTIONARY)..).unwrap_or_default();
                    let object = if is_file { object_of(near, near.len()) } else { None };
                    self.decrypted(object, string)
                }
                Some(Value::Reference(number)) if is_script => match self.referred(number) {
                    Some(string) => self.decrypted(Some((number, 0)), string),
                    None => continue,
                },
                _ => continue,
            };
            let string = match string.strip_prefix(b"\xfe\xff") {
                Some(wide) => encoding_rs::UTF_16BE.decode(wide).0.into_owned().into_bytes(),
                None => string,
            };
            if !is_script && self.addresses < ADDRESSES {
                self.addresses = self.addresses.saturating_add(1);
                self.sink.detail("uri", String::from_utf8_lossy(&string).into_owned());
            }
            // An address is searched where it stands, but for one that is encrypted, or written in digits, with escapes or in UTF-16.
            let written = text.get(at..end).unwrap_or_default();
            let name = if is_script { "JavaScript" } else { "URI" };
            if (is_script || memmem::find(written, &string).is_none())
                && self.give(name.to_owned(), Content::Bytes(&string), string.len()) == Flow::Stop
            {
                return Flow::Stop;
            }
        }
        Flow::Continue
    }

    /// The string of the object of this number, once.
    fn referred(&mut self, number: u64) -> Option<Vec<u8>> {
        // Each is read once, whatever it is.
        if self.work.is_over() || !self.given.insert(number) {
            return None;
        }
        let text = self.objects.text(number, &mut |bytes| self.work.pay(bytes, self.sink))?;
        let mut lexer = Lexer::new(text);
        let value = lexer.value();
        // Objects without an end reach over all that follow.
        let is_paid = self.work.pay(text.len().saturating_sub(lexer.rest().len()), self.sink);
        match value? {
            Value::Text(string) if is_paid => Some(string),
            _ => None,
        }
    }

    /// A string of an object as it is read.
    fn decrypted(&self, object: Option<(u64, u64)>, string: Vec<u8>) -> Vec<u8> {
        let encryption = self.encryption.as_ref().zip(object);
        encryption.and_then(|(encryption, object)| encryption.string(object, &string)).unwrap_or(string)
    }

    fn give(&mut self, name: String, content: Content<'_>, compressed: usize) -> Flow {
        self.position = self.position.saturating_add(1);
        let compressed_size = u64::try_from(compressed).ok();
        let member = Member { name, position: self.position, compressed_size, ..Member::default() };
        self.sink.child(ChildKind::Extracted, &member, content)
    }
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
