//! What Kaspersky Security for Windows Server wrote down about files that it set aside: `quarantine.db`, a file of
//! SQLite with the tables `objects` and `objattrs`.
//!
//! Layout: <https://github.com/ernw/quarantine-formats/blob/master/docs/Kaspersky_for_Windows_Server.md>

use serde::{Deserialize, Serialize};

use crate::inventory::{Beside, Database, text};

/// A file of the quarantine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Noted {
    /// Its name in the folder of the quarantine.
    pub file: String,
    /// Where it was before.
    pub path: Option<String>,
    /// What was found in it.
    pub threat: Option<String>,
    /// When, in the local time of the machine.
    pub at: Option<String>,
    /// Whose it was.
    pub user: Option<String>,
    /// How long it was.
    pub size: Option<u64>,
}

/// Reads the database, with the log `beside` it (`-wal`) if it was not closed; gives what it says to `take`, and returns why not
/// all was read.
pub fn read(bytes: &[u8], beside: &[Beside<'_>], take: &mut dyn FnMut(Noted)) -> Option<String> {
    let log = beside.first().map_or(&[][..], |log| log.bytes);
    let Some(database) = Database::open(bytes, log) else {
        return Some("it is no database of a quarantine".to_owned());
    };
    let Some(objects) = database.table("objects") else {
        return Some("it has no table of objects".to_owned());
    };
    let is_whole = database.rows(objects, &mut |row| {
        let column = |number| row.text(number).map(|value| text(&value)).filter(|value| !value.is_empty());
        // uuid, path, name, virname, virtype, level, time, size, status, sent, user.
        let path = match (column(1), column(2)) {
            (Some(folder), Some(name)) if !folder.to_lowercase().ends_with(&name.to_lowercase()) => {
                Some(text(&format!("{}\\{name}", folder.trim_end_matches('\\'))))
            }
            (folder, name) => folder.or(name),
        };
        if let Some(file) = column(0) {
            take(Noted {
                file,
                path,
                threat: column(3),
                at: row.integer(6).and_then(|time| packed(u64::from_ne_bytes(time.to_ne_bytes()))),
                user: column(10),
                size: row.integer(7).and_then(|size| u64::try_from(size).ok()),
            });
        }
        true
    });
    if database.is_torn() {
        return Some("it was not closed: some of what is in its log cannot be read".to_owned());
    }
    (!is_whole).then(|| "parts of it are damaged".to_owned())
}

/// A time of which each part has its own bits: a year, and a byte for each of the others.
fn packed(time: u64) -> Option<String> {
    let [high, low, month, day, hour, minute, second, _] = time.to_be_bytes();
    let year = u16::from_be_bytes([high, low]);
    let is_sound = (1970..=9999).contains(&year)
        && (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && hour < 24
        && minute < 60
        && second <= 60;
    is_sound.then(|| format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_times_are_local_times() {
        assert_eq!(packed(568_581_708_202_780_672).as_deref(), Some("2020-02-13T23:54:40"));
        assert_eq!((packed(0), packed(u64::MAX)), (None, None));
    }

    #[test]
    fn what_is_no_database_is_told() {
        for bytes in [&b""[..], b"SQLite format 3\0", b"x"] {
            assert!(read(bytes, &[], &mut |_| ()).is_some());
        }
    }
}
