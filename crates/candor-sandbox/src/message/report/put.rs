//! Reports into bytes: only workers run this.

use candor_model::{Finding, Incomplete, LayerSummary, Normalisation, Reason, Report, Strength, Verdict};

use super::super::bytes::{put_list, put_u32, put_u64};
use super::super::worker::{put_option, put_text};
use super::{FINDINGS, INCOMPLETE, LANGUAGES, LAYERS, MATCHES, PATH, TEXT};

/// Bytes that all layers of a report may take; beyond it the rest of them is left out. They explain a
/// report, they are no part of its verdict.
const LAYER_BYTES: usize = 8 << 20;

/// Bytes that findings, and as many that what was not looked at, may take; the first of them say enough.
const FINDING_BYTES: usize = 6 << 20;

/// Appends a report.
pub(in crate::message) fn put(out: &mut Vec<u8>, report: &Report) {
    out.push(verdict_number(report.verdict));
    out.push(report.file_type.number());
    put_u64(out, report.bytes);
    put_option(out, report.trusted.as_deref(), |out, name| put_text(out, name, TEXT));
    put_bounded(out, &report.findings, (FINDINGS, FINDING_BYTES), put_finding);
    put_bounded(out, &report.incomplete, (INCOMPLETE, FINDING_BYTES), put_incomplete);
    put_bounded(out, &report.layers, (LAYERS, LAYER_BYTES), put_layer);
}

/// Values behind their number, until they are too many or take too many bytes.
fn put_bounded<T>(
    out: &mut Vec<u8>,
    values: &[T],
    (most, bytes): (usize, usize),
    put: impl Fn(&mut Vec<u8>, &T),
) {
    let start = out.len();
    put_u32(out, 0);
    let mut count = 0_u32;
    for value in values.iter().take(most) {
        let before = out.len();
        put(out, value);
        if out.len().saturating_sub(start) > bytes {
            out.truncate(before);
            break;
        }
        count = count.saturating_add(1);
    }
    if let Some(place) = out.get_mut(start..start.saturating_add(4)) {
        place.copy_from_slice(&count.to_le_bytes());
    }
}

const fn verdict_number(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Clean => 0,
        Verdict::Infected => 1,
        Verdict::Suspicious => 2,
        Verdict::Incomplete => 3,
    }
}

fn put_path(out: &mut Vec<u8>, path: &[String]) {
    put_list(out, path, PATH, |out, name| put_text(out, name, TEXT));
}

fn put_finding(out: &mut Vec<u8>, finding: &Finding) {
    put_text(out, &finding.signature, TEXT);
    put_text(out, &finding.origin.source, TEXT);
    put_u32(out, finding.origin.line);
    out.push(u8::from(finding.official));
    out.push(match finding.strength {
        Strength::Weak => 0,
        Strength::PotentiallyUnwanted => 1,
        Strength::Strong => 2,
    });
    let language = LANGUAGES.iter().position(|known| *known == finding.language).unwrap_or(0);
    out.push(u8::try_from(language).unwrap_or(0));
    put_u32(out, finding.layer.0);
    out.push(finding.file_type.number());
    put_path(out, &finding.path);
    put_option(out, finding.normalised, |out, normalisation| {
        out.push(match normalisation {
            Normalisation::HtmlNoComments => 0,
            Normalisation::HtmlNoTags => 1,
            Normalisation::Script => 2,
            Normalisation::Text => 3,
        });
    });
    put_list(out, &finding.matches, MATCHES, |out, matched| {
        put_u64(out, matched.offset);
        put_u64(out, matched.length);
        put_option(out, matched.subsignature, put_u32);
    });
}

fn put_incomplete(out: &mut Vec<u8>, incomplete: &Incomplete) {
    put_u32(out, incomplete.layer.0);
    put_path(out, &incomplete.path);
    let (number, text) = match &incomplete.reason {
        Reason::Cancelled => (0, None),
        Reason::Children => (1, None),
        Reason::Crashed => (2, None),
        Reason::Depth => (3, None),
        Reason::Encrypted => (4, None),
        Reason::FileSize => (5, None),
        Reason::Malformed(what) => (6, Some(what)),
        Reason::NormaliseSize => (7, None),
        Reason::Ratio => (8, None),
        Reason::RegexSteps(what) => (9, Some(what)),
        Reason::ScanSize => (10, None),
        Reason::SearchSteps => (11, None),
        Reason::Timeout => (12, None),
        Reason::Unreadable(why) => (13, Some(why)),
        Reason::Unsupported(what) => (14, Some(what)),
        Reason::Memory => (15, None),
        Reason::Growth => (16, None),
        Reason::Work => (17, None),
        // A reason that this format does not know yet still keeps the file from being clean.
        _ => (2, None),
    };
    out.push(number);
    if let Some(text) = text {
        put_text(out, text, TEXT);
    }
}

pub(in crate::message) fn put_layer(out: &mut Vec<u8>, layer: &LayerSummary) {
    put_u32(out, layer.id.0);
    put_option(out, layer.parent, |out, parent| put_u32(out, parent.0));
    put_text(out, &layer.name, TEXT);
    out.push(layer.file_type.number());
    put_u64(out, layer.length);
    put_option(out, layer.md5, |out, sum| out.extend_from_slice(&sum));
}
