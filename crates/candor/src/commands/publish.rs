//! `candor publish`: a feed as plain files, signed by several people on machines of their own.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use candor_update::Expectation;
use candor_update::feed::{Directory, Members, Mirror, Request, Ring, State, Verified, verify};
use candor_update::log::{KeyKind, SignerKey, base64};
use candor_update::policy::Policy;
use candor_update::publish::{self, Addition, OnlineKeys, Progress, Public, SecretKey, Settings, Site};

use crate::exit::Exit;
use crate::printer::Printer;
use crate::token::Token;
use crate::units;

/// What `candor publish` may be asked.
#[derive(Debug, clap::Args)]
#[command(after_long_help = AFTER_LONG_HELP)]
pub(crate) struct Args {
    #[command(subcommand)]
    step: Step,
}

const AFTER_LONG_HELP: &str = "\
A feed lies in a directory: `public` is what a web server carries, `staging` is what waits for signatures.
Signers need one file of `staging` and give one back; their keys stay where they are.

Exit status: 0 done, 1 signatures or cosignatures are missing, 2 it could not be done.";

#[derive(Debug, clap::Subcommand)]
enum Step {
    /// Make a key, or show the public half of one.
    Key(Key),
    /// Begin a feed, and prepare its first root.
    Init(Init),
    /// Prepare the next root from feed.toml as it is now.
    Root(Place),
    /// Pack an archive, and make it part of the next release.
    Add(Add),
    /// Sign what waits in `staging`, on whatever machine it was carried to.
    Sign(Sign),
    /// Collect signatures and cosignatures, and publish what has enough of them; otherwise sign anew what is there.
    Release(Release),
    /// Agree with a release of another feed, after verifying it: a second repository for policies that want one.
    Cosign(Cosign),
    /// Look at a feed as a customer would.
    ServeCheck(ServeCheck),
}

/// A key and its password.
#[derive(Debug, clap::Args)]
pub(super) struct KeyFile {
    /// The file of the key.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,

    /// A file whose first line is the password of the key.
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

impl KeyFile {
    pub(super) fn read(&self) -> anyhow::Result<SecretKey> {
        read_key(&self.key, self.password_file.as_deref())
    }
}

/// A key that signs metadata, in a file or in a token.
#[derive(Debug, clap::Args)]
struct Signer {
    /// The file of the key.
    #[arg(long, value_name = "FILE", required_unless_present = "token", conflicts_with = "token")]
    key: Option<PathBuf>,

    /// A key in a token, as pkcs11:token=LABEL;object=LABEL?module-path=FILE. `candor-token` speaks to it.
    #[arg(long, value_name = "URI")]
    token: Option<String>,

    /// A file whose first line is the password of the key, or the PIN of the token.
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

impl Signer {
    fn read(&self) -> anyhow::Result<Box<dyn publish::Sign>> {
        match (&self.key, &self.token) {
            (Some(file), _) => Ok(Box::new(read_key(file, self.password_file.as_deref())?)),
            (None, Some(uri)) => Ok(Box::new(Token::open(uri, self.password_file.as_deref())?)),
            (None, None) => anyhow::bail!("neither a key nor a token is given"),
        }
    }
}

#[derive(Debug, clap::Args)]
struct Key {
    #[command(flatten)]
    of: Signer,

    /// Make the key; the file must not be there.
    #[arg(long, conflicts_with = "token")]
    make: bool,

    /// Show it as the key of a log of this name.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["witness", "token"])]
    log: Option<String>,

    /// Show it as the key of a witness of this name.
    #[arg(long, value_name = "NAME", conflicts_with = "token")]
    witness: Option<String>,
}

#[derive(Debug, clap::Args)]
struct Place {
    /// The directory of the feed.
    #[arg(value_name = "DIRECTORY")]
    directory: PathBuf,
}

#[derive(Debug, clap::Args)]
struct Init {
    #[command(flatten)]
    place: Place,

    /// The feed's name: an address without `https://`.
    #[arg(long, value_name = "NAME")]
    feed: String,

    /// A key of the root role, in hexadecimal. Once for each person.
    #[arg(long, value_name = "KEY", required = true)]
    root: Vec<Public>,

    /// Signatures that a root needs.
    #[arg(long, value_name = "NUMBER", default_value_t = 3)]
    root_threshold: u64,

    /// A key of those who release. Once for each.
    #[arg(long, value_name = "KEY", required = true)]
    content: Vec<Public>,

    /// Signatures that a release needs.
    #[arg(long, value_name = "NUMBER", default_value_t = 2)]
    content_threshold: u64,

    /// The key of the machine that says what is newest.
    #[arg(long, value_name = "KEY")]
    online: Public,

    /// A file with the log, the witnesses and the quorum, as customers are told them (c2sp.org/tlog-policy).
    #[arg(long, value_name = "FILE")]
    log_policy: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
struct Add {
    #[command(flatten)]
    place: Place,

    /// The name of the archive. Archives that are not named again stay as they are.
    #[arg(long, value_name = "NAME", default_value = "daily.tar.zst")]
    archive: String,

