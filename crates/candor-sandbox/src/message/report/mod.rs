//! Reports as bytes.
//!
//! The numbers here are those of the format, whatever the order of the variants in the model; the limits
//! are a little above those that the engine keeps itself, so that an honest report is never cut.

mod put;

use candor_model::{
    FileType, Finding, Incomplete, LayerId, LayerSummary, Match, Normalisation, Origin, Reason, Report,
    Strength, Verdict,
};

use super::bytes::{Malformed, Reader};
pub(super) use put::{put, put_layer};

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
        layers: reader.list((LAYERS, 17, "layers"), layer)?,
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

fn path(reader: &mut Reader<'_>) -> Result<Vec<String>, Malformed> {
    reader.list((PATH, 2, "names in a path"), |reader| reader.text(TEXT).map(str::to_owned))
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
        16 => Reason::Growth,
        17 => Reason::Work,
        _ => return Err(Malformed::Unknown("reason")),
    };
    Ok(Incomplete { layer, path, reason })
}

pub(in crate::message) fn layer(reader: &mut Reader<'_>) -> Result<LayerSummary, Malformed> {
    Ok(LayerSummary {
        id: LayerId(reader.u32()?),
        parent: reader.option(|reader| reader.u32().map(LayerId))?,
        name: reader.text(TEXT)?.to_owned(),
        file_type: file_type(reader)?,
        length: reader.u64()?,
        md5: reader.option(Reader::array)?,
    })
}
