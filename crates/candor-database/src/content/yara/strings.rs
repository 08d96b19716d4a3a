//! Strings of rules: where they match in a layer.
//!
//! A string matches at most once for each place where a match can start. Matches are looked for one behind the other, only as
//! far as somebody asks, and what is known of a layer is kept: strings that look the same are one, whichever rules they are of.

use aho_corasick::{AhoCorasick, MatchKind};
use memchr::memmem;
use rustc_hash::FxHashMap;

use candor_model::Facts;

use super::regex::{self, first_window};
use super::windows::{Need, Windows};
use crate::content::codec::Decoder;
use crate::content::evaluate::{Layer, Steps, Undecided, find_starting};
use crate::ir::{Gap, Offset, Pattern, Spelling, StringForm};

/// Matches of one string that are counted, as in YARA.
const MAX_MATCHES: usize = 1_000_000;
/// Prepared strings that are kept from layer to layer, and strings of which it is known what they need.
const MAX_READY: usize = 2048;
const MAX_KEPT: usize = 1 << 15;
/// Strings that are looked for in a layer before its windows are noted, which takes as long as looking for a few.
const BEFORE_WINDOWS: u32 = 3;
/// Starts of matches that are rather tried than asked about.
const FEW: usize = 64;

/// A match: where it starts, and how many bytes it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: usize,
    pub(crate) length: usize,
}

/// A string that is ready to be looked for.
#[derive(Debug)]
pub(crate) struct Form {
    kind: Kind,
    full_word: bool,
}

#[derive(Debug)]
enum Kind {
    /// One text.
    Text(Box<memmem::Finder<'static>>, bool),
    /// One of several.
    Texts(Box<Texts>),
    /// A hexadecimal string, cut at gaps without a limit.
    Hex(Vec<Group>),
    /// Regular expressions, of which any may match.
    Regexes(Vec<regex::Compiled>),
}

/// Spellings of a text. Of those that match at one place the shortest counts that stands alone, where that is asked.
#[derive(Debug)]
struct Texts {
    /// Finds the shortest of a place.
    automaton: AhoCorasick,
    /// Of each whether it is wide.
    wide: Vec<bool>,
    longest: usize,
    ignore_case: bool,
    /// Those that begin with another one, by their length. Hardly any text has some: the single letter does, which is wide or not.
    longer: Vec<Spelling>,
}

/// What limited gaps hold together.
#[derive(Debug)]
struct Group {
    pattern: Pattern,
    /// The first part by itself, if it has others behind it.
    first: Option<Pattern>,
    /// Bytes between the group before and this one, at least.
    distance: usize,
}

impl Form {
    /// Makes a string ready.
    ///
    /// # Errors
    /// It is a regular expression that cannot be run.
    pub(crate) fn new(form: &StringForm, full_word: bool) -> Result<Self, String> {
        let kind = match form {
            StringForm::Text { spellings, ignore_case } => texts(spellings, *ignore_case)?,
            StringForm::Hex(pattern) => Kind::Hex(groups(pattern)),
            StringForm::Regex { regex, ascii, wide } => {
                let mut all = Vec::new();
                for (wanted, wide) in [(*ascii, false), (*wide, true)] {
                    if wanted {
                        all.push(regex::Compiled::new(regex, wide, full_word)?);
                    }
                }
                Kind::Regexes(all)
            }
        };
        Ok(Self { kind, full_word })
    }
}

fn texts(spellings: &[Spelling], ignore_case: bool) -> Result<Kind, String> {
    match spellings {
        [one] if !ignore_case => {
            let finder = memmem::Finder::new(&one.bytes).into_owned();
            Ok(Kind::Text(Box::new(finder), one.wide))
        }
        all => Ok(Kind::Texts(Box::new(Texts::new(all, ignore_case)?))),
    }
}

impl Texts {
    fn new(spellings: &[Spelling], ignore_case: bool) -> Result<Self, String> {
        let mut all: Vec<&Spelling> = spellings.iter().collect();
        all.sort_by_key(|spelling| spelling.bytes.len());
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostFirst)
            .ascii_case_insensitive(ignore_case)
            .build(all.iter().map(|spelling| &spelling.bytes))
            .map_err(|error| error.to_string())?;
        let wide = all.iter().map(|spelling| spelling.wide).collect();
        let longest = all.last().map_or(0, |spelling| spelling.bytes.len());
        let folded = |spelling: &Spelling| {
            if ignore_case { spelling.bytes.to_ascii_lowercase() } else { spelling.bytes.clone() }
        };
        let mut sorted: Vec<(Vec<u8>, &Spelling)> =
            spellings.iter().map(|spelling| (folded(spelling), spelling)).collect();
        sorted.sort_by(|one, other| one.0.cmp(&other.0));
        let mut longer = Vec::new();
        let mut first: Option<Vec<u8>> = None;
        for (bytes, spelling) in sorted {
            // What begins with one stands right behind it.
            if first.as_ref().is_some_and(|first| bytes.starts_with(first)) {
                longer.push(spelling.clone());
            } else {
                first = Some(bytes);
            }
        }
        longer.sort_by_key(|spelling| spelling.bytes.len());
        Ok(Self { automaton, wide, longest, ignore_case, longer })
    }

