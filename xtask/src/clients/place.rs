//! The daemon that clients are tried with, and a clean and an infected file. Whatever is started here is waited for until it
//! does what it should, however slow the machine is, and what it printed is told when something fails.

use std::fmt::Write as _;
use std::fs;
use std::io::Read as _;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use tempfile::NamedTempFile;

use crate::test_file;

/// How long anything may take. Nothing does, but on a machine that has other things to do.
pub(super) const PATIENCE: Duration = Duration::from_secs(300);

/// How much of what a program printed is told: its end.
const TOLD: u64 = 16 << 10;

/// What the programs print that were started since it was asked last.
static PRINTED: Mutex<Vec<Printed>> = Mutex::new(Vec::new());

/// What the infected file is called by.
pub(super) const FOUND: &str = "Test.Eicar.UNOFFICIAL";

/// A daemon, and files for it.
pub(super) struct Place {
    folder: tempfile::TempDir,
    daemon: Mutex<Running>,
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
        fs::create_dir(folder.path().join("db"))?;
        fs::write(folder.path().join("db/test.ndb"), test_file::signature("Test.Eicar"))?;
        fs::create_dir(folder.path().join("files"))?;
        fs::write(folder.path().join("files/clean"), "a clean file\n")?;
        fs::write(folder.path().join("files/infected"), test_file::text())?;
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
        let mut command = Command::new(&daemon);
        command.arg("-c").arg(folder.path().join("clamd.conf"));
        command.arg("--config").arg(folder.path().join("candord.toml"));
        let child = Running::start(&mut command)?;
        let place =
            Self { folder, daemon: Mutex::new(child), daemon_file: daemon, commands, port, icap, milter };
        let listens = place.wait_for(&place.path("socket")).and_then(|()| {
            // It is one program, but nobody says in which order its sockets come.
            [port, icap, milter].into_iter().try_for_each(wait_for_port)
        });
        if let Err(error) = listens {
            bail!("{error:#}\n{}{}", printed(), place.log());
        }
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
        until(&format!("somebody listens at {}", socket.display()), || UnixStream::connect(socket).is_ok())
    }

    /// Fails when the daemon has ended.
    pub(super) fn is_alive(&self) -> anyhow::Result<()> {
        let mut daemon = self.daemon.lock().map_err(|_| anyhow::anyhow!("a thread has panicked"))?;
        match daemon.0.try_wait()? {
            None => Ok(()),
            Some(status) => bail!("the daemon ended: {status}\n{}", self.log()),
        }
    }

    /// The end of what the daemon logged.
    pub(super) fn log(&self) -> String {
        format!("the daemon's log:\n{}", end_of(&self.path("log")))
    }
}

/// A program that is ended with the value.
pub(super) struct Running(Child);

impl Running {
    /// Starts it. What it prints is kept for whoever asks why something failed.
    pub(super) fn start(command: &mut Command) -> anyhow::Result<Self> {
        let file = NamedTempFile::new()?;
        let output = file.reopen()?;
        command.stdin(Stdio::null()).stderr(output.try_clone()?).stdout(output);
        // Some end all of their group when they end.
        let child = command.process_group(0).spawn().with_context(|| format!("{command:?}"))?;
        let mut printed = PRINTED.lock().map_err(|_| anyhow::anyhow!("a thread has panicked"))?;
        printed.push(Printed { command: format!("{command:?}"), file });
        Ok(Self(child))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(Command::new("kill").arg(self.0.id().to_string()).status());
        let began = Instant::now();
        while let Ok(None) = self.0.try_wait() {
            // Whoever does not want to end is ended.
            if began.elapsed() > PATIENCE {
                drop(self.0.kill());
                drop(self.0.wait());
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// What a program prints.
struct Printed {
    command: String,
    file: NamedTempFile,
}

/// What all programs printed that were started since this was called last.
pub(super) fn printed() -> String {
    let programs = PRINTED.lock().map(|mut programs| std::mem::take(&mut *programs)).unwrap_or_default();
    let mut text = String::new();
    for program in programs {
        // Nothing that is written to a string fails.
        let _ = writeln!(text, "{} printed:\n{}", program.command, end_of(program.file.path()));
    }
    text
}

/// The end of a file that a program writes.
fn end_of(path: &Path) -> String {
    use std::io::{Seek as _, SeekFrom};
    let read = || -> std::io::Result<Vec<u8>> {
        let mut file = fs::File::open(path)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(TOLD)))?;
        let mut bytes = Vec::new();
        file.take(TOLD).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    match read() {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) => format!("({error})"),
    }
}

/// A port of this machine that nobody listens on.
pub(super) fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// Waits until somebody listens on a port of this machine.
pub(super) fn wait_for_port(port: u16) -> anyhow::Result<()> {
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    until(&format!("somebody listens at {address}"), || TcpStream::connect(address).is_ok())
}

/// Waits until something is so.
pub(super) fn until(what: &str, mut is_so: impl FnMut() -> bool) -> anyhow::Result<()> {
    let began = Instant::now();
    while !is_so() {
        ensure!(began.elapsed() < PATIENCE, "{what}: not so after {} s", PATIENCE.as_secs());
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}
