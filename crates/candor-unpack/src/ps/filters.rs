//! Which filters a program puts before the rest of its file, and where their data begin.

use memchr::memmem;

use crate::pdf::filter::{Filter, is_image};
use crate::pdf::value::{Lexer, Value};
use crate::transfer::ascii85;

/// How far behind `currentfile` the data may begin.
const WINDOW: usize = 8 << 10;
/// How far behind it the first filter may stand.
const NEAR: usize = 512;
/// Dictionaries that are looked at in there.
const DICTIONARIES: u32 = 8;
/// The shortest line of encoded data that is not its end.
const LINE: usize = 24;

/// The filters.
const NAMES: [&[u8]; 5] =
    [b"ASCII85Decode", b"ASCIIHexDecode", b"FlateDecode", b"LZWDecode", b"RunLengthDecode"];
/// What reads from the file when it is run.
const READERS: [&[u8]; 6] = [b"exec", b"run", b"image", b"imagemask", b"colorimage", b"readstring"];

/// What stands behind `currentfile`.
#[derive(Debug, Default)]
pub(super) struct Behind {
    /// The filters, in the order of decoding.
    pub(super) chain: Vec<Filter>,
    /// Where their data begin; none in a procedure, which is called elsewhere.
    pub(super) start: Option<usize>,
    /// What the data end with, when the program says.
    pub(super) mark: Option<Vec<u8>>,
    /// How many bytes were looked at.
    pub(super) looked_at: usize,
}

/// What stands behind `currentfile`, whose `rest` this is.
pub(super) fn behind(rest: &[u8]) -> Behind {
    let window = rest.get(..WINDOW).unwrap_or(rest);
    let mut walk =
        Walk { rest, window, lexer: Lexer::new(window), found: Behind::default(), ..Walk::default() };
    while walk.step() {}
    walk.found.looked_at = walk.at();
    walk.found
}

/// A place in the program, and what led to it.
#[derive(Debug)]
struct Walk<'a> {
    rest: &'a [u8],
    window: &'a [u8],
    lexer: Lexer<'a>,
    found: Behind,
    /// The string, the dictionary and the word that were read last.
    text: Option<Vec<u8>>,
    parameters: Option<Value>,
    word: &'a [u8],
    /// Procedures that were begun here.
    depth: u32,
    /// Dictionaries that were looked at.
    dictionaries: u32,
    /// A filter was put before the file.
    is_filtered: bool,
    /// What comes now decodes images.
    is_image: bool,
}

impl Default for Walk<'_> {
    fn default() -> Self {
        Self {
            rest: &[],
            window: &[],
            lexer: Lexer::new(&[]),
            found: Behind::default(),
            text: None,
            parameters: None,
            word: &[],
            depth: 0,
            dictionaries: 0,
            is_filtered: false,
            is_image: false,
        }
    }
}

impl<'a> Walk<'a> {
    fn at(&self) -> usize {
        self.window.len().saturating_sub(self.lexer.rest().len())
    }

    /// Passes over `length` bytes.
    fn pass(&mut self, length: usize) {
        self.lexer = Lexer::new(self.lexer.rest().get(length..).unwrap_or_default());
    }

    /// Takes the next word; `false` at the end.
    fn step(&mut self) -> bool {
        let left = self.lexer.rest();
        if left.is_empty() || (self.found.chain.is_empty() && self.at() > NEAR) {
            return false;
        }
        match left {
            [b'\r', b'\n', ..] => return self.blank(2, self.is_filtered),
            [b'\r' | b'\n', ..] => return self.blank(1, self.is_filtered),
            // What reads a file reads on behind one blank of any kind.
            [b' ' | b'\t', ..] => return self.blank(1, self.is_filtered && READERS.contains(&self.word)),
            [b'\0' | 12, ..] => self.pass(1),
            [b'%', ..] => self.pass(memchr::memchr2(b'\r', b'\n', left).unwrap_or(left.len())),
            [b'{', ..] => {
                self.depth = self.depth.saturating_add(1);
                self.pass(1);
            }
            [b'}', ..] => {
                let Some(less) = self.depth.checked_sub(1) else { return false };
                self.depth = less;
                self.pass(1);
            }
            [b'/', ..] => return self.name(),
            [b'<', b'<', ..] => self.dictionary(),
            [b'(', ..] => {
                if let Some(Value::Text(string)) = self.lexer.value() {
                    self.text = Some(string);
                }
            }
            _ => {
                let length = left.iter().take_while(|byte| is_of_word(**byte)).count().max(1);
                self.word = left.get(..length).unwrap_or_default();
                // What follows that belongs to another.
                if self.word == b"currentfile" {
                    return false;
                }
                self.is_filtered |= self.word == b"filter" && !self.found.chain.is_empty();
                self.pass(length);
            }
        }
        true
    }

