//! ClamAV's official databases, brought up to date as `freshclam` does it: the same decisions (`candor_update::clamav`), and each
//! part done by a process that can do no more than it.
//!
//! What is decided depends on bytes that nobody has verified yet, so it happens in a process that can read a spool and one folder,
//! and has no network. It asks for files as it comes to them; where the spool does not have an answer yet, it says what is missing and
//! ends. The files are fetched, and it runs again, over the same answers and one more. Nothing but the answers tells one
//! run from the next.
//!
//! The folder belongs to the store and holds what the servers had last, whether it came into force or not: what was refused is
//! tried out again without a server being asked for it again.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use candor_sandbox::{Rooms, StageError, stage};
use candor_update::clamav::{
    Believed, Certificate, Content, Database, HEADER, Head, Level, Local, MOST_CONTAINER, MOST_SIGNATURES,
    Mirror, Offer, OldSignature, Order, Outcome, Record, Tried, Trouble, Trust, Voucher, World, patches_of,
    update, vouch,
};
use candor_update::generation::{Disk, Staging};
use candor_update::source::fetch::{Answer, FileWish, Wish};
use candor_update::source::{Clamav, Remembered};
use candor_update::{BESIDE, Candidate, Container, Member, MemberClass, Provenance};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::fetch;
use super::verify::{NO_JAIL, NotTaken};
use crate::units::hexadecimal;

/// How long deciding about one database may take.
const TIME: Duration = Duration::from_secs(30 * 60);
/// How often one database may ask for files: servers, tries, patches by the dozen.
const ROUNDS: usize = 2000;
/// Where a database lies until it is whole.
const INCOMING: &str = ".incoming";
/// The most bytes of a file of certificates.
const MOST_CERTIFICATES: u64 = 1 << 20;

/// What is needed to bring a source up to date.
#[derive(Debug)]
pub(super) struct Official<'a> {
    /// What the list says of it.
    pub(super) clamav: &'a Clamav,
    /// The way to servers.
    pub(super) servers: fetch::Servers<'a>,
    /// Whose signatures are believed.
    pub(super) trust: Trust,
    /// The folder of the source.
    pub(super) folder: PathBuf,
    /// Where what is fetched lies while it is looked at.
    pub(super) spool: &'a Path,
    /// The time, in seconds since 1970.
    pub(super) now: u64,
    /// Whether to use the jail.
    pub(super) is_confined: bool,
}

/// What came of it.
#[derive(Debug, Default)]
pub(super) struct Brought {
    /// Whether there is anything new in the folder.
    pub(super) is_new: bool,
    /// What there is to tell.
    pub(super) notes: Vec<String>,
    /// What failed; what was there is still there.
    pub(super) failure: Option<String>,
}

/// Whose signatures are believed for a source: `usual`, and what its folder of certificates vouches for.
pub(super) fn trust(usual: &Trust, clamav: &Clamav) -> anyhow::Result<Trust> {
    let mut trust = usual.clone();
    if !clamav.accept_md5 {
        trust.old_signature = OldSignature::Refuse;
    }
    let Some(folder) = &clamav.certificates else { return Ok(trust) };
    let shown = folder.display();
    for entry in fs::read_dir(folder).with_context(|| format!("{shown}"))? {
        let path = entry.with_context(|| format!("{shown}"))?.path();
        let kind = path.extension().unwrap_or_default();
        if ["crt", "pem", "cer"].iter().any(|known| kind.eq_ignore_ascii_case(known)) {
            let mut bytes = Vec::new();
            let read =
                fs::File::open(&path).and_then(|file| file.take(MOST_CERTIFICATES).read_to_end(&mut bytes));
            read.with_context(|| path.display().to_string())?;
            trust.certificates.extend(Certificate::read_all(&bytes));
        }
    }
    anyhow::ensure!(!trust.certificates.is_empty(), "{shown} has no certificate with a key of RSA");
    Ok(trust)
}

