//! From what is there to what should be there: which files are asked for, what is made of the answers, and what
//! is said about it. The words are freshclam's where it has some, since other programs read them.
//!
//! Where this is more careful than freshclam 1.4.6: a server that says 403 or 429 is left alone at once, also when it
//! says so to a question about a header or a patch; a patch that the server does not have is asked for once;
//! a patched database that does not verify is replaced by a whole one in the same run.

use crate::source::fetch::{Answer, FailureKind, FileWish, MOST_WISHES};

use super::beside::is_there;
use super::database::{Database, DatabaseError, HEADER, Head, MOST_CONTAINER};
use super::patch::MOST_PATCH;
use super::trust::Trust;

/// Seconds until a server is tried again.
const PAUSE: u64 = 5;
/// From so many patches on, the whole database costs the server less.
const MOST_PATCHES: u64 = 512;

/// Whoever acts: it fetches, tries out, installs, waits and speaks.
pub trait World {
    /// Says something.
    fn say(&mut self, level: Level, text: &str);
    /// Fetches files; the answers are in the order of the wishes, and fewer than these when it stops at the first
    /// that is not `200 OK`, as it must when `stops`.
    fn fetch(&mut self, wishes: &[FileWish], stops: bool) -> Vec<Tried>;
    /// The bytes of a database that is there.
    fn load(&mut self, file: &str) -> Option<Vec<u8>>;
    /// Waits.
    fn pause(&mut self, seconds: u64);
    /// Tries a database out, and puts it in the place of what was there.
    ///
    /// # Errors
    /// It fails the trial, or cannot be put there.
    fn install(&mut self, offer: Offer) -> Result<(), Trouble>;
    /// Remembers that official servers do not want to be asked; says until when.
    fn refused(&mut self, status: u16, retry_after: Option<u64>) -> String;
    /// Remembers that a database has a signature by certificates: it needs one from now on.
    fn saw_signature(&mut self, database: &str);
    /// The time, in seconds since 1970.
    fn now(&mut self) -> u64;
}

/// How much a line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Only for whoever wants to know everything.
    Verbose,
    /// What is done.
    Info,
    /// What is not as it should be.
    Warning,
    /// What failed.
    Error,
}

/// An answer, with the bytes that belong to it once they were compared with its digest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tried {
    /// What the fetcher says.
    pub answer: Answer,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// A server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mirror {
    /// The start of its addresses, without a slash at the end.
    pub url: String,
    /// Whether it is one of one's own: it has also patched databases, and the name system does not speak of it.
    pub private: bool,
}

/// What is wanted of one database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Its name, such as `daily`.
    pub database: String,
    /// Servers, in the order in which they are tried.
    pub mirrors: Vec<Mirror>,
    /// How often each is tried.
    pub attempts: u32,
    /// Whether patches are used.
    pub scripted: bool,
    /// Whether patched databases are compressed.
    pub compress: bool,
    /// The newest version, as the name system says.
    pub advertised: Option<u64>,
    /// Whether it had a signature by certificates once, so that it needs one.
    pub needs_signature: bool,
    /// Whether a patch of it had one once, so that every patch needs one. Patches are remembered as
    /// [`patches_of`](super::patches_of) the database: servers began to sign them at another time than databases.
    pub needs_patch_signature: bool,
}

/// A database that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Local {
    /// Its file, such as `daily.cvd`.
    pub file: String,
    /// What its header says.
    pub head: Head,
}

/// A database that was verified, to be tried out and installed.
#[derive(Debug)]
pub struct Offer {
    /// The file that it is to be.
    pub file: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// What is in it.
    pub content: Content,
    /// When the server says that it changed, in seconds since 1970.
    pub modified: Option<u64>,
    /// The signature by certificates beside it, which whoever reads it needs as well.
    pub beside: Option<Vec<u8>>,
}

/// What is in a file that is offered.
#[derive(Debug)]
pub enum Content {
    /// A signed container.
    Container(Database),
    /// Signatures that nobody signed.
    Plain,
}

/// How it ended well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// There was nothing to do.
    UpToDate,
    /// There is a new database.
    Updated,
}

