//! Moments of several origins, as RFC 3339 in UTC.

/// Seconds between 1601 and 1970, where the times of Windows begin.
const SINCE_1601: i64 = 11_644_473_600;

/// Seconds between 1970 and 2001, where the times of Apple begin.
const SINCE_2001: i64 = 978_307_200;

/// A moment in seconds since 1970, if it is one that people write with four digits.
pub(super) fn from_unix(seconds: i64) -> Option<String> {
    let days = seconds.div_euclid(86_400);
    let rest = seconds.rem_euclid(86_400);
    // Days from civil, after Howard Hinnant: eras of 400 years that begin in March.
    let shifted = days.checked_add(719_468)?;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = day_of_era
        .checked_sub(day_of_era / 1460)?
        .checked_add(day_of_era / 36_524)?
        .checked_sub(day_of_era / 146_096)?
        / 365;
    let before =
        year_of_era.checked_mul(365)?.checked_add(year_of_era / 4)?.checked_sub(year_of_era / 100)?;
    let day_of_year = day_of_era.checked_sub(before)?;
    let month_from_march = day_of_year.checked_mul(5)?.checked_add(2)? / 153;
    let day =
        day_of_year.checked_sub(month_from_march.checked_mul(153)?.checked_add(2)? / 5)?.checked_add(1)?;
    let (month, next) = if month_from_march < 10 {
        (month_from_march.checked_add(3)?, 0)
    } else {
        (month_from_march.checked_sub(9)?, 1)
    };
    let year = era.checked_mul(400)?.checked_add(year_of_era)?.checked_add(next)?;
    let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
    (0..=9999)
        .contains(&year)
        .then(|| format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z"))
}

/// A moment of Windows: tenths of microseconds since 1601. Zero is none.
pub(super) fn from_windows(ticks: u64) -> Option<String> {
    let seconds = i64::try_from(ticks / 10_000_000).ok()?;
    (ticks != 0).then(|| from_unix(seconds.checked_sub(SINCE_1601)?)).flatten()
}

/// A moment of Apple: seconds since 2001.
pub(super) fn from_apple(seconds: f64) -> Option<String> {
    // Beyond these no year has four digits.
    if !(-6.4e10..=2.6e11).contains(&seconds) {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "within the range that was just checked")]
    let whole = seconds.floor() as i64;
    from_unix(whole.checked_add(SINCE_2001)?)
}

/// `YYYYMMDD` as a date, as uninstall keys have it.
pub(super) fn from_digits(text: &str) -> Option<String> {
    let text = text.trim();
    let is_date = text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit());
    is_date.then(|| [text.get(..4)?, text.get(4..6)?, text.get(6..8)?].join("-").into()).flatten()
}

/// `YYYYMMDDHHMMSS` in UTC, as time stamps of signatures have it.
pub(super) fn from_stamp(text: &str) -> Option<String> {
    let date = from_digits(text.get(..8)?)?;
    let time = text.get(8..14).filter(|time| time.bytes().all(|byte| byte.is_ascii_digit()))?;
    Some(format!("{date}T{}:{}:{}Z", time.get(..2)?, time.get(2..4)?, time.get(4..6)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_of_all_origins_come_out_as_one() {
        let day = Some("2024-09-29T04:00:00Z".to_owned());
        assert_eq!(from_unix(1_727_582_400), day);
        assert_eq!(from_windows((1_727_582_400 + 11_644_473_600) * 10_000_000), day);
        assert_eq!(from_apple(f64::from(1_727_582_400_i32 - 978_307_200)), day);
        assert_eq!(from_stamp("20240929040000Z"), day);
        assert_eq!(from_digits("20240929").as_deref(), Some("2024-09-29"));
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (-1, "1969-12-31T23:59:59Z"),
            (4_102_444_799, "2099-12-31T23:59:59Z"),
        ] {
            assert_eq!(from_unix(seconds).as_deref(), Some(text));
        }
    }

    #[test]
    fn what_is_no_moment_is_none() {
        for seconds in [i64::MAX, i64::MIN, 1 << 60] {
            assert_eq!(from_unix(seconds), None);
        }
        assert_eq!(from_windows(0), None);
        assert_eq!(from_windows(u64::MAX), None);
        assert_eq!(from_apple(f64::NAN), None);
        assert_eq!(from_digits("2024-9-1"), None);
        assert_eq!(from_digits("éééé"), None);
        assert_eq!(from_stamp("2024é929040000"), None);
    }
}
