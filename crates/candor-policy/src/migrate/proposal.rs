//! A setting of another product, and what it becomes here: exactly which text in which file, or why nothing. A proposal
//! is taken over by nobody but a person.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

pub use super::risk::Risk;

use super::settings::{Format, Kind, Outcome, Setting};
use super::{mask, risk};
use crate::matching::Matcher;
use crate::policy::hexadecimal;

/// The version of the JSON form.
pub const SCHEMA: &str = "candor-migration-import/1";

/// Everything that was proposed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Import {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// What was read, in the order in which it was given.
    pub files: Vec<Read>,
    /// What it becomes.
    pub proposals: Vec<Proposal>,
    /// What there is to know before any of it is taken over.
    pub remarks: Vec<String>,
}

/// A file that was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Read {
    /// Its name, as it was given.
    pub name: String,
    /// SHA-256 of its bytes.
    pub sha256: String,
    /// What came of it.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// One setting and what it becomes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposal {
    /// By which it is accepted; the same for the same setting of the same file.
    pub id: String,
    /// The file.
    pub file: String,
    /// What it is of.
    pub format: Format,
    /// What is set.
    pub setting: Setting,
    /// What it becomes; nothing when that is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub becomes: Option<Becomes>,
    /// Why it becomes nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nothing: Option<String>,
    /// What it costs.
    pub risk: Risk,
    /// What there is to say about it.
    pub notes: Vec<String>,
}

/// What a setting becomes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Becomes {
    /// The file that it goes to.
    pub target: Target,
    /// The line, as it goes there.
    pub text: String,
    /// The same for one scan on the command line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub option: Option<String>,
}

/// Files that settings go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Target {
    /// `clamd.conf`, which the daemon reads.
    Clamd,
    /// `freshclam.conf`.
    Freshclam,
    /// A database of files that are no findings, by MD5.
    Fp,
    /// The same by SHA-1 or SHA-256.
    Sfp,
    /// A timer of systemd.
    Timer,
}

impl Target {
    /// The file by its usual name.
    #[must_use]
    pub const fn file(self) -> &'static str {
        match self {
            Self::Clamd => "clamd.conf",
            Self::Freshclam => "freshclam.conf",
            Self::Fp => "local.fp",
            Self::Sfp => "local.sfp",
            Self::Timer => "candor-scan.timer",
        }
    }
}

/// Parts of paths of the old system, and what they are here.
pub type Map = [(String, String)];

/// Makes a proposal of a setting.
#[must_use]
pub fn propose(file: &str, format: Format, setting: Setting, map: &Map, matcher: &Matcher) -> Proposal {
    let assessed = risk::assess(&setting, matcher);
    let (becomes, nothing) = match becomes(&setting, map) {
        Ok(becomes) => (Some(becomes), None),
        Err(why) => (None, Some(why)),
    };
    let mut digest = Sha256::new();
    let with = setting.with.as_deref().unwrap_or_default();
    for part in [file, &setting.place, &setting.key, &setting.value, with] {
        // NULs stand in none of these.
        digest.update(part.as_bytes());
        digest.update([0]);
    }
    let id = hexadecimal(digest.finalize().get(..4).unwrap_or_default());
    Proposal {
        id,
        file: file.to_owned(),
        format,
        setting,
        becomes,
        nothing,
        risk: assessed.risk,
        notes: assessed.notes,
    }
}

const NO_GUARD: &str = "Candor looks at files when it is asked to; it watches no file system yet";

