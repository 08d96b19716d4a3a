//! `candor scan`: files and directories, in parallel.

use std::ffi::OsString;
use std::fs::File;
use std::io::{BufReader, IsTerminal as _};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use candor_model::Verdict;
use candor_sandbox::{Sandbox, Task, worker};
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use signal_hook::consts::{SIGINT, SIGTERM};

use crate::escape::Escaped;
use crate::exit::Exit;
use crate::printer::Printer;
use crate::scan::outcome::json_line;
use crate::scan::pool::{self, Event, Shared};
use crate::scan::progress::{self, Total};
use crate::scan::tally::{DatabaseRecord, Stopped, Summary};
use crate::scan::walk::{Filesystems, Pending, Walk};
use crate::settings::{DatabaseOptions, DetectionOptions, LimitOptions, SafetyOptions, engine_options};
use crate::store;

/// How long workers may take to stop before the summary is printed without them.
const PATIENCE: Duration = Duration::from_millis(300);

/// How often signals, the output and the progress bar are looked after.
const TICK: Duration = Duration::from_millis(50);

/// What is said when files cannot be scanned in a jail.
pub(crate) const NO_JAIL: &str = "files cannot be scanned in a jail here (`candor doctor` says what is missing, \
                       --no-sandbox scans without one)";

/// What `candor scan` may be asked.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP, after_long_help = AFTER_LONG_HELP)]
pub(crate) struct Args {
    /// Files and directories to scan; `-` is standard input.
    #[arg(value_name = "PATH", required_unless_present = "file_list")]
    paths: Vec<OsString>,

    /// Also scan the paths in this file, one a line; `-` reads them from standard input.
    #[arg(short, long, value_name = "FILE", help_heading = "What to scan")]
    file_list: Option<PathBuf>,

    /// Paths in the file list end with a NUL byte, as `find -print0` writes them.
    #[arg(short = '0', long, requires = "file_list", help_heading = "What to scan")]
    null: bool,

    /// Leave out files and directories that match; may be given more than once.
    ///
    /// A pattern without a slash is compared with the name alone, one with a slash with the whole path,
    /// as the path is printed. `*` and `?` do not match a slash, `**` does, `{a,b}` is either.
    #[arg(short, long, value_name = "GLOB", help_heading = "What to scan")]
    exclude: Vec<String>,

    /// Follow symbolic links inside directories. Paths on the command line are always followed.
    #[arg(short = 'L', long, help_heading = "What to scan")]
    follow: bool,

    /// Which file systems below a directory to enter.
    #[arg(long, value_enum, value_name = "WHICH", default_value = "real", help_heading = "What to scan")]
    cross_filesystems: Filesystems,

    #[command(flatten)]
    database: DatabaseOptions,

    #[command(flatten)]
    detection: DetectionOptions,

    /// Report every signature that matches, not only the first strong one.
    #[arg(short, long, help_heading = "Signatures")]
    all_matches: bool,

    #[command(flatten)]
    limits: LimitOptions,

    /// Processes to scan with [default: one a processor].
    #[arg(short, long, value_name = "N", help_heading = "Limits")]
    jobs: Option<NonZeroUsize>,

    #[command(flatten)]
    safety: SafetyOptions,

    /// Print one JSON object a line: one for each file, and a summary at the end.
    #[arg(long, help_heading = "Display")]
    json: bool,

    /// Print lines for clean files, too.
    #[arg(long, conflicts_with_all = ["quiet", "only_findings", "json"], help_heading = "Display")]
    show_clean: bool,

    /// Print nothing but findings: no incomplete files, no summary.
    #[arg(long, help_heading = "Display")]
    only_findings: bool,

    /// Print nothing on standard output; the exit status says what was found.
    #[arg(short, long, conflicts_with = "json", help_heading = "Display")]
    quiet: bool,

    /// Show no progress bar.
    #[arg(long, help_heading = "Display")]
    no_progress: bool,
}

const AFTER_HELP: &str = "\
Exit status: 0 all clean, 1 something found, 2 something could not be looked at, 130 interrupted.";

const AFTER_LONG_HELP: &str = "\
Exit status:
  0    every file was looked at as a whole, and nothing was found
  1    something was found: a file is infected or suspicious
  2    nothing was found, but some file could not be looked at as a whole
       (unreadable, encrypted, damaged, over a limit), or the command failed
  130  interrupted by Ctrl-C (143: by SIGTERM) before anything was found

Examples:
  candor scan ~/Downloads
  candor scan --exclude .git --exclude '/srv/backup/**' /srv
  candor scan --database /var/lib/clamav /home
  find /data -newer stamp -print0 | candor scan --file-list - --null
  curl -s https://example.org/file | candor scan -";

