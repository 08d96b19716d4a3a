//! What a rule says about a finding, to somebody, on a date.
//!
//! One finding has as many answers as there are rules. [`judge`] gives the answer of one; [`evaluate`] those of
//! all that bind a profile and name the vendor. Nothing here knows a vendor or a rule: both are data.

mod judge;
#[cfg(test)]
mod matrix;

use serde::{Deserialize, Serialize};

pub use judge::judge;

use crate::matching::{Finding, Standing};
use crate::policy::Policy;
use crate::regime::{AsOf, List, Profile};

/// What a rule makes of a finding, gravest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It was updated after the date from which updates are prohibited.
    UpdatedAfterCutOff,
    /// It is prohibited.
    Prohibited,
    /// Supply is prohibited, use is allowed.
    SupplyProhibited,
    /// It will be prohibited; `from` says when.
    ProhibitedFrom,
    /// It is advised against.
    Advisory,
    /// The rule, or what is known of it, does not say.
    Unknown,
    /// It is no product any more, only what is left of one.
    Residue,
    /// It is exempt; `exemption` says by what.
    Exempt,
    /// The rule is not about it.
    NotCovered,
}

impl Outcome {
    /// All, gravest first.
    pub const ALL: [Self; 9] = [
        Self::UpdatedAfterCutOff,
        Self::Prohibited,
        Self::SupplyProhibited,
        Self::ProhibitedFrom,
        Self::Advisory,
        Self::Unknown,
        Self::Residue,
        Self::Exempt,
        Self::NotCovered,
    ];

    /// The word for programs.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::UpdatedAfterCutOff => "updated-after-cut-off",
            Self::Prohibited => "prohibited",
            Self::SupplyProhibited => "supply-prohibited",
            Self::ProhibitedFrom => "prohibited-from",
            Self::Advisory => "advisory",
            Self::Unknown => "unknown",
            Self::Residue => "residue",
            Self::Exempt => "exempt",
            Self::NotCovered => "not-covered",
        }
    }

    /// The words for people.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::UpdatedAfterCutOff => "updated after the cut-off",
            Self::Prohibited => "prohibited",
            Self::SupplyProhibited => "supply prohibited, use allowed",
            Self::ProhibitedFrom => "prohibited from a later date",
            Self::Advisory => "advised against",
            Self::Unknown => "not known",
            Self::Residue => "residue only",
            Self::Exempt => "exempt",
            Self::NotCovered => "not covered",
        }
    }

    /// Whether it asks somebody to act or to look.
    #[must_use]
    pub const fn matters(self) -> bool {
        !matches!(self, Self::Exempt | Self::NotCovered)
    }
}

/// The answer of one rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judgement {
    /// The regime's id.
    pub regime: String,
    /// What it is called.
    pub title: String,
    /// How it is cited, other numbers of it included.
    pub citation: String,
    /// The outcome.
    pub outcome: Outcome,
    /// Why, for people.
    pub reason: String,
    /// The phase that decided, by its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<String>,
    /// Since when, or from when on, as the rule writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Until when, where the phase ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// The exemption, when it is exempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exemption: Option<String>,
    /// What changes next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Change>,
    /// What of the evidence decided about updates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated: Option<String>,
}

/// A change that is known already.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// When, as the rule writes it.
    pub at: String,
    /// What it says from then on.
    pub says: String,
}

/// A finding with the answers about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evaluated {
    /// The finding.
    pub finding: Finding,
    /// An answer of each rule that names its vendor and binds the profile, gravest first.
    pub judgements: Vec<Judgement>,
}

impl Evaluated {
    /// The gravest answer; nothing when no rule names the vendor.
    #[must_use]
    pub fn gravest(&self) -> Option<Outcome> {
        self.judgements.iter().map(|judgement| judgement.outcome).min()
    }

    /// Whether it is sure, and some rule asks to act or to look.
    #[must_use]
    pub fn counts(&self) -> bool {
        self.finding.standing == Standing::Found && self.gravest().is_some_and(Outcome::matters)
    }
}

/// The answers of all rules that name the vendor and bind the profile; of all rules when there is no profile.
#[must_use]
pub fn evaluate(
    policy: &Policy,
    findings: Vec<Finding>,
    profile: Option<&Profile>,
    as_of: &AsOf,
) -> Vec<Evaluated> {
    findings
        .into_iter()
        .map(|finding| {
            let mut judgements: Vec<Judgement> = policy
                .regimes
                .values()
                .filter(|regime| regime.vendors.contains(&finding.vendor))
                .filter(|regime| profile.is_none_or(|profile| profile.regimes.contains(&regime.id)))
                .map(|regime| judge(regime, &finding, profile, as_of))
                .collect();
            judgements.sort_by(|one, other| (one.outcome, &one.regime).cmp(&(other.outcome, &other.regime)));
            Evaluated { finding, judgements }
        })
        .collect()
}

/// Rules that bind the profile and name parties which this data does not hold: for these a supplier's name has to
/// be looked up in the list itself.
#[must_use]
pub fn open_lists(policy: &Policy, profile: Option<&Profile>) -> Vec<String> {
    policy
        .regimes
        .values()
        .filter(|regime| regime.list != List::Complete)
        .filter(|regime| profile.is_none_or(|profile| profile.regimes.contains(&regime.id)))
        .map(|regime| {
            let what = match regime.list {
                List::Categories => "has categories that no name tells",
                _ => "names parties that this data does not hold",
            };
            let feed = regime.feed.as_deref().map(|feed| format!("; its list: {feed}")).unwrap_or_default();
            format!("{} ({}) {what}{feed}", regime.title, regime.id)
        })
        .collect()
}
