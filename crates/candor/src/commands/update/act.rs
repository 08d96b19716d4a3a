//! What changes something.

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder};
use std::hash::{BuildHasher as _, RandomState};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use candor_update::generation::{Cause, Disk, Lock, Store, StoreError};
use candor_update::pipeline::watch::Decision;
use candor_update::source::{Directory, Key, Network, Source, SourceKind};
use serde_json::json;

use super::{Options, WorkOptions, show};
use crate::Program;
use crate::escape::Escaped;
use crate::exit::Exit;
use crate::printer::Printer;
use crate::units;
use crate::update::fetch::Servers;
use crate::update::place::{now, settings, sources};
use crate::update::run::{self, Done, Request};
use crate::update::watch;

/// What `candor update init` may be asked.
#[derive(Debug, clap::Args)]
pub(crate) struct InitArgs {
    /// Begin anew although the state is lost or damaged: versions that were seen before are not known any more.
    #[arg(long)]
    accept_lost_state: bool,
}

/// What `candor update import` may be asked.
#[derive(Debug, clap::Args)]
pub(crate) struct ImportArgs {
    /// The directory.
    #[arg(value_name = "DIR")]
    path: PathBuf,

    /// The name of the source that it is.
    #[arg(short, long, value_name = "NAME", default_value = "local")]
    source: String,

    /// What the directory must hold, as `sha256sum` writes it.
    #[arg(long, value_name = "FILE")]
    digests: Option<PathBuf>,

    /// A key of minisign or Ed25519, in base64: beside each file there must be a signature by it.
    #[arg(long, value_name = "KEY", conflicts_with = "digests")]
    key: Option<String>,

    #[command(flatten)]
    work: WorkOptions,
}

/// What `candor update rollback` may be asked.
#[derive(Debug, clap::Args)]
pub(crate) struct RollbackArgs {
    /// Why; it is written down.
    #[arg(long, value_name = "TEXT", default_value = "an operator wants it")]
    reason: String,
}

/// What `candor update hold` may be asked.
#[derive(Debug, clap::Args)]
pub(crate) struct HoldArgs {
    /// The source.
    #[arg(value_name = "SOURCE", required_unless_present = "findings", requires = "version")]
    source: Option<String>,

    /// The version.
    #[arg(value_name = "VERSION")]
    version: Option<u64>,

    /// Do not act upon what only the active generation finds: the one before is in force meanwhile.
    #[arg(long, conflicts_with = "source")]
    findings: bool,

    /// Let it go again.
    #[arg(long)]
    release: bool,

    /// Why; it is written down.
    #[arg(long, value_name = "TEXT", default_value = "an operator wants it")]
    reason: String,
}

/// What `candor update mirror` may be asked.
#[derive(Debug, clap::Args)]
pub(crate) struct MirrorArgs {
    /// The directory; it must not be there yet.
    #[arg(value_name = "DIR")]
    path: PathBuf,
}

/// What `candor update watch` may be asked.
#[derive(Debug, clap::Args)]
pub(crate) struct WatchArgs {
    /// Files and directories to compare over, besides the golden ones.
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,

    #[command(flatten)]
    work: WorkOptions,
}

pub(super) fn init(args: &InitArgs, options: &Options, printer: &mut Printer) -> anyhow::Result<Exit> {
    let root = &options.state_dir;
    let name = Escaped::os(root.as_os_str());
    DirBuilder::new()
        .recursive(true)
        .mode(0o755)
        .create(root)
        .with_context(|| format!("cannot make {name}"))?;
    let _lock = Lock::take(root)?;
    let store = if args.accept_lost_state {
        Store::accept_loss(Disk, root, now())?
    } else {
        Store::init(Disk, root, now())?
    };
    if options.json {
        printer.line(&json!({ "state": root, "active": store.active() }).to_string());
    } else {
        let active = store.active().map_or_else(
            || String::from("no generation is active yet"),
            |number| format!("generation {number} is active"),
        );
        printer.line(&format!("{name}: ready, {active}"));
    }
    Ok(Exit::Clean)
}

