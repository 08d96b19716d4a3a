//! What keeps a prohibited vendor's products and updates away: lists for name servers, proxies and firewalls, rules
//! for what Windows and macOS may run, and signatures for the scanner.
//!
//! Nothing here is switched on by itself. Each export says what it is made of, and what it cannot do.

mod names;
mod programs;
mod signatures;
mod source;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

pub use signatures::Signatures;
pub use source::refusal;

use crate::evaluate::{Outcome, judge};
use crate::inventory::Surface;
use crate::matching::{Finding, Standing};
use crate::policy::Policy;
use crate::regime::{AsOf, Profile};
use crate::vendor::{Class, Strength, Vendor};

/// A form of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Export {
    /// Lines for a hosts file.
    Hosts,
    /// A response policy zone for name servers.
    Rpz,
    /// Lines for dnsmasq: names that are not answered.
    Dnsmasq,
    /// A table of nftables with sets that a name server fills.
    Nftables,
    /// A list for Squid.
    Squid,
    /// A policy for AppLocker.
    AppLocker,
    /// A policy for Windows Defender Application Control.
    Wdac,
    /// Rules for Santa.
    Santa,
}

/// A vendor that is kept away, and the rules for which it is.
#[derive(Clone, Debug)]
pub struct Kept<'a> {
    /// The vendor.
    pub vendor: &'a Vendor,
    /// Ids of the rules.
    pub regimes: Vec<&'a str>,
}

/// Vendors whose products or supply are prohibited, to somebody on a date. Rules that only advise, and those that
/// begin later, keep nobody away.
#[must_use]
pub fn kept_away<'a>(policy: &'a Policy, profile: Option<&Profile>, as_of: &AsOf) -> Vec<Kept<'a>> {
    let mut kept: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for regime in policy.regimes.values() {
        if profile.is_some_and(|profile| !profile.regimes.contains(&regime.id)) {
            continue;
        }
        for vendor in &regime.vendors {
            let is_prohibited =
                [Class::Antivirus, Class::Application, Class::Equipment].iter().any(|class| {
                    let outcome = judge(regime, &any(vendor, *class), profile, as_of).outcome;
                    matches!(outcome, Outcome::Prohibited | Outcome::SupplyProhibited)
                });
            if is_prohibited {
                kept.entry(vendor).or_default().push(&regime.id);
            }
        }
    }
    kept.into_iter()
        .filter_map(|(id, regimes)| Some(Kept { vendor: policy.vendors.get(id)?, regimes }))
        .collect()
}

/// Some thing of a vendor.
fn any(vendor: &str, class: Class) -> Finding {
    Finding {
        vendor: vendor.to_owned(),
        class,
        product: None,
        versions: Vec::new(),
        standing: Standing::Found,
        strength: Strength::Strong,
        platforms: Vec::new(),
        evidence: Vec::new(),
        hits: 1,
        moments: Vec::new(),
    }
}

/// The text of an export.
#[must_use]
pub fn export(kept: &[Kept<'_>], export: Export, policy: &Policy, as_of: &AsOf) -> String {
    let head = head(kept, policy, as_of);
    match export {
        Export::Hosts => names::hosts(kept, &head),
        Export::Rpz => names::zone(kept, &head),
        Export::Dnsmasq => names::dnsmasq(kept, &head),
        Export::Nftables => names::nftables(kept, &head),
        Export::Squid => names::squid(kept, &head),
        Export::AppLocker => programs::applocker(kept, &head),
        Export::Wdac => programs::wdac(kept, &head),
        Export::Santa => programs::santa(kept, &head),
    }
}

/// Signatures for the scanner: installers, updates and engines of these vendors, by what is in their bytes and by names
/// of members of containers.
#[must_use]
pub fn signatures(kept: &[Kept<'_>]) -> Signatures {
    signatures::signatures(kept)
}

/// What every export begins with, a line each.
fn head(kept: &[Kept<'_>], policy: &Policy, as_of: &AsOf) -> Vec<String> {
    let mut head = vec![format!(
        "Candor, as of {as_of}, policy {} ({})",
        policy.version.built_in, policy.version.sha256
    )];
    head.extend(kept.iter().map(|kept| format!("{}: {}", kept.vendor.id, kept.regimes.join(", "))));
    if kept.is_empty() {
        head.push(String::from("no rule that was asked prohibits anything of a vendor on that date"));
    }
    head
}

/// Identifiers of a vendor on a surface.
fn values(vendor: &Vendor, surface: Surface) -> impl Iterator<Item = &str> {
    vendor
        .identifiers
        .iter()
        .filter(move |group| group.surface == surface)
        .flat_map(|group| group.values.iter().map(|value| value.get_ref().as_str()))
}
