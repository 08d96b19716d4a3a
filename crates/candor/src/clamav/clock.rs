//! Times as ClamAV writes them, in UTC.

use std::time::{SystemTime, UNIX_EPOCH};

/// Seconds since 1970.
#[must_use]
pub fn seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// The parts of a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    year: u64,
    month: u64,
    day: u64,
    hour: u64,
    minute: u64,
    second: u64,
    weekday: u64,
}

impl Moment {
    /// The one that it is.
    #[must_use]
    pub fn now() -> Self {
        Self::of(seconds())
    }

    /// From seconds since 1970.
    #[must_use]
    pub const fn of(seconds: u64) -> Self {
        // No calendar goes on for longer.
        let seconds = if seconds > LAST { LAST } else { seconds };
        let days = seconds / 86_400;
        let (year, month, day) = civil(days);
        Self {
            year,
            month,
            day,
            hour: seconds / 3600 % 24,
            minute: seconds / 60 % 60,
            second: seconds % 60,
            weekday: days % 7,
        }
    }

    /// As in the summary of a scan.
    #[must_use]
    pub fn summary(self) -> String {
        let Self { year, month, day, hour, minute, second, .. } = self;
        format!("{year}:{month:02}:{day:02} {hour:02}:{minute:02}:{second:02}")
    }

    /// As in the name of a folder.
    #[must_use]
    pub fn stamp(self) -> String {
        let Self { year, month, day, hour, minute, second, .. } = self;
        format!("{year}{month:02}{day:02}_{hour:02}{minute:02}{second:02}")
    }

    /// As in the header of a container of databases.
    #[must_use]
    pub fn header(self) -> String {
        let Self { year, month, day, hour, minute, .. } = self;
        format!("{day:02} {} {year} {hour:02}-{minute:02} +0000", pick(&MONTHS, month - 1))
    }

    /// As `ctime` writes it.
    #[must_use]
    pub fn long(self) -> String {
        const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
        let Self { year, month, day, hour, minute, second, weekday } = self;
        let (weekday, month) = (pick(&DAYS, weekday), pick(&MONTHS, month - 1));
        format!("{weekday} {month} {day:2} {hour:02}:{minute:02}:{second:02} {year}")
    }
}

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

fn pick(names: &[&'static str], place: u64) -> &'static str {
    usize::try_from(place).ok().and_then(|place| names.get(place).copied()).unwrap_or("?")
}

/// The last second of the year 9999.
const LAST: u64 = 253_402_300_799;

/// Year, month and day of a number of days since 1970: eras of 400 years, years that begin in March.
const fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400;
    (if month <= 2 { year + 1 } else { year }, month, day)
}

#[cfg(test)]
mod tests {
    use super::Moment;

    #[test]
    fn times_are_those_of_the_calendar() {
        for (seconds, long, summary) in [
            (0, "Thu Jan  1 00:00:00 1970", "1970:01:01 00:00:00"),
            (951_782_400, "Tue Feb 29 00:00:00 2000", "2000:02:29 00:00:00"),
            (1_700_000_000, "Tue Nov 14 22:13:20 2023", "2023:11:14 22:13:20"),
            (4_107_542_399, "Sun Feb 28 23:59:59 2100", "2100:02:28 23:59:59"),
            (4_107_542_400, "Mon Mar  1 00:00:00 2100", "2100:03:01 00:00:00"),
        ] {
            assert_eq!(Moment::of(seconds).long(), long);
            assert_eq!(Moment::of(seconds).summary(), summary);
        }
        assert_eq!(Moment::of(1_700_000_000).stamp(), "20231114_221320");
        assert_eq!(Moment::of(1_700_000_000).header(), "14 Nov 2023 22-13 +0000");
    }
}
