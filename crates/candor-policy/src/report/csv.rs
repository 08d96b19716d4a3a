//! For tables: a line for each answer, with the columns that a report to an authority is made from.

use super::Report;
use super::words::standing;

/// The columns, in their order: readers go by names, and by order where they must.
const COLUMNS: [&str; 21] = [
    "subject",
    "vendor",
    "product",
    "versions",
    "class",
    "standing",
    "strength",
    "regime",
    "outcome",
    "reason",
    "citation",
    "from",
    "until",
    "exemption",
    "next_change",
    "evidence",
    "evidence_place",
    "hits",
    "endpoints",
    "as_of",
    "policy_sha256",
];

pub(super) fn render(report: &Report) -> String {
    let mut text = COLUMNS.join(",");
    text.push_str("\r\n");
    let mut row = |cells: [&str; 21]| {
        text.push_str(&cells.map(cell).join(","));
        text.push_str("\r\n");
    };
    let as_of = report.as_of.to_string();
    let policy = report.policy.sha256.as_str();
    for subject in &report.subjects {
        let name = subject.name.as_str();
        for evaluated in &subject.findings {
            let finding = &evaluated.finding;
            let product = finding.product.as_deref().unwrap_or_default();
            let versions = finding.versions.join(" ");
            let best = finding.evidence.first();
            let evidence = best.map(|best| format!("{}: {}", best.kind, best.value)).unwrap_or_default();
            let place = best.map(|best| best.place.path.as_str()).unwrap_or_default();
            let (hits, endpoints) =
                (finding.hits.to_string(), endpoints(report, &finding.vendor, product).to_string());
            let vendor = report.vendor(&finding.vendor);
            let (class, sure, strength) =
                (finding.class.word(), standing(finding.standing), finding.strength.word());
            let start = [name, vendor, product, &versions, class, sure, strength];
            let end = [&evidence, place, &hits, &endpoints, &as_of, policy];
            if evaluated.judgements.is_empty() {
                row(whole(
                    start,
                    ["", "no-rule", "no rule that was asked names this vendor", "", "", "", "", ""],
                    end,
                ));
            }
            for judgement in &evaluated.judgements {
                let next = judgement.next.as_ref().map(|next| next.at.as_str()).unwrap_or_default();
                let middle = [
                    judgement.regime.as_str(),
                    judgement.outcome.word(),
                    &judgement.reason,
                    &judgement.citation,
                    judgement.from.as_deref().unwrap_or_default(),
                    judgement.until.as_deref().unwrap_or_default(),
                    judgement.exemption.as_deref().unwrap_or_default(),
                    next,
                ];
                row(whole(start, middle, end));
            }
        }
        if subject.findings.is_empty() {
            let said = "nothing of a listed vendor was found";
            row(whole(
                [name, "", "", "", "", "", ""],
                ["", "nil-return", said, "", "", "", "", ""],
                ["", "", "0", "0", &as_of, policy],
            ));
        }
    }
    text
}

/// Subjects that have a product.
pub(super) fn endpoints(report: &Report, vendor: &str, product: &str) -> usize {
    report
        .subjects
        .iter()
        .filter(|subject| {
            subject.findings.iter().any(|evaluated| {
                evaluated.finding.vendor == vendor
                    && evaluated.finding.product.as_deref().unwrap_or_default() == product
            })
        })
        .count()
}

fn whole<'a>(start: [&'a str; 7], middle: [&'a str; 8], end: [&'a str; 6]) -> [&'a str; 21] {
    let mut cells = [""; 21];
    for (cell, value) in cells.iter_mut().zip(start.into_iter().chain(middle).chain(end)) {
        *cell = value;
    }
    cells
}

/// A cell. Programs for tables take what begins with one of a few characters for a formula, so it gets a quote in
/// front.
fn cell(text: &str) -> String {
    let turns = |character: char| {
        character.is_control() || matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let text: String = text.chars().map(|character| if turns(character) { ' ' } else { character }).collect();
    let guarded = if text.starts_with(['=', '+', '-', '@']) { format!("'{text}") } else { text };
    if guarded.contains([',', '"']) { format!("\"{}\"", guarded.replace('"', "\"\"")) } else { guarded }
}

#[cfg(test)]
mod tests {
    use super::cell;

    #[test]
    fn a_cell_is_no_formula_and_no_line() {
        assert_eq!(cell("=cmd|' /C calc'!A0"), "'=cmd|' /C calc'!A0");
        assert_eq!(cell("a\nb"), "a b");
        assert_eq!(cell("a,\"b\""), "\"a,\"\"b\"\"\"");
    }
}
