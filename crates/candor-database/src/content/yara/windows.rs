//! Strings that are not in a layer, told without looking for them.
//!
//! A layer touches hundreds of rules with thousands of strings, hardly any of which it has. One pass notes in a bitmap which
//! windows of four and of eight bytes the layer has at all; what a string must contain is asked there first. The bitmap
//! takes some windows for others and never misses one: it answers "absent", or "perhaps".

use crate::content::cells::stretches;
use crate::content::frequency::{FOLD_WINDOW, digest, fold, surprise};
use crate::ir::{Element, Offset, Pattern, RuleRegex, StringForm};

use super::regex::required;
use crate::content::required::Required;

/// Windows that are asked for of what must be there together.
const MOST: usize = 8;
/// Windows of a run among which the rarest is sought.
const SEEN: usize = 64;
/// Choices of a part that are asked for, and alternatives of each.
const CHOICES: usize = 4;
const ALTERNATIVES: usize = 64;
/// Bits for each byte of a layer, and limits of their number as powers of two, for each length of windows.
const DENSITY: usize = 4;
const LEAST_BITS: u32 = 10;
const MOST_BITS: u32 = 25;
/// Words of a bitmap that are kept from layer to layer.
const KEPT: usize = 1 << 17;

/// How long a window is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Width {
    Four,
    Eight,
}

/// A window by its digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Window {
    width: Width,
    digest: u32,
}

/// The windows of a layer.
#[derive(Debug, Default)]
pub(super) struct Windows {
    fours: Vec<u64>,
    eights: Vec<u64>,
    bits: u32,
}

impl Windows {
    /// Notes the windows of `bytes` instead of those of another layer.
    pub(super) fn fill(&mut self, bytes: &[u8]) {
        let wanted = bytes.len().saturating_mul(DENSITY).max(1);
        self.bits = wanted.ilog2().saturating_add(1).clamp(LEAST_BITS, MOST_BITS);
        let words = 1_usize << self.bits.saturating_sub(6);
        for map in [&mut self.fours, &mut self.eights] {
            map.clear();
            if words < KEPT {
                map.shrink_to(KEPT);
            }
            map.resize(words, 0);
        }
        let shift = 32_u32.saturating_sub(self.bits);
        let mut rest = bytes;
        while let Some(window) = rest.first_chunk::<8>() {
            let folded = u64::from_le_bytes(*window) | FOLD_WINDOW;
            put(&mut self.eights, digest(folded) >> shift);
            put(&mut self.fours, digest(folded & 0xffff_ffff) >> shift);
            rest = rest.get(1..).unwrap_or_default();
        }
        while let Some(window) = rest.first_chunk::<4>() {
            let folded = u64::from(u32::from_le_bytes(*window)) | FOLD_WINDOW;
            put(&mut self.fours, digest(folded & 0xffff_ffff) >> shift);
            rest = rest.get(1..).unwrap_or_default();
        }
    }

    fn has(&self, window: Window) -> bool {
        let map = match window.width {
            Width::Four => &self.fours,
            Width::Eight => &self.eights,
        };
        let place = window.digest >> 32_u32.saturating_sub(self.bits);
        map.get((place >> 6) as usize).is_some_and(|word| word >> (place & 63) & 1 == 1)
    }
}

fn put(map: &mut [u64], place: u32) {
    if let Some(word) = map.get_mut((place >> 6) as usize) {
        *word |= 1 << (place & 63);
    }
}

/// What a layer must have for a string to match: every one of these windows, and of each choice one alternative.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Need {
    windows: Vec<Window>,
    choices: Vec<Vec<Self>>,
}

impl Need {
    /// What `form` asks for.
    pub(super) fn of(form: &StringForm) -> Self {
        match form {
            StringForm::Text { spellings, .. } => {
                let each = spellings.iter().map(|spelling| {
                    let run: Vec<u8> = spelling.bytes.iter().map(|byte| fold(*byte)).collect();
                    Self { windows: chosen([run.as_slice()]), choices: Vec::new() }
                });
                Self::any(each.collect())
            }
            StringForm::Hex(pattern) => Self::of_pattern(pattern),
            StringForm::Regex { regex, ascii, wide } => {
                let each = [(*ascii, false), (*wide, true)].into_iter().filter(|(wanted, _)| *wanted);
                Self::any(each.map(|(_, wide)| Self::of_regex(regex, wide)).collect())
            }
        }
    }

    fn of_regex(regex: &RuleRegex, wide: bool) -> Self {
        match required(regex, wide, Offset::ANY) {
            Ok(required) => Self::of_required(&required),
            Err(_) => Self::default(),
        }
    }

