//! What was found and what the rules say of it, in the forms that people and programs ask for.
//!
//! Every form tells the same: the date that it is about, the policy that was used, what was looked at and how, what
//! could not be looked at, and, when nothing was found, that nothing was found. A report that leaves out what it
//! did not see would be worth nothing to whoever has to sign it.

mod csv;
mod cyclonedx;
mod form;
mod html;
mod json;
mod junit;
mod oscal;
mod sarif;
#[cfg(test)]
mod schema;
pub mod seal;
#[cfg(test)]
mod tests;
mod text;
mod words;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use form::Form;

use crate::evaluate::{Evaluated, Outcome, evaluate, open_lists};
use crate::inventory::{Coverage, CoverageState, Inventory};
use crate::matching::{Matcher, Standing};
use crate::policy::{Policy, Version};
use crate::regime::{AsOf, Profile};

/// The version of the JSON form; it changes when a reader of the old one would misread the new one.
pub const SCHEMA: &str = "candor-audit/1";

/// All of an audit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// The program.
    pub tool: Tool,
    /// When the report was made (RFC 3339).
    pub generated: String,
    /// The date that the answers are about.
    pub as_of: AsOf,
    /// Who asked; nobody in particular when it is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<Asker>,
    /// Which policy was used.
    pub policy: Version,
    /// The sum of it.
    pub summary: Summary,
    /// What was looked at, in the order in which it was given.
    pub subjects: Vec<Subject>,
    /// How it was done.
    pub method: Vec<String>,
    /// What this could not see.
    pub blind_spots: Vec<String>,
    /// The rules that gave an answer or could have.
    pub regimes: Vec<Rule>,
    /// Names of vendors, by their ids.
    pub vendors: BTreeMap<String, String>,
}

/// The program that made a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// Who asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asker {
    /// The profile's id.
    pub id: String,
    /// Who that is.
    pub title: String,
}

/// The sum of a report.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Subjects that were looked at.
    pub subjects: u64,
    /// Things that were looked at.
    pub items: u64,
    /// Findings that are sure.
    pub found: u64,
    /// Findings that a person has to look at.
    pub leads: u64,
    /// Nothing was found that is sure.
    pub nil_return: bool,
    /// Everything that was to be looked at was looked at.
    pub complete: bool,
    /// Sure findings by their gravest outcome.
    pub outcomes: BTreeMap<String, u64>,
}

/// A host, an image, a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// What it is called.
    pub name: String,
    /// Things that were seen.
    pub items: u64,
    /// What was found.
    pub findings: Vec<Evaluated>,
    /// Which sources were read, and which were not.
    pub coverage: Vec<Coverage>,
}

/// A rule, as far as a report needs it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// Its id.
    pub id: String,
    /// What it is called.
    pub title: String,
    /// Where it holds.
    pub jurisdiction: String,
    /// Who ordered it.
    pub authority: String,
    /// How it is cited.
    pub citation: String,
    /// What it says.
    pub summary: String,
    /// Whom it binds.
    pub binds: String,
    /// How sure the facts are.
    pub confidence: String,
    /// Who says so.
    pub sources: Vec<String>,
    /// Until when a report is due.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deadlines: Vec<String>,
}

/// What an audit is asked.
#[derive(Clone, Debug)]
pub struct Question<'a> {
    /// Who asks.
    pub profile: Option<&'a Profile>,
    /// The date that it is about.
    pub as_of: AsOf,
    /// The time of the report (RFC 3339).
    pub generated: String,
    /// The version of the program.
    pub version: String,
}

/// A form of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people, on a terminal.
    Text,
    /// For programs, with everything.
    Json,
    /// For tables.
    Csv,
    /// For people, in a browser and on paper; one file.
    Html,
    /// SARIF 2.1.0.
    Sarif,
    /// CycloneDX 1.6.
    CycloneDx,
    /// JUnit.
    Junit,
    /// OSCAL assessment results.
    Oscal,
    /// What an authority asks for.
    Form(Form),
}

impl Report {
    /// Compares inventories with a policy, and asks its rules.
    #[must_use]
    pub fn new(
        policy: &Policy,
        matcher: &Matcher,
        question: &Question<'_>,
        inventories: Vec<(String, Inventory)>,
    ) -> Self {
        let mut summary = Summary { complete: true, ..Summary::default() };
        let mut subjects = Vec::with_capacity(inventories.len());
        for (name, inventory) in inventories {
            let findings = evaluate(policy, matcher.find(&inventory), question.profile, &question.as_of);
            summary.add(&findings, &inventory);
            let items = u64::try_from(inventory.items.len()).unwrap_or(u64::MAX);
            subjects.push(Subject { name, items, findings, coverage: inventory.coverage });
        }
        summary.nil_return = summary.found == 0;
        let bound: Vec<Rule> = policy
            .regimes
            .values()
            .filter(|regime| question.profile.is_none_or(|profile| profile.regimes.contains(&regime.id)))
            .map(|regime| Rule {
                id: regime.id.clone(),
                title: regime.title.clone(),
                jurisdiction: regime.jurisdiction.clone(),
                authority: regime.authority.clone(),
                citation: regime.citation.clone(),
                summary: regime.summary.clone(),
                binds: regime.binds.clone(),
                confidence: regime.confidence.clone(),
                sources: regime.sources.clone(),
                deadlines: regime.report_deadlines.clone(),
            })
            .collect();
        let vendors =
            policy.vendors.values().map(|vendor| (vendor.id.clone(), vendor.name.clone())).collect();
        Self {
            schema: SCHEMA.to_owned(),
            tool: Tool { name: String::from("Candor"), version: question.version.clone() },
            generated: question.generated.clone(),
            as_of: question.as_of.clone(),
            profile: question
                .profile
                .map(|profile| Asker { id: profile.id.clone(), title: profile.title.clone() }),
            policy: policy.version.clone(),
            summary,
            method: method(&subjects),
            blind_spots: blind_spots(policy, question.profile, &subjects),
            subjects,
            regimes: bound,
            vendors,
        }
    }

