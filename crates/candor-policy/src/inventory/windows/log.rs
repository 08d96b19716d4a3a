//! What a hive's transaction logs hold, written over the hive in memory.
//!
//! A hive that was in use has two sequence numbers that differ, and what was changed last stands in its logs
//! (`.LOG1`, `.LOG2`, or `.LOG` alone).
//! Format: <https://github.com/msuhanov/regf/blob/master/Windows%20registry%20file%20format%20specification.md>
//!
//! ```text
//! 0    a copy of the first sector of the hive, with the kind of file (at 28): 1 or 2 old, 6 new
//! old  512 "DIRT", a bit for every 512 bytes of the hive's bins; then those whose bit is set, one after another
//! new  512 entries: "HvLE", size, flags, sequence number, bytes of all bins, number of pages, two hashes;
//!          place and size of each page; the pages
//! ```
//!
//! Hostile logs say that pages are where no hive reaches, and that a hive has gigabytes: what is written is bounded
//! by what the logs hold. An entry whose hashes are wrong ends what is applied.

use std::borrow::Cow;

use crate::inventory::bytes::{le32, le64, run, size};

/// Bytes before the bins.
const BINS: usize = 4096;
/// Bytes of the first sector, which a log has a copy of.
const SECTOR: usize = 512;
/// Bytes of the largest hive that a log is applied to.
const LARGEST: usize = 768 << 20;
/// The seed of the hashes over entries.
const SEED: u64 = 0x82ef_4d88_7a4e_55c5;

/// A hive with what its logs hold.
pub(crate) struct Recovered<'a> {
    /// Its bytes.
    pub(crate) bytes: Cow<'a, [u8]>,
    /// What is missing, when that is known.
    pub(crate) trouble: Option<&'static str>,
}

/// Applies logs to a hive that needs it.
pub(crate) fn recover<'a>(bytes: &'a [u8], logs: &[&[u8]]) -> Recovered<'a> {
    let as_it_is = |trouble| Recovered { bytes: Cow::Borrowed(bytes), trouble };
    let is_sound = is_base(bytes);
    if is_sound && le32(bytes, 4) == le32(bytes, 8) {
        return as_it_is(None);
    }
    let logs: Vec<&[u8]> = logs.iter().copied().filter(|log| log.len() > SECTOR && is_base(log)).collect();
    if logs.is_empty() {
        let is_closed = le32(bytes, 4) == le32(bytes, 8);
        return as_it_is(Some(match is_closed {
            true => "its first sector is damaged",
            false => "it was not closed: what is in its log was not read",
        }));
    }
    if bytes.len() > LARGEST {
        return as_it_is(Some("it was not closed, and is too large for its log to be applied"));
    }
    let mut hive = bytes.to_vec();
    if !is_sound {
        // The newest log has the first sector as it should be, but for the kind of file.
        let newest = logs.iter().max_by_key(|log| le32(log, 8));
        if let (Some(log), Some(base)) = (newest, hive.get_mut(..SECTOR)) {
            base.copy_from_slice(log.get(..SECTOR).unwrap_or_default());
            base.get_mut(28..32).unwrap_or_default().fill(0);
        }
    }
    let applied = match logs.iter().any(|log| le32(log, 28) == Some(6)) {
        true => apply_new(&mut hive, &logs),
        false => apply_old(&mut hive, &logs),
    };
    match applied {
        Applied::Nothing => {
            as_it_is(Some("it was not closed, and its log does not go on from where it stands"))
        }
        Applied::All => Recovered { bytes: Cow::Owned(hive), trouble: None },
        Applied::UpTo(why) => Recovered { bytes: Cow::Owned(hive), trouble: Some(why) },
    }
}