impl Official<'_> {
    /// Brings the folder up to date; `keep` writes down what must not be forgotten, whatever comes after.
    pub(super) fn bring(
        &self,
        known: &mut Remembered,
        keep: &mut dyn FnMut(&Remembered) -> anyhow::Result<()>,
    ) -> anyhow::Result<Brought> {
        let mut brought = Brought::default();
        fs::create_dir_all(self.folder.join(INCOMING)).context("no folder for what is fetched")?;
        if let Some(until) = known.servers.rest(self.now).filter(|_| !self.clamav.private) {
            let until = super::place::time(until);
            brought
                .notes
                .push(format!("the servers want to be left alone until {until}, as they said before"));
            return Ok(brought);
        }
        let record = self.record(&mut brought)?;
        for database in &self.clamav.databases {
            let advertised = record.as_ref().and_then(|record| record.version(database));
            match self.database(database, advertised, known, keep, &mut brought)? {
                Ended::Well(is_new) => brought.is_new |= is_new,
                Ended::Later => break,
                Ended::Badly(reason) => {
                    brought.failure = Some(format!("{database}: {reason}"));
                    break;
                }
            }
        }
        Ok(brought)
    }

    /// The record in the name system, when it can be used.
    fn record(&self, brought: &mut Brought) -> anyhow::Result<Option<Record>> {
        let Some(name) = &self.clamav.record else { return Ok(None) };
        let spool = self.spool.join("record");
        fs::create_dir(&spool).context("no spool")?;
        let wishes = vec![Wish::Text { name: name.clone() }];
        let answers = fetch::ask(self.servers, wishes, true, &spool);
        let answer = answers.map_err(|error| anyhow::anyhow!(error))?.pop().unwrap_or_default();
        let read = match (answer.texts.first(), answer.failure) {
            // It is a line of numbers between colons, which make nothing be believed.
            (Some(text), _) => Record::read(text, self.now).map_err(|error| error.to_string()),
            (None, Some(failure)) => Err(failure.to_string()),
            (None, None) => Err(String::from("there is no text of that name")),
        };
        Ok(read
            .map_err(|reason| brought.notes.push(format!("{name}: {reason}; the servers are asked instead")))
            .ok())
    }

    /// One database, by as many runs as it asks for files.
    fn database(
        &self,
        database: &str,
        advertised: Option<u64>,
        known: &mut Remembered,
        keep: &mut dyn FnMut(&Remembered) -> anyhow::Result<()>,
        brought: &mut Brought,
    ) -> anyhow::Result<Ended> {
        let order = Order {
            database: database.to_owned(),
            mirrors: self
                .clamav
                .mirrors
                .iter()
                .map(|url| Mirror { url: url.clone(), private: self.clamav.private })
                .collect(),
            attempts: self.servers.network.attempts,
            scripted: true,
            compress: false,
            advertised,
            needs_signature: known.servers.needs_signature(database),
            needs_patch_signature: known.servers.needs_signature(&patches_of(database)),
        };
        let mut calls: Vec<Call> = Vec::new();
        for round in 0..ROUNDS {
            let said = self.run(&order, &calls)?;
            if let Some((wishes, stops)) = said.missing {
                std::thread::sleep(Duration::from_secs(said.pause));
                let spool = self.spool.join(format!("{database}-{round}"));
                fs::create_dir(&spool).context("no spool")?;
                let asked = wishes.iter().cloned().map(Wish::File).collect();
                let answers =
                    fetch::ask(self.servers, asked, stops, &spool).map_err(|error| anyhow::anyhow!(error))?;
                calls.push(Call { wishes, answers, spool });
                continue;
            }
            for (level, line) in &said.lines {
                // The rest is what freshclam says while all is well.
                if *level >= WARNING {
                    brought.notes.push(line.clone());
                }
            }
            if let Some((status, retry_after)) = said.refused {
                known.servers.refused(status, retry_after, self.now);
                keep(known)?;
            }
            // Whoever decided has read hostile bytes: it can speak of this database alone.
            let own = [database.to_owned(), patches_of(database)];
            for name in own.iter().filter(|name| said.signed.contains(name)) {
                known.servers.saw_signature(name);
                keep(known)?;
            }
            if let Some(file) = &said.installed {
                self.install(file).with_context(|| format!("cannot keep {file}"))?;
            }
            // What was read is not needed any more, and may be large.
            for call in &calls {
                drop(fs::remove_dir_all(&call.spool));
            }
            return Ok(said.ended);
        }
        Ok(Ended::Badly(String::from("it asks for more and more files")))
    }

    /// One run of what decides.
    fn run(&self, order: &Order, calls: &[Call]) -> anyhow::Result<Said> {
        let work = || decide(order, calls, &self.folder, &self.trust, self.now);
        if !self.is_confined {
            return Ok(work());
        }
        let incoming = self.folder.join(INCOMING);
        let rooms = Rooms { reads: &[&self.folder, self.spool], writes: &[&incoming] };
        let said = stage(&rooms, TIME, || serde_json::to_vec(&work()).unwrap_or_default());
        let said = said.map_err(|error| {
            let is_missing = matches!(error, StageError::NotConfined(_));
            let error = anyhow::Error::new(error);
            if is_missing { error.context(NO_JAIL) } else { error }
        })?;
        serde_json::from_slice(&said).context("what the verifier says is no answer")
    }

    /// Puts a database that is whole in the place of what was there.
    fn install(&self, file: &str) -> io::Result<()> {
        // Whoever decided has read hostile bytes.
        let (name, kind) = file.rsplit_once('.').unwrap_or_default();
        let other = match kind {
            "cvd" => "cld",
            "cld" => "cvd",
            _ => return Err(io::Error::other("it has another name than a database")),
        };
        if !self.clamav.databases.iter().any(|database| database == name) {
            return Err(io::Error::other("it is another database than the one that was asked for"));
        }
        let new = self.folder.join(INCOMING).join(file);
        fs::File::open(&new)?.sync_all()?;
        // What is beside the old one goes first: beside the new one it would spoil it.
        let (beside, own) = (beside(&new), beside(&self.folder.join(file)));
        gone(&own)?;
        fs::rename(&new, self.folder.join(file))?;
        if beside.exists() {
            fs::File::open(&beside)?.sync_all()?;
            fs::rename(&beside, &own)?;
        }
        fs::File::open(&self.folder)?.sync_all()?;
        let other = self.folder.join(format!("{name}.{other}"));
        gone(&self::beside(&other))?;
        gone(&other)
    }

    /// Takes what is in the folder into the generation that is made, verified once more: what counts is what was copied.
    pub(super) fn take(&self, staging: &Staging, source: &str) -> Result<Candidate, NotTaken> {
        let room = staging.room(&Disk, source).map_err(|error| NotTaken::Failed(error.into()))?;
        let work = || self.copy(&room);
        let taken: Result<Vec<(Member, Container)>, String> = if self.is_confined {
            let rooms = Rooms { reads: &[&self.folder], writes: &[&room] };
            let said = stage(&rooms, TIME, || serde_json::to_vec(&work()).unwrap_or_default());
            let said = said.map_err(|error| NotTaken::Failed(error.into()))?;
            serde_json::from_slice(&said)
                .context("what the verifier says is no answer")
                .map_err(NotTaken::Failed)?
        } else {
            work()
        };
        let (members, databases): (Vec<_>, Vec<_>) = taken.map_err(NotTaken::Refused)?.into_iter().unzip();
        if members.is_empty() {
            return Err(NotTaken::Refused(String::from("there is no database yet")));
        }
        Ok(Candidate {
            source: source.to_owned(),
            version: 0,
            directory: room,
            members,
            provenance: Provenance::Container { databases },
            expectations: Vec::new(),
        })
    }

    /// Opens a database of the folder, by what vouches for it; says whether that is a signature beside it.
    fn open(&self, file: &str, bytes: &[u8]) -> anyhow::Result<(Database, bool)> {
        let path = beside(&self.folder.join(file));
        let signature = if path.exists() {
            let mut signature = Vec::new();
            fs::File::open(path)?.take(MOST_SIGNATURES).read_to_end(&mut signature)?;
            Some(signature)
        } else {
            None
        };
        // What came before such signatures were kept is taken as it was then.
        let believed = Believed {
            certificates: &self.trust.certificates,
            old_signature: OldSignature::Warn,
            now: self.now,
        };
        match vouch(bytes, signature.as_deref(), believed)? {
            Voucher::Beside => Ok((Database::open_vouched(file, bytes)?, true)),
            Voucher::Itself => Ok((Database::open(file, bytes, &self.trust)?, false)),
        }
    }

    fn copy(&self, room: &Path) -> Result<Vec<(Member, Container)>, String> {
        let mut taken = Vec::new();
        for database in &self.clamav.databases {
            let Some(local) = local(&self.folder, database) else { continue };
            let file = local.file;
            let bytes = load(&self.folder, &file).map_err(|error| format!("{file}: {error}"))?;
            let (opened, is_vouched) =
                self.open(&file, &bytes).map_err(|error| format!("{file}: {error:#}"))?;
            let (length, sha256) = Staging::member(&Disk, room, &file, &mut bytes.as_slice())
                .map_err(|error| format!("{file}: {error}"))?;
            let patched = file.ends_with(".cld");
            let signature = match patched {
                true => "sha256-rsa",
                false if is_vouched => BESIDE,
                false => "md5-rsa",
            };
            let container = Container {
                file: file.clone(),
                version: opened.head.version,
                signature: signature.to_owned(),
                builder: opened.head.builder,
                built: opened.head.seconds,
                patched,
            };
            taken.push((Member { name: file, class: MemberClass::Signatures, length, sha256 }, container));
        }
        Ok(taken)
    }
}

