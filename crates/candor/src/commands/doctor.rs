//! `candor doctor`: the jail as it is. Nothing here is a promise: layers are what the kernel says of
//! processes that run, and `--prove` has a worker attempt everything that it must not be able to do.

use std::os::fd::AsFd as _;

use anyhow::Context as _;
use candor_engine::Options;
use candor_sandbox::inspect::{self, Kernel, Role, Seen};
use candor_sandbox::prove::{Proof, Refusal, prove};
use candor_sandbox::{Call, Layer, Layers, Only, Sandbox, Setup, StartError, Task, worker};
use serde::Serialize;

use crate::exit::Exit;
use crate::printer::{Printer, Tone};
use crate::scan::outcome::json_line;
use crate::store;
use crate::units;

/// What `candor doctor` may be asked.
#[derive(Debug, clap::Args)]
#[command(after_long_help = AFTER_LONG_HELP)]
pub(crate) struct Args {
    /// Have workers attempt everything that they must not be able to do, and show each refusal.
    #[arg(long)]
    prove: bool,

    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

const AFTER_LONG_HELP: &str = "\
A worker is started in the same jail that files are scanned in, and looked at beside all other processes
of candor that run. Only root sees everything; what cannot be seen is said.

Exit status: 0 all is as it should be, 1 a layer is missing or an act was not refused, 2 there is no jail.";

/// Runs `candor doctor`.
pub(crate) fn run(args: &Args, printer: &mut Printer) -> anyhow::Result<Exit> {
    let kernel = inspect::kernel();
    let database = store::built_in()?;
    let options = Options::default();
    let setup = Setup::new(Task::Scan);
    let started = Sandbox::start(setup, |jailed| worker::scan(jailed, &database.image, &options, None));
    // One that waits for files, so that there is one to be seen.
    let worker = match &started {
        Ok(sandbox) => Some(sandbox.worker().context("a worker cannot be made")?),
        Err(_) => None,
    };
    let layers = started.as_ref().map_or(Layers::NONE, Sandbox::layers);
    let seen = inspect::processes();
    let proofs = match &started {
        Ok(_) if args.prove => {
            let passed = std::env::current_exe().and_then(std::fs::File::open);
            prove(passed.context("cannot open the program itself")?.as_fd())?
        }
        _ => Vec::new(),
    };
    let failure = started.as_ref().err();
    drop(worker);
    let missing = expected().without(layers);
    if args.json {
        printer.line(&json_line(&Record::new(&kernel, layers, missing, failure, &seen, &proofs)));
    } else {
        print(&kernel, layers, failure, &seen, printer);
        if args.prove && failure.is_none() {
            print_proofs(&proofs, printer);
        }
    }
    let weaker = !missing.is_empty()
        || seen.iter().any(|seen| !seen.lacks().is_empty())
        || proofs.iter().any(|proof| !proof.jailed.is_refused());
    Ok(match failure {
        Some(_) => Exit::Failed,
        None if weaker => Exit::Found,
        None => Exit::Clean,
    })
}

/// The layers that a worker reports when nothing is missing.
fn expected() -> Layers {
    let should = Role::Worker.should();
    // An ordinary user has no other user to become.
    if rustix::process::geteuid().is_root() {
        should
    } else {
        should.without(Layers::NONE.with(Layer::OtherUser))
    }
}

fn heading(text: &str, printer: &mut Printer) {
    printer.line(&printer.paint(Tone::Strong, text));
}

fn print(
    kernel: &Kernel,
    layers: Layers,
    failure: Option<&StartError>,
    seen: &[Seen],
    printer: &mut Printer,
) {
    heading("Kernel", printer);
    printer.line(&format!("  {}", kernel.name));
    let yes = |yes: bool| if yes { "yes" } else { "no" };
    printer.line(&format!("  filter of system calls  {}", yes(kernel.filter)));
    let landlock = match kernel.landlock {
        0 => String::from("no"),
        1..4 => format!("version {}: files", kernel.landlock),
        4 | 5 => format!("version {}: files, network", kernel.landlock),
        version => format!("version {version}: files, network, others' sockets and signals"),
    };
    printer.line(&format!("  Landlock                {landlock}"));
    let namespaces = kernel.user_namespaces.map_or_else(|| String::from("unknown"), units::count);
    printer.line(&format!("  user namespaces         {namespaces}"));
    printer.line(&format!("  control groups          {}", kernel.no_control_group.unwrap_or("to be had")));

    printer.line("");
    heading("A scan worker", printer);
    if let Some(failure) = failure {
        let word = printer.paint(Tone::Bad, "no jail");
        let reason = std::error::Error::source(failure).map(|why| format!(": {why}")).unwrap_or_default();
        printer.line(&format!("  {word}: {failure}{reason}"));
    } else {
        for layer in Layer::ALL {
            let (tone, word) = match (layers.has(layer), expected().has(layer)) {
                (true, _) => (Tone::Good, "in force"),
                (false, true) => (Tone::Bad, "missing "),
                (false, false) => (Tone::Faint, "not used"),
            };
            let word = printer.paint(tone, word);
            printer.line(&format!("  {word}  {:20}  {}", layer.name(), layer.meaning()));
        }
        let names: Vec<&str> = Task::Scan.calls().iter().map(|call| call.name).collect();
        printer.line(&format!("  may ask the kernel for: {}", names.join(", ")));
    }

    printer.line("");
    heading("Processes, as the kernel shows them", printer);
    for seen in seen {
        print_process(seen, printer);
    }
}

fn print_process(seen: &Seen, printer: &mut Printer) {
    let own = if seen.process == process() { ", this one" } else { "" };
    let memory =
        seen.private.map(|bytes| format!(", {} for itself", units::bytes(bytes))).unwrap_or_default();
    printer.line(&format!("  {} {}, user {}{memory}{own}", seen.role.name(), seen.process, seen.user));
    if seen.role == Role::Broker {
        printer.line("    opens files and hands them over; parses none");
        return;
    }
    let should = seen.role.should();
    // Who may make no control groups has none, and lacks nothing that could be had.
    let group = Layers::NONE.with(Layer::ControlGroup);
    let more = if seen.in_force.has(Layer::ControlGroup) { group } else { Layers::NONE };
    let visible = should.without(seen.hidden()).without(seen.missing);
    printer.line(&format!("    in force: {}", visible.and(more)));
    if !seen.lacks().is_empty() {
        let word = printer.paint(Tone::Bad, "missing");
        printer.line(&format!("    {word}: {}", seen.lacks()));
    }
    if !seen.hidden().is_empty() {
        printer.line(&printer.paint(Tone::Faint, &format!("    not to be seen: {}", seen.hidden())));
    }
}

fn process() -> i32 {
    rustix::process::getpid().as_raw_nonzero().get()
}

fn print_proofs(proofs: &[Proof], printer: &mut Printer) {
    printer.line("");
    heading("Attempted by a worker", printer);
    for proof in proofs {
        let (tone, word) =
            if proof.jailed.is_refused() { (Tone::Good, "refused") } else { (Tone::Bad, "DONE   ") };
        let word = printer.paint(tone, word);
        printer.line(&format!(
            "  {word}  {:20}  {}; without the filter: {}",
            proof.act.name,
            describe(proof.jailed),
            describe(proof.without_filter),
        ));
    }
    let refused = proofs.iter().filter(|proof| proof.jailed.is_refused()).count();
    printer.line(&format!("  {refused} of {} refused", proofs.len()));
}

/// What became of an attempt, for people.
fn describe(refusal: Refusal) -> String {
    match refusal {
        Refusal::Ended => String::from("the kernel ended the process"),
        Refusal::Error(error) => candor_sandbox::input::describe(rustix::io::Errno::from_raw_os_error(error)),
        Refusal::None => String::from("not refused"),
        Refusal::Unknown => String::from("nothing is known"),
    }
}

/// All of it, for programs.
#[derive(Serialize)]
struct Record {
    kernel: KernelRecord,
    jail: JailRecord,
    processes: Vec<ProcessRecord>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    proofs: Vec<ProofRecord>,
}

#[derive(Serialize)]
struct KernelRecord {
    name: String,
    filter: bool,
    landlock: u32,
    user_namespaces: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    no_control_group: Option<&'static str>,
}

#[derive(Serialize)]
struct JailRecord {
    possible: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
    in_force: Vec<&'static str>,
    missing: Vec<&'static str>,
    calls: Vec<CallRecord>,
}

#[derive(Serialize)]
struct CallRecord {
    name: &'static str,
    only: Option<String>,
    reason: &'static str,
}

#[derive(Serialize)]
struct ProcessRecord {
    process: i32,
    parent: i32,
    role: &'static str,
    user: u32,
    should: Vec<&'static str>,
    in_force: Vec<&'static str>,
    missing: Vec<&'static str>,
    hidden: Vec<&'static str>,
    descriptors: Option<Vec<String>>,
    private_bytes: Option<u64>,
}

#[derive(Serialize)]
struct ProofRecord {
    act: &'static str,
    harm: &'static str,
    refused: bool,
    how: String,
    without_filter: String,
}

fn names(layers: Layers) -> Vec<&'static str> {
    layers.iter().map(Layer::name).collect()
}

