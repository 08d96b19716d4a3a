//! `tough` as a program, at whatever time is wanted.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context as _, bail, ensure};
use candor_fixtures::feed::Built;

/// Seconds between runs that remember the same: more than one takes.
const LATER: f64 = 5.0;

/// The program.
pub(super) struct Peer {
    program: PathBuf,
    /// How often each of its memories was used.
    reads: Mutex<HashMap<PathBuf, u32>>,
}

impl Peer {
    /// Builds it, in its own workspace.
    pub(super) fn build() -> anyhow::Result<Self> {
        let target = crate::target()?.join("peers");
        let status = Command::new("cargo")
            // It is used a few hundred times: to optimise it takes longer.
            .args(["--config", "profile.dev.package.\"*\".opt-level=0"])
            .args(["build", "--locked", "--manifest-path"])
            .arg(crate::root()?.join("peers/Cargo.toml"))
            .arg("--target-dir")
            .arg(&target)
            .status()?;
        ensure!(status.success(), "peers/ does not build");
        Ok(Self { program: target.join("debug/candor-peers"), reads: Mutex::default() })
    }

    /// Looks at a feed at a time. `Ok(Err)` says why it is refused.
    pub(super) fn read(
        &self,
        clock: &str,
        root: &Path,
        datastore: &Path,
        feed: &Path,
    ) -> anyhow::Result<Result<u64, String>> {
        // Time begins anew with each run and must not be seen to go back by what is remembered of the one before.
        let mut reads = self.reads.lock().unwrap_or_else(PoisonError::into_inner);
        let before = reads.entry(datastore.to_owned()).or_default();
        let later = f64::from(*before) * LATER;
        *before += 1;
        drop(reads);
        let said = self.run(clock, later, &["read".as_ref(), root, datastore, feed])?;
        if let Some(why) = said.strip_prefix("refused: ") {
            return Ok(Err(why.trim_end().to_owned()));
        }
        let version = said.strip_prefix("in: ").context("tough says nothing")?;
        Ok(Ok(version.trim_end().parse()?))
    }

    /// Makes and signs a release of one archive.
    pub(super) fn write(&self, clock: &str, arguments: &[&Path]) -> anyhow::Result<()> {
        self.run(clock, 0.0, &[&["write".as_ref()], arguments].concat()).map(drop)
    }

    /// Runs the peer so many seconds after a time.
    fn run(&self, clock: &str, later: f64, arguments: &[&Path]) -> anyhow::Result<String> {
        let (minute, seconds) = clock.trim_end_matches('Z').rsplit_once(':').context("no time")?;
        let time = format!("{}:{:06.3}", minute.replace('T', " "), seconds.parse::<f64>()? + later.min(59.0));
        let output = Command::new("faketime")
            .args(["-f", &format!("@{time}")])
            .arg(&self.program)
            .args(arguments)
            .env("TZ", "UTC")
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
            .env("NO_FAKE_STAT", "1")
            .output()
            .context("faketime is needed for this")?;
        if !output.status.success() {
            bail!("{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(String::from_utf8(output.stdout)?)
    }
}

/// Writes a feed into a folder.
pub(super) fn lay_out(feed: &Built, folder: &Path) -> anyhow::Result<()> {
    for (name, bytes) in &feed.files {
        ensure!(!name.split('/').any(|part| part == ".."), "{name} leads out of the folder");
        let path = folder.join(name);
        fs::create_dir_all(path.parent().context("a file in a folder")?)?;
        fs::write(path, bytes)?;
    }
    Ok(())
}
