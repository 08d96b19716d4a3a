//! `candor migrate quarantine`: files that another product set aside are opened in the jail, looked at with the signatures
//! of today, and put into an archive if wanted. The quarantine itself is only read.
//!
//! What a file is shows in its bytes, or, where a product leaves nothing to recognise, in its name and its folder: then a
//! line that says so is put in front of it, and the jail does the rest. What a product wrote down elsewhere (Defender's
//! entries, descriptions beside files, a database) is read first and joined by the names of files.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use candor_database::Image;
use candor_engine::Options;
use candor_model::{LayerId, LayerSummary, Report, Verdict};
use candor_policy::migrate::record::Record;
use candor_sandbox::Piece;
use candor_sandbox::input::{self, Reading};
use ed25519_dalek::SigningKey;
use jiff::Timestamp;
use rustix::fs::CWD;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::apart::Apart;
use super::archive::Archive;
use super::import::{Reader, Subject};
use super::manifest::Entry;
use crate::commands::keys::signing_key;
use crate::escape::Escaped;
use crate::exit::Exit;
use crate::printer::{Printer, Tone};
use crate::settings::{
    DatabaseOptions, DetectionOptions, HeuristicOptions, LimitOptions, SafetyOptions, engine_options,
};
use crate::store;
use crate::units::hexadecimal;

/// Files of one quarantine.
const MOST_FILES: usize = 200_000;

/// Folders in one another.
const DEPTH: usize = 32;

/// What `candor migrate quarantine` may be asked.
#[derive(Debug, clap::Args)]
#[command(after_long_help = AFTER_LONG_HELP)]
pub(crate) struct Args {
    /// Files and folders of quarantines. Links in folders are not followed.
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,

    /// Put the files into this new archive: a ZIP under the password `infected`, with a manifest.
    #[arg(long, value_name = "FILE")]
    export: Option<PathBuf>,

    /// Sign the manifest of the archive with this key (Ed25519, PKCS #8 in PEM).
    #[arg(long, value_name = "FILE", requires = "export")]
    key: Option<PathBuf>,

    #[command(flatten)]
    database: DatabaseOptions,

    #[command(flatten)]
    limits: LimitOptions,

    #[command(flatten)]
    safety: SafetyOptions,

    /// Print one JSON object a line.
    #[arg(long, help_heading = "Display")]
    json: bool,
}

const AFTER_LONG_HELP: &str = "\
Opened: Kaspersky (KLQB, Kaspersky Security for Windows Server), Microsoft Defender, Symantec (VBN), McAfee (BUP),
Avira, G Data, Malwarebytes, ESET (NQF); a file that was only moved is looked at as it is. Told and not opened: the
backup of Kaspersky for Linux, Sophos, Avast, AVG, Trend Micro, whose layouts nobody describes.

Nothing is written back, and nothing is deleted.

Exit status: 0 all was looked at and nothing was found, 1 something was found, 2 something could not be looked at.";

/// A file of a quarantine.
struct Kept {
    path: PathBuf,
    /// The product that only its name tells.
    named: Option<&'static str>,
    /// Why it is not opened, when that is known by its place.
    closed: Option<&'static str>,
}

/// What a product wrote down.
#[derive(Clone, Debug, Default)]
struct Noted {
    product: Option<String>,
    path: Option<String>,
    threat: Option<String>,
    at: Option<String>,
}

impl Noted {
    /// Fills in what is missing.
    fn or(self, other: &Self) -> Self {
        Self {
            product: self.product.or_else(|| other.product.clone()),
            path: self.path.or_else(|| other.path.clone()),
            threat: self.threat.or_else(|| other.threat.clone()),
            at: self.at.or_else(|| other.at.clone()),
        }
    }
}

/// What came out of one file.
struct Looked {
    kept: PathBuf,
    noted: Noted,
    /// Names of entries and files that this one is about.
    facts: Vec<(String, String)>,
    content: Option<Content>,
    answer: Result<Report, String>,
}

/// The file that was set aside.
struct Content {
    sha256: String,
    size: u64,
    spool: Option<File>,
}

