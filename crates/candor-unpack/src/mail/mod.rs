//! Mail: RFC 5322 messages with MIME parts, mailboxes of them, MHTML, and files in uuencoded text and yEnc.
//!
//! Every part is a child with its encoding undone; a message inside of a message is a child as it stands.
//!
//! What hostile mails do, and what is done about it: boundaries that are not those that the header names, or none
//! (a line that starts with two dashes and is followed by a header counts as one); base64 with other characters in
//! it, or cut short (they are passed over, the beginning is kept); encodings that the header does not name (a body
//! that is base64 throughout is given decoded too); headers that end without an empty line, or go on behind lines
//! that are no fields; parts behind the last one; a message in several mails (RFC 2046, 5.2.2: what is in each is
//! opened, and that the others are missing is said); messages of PGP (a text tells of them itself, and of what is binary
//! RFC 3156 says it); lines that end with CR alone (the mail is given again with LF in its place); thousands of nested parts (the parts are walked in one pass,
//! with a list of the open boundaries).

mod header;
mod lone;
#[cfg(test)]
mod tests;
mod yenc;

use std::borrow::Cow;
use std::ops::{Range, RangeInclusive};

use candor_model::{ChildKind, Content, FileType, Flow, Member, Reason, Sink, flags::triples};
use memchr::memmem;

use crate::name::decoded;
use crate::text;
use crate::transfer::{Lines, any, base64, is_base64_digit, quoted_printable, uuencoded};
use crate::work::Work;
use header::{Header, is_blank, trimmed_end};

/// Boundaries that are open at a time, and parts of one message.
const BOUNDARIES: usize = 64;
const PARTS: u64 = 8192;
/// How far behind a header its boundary is looked for, and how much of what is not paid for is decoded.
const NEAR: usize = 256 << 10;
/// How many bytes are searched in the time in which one is read, where much of what stands there is almost a boundary.
const AHEAD: usize = 4;
/// How many bytes are compared at a time.
const AT_ONCE: usize = 64;
/// What a line costs that begins as a boundary does, beside comparing it, and what one does that is a boundary or opens a
/// container. In the units of [`candor_model::Budget::pay_work`], as those that follow.
const DASHES: usize = 32;
const BOUNDARY: usize = 128;
/// What a sign costs at which a text in base64 ends and the next begins, what the end of one of its lines does, and what something
/// escaped in quoted-printable does.
const END: usize = 16;
const BREAK: usize = 8;
const ESCAPE: usize = 4;
/// What a line costs with which a uuencoded file begins, or almost, and what one of a file does.
const BEGIN: usize = 64;
const LINE: usize = 16;
/// How much of a header is looked at for passwords.
const HEADER: usize = 64 << 10;
/// Digits of the mode of a uuencoded file: with the kind of file, and zeros in front, there are more than three.
const MODE: RangeInclusive<usize> = 3..=11;
/// Bytes in front of the mode of a file in base64.
const NAMED: usize = b"begin-base64 ".len();
/// How far behind the beginning of a text the first file in yEnc may begin.
const YENC_NEAR: usize = 4096;

/// Files in uuencoded text of one part, of those in base64 that are named as these, and of those in yEnc.
const FILES: usize = 256;
/// What is told of one without its end.
const CUT: &str = "a uuencoded file is cut short: the line that ends it is missing";

/// Gives the parts of a message, or the messages of a mailbox.
pub(crate) fn unpack(bytes: &[u8], sink: &mut dyn Sink) {
    let mut mail = Mail { sink, position: 0, work: Work::of(bytes), is_encrypted: false };
    // A mark of UTF-8 is no part of the first line, nor is what is empty before it.
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start();
    if lone::begins(bytes) && mail.give_mended(bytes) == Flow::Stop {
        return;
    }
    let mut start = 0_usize;
    for next in further_messages(bytes) {
        let message = bytes.get(start..next).unwrap_or_default();
        if mail.give(String::new(), Some(FileType::Mail), message) == Flow::Stop {
            return;
        }
        start = next;
    }
    let last = bytes.get(start..).unwrap_or_default();
    let _ = match start {
        0 => mail.message(bytes),
        _ => mail.give(String::new(), Some(FileType::Mail), last),
    };
}