/// How it ended badly. The numbers are exit statuses of freshclam.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Trouble {
    /// The database is damaged, or its signatures do not fit.
    #[error("Invalid or corrupted CVD/CLD database")]
    BadDatabase = 7,
    /// It does not load.
    #[error("Test failed")]
    TestFailed = 8,
    /// The folder of databases cannot be used.
    #[error("Can't access database directory")]
    Directory = 10,
    /// No server gave it.
    #[error("HTTP GET failed")]
    FailedGet = 11,
    /// The servers have older databases than they should.
    #[error("Mirrors are not fully synchronized, try again later")]
    NotInSync = 12,
    /// It could not be put in its place.
    #[error("Failed to update database")]
    FailedUpdate = 14,
    /// The server does not serve us.
    #[error("Forbidden; Blocked by CDN")]
    Forbidden = 17,
    /// The server wants to be left alone for some time.
    #[error("Up-to-date or rate limited; try again later")]
    RetryLater = 18,
}

impl Trouble {
    /// Whether another try could end differently.
    const fn is_worth_another(self) -> bool {
        matches!(self, Self::BadDatabase | Self::FailedGet | Self::NotInSync)
    }
}

/// Brings one of the official databases up to date.
///
/// # Errors
/// It is not, and what was there still is.
pub fn update(
    world: &mut dyn World,
    order: &Order,
    local: Option<&Local>,
    trust: &Trust,
) -> Result<Outcome, Trouble> {
    let mut trouble = Trouble::FailedGet;
    for mirror in &order.mirrors {
        for attempt in 1..=order.attempts.max(1) {
            let last = attempt >= order.attempts;
            let mut try_once = Try { world, order, local, trust, mirror, last };
            match try_once.run() {
                Ok(outcome) => return Ok(outcome),
                Err(found) if !found.is_worth_another() => {
                    if found == Trouble::TestFailed || found == Trouble::FailedUpdate {
                        let text =
                            format!("Unexpected error when attempting to update {}: {found}", order.database);
                        world.say(Level::Error, &text);
                    }
                    return Err(found);
                }
                Err(found) => trouble = found,
            }
            if last {
                world.say(Level::Info, &format!("Giving up on {}...", mirror.url));
            } else {
                world.say(Level::Info, &format!("Trying again in {PAUSE} secs..."));
                world.pause(PAUSE);
            }
        }
    }
    world.say(Level::Error, &format!("Update failed for database: {}", order.database));
    Err(trouble)
}

/// One try at one server.
pub(super) struct Try<'a> {
    pub(super) world: &'a mut dyn World,
    pub(super) order: &'a Order,
    local: Option<&'a Local>,
    pub(super) trust: &'a Trust,
    mirror: &'a Mirror,
    /// Whether it is the last one there.
    last: bool,
}

/// What patches came to.
enum Patched {
    /// Done.
    Outcome(Outcome),
    /// The whole database is needed.
    Whole,
}

