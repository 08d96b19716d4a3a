//! The signatures that are in force, and how they are changed: while scans go on, and without a second copy.
//!
//! An image is compiled by a jailed worker and lies in a file that workers map; this process holds none of it.
//! A new one gets a template of its own; each lane goes over to it between two jobs, and the old template
//! ends with the last worker that is at something.

use candor::clamav::clock::{self, Moment};
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use candor::store::{Compiler, Signers, serve};
use candor::update::place;
use candor_protocol::clamd::{Reply, describe_version};
use candor_sandbox::Sandbox;
use candor_update::generation::Active;

use crate::daemon::Shared;
use crate::jobs::Ticket;
use crate::log::{Log, Weight};
use crate::mailbox::Message;
use crate::nursery::Nurseries;

/// The version of clamd whose protocol is spoken. Clients look for it.
pub const CLAMD: &str = "1.4.6";

/// How often it is looked whether another generation is in force: reading a link and a small file.
const LOOK: Duration = Duration::from_secs(5);

/// How often what is known of the generation in force is kept, besides at the end.
const KEEP: Duration = Duration::from_secs(300);

/// Signatures, and the workers that have them.
#[derive(Debug)]
pub struct Generation {
    /// Counted up from 1.
    pub number: u64,
    /// What makes workers.
    pub sandbox: Sandbox,
    /// What VERSION says.
    pub version: String,
    /// How many there are.
    pub signatures: u64,
    /// Bytes of the image.
    pub length: u64,
    /// The generation of the store that they are, if they are one.
    pub stored: Option<u64>,
}

/// The generation that is in force.
#[derive(Debug)]
pub struct Signatures {
    current: Mutex<Arc<Generation>>,
    number: AtomicU64,
}

/// What to do about them.
#[derive(Clone, Copy, Debug)]
pub enum Wish {
    /// Load them again.
    Reload,
    /// The workers of this generation are gone, and there are no more to be had of it.
    Renew(u64),
    /// Load them again if they changed, and tell who asked.
    Check(Ticket),
    /// The generation in force misbehaves.
    TakeBack,
}

impl Signatures {
    /// With these.
    #[must_use]
    pub fn new(first: Generation) -> Self {
        let number = AtomicU64::new(first.number);
        Self { current: Mutex::new(Arc::new(first)), number }
    }

    /// Those that are in force.
    #[must_use]
    pub fn current(&self) -> Arc<Generation> {
        Arc::clone(&self.current.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Their number.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number.load(Ordering::Acquire)
    }

    fn change(&self, next: Generation) -> Arc<Generation> {
        let number = next.number;
        let old = std::mem::replace(
            &mut *self.current.lock().unwrap_or_else(PoisonError::into_inner),
            Arc::new(next),
        );
        self.number.store(number, Ordering::Release);
        old
    }
}

/// Where signatures come from.
#[derive(Debug)]
pub struct Loader {
    /// The database; `None` for the built-in signatures.
    pub database: Option<PathBuf>,
    /// Where generations are kept; the one in force comes before the database.
    pub store: Option<PathBuf>,
    /// A generation that misbehaved and could not be taken back in the store.
    pub distrusted: Option<u64>,
    /// Who may sign it.
    pub signers: Signers,
    /// Days after which its newest container is too old.
    pub oldest: Option<u64>,
    /// Where compiled ones are kept.
    pub cache: Option<PathBuf>,
    /// What makes workers.
    pub nurseries: Nurseries,
    /// The state in which the database was loaded.
    pub state: Option<String>,
}

impl Loader {
    /// Loads them.
    ///
    /// # Errors
    /// They cannot be used, or no worker comes up with them.
    pub fn load(&mut self, number: u64, log: &Log) -> anyhow::Result<Generation> {
        let began = Instant::now();
        let state = self.look();
        if let Some(active) = self.in_force()? {
            let generation = self.stored(number, &active, log)?;
            self.state = state;
            return Ok(generation);
        }
        let Some(database) = &self.database else {
            let info = candor::store::built_in_image()?.info();
            let sandbox = self.nurseries.sandbox(None).context("no worker comes up")?;
            let version = describe_version(CLAMD, None);
            let (signatures, length) = (info.signatures, info.length);
            return Ok(Generation { number, sandbox, version, signatures, length, stored: None });
        };
        if let Some(days) = self.oldest {
            let old = clock::seconds().saturating_sub(newest(database)) > days.saturating_mul(86_400);
            anyhow::ensure!(!old, "Virus database is older than {days} days!");
        }
        let mut note = |text: &str| log.say(Weight::Warning, text);
        let served = serve(database, &self.signers, self.cache.as_deref(), self.compiler(), &mut note)?;
        let sandbox = self.nurseries.sandbox(Some(&served.file)).context("no worker comes up")?;
        let daily = daily(database);
        let version = describe_version(CLAMD, daily.as_ref().map(|(number, date)| (*number, date.as_str())));
        self.state = state;
        let text = format!(
            "Loaded {} signatures from {} in {} ms",
            served.signatures,
            database.display(),
            began.elapsed().as_millis()
        );
        log.say(Weight::Info, &text);
        let (signatures, length) = (served.signatures, served.length);
        Ok(Generation { number, sandbox, version, signatures, length, stored: None })
    }

