//! Shows of the program as it is released what the tests of `candor-sandbox` show of its parts: what its workers
//! ask of the kernel, what holds when layers are missing, that no file is lost whatever happens to workers, and
//! how far one comes who has taken a worker over.

mod calls;
mod chaos;
mod exploit;
mod layers;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// What to show; all of it, when nothing is named.
    #[arg(value_enum)]
    what: Vec<What>,
    /// The program; the release build, when none is named.
    #[arg(long)]
    candor: Option<PathBuf>,
    /// Files that are scanned while workers are killed, stopped, starved, and made to talk nonsense.
    #[arg(long, default_value_t = 50_000)]
    files: u32,
    /// What all that happens by chance follows from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum What {
    /// What workers ask of the kernel, by strace, over every format.
    Calls,
    /// One verdict for every file, whatever happens to workers.
    Chaos,
    /// What somebody comes to who has taken a worker over.
    Exploit,
    /// What is shown, and what is refused, when the kernel lacks something.
    Layers,
}

/// # Errors
/// Something does not hold.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let candor = match &arguments.candor {
        Some(candor) => candor.clone(),
        None => crate::target()?.join("release/candor"),
    };
    let all = [What::Calls, What::Layers, What::Chaos, What::Exploit];
    let chosen = if arguments.what.is_empty() { &all[..] } else { &arguments.what };
    for what in chosen {
        println!("{}", show(*what, &candor, arguments.files, arguments.seed)?);
    }
    Ok(())
}

/// What `cargo xtask ci` has shown of a released program, beside the exploit.
///
/// # Errors
/// Something does not hold.
pub(crate) fn check(candor: &Path, files: u32) -> anyhow::Result<String> {
    let said: anyhow::Result<Vec<String>> = [What::Calls, What::Layers, What::Chaos]
        .into_iter()
        .map(|what| show(what, candor, files, 1))
        .collect();
    Ok(said?.join("; "))
}

/// # Errors
/// Somebody who has taken a worker over comes to something.
pub(crate) fn exploit(candor: &Path) -> anyhow::Result<String> {
    show(What::Exploit, candor, 0, 1)
}

fn show(what: What, candor: &Path, files: u32, seed: u64) -> anyhow::Result<String> {
    match what {
        What::Calls => calls::check(candor).context("the calls of workers"),
        What::Chaos => chaos::check(candor, files, seed).context("chaos"),
        What::Exploit => exploit::check(candor).context("a worker that was taken over"),
        What::Layers => layers::check(candor).context("missing layers"),
    }
}

/// The program under strace, with options of strace.
fn traced(options: &[&str], candor: &Path) -> anyhow::Result<Command> {
    let there = Command::new("strace").arg("--version").output();
    if !there.is_ok_and(|output| output.status.success()) {
        bail!("strace is needed");
    }
    let mut command = Command::new("strace");
    command.args(["-f", "-qq"]).args(options).arg(candor).env_clear();
    Ok(command)
}