    /// Passes over a blank, behind which the data may begin; `false` when they do.
    fn blank(&mut self, length: usize, may_begin: bool) -> bool {
        self.pass(length);
        let start = self.at();
        let data = self.rest.get(start..).unwrap_or_default();
        let may_read = |filter: &Filter| {
            // Any bytes are runs.
            let is_certain = READERS.contains(&self.word) && filter.name() == b"RunLengthDecode";
            is_certain || begins(filter, data)
        };
        if may_begin && self.found.chain.first().is_some_and(may_read) {
            self.found.start = Some(start);
            return false;
        }
        true
    }

    /// Takes a name; `false` when what follows is of no use.
    fn name(&mut self) -> bool {
        let name = self.lexer.name().unwrap_or_default();
        self.word = b"";
        if name == b"SubFileDecode" {
            self.found.mark = self.text.take().filter(|text| !text.is_empty());
        } else if is_image(&name) {
            // What that makes are samples; what it reads is given.
            self.is_image = true;
            return !self.found.chain.is_empty();
        } else if NAMES.contains(&name.as_slice()) && !self.is_image {
            self.found.chain.push(Filter::new(name, self.parameters.take()));
        }
        true
    }

    /// Takes a dictionary, if it has the parameters of a filter. Others may name filters in them.
    fn dictionary(&mut self) {
        let mut ahead = self.lexer;
        self.dictionaries = self.dictionaries.saturating_add(1);
        if self.dictionaries <= DICTIONARIES {
            let parameters = ahead.value();
            ahead.blanks();
            let behind = ahead;
            if ahead.name().is_some_and(|name| NAMES.contains(&name.as_slice())) {
                self.parameters = parameters;
                self.lexer = behind;
                return;
            }
        }
        self.pass(2);
    }
}

/// Whether a byte does not end a word.
const fn is_of_word(byte: u8) -> bool {
    !matches!(byte, 0 | b'\t' | b'\n' | 12 | b'\r' | b' ' | b'/' | b'{' | b'}' | b'<' | b'(' | b'%')
}

/// Whether `data` begins with what a filter reads.
fn begins(filter: &Filter, data: &[u8]) -> bool {
    let line = first_line(data);
    match filter.name() {
        // Some put a blank in front of each line, so that none becomes a comment.
        b"ASCII85Decode" => is_85(line.trim_ascii_start()),
        b"ASCIIHexDecode" => {
            let digits = line.strip_suffix(b">").unwrap_or(line);
            let is_long = line.len() >= LINE || line.len() > digits.len();
            is_long && digits.iter().all(|byte| byte.is_ascii_hexdigit() || *byte == b' ')
        }
        b"FlateDecode" => match data {
            // A window and a method that exist, and a sum over both.
            [first, second, ..] => {
                first & 0x0f == 8
                    && first >> 4 <= 7
                    && u16::from_be_bytes([*first, *second]).is_multiple_of(31)
            }
            _ => false,
        },
        // It begins by emptying its table.
        b"LZWDecode" => matches!(data, [0x80, 0..=0x7f, ..]),
        // A count; few runs do without one that is no character.
        _ => line.iter().take(64).any(|byte| !matches!(byte, b'\t' | b' '..=b'~')),
    }
}

fn first_line(data: &[u8]) -> &[u8] {
    let near = data.get(..1024).unwrap_or(data);
    let end = memchr::memchr2(b'\r', b'\n', near).unwrap_or(near.len());
    near.get(..end).unwrap_or_default()
}

