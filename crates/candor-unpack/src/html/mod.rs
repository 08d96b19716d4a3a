//! The normalised copies of HTML: what signatures for HTML (target 3) are written against.
//!
//! Two copies are made in one pass, by the rules of ClamAV as its `sigtool --html-normalise` shows them:
//!
//! * without comments: lower case, entities resolved, white space folded, quotes made double; inside of
//!   `<script>` and `<style>` no white space at all; everything from `<!` to the next `>` is gone;
//! * without tags: the text alone, with one blank for every tag and entity, and the addresses of links and
//!   images as they were written.
//!
//! Scripts come out as children of their own, normalised as programs ([`script`]), and so does the content of
//! `data:` addresses, which the first copy leaves out, and what else stands there as base64. NULs are passed over
//! everywhere, which is also all that UTF-16 needs.
//!
//! A quoted value is taken for an unquoted one from its first white space on, so that a `>` there ends the
//! tag. Where our copies differ from ClamAV's is listed in `docs/reference/normalisation.md`.

mod data_address;
mod entities;
mod links;
mod script;
#[cfg(test)]
mod tests;

use candor_model::{ChildKind, Content, Facts, Flow, Link, Member, Normalisation, Reason, Sink};

use crate::text::{self, without_zeros};
use crate::work::{self, Allowance};
use crate::{encoded_script, mail};
use entities::{LONGEST, character};
use links::Links;

/// `data:` addresses that are kept of one page.
const EXTRACTS: usize = 4096;
/// Bytes of an address that are kept.
const ADDRESS: usize = 1024;

/// What a byte costs, in those that are only read once: three copies are made, and searched.
const WORK: u64 = 3;
/// What beginning a script costs, and each of its bytes, besides, in the same.
const SCRIPT: u64 = 128;
const SCRIPT_WORK: u64 = 4;

/// Gives the copies, the scripts and the content of `data:` addresses to the sink.
pub(crate) fn unpack(bytes: &[u8], sink: &mut dyn Sink) {
    let limit = usize::try_from(sink.budget().limits().max_normalise).unwrap_or(usize::MAX);
    let kept = match bytes.get(..limit) {
        Some(start) if start.len() < bytes.len() => {
            sink.incomplete(Reason::NormaliseSize);
            start
        }
        _ => bytes,
    };
    if !sink.budget().pay_work(work::units(kept.len()).saturating_mul(WORK)) {
        sink.incomplete(Reason::Work);
        return;
    }
    let narrow: Vec<u8>;
    let text = if memchr::memchr(0, kept).is_some() {
        narrow = without_zeros(kept);
        &narrow
    } else {
        kept
    };
    let allowance = Allowance::new(sink.budget().work());
    let resolved = encoded_script::resolved(text, &allowance);
    let text = resolved.as_deref().unwrap_or(text);
    let page = normalise(text, &allowance);
    allowance.settle(sink);
    if page.is_cut {
        sink.incomplete(Reason::Children);
    }
    if !page.links.is_empty() {
        sink.facts(Facts { links: page.links, ..Facts::default() });
    }
    let copies = [
        (Normalisation::HtmlNoComments, &page.without_comments[..]),
        (Normalisation::HtmlNoTags, &page.without_tags),
        (Normalisation::Script, &page.scripts),
    ];
    let (pages, _) = copies.split_at(if page.scripts.is_empty() { 2 } else { copies.len() });
    if sink.copies(pages) == Flow::Stop {
        return;
    }
    let mut known = Vec::new();
    for (index, (start, address)) in page.data_addresses.iter().enumerate() {
        let Some((kind, content)) = data_address::decoded(address) else { continue };
        known.push(*start..start.saturating_add(address.len()));
        let member = Member {
            name: format!("data:{kind}"),
            position: u64::try_from(index).unwrap_or(u64::MAX).saturating_add(1),
            ..Member::default()
        };
        if sink.child(ChildKind::Extracted, &member, Content::Bytes(&content)) == Flow::Stop {
            return;
        }
    }
    // Pages bring files along in the strings of their scripts, and in any other text.
    let given = u64::try_from(page.data_addresses.len()).unwrap_or(u64::MAX);
    if text::search(text, given, &known, sink) == Flow::Continue {
        let _ = mail::search_uuencoded(text, sink);
    }
}

