//! `clamdscan`: has files scanned by a daemon that speaks clamd's protocol, candord or ClamAV's own.
//!
//! The daemon walks by itself, unless files are handed over (`--fdpass`), sent (`--stream`, and to every daemon that
//! is elsewhere), acted upon, or searched for all findings: then the walk is here, and it is known which file a finding is about.

mod client;

use std::ffi::{CString, OsStr, OsString};
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use candor_protocol::clamd::{Command, ScanError, Verdict, parse};
use candor_sandbox::input::{self, Opened, Reading};
use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags};

use crate::action::Actions;
use candor::clamav::clock;

use crate::clock::ended;
use crate::console::{Console, complain, shown};
use crate::options::clamdscan::OPTIONS;
use crate::options::{self, Given};
use client::{Connection, Daemon};

/// Where Debian has the configuration.
const CONF: &str = "/etc/clamav/clamd.conf";

/// Nobody answered `--ping`.
const NO_PONG: u8 = 21;

/// Folders inside one another that are followed: each is open meanwhile.
const DEEPEST: usize = 512;

/// How often `--wait` tries by itself, once a second.
const ATTEMPTS: u32 = 30;

/// Runs `clamdscan`.
pub(crate) fn run(program: &str, arguments: Vec<OsString>) -> ExitCode {
    let given = match options::read(program, &OPTIONS, arguments) {
        Ok(given) => given,
        Err(lines) => {
            lines.iter().for_each(|line| complain(line));
            return ExitCode::from(2);
        }
    };
    let mut console = Console::new();
    let code = command(&given, &mut console).unwrap_or_else(|error| {
        console.error(&format!("{error:#}"));
        2
    });
    console.flush();
    ExitCode::from(code)
}

fn command(given: &Given, console: &mut Console) -> anyhow::Result<u8> {
    if given.is_on("help") {
        console.show(b"\n    clamdscan [options] [file/directory/-]\n");
        options::help(&OPTIONS).iter().for_each(|line| console.show(line.as_bytes()));
        return Ok(0);
    }
    console.quiet = given.is_on("quiet");
    console.all_to_stdout = given.is_on("stdout");
    if let Some(path) = given.text("log") {
        console.open_log(Path::new(path))?;
        console.tell(&[b'-'; 38]);
    }
    given.warnings.iter().for_each(|warning| console.warn(warning));
    let daemon = Daemon::read(Path::new(given.text("config-file").unwrap_or_else(|| OsStr::new(CONF))))?;
    if given.is_on("version") {
        let asked = match daemon.connect() {
            Ok(connection) => {
                connection.ask(&Command::Version, &mut |line| console.show(&shown(line))).is_ok()
            }
            Err(tried) => {
                tried.iter().for_each(|line| console.error(line));
                false
            }
        };
        if !asked {
            console.show(format!("ClamAV {}", crate::CLAMAV).as_bytes());
        }
        return Ok(0);
    }
    let ping = given.text("ping").map(|text| attempts(&text.to_string_lossy())).transpose()?;
    let waits = given.is_on("wait");
    if waits || ping.is_some() {
        let (times, pause) = ping.unwrap_or((ATTEMPTS, Duration::from_secs(1)));
        if let Err(tried) = pong(&daemon, times, pause) {
            tried.iter().for_each(|line| console.error(line));
            console.show(b"PING timeout exceeded; No response from clamd");
            return Ok(NO_PONG);
        }
        if !waits {
            console.show(b"PONG");
            return Ok(0);
        }
    }
    let Some(actions) = Actions::from(given, console)? else { return Ok(2) };
    let began = (Instant::now(), clock::seconds());
    let mut client = Client { given, daemon, actions, console, infected: 0, errors: 0 };
    if given.is_on("reload") {
        return Ok(if client.reload() { 0 } else { 2 });
    }
    client.paths()?;
    let Client { infected, errors, .. } = client;
    if !given.is_on("no-summary") {
        console.tell(b"\n----------- SCAN SUMMARY -----------");
        console.tell(format!("Infected files: {infected}").as_bytes());
        if errors > 0 {
            console.tell(format!("Total errors: {errors}").as_bytes());
        }
        ended(began).iter().for_each(|line| console.tell(line.as_bytes()));
    }
    Ok(match (infected, errors) {
        (0, 0) => 0,
        (0, _) => 2,
        _ => 1,
    })
}

