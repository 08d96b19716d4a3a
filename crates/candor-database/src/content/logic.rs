//! Deciding a logical signature over a layer, once something of it was seen.
//!
//! Sub-signatures are looked for when the condition asks for them, and only as far as it asks: one
//! hit where presence is enough, all of them where they are counted.

use candor_model::{Match, Reason, Target};
use rustc_hash::FxHashMap;

use crate::content::cover::{is_choice, macro_reference};
use crate::content::evaluate::{
    KEPT, Layer, Plan, Steps, Undecided, count_literals, find_planned, find_starting, starts,
};
use crate::content::number::number_holds;
use crate::content::regex::RegexCache;
use crate::ir::{
    ByteCompare, Comparison, Element, Expression, Gap, Offset, Part, Pattern, Range, Regex, SubSignature,
    TargetDescription,
};
use crate::search::Subject;

/// Whether signatures for `target` apply to a layer of class `class`.
pub(crate) fn applies(target: Target, class: Target) -> bool {
    target == Target::Any || (target == class && target != Target::Unused)
}

/// Whether the conditions on the layer itself hold, but for those on its icons.
pub(crate) fn target_holds(target: &TargetDescription, subject: &Subject<'_>) -> bool {
    let within = |range: Option<Range>, value: Option<u64>| match range {
        None => true,
        Some(range) => value.is_some_and(|value| range.contains(value)),
    };
    let executable = subject.facts.executable.as_ref();
    applies(target.target, subject.target)
        && within(target.file_size, Some(subject.file_size))
        && within(target.entry_point, executable.and_then(|known| known.entry_point))
        && within(target.sections, executable.map(|known| known.sections.len() as u64))
        && target.is_inside(subject.parents)
}

/// A logical signature under evaluation.
pub(crate) struct Evaluation<'a, 's> {
    pub(crate) subs: &'a [SubSignature],
    /// The numbers of what they look for, where other signatures look for the same.
    pub(crate) contents: &'a [Option<u32>],
    /// What their patterns are sought by.
    pub(crate) plans: &'a [Vec<Plan>],
    /// What is known of these contents in the layer.
    pub(crate) found: &'s mut FxHashMap<u32, Known>,
    pub(crate) layer: Layer<'a>,
    /// Gives the members of a macro group that apply to the layer.
    pub(crate) members: &'a dyn Fn(u8) -> Vec<Pattern>,
    pub(crate) steps: &'s mut Steps,
    pub(crate) regexes: &'s mut RegexCache,
    pub(crate) max_regex_size: u64,
    pub(crate) regex_steps: u64,
    /// What is known of each sub-signature.
    pub(crate) known: Vec<Known>,
    /// What kept something from being decided.
    pub(crate) trouble: Vec<Reason>,
}

/// What is known of one sub-signature.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known {
    /// Hits found, when it was looked for; complete if fewer than were asked for.
    count: Option<u32>,
    /// For how many hits it was looked.
    wanted: u32,
    /// Start and end of the first few.
    spans: Vec<(usize, usize)>,
    /// Start and end of the last one.
    last: Option<(usize, usize)>,
}

impl Known {
    /// What is known at first of so many sub-signatures, of which those with a bit in `absent` have no hit.
    pub(crate) fn at_first(subs: usize, absent: u64) -> Vec<Self> {
        let known = |sub| {
            let count = (absent & bit(sub) != 0).then_some(0);
            Self { count, wanted: u32::MAX, ..Self::default() }
        };
        (0..).take(subs).map(known).collect()
    }
}

/// Hits below a condition.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    hits: u64,
    /// Which sub-signatures they are of, a bit each.
    subs: u64,
}

impl Tally {
    const fn and(self, other: Self) -> Self {
        Self { hits: self.hits.saturating_add(other.hits), subs: self.subs | other.subs }
    }
}

/// Sub-signatures are at most 64.
fn bit(sub: u32) -> u64 {
    1_u64.checked_shl(sub).unwrap_or(0)
}

/// Layers of this size and more are worth a pass for several literals together.
const LARGE: usize = 64 << 10;
/// So many literals are worth one.
const TOGETHER: usize = 3;

