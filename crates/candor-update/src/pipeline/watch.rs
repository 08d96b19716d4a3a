//! Watching a generation that is active: what is counted, and when that is too much.
//!
//! Three things show that a release is bad although it passed its try-out: workers crash, files take too long, and files are found
//! that were clean yesterday and have not changed since. The last is what false positives look like. Single ones are
//! what signatures are for; a burst of them is a mistake.

use std::hash::{BuildHasher as _, Hash, Hasher, RandomState};

use sha2::{Digest as _, Sha256};

/// When it is too much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thresholds {
    /// Workers that may crash.
    pub crashes: u64,
    /// Files that may take too long.
    pub timeouts: u64,
    /// Findings in files that were clean before and did not change.
    pub new_findings: u64,
    /// Seconds that a generation is watched for after it was activated.
    pub window: u64,
    /// What a burst of findings leads to.
    pub on_new_findings: OnNewFindings,
}

/// What a burst of findings leads to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnNewFindings {
    /// The generation before is made active again.
    #[default]
    RollBack,
    /// What only this generation finds is told and not acted upon, until an operator decides.
    Hold,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            crashes: 3,
            timeouts: 5,
            new_findings: 10,
            window: 24 * 3600,
            on_new_findings: OnNewFindings::default(),
        }
    }
}

/// What was counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Files that were looked at.
    pub files: u64,
    /// Workers that crashed.
    pub crashes: u64,
    /// Files that took too long.
    pub timeouts: u64,
    /// Findings in files that were clean before and did not change.
    pub new_findings: u64,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Make the generation before active again.
    RollBack(String),
    /// Tell of new findings and do not act upon them.
    Hold(String),
}

impl Decision {
    /// Why.
    #[must_use]
    pub fn reason(&self) -> &str {
        match self {
            Self::RollBack(reason) | Self::Hold(reason) => reason,
        }
    }
}

/// What came of one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sighting {
    /// Nothing was found.
    Clean,
    /// Something was found.
    Found,
    /// It ended its worker.
    Crashed,
    /// It took too long.
    TimedOut,
    /// It was not looked at as a whole, for another reason.
    Incomplete,
}

/// Counts for one generation, and the memory of what was clean with the ones before.
#[derive(Debug)]
pub struct Watch {
    thresholds: Thresholds,
    counts: Counts,
    /// What it was with the generation before.
    before: Counts,
    clean: Sketch,
    /// Files that are clean with this generation; they count once there is another one.
    is_over: bool,
}

impl Watch {
    /// Begins with a first generation, which nothing can be compared with.
    #[must_use]
    pub fn new(thresholds: Thresholds) -> Self {
        Self {
            thresholds,
            counts: Counts::default(),
            before: Counts::default(),
            clean: Sketch::default(),
            is_over: true,
        }
    }

    /// Another generation is active. What was clean until now is what findings are compared with.
    pub fn change(&mut self) {
        self.before = std::mem::take(&mut self.counts);
        self.is_over = false;
    }

    /// What was counted for the active generation.
    #[must_use]
    pub const fn counts(&self) -> Counts {
        self.counts
    }

    /// Notes what came of a file; `file` says which it is, in which state, where that is known. Says what is to be done; once.
    pub fn note(&mut self, file: Option<impl Hash>, sighting: Sighting) -> Option<Decision> {
        let add = |number: &mut u64| *number = number.saturating_add(1);
        add(&mut self.counts.files);
        let mark = file.map(|file| self.clean.mark(&file));
        match sighting {
            Sighting::Clean => {
                if let Some(mark) = mark {
                    self.clean.put(mark);
                }
            }
            Sighting::Found => {
                // Counted once: it is not clean any more.
                if mark.is_some_and(|mark| self.clean.take(mark)) {
                    add(&mut self.counts.new_findings);
                }
            }
            Sighting::Crashed => add(&mut self.counts.crashes),
            Sighting::TimedOut => add(&mut self.counts.timeouts),
            Sighting::Incomplete => (),
        }
        if self.is_over {
            return None;
        }
        let decision = self.decide();
        self.is_over = decision.is_some();
        decision
    }

    /// The bytes that [`read`](Self::read) reads, [`LONGEST`] at most: what was clean goes on being known when the program that
    /// watches is started again.
    #[must_use]
    pub fn write(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(LONGEST);
        bytes.extend_from_slice(MAGIC);
        bytes.push(u8::from(self.is_over));
        for counts in [self.counts, self.before] {
            for number in [counts.files, counts.crashes, counts.timeouts, counts.new_findings] {
                bytes.extend(number.to_le_bytes());
            }
        }
        bytes.extend(self.clean.key);
        for mark in self.clean.rows.iter().flatten() {
            bytes.extend(mark.to_le_bytes());
        }
        let digest = Sha256::digest(&bytes);
        bytes.extend(digest);
        bytes
    }