impl Try<'_> {
    fn run(&mut self) -> Result<Outcome, Trouble> {
        let name = &self.order.database;
        let (remote, file) = match self.order.advertised.filter(|_| !self.mirror.private) {
            Some(version) => (version, format!("{name}.cvd")),
            None => self.ask_header()?,
        };
        match self.local {
            Some(local) if remote <= local.head.version => {
                self.world.say(Level::Info, &up_to_date(local));
                return Ok(Outcome::UpToDate);
            }
            Some(local) => self.world.say(
                Level::Info,
                &format!(
                    "{name} database available for update (local version: {}, remote version: {remote})",
                    local.head.version
                ),
            ),
            None => self.world.say(
                Level::Info,
                &format!("{name} database available for download (remote version: {remote})"),
            ),
        }
        if let Some(local) = self.local
            && self.order.scripted
            && !self.mirror.private
        {
            match self.patches(local, remote)? {
                Patched::Outcome(outcome) => return Ok(outcome),
                Patched::Whole => (),
            }
        }
        self.whole(&file, remote)
    }

    /// How loud a failure is: it is an error once there is no other try.
    const fn loud(&self) -> Level {
        if self.last { Level::Error } else { Level::Warning }
    }

    pub(super) fn url(&self, file: &str) -> String {
        format!("{}/{file}", self.mirror.url)
    }

    pub(super) fn one(&mut self, wish: FileWish) -> Tried {
        self.world.fetch(&[wish], true).into_iter().next().unwrap_or_default()
    }

    /// The newest version, and the file that has it.
    fn ask_header(&mut self) -> Result<(u64, String), Trouble> {
        let name = self.order.database.clone();
        let since = self.local.map(|local| local.head.seconds);
        let kinds: &[&str] = if self.mirror.private { &["cld", "cvd"] } else { &["cvd"] };
        for kind in kinds {
            let file = format!("{name}.{kind}");
            let url = self.url(&file);
            self.world.say(Level::Info, &format!("Trying to retrieve CVD header from {url}"));
            let first = u64::try_from(HEADER).unwrap_or(512);
            let tried = self.one(FileWish { url: url.clone(), most: first, first: Some(first), since });
            if let Some(failure) = &tried.answer.failure {
                let text = format!("remote_cvdhead: Download failed: {failure}");
                self.world.say(self.loud(), &text);
                continue;
            }
            match tried.answer.status {
                Some(304) if self.local.is_some() => {
                    return Ok((self.local.map_or(0, |local| local.head.version), file));
                }
                Some(200 | 206) => match Head::read(&tried.bytes) {
                    Ok(head) if tried.bytes.len() >= HEADER => {
                        self.world.say(Level::Info, "OK");
                        return Ok((head.version, file));
                    }
                    Ok(_) => self.world.say(self.loud(), "remote_cvdhead: Malformed CVD header (too short)"),
                    Err(error) => {
                        self.world
                            .say(self.loud(), &format!("remote_cvdhead: Malformed CVD header ({error})"));
                    }
                },
                Some(404) => {
                    self.world.say(Level::Warning, &format!("remote_cvdhead: file not found: {url}"));
                }
                Some(status @ (403 | 429)) => return Err(self.refused(status, &tried, &file)),
                status => {
                    let text = format!(
                        "remote_cvdhead: Unexpected response ({}) from {}",
                        status.unwrap_or(0),
                        self.mirror.url
                    );
                    self.world.say(self.loud(), &text);
                }
            }
        }
        let url = &self.mirror.url;
        self.world.say(
            Level::Warning,
            &format!("Failed to get {name} database version information from server: {url}"),
        );
        let text =
            format!("check_for_new_database_version: Failed to find {name} database using server {url}.");
        self.world.say(Level::Error, &text);
        Err(Trouble::FailedGet)
    }

    /// The server does not want to be asked.
    pub(super) fn refused(&mut self, status: u16, tried: &Tried, file: &str) -> Trouble {
        let url = self.url(file);
        self.world.say(Level::Warning, &format!("Can't download {file} from {url}"));
        if self.mirror.private {
            return Trouble::FailedGet;
        }
        let until = self.world.refused(status, tried.answer.retry_after);
        self.world.say(
            Level::Warning,
            &format!(
                "FreshClam received error code {status} from the ClamAV Content Delivery Network (CDN)."
            ),
        );
        let (lines, trouble) = if status == 403 {
            (&FORBIDDEN[..], Trouble::Forbidden)
        } else {
            (&RATE_LIMITED[..], Trouble::RetryLater)
        };
        lines.iter().for_each(|line| self.world.say(Level::Info, line));
        self.world.say(Level::Warning, &format!("You are on cool-down until after: {until}"));
        trouble
    }

    /// From the database that is there, by patches.
    fn patches(&mut self, local: &Local, remote: u64) -> Result<Patched, Trouble> {
        let name = self.order.database.clone();
        let missing = remote.saturating_sub(local.head.version);
        if missing > MOST_PATCHES {
            return Ok(Patched::Whole);
        }
        let opened =
            self.world.load(&local.file).ok_or_else(|| String::from("it cannot be read")).and_then(|bytes| {
                Database::open(&local.file, &bytes, self.trust).map_err(|error| error.to_string())
            });
        let mut database = match opened {
            Ok(database) => database,
            Err(reason) => {
                self.world.say(Level::Warning, &format!("{} cannot be patched: {reason}", local.file));
                return Ok(self.whole_instead());
            }
        };
        let mut done = 0_u64;
        while database.head.version < remote {
            let from = database.head.version.saturating_add(1);
            let many = u64::try_from(MOST_WISHES).unwrap_or(1);
            let to = remote.min(from.saturating_add(many).saturating_sub(1));
            let files: Vec<String> = (from..=to).map(|version| format!("{name}-{version}.cdiff")).collect();
            let wishes: Vec<FileWish> = files
                .iter()
                .map(|file| FileWish { url: self.url(file), most: MOST_PATCH, first: None, since: None })
                .collect();
            files.iter().for_each(|file| {
                self.world.say(Level::Verbose, &format!("Retrieving {}", self.url(file)));
            });
            let answers = self.world.fetch(&wishes, true);
            let mut beside = self.beside_patches(&files, &answers).into_iter();
            let mut answers = answers.into_iter();
            for file in &files {
                let tried = answers.next().unwrap_or_default();
                if is_there(&tried) {
                    if !self.patch_vouched(file, &tried.bytes, beside.next())? {
                        return Ok(self.whole_instead());
                    }
                    match database.apply(&tried.bytes, self.trust) {
                        Ok(()) => done = done.saturating_add(1),
                        Err(DatabaseError::EmptyPatch) => {
                            self.world.say(
                                Level::Info,
                                &format!("Empty script {file}, need to download entire database"),
                            );
                            return Ok(Patched::Whole);
                        }
                        Err(error) => {
                            self.world.say(Level::Warning, &format!("{file}: {error}"));
                            self.world.say(Level::Error, "downloadPatch: Can't apply patch");
                            return Ok(self.whole_instead());
                        }
                    }
                    continue;
                }
                return self.patch_missing(file, &tried, (done, missing), remote, &database);
            }
        }
        self.patched(&database)
    }

    fn whole_instead(&mut self) -> Patched {
        let text = format!("Incremental update failed, trying to download {}.cvd", self.order.database);
        self.world.say(Level::Warning, &text);
        Patched::Whole
    }

    /// A patch could not be had, when `done` of `missing` had been carried out.
    fn patch_missing(
        &mut self,
        file: &str,
        tried: &Tried,
        (done, missing): (u64, u64),
        remote: u64,
        database: &Database,
    ) -> Result<Patched, Trouble> {
        let (name, url) = (self.order.database.clone(), self.url(file));
        match (&tried.answer.failure, tried.answer.status) {
            (None, Some(status @ (403 | 429))) => return Err(self.refused(status, tried, file)),
            (None, Some(404)) => {
                self.world.say(Level::Warning, &format!("downloadFile: file not found: {url}"));
            }
            (Some(failure), _) => self.world.say(Level::Warning, &format!("downloadFile: {failure}: {url}")),
            (None, status) => {
                let text = format!("downloadFile: Unexpected response ({}): {url}", status.unwrap_or(0));
                self.world.say(Level::Warning, &text);
            }
        }
        self.world.say(Level::Warning, &format!("downloadPatch: Can't download {file} from {url}"));
        if done > 0 {
            self.world.say(
                Level::Info,
                &format!(
                    "Downloaded {done} patches for {name}, which is fewer than the {missing} expected patches."
                ),
            );
            self.world.say(Level::Info, "We'll settle for this partial-update, at least for now.");
            return self.patched(database);
        }
        if tried.answer.failure.is_some() {
            return Err(Trouble::FailedGet);
        }
        if missing == 1 && tried.answer.status == Some(404) {
            let text = format!(
                "The database server doesn't have the latest patch for the {name} database (version {remote}). The \
                 server will likely have updated if you check again in a few hours."
            );
            self.world.say(Level::Info, &text);
            return Ok(Patched::Outcome(Outcome::UpToDate));
        }
        Ok(self.whole_instead())
    }

    /// Installs a database that patches were made to.
    fn patched(&mut self, database: &Database) -> Result<Patched, Trouble> {
        let made = database
            .to_container(self.order.compress, self.trust)
            .and_then(|bytes| Ok((Database::open("patched.cld", &bytes, self.trust)?, bytes)));
        let (database, bytes) = match made {
            Ok(made) => made,
            Err(error) => {
                let text = format!("the patched {} database does not verify: {error}", self.order.database);
                self.world.say(Level::Warning, &text);
                return Ok(self.whole_instead());
            }
        };
        let file = format!("{}.cld", self.order.database);
        self.install((file, bytes), database, None, None).map(Patched::Outcome)
    }

    /// The whole database.
    fn whole(&mut self, file: &str, remote: u64) -> Result<Outcome, Trouble> {
        let url = self.url(file);
        let since = self.local.map(|local| local.head.seconds);
        let tried = self.one(FileWish { url: url.clone(), most: MOST_CONTAINER, first: None, since });
        if let Some(failure) = &tried.answer.failure {
            self.world.say(Level::Warning, &format!("downloadFile: {failure}: {url}"));
            self.world.say(self.loud(), &format!("Can't download {file} from {url}"));
            return Err(Trouble::FailedGet);
        }
        match tried.answer.status {
            Some(200) => (),
            Some(304) if self.local.is_some() => {
                if let Some(local) = self.local {
                    self.world.say(Level::Info, &up_to_date(local));
                }
                return Ok(Outcome::UpToDate);
            }
            Some(status @ (403 | 429)) => return Err(self.refused(status, &tried, file)),
            status => {
                let text = match status {
                    Some(404) => format!("downloadFile: file not found: {url}"),
                    status => format!("downloadFile: Unexpected response ({}): {url}", status.unwrap_or(0)),
                };
                self.world.say(Level::Warning, &text);
                self.world.say(self.loud(), &format!("Can't download {file} from {url}"));
                return Err(Trouble::FailedGet);
            }
        }
        let (database, beside) = match Database::open(file, &tried.bytes, self.trust) {
            Ok(database) => {
                let beside = self.beside(file, &tried.bytes, database.head.version)?;
                if beside.is_none() {
                    self.vouches_for_itself(file, &tried.bytes)?;
                }
                (database, beside)
            }
            Err(error) => {
                let vouched =
                    if error.is_about_signatures() { self.vouched_for(file, &tried.bytes)? } else { None };
                let Some((database, beside)) = vouched else {
                    self.world.say(Level::Warning, &format!("{file}: {error}"));
                    self.world.say(Level::Error, "Verification: Can't verify database integrity");
                    return Err(Trouble::BadDatabase);
                };
                (database, Some(beside))
            }
        };
        let name = &self.order.database;
        if let Some(local) = self.local.filter(|local| database.head.version <= local.head.version) {
            let text = format!(
                "Received version {} of the {name} database, which is not newer than {}.",
                database.head.version, local.head.version
            );
            self.world.say(Level::Warning, &text);
            return Err(Trouble::NotInSync);
        }
        if database.head.version < remote {
            let text = format!(
                "Received an older {name} CVD than was advertised. Incremental updates either failed or are \
                 disabled, so we'll have to settle for a slightly out-of-date database."
            );
            self.world.say(Level::Warning, &text);
        }
        self.install((file.to_owned(), tried.bytes), database, tried.answer.modified, beside)
    }

    fn install(
        &mut self,
        (file, bytes): (String, Vec<u8>),
        database: Database,
        modified: Option<u64>,
        beside: Option<Vec<u8>>,
    ) -> Result<Outcome, Trouble> {
        let head = database.head.clone();
        let content = Content::Container(database);
        self.world.install(Offer { file: file.clone(), bytes, content, modified, beside })?;
        self.world.say(Level::Info, &format!("{file} updated ({})", described(&head)));
        Ok(Outcome::Updated)
    }
}