    /// Files of signatures, hashes or rules.
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,

    /// A file in which a signature must be found, as FILE=SIGNATURE.
    #[arg(long, value_name = "FILE=SIGNATURE")]
    must_find: Vec<String>,

    /// A file in which nothing may be found.
    #[arg(long, value_name = "FILE")]
    must_not_find: Vec<PathBuf>,

    /// Who the release is for: canary, early or broad.
    #[arg(long, value_name = "RING", value_parser = ring)]
    ring: Option<Ring>,

    /// An earlier release that is not to be used any more.
    #[arg(long, value_name = "RELEASE")]
    withdraw: Vec<u64>,
}

#[derive(Debug, clap::Args)]
struct Sign {
    #[command(flatten)]
    by: Signer,

    /// What is to be signed: `staging/root.json` or `staging/targets.json`.
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
}

#[derive(Debug, clap::Args)]
struct Release {
    #[command(flatten)]
    place: Place,

    /// The file of the key of this machine.
    #[arg(long, value_name = "FILE")]
    online_key: PathBuf,

    /// The file of the key of the log.
    #[arg(long, value_name = "FILE")]
    log_key: Option<PathBuf>,

    /// A file whose first line is the password of both.
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
struct Cosign {
    #[command(flatten)]
    place: Place,

    /// The files of the other feed.
    #[arg(long, value_name = "DIRECTORY")]
    of: PathBuf,

    /// Its root, had by another way than the feed.
    #[arg(long, value_name = "FILE")]
    root: PathBuf,

    /// The policy that its release must meet.
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,
}

#[derive(Debug, clap::Args)]
struct ServeCheck {
    /// The files of the feed.
    #[arg(value_name = "DIRECTORY")]
    public: PathBuf,

    /// The policy of the customer.
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,