/// What a sub-signature looks for, if that is one literal that may stand anywhere.
fn literal(sub: &SubSignature) -> Option<&[u8]> {
    let SubSignature::Content { patterns, macro_group: None } = sub else { return None };
    let [Pattern { offset: Offset::ANY, ignore_case: false, parts }] = patterns.as_slice() else {
        return None;
    };
    match parts.as_slice() {
        [Part { gap: Gap::NONE, elements, macro_group: None }] => match elements.as_slice() {
            // Shorter ones stand too close to one another.
            [Element::Bytes(bytes)] if bytes.len() >= 4 => Some(bytes),
            _ => None,
        },
        _ => None,
    }
}

/// Hits that are looked for at least where they are counted: as many as are reported.
const REPORTED: u32 = 8;
const _: () = assert!(REPORTED as usize == KEPT);

impl Comparison {
    /// Whether so many hits are as many as are `wanted`.
    const fn holds(self, hits: u64, wanted: u64) -> bool {
        match self {
            Self::Equal => hits == wanted,
            Self::Greater => hits > wanted,
            Self::Less => hits < wanted,
        }
    }
}

/// How triggers may refer to one another at most.
const MAX_DEPTH: u32 = 130;

impl Evaluation<'_, '_> {
    /// Whether the condition holds.
    pub(crate) fn decide(&mut self, expression: &Expression) -> Result<bool, Undecided> {
        Ok(!self.fails(expression, 0) && self.holds(expression, 0)?)
    }

    /// Whether what is known already says that a condition does not hold and has no hits.
    fn fails(&self, expression: &Expression, depth: u32) -> bool {
        let deeper = depth.saturating_add(1);
        depth <= MAX_DEPTH
            && match expression {
                Expression::Sub(sub) => {
                    self.known.get(*sub as usize).is_some_and(|known| known.count == Some(0))
                }
                Expression::And(left, right) => self.fails(left, deeper) || self.fails(right, deeper),
                Expression::Or(left, right) => self.fails(left, deeper) && self.fails(right, deeper),
                // Some are asked for, of what has none.
                Expression::Count { of, comparison, hits, .. } => {
                    !comparison.holds(0, u64::from(*hits)) && self.fails(of, deeper)
                }
            }
    }

    fn holds(&mut self, expression: &Expression, depth: u32) -> Result<bool, Undecided> {
        if depth > MAX_DEPTH {
            return Err(Undecided);
        }
        let deeper = depth.saturating_add(1);
        Ok(match expression {
            Expression::Sub(sub) => self.count(*sub, 1, deeper)? > 0,
            Expression::And(left, right) => self.holds(left, deeper)? && self.holds(right, deeper)?,
            Expression::Or(left, right) => self.holds(left, deeper)? || self.holds(right, deeper)?,
            Expression::Count { of, comparison, hits, .. } => match self.single(of) {
                // Whether there are more than so many is known once one more was found.
                Some(sub) => {
                    let known = self.count(sub, hits.saturating_add(1).max(REPORTED), deeper)?;
                    comparison.holds(u64::from(known), u64::from(*hits))
                }
                None => self.tally(expression, deeper)?.is_some(),
            },
        })
    }

    /// The sub-signature that a count is of, if it is one pattern: its first hits are the same, however many are
    /// looked for.
    fn single(&self, of: &Expression) -> Option<u32> {
        let Expression::Sub(sub) = of else { return None };
        match self.subs.get(*sub as usize)? {
            SubSignature::Content { patterns, macro_group: None } if patterns.len() == 1 => Some(*sub),
            _ => None,
        }
    }

