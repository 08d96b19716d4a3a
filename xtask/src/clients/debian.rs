//! ClamAV's own clients, and ours with ClamAV's daemon.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::ensure;

use super::packages::{Packages, said, succeed};
use super::place::{FOUND, Place, Running};

type Outcome = anyhow::Result<Option<String>>;

/// Runs a `clamdscan`; the lines about files in the order of their paths, and the status.
fn lines(program: &Path, conf: &Path, arguments: &[&str]) -> anyhow::Result<(i32, Vec<String>)> {
    let mut command = Command::new(program);
    let (code, stdout, stderr) = said(command.arg("-c").arg(conf).arg("--no-summary").args(arguments))?;
    ensure!(stderr.is_empty(), "{arguments:?}: {stderr}");
    let mut lines: Vec<String> = stdout.lines().map(str::to_owned).collect();
    lines.sort();
    Ok((code, lines))
}

/// Asks for all that a `clamdscan` can do.
fn all(program: &Path, place: &Place, conf: &Path, version: &str) -> Outcome {
    let (clean, infected) = (place.text("files/clean"), place.text("files/infected"));
    let both = (1, vec![format!("{clean}: OK"), format!("{infected}: {FOUND} FOUND")]);
    for option in ["--verbose", "--fdpass", "--stream", "--multiscan"] {
        let told = lines(program, conf, &[option, &clean, &infected])?;
        ensure!(told == both, "{option}: {told:?}");
    }
    let folder = place.text("files");
    let found = (1, vec![format!("{infected}: {FOUND} FOUND")]);
    for options in [&["--infected", folder.as_str()][..], &["-m", "-i", &folder], &["-z", "-i", &folder]] {
        let told = lines(program, conf, options)?;
        ensure!(told == found, "{options:?}: {told:?}");
    }
    let quiet = lines(program, conf, &[&clean, "--quiet"])?;
    ensure!(quiet == (0, Vec::new()), "--quiet: {quiet:?}");
    ensure!(lines(program, conf, &["--ping", "1"])?.0 == 0, "--ping");
    ensure!(lines(program, conf, &["--reload"])? == (0, Vec::new()), "--reload");
    let told = lines(program, conf, &["--version"])?;
    ensure!(
        told.0 == 0 && told.1.first().is_some_and(|line| line.starts_with(version)),
        "--version: {told:?}"
    );
    let mut input = Command::new(program);
    input.arg("-c").arg(conf).args(["--no-summary", "-"]).stdin(std::fs::File::open(&infected)?);
    let output = input.stdout(Stdio::piped()).output()?;
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(told.ends_with(&format!(": {FOUND} FOUND\n")) && output.status.code() == Some(1), "-: {told}");
    Ok(Some(String::from("path folder fdpass stream multiscan allmatch stdin ping version reload")))
}

pub(super) fn clamdscan(place: &Place, _: &Packages) -> Outcome {
    let program = Path::new("/usr/bin/clamdscan");
    if !program.exists() {
        return Ok(None);
    }
    all(program, place, &place.path("clamd.conf"), "ClamAV 1.4.6")
}

/// Ours in front of ClamAV's daemon.
pub(super) fn ours(place: &Place, _: &Packages) -> Outcome {
    let daemon = Path::new("/usr/sbin/clamd");
    if !daemon.exists() {
        return Ok(None);
    }
    let (socket, db) = (place.text("peer"), place.text("db"));
    let conf = format!("LocalSocket {socket}\nDatabaseDirectory {db}\nForeground yes\n");
    let conf = place.write("peer.conf", &conf)?;
    let _daemon = Running::start(Command::new(daemon).arg("-c").arg(&conf))?;
    place.wait_for(Path::new(&socket))?;
    all(&place.command("clamdscan")?, place, &conf, "ClamAV 1.4.6")
}

/// It needs a terminal; it has drawn all that it should before it is told to end.
pub(super) fn clamdtop(place: &Place, _: &Packages) -> Outcome {
    let program = Path::new("/usr/bin/clamdtop");
    if !program.exists() {
        return Ok(None);
    }
    let terminal = place.write("scripts/terminal.py", include_str!("scripts/terminal.py"))?;
    for address in [place.text("socket"), format!("127.0.0.1:{}", place.port)] {
        let mut watch = Command::new("python3");
        watch.arg(&terminal).args(["q", "ClamdTOP version", "LIV IDL QUEUE", "1.4.6", "--"]);
        let drawn = succeed(watch.arg(program).arg(&address))?;
        ensure!(!drawn.contains("Couldn't connect"), "{drawn}");
    }
    Ok(Some(String::from("version stats; unix tcp")))
}

/// ClamAV's milter with our daemon behind it, and a mail server that speaks to it.
pub(super) fn milter(place: &Place, packages: &Packages) -> Outcome {
    let Some(root) =
        packages.debian(&["clamav-milter", "libmilter1.0.1", "libclamav12"], "usr/sbin/clamav-milter")?
    else {
        return Ok(None);
    };
    let mut tried = Vec::new();
    for (action, infected) in [("Reject", "r|"), ("Defer", "t|"), ("Blackhole", "d|"), ("Quarantine", "a|")] {
        let socket = place.text(&format!("milter.{action}"));
        let conf = format!(
            "MilterSocket unix:{socket}\nClamdSocket unix:{}\nForeground yes\nOnInfected {action}\nAddHeader Replace\n",
            place.text("socket")
        );
        let conf = place.write(&format!("milter.{action}.conf"), &conf)?;
        let mut command = Command::new(root.join("usr/sbin/clamav-milter"));
        command.arg("-c").arg(&conf).env("LD_LIBRARY_PATH", root.join("usr/lib/x86_64-linux-gnu"));
        let _milter = Running::start(&mut command)?;
        place.wait_for(Path::new(&socket))?;
        let script = place.write("scripts/milter.py", include_str!("scripts/milter.py"))?;
        let mut mail = Command::new("python3");
        let told = succeed(mail.arg(script).arg(&socket).arg(place.path("files/infected")))?;
        let told: Vec<&str> = told.lines().collect();
        ensure!(told.first() == Some(&"clean|a|X-Virus-Status: Clean"), "{action}: {told:?}");
        let second = told.get(1).copied().unwrap_or_default();
        ensure!(second.starts_with(&format!("infected|{infected}")), "{action}: {told:?}");
        if action == "Quarantine" {
            ensure!(second.contains("quarantined: ") && second.contains(FOUND), "{told:?}");
        }
        tried.push(action);
    }
    Ok(Some(format!("clean infected: {}", tried.join(" "))))
}

/// Our milter, and a mail server that speaks to it.
pub(super) fn our_milter(place: &Place, _: &Packages) -> Outcome {
    let script = place.write("scripts/milter.py", include_str!("scripts/milter.py"))?;
    let mut mail = Command::new("python3");
    let told = succeed(mail.arg(script).arg(place.milter.to_string()).arg(place.path("files/infected")))?;
    let told: Vec<&str> = told.lines().collect();
    ensure!(told.first() == Some(&"clean|a|X-Virus-Status: Clean"), "{told:?}");
    let infected = told.get(1).copied().unwrap_or_default();
    ensure!(infected.starts_with("infected|r") || infected.starts_with("infected|y"), "{told:?}");
    Ok(Some(String::from("clean passed, infected rejected; tcp")))
}
