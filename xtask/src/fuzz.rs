//! Runs the fuzz targets with libFuzzer, on a stable compiler: what `cargo fuzz` asks of a nightly one is
//! a pass that stable has too, by its flags.

use std::collections::BTreeMap;
use std::fs;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use anyhow::{Context as _, bail};
use clap::Args;

#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// Seconds for each target.
    #[arg(long, default_value_t = 10)]
    pub(crate) seconds: u32,
    /// Executions of each target at most.
    #[arg(long)]
    pub(crate) runs: Option<u64>,
    /// Where the random numbers begin; by chance, when it is left out.
    #[arg(long)]
    pub(crate) seed: Option<u32>,
    /// Run each target only as far as it has this many executions in `fuzz/executions.tsv`, those with the fewest
    /// first, and count them there.
    #[arg(long)]
    pub(crate) up_to: Option<u64>,
    /// Targets that run at the same time [default: one a processor].
    #[arg(long)]
    pub(crate) jobs: Option<usize>,
    /// One program for all targets, less optimised and with counters in Candor's own crates alone: built soon, for few
    /// executions.
    #[arg(long)]
    pub(crate) quick: bool,
    /// Targets to run; all, when none is named.
    pub(crate) targets: Vec<String>,
}

/// Counters at every edge of the program, and what it compares: libFuzzer needs both to find its way.
const FLAGS: [&str; 5] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
];

/// Builds and runs the targets. What they make up is kept in `fuzz/corpus/`, what breaks something in
/// `fuzz/artifacts/`.
///
/// # Errors
/// A target broke, or could not be built.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let root = crate::root()?;
    let mut chosen: Vec<&str> = if arguments.targets.is_empty() {
        candor_fuzz::TARGETS.iter().map(|(name, _)| *name).collect()
    } else {
        arguments.targets.iter().map(String::as_str).collect()
    };
    let count = Mutex::new(Count::read(&root)?);
    if let Some(goal) = arguments.up_to {
        let count = count.lock().unwrap_or_else(PoisonError::into_inner);
        chosen.retain(|target| count.of(target) < goal);
        chosen.sort_by_key(|target| count.of(target));
    }
    let programs = if arguments.quick { build_any(&root)? } else { build_each(&root)? };
    let next = AtomicUsize::new(0);
    let broken = Mutex::new(Vec::new());
    let jobs = arguments.jobs.unwrap_or_else(|| thread::available_parallelism().map_or(1, NonZero::get));
    // One after the other in each thread, so that the output of a target stays together.
    let work = || -> anyhow::Result<()> {
        while let Some(target) = chosen.get(next.fetch_add(1, Ordering::Relaxed)) {
            let before = count.lock().unwrap_or_else(PoisonError::into_inner).of(target);
            let runs = arguments.up_to.map(|goal| goal.saturating_sub(before)).or(arguments.runs);
            let output = fuzz(&root, &programs, target, arguments, runs)?;
            let said = String::from_utf8_lossy(&output.stderr);
            let number =
                |name: &str| said.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
            let executions: Option<u64> = number("stat::number_of_executed_units:");
            let slowest: Option<u64> = number("stat::slowest_unit_time_sec:");
            let told = executions.map_or_else(|| String::from("an unknown number of"), |it| it.to_string());
            // A run that is short, on whatever machine, says nothing of seconds.
            let is_slow = arguments.up_to.is_some() && slowest.is_some_and(|seconds| seconds > SLOWEST);
            let held = output.status.success() && !is_slow;
            if held {
                println!("{target}: holds, {told} executions");
            } else {
                println!("{target}: BROKEN, {told} executions\n{said}");
                broken.lock().unwrap_or_else(PoisonError::into_inner).push(*target);
            }
            // What was executed before a fault was found says nothing of what is there once it is mended.
            if let (Some(executions), Some(_), true) = (executions, arguments.up_to, held) {
                count.lock().unwrap_or_else(PoisonError::into_inner).add(target, executions)?;
            }
        }
        Ok(())
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..jobs.max(1)).map(|_| scope.spawn(work)).collect();
        workers.into_iter().try_for_each(|worker| match worker.join() {
            Ok(outcome) => outcome,
            Err(_) => bail!("a thread panicked"),
        })
    })?;
    let broken = broken.into_inner().unwrap_or_else(PoisonError::into_inner);
    if !broken.is_empty() {
        bail!("broken: {}; the inputs are in fuzz/artifacts", broken.join(", "));
    }
    Ok(())
}

