//! `clamd`: serves clients as `clamd.conf` says.

use std::path::{Path, PathBuf};

use anyhow::{anyhow, ensure};
use candord::settings::Settings;
use candord::settings::keys;
use candord::settings::own::Own;

use super::{Program, Told, conf};
use crate::database::{self, Wanted};
use crate::options::Given;
use crate::options::daemon::{CLAMD, clamd_keys};

/// What `clamd.conf` has no word for, where it is there.
const USUAL: &str = "/etc/candor/candord.toml";

pub(super) fn program() -> Program {
    Program {
        name: "clamd",
        options: &CLAMD,
        keys: clamd_keys().collect(),
        conf: "/etc/clamav/clamd.conf",
        version,
        settings,
    }
}

fn version(given: &Given) -> String {
    let folders: Vec<PathBuf> = given.text("datadir").map(PathBuf::from).into_iter().collect();
    database::version(&folders)
}

fn settings(told: &Told<'_>) -> anyhow::Result<(Settings, bool)> {
    let conf = conf::read(&told.conf, &told.lines, &keys::find)
        .map_err(|why| anyhow!("{why:#}\nCan't open/parse the config file {}", told.conf.display()))?;
    let own = match told.path("candor-config") {
        Some(path) => Own::read(path)?,
        None if Path::new(USUAL).is_file() => Own::read(Path::new(USUAL))?,
        None => Own::default(),
    };
    let settings = Settings::new(&conf, &own)?;
    if let Some(days) = settings.oldest {
        // The daemon looks, too; here it is told before anything goes to the background.
        let days = u32::try_from(days).unwrap_or(u32::MAX);
        let paths = conf.path("DatabaseDirectory").into_iter().collect();
        Wanted { paths, newest: Some(days), ..Wanted::default() }.are_new()?;
    }
    let is_served = !settings.sockets.local.is_empty()
        || !settings.sockets.tcp.is_empty()
        || std::env::var_os("LISTEN_FDS").is_some();
    ensure!(is_served, "Please define server type (local and/or TCP).");
    Ok((settings, conf.flag("Foreground", false)))
}