/// `A[:I]`: how often, and how many seconds apart.
fn attempts(text: &str) -> anyhow::Result<(u32, Duration)> {
    let (times, pause) = text.split_once(':').unwrap_or((text, "1"));
    match (times.parse(), pause.parse()) {
        (Ok(times), Ok(pause)) => Ok((times, Duration::from_secs(pause))),
        _ => anyhow::bail!("--ping: {text} is not a number of attempts, with an interval behind a colon"),
    }
}

/// Waits until the daemon answers. The error is what the last attempt said.
fn pong(daemon: &Daemon, times: u32, pause: Duration) -> Result<(), Vec<String>> {
    let mut last = Vec::new();
    for attempt in 0..times.max(1) {
        if attempt > 0 {
            std::thread::sleep(pause);
        }
        last = match daemon.connect() {
            Ok(connection) => {
                let mut answered = false;
                drop(connection.ask(&Command::Ping, &mut |line| answered |= line == b"PONG"));
                if answered {
                    return Ok(());
                }
                Vec::new()
            }
            Err(tried) => tried,
        };
    }
    Err(last)
}

struct Client<'a> {
    given: &'a Given,
    daemon: Daemon,
    actions: Actions,
    console: &'a mut Console,
    infected: u64,
    errors: u64,
}

/// How a file gets to the daemon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// It opens the path, and walks.
    Path,
    /// It opens each file. Asked for all findings, clamd ends a walk at the first file that has one.
    Each,
    /// It is handed over.
    Pass,
    /// It is sent.
    Stream,
}

