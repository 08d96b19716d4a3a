//! The packages in the place of ClamAV's: in a folder with a database of packages of its own, where ClamAV's daemon is
//! installed as far as `dpkg` knows, ours take its place, and what they bring finds the test file.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};

use super::said;
use crate::succeed;
use crate::test_file;

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(300);

/// Packages of ClamAV that ours take the place of.
const CLAMAV: [&str; 5] = ["clamav-daemon", "clamav-milter", "clamav", "clamdscan", "clamav-freshclam"];

pub(super) fn check(packages: &[PathBuf], folder: &Path) -> anyhow::Result<String> {
    let root = folder.join("root");
    for place in ["var/lib/dpkg/info", "var/lib/dpkg/updates", "var/lib/dpkg/triggers", "etc", "tmp"] {
        fs::create_dir_all(root.join(place))?;
    }
    fs::write(root.join("var/lib/dpkg/status"), "")?;
    fs::write(root.join("etc/passwd"), "root:x:0:0:root:/root:/bin/sh\n")?;
    fs::write(root.join("etc/group"), "root:x:0:\nadm:x:4:\n")?;
    for name in CLAMAV {
        install(&root, &stand_in(name, folder)?)?;
    }
    // One that was here before.
    let conf = root.join("etc/clamav/clamd.conf");
    fs::create_dir_all(root.join("etc/clamav"))?;
    fs::write(&conf, "# mine\n")?;
    for package in packages {
        install(&root, package)?;
    }
    for name in CLAMAV {
        ensure!(!is_installed(&root, name)?, "{name} is still there beside what takes its place");
    }
    ensure!(fs::read_to_string(&conf)? == "# mine\n", "the configuration was not kept");
    fs::remove_file(&conf)?;
    install(&root, packages.first().context("no package")?)?;
    let shipped = fs::read_to_string(&conf).context("without a configuration none is put there")?;
    ensure!(fs::read_to_string(root.join("etc/passwd"))?.contains("clamav:"), "there is no user");
    for name in ["clamscan", "clambc", "clamconf", "sigtool", "freshclam"] {
        let version = said(Command::new(root.join("usr/bin").join(name)).arg("--version"))?;
        let is_told = version.contains("ClamAV") || version.contains("Clam AntiVirus");
        ensure!(is_told, "{name} --version says {version:?}");
    }
    let fetcher = root.join("usr/libexec/candor/candor-fetch");
    ensure!(fetcher.is_file(), "there is no {}", fetcher.display());
    let found = serve(&root, folder, &shipped)?;
    for name in ["candor-freshclam", "candor-clamav", "candor"] {
        succeed(dpkg(&root).args(["--purge", name]).stdout(Stdio::null()))?;
        ensure!(!is_installed(&root, name)?, "{name} does not go");
    }
    for gone in
        ["usr/sbin/candord", "usr/sbin/clamd", "usr/bin/clamdscan", "usr/lib/systemd/system/candord.service"]
    {
        ensure!(!root.join(gone).exists(), "{gone} stayed");
    }
    Ok(format!("packages: {} installed in the place of ClamAV's and removed; {found}", packages.len()))
}

fn dpkg(root: &Path) -> Command {
    let mut command = Command::new("dpkg");
    command.arg(format!("--root={}", root.display()));
    // There is no system in the folder: what packages need is not there, and their scripts run outside.
    command.args(["--force-depends", "--force-script-chrootless", "--force-not-root", "--force-confold"]);
    command.env("DEBIAN_FRONTEND", "noninteractive");
    command
}

fn install(root: &Path, package: &Path) -> anyhow::Result<()> {
    let output = dpkg(root).arg("--install").arg(package).output().context("dpkg")?;
    let text = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{}: {text}", package.display());
    Ok(())
}

fn is_installed(root: &Path, name: &str) -> anyhow::Result<bool> {
    let status = fs::read_to_string(root.join("var/lib/dpkg/status"))?;
    let of = |stanza: &str| stanza.lines().any(|line| line == format!("Package: {name}"));
    Ok(status.split("\n\n").any(|stanza| of(stanza) && stanza.contains("Status: install ok")))
}

/// A package of ClamAV's name with nothing in it.
fn stand_in(name: &str, folder: &Path) -> anyhow::Result<PathBuf> {
    let stage = tempfile::tempdir()?;
    let control = stage.path().join("DEBIAN");
    fs::create_dir(&control)?;
    let text = format!(
        "Package: {name}\nVersion: 1.4.6\nArchitecture: all\nMaintainer: nobody <nobody@localhost>\nDescription: a stand-in\n"
    );
    fs::write(control.join("control"), text)?;
    let package = folder.join(format!("{name}.deb"));
    said(Command::new("dpkg-deb").args(["--root-owner-group", "--build"]).arg(stage.path()).arg(&package))?;
    Ok(package)
}

