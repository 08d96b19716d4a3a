//! Who is kept away on a date, and that exports say it.

use super::{Export, export, kept_away, refusal, signatures};
use crate::policy::Policy;
use crate::regime::AsOf;

fn kept(profile: &str, as_of: &str) -> Vec<String> {
    let policy = Policy::built_in().unwrap();
    let kept = kept_away(&policy, Some(policy.profile(profile).unwrap()), &AsOf::parse(as_of).unwrap());
    kept.iter().map(|kept| format!("{} {}", kept.vendor.id, kept.regimes.join(" "))).collect()
}

#[test]
fn rules_decide_by_profile_and_date() {
    assert_eq!(kept("us-private", "2024-07-19"), Vec::<String>::new());
    assert_eq!(kept("us-private", "2024-07-20"), ["kaspersky us-bis-icts-kaspersky"]);
    assert_eq!(kept("de-private", "2026-01-01"), Vec::<String>::new(), "advice keeps nobody away");
    assert_eq!(kept("de-federal", "2026-01-01"), ["kaspersky de-bsi-2022-03-15"]);
    let contractor = kept("us-contractor", "2026-01-01");
    assert_eq!(contractor.len(), 8, "{contractor:?}");
}

fn text(form: Export, as_of: &str) -> String {
    let policy = Policy::built_in().unwrap();
    let as_of = AsOf::parse(as_of).unwrap();
    let kept = kept_away(&policy, Some(policy.profile("us-private").unwrap()), &as_of);
    export(&kept, form, &policy, &as_of)
}

#[test]
fn names_are_given_as_each_program_wants_them() {
    let hosts = text(Export::Hosts, "2026-01-01");
    assert!(hosts.contains("\n0.0.0.0 dnl-00.geo.kaspersky.com\n:: dnl-00.geo.kaspersky.com\n"));
    assert!(hosts.lines().all(|line| line.starts_with('#') || !line.contains('*')));
    let zone = text(Export::Rpz, "2026-01-01");
    assert!(zone.contains("\nkaspersky.com CNAME .\n*.kaspersky.com CNAME .\n"));
    assert!(!zone.contains("dnl-00"), "what is below a domain is not told again");
    assert!(
        text(Export::Squid, "2026-01-01").contains("acl candor_prohibited dstdomain .kaspersky-labs.com\n")
    );
    assert!(text(Export::Dnsmasq, "2026-01-01").contains("address=/kaspersky.com/\n"));
    let nftables = text(Export::Nftables, "2026-01-01");
    assert_eq!(nftables.matches('{').count(), nftables.matches('}').count());
    assert!(nftables.contains("nftset=/kaspersky.com/4#inet#candor_policy#prohibited4"));
}

#[test]
fn before_the_date_exports_are_empty_and_say_so() {
    for form in [
        Export::Hosts,
        Export::Rpz,
        Export::Dnsmasq,
        Export::Nftables,
        Export::Squid,
        Export::AppLocker,
        Export::Wdac,
        Export::Santa,
    ] {
        let text = text(form, "2024-01-01");
        assert!(text.contains("no rule that was asked prohibits anything"), "{form:?}");
        assert!(!text.to_lowercase().contains("kaspersky"), "{form:?}");
    }
}

#[test]
fn programs_are_denied_and_everything_else_is_allowed() {
    let applocker = text(Export::AppLocker, "2026-01-01");
    assert!(
        applocker.contains("PublisherName=\"O=AO KASPERSKY LAB, L=MOSCOW, S=MOSCOW, C=RU\""),
        "{applocker}"
    );
    assert_eq!(applocker.matches("Action=\"Deny\"").count(), 4);
    assert_eq!(
        applocker.matches("Action=\"Allow\"").count(),
        4,
        "without these AppLocker would deny all else"
    );
    assert_eq!(applocker.matches("EnforcementMode=\"AuditOnly\"").count(), 4);
    let wdac = text(Export::Wdac, "2026-01-01");
    let rules = wdac.matches("<Deny ").count();
    assert!(rules > 10);
    assert_eq!(wdac.matches("<FileRuleRef RuleID=\"ID_DENY_").count(), 2 * rules);
    let santa: serde_json::Value = serde_json::from_str(&text(Export::Santa, "2026-01-01")).unwrap();
    assert_eq!(santa["rules"][0]["identifier"], "2Y8XE5CQ94");
    assert_eq!(santa["rules"][0]["policy"], "BLOCKLIST");
}

#[test]
fn signatures_are_named_after_the_rule() {
    let policy = Policy::built_in().unwrap();
    let as_of = AsOf::parse("2026-01-01").unwrap();
    let kept = kept_away(&policy, Some(policy.profile("us-private").unwrap()), &as_of);
    let made = signatures(&kept);
    assert!(made.logical.lines().all(|line| line.starts_with("Policy.us-bis-icts-kaspersky.kaspersky;")));
    assert!(made.logical.contains("060355040513" /* and the length */));
    assert!(made.members.contains(":(^|/)opt/kaspersky/kesl/:"), "{}", made.members);
    assert!(made.members.contains(":(^|/)corebases\\.cab$:"));
    assert!(!made.members.contains("ppl") && !made.members.contains("bases$"));
    assert_eq!(signatures(&[]), super::Signatures::default());
}

#[test]
fn a_source_of_updates_of_a_listed_party_is_refused_from_the_date_on() {
    let policy = Policy::built_in().unwrap();
    let refused = |profile: &str, as_of: &str, operator: Option<&str>, host: &str| {
        let profile = policy.profile(profile).unwrap();
        refusal(&policy, Some(profile), &AsOf::parse(as_of).unwrap(), operator, [host])
    };
    let by_name = refused("us-private", "2026-01-01", Some("Kaspersky Lab"), "mirror.example.org").unwrap();
    assert!(by_name.contains("us-bis-icts-kaspersky (") && by_name.contains("since 2024-09-29"), "{by_name}");
    let by_host = refused("us-private", "2026-01-01", None, "dnl-03.geo.kaspersky.com").unwrap();
    assert!(by_host.contains("dnl-03.geo.kaspersky.com"), "{by_host}");
    assert_eq!(refused("us-private", "2024-07-19", Some("Kaspersky Lab"), "kaspersky.com"), None);
    assert_eq!(
        refused("de-private", "2026-01-01", Some("Kaspersky Lab"), "kaspersky.com"),
        None,
        "advice refuses nothing"
    );
    assert_eq!(refused("us-contractor", "2026-01-01", Some("Cisco Talos"), "database.clamav.net"), None);
}
