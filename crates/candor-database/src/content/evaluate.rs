//! Deciding a pattern over a layer, once something of it was seen.
//!
//! A pattern is matched part by part, from left to right. What is carried from one part to the next
//! is not a set of matches but the set of places where the next part may start, as intervals: gaps
//! merge, so that the work is linear in the layer for each part, whatever the pattern and the bytes
//! are. Every byte looked at is counted against a number of steps; when they run out, the answer is
//! "not decided" and never "no".

use std::collections::BTreeSet;
use std::sync::OnceLock;

use aho_corasick::{Span, packed};
use candor_model::{Executable, Facts};
#[cfg(target_arch = "x86_64")]
use memchr::arch::{all::packedpair::Pair, x86_64::avx2::packedpair};
use memchr::memmem;

use crate::content::cells::{elements_length, shortest};
use crate::content::frequency::surprise;
use crate::ir::{Alternatives, Boundary, BoundaryKind, Element, Offset, OffsetBase, Pattern};

/// Matches that are kept for the report.
pub(crate) const KEPT: usize = 8;
/// Intervals that are carried with exact origins; beyond, neighbours are merged.
const EXACT_INTERVALS: usize = 1 << 12;
/// Intervals and ends that are carried at all: what needs more is not decided.
const MAX_CARRIED: usize = 1 << 20;

/// The steps ran out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Undecided;

/// What patterns are matched against.
#[derive(Clone, Copy)]
pub(crate) struct Layer<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) facts: &'a Facts,
}

/// Steps that are left for a layer.
#[derive(Debug)]
pub(crate) struct Steps(u64);

impl Steps {
    pub(crate) const fn new(limit: u64) -> Self {
        Self(limit)
    }

    pub(crate) fn spend(&mut self, steps: usize) -> Result<(), Undecided> {
        self.0 = self.0.checked_sub(steps as u64).ok_or(Undecided)?;
        Ok(())
    }
}

/// Where a pattern matched.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Matches {
    /// How often: the number of places where a match ends. Where the last part can end in several
    /// places from one start, the nearest counts.
    pub(crate) count: u32,
    /// Start and end of the match that ends last.
    pub(crate) last: Option<(usize, usize)>,
    /// Start and end of the first few.
    pub(crate) spans: Vec<(usize, usize)>,
}

/// Takes the start and the ends of a match and where the whole match began, and answers before which
/// start others still matter.
type Take<'t> = dyn FnMut(usize, &[usize], Option<usize>) -> usize + 't;

/// Places where something may start, both ends included.
#[derive(Clone, Copy, Debug)]
struct Interval {
    low: usize,
    high: usize,
    /// Where the match began that led here; `None` before the first part.
    origin: Option<usize>,
}

/// What the parts of a pattern are sought by. It is made as far as a search gets, and kept for the next one.
#[derive(Debug)]
pub(crate) struct Plan(Vec<OnceLock<Sought>>);

impl Plan {
    /// For this pattern, and no other.
    pub(crate) fn new(pattern: &Pattern) -> Self {
        Self(pattern.parts.iter().map(|_| OnceLock::new()).collect())
    }
}

/// Looks for `pattern` until `want` matches are found.
pub(crate) fn find(
    pattern: &Pattern,
    layer: Layer<'_>,
    want: u32,
    steps: &mut Steps,
) -> Result<Matches, Undecided> {
    find_planned((pattern, &Plan::new(pattern)), layer, want, steps)
}

/// The same for a pattern with its plan.
pub(crate) fn find_planned(
    (pattern, plan): (&Pattern, &Plan),
    layer: Layer<'_>,
    want: u32,
    steps: &mut Steps,
) -> Result<Matches, Undecided> {
    let places = places(pattern.offset, layer.bytes.len(), layer.facts);
    find_in((pattern, plan), layer, places, want, KEPT, steps)
}

