//! Mail: RFC 5322 messages with MIME parts, mailboxes of them, MHTML, and files in uuencoded text and yEnc.
//!
//! Every part is a child with its encoding undone; a message inside of a message is a child as it stands.
//!
//! What hostile mails do, and what is done about it: boundaries that are not those that the header names,
//! or none (a line that starts with two dashes and is followed by a header counts as one); base64 with other
//! characters in it, or cut short (they are passed over, the beginning is kept); encodings that the header
//! does not name (a body that is base64 throughout is given decoded too); headers that end without an empty
//! line; a message in several mails (RFC 2046, 5.2.2: what is in each is opened, and that the others are missing is
//! said); thousands of nested parts (the parts are walked in one pass, with a list of the open boundaries).

mod header;
#[cfg(test)]
mod tests;
mod yenc;

use candor_model::{ChildKind, Content, FileType, Flow, Member, Reason, Sink};
use memchr::memmem;

use crate::name::decoded;
use crate::transfer::{base64, quoted_printable, uuencoded};
use crate::work::Work;
use header::Header;

/// Boundaries that are open at a time, and parts of one message.
const BOUNDARIES: usize = 64;
const PARTS: u64 = 8192;
/// How far behind a header its boundary is looked for.
const NEAR: usize = 256 << 10;
/// How many bytes are searched in the time in which one is read, where much of what stands there is almost a boundary.
const AHEAD: usize = 4;
/// How many boundaries a line is held against in the time in which a byte is read.
const COMPARED: usize = 2;
/// How many bytes are compared at a time.
const AT_ONCE: usize = 64;
/// Files in uuencoded text of one part, and of those in yEnc.
const FILES: usize = 256;

/// Gives the parts of a message, or the messages of a mailbox.
pub(crate) fn unpack(bytes: &[u8], sink: &mut dyn Sink) {
    let mut mail = Mail { sink, position: 0, work: Work::of(bytes) };
    let messages = messages(bytes);
    if messages.len() > 1 {
        for message in messages {
            if mail.give(String::new(), Some(FileType::Mail), message) == Flow::Stop {
                return;
            }
        }
        return;
    }
    let _ = mail.message(bytes);
}

/// Gives the files in uuencoded text.
pub(crate) fn unpack_uuencoded(bytes: &[u8], sink: &mut dyn Sink) {
    let _ = Mail { sink, position: 0, work: Work::of(bytes) }.files(bytes);
}

/// The messages of a mailbox: each starts with a line `From `, behind an empty line.
fn messages(bytes: &[u8]) -> Vec<&[u8]> {
    if !bytes.starts_with(b"From ") {
        return vec![bytes];
    }
    let mut starts = vec![0];
    for at in memmem::find_iter(bytes, b"\nFrom ") {
        let before = bytes.get(..at).unwrap_or_default();
        if before.ends_with(b"\n") || before.ends_with(b"\n\r") {
            starts.push(at.saturating_add(1));
        }
    }
    let ends: Vec<usize> = starts.iter().skip(1).copied().chain([bytes.len()]).collect();
    starts.into_iter().zip(ends).filter_map(|(start, end)| bytes.get(start..end)).collect()
}

struct Mail<'sink> {
    sink: &'sink mut dyn Sink,
    position: u64,
    /// Looking ahead for boundaries, holding lines against many of them, and reading files that begin in one another.
    work: Work,
}

