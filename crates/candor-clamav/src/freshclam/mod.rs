//! `freshclam`: keeps ClamAV's databases up to date, with freshclam's options, configuration, lines and exit
//! statuses.
//!
//! It opens no connection itself: `candor-fetch` does, which can do nothing else. What it brings is verified here, and
//! compiled in a jail before it counts. What is decided, and why: `candor_update::clamav`.
//!
//! * `options`, `conf`, `settings`: what is wished. `tell`: what is said.
//! * `folder`: the folder of databases. `fetcher`: runs `candor-fetch`. `work`: puts the two together.
//! * `execute`, `notify`: what follows an update. `user`: root becomes somebody else. `daemon`: again and again.

mod conf;
mod daemon;
mod execute;
mod fetcher;
mod folder;
mod notify;
mod options;
mod settings;
mod tell;
mod user;
mod work;

pub(crate) use options::OPTIONS;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use candor::clamav::clock::{Moment, seconds};
use candor::store::Compiler;
use candor::update::place;
use candor::update::rules::Rules;
use candor_update::clamav::{
    Certificate, Level, Order, Outcome, Record, Trouble, Trust, custom, install_custom, patches_of, update,
};
use candor_update::source::fetch::Wish;

use self::conf::Configuration;
use self::execute::Action;
use self::folder::{Folder, FolderError};
use self::settings::Settings;
use self::tell::Teller;
use self::work::Work;
use crate::console::complain;
use crate::options::{Given, help, read};

/// Whom this program believes, and who fetches for it.
#[derive(Clone, Debug)]
pub struct Program {
    /// Whose signatures are believed.
    pub trust: Trust,
    /// The program that opens connections.
    pub fetcher: PathBuf,
}

impl Program {
    /// The one that is meant for use: ClamAV's keys, and the fetcher beside this program.
    #[must_use]
    pub fn usual() -> Self {
        Self { trust: Trust::published(), fetcher: fetcher::find() }
    }
}

/// Exit status when options or configuration are not understood.
const CONFIGURATION: u8 = 2;
/// When the folder of databases cannot be used.
const FOLDER: u8 = 10;
/// When nothing is asked for.
const NOTHING: u8 = 16;
/// Any other failure.
const FAILURE: u8 = 19;

/// Runs the command.
#[must_use]
pub fn run(mut program: Program, called: &str, arguments: Vec<OsString>) -> ExitCode {
    let again = arguments.clone();
    let given = match read(called, OPTIONS, arguments) {
        Ok(given) => given,
        Err(lines) => {
            lines.iter().for_each(|line| complain(line));
            return ExitCode::from(CONFIGURATION);
        }
    };
    let mut teller = Teller::default();
    if given.is_on("help") {
        teller.say(Level::Info, "\n    freshclam [options]\n".trim_matches('\n'));
        help(OPTIONS).iter().for_each(|line| teller.say(Level::Info, line));
        return ExitCode::SUCCESS;
    }
    let path =
        given.text("config-file").map_or_else(|| PathBuf::from("/etc/clamav/freshclam.conf"), PathBuf::from);
    let configured = Configuration::read(&path);
    if given.is_on("version") {
        let folder = configured.ok().and_then(|read| read.text("datadir").map(PathBuf::from));
        teller.say(Level::Info, &crate::database::version(folder.as_slice()));
        return ExitCode::SUCCESS;
    }
    let mut configured = match configured {
        Ok(configured) => configured,
        Err(lines) => {
            lines.iter().for_each(|line| teller.say(Level::Error, line));
            return ExitCode::from(CONFIGURATION);
        }
    };
    configured.override_by(&given);
    if given.is_on("candor-refuse-md5") {
        program.trust.old_signature = candor_update::clamav::OldSignature::Refuse;
    }
    match certificates(configured.text("cvdcertsdir")) {
        Ok(certificates) => program.trust.certificates.extend(certificates),
        Err(reason) => {
            teller.say(Level::Error, &reason);
            return ExitCode::from(CONFIGURATION);
        }
    }
    ExitCode::from(start(&program, &configured, &given, &mut teller, &again))
}

/// Where certificates are that databases are signed with, when nothing is said.
const CERTIFICATES: &str = "/etc/clamav/certs";
/// The most bytes of one of these files.
const MOST_CERTIFICATES: u64 = 1 << 20;

