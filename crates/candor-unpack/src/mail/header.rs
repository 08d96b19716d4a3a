//! Header fields of mail: folding, parameters, and words in other character sets.

use crate::name::decoded;
use crate::transfer::{any, base64, hex_pair, quoted_printable};

/// Fields of one header that are read, and bytes of one field.
const FIELDS: usize = 1024;
const FIELD: usize = 64 << 10;

/// Lines behind one that is no field in which the header may still go on.
const STRAY: usize = 256;
/// What marks UTF-8, and is no part of the first field.
const MARK_OF_UTF8: &[u8] = b"\xef\xbb\xbf";

/// What a line of a header costs; what a byte does of a field that matters, each end of a parameter, and each mark of a word in
/// another character set, of which it has four. In the units of [`candor_model::Budget::pay_work`].
const LINE: usize = 32;
const BYTE: usize = 4;
const MARK: usize = 64;

/// A header that ends early, and where.
type Early = Option<(Box<Header>, usize)>;

/// What matters of the header of a part.
#[derive(Clone, Debug, Default)]
pub(super) struct Header {
    /// Type and subtype, in lower case.
    pub(super) media_type: String,
    pub(super) boundary: Option<Vec<u8>>,
    /// It is of a message in parts, and this is the only one.
    pub(super) is_only_part: bool,
    /// In lower case.
    pub(super) encoding: String,
    pub(super) name: String,
    /// It goes on behind what was read of it.
    pub(super) is_cut: bool,
    /// What it is for those who end it at the first line that is no field, and where that line stands.
    pub(super) early: Early,
    /// Fields that matter, of which there may be several of a name.
    pub(super) counted: usize,
}

impl Header {
    /// Reads the header at the start of `bytes`, and says where the body starts. A line that is no field
    /// ends the header as an empty line does, as some programs show what follows, unless a field that matters stands
    /// behind it: others pass it over. It ends, too, with what `pay` does not let it read.
    pub(super) fn read(bytes: &[u8], pay: &mut dyn FnMut(usize) -> bool) -> (Self, usize) {
        let mut header = Self::default();
        let start = if bytes.starts_with(MARK_OF_UTF8) { MARK_OF_UTF8.len() } else { 0 };
        let mut at = start;
        let mut field: Vec<u8> = Vec::new();
        let mut fields = 0_usize;
        let mut stray: Option<Stray> = None;
        let mut early: Early = None;
        loop {
            let rest = bytes.get(at..).unwrap_or_default();
            let length = memchr::memchr(b'\n', rest).map_or(rest.len(), |end| end.saturating_add(1));
            let (line, behind) = rest.split_at_checked(length).unwrap_or((rest, &[]));
            if !pay(LINE) {
                header.take(&field, pay);
                return header.ended(at, stray, early);
            }
            let text = trimmed_end(line);
            let is_folded = matches!(line.first(), Some(b' ' | b'\t')) && !text.is_empty();
            if is_folded && !field.is_empty() {
                if field.len().saturating_add(text.len()) <= FIELD {
                    field.push(b' ');
                    field.extend_from_slice(text.trim_ascii_start());
                } else {
                    header.is_cut |= Self::counts(&field);
                }
                at = at.saturating_add(length);
                continue;
            }
            header.take(&field, pay);
            field.clear();
            let is_field = is_field(text, behind);
            // The line that mailboxes put in front of a message.
            let is_separator = at == start && (text.starts_with(b"From ") || text.starts_with(b">From "));
            // A boundary ends it for everybody.
            if text.is_empty() || fields >= FIELDS || text.starts_with(b"--") {
                header.is_cut |= is_field && fields >= FIELDS;
                let is_blank = text.is_empty();
                let body = if is_blank { at.saturating_add(length) } else { at };
                return header.ended(body, stray, early);
            }
            match &mut stray {
                Some(last) if header.counted == last.header.counted => {
                    last.lines = last.lines.saturating_add(1);
                    if last.lines > STRAY {
                        return header.ended(at, stray, early);
                    }
                }
                _ if is_field || is_separator => {}
                _ => {
                    if !pay(header.length()) {
                        return header.ended(at, stray, early);
                    }
                    // It ends early at the first one.
                    early = early.or(stray.map(|stray| (Box::new(stray.header), stray.at)));
                    stray = Some(Stray { header: header.clone(), at, lines: 0 });
                }
            }
            if is_field {
                field.extend_from_slice(text.get(..FIELD).unwrap_or(text));
                header.is_cut |= text.len() > FIELD && Self::counts(&field);
                fields = fields.saturating_add(1);
            }
            at = at.saturating_add(length);
        }
    }

