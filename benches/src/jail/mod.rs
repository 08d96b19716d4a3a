//! What the jail costs: how soon a worker is there, what it takes to hand a file over, what a worker at rest
//! has for itself, and how fast whole scans are inside and outside.

mod clamd;

use std::ffi::{CStr, CString};
use std::fs::{self, File};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use candor_database::Image;
use candor_engine::Options;
use candor_model::{FileType, Report, Verdict};
use candor_sandbox::message::{Answer, Order, Packer};
use candor_sandbox::{Entry, Jailed, Lane, Layer, Layers, Sandbox, Setup, Task, worker};
use rustix::fs::{Mode, OFlags, openat};

/// What to measure with.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// An image, for the memory of a worker and for whole scans.
    #[arg(long)]
    image: PathBuf,

    /// The program, for whole scans.
    #[arg(long)]
    candor: Option<PathBuf>,

    /// What to scan inside and outside.
    #[arg(long)]
    files: Option<PathBuf>,

    /// The databases that the image was made from: many small files then go through clamd, too.
    #[arg(long)]
    database: Option<PathBuf>,

    /// How many small files.
    #[arg(long, default_value_t = 100_000)]
    small: usize,

    /// Pairs of runs.
    #[arg(long, default_value_t = 5)]
    runs: u32,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    lines()?;
    ready()?;
    hand_over(arguments.runs)?;
    at_rest(&arguments.image)?;
    if let (Some(candor), Some(database)) = (&arguments.candor, &arguments.database) {
        clamd::compare(candor, &arguments.image, database, arguments.small)?;
    }
    if let (Some(candor), Some(files)) = (&arguments.candor, &arguments.files) {
        pairs(candor, &arguments.image, files, arguments.runs)?;
    }
    Ok(())
}

/// Files of candor-sandbox that run in the broker of a scan, and what it has in common with workers.
const SCANS: [&str; 9] = [
    "broker.rs",
    "channel.rs",
    "group.rs",
    "lane.rs",
    "layers.rs",
    "message/bytes.rs",
    "message/mod.rs",
    "message/report/mod.rs",
    "spool.rs",
];

/// What it runs besides for other tasks: to compile, to take apart, to read records.
const OTHERS: [&str; 4] = ["compile.rs", "message/tasks.rs", "records.rs", "unpack.rs"];

/// Lines of code of the broker, without comments, blank lines and tests. Its system calls stand in `sys.rs` and
/// opening files in `input.rs`, most of which is for workers.
fn lines() -> anyhow::Result<()> {
    println!("broker: {} lines of code for scans, {} more for other tasks", count(&SCANS)?, count(&OTHERS)?);
    Ok(())
}

