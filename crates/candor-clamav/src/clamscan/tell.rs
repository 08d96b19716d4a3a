//! The lines of `clamscan`, its sums, and what is done about findings.

use std::time::Instant;

use candor::clamav::Said;
use candor_model::{Reason, Report};
use candor_sandbox::Outcome;
use candor_sandbox::message::Answer;

use super::metadata;
use super::order::{Remark, Subject};
use super::wishes::Wishes;
use crate::action::Actions;
use crate::clock::ended;
use crate::console::{Console, shown};

/// Tells what was found.
#[derive(Debug)]
pub(super) struct Teller<'a> {
    /// Where lines go.
    pub(super) console: &'a mut Console,
    wishes: &'a Wishes,
    /// What is done about findings.
    actions: Actions,
    /// What it comes to.
    pub(super) sums: &'a mut Sums,
}

/// What a scan comes to.
#[derive(Debug, Default)]
pub(super) struct Sums {
    /// Signatures.
    pub(super) known: u64,
    /// Folders that were entered.
    pub(super) folders: u64,
    /// Files that were scanned.
    files: u64,
    /// Files in which something was found.
    pub(super) infected: u64,
    /// Files that could not be scanned.
    pub(super) errors: u64,
    /// Files that are told as OK and were not looked at as a whole, and folders that were too deep.
    pub(super) missed: u64,
    /// Bytes that were read, and of all layers.
    read: u64,
    scanned: u64,
}

impl<'a> Teller<'a> {
    pub(super) const fn new(
        console: &'a mut Console,
        wishes: &'a Wishes,
        actions: Actions,
        sums: &'a mut Sums,
    ) -> Self {
        Self { console, wishes, actions, sums }
    }

    /// Tells something that is no verdict.
    pub(super) fn remark(&mut self, remark: Remark) {
        match remark {
            Remark::Plain(path, what) => self.console.tell(&about(&path, what)),
            Remark::Denied(path, what) => {
                self.sums.errors = self.sums.errors.saturating_add(1);
                let line = about(&path, what);
                if self.wishes.infected_only {
                    // ClamAV says nothing at all of it then.
                    self.console.warn(&String::from_utf8_lossy(&line));
                } else {
                    self.console.tell(&line);
                }
            }
            Remark::Warning(text) => self.console.warn(&text),
            Remark::System(path, why) => self.console.stderr(&about(&path, &why)),
        }
    }

    /// Tells what became of a file, and does what is to be done about it.
    pub(super) fn outcome(&mut self, subject: &Subject, outcome: &Outcome) {
        if self.wishes.verbose {
            self.console.tell(&[b"Scanning ", shown(&subject.path).as_slice()].concat());
        }
        self.sums.files = self.sums.files.saturating_add(1);
        self.sums.read = self.sums.read.saturating_add(subject.length);
        let said = Said::of(outcome, self.wishes.options.heuristics.exceeded_limits);
        if let Outcome::Answer(Answer::Scanned { report, .. }) = outcome {
            self.sums.scanned = self.sums.scanned.saturating_add(report.bytes);
            if self.wishes.debug {
                self.console.stderr(&about(&subject.path, &layers(report)));
            }
            if let Some(folder) = &self.wishes.metadata
                && let Err(error) = metadata::write(folder, subject, report)
            {
                self.console.error(&format!("metadata cannot be written to {}: {error}", folder.display()));
            }
        }
        self.miss(subject, outcome, &said);
        match said {
            Said::Ok if self.wishes.infected_only || self.wishes.no_ok => (),
            Said::Ok => self.console.show(&about(&subject.path, "OK")),
            Said::Error(words) => {
                self.sums.errors = self.sums.errors.saturating_add(1);
                self.console.tell(&about(&subject.path, &format!("{words} ERROR")));
            }
            Said::Found(names) => {
                self.sums.infected = self.sums.infected.saturating_add(1);
                let number = if self.wishes.options.all_matches { names.len() } else { 1 };
                for name in names.iter().take(number) {
                    self.console.tell(&about(&subject.path, &format!("{name} FOUND")));
                    if self.wishes.bell {
                        self.console.ring();
                    }
                }
                self.act(subject);
            }
        }
    }

    fn act(&mut self, subject: &Subject) {
        match self.actions.perform(&subject.path, subject.identity) {
            Ok(None) => (),
            Ok(Some(done)) => {
                let path = shown(&subject.path);
                self.console.tell(&[path.as_slice(), shown(done.as_bytes()).as_slice()].concat());
            }
            Err(why) => {
                self.sums.errors = self.sums.errors.saturating_add(1);
                self.console.error(&String::from_utf8_lossy(&about(&subject.path, &why)));
            }
        }
    }

    /// Counts what is told as OK and was not looked at as a whole.
    fn miss(&mut self, subject: &Subject, outcome: &Outcome, said: &Said) {
        let reason = match outcome {
            Outcome::Answer(Answer::Scanned { report, .. }) => {
                report.incomplete.first().map(|missed| missed.reason.to_string())
            }
            Outcome::Answer(Answer::TooLarge(_)) => Some(Reason::FileSize.to_string()),
            Outcome::Deadly(reason, why) => Some(format!("{reason}: {why}")),
            Outcome::Answer(Answer::Defect(why) | Answer::Unreadable(why)) => Some(why.clone()),
        };
        let Some(reason) = reason else { return };
        if *said == Said::Ok {
            self.sums.missed = self.sums.missed.saturating_add(1);
        }
        if self.wishes.verbose {
            let line = about(&subject.path, &format!("not looked at as a whole: {reason}"));
            self.console.warn(&String::from_utf8_lossy(&line));
        }
    }
}

impl Sums {
    /// Tells it.
    pub(super) fn tell(&self, began: (Instant, u64), console: &mut Console) {
        let ratio = if self.read == 0 { 0 } else { hundredths(self.scanned, self.read) };
        let megabytes = |bytes: u64| two_places(hundredths(bytes, 1 << 20));
        let mut lines = vec![
            String::from("\n----------- SCAN SUMMARY -----------"),
            format!("Known viruses: {}", self.known),
            format!("Engine version: {}", crate::CLAMAV),
            format!("Scanned directories: {}", self.folders),
            format!("Scanned files: {}", self.files),
            format!("Infected files: {}", self.infected),
        ];
        if self.errors > 0 {
            lines.push(format!("Total errors: {}", self.errors));
        }
        lines.push(format!("Data scanned: {} MB", megabytes(self.scanned)));
        lines.push(format!("Data read: {} MB (ratio {}:1)", megabytes(self.read), two_places(ratio)));
        lines.extend(ended(began));
        lines.iter().for_each(|line| console.tell(line.as_bytes()));
    }
}

fn about(path: &[u8], what: &str) -> Vec<u8> {
    [shown(path).as_slice(), b": ", shown(what.as_bytes()).as_slice()].concat()
}

fn layers(report: &Report) -> String {
    format!("{}, {} layers of {} bytes", report.file_type.clamav_name(), report.layers.len(), report.bytes)
}

/// A quotient in hundredths, rounded.
fn hundredths(part: u64, whole: u64) -> u64 {
    let (part, whole) = (u128::from(part), u128::from(whole.max(1)));
    u64::try_from((part * 100 + whole / 2) / whole).unwrap_or(u64::MAX)
}

fn two_places(hundredths: u64) -> String {
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_rounded() {
        assert_eq!(two_places(hundredths(3_000_000, 1 << 20)), "2.86");
        assert_eq!(two_places(hundredths(0, 0)), "0.00");
        assert_eq!(two_places(hundredths(u64::MAX, 1)), "184467440737095516.15");
    }
}
