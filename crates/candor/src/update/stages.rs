//! Compiling and trying out: in the jail of workers, as for every other file and database.

use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use candor_database::Image;
use candor_update::Expectation;
use candor_update::generation::{Built, Disk, IMAGE, Staging, Trial};
use candor_update::pipeline::Stages;
use candor_update::pipeline::settings::Settings;
use candor_update::pipeline::trial::{Run, canaries};

use super::trial::Ground;
use crate::store::compile::compile;
use crate::store::signatures;
use crate::store::sources::SourceFile;

/// Attempts at measuring a generation that seems slow: somebody else may have had the processor.
const ATTEMPTS: u32 = 3;

/// The stages of this machine.
#[derive(Debug)]
pub(crate) struct Jailed<'a> {
    /// What an operator says about trying out.
    pub(crate) settings: &'a Settings,
    /// Whether to use the jail.
    pub(crate) is_jailed: bool,
}

impl Stages for Jailed<'_> {
    fn compile(&mut self, members: &[(String, PathBuf)], image: &Path) -> Result<Built, String> {
        self.build(members, image).map_err(|error| format!("{error:#}"))
    }

    fn try_out(
        &mut self,
        image: &Path,
        before: Option<&Path>,
        expectations: &[Expectation],
    ) -> Result<Trial, Vec<String>> {
        let failed = |error: anyhow::Error| vec![format!("{error:#}")];
        let bounds = self.settings.bounds();
        let probes = canaries(expectations).map_err(|error| vec![error])?;
        let ground = Ground::new(self.settings, probes);
        let mut before =
            before.map(|before| ground.run(before, self.is_jailed)).transpose().map_err(failed)?;
        let mut run = ground.run(image, self.is_jailed).map_err(failed)?;
        for _ in 1..ATTEMPTS {
            if !run.is_slow(before.as_ref(), bounds) {
                break;
            }
            let again = ground.run(image, self.is_jailed).map_err(failed)?;
            run.milliseconds = run.milliseconds.min(again.milliseconds);
        }
        // The measure for the next one is what was seen, not what it was beside.
        let faults = run.faults(before.as_ref(), bounds);
        if faults.is_empty() {
            Ok(run.record(before.take().as_ref()))
        } else {
            Err(told(&run, faults.iter().map(ToString::to_string).collect()))
        }
    }
}

/// Faults in words, and how many more there are of which nothing is told.
fn told(run: &Run, mut faults: Vec<String>) -> Vec<String> {
    let passed: u64 = run.passed.iter().sum();
    faults.push(format!("{passed} other probes were as they should be"));
    faults
}

impl Jailed<'_> {
    fn build(&self, members: &[(String, PathBuf)], image: &Path) -> anyhow::Result<Built> {
        let mut sources = Vec::new();
        for (name, path) in members {
            // Nobody but this process writes here, so no copy is needed that cannot change.
            let file = File::open(path).with_context(|| name.clone())?;
            let length = file.metadata().with_context(|| name.clone())?.len();
            sources.push(SourceFile { name: name.clone(), file, length });
        }
        let mut compiled = compile(&sources, self.is_jailed, &mut |_| ())?;
        let directory = image.parent().context("an image lies in a directory")?;
        let (length, sha256) = Staging::member(&Disk, directory, IMAGE, &mut compiled.image)?;
        let written = Image::open(&File::open(image)?)?;
        written.check()?;
        let signatures = signatures(&written);
        anyhow::ensure!(signatures > 0, "there is no signature in it that something can be found by");
        Ok(Built { length, sha256, signatures, refused: compiled.report.refused })
    }
}