/// Files that were asked for, and what came.
#[derive(Debug)]
struct Call {
    wishes: Vec<FileWish>,
    answers: Vec<Answer>,
    spool: PathBuf,
}

/// How a database ended.
#[derive(Debug, Serialize, Deserialize)]
enum Ended {
    /// Well; whether there is anything new.
    Well(bool),
    /// The server wants to be left alone for some time.
    Later,
    /// Badly; why.
    Badly(String),
}

/// What a run says.
#[derive(Debug, Serialize, Deserialize)]
struct Said {
    /// What is to be fetched first, and whether the first failure ends that.
    missing: Option<(Vec<FileWish>, bool)>,
    /// Seconds to wait before that.
    pause: u64,
    lines: Vec<(u8, String)>,
    /// A server said 403 or 429.
    refused: Option<(u16, Option<u64>)>,
    /// What had a signature by certificates: the database, or its patches.
    signed: Vec<String>,
    /// The database that is to be put in its place.
    installed: Option<String>,
    ended: Ended,
}

/// From which level on lines are told.
const WARNING: u8 = 2;
/// Lines that are kept of a run.
const MOST_LINES: usize = 1000;

/// What runs in the process without network.
fn decide(order: &Order, calls: &[Call], folder: &Path, trust: &Trust, now: u64) -> Said {
    let ended = Ended::Well(false);
    let said = Said {
        missing: None,
        pause: 0,
        lines: Vec::new(),
        refused: None,
        signed: Vec::new(),
        installed: None,
        ended,
    };
    let mut replay = Replay { calls: calls.iter(), folder, now, said };
    let local = local(folder, &order.database);
    let result = update(&mut replay, order, local.as_ref(), trust);
    let mut said = replay.said;
    said.ended = match result {
        Ok(outcome) => Ended::Well(outcome == Outcome::Updated),
        Err(Trouble::RetryLater) => Ended::Later,
        Err(trouble) => {
            // The last error says more than its kind.
            let last = said.lines.iter().rev().find(|(level, _)| *level > WARNING);
            Ended::Badly(last.map_or_else(|| trouble.to_string(), |(_, line)| format!("{trouble} ({line})")))
        }
    };
    said
}

