//! Many files are scanned while workers are killed, stopped, starved of memory, and while nonsense is said in their name.
//! Every file must be answered once; nothing may be found in clean files, and what was planted may not be called
//! clean; nothing may be left behind.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{IoSlice, Read as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use rustix::net::{SendAncillaryBuffer, SendFlags, sendmsg};
use rustix::process::{
    Pid, PidfdFlags, PidfdGetfdFlags, Resource, Rlimit, Signal, kill_process, pidfd_getfd, pidfd_open,
    prlimit,
};

use crate::random::Random;

/// One file in so many has something planted in it.
const PLANTED: u32 = 100;

/// The channel of a worker.
const CHANNEL: i32 = 3;

/// Seconds that a file may take, and after which a worker that stands still has ten more.
const TIME: &str = "1";

/// What was done to workers.
#[derive(Debug, Default)]
struct Done {
    killed: u32,
    stopped: u32,
    starved: u32,
    babbled: u32,
    most_descriptors: usize,
    workers: BTreeSet<i32>,
}

pub(super) fn check(candor: &Path, files: u32, seed: u64) -> anyhow::Result<String> {
    ensure!(rustix::process::geteuid().is_root(), "only root may do such things to workers");
    let folder = tempfile::tempdir()?;
    let mut random = Random::new(seed);
    plant(folder.path(), files, &mut random)?;
    let said = folder.path().join("said");
    let before = running();
    let began = Instant::now();
    let mut scan = Command::new(candor)
        .args(["scan", "--json", "--no-progress", "--jobs", "2", "--max-time", TIME])
        .arg(folder.path().join("files"))
        .stdout(Stdio::from(File::create(&said)?))
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| candor.display().to_string())?;
    let mut errors = scan.stderr.take().context("no standard error")?;
    // Somebody must read it, or the scan waits.
    let listener = std::thread::spawn(move || {
        let mut text = String::new();
        errors.read_to_string(&mut text).map(|_| text)
    });
    let done = disturb(&mut scan, &mut random)?;
    let time = began.elapsed();
    drop(listener.join());
    let said = fs::read_to_string(&said)?;
    let told = verdicts(&said, files)?;
    let reasons = ["crashed", "timeout", "memory", "unreadable"]
        .map(|code| format!("{code} {}", said.matches(&format!("\"code\":\"{code}\"")).count()));

    // They end with the one that they belong to; the kernel takes a moment.
    sleep(Duration::from_millis(500));
    let now = running();
    let left: Vec<&i32> = now.difference(&before).filter(|process| done.workers.contains(process)).collect();
    ensure!(left.is_empty(), "workers that are still there: {left:?}");
    // Two batches with a worker and one that waits, a directory for each level, and what every program has.
    ensure!(done.most_descriptors < 1000, "{} open descriptors", done.most_descriptors);
    Ok(format!(
        "{files} files in {:.0} s, workers killed {}, stopped {}, starved {}, made to babble {}: \
         {} clean, {} found, {} told to be incomplete ({}), at most {} descriptors",
        time.as_secs_f64(),
        done.killed,
        done.stopped,
        done.starved,
        done.babbled,
        told.clean,
        told.found,
        told.incomplete,
        reasons.join(", "),
        done.most_descriptors
    ))
}

fn plant(folder: &Path, files: u32, random: &mut Random) -> anyhow::Result<()> {
    let eicar = [r"X5O!P%@AP[4\PZX54(P^)7CC)7}", "$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"].concat();
    for number in 0..files {
        let place = folder.join("files").join((number / 500).to_string());
        fs::create_dir_all(&place)?;
        if number % PLANTED == 0 {
            fs::write(place.join(format!("planted-{number}")), &eicar)?;
        } else {
            let text = format!("clean file {number}\n").repeat(random.range(1, 400));
            fs::write(place.join(format!("clean-{number}")), text)?;
        }
    }
    Ok(())
}

