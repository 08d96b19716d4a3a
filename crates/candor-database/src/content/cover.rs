//! Which sub-signatures a logical signature is found by.
//!
//! A cover says what must be seen of a signature in every layer that it matches. `a & b & c` needs
//! all three, so seeing the two rarest is asked for before the signature is looked at any further;
//! the third is looked for then. `(a | b | c)>1,2` needs two of the three. What is common never enters
//! the index, which keeps its filters small.

use crate::content::anchor::{Anchor, Tier, Usage, choose};
use crate::content::regex;
use crate::content::required::Required;
use crate::content::yara::Key;
use crate::ir::{Comparison, Expression, Gap, Part, Pattern, SubSignature};

/// How a signature is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Cover {
    /// It may hold for a layer without anything to find it by: it is evaluated for every layer of
    /// its class.
    Always,
    /// It holds only where all of these are met.
    Needs(Vec<Threshold>),
    /// It holds only for images that have a perceptual hash.
    Image,
}

/// So many of some clauses must be seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Threshold {
    /// How many, at least one.
    pub(crate) need: usize,
    /// Of which.
    pub(crate) of: Vec<Clause>,
}

/// Anchors and keys of which one must be seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Clause {
    /// The anchors; none of either: nothing can satisfy it.
    pub(crate) anchors: Vec<Anchor>,
    /// The keys, of rules.
    pub(crate) keys: Vec<Key>,
}

/// What occurs more often than once in about two hundred bytes is no anchor: following it everywhere
/// costs more than looking at every layer once. In eighths of a bit.
const COMMONEST: u32 = 60;
/// A signature that is this rare to be seen needs nothing more to be seen, in eighths of a bit.
const ENOUGH: u32 = 640;
/// What is asked for beside what is needed to find a signature at all is this rare at least, in eighths of
/// a bit: what is commoner costs more to follow than it saves.
const WORTH_MORE: u32 = 144;
/// Clauses that one signature is found by at most: each is a bit of a word.
const MAX_CLAUSES: usize = 32;
/// Clauses of one threshold that must be seen at most; more of them add nothing.
const MAX_NEED: usize = 3;

impl Clause {
    /// How rare it is: its most common anchor, with their number taken off, in eighths of a bit.
    fn score(&self) -> u32 {
        let anchors = self.anchors.iter().map(|anchor| anchor.score);
        let worst = anchors.chain(self.keys.iter().map(Key::rarity)).min().unwrap_or(u32::MAX);
        worst.saturating_sub(bits(self.anchors.len().saturating_add(self.keys.len())))
    }

    /// Whether it is worth being looked for beside another one.
    fn is_worth_more(&self) -> bool {
        self.anchors.iter().all(|anchor| anchor.tier >= Tier::Medium && anchor.rarity >= WORTH_MORE)
    }
}

/// The number of bits that a choice among so many takes, in eighths.
fn bits(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX).max(1).ilog2().saturating_mul(8)
}

impl Threshold {
    fn one(clause: Clause) -> Self {
        Self { need: 1, of: vec![clause] }
    }

    /// How rare it is that it is met, in eighths of a bit.
    fn score(&self) -> u32 {
        let mut scores: Vec<u32> = self.of.iter().map(Clause::score).collect();
        scores.sort_unstable();
        let sum = scores.iter().take(self.need).fold(0_u32, |sum, score| sum.saturating_add(*score));
        let choices = bits(self.of.len()).saturating_mul(u32::try_from(self.need).unwrap_or(u32::MAX));
        if self.of.len() < self.need { u32::MAX } else { sum.saturating_sub(choices) }
    }

    /// The same or less as one clause: with the commonest left out that may be missing.
    fn into_clause(mut self) -> Clause {
        self.of.sort_by_key(Clause::score);
        let spare = self.need.saturating_sub(1).min(self.of.len());
        let mut joined = Clause { anchors: Vec::new(), keys: Vec::new() };
        for clause in self.of.into_iter().skip(spare) {
            joined.anchors.extend(clause.anchors);
            joined.keys.extend(clause.keys);
        }
        joined
    }

