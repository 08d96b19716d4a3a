//! The ground that generations are tried out on: canaries, the bundled clean set, the customer's golden files.

use std::fs::File;
use std::io::{Seek as _, Write as _};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use candor_database::Image;
use candor_engine::{Heuristics, Options, Scanner};
use candor_model::{Interrupt, Limits, Reason};
use candor_sandbox::message::Answer;
use candor_sandbox::{Entry, Lane, Outcome, Sandbox, Setup, Task, worker};
use candor_update::pipeline::clean;
use candor_update::pipeline::settings::Settings;
use candor_update::pipeline::trial::{Expect, Probe, Run, Seen, Trouble, eicar};
use rustix::fs::{MemfdFlags, Mode, OFlags};

use super::golden;

/// Files that a worker has at once.
const BATCH: usize = 16;

/// How long a worker is waited for at once.
const SLICE: Duration = Duration::from_secs(1);

/// After how many answers the memory of a worker is looked at.
const LOOK: u64 = 8;

/// Bytes of memory that the engine may use besides the layers of a file.
const ENGINE: u64 = 512 << 20;

/// What is said when a generation cannot be tried out in a jail.
const NO_JAIL: &str = "a generation cannot be tried out in a jail here (`candor doctor` says what is missing, \
                       --no-sandbox does without)";

/// What generations are tried out on.
#[derive(Debug)]
pub(super) struct Ground {
    probes: Vec<Probe>,
    golden: Vec<PathBuf>,
    max_time: Duration,
}

/// What a file is known by while a worker has it.
struct Token {
    name: String,
    expect: Expect,
}

impl Ground {
    /// With these canaries of releases.
    pub(super) fn new(settings: &Settings, canaries: Vec<Probe>) -> Self {
        let mut probes = canaries;
        if settings.eicar {
            probes.push(eicar());
        }
        probes.extend(clean::set());
        Self {
            probes,
            golden: golden::files(&settings.golden, settings.golden_files),
            max_time: Duration::from_secs(settings.trial.max_time.max(1)),
        }
    }

    /// Of files alone: the golden ones, and these.
    pub(super) fn of_files(settings: &Settings, paths: &[PathBuf]) -> Self {
        let ground = Self::new(settings, Vec::new());
        let more = golden::files(paths, settings.golden_files);
        Self { probes: Vec::new(), golden: [ground.golden, more].concat(), ..ground }
    }

    /// Scans all of it with an image.
    pub(super) fn run(&self, image: &Path, is_jailed: bool) -> anyhow::Result<Run> {
        let mut run = Run::default();
        let (milliseconds, memory) =
            self.scan(image, is_jailed, &mut |name, expect, seen| run.note(name, expect, seen))?;
        Ok(Run { milliseconds, memory, ..run })
    }

    /// Scans all of it with an image, and tells what came of each file.
    pub(super) fn each(
        &self,
        image: &Path,
        is_jailed: bool,
        tell: &mut dyn FnMut(&str, &Seen),
    ) -> anyhow::Result<()> {
        self.scan(image, is_jailed, &mut |name, _, seen| tell(name, &seen)).map(drop)
    }

    /// Milliseconds that all took, and most bytes of private memory that a worker had.
    fn scan(
        &self,
        image: &Path,
        is_jailed: bool,
        tell: &mut dyn FnMut(&str, &Expect, Seen),
    ) -> anyhow::Result<(u64, u64)> {
        let image = Image::open(&File::open(image)?)?;
        let options = Options {
            limits: Limits::default(),
            // A canary may be found by more than the signature that it is for.
            all_matches: true,
            // They are no signatures, and the same with every generation.
            heuristics: Heuristics { enabled: false, ..Heuristics::default() },
            ..Options::default()
        };
        if !is_jailed {
            return self.scan_here(&image, &options, tell);
        }
        let max_time = Some(self.max_time);
        let memory = options.limits.max_memory.saturating_mul(3).saturating_add(ENGINE);
        let mapped = options.limits.max_file_size;
        let setup = Setup { memory, mapped, max_time, ..Setup::new(Task::Scan) };
        let sandbox = Sandbox::start(setup, |jailed| worker::scan(jailed, &image, &options, max_time))
            .context(NO_JAIL)?;
        self.scan_in(&sandbox, tell)
    }