enum Applied {
    Nothing,
    All,
    UpTo(&'static str),
}

/// Whether bytes begin with the first sector of a hive or of a log, and the sum over it is right.
fn is_base(bytes: &[u8]) -> bool {
    let sum = || {
        let words = bytes.get(..508)?.as_chunks::<4>().0.iter();
        let sum = words.fold(0, |sum, word| sum ^ u32::from_le_bytes(*word));
        Some(match sum {
            0 => 1,
            u32::MAX => u32::MAX.wrapping_sub(1),
            other => other,
        })
    };
    bytes.starts_with(b"regf") && sum() == le32(bytes, 508)
}

/// One entry of a log of the new format.
struct Entry<'a> {
    sequence: u32,
    /// Bytes of all bins.
    bins: u32,
    /// Place among the bins, and what belongs there.
    pages: Vec<(usize, &'a [u8])>,
}

fn apply_new(hive: &mut Vec<u8>, logs: &[&[u8]]) -> Applied {
    let Some(mut next) = le32(hive, 8) else { return Applied::Nothing };
    let mut entries: Vec<Entry<'_>> = Vec::new();
    let mut is_damaged = false;
    for log in logs {
        is_damaged |= read_entries(log, &mut entries);
    }
    // Logs are filled in turn, and either may be the older one.
    entries.retain(|entry| entry.sequence >= next);
    entries.sort_by_key(|entry| entry.sequence);
    let mut applied = Applied::Nothing;
    for entry in &entries {
        if entry.sequence != next {
            let is_first = matches!(applied, Applied::Nothing);
            return if is_first { applied } else { Applied::UpTo("entries of its log are missing") };
        }
        if !write(hive, entry) {
            return Applied::UpTo("an entry of its log lies outside of it");
        }
        next = next.wrapping_add(1);
        applied = Applied::All;
    }
    match applied {
        Applied::All if is_damaged => {
            Applied::UpTo("its log is damaged: what was written last may be missing")
        }
        applied => applied,
    }
}

/// Takes the entries of one log; says whether one is there that is damaged.
fn read_entries<'a>(log: &'a [u8], entries: &mut Vec<Entry<'a>>) -> bool {
    let mut at = SECTOR;
    let mut before = None;
    while run(log, at, 4) == Some(b"HvLE") {
        let entry = || {
            let length = size(le32(log, at.checked_add(4)?)?);
            let bytes = run(log, at, length).filter(|bytes| bytes.len() >= 40)?;
            let is_own =
                le64(bytes, 24)? == hash(bytes.get(40..)?) && le64(bytes, 32)? == hash(bytes.get(..32)?);
            let bins = le32(bytes, 16)?;
            if !is_own || !bins.is_multiple_of(4096) || !length.is_multiple_of(SECTOR) {
                return None;
            }
            let count = size(le32(bytes, 20)?);
            let places = run(bytes, 40, count.checked_mul(8)?)?;
            let mut pages = Vec::new();
            let mut content = places.len().checked_add(40)?;
            for place in places.as_chunks::<8>().0 {
                let (place, length) = (size(le32(&place[..], 0)?), size(le32(&place[..], 4)?));
                pages.push((place, run(bytes, content, length)?));
                content = content.checked_add(length)?;
            }
            Some((Entry { sequence: le32(bytes, 12)?, bins, pages }, length))
        };
        let Some((entry, length)) = entry() else { return true };
        // What is left of an earlier round of the log does not go on from what is before it.
        if before.is_some_and(|before: u32| before.wrapping_add(1) != entry.sequence) {
            return false;
        }
        before = Some(entry.sequence);
        entries.push(entry);
        let Some(next) = at.checked_add(length) else { return true };
        at = next;
    }
    false
}

/// Writes the pages of an entry; says whether all have their place.
fn write(hive: &mut Vec<u8>, entry: &Entry<'_>) -> bool {
    let Some(end) = size(entry.bins).checked_add(BINS).filter(|end| *end <= LARGEST) else { return false };
    let mut all = true;
    for (place, page) in &entry.pages {
        let range = place.checked_add(BINS).and_then(|start| Some(start..start.checked_add(page.len())?));
        let Some(range) = range.filter(|range| range.end <= end) else {
            all = false;
            continue;
        };
        if hive.len() < range.end {
            hive.reserve_exact(range.end.saturating_sub(hive.len()));
            hive.resize(range.end, 0);
        }
        if let Some(target) = hive.get_mut(range) {
            target.copy_from_slice(page);
        }
    }
    if let Some(target) = hive.get_mut(40..44) {
        target.copy_from_slice(&entry.bins.to_le_bytes());
    }
    all
}

