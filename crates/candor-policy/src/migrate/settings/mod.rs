//! Settings of other products, as their files have them. Which product a file is of shows in its bytes; a reader
//! gives [`Setting`]s to a `Settings`, and what could not be read is told.
//!
//! * `kesl`: exports of Kaspersky's products for Linux, INI and JSON.
//! * `kaspersky_xml`: lists of exclusions and trusted programs of Kaspersky's products for Windows.
//! * `eset`: exported settings of ESET.
//! * `defender`: what Defender leaves out, in a hive of the registry.
//! * `clamd`: `clamd.conf`.

mod clamd;
mod defender;
mod eset;
mod kaspersky_xml;
mod kesl;

use serde::{Deserialize, Serialize};

use crate::inventory::{Beside, text as taken};

/// Settings of one file.
const MOST: usize = 50_000;

/// Bytes of the largest file that is read.
pub const LARGEST: u64 = 256 << 20;

/// One thing that a file sets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    /// What it is about.
    pub kind: Kind,
    /// What is set, as it is written.
    pub value: String,
    /// Where in the file: a line, or the way to a key.
    pub place: String,
    /// The key, as the product calls it.
    pub key: String,
    /// Whether the product acts on it.
    pub enabled: bool,
    /// What else belongs to it: a mask of names below a path, a comment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub with: Option<String>,
}

/// What a setting is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A file or folder is not looked at.
    ExcludePath,
    /// Files of this name are not looked at, wherever they are.
    ExcludeName,
    /// Files with this extension are not looked at.
    ExcludeExtension,
    /// A file with this digest is not looked at.
    ExcludeHash,
    /// What this program does is not looked at.
    ExcludeProcess,
    /// What has this name is not told.
    ExcludeThreat,
    /// A path that is looked at.
    ScanScope,
    /// The largest file that is looked at, in bytes.
    MaxSize,
    /// How long one file may take, in seconds.
    MaxTime,
    /// Whether some kind of file is looked into.
    ScanContent,
    /// When it scans by itself.
    Schedule,
    /// Whether and how files are looked at when they are opened.
    OnAccess,
    /// What happens with what is found, and where it is kept.
    Quarantine,
    /// Where signatures come from.
    UpdateSource,
    /// Through what connections go.
    Proxy,
    /// Who is told.
    Notification,
    /// What is sent to the maker.
    Telemetry,
    /// A key of `clamd.conf`, which is read here as well.
    ClamdKey,
    /// Something else.
    Other,
}

/// The formats that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// INI of Kaspersky's products for Linux.
    KeslIni,
    /// JSON of them.
    KeslJson,
    /// Lists of Kaspersky's products for Windows.
    KasperskyXml,
    /// Exported settings of ESET.
    EsetXml,
    /// A hive with Defender's settings.
    DefenderHive,
    /// `clamd.conf`.
    ClamdConf,
}

impl Format {
    /// What people call it.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::KeslIni => "Kaspersky for Linux, settings in INI",
            Self::KeslJson => "Kaspersky for Linux, settings in JSON",
            Self::KasperskyXml => "Kaspersky for Windows, list in XML",
            Self::EsetXml => "ESET, settings in XML",
            Self::DefenderHive => "Microsoft Defender, hive of the registry",
            Self::ClamdConf => "clamd.conf",
        }
    }
}

/// What came of one file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// What it is; none when nothing reads it.
    pub format: Option<Format>,
    /// Settings that were given.
    pub settings: u64,
    /// Why not all of it was read.
    pub trouble: Option<String>,
}

/// Takes what a reader sees.
pub(super) struct Settings<'a> {
    take: &'a mut dyn FnMut(Setting),
    taken: usize,
    trouble: Option<String>,
}

impl Settings<'_> {
    /// Takes a setting, unless it sets nothing.
    fn push(&mut self, setting: Setting) {
        if setting.value.trim().is_empty() {
            return;
        }
        if self.taken >= MOST {
            return self.trouble(&format!("there are more than {MOST} settings"));
        }
        self.taken = self.taken.saturating_add(1);
        (self.take)(Setting {
            value: taken(setting.value.trim()),
            place: taken(&setting.place),
            key: taken(&setting.key),
            with: setting.with.map(|with| taken(with.trim())).filter(|with| !with.is_empty()),
            ..setting
        });
    }

    /// Takes a setting that is in force.
    fn add(&mut self, kind: Kind, key: &str, value: &str, place: String) {
        self.push(Setting {
            kind,
            value: value.to_owned(),
            place,
            key: key.to_owned(),
            enabled: true,
            with: None,
        });
    }

    /// Why not all is read; the first reason stands.
    fn trouble(&mut self, why: &str) {
        self.trouble.get_or_insert_with(|| taken(why));
    }
}

/// Reads a file: gives what it sets to `take`. What stands in logs `beside` it takes the place of what is older.
pub fn read(bytes: &[u8], beside: &[Beside<'_>], take: &mut dyn FnMut(Setting)) -> Outcome {
    let mut settings = Settings { take, taken: 0, trouble: None };
    let format = recognised(bytes);
    match format {
        Some(Format::DefenderHive) => defender::read(bytes, beside, &mut settings),
        Some(Format::KeslJson) => kesl::json(bytes, &mut settings),
        Some(Format::KeslIni) => kesl::ini(&crate::inventory::lossy(bytes), &mut settings),
        Some(Format::EsetXml) => eset::read(&crate::inventory::lossy(bytes), &mut settings),
        Some(Format::KasperskyXml) => kaspersky_xml::read(&crate::inventory::lossy(bytes), &mut settings),
        Some(Format::ClamdConf) => clamd::read(&crate::inventory::lossy(bytes), &mut settings),
        None => settings.trouble("it is none of the files that are read here"),
    }
    let settings_given = u64::try_from(settings.taken).unwrap_or(0);
    if settings_given == 0 && format.is_some() {
        settings.trouble("nothing in it is known");
    }
    Outcome { format, settings: settings_given, trouble: settings.trouble }
}

/// What a file is, by its bytes.
fn recognised(bytes: &[u8]) -> Option<Format> {
    if bytes.starts_with(b"regf") {
        return Some(Format::DefenderHive);
    }
    let head = bytes.get(..1 << 16).unwrap_or(bytes);
    let text = crate::inventory::lossy(head);
    let start = text.trim_start();
    if text.contains('\0') || start.is_empty() {
        return None;
    }
    if start.starts_with('<') {
        let is_eset = start.contains("<ESET") || start.contains("ScannerExcludes");
        return Some(if is_eset { Format::EsetXml } else { Format::KasperskyXml });
    }
    // `[` begins a section as well as a list.
    if start.starts_with('{') || start.starts_with("[{") || start.starts_with("[\n") {
        return Some(Format::KeslJson);
    }
    let lines =
        || text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with(['#', ';']));
    let has_section = lines().any(|line| line.starts_with('[') && line.ends_with(']'));
    let assigned = lines().filter(|line| line.contains('=')).count();
    if has_section || assigned.saturating_mul(2) > lines().count() {
        return Some(Format::KeslIni);
    }
    lines().any(clamd::is_key).then_some(Format::ClamdConf)
}
