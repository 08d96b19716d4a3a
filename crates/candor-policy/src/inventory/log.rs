//! What a scanner of another vendor wrote into the log of the system: how old its signatures are.
//!
//! Format: lines of syslog whose message is JSON with an `EventType`, from programs that write so. `AVBasesDate`
//! in such a line is when the signatures were published, and is kept as the moment that it is.

use serde_json::Value;

use super::bytes::lossy;
use super::{Item, ItemKind, Items, Moment, Surface};

/// Lines that are looked into.
const LINES: usize = 4_000_000;

/// Reads a log.
pub(super) fn read(bytes: &[u8], items: &mut Items<'_>) {
    let text = lossy(bytes);
    // The newest of each kind is enough, and all of a year's would be too many.
    let mut last: std::collections::BTreeMap<String, Item> = std::collections::BTreeMap::new();
    for (number, line) in (1_usize..).zip(text.lines()) {
        if number > LINES {
            items.partly("it has more lines than are read");
            break;
        }
        if !line.contains("\"EventType\"") {
            continue;
        }
        let Some((head, Ok(Value::Object(event)))) = line
            .find('{')
            .and_then(|at| line.split_at_checked(at))
            .map(|(head, body)| (head, serde_json::from_str::<Value>(body.trim_end())))
        else {
            continue;
        };
        // `Sep 29 04:00:00 host program[123]: {`
        let program = head.trim_end().trim_end_matches(':').rsplit(' ').next().unwrap_or_default();
        let program = program.split('[').next().unwrap_or_default();
        let of = |key: &str| event.get(key).and_then(Value::as_str).unwrap_or_default();
        let name = format!("{program}:{}", of("EventType"));
        let bases = event.get("AVBasesDate").or_else(|| event.get("BaseDate")).and_then(moment);
        if last.len() < 4096 || last.contains_key(&name) {
            let item = Item::new(ItemKind::Setting, &name)
                .with_version(of("ProductVersion"))
                .seen_in(&format!("line {number}"))
                .with(Surface::LogEvent, &name)
                .with_moment(Moment::Bases, bases)
                .with_moment(Moment::Updated, event.get("Date").and_then(moment));
            let keeps = last
                .get(&name)
                .is_some_and(|known| known.moments.get(&Moment::Bases) > item.moments.get(&Moment::Bases));
            if !keeps {
                last.insert(name, item);
            }
        }
    }
    last.into_values().for_each(|item| items.push(item));
}

/// A moment as such logs have it: seconds since 1970, or a text that begins with a date.
fn moment(value: &Value) -> Option<String> {
    if let Some(seconds) = value.as_i64() {
        return super::time::from_unix(seconds);
    }
    let text = value.as_str()?;
    if let Ok(seconds) = text.parse() {
        return super::time::from_unix(seconds);
    }
    moment_of(text)
}

/// `2024-09-29 04:00:00`, `2024-09-29T04:00:00Z` and dates alone, as RFC 3339; a time without a zone is UTC.
pub(super) fn moment_of(text: &str) -> Option<String> {
    let text = text.trim();
    let date = text.get(..10)?;
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let is_date = date
        .bytes()
        .enumerate()
        .all(|(at, byte)| if matches!(at, 4 | 7) { byte == b'-' } else { byte.is_ascii_digit() });
    if !is_date {
        return None;
    }
    let Some(time) = text.get(11..19) else { return Some(date.to_owned()) };
    let is_time = time.split(':').count() == 3 && time.split(':').all(|part| part.len() == 2 && digits(part));
    if !is_time {
        return Some(date.to_owned());
    }
    let zone = text
        .get(19..)
        .unwrap_or_default()
        .trim_start_matches(|character: char| character == '.' || character.is_ascii_digit());
    let zone = match zone.trim() {
        zone if zone.len() == 6 && zone.starts_with(['+', '-']) => zone,
        _ => "Z",
    };
    Some(format!("{date}T{time}{zone}"))
}

#[cfg(test)]
mod tests {
    use super::moment_of;
    use crate::inventory::Reader;
    use crate::inventory::tests::check;

    #[test]
    fn the_newest_date_of_each_event_is_kept() {
        let text = "\
Jan  1 00:00:00 host kesl[7]: {\"EventType\":\"AVBasesAreOutOfDate\",\"AVBasesDate\":\"2025-01-02 03:04:05\"}
Jan  2 00:00:00 host kesl[7]: {\"EventType\":\"AVBasesAreOutOfDate\",\"AVBasesDate\":\"2024-01-02 03:04:05\"}
Jan  2 00:00:00 host other: AVBasesDate 2026-01-01
Jan  2 00:00:00 host kesl: {\"EventType\":\"TaskStateChanged\",\"Date\":1727582400}
Jan  2 00:00:00 host kesl: {\"EventType\": broken
";
        check(
            Reader::Log,
            text.as_bytes(),
            &[
                "Setting kesl:AVBasesAreOutOfDate - | line 1 | LogEvent=kesl:AVBasesAreOutOfDate | Bases=2025-01-02T03:04:05Z",
                "Setting kesl:TaskStateChanged - | line 4 | LogEvent=kesl:TaskStateChanged | Updated=2024-09-29T04:00:00Z",
            ],
        );
    }

    #[test]
    fn moments_without_a_zone_are_utc_and_others_keep_theirs() {
        for (text, moment) in [
            ("2024-09-29", Some("2024-09-29")),
            ("2024-09-29 04:00:00", Some("2024-09-29T04:00:00Z")),
            ("2024-09-29T04:00:00.123+03:00", Some("2024-09-29T04:00:00+03:00")),
            ("29.09.2024", None),
            ("", None),
        ] {
            assert_eq!(moment_of(text).as_deref(), moment, "{text}");
        }
    }
}
