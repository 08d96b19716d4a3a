//! Hexadecimal strings: `{ 4D 5A [2-4] ( 90 | ?? 91 ) ~00 A? }`.

use candor_database::ir::{Alternatives, Element, Gap, Offset, Part, Pattern};

use super::fault::Fault;
use super::tokens::{hex_pair, skip_blanks};

/// How deep choices may be nested. Bounds the recursion here and in whoever walks the tree.
const DEEPEST: usize = 16;
/// The longest jump inside of a choice, as in YARA.
const LONGEST_INNER_JUMP: u64 = 200;
/// The most branches that one branch with jumps stands for.
const MOST_BRANCHES: usize = 1024;
/// The most elements of a string, jumps inside of choices written out.
const MOST_ELEMENTS: usize = 64 << 10;
/// Jumps of one length up to this are written out as so many bytes of any value, which keeps what is around them
/// in one part.
const LONGEST_WRITTEN_JUMP: u64 = 8;

/// Reads the string whose opening brace stands at `at`; gives it and where it ends.
pub(super) fn read(bytes: &[u8], at: usize) -> Result<(Pattern, usize), Fault> {
    let mut reader = Reader { bytes, at: at.saturating_add(1), elements: 0 };
    let (tokens, _) = reader.tokens(b'}', 0)?;
    let end = reader.at;
    Ok((pattern(tokens), end))
}

/// A part of a string.
#[derive(Clone, Debug)]
enum Token {
    Element(Element),
    Jump { min: u64, max: Option<u64> },
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    elements: usize,
}

impl Reader<'_> {
    /// What stands up to `end`, or up to `|` inside of a choice, and whether it was `end`. Both are taken.
    fn tokens(&mut self, end: u8, depth: usize) -> Result<(Vec<Token>, bool), Fault> {
        let start = self.at;
        let mut tokens: Vec<Token> = Vec::new();
        loop {
            self.at =
                skip_blanks(self.bytes, self.at).map_err(|at| Fault::new(at, "the comment has no end"))?;
            let Some(byte) = self.bytes.get(self.at).copied() else {
                return Err(Fault::new(start, format!("`{}` is missing", char::from(end))));
            };
            if byte == end || (byte == b'|' && depth > 0) {
                if matches!(tokens.last(), Some(Token::Jump { .. })) {
                    return Err(Fault::new(self.at, "a jump at the end"));
                }
                if tokens.is_empty() {
                    return Err(Fault::new(self.at, "nothing to look for"));
                }
                self.skip(1);
                return Ok((tokens, byte == end));
            }
            self.elements = self.elements.saturating_add(1);
            if self.elements > MOST_ELEMENTS {
                return Err(Fault::new(self.at, format!("over {MOST_ELEMENTS} elements")));
            }
            let token = self.token(byte, depth)?;
            match (token, tokens.last_mut()) {
                (Token::Jump { .. }, None) => return Err(Fault::new(self.at, "a jump at the start")),
                (Token::Jump { min, max }, Some(Token::Jump { min: own_min, max: own_max })) => {
                    *own_min = own_min.saturating_add(min);
                    *own_max = own_max.zip(max).map(|(own, max)| own.saturating_add(max));
                }
                (token, _) => tokens.push(token),
            }
        }
    }

    fn token(&mut self, byte: u8, depth: usize) -> Result<Token, Fault> {
        match byte {
            b'(' => self.choice(depth).map(Token::Element),
            b'[' => self.jump(depth > 0),
            b'~' => {
                let at = self.at;
                self.skip(1);
                let element = self.byte()?;
                if element == (Element::Masked { value: 0, mask: 0 }) {
                    return Err(Fault::new(at, "nothing is left when every byte is excluded"));
                }
                let branches = vec![vec![element]];
                Ok(Token::Element(Element::Alternatives(Alternatives { negated: true, branches })))
            }
            _ => self.byte().map(Token::Element),
        }
    }

    /// Two digits, of which each may be `?`.
    fn byte(&mut self) -> Result<Element, Fault> {
        let at = self.at;
        if let Some(byte) = hex_pair(self.bytes, at) {
            self.skip(2);
            return Ok(Element::Bytes(vec![byte]));
        }
        let nibble = |at: usize| match self.bytes.get(at).copied() {
            Some(b'?') => Some((0, 0)),
            Some(byte) => char::from(byte)
                .to_digit(16)
                .and_then(|digit| u8::try_from(digit).ok())
                .map(|digit| (digit, 15)),
            None => None,
        };
        let (Some((high, high_mask)), low) = (nibble(at), nibble(at.saturating_add(1))) else {
            return Err(Fault::new(at, "a character that hexadecimal strings do not have"));
        };
        let Some((low, low_mask)) = low else {
            return Err(Fault::new(at, "a byte wants two hexadecimal digits"));
        };
        let join = |high: u8, low: u8| high.wrapping_shl(4) | low;
        self.skip(2);
        Ok(Element::Masked { value: join(high, low), mask: join(high_mask, low_mask) })
    }

    /// `(…|…)`
    fn choice(&mut self, depth: usize) -> Result<Element, Fault> {
        let opening = self.at;
        let depth = depth.saturating_add(1);
        if depth > DEEPEST {
            return Err(Fault::new(opening, format!("choices are nested more than {DEEPEST} deep")));
        }
        self.skip(1);
        let mut branches = Vec::new();
        loop {
            let (tokens, ended) = self.tokens(b')', depth)?;
            for branch in written_out(tokens) {
                self.elements = self.elements.saturating_add(branch.len());
                if self.elements > MOST_ELEMENTS || branches.len() >= MOST_BRANCHES {
                    return Err(Fault::new(opening, "a choice with too many branches"));
                }
                branches.push(branch);
            }
            if ended {
                return Ok(Element::Alternatives(Alternatives { negated: false, branches }));
            }
        }
    }

    /// `[4]`, `[2-4]`, `[-4]`, `[4-]`, `[-]`
    fn jump(&mut self, inside: bool) -> Result<Token, Fault> {
        let at = self.at;
        self.skip(1);
        let min = self.number()?;
        let is_range = self.bytes.get(self.at) == Some(&b'-');
        let max = if is_range {
            self.skip(1);
            self.number()?
        } else {
            min
        };
        if self.bytes.get(self.at) != Some(&b']') {
            return Err(Fault::new(self.at, "a jump is a number or a range"));
        }
        self.skip(1);
        let least = min.unwrap_or(0);
        match max {
            None if !is_range => return Err(Fault::new(at, "an empty jump")),
            Some(0) if !is_range => return Err(Fault::new(at, "a jump over nothing")),
            Some(most) if most < least => {
                return Err(Fault::new(at, format!("a jump from {least} to {most}")));
            }
            None if inside => {
                return Err(Fault::new(at, "a jump of any length inside of a choice"));
            }
            Some(most) if inside && most > LONGEST_INNER_JUMP => {
                return Err(Fault::new(at, format!("a jump over {LONGEST_INNER_JUMP} inside of a choice")));
            }
            _ => {}
        }
        Ok(Token::Jump { min: least, max })
    }

    /// A number in decimal digits, blanks around it; nothing if there is none.
    fn number(&mut self) -> Result<Option<u64>, Fault> {
        let blanks = |this: &mut Self| -> Result<(), Fault> {
            this.at =
                skip_blanks(this.bytes, this.at).map_err(|at| Fault::new(at, "the comment has no end"))?;
            Ok(())
        };
        blanks(self)?;
        let start = self.at;
        let mut number = None;
        while let Some(digit @ b'0'..=b'9') = self.bytes.get(self.at).copied() {
            let digit = u64::from(digit.wrapping_sub(b'0'));
            let next = number.unwrap_or(0_u64).checked_mul(10).and_then(|value| value.checked_add(digit));
            if next.is_none_or(|value| value > u64::from(u32::MAX)) {
                return Err(Fault::new(start, "the jump is too long"));
            }
            number = next;
            self.skip(1);
        }
        blanks(self)?;
        Ok(number)
    }

    fn skip(&mut self, count: usize) {
        self.at = self.at.saturating_add(count);
    }
}