    fn of_required(required: &Required) -> Self {
        let mut need = Self::of_pattern(&required.pattern);
        for branches in &required.choices {
            need = need.and(Self::any(branches.iter().map(Self::of_required).collect()));
        }
        need
    }

    fn of_pattern(pattern: &Pattern) -> Self {
        let parts = pattern.parts.iter();
        parts.fold(Self::default(), |all, part| {
            all.and(Self::of_elements(&part.elements, pattern.ignore_case))
        })
    }

    fn of_elements(elements: &[Element], ignore_case: bool) -> Self {
        let mut runs: Vec<Vec<u8>> = Vec::new();
        for stretch in stretches(elements, ignore_case) {
            let mut run = Vec::new();
            for cell in &stretch.cells {
                match cell.only() {
                    Some(byte) => run.push(byte),
                    None => runs.push(std::mem::take(&mut run)),
                }
            }
            runs.push(run);
        }
        let windows = chosen(runs.iter().map(Vec::as_slice));
        let all = elements.iter().filter_map(|element| match element {
            Element::Alternatives(choice) if !choice.negated && choice.branches.len() <= ALTERNATIVES => {
                let each = choice.branches.iter().map(|branch| Self::of_elements(branch, ignore_case));
                Some(Self::any(each.collect()))
            }
            _ => None,
        });
        all.take(CHOICES).fold(Self { windows, choices: Vec::new() }, Self::and)
    }

    fn and(mut self, other: Self) -> Self {
        self.windows.extend(other.windows);
        self.choices.extend(other.choices);
        self
    }

    /// One of these.
    fn any(mut all: Vec<Self>) -> Self {
        match all.len() {
            0 | 1 => all.pop().unwrap_or_default(),
            // One that asks for nothing is always there.
            _ if all.iter().any(Self::is_nothing) => Self::default(),
            _ => Self { windows: Vec::new(), choices: vec![all] },
        }
    }

    fn is_nothing(&self) -> bool {
        self.windows.is_empty() && self.choices.is_empty()
    }

    /// Whether a layer with these windows may have it.
    pub(super) fn may_be_in(&self, windows: &Windows) -> bool {
        self.windows.iter().all(|window| windows.has(*window))
            && self.choices.iter().all(|choice| choice.iter().any(|need| need.may_be_in(windows)))
    }
}

/// The windows to ask for of runs of folded bytes that must all be there: the rarest of each, its first and its last.
fn chosen<'r>(runs: impl IntoIterator<Item = &'r [u8]>) -> Vec<Window> {
    let mut all: Vec<(u32, Window)> = Vec::new();
    for run in runs {
        let width = if run.len() < 8 { Width::Four } else { Width::Eight };
        let length = if width == Width::Four { 4 } else { 8 };
        let scored = |bytes: &[u8]| {
            let window = Window { width, digest: digest_of(bytes) };
            (surprise(bytes), window)
        };
        all.extend(run.windows(length).take(SEEN).map(scored).max_by_key(|(score, _)| *score));
        if run.len() >= length {
            all.extend(run.get(..length).map(scored));
            all.extend(run.len().checked_sub(length).and_then(|at| run.get(at..)).map(scored));
        }
    }
    all.sort_unstable_by(|left, right| right.cmp(left));
    all.dedup();
    all.truncate(MOST);
    all.into_iter().map(|(_, window)| window).collect()
}

/// The digest of four or eight folded bytes.
fn digest_of(bytes: &[u8]) -> u32 {
    let number = bytes.iter().rev().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
    digest(number)
}

#[cfg(test)]
mod tests {
    use super::{Need, Windows};
    use crate::ir::{Alternatives, Element, Gap, Offset, Part, Pattern, RuleRegex, Spelling, StringForm};

    fn text(all: &[&str], ignore_case: bool) -> StringForm {
        let spell = |text: &&str| Spelling { bytes: text.as_bytes().to_vec(), wide: false, key: 0 };
        StringForm::Text { spellings: all.iter().map(spell).collect(), ignore_case }
    }

    fn regex(pattern: &str, ignore_case: bool, wide: bool) -> StringForm {
        let regex = RuleRegex { pattern: pattern.to_owned(), ignore_case, dot_all: false };
        StringForm::Regex { regex, ascii: !wide, wide }
    }

