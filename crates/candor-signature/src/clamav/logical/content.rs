//! Content sub-signatures: `[offset:]pattern[::modifiers]`.

use candor_database::ir::{Offset, SubSignature};
use candor_model::Target;

use crate::clamav::offset;
use crate::clamav::pattern::{self, Modifiers};
use crate::clamav::text::{Fault, Text};

/// Reads one.
pub(super) fn parse(text: Text<'_>, target: Target) -> Result<SubSignature, Fault> {
    let (text, letters) = match find_modifiers(text) {
        Some(at) => (text.to(at), only_modifiers(text.from(at.saturating_add(2)))),
        None => (text, text.to(0)),
    };
    let (place, hex) = match text.split_once(b':') {
        Some((place, hex)) => (offset::parse(place, target)?, hex),
        None => (Offset::ANY, text),
    };
    let (modifiers, ascii) = parse_modifiers(letters)?;
    let mut patterns = Vec::with_capacity(2);
    if modifiers.wide {
        patterns.push(pattern::parse(hex, place, modifiers)?);
    }
    if ascii || !modifiers.wide {
        patterns.push(pattern::parse(hex, place, Modifiers { wide: false, ..modifiers })?);
    }
    Ok(SubSignature::Content { patterns, macro_group: None })
}

fn find_modifiers(text: Text<'_>) -> Option<usize> {
    text.bytes().windows(2).position(|pair| pair == b"::")
}

/// Of `i*6162::i`, which published signatures contain, none: where there is another `::`, ClamAV looks for
/// what stands before the first one, as it stands there, and passes over everything else.
fn only_modifiers(letters: Text<'_>) -> Text<'_> {
    if find_modifiers(letters).is_none() { letters } else { letters.to(0) }
}

/// The modifiers, and whether the plain form is asked for beside the wide one.
fn parse_modifiers(letters: Text<'_>) -> Result<(Modifiers, bool), Fault> {
    let mut modifiers = Modifiers::default();
    let mut ascii = false;
    for (index, letter) in letters.bytes().iter().enumerate() {
        match letter {
            b'i' => modifiers.ignore_case = true,
            b'w' => modifiers.wide = true,
            b'f' => modifiers.full_word = true,
            b'a' => ascii = true,
            _ => {
                return Err(letters.fault_at(
                    index,
                    format!("no such modifier: {}", letters.slice(index, index.saturating_add(1)).quoted()),
                ));
            }
        }
    }
    Ok((modifiers, ascii))
}
