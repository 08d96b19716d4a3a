//! What a scan came to, in clamd's words.
//!
//! clamd says `OK` of what it did not look at as a whole, unless `AlertExceedsMax` is given, and so do its
//! clients expect it. The JSON log says what was missed.

use candor::clamav::Said;
use candor_model::Reason;
use candor_protocol::clamd::{ScanError, Verdict};
use candor_sandbox::Outcome;
use candor_sandbox::message::Answer;

use crate::log::Missed;

/// What is said of a descriptor that is no file.
pub const NOT_REGULAR: Said = Said::Error("Not a regular file");

/// The verdicts to reply with: all that was found, or the first alone.
pub fn verdicts(said: &Said, all: bool) -> impl Iterator<Item = Verdict<'_>> {
    let (one, names) = match said {
        Said::Ok => (Some(Verdict::Ok), &[][..]),
        Said::Error(words) => (Some(Verdict::Error(ScanError::Other(words))), &[][..]),
        Said::Found(names) => (None, names.as_slice()),
    };
    let number = if all { names.len() } else { 1 };
    one.into_iter().chain(names.iter().take(number).map(|name| Verdict::Found(name)))
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
        verdicts(&said, false)
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
            assert_eq!(honestly(&outcome).0, "incomplete");
        }
    }

    #[test]
    fn what_ended_its_worker_is_an_error() {
        let outcome = Outcome::Deadly(Reason::Crashed, String::from("signal 11"));
        assert_eq!(words(&outcome, false), ["Process aborted"]);
    }
}
