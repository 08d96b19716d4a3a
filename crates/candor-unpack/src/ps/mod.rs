//! PostScript: what stands in it behind filters, under the cipher of fonts, as binary data and as a preview; and the
//! parts of files for DOS.
//!
//! Language: PostScript Language Reference, third edition, 3.13 (filters); comments: Document Structuring Conventions
//! 3.0; files for DOS, and previews: Encapsulated PostScript File Format 3.0; cipher: Adobe Type 1 Font Format, 7.
//!
//! ```text
//! c5 d0 d3 c6 | PostScript: offset 4, length 4 | metafile: the same | TIFF: the same | sum 2
//! … currentfile /ASCII85Decode filter /FlateDecode filter … image      currentfile eexec
//! Gb"0;0…~>                                                             743f8413…
//! ```
//!
//! Which bytes a filter reads only a run of the program could tell. What is looked for is what programs write: the
//! names of filters behind `currentfile`, and then the first line that is what the first of them reads. Text in base 85
//! is also found by its end alone, for procedures that are called by another name, and so are long strings of
//! digits, which hold what an exploit brings along. The program itself is searched as it stands. Hostile files point a
//! thousand filters at the same bytes: what is read of a file is four times its length at most.

mod eexec;
mod filters;
mod sections;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use candor_model::{ChildKind, Content, FileType, Flow, Member, Reason, Sink};

use crate::pdf::filter::{FILTERS, Filter, decoded_by};
use crate::reader::{Reader, clipped};
use crate::work::{self, Work};

/// The magic of files for DOS.
const DOS: [u8; 4] = [0xc5, 0xd0, 0xd3, 0xc6];
/// Length of their header.
const DOS_HEADER: u64 = 30;
/// Pieces that are given.
const PIECES: u64 = 4096;
/// Every byte may be read so many times.
const READINGS: usize = 4;
/// What a byte of a program costs, in those that are only read once.
const WORK: u64 = 2;
/// The least that a piece must have to be worth it, in bytes.
const SMALLEST: usize = 8;

/// Whether a text is a program although its first line is not the one that decides on the type.
pub(crate) fn applies(file_type: FileType, bytes: &[u8]) -> bool {
    file_type.is_text() && bytes.strip_prefix(b"\x04").unwrap_or(bytes).starts_with(b"%!")
}

/// Gives what stands in a program.
pub(crate) fn unpack(bytes: &[u8], sink: &mut dyn Sink) {
    if bytes.starts_with(&DOS) {
        parts(bytes, sink);
        return;
    }
    if !sink.budget().pay_work(work::units(bytes.len()).saturating_mul(WORK)) {
        sink.incomplete(Reason::Work);
        return;
    }
    let left = bytes.len().saturating_mul(READINGS).saturating_add(1 << 16);
    let beyond = left;
    let work = Work::of(bytes);
    let mut walk = Walk {
        bytes,
        sink,
        work,
        position: 0,
        left,
        is_over: false,
        beyond,
        given: BTreeSet::new(),
        ends: BTreeSet::new(),
    };
    let _ = walk.all();
}

/// Gives the parts of a file for DOS.
fn parts(bytes: &[u8], sink: &mut dyn Sink) {
    let mut reader = Reader::little(bytes);
    let _ = reader.skip(4);
    for (position, name) in (1..).zip(["PostScript", "metafile", "TIFF"]) {
        let (Some(offset), Some(length)) = (reader.u32(), reader.u32()) else {
            sink.incomplete(Reason::Malformed("the header of an EPS file".to_owned()));
            return;
        };
        let (offset, length) = (u64::from(offset), u64::from(length));
        // A part that holds this header would lead back here.
        if length == 0 || offset < DOS_HEADER {
            continue;
        }
        let part = clipped(bytes, offset, length);
        let member = Member { name: name.to_owned(), position, ..Member::default() };
        let is_whole = u64::try_from(part.len()).is_ok_and(|there| there == length);
        let reason = || Reason::Malformed(format!("{} of {length} bytes are there", part.len()));
        let content = match part {
            [] => Content::Absent(reason()),
            _ if is_whole => Content::Bytes(part),
            _ => Content::Part(part, reason()),
        };
        // Behind the end of the file there is no place.
        let kind = if part.is_empty() { ChildKind::Extracted } else { ChildKind::Embedded { offset } };
        if sink.child(kind, &member, content) == Flow::Stop {
            return;
        }
    }
}

