//! Reports as bytes.
//!
//! The numbers here are those of the format, whatever the order of the variants in the model; the limits
//! are a little above those that the engine keeps itself, so that an honest report is never cut.

use candor_model::{
    FileType, Finding, Incomplete, LayerId, LayerSummary, Match, Normalisation, Origin, Reason, Report,
    Strength, Verdict,
};

use super::bytes::{Malformed, Reader, put_list, put_option, put_text, put_u32, put_u64};

/// Bytes of a name, a reason or the like.
const TEXT: usize = 4096;
/// Names between a file and a layer in it.
const PATH: usize = 128;
const FINDINGS: usize = 20_000;
const MATCHES: usize = 4096;
const INCOMPLETE: usize = 2000;
const LAYERS: usize = 1 << 20;

/// Languages that signatures are written in; the number of one is its place.
const LANGUAGES: [&str; 39] = [
    "other", "cat", "cbc", "cdb", "cfg", "crb", "db", "fp", "ftm", "gdb", "hdb", "hdu", "hsb", "hsu", "idb",
    "ign", "ign2", "imp", "info", "ioc", "ldb", "ldu", "mdb", "mdu", "msb", "msu", "ndb", "ndu", "pdb",
    "pwdb", "rmd", "sdb", "sfp", "text", "wdb", "yar", "yara", "zmd", "candor",
];

/// Bytes that all layers of a report may take; beyond it the rest of them is left out. They explain a
/// report, they are no part of its verdict.
const LAYER_BYTES: usize = 8 << 20;

/// Bytes that findings, and as many that what was not looked at, may take; the first of them say enough.
const FINDING_BYTES: usize = 6 << 20;

/// Appends a report.
pub(super) fn put(out: &mut Vec<u8>, report: &Report) {
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

/// Reads a report. What it says need not be true, but it fits together: a file of which something was
/// not looked at is not clean, and one is infected when there is a finding that says so.
pub(super) fn take(reader: &mut Reader<'_>) -> Result<Report, Malformed> {
    let report = Report {
        verdict: verdict(reader.u8()?)?,
        file_type: file_type(reader)?,
        bytes: reader.u64()?,
        trusted: reader.option(|reader| reader.text(TEXT).map(str::to_owned))?,
        findings: reader.list((FINDINGS, 30, "findings"), finding)?,
        incomplete: reader.list((INCOMPLETE, 9, "reasons"), incomplete)?,
        layers: reader.list((LAYERS, 16, "layers"), layer)?,
    };
    let strongest = report.findings.iter().map(|finding| finding.strength).max();
    let expected = match strongest {
        Some(Strength::Strong) => Verdict::Infected,
        Some(Strength::PotentiallyUnwanted) => Verdict::Suspicious,
        _ if !report.incomplete.is_empty() => Verdict::Incomplete,
        _ => Verdict::Clean,
    };
    if report.verdict == expected {
        Ok(report)
    } else {
        Err(Malformed::Unknown("verdict for what was found"))
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

const fn verdict(number: u8) -> Result<Verdict, Malformed> {
    match number {
        0 => Ok(Verdict::Clean),
        1 => Ok(Verdict::Infected),
        2 => Ok(Verdict::Suspicious),
        3 => Ok(Verdict::Incomplete),
        _ => Err(Malformed::Unknown("verdict")),
    }
}

fn file_type(reader: &mut Reader<'_>) -> Result<FileType, Malformed> {
    FileType::from_number(reader.u8()?).ok_or(Malformed::Unknown("file type"))
}

fn put_path(out: &mut Vec<u8>, path: &[String]) {
    put_list(out, path, PATH, |out, name| put_text(out, name, TEXT));
}

fn path(reader: &mut Reader<'_>) -> Result<Vec<String>, Malformed> {
    reader.list((PATH, 2, "names in a path"), |reader| reader.text(TEXT).map(str::to_owned))
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

fn finding(reader: &mut Reader<'_>) -> Result<Finding, Malformed> {
    Ok(Finding {
        signature: reader.text(TEXT)?.to_owned(),
        origin: Origin { source: reader.text(TEXT)?.to_owned(), line: reader.u32()? },
        official: reader.flag()?,
        strength: match reader.u8()? {
            0 => Strength::Weak,
            1 => Strength::PotentiallyUnwanted,
            2 => Strength::Strong,
            _ => return Err(Malformed::Unknown("strength")),
        },
        language: LANGUAGES.get(usize::from(reader.u8()?)).ok_or(Malformed::Unknown("language"))?,
        layer: LayerId(reader.u32()?),
        file_type: file_type(reader)?,
        path: path(reader)?,
        normalised: reader.option(|reader| match reader.u8()? {
            0 => Ok(Normalisation::HtmlNoComments),
            1 => Ok(Normalisation::HtmlNoTags),
            2 => Ok(Normalisation::Script),
            3 => Ok(Normalisation::Text),
            _ => Err(Malformed::Unknown("copy")),
        })?,
        matches: reader.list((MATCHES, 17, "matches"), |reader| {
            Ok(Match {
                offset: reader.u64()?,
                length: reader.u64()?,
                subsignature: reader.option(Reader::u32)?,
            })
        })?,
    })
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
        // A reason that this format does not know yet still keeps the file from being clean.
        _ => (2, None),
    };
    out.push(number);
    if let Some(text) = text {
        put_text(out, text, TEXT);
    }
}

fn incomplete(reader: &mut Reader<'_>) -> Result<Incomplete, Malformed> {
    let layer = LayerId(reader.u32()?);
    let path = path(reader)?;
    let text = |reader: &mut Reader<'_>| reader.text(TEXT).map(str::to_owned);
    let reason = match reader.u8()? {
        0 => Reason::Cancelled,
        1 => Reason::Children,
        2 => Reason::Crashed,
        3 => Reason::Depth,
        4 => Reason::Encrypted,
        5 => Reason::FileSize,
        6 => Reason::Malformed(text(reader)?),
        7 => Reason::NormaliseSize,
        8 => Reason::Ratio,
        9 => Reason::RegexSteps(text(reader)?),
        10 => Reason::ScanSize,
        11 => Reason::SearchSteps,
        12 => Reason::Timeout,
        13 => Reason::Unreadable(text(reader)?),
        14 => Reason::Unsupported(text(reader)?),
        15 => Reason::Memory,
        _ => return Err(Malformed::Unknown("reason")),
    };
    Ok(Incomplete { layer, path, reason })
}

fn put_layer(out: &mut Vec<u8>, layer: &LayerSummary) {
    put_u32(out, layer.id.0);
    put_option(out, layer.parent, |out, parent| put_u32(out, parent.0));
    put_text(out, &layer.name, TEXT);
    out.push(layer.file_type.number());
    put_u64(out, layer.length);
}

fn layer(reader: &mut Reader<'_>) -> Result<LayerSummary, Malformed> {
    Ok(LayerSummary {
        id: LayerId(reader.u32()?),
        parent: reader.option(|reader| reader.u32().map(LayerId))?,
        name: reader.text(TEXT)?.to_owned(),
        file_type: file_type(reader)?,
        length: reader.u64()?,
    })
}