    /// The shortest of the others that stands alone at `start`.
    fn alone(&self, bytes: &[u8], start: usize) -> Option<Span> {
        self.longer.iter().find_map(|spelling| {
            let span = Span { start, length: spelling.bytes.len() };
            let here = bytes.get(start..start.checked_add(span.length)?)?;
            let is_here =
                here == spelling.bytes || (self.ignore_case && here.eq_ignore_ascii_case(&spelling.bytes));
            (is_here && stands_alone(bytes, span, spelling.wide)).then_some(span)
        })
    }
}

fn groups(pattern: &Pattern) -> Vec<Group> {
    let mut all: Vec<Group> = Vec::new();
    let make = |parts: &[crate::ir::Part]| {
        let mut parts = parts.to_vec();
        if let Some(first) = parts.first_mut() {
            first.gap = Gap::NONE;
        }
        Pattern { offset: Offset::ANY, ignore_case: pattern.ignore_case, parts }
    };
    let mut from = 0;
    for to in 1..=pattern.parts.len() {
        if pattern.parts.get(to).is_some_and(|next| next.gap.max.is_some()) {
            continue;
        }
        let Some(parts) = pattern.parts.get(from..to) else { continue };
        let distance = parts.first().map_or(0, |part| usize::try_from(part.gap.min).unwrap_or(usize::MAX));
        let first = parts.get(..1).filter(|_| parts.len() > 1).map(make);
        all.push(Group { pattern: make(parts), first, distance });
        from = to;
    }
    all
}

/// From where something was looked for, and its next match: start and end.
type Ahead = Option<(usize, Option<(usize, usize)>)>;

/// What a search for matches one behind the other remembers.
#[derive(Debug, Default)]
struct Cursor {
    /// For each of several expressions, from where it was looked for and its next match.
    ahead: Vec<Ahead>,
    windows: Vec<usize>,
    /// For each group behind the first, from where it was looked for and its next match.
    behind: Vec<Ahead>,
}

/// What is known of a string in a layer.
#[derive(Debug, Default)]
struct Known {
    /// Its first match, once that was looked for.
    first: Option<Option<Span>>,
    /// All of them, once they were counted.
    all: Option<Vec<Span>>,
}

/// Strings by their number in the image, and memory for the windows of a layer.
#[derive(Debug, Default)]
pub(crate) struct Forms {
    kept: FxHashMap<u32, Kept>,
    /// How many of them are ready.
    ready: usize,
    windows: Windows,
}

/// A string of the image.
#[derive(Debug)]
struct Kept {
    need: Need,
    state: State,
}

#[derive(Debug)]
enum State {
    /// Nobody looked for it.
    Unmade,
    Ready(Box<Form>),
    /// It cannot be run.
    Broken,
}

impl Forms {
    /// Forgets what is not worth keeping; to be called between layers.
    pub(crate) fn trim(&mut self) {
        if self.kept.len() > MAX_KEPT {
            self.kept.clear();
            self.ready = 0;
        }
        if self.ready > MAX_READY {
            self.kept.values_mut().for_each(|kept| kept.state = State::Unmade);
            self.ready = 0;
        }
    }
}

/// Looks for strings of rules in one layer.
#[derive(Debug)]
pub(crate) struct Strings<'a, 's> {
    section: &'a [u8],
    bytes: &'a [u8],
    facts: &'a Facts,
    forms: &'s mut Forms,
    known: FxHashMap<u32, Known>,
    /// How many strings were looked for; the windows of the layer are noted when it is [`BEFORE_WINDOWS`].
    sought: u32,
}