    /// The header when it ends here, before a body that begins at `body`; or where the line stands that is no field and behind
    /// which nothing matters.
    fn ended(mut self, body: usize, stray: Option<Stray>, early: Early) -> (Self, usize) {
        match stray {
            Some(stray) if self.counted == stray.header.counted => (Self { early, ..stray.header }, stray.at),
            Some(stray) => {
                self.early = early.or(Some((Box::new(stray.header), stray.at)));
                (self, body)
            }
            None => (self, body),
        }
    }

    /// Bytes that it holds.
    fn length(&self) -> usize {
        let boundary = self.boundary.as_ref().map_or(0, Vec::len);
        [self.media_type.len(), boundary, self.encoding.len(), self.name.len()]
            .iter()
            .fold(0, |sum, length| sum.saturating_add(*length))
    }

    /// Whether a field is one of those that matter.
    fn counts(field: &[u8]) -> bool {
        field.get(..8).is_some_and(|name| name.eq_ignore_ascii_case(b"content-"))
    }

    /// Whether parts follow it.
    pub(super) fn is_container(&self) -> bool {
        self.media_type.starts_with("multipart/")
    }

    /// The boundaries that it names, for those who read all of it and for those who end it early.
    pub(super) fn boundaries(&self) -> impl Iterator<Item = &[u8]> {
        let early = self.early.iter().filter_map(|(early, _)| early.boundary.as_deref());
        self.boundary.as_deref().into_iter().chain(early)
    }

    /// Whether it says what follows it.
    pub(super) const fn is_of_message(&self) -> bool {
        !self.media_type.is_empty()
    }

    fn take(&mut self, field: &[u8], pay: &mut dyn FnMut(usize) -> bool) {
        if !Self::counts(field) || !pay(price(field)) {
            return;
        }
        self.counted = self.counted.saturating_add(1);
        let Some(colon) = memchr::memchr(b':', field) else { return };
        let (name, value) = field.split_at_checked(colon).unwrap_or((field, &[]));
        let value = value.get(1..).unwrap_or_default().trim_ascii();
        let name = name.trim_ascii();
        if name.eq_ignore_ascii_case(b"content-type") {
            let end = value.iter().position(|&byte| byte == b';').unwrap_or(value.len());
            self.media_type = decoded(value.get(..end).unwrap_or_default().trim_ascii()).to_ascii_lowercase();
            self.boundary = parameter(value, b"boundary").or(self.boundary.take());
            let is_one = |name: &[u8]| parameter(value, name).is_some_and(|number| number == b"1");
            self.is_only_part = self.media_type == "message/partial" && is_one(b"total") && is_one(b"number");
            if let Some(name) = parameter(value, b"name") {
                self.name = words(&name);
            }
        } else if name.eq_ignore_ascii_case(b"content-transfer-encoding") {
            self.encoding = decoded(value.trim_ascii()).to_ascii_lowercase();
        } else if name.eq_ignore_ascii_case(b"content-disposition")
            && let Some(name) = parameter(value, b"filename")
        {
            self.name = words(&name);
        }
    }
}

/// A line among those of a header that is no field: what was read before it, and how many lines behind it, of which none matters.
#[derive(Clone, Debug)]
struct Stray {
    header: Header,
    at: usize,
    lines: usize,
}

/// Whether a line begins a field: with a name and a colon, which may be folded onto the next line.
fn is_field(text: &[u8], behind: &[u8]) -> bool {
    let name = match memchr::memchr(b':', text) {
        Some(colon) => text.get(..colon).unwrap_or_default(),
        None => {
            let blanks = behind.iter().take(BLANKS).take_while(|byte| matches!(byte, b' ' | b'\t')).count();
            if blanks == 0 || behind.get(blanks) != Some(&b':') {
                return false;
            }
            text
        }
    };
    let name = name.trim_ascii_end();
    !name.is_empty() && !any(name, |byte| !byte.is_ascii_graphic())
}

/// What reading a field that matters costs.
fn price(field: &[u8]) -> usize {
    let marks = field.iter().filter(|byte| matches!(byte, b';' | b'?')).count();
    field.len().saturating_mul(BYTE).saturating_add(marks.saturating_mul(MARK))
}

