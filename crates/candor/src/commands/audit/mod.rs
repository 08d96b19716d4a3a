//! `candor audit`: products of prohibited vendors, what each rule says of them on a date, and the report of it.
//!
//! This gathers what was asked for and prints; what is of whom and what follows is `candor_policy`'s.

mod block;
mod party;
mod policy;
mod verify;

use std::fs;
use std::io::{BufReader, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use candor_policy::inventory::Inventory;
use candor_policy::matching::{Matcher, Standing};
use candor_policy::policy::Policy;
use candor_policy::regime::AsOf;
use candor_policy::report::{Form, Format, Question, Report, seal};
use jiff::Timestamp;

use crate::commands::keys::signing_key;
use crate::escape::Escaped;
use crate::exit::Exit;
use crate::inventory::{self, Taking};
use crate::printer::Printer;
use crate::settings::SafetyOptions;

/// The largest inventory in JSON that is read.
const LARGEST: u64 = 1 << 30;

/// The largest chain of reports that is read.
const LONGEST_CHAIN: u64 = 256 << 20;

/// What `candor audit` may be asked.
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_precedence_over_arg = true,
    arg_required_else_help = true,
    after_long_help = AFTER_LONG_HELP
)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Option<Action>,

    /// What to look at: the root of a system, a folder, a list of components, a file.
    #[arg(value_name = "PATH", required_unless_present = "inventory")]
    paths: Vec<PathBuf>,

    /// An inventory in JSON that was taken before; can be given several times.
    #[arg(long, value_name = "FILE")]
    inventory: Vec<PathBuf>,

    #[command(flatten)]
    question: QuestionOptions,

    /// The form of the report.
    #[arg(long, short, value_enum, value_name = "FORM", default_value_t, help_heading = "Report")]
    format: Shape,

    /// Where the report goes [default: standard output].
    #[arg(long, short, value_name = "FILE", help_heading = "Report")]
    output: Option<PathBuf>,

    /// Add the report to a chain: a file in which each entry holds the digest of the one before.
    #[arg(long, value_name = "FILE", help_heading = "Report")]
    chain: Option<PathBuf>,

    /// Sign the entry of the chain with this key (Ed25519, PKCS #8 in PEM).
    #[arg(long, value_name = "FILE", requires = "chain", help_heading = "Report")]
    key: Option<PathBuf>,

    /// End with 1 from this on.
    #[arg(long, value_enum, value_name = "WHAT", default_value_t, help_heading = "Report")]
    fail_on: FailOn,

    /// Threads that look at files [default: one for each processor].
    #[arg(long, short = 'j', value_name = "NUMBER", help_heading = "Safety")]
    jobs: Option<usize>,

    #[command(flatten)]
    safety: SafetyOptions,
}

/// Whom and when the answers are for, and by which policy.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Question")]
pub(super) struct QuestionOptions {
    /// Whom the rules are asked for; without it every rule answers.
    ///
    /// `candor audit policy profiles` lists them.
    #[arg(long, value_name = "PROFILE")]
    profile: Option<String>,

    /// The date that the answers are about: YYYY-MM-DD, or a moment with its zone [default: now].
    ///
    /// A day begins at midnight where a rule holds.
    #[arg(long, value_name = "DATE")]
    as_of: Option<String>,

    /// A folder of own vendors, rules and profiles, which are added to the built-in ones or take their place.
    #[arg(long, value_name = "DIR", global = true)]
    policy: Option<PathBuf>,
}

/// What else may be asked.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Action {
    /// Export what keeps prohibited vendors away: lists of hosts, rules for firewalls and for what may run.
    Block(block::BlockArgs),
    /// Compare names of suppliers with listed parties.
    Party(party::Args),
    /// Show vendors, rules and profiles.
    Policy(policy::Args),
    /// Make sure that a chain of reports holds, and that a report is in it.
    Verify(verify::Args),
    /// Write databases for the scanner, by which what comes of a prohibited vendor is a finding.
    Watch(block::WatchArgs),
}