/// Runs `candor migrate quarantine`.
pub(super) fn run(args: &Args, printer: &mut Printer) -> anyhow::Result<Exit> {
    let heuristics = HeuristicOptions::usual();
    let detection = DetectionOptions { potentially_unwanted: None, password_file: None, heuristics };
    let mut options = engine_options(&args.limits, &detection, true)?;
    options.all_matches = true;
    let mut unread = Vec::new();
    let mut kept = Vec::new();
    for path in &args.paths {
        walk(path, 0, &mut kept, &mut unread);
    }
    let databases: Vec<&PathBuf> =
        kept.iter().map(|one| &one.path).filter(|path| is_database(path)).collect();
    let described = databases_of(&databases, !args.safety.no_sandbox, &mut unread)?;
    let database = store::open(&args.database, &args.safety, printer)?;
    let key = args.key.as_deref().map(signing_key).transpose()?;
    let archive = args.export.as_deref().map(Archive::create).transpose()?;
    let opener = Opener::start(&database.image, options, args)?;
    let mut looked: Vec<Looked> = Vec::new();
    for one in kept.iter().filter(|one| !is_database(&one.path)) {
        if let Some(why) = one.closed {
            unread.push((one.path.clone(), why.to_owned()));
            continue;
        }
        let mut found = opener.look(one, archive.is_some());
        if let Some(noted) = described.get(&one.path) {
            found.noted = found.noted.or(noted);
        }
        looked.push(found);
    }
    join(&mut looked);
    tell(looked, &unread, archive.map(|archive| (archive, key)), args, printer)
}

/// Lists the files of a folder, or a file.
fn walk(path: &Path, depth: usize, kept: &mut Vec<Kept>, unread: &mut Vec<(PathBuf, String)>) {
    let mut trouble = |path: &Path, why: String| unread.push((path.to_path_buf(), why));
    let status = if depth == 0 { std::fs::metadata(path) } else { std::fs::symlink_metadata(path) };
    let status = match status {
        Ok(status) => status,
        Err(error) => return trouble(path, error.to_string()),
    };
    if status.is_file() {
        if kept.len() >= MOST_FILES {
            // Told once: the first that does not fit any more.
            if kept.len() == MOST_FILES {
                trouble(path, format!("there are more than {MOST_FILES} files"));
            }
            return;
        }
        let (named, closed) = by_name(path);
        return kept.push(Kept { path: path.to_path_buf(), named, closed });
    }
    if !status.is_dir() {
        return;
    }
    if depth >= DEPTH {
        return trouble(path, String::from("too many folders are in one another"));
    }
    let mut names = match std::fs::read_dir(path).and_then(Iterator::collect::<std::io::Result<Vec<_>>>) {
        Ok(entries) => entries.into_iter().map(|entry| entry.path()).collect::<Vec<_>>(),
        Err(error) => return trouble(path, error.to_string()),
    };
    names.sort();
    names.iter().for_each(|name| walk(name, depth + 1, kept, unread));
}

/// What only the name and the place of a file tell.
fn by_name(path: &Path) -> (Option<&'static str>, Option<&'static str>) {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let place = path.to_string_lossy().to_lowercase();
    let ending = name.rsplit('.').next().unwrap_or_default();
    let folder = path.parent().unwrap_or(Path::new(""));
    let is_guid = name.len() == 38 && name.starts_with('{') && name.ends_with('}');
    if is_guid && (folder.join("quarantine.db").is_file() || place.contains("kaspersky security")) {
        return (Some("kaspersky-server"), None);
    }
    match ending {
        "quar" => (Some("malwarebytes"), None),
        "nqf" => (Some("eset"), None),
        "ndf" => (None, Some("the description of a file by ESET, whose layout nobody describes")),
        _ if place.contains("kesl/common/objects-backup") => {
            (None, Some("the backup of Kaspersky for Linux, whose layout nobody describes"))
        }
        _ if place.contains("safestore") => (None, Some("the quarantine of Sophos, which is encrypted")),
        _ => (None, None),
    }
}

fn is_database(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.eq_ignore_ascii_case("quarantine.db"))
}

/// What databases of quarantines say of the files beside them.
fn databases_of(
    databases: &[&PathBuf],
    jailed: bool,
    unread: &mut Vec<(PathBuf, String)>,
) -> anyhow::Result<HashMap<PathBuf, Noted>> {
    let mut described = HashMap::new();
    if databases.is_empty() {
        return Ok(described);
    }
    let reader = Reader::start(jailed, Subject::Quarantine)?;
    for path in databases {
        let folder = path.parent().unwrap_or(Path::new(""));
        let read = File::open(path).map_err(|error| error.to_string()).and_then(|file| {
            reader.read(path, &file, &mut |record| {
                if let Record::Noted(noted) = record {
                    // It is compared with names of files, and opens none.
                    let known = Noted { product: None, path: noted.path, threat: noted.threat, at: noted.at };
                    described.insert(folder.join(noted.file), known);
                }
            })
        });
        if let Some(why) = read.map_or_else(Some, |outcome| outcome.trouble) {
            unread.push(((*path).clone(), why));
        }
    }
    Ok(described)
}