/// The certificates in a folder. The usual one need not be there; one that is named must have some.
fn certificates(folder: Option<&str>) -> Result<Vec<Certificate>, String> {
    use std::io::Read as _;
    let named = folder.unwrap_or(CERTIFICATES);
    let Ok(entries) = std::fs::read_dir(named) else {
        return if folder.is_some() {
            Err(format!("CVDCertsDirectory {named} cannot be read"))
        } else {
            Ok(Vec::new())
        };
    };
    let mut certificates = Vec::new();
    for entry in entries.flatten().map(|entry| entry.path()) {
        let kind = entry.extension().unwrap_or_default();
        if !["crt", "pem", "cer"].iter().any(|known| kind.eq_ignore_ascii_case(known)) {
            continue;
        }
        let mut bytes = Vec::new();
        let read =
            std::fs::File::open(&entry).and_then(|file| file.take(MOST_CERTIFICATES).read_to_end(&mut bytes));
        read.map_err(|error| format!("{}: {error}", entry.display()))?;
        certificates.extend(Certificate::read_all(&bytes));
    }
    if certificates.is_empty() && folder.is_some() {
        return Err(format!("CVDCertsDirectory {named} has no certificate with a key of RSA"));
    }
    Ok(certificates)
}

fn start(
    program: &Program,
    configured: &Configuration,
    given: &Given,
    teller: &mut Teller,
    arguments: &[OsString],
) -> u8 {
    teller.quiet = given.is_on("quiet");
    teller.no_warnings = given.is_on("no-warnings");
    teller.all_to_stdout = given.is_on("stdout");
    teller.verbose = configured.is_on("verbose", false);
    teller.log_time = configured.is_on("log-time", false);
    let daemon = given.is_on("daemon");
    if given.is_on("list-mirrors") {
        let text = "Deprecated option --list-mirrors. Individual mirrors are no longer tracked, as official signature \
                    distribution is now done through the CloudFlare CDN.";
        teller.say(Level::Warning, text);
        return 0;
    }
    let settings = match Settings::of(configured, given) {
        Ok(settings) => settings,
        Err((lines, status)) => {
            lines.iter().for_each(|line| teller.say(Level::Error, line));
            return status;
        }
    };
    if daemon && !configured.is_on("foreground", false) {
        return daemon::detach(arguments, teller);
    }
    if let Err(reason) = user::become_owner(configured.text("user").unwrap_or("clamav")) {
        teller.say(Level::Error, &reason);
        teller.say(Level::Error, "Initialization error!");
        return CONFIGURATION;
    }
    if let Some(log) = configured.text("log") {
        let most = configured.size("log-file-max-size").unwrap_or(1 << 20);
        let opened = teller.open_log(Path::new(log), most, configured.is_on("log-rotate", false));
        if let Err(error) = opened {
            teller.say(Level::Error, &format!("Can't open {log} in append mode: {error}"));
            teller.say(Level::Error, &format!("Problem with internal logger (UpdateLogFile = {log})."));
            return CONFIGURATION;
        }
    }
    for warning in given.warnings.iter().chain(&configured.warnings).chain(&settings.warnings) {
        teller.say(Level::Warning, warning);
    }
    // Before there is any other thread.
    let compiler = if settings.tests {
        match Compiler::start() {
            Ok(compiler) => Some(compiler),
            Err(error) => {
                teller.say(Level::Error, &format!("{error:#}"));
                return FAILURE;
            }
        }
    } else {
        None
    };
    let run = Run { program, settings: &settings, compiler: compiler.as_ref() };
    if daemon { daemon::repeat(configured, teller, &mut |teller| run.once(teller)) } else { run.once(teller) }
}

/// What does not change from one check to the next.
#[derive(Clone, Copy, Debug)]
struct Run<'a> {
    program: &'a Program,
    settings: &'a Settings,
    compiler: Option<&'a Compiler>,
}

/// How a check ended.
enum Ended {
    /// Well; whether there is anything new.
    Well(bool),
    /// Badly, with this exit status.
    Badly(u8),
}

