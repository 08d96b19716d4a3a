//! Everything, for programs: `docs/reference/audit.schema.json` says what stands where.

use super::Report;

pub(super) fn render(report: &Report) -> String {
    pretty(report)
}

/// JSON over several lines, with a line break at the end.
pub(super) fn pretty(value: &impl serde::Serialize) -> String {
    // Maps have strings as keys and numbers are whole: there is nothing in a report that JSON cannot hold.
    let mut text = serde_json::to_string_pretty(value).unwrap_or_default();
    text.push('\n');
    text
}
