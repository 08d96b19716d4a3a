//! Which sub-signatures a logical signature is found by.
//!
//! A cover is a set of anchors of which at least one occurs in every layer that the signature
//! matches. `a & b & c` needs the rarest of the three only; the other two are looked for when that
//! one was seen. So most sub-signatures never enter the index, which keeps its filters small.

use crate::content::anchor::{Anchor, Tier, choose};
use crate::content::frequency::WINDOW;
use crate::ir::{Comparison, Expression, Gap, Part, Pattern, SubSignature};

/// How a signature is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Cover {
    /// It may hold for a layer without anything to find it by: it is evaluated for every layer of
    /// its class.
    Always,
    /// It holds only if one of these occurs. Empty: it can never hold.
    Anchors(Vec<Anchor>),
    /// It holds only for images that have a perceptual hash.
    Image,
}

impl Cover {
    /// How rare the cover is: its most common anchor, in eighths of a bit.
    fn score(&self) -> u32 {
        match self {
            Self::Always => 0,
            Self::Anchors(anchors) => {
                let worst = anchors.iter().map(|anchor| anchor.score).min().unwrap_or(u32::MAX);
                let many = u32::try_from(anchors.len()).unwrap_or(u32::MAX).max(1).ilog2();
                worst.saturating_sub(many.saturating_mul(8))
            }
            // Images are few, but each would be hashed.
            Self::Image => 100,
        }
    }

    fn better(self, other: Self) -> Self {
        if other.score() > self.score() { other } else { self }
    }

    /// What is found by either.
    fn either(self, other: Self) -> Self {
        match (self, other) {
            (Self::Anchors(mut left), Self::Anchors(right)) => {
                left.extend(right);
                Self::Anchors(left)
            }
            (Self::Image, Self::Image) => Self::Image,
            // A mix of images and anchors does not occur in practice.
            _ => Self::Always,
        }
    }
}

/// Tells how many anchors have a run already.
pub(crate) type Used<'a> = &'a dyn Fn(Tier, &[u8; WINDOW]) -> u32;

/// What occurs more often than once in about two hundred bytes is no anchor: following it everywhere
/// costs more than looking at every layer once. In eighths of a bit.
const COMMONEST: u32 = 60;

/// The cover of a single pattern.
pub(crate) fn of_pattern(pattern: &Pattern, used: Used<'_>) -> Cover {
    match choose(pattern, used) {
        Some(anchor) if anchor.rarity >= COMMONEST => Cover::Anchors(vec![anchor]),
        _ => Cover::Always,
    }
}

/// Finds covers of conditions over the same sub-signatures.
pub(crate) struct Covering<'a> {
    subs: &'a [SubSignature],
    used: Used<'a>,
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
    pub(crate) fn new(subs: &'a [SubSignature], used: Used<'a>) -> Self {
        Self { subs, used, memo: vec![None; subs.len()] }
    }

    /// The cover of `expression`.
    pub(crate) fn of(&mut self, expression: &Expression) -> Cover {
        self.expression(expression, 0)
    }

    fn expression(&mut self, expression: &Expression, depth: u32) -> Cover {
        if depth > MAX_DEPTH {
            return Cover::Always;
        }
        let deeper = depth.saturating_add(1);
        match expression {
            Expression::Sub(sub) => self.sub(*sub, deeper),
            Expression::And(left, right) => {
                self.expression(left, deeper).better(self.expression(right, deeper))
            }
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

    /// The cover of "something under this has a hit". Where so many `distinct` sub-signatures of one
    /// choice must have hits, all but that many less one suffice, and the commonest are left out.
    fn any_hit(&mut self, expression: &Expression, distinct: u32, depth: u32) -> Cover {
        let mut subs = Vec::new();
        expression.for_each_sub(&mut |sub| subs.push(sub));
        subs.sort_unstable();
        subs.dedup();
        let mut covers: Vec<Cover> = subs.into_iter().map(|sub| self.sub(sub, depth)).collect();
        if is_choice(expression) {
            covers.sort_by_key(Cover::score);
            let spare = (distinct as usize).saturating_sub(1).min(covers.len().saturating_sub(1));
            covers.drain(..spare);
        }
        covers.into_iter().reduce(Cover::either).unwrap_or(Cover::Anchors(Vec::new()))
    }

    fn sub(&mut self, number: u32, depth: u32) -> Cover {
        let index = number as usize;
        if let Some(Some(known)) = self.memo.get(index) {
            return known.clone();
        }
        let subs = self.subs;
        let cover = match subs.get(index) {
            None => Cover::Anchors(Vec::new()),
            // A macro needs a hit of the sub-signature before it.
            Some(sub) if macro_reference(sub).is_some() => match number.checked_sub(1) {
                Some(before) if depth <= MAX_DEPTH => self.sub(before, depth.saturating_add(1)),
                Some(_) => Cover::Always,
                None => Cover::Anchors(Vec::new()),
            },
            Some(SubSignature::Content { patterns, .. }) => {
                let mut cover = Cover::Anchors(Vec::new());
                for (index, pattern) in patterns.iter().enumerate() {
                    let own = of_pattern(pattern, self.used);
                    cover = if index == 0 { own } else { cover.either(own) };
                }
                cover
            }
            Some(SubSignature::Regex(regex)) => self.expression(&regex.trigger, depth),
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

/// Whether `expression` is nothing but sub-signatures with `|` between them.
fn is_choice(expression: &Expression) -> bool {
    match expression {
        Expression::Or(left, right) => is_choice(left) && is_choice(right),
        Expression::Sub(_) => true,
        Expression::And(..) | Expression::Count { .. } => false,
    }
}

/// `expression` with every chain of `&` in the order of how rare its members are, rarest first, so
/// that evaluation fails early. The meaning stays: conditions have no effects.
pub(crate) fn rarest_first(expression: Expression, covering: &mut Covering<'_>) -> Expression {
    match expression {
        Expression::And(..) => {
            let mut members = Vec::new();
            flatten(expression, &mut members);
            let mut scored: Vec<(u32, Expression)> = members
                .into_iter()
                .map(|member| (covering.of(&member).score(), rarest_first(member, covering)))
                .collect();
            scored.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
            let mut members = scored.into_iter().map(|(_, member)| member).rev();
            let last = members.next().unwrap_or(Expression::Sub(0));
            members.fold(last, |rest, member| Expression::And(Box::new(member), Box::new(rest)))
        }
        Expression::Or(left, right) => {
            Expression::Or(Box::new(rarest_first(*left, covering)), Box::new(rarest_first(*right, covering)))
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
