//! Everything that a worker must not be able to do is attempted, as the user who runs the tests and, when
//! that is root, as an ordinary user besides.

use std::fs::File;
use std::os::fd::AsFd as _;

use candor_sandbox::prove::{ACTS, Refusal, attempts, prove};
use candor_sandbox::{Layer, Layers};

use crate::nobody::as_nobody_too;

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
