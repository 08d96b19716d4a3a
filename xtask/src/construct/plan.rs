//! Which sub-signatures must have how many hits for a condition to hold.

use std::collections::BTreeMap;

use candor_database::ir::{Comparison, Expression};

/// Hits that are wanted, by the number of the sub-signature.
pub(super) type Plan = BTreeMap<u32, u32>;

/// A plan for `expression`: the first side of every choice that is no contradiction.
pub(super) fn plan(expression: &Expression, side: bool) -> Plan {
    let mut plan = Plan::new();
    want(expression, side, &mut plan);
    plan
}

/// `side` takes the right side of choices, for a second try.
fn want(expression: &Expression, side: bool, plan: &mut Plan) {
    match expression {
        Expression::Sub(sub) => at_least(plan, *sub, 1),
        Expression::And(left, right) => {
            want(left, side, plan);
            want(right, side, plan);
        }
        Expression::Or(left, right) => want(if side { right } else { left }, side, plan),
        Expression::Count { of, comparison, hits, distinct } => {
            let wanted = match comparison {
                Comparison::Equal => *hits,
                Comparison::Greater => hits.saturating_add(1),
                Comparison::Less => (*distinct).min(hits.saturating_sub(1)),
            };
            if let Expression::Sub(sub) = &**of {
                if wanted > 0 {
                    at_least(plan, *sub, wanted);
                }
                return;
            }
            if wanted == 0 {
                return;
            }
            let mut subs = Vec::new();
            of.for_each_sub(&mut |sub| {
                if !subs.contains(&sub) {
                    subs.push(sub);
                }
            });
            if side {
                subs.reverse();
            }
            // One hit each as far as they must be different, the rest to the first.
            let all = matches!(&**of, Expression::And(..));
            let different =
                if all { subs.len() } else { usize::try_from(*distinct).unwrap_or(usize::MAX).max(1) };
            let mut left = wanted;
            for sub in subs.iter().take(different) {
                at_least(plan, *sub, 1);
                left = left.saturating_sub(1);
            }
            if let (Some(first), true) = (subs.first(), left > 0) {
                at_least(plan, *first, left + 1);
            }
        }
    }
}

fn at_least(plan: &mut Plan, sub: u32, hits: u32) {
    let held = plan.entry(sub).or_default();
    *held = (*held).max(hits);
}
