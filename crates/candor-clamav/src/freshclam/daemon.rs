//! Checks again and again.

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use candor_update::clamav::Level;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1};

use super::conf::Configuration;
use super::tell::Teller;

/// How often it is looked whether a signal came.
const LOOK: Duration = Duration::from_millis(200);
const DAY: u64 = 24 * 3600;

/// Starts this program once more, without a terminal, and leaves it alone.
pub(super) fn detach(arguments: &[OsString], teller: &mut Teller) -> u8 {
    let started = std::env::current_exe().and_then(|program| {
        let is_all = program.file_name().is_some_and(|name| name == "candor-clamav");
        let mut command = Command::new(program);
        if is_all {
            command.arg("freshclam");
        }
        command.args(arguments).arg("--foreground").process_group(0);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()
    });
    match started {
        Ok(_) => 0,
        Err(error) => {
            teller.say(Level::Error, &format!("it cannot be started in the background: {error}"));
            super::FAILURE
        }
    }
}

/// Checks as often a day as is wished, and whenever `SIGUSR1` comes, until it is told to end.
pub(super) fn repeat(
    configured: &Configuration,
    teller: &mut Teller,
    check: &mut dyn FnMut(&mut Teller) -> u8,
) -> u8 {
    let checks = u64::from(configured.number("checks").unwrap_or(12));
    if !(1..=50).contains(&checks) {
        teller.say(Level::Error, "Number of checks must be between 1 and 50.");
        return super::CONFIGURATION;
    }
    let (end, wake) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let told = [(SIGTERM, &end), (SIGINT, &end), (SIGUSR1, &wake), (SIGHUP, &wake)];
    for (signal, flag) in told {
        if let Err(error) = signal_hook::flag::register(signal, Arc::clone(flag)) {
            teller.say(Level::Error, &format!("signals cannot be taken: {error}"));
            return super::FAILURE;
        }
    }
    let pid = configured.text("pid").map(PathBuf::from);
    if let Some(path) = &pid
        && let Err(error) = std::fs::write(path, format!("{}\n", std::process::id()))
    {
        teller.say(Level::Error, &format!("Can't save PID in file {}: {error}", path.display()));
    }
    let period = Duration::from_secs(DAY / checks);
    while !end.load(Ordering::Relaxed) {
        let began = Instant::now();
        wake.store(false, Ordering::Relaxed);
        check(teller);
        while began.elapsed() < period && !end.load(Ordering::Relaxed) && !wake.load(Ordering::Relaxed) {
            std::thread::sleep(LOOK);
        }
    }
    teller.say(Level::Info, "Update process terminated");
    if let Some(path) = &pid {
        drop(std::fs::remove_file(path));
    }
    0
}
