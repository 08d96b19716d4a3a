//! Many small files through one worker, beside the same files through `clamdscan --fdpass` to a clamd that has the same
//! signatures. Both pass descriptors from a process that opens files to one that looks at them.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};

use crate::whole::write_files;

/// Files in one folder.
const A_FOLDER: usize = 1_000;

/// How long clamd may take until it answers.
const PATIENCE: Duration = Duration::from_secs(300);

/// A clamd of its own.
struct Clamd {
    process: Child,
}

impl Drop for Clamd {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

pub(super) fn compare(candor: &Path, image: &Path, database: &Path, files: usize) -> anyhow::Result<()> {
    let place = tempfile::tempdir()?;
    let folder = place.path().join("files");
    fs::create_dir(&folder)?;
    for number in 0..files.div_ceil(A_FOLDER) {
        let count = files.saturating_sub(number * A_FOLDER).min(A_FOLDER);
        write_files(&folder.join(number.to_string()), count, 1_024)?;
    }
    let mut ours = Vec::new();
    for _ in 0..3 {
        let mut command = Command::new(candor);
        command.args(["scan", "--quiet", "--no-progress", "--jobs", "1", "--database"]).arg(image);
        ours.push(timed(command.arg(&folder))?);
    }
    let ours = super::median(ours).as_secs_f64();
    println!("{files} files of 1 KB, one worker: {ours:.2} s, {:.0} a second", files as f64 / ours);

    let configuration = place.path().join("clamd.conf");
    let socket = place.path().join("socket");
    let text = format!(
        "Foreground yes\nLocalSocket {}\nDatabaseDirectory {}\nDetectPUA yes\nMaxThreads 1\n",
        socket.display(),
        database.display()
    );
    fs::write(&configuration, text)?;
    let process = Command::new("clamd")
        .arg("-c")
        .arg(&configuration)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .context("clamd cannot be started")?;
    let mut clamd = Clamd { process };
    let client = || {
        let mut command = Command::new("clamdscan");
        command.arg("-c").arg(&configuration);
        command
    };
    let began = Instant::now();
    while !client().args(["--ping", "1"]).stdout(Stdio::null()).stderr(Stdio::null()).status()?.success() {
        ensure!(began.elapsed() < PATIENCE, "clamd does not answer");
        ensure!(clamd.process.try_wait()?.is_none(), "clamd has ended");
        std::thread::sleep(Duration::from_millis(200));
    }
    let theirs = timed(client().args(["--fdpass", "--quiet", "--no-summary"]).arg(&folder))?.as_secs_f64();
    println!(
        "clamdscan --fdpass to clamd: {theirs:.2} s, {:.0} a second: {:.0} times as much",
        files as f64 / theirs,
        theirs / ours
    );
    Ok(())
}

fn timed(command: &mut Command) -> anyhow::Result<Duration> {
    let began = Instant::now();
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status()?;
    ensure!(status.code().is_some_and(|code| code <= 1), "{command:?} ended with {status}");
    Ok(began.elapsed())
}
