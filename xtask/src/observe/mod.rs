//! Runs a command, such as all tests, and asserts from outside that no program of Candor comes to a network but those that are to:
//! the fetcher; the daemon, which is connected to where its settings say, and connects to nobody; and the client of a daemon.
//!
//! The kernel tells of every call by which a process could (`kernel`), whoever makes it and however it was started: what it is, is
//! looked up while it waits in that call. Programs are known by their bytes, so that a copy of one is still that one.

#[expect(unsafe_code, reason = "three calls that no library has; it is no part of the product")]
mod kernel;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, bail};

use kernel::{Call, Listener};

#[derive(clap::Args, Debug)]
pub(crate) struct Arguments {
    /// The command, with its arguments.
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    command: Vec<String>,
}

/// What a program is to this check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    /// It opens connections.
    Fetcher,
    /// It is connected to.
    Server,
    /// It connects to the daemon that it is told.
    Client,
    /// A program of Candor that has nothing to do with any network.
    Nobody,
    /// A test: whatever servers and clients it wants to be.
    Test,
    /// A program of others that a test started, or what builds and runs the tests.
    Other,
}

/// Programs of Candor, with what they are called when they are built; also those that believe the keys of tests.
const OURS: [&str; 7] = [
    "candor",
    "candord",
    "candor-clamav",
    "candor-fetch",
    "candor-token",
    "examples/candor_for_tests",
    "examples/freshclam_for_tests",
];

/// Bytes at the beginning of a program, which hold what the linker makes of its whole content.
const HEAD: usize = 4096;

/// What somebody did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Act {
    /// Made a socket for connections, of the internet.
    Stream,
    /// Made another socket that is not of this machine alone.
    Packet,
    /// Gave one an address of this machine.
    Bind,
    /// Connected it, or sent with it, to another address.
    Connect,
    /// Made calls in a way that this check cannot look into.
    Unseen,
}

/// What was seen of one kind of process.
#[derive(Debug, Default)]
struct Seen {
    /// How often, by who and what; a name of a program says more than its kind.
    acts: BTreeMap<(Kind, String, Act), u64>,
    /// What must not have been.
    wrong: Vec<String>,
    /// How many calls were told.
    calls: u64,
}

/// Runs the command.
///
/// # Errors
/// It fails, or a program of Candor came to a network that has nothing to do with any.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let (program, rest) = arguments.command.split_first().context("no command")?;
    let target = crate::target()?;
    let listener = match Listener::install() {
        Ok(listener) => listener,
        // Whoever runs all of this in a sandbox that observes, too, still wants the command's own answer.
        Err(error) => {
            println!("NOT OBSERVED, who comes to a network: {error:#}");
            let status = Command::new(program).args(rest).status().with_context(|| program.clone())?;
            anyhow::ensure!(status.success(), "{program} ended with {status}");
            println!("NOT OBSERVED, who came to a network: {error:#}");
            return Ok(());
        }
    };
    let seen = Arc::new(Mutex::new(Seen::default()));
    let noted = Arc::clone(&seen);
    // Before the first process: nobody would answer it.
    let _observer = std::thread::Builder::new().spawn(move || observe(&listener, &noted, &target))?;
    let status = Command::new(program).args(rest).status().with_context(|| program.clone())?;
    let seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
    println!("\ncalls that lead to a network, as the kernel told of them: {}", seen.calls);
    for ((kind, name, act), times) in &seen.acts {
        println!("{times:>8}  {kind:?}: {name}: {act:?}");
    }
    if !status.success() {
        bail!("{program} ended with {status}");
    }
    if !seen.wrong.is_empty() {
        bail!("{}", seen.wrong.join("\n"));
    }
    if seen.calls == 0 {
        bail!("nobody did anything: nothing was observed");
    }
    println!("no program of Candor came to a network but the fetcher, servers and the client of a daemon");
    Ok(())
}

fn observe(listener: &Listener, seen: &Mutex<Seen>, target: &Path) {
    loop {
        let told = listener.next().and_then(|call| {
            let Some(call) = call else { return Ok(()) };
            let found = look(call, target);
            // One that has ended meanwhile may have left its number to another.
            if listener.is_waiting(call) {
                note(&mut seen.lock().unwrap_or_else(PoisonError::into_inner), found);
            }
            listener.go_on(call)
        });
        if let Err(error) = told {
            seen.lock().unwrap_or_else(PoisonError::into_inner).wrong.push(format!("{error:#}"));
            return;
        }
    }
}