    /// Asks for less where that is enough, and leaves the commonest out.
    fn settle(mut self) -> Self {
        self.of.sort_by_key(Clause::score);
        // A rule may ask for any number of strings, also for more than it has.
        self.need = self.need.min(self.of.len().max(1));
        let most = self.need.saturating_sub(MAX_NEED).max(self.of.len().saturating_sub(MAX_CLAUSES));
        let spare = most.min(self.need.saturating_sub(1));
        self.need = self.need.saturating_sub(spare);
        self.of.drain(..spare.min(self.of.len()));
        while self.need > 1 {
            let less =
                Self { need: self.need.saturating_sub(1), of: self.of.get(1..).unwrap_or_default().to_vec() };
            if self.need <= MAX_NEED
                && self.of.len() <= MAX_CLAUSES
                && self.of.iter().all(Clause::is_worth_more)
                && less.score() < ENOUGH
            {
                break;
            }
            self = less;
        }
        if self.need == 1 { Self::one(self.into_clause()) } else { self }
    }
}

impl Cover {
    /// How rare what is found by it is, in eighths of a bit.
    fn score(&self) -> u32 {
        match self {
            Self::Always => 0,
            Self::Needs(all) => {
                all.iter().fold(0_u32, |sum, threshold| sum.saturating_add(threshold.score()))
            }
            // Images are few, but each would be hashed.
            Self::Image => 100,
        }
    }

    /// The same, as what a sub-signature is found by.
    fn of_sub(mut self, number: u32) -> Self {
        if let Self::Needs(all) = &mut self {
            let clauses = all.iter_mut().flat_map(|threshold| &mut threshold.of);
            clauses.flat_map(|clause| &mut clause.anchors).for_each(|anchor| anchor.sub = Some(number));
        }
        self
    }

    /// The sub-signatures of which it is known that they have no hit where nothing of theirs was met.
    fn tracked(&self) -> Vec<u32> {
        let Self::Needs(all) = self else { return Vec::new() };
        let clauses = all.iter().flat_map(|threshold| &threshold.of);
        clauses.flat_map(|clause| &clause.anchors).filter_map(|anchor| anchor.sub).collect()
    }

    /// What is found only where at least so many are.
    pub(crate) fn so_many(mut need: usize, covers: Vec<Self>) -> Self {
        let mut of = Vec::with_capacity(covers.len());
        for cover in covers {
            match cover.into_clause() {
                Some(clause) => of.push(clause),
                // It may be among those that are there, so one less must be seen of the others.
                None => need = need.saturating_sub(1),
            }
        }
        match need {
            0 => Self::Always,
            _ => Self::Needs(vec![Threshold { need, of }]),
        }
    }

    /// What is found only where both are.
    pub(crate) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Needs(mut left), Self::Needs(right)) => {
                left.extend(right);
                Self::Needs(left)
            }
            (left, right) => {
                if right.score() > left.score() {
                    right
                } else {
                    left
                }
            }
        }
    }

    /// What is found by either.
    pub(crate) fn either(self, other: Self) -> Self {
        match (self, other) {
            (Self::Needs(left), Self::Needs(right)) => {
                let (left, right) = (rarest_clauses(left), rarest_clauses(right));
                // Each clause of one holds, or each of the other.
                let count = left.len().max(right.len());
                let pairs = left.iter().cycle().zip(right.iter().cycle()).take(count);
                let joined = pairs.map(|(left, right)| {
                    let anchors = left.anchors.iter().chain(&right.anchors).cloned().collect();
                    let keys = left.keys.iter().chain(&right.keys).cloned().collect();
                    Threshold::one(Clause { anchors, keys })
                });
                Self::Needs(joined.collect())
            }
            (Self::Image, Self::Image) => Self::Image,
            // A mix of images and anchors does not occur in practice.
            _ => Self::Always,
        }
    }

    /// One clause that says as much as can be said by one; `None` for what is always looked at.
    pub(crate) fn into_clause(self) -> Option<Clause> {
        match self {
            Self::Needs(all) => rarest_clauses(all).into_iter().next(),
            Self::Always | Self::Image => None,
        }
    }

    /// What of it goes into the index: no more than makes a signature rare enough.
    pub(crate) fn settle(self) -> Self {
        let Self::Needs(all) = self else { return self };
        let mut all: Vec<Threshold> = all.into_iter().map(Threshold::settle).collect();
        all.sort_by_key(|threshold| std::cmp::Reverse(threshold.score()));
        let mut kept: Vec<Threshold> = Vec::new();
        let (mut score, mut clauses) = (0_u32, 0_usize);
        for threshold in all {
            let more = clauses.saturating_add(threshold.of.len());
            let more_than_enough = score >= ENOUGH
                || more > MAX_CLAUSES
                || kept.contains(&threshold)
                || !threshold.of.iter().all(Clause::is_worth_more);
            if !kept.is_empty() && more_than_enough {
                continue;
            }
            score = score.saturating_add(threshold.score());
            clauses = more;
            kept.push(threshold);
        }
        Self::Needs(kept)
    }
}

