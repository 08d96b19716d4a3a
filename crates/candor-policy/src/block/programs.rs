//! What may run, for Windows and macOS.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::json;

use super::{Kept, values};
use crate::inventory::Surface;
use crate::policy::hexadecimal;

/// Text in XML.
fn markup(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// A comment of XML, in which two hyphens may not stand together.
fn comment(head: &[String]) -> String {
    head.iter().fold(String::new(), |mut text, line| {
        // A string takes everything.
        let _ = writeln!(text, "<!-- {} -->", markup(line).replace("--", "- -"));
        text
    })
}

/// An identifier that is the same each time, in the form of a GUID.
fn guid(seed: &str) -> String {
    use sha2::{Digest as _, Sha256};
    let digits = hexadecimal(&Sha256::digest(seed));
    let part = |from: usize, until: usize| digits.get(from..until).unwrap_or_default();
    format!("{}-{}-4{}-8{}-{}", part(0, 8), part(8, 12), part(13, 16), part(17, 20), part(20, 32))
}

/// Publishers as AppLocker spells them: organisation, place, state and country, in capitals.
fn publishers(kept: &[Kept<'_>]) -> BTreeSet<String> {
    let mut publishers = BTreeSet::new();
    for subject in kept.iter().flat_map(|kept| values(kept.vendor, Surface::AuthenticodeSubject)) {
        let attribute = |name: &str| {
            subject
                .split(", ")
                .find_map(|part| part.strip_prefix(name).and_then(|rest| rest.strip_prefix('=')))
        };
        let Some(organisation) = attribute("O") else { continue };
        if organisation.contains('\\') {
            continue;
        }
        let parts: Vec<String> =
            [("O", Some(organisation)), ("L", attribute("L")), ("S", attribute("S")), ("C", attribute("C"))]
                .into_iter()
                .filter_map(|(name, value)| value.map(|value| format!("{name}={}", value.to_uppercase())))
                .collect();
        // AppLocker compares all of it: what lacks the country is no whole publisher.
        if attribute("C").is_some() {
            publishers.insert(parts.join(", "));
        }
    }
    publishers
}

pub(super) fn applocker(kept: &[Kept<'_>], head: &[String]) -> String {
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n");
    text.push_str(&comment(head));
    text.push_str(
        "<!-- Only watches (AuditOnly) until EnforcementMode is changed to Enabled. Everything else is allowed; merge with \
         your own policy. -->\n<AppLockerPolicy Version=\"1\">\n",
    );
    let publishers = publishers(kept);
    for kind in ["Exe", "Msi", "Script", "Dll"] {
        let _ = writeln!(text, "  <RuleCollection Type=\"{kind}\" EnforcementMode=\"AuditOnly\">");
        for publisher in &publishers {
            let name = markup(publisher);
            let _ = write!(
                text,
                "    <FilePublisherRule Id=\"{}\" Name=\"Prohibited vendor: {name}\" Description=\"\" UserOrGroupSid=\"S-1-1-0\" \
                 Action=\"Deny\">\n      <Conditions>\n        <FilePublisherCondition PublisherName=\"{name}\" ProductName=\"*\" \
                 BinaryName=\"*\">\n          <BinaryVersionRange LowSection=\"*\" HighSection=\"*\"/>\n        \
                 </FilePublisherCondition>\n      </Conditions>\n    </FilePublisherRule>\n",
                guid(&format!("{kind} {publisher}"))
            );
        }
        let _ = write!(
            text,
            "    <FilePathRule Id=\"{}\" Name=\"All other files\" Description=\"\" UserOrGroupSid=\"S-1-1-0\" Action=\"Allow\">\n      \
             <Conditions>\n        <FilePathCondition Path=\"*\"/>\n      </Conditions>\n    </FilePathRule>\n  </RuleCollection>\n",
            guid(&format!("{kind} all"))
        );
    }
    text.push_str("</AppLockerPolicy>\n");
    text
}

pub(super) fn wdac(kept: &[Kept<'_>], head: &[String]) -> String {
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n");
    text.push_str(&comment(head));
    text.push_str(
        "<!-- Denies by the name of the product in the version resource: a rule by publisher needs the digest of the authority \
         that signed, which changes with each certificate. Only watches (Enabled:Audit Mode) until that option is removed. -->\n\
         <SiPolicy xmlns=\"urn:schemas-microsoft-com:sipolicy\" PolicyType=\"Base Policy\">\n  <VersionEx>1.0.0.0</VersionEx>\n",
    );
    let policy = guid("wdac policy");
    let _ =
        write!(text, "  <PolicyID>{{{policy}}}</PolicyID>\n  <BasePolicyID>{{{policy}}}</BasePolicyID>\n");
    text.push_str(
        "  <PlatformID>{2E07F7E4-194C-4D20-B7C9-6F44A6C5A234}</PlatformID>\n  <Rules>\n    \
         <Rule><Option>Enabled:Unsigned System Integrity Policy</Option></Rule>\n    \
         <Rule><Option>Enabled:Audit Mode</Option></Rule>\n    <Rule><Option>Enabled:UMCI</Option></Rule>\n  </Rules>\n  <EKUs/>\n  <FileRules>\n    \
         <Allow ID=\"ID_ALLOW_KERNEL\" FriendlyName=\"all else\" FileName=\"*\"/>\n    \
         <Allow ID=\"ID_ALLOW_USER\" FriendlyName=\"all else\" FileName=\"*\"/>\n",
    );
    let products: BTreeSet<&str> = kept
        .iter()
        .flat_map(|kept| values(kept.vendor, Surface::Product))
        .filter(|name| !name.contains('*'))
        .collect();
    for (number, product) in products.iter().enumerate() {
        let name = markup(product);
        let _ = writeln!(
            text,
            "    <Deny ID=\"ID_DENY_{number}\" FriendlyName=\"{name}\" ProductName=\"{name}\" MinimumFileVersion=\"0.0.0.0\"/>"
        );
    }
    text.push_str("  </FileRules>\n  <Signers/>\n  <SigningScenarios>\n");
    for (value, id, allow) in [
        ("131", "ID_SIGNINGSCENARIO_DRIVERS", "ID_ALLOW_KERNEL"),
        ("12", "ID_SIGNINGSCENARIO_WINDOWS", "ID_ALLOW_USER"),
    ] {
        let _ = write!(
            text,
            "    <SigningScenario Value=\"{value}\" ID=\"{id}\" FriendlyName=\"\">\n      <ProductSigners>\n        <FileRulesRef>\n          \
             <FileRuleRef RuleID=\"{allow}\"/>\n"
        );
        for number in 0..products.len() {
            let _ = writeln!(text, "          <FileRuleRef RuleID=\"ID_DENY_{number}\"/>");
        }
        text.push_str("        </FileRulesRef>\n      </ProductSigners>\n    </SigningScenario>\n");
    }
    text.push_str("  </SigningScenarios>\n  <UpdatePolicySigners/>\n  <CiSigners/>\n  <HvciOptions>0</HvciOptions>\n</SiPolicy>\n");
    text
}

pub(super) fn santa(kept: &[Kept<'_>], head: &[String]) -> String {
    let rules: Vec<_> = kept
        .iter()
        .flat_map(|kept| values(kept.vendor, Surface::AppleTeam).map(move |team| (kept, team)))
        .map(|(kept, team)| {
            json!({
                "rule_type": "TEAMID",
                "policy": "BLOCKLIST",
                "identifier": team,
                "custom_msg": format!("{}: prohibited by {}", kept.vendor.name, kept.regimes.join(", ")),
            })
        })
        .collect();
    // JSON has no comments; readers of these rules pass over fields that they do not know.
    let mut text =
        serde_json::to_string_pretty(&json!({ "comment": head, "rules": rules })).unwrap_or_default();
    text.push('\n');
    text
}
