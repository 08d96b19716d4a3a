//! Names of hosts, for what resolves and what forwards.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::{Kept, values};
use crate::inventory::Surface;

/// Domains with all below them, and single hosts that are below none of these.
fn domains(kept: &[Kept<'_>]) -> (BTreeSet<String>, BTreeSet<String>) {
    let all: Vec<&str> = kept.iter().flat_map(|kept| values(kept.vendor, Surface::Domain)).collect();
    let whole: BTreeSet<String> =
        all.iter().filter_map(|name| name.strip_prefix("**.")).map(str::to_lowercase).collect();
    let is_below = |name: &str| {
        name.match_indices('.')
            .any(|(dot, _)| name.get(dot.saturating_add(1)..).is_some_and(|rest| whole.contains(rest)))
    };
    let single = all
        .iter()
        .filter(|name| !name.starts_with("**."))
        .map(|name| name.to_lowercase())
        .filter(|name| !whole.contains(name) && !is_below(name))
        .collect();
    let whole = whole.iter().filter(|name| !is_below(name)).cloned().collect();
    (whole, single)
}

/// Every name that is known, also below domains: for forms that know no "all below".
fn every(kept: &[Kept<'_>]) -> BTreeSet<String> {
    kept.iter()
        .flat_map(|kept| values(kept.vendor, Surface::Domain))
        .map(|name| name.trim_start_matches("**.").to_lowercase())
        .collect()
}

fn comments(head: &[String], mark: &str) -> String {
    head.iter().fold(String::new(), |mut text, line| {
        // A string takes everything.
        let _ = writeln!(text, "{mark} {line}");
        text
    })
}

pub(super) fn hosts(kept: &[Kept<'_>], head: &[String]) -> String {
    let mut text = comments(head, "#");
    text.push_str(
        "# A hosts file knows no \"and all below\": names that are not listed here are still resolved.\n",
    );
    for name in every(kept) {
        let _ = write!(text, "0.0.0.0 {name}\n:: {name}\n");
    }
    text
}

pub(super) fn zone(kept: &[Kept<'_>], head: &[String]) -> String {
    let mut text = comments(head, ";");
    text.push_str("$TTL 300\n@ IN SOA localhost. root.localhost. 1 3600 600 86400 300\n@ IN NS localhost.\n");
    let (whole, single) = domains(kept);
    for name in whole {
        let _ = write!(text, "{name} CNAME .\n*.{name} CNAME .\n");
    }
    for name in single {
        let _ = writeln!(text, "{name} CNAME .");
    }
    text
}

pub(super) fn dnsmasq(kept: &[Kept<'_>], head: &[String]) -> String {
    let mut text = comments(head, "#");
    let (whole, single) = domains(kept);
    for name in whole.iter().chain(&single) {
        let _ = writeln!(text, "address=/{name}/");
    }
    text
}

pub(super) fn nftables(kept: &[Kept<'_>], head: &[String]) -> String {
    let mut text = comments(head, "#");
    text.push_str(
        "# A packet has an address and no name. A name server that forwards puts the addresses of these names into the sets;\n\
         # for dnsmasq:\n",
    );
    let (whole, single) = domains(kept);
    for name in whole.iter().chain(&single) {
        let _ = writeln!(
            text,
            "#   nftset=/{name}/4#inet#candor_policy#prohibited4,6#inet#candor_policy#prohibited6"
        );
    }
    text.push_str(
        "table inet candor_policy {\n\
         \tset prohibited4 { type ipv4_addr; flags timeout; timeout 1d; }\n\
         \tset prohibited6 { type ipv6_addr; flags timeout; timeout 1d; }\n",
    );
    for hook in ["output", "forward"] {
        let _ = write!(
            text,
            "\tchain {hook} {{\n\t\ttype filter hook {hook} priority filter; policy accept;\n\
             \t\tip daddr @prohibited4 counter reject\n\t\tip6 daddr @prohibited6 counter reject\n\t}}\n"
        );
    }
    text.push_str("}\n");
    text
}

pub(super) fn squid(kept: &[Kept<'_>], head: &[String]) -> String {
    let mut text = comments(head, "#");
    text.push_str("# Include this before the first \"http_access allow\".\n");
    let (whole, single) = domains(kept);
    for name in &whole {
        let _ = writeln!(text, "acl candor_prohibited dstdomain .{name}");
    }
    for name in &single {
        let _ = writeln!(text, "acl candor_prohibited dstdomain {name}");
    }
    if !whole.is_empty() || !single.is_empty() {
        text.push_str("http_access deny candor_prohibited\n");
    }
    text
}
