//! Times as products write them, told as RFC 3339. No clock is read and no zone is known here: all of these count
//! from a fixed moment in UTC.

/// The last second that has a year of four digits.
const LAST: u64 = 253_402_300_799;

/// Seconds from 1601, where Windows begins to count, to 1970.
const BEFORE: u64 = 11_644_473_600;

/// Seconds since 1970; none for 0, which is how no time is written, and beyond the year 9999.
pub(super) fn from_unix(seconds: u64) -> Option<String> {
    if seconds == 0 || seconds > LAST {
        return None;
    }
    let (mut days, rest) = (seconds / 86_400, seconds % 86_400);
    let mut year = 1970_u64;
    while days >= length_of(year) {
        days = days.saturating_sub(length_of(year));
        year = year.saturating_add(1);
    }
    let february = if length_of(year) == 366 { 29 } else { 28 };
    let mut month = 1_u64;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if days < length {
            break;
        }
        days = days.saturating_sub(length);
        month = month.saturating_add(1);
    }
    let (day, hour, minute, second) = (days.saturating_add(1), rest / 3600, rest / 60 % 60, rest % 60);
    Some(format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z"))
}

/// Tenths of microseconds since 1601.
pub(super) fn from_windows(ticks: u64) -> Option<String> {
    from_unix((ticks / 10_000_000).checked_sub(BEFORE)?)
}

const fn length_of(year: u64) -> u64 {
    if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) { 366 } else { 365 }
}