impl Run<'_> {
    /// One check. Says what comes of it, and does what is to follow.
    fn once(&self, teller: &mut Teller) -> u8 {
        let ended = self.check(teller);
        let (action, mut status) = match &ended {
            Ended::Well(true) => {
                if let Some(configuration) = &self.settings.notify {
                    match notify::notify(configuration) {
                        Ok(()) => teller.say(Level::Info, "Clamd successfully notified about the update."),
                        Err(reason) => {
                            teller.say(Level::Error, &format!("NotifyClamd: {reason}"));
                            teller.say(Level::Warning, "Clamd was NOT notified");
                        }
                    }
                }
                (self.settings.on_update.as_ref(), 0)
            }
            Ended::Well(false) => (None, 0),
            Ended::Badly(status) => (self.settings.on_error.as_ref(), *status),
        };
        match action {
            Some(Action::Exit(wished)) => status = *wished,
            Some(Action::Run(words)) => {
                if let Err(reason) = Action::run(words) {
                    teller.say(Level::Warning, &reason);
                }
            }
            None => (),
        }
        status
    }

    fn check(&self, teller: &mut Teller) -> Ended {
        let settings = self.settings;
        if !settings.folder.is_dir() {
            let shown = settings.folder.display();
            teller
                .say(Level::Error, &format!("Database directory {shown} does not exist or is no directory."));
            return Ended::Badly(FOLDER);
        }
        let folder = match Folder::take(&settings.folder) {
            Ok(folder) => folder,
            Err(FolderError::Locked) => {
                let shown = settings.folder.display();
                teller.say(
                    Level::Error,
                    &format!("Another updater is at work in {shown}; nothing was changed."),
                );
                return Ended::Badly(FAILURE);
            }
            Err(FolderError::Unusable(error)) => {
                let shown = settings.folder.display();
                teller.say(Level::Error, &format!("Can't create temporary directory in {shown}: {error}"));
                teller.say(Level::Error, "Update failed.");
                return Ended::Badly(FOLDER);
            }
        };
        let mut state = match folder.state() {
            Ok(state) => state,
            Err(reason) => {
                teller.say(Level::Error, &reason);
                return Ended::Badly(FAILURE);
            }
        };
        if settings.databases.is_empty() && settings.custom.is_empty() {
            teller.say(Level::Error, "perform_database_update: No databases requested.");
            teller.say(Level::Error, "Update failed.");
            return Ended::Badly(NOTHING);
        }
        if !self.may_be_asked(teller) {
            return Ended::Badly(FAILURE);
        }
        let began = Moment::now().long();
        teller.say(Level::Info, &format!("ClamAV update process started at {began}"));
        let mut work = Work {
            program: self.program,
            settings,
            folder: &folder,
            teller,
            compiler: self.compiler,
            state: &mut state,
        };
        let mut news = false;
        let result = self.official(&mut work, &mut news).and_then(|()| self.custom(&mut work, &mut news));
        match result {
            Ok(()) | Err(Trouble::RetryLater) => Ended::Well(news),
            Err(trouble) => {
                teller.say(Level::Error, &format!("Database update process failed: {trouble}"));
                teller.say(Level::Error, "Update failed.");
                Ended::Badly(trouble as u8)
            }
        }
    }

    /// Whether no rule prohibits a server that stands in the configuration; says which, and why.
    fn may_be_asked(&self, teller: &mut Teller) -> bool {
        let rules = place::settings(None).and_then(|(settings, _)| Rules::of(&settings, seconds()));
        let rules = match rules {
            Ok(rules) => rules,
            Err(error) => {
                teller.say(Level::Error, &format!("{error:#}"));
                return false;
            }
        };
        let mirrors = self.settings.mirrors.iter().map(|mirror| &mirror.url);
        let mut may = true;
        for url in mirrors.chain(&self.settings.custom) {
            if let Some(why) = rules.refusal_of_address(url) {
                teller.say(Level::Error, &format!("{url} is not asked: {why}"));
                may = false;
            }
        }
        may
    }

    fn official(&self, work: &mut Work<'_>, news: &mut bool) -> Result<(), Trouble> {
        let settings = self.settings;
        if settings.databases.is_empty() {
            return Ok(());
        }
        if settings.asks_official()
            && let Some(until) = work.state.rest(seconds())
        {
            work.teller.say(
                Level::Warning,
                "FreshClam previously received error code 429 or 403 from the ClamAV Content Delivery Network (CDN).",
            );
            COOL_DOWN.iter().for_each(|line| work.teller.say(Level::Info, line));
            let until = work::shown(until);
            let text = format!("You are still on cool-down until after: {until}");
            work.teller.say(Level::Warning, &text);
            return Ok(());
        }
        let record = self.record(work);
        for database in &settings.databases {
            let order = Order {
                database: database.clone(),
                mirrors: settings.mirrors.clone(),
                attempts: settings.attempts,
                scripted: settings.scripted,
                compress: settings.compress,
                advertised: record.as_ref().and_then(|record| record.version(database)),
                needs_signature: work.state.needs_signature(database),
                needs_patch_signature: work.state.needs_signature(&patches_of(database)),
            };
            let local = work.folder.local(database);
            let outcome = update(work, &order, local.as_ref(), &self.program.trust)?;
            *news |= outcome == Outcome::Updated;
        }
        Ok(())
    }

    /// The record in the name system, when it can be used.
    fn record(&self, work: &mut Work<'_>) -> Option<Record> {
        let Some(name) = &self.settings.record else {
            work.teller.say(Level::Warning, "DNS Update Info disabled. Falling back to HTTP mode.");
            return None;
        };
        work.teller.say(Level::Verbose, &format!("Querying {name}"));
        let tried = work.wish(vec![Wish::Text { name: name.clone() }], true).pop().unwrap_or_default();
        let Some(text) = tried.answer.texts.first() else {
            let reason = tried.answer.failure.map(|failure| format!(": {failure}")).unwrap_or_default();
            work.teller.say(Level::Warning, &format!("Can't query {name}{reason}"));
            work.teller.say(Level::Warning, "Invalid DNS reply. Falling back to HTTP mode.");
            return None;
        };
        match Record::read(text, seconds()) {
            Ok(record) => Some(record),
            Err(error) => {
                work.teller.say(Level::Warning, &error.to_string());
                None
            }
        }
    }

    fn custom(&self, work: &mut Work<'_>, news: &mut bool) -> Result<(), Trouble> {
        for url in &self.settings.custom {
            let outcome = match url.strip_prefix("file://") {
                Some(path) => self.copy(work, path),
                None => {
                    let file = url.rsplit('/').next().unwrap_or_default();
                    let local = work.folder.modified(file);
                    custom(work, url, local, self.settings.attempts, &self.program.trust)
                }
            };
            let outcome = outcome.inspect_err(|trouble| {
                if matches!(trouble, Trouble::TestFailed | Trouble::FailedUpdate) {
                    let text =
                        format!("Unexpected error when attempting to update from custom database URL: {url}");
                    work.teller.say(Level::Info, &text);
                }
                let text = format!(
                    "fc_download_url_databases: fc_download_url_database failed: {trouble} ({})",
                    *trouble as u8
                );
                work.teller.say(Level::Warning, &text);
            })?;
            *news |= outcome == Outcome::Updated;
        }
        Ok(())
    }

    /// A database from this machine.
    fn copy(&self, work: &mut Work<'_>, path: &str) -> Result<Outcome, Trouble> {
        use std::io::Read as _;
        let file = path.rsplit('/').next().unwrap_or_default();
        let mut bytes = Vec::new();
        let read = std::fs::File::open(path)
            .and_then(|source| source.take(candor_update::clamav::MOST_CONTAINER).read_to_end(&mut bytes));
        if read.is_err() || file.is_empty() || file.starts_with('.') {
            work.teller.say(Level::Info, &format!("DatabaseCustomURL: file {path} missing"));
            return Err(Trouble::FailedUpdate);
        }
        work.teller.say(Level::Info, &format!("Downloading {file} [100%]"));
        install_custom(work, file, bytes, None, &self.program.trust)
    }
}

/// What freshclam says while it stays away.
const COOL_DOWN: [&str; 10] = [
    "This means that you have been rate limited or blocked by the CDN.",
    " 1. Verify that you're running a supported ClamAV version.",
    "    See https://docs.clamav.net/faq/faq-eol.html for details.",
    " 2. Run FreshClam no more than once an hour to check for updates.",
    "    FreshClam should check DNS first to see if an update is needed.",
    " 3. If you have more than 10 hosts on your network attempting to download,",
    "    it is recommended that you set up a private mirror on your network using",
    "    cvdupdate (https://pypi.org/project/cvdupdate/) to save bandwidth on the",
    "    CDN and your own network.",
    " 4. Servers may serve no other updater than FreshClam: this is Candor, and says so.",
];