fn becomes(setting: &Setting, map: &Map) -> Result<Becomes, String> {
    let clamd = |key: &str, value: &str| Becomes {
        target: Target::Clamd,
        text: format!("{key} {value}"),
        option: None,
    };
    let excluded = |pattern: mask::Pattern| Becomes {
        target: Target::Clamd,
        text: format!("ExcludePath {}", pattern.expression),
        option: Some(format!("--exclude {}", quoted(&pattern.glob))),
    };
    let value = setting.value.trim();
    match setting.kind {
        Kind::ExcludePath => {
            let path = placed(value, map)?;
            let mask = setting.with.as_deref().filter(|mask| !mask.is_empty());
            Ok(excluded(mask.map_or_else(|| mask::path(&path), |mask| mask::name(Some(&path), mask))))
        }
        Kind::ExcludeName => match value.contains(['/', '\\']) {
            true => Ok(excluded(mask::path(&placed(value, map)?))),
            false => Ok(excluded(mask::name(None, value))),
        },
        Kind::ExcludeExtension => Ok(excluded(mask::extension(value))),
        Kind::ExcludeHash => hash(value),
        Kind::ExcludeProcess => {
            Err(format!("{NO_GUARD}, so no program has to be left alone; its own files are scanned like all others"))
        }
        Kind::ExcludeThreat => Err("names of threats are the old product's: when a file is wrongly found here, leave \
                                    out that file by its digest, or that signature by its name in an .ign2 database"
            .to_owned()),
        Kind::ScanScope => {
            let path = placed(value, map)?;
            Ok(Becomes {
                target: Target::Timer,
                text: format!("# ExecStart of the service: candor scan {}", quoted(&path)),
                option: Some(format!("candor scan {}", quoted(&path))),
            })
        }
        Kind::MaxSize => match value.parse::<u64>() {
            Ok(size) => Ok(Becomes {
                option: Some(format!("--max-file-size {size}")).filter(|_| size > 0),
                ..clamd("MaxFileSize", &size.to_string())
            }),
            Err(_) => Err("it is no number".to_owned()),
        },
        Kind::MaxTime => match value.parse::<u64>().ok().and_then(|seconds| seconds.checked_mul(1000)) {
            Some(time) => Ok(clamd("MaxScanTime", &time.to_string())),
            None => Err("it is no number".to_owned()),
        },
        Kind::ScanContent => Err("Candor looks into every format that it knows, and says what it could not open".to_owned()),
        Kind::Schedule => schedule(value, setting.with.as_deref()),
        Kind::OnAccess => Err(NO_GUARD.to_owned()),
        Kind::Quarantine => Err("Candor moves and deletes nothing; what was set aside is read by \
                                 `candor migrate quarantine`"
            .to_owned()),
        Kind::UpdateSource => Err("signatures of another product are of no use here; `candor update` says where ours \
                                   come from"
            .to_owned()),
        Kind::Proxy => proxy(value),
        Kind::Notification => {
            Err("the daemon writes its log, and runs VirusEvent of clamd.conf when something is found".to_owned())
        }
        Kind::Telemetry => Err("nothing is sent by Candor".to_owned()),
        Kind::ClamdKey => Ok(clamd(&setting.key, value)),
        Kind::Other => Err("there is nothing like it here".to_owned()),
    }
}

/// Where a path of the old system is here.
fn placed(path: &str, map: &Map) -> Result<String, String> {
    for (from, to) in map {
        let start = path.get(..from.len());
        if start.is_some_and(|start| start.eq_ignore_ascii_case(from)) {
            let rest = path.get(from.len()..).unwrap_or_default().replace('\\', "/");
            return Ok(format!("{}/{}", to.trim_end_matches('/'), rest.trim_start_matches('/')));
        }
    }
    if path.starts_with('/') {
        return Ok(path.to_owned());
    }
    if path.contains('\\') || path.get(1..2) == Some(":") || path.starts_with('%') {
        return Err(
            "a path of Windows, and it is not said where that is here: --map 'C:\\=/where/it/is'".to_owned()
        );
    }
    Err("it is no path of this system".to_owned())
}

