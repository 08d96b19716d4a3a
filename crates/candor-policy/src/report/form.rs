//! Forms of authorities, filled in as far as an audit knows: what only people know is left open, and said to be.
//!
//! They are Markdown: to be read, completed and printed, or pasted where they are wanted.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::Report;
use super::csv::endpoints;
use super::words::plain;
use crate::evaluate::{Evaluated, Outcome};
use crate::matching::Standing;

/// A form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Binding Operational Directive 17-01.
    Bod1701,
    /// FAR 52.204-23.
    Far20423,
    /// FAR 52.204-30.
    Far20430,
}

/// What stands where only people know.
const OPEN: &str = "[to be completed]";

impl Form {
    /// The regimes whose answers it reports.
    const fn regimes(self) -> &'static [&'static str] {
        match self {
            Self::Bod1701 => &["us-dhs-bod-17-01"],
            Self::Far20423 => &["us-far-52.204-23"],
            Self::Far20430 => &["us-fascsa-52.204-30", "us-fascsa-order-acronis"],
        }
    }
}

pub(super) fn render(report: &Report, form: Form) -> String {
    let mut text = String::new();
    let rows = rows(report, form);
    match form {
        Form::Bod1701 => directive(report, &rows, &mut text),
        Form::Far20423 | Form::Far20430 => clause(report, form, &rows, &mut text),
    }
    text.push_str("\n## Methodology used\n\n");
    lines(&report.method, &mut text);
    text.push_str("\n## What was not looked at\n\n");
    lines(&report.blind_spots, &mut text);
    // A string takes everything.
    let _ = write!(
        text,
        "\nAs of {}. Policy {}, SHA-256 {}. Made {} by {} {}.\n",
        report.as_of,
        report.policy.built_in,
        report.policy.sha256,
        report.generated,
        report.tool.name,
        report.tool.version
    );
    text
}

fn lines(lines: &[String], text: &mut String) {
    for line in lines {
        let _ = writeln!(text, "* {}", cell(line));
    }
}

/// A text inside a table of Markdown.
fn cell(text: &str) -> String {
    plain(text).replace('\\', "\\\\").replace('|', "\\|").replace('<', "&lt;").replace('`', "'")
}

/// One product that a form tells.
struct Row<'a> {
    evaluated: &'a Evaluated,
    outcome: Outcome,
    subjects: Vec<&'a str>,
}

/// What is covered, each product once; leads too, as a reasonable inquiry does not pass over them.
fn rows(report: &Report, form: Form) -> Vec<Row<'_>> {
    let mut rows: BTreeMap<(&str, String), Row<'_>> = BTreeMap::new();
    for subject in &report.subjects {
        for evaluated in &subject.findings {
            let answer = evaluated
                .judgements
                .iter()
                .filter(|judgement| form.regimes().contains(&judgement.regime.as_str()))
                .map(|judgement| judgement.outcome)
                .min();
            let Some(outcome) = answer.filter(|outcome| {
                matches!(
                    outcome,
                    Outcome::Prohibited | Outcome::ProhibitedFrom | Outcome::Advisory | Outcome::Unknown
                )
            }) else {
                continue;
            };
            let product = evaluated
                .finding
                .product
                .clone()
                .unwrap_or_else(|| evaluated.finding.class.word().to_owned());
            let row = rows.entry((&evaluated.finding.vendor, product)).or_insert(Row {
                evaluated,
                outcome,
                subjects: Vec::new(),
            });
            row.subjects.push(&subject.name);
            // What is sure somewhere is told as sure.
            if evaluated.finding.standing > row.evaluated.finding.standing {
                row.evaluated = evaluated;
                row.outcome = outcome;
            }
        }
    }
    rows.into_values().collect()
}