    fn hex(parts: &[&[Element]]) -> StringForm {
        let part = |elements: &&[Element]| Part {
            gap: Gap { min: 0, max: None },
            elements: elements.to_vec(),
            macro_group: None,
        };
        let mut parts: Vec<Part> = parts.iter().map(part).collect();
        parts[0].gap = Gap::NONE;
        StringForm::Hex(Pattern { offset: Offset::ANY, ignore_case: false, parts })
    }

    fn perhaps(form: &StringForm, layer: &[u8]) -> bool {
        let mut windows = Windows::default();
        windows.fill(layer);
        Need::of(form).may_be_in(&windows)
    }

    const LAYER: &[u8] = b"it was the best of times, it was the worst of times, IT WAS THE AGE OF WISDOM";

    #[test]
    fn a_text_that_is_there_is_never_called_absent() {
        for from in 0..LAYER.len() {
            for to in from + 1..=LAYER.len() {
                let part = std::str::from_utf8(&LAYER[from..to]).unwrap();
                assert!(perhaps(&text(&[part], false), LAYER), "{part}");
                assert!(perhaps(&text(&[&part.to_uppercase()], true), LAYER), "{part}");
            }
        }
    }

    #[test]
    fn a_text_that_is_not_there_is_called_absent() {
        for (absent, ignore_case) in [
            ("the age of foolishness", false),
            ("worst of all", true),
            ("times; it", false),
            ("winter", false),
        ] {
            assert!(!perhaps(&text(&[absent], ignore_case), LAYER), "{absent}");
        }
    }

    #[test]
    fn one_spelling_of_several_is_enough() {
        assert!(perhaps(&text(&["winter", "worst of"], false), LAYER));
        assert!(!perhaps(&text(&["winter", "spring of hope"], false), LAYER));
        // Three bytes are no window.
        assert!(perhaps(&text(&["winter", "xyz"], false), LAYER));
    }

    #[test]
    fn runs_of_a_hexadecimal_string_must_all_be_there() {
        let bytes = |text: &str| Element::Bytes(text.as_bytes().to_vec());
        let any = Element::Masked { value: 0, mask: 0 };
        assert!(perhaps(
            &hex(&[&[bytes("best"), any.clone(), bytes("of times")], &[bytes("AGE OF")]]),
            LAYER
        ));
        assert!(!perhaps(
            &hex(&[&[bytes("best"), any.clone(), bytes("of wines")], &[bytes("AGE OF")]]),
            LAYER
        ));
        assert!(!perhaps(&hex(&[&[bytes("best"), any], &[bytes("AGE AT")]]), LAYER));
        let choice = |branches: &[&str]| {
            let branches = branches.iter().map(|branch| vec![bytes(branch)]).collect();
            Element::Alternatives(Alternatives { negated: false, branches })
        };
        assert!(perhaps(&hex(&[&[bytes("the "), choice(&["best", "last"]), bytes(" of times")]]), LAYER));
        assert!(perhaps(&hex(&[&[bytes("the "), choice(&["x", "best"]), bytes(" of times")]]), LAYER));
        assert!(!perhaps(&hex(&[&[bytes("the "), choice(&["least", "last"]), bytes(" of times")]]), LAYER));
    }

    #[test]
    fn what_an_expression_must_contain_is_asked_for() {
        for (pattern, ignore_case, there) in [
            ("the (?:best|worst) of", false, true),
            ("(?:best|worst) [a-z]+ times", false, true),
            ("(?:spring|winter) [a-z]+ times", false, false),
            ("wisdom", true, true),
            ("wisdon", true, false),
            ("(?:w.*|winter)", false, true),
            ("(?:wint.*ter|winter of|spring.?)", false, false),
            ("[a-z]+", false, true),
        ] {
            assert_eq!(perhaps(&regex(pattern, ignore_case, false), LAYER), there, "{pattern}");
        }
        let wide: Vec<u8> = LAYER.iter().flat_map(|byte| [*byte, 0]).collect();
        assert!(perhaps(&regex("worst of", false, true), &wide));
        assert!(!perhaps(&regex("worst of", false, true), LAYER));
        assert!(!perhaps(&regex("worst of", false, false), &wide));
    }

    #[test]
    fn nothing_is_remembered_of_another_layer() {
        let mut windows = Windows::default();
        let need = Need::of(&text(&["the best of times"], false));
        windows.fill(LAYER);
        assert!(need.may_be_in(&windows));
        windows.fill(b"nothing of it");
        assert!(!need.may_be_in(&windows));
        windows.fill(b"");
        assert!(!need.may_be_in(&windows));
        windows.fill(LAYER);
        assert!(need.may_be_in(&windows));
    }
}