/// Opens files, in the jail or not.
struct Opener<'a> {
    apart: Apart<'a>,
    largest: u64,
}

impl<'a> Opener<'a> {
    fn start(image: &'a Image, options: Options, args: &'a Args) -> anyhow::Result<Self> {
        let apart = Apart::start(image, options, &args.limits, !args.safety.no_sandbox)?;
        Ok(Self { apart, largest: args.limits.max_file_size.0 })
    }

    fn look(&self, kept: &Kept, wanted: bool) -> Looked {
        let mut layers = Layers { wanted, ..Layers::default() };
        let answer = self.answer(kept, &mut layers);
        let facts = layers.facts;
        let fact = |key: &str| facts.iter().find(|fact| fact.0 == key).map(|fact| fact.1.clone());
        let noted = Noted {
            product: fact("quarantine"),
            path: fact("original-path"),
            threat: fact("threat"),
            at: fact("quarantined-at"),
        };
        // Out of a quarantine, the child by its name, else the first.
        let named = |layer: &&Layer| Some(&layer.summary.name) == noted.path.as_ref();
        let children = || layers.layers.iter().filter(|layer| layer.summary.parent.is_some());
        let is_description = facts.iter().any(|fact| matches!(fact.0.as_str(), "entry" | "resource"))
            || children().any(|layer| layer.summary.name == "description.json");
        let content = match (&answer, &noted.product) {
            (Err(_), _) => None,
            // A file that was only moved is what it was.
            (Ok(_), None) => match itself(kept, wanted) {
                Ok(content) => Some(content),
                Err(why) => {
                    return Looked { kept: kept.path.clone(), noted, facts, content: None, answer: Err(why) };
                }
            },
            (Ok(_), Some(_)) if is_description => None,
            (Ok(_), Some(_)) => children().find(named).or_else(|| children().next()).map(|layer| Content {
                sha256: hexadecimal(layer.digest.clone().finalize()),
                size: layer.came,
                spool: layer.spool.as_ref().and_then(|spool| spool.try_clone().ok()),
            }),
        };
        Looked { kept: kept.path.clone(), noted, facts, content, answer }
    }

    fn answer(&self, kept: &Kept, layers: &mut Layers) -> Result<Report, String> {
        let (file, length) = opened(kept, self.largest)?;
        let name = kept.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let report = self.apart.take(name, &file, length, &mut |piece| layers.take(piece))?;
        layers.failure.take().map_or(Ok(report), Err)
    }
}

/// Opens a file; with a line in front of it when only its name tells what it is.
fn opened(kept: &Kept, max: u64) -> Result<(File, u64), String> {
    let name = std::ffi::CString::new(kept.path.as_os_str().as_bytes()).map_err(|error| error.to_string())?;
    let opened = input::open(CWD, &name, true).map_err(|reading| match reading {
        Reading::Special(kind) => format!("it is {kind}, not a file"),
        Reading::Failed(why) | Reading::Partial(why) => why,
        _ => String::from("it cannot be opened"),
    })?;
    let file = File::from(opened.file);
    let Some(product) = kept.named else { return Ok((file, opened.length)) };
    if opened.length > max {
        return Err(String::from("it is larger than the limit of --max-file-size"));
    }
    let marked = || -> std::io::Result<(File, u64)> {
        let mut spool = tempfile::tempfile()?;
        write!(spool, "CANDOR-QUARANTINE\n{product}\n")?;
        std::io::copy(&mut (&file).take(max), &mut spool)?;
        let length = spool.stream_position()?;
        spool.seek(SeekFrom::Start(0))?;
        Ok((spool, length))
    };
    marked().map_err(|error| error.to_string())
}

/// The content of a file that was not packed.
fn itself(kept: &Kept, wanted: bool) -> Result<Content, String> {
    let (mut file, _) = opened(kept, u64::MAX)?;
    let mut digest = Sha256::new();
    let mut size = 0;
    let mut buffer = vec![0; 1 << 16];
    loop {
        let length = file.read(&mut buffer).map_err(|error| error.to_string())?;
        if length == 0 {
            break;
        }
        digest.update(&buffer[..length]);
        size += length as u64;
    }
    Ok(Content { sha256: hexadecimal(digest.finalize()), size, spool: wanted.then_some(file) })
}

