//! Verdicts that are remembered: what did not change since it was scanned with the same signatures is not scanned again.
//!
//! There are two kinds of them, by what is known without a scan: the [`State`] of a file, and the [`Digest`] of a stream.
//! Only what was looked at as a whole is remembered, clean or not; what was incomplete is tried again. Nothing survives a
//! change of signatures; what a scan depends on besides (settings) does not change while the daemon runs. Nothing is
//! remembered for longer than an hour, so that what a worker said that had been taken over does not stay for ever.

mod digest;
mod state;

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use candor::clamav::Said;
use candor_model::Verdict;
use candor_sandbox::Outcome;
use candor_sandbox::message::Answer;

pub use digest::{Digest, Digester};
pub use state::State;

/// How long a verdict is remembered.
const AGE: Duration = Duration::from_secs(3600);

/// Bytes of names that one verdict may have: there are as many verdicts as the settings say, so that each must be small.
const NAMES: usize = 512;

/// What a scan came to that looked at all there is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// In Candor's word.
    pub verdict: &'static str,
    /// In ClamAV's words.
    pub said: Said,
    /// Signatures that matched.
    pub findings: Vec<String>,
}

impl Known {
    /// Of an outcome and what is said of it; `None` for one that is not to be remembered.
    #[must_use]
    pub fn of(outcome: &Outcome, said: &Said) -> Option<Self> {
        let Outcome::Answer(Answer::Scanned { partial: None, report, .. }) = outcome else { return None };
        if report.verdict == Verdict::Incomplete || !report.incomplete.is_empty() {
            return None;
        }
        let findings: Vec<String> = report.findings.iter().map(|finding| finding.signature.clone()).collect();
        let names = if let Said::Found(names) = said { names.as_slice() } else { &[] };
        let length: usize = findings.iter().chain(names).map(String::len).sum();
        (length <= NAMES).then(|| Self { verdict: report.verdict.name(), said: said.clone(), findings })
    }
}

/// Verdicts of one kind.
#[derive(Debug)]
pub struct Verdicts<K> {
    most: usize,
    remembered: Mutex<Remembered<K>>,
}

#[derive(Debug)]
struct Remembered<K> {
    generation: u64,
    verdicts: HashMap<K, (Instant, Arc<Known>)>,
    /// Oldest first.
    order: VecDeque<K>,
}

impl<K: Copy + Eq + Hash> Verdicts<K> {
    /// Remembers up to `most`.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self { most, remembered: Mutex::new(Remembered::new(0)) }
    }

    /// Whether any are remembered at all.
    #[must_use]
    pub const fn is_on(&self) -> bool {
        self.most > 0
    }

    /// What this was found to be with the signatures of this generation.
    #[must_use]
    pub fn find(&self, key: &K, generation: u64) -> Option<Arc<Known>> {
        self.find_at(key, generation, Instant::now())
    }

    fn find_at(&self, key: &K, generation: u64, now: Instant) -> Option<Arc<Known>> {
        let remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        if remembered.generation != generation {
            return None;
        }
        let (since, known) = remembered.verdicts.get(key)?;
        (now.saturating_duration_since(*since) < AGE).then(|| Arc::clone(known))
    }

    /// How many there are.
    #[must_use]
    pub fn number(&self) -> usize {
        self.remembered.lock().unwrap_or_else(PoisonError::into_inner).verdicts.len()
    }

    /// Remembers what it was found to be.
    pub fn remember(&self, key: K, generation: u64, known: Arc<Known>) {
        if self.most == 0 {
            return;
        }
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        // A scan that was begun before the change and ends behind it.
        if generation < remembered.generation {
            return;
        }
        if generation > remembered.generation {
            *remembered = Remembered::new(generation);
        }
        if remembered.verdicts.insert(key, (Instant::now(), known)).is_none() {
            remembered.order.push_back(key);
            if remembered.order.len() > self.most
                && let Some(oldest) = remembered.order.pop_front()
            {
                remembered.verdicts.remove(&oldest);
            }
        }
    }
}

impl<K> Remembered<K> {
    fn new(generation: u64) -> Self {
        Self { generation, verdicts: HashMap::new(), order: VecDeque::new() }
    }
}

