//! What a setting costs in safety. An old exclusion was made against an old product's mistakes and slowness; here it
//! is a place where nobody looks.

use serde::{Deserialize, Serialize};

use super::settings::{Kind, Setting};
use crate::inventory::Surface;
use crate::matching::Matcher;

/// How much it costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Risk {
    /// Little.
    Low,
    /// Somebody should have a reason for it.
    Medium,
    /// It is a way in.
    High,
}

impl Risk {
    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// What is run when it is opened.
const RUN: [&str; 34] = [
    "exe", "dll", "sys", "scr", "com", "cpl", "ocx", "drv", "bat", "cmd", "ps1", "psm1", "vbs", "vbe", "js",
    "jse", "wsf", "wsh", "hta", "msi", "msp", "jar", "class", "lnk", "pif", "reg", "sh", "py", "pl", "php",
    "so", "elf", "appimage", "bin",
];

/// What holds something that is run: macros, or other files.
const HOLD: [&str; 34] = [
    "doc", "docm", "docx", "dot", "dotm", "xls", "xlsm", "xlsb", "xlsx", "xlam", "ppt", "pptm", "pptx",
    "rtf", "pdf", "one", "chm", "zip", "7z", "rar", "gz", "tar", "cab", "iso", "img", "vhd", "vhdx", "eml",
    "msg", "html", "htm", "svg", "xml", "ace",
];

/// Places that anybody can write to.
const ANYBODY: [&str; 12] = [
    "/tmp",
    "/var/tmp",
    "/dev/shm",
    "/run/shm",
    "/temp",
    "/windows/temp",
    "/appdata/local/temp",
    "/downloads",
    "/users/public",
    "/$recycle.bin",
    "/var/spool",
    "/var/www",
];

/// Roots of a system and of its users.
const ROOTS: [&str; 22] = [
    "",
    "/",
    "/home",
    "/root",
    "/users",
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib64",
    "/opt",
    "/etc",
    "/var",
    "/boot",
    "/srv",
    "/mnt",
    "/media",
    "/windows",
    "/windows/system32",
    "/program files",
    "/program files (x86)",
    "/programdata",
];

/// The cost, and what there is to say about it.
#[derive(Debug)]
pub(super) struct Assessed {
    pub(super) risk: Risk,
    pub(super) notes: Vec<String>,
}

impl Assessed {
    fn note(&mut self, risk: Risk, note: impl Into<String>) {
        self.risk = self.risk.max(risk);
        self.notes.push(note.into());
    }
}

/// Assesses a setting. `matcher` knows which places and hosts are a vendor's.
pub(super) fn assess(setting: &Setting, matcher: &Matcher) -> Assessed {
    let mut assessed = Assessed { risk: Risk::Low, notes: Vec::new() };
    if !setting.enabled {
        assessed.notes.push("it was not in force in the product that goes".to_owned());
    }
    match setting.kind {
        Kind::ExcludePath => path(setting, matcher, &mut assessed),
        Kind::ExcludeName => name(&setting.value, &mut assessed),
        Kind::ExcludeExtension => extension(&setting.value, &mut assessed),
        Kind::ExcludeHash => match setting.value.trim().len() {
            64 => assessed.notes.push("exactly one file; its signature is not told any more".to_owned()),
            length => {
                let which = if length == 40 { "SHA-1" } else { "MD5" };
                let note = format!("files with the same {which} can be made on purpose");
                assessed.note(Risk::Medium, note);
            }
        },
        Kind::ExcludeProcess => assessed.note(
            Risk::High,
            "whatever this program opens, or whatever is started in its name, was not looked at: a blind spot",
        ),
        Kind::ExcludeThreat => {
            assessed.note(Risk::Medium, "what had this name was never told, whichever file it was in");
        }
        Kind::MaxSize | Kind::MaxTime => limit(setting, &mut assessed),
        Kind::ScanContent if !setting.enabled => {
            assessed.note(Risk::Medium, "what is inside of these files was not looked at");
        }
        Kind::UpdateSource | Kind::Proxy => host(setting, matcher, &mut assessed),
        Kind::ClamdKey => clamd(setting, matcher, &mut assessed),
        Kind::Telemetry if setting.enabled => {
            assessed.notes.push("the product that goes told its maker about files".to_owned());
        }
        _ => (),
    }
    assessed
}

/// A path in one form: `/` between parts, no drive, small letters.
fn plain(path: &str) -> String {
    let text = path.trim().trim_start_matches(['^', '"']).replace('\\', "/").to_lowercase();
    let text = match text.get(..2) {
        Some(drive) if drive.ends_with(':') => text.get(2..).unwrap_or_default().to_owned(),
        _ => text,
    };
    text.replace("%temp%", "/appdata/local/temp")
        .replace("%tmp%", "/appdata/local/temp")
        .replace("%systemroot%", "/windows")
        .replace("%windir%", "/windows")
        .replace("%systemdrive%", "")
        .replace("%programfiles%", "/program files")
        .replace("%programdata%", "/programdata")
        .replace("%userprofile%", "/users/*")
}

fn path(setting: &Setting, matcher: &Matcher, assessed: &mut Assessed) {
    let text = plain(&setting.value);
    let folder = text.trim_end_matches(['*', '/', '$', '|', '(', ')']).to_owned();
    let narrowed = setting.with.as_deref().is_some_and(|mask| !matches!(mask, "*" | "*.*" | "**"));
    if narrowed {
        name(setting.with.as_deref().unwrap_or_default(), assessed);
    }
    if ROOTS.contains(&folder.as_str()) && !narrowed {
        assessed.note(
            Risk::High,
            "all of a drive, of a system or of its users: nothing is left to look at there",
        );
    } else if ANYBODY.iter().any(|place| is_at(&folder, place)) {
        assessed.note(
            Risk::High,
            "anybody can write there, and what comes into a system is often put there first",
        );
    } else if ["/home/", "/users/"].iter().any(|home| folder.starts_with(home)) {
        assessed.note(Risk::Medium, "a place of a user, whose programs can write to it");
    }
    if text.trim_end_matches(['*', '/']).contains(['*', '?']) {
        assessed.note(Risk::Medium, "a mask in the middle of a path fits folders that somebody makes later");
    }
    vendor_place(&setting.value, matcher, assessed);
}

/// Whether a folder is a place, ends in one, or lies in one.
fn is_at(folder: &str, place: &str) -> bool {
    folder.find(place).is_some_and(|at| {
        let end = folder.get(at.saturating_add(place.len())..).unwrap_or_default();
        // A place from the root of the system stands at the start; others stand anywhere.
        let is_start = at == 0 || !matches!(place, "/tmp" | "/temp");
        is_start && (end.is_empty() || end.starts_with('/'))
    })
}

fn vendor_place(path: &str, matcher: &Matcher, assessed: &mut Assessed) {
    let below = path.replace('\\', "/");
    let below = below.split_once(":/").map_or(below.as_str(), |(_, rest)| rest).trim_start_matches('/');
    let below = below.trim_end_matches(['*', '/']);
    let is_known = !matcher.vendors_of(Surface::Path, below).is_empty()
        || !matcher.vendors_of(Surface::Path, &format!("{below}/x")).is_empty();
    let lower = below.to_lowercase();
    let is_named = ["kaspersky", "eset", "drweb", "doctor web", "360safe"]
        .iter()
        .any(|name| lower.split('/').any(|part| part.starts_with(name)));
    if is_known || is_named {
        assessed.note(
            Risk::Medium,
            "a folder of a product that goes: it is gone with it, and whoever makes it again is not looked at",
        );
    }
}

fn name(mask: &str, assessed: &mut Assessed) {
    match mask.rsplit_once('.') {
        Some((_, ending)) if !ending.contains(['*', '?']) => extension(ending, assessed),
        _ if mask.trim_matches(['*', '?', '.']).is_empty() => {
            assessed.note(Risk::High, "a mask that fits every name");
        }
        _ if mask.contains(['*', '?']) => {
            assessed.note(Risk::Medium, "a mask of names that says nothing about what is in the files");
        }
        _ => assessed.note(Risk::Medium, "a name alone, and names are easily given"),
    }
}

fn extension(text: &str, assessed: &mut Assessed) {
    let text = text.trim_start_matches(['*', '.']).to_lowercase();
    if RUN.contains(&text.as_str()) {
        assessed.note(Risk::High, "programs and scripts have this extension, wherever they are");
    } else if HOLD.contains(&text.as_str()) {
        assessed.note(Risk::Medium, "files with this extension can hold programs, scripts or macros");
    } else if text.is_empty() || text.contains(['*', '?']) {
        assessed.note(Risk::High, "a mask that fits every extension");
    } else {
        assessed
            .notes
            .push("an extension is a name: a program that is called so is not looked at".to_owned());
    }
}

fn limit(setting: &Setting, assessed: &mut Assessed) {
    let number = setting.value.parse::<u64>().unwrap_or(0);
    let small = if setting.kind == Kind::MaxSize { 25 << 20 } else { 10 };
    if number == 0 {
        assessed.note(Risk::Medium, "no limit: one hostile file may take as long and as much as it likes");
    } else if number < small {
        assessed
            .note(Risk::Medium, "a tight limit: what is over it is not looked at, and is told as incomplete");
    }
}

fn host(setting: &Setting, matcher: &Matcher, assessed: &mut Assessed) {
    let text = setting.value.trim();
    let host = text.split_once("://").map_or(text, |(_, rest)| rest);
    let host = host.rsplit('@').next().unwrap_or(host);
    let host = host.split(['/', ':', '|']).next().unwrap_or(host).to_lowercase();
    if text.contains('@') {
        assessed.note(Risk::Medium, "it holds a password");
    }
    let vendors = matcher.vendors_of(Surface::Domain, &host);
    if !vendors.is_empty() {
        assessed.note(
            Risk::High,
            format!("{host} is a host of {}: updates from there are what a ban is about", vendors.join(", ")),
        );
    } else if text.to_lowercase().contains("kaspersky") || text.eq_ignore_ascii_case("KLServers") {
        assessed.note(Risk::High, "the servers of the maker: updates from there are what a ban is about");
    }
}

/// Keys of `clamd.conf` that leave something out.
fn clamd(setting: &Setting, matcher: &Matcher, assessed: &mut Assessed) {
    match setting.key.to_ascii_lowercase().as_str() {
        "excludepath" => {
            // An expression; one without special letters at its end is a path all the same.
            let text =
                setting.value.replace("\\.", ".").trim_start_matches('^').trim_end_matches('$').to_owned();
            let as_path = Setting { value: text, kind: Kind::ExcludePath, ..setting.clone() };
            if let Some((_, ending)) = setting.value.trim_end_matches('$').rsplit_once("\\.")
                && ending.bytes().all(|byte| byte.is_ascii_alphanumeric())
            {
                extension(ending, assessed);
            }
            path(&as_path, matcher, assessed);
        }
        "maxfilesize" | "maxscansize" | "maxscantime" | "maxrecursion" | "maxfiles"
            if setting.value.trim() == "0" =>
        {
            assessed
                .note(Risk::Medium, "no limit: one hostile file may take as long and as much as it likes");
        }
        key if key.starts_with("scan") && setting.value.eq_ignore_ascii_case("no") => {
            assessed.notes.push("Candor looks into these files all the same".to_owned());
        }
        "virusevent" => {
            assessed.note(
                Risk::Medium,
                "a command that runs when something is found, with the name of a hostile file",
            );
        }
        "tcpaddr" if setting.value.trim() != "localhost" && !setting.value.starts_with("127.") => {
            assessed.note(Risk::Medium, "anybody who reaches this address can have files scanned");
        }
        _ => (),
    }
}