impl Client<'_> {
    fn reload(&mut self) -> bool {
        let mut done = false;
        if let Some(connection) = self.connect() {
            drop(connection.ask(&Command::Reload, &mut |line| done |= line == b"RELOADING"));
        }
        done
    }

    fn connect(&mut self) -> Option<Connection> {
        match self.daemon.connect() {
            Ok(connection) => Some(connection),
            Err(tried) => {
                self.errors = self.errors.saturating_add(1);
                tried.iter().for_each(|line| self.console.error(line));
                None
            }
        }
    }

    fn paths(&mut self) -> anyhow::Result<()> {
        let here = std::env::current_dir()?;
        if let Some(list) = self.given.text("file-list") {
            if !self.given.paths.is_empty() {
                let text = "Only scanning files from --file-list (files passed at cmdline are ignored)";
                self.console.warn(text);
            }
            let list = File::open(list)
                .map_err(|_| anyhow::anyhow!("--file-list: Can't open file {}", list.display()))?;
            for line in BufReader::new(list).split(b'\n') {
                self.root(&here.join(OsStr::from_bytes(&line?)));
            }
        } else if self.given.paths.is_empty() {
            self.root(&here);
        } else {
            for path in &self.given.paths {
                if path == "-" { self.stdin() } else { self.root(&here.join(path)) }
            }
        }
        Ok(())
    }

    fn way(&self) -> Way {
        let is_walked = !matches!(self.actions, Actions::None);
        match () {
            () if !self.daemon.is_local() || self.given.is_on("stream") => Way::Stream,
            () if is_walked || self.given.is_on("fdpass") => Way::Pass,
            () if self.given.is_on("allmatch") => Way::Each,
            () => Way::Path,
        }
    }

    fn stdin(&mut self) {
        let Some(connection) = self.connect() else { return };
        let mut found = Found::default();
        let said = connection.stream(&mut std::io::stdin(), &mut |line| found.line(line));
        self.tell(b"stream", &found, said, true, None);
    }

    /// A path that was named.
    fn root(&mut self, path: &Path) {
        let clean: std::path::PathBuf = path.components().collect();
        let bytes = clean.as_os_str().as_bytes();
        let name = CString::new(path.as_os_str().as_bytes()).unwrap_or_default();
        let Ok(status) = rustix::fs::statat(CWD, &name, AtFlags::empty()) else {
            self.errors = self.errors.saturating_add(1);
            let shown = String::from_utf8_lossy(&shown(path.as_os_str().as_bytes())).into_owned();
            return self.console.error(&format!("Can't access file {shown}"));
        };
        let kind = FileType::from_raw_mode(status.st_mode);
        if !matches!(kind, FileType::RegularFile | FileType::Directory) {
            return self.unsupported(bytes);
        }
        if self.way() == Way::Path {
            return self.path(bytes, true);
        }
        if kind == FileType::RegularFile {
            return self.file(CWD, &name, bytes, true);
        }
        let before = (self.infected, self.errors);
        match open(CWD, &name, true) {
            Some(folder) => self.folder(&folder, bytes, 1),
            None => self.fail(bytes, "Can't open directory"),
        }
        if before == (self.infected, self.errors) && !self.given.is_on("infected") {
            self.console.tell(&[shown(bytes).as_slice(), b": OK"].concat());
        }
    }

    /// The daemon opens it.
    fn path(&mut self, path: &[u8], is_named: bool) {
        let Some(connection) = self.connect() else { return };
        let command = match () {
            () if self.given.is_on("allmatch") => Command::AllMatchScan(path.to_vec()),
            () if self.given.is_on("multiscan") => Command::MultiScan(path.to_vec()),
            () => Command::ContinuousScan(path.to_vec()),
        };
        let mut found = Found::default();
        let said = connection.ask(&command, &mut |line| found.line(line));
        self.tell(path, &found, said, is_named, None);
    }

    fn folder(&mut self, folder: &OwnedFd, path: &[u8], depth: usize) {
        let Ok(entries) = Dir::read_from(folder) else { return self.fail(path, "Can't open directory") };
        // Files come before folders, as with clamdscan.
        let mut folders: Vec<CString> = Vec::new();
        for entry in entries {
            let Ok(entry) = entry else { return self.fail(path, "Can't open directory") };
            let name = entry.file_name();
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            let whole = [path, b"/", name.to_bytes()].concat();
            let Ok(status) = rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) else { continue };
            match FileType::from_raw_mode(status.st_mode) {
                FileType::RegularFile => self.file(folder.as_fd(), name, &whole, false),
                FileType::Directory => folders.push(name.to_owned()),
                // Links are not followed.
                FileType::Symlink => (),
                _ => self.unsupported(&whole),
            }
        }
        for name in folders {
            let whole = [path, b"/", name.to_bytes()].concat();
            match open(folder.as_fd(), &name, false) {
                _ if depth >= DEEPEST => self.fail(&whole, "too deep"),
                Some(inner) => self.folder(&inner, &whole, depth.saturating_add(1)),
                None => self.fail(&whole, "Can't open directory"),
            }
        }
    }

    fn file(&mut self, at: BorrowedFd<'_>, name: &std::ffi::CStr, path: &[u8], is_named: bool) {
        if self.way() == Way::Each {
            return self.path(path, is_named);
        }
        let opened = match input::open(at, name, is_named) {
            Ok(opened) => opened,
            Err(Reading::Special(_)) => return self.unsupported(path),
            Err(_) => return self.fail(path, "Can't open file or directory"),
        };
        let Some(connection) = self.connect() else { return };
        let mut found = Found::default();
        let Opened { file, identity, .. } = opened;
        let said = if self.way() == Way::Pass {
            connection.pass(file.as_fd(), &mut |line| found.line(line))
        } else {
            connection.stream(&mut File::from(file), &mut |line| found.line(line))
        };
        self.tell(path, &found, said, is_named, Some(identity));
    }

    fn unsupported(&mut self, path: &[u8]) {
        self.errors = self.errors.saturating_add(1);
        let path = String::from_utf8_lossy(&shown(path)).into_owned();
        self.console.warn(&format!("{path}: Not supported file type"));
    }

    fn fail(&mut self, path: &[u8], why: &str) {
        self.errors = self.errors.saturating_add(1);
        self.console.tell(&[shown(path).as_slice(), b": ", why.as_bytes(), b" ERROR"].concat());
    }

    /// Tells what the daemon said. What was handed over has the name that it has here.
    fn tell(
        &mut self,
        path: &[u8],
        found: &Found,
        said: std::io::Result<()>,
        is_named: bool,
        identity: Option<candor_sandbox::Identity>,
    ) {
        let mut last: Option<&[u8]> = None;
        for (subject, words, kind) in &found.lines {
            let is_own = subject.is_empty() || subject == b"stream" || subject.starts_with(b"fd[");
            let about = if is_own { path } else { subject.as_slice() };
            match kind {
                Kind::Ok if self.given.is_on("infected") || !is_named => continue,
                Kind::Ok | Kind::Other => (),
                Kind::Found => {
                    // Several findings in one file are one file.
                    if last != Some(about) {
                        self.infected = self.infected.saturating_add(1);
                    }
                    last = Some(about);
                }
                Kind::Error => self.errors = self.errors.saturating_add(1),
            }
            self.console.tell(&[shown(about).as_slice(), b": ", shown(words).as_slice()].concat());
        }
        let nothing = found.lines.is_empty();
        if let Err(error) = said {
            self.fail(path, &format!("Communication error: {error}"));
        } else if nothing {
            self.fail(path, "No response from clamd");
        }
        if last.is_some() {
            match self.actions.perform(path, identity) {
                Ok(None) => (),
                Ok(Some(done)) => {
                    self.console.tell(&[shown(path).as_slice(), shown(done.as_bytes()).as_slice()].concat());
                }
                Err(why) => {
                    self.errors = self.errors.saturating_add(1);
                    self.console.error(&format!("{}: {why}", String::from_utf8_lossy(&shown(path))));
                }
            }
        }
    }
}

