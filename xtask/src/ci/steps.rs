//! The steps. Each is what a person would type, so that a failure can be repeated by hand.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, bail};
use clap::Parser as _;

use super::{Arguments, Step};
use crate::{clients, construct, docs, fuzz, jail, oracle, package, succeed, tidy, tuf, yara};

pub(super) const STEPS: [Step; 18] = [
    Step { name: "fmt", run: fmt },
    Step { name: "tidy", run: |_| tidy::run().map(|()| String::new()) },
    Step { name: "docs", run: |_| docs::run(&docs::Arguments { check: true }).map(|()| String::new()) },
    Step { name: "clippy", run: clippy },
    Step { name: "rustdoc", run: rustdoc },
    Step { name: "release", run: release },
    Step { name: "nothing", run: nothing },
    Step { name: "eicar", run: eicar },
    Step { name: "forms", run: forms },
    Step { name: "jail", run: jail },
    Step { name: "exploit", run: exploit },
    Step { name: "package", run: package },
    Step { name: "clients", run: clients },
    Step { name: "tuf", run: |_| tuf::run(&tuf::Arguments { changed: 200, seed: 1, write: false }) },
    Step { name: "construct", run: construct },
    Step { name: "oracle", run: oracle },
    Step { name: "yara", run: yara },
    Step { name: "fuzz", run: fuzz },
];

/// Workspaces beside the main one.
const OTHERS: [&str; 2] = ["benches", "fuzz"];

/// Cases of the comparison with YARA.
const YARA_CASES: usize = 3_000;

/// Folders in which nothing may be found, when they are there: what is on every machine, and this repository.
const SCANNED: [&str; 3] = ["/usr/bin", "/etc", "docs"];

fn fmt(_: &Arguments) -> anyhow::Result<String> {
    cargo(&["fmt", "--all", "--check"])?;
    for workspace in OTHERS {
        cargo(&["fmt", "--manifest-path", &format!("{workspace}/Cargo.toml"), "--check"])?;
    }
    Ok(String::new())
}

fn clippy(_: &Arguments) -> anyhow::Result<String> {
    cargo(&["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"])?;
    for workspace in OTHERS {
        // The targets of the fuzzer among them: most of their programs are built by no step.
        let manifest = format!("{workspace}/Cargo.toml");
        let mut command = command(&["clippy", "--locked", "--all-features", "--manifest-path", &manifest])?;
        succeed(command.args(["--", "-D", "warnings"]))?;
    }
    Ok(String::new())
}

fn rustdoc(_: &Arguments) -> anyhow::Result<String> {
    let mut command = command(&["doc", "--workspace", "--no-deps", "--locked", "--quiet"])?;
    succeed(command.env("RUSTDOCFLAGS", "-D warnings"))?;
    Ok(String::new())
}

/// Builds the program as it is released.
fn release(_: &Arguments) -> anyhow::Result<String> {
    cargo(&["build", "--release", "--locked", "--package", "candor"])?;
    Ok(format!("{} bytes", fs::metadata(candor()?)?.len()))
}

/// The program that the step `release` builds.
fn candor() -> anyhow::Result<PathBuf> {
    Ok(crate::target()?.join("release/candor"))
}

/// Scans what is on every machine: nothing may be found.
fn nothing(_: &Arguments) -> anyhow::Result<String> {
    let root = crate::root()?;
    let folders = SCANNED.iter().map(|folder| root.join(folder)).filter(|folder| folder.exists());
    let status = Command::new(candor()?).args(["scan", "--only-findings"]).args(folders).status()?;
    match status.code() {
        // What cannot be read or is damaged is incomplete, which says nothing about the program.
        Some(code @ (0 | 2)) => Ok(format!("exit status {code}")),
        Some(1) => bail!("something was found on a machine without malware"),
        _ => bail!("the scan ended with {status}"),
    }
}

/// Scans the test file: it must be found.
fn eicar(_: &Arguments) -> anyhow::Result<String> {
    let folder = tempfile::tempdir()?;
    let eicar = folder.path().join("eicar.com");
    fs::write(
        &eicar,
        [r"X5O!P%@AP[4\PZX54(P^)7CC)7}", "$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"].concat(),
    )?;
    let status = Command::new(candor()?).arg("scan").arg(&eicar).status()?;
    if status.code() != Some(1) {
        bail!("the EICAR test file was not found");
    }
    Ok(String::new())
}