fn fuzz(
    root: &Path,
    programs: &Programs,
    target: &str,
    arguments: &Arguments,
    runs: Option<u64>,
) -> anyhow::Result<Output> {
    let corpus = seed(root, target)?;
    let artifacts = root.join("fuzz/artifacts").join(target);
    fs::create_dir_all(&artifacts)?;
    programs
        .command(target)
        .arg(format!("-max_total_time={}", arguments.seconds))
        .arg(format!("-runs={}", runs.map_or(String::from("-1"), |runs| runs.to_string())))
        .args(arguments.seed.map(|seed| format!("-seed={seed}")))
        .arg(format!("-artifact_prefix={}/", artifacts.display()))
        .args(["-timeout=20", "-report_slow_units=2", "-rss_limit_mb=2048", "-max_len=8192"])
        .args(["-verbosity=0", "-print_final_stats=1"])
        .arg(&corpus)
        .output()
        .with_context(|| format!("target {target} does not start"))
}

/// Seconds of the clock that one execution may take, on a machine that does other things as well.
const SLOWEST: u64 = 2;

/// How often each target was executed without finding anything since the table was begun: a file beside the targets.
struct Count {
    file: PathBuf,
    executions: BTreeMap<String, u64>,
}

impl Count {
    fn read(root: &Path) -> anyhow::Result<Self> {
        let file = root.join("fuzz/executions.tsv");
        let text = fs::read_to_string(&file).unwrap_or_default();
        let rows = text.lines().filter_map(|line| line.split_once('\t'));
        let executions = rows
            .map(|(target, number)| Ok((target.to_owned(), number.parse()?)))
            .collect::<anyhow::Result<_>>()?;
        Ok(Self { file, executions })
    }

    fn of(&self, target: &str) -> u64 {
        self.executions.get(target).copied().unwrap_or(0)
    }

    fn add(&mut self, target: &str, more: u64) -> anyhow::Result<()> {
        let sum = self.of(target).saturating_add(more);
        self.executions.insert(target.to_owned(), sum);
        let rows: String =
            self.executions.iter().map(|(target, number)| format!("{target}\t{number}\n")).collect();
        Ok(fs::write(&self.file, rows)?)
    }
}

/// What runs the targets.
enum Programs {
    /// A folder with one for each.
    Each(PathBuf),
    /// One for all.
    Any(PathBuf),
}

impl Programs {
    fn command(&self, target: &str) -> Command {
        match self {
            Self::Each(folder) => Command::new(folder.join(target)),
            Self::Any(program) => {
                let mut command = Command::new(program);
                command.env("CANDOR_FUZZ", target);
                command
            }
        }
    }
}

/// Builds every target by itself, optimised, with counters in all libraries.
fn build_each(root: &Path) -> anyhow::Result<Programs> {
    let host = crate::host()?;
    // Apart from the other artifacts: its flags would rebuild them all.
    let target = crate::target()?.join("fuzz");
    let mut command = cargo_build(root, &target);
    // With a target named, the flags are for the program alone and not for what runs during its build.
    command.args(["--release", "--bins", "--target", &host]).env("RUSTFLAGS", FLAGS.join(" "));
    crate::succeed(&mut command)?;
    Ok(Programs::Each(target.join(host).join("release")))
}