impl<'a, 's> Strings<'a, 's> {
    /// Strings of the `section` of an image, in `bytes`.
    pub(crate) fn new(section: &'a [u8], bytes: &'a [u8], facts: &'a Facts, forms: &'s mut Forms) -> Self {
        Self { section, bytes, facts, forms, known: FxHashMap::default(), sought: 0 }
    }

    fn read(section: &[u8], number: u32) -> Option<(StringForm, bool)> {
        let run = crate::bytes::Reader::new(section.get(number as usize..)?).run()?;
        Decoder::new(run).form()
    }

    fn kept(&mut self, number: u32) -> &mut Kept {
        let section = self.section;
        self.forms.kept.entry(number).or_insert_with(|| match Self::read(section, number) {
            Some((form, _)) => Kept { need: Need::of(&form), state: State::Unmade },
            None => Kept { need: Need::default(), state: State::Broken },
        })
    }

    fn form(&mut self, number: u32) -> Option<&Form> {
        let section = self.section;
        if matches!(self.kept(number).state, State::Unmade) {
            let made = Self::read(section, number).and_then(|(form, full)| Form::new(&form, full).ok());
            self.kept(number).state = made.map_or(State::Broken, |form| State::Ready(Box::new(form)));
            self.forms.ready = self.forms.ready.saturating_add(1);
        }
        match &self.kept(number).state {
            State::Ready(form) => Some(form),
            State::Unmade | State::Broken => None,
        }
    }

    /// Whether the layer has no match of a string, as far as that is told by its windows.
    fn is_absent(&mut self, number: u32, steps: &mut Steps) -> Result<bool, Undecided> {
        if self.sought < BEFORE_WINDOWS {
            self.sought = self.sought.saturating_add(1);
            if self.sought < BEFORE_WINDOWS {
                return Ok(false);
            }
            steps.spend(self.bytes.len() / 4)?;
            self.forms.windows.fill(self.bytes);
        }
        steps.spend(8)?;
        Ok(!self.may_be_there(number))
    }

    /// Whether it is known already that the layer has no match of a string, or told by its windows.
    pub(crate) fn is_known_absent(&mut self, number: u32) -> bool {
        if let Some(known) = self.known.get(&number) {
            return known.first == Some(None);
        }
        self.sought >= BEFORE_WINDOWS && !self.may_be_there(number)
    }

    /// Whether the windows of the layer, which are noted, leave room for a string.
    fn may_be_there(&mut self, number: u32) -> bool {
        self.kept(number);
        let kept = self.forms.kept.get(&number);
        kept.is_none_or(|kept| kept.need.may_be_in(&self.forms.windows))
    }

    /// The first match of a string.
    pub(crate) fn first(&mut self, number: u32, steps: &mut Steps) -> Result<Option<Span>, Undecided> {
        if let Some(known) = self.known.get(&number) {
            if let Some(first) = known.first {
                return Ok(first);
            }
            if let Some(all) = &known.all {
                return Ok(all.first().copied());
            }
        }
        let layer = Layer { bytes: self.bytes, facts: self.facts };
        let form = if self.is_absent(number, steps)? { None } else { self.form(number) };
        let first = match form {
            Some(form) if form.is_there(layer, steps)? => {
                form.next(layer, 0, usize::MAX, &mut Cursor::default(), steps)?
            }
            _ => None,
        };
        self.known.entry(number).or_default().first = Some(first);
        Ok(first)
    }

    /// Every match of a string, in the order of where they start.
    pub(crate) fn all(&mut self, number: u32, steps: &mut Steps) -> Result<&[Span], Undecided> {
        if self.known.get(&number).is_none_or(|known| known.all.is_none()) {
            let mut all = Vec::new();
            if let Some(first) = self.first(number, steps)? {
                let layer = Layer { bytes: self.bytes, facts: self.facts };
                all.push(first);
                if let Some(form) = self.form(number) {
                    let mut cursor = Cursor::default();
                    let mut from = first.start.saturating_add(1);
                    while all.len() < MAX_MATCHES {
                        let Some(span) = form.next(layer, from, usize::MAX, &mut cursor, steps)? else {
                            break;
                        };
                        from = span.start.saturating_add(1);
                        all.push(span);
                    }
                }
            }
            self.known.entry(number).or_default().all = Some(all);
        }
        Ok(self.known.get(&number).and_then(|known| known.all.as_deref()).unwrap_or_default())
    }

