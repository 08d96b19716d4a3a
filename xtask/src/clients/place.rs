//! The daemon that clients are tried with, and a clean and an infected file.

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};

/// What the infected file is called by.
pub(super) const FOUND: &str = "Test.Eicar.UNOFFICIAL";

/// A daemon, and files for it.
pub(super) struct Place {
    folder: tempfile::TempDir,
    daemon: Mutex<Child>,
    daemon_file: PathBuf,
    commands: PathBuf,
    /// The port that it listens on.
    pub(super) port: u16,
    /// Where it serves proxies.
    pub(super) icap: u16,
    /// Where it serves mail servers.
    pub(super) milter: u16,
}

impl Place {
    pub(super) fn new(daemon: Option<&Path>, commands: Option<&Path>) -> anyhow::Result<Self> {
        let built = |given: Option<&Path>, name: &str| match given {
            Some(path) => Ok(path.to_path_buf()),
            None => {
                let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
                let built = Command::new(cargo).args(["build", "--quiet", "--package", name]).status()?;
                ensure!(built.success(), "{name} cannot be built");
                Ok(crate::target()?.join("debug").join(name))
            }
        };
        let daemon = built(daemon, "candord")?;
        let commands = built(commands, "candor-clamav")?;
        let folder = tempfile::tempdir()?;
        // Servers that are somebody else come to its socket and have its files read.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755))?;
        let eicar = [r"X5O!P%@AP[4\PZX54(P^)7CC)7}", "$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"].concat();
        let digits: String = eicar.bytes().map(|byte| format!("{byte:02x}")).collect();
        fs::create_dir(folder.path().join("db"))?;
        fs::write(folder.path().join("db/test.ndb"), format!("Test.Eicar:0:*:{digits}\n"))?;
        fs::create_dir(folder.path().join("files"))?;
        fs::write(folder.path().join("files/clean"), "a clean file\n")?;
        fs::write(folder.path().join("files/infected"), eicar)?;
        let port = free_port()?;
        let path = |name: &str| folder.path().join(name).display().to_string();
        let conf = format!(
            "LocalSocket {}\nLocalSocketMode 666\nTCPSocket {port}\nTCPAddr 127.0.0.1\nDatabaseDirectory {}\nLogFile {}\n",
            path("socket"),
            path("db"),
            path("log")
        );
        fs::write(folder.path().join("clamd.conf"), conf)?;
        let (icap, milter) = (free_port()?, free_port()?);
        let conf = format!(
            "MilterSocket inet:{milter}@127.0.0.1\nOnInfected Reject\nAddHeader Replace\nRejectMsg found %v\n"
        );
        fs::write(folder.path().join("milter.conf"), conf)?;
        let own = format!("milter = \"{}\"\n[icap]\nlisten = [\"127.0.0.1:{icap}\"]\n", path("milter.conf"));
        fs::write(folder.path().join("candord.toml"), own)?;
        let child = Command::new(&daemon)
            .arg("-c")
            .arg(folder.path().join("clamd.conf"))
            .arg("--config")
            .arg(folder.path().join("candord.toml"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| daemon.display().to_string())?;
        let place =
            Self { folder, daemon: Mutex::new(child), daemon_file: daemon, commands, port, icap, milter };
        place.wait_for(&place.path("socket"))?;
        Ok(place)
    }

    /// The program.
    pub(super) fn daemon_file(&self) -> &Path {
        &self.daemon_file
    }

    /// A path in the folder.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The same as text.
    pub(super) fn text(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    /// Writes a file.
    pub(super) fn write(&self, name: &str, text: &str) -> anyhow::Result<PathBuf> {
        let path = self.path(name);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&path, text)?;
        Ok(path)
    }

    /// One of our commands, by its name.
    pub(super) fn command(&self, name: &str) -> anyhow::Result<PathBuf> {
        let path = self.path(name);
        if !path.exists() {
            symlink(&self.commands, &path)?;
        }
        Ok(path)
    }

    /// Waits until somebody listens at a path.
    pub(super) fn wait_for(&self, socket: &Path) -> anyhow::Result<()> {
        until(&socket.display().to_string(), || UnixStream::connect(socket).is_ok())
    }

    /// Fails when the daemon has ended.
    pub(super) fn is_alive(&self) -> anyhow::Result<()> {
        let mut daemon = self.daemon.lock().map_err(|_| anyhow::anyhow!("a thread has panicked"))?;
        match daemon.try_wait()? {
            None => Ok(()),
            Some(status) => bail!("the daemon ended: {status}"),
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Ok(mut daemon) = self.daemon.lock() {
            drop(Command::new("kill").arg(daemon.id().to_string()).status());
            drop(daemon.wait());
        }
    }
}

/// A program that is ended with the value.
pub(super) struct Running(Child);

impl Running {
    /// Starts it.
    pub(super) fn start(command: &mut Command) -> anyhow::Result<Self> {
        let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        // Some end all of their group when they end.
        let quiet = quiet.process_group(0);
        Ok(Self(quiet.spawn().with_context(|| format!("{command:?}"))?))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(Command::new("kill").arg(self.0.id().to_string()).status());
        drop(self.0.wait());
    }
}

/// A port of this machine that nobody listens on.
pub(super) fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// Waits until somebody listens on a port of this machine.
pub(super) fn wait_for_port(port: u16) -> anyhow::Result<()> {
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    until(&address.to_string(), || TcpStream::connect(address).is_ok())
}

fn until(what: &str, mut is_so: impl FnMut() -> bool) -> anyhow::Result<()> {
    for _ in 0..600 {
        if is_so() {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    bail!("nobody listens at {what}")
}