/// The header that a text begins with, when words of it are in another character set (RFC 2047), without them.
pub(crate) fn header_in_the_clear(text: &[u8]) -> Option<Vec<u8>> {
    let end = memmem::find(text, b"\n\n").into_iter().chain(memmem::find(text, b"\n\r\n")).min();
    let header = text.get(..end.unwrap_or(text.len()).min(HEADER))?;
    memmem::find(header, b"=?")?;
    let mut clear = Vec::with_capacity(header.len());
    let mut rest = header;
    while !rest.is_empty() {
        // A field goes on in lines that begin with a blank.
        let breaks = memchr::memchr_iter(b'\n', rest).map(|at| at.saturating_add(1));
        let mut ends = breaks.filter(|at| !matches!(rest.get(*at), Some(b' ' | b'\t')));
        let (field, behind) = rest.split_at_checked(ends.next().unwrap_or(rest.len()))?;
        clear.extend_from_slice(header::words(field).as_bytes());
        rest = behind;
    }
    Some(clear)
}

/// Gives the files in uuencoded text.
pub(crate) fn unpack_uuencoded(bytes: &[u8], sink: &mut dyn Sink) {
    let _ = search_uuencoded(bytes, sink);
}

/// Gives the files that stand uuencoded in a text.
pub(crate) fn search_uuencoded(text: &[u8], sink: &mut dyn Sink) -> Flow {
    Mail { sink, position: 0, work: Work::of(text), is_encrypted: false }.files(text)
}

/// What `uuencode -m` writes between a line that names a file, and one of four signs: the rest of that line, and where the digits
/// stand that are behind it, of the first files of a text. Words are none.
pub(crate) fn named_base64(text: &[u8]) -> impl Iterator<Item = (&[u8], Range<usize>)> {
    let mut starts = lines_with(text, b"begin-base64 ").peekable();
    let next = move || {
        let start = starts.next()?;
        // The next one begins where this one has to have ended.
        let until = starts.peek().copied().unwrap_or(text.len());
        let line = text.get(start..until)?;
        let line = line.get(..memchr::memchr(b'\n', line).unwrap_or(line.len()))?;
        let behind = start.saturating_add(line.len());
        let end =
            memmem::find(text.get(behind..until)?, b"\n====").map_or(until, |at| behind.saturating_add(at));
        Some((line.get(NAMED..)?, behind..end))
    };
    let is_named = |(line, place): &(&[u8], Range<usize>)| {
        let digits = text.get(place.clone()).unwrap_or_default().trim_ascii_start();
        let first = digits.get(..memchr::memchr(b'\n', digits).unwrap_or(digits.len())).unwrap_or_default();
        !first.is_empty()
            && !any(first.trim_ascii_end(), |byte| !is_base64_digit(byte))
            && name(line).is_some()
    };
    std::iter::from_fn(next).filter(is_named).take(FILES)
}

/// The name behind the mode of a file, in the line that it begins with.
fn name(line: &[u8]) -> Option<&[u8]> {
    let at = memchr::memchr(b' ', line)?;
    let (mode, behind) = trimmed_end(line).split_at_checked(at)?;
    let is_mode = MODE.contains(&mode.len()) && mode.iter().all(u8::is_ascii_digit);
    behind.get(1..).filter(|_| is_mode)
}

/// Whether a file in yEnc begins near the beginning of a text. Its bytes may be any, so that text with one is often taken for data.
pub(crate) fn begins_with_yenc(text: &[u8]) -> bool {
    let near = text.get(..text.len().min(YENC_NEAR)).unwrap_or_default();
    lines_with(near, b"=ybegin ").next().is_some()
}