/// A text without the blanks at its end, of which there may be many.
pub(super) fn trimmed_end(mut text: &[u8]) -> &[u8] {
    while let Some((before, last)) = text.split_last_chunk::<BLANKS>()
        && is_blank(last)
    {
        text = before;
    }
    text.trim_ascii_end()
}

/// Whether there is nothing but blanks.
pub(super) fn is_blank(text: &[u8]) -> bool {
    let is_other =
        |byte: u8| !((byte == b' ') | (byte == b'\t') | (byte == b'\n') | (byte == b'\r') | (byte == 0x0c));
    text.first().is_none_or(u8::is_ascii_whitespace) && !any(text, is_other)
}

/// Blanks that are taken away at a time.
const BLANKS: usize = 64;

/// A parameter, also one that is split into numbered pieces or written with percent signs.
fn parameter(value: &[u8], wanted: &[u8]) -> Option<Vec<u8>> {
    let mut found: Option<Vec<u8>> = None;
    let mut rest = value;
    while let Some(semicolon) = memchr::memchr(b';', rest) {
        rest = rest.get(semicolon.saturating_add(1)..).unwrap_or_default().trim_ascii_start();
        let equals = memchr::memchr(b'=', rest)?;
        let key = rest.get(..equals).unwrap_or_default().trim_ascii();
        let behind = rest.get(equals.saturating_add(1)..).unwrap_or_default().trim_ascii_start();
        let (text, next) = match behind.strip_prefix(b"\"") {
            Some(quoted) => {
                let end = memchr::memchr(b'"', quoted).unwrap_or(quoted.len());
                (quoted.get(..end), quoted.get(end..))
            }
            None => {
                let end = behind
                    .iter()
                    .position(|byte| matches!(byte, b';' | b' ' | b'\t'))
                    .unwrap_or(behind.len());
                (behind.get(..end), behind.get(end..))
            }
        };
        let (text, next) = (text.unwrap_or_default(), next.unwrap_or_default());
        rest = next;
        let stem = key.iter().position(|&byte| byte == b'*').unwrap_or(key.len());
        let (stem, mark) = key.split_at_checked(stem).unwrap_or((key, &[]));
        if !stem.eq_ignore_ascii_case(wanted) {
            continue;
        }
        let piece = if mark.ends_with(b"*") { percent(text) } else { text.to_vec() };
        match (&mut found, mark.is_empty()) {
            (Some(found), false) => found.extend(piece),
            (Some(_), true) => {}
            (found @ None, _) => *found = Some(piece),
        }
    }
    found
}

/// `utf-8'en'na%20me`.
fn percent(text: &[u8]) -> Vec<u8> {
    let mut parts = text.splitn(3, |&byte| byte == b'\'');
    let text = match (parts.next(), parts.next(), parts.next()) {
        (Some(_), Some(_), Some(text)) => text,
        _ => text,
    };
    let mut out = Vec::new();
    let mut rest = text;
    while let Some((&byte, behind)) = rest.split_first() {
        rest = behind;
        match hex_pair(behind).filter(|_| byte == b'%') {
            Some(value) => {
                out.push(value);
                rest = behind.get(2..).unwrap_or_default();
            }
            None => out.push(byte),
        }
    }
    out
}

/// Text with its words in other character sets (RFC 2047) decoded.
pub(super) fn words(text: &[u8]) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(start) = memchr::memmem::find(rest, b"=?") {
        let (before, word) = rest.split_at_checked(start).unwrap_or((rest, &[]));
        let mut parts = word.get(2..).unwrap_or_default().splitn(4, |&byte| byte == b'?');
        let (Some(charset), Some(kind), Some(body), Some(behind)) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            break;
        };
        let Some(behind) = behind.strip_prefix(b"=") else { break };
        if !before.trim_ascii().is_empty() {
            out.push_str(&decoded(before));
        }
        let bytes = match kind {
            b"B" | b"b" => base64(body),
            _ => {
                let blanks: Vec<u8> =
                    body.iter().map(|&byte| if byte == b'_' { b' ' } else { byte }).collect();
                quoted_printable(&blanks)
            }
        };
        let encoding = encoding_rs::Encoding::for_label(charset).unwrap_or(encoding_rs::UTF_8);
        out.push_str(&encoding.decode(&bytes).0);
        rest = behind;
    }
    out.push_str(&decoded(rest));
    out
}
