//! Whole programs, one against the other: `candor` and `clamscan` over the same files with the same
//! signatures, one thread each. Processor time of start and load is measured with a small file and
//! taken off.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Args;

use crate::sample::{self, sample, size_of};

#[derive(Debug, Args)]
pub struct Arguments {
    /// Folder of ClamAV databases.
    #[arg(long)]
    database: PathBuf,
    /// The `candor` binary, built for release.
    #[arg(long)]
    candor: PathBuf,
    /// Folders of files that both scan.
    #[arg(long, default_value = "/usr/bin")]
    files: Vec<PathBuf>,
    /// Take of each folder no more than so many mebibytes, evenly from all of it.
    #[arg(long)]
    sample: Option<u64>,
    /// Files of all installed Debian packages besides, evenly from all of them, so many mebibytes.
    #[arg(long)]
    packages: Option<u64>,
    /// Measure start, memory, image and compilation only.
    #[arg(long)]
    start_only: bool,
    /// Lift clamscan's limits on size, so that it looks at as much of large files as Candor does.
    #[arg(long)]
    lift_limits: bool,
    /// Leave clamscan out, and print Candor's own numbers only.
    #[arg(long)]
    alone: bool,
}

/// What one run of a program cost.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cost {
    pub wall: f64,
    pub processor: f64,
}

/// Both programs, with the same signatures.
pub struct Programs<'a> {
    candor: &'a Path,
    database: &'a Path,
    image: PathBuf,
    /// Whether clamscan's limits on size are lifted.
    pub lift_limits: bool,
}

impl<'a> Programs<'a> {
    /// Compiles the signatures into `folder`.
    pub fn new(candor: &'a Path, database: &'a Path, folder: &Path) -> Result<Self> {
        let image = folder.join("measured.candor");
        let mut compile = Command::new(candor);
        compile.arg("compile").arg(database).arg("-o").arg(&image);
        let compiled = measure(&mut compile)?;
        let length = std::fs::metadata(&image).context("no image was written")?.len();
        println!(
            "compile: {:.2} s, {:.2} s processor time; image {:.1} MB",
            compiled.wall,
            compiled.processor,
            length as f64 / 1e6
        );
        Ok(Self { candor, database, image, lift_limits: false })
    }

    pub fn candor(&self, files: &Path) -> Command {
        let mut command = Command::new(self.candor);
        command.args(["scan", "--quiet", "--jobs", "1", "--database"]).arg(&self.image).arg(files);
        command
    }

    pub fn clamscan(&self, files: &Path) -> Command {
        let mut command = Command::new("clamscan");
        command
            .args(["--quiet", "--no-summary", "--detect-pua=yes", "-r", "-d"])
            .arg(self.database)
            .arg(files);
        if self.lift_limits {
            command.args(["--max-filesize=2000M", "--max-scansize=4000M"]);
        }
        command
    }
}

pub fn run(arguments: &Arguments) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut programs = Programs::new(&arguments.candor, &arguments.database, folder.path())?;
    programs.lift_limits = arguments.lift_limits;
    let small = folder.path().join("small.txt");
    std::fs::write(&small, b"nothing to see here\n")?;
    let ours = best(|| measure(&mut programs.candor(&small)))?;
    println!(
        "exec to end of one small file: candor {:.1} ms, private memory {:.1} MB",
        ours.wall * 1e3,
        peak(&mut programs.candor(&small))? as f64 / 1e6
    );
    let theirs =
        if arguments.alone { Cost::default() } else { best(|| measure(&mut programs.clamscan(&small)))? };
    if !arguments.alone {
        compare("  clamscan", "ms", theirs.wall * 1e3, ours.wall * 1e3);
        println!("  clamscan private memory {:.1} MB", peak(&mut programs.clamscan(&small))? as f64 / 1e6);
    }
    if arguments.start_only {
        return Ok(());
    }

    let tiny = folder.path().join("tiny");
    write_files(&tiny, 2_000, 1_024)?;
    let ours_tiny = best(|| measure(&mut programs.candor(&tiny)))?;
    let per_file = (ours_tiny.processor - ours.processor) / 2_000.0 * 1e3;
    println!("2,000 files of 1 KB: candor {per_file:.4} ms processor time a file");
    if !arguments.alone {
        let theirs_tiny = measure(&mut programs.clamscan(&tiny))?;
        let each = (theirs_tiny.processor - theirs.processor) / 2_000.0 * 1e3;
        compare("  clamscan", "ms a file", each, per_file);
    }

    let mut folders = Vec::new();
    for files in &arguments.files {
        let sampled = folder.path().join(format!("sample{}", folders.len()));
        folders.push(match arguments.sample {
            None => files.clone(),
            Some(most) => sample(&sample::below(files)?, most << 20, &sampled)?,
        });
    }
    if let Some(most) = arguments.packages {
        folders.push(sample(&sample::of_packages()?, most << 20, &folder.path().join("packages"))?);
    }
    let (mut all_ours, mut all_theirs) = (0.0, 0.0);
    for (files, name) in folders.iter().zip(names(arguments)) {
        let cheapest = |programs: &Programs<'_>| best(|| measure(&mut programs.candor(files)));
        let mut ours_files = cheapest(&programs)?.processor;
        let theirs_files =
            if arguments.alone { None } else { Some(measure(&mut programs.clamscan(files))?.processor) };
        if theirs_files.is_some() {
            // Before and after the other one, which takes minutes: the machine may be another by then.
            ours_files = ours_files.min(cheapest(&programs)?.processor);
        }
        let seconds = ours_files - ours.processor;
        println!(
            "{name} ({:.0} MB): candor {seconds:.2} s processor time, private memory {:.1} MB",
            size_of(&sample::below(files)?) as f64 / 1e6,
            peak(&mut programs.candor(files))? as f64 / 1e6
        );
        all_ours += seconds;
        if let Some(theirs_files) = theirs_files {
            all_theirs += theirs_files - theirs.processor;
            compare("  clamscan", "s", theirs_files - theirs.processor, seconds);
        }
    }
    if folders.len() > 1 {
        println!("all of these: candor {all_ours:.2} s processor time");
        compare("  clamscan", "s", all_theirs, all_ours);
    }
    Ok(())
}