/// Gives the files that stand in yEnc in a text.
pub(crate) fn search_yenc(text: &[u8], sink: &mut dyn Sink) {
    // There is nothing after them, so whether to go on makes no difference.
    let _ = Mail { sink, position: 0, work: Work::of(text), is_encrypted: false }.encoded(text);
}

/// Where the messages of a mailbox start but the first one: each with a line `From `, behind an empty line.
fn further_messages(bytes: &[u8]) -> impl Iterator<Item = usize> {
    let starts = lines_with(bytes, b"From ").filter(|start| {
        let before = bytes.get(..*start).unwrap_or_default();
        before.ends_with(b"\n\n") || before.ends_with(b"\n\r\n")
    });
    bytes.starts_with(b"From ").then_some(starts).into_iter().flatten()
}

/// Where the lines start that begin with this. Many lines that almost do cost no more than others.
fn lines_with<'a, const N: usize>(
    text: &'a [u8],
    prefix: &'static [u8; N],
) -> impl Iterator<Item = usize> + use<'a, N> {
    let [initial, next] = prefix.first_chunk().copied().unwrap_or_default();
    let behind =
        triples(text, move |end, first, second| (end == b'\n') & (first == initial) & (second == next));
    let starts = std::iter::once(0).chain(behind.map(|at| at.saturating_add(1)));
    starts.filter(move |start| text.get(*start..).and_then(<[u8]>::first_chunk) == Some(prefix))
}

struct Mail<'sink> {
    sink: &'sink mut dyn Sink,
    position: u64,
    /// Looking ahead for boundaries, holding lines against many of them, and reading files that begin in one another.
    work: Work,
    /// Whether parts are said to be those of an encrypted message (RFC 3156).
    is_encrypted: bool,
}