fn count(names: &[&str]) -> anyhow::Result<usize> {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/candor-sandbox/src");
    let mut all = 0;
    for name in names {
        let text = fs::read_to_string(sources.join(name)).with_context(|| (*name).to_owned())?;
        let code = text.lines().take_while(|line| *line != "mod tests {").filter(|line| {
            let line = line.trim();
            !line.is_empty() && !line.starts_with("//")
        });
        all += code.count();
    }
    Ok(all)
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

/// From the request to the word that it takes orders.
fn ready() -> anyhow::Result<()> {
    let namespaces = [
        Layer::UserNamespace,
        Layer::EmptyFilesystem,
        Layer::ProcessNamespace,
        Layer::NetworkNamespace,
        Layer::IpcNamespace,
        Layer::NameNamespace,
    ];
    let without = namespaces.into_iter().fold(Layers::NONE, Layers::with);
    for (name, leave_out) in [("all layers", Layers::NONE), ("without namespaces", without)] {
        let setup = Setup { leave_out, ..Setup::new(Task::Scan) };
        let sandbox = Sandbox::start(setup, |jailed| echo(jailed).unwrap_or_default())?;
        sandbox.discard(sandbox.worker()?);
        let mut times = Vec::new();
        for _ in 0..500 {
            let began = Instant::now();
            let worker = sandbox.worker()?;
            times.push(began.elapsed());
            sandbox.discard(worker);
        }
        println!("new worker ready, {name}: {:.3} ms (median of 500)", median(times).as_secs_f64() * 1e3);
    }
    Ok(())
}

/// A worker that reads what it is given and says that it is clean.
fn echo(jailed: Jailed) -> std::io::Result<()> {
    let mut ready = std::mem::ManuallyDrop::new(jailed.ready()?);
    let mut files: Vec<OwnedFd> = Vec::new();
    let mut buffer = vec![0; 1 << 16];
    let mut packer = Packer::default();
    while let Some(Order::Files(_)) = ready.next(&mut files)? {
        for file in &files {
            let read = rustix::io::read(file, &mut buffer)?;
            let report = Report {
                verdict: Verdict::Clean,
                file_type: FileType::BinaryData,
                findings: Vec::new(),
                incomplete: Vec::new(),
                trusted: None,
                layers: Vec::new(),
                bytes: read as u64,
            };
            let answer = Answer::Scanned { read: read as u64, partial: None, report: Box::new(report) };
            packer.push(&answer, &mut |packet| ready.say(packet))?;
        }
        packer.flush(&mut |packet| ready.say(packet))?;
        worker::close_all(&mut files);
    }
    Ok(())
}

/// How a file is opened.
#[derive(Clone, Copy, Debug)]
enum Opening {
    /// And nothing more.
    Plain,
    /// And asked what it is, as a scan does.
    Looked,
}

impl Opening {
    fn open(self, directory: BorrowedFd<'_>, name: &CStr) -> anyhow::Result<OwnedFd> {
        match self {
            Self::Plain => Ok(openat(
                directory,
                name,
                OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW,
                Mode::empty(),
            )?),
            Self::Looked => match candor_sandbox::input::open(directory, name, false) {
                Ok(opened) => Ok(opened.file),
                Err(reading) => anyhow::bail!("{reading:?}"),
            },
        }
    }
}

/// Opening, handing over, reading, answering and closing, a file; beside opening, reading and closing it in
/// one process.
fn hand_over(runs: u32) -> anyhow::Result<()> {
    const FILES: usize = 20_000;
    let folder = tempfile::tempdir()?;
    for number in 0..FILES {
        fs::write(folder.path().join(number.to_string()), [7; 1024])?;
    }
    let directory = File::open(folder.path())?;
    let names: Vec<CString> =
        (0..FILES).map(|number| CString::new(number.to_string())).collect::<Result<_, _>>()?;
    let sandbox = Sandbox::start(Setup::new(Task::Scan), |jailed| echo(jailed).unwrap_or_default())?;
    for opening in [Opening::Plain, Opening::Looked] {
        let open = |name: &CStr| opening.open(directory.as_fd(), name);
        let (mut jailed, mut stays, mut batches, mut plain) =
            (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let mut processor = [Vec::new(), Vec::new()];
        for _ in 0..runs.max(1) {
            let (began, before) = (Instant::now(), processor_time());
            pass(&mut Lane::new(&sandbox, 64), &names, open)?;
            jailed.push(began.elapsed());
            processor[0].push(processor_time().saturating_sub(before));
            let (more, four) = hand_over_alone(&sandbox, &names, open)?;
            stays.push(more);
            batches.push(four);
            let (began, before) = (Instant::now(), processor_time());
            let mut buffer = vec![0; 1 << 16];
            for name in &names {
                rustix::io::read(open(name)?, &mut buffer)?;
            }
            plain.push(began.elapsed());
            processor[1].push(processor_time().saturating_sub(before));
        }
        let [broker, reader] = processor;
        let each = |times| median(times).as_secs_f64() * 1e6 / FILES as f64;
        println!(
            "a file of 1 KiB, opened{}: {:.2} us handed over to a worker that stays, {:.2} us of four batches alone, {:.2} us with \
             its replacement every {} files, {:.2} us read in one process",
            if matches!(opening, Opening::Plain) { "" } else { " and asked what it is" },
            median(stays).as_secs_f64() * 1e6,
            median(batches).as_secs_f64() * 1e6,
            each(jailed),
            candor_sandbox::FILES_A_WORKER,
            each(plain),
        );
        // With the contents in shared memory the broker would have to read every file itself.
        println!(
            "  processor time of the broker: {:.2} us a file handed over, {:.2} us a file that it reads itself",
            each(broker),
            each(reader)
        );
    }
    Ok(())
}

/// Hands files over, and takes an answer about each.
fn pass(
    lane: &mut Lane<'_, ()>,
    names: &[CString],
    open: impl Fn(&CStr) -> anyhow::Result<OwnedFd>,
) -> anyhow::Result<()> {
    let mut answers = 0;
    for name in names {
        let file = open(name)?;
        lane.push(Entry { file, identity: None, length: 1024, name: String::from("x"), token: () });
        while !lane.has_room() {
            answers += usize::from(lane.next(Duration::from_secs(1)).is_some());
        }
    }
    while !lane.is_empty() {
        answers += usize::from(lane.next(Duration::from_secs(1)).is_some());
    }
    anyhow::ensure!(answers == names.len(), "{answers} answers");
    Ok(())
}

/// What it takes to hand a file over to one worker that is there already and stays: one more file in a stream of them, and
/// four batches, of which the first waits to be opened and the last to be answered.
fn hand_over_alone(
    sandbox: &Sandbox,
    names: &[CString],
    open: impl Fn(&CStr) -> anyhow::Result<OwnedFd> + Copy,
) -> anyhow::Result<(Duration, Duration)> {
    const FEW: u32 = 64;
    const MANY: u32 = 255;
    let (mut few, mut many) = (Vec::new(), Vec::new());
    for names in names.chunks_exact(MANY as usize) {
        for (number, times) in [(FEW, &mut few), (MANY, &mut many)] {
            let mut lane: Lane<'_, ()> = Lane::new(sandbox, 64);
            pass(&mut lane, &names[..1], open)?;
            let began = Instant::now();
            pass(&mut lane, &names[..number as usize], open)?;
            times.push(began.elapsed());
        }
    }
    let (few, many) = (median(few), median(many));
    Ok((many.saturating_sub(few) / (MANY - FEW), many / MANY))
}

/// Processor time of this process so far.
fn processor_time() -> Duration {
    let usage = nix::sys::resource::getrusage(nix::sys::resource::UsageWho::RUSAGE_SELF);
    usage.map_or(Duration::ZERO, |usage| {
        [usage.user_time(), usage.system_time()]
            .into_iter()
            .map(|time| Duration::new(time.tv_sec().cast_unsigned(), 0) + micros(time.tv_usec()))
            .sum()
    })
}

fn micros(number: i64) -> Duration {
    Duration::from_micros(number.cast_unsigned())
}

/// Memory that a worker shares with nobody, before it has seen a file.
fn at_rest(image: &Path) -> anyhow::Result<()> {
    let image = Image::open(&File::open(image).with_context(|| image.display().to_string())?)?;
    let options = Options::default();
    let sandbox =
        Sandbox::start(Setup::new(Task::Scan), |jailed| worker::scan(jailed, &image, &options, None))?;
    let worker = sandbox.worker()?;
    let text = fs::read_to_string(format!("/proc/{}/smaps_rollup", worker.process()))
        .context("the memory of a worker is for root to see")?;
    let private: u64 = text
        .lines()
        .filter(|line| line.starts_with("Private_"))
        .filter_map(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok())
        .sum();
    println!("worker at rest: {:.1} MiB for itself", private as f64 / 1024.0);
    Ok(())
}

/// Whole scans, in turns.
fn pairs(candor: &Path, image: &Path, files: &Path, runs: u32) -> anyhow::Result<()> {
    let scan = |option: &[&str]| -> anyhow::Result<Duration> {
        let began = Instant::now();
        let status = Command::new(candor)
            .args(["scan", "--quiet", "--no-progress", "--database"])
            .arg(image)
            .args(option)
            .arg(files)
            .status()?;
        anyhow::ensure!(status.code().is_some_and(|code| code <= 2), "{status}");
        Ok(began.elapsed())
    };
    for jobs in ["1", "2"] {
        let (mut inside, mut outside) = (Vec::new(), Vec::new());
        for _ in 0..runs {
            inside.push(scan(&["--jobs", jobs])?);
            outside.push(scan(&["--jobs", jobs, "--no-sandbox"])?);
        }
        let (inside, outside) = (median(inside).as_secs_f64(), median(outside).as_secs_f64());
        println!(
            "{}, {jobs} at a time: {inside:.2} s inside, {outside:.2} s outside: {:.1} % of the speed",
            files.display(),
            outside / inside * 100.0
        );
    }
    Ok(())
}