/// What the folders are called.
fn names(arguments: &Arguments) -> impl Iterator<Item = String> {
    let folders = arguments.files.iter().map(|folder| folder.display().to_string());
    folders.chain(arguments.packages.map(|_| String::from("files of packages")))
}

pub fn compare(name: &str, unit: &str, theirs: f64, ours: f64) {
    if theirs > 0.0 {
        println!("{name} {theirs:.2} {unit}: {:.0} times as much", theirs / ours.max(1e-9));
    }
}

/// The cheapest of three runs.
pub fn best(mut run: impl FnMut() -> Result<Cost>) -> Result<Cost> {
    let mut all = [run()?, run()?, run()?];
    all.sort_by(|left, right| left.processor.total_cmp(&right.processor));
    let wall = all.iter().map(|cost| cost.wall).fold(f64::INFINITY, f64::min);
    Ok(Cost { wall, ..all[0] })
}

/// Runs a command to its end. An exit status of 0 to 2 is an answer, anything else a failure.
pub fn measure(command: &mut Command) -> Result<Cost> {
    let before = children_time();
    let start = Instant::now();
    let end = command.stdout(Stdio::null()).stderr(Stdio::null()).status().context("cannot start")?;
    let wall = start.elapsed().as_secs_f64();
    ensure!(end.code().is_some_and(|code| code <= 2), "{command:?} ended with {end}");
    Ok(Cost { wall, processor: children_time() - before })
}

/// Runs a command to its end, and says the most anonymous memory that it and the processes that it started
/// were seen to hold, in bytes. What several of them share counts once. For root: others may not look at
/// processes that gave up their privileges.
pub fn peak(command: &mut Command) -> Result<u64> {
    peak_of(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().context("cannot start")?)
}

/// The same of a program that was started.
pub fn peak_of(mut child: Child) -> Result<u64> {
    let mut most = 0;
    while child.try_wait()?.is_none() {
        most = most.max(tree(child.id()).into_iter().map(anonymous).sum());
        std::thread::sleep(Duration::from_micros(500));
    }
    Ok(most)
}

/// A process and all that descend from it.
pub fn tree(process: u32) -> Vec<u32> {
    let mut all = vec![process];
    let mut next = 0;
    while let Some(process) = all.get(next).copied() {
        next += 1;
        for thread in std::fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten() {
            let children = std::fs::read_to_string(thread.path().join("children")).unwrap_or_default();
            all.extend(children.split_whitespace().filter_map(|child| child.parse::<u32>().ok()));
        }
    }
    all
}

/// Its share of anonymous memory, in bytes.
fn anonymous(process: u32) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{process}/smaps_rollup")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("Pss_Anon:"));
    line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok()).unwrap_or(0) * 1024
}

/// Processor time of all children that ended, in seconds.
pub fn children_time() -> f64 {
    let usage = nix::sys::resource::getrusage(nix::sys::resource::UsageWho::RUSAGE_CHILDREN);
    usage.map_or(0.0, |usage| {
        let seconds = |time: nix::sys::time::TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6;
        seconds(usage.user_time()) + seconds(usage.system_time())
    })
}

pub fn write_files(folder: &Path, count: usize, size: usize) -> Result<()> {
    std::fs::create_dir(folder)?;
    let mut state = 1_u64;
    for number in 0..count {
        let mut file = std::fs::File::create(folder.join(format!("{number}.bin")))?;
        let bytes: Vec<u8> = (0..size)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (state >> 56) as u8
            })
            .collect();
        file.write_all(&bytes)?;
    }
    Ok(())
}