/// Compares the report of an audit that is in XML with its published schema; those in JSON are compared in tests.
fn forms(_: &Arguments) -> anyhow::Result<String> {
    let folder = tempfile::tempdir()?;
    let schema = crate::root()?.join("testdata/schemas/junit-4.xsd");
    let component = r#"{"type": "application", "name": "Kaspersky Endpoint Security for Linux", "version": "12.1",
        "supplier": {"name": "AO Kaspersky Lab"}, "purl": "pkg:deb/debian/kesl@12.1"}"#;
    for (name, components, expected) in [("product", component, 1), ("nothing", "", 0)] {
        let (list, report) =
            (folder.path().join(format!("{name}.json")), folder.path().join(format!("{name}.xml")));
        let text = format!(
            r#"{{"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "components": [{components}]}}"#
        );
        fs::write(&list, text)?;
        let mut audit = Command::new(candor()?);
        let status = audit.arg("audit").arg(&list).args(["--format", "junit", "-o"]).arg(&report).status()?;
        if status.code() != Some(expected) {
            bail!("the audit of {name} ends with {status}");
        }
        let status = Command::new("xmllint").args(["--noout", "--schema"]).arg(&schema).arg(&report).status();
        if !status.context("xmllint")?.success() {
            bail!("the report of {name} is not as the schema of JUnit says");
        }
    }
    Ok(String::new())
}

/// Shows of the program what its jail promises.
fn jail(_: &Arguments) -> anyhow::Result<String> {
    jail::check(&candor()?, 20_000)
}

/// Takes workers over, and looks how far that goes.
fn exploit(_: &Arguments) -> anyhow::Result<String> {
    jail::exploit(&candor()?)
}

/// Programs that the tests have built, where they are.
fn tested(names: &[&str]) -> anyhow::Result<Option<PathBuf>> {
    let debug = crate::target()?.join("debug");
    Ok(names.iter().all(|name| debug.join(name).is_file()).then_some(debug))
}

/// Looks at the units, and puts packages into the place of ClamAV's: of the programs that the tests have built, where they are.
fn package(_: &Arguments) -> anyhow::Result<String> {
    let built = tested(&["candor", "candord", "candor-clamav", "candor-fetch", "candor-token"])?;
    Ok(format!("{}; {}", package::units()?, package::check(built.as_deref())?))
}

/// Uses the daemon with the clients that are here and quick to try.
fn clients(_: &Arguments) -> anyhow::Result<String> {
    let built = tested(&["candord", "candor-clamav"])?;
    let program = |name: &str| built.as_ref().map(|folder| folder.join(name));
    let (daemon, commands) = (program("candord"), program("candor-clamav"));
    clients::run(&clients::Arguments::with(daemon, commands)).map(|()| String::new())
}

fn construct(_: &Arguments) -> anyhow::Result<String> {
    let count = 3_000;
    construct::run(&construct::Arguments { folder: None, count, seed: 1 })?;
    Ok(format!("{count} signatures"))
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

/// Compares rules made at random with Debian's `yara`.
fn yara(_: &Arguments) -> anyhow::Result<String> {
    let found = Command::new("yara").arg("--version").output().context("yara is needed for this step")?;
    let said = yara::random(YARA_CASES, 2)?;
    Ok(format!("{said}, version {}", String::from_utf8_lossy(&found.stdout).trim()))
}

fn fuzz(arguments: &Arguments) -> anyhow::Result<String> {
    // The same inputs every time: what a change broke is told from what chance found.
    fuzz::run(&fuzz::Arguments {
        seconds: arguments.fuzz_seconds,
        runs: Some(10_000),
        up_to: None,
        seed: Some(1),
        jobs: None,
        quick: true,
        targets: Vec::new(),
    })?;
    Ok(format!("{} targets", candor_fuzz::TARGETS.len()))
}

fn command(arguments: &[&str]) -> anyhow::Result<Command> {
    let mut command = Command::new("cargo");
    // One folder for all workspaces: they have most of their dependencies in common.
    command.current_dir(crate::root()?).env("CARGO_TARGET_DIR", crate::target()?).args(arguments);
    Ok(command)
}

fn cargo(arguments: &[&str]) -> anyhow::Result<()> {
    succeed(&mut command(arguments)?)
}
