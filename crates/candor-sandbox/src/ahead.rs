//! The larger files of a batch, looked at together before each is scanned.
//!
//! The MD5 of one file keeps a processor waiting most of the time; those of several go side by side
//! ([`Scanner::screen`]). All of them are mapped for that. Meanwhile all of them count as begun, so whichever of them ends the
//! worker, one of them is tried alone; afterwards none does until its turn comes.

use std::os::fd::{AsFd as _, OwnedFd};

use candor_engine::{Scanner, Screened};
use candor_model::Interrupt;
use rustix::fs::SeekFrom;

use crate::message::Given;
use crate::sys::Mapping;

/// Bytes of all files that are handed over and mapped together. What is found in them ahead takes a sixteenth of that at
/// most, and all of it is kept until the last one's turn.
pub(crate) const TOGETHER: u64 = 256 << 20;

/// Files of this size and more are looked at together. To map one costs about as much as to read it; below, there is too
/// little to gain.
const SEVERAL: u64 = 16 << 10;

/// What is known of a file before its turn.
#[derive(Debug)]
pub(crate) struct Ahead {
    /// Its bytes.
    pub(crate) mapping: Mapping,
    /// What it was screened for.
    pub(crate) screened: Option<Screened>,
}

/// Screens the larger files of a batch of which none is larger than `max`. One alone gains nothing.
pub(crate) fn look_ahead(
    scanner: &mut Scanner<'_>,
    files: &[Given],
    descriptors: &[OwnedFd],
    max: u64,
    interrupt: &Interrupt,
) -> Vec<Option<Ahead>> {
    let mut left = TOGETHER;
    let mut mappings: Vec<Option<Mapping>> = Vec::with_capacity(files.len());
    let is_large = |given: &Given| given.length >= SEVERAL && given.length <= max && !given.careful;
    if files.iter().filter(|given| is_large(given)).count() < 2 {
        return Vec::new();
    }
    for (given, file) in files.iter().zip(descriptors) {
        let fits = if is_large(given) { left.checked_sub(given.length) } else { None };
        let mapping = fits.and_then(|_| map(given, file));
        if let (Some(rest), Some(_)) = (fits, &mapping) {
            left = rest;
        }
        mappings.push(mapping);
    }
    let together: Vec<&[u8]> = mappings.iter().flatten().map(|mapping| &**mapping).collect();
    let mut screened =
        if together.len() < 2 { Vec::new() } else { scanner.screen(&together, interrupt) }.into_iter();
    for (_, file) in mappings.iter().zip(descriptors).filter(|(mapping, _)| mapping.is_some()) {
        let _ = rustix::fs::seek(file, SeekFrom::Start(0));
    }
    let ahead = |mapping: Option<Mapping>| {
        let mapping = mapping?;
        Some(Ahead { mapping, screened: screened.next().flatten() })
    };
    mappings.into_iter().map(ahead).collect()
}

/// Maps a file that is as long as it was said to be, and marks it as begun. With any other there is something that
/// will be said when its turn comes.
fn map(given: &Given, file: &OwnedFd) -> Option<Mapping> {
    let there = rustix::fs::seek(file, SeekFrom::End(0)).ok()?;
    let mapping = Some(there)
        .filter(|there| *there == given.length)
        .and_then(|there| Mapping::new(file.as_fd(), usize::try_from(there).ok()?).ok());
    if mapping.is_none() {
        let _ = rustix::fs::seek(file, SeekFrom::Start(0));
    }
    mapping
}