/// What comes out of one page.
#[derive(Debug, Default, PartialEq, Eq)]
struct Page {
    without_comments: Vec<u8>,
    without_tags: Vec<u8>,
    /// Every script, each between `<script>` and `</script>`.
    scripts: Vec<u8>,
    /// What stood behind `data:`, and where.
    data_addresses: Vec<(usize, Vec<u8>)>,
    /// Whether there are more of these than are kept.
    is_cut: bool,
    /// Where links lead, and what they show.
    links: Vec<Link>,
}

/// The copies of a page, without those of scripts that could not be paid for.
fn normalise(bytes: &[u8], allowance: &Allowance) -> Page {
    normalise_by(bytes, usize::MAX, allowance)
}

/// The same with runs of plain bytes no longer than `most`: what comes out is the same with any.
fn normalise_by(bytes: &[u8], most: usize, allowance: &Allowance) -> Page {
    let mut walk = Walk {
        allowance,
        rest: bytes,
        length: bytes.len(),
        most,
        page: Page::default(),
        is_start: true,
        has_blank: false,
        name: Vec::new(),
        attribute: Vec::new(),
        value: Vec::new(),
        address: Vec::new(),
        has_address: false,
        links: Links::default(),
    };
    walk.page.without_comments.reserve(bytes.len());
    walk.page.without_tags.reserve(bytes.len() / 2);
    let mut state = State::Text;
    while !walk.rest.is_empty() {
        state = match state {
            State::Text => walk.text(),
            State::TagStart => walk.tag_start(),
            State::Name => walk.tag_name(),
            State::BeforeAttribute => walk.before_attribute(),
            State::Attribute => walk.attribute_name(),
            State::BeforeValue => walk.before_value(),
            State::Value(style) => walk.value(style),
            State::Raw(is_script) => walk.raw(is_script),
        };
    }
    if matches!(state, State::TagStart) {
        walk.write(b'<');
    }
    walk.links.close();
    walk.page.links = walk.links.found;
    walk.page
}

/// Where in the page the walk is.
#[derive(Clone, Copy, Debug)]
enum State {
    Text,
    /// Behind `<`.
    TagStart,
    Name,
    BeforeAttribute,
    Attribute,
    /// Behind `=`.
    BeforeValue,
    Value(Style),
    /// In a script, or in a style sheet.
    Raw(bool),
}

/// How the value of an attribute ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Style {
    /// At white space or `>`.
    Bare,
    /// As the former, but it began with a quote: the first white space in a quoted value makes it so.
    Broken,
    /// At this quote.
    Quoted(u8),
}

struct Walk<'a> {
    rest: &'a [u8],
    /// Bytes of the page.
    length: usize,
    /// What scripts may cost.
    allowance: &'a Allowance,
    /// Bytes that are taken together at most.
    most: usize,
    page: Page,
    /// Whether white space is dropped altogether: at the start and behind tags.
    is_start: bool,
    /// Whether white space was seen and not written.
    has_blank: bool,
    /// Name of the tag, lower case, as much as is needed.
    name: Vec<u8>,
    /// Name of the attribute, the same.
    attribute: Vec<u8>,
    /// The value of the attribute so far, as written.
    value: Vec<u8>,
    /// The address of a link or image, and whether the tag has one.
    address: Vec<u8>,
    has_address: bool,
    links: Links,
}

impl<'a> Walk<'a> {
    fn next(&mut self) -> Option<u8> {
        let (&byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(byte)
    }

    /// Takes the next bytes up to one that `ends` such a run.
    fn run(&mut self, ends: impl Fn(u8) -> bool) -> &'a [u8] {
        let rest = self.rest.get(..self.most).unwrap_or(self.rest);
        let length = rest.iter().position(|&byte| ends(byte)).unwrap_or(rest.len());
        self.take(length)
    }