impl Mail<'_> {
    fn message(&mut self, bytes: &[u8]) -> Flow {
        let (header, body) = self.header(bytes);
        let mut boundaries: Vec<Vec<u8>> = Vec::new();
        let mut current = header;
        let mut part_start = body;
        let mut at = body;
        let mut lines = lines_with(bytes, b"--");
        self.open(&current, bytes.get(body..).unwrap_or_default(), &mut boundaries);
        while let Some(found) =
            self.next_boundary(bytes, lines.by_ref().skip_while(|start| *start < at), &boundaries)
        {
            let part = bytes.get(part_start..found.start).unwrap_or_default();
            let is_container = current.is_container();
            if self.early(&current, bytes, found.start) == Flow::Stop {
                return Flow::Stop;
            }
            if !(is_container && is_blank(part)) && self.part(&current, part, is_container) == Flow::Stop {
                return Flow::Stop;
            }
            // Behind the last part others may follow: some programs show them.
            boundaries.truncate(found.depth.saturating_add(1));
            if self.position > PARTS {
                self.sink.incomplete(Reason::Children);
                return Flow::Stop;
            }
            let rest = bytes.get(found.end..).unwrap_or_default();
            if found.is_last {
                // What follows is for nobody, unless another boundary comes.
                current = Header { media_type: "multipart/".to_owned(), ..Header::default() };
                part_start = found.end;
                at = found.end;
                continue;
            }
            let (mut header, body) = self.header(rest);
            if let Some((_, start)) = &mut header.early {
                *start = start.saturating_add(found.end);
            }
            current = header;
            part_start = found.end.saturating_add(body);
            at = part_start;
            self.open(&current, bytes.get(part_start..).unwrap_or_default(), &mut boundaries);
        }
        let part = bytes.get(part_start..).unwrap_or_default();
        let is_container = current.is_container();
        if self.early(&current, bytes, bytes.len()) == Flow::Stop {
            return Flow::Stop;
        }
        if part_start == 0 {
            return self.whole(part);
        }
        // Ordinary mails lack the line behind the last part, too; but none ends within base64.
        if !boundaries.is_empty() && !is_container && current.encoding.contains("base64") && is_cut(part) {
            let reason = "a mail is cut short within base64: the line that ends its parts is missing";
            self.sink.incomplete(Reason::Malformed(reason.to_owned()));
        }
        self.part(&current, part, is_container)
    }

    /// Gives the part as those see it who end its header at the first line that is no field, when others do not.
    fn early(&mut self, header: &Header, bytes: &[u8], end: usize) -> Flow {
        // What begins with the message is the message.
        let Some((early, start)) = header.early.as_ref().filter(|(_, start)| *start > 0) else {
            return Flow::Continue;
        };
        self.part(early, bytes.get(*start..end).unwrap_or_default(), early.is_container())
    }

    /// Gives a text that has no header as such: it would be taken for the same mail again.
    fn whole(&mut self, text: &[u8]) -> Flow {
        if self.give(String::new(), Some(FileType::TextAscii), text) == Flow::Stop {
            return Flow::Stop;
        }
        self.encoded(text)
    }

    /// The header at the start of `bytes`, and where the body starts.
    fn header(&mut self, bytes: &[u8]) -> (Header, usize) {
        let (header, body) = Header::read(bytes, &mut |units| self.work.pay(units, self.sink));
        if header.is_cut {
            self.sink.incomplete(Reason::Unsupported("so long a header of a mail".to_owned()));
        }
        (header, body)
    }

    /// The next of these lines that is one of these boundaries. None when nothing is left to pay for holding lines against them.
    fn next_boundary(
        &mut self,
        bytes: &[u8],
        starts: impl Iterator<Item = usize>,
        boundaries: &[Vec<u8>],
    ) -> Option<Boundary> {
        if boundaries.is_empty() {
            return None;
        }
        for start in starts {
            let line = bytes.get(start..)?;
            let end = memchr::memchr(b'\n', line).map_or(line.len(), |end| end.saturating_add(1));
            let text = trimmed_end(line.get(2..end)?);
            let compared = (text.len() / AT_ONCE).saturating_add(1).saturating_mul(boundaries.len());
            if !self.work.pay(compared.saturating_add(DASHES), self.sink) {
                return None;
            }
            // The longest that fits, innermost first: one may begin with another.
            let fitting = boundaries.iter().enumerate().filter(|(_, boundary)| fits(text, boundary));
            let Some((depth, boundary)) = fitting.max_by_key(|(depth, boundary)| (boundary.len(), *depth))
            else {
                continue;
            };
            if !self.work.pay(BOUNDARY, self.sink) {
                return None;
            }
            let is_last = text.get(boundary.len()..)?.starts_with(b"--");
            return Some(Boundary { start, end: start.saturating_add(end), depth, is_last });
        }
        None
    }

    /// Notes the boundary of a part that has parts.
    fn open(&mut self, header: &Header, body: &[u8], boundaries: &mut Vec<Vec<u8>>) {
        self.is_encrypted |= header.media_type == "multipart/encrypted";
        // Every part may name one, so only the beginning is searched.
        let near = body.get(..NEAR).unwrap_or(body);
        // Blanks at its end are none of it.
        let mut names = header.boundaries().map(trimmed_end);
        let named = names.find(|boundary| {
            // What is not paid for is believed.
            if (body.len() > NEAR && !boundaries.is_empty()) || !self.work.pay(BOUNDARY, self.sink) {
                return true;
            }
            let place = place_of(near, boundary);
            !self.work.pay(place.unwrap_or(near.len()) / AHEAD, self.sink) || place.is_some()
        });
        // What says nothing of its body may have parts all the same.
        let says_nothing = boundaries.is_empty() && !header.media_type.contains('/');
        let is_container = header.is_container() || header.boundary.is_some() || says_nothing;
        let boundary = named.map(<[u8]>::to_vec).or_else(|| {
            if !is_container || !self.work.pay(BOUNDARY, self.sink) {
                return None;
            }
            let (boundary, read) = guess(near);
            self.work.pay(read, self.sink).then_some(boundary)?
        });
        // It may stand farther away.
        let far = || header.boundaries().next().map(trimmed_end).filter(|_| body.len() > NEAR);
        let boundary = boundary.or_else(|| far().map(<[u8]>::to_vec));
        let Some(boundary) = boundary else { return };
        if boundaries.len() < BOUNDARIES {
            boundaries.push(boundary);
        } else {
            self.sink.incomplete(Reason::Depth);
        }
    }

    /// Gives a part with its encoding undone. `is_between`: it is text before or behind the parts.
    fn part(&mut self, header: &Header, body: &[u8], is_between: bool) -> Flow {
        if is_blank(body) {
            return Flow::Continue;
        }
        let is_fragment = header.media_type == "message/partial";
        if is_fragment && !header.is_only_part {
            let reason = "the other parts of a message that came in several".to_owned();
            self.sink.incomplete(Reason::Unsupported(reason));
        }
        // The first fragment begins with the header of the message.
        let is_beginning = is_fragment && self.header(body).0.is_of_message();
        let is_whole = header.media_type == "message/rfc822" && !header.encoding.contains("base64");
        let is_message = is_beginning || is_whole;
        let content = match header.encoding.as_str() {
            _ if is_between => Cow::Borrowed(body),
            encoding if encoding.contains("base64") => Cow::Owned(self.undo_base64(body)),
            encoding if encoding.contains("quoted-printable") => self.undo_quoted_printable(body),
            encoding if encoding.contains("uu") => return self.files(body),
            _ => Cow::Borrowed(body),
        };
        let file_type = is_message.then_some(FileType::Mail);
        if self.give(header.name.clone(), file_type, &content) == Flow::Stop {
            return Flow::Stop;
        }
        // As text, a message says itself what it is.
        let is_binary = self.is_encrypted && !is_between && header.media_type == "application/octet-stream";
        if let Some(reason) = is_binary.then(|| text::pgp::message(&content)).flatten() {
            self.sink.incomplete(reason);
        }
        let is_undecoded = content.len() == body.len() && !is_between;
        // What is opened as text is decoded then, too, but for its name.
        let is_given = |sink: &mut dyn Sink| header.name.is_empty() && text::is_base64(body, sink);
        if is_undecoded && is_base64(body) && !is_given(self.sink) {
            let content = self.undo_base64(body);
            if self.give(header.name.clone(), None, &content) == Flow::Stop {
                return Flow::Stop;
            }
        }
        if is_message {
            return Flow::Continue;
        }
        // Near its beginning the part is read as what it is.
        let flow = if begins_with_yenc(&content) { Flow::Continue } else { self.encoded(&content) };
        match flow {
            // In text they are looked for as in any other.
            Flow::Continue if !is_plain(&content) => self.files(&content),
            flow => flow,
        }
    }

    /// What is in base64. Of many texts that are joined, of which a body has no more than a few, the first when the others are
    /// not paid for, and of lines of a few digits the first ones.
    fn undo_base64(&mut self, text: &[u8]) -> Vec<u8> {
        let ends = memchr::memchr_iter(b'=', text).count();
        let breaks = memchr::memchr_iter(b'\n', text).count();
        let price = ends.saturating_mul(END).saturating_add(breaks.saturating_mul(BREAK));
        if self.work.pay(price, self.sink) {
            return base64(text);
        }
        let near = text.get(..text.len().min(NEAR)).unwrap_or_default();
        let first = memchr::memchr(b'=', near).and_then(|end| near.get(..end));
        base64(first.unwrap_or(near))
    }

    /// What is in quoted-printable; as it stands when that is not paid for.
    fn undo_quoted_printable<'t>(&mut self, text: &'t [u8]) -> Cow<'t, [u8]> {
        let escapes = memchr::memchr_iter(b'=', text).count();
        if !self.work.pay(escapes.saturating_mul(ESCAPE), self.sink) {
            return Cow::Borrowed(text);
        }
        Cow::Owned(quoted_printable(text))
    }

    /// Gives the files in yEnc.
    fn encoded(&mut self, text: &[u8]) -> Flow {
        let mut files = yenc::files(text);
        for count in 0_usize.. {
            let Some((file, price)) = files(self.work.left(self.sink)) else { break };
            if count >= FILES {
                self.sink.incomplete(Reason::Children);
                break;
            }
            let is_paid = self.work.pay(price, self.sink);
            self.position = self.position.saturating_add(1);
            let member = Member {
                name: file.name,
                position: self.position,
                real_size: file.size,
                ..Member::default()
            };
            let content = match file.missing {
                Some(reason) => Content::Part(&file.content, reason),
                None => Content::Bytes(&file.content),
            };
            if self.sink.child(ChildKind::Extracted, &member, content) == Flow::Stop {
                return Flow::Stop;
            }
            if !is_paid {
                break;
            }
        }
        Flow::Continue
    }

    /// Gives the files in uuencoded text.
    fn files(&mut self, text: &[u8]) -> Flow {
        let mut read_until = 0_usize;
        let mut files = 0_usize;
        for at in lines_with(text, b"begin ") {
            if !self.work.pay(BEGIN, self.sink) {
                return Flow::Continue;
            }
            let rest = text.get(at.saturating_add(6)..).unwrap_or_default();
            let line = rest.get(..memchr::memchr(b'\n', rest).unwrap_or(rest.len())).unwrap_or_default();
            let Some(name) = name(line) else { continue };
            if files >= FILES {
                self.sink.incomplete(Reason::Children);
                return Flow::Continue;
            }
            files = files.saturating_add(1);
            let behind = rest.get(line.len().saturating_add(1)..).unwrap_or_default();
            // One more than can be paid for tells that there are more.
            let most = (self.work.left(self.sink) / LINE).saturating_add(1);
            let Lines { content, read, count, is_cut } = uuencoded(behind, most);
            let is_paid = self.work.pay(count.saturating_mul(LINE), self.sink);
            // One that begins in another, which has no end, is read once more.
            if at < read_until && !self.work.pay(read, self.sink) {
                return Flow::Continue;
            }
            read_until = text.len().saturating_sub(rest.len()).saturating_add(read);
            let cut = (is_cut && is_paid).then(|| Reason::Malformed(CUT.to_owned()));
            if !content.is_empty() && self.give_as_far(decoded(name), None, &content, cut) == Flow::Stop {
                return Flow::Stop;
            }
            if !is_paid {
                return Flow::Continue;
            }
        }
        for (line, place) in named_base64(text) {
            if !self.work.pay(BEGIN, self.sink) {
                return Flow::Continue;
            }
            let is_cut = !text.get(place.end..).unwrap_or_default().starts_with(b"\n====");
            let cut = is_cut.then(|| Reason::Malformed(CUT.to_owned()));
            let content = base64(text.get(place).unwrap_or_default());
            if self.give_as_far(decoded(name(line).unwrap_or_default()), None, &content, cut) == Flow::Stop {
                return Flow::Stop;
            }
        }
        Flow::Continue
    }

    /// Gives a mail whose lines end with CR alone as others are.
    fn give_mended(&mut self, mail: &[u8]) -> Flow {
        let content = Content::Stream(&mut lone::Mended(mail));
        self.child(String::new(), Some(FileType::Mail), mail.len(), content)
    }

    fn give(&mut self, name: String, file_type: Option<FileType>, content: &[u8]) -> Flow {
        self.give_as_far(name, file_type, content, None)
    }

    /// Gives what there is of a file, and why it is not more.
    fn give_as_far(
        &mut self,
        name: String,
        file_type: Option<FileType>,
        content: &[u8],
        missing: Option<Reason>,
    ) -> Flow {
        let length = content.len();
        let content = match missing {
            Some(reason) => Content::Part(content, reason),
            None => Content::Bytes(content),
        };
        self.child(name, file_type, length, content)
    }

    /// Gives the next child, of so many bytes.
    fn child(
        &mut self,
        name: String,
        file_type: Option<FileType>,
        length: usize,
        content: Content<'_>,
    ) -> Flow {
        self.position = self.position.saturating_add(1);
        let real_size = u64::try_from(length).ok();
        let member = Member { name, position: self.position, real_size, file_type, ..Member::default() };
        self.sink.child(ChildKind::Extracted, &member, content)
    }
}

