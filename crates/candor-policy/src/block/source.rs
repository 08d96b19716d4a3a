//! Candor's own sources of updates obey the same policy: one that a listed party operates, or that is on one of its
//! hosts, is refused from the date on which the rule says so.

use super::{Kept, any, kept_away};
use crate::evaluate::{Outcome, judge};
use crate::inventory::Surface;
use crate::matching::Matcher;
use crate::party::{Parties, THRESHOLD};
use crate::policy::Policy;
use crate::regime::{AsOf, Profile};
use crate::vendor::Class;

/// Why a source of updates may not be used, to somebody on a date: with the rules, how they are cited, and since when. Nothing when
/// it may.
///
/// `operator` is who operates it, `hosts` where its files are.
#[must_use]
pub fn refusal<'a>(
    policy: &Policy,
    profile: Option<&Profile>,
    as_of: &AsOf,
    operator: Option<&str>,
    hosts: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    let kept = kept_away(policy, profile, as_of);
    if kept.is_empty() {
        return None;
    }
    if let Some(operator) = operator {
        let parties = Parties::of_policy(policy);
        for found in parties.find(operator, THRESHOLD) {
            if let Some(kept) = kept.iter().find(|kept| kept.vendor.id == found.listed.list) {
                return Some(format!(
                    "its operator \"{operator}\" is taken for {}, prohibited by {}",
                    found.listed.name,
                    cited(policy, kept, profile, as_of)
                ));
            }
        }
    }
    let matcher = Matcher::new(policy);
    for host in hosts {
        for vendor in matcher.vendors_of(Surface::Domain, host) {
            if let Some(kept) = kept.iter().find(|kept| kept.vendor.id == vendor) {
                return Some(format!(
                    "its host {host} is of {}, prohibited by {}",
                    kept.vendor.name,
                    cited(policy, kept, profile, as_of)
                ));
            }
        }
    }
    None
}

/// The rules that keep a vendor away, each with its citation and since when it does.
fn cited(policy: &Policy, kept: &Kept<'_>, profile: Option<&Profile>, as_of: &AsOf) -> String {
    let cite = |id: &&str| {
        let Some(regime) = policy.regimes.get(*id) else { return (*id).to_owned() };
        let prohibiting = [Class::Antivirus, Class::Application, Class::Equipment]
            .iter()
            .map(|class| judge(regime, &any(&kept.vendor.id, *class), profile, as_of))
            .find(|judged| matches!(judged.outcome, Outcome::Prohibited | Outcome::SupplyProhibited));
        let since = prohibiting
            .and_then(|judged| judged.from)
            .map_or_else(String::new, |from| format!(", since {from}"));
        format!("{id} ({}{since})", regime.citation)
    };
    kept.regimes.iter().map(cite).collect::<Vec<_>>().join(", ")
}