    /// The generation in force, or the one before when that is not to be trusted.
    fn in_force(&self) -> anyhow::Result<Option<Active>> {
        let Some(root) = &self.store else { return Ok(None) };
        let Some(active) = place::in_force(root)? else { return Ok(None) };
        if self.distrusted != Some(active.number) {
            return Ok(Some(active));
        }
        let previous = active.record()?.previous.context("there is no generation before it")?;
        let directory = active.directory.with_file_name(previous.to_string());
        Ok(Some(Active { number: previous, directory }))
    }

    fn stored(&self, number: u64, active: &Active, log: &Log) -> anyhow::Result<Generation> {
        let record = active.record()?;
        let name = || format!("generation {}", active.number);
        let file = File::open(active.image()).with_context(name)?;
        let sandbox = self.nurseries.sandbox(Some(&file)).context("no worker comes up").with_context(name)?;
        let members =
            record.contents.iter().map(|content| active.directory.join(&content.candidate.directory));
        let daily = members.filter_map(|folder| daily(&folder)).max();
        let version = describe_version(CLAMD, daily.as_ref().map(|(number, date)| (*number, date.as_str())));
        let (signatures, length) = (record.image.signatures, record.image.length);
        log.say(Weight::Info, &format!("Loaded {signatures} signatures of {}", name()));
        Ok(Generation { number, sandbox, version, signatures, length, stored: Some(active.number) })
    }

    const fn compiler(&self) -> &Compiler {
        &self.nurseries.compiler
    }

    fn look(&self) -> Option<String> {
        if let Ok(Some(active)) = self.in_force() {
            return Some(format!("generation {}", active.number));
        }
        candor::store::state(self.database.as_deref()?, &self.signers).ok()
    }