/// What is printed about single files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Style {
    Quiet,
    Findings { json: bool },
    Lines,
    Json,
}

/// Runs `candor scan`.
pub(crate) fn run(args: Args, printer: &mut Printer) -> anyhow::Result<Exit> {
    let jobs = args.jobs.or_else(|| std::thread::available_parallelism().ok()).map_or(1, NonZeroUsize::get);
    let options = engine_options(&args.limits, &args.detection, args.all_matches)?;
    let (exclude_paths, exclude_names) = globs(&args.exclude)?;
    let walk =
        || Walk::new(args.follow, args.cross_filesystems, exclude_paths.clone(), exclude_names.clone());
    let pending = pending(&args)?;
    let database = store::open(&args.database, &args.safety, printer)?;
    let signatures = store::signatures(&database.image);
    let style = match (args.quiet, args.only_findings, args.json) {
        (true, ..) => Style::Quiet,
        (_, true, json) => Style::Findings { json },
        (_, _, true) => Style::Json,
        _ => Style::Lines,
    };

    // Before anything else is started: the jail is made of copies of this process.
    let sandbox = if args.safety.no_sandbox {
        None
    } else {
        let setup = args.limits.setup(Task::Scan);
        let (image, max_time) = (&database.image, setup.max_time);
        let work = |jailed| worker::scan(jailed, image, &options, max_time);
        Some(Sandbox::start(setup, work).context(NO_JAIL)?)
    };
    allow_open_files();
    let watched = !args.no_progress && !args.quiet && std::io::stderr().is_terminal();
    let total = match countable(&args) {
        Some(pending) if watched => Total::count(walk(), pending, args.limits.max_file_size.0).ok(),
        _ => None,
    };
    let report_clean = args.show_clean || style == Style::Json;
    let limits = (jobs, args.limits.max_time());
    let shared =
        Arc::new(Shared::new(database.image, options, walk(), pending, limits, report_clean, sandbox));
    let signals = Signals::catch()?;
    let began = Instant::now();
    let receiver = pool::start(&shared, jobs)?;
    let stopped = follow(&shared, &receiver, &signals, style, printer, watched.then_some(total.as_deref()));
    if let Some(total) = total {
        total.end();
    }
    shared.watch.end();
    if let Some(sandbox) = &shared.sandbox
        && stopped.is_none()
    {
        sandbox.close();
    }

    let summary = Summary::new(
        &shared.tally,
        &shared.walk.skipped,
        stopped.is_none(),
        began.elapsed(),
        DatabaseRecord { name: database.name, signatures, refused_lines: database.refused },
    );
    match style {
        Style::Lines => summary.print(printer, stopped),
        Style::Json => printer.line(&json_line(&summary)),
        Style::Quiet | Style::Findings { .. } => (),
    }
    Ok(summary.exit(stopped))
}

/// Prints what the workers find until they are done, or until somebody stops them; says who.
fn follow(
    shared: &Shared,
    receiver: &Receiver<Event>,
    signals: &Signals,
    style: Style,
    printer: &mut Printer,
    progress: Option<Option<&Total>>,
) -> Option<Stopped> {
    let bar = progress.map(|total| {
        let bar = progress::bar();
        printer.show_progress(bar.clone());
        (bar, total)
    });
    let mut stopped: Option<(Stopped, Instant)> = None;
    let mut ticked = Instant::now();
    loop {
        match receiver.recv_timeout(TICK) {
            Ok(event) => print(event, style, printer),
            Err(RecvTimeoutError::Timeout) => (),
            Err(RecvTimeoutError::Disconnected) => break,
        }
        if ticked.elapsed() >= TICK {
            ticked = Instant::now();
            printer.flush();
            if let Some((bar, total)) = &bar {
                progress::update(bar, &shared.tally, *total);
            }
        }
        match stopped {
            Some((_, since)) if since.elapsed() > PATIENCE => break,
            Some(_) => (),
            None => {
                let reason =
                    if printer.is_broken() { Some(Stopped::OutputClosed) } else { signals.received() };
                if let Some(reason) = reason {
                    stopped = Some((reason, Instant::now()));
                    shared.stop();
                }
            }
        }
    }
    printer.end_progress();
    stopped.map(|(reason, _)| reason)
}

fn print(event: Event, style: Style, printer: &mut Printer) {
    match event {
        Event::Outcome(outcome) => {
            let found = matches!(outcome.report.verdict, Verdict::Infected | Verdict::Suspicious);
            match style {
                Style::Quiet => (),
                Style::Findings { .. } if !found => (),
                Style::Findings { json: true } | Style::Json => printer.line(&outcome.json()),
                Style::Findings { json: false } | Style::Lines => outcome.print(printer),
            }
        }
        Event::Note(text) => printer.note(&text),
        Event::Defect(text) => printer.error(&text),
    }
}

