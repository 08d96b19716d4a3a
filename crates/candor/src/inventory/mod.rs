//! An inventory of a place: what is there by name is seen by walking, what is in files by handing them to a
//! jailed worker. This process parses nothing.
//!
//! * [`walk`]: which files there are, and which are worth opening.
//! * [`reading`]: files to workers, records back.

mod reading;
#[cfg(test)]
mod tests;
mod walk;

pub(crate) use reading::{Near, read_near};
pub(crate) use walk::logs_of;

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context as _;
use candor_policy::inventory::{Coverage, CoverageState, Interest, Inventory, Item};
use rustix::fs::FileType;

/// Items of one inventory.
const MOST_ITEMS: usize = 2_000_000;

/// Sources that are told one by one if all is well with them; of more, their number is told.
const ONE_BY_ONE: usize = 20;

/// Readers of what every system of some kind has: that it is missing is worth knowing.
const EXPECTED: [&str; 6] = ["apk", "certificates", "dpkg", "hive", "property-list", "rpm"];

/// How an inventory is taken.
pub(crate) struct Taking<'a> {
    /// What matters besides what readers are for.
    pub(crate) interest: &'a (dyn Interest + Sync),
    /// Whether files are read in a jail.
    pub(crate) jailed: bool,
    /// Threads that hand files over.
    pub(crate) threads: usize,
}

/// Takes an inventory of a root, a folder, an image of a container or of a disk, or a single file.
///
/// # Errors
/// The subject is not there, or there is no jail on this machine.
pub(crate) fn take(subject: &Path, taking: &Taking<'_>) -> anyhow::Result<Inventory> {
    let place = subject.display();
    let status =
        rustix::fs::stat(subject).map_err(std::io::Error::from).with_context(|| format!("{place}"))?;
    let kind = FileType::from_raw_mode(status.st_mode);
    let is_layout = kind == FileType::Directory && walk::is_layout(subject);
    let largest = match kind {
        FileType::Directory if is_layout => walk::layout_length(subject),
        FileType::RegularFile => u64::try_from(status.st_size).unwrap_or(0),
        _ => 0,
    };
    // Started before there are threads.
    let reading = reading::Reading::start(taking.jailed, largest, taking.interest)?;
    let mut taken = Taken::default();
    match kind {
        FileType::Directory if is_layout => {
            reading.all(1, |give| walk::layout(subject, give), &mut taken)?;
        }
        FileType::Directory => {
            let threads = taking.threads.clamp(1, 64);
            reading.all(threads, |give| walk::walk(subject, taking.interest, give), &mut taken)?;
            taken.tell_what_is_missing();
        }
        FileType::RegularFile => {
            reading.all(1, |give| walk::single(subject, give), &mut taken)?;
            if taken.coverage.iter().any(|one| one.reader == "disk") {
                taken.tell_what_is_missing();
            }
        }
        _ => anyhow::bail!("{place} is neither a folder nor a file"),
    }
    Ok(taken.finish())
}

/// What has come so far.
#[derive(Debug, Default)]
struct Taken {
    items: Vec<Item>,
    coverage: Vec<Coverage>,
    is_full: bool,
}

impl Taken {
    fn item(&mut self, item: Item) {
        if self.items.len() < MOST_ITEMS {
            self.items.push(item);
        } else {
            self.is_full = true;
        }
    }

    fn coverage(&mut self, coverage: Coverage) {
        if self.coverage.len() < MOST_ITEMS {
            self.coverage.push(coverage);
        }
    }

    fn tell_what_is_missing(&mut self) {
        for reader in EXPECTED {
            if !self.coverage.iter().any(|known| known.reader == reader) {
                let (path, state) = (String::new(), CoverageState::Absent);
                self.coverage.push(Coverage { reader: reader.to_owned(), path, state, items: 0 });
            }
        }
    }

    fn finish(mut self) -> Inventory {
        // Threads come in any order; the same place gives the same inventory.
        self.items
            .sort_by(|one, other| one.place.cmp(&other.place).then_with(|| one.traits.cmp(&other.traits)));
        self.coverage.sort_by(|one, other| (&one.reader, &one.path).cmp(&(&other.reader, &other.path)));
        if self.is_full {
            let state = CoverageState::Partly(format!("there are more than {MOST_ITEMS} items"));
            self.coverage.push(Coverage {
                reader: String::from("walk"),
                path: String::new(),
                state,
                items: 0,
            });
        }
        Inventory { items: self.items, coverage: summed_up(self.coverage) }
    }
}

/// Of a reader with many sources, those that were read wholly become one line.
fn summed_up(coverage: Vec<Coverage>) -> Vec<Coverage> {
    let mut number: BTreeMap<String, usize> = BTreeMap::new();
    for one in coverage.iter().filter(|one| one.state == CoverageState::Read) {
        *number.entry(one.reader.clone()).or_default() += 1;
    }
    let mut sums: BTreeMap<String, u64> = BTreeMap::new();
    let mut out = Vec::new();
    for one in coverage {
        let is_many = number.get(&one.reader).is_some_and(|number| *number > ONE_BY_ONE);
        if is_many && one.state == CoverageState::Read {
            *sums.entry(one.reader).or_default() += one.items;
        } else {
            out.push(one);
        }
    }
    for (reader, items) in sums {
        let path = format!("({} sources)", number.get(&reader).copied().unwrap_or(0));
        out.push(Coverage { reader, path, state: CoverageState::Read, items });
    }
    out.sort_by(|one, other| (&one.reader, &one.path).cmp(&(&other.reader, &other.path)));
    out
}