    /// The first match of a string that starts from `from` to `to`.
    pub(crate) fn within(
        &mut self,
        number: u32,
        from: usize,
        to: usize,
        steps: &mut Steps,
    ) -> Result<Option<Span>, Undecided> {
        if let Some(known) = self.known.get(&number) {
            if known.first == Some(None) {
                return Ok(None);
            }
            if let Some(all) = &known.all {
                let at = all.partition_point(|span| span.start < from);
                return Ok(all.get(at).copied().filter(|span| span.start <= to));
            }
        }
        let layer = Layer { bytes: self.bytes, facts: self.facts };
        if to.saturating_sub(from) >= FEW && self.is_absent(number, steps)? {
            self.known.entry(number).or_default().first = Some(None);
            return Ok(None);
        }
        match self.form(number) {
            None => Ok(None),
            Some(form) => form.next(layer, from, to, &mut Cursor::default(), steps),
        }
    }

    /// A few matches of a string, as far as they are known, and one more if there is one.
    pub(crate) fn known(&self, number: u32) -> &[Span] {
        let Some(known) = self.known.get(&number) else { return &[] };
        match (&known.all, &known.first) {
            (Some(all), _) => all,
            (None, Some(Some(first))) => std::slice::from_ref(first),
            (None, _) => &[],
        }
    }
}

impl Form {
    /// Whether there may be a match: what says no quickly, whatever the bytes are.
    fn is_there(&self, layer: Layer<'_>, steps: &mut Steps) -> Result<bool, Undecided> {
        match &self.kind {
            Kind::Hex(groups) if groups.len() > 1 || groups.iter().any(|group| group.first.is_some()) => {
                let mut from = 0;
                for group in groups {
                    let start = usize::saturating_add(from, group.distance);
                    let ranges = vec![(start, layer.bytes.len())];
                    let found = find_starting(&group.pattern, layer, ranges, 1, steps)?;
                    let Some((_, end)) = found.spans.first() else { return Ok(false) };
                    // Where the first match of a group ends is not always the nearest end.
                    from = end.saturating_sub(if groups.len() > 1 { longest(&group.pattern) } else { 0 });
                }
                Ok(true)
            }
            _ => Ok(true),
        }
    }

    /// The first match that starts from `from` to `to`.
    fn next(
        &self,
        layer: Layer<'_>,
        mut from: usize,
        to: usize,
        cursor: &mut Cursor,
        steps: &mut Steps,
    ) -> Result<Option<Span>, Undecided> {
        let bytes = layer.bytes;
        let to = to.min(bytes.len());
        while from <= to {
            let (span, wide) = match &self.kind {
                Kind::Text(finder, wide) => {
                    let length = finder.needle().len();
                    let end = to.saturating_add(length).min(bytes.len());
                    let range = bytes.get(from..end).unwrap_or_default();
                    let found = finder.find(range);
                    steps.spend((found.unwrap_or(range.len()) / 16).saturating_add(1))?;
                    let Some(found) = found else { return Ok(None) };
                    (Span { start: from.saturating_add(found), length }, *wide)
                }
                Kind::Texts(texts) => {
                    let end = to.saturating_add(texts.longest).min(bytes.len());
                    let range = from..end.max(from);
                    let found = texts.automaton.find(aho_corasick::Input::new(bytes).span(range.clone()));
                    let looked = found.map_or(range.len(), |found| found.start().saturating_sub(from));
                    steps.spend((looked / 2).saturating_add(1))?;
                    let Some(found) = found else { return Ok(None) };
                    let wide = texts.wide.get(found.pattern().as_usize()).copied().unwrap_or_default();
                    (Span { start: found.start(), length: found.len() }, wide)
                }
                Kind::Hex(groups) => {
                    let Some(span) = next_hex(groups, layer, from, to, cursor, steps)? else {
                        return Ok(None);
                    };
                    (span, false)
                }
                Kind::Regexes(all) => {
                    let Some(span) = next_regex(all, bytes, from, to, cursor, steps)? else {
                        return Ok(None);
                    };
                    return Ok(Some(span).filter(|span| span.start <= to));
                }
            };
            if span.start > to {
                return Ok(None);
            }
            if !self.full_word || stands_alone(bytes, span, wide) {
                return Ok(Some(span));
            }
            if let Kind::Texts(texts) = &self.kind {
                steps.spend(texts.longer.len())?;
                if let Some(span) = texts.alone(bytes, span.start) {
                    return Ok(Some(span));
                }
            }
            from = span.start.saturating_add(1);
        }
        Ok(None)
    }
}