impl Mail<'_> {
    fn message(&mut self, bytes: &[u8]) -> Flow {
        let (header, body) = self.header(bytes);
        let mut boundaries: Vec<Vec<u8>> = Vec::new();
        let mut current = header;
        let mut part_start = body;
        let mut at = body;
        self.open(&current, bytes.get(body..).unwrap_or_default(), &mut boundaries);
        while let Some(found) = self.next_boundary(bytes, at, &boundaries) {
            let part = bytes.get(part_start..found.start).unwrap_or_default();
            let is_container = current.media_type.starts_with("multipart/");
            if !(is_container && part.trim_ascii().is_empty())
                && self.part(&current, part, is_container) == Flow::Stop
            {
                return Flow::Stop;
            }
            boundaries.truncate(found.depth.saturating_add(usize::from(!found.is_last)));
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
            let (header, body) = self.header(rest);
            current = header;
            part_start = found.end.saturating_add(body);
            at = part_start;
            self.open(&current, bytes.get(part_start..).unwrap_or_default(), &mut boundaries);
        }
        let part = bytes.get(part_start..).unwrap_or_default();
        let is_container = current.media_type.starts_with("multipart/");
        self.part(&current, part, is_container)
    }

    /// The header at the start of `bytes`, and where the body starts.
    fn header(&mut self, bytes: &[u8]) -> (Header, usize) {
        let (header, body) = Header::read(bytes);
        if header.is_cut {
            self.sink.incomplete(Reason::Unsupported("so long a header of a mail".to_owned()));
        }
        (header, body)
    }

    /// The next line that is one of these boundaries. None when nothing is left to pay for holding lines against them.
    fn next_boundary(&mut self, bytes: &[u8], from: usize, boundaries: &[Vec<u8>]) -> Option<Boundary> {
        if boundaries.is_empty() {
            return None;
        }
        let rest = bytes.get(from..)?;
        for at in memmem::find_iter(rest, b"--") {
            let start = from.saturating_add(at);
            let before = bytes.get(..start)?;
            if !(before.is_empty() || before.ends_with(b"\n") || start == from) {
                continue;
            }
            let line = bytes.get(start..)?;
            let end = memchr::memchr(b'\n', line).map_or(line.len(), |end| end.saturating_add(1));
            let text = line.get(2..end)?.trim_ascii_end();
            let compared = (text.len() / AT_ONCE).saturating_add(1).saturating_mul(boundaries.len());
            if !self.work.pay(compared / COMPARED, self.sink) {
                return None;
            }
            // The longest that fits, innermost first: one may begin with another.
            let fitting = boundaries.iter().enumerate().filter(|(_, boundary)| text.starts_with(boundary));
            let Some((depth, boundary)) = fitting.max_by_key(|(depth, boundary)| (boundary.len(), *depth))
            else {
                continue;
            };
            let is_last = text.get(boundary.len()..)?.starts_with(b"--");
            return Some(Boundary { start, end: start.saturating_add(end), depth, is_last });
        }
        None
    }

    /// Notes the boundary of a part that has parts.
    fn open(&mut self, header: &Header, body: &[u8], boundaries: &mut Vec<Vec<u8>>) {
        // Every part may name one, so only the beginning is searched.
        let near = body.get(..NEAR).unwrap_or(body);
        let named = header.boundary.clone().filter(|boundary| {
            if boundary.is_empty() {
                return false;
            }
            // What is not paid for is believed.
            if body.len() > NEAR || self.work.is_over() {
                return true;
            }
            let place = memmem::find(near, &[b"--", &boundary[..]].concat());
            !self.work.pay(place.unwrap_or(near.len()) / AHEAD, self.sink) || place.is_some()
        });
        let is_container = header.media_type.starts_with("multipart/") || header.boundary.is_some();
        let boundary = named.or_else(|| {
            if !is_container || self.work.is_over() {
                return None;
            }
            let (boundary, read) = guess(near);
            self.work.pay(read, self.sink).then_some(boundary)?
        });
        let Some(boundary) = boundary else { return };
        if boundaries.len() < BOUNDARIES {
            boundaries.push(boundary);
        } else {
            self.sink.incomplete(Reason::Depth);
        }
    }

    /// Gives a part with its encoding undone. `is_between`: it is text before or behind the parts.
    fn part(&mut self, header: &Header, body: &[u8], is_between: bool) -> Flow {
        if body.trim_ascii().is_empty() {
            return Flow::Continue;
        }
        let is_fragment = header.media_type == "message/partial";
        if is_fragment {
            let reason = "the other parts of a message that came in several".to_owned();
            self.sink.incomplete(Reason::Unsupported(reason));
        }
        // The first fragment begins with the header of the message.
        let is_beginning = is_fragment && Header::read(body).0.is_of_message();
        let is_whole = header.media_type == "message/rfc822" && !header.encoding.contains("base64");
        let is_message = is_beginning || is_whole;
        let content = match header.encoding.as_str() {
            _ if is_between => body.to_vec(),
            encoding if encoding.contains("base64") => base64(body),
            encoding if encoding.contains("quoted-printable") => quoted_printable(body),
            encoding if encoding.contains("uu") => return self.files(body),
            _ => body.to_vec(),
        };
        let file_type = is_message.then_some(FileType::Mail);
        if self.give(header.name.clone(), file_type, &content) == Flow::Stop {
            return Flow::Stop;
        }
        let is_undecoded = content.len() == body.len() && !is_between;
        if is_undecoded
            && is_base64(body)
            && self.give(header.name.clone(), None, &base64(body)) == Flow::Stop
        {
            return Flow::Stop;
        }
        if is_message {
            return Flow::Continue;
        }
        match self.encoded(&content) {
            Flow::Continue => self.files(&content),
            Flow::Stop => Flow::Stop,
        }
    }

    /// Gives the files in yEnc.
    fn encoded(&mut self, text: &[u8]) -> Flow {
        for (count, file) in yenc::files(text).enumerate() {
            if count >= FILES {
                self.sink.incomplete(Reason::Children);
                break;
            }
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
        }
        Flow::Continue
    }

    /// Gives the files in uuencoded text.
    fn files(&mut self, text: &[u8]) -> Flow {
        let mut read_until = 0_usize;
        let mut files = 0_usize;
        for at in memmem::find_iter(text, b"begin ") {
            let is_line = at == 0 || text.get(at.saturating_sub(1)) == Some(&b'\n');
            if !is_line {
                continue;
            }
            let rest = text.get(at.saturating_add(6)..).unwrap_or_default();
            let line = rest.get(..memchr::memchr(b'\n', rest).unwrap_or(rest.len())).unwrap_or_default();
            let mut words = line.trim_ascii_end().splitn(2, |&byte| byte == b' ');
            let is_mode = |mode: &[u8]| (3..=4).contains(&mode.len()) && mode.iter().all(u8::is_ascii_digit);
            let (Some(mode), Some(name)) = (words.next(), words.next()) else { continue };
            if !is_mode(mode) {
                continue;
            }
            if files >= FILES {
                self.sink.incomplete(Reason::Children);
                return Flow::Continue;
            }
            files = files.saturating_add(1);
            let (content, read) = uuencoded(rest.get(line.len().saturating_add(1)..).unwrap_or_default());
            // One that begins in another, which has no end, is read once more.
            if at < read_until && !self.work.pay(read, self.sink) {
                return Flow::Continue;
            }
            read_until = text.len().saturating_sub(rest.len()).saturating_add(read);
            if !content.is_empty() && self.give(decoded(name), None, &content) == Flow::Stop {
                return Flow::Stop;
            }
        }
        Flow::Continue
    }

    fn give(&mut self, name: String, file_type: Option<FileType>, content: &[u8]) -> Flow {
        self.position = self.position.saturating_add(1);
        let real_size = u64::try_from(content.len()).ok();
        let member = Member { name, position: self.position, real_size, file_type, ..Member::default() };
        self.sink.child(ChildKind::Extracted, &member, Content::Bytes(content))
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

/// Whether a body is base64 though its header does not say so: lines of nothing else, at least two full ones.
fn is_base64(body: &[u8]) -> bool {
    let is_digit = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
    let mut long = 0_u32;
    for line in body.trim_ascii().split(|&byte| byte == b'\n').take(64) {
        let line = line.trim_ascii_end();
        if !line.iter().all(is_digit) {
            return false;
        }
        long = long.saturating_add(u32::from(line.len() >= 60));
    }
    long >= 2
}
