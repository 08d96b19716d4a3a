//! JUnit, for programs that know tests: a suite for each subject, a case for each answer.

use std::fmt::Write as _;

use super::words::markup;
use super::{Report, Subject};
use crate::evaluate::Outcome;
use crate::inventory::CoverageState;
use crate::matching::Standing;

/// What became of a case.
enum Case {
    Passed,
    Failed(String),
    Skipped(String),
    Erroneous(String),
}

pub(super) fn render(report: &Report) -> String {
    let mut suites = String::new();
    let mut sum = [0_u64; 4];
    for subject in &report.subjects {
        let cases = cases(report, subject);
        let mut counts = [0_u64; 4];
        let mut body = String::new();
        for (class, name, case) in &cases {
            let (place, inside) = match case {
                Case::Passed => (None, String::new()),
                Case::Failed(why) => (Some(1), element("failure", why)),
                Case::Erroneous(why) => (Some(2), element("error", why)),
                // Readers differ on a message here; text they all take.
                Case::Skipped(why) => (Some(3), format!("<skipped>{}</skipped>", markup(why))),
            };
            for at in [Some(0), place].into_iter().flatten() {
                if let (Some(count), Some(all)) = (counts.get_mut(at), sum.get_mut(at)) {
                    *count = count.saturating_add(1);
                    *all = all.saturating_add(1);
                }
            }
            // A string takes everything.
            let _ = write!(
                body,
                "    <testcase classname=\"{}\" name=\"{}\" time=\"0\"",
                markup(class),
                markup(name)
            );
            if inside.is_empty() {
                body.push_str("/>\n");
            } else {
                let _ = writeln!(body, ">{inside}</testcase>");
            }
        }
        let [tests, failures, errors, skipped] = counts;
        let _ = write!(
            suites,
            "  <testsuite name=\"{}\" tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"{skipped}\" \
             time=\"0\" timestamp=\"{}\">\n    <properties>\n",
            markup(&subject.name),
            markup(report.generated.trim_end_matches('Z')),
        );
        for (name, value) in properties(report) {
            let _ = writeln!(suites, "      <property name=\"{name}\" value=\"{}\"/>", markup(&value));
        }
        let _ = write!(suites, "    </properties>\n{body}  </testsuite>\n");
    }
    let [tests, failures, errors, _] = sum;
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"candor audit\" tests=\"{tests}\" failures=\"{failures}\" \
         errors=\"{errors}\" time=\"0\">\n{suites}</testsuites>\n"
    )
}

fn element(name: &str, why: &str) -> String {
    format!("<{name} message=\"{}\"/>", markup(why))
}

fn properties(report: &Report) -> Vec<(&'static str, String)> {
    let mut properties = vec![
        ("as-of", report.as_of.to_string()),
        ("policy-sha256", report.policy.sha256.clone()),
        ("conclusion", report.conclusion()),
    ];
    properties.extend(report.profile.iter().map(|asker| ("profile", asker.id.clone())));
    properties.extend(report.method.iter().map(|told| ("method", told.clone())));
    properties.extend(report.blind_spots.iter().map(|told| ("blind-spot", told.clone())));
    properties
}

fn cases(report: &Report, subject: &Subject) -> Vec<(String, String, Case)> {
    let mut cases = Vec::new();
    for evaluated in &subject.findings {
        let name = report.called(evaluated);
        for judgement in &evaluated.judgements {
            let why = format!("{}: {}: {}", judgement.outcome.title(), judgement.reason, judgement.citation);
            let case = match (judgement.outcome, evaluated.finding.standing) {
                (Outcome::Exempt | Outcome::NotCovered, _) => Case::Passed,
                (_, Standing::Lead) => Case::Skipped(format!("a lead, to be looked at: {why}")),
                (Outcome::Unknown | Outcome::Residue | Outcome::Advisory, _) => Case::Skipped(why),
                _ => Case::Failed(why),
            };
            cases.push((judgement.regime.clone(), name.clone(), case));
        }
        if evaluated.judgements.is_empty() {
            let why = String::from("no rule that was asked names this vendor");
            cases.push((String::from("no-rule"), name, Case::Skipped(why)));
        }
    }
    if subject.findings.is_empty() {
        cases.push((
            String::from("nil-return"),
            String::from("nothing of a listed vendor was found"),
            Case::Passed,
        ));
    }
    for coverage in &subject.coverage {
        if let CoverageState::Partly(reason) | CoverageState::NotRead(reason) = &coverage.state {
            let name = format!("{} {}", coverage.reader, coverage.path);
            cases.push((String::from("coverage"), name, Case::Erroneous(reason.clone())));
        }
    }
    cases
}
