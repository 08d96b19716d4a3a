//! `clamscan` beside ClamAV's own: the same lines and the same exit status for the same files and options.

use std::path::{Path, PathBuf};

use candor_fixtures::programs;

use crate::place::{Place, Said};

/// Where Debian's package has it.
const CLAMSCAN: &str = "/usr/bin/clamscan";

/// Options that are tried. Each line is one run.
const CASES: &[&str] = &[
    "d",
    "-r d",
    "-ri d",
    "-r -o d",
    "-rz d",
    "-r -z --no-summary d/sub",
    "--rec d",
    "--infected=no d",
    "--no-summary d/a.txt d/missing d/link d/dangling d/pipe d/empty",
    "d/pipe",
    "d/missing",
    "d/dangling",
    "d/a.txt/",
    "--quiet -r d",
    "--quiet d/missing",
    "--stdout d/missing d/pipe",
    "-",
    "--no-summary -",
    "--bogus d",
    "--re d",
    "-x d",
    "-ryes d",
    "-l",
    "--log",
    "--max-filesize=abc d",
    "--max-filesize=1Q d",
    "--max-filesize 10M d/a.txt",
    "--max-filesize=1G d/a.txt",
    "--max-files=-1 d",
    "--max-scantime=-5 d",
    "--recursive=maybe d",
    "--recursive=TRUE d",
    "--recursive=on d",
    "--no-summary=x d",
    "--no-summary=no d",
    "--statistics=foo d",
    "--bytecode-mode=x d",
    "--structured-cc-mode=9 d",
    "--follow-file-symlinks=0 d/link",
    "--follow-file-symlinks=2 -r d",
    "--follow-file-symlinks=7 d",
    "--follow-dir-symlinks=0 d/folder",
    "--follow-dir-symlinks=1 d/folder",
    "--follow-dir-symlinks=2 -r d",
    "--follow-dir-symlinks=2 d",
    "--follow-dir-symlinks=2 --follow-file-symlinks=2 -r d",
    "--follow-dir-symlinks=0 --follow-file-symlinks=0 d d/link d/folder d/dangling",
    "--exclude=\\.txt$ -r d",
    "--exclude=a -r d d/a.txt",
    "--exclude=^d/ -r d",
    "--exclude=/[a-c]\\.(txt|bin)$ -r d",
    "--exclude=b\\.txt/ -r d",
    "--exclude-dir=sub -r d",
    "--exclude-dir=sub/deep -r d",
    "--exclude-dir=sub/ -r d",
    "--exclude-dir=^d/sub -r d",
    "--exclude-dir=sub -r -i d",
    "--exclude-dir=d -r d",
    "--include=a\\.txt -r d",
    "--include=a --include=b --exclude=b d",
    "--include-dir=deep -r d",
    "--include-dir=d -r d",
    "--max-dir-recursion=0 -r d",
    "--max-dir-recursion=1 -r d",
    "--max-dir-recursion=2 -r d",
    "-v d/a.txt d/b.txt",
    "-v -i d",
    "-v --quiet d",
    "--bell d/a.txt",
    "--detect-pua -z d/sub",
    "--detect-pua --include-pua=Test --exclude-pua=X d/sub",
    "--max-filesize=1K d",
    "--max-filesize=1K --alert-exceeds-max d",
    "--max-filesize=1K --block-max d",
    "-f list",
    "-f list d/tiny",
    "-f list --include=b.txt",
    "-f nolist",
    "--move=/nonexistent d/a.txt",
    "--move=d/b.txt d/a.txt",
    "--no-archive --unzip --force d/tiny",
    "--cross-fs=no -r d/sub",
    "--log=/nonexistent/x d/tiny",
    "d/b.txt -- -r",
    "d/",
    "./d//",
    "d d/a.txt",
];

/// ClamAV's own program. Where tests run unattended it must be there.
fn peer() -> Option<PathBuf> {
    let path = Path::new(CLAMSCAN);
    assert!(path.exists() || std::env::var_os("CI").is_none(), "{CLAMSCAN} is missing: install clamav");
    path.exists().then(|| path.to_path_buf())
}

/// What is said, without what differs from run to run, and without the names that programs were started by.
fn comparable(said: &Said) -> (i32, String, String) {
    let differs = |line: &&str| {
        ["Known viruses:", "Engine version:", "Data ", "Time:", "Start Date:", "End Date:", "LibClamAV "]
            .iter()
            .any(|start| line.starts_with(start))
            // Candor tells it where ClamAV does not.
            || line.starts_with("WARNING: not everything could be looked into")
            || line.contains(": not looked at as a whole: ")
    };
    let text = |text: &str| {
        let lines: Vec<String> = text
            .lines()
            .filter(|line| !differs(line))
            .map(|line| match line.split_once("clamscan: ") {
                Some((_, rest)) => format!("clamscan: {rest}"),
                None => line.to_owned(),
            })
            .collect();
        lines.join("\n")
    };
    (said.code, text(&said.stdout), text(&said.stderr))
}

