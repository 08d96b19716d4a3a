//! `STATS`: what `clamdtop` and monitoring agents take apart by its blanks.

use std::fmt::Write as _;
use std::time::Duration;

/// A command that a thread is at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Running {
    /// Its name.
    pub command: String,
    /// For how long.
    pub since: Duration,
    /// What it is about; may be empty.
    pub subject: String,
}

/// Memory, in bytes. What the C library's `mallinfo` would say is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// Used by the signatures.
    pub pools_used: u64,
    /// Held for the signatures.
    pub pools_total: u64,
}

/// The state of a daemon.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Threads that scan.
    pub live: usize,
    /// Threads that wait.
    pub idle: usize,
    /// Threads that there may be.
    pub max: usize,
    /// Time until a thread that waits ends.
    pub idle_timeout: Duration,
    /// Jobs that wait, by how long they have.
    pub queue: Vec<Duration>,
    /// What is going on.
    pub running: Vec<Running>,
    /// Memory.
    pub memory: Memory,
}

impl Stats {
    /// The text, with lines ended by newlines, without the end of the reply.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::from("POOLS: 1\n\nSTATE: VALID PRIMARY\n");
        let _ = writeln!(
            text,
            "THREADS: live {}  idle {} max {} idle-timeout {}",
            self.live,
            self.idle,
            self.max,
            self.idle_timeout.as_secs()
        );
        let _ = write!(text, "QUEUE: {} items", self.queue.len());
        let seconds = |time: Option<&Duration>| time.map_or(0.0, Duration::as_secs_f64);
        if let Ok(count) = u32::try_from(self.queue.len())
            && count > 0
        {
            let sum: f64 = self.queue.iter().map(Duration::as_secs_f64).sum();
            let _ = write!(
                text,
                " min_wait: {:.6} max_wait: {:.6} avg_wait: {:.6}",
                seconds(self.queue.iter().min()),
                seconds(self.queue.iter().max()),
                sum / f64::from(count)
            );
        }
        text.push('\n');
        for running in &self.running {
            let subject: String = running
                .subject
                .chars()
                .map(|letter| if letter.is_control() { '?' } else { letter })
                .collect();
            let _ = writeln!(text, "\t{} {:.6} {subject}", running.command, running.since.as_secs_f64());
        }
        let mebibytes = |bytes: u64| {
            #[expect(clippy::cast_precision_loss, reason = "three digits behind the point are shown")]
            let bytes = bytes as f64;
            bytes / f64::from(1 << 20)
        };
        let _ = write!(
            text,
            "\nMEMSTATS: heap N/A mmap N/A used N/A free N/A releasable N/A pools 1 pools_used {:.3}M pools_total {:.3}M\nEND",
            mebibytes(self.memory.pools_used),
            mebibytes(self.memory.pools_total)
        );
        text
    }
}