    /// The hits below a condition, or `None` when it does not hold: a condition that does not hold
    /// has no hits for the one around it.
    fn tally(&mut self, expression: &Expression, depth: u32) -> Result<Option<Tally>, Undecided> {
        if depth > MAX_DEPTH {
            return Err(Undecided);
        }
        let deeper = depth.saturating_add(1);
        Ok(match expression {
            Expression::Sub(sub) => match self.count(*sub, u32::MAX, deeper)? {
                0 => None,
                hits => Some(Tally { hits: u64::from(hits), subs: bit(*sub) }),
            },
            Expression::And(left, right) => {
                let Some(left) = self.tally(left, deeper)? else { return Ok(None) };
                self.tally(right, deeper)?.map(|right| left.and(right))
            }
            Expression::Or(left, right) => match (self.tally(left, deeper)?, self.tally(right, deeper)?) {
                (Some(left), Some(right)) => Some(left.and(right)),
                (left, right) => left.or(right),
            },
            Expression::Count { of, comparison, hits: wanted, distinct } => {
                self.count_together(of)?;
                let (tally, seen) = match &**of {
                    Expression::Sub(sub) => {
                        let hits = u64::from(self.count(*sub, u32::MAX, deeper)?);
                        (Tally { hits, subs: bit(*sub) }, u32::MAX)
                    }
                    block if self.fails(block, deeper) => (Tally::default(), 0),
                    block => {
                        let Tally { hits, subs } = self.tally(block, deeper)?.unwrap_or_default();
                        // A block with a count of its own does not pass its members on.
                        (Tally { hits, subs: 0 }, subs.count_ones())
                    }
                };
                let holds = comparison.holds(tally.hits, u64::from(*wanted));
                (holds && seen >= *distinct).then_some(tally)
            }
        })
    }

    /// The hits of all sub-signatures that were looked for.
    pub(crate) fn matches(&self) -> Vec<Match> {
        let mut all = Vec::new();
        for (number, known) in self.known.iter().enumerate() {
            for (start, end) in &known.spans {
                all.push(Match {
                    offset: *start as u64,
                    length: end.saturating_sub(*start) as u64,
                    subsignature: u32::try_from(number).ok(),
                });
            }
        }
        all
    }

    /// How many hits a sub-signature has; the search ends when `want` were found.
    fn count(&mut self, sub: u32, want: u32, depth: u32) -> Result<u32, Undecided> {
        let index = sub as usize;
        if let Some(Known { count: Some(count), wanted, .. }) = self.known.get(index)
            && (*wanted >= want || *count < *wanted)
        {
            return Ok(*count);
        }
        let content = self.contents.get(index).copied().flatten();
        if let Some(known) = content.and_then(|content| self.found.get(&content))
            && let Some(count) = known.count
            && (known.wanted >= want || count < known.wanted)
        {
            if let Some(place) = self.known.get_mut(index) {
                place.clone_from(known);
            }
            return Ok(count);
        }
        let subs = self.subs;
        let known = match subs.get(index) {
            None => Known::default(),
            Some(sub) if macro_reference(sub).is_some() => self.macro_hits(sub, index)?,
            // A member of a macro group serves those that refer to the group only.
            Some(SubSignature::Content { macro_group: Some(_), .. }) => Known::default(),
            Some(SubSignature::Content { patterns, macro_group: None }) => {
                let mut known = Known::default();
                let mut sum = 0_u32;
                for planned in patterns.iter().zip(self.plans.get(index).into_iter().flatten()) {
                    let found = find_planned(planned, self.layer, want.saturating_sub(sum), self.steps)?;
                    sum = sum.saturating_add(found.count);
                    known.spans.extend(found.spans);
                    if found.last.map(|(_, end)| end) > known.last.map(|(_, end)| end) {
                        known.last = found.last;
                    }
                    if sum >= want {
                        break;
                    }
                }
                known.spans.sort_unstable();
                known.spans.truncate(KEPT);
                known.count = Some(sum);
                known
            }
            Some(SubSignature::Regex(regex)) => self.regex(regex, depth)?,
            Some(SubSignature::ByteCompare(compare)) => self.byte_compare(compare, depth)?,
            Some(SubSignature::FuzzyImage(hash)) => {
                let same = self.layer.facts.image_hash == Some(*hash);
                Known { count: Some(u32::from(same)), ..Known::default() }
            }
        };
        let count = known.count.unwrap_or(0);
        let known = Known { count: Some(count), wanted: want, ..known };
        if let Some(content) = content {
            self.found.insert(content, known.clone());
        }
        if let Some(place) = self.known.get_mut(index) {
            *place = known;
        }
        Ok(count)
    }