fn hash(value: &str) -> Result<Becomes, String> {
    let target = match value.len() {
        32 => Target::Fp,
        40 | 64 => Target::Sfp,
        _ => return Err("it is no MD5, SHA-1 or SHA-256".to_owned()),
    };
    if !value.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err("it is no digest".to_owned());
    }
    // A digest of any length: the level of engines from which on `*` is known stands behind the name.
    let text = format!("{}:*:migrated.{}:73", value.to_ascii_lowercase(), value.get(..8).unwrap_or_default());
    Ok(Becomes { target, text, option: None })
}

fn schedule(rule: &str, start: Option<&str>) -> Result<Becomes, String> {
    let start = start.unwrap_or_default();
    let time = start.split([' ', ';', 'T']).find(|part| part.contains(':')).unwrap_or("02:00:00");
    let days = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    let day = days.iter().find(|day| start.to_lowercase().contains(&day.to_lowercase()));
    let calendar = match rule.to_ascii_lowercase().as_str() {
        "daily" => format!("OnCalendar=*-*-* {time}"),
        "weekly" => format!("OnCalendar={} *-*-* {time}", day.unwrap_or(&"Sun")),
        "monthly" => format!("OnCalendar=*-*-01 {time}"),
        "hourly" => "OnCalendar=hourly".to_owned(),
        "minutely" => "OnCalendar=minutely".to_owned(),
        "manual" => return Err("it was started by hand".to_owned()),
        _ => return Err(format!("there is no timer like \"{rule}\"")),
    };
    Ok(Becomes { target: Target::Timer, text: calendar, option: None })
}

fn proxy(value: &str) -> Result<Becomes, String> {
    let address = value.split_once("://").map_or(value, |(_, rest)| rest);
    let address = address.rsplit('@').next().unwrap_or(address).trim_end_matches('/');
    let (host, port) = address.rsplit_once(':').unwrap_or((address, ""));
    let is_host = |host: &str| {
        !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte))
    };
    if !is_host(host) {
        return Err("it is no host".to_owned());
    }
    let port = port.parse::<u16>().map(|port| format!("\nHTTPProxyPort {port}")).unwrap_or_default();
    Ok(Becomes { target: Target::Freshclam, text: format!("HTTPProxyServer {host}{port}"), option: None })
}

/// A word for a shell.
fn quoted(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-=:".contains(&byte);
    if !text.is_empty() && text.bytes().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

impl Import {
    /// An import of files that were read.
    #[must_use]
    pub fn new(files: Vec<Read>, proposals: Vec<Proposal>) -> Self {
        let remarks = vec![
            "Nothing here is in force: a proposal becomes a line when you accept it, and goes where you put that line."
                .to_owned(),
            "Exclusions of another product were made for that product. Begin without them, and add what you miss."
                .to_owned(),
        ];
        let mut import = Self { schema: SCHEMA.to_owned(), files, proposals, remarks };
        let none = import.proposals.is_empty();
        if none {
            import.remarks.push("The files set nothing that is known here.".to_owned());
        }
        import
    }

    /// The lines of accepted proposals for one file, each with where it comes from and what it costs.
    #[must_use]
    pub fn lines(&self, target: Target, is_accepted: &dyn Fn(&Proposal) -> bool) -> Option<String> {
        let mut out = String::new();
        let mut seen = std::collections::BTreeSet::new();
        let marks = matches!(target, Target::Fp | Target::Sfp);
        for proposal in self.proposals.iter().filter(|proposal| is_accepted(proposal)) {
            let Some(becomes) = proposal.becomes.as_ref().filter(|becomes| becomes.target == target) else {
                continue;
            };
            if !seen.insert(&becomes.text) {
                continue;
            }
            // Databases of digests know no comments; and in a line nothing ends it but its own break.
            if !marks {
                out.push_str(&format!(
                    "# {}: {} of {}, {}; risk {}\n",
                    proposal.id,
                    proposal.setting.key,
                    proposal.file,
                    proposal.setting.place,
                    proposal.risk.word()
                ));
            }
            out.push_str(&becomes.text);
            out.push('\n');
        }
        (!out.is_empty()).then_some(out)
    }
}
