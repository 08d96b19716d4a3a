//! For people, in a browser and on paper: one file, without scripts and without anything from elsewhere.

use std::fmt::Write as _;

use super::words::{counted, markup, standing};
use super::{Report, Subject};
use crate::evaluate::{Evaluated, Outcome};
use crate::inventory::CoverageState;
use crate::matching::Standing;

/// Hits of a finding that are shown; JSON has more.
const SHOWN: usize = 12;

/// Sources that are shown of a subject.
const SOURCES: usize = 500;

const STYLE: &str = include_str!("style.css");

pub(super) fn render(report: &Report) -> String {
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>Audit as of {}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n",
        markup(&report.as_of.to_string())
    );
    head(report, &mut page);
    for subject in &report.subjects {
        about(report, subject, &mut page);
    }
    list("Method", &report.method, &mut page);
    coverage(report, &mut page);
    list("Blind spots", &report.blind_spots, &mut page);
    rules(report, &mut page);
    page.push_str("</main>\n</body>\n</html>\n");
    page
}

/// Writes a piece. A string takes everything.
macro_rules! put {
    ($page:expr, $($piece:tt)*) => { { let _ = write!($page, $($piece)*); } };
}

fn head(report: &Report, page: &mut String) {
    let tone = if report.summary.nil_return && report.summary.complete { "good" } else { "bad" };
    put!(
        page,
        "<header>\n<h1>Products of prohibited vendors</h1>\n<p class=\"conclusion {tone}\">{}</p>\n",
        markup(&report.conclusion())
    );
    let profile = report.profile.as_ref().map_or_else(
        || String::from("none: every rule is asked"),
        |asker| format!("{} ({})", asker.title, asker.id),
    );
    put!(page, "<dl>\n");
    for (name, value) in [
        ("As of", format!("{}; a day without a time is asked at midnight where a rule holds", report.as_of)),
        ("Profile", profile),
        (
            "Looked at",
            format!(
                "{}, {}",
                counted(report.summary.subjects, "subject"),
                counted(report.summary.items, "item")
            ),
        ),
        (
            "Policy",
            format!(
                "{}, {} of the user, SHA-256 {}",
                report.policy.built_in,
                counted(report.policy.own_files as u64, "file"),
                report.policy.sha256
            ),
        ),
        ("Made", format!("{} by {} {}", report.generated, report.tool.name, report.tool.version)),
    ] {
        put!(page, "<dt>{name}</dt><dd>{}</dd>\n", markup(&value));
    }
    put!(page, "</dl>\n</header>\n");
}

fn about(report: &Report, subject: &Subject, page: &mut String) {
    put!(page, "<section>\n<h2>{}</h2>\n", markup(&subject.name));
    if subject.findings.is_empty() {
        put!(page, "<p class=\"nil\">Nothing of a listed vendor was found.</p>\n");
    }
    for evaluated in &subject.findings {
        finding(report, evaluated, page);
    }
    put!(page, "</section>\n");
}

fn finding(report: &Report, evaluated: &Evaluated, page: &mut String) {
    let finding = &evaluated.finding;
    let sure = if finding.standing == Standing::Found { "found" } else { "lead: to be looked at" };
    put!(
        page,
        "<article class=\"{}\">\n<h3>{}</h3>\n<p class=\"tags\"><span>{sure}</span> <span>{}</span> <span>{}</span> \
         <span>{} evidence</span></p>\n",
        standing(finding.standing),
        markup(&report.called(evaluated)),
        markup(report.vendor(&finding.vendor)),
        finding.class.word(),
        finding.strength.word()
    );
    if evaluated.judgements.is_empty() {
        put!(page, "<p>No rule that was asked names this vendor.</p>\n");
    } else {
        put!(page, "<table>\n<thead><tr><th>Rule</th><th>Says</th><th>Because</th></tr></thead>\n<tbody>\n");
        for judgement in &evaluated.judgements {
            let next = judgement
                .next
                .as_ref()
                .map(|next| format!("<br><small>From {}: {}</small>", markup(&next.at), markup(&next.says)))
                .unwrap_or_default();
            put!(
                page,
                "<tr><td>{}<br><small>{}</small></td><td class=\"{}\">{}</td><td>{}{next}</td></tr>\n",
                markup(&judgement.title),
                markup(&judgement.citation),
                tone(judgement.outcome),
                judgement.outcome.title(),
                markup(&judgement.reason)
            );
        }
        put!(page, "</tbody>\n</table>\n");
    }
    put!(page, "<details open>\n<summary>Evidence: {}</summary>\n<ul>\n", counted(finding.hits, "hit"));
    for evidence in finding.evidence.iter().take(SHOWN) {
        let inside = evidence.place.inside.as_ref().map(|inside| format!(", {inside}")).unwrap_or_default();
        let sha256 = evidence.sha256.as_ref().map(|digits| format!("; SHA-256 {digits}")).unwrap_or_default();
        put!(
            page,
            "<li><code>{}</code> at <code>{}</code><br><small>{}, {}; {}{}</small></li>\n",
            markup(&evidence.value),
            markup(&format!("{}{inside}", evidence.place.path)),
            markup(&evidence.kind),
            evidence.strength.word(),
            markup(&evidence.source),
            markup(&sha256)
        );
    }
    put!(page, "</ul>\n</details>\n</article>\n");
}

