//! How near two names are, and why.

use serde::Serialize;

use super::distance::alike;
use super::normal::normal;

/// Why a name is taken for a listed one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "reason", content = "words")]
pub enum Reason {
    /// It is written the same.
    Same,
    /// Only legal form, case, marks or punctuation differ.
    SameWithoutForm,
    /// It was spelled in Latin letters first.
    Transliterated,
    /// The same words, in another order.
    OtherOrder,
    /// The same letters, with other spaces.
    OtherSpaces,
    /// Words that are alike: as written, and as listed.
    Alike(Vec<(String, String)>),
    /// Words that the listed name has beyond it.
    Lacks(Vec<String>),
    /// Words that it has beyond the listed name.
    Has(Vec<String>),
    /// It contains the whole listed name: an affiliate may be called so.
    Contains,
}

/// Words that many companies have in their names: they weigh little.
const FREQUENT: [&str; 48] = [
    "america",
    "asia",
    "automation",
    "beijing",
    "bank",
    "capital",
    "china",
    "communication",
    "communications",
    "computer",
    "consulting",
    "data",
    "digital",
    "electronic",
    "electronics",
    "engineering",
    "enterprise",
    "enterprises",
    "europe",
    "equipment",
    "global",
    "hangzhou",
    "hong",
    "industrial",
    "industries",
    "industry",
    "international",
    "kong",
    "lab",
    "labs",
    "laboratories",
    "management",
    "memory",
    "network",
    "networks",
    "north",
    "products",
    "security",
    "service",
    "services",
    "shanghai",
    "shenzhen",
    "software",
    "solutions",
    "system",
    "systems",
    "technologies",
    "technology",
];

/// What a frequent word weighs.
const FREQUENT_WEIGHT: f64 = 0.35;

/// Letters of a word that can stand for a company by itself.
const TELLING: usize = 3;

/// The score of a name that contains a listed one.
const CONTAINS: f64 = 0.86;

/// A name in words.
#[derive(Debug)]
pub(super) struct Words {
    words: Vec<String>,
    joined: String,
}

/// A name in words, each with what it weighs.
pub(super) struct Weighed<'a> {
    words: Vec<(&'a str, f64)>,
    joined: &'a str,
    weight: f64,
}

impl Words {
    pub(super) fn new(name: &str) -> Self {
        let words = normal(name);
        let joined = words.concat();
        Self { words, joined }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.joined.is_empty()
    }

    /// Whether it has the same letters in the same order.
    pub(super) fn is_alike(&self, other: &Self) -> bool {
        self.joined == other.joined
    }

    pub(super) fn letters(&self) -> usize {
        self.joined.len()
    }

    pub(super) fn each(&self) -> impl Iterator<Item = &str> {
        self.words.iter().map(String::as_str)
    }

    /// Runs of three bytes of all letters, the beginnings of words marked: order of words matters little then, and
    /// spaces do not.
    pub(super) fn runs(&self, mut take: impl FnMut([u8; 3])) {
        for run in self.joined.as_bytes().windows(3) {
            if let Ok(run) = run.try_into() {
                take(run);
            }
        }
        for word in &self.words {
            match word.as_bytes() {
                [first, second, ..] => take([b' ', *first, *second]),
                [only] => take([b' ', *only, b' ']),
                [] => (),
            }
        }
    }

    /// Words with weights: rare ones tell more.
    pub(super) fn weighed(&self, count: impl Fn(&str) -> u32, all: usize) -> Weighed<'_> {
        // Of a short list nothing can be learnt about which words are rare.
        let all = f64::from(u32::try_from(all.max(1000)).unwrap_or(u32::MAX));
        let words: Vec<(&str, f64)> = self
            .words
            .iter()
            .map(|word| {
                let rare = (all / (1.0 + f64::from(count(word)))).ln() / all.ln();
                let weight = if FREQUENT.contains(&word.as_str()) { FREQUENT_WEIGHT } else { rare.max(0.2) };
                (word.as_str(), weight)
            })
            .collect();
        let weight = words.iter().map(|(_, weight)| weight).sum();
        Weighed { words, joined: &self.joined, weight }
    }
}

