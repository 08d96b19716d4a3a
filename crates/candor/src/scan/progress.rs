//! How far a scan is, on a terminal.
//!
//! What there is to scan is counted by a thread of its own that walks ahead; it costs a look at every
//! file's length and is therefore only done when somebody watches.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use indicatif::{ProgressBar, ProgressStyle};
use rustix::fs::AtFlags;

use super::queue::{Queue, Work};
use super::tally::Tally;
use super::walk::{Pending, Walk};
use crate::units;

/// How much there is to scan.
#[derive(Debug, Default)]
pub(crate) struct Total {
    files: AtomicU64,
    bytes: AtomicU64,
    counted: AtomicBool,
    over: AtomicBool,
}

impl Total {
    /// Counts what `pending` leads to. Files larger than `max_file_size` are not read, so they count
    /// as empty.
    pub(crate) fn count(walk: Walk, pending: Vec<Pending>, max_file_size: u64) -> std::io::Result<Arc<Self>> {
        let total = Arc::new(Self::default());
        let sums = Arc::clone(&total);
        std::thread::Builder::new()
            .name(String::from("count"))
            .spawn(move || sums.run(&walk, &Queue::new(pending), max_file_size))?;
        Ok(total)
    }

    /// Counts no further.
    pub(crate) fn end(&self) {
        self.over.store(true, Ordering::Relaxed);
    }

    fn run(&self, walk: &Walk, queue: &Queue, max_file_size: u64) {
        while let Some(work) = queue.next() {
            if self.over.load(Ordering::Relaxed) {
                return;
            }
            match work {
                Work::Files(files) => {
                    for file in files.iter() {
                        let follow = if file.follow() { AtFlags::empty() } else { AtFlags::SYMLINK_NOFOLLOW };
                        let Ok(status) = rustix::fs::statat(file.directory(), file.name(), follow) else {
                            continue;
                        };
                        let length = u64::try_from(status.st_size).unwrap_or(0);
                        self.files.fetch_add(1, Ordering::Relaxed);
                        if length <= max_file_size {
                            self.bytes.fetch_add(length, Ordering::Relaxed);
                        }
                    }
                }
                Work::Expand(pending) => queue.expanded(walk.expand(pending, &mut |_| ())),
            }
        }
        self.counted.store(true, Ordering::Relaxed);
    }
}

/// A bar that says nothing yet.
pub(crate) fn bar() -> ProgressBar {
    let bar = ProgressBar::no_length();
    bar.set_style(counting());
    bar
}

/// Shows how far the scan is.
pub(crate) fn update(bar: &ProgressBar, tally: &Tally, total: Option<&Total>) {
    let (files, bytes) = (tally.passed(), tally.bytes());
    let found = tally.found();
    let found = if found == 0 { String::new() } else { format!(", {} found", units::count(found)) };
    bar.set_position(bytes);
    match total {
        Some(total) if total.counted.load(Ordering::Relaxed) => {
            let (all_files, all_bytes) =
                (total.files.load(Ordering::Relaxed), total.bytes.load(Ordering::Relaxed));
            if bar.length() != Some(all_bytes.max(bytes)) {
                bar.set_length(all_bytes.max(bytes));
                bar.set_style(counted());
            }
            bar.set_message(format!("{} of {} files{found}", units::count(files), units::count(all_files)));
        }
        _ => bar.set_message(format!("{} files{found}", units::count(files))),
    }
}

fn counting() -> ProgressStyle {
    style("{spinner} {msg}, {binary_bytes}, {binary_bytes_per_sec}")
}

fn counted() -> ProgressStyle {
    style("[{bar:30}] {percent:>3}% {msg}, {binary_bytes_per_sec}, {eta} left").progress_chars("=> ")
}

fn style(template: &str) -> ProgressStyle {
    // The templates are constants of this file; the plain bar stands in for one with a mistake.
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
