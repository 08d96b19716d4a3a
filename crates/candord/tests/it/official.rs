//! `OfficialDatabaseOnly`: nothing is in force but what somebody signed who is believed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use candor_fixtures::certificate::Signer;
use candor_fixtures::release::Release;

use crate::run::{Daemon, MARKER, NAME, stream};

const OFFICIAL: &[u8] = b"an official-one";

/// A daemon whose folder has a signed container besides its own database.
fn start(signer: &Signer, certificates: &Path, more: &str) -> Daemon {
    let daily =
        Release::new("daily", 101, &[("daily.ndb", "Official.Marker:0:*:6f6666696369616c2d6f6e65\n")]);
    let more = format!("CVDCertsDirectory {}\n{more}", certificates.display());
    Daemon::start_with(&more, "", &mut |command: &mut Command| {
        let configuration = command.get_args().map(PathBuf::from).find(|path| path.ends_with("clamd.conf"));
        let database = configuration.unwrap().with_file_name("db");
        fs::write(database.join("daily.cvd"), daily.container()).unwrap();
        fs::write(database.join("daily-101.cvd.sign"), signer.sign(&daily.container())).unwrap();
    })
}

#[test]
fn nothing_but_signed_containers_is_in_force_when_so_wished() {
    let folder = tempfile::tempdir().unwrap();
    let Some(signer) = Signer::new(folder.path(), "publisher") else { return };
    let certificates = folder.path().join("certs");
    fs::create_dir(&certificates).unwrap();
    fs::write(certificates.join("publisher.pem"), signer.certificate()).unwrap();
    let all = start(&signer, &certificates, "");
    assert_eq!(all.ask(&stream(OFFICIAL, 100)), "stream: Official.Marker FOUND\0");
    assert_eq!(all.ask(&stream(MARKER, 100)), format!("stream: {NAME} FOUND\0"));
    drop(all);
    let mut official = start(&signer, &certificates, "OfficialDatabaseOnly yes\n");
    let holds = |official: &Daemon| {
        assert_eq!(official.ask(&stream(OFFICIAL, 100)), "stream: Official.Marker FOUND\0");
        assert_eq!(official.ask(&stream(MARKER, 100)), "stream: OK\0");
    };
    holds(&official);
    // What somebody adds to the folder later is no more in force than what was there.
    fs::write(official.path("db/more.ndb"), crate::run::signatures("Test.More")).unwrap();
    assert_eq!(official.ask(b"zRELOAD\0"), "RELOADING\0");
    official.wait_until("it has reloaded", |daemon| daemon.log().contains("Database correctly reloaded"));
    holds(&official);
}