/// What a run sees: the answers that there are, in their order, and nothing after the first that is missing.
struct Replay<'a> {
    calls: std::slice::Iter<'a, Call>,
    folder: &'a Path,
    now: u64,
    said: Said,
}

impl Replay<'_> {
    const fn is_over(&self) -> bool {
        self.said.missing.is_some()
    }
}

impl World for Replay<'_> {
    fn say(&mut self, level: Level, text: &str) {
        let level = match level {
            Level::Verbose => 0,
            Level::Info => 1,
            Level::Warning => WARNING,
            Level::Error => 3,
        };
        if !self.is_over() && self.said.lines.len() < MOST_LINES {
            self.said.lines.push((level, text.to_owned()));
        }
    }

    fn fetch(&mut self, wishes: &[FileWish], stops: bool) -> Vec<Tried> {
        if self.is_over() {
            return Vec::new();
        }
        match self.calls.next() {
            Some(call) if call.wishes == wishes => {
                self.said.pause = 0;
                call.answers.iter().map(|answer| tried(answer, &call.spool)).collect()
            }
            _ => {
                self.said.missing = Some((wishes.to_vec(), stops));
                Vec::new()
            }
        }
    }

    fn load(&mut self, file: &str) -> Option<Vec<u8>> {
        if self.is_over() {
            return None;
        }
        load(self.folder, file).map_err(|error| self.say(Level::Warning, &format!("{file}: {error}"))).ok()
    }

    fn pause(&mut self, seconds: u64) {
        if !self.is_over() {
            self.said.pause = self.said.pause.saturating_add(seconds);
        }
    }

    fn install(&mut self, offer: Offer) -> Result<(), Trouble> {
        if self.is_over() || !matches!(offer.content, Content::Container(_)) {
            return Err(Trouble::FailedUpdate);
        }
        let path = self.folder.join(INCOMING).join(&offer.file);
        // One that was left there is another one's.
        let written = fs::write(&path, &offer.bytes).and_then(|()| match &offer.beside {
            Some(signature) => fs::write(beside(&path), signature),
            None => gone(&beside(&path)),
        });
        written.map_err(|error| {
            self.say(Level::Error, &format!("{}: {error}", offer.file));
            Trouble::FailedUpdate
        })?;
        self.said.installed = Some(offer.file);
        Ok(())
    }

    fn refused(&mut self, status: u16, retry_after: Option<u64>) -> String {
        if !self.is_over() {
            self.said.refused = Some((status, retry_after));
        }
        let mut after = candor_update::clamav::State::default();
        super::place::time(after.refused(status, retry_after, self.now))
    }

    fn saw_signature(&mut self, name: &str) {
        if !self.is_over() {
            self.said.signed.push(name.to_owned());
        }
    }

    fn now(&mut self) -> u64 {
        self.now
    }
}

