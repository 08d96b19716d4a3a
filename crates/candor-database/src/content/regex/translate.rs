//! From PCRE's syntax, as signatures are written in, to that of the two engines used here.
//!
//! The dialects agree on most things. What differs and is rewritten: escapes of punctuation (some
//! mean something else in the engines), literal brackets and set operators in classes, braces that
//! are no quantifier, `$` before a final line end, `\h`, `\R`, `\Q…\E`, octal escapes, comments, and
//! white space in classes under `x`. Text is bytes: nothing is UTF-8.

use crate::ir::RegexFlags;

/// A translated expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Translated {
    /// The expression, with its flags in front.
    pub(crate) text: String,
    /// Whether it needs backtracking: look-around, references, atomic groups, possessive
    /// quantifiers.
    pub(crate) backtracks: bool,
    /// For one that needs backtracking, an expression that does not and matches wherever it matches, and
    /// elsewhere too: without look-around, and with what a group may match, or anything, in the place of references
    /// to it. None where a condition makes that difficult.
    pub(crate) relaxed: Option<String>,
}

/// Translates `pattern`.
pub(crate) fn translate(pattern: &str, flags: RegexFlags) -> Translated {
    let mut prefix = String::new();
    for (set, letter) in [
        (flags.caseless, 'i'),
        (flags.multi_line, 'm'),
        (flags.dot_all, 's'),
        (flags.extended, 'x'),
        (flags.ungreedy, 'U'),
    ] {
        if set {
            prefix.push(letter);
        }
    }
    let run = |relaxing| {
        let mut translator = Translator {
            rest: pattern.as_bytes(),
            groups: capture_groups(pattern.as_bytes()),
            out: if prefix.is_empty() { String::new() } else { format!("(?{prefix})") },
            backtracks: false,
            line_end: !flags.dollar_end_only && !flags.multi_line,
            quantifiable: false,
            relaxing,
            open: Vec::new(),
            closed: Vec::new(),
            is_repeatable: !flags.extended,
            is_strict: false,
        };
        translator.run();
        translator
    };
    let exact = run(false);
    let relaxed = exact.backtracks.then(|| run(true)).filter(|relaxed| !relaxed.is_strict);
    Translated {
        text: exact.out,
        backtracks: exact.backtracks,
        relaxed: relaxed.map(|translator| translator.out),
    }
}

struct Translator<'p> {
    rest: &'p [u8],
    /// Number of capturing groups.
    groups: usize,
    out: String,
    backtracks: bool,
    /// Whether `$` also matches before a final line end.
    line_end: bool,
    /// Whether a quantifier may follow what was just written.
    quantifiable: bool,
    /// Whether a relaxed expression is written: [`Translated::relaxed`].
    relaxing: bool,
    /// While relaxing, the groups that are open.
    open: Vec<Open>,
    /// While relaxing, what the groups that can be referred to may match, by number, beside their names; `None` while
    /// they are open, and for those that may match other things in other places.
    closed: Vec<(Option<String>, Option<String>)>,
    /// Whether an expression means the same wherever it stands: not when flags are set on the way.
    is_repeatable: bool,
    /// Something was met that cannot be relaxed.
    is_strict: bool,
}

/// A group that is open.
struct Open {
    /// What was written for it is cut off at its end.
    is_cut: bool,
    /// Where in the output it starts.
    start: usize,
    /// Where in the output its content starts.
    content: usize,
    /// Its place among those that can be referred to.
    number: Option<usize>,
}

/// Matches whatever a reference could.
const ANYTHING: &str = "(?s:.*)";
/// Longest content of a group that stands in for a reference to it.
const REPEATED: usize = 256;
/// Matches nothing, anywhere.
const NOTHING: &str = "(?:)";