#[cfg(test)]
mod tests {
    use candor_model::{FileType, Incomplete, LayerId, Reason, Report};

    use super::*;

    fn clean() -> Arc<Known> {
        Arc::new(Known { verdict: "clean", said: Said::Ok, findings: Vec::new() })
    }

    #[test]
    fn nothing_survives_a_change_of_signatures() {
        let verdicts = Verdicts::new(10);
        verdicts.remember(1, 1, clean());
        assert_eq!(verdicts.find(&1, 1), Some(clean()));
        assert_eq!(verdicts.find(&1, 2), None);
        verdicts.remember(2, 2, clean());
        assert!(verdicts.find(&2, 2).is_some() && verdicts.find(&1, 2).is_none());
        // A scan that was begun before the change and ends behind it.
        verdicts.remember(3, 1, clean());
        assert!(verdicts.find(&3, 1).is_none() && verdicts.find(&3, 2).is_none());
        assert!(verdicts.find(&2, 2).is_some());
    }

    #[test]
    fn only_so_many_are_remembered() {
        let verdicts = Verdicts::new(3);
        for key in 0..5 {
            verdicts.remember(key, 1, clean());
            verdicts.remember(key, 1, clean());
        }
        let known: Vec<u64> = (0..5).filter(|key| verdicts.find(key, 1).is_some()).collect();
        assert_eq!(known, [2, 3, 4]);
        assert_eq!(verdicts.number(), 3);
        let none = Verdicts::new(0);
        none.remember(1, 1, clean());
        assert!(none.find(&1, 1).is_none() && !none.is_on());
    }

    #[test]
    fn nothing_is_remembered_for_ever() {
        let verdicts = Verdicts::new(3);
        verdicts.remember(1, 1, clean());
        let now = Instant::now();
        assert!(verdicts.find_at(&1, 1, now).is_some());
        assert!(verdicts.find_at(&1, 1, now + AGE).is_none());
        // Scanned again, it is remembered anew.
        verdicts.remember(1, 1, clean());
        assert!(verdicts.find(&1, 1).is_some());
    }

    fn outcome(change: impl FnOnce(&mut Report)) -> Outcome {
        let mut report = Report {
            verdict: Verdict::Clean,
            file_type: FileType::ALL[0],
            findings: Vec::new(),
            incomplete: Vec::new(),
            trusted: None,
            layers: Vec::new(),
            bytes: 0,
        };
        change(&mut report);
        Outcome::Answer(Answer::Scanned { read: 0, partial: None, report: Box::new(report) })
    }

    #[test]
    fn only_what_was_looked_at_as_a_whole_is_remembered() {
        assert_eq!(Known::of(&outcome(|_| ()), &Said::Ok), Some(Arc::unwrap_or_clone(clean())));
        let missed = || Incomplete { layer: LayerId(0), reason: Reason::FileSize, path: Vec::new() };
        for other in [
            outcome(|report| report.verdict = Verdict::Incomplete),
            // Something was found in what could be looked at.
            outcome(|report| {
                report.verdict = Verdict::Infected;
                report.incomplete.push(missed());
            }),
            Outcome::Answer(Answer::TooLarge(Some(7))),
            Outcome::Answer(Answer::Defect(String::new())),
            Outcome::Deadly(Reason::Timeout, String::new()),
        ] {
            assert_eq!(Known::of(&other, &Said::Ok), None, "{other:?}");
        }
        let mut cut = outcome(|_| ());
        if let Outcome::Answer(Answer::Scanned { partial, .. }) = &mut cut {
            *partial = Some(String::from("the disk failed"));
        }
        assert_eq!(Known::of(&cut, &Said::Ok), None);
    }

    #[test]
    fn a_verdict_with_long_names_is_not_kept() {
        let found = |length| Said::Found(vec!["N".repeat(length)]);
        let infected = outcome(|report| report.verdict = Verdict::Infected);
        assert!(Known::of(&infected, &found(NAMES)).is_some());
        assert_eq!(Known::of(&infected, &found(NAMES + 1)), None);
    }
}
