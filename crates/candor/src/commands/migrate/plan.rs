//! `candor migrate plan`: an audit's findings to steps.

use std::path::PathBuf;

use candor_policy::matching::Matcher;
use candor_policy::migrate::plan::{self, Plan};
use jiff::Timestamp;

use crate::commands::audit::{load, read_inventory};
use crate::escape::Escaped;
use crate::exit::Exit;
use crate::inventory::{self, Taking};
use crate::printer::Printer;
use crate::settings::SafetyOptions;

/// What `candor migrate plan` may be asked.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What to look at: the root of a system that runs or is mounted, a folder, a list of components.
    #[arg(value_name = "PATH", required_unless_present = "inventory")]
    paths: Vec<PathBuf>,

    /// An inventory in JSON that was taken before; can be given several times.
    #[arg(long, value_name = "FILE")]
    inventory: Vec<PathBuf>,

    /// A folder of own vendors and own ways to remove products (`removal/*.toml`).
    #[arg(long, value_name = "DIR")]
    policy: Option<PathBuf>,

    /// The form of the plan.
    #[arg(long, short, value_enum, value_name = "FORM", default_value_t, help_heading = "Display")]
    format: super::import::Shape,

    /// Where the plan goes [default: standard output].
    #[arg(long, short, value_name = "FILE", help_heading = "Display")]
    output: Option<PathBuf>,

    #[command(flatten)]
    safety: SafetyOptions,
}

/// Runs `candor migrate plan`.
pub(super) fn run(args: &Args, printer: &mut Printer) -> anyhow::Result<Exit> {
    let policy = load(args.policy.as_deref())?;
    let matcher = Matcher::new(&policy);
    let mut inventories = Vec::new();
    for path in &args.inventory {
        inventories.push((Escaped::os(path.as_os_str()).to_string(), read_inventory(path)?));
    }
    let wanted = matcher.wanted();
    let threads = std::thread::available_parallelism().map_or(1, Into::into);
    let taking = Taking { interest: &wanted, jailed: !args.safety.no_sandbox, threads };
    for path in &args.paths {
        inventories.push((Escaped::os(path.as_os_str()).to_string(), inventory::take(path, &taking)?));
    }
    let generated = Timestamp::now().round(jiff::Unit::Second)?.to_string();
    let version = env!("CARGO_PKG_VERSION").to_owned();
    let plan = Plan::new(&policy, &matcher, generated, version, &inventories);
    let rendered = match args.format {
        super::import::Shape::Json => serde_json::to_string_pretty(&plan)?,
        super::import::Shape::Markdown => plan::markdown(&plan),
        super::import::Shape::Text => plan::text(&plan),
    };
    match &args.output {
        Some(path) => super::write_new(path, format!("{}\n", rendered.trim_end()).as_bytes())?,
        None => printer.line(rendered.trim_end()),
    }
    let is_seen = plan.subjects.iter().all(|subject| subject.unseen.is_empty());
    Ok(if plan.is_empty() && !is_seen { Exit::Failed } else { Exit::Clean })
}