/// A layer whose content is wanted: what is directly in the file. Of the file itself nothing comes back.
struct Layer {
    summary: LayerSummary,
    digest: Sha256,
    came: u64,
    spool: Option<File>,
}

#[derive(Default)]
struct Layers {
    wanted: bool,
    layers: Vec<Layer>,
    facts: Vec<(String, String)>,
    failure: Option<String>,
}

impl Layers {
    fn take(&mut self, piece: Piece<'_>) {
        match piece {
            Piece::Layer(layer) if layer.parent == Some(LayerId(0)) => {
                let spool = if self.wanted {
                    tempfile::tempfile().map_err(|error| error.to_string())
                } else {
                    Err(String::new())
                };
                if let (true, Err(why)) = (self.wanted, &spool) {
                    self.failure = Some(why.clone());
                }
                self.layers.push(Layer {
                    summary: layer.clone(),
                    digest: Sha256::new(),
                    came: 0,
                    spool: spool.ok(),
                });
            }
            Piece::Layer(_) => (),
            Piece::Facts(LayerId(0), facts) => self.facts.extend_from_slice(facts),
            Piece::Facts(..) => (),
            Piece::Content(id, bytes) => {
                let Some(layer) = self.layers.iter_mut().find(|layer| layer.summary.id == id) else { return };
                layer.digest.update(bytes);
                layer.came += bytes.len() as u64;
                if let Some(Err(error)) = layer.spool.as_mut().map(|spool| spool.write_all(bytes)) {
                    self.failure = Some(error.to_string());
                }
            }
        }
    }
}

/// Joins descriptions with the files that they are of.
fn join(looked: &mut [Looked]) {
    let mut entries: BTreeMap<String, Noted> = BTreeMap::new();
    let mut resources: BTreeMap<String, Noted> = BTreeMap::new();
    let mut links: BTreeMap<String, String> = BTreeMap::new();
    let mut beside: BTreeMap<PathBuf, Noted> = BTreeMap::new();
    let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().to_uppercase();
    for one in looked.iter().filter(|one| one.content.is_none()) {
        let all =
            |key: &'static str| one.facts.iter().filter(move |fact| fact.0 == key).map(|fact| fact.1.clone());
        for resource in all("resource") {
            resources.insert(resource, one.noted.clone());
        }
        for entry in all("entry") {
            if one.noted.threat.is_some() {
                entries.insert(entry, one.noted.clone());
            } else {
                links.insert(name(&one.kept), entry);
            }
        }
        beside.insert(one.kept.with_extension(""), one.noted.clone());
    }
    for one in looked.iter_mut().filter(|one| one.content.is_some()) {
        let own = name(&one.kept);
        let known = resources
            .get(&own)
            .or_else(|| entries.get(links.get(&own)?))
            .or_else(|| beside.get(&one.kept.with_extension("")));
        if let Some(known) = known {
            one.noted = one.noted.clone().or(known);
        }
    }
}

#[derive(Serialize)]
struct Line<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(flatten)]
    entry: &'a Entry,
}

#[derive(Serialize)]
struct Unread<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    kept_in: String,
    message: &'a str,
}

#[derive(Serialize)]
struct Summary {
    #[serde(rename = "type")]
    kind: &'static str,
    files: usize,
    found: usize,
    found_then_not_now: usize,
    not_read: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    archive: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_digest: Option<String>,
}