fn apply_old(hive: &mut Vec<u8>, logs: &[&[u8]]) -> Applied {
    // Of two logs that one counts which is of the same moment as the hive.
    let is_own = |log: &&&[u8]| le64(log, 12) == le64(hive, 12) && le32(log, 4) == le32(log, 8);
    let Some(log) = logs.iter().find(is_own) else { return Applied::Nothing };
    if run(log, SECTOR, 4) != Some(b"DIRT") {
        return Applied::Nothing;
    }
    let bins = size(le32(log, 40).unwrap_or(0));
    let bitmap = bins.div_ceil(SECTOR).div_ceil(8);
    let start = SECTOR.saturating_add(4).saturating_add(bitmap).next_multiple_of(SECTOR);
    let (Some(bitmap), Some(end)) = (run(log, SECTOR.saturating_add(4), bitmap), bins.checked_add(BINS))
    else {
        return Applied::UpTo("its log is damaged: what was written last may be missing");
    };
    let mut sectors = log.get(start..).unwrap_or_default().chunks_exact(SECTOR);
    let mut place = BINS;
    for byte in bitmap {
        for bit in 0..8_u32 {
            if byte.wrapping_shr(bit) & 1 != 0 {
                let Some(sector) = sectors.next() else {
                    return Applied::UpTo("its log is damaged: what was written last may be missing");
                };
                let behind = place.saturating_add(SECTOR);
                if behind > end.min(LARGEST) {
                    return Applied::UpTo("an entry of its log lies outside of it");
                }
                if hive.len() < behind {
                    hive.reserve(behind.saturating_sub(hive.len()));
                    hive.resize(behind, 0);
                }
                if let Some(target) = hive.get_mut(place..behind) {
                    target.copy_from_slice(sector);
                }
            }
            place = place.saturating_add(SECTOR);
        }
    }
    Applied::All
}

/// Marvin32, as the entries of logs have it.
fn hash(bytes: &[u8]) -> u64 {
    marvin(SEED, bytes)
}

fn marvin(seed: u64, bytes: &[u8]) -> u64 {
    let mut low = u32::try_from(seed & 0xffff_ffff).unwrap_or(0);
    let mut high = u32::try_from(seed >> 32).unwrap_or(0);
    let mut mix = |word: u32| {
        low = low.wrapping_add(word);
        high ^= low;
        low = low.rotate_left(20).wrapping_add(high);
        high = high.rotate_left(9) ^ low;
        low = low.rotate_left(27).wrapping_add(high);
        high = high.rotate_left(19);
    };
    let (words, rest) = bytes.as_chunks::<4>();
    for word in words {
        mix(u32::from_le_bytes(*word));
    }
    // What is left, and a bit behind it.
    mix(rest.iter().rev().fold(0x80, |number, byte| number << 8 | u32::from(*byte)));
    mix(0);
    u64::from(high) << 32 | u64::from(low)
}

#[cfg(test)]
mod tests {
    use candor_fixtures::registry::{Key, hive, log, old_log};

    use super::*;
    use crate::inventory::items::Beside;
    use crate::inventory::{CoverageState, Reader};

    /// Vectors that other implementations of the hash have, too.
    #[test]
    fn the_hash_is_marvin() {
        for (bytes, expected) in [
            (&b""[..], 0x30ed_35c1_00cd_3c7d),
            (b"\xaf", 0x48e7_3fc7_7d75_ddc1),
            (b"\xe7\x0f", 0xb5f6_e1fc_485d_bff8),
            (b"\x37\xf4\x95", 0xf0b0_7c78_9b8c_f7e8),
            (b"\x86\x42\xdc\x59", 0x7008_f2e8_7e9c_f556),
            (b"\x15\x3f\xb7\x98\x26", 0xe6c0_8c6d_a2af_a997),
        ] {
            assert_eq!(marvin(0x004f_b61a_001b_dbcc, bytes), expected);
        }
    }

    fn of(names: &[&str]) -> Vec<u8> {
        let mut root = Key::new("ROOT").at("", Key::new("Microsoft"));
        for name in names {
            root = root
                .at(r"Microsoft\Windows\CurrentVersion\Uninstall", Key::new(name).text("DisplayName", name));
        }
        hive(&root)
    }

    fn seen(bytes: &[u8], logs: &[(&str, &[u8])]) -> (Vec<String>, CoverageState) {
        let beside: Vec<Beside<'_>> = logs.iter().map(|(name, bytes)| Beside { name, bytes }).collect();
        let mut names = Vec::new();
        let coverage =
            Reader::Hive.read_beside("SOFTWARE", bytes, &beside, &mut |item| names.push(item.name));
        (names, coverage.state)
    }

    fn many(prefix: &str) -> Vec<u8> {
        let names: Vec<String> = (0..400).map(|number| format!("{prefix}{number}")).collect();
        of(&names.iter().map(String::as_str).collect::<Vec<_>>())
    }

    #[test]
    fn what_a_log_of_either_format_holds_is_read() {
        let (before, after) = (of(&["Old"]), many("New"));
        let (dirty, new) = log(&before, &after);
        let old = old_log(&dirty, &after);
        for (format, log) in [("new", &new), ("old", &old)] {
            for name in [".LOG1", ".LOG2", ".LOG"] {
                let (names, state) = seen(&dirty, &[(".LOG", &[]), (name, log)]);
                assert_eq!((names.len(), state), (400, CoverageState::Read), "{format} {name}");
                assert_eq!(names[0], "New0");
            }
        }
        let (names, state) = seen(&dirty, &[]);
        assert_eq!(names, ["Old"]);
        assert!(matches!(state, CoverageState::Partly(why) if why.contains("log")));
    }