    /// The report in a form. All are text.
    #[must_use]
    pub fn render(&self, format: Format) -> String {
        match format {
            Format::Text => text::render(self),
            Format::Json => json::render(self),
            Format::Csv => csv::render(self),
            Format::Html => html::render(self),
            Format::Sarif => sarif::render(self),
            Format::CycloneDx => cyclonedx::render(self),
            Format::Junit => junit::render(self),
            Format::Oscal => oscal::render(self),
            Format::Form(form) => form::render(self, form),
        }
    }

    /// What is said of the whole: a nil return is said, never left to be concluded.
    #[must_use]
    pub fn conclusion(&self) -> String {
        let Summary { found, leads, complete, subjects, .. } = self.summary;
        let leads = match leads {
            0 => String::new(),
            1 => String::from(" 1 lead has to be looked at by a person."),
            leads => format!(" {leads} leads have to be looked at by a person."),
        };
        let coverage =
            if complete { "" } else { " Not everything could be looked at: see coverage and blind spots." };
        let on = words::counted(subjects, "subject");
        if found == 0 {
            format!("Nil return: nothing of a listed vendor was found on {on}.{leads}{coverage}")
        } else {
            format!("{} on {on}.{leads}{coverage}", words::counted(found, "finding"))
        }
    }

    /// The name of a vendor.
    fn vendor<'a>(&'a self, id: &'a str) -> &'a str {
        self.vendors.get(id).map_or(id, String::as_str)
    }

    /// Whether something sure asks somebody to act or to look.
    #[must_use]
    pub fn counts(&self) -> bool {
        self.subjects.iter().flat_map(|subject| &subject.findings).any(Evaluated::counts)
    }
}

impl Summary {
    fn add(&mut self, findings: &[Evaluated], inventory: &Inventory) {
        self.subjects = self.subjects.saturating_add(1);
        self.items = self.items.saturating_add(u64::try_from(inventory.items.len()).unwrap_or(u64::MAX));
        self.complete &= !inventory.coverage.iter().any(|coverage| is_open(&coverage.state));
        for evaluated in findings {
            match evaluated.finding.standing {
                Standing::Lead => self.leads = self.leads.saturating_add(1),
                Standing::Found => {
                    self.found = self.found.saturating_add(1);
                    let outcome = evaluated.gravest().map_or("no-rule", Outcome::word);
                    let count = self.outcomes.entry(outcome.to_owned()).or_default();
                    *count = count.saturating_add(1);
                }
            }
        }
    }
}

/// Whether a source was there and was not read as a whole.
const fn is_open(state: &CoverageState) -> bool {
    matches!(state, CoverageState::Partly(_) | CoverageState::NotRead(_))
}

/// How it was done, with the sources that were read.
fn method(subjects: &[Subject]) -> Vec<String> {
    let mut readers: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for coverage in subjects.iter().flat_map(|subject| &subject.coverage) {
        if !matches!(coverage.state, CoverageState::Absent | CoverageState::NotRead(_)) {
            let (sources, items) = readers.entry(&coverage.reader).or_default();
            *sources = sources.saturating_add(1);
            *items = items.saturating_add(coverage.items);
        }
    }
    let mut method = vec![
        String::from(
            "Sources of information in the possession of who asked were read as files, without running anything of them: package \
             databases, registries, bundles, certificates, services, lists.",
        ),
        String::from(
            "Everything seen was compared with identifiers of vendors. A finding is sure with one cryptographic or \
             strong identifier or two independent weaker ones; all else is a lead.",
        ),
        String::from(
            "Each finding was judged by each rule on the date asked about. A date without a time begins at midnight \
             where the rule holds.",
        ),
    ];
    method.extend(readers.iter().map(|(reader, (sources, items))| {
        format!(
            "{reader}: {} read, {} seen",
            words::counted(*sources, "source"),
            words::counted(*items, "item")
        )
    }));
    method
}

/// The most sources that are told by name; the rest is counted.
const MOST_NAMED: usize = 200;

/// What this could not see.
fn blind_spots(policy: &Policy, profile: Option<&Profile>, subjects: &[Subject]) -> Vec<String> {
    let mut spots = Vec::new();
    let mut more = 0_u64;
    for subject in subjects {
        if subject.coverage.is_empty() {
            spots.push(format!("{}: no coverage was told with this inventory", subject.name));
        }
        for coverage in &subject.coverage {
            let told = match &coverage.state {
                CoverageState::Partly(reason) => format!("read in part: {reason}"),
                CoverageState::NotRead(reason) => format!("not read: {reason}"),
                CoverageState::Read | CoverageState::Absent => continue,
            };
            if spots.len() < MOST_NAMED {
                spots.push(format!("{}: {} ({}) {told}", subject.name, coverage.path, coverage.reader));
            } else {
                more = more.saturating_add(1);
            }
        }
    }
    if more > 0 {
        spots.push(format!("{more} more sources were not read as a whole"));
    }
    spots.extend(open_lists(policy, profile));
    spots.push(String::from(
        "What runs only in memory, services in a cloud, devices that no inventory lists, and files inside encrypted containers \
         are not seen.",
    ));
    spots.push(String::from(
        "Names of products that were changed by who sells them are seen by files of their engine only.",
    ));
    spots
}