/// Every place where a match of `pattern` starts.
pub(crate) fn starts(
    pattern: &Pattern,
    layer: Layer<'_>,
    steps: &mut Steps,
) -> Result<Vec<usize>, Undecided> {
    let places = places(pattern.offset, layer.bytes.len(), layer.facts);
    let found = find_in((pattern, &Plan::new(pattern)), layer, places, u32::MAX, MAX_CARRIED, steps)?;
    if found.count as usize > MAX_CARRIED {
        return Err(Undecided);
    }
    Ok(found.spans.into_iter().map(|(start, _)| start).collect())
}

/// Looks for `want` matches of `pattern` that start in one of `ranges`, both ends included, which may
/// overlap and come in any order.
pub(crate) fn find_starting(
    pattern: &Pattern,
    layer: Layer<'_>,
    ranges: Vec<(usize, usize)>,
    want: u32,
    steps: &mut Steps,
) -> Result<Matches, Undecided> {
    find_starting_planned((pattern, &Plan::new(pattern)), layer, ranges, want, steps)
}

/// The same for a pattern with its plan.
pub(crate) fn find_starting_planned(
    (pattern, plan): (&Pattern, &Plan),
    layer: Layer<'_>,
    mut ranges: Vec<(usize, usize)>,
    want: u32,
    steps: &mut Steps,
) -> Result<Matches, Undecided> {
    ranges.sort_unstable();
    let places = ranges.into_iter().map(|(low, high)| Interval { low, high, origin: None }).collect();
    find_in((pattern, plan), layer, places, want, KEPT, steps)
}

/// Every match of each of `literals`, found in one pass; `None` where they cannot be looked for together.
pub(crate) fn count_literals(
    literals: &[&[u8]],
    bytes: &[u8],
    steps: &mut Steps,
) -> Result<Option<Vec<Matches>>, Undecided> {
    let mut builder = packed::Config::new().builder();
    let Some(searcher) = builder.extend(literals).build() else { return Ok(None) };
    let mut found = vec![Matches::default(); literals.len()];
    let mut at = 0;
    // As in a search for each by itself: vectors look at many bytes in the time of one step.
    while let Some(place) = searcher.find_in(bytes, Span { start: at, end: bytes.len() }) {
        let start = place.start();
        steps.spend((start.saturating_sub(at) / 16).saturating_add(literals.len()))?;
        let here = bytes.get(start..).unwrap_or_default();
        for (literal, found) in
            literals.iter().zip(&mut found).filter(|(literal, _)| here.starts_with(literal))
        {
            let span = (start, start.saturating_add(literal.len()));
            found.count = found.count.saturating_add(1);
            found.last = Some(span);
            if found.spans.len() < KEPT {
                found.spans.push(span);
            }
        }
        at = start.saturating_add(1);
    }
    steps.spend(bytes.len().saturating_sub(at) / 16)?;
    Ok(Some(found))
}