/// The two rarest clauses that all of `thresholds` imply, rarest first.
fn rarest_clauses(thresholds: Vec<Threshold>) -> Vec<Clause> {
    let mut clauses: Vec<Clause> = thresholds.into_iter().map(Threshold::into_clause).collect();
    clauses.sort_by_key(|clause| std::cmp::Reverse(clause.score()));
    clauses.truncate(2);
    clauses
}

/// The cover of a single pattern.
pub(crate) fn of_pattern(pattern: &Pattern, usage: &dyn Usage) -> Cover {
    pattern_cover(pattern, usage).settle()
}

pub(crate) fn pattern_cover(pattern: &Pattern, usage: &dyn Usage) -> Cover {
    let anchors = choose(pattern, usage).into_iter().filter(|anchor| anchor.rarity >= COMMONEST);
    let all: Vec<Threshold> =
        anchors.map(|anchor| Threshold::one(Clause { anchors: vec![anchor], keys: Vec::new() })).collect();
    if all.is_empty() { Cover::Always } else { Cover::Needs(all) }
}

/// The cover of what holds only where `required` is there.
pub(crate) fn of_required(required: &Required, usage: &dyn Usage) -> Cover {
    let mut cover = if required.pattern.parts.is_empty() {
        Cover::Always
    } else {
        pattern_cover(&required.pattern, usage)
    };
    for branches in &required.choices {
        let either = branches.iter().map(|branch| of_required(branch, usage)).reduce(Cover::either);
        cover = cover.and(either.unwrap_or(Cover::Always));
    }
    cover
}

/// Finds covers of conditions over the same sub-signatures.
pub(crate) struct Covering<'a> {
    subs: &'a [SubSignature],
    usage: &'a dyn Usage,
    memo: Vec<Option<Cover>>,
}

/// The distances and the group of a sub-signature that is a reference to a macro group.
pub(crate) fn macro_reference(sub: &SubSignature) -> Option<(Gap, u8)> {
    let SubSignature::Content { patterns, .. } = sub else { return None };
    match patterns.as_slice() {
        [Pattern { parts, .. }] => match parts.as_slice() {
            [Part { gap, macro_group: Some(group), .. }] => Some((*gap, *group)),
            _ => None,
        },
        _ => None,
    }
}

/// How deep triggers of regular expressions are followed into one another.
const MAX_DEPTH: u32 = 128;

impl<'a> Covering<'a> {
    /// Conditions over `subs`.
    pub(crate) fn new(subs: &'a [SubSignature], usage: &'a dyn Usage) -> Self {
        Self { subs, usage, memo: vec![None; subs.len()] }
    }

    /// The cover of `expression`, as it goes into the index.
    pub(crate) fn of(&mut self, expression: &Expression) -> Cover {
        self.expression(expression, 0).settle()
    }

    /// How rare layers are for which `expression` holds.
    fn score(&mut self, expression: &Expression) -> u32 {
        self.expression(expression, 0).score()
    }

    fn expression(&mut self, expression: &Expression, depth: u32) -> Cover {
        if depth > MAX_DEPTH {
            return Cover::Always;
        }
        let deeper = depth.saturating_add(1);
        match expression {
            Expression::Sub(sub) => self.sub(*sub, deeper),
            Expression::And(left, right) => self.expression(left, deeper).and(self.expression(right, deeper)),
            Expression::Or(left, right) => {
                self.expression(left, deeper).either(self.expression(right, deeper))
            }
            Expression::Count { of, comparison, hits, distinct } => {
                let needs_a_hit = match comparison {
                    Comparison::Equal => *hits > 0,
                    Comparison::Greater => true,
                    Comparison::Less => false,
                };
                if needs_a_hit { self.any_hit(of, *distinct, deeper) } else { Cover::Always }
            }
        }
    }