pub(super) fn update(
    (wanted, list_file): (&[String], Option<&Path>),
    work: &WorkOptions,
    options: &Options,
    program: &Program,
    printer: &mut Printer,
) -> anyhow::Result<Exit> {
    let (settings, settings_file) = settings(work.settings.as_deref())?;
    let (list, list_file) = sources(list_file)?;
    let names: BTreeSet<String> = list.sources.iter().map(|source| source.name.clone()).collect();
    anyhow::ensure!(
        !names.is_empty(),
        "there are no sources; they stand in /etc/candor/sources.toml, or `candor update import` takes a directory over"
    );
    if let Some(unknown) = wanted.iter().find(|name| !names.contains(*name)) {
        anyhow::bail!("there is no source {}", Escaped(unknown.as_bytes()));
    }
    let is_wanted = |source: &&Source| wanted.is_empty() || wanted.contains(&source.name);
    let request = Request {
        root: &options.state_dir,
        settings: &settings,
        settings_file: settings_file.as_deref(),
        list_file: list_file.as_deref(),
        sources: list.sources.iter().filter(is_wanted).collect(),
        names: Some(names),
        servers: Servers { network: &list.network, fetcher: &program.fetcher },
        trust: &program.trust,
        is_jailed: !work.safety.no_sandbox,
        accept_clock: work.accept_clock,
    };
    tell(&run::update(&request)?, options, printer)
}

/// Brings sources up to date again and again, until it is ended from outside. What is wrong once is told and tried again: servers
/// come back, and settings are mended. It may be ended at any moment, as an update may.
pub(super) fn stay(
    seconds: u64,
    wanted: (&[String], Option<&Path>),
    work: &WorkOptions,
    options: &Options,
    program: &Program,
    printer: &mut Printer,
) -> ! {
    loop {
        if let Err(error) = update(wanted, work, options, program, printer) {
            printer.error(&Escaped(format!("{error:#}").as_bytes()).to_string());
        }
        // A hasher's random beginning: machines that were started together do not stay together.
        let chance = RandomState::new().hash_one(seconds) % (seconds / 10).saturating_add(1);
        std::thread::sleep(Duration::from_secs(seconds.saturating_add(chance)));
    }
}

pub(super) fn import(
    args: &ImportArgs,
    options: &Options,
    program: &Program,
    printer: &mut Printer,
) -> anyhow::Result<Exit> {
    let (settings, settings_file) = settings(args.work.settings.as_deref())?;
    let path = std::path::absolute(&args.path).with_context(|| args.path.display().to_string())?;
    let key = match &args.key {
        Some(text) => Some(Key::parse(text).context("--key is no key of minisign or Ed25519 in base64")?),
        None => None,
    };
    let kind = SourceKind::Directory(Directory { path, digests: args.digests.clone(), key });
    let source = Source { name: args.source.clone(), operator: None, kind };
    let request = Request {
        root: &options.state_dir,
        settings: &settings,
        settings_file: settings_file.as_deref(),
        list_file: None,
        sources: vec![&source],
        names: None,
        servers: Servers { network: &Network::default(), fetcher: &program.fetcher },
        trust: &program.trust,
        is_jailed: !args.work.safety.no_sandbox,
        accept_clock: args.work.accept_clock,
    };
    tell(&run::update(&request)?, options, printer)
}

/// Says what an update came to.
fn tell(done: &Done, options: &Options, printer: &mut Printer) -> anyhow::Result<Exit> {
    for (_, reason) in &done.refused {
        printer.error(&Escaped(reason.as_bytes()).to_string());
    }
    for waiting in &done.waiting {
        printer.note(&Escaped(waiting.as_bytes()).to_string());
    }
    if options.json {
        let refused: Vec<_> = done
            .refused
            .iter()
            .map(|(source, reason)| json!({ "source": source, "reason": reason }))
            .collect();
        let line = json!({
            "active": done.active,
            "changed": done.activated.is_some(),
            "record": done.activated,
            "refused": refused,
            "waiting": done.waiting,
        });
        printer.line(&line.to_string());
    } else if let Some(record) = &done.activated {
        show::activated(record, printer);
    } else if !done.is_stopped {
        let active = done.active.map_or_else(
            || String::from("no generation is active"),
            |number| format!("generation {number} stays active"),
        );
        printer.line(&format!("Nothing new: {active}"));
    }
    Ok(if done.refused.is_empty() { Exit::Clean } else { Exit::Failed })
}

pub(super) fn rollback(
    args: &RollbackArgs,
    options: &Options,
    printer: &mut Printer,
) -> anyhow::Result<Exit> {
    let (_lock, mut store) = Store::lock(&options.state_dir, now())?;
    let from = store.active();
    let to = store.roll_back(Cause::Operator { reason: args.reason.clone() }, now())?;
    if options.json {
        printer.line(&json!({ "from": from, "active": to, "held": store.state().held }).to_string());
    } else {
        printer.line(&format!("Generation {to} is active again"));
        held(&store, printer);
    }
    Ok(Exit::Clean)
}

