//! The test-suite of npm's `clamscan`, as its package has it, with our daemon and our commands. Its configuration, which is meant
//! to be changed, says where they are.

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, ensure};

use super::packages::{Packages, said, succeed};
use super::place::{Place, Running, free_port, wait_for_port};
use crate::test_file;

/// What it needs besides.
const NEEDED: [(&str, &str); 5] =
    [("clamscan", "2"), ("mocha", "10"), ("chai", "4"), ("chai-as-promised", "7"), ("axios", "1")];

/// Tests that fail with every daemon here, ClamAV's as well, and why.
const CANNOT: [(&str, &str); 3] = [
    ("getVersion should respond with some version (Promise API)", "needs the daily database of ClamAV"),
    ("getVersion should respond with some version (Callback API)", "needs the daily database of ClamAV"),
    (
        "passthrough should indicate that a stream was NOT infected in the \"scan-complete\" event if the stream DOES NOT contain a virus",
        "fetches a file from GitHub",
    ),
];

/// The port that it looks for TLS at.
const TLS: u16 = 3311;

pub(super) fn run(place: &Place, packages: &Packages) -> anyhow::Result<Option<String>> {
    let mut modules = None;
    for (package, version) in NEEDED {
        modules = packages.node(package, Some(version))?;
        if modules.is_none() {
            return Ok(None);
        }
    }
    let modules = modules.context("nothing is needed")?;
    let suite = place.path("suite");
    succeed(Command::new("cp").arg("-r").arg(modules.join("clamscan")).arg(&suite))?;
    for folder in ["infected", "bad_scan_dir", "mixed_scan_dir/folder1", "mixed_scan_dir/folder2"] {
        std::fs::create_dir_all(suite.join("tests").join(folder))?;
    }
    place.write("suite/tests/clamscan-log", "")?;
    // It wants to hear of `eicar`.
    place.write("suite.db/test.ndb", &test_file::signature("Eicar-Test"))?;
    let port = free_port()?;
    let certificate = certificate(place)?;
    let _daemon = daemon(place, port, certificate.is_some())?;
    place.write("suite/tests/test_config.js", &configuration(place, port)?)?;
    let mut mocha = Command::new("node");
    mocha.arg(modules.join("mocha/bin/mocha.js")).current_dir(&suite).env("NODE_PATH", &modules);
    mocha.args(["--exit", "--retries", "1", "--timeout", "300000", "--check-leaks", "--reporter", "json"]);
    match &certificate {
        // With it, TLS is tried, too.
        Some(certificate) => mocha.env("CI", "1").env("NODE_EXTRA_CA_CERTS", certificate),
        None => mocha.env_remove("CI"),
    };
    let (_, stdout, stderr) = said(mocha.arg("tests/index.js"))?;
    judged(&stdout, certificate.is_some()).with_context(|| stderr).map(Some)
}

/// What becomes of what it reports.
fn judged(report: &str, with_tls: bool) -> anyhow::Result<String> {
    // Some tests print what they see before.
    let start = report.find("{\n  \"stats\"").context("it reports nothing")?;
    let report: serde_json::Value =
        serde_json::Deserializer::from_str(report.get(start..).unwrap_or_default())
            .into_iter()
            .next()
            .context("it reports nothing")??;
    let titles = |key: &str| -> BTreeSet<String> {
        let all = report.get(key).and_then(|all| all.as_array()).into_iter().flatten();
        all.filter_map(|test| test.get("fullTitle")?.as_str()).map(str::to_owned).collect()
    };
    let (passed, mut failed) = (titles("passes"), titles("failures"));
    for (cannot, _) in CANNOT {
        failed.remove(cannot);
    }
    ensure!(failed.is_empty(), "these of its tests fail: {failed:?}");
    // One that runs nothing fails nothing.
    ensure!(passed.len() >= 100, "only {} of its tests passed: {report:#}", passed.len());
    let tls = passed.iter().filter(|title| title.starts_with("tls ")).count();
    ensure!(tls == if with_tls { 3 } else { 0 }, "{tls} tests of TLS passed");
    Ok(format!(
        "{} of its own tests pass, {tls} of them by TLS; {} need the Internet or ClamAV's databases",
        passed.len(),
        CANNOT.len()
    ))
}

fn configuration(place: &Place, port: u16) -> anyhow::Result<String> {
    let command = |name: &str| place.command(name).map(|path| path.display().to_string());
    Ok(format!(
        "module.exports = {{\n  removeInfected: false,\n  quarantineInfected: `${{__dirname}}/infected`,\n  \
         clamscan: {{ path: '{}', db: '{}' }},\n  clamdscan: {{ socket: '{}', host: '127.0.0.1', port: {port}, path: '{}', \
         timeout: 300000, localFallback: false, configFile: '{}' }},\n  debugMode: false,\n}};\n",
        command("clamscan")?,
        place.text("suite.db"),
        place.text("suite.socket"),
        command("clamdscan")?,
        place.text("suite.conf"),
    ))
}

fn daemon(place: &Place, port: u16, with_tls: bool) -> anyhow::Result<Running> {
    let conf = format!(
        "LocalSocket {}\nTCPSocket {port}\nTCPAddr 127.0.0.1\nDatabaseDirectory {}\n",
        place.text("suite.socket"),
        place.text("suite.db")
    );
    let conf = place.write("suite.conf", &conf)?;
    let tls = if with_tls {
        format!(
            "[tls]\nlisten = [\"127.0.0.1:{TLS}\", \"[::1]:{TLS}\"]\ncertificate = \"{}\"\nkey = \"{}\"\n",
            place.text("suite.pem"),
            place.text("suite.key")
        )
    } else {
        String::new()
    };
    let own = place.write("suite.toml", &format!("cache = \"{}\"\n{tls}", place.text("suite.cache")))?;
    let mut command = Command::new(place.daemon_file());
    let running = Running::start(command.arg("-c").arg(conf).arg("--config").arg(own))?;
    place.wait_for(Path::new(&place.text("suite.socket")))?;
    wait_for_port(port)?;
    Ok(running)
}

/// A certificate for this machine, where there is a program that makes one and nobody uses the port for it.
fn certificate(place: &Place) -> anyhow::Result<Option<PathBuf>> {
    let is_free = ["127.0.0.1", "::1"].into_iter().all(|at| TcpListener::bind((at, TLS)).is_ok());
    if !is_free || !Path::new("/usr/bin/openssl").exists() {
        return Ok(None);
    }
    let (certificate, key) = (place.path("suite.pem"), place.path("suite.key"));
    let mut openssl = Command::new("/usr/bin/openssl");
    openssl.args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]);
    openssl.args(["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1"]);
    succeed(openssl.arg("-keyout").arg(key).arg("-out").arg(&certificate))?;
    Ok(Some(certificate))
}
