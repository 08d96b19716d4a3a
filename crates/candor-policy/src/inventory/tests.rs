//! What all tests of readers use: sources in, lines out.

use super::{Coverage, Item, READERS, Reader, Surface};

pub(super) fn read(reader: Reader, path: &str, bytes: &[u8]) -> (Vec<Item>, Coverage) {
    let mut items = Vec::new();
    let coverage = reader.read(path, bytes, &mut |item| items.push(item));
    assert_eq!(coverage.items, u64::try_from(items.len()).unwrap());
    (items, coverage)
}

/// The values on one surface, in the order in which they were seen.
pub(super) fn values(items: &[Item], surface: Surface) -> Vec<&str> {
    let traits = items.iter().flat_map(|item| &item.traits);
    traits.filter(|one| one.surface == surface).map(|one| one.value.as_str()).collect()
}

/// `Kind name version | where | traits | moments`.
pub(super) fn line(item: &Item) -> String {
    let traits: Vec<String> =
        item.traits.iter().map(|one| format!("{:?}={}", one.surface, one.value)).collect();
    let moments: Vec<String> = item.moments.iter().map(|(of, moment)| format!("{of:?}={moment}")).collect();
    let or = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    let moments = if moments.is_empty() { String::new() } else { format!(" | {}", moments.join(", ")) };
    format!(
        "{:?} {} {} | {} | {}{moments}",
        item.kind,
        item.name,
        or(&item.version),
        or(&item.place.inside),
        traits.join(", ")
    )
}

#[track_caller]
pub(super) fn check(reader: Reader, bytes: &[u8], expected: &[&str]) {
    check_at(reader, "some/place", bytes, expected);
}

#[track_caller]
pub(super) fn check_at(reader: Reader, path: &str, bytes: &[u8], expected: &[&str]) {
    let (items, coverage) = read(reader, path, bytes);
    assert_eq!(items.iter().map(line).collect::<Vec<_>>(), expected);
    assert_eq!(coverage.state, super::CoverageState::Read);
    assert!(items.iter().all(|item| item.place.reader == reader.name() && item.place.path == path));
}

#[test]
fn no_reader_falls_over_bytes_that_mean_nothing() {
    let noise: Vec<u8> =
        (0..4096_u32).map(|number| number.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect();
    for row in &READERS {
        for bytes in [&b""[..], b"\0", b"{", b"<", b"[[[[", &noise, &noise[..7]] {
            read(row.reader, "some/place", bytes);
        }
    }
}