/// A form of the report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Shape {
    /// For people, on a terminal.
    #[default]
    Text,
    /// Everything, for programs: `docs/reference/audit.schema.json`.
    Json,
    /// A table.
    Csv,
    /// A page for browsers and paper.
    Html,
    /// SARIF 2.1.0.
    Sarif,
    /// CycloneDX 1.6.
    Cyclonedx,
    /// JUnit.
    Junit,
    /// OSCAL assessment results.
    Oscal,
    /// The report of BOD 17-01, in Markdown.
    #[value(name = "bod-17-01")]
    Bod1701,
    /// The report of FAR 52.204-23, in Markdown.
    #[value(name = "far-52.204-23")]
    Far20423,
    /// The report of FAR 52.204-30, in Markdown.
    #[value(name = "far-52.204-30")]
    Far20430,
}

/// What the exit status follows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum FailOn {
    /// Also leads, which a person has to look at.
    Lead,
    /// What is sure, and of which some rule says more than "exempt" or "not covered".
    #[default]
    Found,
    /// Only what is sure and prohibited, be it the supply of it.
    Prohibited,
}

const AFTER_LONG_HELP: &str = "\
Nothing is removed, installed or changed. Answers are facts for people who check, not legal advice.

Exit status: 0 nothing was found, 1 something was (see --fail-on), 2 nothing was found and not everything could
be looked at, or the command failed.";

/// Runs `candor audit`.
pub(crate) fn run(args: &Args, printer: &mut Printer) -> anyhow::Result<Exit> {
    let policy = || load(args.question.policy.as_deref());
    match &args.action {
        Some(Action::Block(exported)) => block::export(exported, &policy()?, printer),
        Some(Action::Watch(watched)) => block::watch(watched, &policy()?, printer),
        Some(Action::Party(party)) => party::run(party, &policy()?, printer),
        Some(Action::Policy(shown)) => policy::run(shown, &policy()?, printer),
        Some(Action::Verify(verified)) => verify::run(verified, printer),
        None => audit(args, printer),
    }
}

