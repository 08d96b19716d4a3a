//! Who signed a program for macOS: identifier and team of its code directory.
//!
//! Layout: `kern/cs_blobs.h` of <https://github.com/apple-oss-distributions/xnu>, most significant byte first.
//!
//! ```text
//! load command 0x1d   offset and size of the signature
//! signature           0xfade0cc0, length, count, then kind and offset of each part
//! code directory      0xfade0c02, length, version; offset of the identifier at 20, of the team at 48
//! ```
//!
//! The signature over the code directory is not verified: the team is what the file says it is.

use candor_model::Flow;

use crate::inventory::bytes::{array, be32, be64, run, size, text};
use crate::inventory::{Item, ItemKind, Items, Surface};

const SLICES: usize = 16;
const COMMANDS: u32 = 4096;
const PARTS: usize = 64;

/// Reads a Mach-O file, thin or universal.
pub(in crate::inventory) fn read(bytes: &[u8], items: &mut Items<'_>) {
    let mut item = Item::new(ItemKind::File, items.path().rsplit('/').next().unwrap_or_default());
    let mut is_program = false;
    for slice in slices(bytes) {
        match signature(slice, &mut item) {
            Some(Flow::Continue) => is_program = true,
            Some(Flow::Stop) => {
                is_program = true;
                items.partly("its signature is damaged");
            }
            None => (),
        }
    }
    if is_program {
        let path = items.path().to_owned();
        items.push(item.at_path(&path));
    } else {
        items.unread("it is no program for macOS");
    }
}

fn slices(bytes: &[u8]) -> Vec<&[u8]> {
    let is_wide = match be32(bytes, 0) {
        Some(0xcafe_babe) => false,
        Some(0xcafe_babf) => true,
        _ => return vec![bytes],
    };
    let count = be32(bytes, 4).map_or(0, size).min(SLICES);
    let slice = |number: usize| {
        let at = number.checked_mul(if is_wide { 32 } else { 20 })?.checked_add(8)?;
        let (offset, length) = if is_wide {
            (be64(bytes, at.checked_add(8)?)?, be64(bytes, at.checked_add(16)?)?)
        } else {
            (u64::from(be32(bytes, at.checked_add(8)?)?), u64::from(be32(bytes, at.checked_add(12)?)?))
        };
        run(bytes, size(offset), size(length))
    };
    (0..count).filter_map(slice).collect()
}

/// Adds what the signature of a thin file says; `None` for what is no program.
fn signature(file: &[u8], item: &mut Item) -> Option<Flow> {
    let (is_little, head) = match file.get(..4)? {
        [0xce, 0xfa, 0xed, 0xfe] => (true, 28),
        [0xcf, 0xfa, 0xed, 0xfe] => (true, 32),
        [0xfe, 0xed, 0xfa, 0xce] => (false, 28),
        [0xfe, 0xed, 0xfa, 0xcf] => (false, 32),
        _ => return None,
    };
    let number = |at: usize| {
        let raw = array(file, at)?;
        Some(if is_little { u32::from_le_bytes(raw) } else { u32::from_be_bytes(raw) })
    };
    let mut at = head;
    for _ in 0..number(16)?.min(COMMANDS) {
        let (Some(command), Some(length)) = (number(at), number(at.saturating_add(4))) else {
            return Some(Flow::Stop);
        };
        if command == 0x1d {
            let blob = || {
                let (offset, length) = (number(at.checked_add(8)?)?, number(at.checked_add(12)?)?);
                run(file, size(offset), size(length))
            };
            return Some(
                blob().and_then(|blob| directories(blob, item)).map_or(Flow::Stop, |()| Flow::Continue),
            );
        }
        if length < 8 {
            return Some(Flow::Stop);
        }
        at = at.saturating_add(size(length));
    }
    Some(Flow::Continue)
}

fn directories(blob: &[u8], item: &mut Item) -> Option<()> {
    if be32(blob, 0)? != 0xfade_0cc0 {
        return None;
    }
    let count = size(be32(blob, 8)?).min(PARTS);
    for part in 0..count {
        let entry = part.checked_mul(8)?.checked_add(12)?;
        let directory = blob.get(size(be32(blob, entry.checked_add(4)?)?)..)?;
        if be32(directory, 0)? != 0xfade_0c02 {
            continue;
        }
        let named = |at: usize| Some(text(directory.get(size(be32(directory, at)?)..)?));
        item.add(Surface::AppleBundle, &named(20)?);
        // Since version 0x20200 there is a team; signatures without one say so with zero.
        if be32(directory, 8)? >= 0x2_0200 && be32(directory, 48)? != 0 {
            item.add(Surface::AppleTeam, &named(48)?);
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use candor_fixtures::roots::macho;

    use crate::inventory::tests::{check_at, read, values};
    use crate::inventory::{CoverageState, Reader, Surface};

    #[test]
    fn identifier_and_team_are_read_from_thin_and_universal_files() {
        let thin = macho("com.example.tool", "ABCDE12345");
        let line = "File tool - | - | AppleBundle=com.example.tool, AppleTeam=ABCDE12345, Path=x/tool, FileName=tool";
        check_at(Reader::MachO, "x/tool", &thin, &[line]);
        let length = thin.len() as u32;
        let head: Vec<u8> = [0xcafe_babe, 1, 7, 3, 28, length, 0]
            .iter()
            .flat_map(|value: &u32| value.to_be_bytes())
            .collect();
        check_at(Reader::MachO, "x/tool", &[head, thin].concat(), &[line]);
    }

    #[test]
    fn a_damaged_signature_is_told() {
        let whole = macho("com.example.tool", "ABCDE12345");
        for at in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 0xff;
            read(Reader::MachO, "x/tool", &damaged);
        }
        let (items, coverage) = read(Reader::MachO, "x/tool", &whole[..60]);
        assert!(values(&items, Surface::AppleTeam).is_empty());
        assert_eq!(coverage.state, CoverageState::Partly("its signature is damaged".to_owned()));
    }
}
