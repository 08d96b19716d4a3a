//! What comes of vendors that rules keep away is a finding of the daemon, as of every scan.

use std::fs;

use candor_fixtures::executable::Executable;
use candor_fixtures::zip::archive_of;
use candor_policy::block::{kept_away, signatures};
use candor_policy::policy::Policy;
use candor_policy::regime::AsOf;

use crate::run::{Daemon, MARKER, NAME, stream};

#[test]
fn what_comes_of_a_prohibited_vendor_is_a_finding_from_the_rules_date_on() {
    let policy = Policy::built_in().unwrap();
    let profile = policy.profile("us-private").unwrap();
    let mut daemon = Daemon::start("");
    let put = |daemon: &Daemon, as_of: &str| {
        // As `candor audit watch` writes them into the folder of databases.
        let made = signatures(&kept_away(&policy, Some(profile), &AsOf::parse(as_of).unwrap()));
        fs::write(daemon.path("db/candor-policy.ldb"), made.logical).unwrap();
        fs::write(daemon.path("db/candor-policy.cdb"), made.members).unwrap();
        assert_eq!(daemon.ask(b"zRELOAD\0"), "RELOADING\0");
    };
    let (program, archive) = (
        stream(&Executable::of_company("AO Kaspersky Lab"), 4096),
        stream(&archive_of("a/corebases.cab"), 4096),
    );
    let found = "stream: Policy.us-bis-icts-kaspersky.kaspersky.UNOFFICIAL FOUND\0";
    put(&daemon, "2026-01-01");
    daemon.wait_until("the rules are in force", |daemon| daemon.ask(&program) == found);
    assert_eq!(daemon.ask(&archive), found);
    for other in [Executable::of_company("Somebody Else"), archive_of("a/xcorebases.cab")] {
        assert_eq!(daemon.ask(&stream(&other, 4096)), "stream: OK\0");
    }
    // What else is looked for still is.
    assert_eq!(daemon.ask(&stream(MARKER, 100)), format!("stream: {NAME} FOUND\0"));
    put(&daemon, "2024-07-01");
    daemon.wait_until("the rules are not in force yet", |daemon| daemon.ask(&program) == "stream: OK\0");
    assert_eq!(daemon.ask(&archive), "stream: OK\0");
}
