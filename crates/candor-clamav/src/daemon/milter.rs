//! `clamav-milter`: serves mail servers as `clamav-milter.conf` says. Mail is not sent on to a daemon: it is scanned here, by
//! workers of its own, as `clamd.conf` says of scanning. Signatures are shared with all other programs that have them mapped.

use std::path::Path;

use anyhow::{Context as _, anyhow, ensure};
use candord::settings::Settings;
use candord::settings::conf::Conf;
use candord::settings::keys::{self, Key};
use candord::settings::milter::{self, Milter};
use candord::settings::own::Own;

use super::{Program, Told, conf};
use crate::options::daemon::{MILTER, MILTER_KEYS};

/// What is said of scanning.
const CLAMD: &str = "/etc/clamav/clamd.conf";

/// Keys about the process, which is another one than that of clamd here.
const PROCESS: [&str; 10] = [
    "LogFacility",
    "LogFile",
    "LogFileMaxSize",
    "LogRotate",
    "LogSyslog",
    "LogTime",
    "LogVerbose",
    "MaxThreads",
    "PidFile",
    "User",
];

pub(super) fn program() -> Program {
    Program {
        name: "clamav-milter",
        options: &MILTER,
        keys: MILTER_KEYS.to_vec(),
        conf: "/etc/clamav/clamav-milter.conf",
        version: |_| format!("clamav-milter {}", crate::CLAMAV),
        settings,
    }
}

fn find(name: &str) -> Option<&'static Key> {
    if PROCESS.iter().any(|known| known.eq_ignore_ascii_case(name)) {
        keys::find(name)
    } else {
        milter::find(name)
    }
}

fn settings(told: &Told<'_>) -> anyhow::Result<(Settings, bool)> {
    let path = &told.conf;
    let conf = conf::read(path, &told.lines, &find)
        .map_err(|why| anyhow!("{why:#}\nclamav-milter: cannot parse config file {}", path.display()))?;
    ensure!(conf.text("MilterSocket").is_some(), "Please configure the MilterSocket directive");
    let milter = Milter::new(&conf).with_context(|| path.display().to_string())?;
    let scanning = match told.path("candor-clamd-conf") {
        Some(path) => Conf::read(path)?,
        None if Path::new(CLAMD).is_file() => Conf::read(Path::new(CLAMD))?,
        None => Conf::default(),
    };
    let own = Settings::new(&conf, &Own::default())?;
    let mut settings = Settings::new(&scanning, &Own::default())?;
    // Clients of clamd are served by clamd, and findings in mail are told by `VirusAction`.
    settings.sockets.local.clear();
    settings.sockets.tcp.clear();
    settings.event = None;
    settings.fronts.milter = Some(milter);
    settings.lanes = own.lanes;
    settings.log = own.log;
    settings.user = own.user;
    settings.pid_file = own.pid_file;
    settings.warnings = conf.warnings.clone();
    Ok((settings, conf.flag("Foreground", false)))
}