/// From 0 to 1, with reasons.
pub(super) fn score(
    written: &str,
    name: &Weighed<'_>,
    listed_written: &str,
    listed: &Weighed<'_>,
) -> (f64, Vec<Reason>) {
    if name.words.is_empty() || listed.words.is_empty() {
        return (0.0, Vec::new());
    }
    let mut reasons = Vec::new();
    if !written.is_ascii()
        && written.chars().any(|character| !character.is_ascii() && character.is_alphabetic())
    {
        reasons.push(Reason::Transliterated);
    }
    if written == listed_written {
        return (1.0, vec![Reason::Same]);
    }
    let same = |one: &Weighed<'_>, other: &Weighed<'_>| {
        one.words.iter().map(|(word, _)| word).eq(other.words.iter().map(|(word, _)| word))
    };
    if same(name, listed) {
        reasons.push(Reason::SameWithoutForm);
        return (0.99, reasons);
    }
    let (pairs, shared) = pairs(name, listed);
    let mut score = 2.0 * shared / (name.weight + listed.weight);
    let by_spaces = alike(name.joined, listed.joined) * 0.97;
    if by_spaces > score {
        score = by_spaces;
        if name.joined == listed.joined {
            reasons.push(Reason::OtherSpaces);
        } else {
            reasons.push(Reason::Alike(vec![(name.joined.to_owned(), listed.joined.to_owned())]));
        }
        return (score, reasons);
    }
    let errors: Vec<(String, String)> = pairs
        .iter()
        .filter(|(one, other)| one != other)
        .map(|(one, other)| ((*one).to_owned(), (*other).to_owned()))
        .collect();
    let lacks: Vec<&(&str, f64)> =
        listed.words.iter().filter(|(word, _)| !pairs.iter().any(|(_, other)| other == word)).collect();
    let has: Vec<String> = name
        .words
        .iter()
        .filter(|(word, _)| !pairs.iter().any(|(one, _)| one == word))
        .map(|(word, _)| (*word).to_owned())
        .collect();
    if lacks.is_empty() && has.is_empty() && errors.is_empty() {
        reasons.push(Reason::OtherOrder);
        score = score.min(0.98);
    }
    // "Kaspersky Germany" contains "Kaspersky"; "International Systems" contains nothing that tells.
    let tells = |(word, _): &(&str, f64)| word.len() >= TELLING && !FREQUENT.contains(word);
    let begins_alike = name.words.first().map(|(word, _)| word) == listed.words.first().map(|(word, _)| word);
    if lacks.is_empty()
        && errors.is_empty()
        && !has.is_empty()
        && begins_alike
        && listed.words.iter().any(tells)
    {
        reasons.push(Reason::Contains);
        score = score.max(CONTAINS);
    }
    if !errors.is_empty() {
        reasons.push(Reason::Alike(errors));
    }
    if !lacks.is_empty() {
        reasons.push(Reason::Lacks(lacks.iter().map(|(word, _)| (*word).to_owned()).collect()));
    }
    if !has.is_empty() {
        reasons.push(Reason::Has(has));
    }
    (score, reasons)
}

/// Words of two names that are alike, each taken once, best first; and what they weigh together.
fn pairs<'a>(name: &Weighed<'a>, listed: &Weighed<'a>) -> (Vec<(&'a str, &'a str)>, f64) {
    // Names have a few words; more than these say nothing.
    const MOST: usize = 16;
    let mut all = Vec::new();
    for (at, (word, weight)) in name.words.iter().enumerate().take(MOST) {
        for (other_at, (other, other_weight)) in listed.words.iter().enumerate().take(MOST) {
            let alike = alike(word, other);
            if alike > 0.0 {
                all.push((alike, at, other_at, *word, *other, (weight + other_weight) / 2.0));
            }
        }
    }
    all.sort_by(|one, other| other.0.total_cmp(&one.0));
    let (mut taken, mut taken_listed) = ([false; MOST], [false; MOST]);
    let mut pairs = Vec::new();
    let mut shared = 0.0;
    for (alike, at, other_at, word, other, weight) in all {
        if let (Some(one), Some(two)) = (taken.get_mut(at), taken_listed.get_mut(other_at))
            && !*one
            && !*two
        {
            (*one, *two) = (true, true);
            shared += alike * weight;
            pairs.push((word, other));
        }
    }
    (pairs, shared)
}