impl Translator<'_> {
    fn run(&mut self) {
        while let Some(byte) = self.next() {
            match byte {
                b'\\' => self.escape(false),
                b'[' => self.class(),
                b'(' => self.group(),
                b'$' if self.line_end => self.atom("(?:\\n?\\z)"),
                b'*' | b'+' | b'?' => self.quantifier(char::from(byte).to_string()),
                b'{' => self.brace(),
                b'}' | b']' => self.literal(byte),
                b')' => self.close(),
                b'^' | b'|' => {
                    self.out.push(char::from(byte));
                    self.quantifiable = false;
                }
                0x20..=0x7e | b'\n' | b'\t' | b'\r' => {
                    self.out.push(char::from(byte));
                    self.quantifiable = true;
                }
                _ => self.literal(byte),
            }
        }
    }

    fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    fn accept(&mut self, prefix: &[u8]) -> bool {
        match self.rest.strip_prefix(prefix) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// Everything up to `end`, which is taken too.
    fn until(&mut self, end: u8) -> Vec<u8> {
        let length = self.rest.iter().position(|byte| *byte == end).unwrap_or(self.rest.len());
        let taken = self.rest.get(..length).unwrap_or_default().to_vec();
        self.rest = self.rest.get(length.saturating_add(1)..).unwrap_or_default();
        taken
    }

    fn atom(&mut self, text: &str) {
        self.out.push_str(text);
        self.quantifiable = true;
    }

    fn literal(&mut self, byte: u8) {
        self.atom(&format!("\\x{byte:02x}"));
    }

    fn quantifier(&mut self, text: String) {
        self.out.push_str(&text);
        if self.quantifiable && self.accept(b"+") {
            if !self.relaxing {
                self.out.push('+');
            }
            self.backtracks = true;
        } else if self.quantifiable && self.accept(b"?") {
            self.out.push('?');
        }
        self.quantifiable = false;
    }

    /// `{`: a quantifier if it is written as one, else the byte itself.
    fn brace(&mut self) {
        let length = self.rest.iter().position(|byte| *byte == b'}');
        let inside = length.and_then(|length| self.rest.get(..length)).unwrap_or_default();
        let is_number = |part: &[u8]| !part.is_empty() && part.iter().all(u8::is_ascii_digit);
        let is_quantifier = match inside.iter().position(|byte| *byte == b',') {
            None => is_number(inside),
            Some(comma) => {
                let (low, high) = inside.split_at(comma);
                let high = high.get(1..).unwrap_or_default();
                is_number(low) && (high.is_empty() || is_number(high))
            }
        };
        if is_quantifier && self.quantifiable {
            let text = format!("{{{}}}", String::from_utf8_lossy(inside));
            self.until(b'}');
            self.quantifier(text);
        } else {
            self.literal(b'{');
        }
    }

    fn close(&mut self) {
        if let Some(open) = self.open.pop() {
            let content = self.out.get(open.content..).filter(|content| means_the_same_everywhere(content));
            if let Some((_, closed)) = open.number.and_then(|number| self.closed.get_mut(number)) {
                *closed = content.map(|content| format!("(?:{content})"));
            }
            if open.is_cut {
                self.out.truncate(open.start);
                self.out.push_str(NOTHING);
                self.quantifiable = true;
                return;
            }
        }
        self.out.push(')');
        self.quantifiable = true;
    }

    /// Opens a group; `text` is how.
    fn open(&mut self, text: &str, is_cut: bool) {
        let start = self.out.len();
        self.out.push_str(text);
        if self.relaxing {
            self.open.push(Open { is_cut, start, content: self.out.len(), number: None });
        }
    }

    /// Opens a group that can be referred to.
    fn open_counted(&mut self, name: Option<String>) {
        let text = name.as_ref().map_or_else(|| String::from("("), |name| format!("(?P<{name}>"));
        self.open(&text, false);
        if let Some(open) = self.open.last_mut() {
            open.number = Some(self.closed.len());
            self.closed.push((name, None));
        }
    }

    /// A reference to the group of this name or number.
    fn reference_to(&mut self, text: &str, group: &str) {
        let number = group.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
        let named = || self.closed.iter().filter(|(name, _)| name.as_deref() == Some(group));
        let closed = match number {
            Some(number) => self.closed.get(number),
            // Of several groups with a name it is not said which.
            None => named().next().filter(|_| named().count() == 1),
        };
        let closed = closed.and_then(|(_, closed)| closed.clone()).filter(|_| self.is_repeatable);
        self.reference_atom(text, closed.as_deref().unwrap_or(ANYTHING));
    }

    /// Something that needs backtracking and takes bytes; `relaxed` is what stands in for it.
    fn reference_atom(&mut self, text: &str, relaxed: &str) {
        self.backtracks = true;
        self.atom(if self.relaxing { relaxed } else { text });
    }

    fn group(&mut self) {
        self.quantifiable = false;
        if !self.rest.starts_with(b"?") {
            self.open_counted(None);
            return;
        }
        if self.accept(b"?#") {
            self.until(b')');
            self.quantifiable = true;
            return;
        }
        for look_around in ["?=", "?!", "?<=", "?<!"] {
            if self.accept(look_around.as_bytes()) {
                self.backtracks = true;
                self.open(&format!("({look_around}"), true);
                return;
            }
        }
        if self.accept(b"?:") {
            self.open("(?:", false);
            return;
        }
        if self.accept(b"?>") {
            self.backtracks = true;
            self.open(if self.relaxing { "(?:" } else { "(?>" }, false);
            return;
        }
        if self.accept(b"?(") {
            self.backtracks = true;
            self.is_strict = true;
            self.open("(?(", false);
            return;
        }
        if self.accept(b"?P=") {
            let name = String::from_utf8_lossy(&self.until(b')')).into_owned();
            self.reference_to(&format!("\\k<{name}>"), &name);
            return;
        }
        if self.accept(b"?P>") || self.accept(b"?&") {
            let name = String::from_utf8_lossy(&self.until(b')')).into_owned();
            self.reference_atom(&format!("\\g<{name}>"), ANYTHING);
            return;
        }
        for (start, end) in [("?P<", b'>'), ("?<", b'>'), ("?'", b'\'')] {
            if self.accept(start.as_bytes()) {
                let name = String::from_utf8_lossy(&self.until(end)).into_owned();
                self.open_counted(Some(name));
                return;
            }
        }
        self.is_repeatable = false;
        self.open("(", false);
    }

    /// What stands behind a backslash.
    fn escape(&mut self, in_class: bool) {
        let Some(byte) = self.next() else {
            self.literal(b'\\');
            return;
        };
        match byte {
            b'd' | b'D' | b'w' | b'W' | b's' | b'S' => self.atom(&format!("\\{}", char::from(byte))),
            b'n' | b'r' | b't' | b'f' | b'a' => self.atom(&format!("\\{}", char::from(byte))),
            b'e' => self.literal(0x1b),
            b'v' => self.atom(if in_class { "\\n\\x0b\\x0c\\r\\x85" } else { "[\\n\\x0b\\x0c\\r\\x85]" }),
            b'h' => self.atom(if in_class { "\\t\\x20\\xa0" } else { "[\\t\\x20\\xa0]" }),
            b'H' => self.atom("[^\\t\\x20\\xa0]"),
            b'V' => self.atom("[^\\n\\x0b\\x0c\\r\\x85]"),
            b'N' if !in_class => self.atom("[^\\n]"),
            b'R' if !in_class => self.atom("(?:\\r\\n|[\\n\\x0b\\x0c\\r\\x85])"),
            b'b' if in_class => self.literal(8),
            b'b' | b'B' | b'A' | b'z' => {
                self.out.push('\\');
                self.out.push(char::from(byte));
                self.quantifiable = true;
            }
            b'Z' => self.atom("(?:\\n?\\z)"),
            b'K' | b'G' => {
                // Where the last match ended is known to the exact one only.
                self.is_strict |= byte == b'G';
                self.reference_atom(&format!("\\{}", char::from(byte)), NOTHING);
            }
            b'x' => self.hexadecimal(),
            b'c' => {
                let letter = self.next().unwrap_or(b'@');
                self.literal(letter.to_ascii_uppercase() ^ 0x40);
            }
            b'Q' => self.quoted(),
            b'E' => {}
            b'k' | b'g' => self.reference(byte),
            b'0' => self.octal(0),
            b'1'..=b'9' if in_class => self.octal(byte.saturating_sub(b'0')),
            b'1'..=b'9' => self.number_escape(byte),
            _ => self.literal(byte),
        }
    }

    /// `\` and a number: a reference below 10 or where there are so many groups, else octal.
    fn number_escape(&mut self, first: u8) {
        let more = self.rest.iter().take(1).take_while(|byte| byte.is_ascii_digit()).count();
        let digits = [first, self.rest.first().copied().unwrap_or(0)];
        let number = std::str::from_utf8(digits.get(..more.saturating_add(1)).unwrap_or_default())
            .ok()
            .and_then(|text| text.parse::<usize>().ok())
            .unwrap_or(0);
        if number >= 10 && number > self.groups {
            if first > b'7' {
                self.literal(first);
            } else {
                self.octal(first.saturating_sub(b'0'));
            }
            return;
        }
        self.rest = self.rest.get(more..).unwrap_or_default();
        // In a group of its own, it is apart from digits that follow.
        self.reference_to(&format!("(?:\\{number})"), &number.to_string());
    }

    fn hexadecimal(&mut self) {
        let mut digits = Vec::new();
        if self.accept(b"{") {
            digits = self.until(b'}');
        } else {
            while digits.len() < 2 && self.rest.first().is_some_and(u8::is_ascii_hexdigit) {
                digits.extend(self.next());
            }
        }
        let value = std::str::from_utf8(&digits).ok().and_then(|text| u32::from_str_radix(text, 16).ok());
        // Without a digit it is the byte zero, as in PCRE.
        self.literal(u8::try_from(value.unwrap_or(0)).unwrap_or(u8::MAX));
    }

    fn octal(&mut self, first: u8) {
        let mut value = u32::from(first);
        let mut digits = 0_u32;
        while digits < 2 && self.rest.first().is_some_and(|byte| (b'0'..=b'7').contains(byte)) {
            value = value.saturating_mul(8).saturating_add(u32::from(self.next().unwrap_or(b'0') & 7));
            digits = digits.saturating_add(1);
        }
        self.literal((value & 0xff) as u8);
    }

    fn quoted(&mut self) {
        while !self.rest.is_empty() && !self.accept(b"\\E") {
            if let Some(byte) = self.next() {
                self.literal(byte);
            }
        }
    }

    fn reference(&mut self, letter: u8) {
        let name = match self.rest.first() {
            Some(b'<') => {
                self.next();
                self.until(b'>')
            }
            Some(b'{') => {
                self.next();
                self.until(b'}')
            }
            Some(b'\'') => {
                self.next();
                self.until(b'\'')
            }
            _ => self.next().into_iter().collect(),
        };
        let name = String::from_utf8_lossy(&name).into_owned();
        let is_number = name.trim_start_matches('-').bytes().all(|byte| byte.is_ascii_digit());
        if letter == b'g' && is_number && !name.starts_with('-') {
            self.reference_to(&format!("(?:\\{name})"), &name);
        } else {
            self.reference_to(&format!("\\k<{name}>"), &name);
        }
    }

    /// `[`: everything inside is written so that only the meaning of PCRE is left.
    fn class(&mut self) {
        self.out.push('[');
        if self.accept(b"^") {
            self.out.push('^');
        }
        let mut first = true;
        // Whether a `-` here would stand behind one single byte, and so may make a range.
        let mut after_byte = false;
        while let Some(byte) = self.next() {
            match byte {
                b']' if !first => {
                    self.out.push(']');
                    self.quantifiable = true;
                    return;
                }
                b'[' if self.rest.starts_with(b":") && self.posix_class() => after_byte = false,
                b'\\' => {
                    let before = self.rest.first().copied();
                    self.escape(true);
                    after_byte = !matches!(
                        before,
                        Some(b'd' | b'D' | b'w' | b'W' | b's' | b'S' | b'h' | b'H' | b'v' | b'V' | b'E')
                    );
                }
                b'-' => {
                    let makes_range = after_byte
                        && self.rest.first().is_some_and(|next| *next != b']')
                        && !self.rest.starts_with(b"\\d")
                        && !self.rest.starts_with(b"\\w")
                        && !self.rest.starts_with(b"\\s");
                    if makes_range {
                        self.out.push('-');
                    } else {
                        self.literal(b'-');
                    }
                    after_byte = false;
                    first = false;
                    continue;
                }
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => {
                    self.out.push(char::from(byte));
                    after_byte = !self.ends_range();
                }
                _ => {
                    self.literal(byte);
                    after_byte = true;
                }
            }
            first = false;
        }
        self.out.push(']');
    }

    /// Whether what was just written was the upper end of a range.
    fn ends_range(&self) -> bool {
        let mut from_end = self.out.bytes().rev();
        from_end.next();
        from_end.next() == Some(b'-')
    }

    /// `[:name:]` inside a class; the opening bracket is taken already.
    fn posix_class(&mut self) -> bool {
        let Some(end) = self.rest.windows(2).position(|pair| pair == b":]") else { return false };
        let name = self.rest.get(1..end).unwrap_or_default();
        let name_text = String::from_utf8_lossy(name).into_owned();
        let known = [
            "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct",
            "space", "upper", "word", "xdigit",
        ];
        if !known.contains(&name_text.trim_start_matches('^')) {
            return false;
        }
        self.out.push_str(&format!("[:{name_text}:]"));
        self.rest = self.rest.get(end.saturating_add(2)..).unwrap_or_default();
        true
    }
}

