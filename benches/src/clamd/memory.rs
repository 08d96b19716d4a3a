//! What a server's processes hold, each page once, and what they hold while changed databases are compiled.

use std::collections::HashMap;
use std::fmt;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};

use super::{Arguments, PATIENCE, Server};

/// Megabytes, by what the kernel can do about them.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Memory {
    /// Of the processes' own.
    anonymous: f64,
    /// Of files that only are in memory, mapped or not.
    shared: f64,
    /// Of files, which the kernel can drop and read again.
    files: f64,
}

impl Memory {
    pub(super) fn total(self) -> f64 {
        self.anonymous + self.shared + self.files
    }
}

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { anonymous, shared, files } = self;
        write!(
            f,
            "{:.1} MB ({anonymous:.1} own, {shared:.1} in memory files, {files:.1} mapped files)",
            self.total()
        )
    }
}

impl Server {
    /// Each page's share, so that what is shared counts once.
    pub(super) fn held(&self) -> anyhow::Result<Memory> {
        let mut held = Memory::default();
        let mut mapped = 0.0;
        let mut in_memory: HashMap<(u64, u64), u64> = HashMap::new();
        for process in self.processes()? {
            // It may have ended meanwhile.
            let Ok(text) = fs::read_to_string(format!("/proc/{process}/smaps_rollup")) else { continue };
            let share = |name: &str| {
                let line = text.lines().find_map(|line| line.strip_prefix(name));
                let number = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
                number.unwrap_or(0.0) / 1024.0
            };
            held.anonymous += share("Pss_Anon:");
            held.files += share("Pss_File:");
            mapped += share("Pss_Shmem:");
            let Ok(entries) = fs::read_dir(format!("/proc/{process}/fd")) else { continue };
            for path in entries.flatten().map(|entry| entry.path()) {
                let is_in_memory =
                    fs::read_link(&path).is_ok_and(|name| name.to_string_lossy().starts_with("/memfd:"));
                if let Some(file) = is_in_memory.then(|| fs::metadata(&path).ok()).flatten() {
                    in_memory.insert((file.dev(), file.ino()), file.blocks() * 512);
                }
            }
        }
        let in_memory = in_memory.into_values().sum::<u64>() as f64 / 1_048_576.0;
        held.shared = mapped.max(in_memory);
        Ok(held)
    }

    /// Changes the databases and has them loaded again, while small requests go on.
    pub(super) fn changed(&self, database: &Path, number: u32) -> anyhow::Result<()> {
        let before = self.held()?;
        let marker = format!("changed for the measure, number {number} of {}", std::process::id());
        let hexadecimal: String = marker.bytes().map(|byte| format!("{byte:02x}")).collect();
        let file = database.join("changed.ndb");
        fs::write(database.join("changed"), format!("Changed.Measure-{number}:0:*:{hexadecimal}\n"))?;
        fs::rename(database.join("changed"), &file).with_context(|| file.display().to_string())?;
        let over = AtomicBool::new(false);
        let (took, most, (latest, requests)) = std::thread::scope(|scope| {
            let client = scope.spawn(|| {
                let mut latest = (Duration::ZERO, 0_usize);
                while !over.load(Ordering::Relaxed) {
                    let began = Instant::now();
                    ensure!(self.stream(b"something small and clean")? == "stream: OK\0", "a request failed");
                    latest = (latest.0.max(began.elapsed()), latest.1 + 1);
                }
                anyhow::Ok(latest)
            });
            let measured = self.until_found(marker.as_bytes());
            over.store(true, Ordering::Relaxed);
            let latest = client.join().map_err(|_| anyhow::anyhow!("the client failed"))??;
            let (took, most) = measured?;
            anyhow::Ok((took, most, latest))
        })?;
        // What replaces it is there; what it replaced goes with the jobs that it still has.
        std::thread::sleep(Duration::from_secs(3));
        println!(
            "{}: changed databases are in force after {:.1} s: before {before}, meanwhile at most {most}, after it {}; the latest of {requests} requests took {:.1} ms",
            self.name,
            took.as_secs_f64(),
            self.held()?,
            latest.as_secs_f64() * 1e3
        );
        Ok(())
    }

    /// Reloads, and waits until these bytes are found: how long that was, and what was held at most.
    fn until_found(&self, bytes: &[u8]) -> anyhow::Result<(Duration, Memory)> {
        let began = Instant::now();
        let mut most = Memory::default();
        self.ask(b"zRELOAD\0")?;
        while !self.stream(bytes)?.ends_with("FOUND\0") {
            ensure!(began.elapsed() < PATIENCE, "{} does not load what has changed", self.name);
            let now = self.held()?;
            if now.total() > most.total() {
                most = now;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok((began.elapsed(), most))
    }

    fn stream(&self, bytes: &[u8]) -> anyhow::Result<String> {
        let chunk = [&u32::try_from(bytes.len())?.to_be_bytes()[..], bytes].concat();
        let reply = self.ask(&[b"zINSTREAM\0", chunk.as_slice(), &[0; 4]].concat())?;
        Ok(String::from_utf8_lossy(&reply).into_owned())
    }
}

/// The databases, where they may be changed: in a folder of their own.
pub(super) fn copied(arguments: &Arguments, folder: &Path) -> anyhow::Result<()> {
    fs::create_dir(folder)?;
    for entry in fs::read_dir(&arguments.database)? {
        let path = entry?.path();
        let name = path.file_name().context("a file has a name")?;
        if path.is_file() && fs::hard_link(&path, folder.join(name)).is_err() {
            fs::copy(&path, folder.join(name))?;
        }
    }
    Ok(())
}
