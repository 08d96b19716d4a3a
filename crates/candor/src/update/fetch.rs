//! Fetching: by `candor-fetch`, which can do nothing else, into a spool that nothing else is in.

use std::fs;
use std::path::{Component, Path};

use anyhow::Context as _;
use candor_update::source::Network;
use candor_update::source::fetch::{Answer, FileWish, Job, MOST_WISHES, VERSION, Wish};

use crate::fetcher as program;

/// What is said to servers: the program and its version, the same on every machine, as `freshclam` says it.
const AGENT: &str = concat!("Candor/", env!("CARGO_PKG_VERSION"), " (antivirus updater)");

/// Something to be fetched: a path below an address, and how long it may be.
pub(super) type Wanted = (String, u64);

/// The way to servers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Servers<'a> {
    /// What the list of sources says about it.
    pub(crate) network: &'a Network,
    /// The program that opens connections.
    pub(crate) fetcher: &'a Path,
}

/// Has something fetched into `spool`: an answer for each wish that was come to; all of them unless the first failure `stops` it.
pub(super) fn ask(
    servers: Servers<'_>,
    wishes: Vec<Wish>,
    stops: bool,
    spool: &Path,
) -> Result<Vec<Answer>, String> {
    let Servers { network, fetcher } = servers;
    let job = Job {
        version: VERSION,
        agent: String::from(AGENT),
        times: network.times,
        redirects: 3,
        proxy: network.proxy.clone(),
        name_servers: network.name_servers.clone(),
        authorities: network.authorities.as_ref().map(|path| path.display().to_string()),
        stop_at_failure: stops,
        wishes,
    };
    program::run(fetcher, &job, spool)
}

/// Fetches files below `address` into `into`, each at its own path; what is not there is left out. Nothing of it is believed.
pub(super) fn fetch(
    servers: Servers<'_>,
    address: &str,
    into: &Path,
    wanted: &[Wanted],
) -> anyhow::Result<()> {
    for some in wanted.chunks(MOST_WISHES) {
        let spool = tempfile::Builder::new().prefix("fetch-").tempdir_in(into).context("no spool")?;
        let wish = |(path, most): &Wanted| {
            let url = format!("{}/{path}", address.trim_end_matches('/'));
            Wish::File(FileWish { url, most: *most, first: None, since: None })
        };
        let wishes = some.iter().map(wish).collect();
        let answers = ask(servers, wishes, false, spool.path()).map_err(|error| anyhow::anyhow!(error))?;
        // A file that is longer than its answer says is none that was fetched.
        for answer in answers.iter().filter(|answer| answer.failure.is_none() && answer.status == Some(200)) {
            let file = fs::metadata(spool.path().join(answer.wish.to_string())).context("the spool")?;
            anyhow::ensure!(file.len() == answer.length, "the spool is not what was fetched");
        }
        for (answer, (path, _)) in answers.iter().zip(some) {
            if let Some(failure) = &answer.failure {
                anyhow::bail!("{address}/{path}: {failure}");
            }
            match answer.status {
                Some(200) => place(&spool.path().join(answer.wish.to_string()), into, path)?,
                Some(404 | 410) => (),
                status => anyhow::bail!("{address}/{path}: the server answers {}", status.unwrap_or(0)),
            }
        }
        anyhow::ensure!(answers.len() == some.len(), "{address}: the fetcher left some files out");
    }
    Ok(())
}

/// Moves a file to its path below the mirror.
fn place(file: &Path, into: &Path, path: &str) -> anyhow::Result<()> {
    let path = Path::new(path);
    let is_plain = path.components().all(|part| matches!(part, Component::Normal(_)));
    anyhow::ensure!(is_plain, "{}: leads out of the mirror", path.display());
    let target = into.join(path);
    fs::create_dir_all(target.parent().unwrap_or(into))?;
    fs::rename(file, &target).with_context(|| target.display().to_string())
}
