//! Rules of YARA: `candor` and `yara` over the same files with the same rules, one thread each. Both get the files of rules that `yarac`
//! takes, compiled. Processor time of start and load is measured with a small file and taken off.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use candor_database::{Builder, Image};
use candor_engine::Scanner;
use candor_model::Interrupt;
use candor_signature::Input;
use candor_signature::clamav::load;
use clap::Args;

use crate::sample::{self, sample, size_of};
use crate::whole::{best, compare, measure, peak};

#[derive(Debug, Args)]
pub struct Arguments {
    /// Folder of rules: files named `.yar` and `.yara`, at any depth.
    #[arg(long)]
    rules: PathBuf,
    /// The `candor` binary, built for release.
    #[arg(long, required_unless_present = "within")]
    candor: Option<PathBuf>,
    /// Folders of files that both scan.
    #[arg(long, default_value = "/usr/bin")]
    files: Vec<PathBuf>,
    /// Take of each folder no more than so many mebibytes, evenly from all of it; 0 for all.
    #[arg(long, default_value_t = 48)]
    sample: u64,
    /// Leave yara out, and print Candor's own numbers only.
    #[arg(long)]
    alone: bool,
    /// Measure the engine alone, in this process and without a jail.
    #[arg(long)]
    within: bool,
}

/// Names from outside that rules of several collections ask for.
const EXTERNALS: [&str; 5] = ["extension", "filename", "filepath", "filetype", "owner"];

pub fn run(arguments: &Arguments) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let Some(program) = arguments.candor.as_ref().filter(|_| !arguments.within) else {
        return within(arguments, folder.path());
    };
    let (named, total) = taken(&arguments.rules, folder.path())?;
    println!("{} of {total} files of rules are taken by yarac", named.len());

    let (ours, theirs) = (folder.path().join("rules.candor"), folder.path().join("rules.yarc"));
    let mut compile = Command::new(program);
    compile.arg("compile").arg(folder.path().join("rules")).arg("-o").arg(&ours);
    let compiled = measure(&mut compile)?;
    let length = |path: &Path| Ok::<_, anyhow::Error>(std::fs::metadata(path)?.len() as f64 / 1e6);
    println!(
        "compile: candor {:.2} s processor time, {:.1} MB; private memory {:.0} MB",
        compiled.processor,
        length(&ours).context("no image was written")?,
        peak(&mut compile)? as f64 / 1e6
    );
    let mut compile = yarac();
    compile.args(&named).arg(&theirs);
    let other = measure(&mut compile)?;
    compare("  yarac", "s", other.processor, compiled.processor);
    println!("  yarac {:.1} MB; private memory {:.0} MB", length(&theirs)?, peak(&mut compile)? as f64 / 1e6);

    let candor = |files: &Path| {
        let mut command = Command::new(program);
        command.args(["scan", "--quiet", "--jobs", "1", "--database"]).arg(&ours).arg(files);
        command
    };
    let yara = |files: &Path| {
        let mut command = Command::new("yara");
        command.args(["-C", "-w", "-N", "-r", "-p", "1"]).arg(&theirs).arg(files);
        command
    };
    let small = folder.path().join("small.txt");
    std::fs::write(&small, b"a\n")?;
    let start = best(|| measure(&mut candor(&small)))?;
    println!(
        "exec to end of one file of two bytes: candor {:.1} ms, private memory {:.1} MB",
        start.wall * 1e3,
        peak(&mut candor(&small))? as f64 / 1e6
    );
    let other_start = best(|| measure(&mut yara(&small)))?;
    compare("  yara", "ms", other_start.wall * 1e3, start.wall * 1e3);
    println!("  yara private memory {:.1} MB", peak(&mut yara(&small))? as f64 / 1e6);

    for (number, files) in arguments.files.iter().enumerate() {
        let sampled = sampled(arguments, files, &folder.path().join(format!("sample{number}")))?;
        let bytes = size_of(&sample::below(&sampled)?) as f64 / 1e6;
        let mut seconds = best(|| measure(&mut candor(&sampled)))?.processor;
        let others = if arguments.alone { None } else { Some(measure(&mut yara(&sampled))?.processor) };
        if others.is_some() {
            // Before and after the other one, which takes minutes: the machine may be another by then.
            seconds = seconds.min(best(|| measure(&mut candor(&sampled)))?.processor);
        }
        let seconds = (seconds - start.processor).max(1e-9);
        println!(
            "{} ({bytes:.1} MB): candor {seconds:.2} s processor time, {:.1} MB/s, private memory {:.1} MB",
            files.display(),
            bytes / seconds,
            peak(&mut candor(&sampled))? as f64 / 1e6
        );
        if let Some(others) = others {
            let others = (others - other_start.processor).max(1e-9);
            compare("  yara", "s", others, seconds);
            println!("  yara {:.1} MB/s", bytes / others);
        }
    }
    Ok(())
}