/// Does all sorts of things to workers until the scan is over.
fn disturb(scan: &mut Child, random: &mut Random) -> anyhow::Result<Done> {
    let mut done = Done::default();
    let broker = i32::try_from(scan.id())?;
    let mut asleep: Vec<(i32, Instant)> = Vec::new();
    loop {
        if let Some(status) = scan.try_wait()? {
            ensure!(status.code().is_some_and(|code| code <= 2), "the scan ended with {status}");
            return Ok(done);
        }
        sleep(Duration::from_micros(u64::try_from(random.range(200, 6_000))?));
        let descriptors = fs::read_dir(format!("/proc/{broker}/fd")).map_or(0, Iterator::count);
        done.most_descriptors = done.most_descriptors.max(descriptors);
        asleep.retain(|(process, until)| {
            let over = Instant::now() >= *until;
            if over {
                signal(*process, Signal::CONT);
            }
            !over
        });
        let mut workers: Vec<i32> = children(broker).into_iter().flat_map(children).collect();
        done.workers.extend(&workers);
        workers.retain(|worker| lives(*worker));
        if workers.is_empty() {
            continue;
        }
        let worker = *random.pick(&workers);
        match random.range(0, 99) {
            0..50 => done.killed += u32::from(signal(worker, Signal::KILL)),
            50..60 => {
                done.stopped += u32::from(signal(worker, Signal::STOP));
                // Some are never woken.
                if !random.chance(3) {
                    asleep.push((worker, Instant::now() + Duration::from_millis(30)));
                }
            }
            60..75 => {
                let none = Rlimit { current: Some(0), maximum: Some(0) };
                let pid = Pid::from_raw(worker);
                let starved = [Resource::Data, Resource::As].map(|what| prlimit(pid, what, none).is_ok());
                done.starved += u32::from(starved == [true; 2]);
            }
            _ => done.babbled += u32::from(babble(worker, random).is_some_and(|said| said > 0)),
        }
    }
}

/// Sends noise through the channel of a worker, as if it came from it; how often, before the broker hung up.
fn babble(worker: i32, random: &mut Random) -> Option<u32> {
    // Before it has that name it has the channel of the template, and has seen no file.
    let name = fs::read_to_string(format!("/proc/{worker}/comm")).ok()?;
    if name.trim_end() != "candor-worker" {
        return None;
    }
    let process = pidfd_open(Pid::from_raw(worker)?, PidfdFlags::empty()).ok()?;
    let channel = pidfd_getfd(&process, CHANNEL, PidfdGetfdFlags::empty()).ok()?;
    let mut said = 0;
    for _ in 0..random.range(1, 5) {
        let mut noise: Vec<u8> = (0..random.range(1, 300)).map(|_| random.byte()).collect();
        if random.chance(50) {
            // As a message would begin.
            noise.splice(0..1, [1, random.byte() % 12]);
        }
        let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
        if sendmsg(&channel, &[IoSlice::new(&noise)], &mut SendAncillaryBuffer::default(), flags).is_err() {
            break;
        }
        said += 1;
    }
    Some(said)
}

fn signal(process: i32, signal: Signal) -> bool {
    Pid::from_raw(process).is_some_and(|process| kill_process(process, signal).is_ok())
}

/// Whether a process is more than a number that nobody has asked about yet.
fn lives(process: i32) -> bool {
    let text = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    text.rsplit_once(") ").is_some_and(|(_, state)| !state.starts_with(['Z', 'X']))
}

fn children(process: i32) -> Vec<i32> {
    let text = fs::read_to_string(format!("/proc/{process}/task/{process}/children")).unwrap_or_default();
    text.split_whitespace().filter_map(|number| number.parse().ok()).collect()
}

/// Processes of a jail, by number.
fn running() -> BTreeSet<i32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let is_jailed = |process: &i32| {
        fs::read_to_string(format!("/proc/{process}/comm")).is_ok_and(|name| name.starts_with("candor-"))
    };
    numbers.filter(is_jailed).collect()
}

/// How often each verdict was given.
struct Told {
    clean: usize,
    found: usize,
    incomplete: usize,
}

fn verdicts(said: &str, files: u32) -> anyhow::Result<Told> {
    let mut told: BTreeMap<String, String> = BTreeMap::new();
    for line in said.lines().filter(|line| line.starts_with("{\"type\":\"file\"")) {
        let field = |name: &str| -> Option<String> {
            Some(line.split_once(&format!("\"{name}\":\""))?.1.split_once('"')?.0.to_owned())
        };
        let (path, verdict) = field("path").zip(field("verdict")).context("a line without a verdict")?;
        ensure!(told.insert(path.clone(), verdict).is_none(), "{path} was answered twice");
    }
    ensure!(told.len() == usize::try_from(files)?, "{} answers about {files} files", told.len());
    for (path, verdict) in &told {
        let planted = path.contains("planted-");
        let wrong = if planted { "clean" } else { "infected" };
        ensure!(verdict != wrong && verdict != "suspicious", "{path} is called {verdict}");
    }
    let count = |verdict: &str| told.values().filter(|told| *told == verdict).count();
    let told = Told { clean: count("clean"), found: count("infected"), incomplete: count("incomplete") };
    // A file is told to be incomplete only when two workers in a row were hit while they had it.
    ensure!(told.incomplete * 50 <= usize::try_from(files)?, "{} files were given up", told.incomplete);
    Ok(told)
}
