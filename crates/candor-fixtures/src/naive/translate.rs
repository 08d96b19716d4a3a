//! From PCRE's syntax to that of the regex crates, for bytes.

use candor_database::ir::RegexFlags;

/// `pattern` in the syntax of `fancy_regex`, to be compiled with `BytesMode::Ascii`. Flags that are part of
/// the syntax are in it; those about where a match may start are not.
#[must_use]
pub fn translate(pattern: &str, flags: RegexFlags) -> String {
    let mut output = String::new();
    let letters: String = [
        (flags.caseless, 'i'),
        (flags.dot_all, 's'),
        (flags.multi_line, 'm'),
        (flags.extended, 'x'),
        (flags.ungreedy, 'U'),
    ]
    .into_iter()
    .filter_map(|(set, letter)| set.then_some(letter))
    .collect();
    if !letters.is_empty() {
        output.push_str(&format!("(?{letters})"));
    }
    let input: Vec<char> = pattern.chars().collect();
    Translator { groups: groups(&input), input, at: 0, flags, output }.run()
}

struct Translator {
    input: Vec<char>,
    at: usize,
    groups: usize,
    flags: RegexFlags,
    output: String,
}

impl Translator {
    fn run(mut self) -> String {
        while let Some(next) = self.take() {
            match next {
                '\\' => self.escape(),
                '[' => self.class(),
                '{' => match self.quantifier() {
                    Some(text) => self.output.push_str(&text),
                    None => self.output.push_str("\\{"),
                },
                '}' => self.output.push_str("\\}"),
                '$' if self.flags.dollar_end_only && !self.flags.multi_line => self.output.push_str("\\z"),
                '$' if !self.flags.multi_line => self.output.push_str("(?=\\n?\\z)"),
                '(' if self.rest().starts_with(&['?', '#']) => while self.take().is_some_and(|c| c != ')') {},
                other => self.literal(other),
            }
        }
        self.output
    }

    fn take(&mut self) -> Option<char> {
        let next = self.input.get(self.at).copied();
        self.at = self.at.saturating_add(usize::from(next.is_some()));
        next
    }

    fn rest(&self) -> &[char] {
        self.input.get(self.at..).unwrap_or(&[])
    }

    /// Takes characters as long as `fits`, at most `most`.
    fn take_while(&mut self, most: usize, fits: impl Fn(char) -> bool) -> String {
        let text: String = self.rest().iter().take(most).take_while(|next| fits(**next)).collect();
        self.at = self.at.saturating_add(text.chars().count());
        text
    }

    fn byte(&mut self, byte: u8) {
        self.output.push_str(&format!("\\x{byte:02x}"));
    }

    /// A character that means what it says in both syntaxes, or nothing special in either.
    fn literal(&mut self, character: char) {
        if character.is_ascii() {
            self.output.push(character);
        } else {
            for byte in character.to_string().into_bytes() {
                self.byte(byte);
            }
        }
    }

    /// `{n}`, `{n,}`, `{n,m}` behind an opening brace; anything else is a brace and no quantifier.
    fn quantifier(&mut self) -> Option<String> {
        let close = self.rest().iter().position(|next| *next == '}')?;
        let inner: String = self.rest().iter().take(close).collect();
        let (low, high) = inner.split_once(',').unwrap_or((&inner, ""));
        let number = |text: &str| text.chars().all(|digit| digit.is_ascii_digit());
        if low.is_empty() || !number(low) || !number(high) {
            return None;
        }
        self.at = self.at.saturating_add(close).saturating_add(1);
        Some(format!("{{{inner}}}"))
    }

    /// A byte written as a number behind a backslash, if `next` begins one.
    fn number(&mut self, next: char, in_class: bool) -> Option<u8> {
        let value = match next {
            'x' if self.rest().first() == Some(&'{') => {
                self.take();
                let digits = self.take_while(8, |digit| digit.is_ascii_hexdigit());
                self.take();
                u32::from_str_radix(&digits, 16).ok()?
            }
            'x' => {
                u32::from_str_radix(&self.take_while(2, |digit| digit.is_ascii_hexdigit()), 16).unwrap_or(0)
            }
            'c' => u32::from(self.take()?.to_ascii_uppercase()) ^ 0x40,
            'e' => 0x1b,
            'a' => 0x07,
            '0' => u32::from_str_radix(&self.take_while(2, is_octal), 8).unwrap_or(0),
            '1'..='9' => {
                let digits = self.take_while(2, |digit| digit.is_ascii_digit());
                let all = format!("{next}{digits}");
                self.at = self.at.saturating_sub(digits.len());
                let reference: usize = all.parse().ok()?;
                if !in_class && (reference < 10 || reference <= self.groups) {
                    return None;
                }
                self.at = self.at.saturating_sub(1);
                let octal = self.take_while(3, is_octal);
                if octal.is_empty() {
                    self.take();
                    return Some(u8::try_from(u32::from(next)).unwrap_or(b'?'));
                }
                u32::from_str_radix(&octal, 8).ok()?
            }
            _ => return None,
        };
        u8::try_from(value & 0xff).ok()
    }