/// Brings a database up to date that is somewhere of its own and, unless it is a container, signed by nobody.
/// `local` is when the file that is there was changed.
///
/// # Errors
/// It is not, and what was there still is.
pub fn custom(
    world: &mut dyn World,
    url: &str,
    local: Option<u64>,
    attempts: u32,
    trust: &Trust,
) -> Result<Outcome, Trouble> {
    let file = file_of(url).ok_or(Trouble::FailedUpdate)?;
    let mut trouble = Trouble::FailedGet;
    for attempt in 1..=attempts.max(1) {
        let last = attempt >= attempts;
        let wish = FileWish { url: url.to_owned(), most: MOST_CONTAINER, first: None, since: local };
        let tried = world.fetch(&[wish], true).into_iter().next().unwrap_or_default();
        match (&tried.answer.failure, tried.answer.status) {
            (None, Some(304)) if local.is_some() => {
                world.say(Level::Info, &format!("{file} is up-to-date (version: custom database)"));
                return Ok(Outcome::UpToDate);
            }
            (None, Some(200)) => {
                match install_custom(world, file, tried.bytes, tried.answer.modified, trust) {
                    Err(found) if found.is_worth_another() => trouble = found,
                    other => return other,
                }
            }
            (failure, status) => {
                let text = match (failure, status) {
                    (Some(failure), _) => format!("downloadFile: {failure}: {url}"),
                    (None, Some(404)) => format!("downloadFile: file not found: {url}"),
                    (None, status) => {
                        format!("downloadFile: Unexpected response ({}): {url}", status.unwrap_or(0))
                    }
                };
                world.say(Level::Warning, &text);
                let level = if last { Level::Error } else { Level::Warning };
                world.say(level, &format!("Can't download {file} from {url}"));
                trouble = Trouble::FailedGet;
                if failure.as_ref().is_some_and(|failure| failure.kind == FailureKind::Wish) {
                    break;
                }
            }
        }
        if !last {
            world.say(Level::Info, &format!("Trying again in {PAUSE} secs..."));
            world.pause(PAUSE);
        }
    }
    world.say(Level::Info, &format!("Update failed for custom database URL: {url}"));
    Err(trouble)
}

