//! Numbers as people write and read them.

use std::time::Duration;

/// A number of bytes as options take it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size(pub(crate) u64);

impl std::str::FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        parse_bytes(text).map(Self)
    }
}

impl std::fmt::Display for Size {
    /// As [`from_str`](std::str::FromStr::from_str) reads it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (shift, unit) in [(40, "T"), (30, "G"), (20, "M"), (10, "K")] {
            if self.0 > 0 && self.0.trailing_zeros() >= shift {
                return write!(f, "{}{unit}", self.0 >> shift);
            }
        }
        write!(f, "{}", self.0)
    }
}

/// Bytes as hexadecimal digits.
pub(crate) fn hexadecimal(bytes: impl AsRef<[u8]>) -> String {
    bytes.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Parses a number of bytes such as `4096`, `512K`, `1.5G`. Units are powers of 1024.
pub(crate) fn parse_bytes(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let shift = match unit.trim().trim_end_matches("iB").trim_end_matches('B').to_ascii_uppercase().as_str() {
        "" => 0,
        "K" => 10,
        "M" => 20,
        "G" => 30,
        "T" => 40,
        _ => return Err(format!("unknown unit {unit:?}; K, M, G and T are known")),
    };
    let wrong = || String::from("not a size such as 4096, 512K, 100M or 2G");
    let too_large = || String::from("too large");
    if let Some((whole, fraction)) = number.split_once('.') {
        let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().map_err(|_| wrong())? };
        if fraction.is_empty() || fraction.len() > 6 {
            return Err(wrong());
        }
        let scale = 10_u128.pow(u32::try_from(fraction.len()).map_err(|_| wrong())?);
        let part: u128 = fraction.parse().map_err(|_| wrong())?;
        let bytes = (u128::from(whole) << shift) + ((part << shift) / scale);
        return u64::try_from(bytes).map_err(|_| too_large());
    }
    if number.is_empty() {
        return Err(wrong());
    }
    let number: u64 = number.parse().map_err(|_| too_large())?;
    number.checked_mul(1 << shift).ok_or_else(too_large)
}

/// A number with its thousands apart: `1,234,567`.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number and its noun: `1 file`, `2 files`.
pub(crate) fn counted(number: u64, noun: &str) -> String {
    format!("{} {noun}{}", count(number), if number == 1 { "" } else { "s" })
}

/// A number of bytes for people: `317 bytes`, `1.2 GiB`.
pub(crate) fn bytes(number: u64) -> String {
    const UNITS: [(u64, &str); 4] = [(1 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    for (size, unit) in UNITS {
        if number >= size {
            let tenths = u128::from(number) * 10 / u128::from(size);
            return if tenths >= 1000 {
                format!("{} {unit}", count(number / size))
            } else {
                format!("{}.{} {unit}", tenths / 10, tenths % 10)
            };
        }
    }
    counted(number, "byte")
}

/// A time for people: `0.042 s`, `3.4 s`, `2 min 5 s`.
pub(crate) fn duration(time: Duration) -> String {
    let seconds = time.as_secs();
    if seconds >= 3600 {
        format!("{} h {} min", seconds / 3600, seconds % 3600 / 60)
    } else if seconds >= 60 {
        format!("{} min {} s", seconds / 60, seconds % 60)
    } else if seconds >= 1 {
        format!("{:.1} s", time.as_secs_f64())
    } else {
        format!("{:.3} s", time.as_secs_f64())
    }
}

/// Bytes a second, for people; nothing when the time is too short to say.
pub(crate) fn rate(number: u64, time: Duration) -> Option<String> {
    let millis = time.as_millis();
    if millis < 10 {
        return None;
    }
    let rate = u64::try_from(u128::from(number) * 1000 / millis).ok()?;
    Some(format!("{}/s", bytes(rate)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read() {
        for (size, text) in [(0, "0"), (1, "1"), (1 << 10, "1K"), (3 << 29, "1536M"), (1 << 40, "1T")] {
            assert_eq!(Size(size).to_string(), text);
            assert_eq!(parse_bytes(text), Ok(size));
        }
        assert_eq!(parse_bytes("0"), Ok(0));
        assert_eq!(parse_bytes("4096"), Ok(4096));
        assert_eq!(parse_bytes("512K"), Ok(512 << 10));
        assert_eq!(parse_bytes("100m"), Ok(100 << 20));
        assert_eq!(parse_bytes("2GiB"), Ok(2 << 30));
        assert_eq!(parse_bytes("1.5G"), Ok(3 << 29));
        assert_eq!(parse_bytes("1T"), Ok(1 << 40));
        for wrong in ["", "K", "-1", "1X", "1.2.3", "1.", "99999999999999999999", "99999999999T", "1e3"] {
            assert!(parse_bytes(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn numbers_are_written() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(counted(1, "file"), "1 file");
        assert_eq!(bytes(1), "1 byte");
        assert_eq!(bytes(1023), "1,023 bytes");
        assert_eq!(bytes(1536), "1.5 KiB");
        assert_eq!(bytes(1023 << 10), "1,023 KiB");
        assert_eq!(bytes(u64::MAX), "16,777,215 TiB");
        assert_eq!(duration(Duration::from_millis(42)), "0.042 s");
        assert_eq!(duration(Duration::from_secs(125)), "2 min 5 s");
        assert_eq!(rate(10 << 20, Duration::from_millis(500)).as_deref(), Some("20.0 MiB/s"));
        assert_eq!(rate(1, Duration::from_millis(1)), None);
    }
}
