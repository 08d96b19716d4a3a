//! Times as HTTP writes them (RFC 9110, section 5.6.7).

const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
pub(super) const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const DAY: u64 = 86_400;

/// Seconds since 1970 as `Tue, 14 Nov 2023 22:13:20 GMT`; what lies behind the year 9999 is its last second.
#[must_use]
pub fn http_date(seconds: u64) -> String {
    let seconds = seconds.min(253_402_300_799);
    let days = seconds.checked_div(DAY).unwrap_or(0);
    let (mut year, mut left) = (1970_u64, days);
    while left >= length_of_year(year) {
        left = left.saturating_sub(length_of_year(year));
        year = year.saturating_add(1);
    }
    let mut month = 0_usize;
    while left >= length_of_month(year, month) {
        left = left.saturating_sub(length_of_month(year, month));
        month = month.saturating_add(1);
    }
    let weekday = usize::try_from(days.checked_rem(7).unwrap_or(0)).unwrap_or(0);
    let second = seconds.checked_rem(DAY).unwrap_or(0);
    let (hour, minute) = (second.checked_div(3600).unwrap_or(0), second.checked_div(60).unwrap_or(0));
    format!(
        "{}, {:02} {} {year} {hour:02}:{:02}:{:02} GMT",
        DAYS.get(weekday).copied().unwrap_or_default(),
        left.saturating_add(1),
        MONTHS.get(month).copied().unwrap_or_default(),
        minute.checked_rem(60).unwrap_or(0),
        second.checked_rem(60).unwrap_or(0),
    )
}

/// Reads what [`http_date`] writes; the two older forms that HTTP allows are not read.
#[must_use]
pub fn from_http_date(text: &str) -> Option<u64> {
    let (_, rest) = text.trim().split_once(", ")?;
    let mut parts = rest.split(' ');
    let mut part = || parts.next();
    let day: u64 = part()?.parse().ok()?;
    let month_name = part()?;
    let month = MONTHS.iter().position(|name| *name == month_name)?;
    let year: u64 = part()?.parse().ok()?;
    let mut clock = part()?.split(':').map(|number| number.parse::<u64>().ok());
    let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next()??);
    if part()? != "GMT" || !(1970..=9999).contains(&year) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    if day == 0 || day > length_of_month(year, month) {
        return None;
    }
    let years: u64 = (1970..year).map(length_of_year).sum();
    let months: u64 = (0..month).map(|month| length_of_month(year, month)).sum();
    let days = years.checked_add(months)?.checked_add(day)?.checked_sub(1)?;
    days.checked_mul(DAY)?
        .checked_add(hour.checked_mul(3600)?)?
        .checked_add(minute.checked_mul(60)?)?
        .checked_add(second)
}

const fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

const fn length_of_year(year: u64) -> u64 {
    if is_leap(year) { 366 } else { 365 }
}

const fn length_of_month(year: u64, month: usize) -> u64 {
    match month {
        1 if is_leap(year) => 29,
        1 => 28,
        3 | 5 | 8 | 10 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (seconds, text) in [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
            (1_700_000_000, "Tue, 14 Nov 2023 22:13:20 GMT"),
            (4_107_542_399, "Sun, 28 Feb 2100 23:59:59 GMT"),
            (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"),
            (253_402_300_799, "Fri, 31 Dec 9999 23:59:59 GMT"),
        ] {
            assert_eq!(http_date(seconds), text);
            assert_eq!(from_http_date(text), Some(seconds));
        }
        assert_eq!(http_date(u64::MAX), "Fri, 31 Dec 9999 23:59:59 GMT");
    }

    #[test]
    fn what_is_no_date_is_none() {
        for text in [
            "",
            "Thu, 01 Jan 1970 00:00:00",
            "Thu, 00 Jan 1970 00:00:00 GMT",
            "Thu, 30 Feb 2000 00:00:00 GMT",
            "Thu, 01 Foo 1970 00:00:00 GMT",
            "Thu, 01 Jan 1969 00:00:00 GMT",
            "Thu, 01 Jan 1970 24:00:00 GMT",
            "Thursday, 01-Jan-70 00:00:00 GMT",
            "Thu, 18446744073709551615 Jan 1970 00:00:00 GMT",
        ] {
            assert_eq!(from_http_date(text), None, "{text}");
        }
    }
}
