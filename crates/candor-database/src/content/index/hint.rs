//! What else must stand near an anchor: a quick look before a group is matched.
//!
//! The surroundings of an anchor end where a gap begins. Three bytes and a choice occur everywhere in
//! programs; that another literal of the pattern stands within sixty bytes of them does not. Looking for that one literal
//! takes a tenth of the time of matching the parts.

use memchr::memmem::Finder;

use crate::content::anchor::Group;
use crate::content::cells::{longest, shortest};
use crate::content::frequency::surprise;
use crate::ir::Element;

/// Bytes of a literal that are looked for at most.
const LONGEST: usize = 16;
/// Windows that are larger are left to the matching, which is paid for by the byte.
const WIDEST: usize = 1 << 12;

/// A literal that stands near every match of a group.
#[derive(Debug)]
pub(super) struct Hint {
    finder: Finder<'static>,
    /// The first and the last place where it may start, counted from the start of the surroundings.
    first: isize,
    last: isize,
}

impl Hint {
    /// The rarest literal of `group` for the room that it may stand in, outside of its `probe` bytes of
    /// surroundings; `None` when it has none, or ignores case.
    pub(super) fn choose(group: &Group, probe: usize) -> Option<Self> {
        if group.pattern.ignore_case {
            return None;
        }
        let known = isize::try_from(probe).ok()?;
        let (mut best, mut best_score) = (None, 0);
        let mut first = isize::try_from(group.most).ok()?.checked_neg()?;
        let mut last = isize::try_from(group.least).ok()?.checked_neg()?;
        for part in &group.pattern.parts {
            first = first.checked_add_unsigned(usize::try_from(part.gap.min).ok()?)?;
            last = last.checked_add_unsigned(usize::try_from(part.gap.max?).ok()?)?;
            for element in &part.elements {
                if let Element::Bytes(bytes) = element {
                    let literal = bytes.get(..LONGEST).unwrap_or(bytes);
                    let end = last.checked_add_unsigned(literal.len())?;
                    let window = last.checked_sub(first)?.unsigned_abs();
                    // The surroundings are known to be there.
                    let is_news = first < 0 || end > known;
                    let score =
                        surprise(literal).saturating_sub(window.saturating_add(1).ilog2().saturating_mul(8));
                    if is_news && window <= WIDEST && literal.len() > 1 && score > best_score {
                        best_score = score;
                        best = Some((literal, first, last));
                    }
                }
                let element = std::slice::from_ref(element);
                first = first.checked_add_unsigned(shortest(element))?;
                last = last.checked_add_unsigned(longest(element)?)?;
            }
        }
        best.map(|(literal, first, last)| Self { finder: Finder::new(literal).into_owned(), first, last })
    }

    /// Bytes that are looked at.
    pub(super) fn width(&self) -> usize {
        self.last.abs_diff(self.first).saturating_add(self.finder.needle().len())
    }

    /// Whether it is where it must be around surroundings that start at `start`.
    pub(super) fn is_near(&self, bytes: &[u8], start: usize) -> bool {
        let Some(last) = start.checked_add_signed(self.last) else { return false };
        let first = start.saturating_add_signed(self.first);
        let end = last.saturating_add(self.finder.needle().len()).min(bytes.len());
        bytes.get(first..end).is_some_and(|window| self.finder.find(window).is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::Hint;
    use crate::content::anchor::Group;
    use crate::ir::{Element, Gap, Offset, Part, Pattern};

    fn part(min: u64, max: u64, bytes: &[u8]) -> Part {
        Part {
            gap: Gap { min, max: Some(max) },
            elements: vec![Element::Bytes(bytes.to_vec())],
            macro_group: None,
        }
    }

    /// `abc{2-5}XY{1-3}wxyz`, found by the `XY`. How far away the `wxyz` may be includes how far the `XY` may be from
    /// the start.
    fn hint() -> Hint {
        let parts = vec![part(0, 0, b"abc"), part(2, 5, b"XY"), part(1, 3, b"wxyz")];
        let pattern = Pattern { offset: Offset::ANY, ignore_case: false, parts };
        Hint::choose(&Group { pattern, least: 5, most: 8 }, 2).unwrap()
    }

    #[test]
    fn what_stands_near_enough_is_seen() {
        let hint = hint();
        for before in 2..=5 {
            for behind in 1..=3 {
                let bytes = format!("abc{}XY{}wxyz", "-".repeat(before), "-".repeat(behind));
                assert!(hint.is_near(bytes.as_bytes(), 3 + before), "{bytes}");
            }
        }
    }

    #[test]
    fn what_is_not_there_or_far_away_is_not_seen() {
        let hint = hint();
        assert!(!hint.is_near(b"abc--XY", 5));
        assert!(!hint.is_near(b"abc--XY---------------wxyz", 5));
        assert!(!hint.is_near(b"wxyz---------------XY-", 19));
        assert!(!hint.is_near(b"XY", 0));
    }

    #[test]
    fn surroundings_are_no_hint_to_themselves() {
        let pattern = Pattern { offset: Offset::ANY, ignore_case: false, parts: vec![part(0, 0, b"abc")] };
        assert!(Hint::choose(&Group { pattern, least: 0, most: 0 }, 3).is_none());
    }
}