/// One call, and who makes it.
struct Found {
    kind: Kind,
    name: String,
    /// Nothing, when it is about this machine alone.
    act: Option<Act>,
    line: String,
}

fn note(seen: &mut Seen, found: Found) {
    seen.calls += 1;
    let Some(act) = found.act else { return };
    if !may(found.kind, act) {
        seen.wrong.push(format!("{:?}: {}", act, found.line));
    }
    *seen.acts.entry((found.kind, found.name, act)).or_default() += 1;
}

/// Who may do what.
fn may(kind: Kind, act: Act) -> bool {
    match kind {
        Kind::Test | Kind::Other => true,
        Kind::Fetcher => act != Act::Unseen,
        Kind::Server => matches!(act, Act::Stream | Act::Bind),
        Kind::Client => matches!(act, Act::Stream | Act::Connect),
        Kind::Nobody => false,
    }
}

fn look(call: Call, target: &Path) -> Found {
    let process = PathBuf::from(format!("/proc/{}", call.process));
    let line: Vec<String> = fs::read(process.join("cmdline"))
        .unwrap_or_default()
        .split(|byte| *byte == 0)
        .filter(|word| !word.is_empty())
        .map(|word| String::from_utf8_lossy(word).into_owned())
        .collect();
    let program = fs::read_link(process.join("exe")).unwrap_or_default();
    let (mut kind, mut name) = match ours(&process.join("exe"), target) {
        Some(built) => role(built, &line),
        None => other(&program, target),
    };
    // Asked to show that its layers refuse it, a program attempts it: with one layer after the other taken away.
    if kind == Kind::Nobody && proves(call.process) {
        (kind, name) = (Kind::Test, String::from("doctor --prove"));
    }
    let line = format!("process {} ({}): {}", call.process, program.display(), line.join(" "));
    Found { kind, name, act: act(call, &process), line }
}

/// Whether somebody asked this process, or one that it descends from, to attempt what must not be possible.
fn proves(process: u32) -> bool {
    let mut next = Some(process);
    for _ in 0..GENERATIONS {
        let Some(process) = next.filter(|process| *process > 1) else { return false };
        let line = fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
        if line.split(|byte| *byte == 0).any(|word| word == b"--prove") {
            return true;
        }
        let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
        next = status.lines().find_map(|line| line.strip_prefix("PPid:")?.trim().parse().ok());
    }
    false
}

/// How far back a process of the jail descends from the program that was started.
const GENERATIONS: usize = 8;

/// What a program of Candor is, by the name that it was started by.
fn role(built: &str, line: &[String]) -> (Kind, String) {
    let word = |place: usize| line.get(place).and_then(|word| Path::new(word).file_name()?.to_str());
    let first = word(0).unwrap_or_default();
    let name = match built {
        // One program with many names.
        "candor-clamav" if first == "candor-clamav" => word(1).unwrap_or_default(),
        "candor-clamav" => first,
        other => other,
    };
    let kind = match name {
        "candor-fetch" => Kind::Fetcher,
        "candord" | "clamd" | "clamav-milter" => Kind::Server,
        "clamdscan" => Kind::Client,
        _ => Kind::Nobody,
    };
    (kind, name.to_owned())
}

/// What a program is that is none of Candor's.
fn other(program: &Path, target: &Path) -> (Kind, String) {
    let name = program.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    if !program.starts_with(target) {
        return (Kind::Other, name);
    }
    // The tests of a crate that are programs of their own (`it-0123456789abcdef`), which start others and serve them. Tests inside
    // of a library are the library: what it does there it does everywhere.
    let known = name.rsplit_once('-').map_or(name.as_str(), |(name, _)| name);
    let kind = if known == "it" || TESTS.contains(&known) { Kind::Test } else { Kind::Nobody };
    (kind, known.to_owned())
}

/// Tests beside code that do what it does not: they attempt what the jail refuses, or are no part of the product.
const TESTS: [&str; 2] = ["candor_sandbox", "xtask"];

