//! Runs the fuzz targets with libFuzzer, on a stable compiler: what `cargo fuzz` asks of a nightly one is
//! a pass that stable has too, by its flags.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};
use clap::Args;

#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// Seconds for each target.
    #[arg(long, default_value_t = 10)]
    pub(crate) seconds: u32,
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
    let mut broken = Vec::new();
    for target in &chosen {
        let corpus = seed(&root, target)?;
        let artifacts = root.join("fuzz/artifacts").join(target);
        fs::create_dir_all(&artifacts)?;
        let status = Command::new(programs.join(target))
            .arg(format!("-max_total_time={}", arguments.seconds))
            .arg(format!("-artifact_prefix={}/", artifacts.display()))
            .args([
                "-timeout=20",
                "-rss_limit_mb=2048",
                "-max_len=8192",
                "-verbosity=0",
                "-print_final_stats=1",
            ])
            .arg(&corpus)
            .status()
            .with_context(|| format!("target {target} does not start"))?;
        println!("{target}: {}", if status.success() { "holds" } else { "BROKEN" });
        if !status.success() {
            broken.push(*target);
        }
    }
    if !broken.is_empty() {
        bail!("broken: {}; the inputs are in fuzz/artifacts", broken.join(", "));
    }
    Ok(())
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
