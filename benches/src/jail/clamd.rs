//! Many small files through one worker, beside the same files through `clamdscan --fdpass` to a clamd that has the same
//! signatures. Both pass descriptors from a process that opens files to one that looks at them.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};

use crate::whole::{best, measure, write_files};

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
    let ours = best(|| {
        let mut command = Command::new(candor);
        command.args(["scan", "--quiet", "--no-progress", "--jobs", "1", "--database"]).arg(image);
        measure(command.arg(&folder))
    })?;
    println!(
        "{files} files of 1 KB, one worker: {:.2} s, {:.0} a second; processor time of all processes {:.2} s",
        ours.wall,
        files as f64 / ours.wall,
        ours.processor
    );

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
    let before = processor_time(clamd.process.id())?;
    let theirs = measure(client().args(["--fdpass", "--quiet", "--no-summary"]).arg(&folder))?;
    let processor = theirs.processor + processor_time(clamd.process.id())? - before;
    println!(
        "clamdscan --fdpass to clamd: {:.2} s, {:.0} a second: {:.0} times as much; processor time {processor:.2} s: \
         {:.0} times as much",
        theirs.wall,
        files as f64 / theirs.wall,
        theirs.wall / ours.wall,
        processor / ours.processor
    );
    Ok(())
}

/// Processor time that a process has used, in seconds.
fn processor_time(process: u32) -> anyhow::Result<f64> {
    let text = fs::read_to_string(format!("/proc/{process}/stat"))?;
    let (_, fields) = text.rsplit_once(") ").context("no such line")?;
    // Fields 14 and 15 of proc_pid_stat(5), in hundredths of a second; the first one here is field 3.
    let ticks: Option<f64> = fields.split(' ').skip(11).take(2).map(|field| field.parse::<f64>().ok()).sum();
    Ok(ticks.context("no numbers")? / 100.0)
}