    /// Takes so many of the next bytes.
    fn take(&mut self, length: usize) -> &'a [u8] {
        let (taken, rest) = self.rest.split_at_checked(length).unwrap_or((self.rest, &[]));
        self.rest = rest;
        taken
    }

    fn skip_space(&mut self) {
        let start = self.rest.iter().position(|&byte| !is_space(byte)).unwrap_or(self.rest.len());
        self.rest = self.rest.get(start..).unwrap_or_default();
    }

    /// Writes to the copy without comments.
    fn write(&mut self, byte: u8) {
        self.page.without_comments.push(byte);
    }

    fn write_lower(&mut self, byte: u8) {
        self.write(byte.to_ascii_lowercase());
    }

    fn write_all_lower(&mut self, bytes: &[u8]) {
        push_lower(&mut self.page.without_comments, bytes);
    }

    /// Writes a blank to the copy without tags, unless one stands there.
    fn blank(&mut self) {
        if self.page.without_tags.last() != Some(&b' ') {
            self.page.without_tags.push(b' ');
        }
    }

    /// Writes the white space that was held back.
    fn flush(&mut self) {
        if self.has_blank {
            self.write(b' ');
        }
        self.has_blank = false;
        self.is_start = false;
    }

    /// Takes words with single blanks between them: both copies get the same of them.
    fn words(&mut self) {
        // The text of a link is kept without blanks.
        let has_blanks = !self.links.listens();
        let (mut length, mut was_blank) = (0_usize, true);
        for &byte in self.rest.iter().take(self.most) {
            match byte {
                b' ' if has_blanks && !was_blank => was_blank = true,
                b'\0'..=b' ' | b'<' | b'&' => break,
                _ => was_blank = false,
            }
            length = length.saturating_add(1);
        }
        // White space behind may go on.
        let words = self.take(length.saturating_sub(usize::from(was_blank)));
        if words.is_empty() {
            return;
        }
        self.flush();
        self.write_all_lower(words);
        push_lower(&mut self.page.without_tags, words);
        self.links.add_text(words);
    }

    fn text(&mut self) -> State {
        loop {
            self.words();
            let Some(byte) = self.next() else { return State::Text };
            match byte {
                b'<' => {
                    self.flush();
                    self.blank();
                    return State::TagStart;
                }
                b'&' => {
                    self.flush();
                    self.blank();
                    let entity = self.entity();
                    entity.write_lower(&mut self.page.without_comments);
                    if let Some(text) = self.links.text() {
                        entity.write(text);
                    }
                }
                _ if is_space(byte) => {
                    if !self.is_start {
                        self.has_blank = true;
                        self.blank();
                    }
                }
                _ => {
                    self.flush();
                    self.write_lower(byte);
                    self.links.add_text(&[byte]);
                    if byte < b' ' {
                        self.blank();
                    } else {
                        self.page.without_tags.push(byte.to_ascii_lowercase());
                    }
                }
            }
        }
    }

    fn tag_start(&mut self) -> State {
        self.skip_space();
        self.name.clear();
        self.attribute.clear();
        self.value.clear();
        self.has_address = false;
        if self.rest.first() == Some(&b'!') {
            let end = memchr::memchr(b'>', self.rest).map_or(self.rest.len(), |end| end.saturating_add(1));
            self.rest = self.rest.get(end..).unwrap_or_default();
            self.is_start = true;
            return State::Text;
        }
        self.write(b'<');
        State::Name
    }

    fn tag_name(&mut self) -> State {
        let name = self.run(|byte| byte == b'>' || is_space(byte));
        self.write_all_lower(name);
        keep(&mut self.name, name);
        match self.next() {
            Some(b'>') => self.tag_end(),
            Some(byte) if is_space(byte) => State::BeforeAttribute,
            Some(byte) => {
                self.write_lower(byte);
                keep(&mut self.name, &[byte]);
                State::Name
            }
            None => State::Name,
        }
    }

    fn before_attribute(&mut self) -> State {
        self.skip_space();
        match self.next() {
            Some(b'>') => self.tag_end(),
            Some(b'=') => {
                self.write(b'=');
                State::BeforeValue
            }
            Some(byte) => {
                self.write(b' ');
                self.write_lower(byte);
                self.attribute.clear();
                keep(&mut self.attribute, &[byte]);
                State::Attribute
            }
            None => State::BeforeAttribute,
        }
    }

    fn attribute_name(&mut self) -> State {
        let name = self.run(|byte| matches!(byte, b'>' | b'=') || is_space(byte));
        self.write_all_lower(name);
        keep(&mut self.attribute, name);
        match self.next() {
            Some(b'>') => self.tag_end(),
            Some(b'=') => {
                self.write(b'=');
                State::BeforeValue
            }
            Some(byte) if is_space(byte) => State::BeforeAttribute,
            Some(byte) => {
                self.write_lower(byte);
                keep(&mut self.attribute, &[byte]);
                State::Attribute
            }
            None => State::Attribute,
        }
    }

    fn before_value(&mut self) -> State {
        self.skip_space();
        match self.rest.first() {
            Some(b'>') => {
                self.next();
                self.tag_end()
            }
            Some(&quote @ (b'"' | b'\'')) => {
                self.next();
                self.write(b'"');
                self.data_address(Some(quote));
                State::Value(Style::Quoted(quote))
            }
            _ => {
                self.data_address(None);
                State::Value(Style::Bare)
            }
        }
    }

    /// Takes a `data:` address out of the value that starts here; its scheme stays.
    fn data_address(&mut self, quote: Option<u8>) {
        let is_data = self.rest.get(..5).is_some_and(|start| start.eq_ignore_ascii_case(b"data:"));
        if !is_data {
            return;
        }
        if self.page.data_addresses.len() >= EXTRACTS {
            self.page.is_cut = true;
            return;
        }
        let ends = |byte: u8| match quote {
            Some(quote) => byte == quote,
            None => byte == b'>' || is_space(byte),
        };
        let end = self.rest.iter().position(|&byte| ends(byte)).unwrap_or(self.rest.len());
        let Some((address, rest)) = self.rest.split_at_checked(end) else { return };
        let start = self.length.saturating_sub(self.rest.len()).saturating_add(5);
        self.page.data_addresses.push((start, address.get(5..).unwrap_or_default().to_vec()));
        self.page.without_comments.extend(b"data");
        self.rest = rest;
        // What is a link in the text is not what is opened as a file.
        self.attribute.clear();
    }

    fn value(&mut self, style: Style) -> State {
        loop {
            let plain = self.run(|byte| matches!(byte, b'>' | b'"' | b'\'' | b'&') || is_space(byte));
            self.write_all_lower(plain);
            self.value.extend_from_slice(plain);
            let Some(byte) = self.next() else { return State::Value(style) };
            match byte {
                b'>' if !matches!(style, Style::Quoted(_)) => {
                    self.address_end(style);
                    return self.tag_end();
                }
                b'"' | b'\'' if style == Style::Quoted(byte) => {
                    self.write(b'"');
                    self.address_end(style);
                    return State::BeforeAttribute;
                }
                b'"' | b'\'' => {
                    self.write(b'"');
                    self.value.push(b'"');
                }
                b'&' => {
                    let entity = self.entity();
                    entity.write_lower(&mut self.page.without_comments);
                    entity.write(&mut self.value);
                }
                _ if !is_space(byte) => {
                    self.write_lower(byte);
                    self.value.push(byte);
                }
                _ if matches!(style, Style::Quoted(_)) => {
                    self.write(b' ');
                    self.value.push(b' ');
                    self.skip_space();
                    return State::Value(Style::Broken);
                }
                _ => {
                    self.address_end(style);
                    return State::BeforeAttribute;
                }
            }
        }
    }

    /// Keeps the value that ends here if it is the address of a link or image: the first of the tag.
    fn address_end(&mut self, style: Style) {
        if style == Style::Broken {
            // The quote that ended the value was taken for a part of it.
            self.value.pop();
        }
        self.links.attribute(&self.name, &self.attribute, &self.value);
        let is_address = matches!((&self.name[..], &self.attribute[..]), (b"a", b"href") | (b"img", b"src"));
        if is_address && !self.has_address && !self.value.is_empty() {
            self.value.truncate(ADDRESS);
            std::mem::swap(&mut self.address, &mut self.value);
            self.has_address = true;
        }
        self.value.clear();
    }

    /// Behind `>`.
    fn tag_end(&mut self) -> State {
        self.write(b'>');
        self.is_start = true;
        self.links.tag(&self.name);
        if std::mem::take(&mut self.has_address) {
            self.page.without_tags.extend_from_slice(&self.address);
            self.page.without_tags.push(b' ');
        }
        match &self.name[..] {
            b"script" => State::Raw(true),
            b"style" => State::Raw(false),
            _ => State::Text,
        }
    }

    /// The content of a script or style sheet and the name of the tag that ends it.
    fn raw(&mut self, is_script: bool) -> State {
        let ends: &[&[u8]] = if is_script { &[b"</script"] } else { &[b"</style", b"</script"] };
        let length = raw_length(self.rest, ends);
        let content = self.rest.get(..length).unwrap_or_default();
        let behind = self.rest.get(length..).unwrap_or_default();
        let price = work::units(content.len()).saturating_mul(SCRIPT_WORK).saturating_add(SCRIPT);
        if is_script && self.allowance.pay(price) {
            script::normalise(content, &mut self.page.scripts);
        }
        self.rest = content;
        loop {
            let plain = self.run(|byte| byte == b'&');
            push_code(&mut self.page.without_comments, plain);
            let Some(byte) = self.next() else { break };
            match byte {
                b'&' => {
                    let entity = self.entity();
                    entity.write_lower(&mut self.page.without_comments);
                }
                b'\'' => self.write(b'"'),
                _ if is_space(byte) => {}
                _ => self.write_lower(byte),
            }
        }
        self.rest = behind;
        while let Some(byte @ (b'<' | b'/' | b'a'..=b'z' | b'A'..=b'Z')) = self.rest.first().copied() {
            self.next();
            self.write_lower(byte);
        }
        self.blank();
        self.name.clear();
        State::BeforeAttribute
    }

    /// Reads an entity behind its `&`.
    fn entity(&mut self) -> Entity<'a> {
        if self.rest.first() == Some(&b'#') {
            self.next();
            return self.number();
        }
        let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b':' | b'_');
        let length = self.rest.iter().position(|byte| !is_name(byte)).unwrap_or(self.rest.len());
        let name = self.rest.get(..length).unwrap_or_default();
        let terminator = self.rest.get(length).copied();
        // A name at the very end counts as if it were closed.
        let known =
            if matches!(terminator, Some(b';') | None) && length <= LONGEST { character(name) } else { None };
        let taken = self.take(length.saturating_add(usize::from(terminator == Some(b';'))));
        known.map_or(Entity::Unknown(taken), |character| Entity::character(u32::from(character)))
    }

    fn number(&mut self) -> Entity<'a> {
        let mut base = 10;
        if matches!(self.rest.first(), Some(b'x' | b'X')) {
            base = 16;
            self.next();
        }
        let mut value = 0_u32;
        while let Some(digit) = self.rest.first().and_then(|&byte| char::from(byte).to_digit(base)) {
            value = value.wrapping_mul(base).wrapping_add(digit);
            self.next();
        }
        if self.rest.first() == Some(&b';') {
            self.next();
            return Entity::character(value);
        }
        let [low, ..] = value.to_le_bytes();
        Entity::Exact(low)
    }
}

