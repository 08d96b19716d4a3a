//! Findings of an audit to steps: what to remove, with whose uninstaller, in which order, what to leave alone, which
//! protection is missing meanwhile, and how it is seen that nothing is left. A plan is text: nothing is removed by this.
//!
//! The order is the same everywhere. What the old product knows is saved and the new one runs first; then protection on
//! the machines goes, then the agents through which it is managed (they carry out the removal of the rest), then the
//! server that manages them, then what is left behind; and between these, machines start again.

mod data;
mod render;
mod steps;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use data::{Product, Recipe, Removal, Role, When};
pub use render::{markdown, text};

use crate::inventory::Inventory;
use crate::matching::{Finding, Matcher, Standing};
use crate::policy::{Policy, Version};

/// The version of the JSON form.
pub const SCHEMA: &str = "candor-migration-plan/1";

/// A plan for everything that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// When it was made (RFC 3339).
    pub generated: String,
    /// The version of the program.
    pub version: String,
    /// Which policy was used.
    pub policy: Version,
    /// What is done by whom: that nothing is removed by this program comes first.
    pub principles: Vec<String>,
    /// A plan for each subject.
    pub subjects: Vec<Subject>,
}

/// The plan for one subject.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// What it is called.
    pub name: String,
    /// The steps, in their order.
    pub steps: Vec<Step>,
    /// What nobody should touch by hand.
    pub untouched: Vec<Untouched>,
    /// What a person has to look at before there are steps for it.
    pub leads: Vec<Lead>,
    /// What could not be looked at: whether there is more is not known.
    pub unseen: Vec<String>,
}

/// A phase of the move; the order of its variants is that of the move.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Save what the old product knows.
    Save,
    /// Have the new one run.
    Replace,
    /// Protection of machines.
    Protection,
    /// Other programs of the vendor on machines.
    Tools,
    /// Agents through which machines are managed.
    Agents,
    /// Servers that manage them.
    Management,
    /// Parts inside of somebody else's product, of programs that are built, of rules.
    Parts,
    /// What is left behind.
    Residue,
    /// Look again.
    Verify,
}

impl Phase {
    /// A heading for it.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Save => "Save what the old product knows",
            Self::Replace => "Put the new protection in place",
            Self::Protection => "Remove protection from machines",
            Self::Tools => "Remove other programs",
            Self::Agents => "Remove agents",
            Self::Management => "Remove what manages them",
            Self::Parts => "Replace parts and rules",
            Self::Residue => "Clear away what is left",
            Self::Verify => "Look again",
        }
    }
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Its number in the plan, from 1.
    pub number: u32,
    /// The phase.
    pub phase: Phase,
    /// What it is about.
    pub title: String,
    /// The vendor's id, when it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor: Option<String>,
    /// Versions that were seen.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub versions: Vec<String>,
    /// Where it was seen.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub seen: Vec<String>,
    /// What to run, each with who says so. It is run by a person, or by what that person uses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub commands: Vec<Command>,
    /// What to know before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub before: Vec<String>,
    /// Protection that is gone from here on, and what takes its place.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lost: Vec<Lost>,
    /// What comes after.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<String>,
    /// Whether the machine has to start again.
    #[serde(default)]
    pub reboot: bool,
}

/// What to run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Command {
    /// The command, or what to do where there is none.
    pub text: String,
    /// Who says so.
    pub source: String,
}

/// Protection that is gone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Lost {
    /// What the product did.
    pub what: String,
    /// What does it now; that nothing does is said as well.
    pub instead: String,
}

/// What nobody should touch by hand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Untouched {
    /// What it is.
    pub what: String,
    /// Where.
    pub place: String,
    /// Why.
    pub why: String,
}

/// What points at a vendor and is not sure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lead {
    /// The vendor's id.
    pub vendor: String,
    /// What it may be.
    pub what: String,
    /// Where.
    pub places: Vec<String>,
}

impl Plan {
    /// A plan for what inventories hold.
    #[must_use]
    pub fn new(
        policy: &Policy,
        matcher: &Matcher,
        generated: String,
        version: String,
        inventories: &[(String, Inventory)],
    ) -> Self {
        let subjects = inventories
            .iter()
            .map(|(name, inventory)| {
                let findings = matcher.find(inventory);
                let (found, leads): (Vec<Finding>, Vec<Finding>) =
                    findings.into_iter().partition(|finding| finding.standing == Standing::Found);
                steps::subject(policy, name, &found, &leads, inventory)
            })
            .collect();
        Self {
            schema: SCHEMA.to_owned(),
            generated,
            version,
            policy: policy.version.clone(),
            principles: PRINCIPLES.iter().map(|text| (*text).to_owned()).collect(),
            subjects,
        }
    }

    /// Whether there is anything to remove.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.subjects.iter().all(|subject| subject.steps.is_empty())
    }

    /// Steps by their phase, of one subject.
    #[must_use]
    pub fn phases(subject: &Subject) -> BTreeMap<Phase, Vec<&Step>> {
        let mut phases: BTreeMap<Phase, Vec<&Step>> = BTreeMap::new();
        for step in &subject.steps {
            phases.entry(step.phase).or_default().push(step);
        }
        phases
    }
}

const PRINCIPLES: [&str; 5] = [
    "Nothing was removed, installed or changed, and nothing will be: people carry this plan out, with the uninstallers of the vendors.",
    "Try the plan on one machine of each kind, with a backup that was restored once, before it is carried out on all.",
    "Drivers and filters go with the uninstaller that brought them. Their files are never deleted: Windows may not start any more.",
    "Do not let the old product install a successor: accept no offer of its updater to move to another one.",
    "A machine has one product that looks at files when they are opened. Until the old one is gone, the new one scans when it is asked to.",
];
