//! What of a condition costs next to nothing to ask.
//!
//! A guard is a part of a condition that must hold wherever the whole does, and that consists of reads at constant places, the
//! length of the layer, and numbers that modules say. It is asked before anything else of a rule. Few guards are asked by many
//! rules: an image has each once, and a layer is asked each at most once.

use crate::ir::{
    BinaryOperator, ModulePath, ModuleRoot, ModuleStep, Place, Quantifier, Sequence, Term, UnaryOperator,
};

/// Terms that a guard has at most.
const MAX_TERMS: usize = 64;

/// The guard of a condition, if it has one.
pub(super) fn guard(condition: &Term) -> Option<Term> {
    let guard = needed(condition)?;
    (size(&guard) <= MAX_TERMS).then_some(guard)
}

/// What must hold where `term` does.
fn needed(term: &Term) -> Option<Term> {
    match term {
        Term::And(terms) => {
            let mut all: Vec<Term> = Vec::new();
            for term in terms.iter().filter_map(needed) {
                match term {
                    Term::And(more) => all.extend(more),
                    other => all.push(other),
                }
            }
            all.sort_by_cached_key(cost);
            all.dedup();
            match all.len() {
                0 | 1 => all.pop(),
                _ => Some(Term::And(all)),
            }
        }
        Term::Or(terms) => {
            let mut all = terms.iter().map(needed).collect::<Option<Vec<Term>>>()?;
            all.sort_by_cached_key(cost);
            all.dedup();
            match all.len() {
                1 => all.pop(),
                _ => Some(Term::Or(all)),
            }
        }
        Term::Boolean(false) => Some(Term::Boolean(false)),
        Term::Binary(operator, left, right)
            if is_comparison(*operator) && is_cheap(left) && is_cheap(right) =>
        {
            Some(term.clone())
        }
        // What is asked of each of some things does not depend on them, as far as it is cheap.
        Term::ForOf { quantifier: Quantifier::Any, body, .. } => needed(body),
        Term::ForIn { quantifier: Quantifier::Any, sequence, body, .. } => {
            let body = needed(body);
            let sequence = sequence_guard(sequence);
            match (sequence, body) {
                (Some(sequence), Some(body)) => Some(Term::And(vec![sequence, body])),
                (sequence, body) => sequence.or(body),
            }
        }
        _ => None,
    }
}

/// What must hold for a sequence to have anything in it.
fn sequence_guard(sequence: &Sequence) -> Option<Term> {
    let Sequence::Range(range) = sequence else { return None };
    let (from, to) = &**range;
    let is_constant = matches!((from, to), (Term::Integer(_), Term::Integer(_)));
    (is_cheap(from) && is_cheap(to) && !is_constant)
        .then(|| Term::Binary(BinaryOperator::LessOrEqual, Box::new(from.clone()), Box::new(to.clone())))
}

const fn is_comparison(operator: BinaryOperator) -> bool {
    matches!(
        operator,
        BinaryOperator::Equal
            | BinaryOperator::Greater
            | BinaryOperator::GreaterOrEqual
            | BinaryOperator::Less
            | BinaryOperator::LessOrEqual
            | BinaryOperator::NotEqual
    )
}

/// Whether a number costs next to nothing.
fn is_cheap(term: &Term) -> bool {
    match term {
        Term::FileSize | Term::Integer(_) | Term::EntryPoint | Term::Boolean(_) => true,
        Term::Read { at, .. } => is_cheap(at),
        Term::Unary(UnaryOperator::BitNot | UnaryOperator::Negate, term) => is_cheap(term),
        Term::Binary(operator, left, right) => {
            matches!(
                operator,
                BinaryOperator::Add
                    | BinaryOperator::BitAnd
                    | BinaryOperator::BitOr
                    | BinaryOperator::BitXor
                    | BinaryOperator::Multiply
                    | BinaryOperator::ShiftLeft
                    | BinaryOperator::ShiftRight
                    | BinaryOperator::Subtract
            ) && is_cheap(left)
                && is_cheap(right)
        }
        Term::Module(path) => is_plain(path),
        _ => false,
    }
}

/// Whether a path leads through fields alone.
fn is_plain(path: &ModulePath) -> bool {
    matches!(path.root, ModuleRoot::Module(_))
        && path.steps.iter().all(|step| matches!(step, ModuleStep::Field(_)))
}

/// How many terms a term has.
pub(super) fn size(term: &Term) -> usize {
    let mut count = 0_usize;
    walk(term, &mut |_| count = count.saturating_add(1));
    count
}

/// Visits a term and all in it.
pub(super) fn walk(term: &Term, visit: &mut dyn FnMut(&Term)) {
    visit(term);
    children(term, &mut |child| walk(child, visit));
}

