//! Running the program and making the files that it is run on.

use std::ffi::OsStr;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A directory for one test, with a cache of its own.
pub(crate) struct Place {
    directory: tempfile::TempDir,
}

/// What a run said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Place {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("files")).unwrap();
        Self { directory }
    }

    /// The directory that programs are run in.
    pub(crate) fn root(&self) -> PathBuf {
        self.directory.path().join("files")
    }

    pub(crate) fn path(&self, name: impl AsRef<OsStr>) -> PathBuf {
        self.root().join(name.as_ref())
    }

    pub(crate) fn file(&self, name: impl AsRef<OsStr>, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    pub(crate) fn cache(&self) -> PathBuf {
        self.directory.path().join("cache")
    }

    /// The program, about to run in the directory.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_candor"));
        command
            .args(arguments)
            .current_dir(self.root())
            .env_clear()
            .env("HOME", self.directory.path())
            .stdin(Stdio::null());
        command
    }

    /// Runs the program in the directory.
    pub(crate) fn run(&self, arguments: &[&str]) -> Said {
        Said::new(&self.command(arguments).output().unwrap())
    }

    /// As [`run`](Self::run), with the place's own cache.
    pub(crate) fn run_cached(&self, arguments: &[&str]) -> Said {
        let cache = self.cache();
        let mut all = arguments.to_vec();
        all.extend(["--cache-dir", cache.to_str().unwrap()]);
        self.run(&all)
    }

    pub(crate) fn run_with_input(&self, arguments: &[&str], input: &[u8]) -> Said {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A program that does not want all of its input closes it.
        drop(child.stdin.take().unwrap().write_all(input));
        Said::new(&child.wait_with_output().unwrap())
    }
}

impl Said {
    pub(crate) fn new(output: &Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout.clone()).unwrap(),
            stderr: String::from_utf8(output.stderr.clone()).unwrap(),
        }
    }

    /// Everything, with lines about single files in order and times left out.
    pub(crate) fn text(&self) -> String {
        let (mut lines, rest): (Vec<&str>, &str) = match self.stdout.find("\n\nScanned") {
            Some(end) => (self.stdout[..end].lines().collect(), &self.stdout[end..]),
            None => (self.stdout.lines().collect(), ""),
        };
        if !rest.is_empty() {
            lines.sort_unstable();
        }
        let mut text = lines.join("\n") + rest.trim_end();
        if !self.stderr.is_empty() {
            text += &format!("\n--- stderr\n{}", self.stderr.trim_end());
        }
        text + &format!("\n--- exit {}", self.code)
    }

    /// The objects of JSON output.
    pub(crate) fn json(&self) -> Vec<serde_json::Value> {
        self.stdout.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
    }

    /// The object about the file with this name.
    pub(crate) fn json_of(&self, name: &str) -> serde_json::Value {
        let ends = |path: &serde_json::Value| path.as_str().is_some_and(|path| path.ends_with(name));
        self.json().into_iter().find(|object| ends(&object["path"])).unwrap_or_else(|| panic!("{self:?}"))
    }
}

/// Leaves out of a snapshot what differs from run to run.
pub(crate) fn settings(place: &Place) -> insta::Settings {
    let mut settings = insta::Settings::clone_current();
    let root = place.root();
    let top = root.parent().unwrap();
    settings.add_filter(&format!("(/private)?{}", top.to_str().unwrap()), "[PLACE]");
    settings.add_filter(r" in [0-9.]+ s( \([^)]*\))?", " in [TIME]");
    settings.add_filter(r"built-in, [0-9]+ signatures", "built-in, [N] signatures");
    settings.add_filter(r"\x1b", "␛");
    settings
}

/// A key to sign with, and the one to verify with.
pub(crate) const KEY: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f\n-----END PRIVATE KEY-----\n";
pub(crate) const PUBLIC_KEY: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAA6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=\n-----END PUBLIC KEY-----\n";

/// The test file of eicar.org, in pieces so that this file is not found itself.
pub(crate) fn eicar() -> Vec<u8> {
    [r"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-", "STANDARD-ANTIVIRUS", "-TEST-FILE!$H+H*"].concat().into_bytes()
}

pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// A database of one signature for the word `findme`.
pub(crate) fn database(place: &Place, name: &str) -> PathBuf {
    place.file(name, "Found.Me:0:*:66696e646d65\n")
}

/// Makes the times of everything below `path` old enough to be trusted by the cache.
pub(crate) fn settle(_: &Path) {
    std::thread::sleep(std::time::Duration::from_millis(120));
}

/// Waits until what a program writes to its output, which nobody reads, has filled the pipe.
pub(crate) fn wait_until_stuck(child: &std::process::Child) {
    let began = std::time::Instant::now();
    let (mut seen, mut since) = (0, began);
    // What does not fit into the last page may be missing from a full one.
    while seen < 3 << 14 || since.elapsed() < std::time::Duration::from_millis(500) {
        assert!(began.elapsed() < std::time::Duration::from_secs(60), "{seen} bytes do not fill the pipe");
        std::thread::sleep(std::time::Duration::from_millis(10));
        let now = rustix::io::ioctl_fionread(child.stdout.as_ref().unwrap()).unwrap();
        if now != seen {
            (seen, since) = (now, std::time::Instant::now());
        }
    }
}
