//! For people, on a terminal.

use std::fmt::Write as _;

use super::Report;
use super::words::{plain, standing};
use crate::evaluate::Evaluated;
use crate::inventory::CoverageState;

/// Hits of a finding that are shown; JSON has more.
const SHOWN: usize = 4;

pub(super) fn render(report: &Report) -> String {
    let mut text = String::new();
    let mut line = |line: &str| {
        text.push_str(line);
        text.push('\n');
    };
    line(&report.conclusion());
    for subject in &report.subjects {
        if subject.findings.is_empty() {
            continue;
        }
        line("");
        line(&plain(&subject.name));
        for evaluated in &subject.findings {
            line(&finding(report, evaluated));
        }
    }
    line("");
    line(&format!("As of            {}, at midnight where a rule holds when it is a day", report.as_of));
    let profile = report.profile.as_ref().map_or_else(
        || String::from("none: every rule is asked"),
        |asker| format!("{} ({})", asker.id, asker.title),
    );
    line(&format!("Profile          {profile}"));
    line(&format!(
        "Policy           {}, {} files of the user, SHA-256 {}",
        report.policy.built_in, report.policy.own_files, report.policy.sha256
    ));
    line(&format!("Made             {} by {} {}", report.generated, report.tool.name, report.tool.version));
    line("");
    line("Method");
    report.method.iter().for_each(|told| line(&format!("  {}", plain(told))));
    line("");
    line("Coverage");
    for subject in &report.subjects {
        for coverage in &subject.coverage {
            let state = match &coverage.state {
                CoverageState::Read => format!("read, {} items", coverage.items),
                CoverageState::Partly(reason) => format!("read in part, {} items: {reason}", coverage.items),
                CoverageState::NotRead(reason) => format!("not read: {reason}"),
                // What is not there is what most sources are; JSON has them.
                CoverageState::Absent => continue,
            };
            line(&format!("  {} {}: {}", plain(&coverage.reader), plain(&coverage.path), plain(&state)));
        }
    }
    line("");
    line("Blind spots");
    report.blind_spots.iter().for_each(|told| line(&format!("  {}", plain(told))));
    text.pop();
    text
}

fn finding(report: &Report, evaluated: &Evaluated) -> String {
    let finding = &evaluated.finding;
    let mut text = format!(
        "  {} [{}, {}, {}]",
        plain(&report.called(evaluated)),
        standing(finding.standing),
        finding.strength.word(),
        finding.class.word()
    );
    for judgement in &evaluated.judgements {
        // A string takes everything.
        let _ = write!(
            text,
            "\n    {:30} {}: {}",
            judgement.outcome.title(),
            plain(&judgement.title),
            plain(&judgement.reason)
        );
        let _ = write!(text, "\n    {:30} {}", "", plain(&judgement.citation));
        if let Some(next) = &judgement.next {
            let _ = write!(text, "\n    {:30} from {}: {}", "", plain(&next.at), plain(&next.says));
        }
    }
    if evaluated.judgements.is_empty() {
        text.push_str("\n    no rule that was asked names this vendor");
    }
    // Several identifiers of a vendor may fit one value; what reads alike is said once.
    let mut said: Vec<String> = Vec::new();
    let mut covered = 0_u64;
    for evidence in &finding.evidence {
        let inside = evidence.place.inside.as_ref().map(|inside| format!(", {inside}")).unwrap_or_default();
        let line = format!(
            "\n    by {} {} at {} ({})",
            evidence.kind,
            plain(&evidence.value),
            plain(&format!("{}{inside}", evidence.place.path)),
            evidence.strength.word()
        );
        if said.contains(&line) {
            covered = covered.saturating_add(1);
        } else if said.len() < SHOWN {
            covered = covered.saturating_add(1);
            said.push(line);
        }
    }
    said.iter().for_each(|line| text.push_str(line));
    let more = finding.hits.saturating_sub(covered);
    if more > 0 {
        let _ = write!(text, "\n    and {more} more");
    }
    text
}
