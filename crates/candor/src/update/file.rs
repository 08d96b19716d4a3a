//! A file of signatures at an address, with a digest or a key that was written down.
//!
//! Like ClamAV's databases it is kept in a folder of the store once it was verified, so that a server is asked for it only when it
//! has something newer.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use candor_update::Candidate;
use candor_update::clamav::MOST_CONTAINER;
use candor_update::generation::Staging;
use candor_update::pipeline::local;
use candor_update::source::fetch::{FileWish, Wish};
use candor_update::source::{MOST_SIGNATURE, Remembered, Vouched};

use super::fetch;
use super::verify::{self, NotTaken};

/// What is needed to bring such a file.
#[derive(Debug)]
pub(super) struct Fetched<'a> {
    /// The name of the source.
    pub(super) source: &'a str,
    /// Where it is.
    pub(super) url: &'a str,
    /// Its name.
    pub(super) file: &'a str,
    /// Why it is believed.
    pub(super) vouched: &'a Vouched,
    /// The way to servers.
    pub(super) servers: fetch::Servers<'a>,
    /// The folder of the source.
    pub(super) folder: PathBuf,
    /// Where what is fetched lies until it was verified.
    pub(super) spool: &'a Path,
    /// The time, in seconds since 1970.
    pub(super) now: u64,
    /// Whether to use the jail.
    pub(super) is_confined: bool,
}

impl Fetched<'_> {
    /// Brings the file and verifies it; `None` when what is there is the newest, and `is_active` says that it is in force.
    pub(super) fn take(
        &self,
        staging: &Staging,
        known: &mut Remembered,
        is_active: bool,
    ) -> Result<Option<Candidate>, NotTaken> {
        let is_there = self.folder.join(self.file).is_file();
        if matches!(self.vouched, Vouched::Digest(_)) && is_there {
            // It is what it is to be for good, or somebody wrote another digest down.
            if is_active {
                return Ok(None);
            }
            if let Ok(candidate) = self.verify(staging, &self.folder, known) {
                return Ok(Some(candidate));
            }
            clear(staging, self.source)?;
        }
        if let Some(until) = known.servers.rest(self.now) {
            let until = super::place::time(until);
            return Err(NotTaken::Waiting(format!("its server wants to be left alone until {until}")));
        }
        let since = known.modified.filter(|_| is_there);
        let Some(modified) = self.fetch(since, known)? else {
            if is_active {
                return Ok(None);
            }
            return self.verify(staging, &self.folder, known).map(Some);
        };
        let candidate = self.verify(staging, self.spool, known)?;
        self.keep().map_err(NotTaken::Failed)?;
        known.modified = modified;
        Ok(Some(candidate))
    }

    /// Fetches it, and what signs it, into the spool; says when it was changed. `None` when it is not newer.
    fn fetch(&self, since: Option<u64>, known: &mut Remembered) -> Result<Option<Option<u64>>, NotTaken> {
        let wish = |url: String, most, since| Wish::File(FileWish { url, most, first: None, since });
        let mut wishes = vec![wish(self.url.to_owned(), MOST_CONTAINER, since)];
        if matches!(self.vouched, Vouched::Key(_)) {
            for kind in ["minisig", "sig"] {
                wishes.push(wish(format!("{}.{kind}", self.url), MOST_SIGNATURE, None));
            }
        }
        let answers = fetch::ask(self.servers, wishes, false, self.spool).map_err(NotTaken::Refused)?;
        let Some(answer) = answers.first() else {
            return Err(NotTaken::Refused(String::from("the fetcher says nothing of it")));
        };
        if let Some(failure) = &answer.failure {
            return Err(NotTaken::Refused(format!("{}: {failure}", self.url)));
        }
        match answer.status {
            Some(200) => (),
            Some(304) if since.is_some() => return Ok(None),
            Some(status @ (403 | 429)) => {
                let until = super::place::time(known.servers.refused(status, answer.retry_after, self.now));
                let reason =
                    format!("{}: the server answers {status}, and is left alone until {until}", self.url);
                return Err(NotTaken::Refused(reason));
            }
            status => {
                let status = status.unwrap_or(0);
                return Err(NotTaken::Refused(format!("{}: the server answers {status}", self.url)));
            }
        }
        let modified = answer.modified;
        let place = |number: &str, name: &str| {
            let (from, to) = (self.spool.join(number), self.spool.join(name));
            fs::rename(&from, &to).with_context(|| to.display().to_string()).map_err(NotTaken::Failed)
        };
        place("0", self.file)?;
        for (answer, kind) in answers.iter().skip(1).zip(["minisig", "sig"]) {
            if answer.failure.is_none() && answer.status == Some(200) {
                place(&answer.wish.to_string(), &format!("{}.{kind}", self.file))?;
            }
        }
        Ok(Some(modified))
    }

    /// Verifies what is in a directory, and takes it into the generation that is made.
    fn verify(&self, staging: &Staging, from: &Path, known: &mut Remembered) -> Result<Candidate, NotTaken> {
        let vouched = match self.vouched {
            Vouched::Digest(digest) => {
                local::Vouched::Digests([(self.file.to_owned(), digest.clone())].into())
            }
            Vouched::Key(key) => local::Vouched::Key(key.clone()),
        };
        let (candidate, taken) =
            verify::directory(staging, self.source, 0, from, &vouched, self.is_confined)?;
        if let Some(reason) = undercuts(known.signed, taken.signed) {
            return Err(NotTaken::Refused(reason));
        }
        known.signed = known.signed.max(taken.signed);
        Ok(candidate)
    }

    /// Keeps what was verified.
    fn keep(&self) -> anyhow::Result<()> {
        fs::create_dir_all(&self.folder).context("no folder for what was fetched")?;
        for kind in ["", ".minisig", ".sig"] {
            let name = format!("{}{kind}", self.file);
            let (from, to) = (self.spool.join(&name), self.folder.join(&name));
            if from.exists() {
                fs::rename(&from, &to).with_context(|| to.display().to_string())?;
            } else if to.exists() {
                fs::remove_file(&to).with_context(|| to.display().to_string())?;
            }
        }
        Ok(())
    }
}

/// Why what was signed then is not taken, after what was signed `before`.
pub(super) fn undercuts(before: Option<u64>, signed: Option<u64>) -> Option<String> {
    let time = super::place::time;
    match (before?, signed) {
        (before, Some(signed)) if signed < before => {
            Some(format!("it was signed at {}, before what was seen last ({})", time(signed), time(before)))
        }
        (_, Some(_)) => None,
        // The 64 bytes stand in minisign's older form, too: whoever takes them out of an old one has left the time behind.
        (before, None) => Some(format!(
            "its signature says no time, and what was seen last was signed at {}; signatures without a time need a \
             source of another name",
            time(before)
        )),
    }
}

/// Removes what a source has brought so far.
fn clear(staging: &Staging, source: &str) -> Result<(), NotTaken> {
    let place = Staging::place(source).map_err(|error| NotTaken::Failed(error.into()))?;
    let room = staging.directory().join(place);
    if room.exists() {
        fs::remove_dir_all(&room).context("what was refused cannot be removed").map_err(NotTaken::Failed)?;
    }
    Ok(())
}
