//! What is counted: who watches the daemon reads it as metrics. Counting never waits, and there are as many
//! counters as there were at the start, whatever clients do.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Commands that are answered with verdicts.
pub const COMMANDS: [&str; 9] =
    ["ALLMATCHSCAN", "CONTSCAN", "FILDES", "INSTREAM", "MULTISCAN", "REQMOD", "RESPMOD", "SCAN", "milter"];

/// Verdicts in Candor's words.
pub const VERDICTS: [&str; 4] = ["clean", "incomplete", "infected", "suspicious"];

/// Bounds of the classes of times, in microseconds.
pub const BOUNDS: [u64; 14] = [
    250,
    500,
    1_000,
    2_500,
    5_000,
    10_000,
    25_000,
    50_000,
    100_000,
    250_000,
    1_000_000,
    5_000_000,
    30_000_000,
    120_000_000,
];

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// One more.
    pub fn count(&self) {
        self.add(1);
    }

    /// So many more.
    pub fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    /// How many there are.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// All of them.
#[derive(Debug)]
pub struct Counters {
    start: u64,
    answers: [[Counter; VERDICTS.len()]; COMMANDS.len()],
    times: [Counter; BOUNDS.len() + 1],
    microseconds: Counter,
    /// Bytes of files that were answered for.
    pub bytes: Counter,
    /// Answers that were remembered verdicts.
    pub remembered: Counter,
    /// Files that ended their worker: crashed, took too long, or too much memory.
    pub lost_workers: Counter,
    /// Connections that were taken.
    pub sessions: Counter,
    /// Those of them that have gone.
    pub gone: Counter,
    /// Reloads that went well.
    pub reloads: Counter,
    /// Reloads that did not; the old signatures stayed.
    pub failed_reloads: Counter,
}

impl Default for Counters {
    fn default() -> Self {
        Self {
            start: SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs(),
            answers: Default::default(),
            times: Default::default(),
            microseconds: Counter::default(),
            bytes: Counter::default(),
            remembered: Counter::default(),
            lost_workers: Counter::default(),
            sessions: Counter::default(),
            gone: Counter::default(),
            reloads: Counter::default(),
            failed_reloads: Counter::default(),
        }
    }
}

impl Counters {
    /// Counts an answer.
    pub fn answered(&self, command: &str, verdict: &str, time: Duration) {
        let command = COMMANDS.iter().position(|known| *known == command);
        let verdict = VERDICTS.iter().position(|known| *known == verdict);
        if let (Some(command), Some(verdict)) = (command, verdict)
            && let Some(counter) = self.answers.get(command).and_then(|row| row.get(verdict))
        {
            counter.count();
        }
        let time = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let class = BOUNDS.iter().position(|bound| time <= *bound).unwrap_or(BOUNDS.len());
        if let Some(counter) = self.times.get(class) {
            counter.count();
        }
        self.microseconds.add(time);
    }

    /// Every command and verdict, with how often it was given.
    pub fn answers(&self) -> impl Iterator<Item = (&'static str, &'static str, u64)> + '_ {
        COMMANDS.iter().zip(&self.answers).flat_map(|(command, row)| {
            VERDICTS.iter().zip(row).map(|(verdict, counter)| (*command, *verdict, counter.number()))
        })
    }

    /// How many answers took at most each of [`BOUNDS`], and then how many there are.
    #[must_use]
    pub fn times(&self) -> Vec<u64> {
        let mut sum = 0_u64;
        self.times
            .iter()
            .map(|counter| {
                sum = sum.saturating_add(counter.number());
                sum
            })
            .collect()
    }

    /// What all answers took together.
    #[must_use]
    pub fn time(&self) -> Duration {
        Duration::from_micros(self.microseconds.number())
    }

    /// When the daemon was started, in seconds since 1970.
    #[must_use]
    pub const fn start(&self) -> u64 {
        self.start
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_counted_once_with_its_command_verdict_and_time() {
        let counters = Counters::default();
        counters.answered("INSTREAM", "infected", Duration::from_micros(250));
        counters.answered("INSTREAM", "infected", Duration::from_micros(251));
        counters.answered("SCAN", "clean", Duration::from_secs(1000));
        let given: Vec<_> = counters.answers().filter(|(.., number)| *number > 0).collect();
        assert_eq!(given, [("INSTREAM", "infected", 2), ("SCAN", "clean", 1)]);
        let times = counters.times();
        assert_eq!((times[0], times[1], times[BOUNDS.len() - 1], times[BOUNDS.len()]), (1, 2, 2, 3));
        assert_eq!(counters.time(), Duration::from_micros(1_000_000_501));
    }
}
