//! Compiling and trying out: in the jail of workers, as for every other file and database.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use candor_database::Image;
use candor_sandbox::{Rooms, stage};
use candor_signature::clamav::Keys;
use candor_update::Expectation;
use candor_update::clamav::MOST_CONTAINER;
use candor_update::generation::{Built, Disk, IMAGE, Staging, Trial};
use candor_update::pipeline::Stages;
use candor_update::pipeline::canary::Canaries;
use candor_update::pipeline::settings::Settings;
use candor_update::pipeline::trial::{Expect, Probe, Run, canaries};

use super::trial::Ground;
use crate::store::compile::compile_signed;
use crate::store::signatures;
use crate::store::sources::SourceFile;
use crate::store::write::check_image;

/// Attempts at measuring a generation that seems slow: somebody else may have had the processor.
const ATTEMPTS: u32 = 3;

/// How long making canaries may take: it reads all signatures once.
const TIME: Duration = Duration::from_secs(10 * 60);

/// The stages of this machine.
#[derive(Debug)]
pub(crate) struct Jailed<'a> {
    /// What an operator says about trying out.
    pub(crate) settings: &'a Settings,
    /// Whose containers are believed.
    pub(crate) keys: &'a Keys,
    /// Whether to use the jail.
    pub(crate) is_jailed: bool,
    /// What was compiled: the names and paths of files of signatures.
    pub(crate) members: Vec<(String, PathBuf)>,
}

impl<'a> Jailed<'a> {
    /// With what an operator says, for containers that are signed with these keys.
    pub(crate) const fn new(settings: &'a Settings, keys: &'a Keys, is_jailed: bool) -> Self {
        Self { settings, keys, is_jailed, members: Vec::new() }
    }
}

impl Stages for Jailed<'_> {
    fn compile(
        &mut self,
        members: &[(String, PathBuf)],
        vouched: &[String],
        image: &Path,
    ) -> Result<Built, String> {
        self.members = members.to_vec();
        self.build(members, vouched, image).map_err(|error| format!("{error:#}"))
    }

    fn try_out(
        &mut self,
        image: &Path,
        before: Option<&Path>,
        expectations: &[Expectation],
    ) -> Result<Trial, Vec<String>> {
        let failed = |error: anyhow::Error| vec![format!("{error:#}")];
        let bounds = self.settings.bounds();
        let mut probes = canaries(expectations).map_err(|error| vec![error])?;
        if self.settings.own_canaries {
            probes.extend(self.own_canaries(image).map_err(failed)?);
        }
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
    fn build(
        &self,
        members: &[(String, PathBuf)],
        vouched: &[String],
        image: &Path,
    ) -> anyhow::Result<Built> {
        let mut sources = Vec::new();
        for (name, path) in members {
            // Nobody but this process writes here, so no copy is needed that cannot change.
            let file = File::open(path).with_context(|| name.clone())?;
            let length = file.metadata().with_context(|| name.clone())?.len();
            sources.push(SourceFile { name: name.clone(), file, length });
        }
        for name in vouched {
            sources.push(SourceFile::vouched(name)?);
        }
        let directory = image.parent().context("an image lies in a directory")?;
        let task = (sources.as_slice(), Some(directory));
        let mut compiled = compile_signed(task, self.keys, self.is_jailed, &mut |_| ())?;
        let (length, sha256) = Staging::member(&Disk, directory, IMAGE, &mut compiled.image)?;
        let file = File::open(image)?;
        let written = Image::open(&file)?;
        check_image(&written, &file)?;
        let signatures = signatures(&written);
        anyhow::ensure!(signatures > 0, "there is no signature in it that something can be found by");
        Ok(Built { length, sha256, signatures, refused: compiled.report.refused })
    }

    /// Canaries made of the signatures themselves, by a process that can read them and nothing else.
    fn own_canaries(&self, image: &Path) -> anyhow::Result<Vec<Probe>> {
        let work = || -> Vec<(String, String, Vec<u8>)> {
            let mut canaries = Canaries::default();
            for (name, path) in &self.members {
                let mut bytes = Vec::new();
                // What cannot be read could not be compiled either.
                if File::open(path).and_then(|file| file.take(MOST_CONTAINER).read_to_end(&mut bytes)).is_ok()
                {
                    canaries.add(name, &bytes, self.keys);
                }
            }
            let parts = |probe: Probe| match probe.expect {
                Expect::Signature(signature) => Some((probe.name, signature, probe.bytes)),
                _ => None,
            };
            canaries.finish().into_iter().filter_map(parts).collect()
        };
        let made = if self.is_jailed {
            let directory = image.parent().context("an image lies in a directory")?;
            let rooms = Rooms { reads: &[directory], writes: &[] };
            let said = stage(&rooms, TIME, || serde_json::to_vec(&work()).unwrap_or_default())?;
            serde_json::from_slice(&said).context("what the process says is no answer")?
        } else {
            work()
        };
        let probe = |(name, signature, bytes)| Probe { name, expect: Expect::Signature(signature), bytes };
        Ok(made.into_iter().map(probe).collect())
    }
}
