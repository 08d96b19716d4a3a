//! The record in the name system that says which versions there are:
//! `software:main:daily:time:warn:level:safebrowsing:bytecode`.
//!
//! Nobody signs it. It can only make an update late (for twelve hours, then files are asked instead) or ask for
//! files that are then verified; it can never make anything be believed.

/// After so many seconds a record is not believed any more.
pub const OLDEST: u64 = 12 * 3600;

/// What the record says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The newest version of ClamAV.
    pub software: String,
    /// When it was made, in seconds since 1970.
    pub time: u64,
    /// Whether whoever runs an older version is to be warned.
    pub warns: bool,
    fields: Vec<String>,
}

/// Why a record is of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// There is no time in it.
    #[error("Failed to find Record Time field in DNS Update Info.")]
    NoTime,
    /// It is older than [`OLDEST`].
    #[error("DNS record is older than 12 hours.")]
    Old,
    /// It is from the future, so it would never grow old.
    #[error("DNS record is from the future.")]
    Future,
}

impl Record {
    /// Reads a record, at a time in seconds since 1970.
    ///
    /// # Errors
    /// It is not one, or not of this time.
    pub fn read(text: &str, now: u64) -> Result<Self, RecordError> {
        let fields: Vec<String> = text.split(':').take(64).map(|field| field.trim().to_owned()).collect();
        let field = |number: usize| fields.get(number).map_or("", String::as_str);
        let time: u64 = field(3).parse().map_err(|_| RecordError::NoTime)?;
        if now.saturating_sub(time) > OLDEST {
            return Err(RecordError::Old);
        }
        if time.saturating_sub(now) > OLDEST {
            return Err(RecordError::Future);
        }
        Ok(Self { software: field(0).to_owned(), time, warns: field(4) == "1", fields })
    }

    /// The version of a database; `None` when the record does not speak of it.
    #[must_use]
    pub fn version(&self, database: &str) -> Option<u64> {
        let number = match database {
            "main" => 1,
            "daily" => 2,
            "safebrowsing" => 6,
            "bytecode" => 7,
            _ => return None,
        };
        self.fields.get(number)?.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "1.4.6:62:27000:1700000000:1:90:49192:334";

    #[test]
    fn versions_are_those_of_their_places() {
        let record = Record::read(TEXT, 1_700_000_100).unwrap();
        assert_eq!((record.software.as_str(), record.time, record.warns), ("1.4.6", 1_700_000_000, true));
        let versions =
            ["main", "daily", "bytecode", "safebrowsing", "other"].map(|name| record.version(name));
        assert_eq!(versions, [Some(62), Some(27_000), Some(334), Some(49_192), None]);
    }

    #[test]
    fn records_of_other_times_are_not_believed() {
        let read = |text: &str, now| Record::read(text, now).unwrap_err();
        assert_eq!(read(TEXT, 1_700_000_000 + OLDEST + 1), RecordError::Old);
        assert_eq!(read(TEXT, 1_700_000_000 - OLDEST - 1), RecordError::Future);
        assert!(Record::read(TEXT, 1_700_000_000 + OLDEST).is_ok());
        for text in ["", "garbage", "1:2:3", "1:2:3:-5", "1:2:3:99999999999999999999999"] {
            assert_eq!(read(text, 0), RecordError::NoTime, "{text}");
        }
    }

    #[test]
    fn a_number_that_is_none_is_no_version() {
        let record = Record::read("1:x:-1:5", 5).unwrap();
        assert_eq!(
            (record.version("main"), record.version("daily"), record.version("bytecode")),
            (None, None, None)
        );
    }
}