fn find_in(
    (pattern, plan): (&Pattern, &Plan),
    layer: Layer<'_>,
    places: Vec<Interval>,
    want: u32,
    keep: usize,
    steps: &mut Steps,
) -> Result<Matches, Undecided> {
    let mut places = places;
    let mut found = Matches::default();
    for (index, (part, place)) in pattern.parts.iter().zip(&plan.0).enumerate() {
        let next = pattern.parts.get(index.saturating_add(1)).map(|part| part.gap);
        let mut following: Vec<Interval> = Vec::new();
        // With an unlimited gap behind this part only its earliest end matters.
        let mut earliest: Option<(usize, usize)> = None;
        // Ends of a last part of variable length may repeat.
        let mut seen: BTreeSet<usize> = BTreeSet::new();
        let mut overfull = false;
        let unlimited = next.is_some_and(|gap| gap.max.is_none());
        let fixed = elements_length(&part.elements).is_some();
        let mut take = |start: usize, ends: &[usize], origin: Option<usize>| -> usize {
            let origin = origin.unwrap_or(start);
            let Some(gap) = next else {
                let Some(end) = ends.first().copied() else { return usize::MAX };
                if !fixed && !seen.insert(end) {
                    return usize::MAX;
                }
                overfull |= seen.len() > MAX_CARRIED;
                found.count = found.count.saturating_add(1);
                if found.spans.len() < keep {
                    found.spans.push((origin, end));
                }
                if found.last.is_none_or(|(_, known)| end > known) {
                    found.last = Some((origin, end));
                }
                return if found.count < want { usize::MAX } else { 0 };
            };
            for end in ends {
                if unlimited {
                    if earliest.is_none_or(|(known, _)| *end < known) {
                        earliest = Some((*end, origin));
                    }
                } else {
                    let reach =
                        |distance: u64| end.saturating_add(usize::try_from(distance).unwrap_or(usize::MAX));
                    let interval = Interval {
                        low: reach(gap.min),
                        high: reach(gap.max.unwrap_or(u64::MAX)),
                        origin: Some(origin),
                    };
                    overfull |= !carry(&mut following, interval);
                }
            }
            match earliest {
                Some(_) if fixed => 0,
                // A later start of a part of variable length may still end earlier.
                Some((end, _)) => end,
                None => usize::MAX,
            }
        };
        // A reference to a macro group is a sub-signature of its own, never part of a pattern.
        if part.macro_group.is_some() {
            return Ok(Matches::default());
        }
        let sought = place.get_or_init(|| Sought::new(&part.elements, pattern.ignore_case));
        let matcher = Matcher { elements: &part.elements, ignore_case: pattern.ignore_case, sought };
        part_matches(&matcher, layer.bytes, &places, steps, &mut take)?;
        if let (Some(gap), Some((end, origin))) = (next, earliest) {
            let low = end.saturating_add(usize::try_from(gap.min).unwrap_or(usize::MAX));
            following.push(Interval { low, high: layer.bytes.len(), origin: Some(origin) });
        }
        if overfull {
            return Err(Undecided);
        }
        if next.is_none() {
            return Ok(found);
        }
        if following.is_empty() {
            return Ok(Matches::default());
        }
        // Ends of a part of variable length do not come in order.
        following.sort_by_key(|interval| interval.low);
        places = following;
    }
    Ok(found)
}

/// Adds an interval behind the others, and merges it with the last one where they touch: exact
/// origins are given up only when there are many. False when there is no more room.
fn carry(intervals: &mut Vec<Interval>, interval: Interval) -> bool {
    let many = intervals.len() >= EXACT_INTERVALS;
    if let Some(last) = intervals.last_mut()
        && (last.origin == interval.origin || many)
        && interval.low >= last.low
        && interval.low <= last.high.saturating_add(1)
    {
        last.high = last.high.max(interval.high);
        return true;
    }
    intervals.push(interval);
    intervals.len() <= MAX_CARRIED
}

/// Calls `take` with the start and the ends of every match of a part that starts in `places`. Starts
/// ascend, and none comes twice. `take` answers before which start others still matter.
fn part_matches(
    matcher: &Matcher<'_>,
    bytes: &[u8],
    places: &[Interval],
    steps: &mut Steps,
    take: &mut Take<'_>,
) -> Result<(), Undecided> {
    let Some(latest) = bytes.len().checked_sub(matcher.sought.shortest) else { return Ok(()) };
    let mut ends = Vec::new();
    let mut from = 0_usize;
    for place in places {
        let mut at = place.low.max(from);
        let mut high = place.high.min(latest);
        while at <= high {
            let Some(candidate) = matcher.seek(bytes, at, high, steps)? else { break };
            ends.clear();
            matcher.ends(bytes, candidate, &mut ends, steps)?;
            if !ends.is_empty() {
                let Some(last) = take(candidate, &ends, place.origin).checked_sub(1) else { return Ok(()) };
                high = high.min(last);
            }
            at = candidate.saturating_add(1);
        }
        from = from.max(at);
    }
    Ok(())
}

/// One part, prepared for a search.
struct Matcher<'p> {
    elements: &'p [Element],
    ignore_case: bool,
    sought: &'p Sought,
}

