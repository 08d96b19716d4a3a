//! Tasks of the workspace that are more than one cargo command: `cargo xtask --help`.
#![expect(clippy::print_stdout, reason = "a task speaks to the terminal it was started from")]

mod bench;
mod beside;
mod ci;
mod clients;
mod construct;
mod docs;
mod fuzz;
mod jail;
mod observe;
mod oracle;
mod package;
mod policy;
mod random;
mod test_file;
mod tidy;
mod tuf;
mod volumes;
mod yara;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;
use clap::Parser;

#[derive(Debug, Parser)]
#[command(about = "Tasks of the Candor workspace")]
enum Task {
    /// Measure: the matcher beside other engines, whole programs beside clamscan, images, the jail.
    Bench(bench::Arguments),
    /// Look for the same hidden things with ClamAV: markers in containers, and packed programs.
    Beside(beside::Arguments),
    /// Run every check beside the tests that must hold before a change lands.
    Ci(ci::Arguments),
    /// Use our daemon with the clients of ClamAV's that there are.
    Clients(clients::Arguments),
    /// Build a file for each of many signatures, and look for the signature in it.
    Construct(construct::Arguments),
    /// Write the pages of docs/reference that are made from the program.
    Docs(docs::Arguments),
    /// Run the fuzz targets, each for a while.
    Fuzz(fuzz::Arguments),
    /// Show of the program what its jail promises: calls, missing layers, chaos, a worker that was taken over.
    Jail(jail::Arguments),
    /// Run a command, and assert that no program of Candor comes to a network by it but those that are to.
    Observe(observe::Arguments),
    /// Compare Candor with ClamAV on random signatures and files.
    Oracle(oracle::Arguments),
    /// Build packages for Debian, or use them in the place of ClamAV's.
    Package(package::Arguments),
    /// Measure audits: an SBOM against every rule, suppliers against lists, and how well names are known.
    Policy(policy::Arguments),
    /// Check what the compiler does not: dependencies between crates, sizes, places of `unsafe`, words.
    Tidy,
    /// Compare the verifier of feeds with tough, a client of The Update Framework by others.
    Tuf(tuf::Arguments),
    /// Compare what is read of file systems with the programs that make them.
    Volumes(volumes::Arguments),
    /// Compare Candor with YARA: what modules say, rules that people wrote, random rules.
    Yara(yara::Arguments),
}

fn main() -> anyhow::Result<()> {
    match Task::parse() {
        Task::Bench(arguments) => bench::run(&arguments),
        Task::Beside(arguments) => beside::run(&arguments),
        Task::Ci(arguments) => ci::run(&arguments),
        Task::Clients(arguments) => clients::run(&arguments),
        Task::Construct(arguments) => construct::run(&arguments),
        Task::Docs(arguments) => docs::run(&arguments),
        Task::Fuzz(arguments) => fuzz::run(&arguments),
        Task::Jail(arguments) => jail::run(&arguments),
        Task::Observe(arguments) => observe::run(&arguments),
        Task::Oracle(arguments) => oracle::run(&arguments),
        Task::Package(arguments) => package::run(&arguments),
        Task::Policy(arguments) => policy::run(&arguments),
        Task::Tidy => tidy::run(),
        Task::Tuf(arguments) => tuf::run(&arguments).map(|said| println!("{said}")),
        Task::Volumes(arguments) => volumes::run(&arguments).map(|said| println!("{said}")),
        Task::Yara(arguments) => yara::run(&arguments),
    }
}

/// The root of the workspace.
fn root() -> anyhow::Result<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("xtask stands in the workspace")?;
    Ok(root.to_path_buf())
}

/// The folder of what is built.
fn target() -> anyhow::Result<PathBuf> {
    Ok(std::env::var_os("CARGO_TARGET_DIR").map_or(root()?.join("target"), PathBuf::from))
}

/// Runs a command.
///
/// # Errors
/// It does not start, or does not succeed.
fn succeed(command: &mut Command) -> anyhow::Result<()> {
    let status = command.status().with_context(|| format!("{command:?}"))?;
    if !status.success() {
        anyhow::bail!("{command:?} ended with {status}");
    }
    Ok(())
}

/// What the compiler calls this machine.
fn host() -> anyhow::Result<String> {
    let output = Command::new("rustc").arg("-vV").output()?;
    let said = String::from_utf8(output.stdout)?;
    let line = said.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(line.context("rustc does not say its host")?.to_owned())
}