/// Visits the terms that a term is made of.
fn children(term: &Term, visit: &mut dyn FnMut(&Term)) {
    match term {
        Term::Boolean(_)
        | Term::EntryPoint
        | Term::External(_)
        | Term::FileSize
        | Term::Float(_)
        | Term::Integer(_)
        | Term::Text(_)
        | Term::Variable(_) => {}
        Term::And(terms) | Term::Or(terms) => terms.iter().for_each(visit),
        Term::Binary(_, left, right) => {
            visit(left);
            visit(right);
        }
        Term::Count { range, .. } => {
            if let Some(range) = range {
                visit(&range.0);
                visit(&range.1);
            }
        }
        Term::Defined(term) | Term::Not(term) | Term::Matches(term, _) | Term::Unary(_, term) => visit(term),
        Term::ForIn { quantifier, sequence, body, .. } => {
            quantified(quantifier, visit);
            match sequence {
                Sequence::List(terms) => terms.iter().for_each(&mut *visit),
                Sequence::Members(members) => along(members, visit),
                Sequence::Range(range) => {
                    visit(&range.0);
                    visit(&range.1);
                }
            }
            visit(body);
        }
        Term::ForOf { quantifier, body, .. } => {
            quantified(quantifier, visit);
            visit(body);
        }
        Term::Length { index, .. } | Term::Offset { index, .. } => visit(index),
        Term::Module(members) => along(members, visit),
        Term::Of { quantifier, place, .. } => {
            quantified(quantifier, visit);
            placed(place, visit);
        }
        Term::OfTerms { quantifier, terms } => {
            quantified(quantifier, visit);
            terms.iter().for_each(visit);
        }
        Term::Read { at, .. } => visit(at),
        Term::String { place, .. } => placed(place, visit),
    }
}

fn along(path: &ModulePath, visit: &mut dyn FnMut(&Term)) {
    for step in &path.steps {
        match step {
            ModuleStep::Call(_, terms) | ModuleStep::CallRegex(_, terms, _) => {
                terms.iter().for_each(&mut *visit);
            }
            ModuleStep::Field(_) => {}
            ModuleStep::Index(index) => visit(index),
        }
    }
}

fn quantified(quantifier: &Quantifier, visit: &mut dyn FnMut(&Term)) {
    match quantifier {
        Quantifier::AtLeast(count) | Quantifier::Percent(count) => visit(count),
        Quantifier::All | Quantifier::Any | Quantifier::None => {}
    }
}

fn placed(place: &Place, visit: &mut dyn FnMut(&Term)) {
    match place {
        Place::Anywhere => {}
        Place::At(at) => visit(at),
        Place::In(range) => {
            visit(&range.0);
            visit(&range.1);
        }
    }
}

/// What a term costs to ask, roughly.
pub(super) fn cost(term: &Term) -> u32 {
    let mut cost = 0_u32;
    walk(term, &mut |term| {
        cost = cost.saturating_add(match term {
            Term::ForIn { .. } => 10_000,
            Term::ForOf { .. } => 2_000,
            Term::Count { .. } | Term::Length { .. } => 5_000,
            Term::Of { strings, .. } => {
                u32::try_from(strings.len()).unwrap_or(u32::MAX).saturating_mul(1_000)
            }
            Term::String { place: Place::Anywhere, .. } => 1_000,
            Term::Offset { .. } => 3_000,
            Term::String { .. } => 20,
            Term::Matches(..) => 100,
            Term::Module(path) if is_plain(path) => 10,
            Term::Module(_) => 500,
            _ => 1,
        });
    });
    cost
}

/// A condition with what costs little first where the order does not matter.
pub(super) fn cheapest_first(term: Term) -> Term {
    match term {
        Term::And(terms) => {
            let mut terms: Vec<Term> = terms.into_iter().map(cheapest_first).collect();
            terms.sort_by_cached_key(cost);
            Term::And(terms)
        }
        Term::Or(terms) => {
            let mut terms: Vec<Term> = terms.into_iter().map(cheapest_first).collect();
            terms.sort_by_cached_key(cost);
            Term::Or(terms)
        }
        Term::Not(term) => Term::Not(Box::new(cheapest_first(*term))),
        other => other,
    }
}

/// Whether terms stand inside one another deeper than so many.
pub(super) fn deeper_than(term: &Term, most: u32) -> bool {
    // Bounded by the answer itself: nothing below `most` is looked at.
    let Some(rest) = most.checked_sub(1) else { return true };
    let mut is_deeper = false;
    children(term, &mut |child| is_deeper |= deeper_than(child, rest));
    is_deeper
}