    /// Counts the literals of a choice of which all will be counted in one pass over a large layer.
    fn count_together(&mut self, expression: &Expression) -> Result<(), Undecided> {
        if self.layer.bytes.len() < LARGE || !is_choice(expression) {
            return Ok(());
        }
        let mut literals: Vec<(usize, &[u8])> = Vec::new();
        let subs = self.subs;
        expression.for_each_sub(&mut |sub| {
            let index = sub as usize;
            let is_known = self.known.get(index).is_none_or(|known| known.count.is_some());
            let is_listed = literals.iter().any(|(listed, _)| *listed == index);
            if let Some(literal) = subs.get(index).and_then(literal).filter(|_| !is_known && !is_listed) {
                literals.push((index, literal));
            }
        });
        if literals.len() < TOGETHER {
            return Ok(());
        }
        let all: Vec<&[u8]> = literals.iter().map(|(_, literal)| *literal).collect();
        let Some(counted) = count_literals(&all, self.layer.bytes, self.steps)? else { return Ok(()) };
        for ((index, _), found) in literals.iter().zip(counted) {
            if let Some(place) = self.known.get_mut(*index) {
                let (count, wanted) = (Some(found.count), u32::MAX);
                *place = Known { count, wanted, spans: found.spans, last: found.last };
            }
        }
        Ok(())
    }

    /// Members of a macro group that start at the right distance behind the start of a hit of the
    /// sub-signature before the reference.
    fn macro_hits(&mut self, sub: &SubSignature, index: usize) -> Result<Known, Undecided> {
        let mut known = Known { count: Some(0), ..Known::default() };
        let before = index.checked_sub(1).and_then(|before| self.subs.get(before));
        let (Some((gap, group)), Some(SubSignature::Content { patterns, macro_group: None })) =
            (macro_reference(sub), before)
        else {
            return Ok(known);
        };
        let mut ranges = Vec::new();
        for pattern in patterns {
            for start in starts(pattern, self.layer, self.steps)? {
                let reach =
                    |distance: u64| start.saturating_add(usize::try_from(distance).unwrap_or(usize::MAX));
                ranges.push((reach(gap.min), reach(gap.max.unwrap_or(u64::MAX))));
            }
        }
        let mut count = 0_u32;
        for member in (self.members)(group) {
            let found = find_starting(&member, self.layer, ranges.clone(), u32::MAX, self.steps)?;
            count = count.saturating_add(found.count);
            known.spans.extend(found.spans);
            known.last = known.last.max(found.last);
        }
        known.spans.truncate(KEPT);
        known.count = Some(count);
        Ok(known)
    }

    fn regex(&mut self, regex: &Regex, depth: u32) -> Result<Known, Undecided> {
        if depth > MAX_DEPTH {
            return Err(Undecided);
        }
        if !self.holds(&regex.trigger, depth.saturating_add(1))? {
            return Ok(Known { count: Some(0), ..Known::default() });
        }
        if self.layer.bytes.len() as u64 > self.max_regex_size {
            self.trouble.push(Reason::RegexSteps("the layer is larger than its size limit".to_owned()));
            return Ok(Known { count: Some(0), ..Known::default() });
        }
        match self.regexes.find(regex, self.layer, self.regex_steps, self.steps) {
            Ok(found) => Ok(Known { count: Some(found.count), spans: found.spans, ..Known::default() }),
            Err(reason) => {
                self.trouble.push(reason);
                Ok(Known { count: Some(0), ..Known::default() })
            }
        }
    }

    fn byte_compare(&mut self, compare: &ByteCompare, depth: u32) -> Result<Known, Undecided> {
        if depth > MAX_DEPTH {
            return Err(Undecided);
        }
        let nothing = Known { count: Some(0), ..Known::default() };
        if !matches!(self.subs.get(compare.sub as usize), Some(SubSignature::Content { .. })) {
            return Ok(nothing);
        }
        if self.count(compare.sub, u32::MAX, depth.saturating_add(1))? == 0 {
            return Ok(nothing);
        }
        let Some((start, _)) = self.known.get(compare.sub as usize).and_then(|known| known.last) else {
            return Ok(nothing);
        };
        let Some(at) = i64::try_from(start)
            .ok()
            .and_then(|start| start.checked_add(compare.distance))
            .and_then(|at| usize::try_from(at).ok())
        else {
            return Ok(nothing);
        };
        if !number_holds(compare, self.layer.bytes, at) {
            return Ok(nothing);
        }
        let end = at.saturating_add(usize::try_from(compare.length).unwrap_or(usize::MAX));
        Ok(Known { count: Some(1), spans: vec![(at, end)], ..Known::default() })
    }
}
