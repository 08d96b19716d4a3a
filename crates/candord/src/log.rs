//! What happened, in lines: to a file, to logs of the system, to standard error; and every answer as JSON.
//!
//! A line is one write, so that lines of several processes do not mix. What cannot be logged is not worth
//! dying for: that a write failed is forgotten.

use candor::clamav::clock::Moment;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::Context as _;
use serde::Serialize;

use crate::settings;
use crate::system_log::{Kind, SystemLog, stderr_is_journal};

/// How much something matters; the numbers are those of syslog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// It must be looked at.
    Error = 3,
    /// It should be looked at.
    Warning = 4,
    /// Worth knowing. Findings are, too: clamd tells them so, and whoever filters its log goes by it.
    Info = 6,
}

/// The log.
#[derive(Debug)]
pub struct Log {
    settings: settings::Log,
    file: Mutex<Option<Open>>,
    json: Mutex<Option<File>>,
    /// Logs of the system.
    system: Vec<SystemLog>,
    /// Whether standard error goes to journald.
    is_journal: bool,
}

#[derive(Debug)]
struct Open {
    file: File,
    length: u64,
    full: bool,
}

/// One answer, as it stands in the JSON log.
#[derive(Debug, Serialize)]
pub struct Record<'a> {
    /// When, in seconds since 1970.
    pub time: f64,
    /// What was asked.
    pub command: &'static str,
    /// What about: a path, `stream` or `fd[N]`.
    pub subject: std::borrow::Cow<'a, str>,
    /// The verdict in Candor's words.
    pub verdict: &'static str,
    /// Signatures that matched.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<&'a str>,
    /// What was not looked at, and why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub incomplete: Vec<Missed<'a>>,
    /// Its length in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub length: Option<u64>,
    /// From the command to the answer.
    pub milliseconds: f64,
    /// Whether the verdict is that of an earlier scan of the same state of the file.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub remembered: bool,
    /// The signatures that it was scanned with: counted up by each reload.
    pub generation: u64,
}

/// Something that was not looked at.
#[derive(Debug, Serialize)]
pub struct Missed<'a> {
    /// Why, in one word.
    pub code: &'static str,
    /// Why.
    pub reason: String,
    /// Where: names from the file down to it.
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    pub path: &'a [String],
}

impl Log {
    /// Opens what is to be written to.
    ///
    /// # Errors
    /// A file cannot be opened.
    pub fn open(settings: &settings::Log) -> anyhow::Result<Self> {
        let syslog =
            settings.syslog.map(|facility| SystemLog::new(&settings.syslog_path, Kind::Syslog(facility)));
        let journal = settings.journal.as_deref().map(|path| SystemLog::new(path, Kind::Journal));
        let log = Self {
            settings: settings.clone(),
            file: Mutex::default(),
            json: Mutex::default(),
            system: syslog.into_iter().chain(journal).collect(),
            is_journal: stderr_is_journal(),
        };
        log.reopen()?;
        Ok(log)
    }

    /// Opens the files again, by their names: whoever keeps logs has put them aside.
    ///
    /// # Errors
    /// One cannot be opened; the log goes on where it was.
    pub fn reopen(&self) -> anyhow::Result<()> {
        if let Some(path) = &self.settings.file {
            *lock(&self.file) = Some(append(path)?);
        }
        if let Some(path) = self.settings.json.as_ref().filter(|path| path.as_os_str() != "-") {
            *lock(&self.json) = Some(append(path)?.file);
        }
        Ok(())
    }

    /// Says something.
    pub fn say(&self, weight: Weight, text: &str) {
        let text: String =
            text.chars().map(|letter| if letter.is_control() { '?' } else { letter }).collect();
        let timed = || format!("{} -> {text}\n", Moment::now().long());
        if let Some(open) = &mut *lock(&self.file) {
            let line = if self.settings.time { timed() } else { format!("{text}\n") };
            self.append(open, &line);
        }
        for system in &self.system {
            drop(system.say(weight, &text));
        }
        // What goes to journald by its own protocol would be there twice.
        if self.settings.terminal && !(self.is_journal && self.settings.journal.is_some()) {
            let severity = if self.is_journal { format!("<{}>", weight as u32) } else { String::new() };
            drop(std::io::stderr().write_all(format!("{severity}{text}\n").as_bytes()));
        }
    }