fn held(store: &Store<Disk>, printer: &mut Printer) {
    for held in &store.state().held {
        let reason = Escaped(held.reason.as_bytes());
        printer.line(&format!("Held: {} {} ({reason})", held.source, held.version));
    }
}

pub(super) fn hold(args: &HoldArgs, options: &Options, printer: &mut Printer) -> anyhow::Result<Exit> {
    let (_lock, mut store) = Store::lock(&options.state_dir, now())?;
    match (&args.source, args.version) {
        (Some(source), Some(version)) if args.release => {
            anyhow::ensure!(
                store.release(source, version, now())?,
                "{} {version} is not held",
                Escaped(source.as_bytes())
            );
        }
        (Some(source), Some(version)) => store.hold(source, version, None, &args.reason, now())?,
        _ => store.report_only(!args.release, &args.reason, now())?,
    }
    if options.json {
        let state = store.state();
        printer.line(&json!({ "held": state.held, "report_only": state.report_only }).to_string());
    } else {
        held(&store, printer);
        match &store.state().report_only {
            Some(_) => printer.line("What only this generation finds is not acted upon"),
            None if store.state().held.is_empty() => printer.line("Nothing is held"),
            None => (),
        }
    }
    Ok(Exit::Clean)
}

/// Writes the members of the active generation, with their digests, as `import --digests` takes them.
pub(super) fn mirror(args: &MirrorArgs, options: &Options, printer: &mut Printer) -> anyhow::Result<Exit> {
    let store = Store::view(Disk, &options.state_dir)?;
    let number = store.active().ok_or(StoreError::NoneActive)?;
    // What is carried away is what was verified.
    let record = store.check(number)?;
    let name = |path: &Path| Escaped::os(path.as_os_str()).to_string();
    fs::create_dir(&args.path).with_context(|| format!("cannot make {}", name(&args.path)))?;
    for content in &record.contents {
        let candidate = &content.candidate;
        let directory = args.path.join(&candidate.source);
        fs::create_dir(&directory).with_context(|| format!("cannot make {}", name(&directory)))?;
        let mut digests = String::new();
        for member in &candidate.members {
            let from = store.directory(number).join(&candidate.directory).join(&member.name);
            let to = directory.join(&member.name);
            fs::copy(&from, &to).with_context(|| format!("cannot write {}", name(&to)))?;
            digests += &format!("{}  {}\n", member.sha256, member.name);
        }
        let sums = args.path.join(format!("{}.sha256", candidate.source));
        fs::write(&sums, digests).with_context(|| format!("cannot write {}", name(&sums)))?;
        if options.json {
            printer.line(
                &json!({ "source": candidate.source, "directory": directory, "digests": sums }).to_string(),
            );
        } else {
            let files = units::counted(u64::try_from(candidate.members.len())?, "file");
            printer.line(&format!("{}: {files}, digests in {}", name(&directory), name(&sums)));
        }
    }
    Ok(Exit::Clean)
}

pub(super) fn watch(args: &WatchArgs, options: &Options, printer: &mut Printer) -> anyhow::Result<Exit> {
    let (settings, _) = settings(args.work.settings.as_deref())?;
    let root = &options.state_dir;
    let seen = watch::compare(root, &settings, &args.paths, !args.work.safety.no_sandbox)?;
    let Some(seen) = seen else {
        printer.note("there is nothing to compare with: no generation was active before this one");
        return Ok(Exit::Clean);
    };
    let counts = seen.counts;
    let became = seen
        .decision
        .as_ref()
        .map(|decision| watch::carry_out(root, seen.generation, decision))
        .transpose()?;
    if options.json {
        let line = json!({
            "generation": seen.generation,
            "files": counts.files,
            "crashes": counts.crashes,
            "timeouts": counts.timeouts,
            "new_findings": counts.new_findings,
            "decision": seen.decision.as_ref().map(Decision::reason),
            "active": became,
        });
        printer.line(&line.to_string());
    } else {
        printer.line(&format!(
            "Generation {}: {} looked at, {} crashed, {} took too long, {} found that were clean before",
            seen.generation,
            units::counted(counts.files, "file"),
            counts.crashes,
            counts.timeouts,
            counts.new_findings,
        ));
        if let (Some(decision), Some(active)) = (&seen.decision, became) {
            let reason = Escaped(decision.reason().as_bytes());
            printer.error(&match decision {
                Decision::RollBack(_) => format!("generation {active} is active again: {reason}"),
                Decision::Hold(_) => format!("new findings are not acted upon: {reason}"),
            });
        }
    }
    Ok(if seen.decision.is_some() { Exit::Failed } else { Exit::Clean })
}