/// A line that separates parts.
struct Boundary {
    /// Where its line starts, with the line break before it, and where the next line starts.
    start: usize,
    end: usize,
    /// Which of the open boundaries it is.
    depth: usize,
    /// Whether no part of that container follows.
    is_last: bool,
}

/// Whether a line, without the two dashes that it begins with, is of this boundary. An empty one stands alone: everything begins
/// with it.
fn fits(text: &[u8], boundary: &[u8]) -> bool {
    if boundary.is_empty() { text.is_empty() || text == b"--" } else { text.starts_with(boundary) }
}

/// Where a line of this boundary may stand.
fn place_of(near: &[u8], boundary: &[u8]) -> Option<usize> {
    if !boundary.is_empty() {
        return memmem::find(near, &[b"--", boundary].concat());
    }
    lines_with(near, b"--").find(|start| {
        let line = near.get(start.saturating_add(2)..).unwrap_or_default();
        is_blank(line.get(..memchr::memchr(b'\n', line).unwrap_or(line.len())).unwrap_or_default())
    })
}

/// The first line that looks like a boundary (two dashes, and a header field on the next line), and how far was read.
fn guess(body: &[u8]) -> (Option<Vec<u8>>, usize) {
    let mut read = 0_usize;
    for at in memmem::find_iter(body, b"--").take(1000) {
        let is_line = at == 0 || body.get(at.saturating_sub(1)) == Some(&b'\n');
        read = at;
        if !is_line {
            continue;
        }
        let line = body.get(at..).unwrap_or_default();
        let Some(end) = memchr::memchr(b'\n', line) else { return (None, body.len()) };
        let name = line.get(2..end).unwrap_or_default().trim_ascii_end();
        let next = line.get(end.saturating_add(1)..).unwrap_or_default();
        let is_header = next.get(..8).is_some_and(|start| start.eq_ignore_ascii_case(b"content-"));
        if is_header && !name.is_empty() {
            return (Some(name.to_vec()), read);
        }
    }
    (None, read)
}