/// What an entity stands for.
enum Entity<'a> {
    /// One byte that is written as it is, not in lower case.
    Exact(u8),
    /// A byte.
    Byte(u8),
    /// Something else that is written as a reference.
    Reference([u8; 8]),
    /// Nothing.
    Nothing,
    /// What nobody knows is left as it is: this is what stands behind its `&`.
    Unknown(&'a [u8]),
}

impl<'a> Entity<'a> {
    /// A character: one byte below 255, a reference above; nothing for what has no lower 16 bits.
    fn character(value: u32) -> Self {
        match u8::try_from(value) {
            Ok(byte) if byte < 0xff => Self::Byte(byte),
            _ if value & 0xffff == 0 => Self::Nothing,
            _ => {
                let digit =
                    |turn: u32| char::from_digit(value >> turn & 0xf, 16).map_or(b'0', |digit| digit as u8);
                Self::Reference([b'&', b'#', b'x', digit(12), digit(8), digit(4), digit(0), b';'])
            }
        }
    }

    /// Appends it as it was written.
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Exact(byte) | Self::Byte(byte) => out.push(*byte),
            Self::Reference(reference) => out.extend_from_slice(reference),
            Self::Nothing => {}
            Self::Unknown(name) => {
                out.push(b'&');
                out.extend_from_slice(name);
            }
        }
    }

    /// Appends it in lower case.
    fn write_lower(&self, out: &mut Vec<u8>) {
        match self {
            Self::Byte(byte) => out.push(byte.to_ascii_lowercase()),
            Self::Unknown(name) => {
                out.push(b'&');
                push_lower(out, name);
            }
            _ => self.write(out),
        }
    }
}