/// Whether what this translated content of a group matches somewhere it matches everywhere. A reference to the group
/// matches no more than that: nothing in it looks at what is around, and there are no groups in it, the names of which
/// would stand there twice. (Brackets, dollars and carets that stand for themselves are written by their codes.)
fn means_the_same_everywhere(content: &str) -> bool {
    let looks_around = |(at, _)| content.get(..at).is_none_or(|before| !before.ends_with('['));
    content.len() <= REPEATED
        && !content.contains(['(', '$'])
        && !content.match_indices('^').any(looks_around)
        && !["\\b", "\\B", "\\A", "\\z"].iter().any(|assertion| content.contains(assertion))
}

/// Number of capturing groups in `pattern`.
fn capture_groups(pattern: &[u8]) -> usize {
    let mut count = 0_usize;
    let mut rest = pattern;
    let mut in_class = false;
    while let Some((byte, behind)) = rest.split_first() {
        rest = behind;
        match byte {
            b'\\' => rest = rest.get(1..).unwrap_or_default(),
            b'[' => in_class = true,
            b']' => in_class = false,
            b'(' if !in_class => {
                let named = [&b"?P<"[..], b"?'"].iter().any(|start| rest.starts_with(start))
                    || (rest.starts_with(b"?<") && !rest.starts_with(b"?<=") && !rest.starts_with(b"?<!"));
                if named || !rest.starts_with(b"?") {
                    count = count.saturating_add(1);
                }
            }
            _ => {}
        }
    }
    count
}