/// What a line says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Ok,
    Found,
    Error,
    Other,
}

/// What a daemon said to one command: what each line is about, and its words.
#[derive(Debug, Default)]
struct Found {
    lines: Vec<(Vec<u8>, Vec<u8>, Kind)>,
}

impl Found {
    fn line(&mut self, line: &[u8]) {
        let said = match parse(line, false) {
            Some(answer) => {
                let (words, kind) = match answer.verdict {
                    Verdict::Ok => (b"OK".to_vec(), Kind::Ok),
                    Verdict::Found(name) => (format!("{name} FOUND").into_bytes(), Kind::Found),
                    Verdict::Error(ScanError::Other(words)) => {
                        (format!("{words} ERROR").into_bytes(), Kind::Error)
                    }
                    _ => {
                        let words = line.get(answer.subject.len().saturating_add(2)..).unwrap_or_default();
                        (words.to_vec(), Kind::Other)
                    }
                };
                (answer.subject.to_vec(), words, kind)
            }
            // Whatever it is, it is not OK.
            None => (Vec::new(), line.to_vec(), Kind::Error),
        };
        self.lines.push(said);
    }
}

fn open(at: BorrowedFd<'_>, name: &std::ffi::CStr, follow: bool) -> Option<OwnedFd> {
    let link = if follow { OFlags::empty() } else { OFlags::NOFOLLOW };
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | link;
    rustix::fs::openat(at, name, flags, Mode::empty()).ok()
}