    /// Goes on where a watch was; `None` when the bytes are not what [`write`](Self::write) wrote.
    #[must_use]
    pub fn read(bytes: &[u8], thresholds: Thresholds) -> Option<Self> {
        if bytes.len() != LONGEST {
            return None;
        }
        let (content, digest) = bytes.split_at_checked(bytes.len().checked_sub(DIGEST)?)?;
        if Sha256::digest(content).as_slice() != digest {
            return None;
        }
        let (is_over, rest) = content.strip_prefix(MAGIC)?.split_first()?;
        let (numbers, rest) = rest.split_at_checked(COUNTS)?;
        let (key, marks) = rest.split_at_checked(KEY)?;
        let mut numbers = words(numbers);
        let mut counts = || {
            Some(Counts {
                files: numbers.next()?,
                crashes: numbers.next()?,
                timeouts: numbers.next()?,
                new_findings: numbers.next()?,
            })
        };
        let (counts, before) = (counts()?, counts()?);
        let mut clean = Sketch { key: key.try_into().ok()?, rows: vec![[0; 4]; ROWS] };
        for (place, mark) in clean.rows.iter_mut().flatten().zip(words(marks)) {
            *place = mark;
        }
        Some(Self { thresholds, counts, before, clean, is_over: *is_over != 0 })
    }

    /// A secret of this watch for one purpose. It is the same after a restart, so what it is mixed into is known again by then.
    #[must_use]
    pub fn secret(&self, purpose: &str) -> [u8; 64] {
        let mut secret = [0; 64];
        for (number, half) in (0_u8..).zip(secret.chunks_exact_mut(DIGEST)) {
            let mut digest = Sha256::new_with_prefix(self.clean.key);
            digest.update([number]);
            digest.update(purpose);
            half.copy_from_slice(&digest.finalize());
        }
        secret
    }

    /// The time is over for which the generation is watched.
    pub const fn end(&mut self) {
        self.is_over = true;
    }

    fn decide(&self) -> Option<Decision> {
        let Counts { files, crashes, timeouts, new_findings } = self.counts;
        // A file that always ended its worker says nothing about the generation: the rate must have grown threefold.
        let has_grown = |now: u64, before: u64| {
            let before = before.saturating_mul(3).saturating_mul(files);
            self.before.files == 0 || now.saturating_mul(self.before.files) > before
        };
        if crashes >= self.thresholds.crashes && has_grown(crashes, self.before.crashes) {
            return Some(Decision::RollBack(format!("{crashes} workers crashed over {files} files")));
        }
        if timeouts >= self.thresholds.timeouts && has_grown(timeouts, self.before.timeouts) {
            return Some(Decision::RollBack(format!("{timeouts} of {files} files took too long")));
        }
        if new_findings >= self.thresholds.new_findings {
            let reason = format!(
                "something was found in {new_findings} files that were clean before and did not change"
            );
            return Some(match self.thresholds.on_new_findings {
                OnNewFindings::RollBack => Decision::RollBack(reason),
                OnNewFindings::Hold => Decision::Hold(reason),
            });
        }
        None
    }
}

/// Which files were clean, of bounded size: once a row is full, a file that comes later takes the place of an earlier one.
///
/// Forgetting makes it blind, never wrong; that another file is taken for one of them happens once in thousands of millions.
#[derive(Debug)]
struct Sketch {
    key: [u8; KEY],
    rows: Vec<[u64; 4]>,
}

/// How what is kept begins; the last letter is its version.
const MAGIC: &[u8] = b"candor watch 1\n";
const DIGEST: usize = 32;
const COUNTS: usize = 64;
const KEY: usize = 32;

/// The length of what is kept: never more, however many files are looked at.
pub const LONGEST: usize = MAGIC.len() + 1 + COUNTS + KEY + ROWS * 32 + DIGEST;

/// Numbers of eight bytes each.
fn words(bytes: &[u8]) -> impl Iterator<Item = u64> {
    bytes.chunks_exact(8).filter_map(|word| Some(u64::from_le_bytes(word.try_into().ok()?)))
}

/// Rows: half a megabyte, 65,536 files.
const ROWS: usize = 1 << 14;

impl Default for Sketch {
    fn default() -> Self {
        // As the hash tables of this program have it.
        let random = RandomState::new();
        let mut key = [0; KEY];
        for (number, word) in (0_u64..).zip(key.chunks_exact_mut(8)) {
            word.copy_from_slice(&random.hash_one(number).to_le_bytes());
        }
        Self { key, rows: vec![[0; 4]; ROWS] }
    }
}

impl Sketch {
    /// What stands for a file. Nobody else knows the key, so nobody can choose files that take one another's place; and the same
    /// key gives the same mark after a restart.
    fn mark(&self, file: &impl Hash) -> u64 {
        let mut keyed = Keyed(Sha256::new_with_prefix(self.key));
        file.hash(&mut keyed);
        keyed.finish().max(1)
    }

    fn row(&mut self, mark: u64) -> Option<&mut [u64; 4]> {
        let index = usize::try_from(mark % u64::try_from(ROWS).ok()?).ok()?;
        self.rows.get_mut(index)
    }

    fn put(&mut self, mark: u64) {
        let Some(row) = self.row(mark) else { return };
        if row.contains(&mark) {
            return;
        }
        row.rotate_right(1);
        if let Some(first) = row.first_mut() {
            *first = mark;
        }
    }

    fn take(&mut self, mark: u64) -> bool {
        let place = self.row(mark).and_then(|row| row.iter_mut().find(|place| **place == mark));
        if let Some(place) = place {
            *place = 0;
            return true;
        }
        false
    }
}

/// A hash that depends on nothing but its key and what is hashed, not on the process.
struct Keyed(Sha256);

impl Hasher for Keyed {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        words(&self.0.clone().finalize()).next().unwrap_or(0)
    }
}