    /// The root that the customer has; otherwise the feed's first.
    #[arg(long, value_name = "FILE")]
    root: Option<PathBuf>,
}

/// Runs `candor publish`.
pub(crate) fn run(args: &Args, printer: &mut Printer) -> anyhow::Result<Exit> {
    match &args.step {
        Step::Key(args) => key(args, printer),
        Step::Init(args) => init(args, printer),
        Step::Root(args) => {
            let version = Site::open(&args.directory)?.stage_root(now()?)?;
            printer.line(&format!("root {version} waits for signatures"));
            Ok(Exit::Clean)
        }
        Step::Add(args) => add(args, printer),
        Step::Sign(args) => {
            let key = args.by.read()?;
            for file in &args.files {
                printer.line(&publish::sign(file, &*key)?.display().to_string());
            }
            Ok(Exit::Clean)
        }
        Step::Release(args) => release(args, printer),
        Step::Cosign(args) => cosign(args, printer),
        Step::ServeCheck(args) => serve_check(args, printer),
    }
}

fn key(args: &Key, printer: &mut Printer) -> anyhow::Result<Exit> {
    let password_file = &args.of.password_file;
    let Some(file) = &args.of.key else {
        printer.line(&Public(args.of.read()?.public()).to_string());
        return Ok(Exit::Clean);
    };
    if args.make {
        let password = password_file.as_deref().map(password).transpose()?;
        SecretKey::generate()?.write(file, password.as_deref())?;
        if password.is_none() {
            printer.note("the key is not encrypted: --password-file makes it so");
        }
    }
    let key = read_key(file, password_file.as_deref())?;
    let named = match (&args.log, &args.witness) {
        (Some(name), _) => Some((name, KeyKind::Note)),
        (None, Some(name)) => Some((name, KeyKind::Cosignature)),
        (None, None) => None,
    };
    match named {
        Some((name, kind)) => {
            printer.line(&SignerKey::new(name, kind, key.signing())?.verifier().to_string());
        }
        None => printer.line(&Public(key.public()).to_string()),
    }
    Ok(Exit::Clean)
}

fn init(args: &Init, printer: &mut Printer) -> anyhow::Result<Exit> {
    let log = match &args.log_policy {
        Some(file) => std::fs::read_to_string(file).with_context(|| file.display().to_string())?,
        None => String::new(),
    };
    let settings = Settings {
        feed: args.feed.clone(),
        root: args.root.clone(),
        root_threshold: args.root_threshold,
        content: args.content.clone(),
        content_threshold: args.content_threshold,
        online: args.online,
        root_days: 365,
        content_days: 90,
        online_days: 3,
        log,
    };
    if settings.log.is_empty() {
        printer.note("without a log, customers cannot see whether they are all given the same");
    }
    Site::begin(&args.place.directory, settings, now()?)?;
    printer.line("root 1 waits for signatures");
    Ok(Exit::Clean)
}

fn add(args: &Add, printer: &mut Printer) -> anyhow::Result<Exit> {
    let read = |file: &Path| std::fs::read(file).with_context(|| file.display().to_string());
    let mut addition = Addition {
        archive: args.archive.clone(),
        ring: args.ring,
        withdrawn: args.withdraw.iter().copied().collect::<BTreeSet<u64>>(),
        ..Addition::default()
    };
    for file in &args.files {
        let name = file.file_name().and_then(|name| name.to_str()).context("a file without a name")?;
        addition.members.push((name.to_owned(), read(file)?));
    }
    for canary in &args.must_find {
        let (file, signature) = canary.rsplit_once('=').context("--must-find wants FILE=SIGNATURE")?;
        let content = base64::encode(&read(Path::new(file))?);
        addition.expectations.push(Expectation { content, signature: Some(signature.to_owned()) });
    }
    for file in &args.must_not_find {
        addition.expectations.push(Expectation { content: base64::encode(&read(file)?), signature: None });
    }
    let version = Site::open(&args.place.directory)?.add(&addition, now()?)?;
    printer.line(&format!("release {version} waits for signatures"));
    Ok(Exit::Clean)
}

fn release(args: &Release, printer: &mut Printer) -> anyhow::Result<Exit> {
    let password = args.password_file.as_deref();
    let log = args.log_key.as_deref().map(|file| read_key(file, password)).transpose()?;
    let keys = OnlineKeys { online: read_key(&args.online_key, password)?, log };
    let site = Site::open(&args.place.directory)?;
    match site.release(&keys, now()?)? {
        Progress::Begun { root } => {
            printer.line(&format!("root {root} is published; there is no release yet"))
        }
        Progress::Released { version } => printer.line(&format!("release {version} is published")),
        Progress::Refreshed { timestamp } => printer.line(&format!("timestamp {timestamp} is published")),
        Progress::Signatures { file, needed, by } => {
            printer.line(&format!("{file} has {} of {needed} signatures", by.len()));
            for key in by {
                printer.line(&format!("  {key}"));
            }
            return Ok(Exit::Found);
        }
        Progress::Witnesses { checkpoint, reason } => {
            printer.line(&format!("{checkpoint} waits for witnesses: {reason}"));
            return Ok(Exit::Found);
        }
        other => printer.line(&format!("{other:?}")),
    }
    Ok(Exit::Clean)
}

fn cosign(args: &Cosign, printer: &mut Printer) -> anyhow::Result<Exit> {
    let verified = examine(&args.of, &args.root, &args.policy)?;
    let Some(release) = verified.release else {
        anyhow::bail!("the policy lets no release in: {}", verified.waiting.join("; "));
    };
    let version = Site::open(&args.place.directory)?.agree(&release.archives(), now()?)?;
    printer.line(&format!("agreement {version} with release {} waits for signatures", release.version()));
    Ok(Exit::Clean)
}

fn serve_check(args: &ServeCheck, printer: &mut Printer) -> anyhow::Result<Exit> {
    let first = args.public.join("1.root.json");
    let root = args.root.as_deref().unwrap_or(&first);
    let verified = examine(&args.public, root, &args.policy)?;
    for waiting in &verified.waiting {
        printer.line(waiting);
    }
    let Some(release) = verified.release else {
        printer.line("a customer would be given nothing");
        return Ok(Exit::Found);
    };
    let folder = tempfile::tempdir()?;
    let candidate = release.unpack(&mut Members::new(folder.path()))?;
    printer.line(&format!("a customer would be given release {}", release.version()));
    for member in &candidate.members {
        printer.line(&format!("  {} {} {}", member.sha256, units::bytes(member.length), member.name));
    }
    Ok(Exit::Clean)
}

/// Verifies a feed as a customer would that sees it for the first time.
fn examine(public: &Path, root: &Path, policy: &Path) -> anyhow::Result<Verified> {
    let text = std::fs::read_to_string(policy).with_context(|| policy.display().to_string())?;
    let policy = Policy::parse(&text)?;
    let root = std::fs::read(root).with_context(|| root.display().to_string())?;
    let state = State::begin(&root, &[])?;
    let mirror = Directory::new(public, true);
    let cosigners: BTreeMap<String, &dyn Mirror> = BTreeMap::new();
    let request = Request {
        source: "feed",
        feed: &mirror,
        cosigners: &cosigners,
        state: &state,
        policy: &policy,
        now: now()?,
    };
    Ok(verify(request).map_err(|refused| refused.refusal)?)
}

fn ring(name: &str) -> Result<Ring, String> {
    Ring::parse(name).ok_or_else(|| "a ring is one of canary, early and broad".to_owned())
}

fn read_key(file: &Path, password_file: Option<&Path>) -> anyhow::Result<SecretKey> {
    let password = password_file.map(password).transpose()?;
    Ok(SecretKey::read(file, password.as_deref())?)
}

fn password(file: &Path) -> anyhow::Result<String> {
    let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
    let line = text.lines().next().filter(|line| !line.is_empty());
    Ok(line.with_context(|| format!("{}: there is no password in it", file.display()))?.to_owned())
}

/// Seconds since 1970.
pub(super) fn now() -> anyhow::Result<u64> {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    Ok(since.context("this machine's clock is before 1970")?.as_secs())
}
