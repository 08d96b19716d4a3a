//! Where freshclam's lines go: information to standard output, warnings and errors to standard error, and all of
//! them to the log.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use candor::clamav::clock::Moment;
use candor_update::clamav::Level;

use crate::console::{complain, shown};

/// Takes lines.
#[derive(Debug, Default)]
pub(crate) struct Teller {
    /// Only errors are told.
    pub(crate) quiet: bool,
    /// Warnings are not told.
    pub(crate) no_warnings: bool,
    /// Every step is told.
    pub(crate) verbose: bool,
    /// What goes to standard error goes to standard output.
    pub(crate) all_to_stdout: bool,
    /// Lines of the log begin with the time.
    pub(crate) log_time: bool,
    log: Option<Log>,
}

#[derive(Debug)]
struct Log {
    file: File,
    path: PathBuf,
    most: u64,
    rotates: bool,
}

/// What separates runs in a log.
const RULE: &str = "--------------------------------------";

impl Teller {
    /// Appends lines to the log at `path` from now on; `most` bytes at most, 0 for as many as come.
    pub(crate) fn open_log(&mut self, path: &Path, most: u64, rotates: bool) -> std::io::Result<()> {
        self.log = Some(Log { file: open(path)?, path: path.to_owned(), most, rotates });
        self.record(RULE);
        Ok(())
    }

    /// A line.
    pub(crate) fn say(&mut self, level: Level, text: &str) {
        let text = String::from_utf8_lossy(&shown(text.as_bytes())).into_owned();
        let line = match level {
            Level::Verbose if !self.verbose => return,
            Level::Warning if self.no_warnings => return,
            Level::Warning => format!("WARNING: {text}"),
            Level::Error => format!("ERROR: {text}"),
            Level::Verbose | Level::Info => text,
        };
        if !self.quiet || level == Level::Error {
            let to_stdout = matches!(level, Level::Verbose | Level::Info) || self.all_to_stdout;
            if to_stdout {
                let mut out = std::io::stdout();
                drop(out.write_all(format!("{line}\n").as_bytes()).and_then(|()| out.flush()));
            } else {
                complain(&line);
            }
        }
        self.record(&line);
    }

    fn record(&mut self, line: &str) {
        let Some(log) = &mut self.log else { return };
        let full = log.most > 0 && log.file.metadata().is_ok_and(|state| state.len() >= log.most);
        if full {
            if !log.rotates {
                self.log = None;
                return;
            }
            let mut old = log.path.clone().into_os_string();
            old.push(format!("-{}", Moment::now().stamp()));
            let made = std::fs::rename(&log.path, &old).and_then(|()| open(&log.path));
            match made {
                Ok(file) => log.file = file,
                Err(_) => {
                    self.log = None;
                    return;
                }
            }
        }
        let time = if self.log_time && line != RULE {
            format!("{} -> ", Moment::now().long())
        } else {
            String::new()
        };
        drop(log.file.write_all(format!("{time}{line}\n").as_bytes()));
    }
}

/// Opens a log to be appended to. Links are not followed, so that nobody makes a privileged updater write elsewhere.
fn open(path: &Path) -> std::io::Result<File> {
    let device = path.starts_with("/dev") || path.starts_with("/proc");
    let flags = if device { 0 } else { rustix::fs::OFlags::NOFOLLOW.bits() };
    let flags = i32::try_from(flags).unwrap_or(0);
    OpenOptions::new().append(true).create(true).mode(0o640).custom_flags(flags).open(path)
}