fn sampled(arguments: &Arguments, files: &Path, to: &Path) -> Result<PathBuf> {
    match arguments.sample {
        0 => Ok(files.to_path_buf()),
        most => sample(&sample::below(files)?, most << 20, to),
    }
}

/// The engine over the same files, and what is in them.
fn within(arguments: &Arguments, folder: &Path) -> Result<()> {
    let mut texts = Vec::new();
    for path in sample::below(&arguments.rules)? {
        if path.extension().is_some_and(|extension| extension == "yar" || extension == "yara") {
            texts.push((path.display().to_string(), std::fs::read(&path)?));
        }
    }
    let inputs: Vec<Input<'_>> = texts.iter().map(|(name, bytes)| Input { name, bytes }).collect();
    let mut builder = Builder::new();
    load(&inputs, candor_signature::clamav::Options::default(), &mut builder, &mut |_| {});
    let image = Image::from_vec(builder.finish()?)?;
    println!("{} rules", image.info().signatures);
    for (number, files) in arguments.files.iter().enumerate() {
        let sampled = sampled(arguments, files, &folder.join(format!("sample{number}")))?;
        let mut contents = Vec::new();
        for file in sample::below(&sampled)? {
            contents.push(std::fs::read(file)?);
        }
        let bytes = contents.iter().map(Vec::len).sum::<usize>() as f64 / 1e6;
        let mut fastest = f64::INFINITY;
        let mut told = (0, 0);
        for _ in 0..3 {
            let mut scanner = Scanner::new(&image, candor_engine::Options::default());
            let before = thread_time();
            let reports = contents.iter().map(|file| scanner.scan(file, "", &Interrupt::new()));
            told = reports.fold((0, 0), |(findings, incomplete), report| {
                (findings + report.findings.len(), incomplete + usize::from(!report.incomplete.is_empty()))
            });
            fastest = fastest.min(thread_time() - before);
        }
        println!(
            "{} ({bytes:.1} MB): {fastest:.2} s processor time, {:.1} MB/s; {} findings, {} files incomplete",
            files.display(),
            bytes / fastest,
            told.0,
            told.1
        );
    }
    Ok(())
}

/// Processor time of this thread, in seconds.
fn thread_time() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

fn yarac() -> Command {
    let mut command = Command::new("yarac");
    command.arg("-w");
    for external in EXTERNALS {
        command.arg("-d").arg(format!("{external}="));
    }
    command
}

/// Copies the files of rules that `yarac` takes into the folder `rules` of `folder`: how it is to be told of them, each with a name space
/// of its own, and how many there were.
fn taken(rules: &Path, folder: &Path) -> Result<(Vec<OsString>, usize)> {
    let copies = folder.join("rules");
    std::fs::create_dir(&copies)?;
    let (mut named, mut total) = (Vec::new(), 0);
    for path in sample::below(rules)? {
        if !path.extension().is_some_and(|extension| extension == "yar" || extension == "yara") {
            continue;
        }
        total += 1;
        let copy = copies.join(format!("{total}.yar"));
        std::fs::copy(&path, &copy)?;
        let mut compile = yarac();
        compile.arg(&copy).arg(folder.join("one.yarc")).stdout(Stdio::null()).stderr(Stdio::null());
        let status = compile.status().context("yarac does not start: it is in Debian's package yara")?;
        if status.success() {
            let mut argument = OsString::from(format!("file{total}:"));
            argument.push(&copy);
            named.push(argument);
        } else {
            std::fs::remove_file(&copy)?;
        }
    }
    ensure!(!named.is_empty(), "no rules in {}", rules.display());
    Ok((named, total))
}