/// Starts what was installed, with the configuration that was, and asks it.
fn serve(root: &Path, folder: &Path, shipped: &str) -> anyhow::Result<String> {
    let (conf, socket, log) = (folder.join("clamd.conf"), folder.join("socket"), folder.join("log"));
    let place = |path: &Path| path.display().to_string();
    let moved = shipped
        .replace("/run/clamav/clamd.ctl", &place(&socket))
        .replace("/var/log/clamav/clamav.log", &place(&log))
        .replace("DatabaseDirectory /var/lib/clamav\n", "")
        // The user is the folder's own, and nobody of this system.
        .replace("User clamav\n", "")
        .replace("LocalSocketGroup clamav\n", "");
    fs::write(&conf, moved)?;
    let own = folder.join("candord.toml");
    let built_in = "database = 'DATABASE'\n".replace("DATABASE", &place(&folder.join("db")));
    fs::create_dir(folder.join("db"))?;
    fs::write(folder.join("db/test.ndb"), test_file::signature("Eicar.Test"))?;
    let toml = fs::read_to_string(root.join("etc/candor/candord.toml"))?;
    fs::write(&own, format!("{built_in}cache = '{}'\n{toml}", place(&folder.join("cache"))))?;
    let output = folder.join("output");
    let why = || {
        let text = |path: &Path| fs::read_to_string(path).unwrap_or_default();
        format!("it printed:\n{}its log:\n{}", text(&output), text(&log))
    };
    let daemon = Command::new(root.join("usr/sbin/candord"))
        .arg("--config-file")
        .arg(&conf)
        .arg("--config")
        .arg(&own)
        .stderr(fs::File::create(&output)?)
        .spawn()
        .context("candord")?;
    let mut daemon = Ended(daemon);
    let began = Instant::now();
    let mut connection = loop {
        if let Ok(connection) = UnixStream::connect(&socket) {
            break connection;
        }
        if let Some(status) = daemon.0.try_wait()? {
            bail!("candord ended with {status}; {}", why());
        }
        ensure!(began.elapsed() < PATIENCE, "candord does not come up; {}", why());
        std::thread::sleep(Duration::from_millis(20));
    };
    connection.set_read_timeout(Some(PATIENCE))?;
    connection.write_all(b"zPING\0")?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer)?;
    ensure!(answer == "PONG\0", "candord says {answer:?}");
    let bad = folder.join("eicar.com");
    fs::write(&bad, test_file::text())?;
    let output = Command::new(root.join("usr/bin/clamdscan"))
        .arg(format!("--config-file={}", conf.display()))
        .args(["--fdpass", "--no-summary"])
        .arg(&bad)
        .output()
        .context("clamdscan")?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    ensure!(
        output.status.code() == Some(1) && text == format!("{}: Eicar.Test.UNOFFICIAL FOUND", bad.display()),
        "clamdscan says {text:?} and ends with {}: {}; of the daemon: {}",
        output.status,
        String::from_utf8_lossy(&output.stderr),
        why()
    );
    drop(daemon);
    by_name(root, &conf, &own, &socket)?;
    Ok(String::from("its daemon and its clamdscan find the test file, and so it is by the name of clamd"))
}

/// Starts the same by clamd's name, which goes to the background; it is ready when the command ends.
fn by_name(root: &Path, conf: &Path, own: &Path, socket: &Path) -> anyhow::Result<()> {
    let mut clamd = Command::new(root.join("usr/sbin/clamd"));
    clamd.arg("--config-file").arg(conf).arg("--candor-config").arg(own);
    said(&mut clamd)?;
    for (command, wanted) in [("PING", "PONG\n"), ("SHUTDOWN", "")] {
        let mut connection = UnixStream::connect(socket).context("clamd is not there when it is ready")?;
        connection.set_read_timeout(Some(PATIENCE))?;
        connection.write_all(format!("n{command}\n").as_bytes())?;
        let mut answer = String::new();
        connection.read_to_string(&mut answer)?;
        ensure!(answer == wanted, "clamd says {answer:?} to {command}");
    }
    let began = Instant::now();
    while UnixStream::connect(socket).is_ok() {
        ensure!(began.elapsed() < PATIENCE, "clamd does not end");
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// A process that ends with the test.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}