    /// Scans all of it in these workers.
    fn scan_in(
        &self,
        sandbox: &Sandbox,
        tell: &mut dyn FnMut(&str, &Expect, Seen),
    ) -> anyhow::Result<(u64, u64)> {
        let mut most = 0;
        let mut lane: Lane<'_, Token> = Lane::new(sandbox, BATCH);
        let began = Instant::now();
        let mut answered = 0_u64;
        let mut collect = |lane: &mut Lane<'_, Token>| {
            if let Some((token, outcome)) = lane.next(SLICE) {
                answered = answered.saturating_add(1);
                tell(&token.name, &token.expect, seen(outcome));
            }
            if answered.is_multiple_of(LOOK)
                && let Some(memory) = lane.process().and_then(private_memory)
            {
                most = memory.max(most);
            }
        };
        for probe in &self.probes {
            let (file, length) = memory_file(&probe.bytes)?;
            let token = Token { name: probe.name.clone(), expect: probe.expect.clone() };
            lane.push(Entry { file, identity: None, length, name: probe.name.clone(), token });
            while !lane.has_room() {
                collect(&mut lane);
            }
        }
        for path in &self.golden {
            let flags =
                OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
            // What went away, or only another user may read, is none of this user's golden files.
            let Ok(file) = rustix::fs::open(path, flags, Mode::empty()) else { continue };
            let Ok(status) = rustix::fs::fstat(&file) else { continue };
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let token = Token { name: path.display().to_string(), expect: Expect::Golden };
            let length = u64::try_from(status.st_size).unwrap_or(0);
            lane.push(Entry { file, identity: None, length, name, token });
            while !lane.has_room() {
                collect(&mut lane);
            }
        }
        lane.flush();
        while !lane.is_empty() {
            collect(&mut lane);
        }
        Ok((u64::try_from(began.elapsed().as_millis())?, most))
    }

    /// The same without a jail.
    fn scan_here(
        &self,
        image: &Image,
        options: &Options,
        tell: &mut dyn FnMut(&str, &Expect, Seen),
    ) -> anyhow::Result<(u64, u64)> {
        let mut scanner = Scanner::new(image, options.clone());
        let began = Instant::now();
        let mut scan = |name: &str, file: &str, expect: &Expect, bytes: &[u8]| {
            let report = scanner.scan(bytes, file, &Interrupt::new());
            let found = report.findings.iter().map(|finding| finding.signature.clone()).collect();
            tell(name, expect, Seen { found, trouble: None });
        };
        for probe in &self.probes {
            scan(&probe.name, &probe.name, &probe.expect, &probe.bytes);
        }
        for path in &self.golden {
            let Ok(bytes) = std::fs::read(path) else { continue };
            let file = path.file_name().unwrap_or_default().to_string_lossy();
            scan(&path.display().to_string(), &file, &Expect::Golden, &bytes);
        }
        Ok((u64::try_from(began.elapsed().as_millis())?, 0))
    }
}

/// What came of a probe.
fn seen(outcome: Outcome) -> Seen {
    let trouble = |trouble| Seen { found: Vec::new(), trouble: Some(trouble) };
    match outcome {
        Outcome::Deadly(Reason::Timeout, _) => trouble(Trouble::TimedOut),
        Outcome::Deadly(Reason::Memory, _) => trouble(Trouble::OutOfMemory),
        Outcome::Deadly(_, why) => trouble(Trouble::Crashed(why)),
        Outcome::Answer(Answer::Defect(why)) => trouble(Trouble::Crashed(why)),
        Outcome::Answer(Answer::Scanned { report, .. }) => {
            let found = report.findings.iter().map(|finding| finding.signature.clone()).collect();
            let timed_out = report.incomplete.iter().any(|reason| matches!(reason.reason, Reason::Timeout));
            Seen { found, trouble: timed_out.then_some(Trouble::TimedOut) }
        }
        // Too large or unreadable: nothing was found in it, and that is no fault of the signatures.
        Outcome::Answer(Answer::TooLarge(_) | Answer::Unreadable(_)) => Seen::default(),
    }
}

fn memory_file(bytes: &[u8]) -> anyhow::Result<(OwnedFd, u64)> {
    let memory = rustix::fs::memfd_create("candor-probe", MemfdFlags::CLOEXEC).context("no memory")?;
    let mut file = File::from(memory);
    file.write_all(bytes).and_then(|()| file.rewind()).context("no memory")?;
    Ok((file.into(), u64::try_from(bytes.len())?))
}

/// Bytes of memory that a process has for itself, as the kernel says.
fn private_memory(process: i32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes.saturating_mul(1024))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ground(max_time: Duration) -> Ground {
        Ground { probes: clean::set(), golden: Vec::new(), max_time }
    }

    fn run(ground: &Ground, sandbox: &Sandbox) -> Run {
        let mut run = Run::default();
        ground.scan_in(sandbox, &mut |name, expect, seen| run.note(name, expect, seen)).unwrap();
        run
    }

    fn setup(max_time: Duration) -> Setup {
        Setup { max_time: Some(max_time), patience: Duration::from_millis(200), ..Setup::new(Task::Scan) }
    }

    #[test]
    fn workers_that_crash_are_seen() {
        let time = Duration::from_secs(10);
        let sandbox = Sandbox::start(setup(time), |jailed| {
            let mut ready = jailed.ready().unwrap();
            let mut descriptors = Vec::new();
            drop(ready.next(&mut descriptors));
            for descriptor in &descriptors {
                let _ = rustix::fs::seek(descriptor, rustix::fs::SeekFrom::End(0));
            }
            std::process::abort();
        });
        let run = run(&ground(time), &sandbox.unwrap());
        assert!(!run.told.is_empty());
        for (name, _, seen) in &run.told {
            assert!(matches!(seen.trouble, Some(Trouble::Crashed(_))), "{name}: {seen:?}");
        }
    }

    #[test]
    fn workers_that_hang_are_seen() {
        let time = Duration::from_millis(100);
        let sandbox = Sandbox::start(setup(time), |jailed| {
            let mut ready = jailed.ready().unwrap();
            let mut descriptors = Vec::new();
            drop(ready.next(&mut descriptors));
            for descriptor in &descriptors {
                let _ = rustix::fs::seek(descriptor, rustix::fs::SeekFrom::End(0));
            }
            loop {
                std::hint::spin_loop();
            }
        });
        let mut ground = ground(time);
        ground.probes.truncate(1);
        let run = run(&ground, &sandbox.unwrap());
        assert!(
            matches!(run.told.as_slice(), [(_, _, Seen { trouble: Some(Trouble::TimedOut), .. })]),
            "{run:?}"
        );
    }
}