    /// Says which logs of the system cannot be reached. They are tried again with each line.
    pub fn tell_missing(&self) {
        for system in &self.system {
            if let Err(error) = system.say(Weight::Info, "The log begins") {
                let path = system.path().display();
                self.say(Weight::Warning, &format!("{path} cannot be reached, and is tried again: {error}"));
            }
        }
    }

    /// Whether clean files are to be told.
    #[must_use]
    pub const fn tells_clean(&self) -> bool {
        self.settings.clean
    }

    /// Says something that only matters to who wants to know more.
    pub fn detail(&self, text: impl FnOnce() -> String) {
        if self.settings.verbose {
            self.say(Weight::Info, &text());
        }
    }

    /// Whether answers go anywhere as JSON.
    #[must_use]
    pub const fn keeps_answers(&self) -> bool {
        self.settings.json.is_some()
    }

    /// Adds an answer to the JSON log.
    pub fn answer(&self, record: &Record<'_>) {
        let Ok(mut line) = serde_json::to_string(record) else { return };
        line.push('\n');
        match &mut *lock(&self.json) {
            Some(file) => drop(file.write_all(line.as_bytes())),
            None => drop(std::io::stderr().write_all(line.as_bytes())),
        }
    }

    fn append(&self, open: &mut Open, line: &str) {
        let length = u64::try_from(line.len()).unwrap_or(u64::MAX);
        let max = self.settings.max_size;
        if max > 0 && open.length.saturating_add(length) > max {
            if self.settings.rotate && self.put_aside(open) {
                open.length = 0;
            } else {
                if !open.full {
                    open.full = true;
                    drop(open.file.write_all(b"LOGGING DISABLED (Maximal log file size exceeded).\n"));
                }
                return;
            }
        }
        if open.file.write_all(line.as_bytes()).is_ok() {
            open.length = open.length.saturating_add(length);
        }
    }

    /// Renames a full log and begins a new one; says whether that went well.
    fn put_aside(&self, open: &mut Open) -> bool {
        let Some(path) = &self.settings.file else { return false };
        let mut old = path.clone().into_os_string();
        old.push(format!("-{}", Moment::now().long().replace([' ', ':'], "_")));
        if std::fs::rename(path, PathBuf::from(old)).is_err() {
            return false;
        }
        match append(path) {
            Ok(new) => {
                *open = new;
                true
            }
            Err(_) => false,
        }
    }
}

fn append(path: &Path) -> anyhow::Result<Open> {
    let name = || format!("log {}", path.display());
    // A link in a folder that others may write to would have their file written to.
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NOCTTY;
    let file = OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o640)
        .custom_flags(i32::from_ne_bytes(flags.bits().to_ne_bytes()))
        .open(path)
        .with_context(name)?;
    let length = file.metadata().with_context(name)?.len();
    Ok(Open { file, length, full: false })
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(folder: &Path, max_size: u64, rotate: bool) -> Log {
        let settings = settings::Log {
            file: Some(folder.join("log")),
            max_size,
            rotate,
            time: false,
            clean: false,
            verbose: false,
            syslog: None,
            syslog_path: PathBuf::new(),
            journal: None,
            terminal: false,
            json: None,
        };
        Log::open(&settings).unwrap()
    }

    #[test]
    fn a_full_log_stops_or_is_put_aside() {
        let folder = tempfile::tempdir().unwrap();
        let stopping = log(folder.path(), 25, false);
        (0..4).for_each(|_| stopping.say(Weight::Info, "0123456789"));
        let text = std::fs::read_to_string(folder.path().join("log")).unwrap();
        assert_eq!(text.matches("0123456789").count(), 2);
        assert_eq!(text.matches("LOGGING DISABLED").count(), 1);

        let folder = tempfile::tempdir().unwrap();
        let rotating = log(folder.path(), 25, true);
        (0..3).for_each(|_| rotating.say(Weight::Info, "0123456789"));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
        assert_eq!(std::fs::read_to_string(folder.path().join("log")).unwrap(), "0123456789\n");
    }

    #[test]
    fn a_name_cannot_forge_a_line() {
        let folder = tempfile::tempdir().unwrap();
        log(folder.path(), 0, false).say(Weight::Info, "a\nb: OK\u{1b}[2J");
        assert_eq!(std::fs::read_to_string(folder.path().join("log")).unwrap(), "a?b: OK?[2J\n");
    }

    #[test]
    fn a_link_in_the_place_of_the_log_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(folder.path().join("target"), folder.path().join("log")).unwrap();
        assert!(append(&folder.path().join("log")).is_err());
        assert!(!folder.path().join("target").exists());
    }
}
