//! The rules about vendors, asked about Candor's own sources: one that a listed party operates, or that lies on one of its hosts,
//! is refused from the date on that the rule names.

use anyhow::Context as _;
use candor_policy::block;
use candor_policy::policy::Policy;
use candor_policy::regime::{AsOf, Profile};
use candor_update::pipeline::settings::Settings;
use candor_update::source::{Source, host_of};
use jiff::Timestamp;

/// The rules, for somebody at a moment.
#[derive(Debug)]
pub struct Rules {
    policy: Policy,
    profile: Option<Profile>,
    as_of: AsOf,
}

impl Rules {
    /// Those that the settings name, in force at this time (in seconds since 1970).
    ///
    /// # Errors
    /// They cannot be read, or there is no such profile: then nothing is asked for by half of them.
    pub fn of(settings: &Settings, now: u64) -> anyhow::Result<Self> {
        let policy = match &settings.policy {
            Some(folder) => Policy::with_folder(folder),
            None => Policy::built_in(),
        };
        let policy = policy.context("the rules about vendors are wrong, so no source is asked")?;
        let profile = settings.profile.as_deref().map(|id| policy.profile(id).cloned()).transpose()?;
        let now = i64::try_from(now).ok().and_then(|now| Timestamp::from_second(now).ok());
        let as_of = AsOf::Instant(now.context("the clock shows no time")?);
        Ok(Self { policy, profile, as_of })
    }

    /// Why a source is refused, with the rule, how it is cited and since when; `None` when it is not.
    pub(crate) fn refusal(&self, source: &Source) -> Option<String> {
        let hosts = source.hosts();
        self.refusal_of(source.operator.as_deref(), hosts.iter().map(String::as_str))
    }

    /// Why an address is refused, in the same way.
    #[must_use]
    pub fn refusal_of_address(&self, url: &str) -> Option<String> {
        self.refusal_of(None, host_of(url).map(str::to_ascii_lowercase).as_deref())
    }

    fn refusal_of<'a>(
        &self,
        operator: Option<&str>,
        hosts: impl IntoIterator<Item = &'a str>,
    ) -> Option<String> {
        block::refusal(&self.policy, self.profile.as_ref(), &self.as_of, operator, hosts)
    }
}

#[cfg(test)]
mod tests {
    use candor_update::source::read;

    use super::*;

    fn refusal(profile: Option<&str>, at: &str, operator: &str, url: &str) -> Option<String> {
        let settings = Settings { profile: profile.map(str::to_owned), ..Settings::default() };
        let at: Timestamp = at.parse().unwrap();
        let rules = Rules::of(&settings, u64::try_from(at.as_second()).unwrap()).unwrap();
        let text = format!(
            "[[source]]\nname='a'\nkind='url'\nurl='{url}'\nsha256='{}'\noperator='{operator}'\n",
            "0".repeat(64)
        );
        rules.refusal(&read(&text, "x").unwrap().sources[0])
    }

    #[test]
    fn a_source_is_refused_from_the_date_on_and_the_rule_is_named() {
        let (ours, theirs) = ("https://mirror.example.org/a.ndb", "https://dnl-03.geo.kaspersky.com/a.ndb");
        let private = |at: &str, operator: &str, url: &str| refusal(Some("us-private"), at, operator, url);
        // The prohibition begins at midnight in Washington: a second before, then, and later.
        assert_eq!(private("2024-07-20T03:59:59Z", "Kaspersky Lab", theirs), None);
        for (at, since) in [("2024-07-20T04:00:00Z", "2024-07-20"), ("2026-11-26T12:00:00Z", "2024-09-29")] {
            for (operator, url, who) in [
                ("Kaspersky Lab", ours, "its operator \"Kaspersky Lab\" is taken for "),
                ("me", theirs, "its host dnl-03.geo.kaspersky.com is of "),
            ] {
                let why = private(at, operator, url).unwrap();
                assert!(why.starts_with(who), "{why}");
                assert!(why.contains("us-bis-icts-kaspersky") && why.contains("15 CFR"), "{why}");
                assert!(why.contains(&format!("since {since}")), "{why}");
            }
            assert_eq!(private(at, "Cisco Talos", ours), None);
        }
        // Who is not bound is not kept from it; whoever says nothing is bound by all.
        assert_eq!(refusal(Some("de-private"), "2026-11-26T12:00:00Z", "Kaspersky Lab", theirs), None);
        assert!(refusal(None, "2026-11-26T12:00:00Z", "Kaspersky Lab", ours).is_some());
    }

    #[test]
    fn rules_that_make_no_sense_are_an_error() {
        let settings = Settings { profile: Some(String::from("nobody")), ..Settings::default() };
        assert!(Rules::of(&settings, 0).is_err());
    }
}
