//! Macros in documents.

use std::path::Path;

use candor_identify::identify;
use candor_model::FileType;

use super::collect::Collected;
use super::{reason, work};
use crate::console::{Console, shown};
use crate::jailed::Input;

/// Documents inside of a document that are looked into.
const INSIDE: usize = 64;

/// Prints the source of all macros of a document.
pub(super) fn show(path: &Path, console: &mut Console) -> bool {
    let input = match Input::open(path) {
        Ok(input) => input,
        Err(error) => {
            console.warn(&format!("Can't open file {}: {}", path.display(), reason(&error)));
            return true;
        }
    };
    work(&[input], console, |sources, say| {
        let bytes = sources.first().map(|source| source.bytes.as_slice()).unwrap_or_default();
        let document = Collected::of(identify(bytes), bytes);
        // A package has its macros in a document of the older kind.
        let inside = document.children.iter().filter(|(_, _, bytes)| identify(bytes) == FileType::MsOle2);
        let inside: Vec<Collected> =
            inside.take(INSIDE).map(|(_, _, bytes)| Collected::of(FileType::MsOle2, bytes)).collect();
        for (name, known, source) in std::iter::once(&document).chain(&inside).flat_map(|of| &of.children) {
            // Each is given once as what it is, and once more as what it came out of.
            if !name.ends_with(".vba") || known.is_some() {
                continue;
            }
            let name = String::from_utf8_lossy(&shown(name.trim_end_matches(".vba").as_bytes())).into_owned();
            say.line(format!("-------------- start of {name} ------------------"));
            say.out(&readable(source));
            say.line(format!("\n-------------- end of {name} ------------------\n"));
        }
    })
}

/// Source without what would drive a terminal.
fn readable(source: &[u8]) -> Vec<u8> {
    source
        .split(|byte| *byte == b'\n')
        .map(|line| shown(line.strip_suffix(b"\r").unwrap_or(line)))
        .collect::<Vec<_>>()
        .join(&b'\n')
}
