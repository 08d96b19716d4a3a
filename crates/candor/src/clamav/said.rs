//! What a scan came to, in ClamAV's words.
//!
//! ClamAV says `OK` of what it did not look at as a whole, unless `AlertExceedsMax` is given, and whoever reads its
//! answers expects it.

use candor_model::{Finding, Reason};
use candor_sandbox::Outcome;
use candor_sandbox::message::Answer;

/// What is said about a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// Nothing was found.
    Ok,
    /// This was found, strongest first.
    Found(Vec<String>),
    /// It was not scanned, or not to the end.
    Error(&'static str),
}

impl Said {
    /// What is said of an outcome; `alert` is `AlertExceedsMax`.
    #[must_use]
    pub fn of(outcome: &Outcome, alert: bool) -> Self {
        let exceeded = |limit: &str| {
            if alert { Self::Found(vec![format!("Heuristics.Limits.Exceeded.{limit}")]) } else { Self::Ok }
        };
        match outcome {
            Outcome::Answer(Answer::Scanned { report, .. }) if !report.findings.is_empty() => {
                Self::Found(report.findings.iter().map(name).collect())
            }
            Outcome::Answer(Answer::Scanned { partial: Some(_), .. } | Answer::Unreadable(_)) => {
                Self::Error("Can't read file")
            }
            Outcome::Answer(Answer::Scanned { report, .. }) => {
                let ran_out = report.incomplete.iter().any(|missed| missed.reason == Reason::Timeout);
                if ran_out { exceeded("MaxScanTime") } else { Self::Ok }
            }
            Outcome::Answer(Answer::TooLarge(_)) => exceeded("MaxFileSize"),
            Outcome::Deadly(Reason::Timeout, _) => exceeded("MaxScanTime"),
            Outcome::Deadly(Reason::Memory, _) => Self::Error("Can't allocate memory"),
            Outcome::Deadly(..) | Outcome::Answer(Answer::Defect(_)) => Self::Error("Process aborted"),
        }
    }
}

/// The name of a finding, as ClamAV would tell it.
#[must_use]
pub fn name(finding: &Finding) -> String {
    // Heuristics are the program's own.
    let own = finding.official || finding.language == "candor" || finding.signature.ends_with(".UNOFFICIAL");
    if own { finding.signature.clone() } else { format!("{}.UNOFFICIAL", finding.signature) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_over_a_limit_is_ok_unless_it_is_asked_for() {
        for (outcome, told) in [
            (Outcome::Answer(Answer::TooLarge(Some(7))), "Heuristics.Limits.Exceeded.MaxFileSize"),
            (Outcome::Deadly(Reason::Timeout, String::new()), "Heuristics.Limits.Exceeded.MaxScanTime"),
        ] {
            assert_eq!(Said::of(&outcome, false), Said::Ok);
            assert_eq!(Said::of(&outcome, true), Said::Found(vec![told.to_owned()]));
        }
    }

    #[test]
    fn what_ended_its_worker_is_an_error() {
        let outcome = Outcome::Deadly(Reason::Crashed, String::from("signal 11"));
        assert_eq!(Said::of(&outcome, false), Said::Error("Process aborted"));
    }
}