/// Whether base64 at the end of a mail has no end itself: neither that of its line, nor of its last group.
fn is_cut(text: &[u8]) -> bool {
    let (mut count, mut last) = (0_usize, b'=');
    for byte in text {
        count = count.saturating_add(usize::from(is_base64_digit(*byte)));
        last = if is_base64_digit(*byte) { *byte } else { last };
    }
    last != b'=' && (!count.is_multiple_of(4) || text.last().is_some_and(|byte| is_base64_digit(*byte)))
}

/// Whether a part is text for everybody: in UTF-8, and without controls.
fn is_plain(part: &[u8]) -> bool {
    let is_control = |byte: u8| (byte < b' ') & (byte != b'\t') & (byte != b'\n') & (byte != b'\r');
    !any(part, is_control) && str::from_utf8(part).is_ok()
}

/// Whether a body is base64 though its header does not say so: lines of nothing else, at least two full ones.
fn is_base64(body: &[u8]) -> bool {
    let mut long = 0_u32;
    let mut rest = Some(trimmed_end(body).trim_ascii_start());
    for _ in 0..64 {
        let Some(text) = rest else { break };
        let (line, behind) = match memchr::memchr(b'\n', text).and_then(|end| text.split_at_checked(end)) {
            Some((line, behind)) => (line, behind.get(1..)),
            None => (text, None),
        };
        rest = behind;
        let line = trimmed_end(line);
        if any(line, |byte| !is_base64_digit(byte)) {
            return false;
        }
        long = long.saturating_add(u32::from(line.len() >= 60));
    }
    long >= 2
}