impl Record {
    fn new(
        kernel: &Kernel,
        layers: Layers,
        missing: Layers,
        failure: Option<&StartError>,
        seen: &[Seen],
        proofs: &[Proof],
    ) -> Self {
        Self {
            kernel: KernelRecord {
                name: kernel.name.clone(),
                filter: kernel.filter,
                landlock: kernel.landlock,
                user_namespaces: kernel.user_namespaces,
                no_control_group: kernel.no_control_group,
            },
            jail: JailRecord {
                possible: failure.is_none(),
                problem: failure.map(ToString::to_string),
                in_force: names(layers),
                missing: names(missing),
                calls: Task::Scan.calls().iter().map(CallRecord::new).collect(),
            },
            processes: seen.iter().map(ProcessRecord::new).collect(),
            proofs: proofs.iter().map(ProofRecord::new).collect(),
        }
    }
}

impl CallRecord {
    fn new(call: &Call) -> Self {
        let only = match call.only {
            Only::Any => None,
            Only::Descriptors(descriptors) => Some(format!("descriptors {descriptors:?}")),
            Only::NotExecutable => Some(String::from("not executable")),
            Only::Families(families) => Some(format!("families {families:?}")),
            Only::Commands(commands) => Some(format!("commands {commands:?}")),
        };
        Self { name: call.name, only, reason: call.reason }
    }
}

impl ProcessRecord {
    fn new(seen: &Seen) -> Self {
        let should = seen.role.should();
        Self {
            process: seen.process,
            parent: seen.parent,
            role: seen.role.name(),
            user: seen.user,
            should: names(should),
            in_force: names(seen.in_force),
            missing: names(seen.lacks()),
            hidden: names(seen.hidden()),
            descriptors: seen.descriptors.clone(),
            private_bytes: seen.private,
        }
    }
}

impl ProofRecord {
    fn new(proof: &Proof) -> Self {
        Self {
            act: proof.act.name,
            harm: proof.act.harm,
            refused: proof.jailed.is_refused(),
            how: describe(proof.jailed),
            without_filter: describe(proof.without_filter),
        }
    }
}
