//! Everything that a worker must not be able to do is attempted, as the user who runs the tests and, when
//! that is root, as an ordinary user besides.

use std::fs::File;
use std::os::fd::AsFd as _;
use std::process::Command;

use candor_fixtures::programs;
use candor_sandbox::prove::{ACTS, Refusal, attempts, prove};
use candor_sandbox::{Layer, Layers};

/// A user that owns nothing.
const NOBODY: u32 = 65534;

/// Set in the copy of the test program that runs as an ordinary user.
const AGAIN: &str = "CANDOR_TEST_AS_NOBODY";

/// Runs a test once more as an ordinary user, if this is root.
pub(crate) fn as_nobody_too(test: &str) {
    use std::os::unix::process::CommandExt as _;
    if !rustix::process::geteuid().is_root() || std::env::var_os(AGAIN).is_some() {
        return;
    }
    // The program may lie where only root can read.
    let place = tempfile::tempdir().unwrap();
    let copy = place.path().join("tests");
    programs::copy(std::env::current_exe().unwrap(), &copy);
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(place.path(), mode).unwrap();
    let output = Command::new(&copy)
        .args(["--exact", test, "--nocapture", "--test-threads", "1"])
        .env(AGAIN, "1")
        .current_dir("/")
        .uid(NOBODY)
        .gid(NOBODY)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

#[test]
fn every_forbidden_act_is_refused() {
    let passed = File::open("/etc/hostname").or_else(|_| File::open("/etc/passwd")).unwrap();
    let proofs = prove(passed.as_fd()).unwrap();
    assert_eq!(proofs.len(), ACTS.len());
    let allowed: Vec<_> = proofs
        .iter()
        .filter(|proof| !proof.jailed.is_refused())
        .map(|proof| (proof.act.name, proof.jailed))
        .collect();
    assert!(allowed.is_empty(), "{allowed:?}");
    as_nobody_too("forbidden::every_forbidden_act_is_refused");
}

/// What the filter alone refuses when the kernel has all other layers: nothing of it reaches anybody.
const BY_FILTER_ALONE: [&str; 14] = [
    "bpf",
    "fork",
    "io-uring",
    "keys",
    "make-executable",
    "map-executable",
    "memory-file",
    "namespace",
    "netlink",
    "perf",
    "run-passed-file",
    "shared-memory",
    "thread",
    "userfaultfd",
];

#[test]
fn the_other_layers_refuse_files_network_and_processes_by_themselves() {
    let passed = File::open("/etc/passwd").unwrap();
    let refusals = attempts(Layers::NONE.with(Layer::Filter), passed.as_fd()).unwrap();
    for (act, refusal) in ACTS.iter().zip(refusals) {
        // Which of the families of sockets there are depends on the kernel.
        let by_filter_alone = BY_FILTER_ALONE.contains(&act.name) || act.name.starts_with("family-");
        assert!(refusal.is_refused() || by_filter_alone, "{}: {refusal:?}", act.name);
    }
    as_nobody_too("forbidden::the_other_layers_refuse_files_network_and_processes_by_themselves");
}

#[test]
fn the_filter_refuses_everything_but_what_files_allow_by_itself() {
    let all = Layer::ALL.into_iter().filter(|layer| *layer != Layer::Filter);
    let leave_out = all.filter(|layer| !Layers::MINIMUM.has(*layer)).fold(Layers::NONE, Layers::with);
    let passed = File::open("/etc/passwd").unwrap();
    let refusals = attempts(leave_out, passed.as_fd()).unwrap();
    for (act, refusal) in ACTS.iter().zip(refusals) {
        // The descriptor is for reading, so the kernel itself refuses to map it for writing.
        let expected = if act.name == "map-passed-writable" { Refusal::Error(13) } else { Refusal::Ended };
        assert_eq!(refusal, expected, "{}", act.name);
    }
    as_nobody_too("forbidden::the_filter_refuses_everything_but_what_files_allow_by_itself");
}
