//! ClamAV's own client against this daemon.

use std::path::Path;
use std::process::{Command, Output};

use crate::run::{Daemon, MARKER, NAME};

fn clamdscan(daemon: &Daemon, arguments: &[&str], paths: &[&Path]) -> Output {
    let mut command = Command::new("clamdscan");
    command.arg("--config-file").arg(daemon.path("clamd.conf")).args(arguments).args(paths);
    command.output().expect("clamdscan is installed wherever these tests run: apt-get install clamdscan")
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn files_are_scanned_in_every_way() {
    let daemon = Daemon::start("");
    let bad = daemon.file("files/bad", MARKER);
    let good = daemon.file("files/good", b"hello");
    for way in [
        &[][..],
        &["--fdpass"],
        &["--stream"],
        &["--multiscan"],
        &["--multiscan", "--fdpass"],
        &["--allmatch"],
    ] {
        let output = clamdscan(&daemon, way, &[&bad, &good]);
        let said = text(&output);
        assert_eq!(output.status.code(), Some(1), "{way:?}: {output:?}");
        assert!(said.contains(&format!("{}: {NAME} FOUND", bad.display())), "{way:?}: {said}");
        assert!(said.contains(&format!("{}: OK", good.display())), "{way:?}: {said}");
        let infected = if way == ["--allmatch"] { 2 } else { 1 };
        assert!(
            said.contains(&format!("Infected files: {infected}")) || way == ["--allmatch"],
            "{way:?}: {said}"
        );
        let output = clamdscan(&daemon, way, &[&good]);
        assert_eq!(output.status.code(), Some(0), "{way:?}: {output:?}");
        let output = clamdscan(&daemon, way, &[bad.parent().unwrap()]);
        assert_eq!(output.status.code(), Some(1), "{way:?}: {output:?}");
        assert!(text(&output).contains(&format!("{}: {NAME} FOUND", bad.display())), "{way:?}: {output:?}");
    }
    let output = clamdscan(&daemon, &["--allmatch", "--no-summary"], &[&bad]);
    assert!(text(&output).contains("Test.Other.UNOFFICIAL FOUND"), "{output:?}");
    let output = clamdscan(&daemon, &[], &[Path::new("/nonexistent")]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
}

#[test]
fn it_is_told_that_the_daemon_is_there_and_may_reload_it() {
    let daemon = Daemon::start("");
    assert_eq!(clamdscan(&daemon, &["--ping", "1"], &[]).status.code(), Some(0));
    assert_eq!(clamdscan(&daemon, &["--reload"], &[]).status.code(), Some(0));
    let version = text(&clamdscan(&daemon, &["--version"], &[]));
    assert!(version.starts_with("ClamAV 1.4.6"), "{version}");
}