/// Where to look for files.
fn pending(args: &Args) -> anyhow::Result<Vec<Pending>> {
    let from_stdin = args.paths.iter().filter(|path| *path == "-").count();
    let list_from_stdin = args.file_list.as_deref() == Some(Path::new("-"));
    anyhow::ensure!(from_stdin + usize::from(list_from_stdin) <= 1, "standard input can only be read once");
    let mut pending: Vec<Pending> = args
        .paths
        .iter()
        .map(|path| if path == "-" { Pending::Stdin } else { Pending::Root(path.clone()) })
        .collect();
    if let Some(list) = &args.file_list {
        let end = if args.null { 0 } else { b'\n' };
        let reader: Box<dyn std::io::BufRead + Send> = if list_from_stdin {
            Box::new(BufReader::new(std::io::stdin()))
        } else {
            let name = Escaped::os(list.as_os_str()).to_string();
            Box::new(BufReader::new(File::open(list).with_context(|| format!("file list {name}"))?))
        };
        pending.push(Pending::List { reader, end });
    }
    Ok(pending)
}

/// The same again for counting ahead, unless it can only be read once.
fn countable(args: &Args) -> Option<Vec<Pending>> {
    let is_stdin = |path: &OsString| path == "-";
    if args.paths.iter().any(is_stdin) || args.file_list.as_deref() == Some(Path::new("-")) {
        return None;
    }
    pending(args).ok()
}

/// Patterns over whole paths, and patterns over names alone.
fn globs(patterns: &[String]) -> anyhow::Result<(GlobSet, GlobSet)> {
    let mut paths = GlobSetBuilder::new();
    let mut names = GlobSetBuilder::new();
    for pattern in patterns {
        let trimmed = pattern.strip_suffix('/').filter(|rest| !rest.is_empty()).unwrap_or(pattern);
        let glob = GlobBuilder::new(trimmed)
            .literal_separator(true)
            .backslash_escape(true)
            .build()
            .with_context(|| format!("--exclude {pattern}"))?;
        if trimmed.contains('/') {
            paths.add(glob)
        } else {
            names.add(glob)
        };
    }
    Ok((paths.build()?, names.build()?))
}

/// Ctrl-C and the polite kill. The first one ends the scan with a summary, a later one the process.
struct Signals {
    received: Arc<AtomicUsize>,
}

/// How long after a signal another one counts as a new wish. One press of Ctrl-C may arrive twice: from
/// the terminal, and from a program around this one that hands it on.
const DOUBLE: Duration = Duration::from_millis(400);

impl Signals {
    fn catch() -> anyhow::Result<Self> {
        let impatient: Arc<AtomicBool> = Arc::default();
        let received: Arc<AtomicUsize> = Arc::default();
        for (signal, exit) in [(SIGINT, Exit::Interrupted), (SIGTERM, Exit::Terminated)] {
            let code = i32::from(exit.code());
            let register = || -> std::io::Result<()> {
                signal_hook::flag::register_conditional_shutdown(signal, code, Arc::clone(&impatient))?;
                let number = usize::try_from(signal).unwrap_or_default();
                signal_hook::flag::register_usize(signal, Arc::clone(&received), number)?;
                Ok(())
            };
            register().context("cannot catch signals")?;
        }
        let seen = Arc::clone(&received);
        // The thread that prints may be stuck in a write; this one never is.
        std::thread::Builder::new()
            .name(String::from("signals"))
            .spawn(move || {
                while seen.load(Ordering::Relaxed) == 0 {
                    std::thread::sleep(DOUBLE / 4);
                }
                std::thread::sleep(DOUBLE);
                impatient.store(true, Ordering::Relaxed);
            })
            .context("cannot start a thread")?;
        Ok(Self { received })
    }

    fn received(&self) -> Option<Stopped> {
        match i32::try_from(self.received.load(Ordering::Relaxed)) {
            Ok(SIGINT) => Some(Stopped::Interrupted),
            Ok(SIGTERM) => Some(Stopped::Terminated),
            _ => None,
        }
    }
}

/// Directories that are being walked are open all at once: allows as many as the system lets this
/// process have.
fn allow_open_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let wanted = limit.maximum.unwrap_or(OPEN_FILES).min(OPEN_FILES);
    if limit.current.is_some_and(|current| current < wanted) {
        // Without it, only trees that are very deep and wide at once cannot be walked, and say so.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum: limit.maximum });
    }
}

/// More than any tree that is meant seriously needs.
const OPEN_FILES: u64 = 1 << 16;
