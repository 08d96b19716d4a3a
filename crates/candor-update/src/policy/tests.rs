//! Policies that are read, and what is wrong with those that are not.

use ed25519_dalek::SigningKey;

use super::*;
use crate::log::{KeyKind, SignerKey};

const LEAST: &str = "version = 1\nfeed = \"f\"\n[log]\nrequired = false\n";

fn keys() -> (String, String) {
    let key = |name, kind, seed| SignerKey::new(name, kind, SigningKey::from_bytes(&[seed; 32])).unwrap();
    let log = key("log", KeyKind::Note, 1).verifier().to_string();
    (log, key("w", KeyKind::Cosignature, 2).verifier().to_string())
}

#[test]
fn what_is_not_said_is_strict() {
    let policy = Policy::parse(LEAST).unwrap();
    assert_eq!(policy.demands, Demands { root: 3, content: 2 });
    assert_eq!((policy.ring, policy.delay_hours, policy.pin), (Ring::Broad, 0, None));
    assert_eq!(policy.classes.len(), 5);
    assert!(policy.log.is_none() && policy.cosigners.is_empty() && !policy.offline_only);
}

#[test]
fn everything_that_can_be_said_is_read() {
    let (log, witness) = keys();
    let text = format!(
        "version = 1\nfeed = \"f\"\npin = 7\ndelay-hours = 72\nring = \"early\"\nclasses = [\"hashes\"]\n\
         offline-only = true\n[signatures]\nroot = 4\ncontent = 3\n[log]\nmax-age-hours = 5\npolicy = '''\n\
         log {log}\nwitness w {witness}\nquorum w\n'''\n[[cosigner]]\nname = \"bank\"\nroot = 2\n"
    );
    let policy = Policy::parse(&text).unwrap();
    assert_eq!((policy.pin, policy.delay_hours, policy.ring), (Some(7), 72, Ring::Early));
    assert!(policy.wants(MemberClass::Hashes) && !policy.wants(MemberClass::Signatures));
    assert_eq!(policy.demands, Demands { root: 4, content: 3 });
    assert_eq!(policy.log.unwrap().max_age_hours, 5);
    let cosigner = Cosigner { name: "bank".to_owned(), demands: Demands { root: 2, content: 1 } };
    assert_eq!(policy.cosigners, [cosigner]);
}

#[test]
fn a_mistake_is_named_with_its_line() {
    let (log, witness) = keys();
    let check = |text: &str, line: usize, reason: &str| {
        let error = Policy::parse(text).unwrap_err();
        assert_eq!((error.line, error.reason.as_str()), (line, reason), "{text}");
    };
    let after = |line: &str| format!("version = 1\nfeed = \"f\"\n{line}\n[log]\nrequired = false\n");
    check(
        "version = 1\nfeed = \"f\"\n",
        1,
        "releases that are not logged are let in only if `[log]` says `required = false`",
    );
    check(
        "version = 1\nfeed = \"f\"\n[log]\nrequired = true\n",
        4,
        "the log is required, and no `policy` says which",
    );
    check("version = 2\nfeed = \"f\"\n", 1, "the version of a policy is 1");
    check("version = 1\nfeed = \"a b\"\n", 2, "a name is printable ASCII without spaces");
    check(&after("pin = 0"), 3, "releases are numbered from 1 on");
    check(&after("ring = \"inner\""), 3, "a ring is one of canary, early and broad");
    check(&after("classes = []"), 3, "no class is wanted, so nothing would ever be let in");
    check(
        &after("classes = [\n\"hashes\",\n\"bytecode\"]"),
        5,
        "a class is one of signatures, hashes, allow, rules and policy",
    );
    check(
        &after("delay-hours = 1"),
        3,
        "a delay is measured by the clocks of witnesses, and the policy has no quorum of them",
    );
    check(&format!("{LEAST}[signatures]\nroot = 0\n"), 6, "at least one signature must be demanded");
    check(
        &format!("{LEAST}[[cosigner]]\nname = \"../x\"\n"),
        6,
        "the name of a cosigner is also that of a directory",
    );
    check(
        &format!("{LEAST}[[cosigner]]\nname = \"x\"\n[[cosigner]]\nname = \"x\"\n"),
        8,
        "there is a cosigner of that name already",
    );
    let logged = |policy: &str| format!("version = 1\nfeed = \"f\"\n[log]\npolicy = '''\n{policy}'''\n");
    check(&logged(&format!("log {log}\nquorum w\n")), 6, "`w` is not defined on a line before");
    check(&logged("quorum none\n"), 4, "no log is named, so nothing would ever be let in");
    check(
        &format!("{}required = false\n", logged(&format!("log {log}\nquorum none\n"))),
        4,
        "a policy for a log that is not required would not be kept",
    );
    let quorum = format!("log {log}\nwitness w {witness}\nquorum w\n");
    check(&format!("{}max-age-hours = 0\n", logged(&quorum)), 9, "no cosignature is less than 0 hours old");
    let typo = Policy::parse(&after("delay-hour = 1")).unwrap_err();
    assert_eq!(typo.line, 3);
    assert!(typo.reason.starts_with("unknown field `delay-hour`"), "{}", typo.reason);
}
