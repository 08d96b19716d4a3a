//! Dates of rules, dates of evidence, and the date of the question.
//!
//! A rule whose text has a date and no hour begins at midnight **where the rule holds**: 2024-09-29 of a rule of
//! the United States is 04:00 in UTC. A question "as of" a date is asked at midnight of that day, there as well,
//! so a rule is in force on the day on which it begins. A rule of which only the month is known is
//! neither in force nor not during that month.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use serde::{Deserialize, Serialize};

pub use crate::inventory::Moment;

/// When a phase begins or ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct When {
    /// As it is written.
    pub text: String,
    /// Not before this.
    pub begins: Timestamp,
    /// Surely from this on: later than `begins` when only the month is known.
    pub surely: Timestamp,
}

/// The moment that a question is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum AsOf {
    /// A day, wherever a rule holds.
    Day(Date),
    /// A moment.
    Instant(Timestamp),
}

/// What evidence tells of a moment: between which two it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// Not before this.
    pub earliest: Timestamp,
    /// Not after this.
    pub latest: Timestamp,
}

/// Not a date.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no date: write YYYY-MM-DD, or YYYY-MM-DDThh:mm:ssZ")]
pub struct InvalidDate(String);

/// Years that a date may have: nothing that is judged here is older, and nobody plans further ahead.
const YEARS: std::ops::RangeInclusive<i16> = 1970..=2200;

impl When {
    /// A moment (`2024-09-29T04:00:00Z`), a day or a month, in the zone of a rule.
    ///
    /// # Errors
    /// It is none of these.
    pub fn parse(text: &str, zone: &TimeZone) -> Result<Self, InvalidDate> {
        let invalid = || InvalidDate(text.to_owned());
        let midnight = |date: Date| -> Result<Timestamp, InvalidDate> {
            if !YEARS.contains(&date.year()) {
                return Err(invalid());
            }
            date.to_zoned_datetime(zone.clone()).map(|zoned| zoned.timestamp()).map_err(|_| invalid())
        };
        if let Some(month) = month(text) {
            let begins = midnight(month)?;
            let next = month.checked_add(Span::new().months(1)).map_err(|_| invalid())?;
            return Ok(Self { text: text.to_owned(), begins, surely: midnight(next)? });
        }
        let begins = match text.len() {
            10 => midnight(text.parse().map_err(|_| invalid())?)?,
            _ => instant(text).ok_or_else(invalid)?,
        };
        Ok(Self { text: text.to_owned(), begins, surely: begins })
    }
}

impl AsOf {
    /// A day or a moment.
    ///
    /// # Errors
    /// It is neither.
    pub fn parse(text: &str) -> Result<Self, InvalidDate> {
        let invalid = || InvalidDate(text.to_owned());
        if text.len() == 10 {
            let date: Date = text.parse().map_err(|_| invalid())?;
            return if YEARS.contains(&date.year()) { Ok(Self::Day(date)) } else { Err(invalid()) };
        }
        instant(text).map(Self::Instant).ok_or_else(invalid)
    }

    /// The moment for a rule of that zone.
    #[must_use]
    pub fn instant(&self, zone: &TimeZone) -> Timestamp {
        match self {
            // Every day of the years that are taken has a midnight, or what comes after a gap at midnight.
            Self::Day(date) => {
                date.to_zoned_datetime(zone.clone()).map_or(Timestamp::UNIX_EPOCH, |zoned| zoned.timestamp())
            }
            Self::Instant(instant) => *instant,
        }
    }
}

impl std::fmt::Display for AsOf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Day(date) => date.fmt(f),
            Self::Instant(instant) => instant.fmt(f),
        }
    }
}

impl From<AsOf> for String {
    fn from(as_of: AsOf) -> Self {
        as_of.to_string()
    }
}

impl TryFrom<String> for AsOf {
    type Error = InvalidDate;

    fn try_from(text: String) -> Result<Self, InvalidDate> {
        Self::parse(&text)
    }
}

