//! Fetching: by `candor-fetch`, which can do nothing else, into a spool that nothing else is in.

use std::fs;
use std::path::{Component, Path};

use anyhow::Context as _;
use candor_update::source::fetch::{FileWish, Job, MOST_WISHES, Times, VERSION, Wish};

use crate::fetcher;

/// What is said to servers: the program and its version, the same on every machine.
const AGENT: &str = concat!("Candor/", env!("CARGO_PKG_VERSION"));

/// Something to be fetched: a path below an address, and how long it may be.
pub(super) type Wanted = (String, u64);

/// Fetches files below `address` into `into`, each at its own path; what is not there is left out. Nothing of it is believed.
pub(super) fn fetch(address: &str, into: &Path, wanted: &[Wanted]) -> anyhow::Result<()> {
    for some in wanted.chunks(MOST_WISHES) {
        let spool = tempfile::Builder::new().prefix("fetch-").tempdir_in(into).context("no spool")?;
        let wish = |(path, most): &Wanted| {
            let url = format!("{}/{path}", address.trim_end_matches('/'));
            Wish::File(FileWish { url, most: *most, first: None, since: None })
        };
        let job = Job {
            version: VERSION,
            agent: String::from(AGENT),
            times: Times::default(),
            redirects: 3,
            proxy: None,
            name_servers: Vec::new(),
            authorities: None,
            stop_at_failure: false,
            wishes: some.iter().map(wish).collect(),
        };
        let answers =
            fetcher::run(&fetcher::find(), &job, spool.path()).map_err(|error| anyhow::anyhow!(error))?;
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
