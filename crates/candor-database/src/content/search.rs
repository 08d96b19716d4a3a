//! Searching a layer with an image.

use std::cell::OnceCell;
use std::sync::Arc;

use candor_model::{Limits, Match, Reason, Target};
use rustc_hash::{FxHashMap, FxHashSet};

use super::codec::Decoder;
use super::cover::macro_reference;
use super::evaluate::{KEPT, Layer, Plan, Steps, Undecided, find};
use super::index::{Groups, Index, LookingUp, Screen, Screening, Sieve, State, Touched};
use super::logic::{Evaluation, Known, applies, target_holds};
use super::regex::RegexCache;
use super::yara::{self, RuleScratch, Rules};
use super::{BODY, LOGICAL, RECORD, RULE};
use crate::bytes::{Reader, u32_at};
use crate::icons::IconGroups;
use crate::image::{Image, SectionKind, SignatureId};
use crate::ir::{Expression, Pattern, SubSignature, TargetDescription};
use crate::search::{Hit, Subject};

/// Memory that searches of one thread reuse.
#[derive(Debug, Default)]
pub struct Scratch {
    /// The image that the groups are of.
    image: Option<u64>,
    groups: Groups,
    sieve: Box<Sieve>,
    touched: Touched,
    logical: Descriptions,
    found: FxHashMap<u32, Known>,
    regexes: RegexCache,
    rules: RuleScratch,
}

/// Bytes of descriptions that are kept when they were read, at most; read they take some times as much.
const MAX_DESCRIPTIONS: usize = 512 << 10;

/// Descriptions of logical signatures that were read: those that one file asks for, the next one of its kind asks for too.
#[derive(Debug, Default)]
struct Descriptions {
    /// By where they start.
    kept: FxHashMap<u32, Arc<Described>>,
    /// A number for each content that sub-signatures look for: many signatures look for the same.
    contents: FxHashMap<Vec<Pattern>, u32>,
    /// The next such number. None is given twice.
    next: u32,
    /// Bytes that they take in the image.
    length: usize,
}

/// A logical signature, read.
#[derive(Debug)]
struct Described {
    target: TargetDescription,
    expression: Expression,
    subs: Vec<SubSignature>,
    /// The numbers of their contents.
    contents: Vec<Option<u32>>,
    /// What their patterns are sought by.
    plans: Vec<Vec<Plan>>,
}

impl Descriptions {
    /// The description that starts at `place`, which `program` is. `None` when it is damaged.
    fn read(&mut self, place: u32, program: &[u8]) -> Option<Arc<Described>> {
        if let Some(known) = self.kept.get(&place) {
            return Some(Arc::clone(known));
        }
        let mut decoder = Decoder::new(program);
        let target = decoder.target()?;
        let (expression, subs) = decoder.condition()?;
        if self.length.saturating_add(program.len()) > MAX_DESCRIPTIONS {
            *self = Self { next: self.next, ..Self::default() };
        }
        self.length = self.length.saturating_add(program.len());
        let contents = subs.iter().map(|sub| self.content(sub)).collect();
        let plans = subs.iter().map(|sub| match sub {
            SubSignature::Content { patterns, .. } => patterns.iter().map(Plan::new).collect(),
            _ => Vec::new(),
        });
        let plans = plans.collect();
        let described = Arc::new(Described { target, expression, subs, contents, plans });
        self.kept.insert(place, Arc::clone(&described));
        Some(described)
    }

    /// The number of what a sub-signature looks for, if that is the same for whatever signature it is of.
    fn content(&mut self, sub: &SubSignature) -> Option<u32> {
        let SubSignature::Content { patterns, macro_group: None } = sub else { return None };
        if macro_reference(sub).is_some() {
            return None;
        }
        if let Some(known) = self.contents.get(patterns) {
            return Some(*known);
        }
        let number = self.next;
        self.next = number.checked_add(1)?;
        self.contents.insert(patterns.clone(), number);
        Some(number)
    }
}

impl Scratch {
    /// Empty memory.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl Image {
    /// Begins to compute the MD5 of a layer, and to look for what a search of it as `target` will need:
    /// both together take hardly longer than one.
    #[must_use]
    pub fn screening<'a>(&'a self, target: Target, bytes: &'a [u8]) -> Screening<'a> {
        Content::new(self).index.screening(self.instance(), target, bytes)
    }

    /// Appends a hit for every body and logical signature that matches `subject`, and returns what
    /// kept some from being decided: empty when everything was.
    pub fn search(
        &self,
        subject: &Subject<'_>,
        limits: &Limits,
        scratch: &mut Scratch,
        hits: &mut Vec<Hit>,
    ) -> Vec<Reason> {
        let mut work = u64::MAX;
        self.search_screened(subject, None, limits, &mut work, scratch, hits)
    }

