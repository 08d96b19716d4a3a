//! Deciding a logical signature over a layer, once something of it was seen.
//!
//! Sub-signatures are looked for when the condition asks for them, and only as far as it asks: one
//! hit where presence is enough, all of them where they are counted.

use candor_model::{Match, Reason, Target};

use crate::content::evaluate::{KEPT, Layer, Steps, Undecided, find};
use crate::content::number::read_number;
use crate::content::regex::RegexCache;
use crate::ir::{ByteCompare, Comparison, Expression, Number, Range, Regex, SubSignature, TargetDescription};
use crate::search::Subject;

/// Whether the conditions on the layer itself hold.
pub(crate) fn target_holds(target: &TargetDescription, subject: &Subject<'_>) -> bool {
    let within = |range: Option<Range>, value: Option<u64>| match range {
        None => true,
        Some(range) => value.is_some_and(|value| range.contains(value)),
    };
    let executable = subject.facts.executable.as_ref();
    (target.target == Target::Any || target.target == subject.target)
        && within(target.file_size, Some(subject.file_size))
        && within(target.entry_point, executable.and_then(|known| known.entry_point))
        && within(target.sections, executable.map(|known| known.sections.len() as u64))
        && target.container.is_none_or(|kind| subject.parents.last() == Some(&kind))
        && subject.parents.ends_with(&target.intermediates)
}

/// A logical signature under evaluation.
pub(crate) struct Evaluation<'a, 's> {
    pub(crate) subs: &'a [SubSignature],
    pub(crate) layer: Layer<'a>,
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
}

/// How triggers may refer to one another at most.
const MAX_DEPTH: u32 = 130;

impl Evaluation<'_, '_> {
    /// Whether the condition holds.
    pub(crate) fn holds(&mut self, expression: &Expression, depth: u32) -> Result<bool, Undecided> {
        if depth > MAX_DEPTH {
            return Err(Undecided);
        }
        let deeper = depth.saturating_add(1);
        Ok(match expression {
            Expression::Sub(sub) => self.count(*sub, 1, deeper)? > 0,
            Expression::And(left, right) => self.holds(left, deeper)? && self.holds(right, deeper)?,
            Expression::Or(left, right) => self.holds(left, deeper)? || self.holds(right, deeper)?,
            Expression::Count { of, comparison, hits, distinct } => {
                let mut subs = Vec::new();
                of.for_each_sub(&mut |sub| subs.push(sub));
                subs.sort_unstable();
                subs.dedup();
                let mut sum = 0_u32;
                let mut different = 0_u32;
                for sub in subs {
                    let count = self.count(sub, u32::MAX, deeper)?;
                    sum = sum.saturating_add(count);
                    different = different.saturating_add(u32::from(count > 0));
                }
                compares(*comparison, u64::from(sum), u64::from(*hits)) && different >= *distinct
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
        let subs = self.subs;
        let known = match subs.get(index) {
            None => Known::default(),
            Some(SubSignature::Content { patterns, .. }) => {
                let mut known = Known::default();
                let mut sum = 0_u32;
                for pattern in patterns {
                    let found = find(pattern, self.layer, want.saturating_sub(sum), self.steps)?;
                    sum = sum.saturating_add(found.count);
                    known.spans.extend(found.spans);
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
                Known { count: Some(u32::from(same)), wanted: 0, spans: Vec::new() }
            }
        };
        let count = known.count.unwrap_or(0);
        if let Some(place) = self.known.get_mut(index) {
            *place = Known { count: Some(count), wanted: want, spans: known.spans };
        }
        Ok(count)
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
            Ok(found) => Ok(Known { count: Some(found.count), wanted: 0, spans: found.spans }),
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
        if self.count(compare.sub, 1, depth.saturating_add(1))? == 0 {
            return Ok(nothing);
        }
        let Some((start, _)) = self.known.get(compare.sub as usize).and_then(|known| known.spans.first())
        else {
            return Ok(nothing);
        };
        let Some(at) = i64::try_from(*start)
            .ok()
            .and_then(|start| start.checked_add(compare.distance))
            .and_then(|at| usize::try_from(at).ok())
        else {
            return Ok(nothing);
        };
        let Some((value, length)) = read_number(compare, self.layer.bytes, at) else { return Ok(nothing) };
        let holds = compare
            .comparisons
            .iter()
            .all(|Number { comparison, value: than }| compares(*comparison, value, *than));
        if !holds {
            return Ok(nothing);
        }
        Ok(Known { count: Some(1), wanted: 0, spans: vec![(at, at.saturating_add(length))] })
    }
}

const fn compares(comparison: Comparison, value: u64, than: u64) -> bool {
    match comparison {
        Comparison::Equal => value == than,
        Comparison::Greater => value > than,
        Comparison::Less => value < than,
    }
}
