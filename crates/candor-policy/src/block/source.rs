//! Candor's own sources of updates obey the same policy: one that a listed party operates, or that is on one of its
//! hosts, is refused from the date on which the rule says so.

use super::kept_away;
use crate::inventory::Surface;
use crate::matching::Matcher;
use crate::party::{Parties, THRESHOLD};
use crate::policy::Policy;
use crate::regime::{AsOf, Profile};

/// Why a source of updates may not be used, to somebody on a date; nothing when it may.
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
                    kept.regimes.join(", ")
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
                    kept.regimes.join(", ")
                ));
            }
        }
    }
    None
}
