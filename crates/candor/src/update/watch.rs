//! Watching a generation, and taking it back: for the daemon, which notes every file that it looks at, and for machines
//! without one, where the active generation is compared with the one before over files that are there.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use candor_update::generation::{Active, Cause, Disk, Store, StoreError};
use candor_update::pipeline::settings::Settings;
use candor_update::pipeline::trial::Trouble;
use candor_update::pipeline::watch::{Counts, Decision, Sighting, Watch};

use super::place::{self, now};
use super::trial::Ground;

/// How long somebody else may hold the store before it is given up.
const PATIENCE: Duration = Duration::from_secs(40);

/// What a comparison came to.
#[derive(Debug)]
pub(crate) struct Compared {
    /// The generation that is active.
    pub(crate) generation: u64,
    /// What was counted.
    pub(crate) counts: Counts,
    /// What is to be done.
    pub(crate) decision: Option<Decision>,
}

/// Scans files with the generation before and with the active one; `None` when there is none before.
///
/// # Errors
/// They cannot be scanned.
pub(crate) fn compare(
    root: &Path,
    settings: &Settings,
    paths: &[PathBuf],
    is_jailed: bool,
) -> anyhow::Result<Option<Compared>> {
    let active = place::active(root)?.ok_or(StoreError::NoneActive)?;
    let store = Store::view(Disk, root)?;
    let Some(before) = active.record()?.previous.filter(|number| store.directory(*number).is_dir()) else {
        return Ok(None);
    };
    let before = Active { number: before, directory: store.directory(before) };
    let ground = Ground::of_files(settings, paths);
    let mut watch = Watch::new(settings.thresholds());
    let mut decision = None;
    for image in [&before, &active] {
        if image.number == active.number {
            watch.change();
        }
        ground.each(&image.image(), is_jailed, &mut |path, seen| {
            let sighting = match (&seen.trouble, seen.found.is_empty()) {
                (Some(Trouble::Crashed(_) | Trouble::OutOfMemory), _) => Sighting::Crashed,
                (Some(Trouble::TimedOut), _) => Sighting::TimedOut,
                (None, true) => Sighting::Clean,
                (None, false) => Sighting::Found,
            };
            if let Some(decided) = watch.note(Some(path), sighting) {
                decision = Some(decided);
            }
        })?;
    }
    Ok(Some(Compared { generation: active.number, counts: watch.counts(), decision }))
}

/// Does what was decided about a generation, if it is still the active one; says which one is active then.
///
/// # Errors
/// It cannot be done.
pub fn carry_out(root: &Path, generation: u64, decision: &Decision) -> anyhow::Result<u64> {
    let began = Instant::now();
    let (_lock, mut store) = loop {
        match Store::lock(root, now()) {
            // An update that is running takes seconds; what is active now is taken back all the same.
            Err(StoreError::Busy(_)) if began.elapsed() < PATIENCE => {
                std::thread::sleep(Duration::from_millis(200));
            }
            locked => break locked?,
        }
    };
    match store.active() {
        Some(active) if active == generation => (),
        // Somebody was faster.
        Some(active) => return Ok(active),
        None => return Err(StoreError::NoneActive.into()),
    }
    match decision {
        Decision::RollBack(reason) => Ok(store.roll_back(Cause::Watch { reason: reason.clone() }, now())?),
        Decision::Hold(reason) => {
            store.report_only(true, reason, now())?;
            Ok(generation)
        }
    }
}