/// Which of Candor's programs this is, if any: by its length and its first bytes.
fn ours(program: &Path, target: &Path) -> Option<&'static str> {
    let head = head(program)?;
    OURS.into_iter().find(|name| self::head(&target.join("debug").join(name)).as_ref() == Some(&head))
}

fn head(path: &Path) -> Option<(u64, Vec<u8>)> {
    let file = File::open(path).ok()?;
    let length = file.metadata().ok()?.len();
    let mut bytes = Vec::with_capacity(HEAD);
    file.take(u64::try_from(HEAD).ok()?).read_to_end(&mut bytes).ok()?;
    Some((length, bytes))
}

/// What a call is; nothing when it is about this machine alone.
fn act(call: Call, process: &Path) -> Option<Act> {
    let Some(number) = call.number else { return Some(Act::Unseen) };
    let [first, second, third, ..] = call.arguments;
    if number == libc::SYS_io_uring_setup {
        return Some(Act::Unseen);
    }
    if number == libc::SYS_socket || number == libc::SYS_socketpair {
        let is_internet =
            [libc::AF_INET, libc::AF_INET6].iter().any(|family| u64::try_from(*family) == Ok(first));
        // The upper bits are flags.
        let is_stream = u64::try_from(libc::SOCK_STREAM) == Ok(second & 0xf);
        return Some(if is_internet && is_stream { Act::Stream } else { Act::Packet });
    }
    if number == libc::SYS_connect || number == libc::SYS_bind {
        let is_local = family(process, second, third) == Some(libc::AF_UNIX);
        let act = if number == libc::SYS_connect { Act::Connect } else { Act::Bind };
        return (!is_local).then_some(act);
    }
    Some(Act::Connect)
}

/// The family of an address in the memory of a process.
fn family(process: &Path, place: u64, length: u64) -> Option<i32> {
    let mut bytes = [0; 2];
    if length < 2 {
        return None;
    }
    File::open(process.join("mem")).ok()?.read_exact_at(&mut bytes, place).ok()?;
    Some(i32::from(u16::from_ne_bytes(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_may_do_what_they_are_for() {
        let acts = [Act::Stream, Act::Packet, Act::Bind, Act::Connect, Act::Unseen];
        let allowed = |kind| acts.into_iter().filter(|act| may(kind, *act)).count();
        assert_eq!([Kind::Nobody, Kind::Server, Kind::Client, Kind::Fetcher].map(allowed), [0, 2, 2, 4]);
        assert!(!may(Kind::Server, Act::Connect) && !may(Kind::Client, Act::Bind));
        let role = |built, line: &[&str]| {
            role(built, &line.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>()).0
        };
        assert_eq!(role("candor", &["candor", "update"]), Kind::Nobody);
        assert_eq!(role("candor-fetch", &["/usr/libexec/candor/candor-fetch"]), Kind::Fetcher);
        assert_eq!(role("candor-clamav", &["/tmp/x/clamd", "--foreground"]), Kind::Server);
        assert_eq!(role("candor-clamav", &["candor-clamav", "clamdscan", "a"]), Kind::Client);
        assert_eq!(role("candor-clamav", &["freshclam"]), Kind::Nobody);
        assert_eq!(role("candor-clamav", &[]), Kind::Nobody);
    }

    #[test]
    fn a_test_may_play_a_server_and_a_library_may_not() {
        let target = Path::new("/t");
        assert_eq!(other(Path::new("/t/debug/deps/it-0123"), target), (Kind::Test, "it".to_owned()));
        assert_eq!(other(Path::new("/t/debug/deps/candor_update-0123"), target).0, Kind::Nobody);
        assert_eq!(other(Path::new("/usr/bin/freshclam"), target).0, Kind::Other);
    }

    #[test]
    fn what_was_seen_and_must_not_have_been_is_told() {
        let mut seen = Seen::default();
        for (kind, act) in
            [(Kind::Fetcher, Some(Act::Connect)), (Kind::Nobody, None), (Kind::Nobody, Some(Act::Stream))]
        {
            note(&mut seen, Found { kind, name: "x".to_owned(), act, line: "process 1".to_owned() });
        }
        assert_eq!((seen.calls, seen.acts.len()), (3, 2));
        assert_eq!(seen.wrong, ["Stream: process 1"]);
    }
}