    fn has_changed(&self) -> bool {
        let now = self.look();
        now.is_some() && now != self.state
    }
}

/// Changes signatures when somebody wishes it, or when it is time to look whether they changed.
pub fn watch(shared: &Arc<Shared>, mut loader: Loader, wishes: &Receiver<Wish>) {
    let far = Duration::from_secs(3600);
    let looks = loader.store.is_some();
    let period = shared.settings.self_check.unwrap_or(far).min(if looks { LOOK } else { far });
    let (mut kept, mut may_keep) = (Instant::now(), true);
    loop {
        let wish = match wishes.recv_timeout(period) {
            Ok(wish) => Some(wish),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => return,
        };
        if looks && kept.elapsed() >= KEEP {
            kept = Instant::now();
            match shared.watched.keep() {
                Ok(()) => may_keep = true,
                // Said once: a store that only others may write to stays so.
                Err(error) if std::mem::replace(&mut may_keep, false) => {
                    let text = format!("A restart will forget which files were clean: {error}");
                    shared.log.say(Weight::Warning, &text);
                }
                Err(_) => (),
            }
        }
        let wanted = match wish {
            Some(Wish::Reload) => {
                // Several that came while one was served are one.
                let mut more = Vec::new();
                while let Ok(next) = wishes.try_recv() {
                    more.extend(if let Wish::Check(ticket) = next { Some(ticket) } else { None });
                }
                more.into_iter().for_each(|ticket| reply(shared, ticket, Reply::Reloading));
                true
            }
            Some(Wish::Check(ticket)) => {
                let changed = loader.has_changed();
                reply(shared, ticket, if changed { Reply::Reloading } else { Reply::UpToDate });
                changed
            }
            Some(Wish::Renew(number)) => {
                let is_current = number == shared.signatures.number();
                if is_current {
                    shared.log.say(Weight::Error, "the template of the workers is gone; another one is made");
                }
                is_current
            }
            Some(Wish::TakeBack) => take_back(shared, &mut loader),
            None => (looks || shared.settings.self_check.is_some()) && loader.has_changed(),
        };
        if wanted {
            shared.log.say(Weight::Info, "Reading databases");
            match loader.load(shared.signatures.number().saturating_add(1), &shared.log) {
                Ok(next) => {
                    shared.watched.change(next.number, next.stored);
                    let old = shared.signatures.change(next);
                    // Lanes that wait hold the old one, too.
                    shared.jobs.wake();
                    drop(old);
                    shared.counters.reloads.count();
                    shared.log.say(Weight::Info, "Database correctly reloaded");
                }
                Err(error) => {
                    shared.counters.failed_reloads.count();
                    let text = format!("Reload failed, the old signatures stay in force: {error:#}");
                    shared.log.say(Weight::Error, &text);
                    if !shared.signatures.current().sandbox.is_alive() {
                        shared.has_failed.store(true, Ordering::Relaxed);
                        shared.mailbox.wake();
                    }
                }
            }
        }
    }
}

/// Takes the generation in force back, as the watch decided; says whether others are to be loaded.
fn take_back(shared: &Shared, loader: &mut Loader) -> bool {
    let Some((generation, decision)) = shared.watched.decided() else { return false };
    let reason = decision.reason();
    let text = format!("Generation {generation} misbehaves, and is taken back: {reason}");
    shared.log.say(Weight::Error, &text);
    if let Err(error) = candor::update::watch::carry_out(shared.watched.root(), generation, &decision) {
        let text = format!(
            "The store still has generation {generation} active, this daemon goes back by itself: {error:#}"
        );
        shared.log.say(Weight::Error, &text);
        loader.distrusted = Some(generation);
    }
    loader.has_changed()
}

fn reply(shared: &Shared, ticket: Ticket, reply: Reply<'_>) {
    let mut text = Vec::new();
    reply.write(ticket.tag, &mut text);
    shared.mailbox.post(Message { session: ticket.session, text, last: true });
}

/// Version and time of the daily database in a folder.
fn daily(folder: &Path) -> Option<(u32, String)> {
    let daily = ["daily.cld", "daily.cvd"].into_iter().filter_map(|name| header(&folder.join(name))).max();
    daily.map(|(version, seconds)| (version, Moment::of(seconds).long()))
}

/// When the newest container at `path` was made, in seconds since 1970; 0 when there is none.
fn newest(path: &Path) -> u64 {
    let Ok(entries) = path.read_dir() else { return header(path).map_or(0, |(_, seconds)| seconds) };
    let paths = entries.flatten().map(|entry| entry.path());
    let containers = paths.filter(|path| path.extension().is_some_and(|kind| kind == "cvd" || kind == "cld"));
    containers.filter_map(|path| header(&path)).map(|(_, seconds)| seconds).max().unwrap_or(0)
}

/// What the first bytes of a container say: they are text.
fn header(path: &Path) -> Option<(u32, u64)> {
    let mut header = [0; 512];
    File::open(path).ok()?.read_exact(&mut header).ok()?;
    parse(&header)
}

fn parse(header: &[u8]) -> Option<(u32, u64)> {
    let text = std::str::from_utf8(header).ok()?;
    let mut fields = text.strip_prefix("ClamAV-VDB:")?.split(':');
    let _date = fields.next()?;
    let version = fields.next()?.parse().ok()?;
    let seconds = fields.nth(5)?.trim().parse().ok()?;
    Some((version, seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_container_counts() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(newest(folder.path()), 0);
        for (name, seconds) in [("main.cvd", 100), ("daily.cld", 300), ("other.ndb", 900)] {
            let header = format!("ClamAV-VDB:x:1:2:90:0123:abc:me:{seconds}");
            std::fs::write(folder.path().join(name), format!("{header:512}")).unwrap();
        }
        assert_eq!(newest(folder.path()), 300);
        assert_eq!(newest(&folder.path().join("main.cvd")), 100);
    }

    #[test]
    fn the_daily_database_tells_its_version_and_time() {
        let header = b"ClamAV-VDB:07 Dec 2023 09-38 -0500:27116:2049000:90:0123:abc:raynman:1701959893   ";
        assert_eq!(parse(header), Some((27_116, 1_701_959_893)));
        assert_eq!(Moment::of(1_701_959_893).long(), "Thu Dec  7 14:38:13 2023");
        assert_eq!(parse(b"ClamAV-VDB:x:y"), None);
    }
}
