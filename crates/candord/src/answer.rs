//! What a scan came to, in clamd's words.
//!
//! clamd says `OK` of what it did not look at as a whole, unless `AlertExceedsMax` is given, and so do its
//! clients expect it. The JSON log says what was missed.

use candor_model::{Finding, Reason, Report};
use candor_protocol::clamd::{ScanError, Verdict};
use candor_sandbox::Outcome;
use candor_sandbox::message::Answer;

use crate::log::Missed;

/// What is said about a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// Nothing was found.
    Ok,
    /// This was found, strongest first.
    Found(Vec<String>),
    /// It was not scanned, or not to the end.
    Error(&'static str),
    /// It is no file.
    NotRegular,
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

    /// The verdicts to reply with: all that was found, or the first alone.
    pub fn verdicts(&self, all: bool) -> impl Iterator<Item = Verdict<'_>> {
        let (one, names) = match self {
            Self::Ok => (Some(Verdict::Ok), &[][..]),
            Self::NotRegular => (Some(Verdict::Error(ScanError::NotRegular)), &[][..]),
            Self::Error(words) => (Some(Verdict::Error(ScanError::Other(words))), &[][..]),
            Self::Found(names) => (None, names.as_slice()),
        };
        let number = if all { names.len() } else { 1 };
        one.into_iter().chain(names.iter().take(number).map(|name| Verdict::Found(name)))
    }
}

/// The name of a finding, as ClamAV would tell it.
fn name(finding: &Finding) -> String {
    // Heuristics are the program's own.
    let own = finding.official || finding.language == "candor" || finding.signature.ends_with(".UNOFFICIAL");
    if own { finding.signature.clone() } else { format!("{}.UNOFFICIAL", finding.signature) }
}

/// Whether all was looked at, and nothing was found.
#[must_use]
pub fn is_clean(outcome: &Outcome) -> bool {
    let clean = |report: &Report| report.verdict == candor_model::Verdict::Clean;
    matches!(outcome, Outcome::Answer(Answer::Scanned { partial: None, report, .. }) if clean(report))
}

/// The verdict in Candor's words, and what was missed.
#[must_use]
pub fn honestly(outcome: &Outcome) -> (&'static str, Vec<Missed<'_>>) {
    let own = |reason: &Reason, text: Option<&str>| Missed {
        code: reason.code(),
        reason: text.map_or_else(|| reason.to_string(), |text| format!("{reason}: {text}")),
        path: &[],
    };
    match outcome {
        Outcome::Answer(Answer::Scanned { report, partial, .. }) => {
            let mut missed: Vec<Missed<'_>> = report
                .incomplete
                .iter()
                .map(|missed| Missed {
                    code: missed.reason.code(),
                    reason: missed.reason.to_string(),
                    path: &missed.path,
                })
                .collect();
            missed.extend(partial.iter().map(|why| own(&Reason::Unreadable(why.clone()), None)));
            let cut = partial.is_some() && report.verdict == candor_model::Verdict::Clean;
            (if cut { candor_model::Verdict::Incomplete.name() } else { report.verdict.name() }, missed)
        }
        Outcome::Answer(Answer::TooLarge(_)) => ("incomplete", vec![own(&Reason::FileSize, None)]),
        Outcome::Answer(Answer::Unreadable(why)) => {
            ("incomplete", vec![own(&Reason::Unreadable(why.clone()), None)])
        }
        Outcome::Answer(Answer::Defect(what)) => ("incomplete", vec![own(&Reason::Crashed, Some(what))]),
        Outcome::Deadly(reason, why) => ("incomplete", vec![own(reason, Some(why))]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(outcome: &Outcome, alert: bool) -> Vec<String> {
        let said = Said::of(outcome, alert);
        said.verdicts(false)
            .map(|verdict| match verdict {
                Verdict::Ok => String::from("OK"),
                Verdict::Found(name) => name.to_owned(),
                Verdict::Error(ScanError::Other(words)) => words.to_owned(),
                other => format!("{other:?}"),
            })
            .collect()
    }

    #[test]
    fn what_is_over_a_limit_is_ok_unless_it_is_asked_for_and_never_clean() {
        for (outcome, told) in [
            (Outcome::Answer(Answer::TooLarge(Some(7))), "Heuristics.Limits.Exceeded.MaxFileSize"),
            (Outcome::Deadly(Reason::Timeout, String::new()), "Heuristics.Limits.Exceeded.MaxScanTime"),
        ] {
            assert_eq!(words(&outcome, false), ["OK"]);
            assert_eq!(words(&outcome, true), [told]);
            assert!(!is_clean(&outcome));
            assert_eq!(honestly(&outcome).0, "incomplete");
        }
    }

    #[test]
    fn what_ended_its_worker_is_an_error() {
        let outcome = Outcome::Deadly(Reason::Crashed, String::from("signal 11"));
        assert_eq!(words(&outcome, false), ["Process aborted"]);
        assert!(!is_clean(&outcome));
    }
}