const fn tone(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::UpdatedAfterCutOff | Outcome::Prohibited => "bad",
        Outcome::SupplyProhibited | Outcome::ProhibitedFrom | Outcome::Advisory | Outcome::Unknown => "warn",
        Outcome::Residue | Outcome::Exempt | Outcome::NotCovered => "calm",
    }
}

fn list(title: &str, lines: &[String], page: &mut String) {
    put!(page, "<section>\n<h2>{title}</h2>\n<ul>\n");
    for line in lines {
        put!(page, "<li>{}</li>\n", markup(line));
    }
    put!(page, "</ul>\n</section>\n");
}

fn coverage(report: &Report, page: &mut String) {
    put!(page, "<section>\n<h2>Coverage</h2>\n");
    for subject in &report.subjects {
        put!(page, "<h3>{}</h3>\n", markup(&subject.name));
        let there: Vec<_> =
            subject.coverage.iter().filter(|coverage| coverage.state != CoverageState::Absent).collect();
        if there.is_empty() {
            put!(page, "<p>No source was told.</p>\n");
            continue;
        }
        put!(
            page,
            "<table>\n<thead><tr><th>Source</th><th>Reader</th><th>State</th></tr></thead>\n<tbody>\n"
        );
        for coverage in there.iter().take(SOURCES) {
            let (tone, state) = match &coverage.state {
                CoverageState::Partly(reason) => {
                    ("warn", format!("in part, {}: {reason}", counted(coverage.items, "item")))
                }
                CoverageState::NotRead(reason) => ("warn", format!("not read: {reason}")),
                CoverageState::Read | CoverageState::Absent => {
                    ("calm", format!("read, {}", counted(coverage.items, "item")))
                }
            };
            put!(
                page,
                "<tr><td><code>{}</code></td><td>{}</td><td class=\"{tone}\">{}</td></tr>\n",
                markup(&coverage.path),
                markup(&coverage.reader),
                markup(&state)
            );
        }
        put!(page, "</tbody>\n</table>\n");
        if there.len() > SOURCES {
            put!(page, "<p>And {} more.</p>\n", there.len().saturating_sub(SOURCES));
        }
    }
    put!(page, "</section>\n");
}

fn rules(report: &Report, page: &mut String) {
    put!(page, "<section>\n<h2>Rules that were asked</h2>\n");
    for rule in &report.regimes {
        put!(
            page,
            "<article>\n<h3>{}</h3>\n<p>{}</p>\n<p><small>{}; {}. Binds {}. Sure: {}</small></p>\n<ul class=\"sources\">\n",
            markup(&rule.title),
            markup(&rule.summary),
            markup(&rule.authority),
            markup(&rule.citation),
            markup(&rule.binds),
            markup(&rule.confidence)
        );
        for source in &rule.sources {
            put!(page, "<li><small>{}</small></li>\n", markup(source));
        }
        put!(page, "</ul>\n</article>\n");
    }
    put!(page, "<p>Facts for people who check, not legal advice.</p>\n</section>\n");
}
