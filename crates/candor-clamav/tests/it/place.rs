//! A folder of files for one test, and programs that are run in it.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A folder for one test.
pub(crate) struct Place {
    folder: tempfile::TempDir,
}

/// What a run said.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Place {
    /// With files, links, folders, and a database for what is in some of them.
    pub(crate) fn new() -> Self {
        let place = Self { folder: tempfile::tempdir().unwrap() };
        for (name, content) in [
            ("db/test.ndb", "Test.Marker:0:*:4d41524b4552\nPUA.Test.Other:0:*:505541544553\n"),
            ("d/a.txt", "hello MARKER there"),
            ("d/b.txt", "a clean file"),
            ("d/empty", ""),
            ("d/name with spaces", "also clean"),
            ("d/sub/c.txt", "xx MARKER PUATES"),
            ("d/sub/deep/z.txt", "clean as well"),
            ("d/tiny", "abc"),
            ("list", "d/a.txt\nd/b.txt\nd/missing\n"),
        ] {
            place.file(name, content.as_bytes());
        }
        place.file("d/big.bin", &vec![b'x'; 300_000]);
        fs::create_dir(place.path("d/nothing")).unwrap();
        for (target, name) in [("a.txt", "d/link"), ("sub", "d/folder"), ("/nowhere", "d/dangling")] {
            symlink(target, place.path(name)).unwrap();
        }
        let pipe = Command::new("mkfifo").arg(place.path("d/pipe")).status().unwrap();
        assert!(pipe.success());
        fs::create_dir(place.path("bin")).unwrap();
        symlink(env!("CARGO_BIN_EXE_candor-clamav"), place.path("bin/clamscan")).unwrap();
        place
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn file(&self, name: &str, content: &[u8]) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// Runs Candor's `clamscan` with the database.
    pub(crate) fn clamscan(&self, arguments: &[&str]) -> Said {
        self.clamscan_with(arguments, b"")
    }

    pub(crate) fn clamscan_with(&self, arguments: &[&str], input: &[u8]) -> Said {
        let cache = format!("--candor-cache-dir={}", self.path("cache").display());
        let mut all = vec![cache.as_str(), "-d", "db"];
        all.extend(arguments);
        self.run(&self.path("bin/clamscan"), &all, input)
    }

    /// Runs a program in the folder.
    pub(crate) fn run(&self, program: &Path, arguments: &[&str], input: &[u8]) -> Said {
        self.run_in(self.folder.path(), program, arguments, input)
    }

    /// Runs a program in a folder of it.
    pub(crate) fn run_in(&self, folder: &Path, program: &Path, arguments: &[&str], input: &[u8]) -> Said {
        let mut child = Command::new(program)
            .args(arguments)
            .current_dir(folder)
            .env("LC_ALL", "C")
            .env("TZ", "UTC")
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
    fn new(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
        }
    }
}