/// Builds one program for all targets, with counters in Candor's own crates alone: libraries are those of the tests, which are
/// built already when these have run.
fn build_any(root: &Path) -> anyhow::Result<Programs> {
    let target = crate::target()?;
    let mut command = cargo_build(root, &target);
    command.args(["--bin", "any"]);
    for name in own_crates(root)? {
        // Built in a fraction of the time; and no other build has just this profile, whose artifacts would be taken for these.
        command.arg("--config").arg(format!("profile.dev.package.{name}.opt-level=0"));
    }
    command.env("RUSTC_WRAPPER", root.join("fuzz/instrument.sh")).env("CANDOR_FUZZ_FLAGS", FLAGS.join(" "));
    crate::succeed(&mut command)?;
    Ok(Programs::Any(target.join("debug/any")))
}

/// Candor's crates that the targets are made of.
fn own_crates(root: &Path) -> anyhow::Result<Vec<String>> {
    let lock = fs::read_to_string(root.join("fuzz/Cargo.lock"))?;
    let names = lock.lines().filter_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'));
    Ok(names.filter(|name| name.starts_with("candor-")).map(str::to_owned).collect())
}

fn cargo_build(root: &Path, target: &Path) -> Command {
    let mut command = Command::new("cargo");
    command.args(["build", "--locked", "--features", "libfuzzer", "--manifest-path"]);
    command.arg(root.join("fuzz/Cargo.toml")).arg("--target-dir").arg(target);
    command
}

/// A folder of inputs to start from.
fn seed(root: &Path, target: &str) -> anyhow::Result<PathBuf> {
    let corpus = root.join("fuzz/corpus").join(target);
    fs::create_dir_all(&corpus)?;
    for (number, input) in candor_fuzz::seeds(target).into_iter().enumerate() {
        fs::write(corpus.join(format!("seed-{number}")), input)?;
    }
    Ok(corpus)
}

#[cfg(test)]
mod tests {
    use std::{fs, thread};

    use super::Count;

    #[test]
    fn executions_are_added_up_in_a_file() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("fuzz")).unwrap();
        let mut count = Count::read(folder.path()).unwrap();
        assert_eq!(count.of("unpack_zip"), 0);
        count.add("unpack_zip", 5).unwrap();
        count.add("scan", 1).unwrap();
        count.add("unpack_zip", 2).unwrap();
        let again = Count::read(folder.path()).unwrap();
        assert_eq!((again.of("unpack_zip"), again.of("scan"), again.of("identify")), (7, 1, 0));
        fs::write(folder.path().join("fuzz/executions.tsv"), "scan\tmany\n").unwrap();
        assert!(Count::read(folder.path()).is_err());
    }

    #[test]
    fn every_target_holds_on_its_seeds() {
        let (some, others) = candor_fuzz::TARGETS.split_at(candor_fuzz::TARGETS.len() / 2);
        let hold = |targets: &[(&str, candor_fuzz::Target)]| {
            for (target, run) in targets {
                let seeds = candor_fuzz::seeds(target);
                assert!(!seeds.is_empty(), "{target}");
                for seed in seeds {
                    run(&seed);
                    run(&seed[..seed.len() / 2]);
                }
                run(&[]);
            }
        };
        thread::scope(|scope| {
            scope.spawn(|| hold(some));
            hold(others);
        });
    }

    #[test]
    fn what_once_broke_a_target_holds() {
        let folder = crate::root().unwrap().join("fuzz/regressions");
        let known: Vec<_> = candor_fuzz::TARGETS.iter().map(|(name, _)| *name).collect();
        for target in fs::read_dir(folder).unwrap() {
            let target = target.unwrap();
            let name = target.file_name().into_string().unwrap();
            if !target.path().is_dir() {
                continue;
            }
            assert!(known.contains(&name.as_str()), "{name} is no target");
            for input in fs::read_dir(target.path()).unwrap() {
                candor_fuzz::run(&name, &fs::read(input.unwrap().path()).unwrap());
            }
        }
    }
}
