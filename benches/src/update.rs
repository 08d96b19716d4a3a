//! What an update costs: from signatures on the disk to an active generation, and from a bad one to the one before it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use clap::Args;

use crate::whole::tree;

#[derive(Debug, Args)]
pub struct Arguments {
    /// The program.
    #[arg(long)]
    candor: PathBuf,
    /// A folder of databases, as large as is wanted.
    #[arg(long)]
    database: PathBuf,
    /// Files that are known to be clean, for the try-out and the watch.
    #[arg(long, default_value = "/usr/bin")]
    golden: PathBuf,
    /// Where the store is made.
    #[arg(long)]
    folder: Option<PathBuf>,
}

pub fn run(arguments: &Arguments) -> Result<()> {
    let folder = match &arguments.folder {
        Some(folder) => tempfile::tempdir_in(folder)?,
        None => tempfile::tempdir()?,
    };
    let place = Place { candor: &arguments.candor, folder: folder.path() };
    place.write("plain.toml", "eicar = false\n")?;
    place.write("golden.toml", &format!("eicar = false\ngolden = ['{}']\n", arguments.golden.display()))?;
    place.run(&["update", "init"], 0)?;
    let import = |settings| place.measure(&["update", "import", "--settings", settings], &arguments.database);
    println!("{}", import("plain.toml")?.told("signatures on the disk -> active, the first time"));
    let changed = folder.path().join("changed");
    copy(&arguments.database, &changed)?;
    place.write("changed/changed.ndb", "Changed.A:0:*:6368616e67656420627920746865206d656173757265\n")?;
    let import = |settings| place.measure(&["update", "import", "--settings", settings], &changed);
    println!("{}", import("plain.toml")?.told("a change of one signature -> active"));
    place.write("changed/changed.ndb", "Changed.B:0:*:6368616e67656420627920746865206d65617375726532\n")?;
    let golden = format!("the same, tried out on {}", arguments.golden.display());
    println!("{}", import("golden.toml")?.told(&golden));
    // A release that finds what was clean: every program for Linux.
    place.write("changed/changed.ndb", "Changed.Bad:0:0:7f454c46020101\n")?;
    let active = Instant::now();
    place.write("lax.toml", "eicar = false\n[trial]\npercent = 10000\n")?;
    let bad = place.measure(&["update", "import", "--settings", "plain.toml"], &changed)?;
    ensure!(bad.code != 0, "the bundled files are to keep such a release out");
    println!("{}", bad.told("a release that finds every program -> refused"));
    place.write("changed/changed.ndb", "Changed.Bad:0:0:7f454c46020101*2f6c6962\n")?;
    ensure!(
        place.measure(&["update", "import", "--settings", "plain.toml"], &changed)?.code == 0,
        "not active"
    );
    let active = Instant::now().max(active);
    let watched = place.measure(&["update", "watch", "--settings", "plain.toml"], &arguments.golden)?;
    ensure!(watched.code == 2, "a release that finds what was clean was not taken back");
    println!("bad release active -> rolled back: {:.1} s", active.elapsed().as_secs_f64());
    Ok(())
}

/// What a run cost.
struct Cost {
    time: Duration,
    /// Most bytes of anonymous and of shared memory that all its processes were seen to hold together.
    memory: u64,
    code: i32,
}

impl Cost {
    fn told(&self, what: &str) -> String {
        format!("{what}: {:.1} s, {} MB at most", self.time.as_secs_f64(), self.memory / 1_000_000)
    }
}

struct Place<'a> {
    candor: &'a Path,
    folder: &'a Path,
}

impl Place<'_> {
    fn write(&self, name: &str, text: &str) -> Result<()> {
        std::fs::write(self.folder.join(name), text).with_context(|| name.to_owned())
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.candor);
        command.args(arguments).arg("--state-dir").arg(self.folder.join("state")).current_dir(self.folder);
        command
    }

    fn run(&self, arguments: &[&str], code: i32) -> Result<()> {
        let output = self.command(arguments).output().context("cannot start")?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.code() == Some(code), "{arguments:?}: {said}");
        Ok(())
    }

    fn measure(&self, arguments: &[&str], path: &Path) -> Result<Cost> {
        let path = std::path::absolute(path)?;
        let (shared, start) = (shared_memory(), Instant::now());
        let mut child = self
            .command(arguments)
            .arg(path)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("cannot start")?;
        let mut memory = 0;
        let code = loop {
            if let Some(ended) = child.try_wait()? {
                break ended.code().unwrap_or(-1);
            }
            let own: u64 = tree(child.id()).into_iter().map(anonymous).sum();
            memory = memory.max(own + shared_memory().saturating_sub(shared));
            std::thread::sleep(Duration::from_millis(5));
        };
        Ok(Cost { time: start.elapsed(), memory, code })
    }
}

/// Files that only are in memory, on the whole machine: what is handed from process to process is there.
fn shared_memory() -> u64 {
    number(&std::fs::read_to_string("/proc/meminfo").unwrap_or_default(), "Shmem:")
}

fn anonymous(process: u32) -> u64 {
    number(&std::fs::read_to_string(format!("/proc/{process}/smaps_rollup")).unwrap_or_default(), "Pss_Anon:")
}

fn number(text: &str, name: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok()).unwrap_or(0) * 1024
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            std::fs::copy(entry.path(), to.join(entry.file_name()))?;
        }
    }
    Ok(())
}