impl Evidence {
    /// A moment as evidence has it; nothing when it makes no sense. What has no zone may have been anywhere.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Some(instant) = instant(text) {
            return Some(Self { earliest: instant, latest: instant });
        }
        // The first zone to begin a day is 14 hours ahead of UTC, the last one 12 behind.
        let (from, until) = match text.parse::<Date>() {
            Ok(date) if text.len() == 10 => {
                (date.at(0, 0, 0, 0), date.checked_add(Span::new().days(1)).ok()?.at(0, 0, 0, 0))
            }
            _ => {
                let at: jiff::civil::DateTime = text.replacen(' ', "T", 1).parse().ok()?;
                (at, at)
            }
        };
        if !YEARS.contains(&from.year()) {
            return None;
        }
        let offset = |hours: i8| TimeZone::fixed(jiff::tz::Offset::constant(hours));
        Some(Self {
            earliest: from.to_zoned_datetime(offset(14)).ok()?.timestamp(),
            latest: until.to_zoned_datetime(offset(-12)).ok()?.timestamp(),
        })
    }

    /// Whether it was at or after a moment; nothing when that cannot be told.
    #[must_use]
    pub fn is_from(self, moment: Timestamp) -> Option<bool> {
        if self.earliest >= moment {
            Some(true)
        } else if self.latest < moment {
            Some(false)
        } else {
            None
        }
    }
}

/// A moment with a zone.
fn instant(text: &str) -> Option<Timestamp> {
    // Shorter texts and other forms are days, or nothing; `parse` alone would be more generous than the grammar.
    let is_long =
        text.len() >= 17 && text.as_bytes().get(10).is_some_and(|byte| matches!(byte, b'T' | b't' | b' '));
    let instant: Timestamp = is_long.then(|| text.parse().ok()).flatten()?;
    YEARS.contains(&instant.to_zoned_datetime(TimeZone::UTC).year()).then_some(instant)
}

/// The first day of a month that is written as `2022-03`.
fn month(text: &str) -> Option<Date> {
    (text.len() == 7).then(|| format!("{text}-01").parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::{AsOf, Evidence, When};

    fn zone(name: &str) -> TimeZone {
        TimeZone::get(name).unwrap()
    }

    #[test]
    fn a_day_begins_at_midnight_where_the_rule_holds() {
        let begins = |text: &str, name: &str| When::parse(text, &zone(name)).unwrap().begins.to_string();
        assert_eq!(begins("2024-09-29", "America/New_York"), "2024-09-29T04:00:00Z");
        assert_eq!(begins("2027-12-23", "America/New_York"), "2027-12-23T05:00:00Z");
        assert_eq!(begins("2025-02-21", "Australia/Sydney"), "2025-02-20T13:00:00Z");
        assert_eq!(begins("2022-03-15", "Europe/Berlin"), "2022-03-14T23:00:00Z");
        assert_eq!(begins("2024-09-29T04:00:00Z", "Europe/Berlin"), "2024-09-29T04:00:00Z");
        assert_eq!(begins("2024-09-29T00:00:00-04:00", "Europe/Berlin"), "2024-09-29T04:00:00Z");
    }

    #[test]
    fn a_month_is_sure_when_it_is_over() {
        let when = When::parse("2022-03", &zone("Europe/Rome")).unwrap();
        assert_eq!(when.begins.to_string(), "2022-02-28T23:00:00Z");
        assert_eq!(when.surely.to_string(), "2022-03-31T22:00:00Z");
    }

    #[test]
    fn what_makes_no_sense_is_no_date() {
        for text in [
            "",
            "today",
            "2024-13-01",
            "2024-02-30",
            "24-09-29",
            "20240929",
            "2024-09",
            "9999-01-01",
            "2024-09-29T25:00:00Z",
            "1600-01-01",
        ] {
            assert!(AsOf::parse(text).is_err(), "{text}");
        }
        assert!(When::parse("2024-00", &TimeZone::UTC).is_err());
        assert_eq!(Evidence::parse("31.12.2024"), None);
        assert_eq!(Evidence::parse("0000-00-00"), None);
    }

    #[test]
    fn evidence_without_a_zone_leaves_a_day_open() {
        let cut_off = "2024-09-29T04:00:00Z".parse().unwrap();
        let is_from = |text: &str| Evidence::parse(text).unwrap().is_from(cut_off);
        assert_eq!(is_from("2024-09-29T04:00:00Z"), Some(true));
        assert_eq!(is_from("2024-09-29T03:59:59Z"), Some(false));
        assert_eq!(is_from("2024-09-29T00:00:00-04:00"), Some(true));
        assert_eq!(is_from("2024-09-29"), None);
        assert_eq!(is_from("2024-09-27"), Some(false));
        assert_eq!(is_from("2024-10-01"), Some(true));
        assert_eq!(is_from("2024-09-29 04:00:00"), None);
        assert_eq!(is_from("2024-10-01T12:00:00"), Some(true));
    }
}