fn tell(
    looked: Vec<Looked>,
    unread: &[(PathBuf, String)],
    mut archive: Option<(Archive, Option<SigningKey>)>,
    args: &Args,
    printer: &mut Printer,
) -> anyhow::Result<Exit> {
    let mut unread: Vec<(PathBuf, String)> = unread.to_vec();
    let mut summary = Summary {
        kind: "summary",
        files: 0,
        found: 0,
        found_then_not_now: 0,
        not_read: 0,
        archive: None,
        last_digest: None,
    };
    let mut is_whole = true;
    for one in looked {
        let report = match one.answer {
            Ok(report) => report,
            Err(why) => {
                unread.push((one.kept, why));
                continue;
            }
        };
        is_whole &= report.incomplete.is_empty();
        let Some(content) = one.content else {
            // A description, or a quarantine out of which nothing came.
            if let Some(incomplete) = report.incomplete.first() {
                unread.push((one.kept, incomplete.reason.to_string()));
            }
            continue;
        };
        let entry = entry(&one.kept, one.noted, &content, &report);
        summary.files += 1;
        let is_found = matches!(report.verdict, Verdict::Infected | Verdict::Suspicious);
        summary.found += usize::from(is_found);
        summary.found_then_not_now += usize::from(entry.threat.is_some() && !is_found);
        if args.json {
            printer.line(&serde_json::to_string(&Line { kind: "quarantined", entry: &entry })?);
        } else {
            print(&entry, printer);
        }
        if let (Some((archive, _)), Some(mut spool)) = (&mut archive, content.spool) {
            spool.seek(SeekFrom::Start(0))?;
            archive.add(entry, &mut spool)?;
        }
    }
    for (path, why) in &unread {
        let shown = Escaped::os(path.as_os_str()).to_string();
        if args.json {
            printer.line(&serde_json::to_string(&Unread { kind: "not-read", kept_in: shown, message: why })?);
        } else {
            let why = Escaped(why.as_bytes()).to_string();
            printer.line(&format!("{shown}: {}", printer.paint(Tone::Warning, &format!("not read: {why}"))));
        }
    }
    summary.not_read = unread.len();
    if let Some((archive, key)) = archive {
        let generated = Timestamp::now().round(jiff::Unit::Second)?.to_string();
        summary.last_digest = Some(archive.finish(&generated, key.as_ref())?);
        summary.archive = args.export.as_ref().map(|path| Escaped::os(path.as_os_str()).to_string());
    }
    if args.json {
        printer.line(&serde_json::to_string(&summary)?);
    } else {
        printer.line("");
        printer.line(&format!(
            "{} files that were set aside: something is found in {}, in {} nothing is found any more; {} not read",
            summary.files, summary.found, summary.found_then_not_now, summary.not_read
        ));
        if let (Some(archive), Some(last)) = (&summary.archive, &summary.last_digest) {
            printer.line(&format!("{archive}: password infected; last digest {last}, to be kept elsewhere"));
        }
    }
    Ok(match (summary.found > 0, is_whole && unread.is_empty()) {
        (true, _) => Exit::Found,
        (false, true) => Exit::Clean,
        (false, false) => Exit::Failed,
    })
}

fn entry(kept: &Path, noted: Noted, content: &Content, report: &Report) -> Entry {
    let mut findings: Vec<String> = report.findings.iter().map(|finding| finding.signature.clone()).collect();
    findings.dedup();
    Entry {
        file: format!("files/{}", content.sha256),
        product: noted.product,
        original_path: noted.path,
        threat: noted.threat,
        quarantined_at: noted.at,
        kept_in: Escaped::os(kept.as_os_str()).to_string(),
        sha256: content.sha256.clone(),
        size: content.size,
        verdict: report.verdict.name().to_owned(),
        findings,
        incomplete: report.incomplete.iter().map(|incomplete| incomplete.reason.to_string()).collect(),
    }
}

fn print(entry: &Entry, printer: &mut Printer) {
    let shown = |text: &str| Escaped(text.as_bytes()).to_string();
    let name = entry.original_path.as_deref().map_or_else(|| entry.kept_in.clone(), shown);
    let tone = match entry.verdict.as_str() {
        "clean" => Tone::Good,
        "incomplete" => Tone::Warning,
        _ => Tone::Bad,
    };
    let now = if entry.findings.is_empty() {
        entry.verdict.clone()
    } else {
        format!("{}: {}", entry.verdict, shown(&entry.findings.join(", ")))
    };
    printer.line(&format!("{}: {}", printer.paint(Tone::Strong, &name), printer.paint(tone, &now)));
    let product = entry.product.as_deref().map_or_else(|| String::from("moved as it was"), shown);
    let at = entry.quarantined_at.as_deref().map(|at| format!(", {}", shown(at))).unwrap_or_default();
    let then = entry.threat.as_deref().map_or_else(|| String::from("not known"), shown);
    for line in [
        format!("  then     {then} ({product}{at})"),
        format!("  kept in  {}", entry.kept_in),
        format!("  SHA-256  {}, {} bytes", entry.sha256, entry.size),
    ] {
        printer.line(&printer.paint(Tone::Faint, &line));
    }
    entry.incomplete.iter().for_each(|why| printer.line(&format!("  not looked at: {}", shown(why))));
}