/// Verifies a file that is distributed by itself, as far as it can be, and installs it.
///
/// # Errors
/// It is damaged, fails its trial or cannot be installed.
pub fn install_custom(
    world: &mut dyn World,
    file: &str,
    bytes: Vec<u8>,
    modified: Option<u64>,
    trust: &Trust,
) -> Result<Outcome, Trouble> {
    let lower = file.to_ascii_lowercase();
    if !(lower.ends_with(".cvd") || lower.ends_with(".cld")) {
        let lines = bytes.iter().filter(|byte| **byte == b'\n').count();
        let lines = lines.saturating_add(usize::from(!bytes.is_empty() && !bytes.ends_with(b"\n")));
        let offer = Offer { file: file.to_owned(), bytes, content: Content::Plain, modified, beside: None };
        world.install(offer)?;
        world.say(Level::Info, &format!("{file} updated (version: custom database, sigs: {lines})"));
        return Ok(Outcome::Updated);
    }
    match Database::open(file, &bytes, trust) {
        Ok(database) => {
            let head = database.head.clone();
            let content = Content::Container(database);
            world.install(Offer { file: file.to_owned(), bytes, content, modified, beside: None })?;
            world.say(Level::Info, &format!("{file} updated ({})", described(&head)));
            Ok(Outcome::Updated)
        }
        Err(error) => {
            world.say(Level::Warning, &format!("{file}: {error}"));
            world.say(Level::Error, "Verification: Can't verify database integrity");
            Err(Trouble::BadDatabase)
        }
    }
}