#[test]
fn lines_and_exit_status_are_those_of_clamav() {
    let Some(peer) = peer() else { return };
    let place = Place::new();
    let input = b"something with a MARKER in it";
    let mut wrong = Vec::new();
    for case in CASES {
        let arguments: Vec<&str> = case.split(' ').collect();
        let mut all = vec!["-d", "db"];
        all.extend(&arguments);
        let theirs = comparable(&place.run(&peer, &all, input));
        let ours = comparable(&place.clamscan_with(&arguments, input));
        if theirs != ours {
            wrong.push(format!("clamscan {case}\n  ClamAV: {theirs:?}\n  Candor: {ours:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), CASES.len(), wrong.join("\n"));
}

#[test]
fn logs_are_those_of_clamav() {
    let Some(peer) = peer() else { return };
    let place = Place::new();
    for (number, case) in
        ["-r d d/missing d/pipe", "--quiet -r d", "-v -i d", "--no-summary d"].into_iter().enumerate()
    {
        let (theirs, ours) = (format!("theirs{number}"), format!("ours{number}"));
        let log = |name: &str| format!("--log={name}");
        let arguments: Vec<&str> = case.split(' ').collect();
        place.run(&peer, &[&["-d", "db", &log(&theirs)], &arguments[..]].concat(), b"");
        place.clamscan(&[&[log(&ours).as_str()], &arguments[..]].concat());
        let read = |name: &str| {
            let stdout = std::fs::read_to_string(place.path(name)).unwrap();
            comparable(&Said { code: 0, stdout, stderr: String::new() })
        };
        assert_eq!(read(&theirs), read(&ours), "{case}");
    }
}

#[test]
fn the_summary_has_the_lines_of_clamav() {
    let Some(peer) = peer() else { return };
    let place = Place::new();
    let shape = |said: &Said| -> Vec<String> {
        let (_, summary) = said.stdout.split_once("SCAN SUMMARY").unwrap();
        let digits = |character: char| if character.is_ascii_digit() { '0' } else { character };
        let line = |line: &str| {
            let line: String = line.chars().map(digits).collect();
            // Numbers of several digits count as one.
            let mut line = line;
            while line.contains("00") {
                line = line.replace("00", "0");
            }
            line
        };
        summary.lines().map(line).collect()
    };
    let theirs = place.run(&peer, &["-d", "db", "-r", "d"], b"");
    assert_eq!(shape(&place.clamscan(&["-r", "d"])), shape(&theirs));
}

#[test]
fn what_may_not_be_read_is_told_as_clamav_tells_it() {
    use std::os::unix::fs::PermissionsExt as _;
    use std::os::unix::process::CommandExt as _;
    let Some(peer) = peer() else { return };
    let place = Place::new();
    let allow = |name: &str, mode| {
        std::fs::set_permissions(place.path(name), std::fs::Permissions::from_mode(mode)).unwrap();
    };
    let ours = place.path("own/clamscan");
    std::fs::create_dir(place.path("own")).unwrap();
    programs::copy(env!("CARGO_BIN_EXE_candor-clamav"), &ours);
    ["", "own", "d", "db"].into_iter().for_each(|name| allow(name, 0o755));
    ["d/b.txt", "d/sub"].into_iter().for_each(|name| allow(name, 0));
    // Whoever may read everything becomes somebody who may not.
    let is_root = std::fs::File::open(place.path("d/b.txt")).is_ok();
    for options in ["-r", "-ri", "-ro"] {
        let run = |program: &Path| {
            let mut command = std::process::Command::new(program);
            command.args(["-d", "db", options, "d"]).current_dir(place.path("")).env_remove("HOME");
            command.env_remove("XDG_CACHE_HOME").env("LC_ALL", "C");
            if is_root {
                command.gid(65_534).uid(65_534);
            }
            let output = command.output().unwrap();
            let stdout = String::from_utf8(output.stdout).unwrap();
            let stderr = String::from_utf8(output.stderr).unwrap();
            (Said { code: output.status.code().unwrap(), stdout, stderr: String::new() }, stderr)
        };
        let ((theirs, _), (ours, stderr)) = (run(&peer), run(&ours));
        assert_eq!(comparable(&theirs), comparable(&ours), "{options}: {stderr}");
        // It is told in any case.
        assert!(format!("{}{stderr}", ours.stdout).contains("d/b.txt: Access denied"), "{options}");
        assert!(ours.stdout.contains("Total errors: 2"), "{ours:?}");
    }
    allow("d/sub", 0o755);
}
