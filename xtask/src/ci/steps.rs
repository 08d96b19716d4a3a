//! The steps. Each is what a person would type, so that a failure can be repeated by hand.

use std::fs;
use std::io::BufReader;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};
use clap::Parser as _;

use super::{Arguments, Step};
use crate::{docs, fuzz, oracle, tidy};

pub(super) const STEPS: [Step; 10] = [
    Step { name: "fmt", run: fmt },
    Step { name: "tidy", run: |_| tidy::run().map(|()| String::new()) },
    Step { name: "docs", run: |_| docs::run(&docs::Arguments { check: true }).map(|()| String::new()) },
    Step { name: "clippy", run: clippy },
    Step { name: "test", run: test },
    Step { name: "doctest", run: doctest },
    Step { name: "rustdoc", run: rustdoc },
    Step { name: "release", run: release },
    Step { name: "oracle", run: oracle },
    Step { name: "fuzz", run: fuzz },
];

/// Workspaces beside the main one.
const OTHERS: [&str; 2] = ["benches/Cargo.toml", "fuzz/Cargo.toml"];

/// Folders that the scan step goes over, when they are there: what is on every machine, and this repository.
const SCANNED: [&str; 3] = ["/usr/bin", "/etc", "docs"];

fn fmt(_: &Arguments) -> anyhow::Result<String> {
    cargo(&["fmt", "--all", "--check"])?;
    for manifest in OTHERS {
        cargo(&["fmt", "--manifest-path", manifest, "--check"])?;
    }
    Ok(String::new())
}

fn clippy(_: &Arguments) -> anyhow::Result<String> {
    cargo(&["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"])?;
    Ok(String::new())
}

/// Runs all tests, with nextest when it is there. Says how many there were.
fn test(_: &Arguments) -> anyhow::Result<String> {
    let nextest = Command::new("cargo").args(["nextest", "--version"]).output();
    let arguments: &[&str] = if nextest.is_ok_and(|output| output.status.success()) {
        &["nextest", "run", "--workspace", "--locked", "--no-fail-fast", "--status-level", "fail"]
    } else {
        &["test", "--workspace", "--locked", "--no-fail-fast", "--quiet", "--lib", "--bins", "--tests"]
    };
    // nextest reports on standard error, the built-in harness on standard output.
    let mut child = command(arguments)?.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let output = child.stdout.take().context("standard output is piped")?;
    let errors = child.stderr.take().context("standard error is piped")?;
    let other = std::thread::spawn(move || summary(BufReader::new(errors)));
    let mut counted = summary(BufReader::new(output));
    counted.extend(other.join().map_err(|_| anyhow::anyhow!("reading standard error failed"))?);
    if !child.wait()?.success() {
        bail!("tests failed");
    }
    Ok(count(&counted))
}

/// Passes lines on, and keeps those that count tests.
fn summary(lines: impl std::io::BufRead) -> Vec<String> {
    let mut kept = Vec::new();
    for line in lines.lines().map_while(Result::ok) {
        println!("{line}");
        if line.contains("tests run:") || line.starts_with("test result:") {
            kept.push(line);
        }
    }
    kept
}

/// The line of nextest as it is, or the sum over those of the built-in harness.
fn count(lines: &[String]) -> String {
    if let Some(line) =
        lines.iter().find_map(|line| line.split_once("] ").filter(|_| line.contains("tests run:")))
    {
        return line.1.trim().to_owned();
    }
    let passed = |line: &String| line.split_whitespace().nth(3)?.parse::<u64>().ok();
    format!("{} tests run, all passed", lines.iter().filter_map(passed).sum::<u64>())
}

fn doctest(_: &Arguments) -> anyhow::Result<String> {
    cargo(&["test", "--workspace", "--doc", "--locked", "--quiet"])?;
    Ok(String::new())
}

fn rustdoc(_: &Arguments) -> anyhow::Result<String> {
    let mut command = command(&["doc", "--workspace", "--no-deps", "--locked", "--quiet"])?;
    succeed(command.env("RUSTDOCFLAGS", "-D warnings"))?;
    Ok(String::new())
}

/// Builds the program as it is released, and scans: nothing that is on every machine may be found, and the
/// test file must be.
fn release(_: &Arguments) -> anyhow::Result<String> {
    cargo(&["build", "--release", "--locked", "--package", "candor"])?;
    let root = crate::root()?;
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let candor = target.join("release/candor");
    let folders = SCANNED.iter().map(|folder| root.join(folder)).filter(|folder| folder.exists());
    let status = Command::new(&candor).arg("scan").args(folders).status()?;
    match status.code() {
        // What cannot be read or is damaged is incomplete, which says nothing about the program.
        Some(0 | 2) => {}
        Some(1) => bail!("something was found on a machine without malware"),
        _ => bail!("the scan ended with {status}"),
    }
    let folder = tempfile::tempdir()?;
    let eicar = folder.path().join("eicar.com");
    fs::write(
        &eicar,
        [r"X5O!P%@AP[4\PZX54(P^)7CC)7}", "$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"].concat(),
    )?;
    let status = Command::new(&candor).arg("scan").arg(&eicar).status()?;
    if status.code() != Some(1) {
        bail!("the EICAR test file was not found");
    }
    Ok(format!("{} bytes", fs::metadata(&candor)?.len()))
}

fn oracle(arguments: &Arguments) -> anyhow::Result<String> {
    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        arguments: oracle::Arguments,
    }
    let found =
        Command::new("clamscan").arg("--version").output().context("clamscan is needed for this step")?;
    let cases = arguments.oracle_cases.to_string();
    let line = Line::try_parse_from(["oracle", "--cases", &cases])?;
    oracle::run(&line.arguments)?;
    Ok(format!("{cases} cases, {}", String::from_utf8_lossy(&found.stdout).trim()))
}

fn fuzz(arguments: &Arguments) -> anyhow::Result<String> {
    fuzz::run(&fuzz::Arguments { seconds: arguments.fuzz_seconds, targets: Vec::new() })?;
    Ok(format!("{} targets", candor_fuzz::TARGETS.len()))
}

fn command(arguments: &[&str]) -> anyhow::Result<Command> {
    let mut command = Command::new("cargo");
    command.current_dir(crate::root()?).args(arguments);
    Ok(command)
}

fn cargo(arguments: &[&str]) -> anyhow::Result<()> {
    succeed(&mut command(arguments)?)
}

fn succeed(command: &mut Command) -> anyhow::Result<()> {
    let status = command.status().with_context(|| format!("{command:?}"))?;
    if !status.success() {
        bail!("{command:?} ended with {status}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::count;

    #[test]
    fn tests_are_counted_whoever_runs_them() {
        let nextest = ["     Summary [   3.1s] 44 tests run: 44 passed, 0 skipped".to_owned()];
        assert_eq!(count(&nextest), "44 tests run: 44 passed, 0 skipped");
        let own = [
            "test result: ok. 5 passed; 0 failed".to_owned(),
            "test result: ok. 7 passed; 0 failed".to_owned(),
        ];
        assert_eq!(count(&own), "12 tests run, all passed");
    }
}