    /// The cover of "something under this has a hit", or so many `distinct` sub-signatures of one
    /// choice.
    fn any_hit(&mut self, expression: &Expression, distinct: u32, depth: u32) -> Cover {
        if let Expression::Sub(sub) = expression {
            return self.sub(*sub, depth);
        }
        let mut subs = Vec::new();
        expression.for_each_sub(&mut |sub| subs.push(sub));
        subs.sort_unstable();
        subs.dedup();
        let need = if is_choice(expression) { (distinct as usize).max(1) } else { 1 };
        let covers: Vec<Cover> = subs.into_iter().map(|sub| self.sub(sub, depth)).collect();
        if !covers.is_empty() && covers.iter().all(|cover| *cover == Cover::Image) {
            return Cover::Image;
        }
        Cover::so_many(need, covers)
    }

    fn sub(&mut self, number: u32, depth: u32) -> Cover {
        let index = number as usize;
        if let Some(Some(known)) = self.memo.get(index) {
            return known.clone();
        }
        let subs = self.subs;
        let cover = match subs.get(index) {
            None => never(),
            // A macro needs a hit of the sub-signature before it.
            Some(sub) if macro_reference(sub).is_some() => match number.checked_sub(1) {
                Some(before) if depth <= MAX_DEPTH => self.sub(before, depth.saturating_add(1)),
                Some(_) => Cover::Always,
                None => never(),
            },
            Some(SubSignature::Content { patterns, .. }) => {
                let mut cover = never();
                for (index, pattern) in patterns.iter().enumerate() {
                    let own = pattern_cover(pattern, self.usage);
                    cover = if index == 0 { own } else { cover.either(own) };
                }
                cover.of_sub(number)
            }
            Some(SubSignature::Regex(regex)) => {
                let trigger = self.expression(&regex.trigger, depth);
                match regex::required(regex) {
                    Some(required) => trigger.and(of_required(&required, self.usage).of_sub(number)),
                    None => trigger,
                }
            }
            Some(SubSignature::ByteCompare(compare)) if depth <= MAX_DEPTH => {
                self.sub(compare.sub, depth.saturating_add(1))
            }
            Some(SubSignature::ByteCompare(_)) => Cover::Always,
            Some(SubSignature::FuzzyImage(_)) => Cover::Image,
        };
        if let Some(place) = self.memo.get_mut(index) {
            *place = Some(cover.clone());
        }
        cover
    }
}

/// The cover of what can never hold.
pub(crate) fn never() -> Cover {
    Cover::Needs(vec![Threshold { need: 1, of: Vec::new() }])
}

/// Whether `expression` is nothing but sub-signatures with `|` between them.
pub(crate) fn is_choice(expression: &Expression) -> bool {
    match expression {
        Expression::Or(left, right) => is_choice(left) && is_choice(right),
        Expression::Sub(_) => true,
        Expression::And(..) | Expression::Count { .. } => false,
    }
}

/// `expression` with every chain of `&` in the order of how rare its members are, rarest first, so
/// that evaluation fails early; but last what the signature is found by, for where it is evaluated that has been
/// seen. The meaning stays: conditions have no effects.
pub(crate) fn rarest_first(expression: Expression, cover: &Cover, covering: &mut Covering<'_>) -> Expression {
    in_order(expression, &cover.tracked(), covering)
}

fn in_order(expression: Expression, seen: &[u32], covering: &mut Covering<'_>) -> Expression {
    match expression {
        Expression::And(..) => {
            let mut members = Vec::new();
            flatten(expression, &mut members);
            let mut scored: Vec<(u32, Expression)> = members
                .into_iter()
                .map(|member| (covering.score(&member), in_order(member, seen, covering)))
                .collect();
            let is_seen = |member: &Expression| matches!(member, Expression::Sub(sub) if seen.contains(sub));
            scored.sort_by_key(|(score, member)| (is_seen(member), std::cmp::Reverse(*score)));
            let mut members = scored.into_iter().map(|(_, member)| member).rev();
            let last = members.next().unwrap_or(Expression::Sub(0));
            members.fold(last, |rest, member| Expression::And(Box::new(member), Box::new(rest)))
        }
        Expression::Or(left, right) => {
            let mut side = |side: Expression| Box::new(in_order(side, seen, covering));
            Expression::Or(side(*left), side(*right))
        }
        other => other,
    }
}

fn flatten(expression: Expression, members: &mut Vec<Expression>) {
    match expression {
        Expression::And(left, right) => {
            flatten(*left, members);
            flatten(*right, members);
        }
        other => members.push(other),
    }
}