fn longest(pattern: &Pattern) -> usize {
    let parts = pattern.parts.iter();
    parts.fold(0_usize, |sum, part| {
        let gap = usize::try_from(part.gap.max.unwrap_or(0)).unwrap_or(usize::MAX);
        let own = crate::content::cells::longest(&part.elements).unwrap_or(usize::MAX);
        sum.saturating_add(gap).saturating_add(own)
    })
}

fn next_regex(
    all: &[regex::Compiled],
    bytes: &[u8],
    from: usize,
    to: usize,
    cursor: &mut Cursor,
    steps: &mut Steps,
) -> Result<Option<Span>, Undecided> {
    cursor.ahead.resize(all.len(), None);
    cursor.windows.resize(all.len(), first_window());
    let mut best: Option<(usize, usize)> = None;
    for ((regex, ahead), window) in all.iter().zip(&mut cursor.ahead).zip(&mut cursor.windows) {
        let found = match *ahead {
            Some((known, found)) if known <= from && found.is_none_or(|(start, _)| start >= from) => found,
            _ => {
                let found = regex.next(bytes, from, to, window, steps)?;
                *ahead = Some((from, found));
                found
            }
        };
        // The longer one of two that start at one place.
        if let Some((start, end)) = found
            && best.is_none_or(|(known, last)| start < known || (start == known && end > last))
        {
            best = Some((start, end));
        }
    }
    Ok(best.map(|(start, end)| Span { start, length: end.saturating_sub(start) }))
}

fn next_hex(
    groups: &[Group],
    layer: Layer<'_>,
    mut from: usize,
    to: usize,
    cursor: &mut Cursor,
    steps: &mut Steps,
) -> Result<Option<Span>, Undecided> {
    let Some((head, rest)) = groups.split_first() else { return Ok(None) };
    cursor.behind.resize(rest.len(), None);
    while from <= to {
        let sought = head.first.as_ref().unwrap_or(&head.pattern);
        let found = find_starting(sought, layer, vec![(from, to)], 1, steps)?;
        let Some(&(start, end)) = found.spans.first() else { return Ok(None) };
        let end = if head.first.is_some() {
            let found = find_starting(&head.pattern, layer, vec![(start, start)], u32::MAX, steps)?;
            found.spans.iter().map(|(_, end)| *end).min()
        } else {
            Some(end)
        };
        if let Some(mut end) = end {
            let mut is_whole = true;
            for (group, behind) in rest.iter().zip(&mut cursor.behind) {
                let low = end.saturating_add(group.distance);
                let found = match *behind {
                    Some((known, found)) if known <= low && found.is_none_or(|(start, _)| start >= low) => {
                        found
                    }
                    _ => {
                        let ranges = vec![(low, layer.bytes.len())];
                        let found = find_starting(&group.pattern, layer, ranges, 1, steps)?;
                        let found = found.spans.first().copied();
                        *behind = Some((low, found));
                        found
                    }
                };
                let Some((_, next)) = found else {
                    is_whole = false;
                    break;
                };
                end = next;
            }
            if is_whole {
                return Ok(Some(Span { start, length: end.saturating_sub(start) }));
            }
        }
        from = start.saturating_add(1);
    }
    Ok(None)
}

/// Whether no word goes on before or behind a match, as the layer has it: an underline is no part of a word, and no key is applied.
fn stands_alone(bytes: &[u8], Span { start, length }: Span, wide: bool) -> bool {
    let (before, behind) = bytes.split_at_checked(start).unwrap_or((bytes, &[]));
    let behind = behind.get(length..).unwrap_or_default();
    if wide {
        let is_word = |pair: Option<&[u8]>| matches!(pair, Some([low, 0]) if low.is_ascii_alphanumeric());
        let before = start.checked_sub(2).and_then(|from| before.get(from..));
        !is_word(before) && !is_word(behind.get(..2))
    } else {
        let is_word = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
        !is_word(before.last()) && !is_word(behind.first())
    }
}