    /// The same, with what a [`screening`](Self::screening) of the same bytes found. The screen of anything else
    /// is not looked at. What is looked up is taken from `work`, in the units of [`candor_model::Budget::pay_work`]: there
    /// is much of it where a layer consists of what signatures begin with. Where that is not enough, the rest is not
    /// looked up, and [`Reason::Work`] is among what is returned.
    pub fn search_screened(
        &self,
        subject: &Subject<'_>,
        screen: Option<&Screen>,
        limits: &Limits,
        work: &mut u64,
        scratch: &mut Scratch,
        hits: &mut Vec<Hit>,
    ) -> Vec<Reason> {
        let content = Content::new(self);
        let layer = Layer { bytes: subject.bytes, facts: subject.facts };
        let Scratch { image, groups, sieve, touched, logical, found, regexes, rules } = scratch;
        touched.clear();
        found.clear();
        if *image != Some(self.instance()) {
            *image = Some(self.instance());
            *groups = Groups::default();
            *logical = Descriptions::default();
            *rules = RuleScratch::default();
        }
        let count = content.count;
        let mut trouble = Vec::new();
        let mut looking_up = LookingUp::new(*work);
        content.index.search(
            self.instance(),
            subject.target,
            layer,
            screen,
            &mut State { sieve, groups, touched: &mut *touched, count, work: &mut looking_up },
        );
        *work = looking_up.left();
        if looking_up.is_over() {
            trouble.push(Reason::Work);
        }
        let mut lists = vec![SectionKind::ContentAlways];
        if subject.facts.image_hash.is_some() {
            lists.push(SectionKind::ContentImages);
        }
        for kind in lists {
            each_entry(self.section(kind), |target, number| {
                if Target::from_number(target).is_some_and(|target| applies(target, subject.target)) {
                    touched.insert(number, content.count);
                }
            });
        }
        let modules = yara::modules(subject.rules, self);
        let mut run = modules.as_ref().map(|modules| Rules::new(self).over(subject, modules, rules));
        if let Some(run) = &mut run {
            run.each_always(&mut |rule| touched.insert(rule, content.count));
            run.each_key(&mut |rule, needs, clause| {
                content.index.note(subject.target, (rule, needs, clause), touched, content.count);
            });
        }
        let members_known: OnceCell<Vec<(u8, Pattern)>> = OnceCell::new();
        let members = |group: u8| -> Vec<Pattern> {
            let known = members_known.get_or_init(|| content.members(subject.target));
            known.iter().filter(|(own, _)| *own == group).map(|(_, pattern)| pattern.clone()).collect()
        };
        let mut steps = Steps::new(limits.search_steps);
        // Signatures that mean the same have one description: what it does not match, it matches for none of them.
        let mut without: FxHashSet<u32> = FxHashSet::default();
        touched.sort();
        for number in touched.list() {
            let description = content.description(*number);
            if description.is_some_and(|description| without.contains(&description)) {
                continue;
            }
            let decided = match content.program(*number) {
                None => None,
                Some((signature, RULE, program)) => run.as_mut().and_then(|run| {
                    let decided = run.decide(description?, program, &mut steps)?;
                    let hit = |matches| Hit { signature, matches, handler: None };
                    Some(decided.map(|matches| matches.map(hit)))
                }),
                // Only rules are looked for.
                Some(_) if subject.rules.is_some_and(|inspection| inspection.alone) => None,
                Some((signature, tag, program)) => {
                    let described = (signature, tag, program, description.unwrap_or(0));
                    content.decide(
                        described,
                        content.index.absent(touched, *number),
                        subject,
                        limits,
                        layer,
                        &members,
                        &mut steps,
                        (&mut *logical, &mut *found, regexes),
                        &mut trouble,
                    )
                }
            };
            match decided {
                Some(Ok(Some(hit))) => hits.push(hit),
                // A damaged description decides nothing; `check` tells.
                None | Some(Ok(None)) => without.extend(description),
                Some(Err(Undecided)) => {
                    trouble.push(Reason::SearchSteps);
                    break;
                }
            }
        }
        trouble.dedup();
        trouble
    }

    /// Whether there are rules, which look at layers as they stand.
    #[must_use]
    pub fn has_rules(&self) -> bool {
        yara::has_rules(self)
    }

    /// Whether some signature compares the perceptual hash of images.
    #[must_use]
    pub fn wants_image_hash(&self) -> bool {
        !self.section(SectionKind::ContentImages).is_empty()
    }
}