/// Remembers the start of a name in lower case: longer ones are none of those that matter.
fn keep(name: &mut Vec<u8>, bytes: &[u8]) {
    let room = 16_usize.saturating_sub(name.len());
    name.extend(bytes.iter().take(room).map(u8::to_ascii_lowercase));
}

/// Length of what stands before the first of the closing tags, or of everything.
fn raw_length(bytes: &[u8], ends: &[&[u8]]) -> usize {
    let is_end = |at: usize, end: &[u8]| {
        let Some((start, rest)) = bytes.get(at..).and_then(|rest| rest.split_at_checked(end.len())) else {
            return false;
        };
        start.eq_ignore_ascii_case(end)
            && rest.first().is_none_or(|&byte| byte == b'>' || byte == b'/' || is_space(byte))
    };
    memchr::memchr_iter(b'<', bytes).find(|&at| ends.iter().any(|end| is_end(at, end))).unwrap_or(bytes.len())
}

/// The character whose name or number stands behind a `&`, and the length of that.
pub(crate) fn named_character(text: &[u8]) -> Option<(char, usize)> {
    let near = text.get(..NAMED).unwrap_or(text);
    let end = memchr::memchr(b';', near)?;
    let name = near.get(..end)?;
    let known = match name.strip_prefix(b"#") {
        Some(number) => {
            let (digits, base) = match number {
                [b'x' | b'X', digits @ ..] => (digits, 16),
                digits => (digits, 10),
            };
            let is_number = digits.first().is_some_and(u8::is_ascii_alphanumeric);
            let value = str::from_utf8(digits).ok().filter(|_| is_number)?;
            char::from_u32(u32::from_str_radix(value, base).ok()?)
        }
        None if name == b"nbsp" => Some('\u{a0}'),
        None => character(name).and_then(|value| char::from_u32(u32::from(value))),
    };
    Some((known?, end.saturating_add(1)))
}

/// Longest name or number of a character that is looked at, with its semicolon.
const NAMED: usize = 32;

/// Appends bytes in lower case.
fn push_lower(out: &mut Vec<u8>, bytes: &[u8]) {
    let start = out.len();
    out.extend_from_slice(bytes);
    out.get_mut(start..).unwrap_or_default().make_ascii_lowercase();
}

/// Appends bytes of a script or style sheet: in lower case, with one kind of quotes, and without white space. Every byte is
/// written, and what is not to stay is written over by the next: nothing depends on what the bytes are.
fn push_code(out: &mut Vec<u8>, bytes: &[u8]) {
    let mut end = out.len();
    out.resize(end.saturating_add(bytes.len()), 0);
    for byte in bytes {
        if let Some(place) = out.get_mut(end) {
            *place = if *byte == b'\'' { b'"' } else { byte.to_ascii_lowercase() };
        }
        end = end.saturating_add(usize::from(!is_space(*byte)));
    }
    out.truncate(end);
}

const fn is_space(byte: u8) -> bool {
    matches!(byte, b'\t'..=b'\r' | b' ')
}