/// What it costs to see where data begin that end here, in bytes that are read.
const END: usize = 64;
/// What a byte costs that is under the cipher of fonts, in the same.
const CIPHER: usize = 4;

struct Walk<'a, 'sink> {
    bytes: &'a [u8],
    sink: &'sink mut dyn Sink,
    /// Data that seem to end, and the cipher of fonts.
    work: Work,
    position: u64,
    /// How many bytes of the file may still be read, and whether it was said that more should be.
    left: usize,
    is_over: bool,
    /// And how many by decoders that only know where their data end when they are there.
    beyond: usize,
    /// Where data were taken from, and up to where.
    given: BTreeSet<(usize, usize)>,
    ends: BTreeSet<usize>,
}

impl<'a> Walk<'a, '_> {
    fn all(&mut self) -> Flow {
        let mut last = Vec::new();
        for at in memchr::memmem::find_iter(self.bytes, b"currentfile") {
            let behind = at.saturating_add(b"currentfile".len());
            let rest = self.bytes.get(behind..).unwrap_or_default();
            let flow = match eexec::start(rest) {
                Some(skipped) => self.font(behind.saturating_add(skipped)),
                None => {
                    let found = filters::behind(rest);
                    if !self.read(found.looked_at) {
                        return Flow::Stop;
                    }
                    let flow = match found.start {
                        Some(start) => {
                            let data = rest.get(start..).unwrap_or_default();
                            let length = filters::end(&found.chain, data, found.mark.as_deref());
                            let more = self.beyond(&found.chain, data.len(), length);
                            self.data(&found.chain, behind.saturating_add(start), length, more)
                        }
                        None => Flow::Continue,
                    };
                    if !found.chain.is_empty() {
                        last = found.chain;
                    }
                    flow
                }
            };
            if flow == Flow::Stop {
                return Flow::Stop;
            }
        }
        if self.by_end(&last) == Flow::Stop || self.sections() == Flow::Stop {
            return Flow::Stop;
        }
        self.strings()
    }

    /// Takes so many bytes of the account.
    fn read(&mut self, length: usize) -> bool {
        match self.left.checked_sub(length) {
            Some(left) => {
                self.left = left;
                true
            }
            None => {
                if !self.is_over {
                    self.is_over = true;
                    self.sink.incomplete(Reason::Unsupported("data that many filters share".to_owned()));
                }
                self.left = 0;
                false
            }
        }
    }

    /// How far a decoder may read behind the likely end of its data: these may spell the word that others begin with.
    fn beyond(&mut self, chain: &[Filter], total: usize, likely: usize) -> usize {
        let name = chain.first().map(Filter::name);
        let more = total.saturating_sub(likely);
        match self.beyond.checked_sub(more) {
            Some(beyond) if matches!(name, Some(b"FlateDecode" | b"LZWDecode")) => {
                self.beyond = beyond;
                more
            }
            _ => 0,
        }
    }

    /// Gives `length` bytes of data behind a chain of filters, whose decoder may read so many `more`.
    fn data(&mut self, chain: &[Filter], start: usize, length: usize, more: usize) -> Flow {
        let end = start.saturating_add(length);
        if !self.given.insert((start, end)) {
            return Flow::Continue;
        }
        self.ends.insert(end);
        if !self.read(length) {
            return Flow::Stop;
        }
        if chain.len() > FILTERS {
            self.sink.incomplete(Reason::Unsupported(format!("a chain of {} filters", chain.len())));
            return Flow::Continue;
        }
        let data = self.bytes.get(start..end.saturating_add(more)).unwrap_or_default();
        let Some((last, first)) = chain.split_last() else { return Flow::Continue };
        let Some(input) = decoded_by(first, data, self.sink) else { return Flow::Continue };
        let input = &*input;
        match last.decoder(input) {
            Some(mut decoder) => self.give("data", Content::Stream(&mut decoder), input.len()),
            None => Flow::Continue,
        }
    }

    /// Gives what stands in base 85 and was not read by a filter that is known: of procedures, the filters that the
    /// last one of them names, if it begins with this one.
    fn by_end(&mut self, last: &[Filter]) -> Flow {
        let mut from = 0_usize;
        for at in memchr::memmem::find_iter(self.bytes, b"~>") {
            let end = at.saturating_add(2);
            if !self.work.pay(END, self.sink) {
                return Flow::Continue;
            }
            let text = self.bytes.get(from..end).unwrap_or_default();
            if self.ends.contains(&end) {
                from = end;
                continue;
            }
            let start = from.saturating_add(filters::start_of_85(text));
            let length = end.saturating_sub(start);
            from = end;
            if length < SMALLEST {
                continue;
            }
            let data = self.bytes.get(start..end).unwrap_or_default();
            let chain = filters::chain_for(data, last);
            if self.data(&chain, start, length, 0) == Flow::Stop {
                return Flow::Stop;
            }
        }
        Flow::Continue
    }

    /// Gives what a font hides.
    fn font(&mut self, start: usize) -> Flow {
        let bytes = self.bytes;
        let hidden = bytes.get(start..).unwrap_or_default();
        let readable = hidden.get(..self.left.min(self.work.left(self.sink) / CIPHER)).unwrap_or(hidden);
        let (plain, length) = eexec::decrypted(readable);
        if !self.work.pay(length.saturating_mul(CIPHER), self.sink) || !self.read(length) {
            return Flow::Stop;
        }
        // It goes on, and nothing more may be read of it.
        if length == readable.len() && length < hidden.len() {
            let _ = self.read(1);
        }
        if plain.len() < SMALLEST {
            return Flow::Continue;
        }
        let made = u64::try_from(plain.len()).unwrap_or(u64::MAX);
        if let Err(reason) = self.sink.budget().admit(made) {
            self.sink.incomplete(reason);
            return Flow::Stop;
        }
        self.give("eexec", Content::Bytes(&plain), length)
    }

    /// Gives what comments say that it is no program.
    fn sections(&mut self) -> Flow {
        let bytes = self.bytes;
        for section in sections::found(bytes) {
            let decoded;
            let content = match section.form {
                sections::Form::Plain => section.bytes,
                sections::Form::Digits => {
                    decoded = crate::transfer::hexadecimal(section.bytes);
                    &decoded
                }
            };
            if content.len() < SMALLEST {
                continue;
            }
            if !self.read(section.bytes.len()) {
                return Flow::Stop;
            }
            if self.give(section.name, Content::Bytes(content), section.bytes.len()) == Flow::Stop {
                return Flow::Stop;
            }
        }
        Flow::Continue
    }

    /// Gives long strings of digits.
    fn strings(&mut self) -> Flow {
        let bytes = self.bytes;
        for digits in sections::strings(bytes) {
            let string = crate::transfer::hexadecimal(digits);
            if self.give("string", Content::Bytes(&string), digits.len()) == Flow::Stop {
                return Flow::Stop;
            }
        }
        Flow::Continue
    }

    fn give(&mut self, name: &str, content: Content<'_>, compressed: usize) -> Flow {
        if self.position >= PIECES {
            self.sink.incomplete(Reason::Unsupported(format!("pieces behind the first {PIECES}")));
            return Flow::Stop;
        }
        self.position = self.position.saturating_add(1);
        let member = Member {
            name: format!("{name} {}", self.position),
            position: self.position,
            compressed_size: u64::try_from(compressed).ok(),
            ..Member::default()
        };
        self.sink.child(ChildKind::Extracted, &member, content)
    }
}