/// What a part is sought by.
#[derive(Debug)]
struct Sought {
    /// Bytes that it takes at least.
    shortest: usize,
    /// Whether it always takes that many.
    fixed: bool,
    needle: Option<Needle>,
}

#[derive(Debug)]
struct Needle {
    /// Distance from the start of the part.
    distance: usize,
    /// Bytes from its first to its last.
    length: usize,
    finder: Finder,
}

#[derive(Debug)]
enum Finder {
    Exact(Box<memmem::Finder<'static>>),
    /// The rarest byte in both cases, and where it is in the needle.
    Folded {
        bytes: Box<[u8]>,
        lower: u8,
        upper: u8,
        at: usize,
    },
    /// Single bytes at their distances.
    Apart(Box<Apart>),
}

/// Needles longer than this are no rarer, but take longer to prepare.
const LONGEST_NEEDLE: usize = 32;
/// A run that is less rare is not looked for if other bytes can be, in eighths of a bit: a pair of bytes passes as often.
const RARE: u32 = 160;
/// Single bytes that are looked for together, and how far from the start of the part.
const MOST_APART: usize = 5;
const FARTHEST: usize = 96;
/// Ranges of starts up to this length are tried one by one.
const SHORT_RANGE: usize = 16;

impl Sought {
    fn new(elements: &[Element], ignore_case: bool) -> Self {
        let length = elements_length(elements);
        Self {
            shortest: length.unwrap_or_else(|| shortest(elements)),
            fixed: length.is_some(),
            needle: Needle::choose(elements, ignore_case),
        }
    }
}

impl Matcher<'_> {
    /// The first place from `from` to `high` where the part may start.
    fn seek(
        &self,
        bytes: &[u8],
        from: usize,
        high: usize,
        steps: &mut Steps,
    ) -> Result<Option<usize>, Undecided> {
        let Some(needle) = &self.sought.needle else {
            steps.spend(1)?;
            return Ok(Some(from));
        };
        if high.saturating_sub(from) < SHORT_RANGE {
            steps.spend(1)?;
            return Ok(Some(from));
        }
        let start = from.saturating_add(needle.distance);
        let end = high.saturating_add(needle.distance).saturating_add(needle.length).min(bytes.len());
        let Some(range) = bytes.get(start..end) else { return Ok(None) };
        let mut tries = 1;
        let found = needle.find(range, &mut tries);
        // Vectors look at many bytes in the time of one step.
        steps.spend((found.unwrap_or(range.len()) / 16).saturating_add(tries))?;
        Ok(found.map(|offset| from.saturating_add(offset)).filter(|place| *place <= high))
    }

    /// Appends the ends of the matches that start at `start`, ascending and without repetition.
    fn ends(
        &self,
        bytes: &[u8],
        start: usize,
        ends: &mut Vec<usize>,
        steps: &mut Steps,
    ) -> Result<(), Undecided> {
        steps.spend(1)?;
        if self.sought.fixed {
            if let Some(end) = fixed_end(self.elements, self.ignore_case, bytes, start) {
                ends.push(end);
            }
            return Ok(());
        }
        *ends = variable_ends(self.elements, self.ignore_case, bytes, vec![start], steps)?;
        Ok(())
    }
}

impl Needle {
    fn choose(elements: &[Element], ignore_case: bool) -> Option<Self> {
        let mut distance = 0_usize;
        let mut best: Option<(u32, usize, &[u8])> = None;
        let mut single: Vec<(usize, u8)> = Vec::new();
        for element in elements {
            if let Element::Bytes(run) = element {
                let places = (distance..distance.saturating_add(run.len())).zip(run.iter().copied());
                single.extend(places.take_while(|(place, _)| *place < FARTHEST));
                let run = run.get(..LONGEST_NEEDLE).unwrap_or(run);
                let score = surprise(run);
                if best.is_none_or(|(known, ..)| score > known) {
                    best = Some((score, distance, run));
                }
            }
            match elements_length(std::slice::from_ref(element)) {
                Some(length) => distance = distance.checked_add(length)?,
                None => break,
            }
        }
        let (score, distance, bytes) = best?;
        let length = bytes.len();
        if ignore_case {
            let (at, rarest) =
                bytes.iter().enumerate().max_by_key(|(_, byte)| surprise(std::slice::from_ref(*byte)))?;
            let (lower, upper) = (rarest.to_ascii_lowercase(), rarest.to_ascii_uppercase());
            return Some(Self {
                distance,
                length,
                finder: Finder::Folded { bytes: bytes.into(), lower, upper, at },
            });
        }
        if score < RARE
            && let Some((distance, apart)) = Apart::choose(single)
        {
            return Some(Self { distance, length: apart.length, finder: Finder::Apart(Box::new(apart)) });
        }
        Some(Self {
            distance,
            length,
            finder: Finder::Exact(Box::new(memmem::Finder::new(bytes).into_owned())),
        })
    }