/// Whether a line is one of base 85: no blanks, and long or the last.
fn is_85(line: &[u8]) -> bool {
    let digits = line.strip_prefix(b"<~").unwrap_or(line);
    let digits = digits.strip_suffix(b"~>").unwrap_or(digits);
    // Names of a program are such a line, too.
    let is_name = |rest: &[u8]| rest.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    (line.len() >= LINE || line.len() > digits.len())
        && digits.iter().all(|byte| matches!(byte, b'!'..=b'u' | b'z'))
        && !(digits.len() == line.len() && is_name(line.strip_prefix(b"/").unwrap_or(line)))
}

/// How many bytes of `data` the first filter of a chain reads at most.
pub(super) fn end(chain: &[Filter], data: &[u8], mark: Option<&[u8]>) -> usize {
    let end = match chain.first().map(Filter::name) {
        Some(b"ASCII85Decode") => memmem::find(data, b"~>").map(|at| at.saturating_add(2)),
        Some(b"ASCIIHexDecode") => memchr::memchr(b'>', data).map(|at| at.saturating_add(1)),
        Some(b"RunLengthDecode") => Some(end_of_runs(data)),
        // The data say it themselves, and the next ones begin behind them.
        _ => memmem::find(data, b"currentfile"),
    };
    let end = end.unwrap_or(data.len());
    let mark = mark.and_then(|mark| memmem::find(data.get(..end).unwrap_or(data), mark));
    mark.unwrap_or(end)
}

/// Behind the mark that ends runs.
fn end_of_runs(data: &[u8]) -> usize {
    let mut at = 0_usize;
    while let Some(&count) = data.get(at) {
        at = at.saturating_add(match count {
            128 => return at.saturating_add(1),
            0..128 => usize::from(count).saturating_add(2),
            _ => 2,
        });
    }
    data.len()
}

/// Where base 85 begins of which `text` holds the end and what stands before it.
pub(super) fn start_of_85(text: &[u8]) -> usize {
    // A string says it.
    if let Some(at) = memmem::rfind(text, b"<~") {
        return at;
    }
    let mut start = text.len();
    let mut end = text.len();
    while end > 0 {
        let before = text.get(..end).unwrap_or_default();
        let line_start = memchr::memrchr2(b'\r', b'\n', before).map_or(0, |at| at.saturating_add(1));
        let line = before.get(line_start..).unwrap_or_default().trim_ascii_start();
        // Of all lines but the last one, those that are long.
        let is_part = if start == text.len() {
            // The one that is last may begin behind what reads it.
            let blank = memchr::memrchr2(b' ', b'\t', line).map_or(0, |at| at.saturating_add(1));
            if blank > 0 {
                return end.saturating_sub(line.len().saturating_sub(blank));
            }
            is_last_85(line)
        } else {
            line.is_empty() || is_85(line)
        };
        if !is_part {
            break;
        }
        start = line_start;
        end = line_start.saturating_sub(1);
    }
    start
}

fn is_last_85(line: &[u8]) -> bool {
    let digits = line.strip_suffix(b"~>").unwrap_or(line);
    digits.iter().all(|byte| matches!(byte, b'!'..=b'u' | b'z'))
}

/// The filters for text in base 85 of which nothing is said: those of `last`, or what the decoded bytes look like.
pub(super) fn chain_for(data: &[u8], last: &[Filter]) -> Vec<Filter> {
    if last.first().is_some_and(|filter| filter.name() == b"ASCII85Decode") {
        return last.to_vec();
    }
    let mut chain = vec![Filter::new(b"ASCII85Decode".to_vec(), None)];
    let near = data.strip_prefix(b"<~").unwrap_or(data);
    let near = ascii85(near.get(..64).unwrap_or(near));
    for name in [&b"FlateDecode"[..], b"LZWDecode"] {
        let filter = Filter::new(name.to_vec(), None);
        if begins(&filter, &near) {
            chain.push(filter);
            break;
        }
    }
    chain
}