    fn escape(&mut self) {
        let Some(next) = self.take() else { return self.output.push_str("\\\\") };
        if let Some(byte) = self.number(next, false) {
            return self.byte(byte);
        }
        match next {
            'h' => self.output.push_str("[\\t\\x20\\xa0]"),
            'H' => self.output.push_str("[^\\t\\x20\\xa0]"),
            'v' => self.output.push_str("[\\n\\x0b\\x0c\\r\\x85]"),
            'V' => self.output.push_str("[^\\n\\x0b\\x0c\\r\\x85]"),
            'N' => self.output.push_str("[^\\n]"),
            'R' => self.output.push_str("(?>\\r\\n|[\\n\\x0b\\x0c\\r\\x85])"),
            'Z' => self.output.push_str("(?=\\n?\\z)"),
            'Q' => self.quoted(),
            'E' => {}
            '<' | '>' => self.output.push(next),
            _ if next.is_ascii_alphanumeric() || next.is_ascii_punctuation() => {
                self.output.push('\\');
                self.output.push(next);
            }
            _ if next.is_ascii() => self.byte(u8::try_from(u32::from(next)).unwrap_or(b'?')),
            _ => self.literal(next),
        }
    }

    fn quoted(&mut self) {
        while !self.rest().is_empty() && !self.rest().starts_with(&['\\', 'E']) {
            for byte in self.take().map(String::from).unwrap_or_default().into_bytes() {
                self.byte(byte);
            }
        }
        self.at = self.at.saturating_add(2).min(self.input.len());
    }

    /// A character class, behind its opening bracket. Everything that only the regex crates give a
    /// meaning (nested classes, `&&`, `--`, `~~`, blanks with `x`) is escaped.
    fn class(&mut self) {
        self.output.push('[');
        if self.rest().first() == Some(&'^') {
            self.take();
            self.output.push('^');
        }
        let mut is_first = true;
        // Whether what stands before could begin a range.
        let mut can_range = false;
        while let Some(next) = self.take() {
            let begins_range = match next {
                ']' if !is_first => {
                    self.output.push(']');
                    return;
                }
                '-' if can_range && self.rest().first().is_some_and(|end| *end != ']') => {
                    self.output.push('-');
                    let Some(end) = self.take() else { return };
                    if end == '\\' {
                        self.class_escape();
                    } else {
                        self.class_literal(end);
                    }
                    false
                }
                '[' if self.rest().first() == Some(&':') && self.posix_class() => false,
                '\\' => self.class_escape(),
                other => {
                    self.class_literal(other);
                    true
                }
            };
            can_range = begins_range;
            is_first = false;
        }
    }

    fn class_literal(&mut self, character: char) {
        match character {
            '[' | ']' | '&' | '~' | '-' | '^' | '#' => {
                self.output.push('\\');
                self.output.push(character);
            }
            _ if character.is_ascii_alphanumeric() || character.is_ascii_punctuation() => {
                self.output.push(character)
            }
            _ => {
                for byte in character.to_string().into_bytes() {
                    self.byte(byte);
                }
            }
        }
    }

    /// Takes `[:name:]` behind its first bracket, if it is one.
    fn posix_class(&mut self) -> bool {
        let name: String = self.rest().iter().take_while(|next| **next != ']').collect();
        let is_class = name.len() > 2 && name.ends_with(':');
        if is_class {
            self.at = self.at.saturating_add(name.chars().count()).saturating_add(1);
            self.output.push_str(&format!("[{name}]"));
        }
        is_class
    }

    /// Returns whether it is one byte, which could begin a range.
    fn class_escape(&mut self) -> bool {
        let Some(next) = self.take() else { return false };
        if let Some(byte) = self.number(next, true) {
            self.byte(byte);
            return true;
        }
        match next {
            'b' => self.byte(8),
            'h' => {
                self.output.push_str("\\t\\x20\\xa0");
                return false;
            }
            'v' => {
                self.output.push_str("\\n\\x0b\\x0c\\r\\x85");
                return false;
            }
            'd' | 'D' | 's' | 'S' | 'w' | 'W' => {
                self.output.push('\\');
                self.output.push(next);
                return false;
            }
            'n' | 'r' | 't' | 'f' => {
                self.output.push('\\');
                self.output.push(next);
            }
            _ => self.class_literal_escaped(next),
        }
        true
    }

    fn class_literal_escaped(&mut self, character: char) {
        for byte in character.to_string().into_bytes() {
            self.byte(byte);
        }
    }
}

fn is_octal(digit: char) -> bool {
    ('0'..='7').contains(&digit)
}

/// How many capturing groups there are, as far as it matters for telling `\12` from an octal number.
fn groups(input: &[char]) -> usize {
    let mut groups = 0_usize;
    let mut before = ' ';
    for (index, next) in input.iter().enumerate() {
        if *next == '(' && before != '\\' && input.get(index.saturating_add(1)) != Some(&'?') {
            groups = groups.saturating_add(1);
        }
        before = if before == '\\' { ' ' } else { *next };
    }
    groups
}