    #[test]
    fn entries_go_on_from_one_log_to_the_other() {
        let stages = [of(&["One"]), of(&["One", "Two"]), many("Three")];
        let (dirty, first) = log(&stages[0], &stages[1]);
        let (_, mut second) = log(&stages[1], &stages[2]);
        // The second entry, with the number that follows.
        candor_fixtures::registry::renumber(&mut second, 8);
        for logs in [[(".LOG1", &first[..]), (".LOG2", &second)], [(".LOG1", &second), (".LOG2", &first)]] {
            let (names, state) = seen(&dirty, &logs);
            assert_eq!((names.len(), state), (400, CoverageState::Read));
        }
        // One that is missing between them ends it, and is told.
        candor_fixtures::registry::renumber(&mut second, 9);
        let (names, state) = seen(&dirty, &[(".LOG1", &first), (".LOG2", &second)]);
        assert_eq!(names, ["One", "Two"]);
        assert_eq!(state, CoverageState::Partly("entries of its log are missing".to_owned()));
    }

    #[test]
    fn a_hive_that_was_closed_is_left_as_it_is() {
        let (before, after) = (of(&["Old"]), of(&["New"]));
        let (_, log) = log(&before, &after);
        assert_eq!(seen(&before, &[(".LOG1", &log)]), (vec!["Old".to_owned()], CoverageState::Read));
    }

    #[test]
    fn a_first_sector_that_is_damaged_comes_from_the_log() {
        let (before, after) = (of(&["Old"]), of(&["New"]));
        let (mut dirty, log) = log(&before, &after);
        dirty[36..40].fill(0x7f);
        assert_eq!(seen(&dirty, &[(".LOG1", &log)]), (vec!["New".to_owned()], CoverageState::Read));
    }

    #[test]
    fn logs_that_are_damaged_or_of_another_hive_are_told() {
        let (before, after) = (of(&["Old"]), many("New"));
        let (dirty, good) = log(&before, &after);
        let is_told = |log: &[u8]| {
            let (names, state) = seen(&dirty, &[(".LOG1", log)]);
            assert_eq!(names, ["Old"]);
            assert!(matches!(state, CoverageState::Partly(_)), "{state:?}");
        };
        // A byte of a page, of the entry, of the first sector.
        for at in [good.len() - 1, 530, 100] {
            let mut damaged = good.clone();
            damaged[at] ^= 1;
            is_told(&damaged);
        }
        is_told(&good[..600]);
        let mut later = good;
        candor_fixtures::registry::renumber(&mut later, 20);
        is_told(&later);
        // Of the old format, one that is of another moment.
        let mut other = old_log(&dirty, &after);
        other[12] ^= 1;
        candor_fixtures::registry::seal(&mut other);
        is_told(&other);
    }

    #[test]
    fn no_log_makes_a_hive_of_gigabytes() {
        let (before, after) = (of(&["Old"]), of(&["New"]));
        let (dirty, mut lying) = log(&before, &after);
        lying[SECTOR + 40..SECTOR + 44].copy_from_slice(&0xffff_f000_u32.to_le_bytes());
        lying[SECTOR + 16..SECTOR + 20].copy_from_slice(&0xffff_f000_u32.to_le_bytes());
        candor_fixtures::registry::renumber(&mut lying, 7);
        let (_, state) = seen(&dirty, &[(".LOG1", &lying)]);
        assert_eq!(state, CoverageState::Partly("an entry of its log lies outside of it".to_owned()));
        let mut lying = old_log(&dirty, &after);
        lying[40..44].copy_from_slice(&0xffff_f000_u32.to_le_bytes());
        candor_fixtures::registry::seal(&mut lying);
        let (_, state) = seen(&dirty, &[(".LOG1", &lying)]);
        assert!(matches!(state, CoverageState::Partly(_)));
    }

    #[test]
    fn damage_is_survived_wherever_it_is() {
        let (before, after) = (of(&["Old"]), of(&["New"]));
        let (dirty, new) = log(&before, &after);
        for good in [new, old_log(&dirty, &after)] {
            for at in 0..good.len().min(1500) {
                let mut damaged = good.clone();
                damaged[at] = !damaged[at];
                seen(&dirty, &[(".LOG1", &damaged)]);
            }
            for length in (0..good.len()).step_by(61) {
                seen(&dirty, &[(".LOG1", &good[..length])]);
            }
        }
    }
}