fn each_entry(list: &[u8], mut visit: impl FnMut(u32, u32)) {
    for entry in list.chunks_exact(8) {
        if let (Some(target), Some(number)) = (u32_at(entry, 0), u32_at(entry, 1)) {
            visit(target, number);
        }
    }
}

/// The sections of body and logical signatures.
struct Content<'i> {
    records: &'i [u8],
    programs: &'i [u8],
    macros: &'i [u8],
    index: Index<'i>,
    icons: IconGroups<'i>,
    count: u32,
}

impl<'i> Content<'i> {
    fn new(image: &'i Image) -> Self {
        let records = image.section(SectionKind::ContentRecords);
        Self {
            records,
            programs: image.section(SectionKind::ContentPrograms),
            macros: image.section(SectionKind::ContentMacros),
            index: Index::new(image.section(SectionKind::ContentIndex)),
            icons: IconGroups::new(image),
            count: u32::try_from(records.len() / RECORD).unwrap_or(0),
        }
    }

    /// Where the program of the signature with this number starts.
    fn description(&self, number: u32) -> Option<u32> {
        u32_at(crate::bytes::record_at(self.records, number as usize, RECORD)?, 1)
    }

    /// The signature with this number, and its program.
    fn program(&self, number: u32) -> Option<(SignatureId, u8, &'i [u8])> {
        let record = crate::bytes::record_at(self.records, number as usize, RECORD)?;
        let id = SignatureId(u32_at(record, 0)?);
        let program =
            crate::bytes::run(self.programs, u32_at(record, 1)? as usize, u32_at(record, 2)? as usize)?;
        let (tag, program) = program.split_first()?;
        Some((id, *tag, program))
    }

    /// Decides one signature. `None` when its description is damaged.
    #[expect(clippy::too_many_arguments, reason = "the parts of a search, each used by itself")]
    fn decide(
        &self,
        (signature, tag, program, place): (SignatureId, u8, &[u8], u32),
        absent: u64,
        subject: &Subject<'_>,
        limits: &Limits,
        layer: Layer<'_>,
        members: &dyn Fn(u8) -> Vec<Pattern>,
        steps: &mut Steps,
        (kept, found, regexes): (&mut Descriptions, &mut FxHashMap<u32, Known>, &mut RegexCache),
        trouble: &mut Vec<Reason>,
    ) -> Option<Result<Option<Hit>, Undecided>> {
        match tag {
            BODY => {
                let body = Decoder::new(program).body()?;
                if !applies(body.target, subject.target) {
                    return Some(Ok(None));
                }
                let found = match find(&body.pattern, layer, 1, steps) {
                    Ok(found) => found,
                    Err(undecided) => return Some(Err(undecided)),
                };
                if found.count == 0 {
                    return Some(Ok(None));
                }
                let matches = found
                    .spans
                    .iter()
                    .take(KEPT)
                    .map(|(start, end)| Match {
                        offset: *start as u64,
                        length: end.saturating_sub(*start) as u64,
                        subsignature: None,
                    })
                    .collect();
                Some(Ok(Some(Hit { signature, matches, handler: None })))
            }
            LOGICAL => {
                let described = kept.read(place, program)?;
                let Described { target, expression, subs, contents, plans } = &*described;
                if !target_holds(target, subject) || !self.icons.hold(target, subject.facts) {
                    return Some(Ok(None));
                }
                let mut evaluation = Evaluation {
                    subs,
                    contents,
                    plans,
                    found,
                    layer,
                    members,
                    steps,
                    regexes,
                    max_regex_size: limits.max_regex_size,
                    regex_steps: limits.regex_steps,
                    known: Known::at_first(subs.len(), absent),
                    trouble: Vec::new(),
                };
                let holds = evaluation.decide(expression);
                trouble.append(&mut evaluation.trouble);
                Some(holds.map(|holds| {
                    holds.then(|| Hit { signature, matches: evaluation.matches(), handler: target.handler })
                }))
            }
            _ => None,
        }
    }

    /// Every member of a macro group that applies to a layer of this class.
    fn members(&self, target: Target) -> Vec<(u8, Pattern)> {
        let mut all = Vec::new();
        let mut reader = Reader::new(self.macros);
        while let (Some(group), Some(class), Some(pattern)) = (reader.u8(), reader.u8(), reader.run()) {
            if class != Target::Any.number() && class != target.number() {
                continue;
            }
            if let Some(pattern) = Decoder::new(pattern).pattern() {
                all.push((group, pattern));
            }
        }
        all
    }
}
