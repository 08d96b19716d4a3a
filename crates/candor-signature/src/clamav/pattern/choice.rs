//! Choices: `(aa|bb)`, `(aabb|c?|(dd|ee)ff)`, `!(aa|bb)`.

use candor_database::ir::{Alternatives, Element};

use super::push_pair;
use crate::clamav::text::{Fault, Text};

/// How deep choices may be nested. Bounds the recursion here and in whoever walks the tree.
const DEEPEST: usize = 16;
/// The most wildcards that one `{n}` in a branch stands for.
const LONGEST_EXPANSION: u64 = 127;

/// Reads the choice that `text` starts with; gives it and how many bytes of `text` it takes.
pub(super) fn read(text: Text<'_>, negated: bool, wide: bool) -> Result<(Alternatives, usize), Fault> {
    let mut reader = Reader { text, at: 0, wide };
    let branches = reader.choice(1)?;
    if negated {
        let mut lengths = branches.iter().map(|branch| plain_length(branch));
        let first = lengths.next().flatten();
        if first.is_none() || lengths.any(|length| length != first) {
            return Err(text.fault("only bytes can be excluded, and all branches must have one length"));
        }
    }
    Ok((Alternatives { negated, branches }, reader.at))
}

/// Length of a branch that is nothing but fixed bytes.
fn plain_length(branch: &[Element]) -> Option<usize> {
    match branch {
        [Element::Bytes(bytes)] => Some(bytes.len()),
        _ => None,
    }
}

struct Reader<'a> {
    text: Text<'a>,
    at: usize,
    wide: bool,
}

impl Reader<'_> {
    fn skip(&mut self, count: usize) {
        self.at = self.at.saturating_add(count);
    }

    /// Reads from the opening parenthesis here to behind the closing one.
    fn choice(&mut self, depth: usize) -> Result<Vec<Vec<Element>>, Fault> {
        if depth > DEEPEST {
            return Err(self.text.fault_at(self.at, format!("choices are nested more than {DEEPEST} deep")));
        }
        let opening = self.at;
        self.skip(1);
        let mut branches = Vec::new();
        let mut branch = Vec::new();
        loop {
            match self.text.byte(self.at) {
                None => return Err(self.text.fault_at(opening, "')' is missing")),
                Some(end @ (b'|' | b')')) => {
                    if !branch.is_empty() {
                        branches.push(std::mem::take(&mut branch));
                    } else if branches.is_empty() {
                        return Err(self.text.fault_at(self.at, "an empty branch"));
                    }
                    self.skip(1);
                    if end == b')' {
                        return Ok(branches);
                    }
                }
                Some(b'(') => {
                    let nested = self.choice(depth.saturating_add(1))?;
                    branch.push(Element::Alternatives(Alternatives { negated: false, branches: nested }));
                }
                Some(b'{') => {
                    let rest = self.text.from(self.at.saturating_add(1));
                    let inner = rest.to(rest.find(b'}').unwrap_or(rest.len()));
                    let count = inner.number("the distance")?;
                    if !(1..=LONGEST_EXPANSION).contains(&count) {
                        return Err(inner.fault("a gap inside of a choice"));
                    }
                    let count = usize::try_from(count).unwrap_or_default();
                    branch.extend(std::iter::repeat_n(Element::Masked { value: 0, mask: 0 }, count));
                    self.skip(inner.len().saturating_add(2));
                }
                Some(b'*' | b'[') => return Err(self.text.fault_at(self.at, "a gap inside of a choice")),
                Some(b'!') => return Err(self.text.fault_at(self.at, "a negation inside of a choice")),
                Some(_) => {
                    push_pair(&mut branch, self.text.from(self.at), self.wide)?;
                    self.skip(2);
                }
            }
        }
    }
}