/// The name of the file behind an address: its last part, when that is a name that can do no harm.
pub(super) fn file_of(url: &str) -> Option<&str> {
    let path = url.split(['?', '#']).next()?;
    let (_, name) = path.rsplit_once('/')?;
    let fits = !name.is_empty()
        && !name.starts_with(['.', '-'])
        && name.len() <= 128
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-+".contains(&byte));
    fits.then_some(name)
}

fn described(head: &Head) -> String {
    format!(
        "version: {}, sigs: {}, f-level: {}, builder: {}",
        head.version, head.signatures, head.level, head.builder
    )
}

fn up_to_date(local: &Local) -> String {
    format!("{} database is up-to-date ({})", local.file, described(&local.head))
}

/// What freshclam says about 403.
const FORBIDDEN: [&str; 11] = [
    "This could mean several things:",
    " 1. You are running an out-of-date version of ClamAV / FreshClam.",
    "    Ensure you are the most updated version by visiting https://www.clamav.net/downloads",
    " 2. Your network is explicitly denied by the FreshClam CDN.",
    "    In order to rectify this please check that you are:",
    "   a. Running an up-to-date version of FreshClam",
    "   b. Running FreshClam no more than once an hour",
    "   c. Connecting from an IP in a blocked region",
    "      Please see https://www.cisco.com/c/m/en_us/crisissupport.html",
    " 3. The server does not serve other updaters than FreshClam: this is Candor, and says so.",
    "    A mirror of your own (PrivateMirror) serves every updater.",
];

/// What freshclam says about 429.
const RATE_LIMITED: [&str; 6] = [
    "This means that you have been rate limited by the CDN.",
    " 1. Run FreshClam no more than once an hour to check for updates.",
    "    FreshClam should check DNS first to see if an update is needed.",
    " 2. If you have more than 10 hosts on your network attempting to download,",
    "    it is recommended that you set up a private mirror on your network using",
    "    cvdupdate (https://pypi.org/project/cvdupdate/) to save bandwidth.",
];
