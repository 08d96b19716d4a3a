//! Whole programs, one against the other: `candor` and `clamscan` over the same files with the same
//! signatures, one thread each. Processor time of start and load is measured with a small file and
//! taken off.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Args;

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
    /// Leave clamscan out, and print Candor's own numbers only.
    #[arg(long)]
    alone: bool,
}

/// What one run of a program cost.
#[derive(Clone, Copy, Debug, Default)]
struct Cost {
    wall: f64,
    processor: f64,
    /// Most anonymous memory seen, in bytes: what no other process shares.
    private: u64,
}

pub fn run(arguments: &Arguments) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let image = folder.path().join("measured.img");
    let candor = |more: &[&str]| {
        let mut command = Command::new(&arguments.candor);
        command.args(["scan", "--quiet", "--jobs", "1", "--database"]).arg(&image).args(more);
        command
    };
    let clamscan = |more: &[&str]| {
        let mut command = Command::new("clamscan");
        command
            .args(["--quiet", "--no-summary", "--detect-pua=yes", "-r", "-d"])
            .arg(&arguments.database)
            .args(more);
        command
    };
    let mut compile = Command::new(&arguments.candor);
    compile.arg("compile").arg(&arguments.database).arg("-o").arg(&image);
    let compiled = measure(&mut compile)?;
    println!(
        "compile: {:.2} s wall, {:.2} s processor, image {:.1} MB",
        compiled.wall,
        compiled.processor,
        std::fs::metadata(&image).context("no image was written")?.len() as f64 / 1e6
    );

    let small = folder.path().join("small.txt");
    std::fs::write(&small, b"nothing to see here\n")?;
    let small = path(&small)?;
    let ours = best(|| measure(&mut candor(&[small])))?;
    println!(
        "start to end of one small file: candor {:.1} ms, private memory {:.1} MB",
        ours.wall * 1e3,
        ours.private as f64 / 1e6
    );
    let theirs = if arguments.alone { Cost::default() } else { best(|| measure(&mut clamscan(&[small])))? };
    compare("  clamscan", "ms", theirs.wall * 1e3, ours.wall * 1e3);
    if !arguments.alone {
        println!("  clamscan private memory {:.1} MB", theirs.private as f64 / 1e6);
    }

    let tiny = folder.path().join("tiny");
    write_tiny(&tiny, 2_000, 1_024)?;
    let tiny = path(&tiny)?;
    let ours_tiny = best(|| measure(&mut candor(&[tiny])))?;
    let per_file = (ours_tiny.processor - ours.processor) / 2_000.0 * 1e3;
    println!("2,000 files of 1 KB: candor {per_file:.4} ms processor time a file");
    if !arguments.alone {
        let theirs_tiny = measure(&mut clamscan(&[tiny]))?;
        compare(
            "  clamscan",
            "ms a file",
            (theirs_tiny.processor - theirs.processor) / 2_000.0 * 1e3,
            per_file,
        );
    }

    let files: Vec<&str> = arguments.files.iter().map(|folder| path(folder)).collect::<Result<_>>()?;
    let ours_files = best(|| measure(&mut candor(&files)))?;
    let seconds = ours_files.processor - ours.processor;
    println!(
        "{}: candor {seconds:.2} s processor time, private memory {:.1} MB",
        files.join(" "),
        ours_files.private as f64 / 1e6
    );
    if !arguments.alone {
        let theirs_files = measure(&mut clamscan(&files))?;
        compare("  clamscan", "s", theirs_files.processor - theirs.processor, seconds);
    }
    Ok(())
}

fn compare(name: &str, unit: &str, theirs: f64, ours: f64) {
    if theirs > 0.0 {
        println!("{name} {theirs:.2} {unit}: {:.0} times as much", theirs / ours.max(1e-9));
    }
}

fn path(path: &Path) -> Result<&str> {
    path.to_str().with_context(|| format!("{} is not UTF-8", path.display()))
}

/// The cheapest of three runs.
fn best(mut run: impl FnMut() -> Result<Cost>) -> Result<Cost> {
    let mut all = vec![run()?, run()?, run()?];
    all.sort_by(|left, right| left.processor.total_cmp(&right.processor));
    let wall = all.iter().map(|cost| cost.wall).fold(f64::INFINITY, f64::min);
    Ok(Cost { wall, ..all[0] })
}

/// Runs a command to its end. An exit status of 0 to 2 is an answer, anything else a failure.
fn measure(command: &mut Command) -> Result<Cost> {
    let before = children_time();
    let start = Instant::now();
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().context("cannot start")?;
    let status = format!("/proc/{}/status", child.id());
    let mut private = 0;
    let end = loop {
        if let Some(end) = child.try_wait()? {
            break end;
        }
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let kilobytes = text
            .lines()
            .find_map(|line| line.strip_prefix("RssAnon:")?.trim().strip_suffix(" kB")?.parse::<u64>().ok());
        private = private.max(kilobytes.unwrap_or(0) * 1024);
        std::thread::sleep(Duration::from_micros(300));
    };
    let wall = start.elapsed().as_secs_f64();
    ensure!(end.code().is_some_and(|code| code <= 2), "{command:?} ended with {end}");
    Ok(Cost { wall, processor: children_time() - before, private })
}

/// Processor time of all children that ended, in seconds.
fn children_time() -> f64 {
    let usage = nix::sys::resource::getrusage(nix::sys::resource::UsageWho::RUSAGE_CHILDREN);
    usage.map_or(0.0, |usage| {
        let seconds = |time: nix::sys::time::TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6;
        seconds(usage.user_time()) + seconds(usage.system_time())
    })
}

fn write_tiny(folder: &Path, count: usize, size: usize) -> Result<()> {
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
