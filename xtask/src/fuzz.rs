//! Runs the fuzz targets with libFuzzer, on a stable compiler: what `cargo fuzz` asks of a nightly one is
//! a pass that stable has too, by its flags.

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
    /// Targets that run at the same time [default: one a processor].
    #[arg(long)]
    pub(crate) jobs: Option<usize>,
    /// Targets to run; all, when none is named.
    pub(crate) targets: Vec<String>,
}

/// Counters at every edge of the program, and what it compares: libFuzzer needs both to find its way.
const FLAGS: [&str; 6] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Ccodegen-units=1",
];

/// Builds and runs the targets. What they make up is kept in `fuzz/corpus/`, what breaks something in
/// `fuzz/artifacts/`.
///
/// # Errors
/// A target broke, or could not be built.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let root = crate::root()?;
    let chosen: Vec<&str> = if arguments.targets.is_empty() {
        candor_fuzz::TARGETS.iter().map(|(name, _)| *name).collect()
    } else {
        arguments.targets.iter().map(String::as_str).collect()
    };
    let programs = build(&root)?;
    let next = AtomicUsize::new(0);
    let broken = Mutex::new(Vec::new());
    let jobs = arguments.jobs.unwrap_or_else(|| thread::available_parallelism().map_or(1, NonZero::get));
    // One after the other in each thread, so that the output of a target stays together.
    let work = || -> anyhow::Result<()> {
        while let Some(target) = chosen.get(next.fetch_add(1, Ordering::Relaxed)) {
            let output = fuzz(&root, &programs, target, arguments)?;
            let said = String::from_utf8_lossy(&output.stderr);
            let executions =
                said.lines().find_map(|line| line.strip_prefix("stat::number_of_executed_units:"));
            let executions = executions.map_or("an unknown number of", str::trim);
            if output.status.success() {
                println!("{target}: holds, {executions} executions");
            } else {
                println!("{target}: BROKEN, {executions} executions\n{said}");
                broken.lock().unwrap_or_else(PoisonError::into_inner).push(*target);
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

fn fuzz(root: &Path, programs: &Path, target: &str, arguments: &Arguments) -> anyhow::Result<Output> {
    let corpus = seed(root, target)?;
    let artifacts = root.join("fuzz/artifacts").join(target);
    fs::create_dir_all(&artifacts)?;
    Command::new(programs.join(target))
        .arg(format!("-max_total_time={}", arguments.seconds))
        .arg(format!("-runs={}", arguments.runs.map_or(String::from("-1"), |runs| runs.to_string())))
        .args(arguments.seed.map(|seed| format!("-seed={seed}")))
        .arg(format!("-artifact_prefix={}/", artifacts.display()))
        .args(["-timeout=20", "-rss_limit_mb=2048", "-max_len=8192", "-verbosity=0", "-print_final_stats=1"])
        .arg(&corpus)
        .output()
        .with_context(|| format!("target {target} does not start"))
}

/// Builds every target, and says where they are.
fn build(root: &Path) -> anyhow::Result<PathBuf> {
    let host = host()?;
    // Apart from the other artifacts: its flags would rebuild them all.
    let target = crate::target()?.join("fuzz");
    // With a target named, the flags are for the program alone and not for what runs during its build.
    let status = Command::new("cargo")
        .args(["build", "--release", "--locked", "--features", "libfuzzer", "--bins", "--target", &host])
        .arg("--manifest-path")
        .arg(root.join("fuzz/Cargo.toml"))
        .arg("--target-dir")
        .arg(&target)
        .env("RUSTFLAGS", FLAGS.join(" "))
        .status()?;
    if !status.success() {
        bail!("the fuzz targets do not build");
    }
    Ok(target.join(host).join("release"))
}

fn host() -> anyhow::Result<String> {
    let output = Command::new("rustc").arg("-vV").output()?;
    let said = String::from_utf8(output.stdout)?;
    let line = said.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(line.context("rustc does not say its host")?.to_owned())
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
    use std::fs;

    #[test]
    fn every_target_holds_on_its_seeds() {
        for (target, run) in candor_fuzz::TARGETS {
            let seeds = candor_fuzz::seeds(target);
            assert!(!seeds.is_empty(), "{target}");
            for seed in seeds {
                run(&seed);
                run(&seed[..seed.len() / 2]);
            }
            run(&[]);
        }
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
