//! What freshclam does, as `candor_update` wants it done: files come by way of `candor-fetch`, databases are
//! compiled in a jail before they count, and then put into the folder.

use std::io::Write as _;
use std::time::Duration;

use candor::clamav::clock::{Moment, seconds};
use candor::store::Compiler;
use candor_update::clamav::{Content, Level, Offer, State, Tried, Trouble, World};
use candor_update::source::fetch::{FileWish, Job, VERSION, Wish};

use super::Program;
use super::fetcher;
use super::folder::Folder;
use super::settings::Settings;
use super::tell::Teller;

/// Does it.
pub(crate) struct Work<'a> {
    pub(crate) program: &'a Program,
    pub(crate) settings: &'a Settings,
    pub(crate) folder: &'a Folder,
    pub(crate) teller: &'a mut Teller,
    pub(crate) compiler: Option<&'a Compiler>,
    pub(crate) state: &'a mut State,
}

impl Work<'_> {
    /// Has something fetched.
    pub(crate) fn wish(&mut self, wishes: Vec<Wish>, stops: bool) -> Vec<Tried> {
        let spool = match self.folder.spool() {
            Ok(spool) => spool,
            Err(error) => {
                self.teller.say(Level::Error, &format!("Can't create temporary directory: {error}"));
                return Vec::new();
            }
        };
        let job = Job {
            version: VERSION,
            agent: self.settings.agent.clone(),
            times: self.settings.times,
            redirects: 3,
            proxy: self.settings.proxy.clone(),
            name_servers: self.settings.name_servers.clone(),
            authorities: self.settings.authorities.clone(),
            stop_at_failure: stops,
            wishes,
        };
        fetcher::run(&self.program.fetcher, &job, &spool)
    }

    /// Compiles what is offered, in a jail; says why it should not be used.
    fn try_out(&mut self, offer: &Offer) -> Result<(), String> {
        let compiler = self.compiler.ok_or("there is no jail to try it out in")?;
        let plain = [(offer.file.as_str(), offer.bytes.as_slice())];
        let members: Vec<(&str, &[u8])> = match &offer.content {
            // The licence and the list are the container's own.
            Content::Container(database) => database
                .members
                .iter()
                .filter(|member| member.name != "COPYING" && !member.name.ends_with(".info"))
                .map(|member| (member.name.as_str(), member.bytes.as_slice()))
                .collect(),
            Content::Plain => plain.to_vec(),
        };
        let trial = compiler.try_out(&members).map_err(|error| format!("{error:#}"))?;
        let is_signed = matches!(offer.content, Content::Container(_));
        if trial.refused == 0 {
            return Ok(());
        }
        let first = trial.first.unwrap_or_default();
        if is_signed && trial.accepted > 0 {
            // Whoever signed it means it. What cannot be used is told, and the rest is better than nothing.
            let text = format!("{} lines of {} cannot be used: {first}", trial.refused, offer.file);
            self.teller.say(Level::Warning, &text);
            return Ok(());
        }
        Err(format!("{} lines cannot be used: {first}", trial.refused))
    }
}

impl World for Work<'_> {
    fn say(&mut self, level: Level, text: &str) {
        self.teller.say(level, text);
    }

    fn fetch(&mut self, wishes: &[FileWish], stops: bool) -> Vec<Tried> {
        self.wish(wishes.iter().cloned().map(Wish::File).collect(), stops)
    }

    fn load(&mut self, file: &str) -> Option<Vec<u8>> {
        match self.folder.load(file) {
            Ok(bytes) => Some(bytes),
            Err(error) => {
                self.teller.say(Level::Warning, &format!("{file}: {error}"));
                None
            }
        }
    }

    fn pause(&mut self, seconds: u64) {
        drop(std::io::stdout().flush());
        std::thread::sleep(Duration::from_secs(self.settings.pause.unwrap_or(seconds)));
    }

    fn install(&mut self, offer: Offer) -> Result<(), Trouble> {
        if self.settings.tests {
            let path = self.folder.trial(&offer.file);
            self.teller.say(Level::Info, &format!("Testing database: '{}' ...", path.display()));
            if let Err(reason) = self.try_out(&offer) {
                self.teller.say(Level::Warning, &format!("Database load failed: {reason}"));
                self.teller.say(Level::Error, "Database test FAILED.");
                return Err(Trouble::TestFailed);
            }
            self.teller.say(Level::Info, "Database test passed.");
        }
        let modified = match offer.content {
            Content::Container(_) => None,
            Content::Plain => offer.modified,
        };
        // Whoever reads the database needs what vouches for it, so that is there first.
        let beside = match (&offer.content, &offer.beside) {
            (Content::Container(database), Some(signature)) => {
                self.folder.put_beside(&offer.file, database.head.version, signature)
            }
            _ => Ok(()),
        };
        let put = beside.and_then(|()| self.folder.put(&offer.file, &offer.bytes, modified));
        put.map_err(|error| {
            let path = self.settings.folder.join(&offer.file);
            self.teller.say(Level::Error, &format!("Can't write {}: {error}", path.display()));
            Trouble::FailedUpdate
        })
    }

    fn refused(&mut self, status: u16, retry_after: Option<u64>) -> String {
        let until = self.state.refused(status, retry_after, seconds());
        if let Err(error) = self.folder.keep(self.state) {
            self.teller.say(Level::Warning, &format!("it cannot be remembered: {error}"));
        }
        shown(until)
    }

    fn saw_signature(&mut self, database: &str) {
        if self.state.needs_signature(database) {
            return;
        }
        self.state.saw_signature(database);
        if let Err(error) = self.folder.keep(self.state) {
            self.teller.say(Level::Warning, &format!("it cannot be remembered: {error}"));
        }
    }

    fn now(&mut self) -> u64 {
        seconds()
    }
}

/// A time as freshclam shows when it may ask again.
pub(crate) fn shown(seconds: u64) -> String {
    Moment::of(seconds).summary().replacen(':', "-", 2)
}