/// The bytes that belong to an answer; they must be what it says.
fn tried(answer: &Answer, spool: &Path) -> Tried {
    use candor_update::source::fetch::{Failure, FailureKind};
    let mut answer = answer.clone();
    let mut bytes = Vec::new();
    if answer.failure.is_none() && matches!(answer.status, Some(200 | 206)) {
        let read = fs::File::open(spool.join(answer.wish.to_string()))
            .and_then(|file| file.take(answer.length).read_to_end(&mut bytes));
        let is_whole = read.is_ok() && u64::try_from(bytes.len()) == Ok(answer.length);
        if !is_whole || hexadecimal(Sha256::digest(&bytes)) != answer.sha256 {
            let text = "the file in the spool is not what was fetched";
            answer.failure = Some(Failure::new(FailureKind::Spool, text));
            bytes.clear();
        }
    }
    Tried { answer, bytes }
}

/// Where the signature by certificates is kept that vouches for this database.
fn beside(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".sign");
    PathBuf::from(name)
}

/// Removes a file, if it is there.
fn gone(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// The newer of a database's two files.
pub(super) fn local(folder: &Path, database: &str) -> Option<Local> {
    let read = |kind| {
        let file = format!("{database}.{kind}");
        let mut header = [0; HEADER];
        fs::File::open(folder.join(&file)).ok()?.read_exact(&mut header).ok()?;
        Some(Local { file, head: Head::read(&header).ok()? })
    };
    match (read("cld"), read("cvd")) {
        (Some(cld), Some(cvd)) => Some(if cvd.head.version > cld.head.version { cvd } else { cld }),
        (cld, cvd) => cld.or(cvd),
    }
}

fn load(folder: &Path, file: &str) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    fs::File::open(folder.join(file))?.take(MOST_CONTAINER).read_to_end(&mut bytes)?;
    Ok(bytes)
}
