//! Names of suppliers, compared with names that lists have.
//!
//! Lists write names as registers do, suppliers as they like: other legal forms, other scripts, words in another
//! order, parts left out, typing errors. Names are brought into one spelling (`normal`), candidates come from an
//! index of runs of three letters, and each candidate is scored word by word, so that an answer can say why.

mod distance;
mod normal;
mod score;
#[cfg(test)]
mod tests;

use rustc_hash::FxHashMap;
use serde::Serialize;

pub(crate) use normal::normal;
pub use score::Reason;

use crate::policy::Policy;
use score::{Weighed, Words};

/// Names of lists.
#[derive(Debug, Default)]
pub struct Parties {
    entries: Vec<Entry>,
    /// Entries by the runs of three bytes of their names.
    runs: FxHashMap<[u8; 3], Vec<u32>>,
    /// How many names have a word.
    words: FxHashMap<String, u32>,
}

/// One spelling of a listed name.
#[derive(Debug)]
struct Entry {
    /// As it is written.
    name: String,
    words: Words,
    listed: Listed,
}

/// A listed party.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Listed {
    /// Its name, as the list has it.
    pub name: String,
    /// The list: a regime, a vendor of the policy, or a file of the user.
    pub list: String,
    /// What is to be known about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// A listed party that a name may be of.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Match {
    /// The party.
    pub listed: Listed,
    /// The spelling of it that is nearest.
    pub spelling: String,
    /// From 0 to 1.
    pub score: f64,
    /// Why.
    pub reasons: Vec<Reason>,
}

/// The score from which on a match is told.
pub const THRESHOLD: f64 = 0.85;

/// Candidates that are scored for one name.
const CANDIDATES: usize = 32;

/// Entries that are looked at through the index for one name; rare runs come first.
const POSTINGS: usize = 10_000;

/// Listed names that are held.
pub const MOST: usize = 4_000_000;

impl Parties {
    /// All names that a policy has: of vendors, and of the regimes that name them.
    #[must_use]
    pub fn of_policy(policy: &Policy) -> Self {
        let mut parties = Self::default();
        for vendor in policy.vendors.values() {
            let regimes: Vec<&str> = policy
                .regimes
                .values()
                .filter(|regime| regime.vendors.contains(&vendor.id))
                .map(|regime| regime.id.as_str())
                .collect();
            let note = (!regimes.is_empty()).then(|| format!("named by {}", regimes.join(", ")));
            for name in &vendor.names {
                let listed = Listed { name: name.text.clone(), list: vendor.id.clone(), note: note.clone() };
                for spelling in std::iter::once(&name.text).chain(&name.also) {
                    parties.add(spelling, listed.clone());
                }
            }
        }
        parties
    }

    /// Adds one spelling of a listed party. Says whether there was room for it, and a word in it.
    pub fn add(&mut self, spelling: &str, listed: Listed) -> bool {
        let words = Words::new(spelling);
        let Ok(number) = u32::try_from(self.entries.len()) else { return false };
        if words.is_empty() || self.entries.len() >= MOST {
            return false;
        }
        words.runs(|run| {
            let list = self.runs.entry(run).or_default();
            if list.last() != Some(&number) {
                list.push(number);
            }
        });
        for word in words.each() {
            let count = self.words.entry(word.to_owned()).or_default();
            *count = count.saturating_add(1);
        }
        self.entries.push(Entry { name: spelling.to_owned(), words, listed });
        true
    }

    /// How many spellings there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Listed parties that a name may be of, nearest first; each party once.
    #[must_use]
    pub fn find(&self, name: &str, threshold: f64) -> Vec<Match> {
        let words = Words::new(name);
        let weighed = self.weighed(&words);
        let mut matches: Vec<Match> = Vec::new();
        for number in self.candidates(&words) {
            let Some(entry) = usize::try_from(number).ok().and_then(|number| self.entries.get(number)) else {
                continue;
            };
            let (score, reasons) = score::score(name, &weighed, &entry.name, &self.weighed(&entry.words));
            if score < threshold {
                continue;
            }
            let found = Match { listed: entry.listed.clone(), spelling: entry.name.clone(), score, reasons };
            match matches.iter_mut().find(|held| held.listed == found.listed) {
                Some(held) if held.score < found.score => *held = found,
                Some(_) => {}
                None => matches.push(found),
            }
        }
        matches.sort_by(|one, other| {
            other.score.total_cmp(&one.score).then_with(|| one.listed.name.cmp(&other.listed.name))
        });
        matches
    }

    fn weighed<'a>(&self, words: &'a Words) -> Weighed<'a> {
        words.weighed(|word| self.words.get(word).copied().unwrap_or(0), self.entries.len())
    }

    /// Entries that share most runs with a name.
    fn candidates(&self, words: &Words) -> Vec<u32> {
        let mut lists: Vec<&Vec<u32>> = Vec::new();
        words.runs(|run| lists.extend(self.runs.get(&run)));
        lists.sort_unstable_by_key(|list| list.len());
        lists.dedup_by(|one, other| std::ptr::eq(*one, *other));
        let mut counts = vec![0_u16; self.entries.len()];
        let mut met: Vec<u32> = Vec::new();
        let mut looked_at = 0_usize;
        for list in lists {
            looked_at = looked_at.saturating_add(list.len());
            // The rarest runs are always looked at: a name of frequent words has some as well.
            if looked_at > POSTINGS && !met.is_empty() {
                break;
            }
            for number in list {
                let Some(count) = usize::try_from(*number).ok().and_then(|at| counts.get_mut(at)) else {
                    continue;
                };
                if *count == 0 {
                    met.push(*number);
                }
                *count = count.saturating_add(1);
            }
        }
        // What is spelled alike is always looked at, however few runs it has, or however often the same one.
        let alike: Vec<u32> = met
            .iter()
            .copied()
            .filter(|number| {
                let entry = usize::try_from(*number).ok().and_then(|at| self.entries.get(at));
                entry.is_some_and(|entry| entry.words.is_alike(words))
            })
            .take(CANDIDATES)
            .collect();
        // A long name shares many runs by chance: what is shared is seen against the length.
        let mut candidates: Vec<(u64, u32)> = met
            .into_iter()
            .filter_map(|number| {
                let at = usize::try_from(number).ok()?;
                let length = u64::try_from(self.entries.get(at)?.words.letters()).unwrap_or(u64::MAX);
                let shared = u64::from(*counts.get(at)?);
                Some((shared.saturating_mul(1000) / length.saturating_add(8), number))
            })
            .collect();
        if candidates.len() > CANDIDATES {
            candidates.select_nth_unstable_by(CANDIDATES, |one, other| other.cmp(one));
            candidates.truncate(CANDIDATES);
        }
        candidates.sort_unstable_by(|one, other| other.cmp(one));
        // What shares far less than the nearest one is not near.
        let least = candidates.first().map_or(0, |(share, _)| share / 3);
        candidates.retain(|(share, _)| *share >= least);
        let mut chosen: Vec<u32> = candidates.into_iter().map(|(_, number)| number).collect();
        for number in alike {
            if !chosen.contains(&number) {
                chosen.push(number);
            }
        }
        chosen
    }
}