    /// Where the needle is in `range`. `tries` grows with places that were looked at by themselves.
    fn find(&self, range: &[u8], tries: &mut usize) -> Option<usize> {
        match &self.finder {
            Finder::Exact(finder) => finder.find(range),
            Finder::Apart(apart) => apart.find(range, tries),
            Finder::Folded { bytes, lower, upper, at } => {
                let last = range.len().checked_sub(bytes.len())?;
                let sought = range.get(*at..at.checked_add(last)?.checked_add(1)?)?;
                memchr::memchr2_iter(*lower, *upper, sought).find(|place| {
                    range
                        .get(*place..)
                        .and_then(|rest| rest.get(..bytes.len()))
                        .is_some_and(|here| here.eq_ignore_ascii_case(bytes))
                })
            }
        }
    }
}

/// Bytes of a part that stand apart from each other: what is between them may be anything. Code with its addresses left out is
/// like that, and no run of it is rare.
#[derive(Debug)]
struct Apart {
    /// Distances from the first of them, and the bytes.
    bytes: Vec<(usize, u8)>,
    /// Bytes from the first to the last of them.
    length: usize,
    #[cfg(target_arch = "x86_64")]
    finder: packedpair::Finder,
}

impl Apart {
    /// The rarest of some bytes with their distances, and how far the first of them is; `None` where they are too few, or
    /// nothing looks for them quickly.
    #[cfg(target_arch = "x86_64")]
    fn choose(mut bytes: Vec<(usize, u8)>) -> Option<(usize, Self)> {
        bytes.sort_by_key(|(_, byte)| std::cmp::Reverse(surprise(std::slice::from_ref(byte))));
        bytes.truncate(MOST_APART);
        let [(one, _), (other, _), _, ..] = *bytes.as_slice() else { return None };
        let first = bytes.iter().map(|(place, _)| *place).min()?;
        let last = bytes.iter().map(|(place, _)| *place).max()?;
        let length = last.checked_sub(first)?.checked_add(1)?;
        let mut needle = vec![0; length];
        for (place, byte) in &mut bytes {
            *place = place.checked_sub(first)?;
            *needle.get_mut(*place)? = *byte;
        }
        let index = |place: usize| u8::try_from(place.checked_sub(first)?).ok();
        let pair = Pair::with_indices(&needle, index(one)?, index(other)?)?;
        let finder = packedpair::Finder::with_pair(&needle, pair)?;
        Some((first, Self { bytes, length, finder }))
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn choose(_: Vec<(usize, u8)>) -> Option<(usize, Self)> {
        None
    }

    fn stands_at(&self, range: &[u8], at: usize) -> bool {
        let here = range.get(at..).unwrap_or_default();
        here.len() >= self.length && self.bytes.iter().all(|(place, byte)| here.get(*place) == Some(byte))
    }

    /// The first place in `range` where all of them stand.
    fn find(&self, range: &[u8], tries: &mut usize) -> Option<usize> {
        let mut at = 0_usize;
        #[cfg(target_arch = "x86_64")]
        while let Some(rest) = range.get(at..).filter(|rest| rest.len() >= self.finder.min_haystack_len()) {
            let place = at.checked_add(self.finder.find_prefilter(rest)?)?;
            if self.stands_at(range, place) {
                return Some(place);
            }
            *tries = tries.saturating_add(1);
            at = place.checked_add(1)?;
        }
        let last = range.len().checked_sub(self.length)?;
        (at..=last).find(|at| self.stands_at(range, *at))
    }
}

/// Where `elements`, all of fixed length, end when they match at `start`.
pub(crate) fn fixed_end(
    elements: &[Element],
    ignore_case: bool,
    bytes: &[u8],
    start: usize,
) -> Option<usize> {
    let mut at = start;
    for (index, element) in elements.iter().enumerate() {
        match element {
            Element::Boundary(boundary) => {
                if !boundary_holds(*boundary, bytes, at, index == 0) {
                    return None;
                }
            }
            Element::Bytes(run) => at = literal_end(run, ignore_case, bytes, at)?,
            Element::Masked { value, mask } => {
                at = masked_end(*value, *mask, bytes, at)?;
            }
            Element::Alternatives(choice) => {
                let matched =
                    choice.branches.iter().find_map(|branch| fixed_end(branch, ignore_case, bytes, at));
                at = if choice.negated { negated_end(choice, matched, bytes, at)? } else { matched? };
            }
        }
    }
    Some(at)
}

/// The same where lengths differ: every end, for every start in `starts`.
fn variable_ends(
    elements: &[Element],
    ignore_case: bool,
    bytes: &[u8],
    starts: Vec<usize>,
    steps: &mut Steps,
) -> Result<Vec<usize>, Undecided> {
    let mut places = starts;
    for (index, element) in elements.iter().enumerate() {
        steps.spend(places.len())?;
        let next: Vec<usize> = match element {
            Element::Boundary(boundary) => {
                places.into_iter().filter(|at| boundary_holds(*boundary, bytes, *at, index == 0)).collect()
            }
            Element::Bytes(run) => {
                places.into_iter().filter_map(|at| literal_end(run, ignore_case, bytes, at)).collect()
            }
            Element::Masked { value, mask } => {
                places.into_iter().filter_map(|at| masked_end(*value, *mask, bytes, at)).collect()
            }
            Element::Alternatives(choice) if choice.negated => places
                .into_iter()
                .filter_map(|at| {
                    let matched =
                        choice.branches.iter().find_map(|branch| fixed_end(branch, ignore_case, bytes, at));
                    negated_end(choice, matched, bytes, at)
                })
                .collect(),
            Element::Alternatives(choice) => {
                let mut all = Vec::new();
                for branch in &choice.branches {
                    all.extend(variable_ends(branch, ignore_case, bytes, places.clone(), steps)?);
                }
                all.sort_unstable();
                all.dedup();
                all
            }
        };
        if next.is_empty() {
            return Ok(next);
        }
        places = next;
    }
    Ok(places)
}

fn literal_end(run: &[u8], ignore_case: bool, bytes: &[u8], at: usize) -> Option<usize> {
    let end = at.checked_add(run.len())?;
    let here = bytes.get(at..end)?;
    let same = if ignore_case { here.eq_ignore_ascii_case(run) } else { here == run };
    same.then_some(end)
}

fn masked_end(value: u8, mask: u8, bytes: &[u8], at: usize) -> Option<usize> {
    (bytes.get(at)? & mask == value & mask).then(|| at.saturating_add(1))
}

/// Where a choice that must not match ends.
fn negated_end(choice: &Alternatives, matched: Option<usize>, bytes: &[u8], at: usize) -> Option<usize> {
    if matched.is_some() {
        return None;
    }
    let length = choice.branches.first().map_or(0, |branch| shortest(branch));
    at.checked_add(length).filter(|end| *end <= bytes.len())
}

/// Whether a condition on a neighbour of `at` holds: on the byte before at the start of a part, on
/// the byte behind elsewhere.
fn boundary_holds(boundary: Boundary, bytes: &[u8], at: usize, leading: bool) -> bool {
    let (left, right) = bytes.split_at_checked(at).unwrap_or((bytes, &[]));
    let neighbour = if leading { left.last() } else { right.first() };
    let holds = match (boundary.kind, neighbour) {
        (_, None) => true,
        (BoundaryKind::Delimiter, Some(byte)) if !leading => ends_token(*byte),
        // Negated, it asks for a byte that delimits on neither side.
        (BoundaryKind::Delimiter, Some(byte)) => {
            starts_token(*byte) || (boundary.negated && ends_token(*byte))
        }
        (BoundaryKind::Line, Some(b'\n')) => true,
        (BoundaryKind::Line, Some(b'\r')) => !leading && right.get(1) == Some(&b'\n'),
        (BoundaryKind::Line, Some(_)) => false,
        (BoundaryKind::Word, Some(byte)) => !byte.is_ascii_alphanumeric(),
        (BoundaryKind::WideWord, Some(byte)) => {
            let letter = match (leading, left, right) {
                (true, [.., low, high], _) | (false, _, [low, high, ..]) => {
                    low.is_ascii_alphanumeric() && *high == 0
                }
                (true, ..) => false,
                (false, ..) => byte.is_ascii_alphanumeric(),
            };
            !letter
        }
    };
    holds != boundary.negated
}

/// Whether a markup token may start behind `byte`.
fn starts_token(byte: u8) -> bool {
    b" -./<@_".contains(&byte)
}

/// Whether a markup token may end before `byte`.
fn ends_token(byte: u8) -> bool {
    b"\n\r \"'-/=>_".contains(&byte)
}

/// The places where the first part of a pattern may start, ascending and apart from one another.
fn places(offset: Offset, length: usize, facts: &Facts) -> Vec<Interval> {
    place_ranges(offset, length as u64, facts)
        .into_iter()
        .filter_map(|(low, high)| {
            let low = usize::try_from(low).ok().filter(|low| *low < length)?;
            let high = usize::try_from(high).unwrap_or(usize::MAX).min(length);
            (low <= high).then_some(Interval { low, high, origin: None })
        })
        .collect()
}

/// The same in file offsets, both ends included; nothing where the layer has no such place.
pub(crate) fn place_ranges(offset: Offset, length: u64, facts: &Facts) -> Vec<(u64, u64)> {
    let executable = facts.executable.as_ref();
    let section = |index: usize| executable.and_then(|known| known.sections.get(index));
    let shifted = |low: u64| vec![(low, low.saturating_add(offset.shift))];
    match offset.base {
        OffsetBase::Any => vec![(0, length)],
        OffsetBase::Start(distance) => shifted(distance),
        OffsetBase::End(distance) => length.checked_sub(distance).map(shifted).unwrap_or_default(),
        OffsetBase::EntryPoint(distance) => executable
            .and_then(|known| known.entry_point)
            .and_then(|entry| entry.checked_add_signed(distance))
            .map(shifted)
            .unwrap_or_default(),
        OffsetBase::Section { index, distance } => section(index as usize)
            .and_then(|section| section.raw_offset.checked_add(distance))
            .map(shifted)
            .unwrap_or_default(),
        OffsetBase::LastSection(distance) => executable
            .and_then(|known| known.sections.last())
            .and_then(|section| section.raw_offset.checked_add(distance))
            .map(shifted)
            .unwrap_or_default(),
        OffsetBase::WithinSection(index) => section(index as usize)
            // The first byte behind the section still counts as inside.
            .map(|section| vec![(section.raw_offset, section.raw_offset.saturating_add(section.raw_size))])
            .unwrap_or_default(),
        OffsetBase::VersionInfo => version_places(executable),
    }
}

/// A shift means nothing here: a pattern starts right at a key.
fn version_places(executable: Option<&Executable>) -> Vec<(u64, u64)> {
    let mut places: Vec<(u64, u64)> = executable
        .map(|known| {
            let strings = known.version_strings.iter();
            strings.map(|string| (string.offset, string.offset)).collect()
        })
        .unwrap_or_default();
    places.sort_unstable();
    places.dedup();
    places
}
