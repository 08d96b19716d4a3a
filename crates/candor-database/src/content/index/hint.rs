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
/// Hints of a group at most.
const MOST: usize = 2;
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
    /// The two rarest literals of `group`, rarest first, for the room that each may stand in, outside of its `probe`
    /// bytes of surroundings; none when it ignores case.
    pub(super) fn choose(group: &Group, probe: usize) -> Vec<Self> {
        let literals = Self::literals(group, probe).unwrap_or_default();
        let hint = |Literal { bytes, first, last, .. }| Self {
            finder: Finder::new(bytes).into_owned(),
            first,
            last,
        };
        literals.into_iter().take(MOST).map(hint).collect()
    }

    /// All literals, rarest first.
    fn literals(group: &Group, probe: usize) -> Option<Vec<Literal<'_>>> {
        let Group { pattern, part: own, before, .. } = group;
        if pattern.ignore_case {
            return None;
        }
        let probe = isize::try_from(probe).ok()?;
        let mut all = Vec::new();
        // Places count from where the part with the anchor starts, which is known, in both directions.
        let start = isize::try_from(*before).ok()?.checked_neg()?;
        let (mut first, mut last) = (start, start);
        for (index, part) in pattern.parts.iter().enumerate().skip(*own) {
            if index > *own {
                first = first.checked_add_unsigned(usize::try_from(part.gap.min).ok()?)?;
                last = last.checked_add_unsigned(usize::try_from(part.gap.max?).ok()?)?;
            }
            for element in &part.elements {
                all.extend(Literal::new(element, probe, first, last));
                let element = std::slice::from_ref(element);
                first = first.checked_add_unsigned(shortest(element))?;
                last = last.checked_add_unsigned(longest(element)?)?;
            }
        }
        (first, last) = (start, start);
        let neighbours = pattern.parts.windows(2).take(*own).rev();
        for (part, gap) in neighbours.filter_map(|two| Some((two.first()?, two.last()?.gap))) {
            first = first.checked_sub_unsigned(usize::try_from(gap.max?).ok()?)?;
            last = last.checked_sub_unsigned(usize::try_from(gap.min).ok()?)?;
            for element in part.elements.iter().rev() {
                let one = std::slice::from_ref(element);
                first = first.checked_sub_unsigned(longest(one)?)?;
                last = last.checked_sub_unsigned(shortest(one))?;
                all.extend(Literal::new(element, probe, first, last));
            }
        }
        all.sort_by_key(|literal| std::cmp::Reverse(literal.score));
        Some(all)
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

/// A literal that could be a hint.
struct Literal<'g> {
    bytes: &'g [u8],
    /// The first and the last place where it may start.
    first: isize,
    last: isize,
    /// How rare it is that it stands there by chance.
    score: u32,
}

impl<'g> Literal<'g> {
    /// That of an element which may start from `first` to `last`, unless it says nothing.
    fn new(element: &'g Element, probe: isize, first: isize, last: isize) -> Option<Self> {
        let Element::Bytes(bytes) = element else { return None };
        let bytes = bytes.get(..LONGEST).unwrap_or(bytes);
        let end = last.checked_add_unsigned(bytes.len())?;
        let window = last.checked_sub(first)?.unsigned_abs();
        // The surroundings are known to be there.
        let is_news = first < 0 || end > probe;
        let score = surprise(bytes).saturating_sub(window.saturating_add(1).ilog2().saturating_mul(8));
        (is_news && window <= WIDEST && bytes.len() > 1 && score > 0).then_some(Self {
            bytes,
            first,
            last,
            score,
        })
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

    /// `abc{2-5}XY{1-3}wxyz`, found by the `XY`.
    fn hint() -> Hint {
        let parts = vec![part(0, 0, b"abc"), part(2, 5, b"XY"), part(1, 3, b"wxyz")];
        let pattern = Pattern { offset: Offset::ANY, ignore_case: false, parts };
        Hint::choose(&Group { pattern, least: 5, most: 8, part: 1, before: 0 }, 2).swap_remove(0)
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
    fn only_the_gap_between_counts_however_far_the_first_part_is() {
        let hint = hint();
        assert!(hint.is_near(b"abc-----XY---wxyz", 8));
        assert!(!hint.is_near(b"abc--XYwxyz", 5), "too near");
        assert!(!hint.is_near(b"abc--XY----wxyz", 5), "too far");
    }

    #[test]
    fn what_stands_before_is_looked_for_as_far_away_as_it_may_be() {
        let parts = vec![part(0, 0, b"wxyz"), part(1, 3, b"00"), part(2, 2, b"XY")];
        let pattern = Pattern { offset: Offset::ANY, ignore_case: false, parts };
        let hint = Hint::choose(&Group { pattern, least: 9, most: 11, part: 2, before: 0 }, 2).swap_remove(0);
        for (bytes, is_near) in
            [("wxyz-00--XY", true), ("wxyz---00--XY", true), ("wxyz00--XY", false), ("wxyz----00--XY", false)]
        {
            assert_eq!(hint.is_near(bytes.as_bytes(), bytes.len() - 2), is_near, "{bytes}");
        }
    }

    #[test]
    fn the_rarer_of_two_is_looked_for_first() {
        let parts = vec![part(0, 0, b"\0\0\0"), part(1, 3, b"XY"), part(1, 9, b"wxyz"), part(1, 9, b"0123")];
        let pattern = Pattern { offset: Offset::ANY, ignore_case: false, parts };
        let hints = Hint::choose(&Group { pattern, least: 4, most: 6, part: 1, before: 0 }, 2);
        let needles: Vec<&[u8]> = hints.iter().map(|hint| hint.finder.needle()).collect();
        assert_eq!(needles, [b"wxyz", b"0123"]);
    }

    #[test]
    fn surroundings_are_no_hint_to_themselves() {
        let pattern = Pattern { offset: Offset::ANY, ignore_case: false, parts: vec![part(0, 0, b"abc")] };
        assert!(Hint::choose(&Group { pattern, least: 0, most: 0, part: 0, before: 0 }, 3).is_empty());
    }
}