/// The branches that a branch with jumps stands for: one for each length. Cut off where there are too many.
fn written_out(tokens: Vec<Token>) -> Vec<Vec<Element>> {
    let mut branches: Vec<Vec<Element>> = vec![Vec::new()];
    let mut size = 0_usize;
    for token in tokens {
        match token {
            Token::Element(element) => {
                for branch in &mut branches {
                    push(branch, element.clone());
                }
            }
            Token::Jump { min, max } => {
                let mut longer = Vec::new();
                for branch in &branches {
                    let mut branch = branch.clone();
                    branch.extend((0..min).map(|_| ANY_BYTE));
                    for length in min..=max.unwrap_or(min) {
                        if length > min {
                            branch.push(ANY_BYTE);
                        }
                        size = size.saturating_add(branch.len());
                        if longer.len() > MOST_BRANCHES || size > MOST_ELEMENTS {
                            // One more than are allowed: the caller tells.
                            longer.resize(MOST_BRANCHES.saturating_add(1), Vec::new());
                            return longer;
                        }
                        longer.push(branch.clone());
                    }
                }
                branches = longer;
            }
        }
    }
    branches
}

const ANY_BYTE: Element = Element::Masked { value: 0, mask: 0 };

/// Parts, with the jumps between them.
fn pattern(tokens: Vec<Token>) -> Pattern {
    let mut parts = Vec::new();
    let mut gap = Gap::NONE;
    let mut elements = Vec::new();
    for token in tokens {
        match token {
            Token::Element(element) => push(&mut elements, element),
            Token::Jump { min, max: Some(max) } if min == max && max <= LONGEST_WRITTEN_JUMP => {
                elements.extend((0..max).map(|_| ANY_BYTE));
            }
            Token::Jump { min, max } => {
                let elements = std::mem::take(&mut elements);
                parts.push(Part { gap, elements, macro_group: None });
                gap = Gap { min, max };
            }
        }
    }
    parts.push(Part { gap, elements, macro_group: None });
    Pattern { offset: Offset::ANY, ignore_case: false, parts }
}

/// Adds an element, bytes to the bytes before them.
fn push(elements: &mut Vec<Element>, element: Element) {
    match (elements.last_mut(), element) {
        (Some(Element::Bytes(before)), Element::Bytes(bytes)) => before.extend(bytes),
        (_, element) => elements.push(element),
    }
}