fn sure(row: &Row<'_>) -> &'static str {
    match (row.evaluated.finding.standing, row.outcome) {
        (Standing::Lead, _) => "lead, to be confirmed",
        (Standing::Found, Outcome::Unknown) => "whether it is covered is not known",
        (Standing::Found, _) => "confirmed",
    }
}

fn directive(report: &Report, rows: &[Row<'_>], text: &mut String) {
    text.push_str("# BOD 17-01: identification of products\n\n");
    let _ = write!(text, "Agency: {OPEN}\nPoint of contact: {OPEN}\n\n## Products found\n\n");
    if rows.iter().all(|row| row.evaluated.finding.standing == Standing::Lead) {
        let _ = write!(
            text,
            "**Nil return**: no product that the directive covers was found on the {} endpoint(s) looked at.\n\n",
            report.summary.subjects
        );
    }
    if !rows.is_empty() {
        text.push_str("| product | version | endpoints | state | evidence |\n|---|---|---|---|---|\n");
        for row in rows {
            let finding = &row.evaluated.finding;
            let number = endpoints(report, &finding.vendor, finding.product.as_deref().unwrap_or_default());
            let evidence =
                finding.evidence.first().map(|best| format!("{} at {}", best.value, best.place.path));
            let _ = writeln!(
                text,
                "| {} | {} | {number}: {} | {} | {} |",
                cell(&report.called(row.evaluated)),
                cell(&finding.versions.join(" ")),
                cell(&row.subjects.join(", ")),
                sure(row),
                cell(&evidence.unwrap_or_default())
            );
        }
    }
    text.push_str("\n## Plan of removal\n\n");
    for field in [
        "Components impacted",
        "Mission function of the endpoints",
        "Contracts and service agreements with the vendor",
        "Timeline of removal",
        "Controls impacted by removal",
        "Replacement products and timeline",
        "Foreseeable challenges",
        "Costs",
    ] {
        let _ = writeln!(text, "* {field}: {OPEN}");
    }
}

fn clause(report: &Report, form: Form, rows: &[Row<'_>], text: &mut String) {
    let (name, orders) = match form {
        Form::Far20430 => ("52.204-30", true),
        Form::Bod1701 | Form::Far20423 => ("52.204-23", false),
    };
    let _ = write!(text, "# FAR {name}: report\n\n* Contract number: {OPEN}\n* Order number(s): {OPEN}\n");
    if orders {
        let _ = writeln!(text, "* Orders that were looked up on SAM.gov, and when: {OPEN}");
    }
    text.push_str(
        "\nDue: within 3 business days; what was done and will be done follows within 10 business days.\n",
    );
    let confirmed = rows.iter().filter(|row| row.evaluated.finding.standing == Standing::Found).count();
    if confirmed == 0 {
        let _ = write!(
            text,
            "\n**Nil return**: a reasonable inquiry into {} subject(s) found nothing that the clause prohibits.\n",
            report.summary.subjects
        );
    }
    for (row, number) in rows.iter().zip(1_u32..) {
        let finding = &row.evaluated.finding;
        let product = finding.product.clone().unwrap_or_else(|| finding.class.word().to_owned());
        let _ =
            write!(text, "\n## Item {number}: {} ({})\n\n", cell(&report.called(row.evaluated)), sure(row));
        if orders {
            let _ = write!(
                text,
                "* Product or service provided or used: {}\n* Covered article or source of the order: {}\n",
                cell(&product),
                cell(report.vendor(&finding.vendor))
            );
            let _ = writeln!(
                text,
                "* Vendor, with CAGE code and unique entity identifier: {}, {OPEN}",
                cell(report.vendor(&finding.vendor))
            );
        } else {
            let _ = writeln!(text, "* Supplier: {OPEN}");
        }
        let _ = writeln!(text, "* Brand: {}", cell(report.vendor(&finding.vendor)));
        let _ = writeln!(
            text,
            "* Model number (OEM, part or wholesaler number): {}",
            version(finding.versions.as_slice())
        );
        let _ = writeln!(
            text,
            "* Item description: {}, class {}, on {}",
            cell(&product),
            finding.class.word(),
            cell(&row.subjects.join(", "))
        );
        for evidence in finding.evidence.iter().take(3) {
            let _ = writeln!(
                text,
                "* Evidence: {} {} at {}",
                evidence.kind,
                cell(&evidence.value),
                cell(&evidence.place.path)
            );
        }
        let _ = writeln!(text, "* Mitigation undertaken or recommended: {OPEN}");
    }
    text.push_str("\n## Follow-up\n\n");
    let _ = write!(
        text,
        "* Efforts undertaken to prevent use or submission: {OPEN}\n* Reasons that led to it: {OPEN}\n* Further efforts to prevent it: {OPEN}\n"
    );
}

fn version(versions: &[String]) -> String {
    if versions.is_empty() {
        OPEN.to_owned()
    } else {
        format!("version {}; {OPEN}", cell(&versions.join(" ")))
    }
}