fn audit(args: &Args, printer: &mut Printer) -> anyhow::Result<Exit> {
    // Everything that can be wrong with the question is told before anything is looked at.
    let policy = load(args.question.policy.as_deref())?;
    let profile = args.question.profile.as_deref().map(|id| policy.profile(id)).transpose()?;
    let now = Timestamp::now().round(jiff::Unit::Second)?;
    let as_of = match &args.question.as_of {
        Some(text) => AsOf::parse(text)?,
        None => AsOf::Instant(now),
    };
    let sealing = args.chain.as_deref().map(|chain| Sealing::open(chain, args.key.as_deref())).transpose()?;

    let matcher = Matcher::new(&policy);
    let mut inventories: Vec<(String, Inventory)> = Vec::new();
    for path in &args.inventory {
        inventories.push((Escaped::os(path.as_os_str()).to_string(), read_inventory(path)?));
    }
    let wanted = matcher.wanted();
    let threads =
        args.jobs.or_else(|| std::thread::available_parallelism().ok().map(Into::into)).unwrap_or(1);
    let taking = Taking { interest: &wanted, jailed: !args.safety.no_sandbox, threads };
    for path in &args.paths {
        let taken = inventory::take(path, &taking)?;
        inventories.push((Escaped::os(path.as_os_str()).to_string(), taken));
    }
    let question = Question {
        profile,
        as_of,
        generated: now.to_string(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let report = Report::new(&policy, &matcher, &question, inventories);
    let rendered = report.render(args.format.into());
    match &args.output {
        Some(path) => {
            fs::write(path, &rendered).with_context(|| format!("{} cannot be written", path.display()))?;
            printer.aside(&report.conclusion());
        }
        None => printer.line(rendered.trim_end_matches('\n')),
    }
    if let Some(sealing) = sealing {
        // Standard output ends with a line break, whatever the form does.
        let written =
            if args.output.is_some() { rendered } else { format!("{}\n", rendered.trim_end_matches('\n')) };
        sealing.add(&report, &written)?;
    }
    Ok(exit(&report, args.fail_on))
}

/// The policy, with a user's folder if there is one.
pub(in crate::commands) fn load(folder: Option<&Path>) -> anyhow::Result<Policy> {
    let policy = match folder {
        Some(folder) => Policy::with_folder(folder),
        None => Policy::built_in(),
    };
    policy.context("nothing was judged: the policy is wrong")
}

pub(in crate::commands) fn read_inventory(path: &Path) -> anyhow::Result<Inventory> {
    let shown = path.display();
    let file = fs::File::open(path).with_context(|| format!("{shown} cannot be opened"))?;
    if file.metadata().with_context(|| format!("{shown}"))?.len() > LARGEST {
        bail!("{shown} is too large for an inventory");
    }
    serde_json::from_reader(BufReader::new(file)).with_context(|| format!("{shown} is no inventory"))
}

fn exit(report: &Report, fail_on: FailOn) -> Exit {
    let all = || report.subjects.iter().flat_map(|subject| &subject.findings);
    let is_found = match fail_on {
        FailOn::Lead => {
            report.counts() || all().any(|evaluated| evaluated.finding.standing == Standing::Lead)
        }
        FailOn::Found => report.counts(),
        FailOn::Prohibited => all().any(|evaluated| {
            use candor_policy::evaluate::Outcome;
            evaluated.finding.standing == Standing::Found
                && evaluated.gravest().is_some_and(|outcome| outcome <= Outcome::SupplyProhibited)
        }),
    };
    match (is_found, report.summary.complete) {
        (true, _) => Exit::Found,
        (false, true) => Exit::Clean,
        (false, false) => Exit::Failed,
    }
}

/// A chain that goes on.
struct Sealing {
    chain: seal::Chain,
    file: fs::File,
    key: Option<ed25519_dalek::SigningKey>,
}

impl Sealing {
    /// Opens a chain, and makes sure that it holds and that no other process adds to it meanwhile.
    fn open(path: &Path, key: Option<&Path>) -> anyhow::Result<Self> {
        let shown = path.display();
        let key = key.map(signing_key).transpose()?;
        let file = fs::OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .open(path)
            .with_context(|| format!("{shown} cannot be opened"))?;
        file.lock().with_context(|| format!("{shown} cannot be locked"))?;
        if file.metadata()?.len() > LONGEST_CHAIN {
            bail!("{shown} is too long: begin another chain");
        }
        let verifying = key.as_ref().map(ed25519_dalek::SigningKey::verifying_key);
        let chain = seal::verify(BufReader::new(&file), verifying.as_ref())
            .with_context(|| format!("{shown} does not hold, and is not continued"))?;
        Ok(Self { chain, file, key })
    }

    fn add(mut self, report: &Report, rendered: &str) -> anyhow::Result<()> {
        let line = seal::seal(&self.chain, report, rendered, self.key.as_ref())?;
        self.file
            .write_all(line.as_bytes())
            .and_then(|()| self.file.sync_all())
            .context("the chain cannot be written")
    }
}

impl From<Shape> for Format {
    fn from(form: Shape) -> Self {
        match form {
            Shape::Text => Self::Text,
            Shape::Json => Self::Json,
            Shape::Csv => Self::Csv,
            Shape::Html => Self::Html,
            Shape::Sarif => Self::Sarif,
            Shape::Cyclonedx => Self::CycloneDx,
            Shape::Junit => Self::Junit,
            Shape::Oscal => Self::Oscal,
            Shape::Bod1701 => Self::Form(Form::Bod1701),
            Shape::Far20423 => Self::Form(Form::Far20423),
            Shape::Far20430 => Self::Form(Form::Far20430),
        }
    }
}
