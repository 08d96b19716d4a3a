//! What the installer's script says of the files: where their data stand, and what they are to be called.

use std::collections::BTreeMap;

use crate::name::decoded;
use crate::reader::Reader;
use crate::work::{Allowance, units};

/// Numbers that the instruction that writes a file has in one version or another. Each version has others among them, for
/// deleting and asking: what tells the one that writes is the time of the file.
const EXTRACT: std::ops::RangeInclusive<u32> = 18..=22;
/// Upper half of a time of a file, without its lower bytes: years from 1829 to 2285.
const TIMES: std::ops::RangeInclusive<u32> = 1..=2;
/// Length of an instruction.
const INSTRUCTION: u64 = 28;
/// Bytes of a name that are looked at.
const NAME: usize = 1024;
/// Bytes of all names.
const NAMES: usize = 32 << 20;
/// What a name costs besides its letters, and a letter, in the units of [`Allowance`]; how many may be looked at is what is paid
/// for.
const ENTRY: u64 = 128;
const LETTER: u64 = 4;

/// The installer's own variables, from 20 on.
const VARIABLES: [&str; 9] =
    ["CMDLINE", "INSTDIR", "OUTDIR", "EXEDIR", "LANGUAGE", "TEMP", "PLUGINSDIR", "EXEPATH", "EXEFILE"];

/// Names of the files, by the offset of their data.
pub(super) fn names(header: &[u8], work: &Allowance) -> BTreeMap<u64, String> {
    // Offsets of blocks have eight bytes in installers of 64 bits.
    let read = |is_wide: bool| {
        let mut reader = Reader::little(header).at(4)?;
        let mut blocks = Vec::new();
        for _ in 0..4 {
            blocks.push((reader.word(is_wide)?, u64::from(reader.u32()?)));
        }
        // Narrow ones are seen in wide ones, too, with upper halves for offsets: these are in the table itself.
        let table = u64::try_from(reader.position()).ok()?;
        let (&(entries, count), &(strings, _)) = (blocks.get(2)?, blocks.get(3)?);
        let end = entries.checked_add(count.checked_mul(INSTRUCTION)?)?;
        let length = u64::try_from(header.len()).ok()?;
        (count > 0 && entries >= table && end <= length && strings >= end && strings < length)
            .then_some((entries, count, strings))
    };
    let mut names = BTreeMap::new();
    let Some((entries, count, strings)) = read(false).or_else(|| read(true)) else { return names };
    let strings = usize::try_from(strings).ok().and_then(|start| header.get(start..)).unwrap_or_default();
    // Codes 1 to 4 since version 3, 252 to 255 before.
    let is_old = !strings.iter().take(1 << 16).any(|byte| matches!(byte, 1..=4));
    let mut length = 0_usize;
    for index in 0..count {
        let place = entries.saturating_add(index.saturating_mul(INSTRUCTION));
        let Some(mut reader) = Reader::little(header).at(place) else { break };
        let mut entry = || Some((reader.u32()?, reader.u32()?, reader.u32()?, reader.u32()?));
        let Some((kind, _, name, offset)) = entry() else { break };
        if EXTRACT.contains(&kind) && is_time(&mut reader) {
            let name = name_of(strings, name, is_old);
            length = length.saturating_add(name.len());
            if length > NAMES || !work.pay(units(name.len()).saturating_mul(LETTER).saturating_add(ENTRY)) {
                return names;
            }
            names.entry(u64::from(offset)).or_insert(name);
        }
    }
    names
}

/// Whether a time of a file stands there, or that none is to be set.
fn is_time(reader: &mut Reader<'_>) -> bool {
    let time = reader.u32().zip(reader.u32());
    time.is_some_and(|(low, high)| (low, high) == (u32::MAX, u32::MAX) || TIMES.contains(&(high >> 24)))
}

/// The string at a place, with the installer's variables as it would show them.
fn name_of(strings: &[u8], place: u32, is_old: bool) -> String {
    let place = usize::try_from(place).unwrap_or(usize::MAX);
    // The first string is empty: one NUL, or two where characters have two bytes.
    if strings.starts_with(&[0, 0]) {
        let bytes = strings.get(place.saturating_mul(2)..).unwrap_or_default();
        let units = bytes.as_chunks::<2>().0.iter().map(|unit| u16::from_le_bytes(*unit));
        return wide(units.take(NAME));
    }
    let bytes = strings.get(place..).unwrap_or_default();
    let mut rest = bytes.iter().copied().take(NAME);
    let mut name = Vec::new();
    while let Some(byte) = rest.next().filter(|byte| *byte != 0) {
        let is_variable = if is_old { byte == 253 } else { byte == 3 };
        match byte {
            1..=4 if !is_old => {}
            252..=255 if is_old => {}
            _ => {
                name.push(byte);
                continue;
            }
        }
        let (first, second) = (rest.next().unwrap_or(0), rest.next().unwrap_or(0));
        if is_variable {
            let number = u16::from(first & 0x7f) | u16::from(second & 0x7f) << 7;
            name.extend(variable(number).into_bytes());
        }
    }
    decoded(&name)
}

fn wide(mut units: impl Iterator<Item = u16>) -> String {
    let mut name = Vec::new();
    while let Some(unit) = units.next().filter(|unit| *unit != 0) {
        match unit {
            3 | 0xe001 => {
                let number = units.next().unwrap_or(0);
                name.extend(variable(number & 0x7f | (number >> 1 & 0x3f80)).encode_utf16());
            }
            1 | 2 | 4 | 0xe000 | 0xe002 | 0xe003 => {
                let _ = units.next();
            }
            _ => name.push(unit),
        }
    }
    String::from_utf16_lossy(&name)
}

fn variable(number: u16) -> String {
    match number {
        0..=9 => format!("${number}"),
        10..=19 => format!("$R{}", number.saturating_sub(10)),
        _ => {
            let known = VARIABLES.get(usize::from(number.saturating_sub(20)));
            known.map_or_else(|| format!("${number}"), |name| format!("${name}"))
        }
    }
}
