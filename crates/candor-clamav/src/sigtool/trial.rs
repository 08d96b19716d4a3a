//! Tries signatures on a file: each body by itself, wherever it stands, as ClamAV's `sigtool --test-sigs` does.

use std::path::Path;

use candor_database::{Builder, Image, Scratch, Subject};
use candor_model::{Facts, FileType, Limits, Target};
use candor_signature::clamav;

use super::decode::{self, Place};
use super::work;
use crate::console::Console;
use crate::jailed::{Input, Saying};

/// Places that are told of one body.
const TOLD: usize = 1000;

/// How often the file may be searched for one body.
const SEARCHES: u32 = 64;

/// Tries the signatures at `signatures` on the file at `target`.
pub(super) fn run(signatures: &Path, target: Option<&Path>, console: &mut Console) -> bool {
    let Some(target) = target else {
        console.error("--test-sigs requires two arguments");
        return false;
    };
    let mut inputs = Vec::new();
    for path in [signatures, target] {
        match Input::open(path) {
            Ok(input) => inputs.push(input),
            Err(_) => {
                console.error(&format!("testsigs: Can't open file {}", path.display()));
                return false;
            }
        }
    }
    work(&inputs, console, |sources, say| {
        let [signatures, target] = sources else { return say.failed() };
        decode::all(&signatures.bytes, say, &mut |place, body, say| {
            let label = match place {
                Place::Whole(..) => "SUBSIG: ",
                Place::Part(..) => " +-> SUBSIG: ",
            };
            say.line([label.as_bytes(), body].concat());
            tried(place, body, &target.bytes, say);
        });
    })
}

fn tried(place: &Place<'_>, body: &[u8], bytes: &[u8], say: &mut Saying) {
    let Some(image) = image(place, body) else {
        return say.error("matchsig: Can't parse signature");
    };
    let (places, is_all) = places(&image, bytes);
    let Some(number) = Some(places.len()).filter(|number| *number > 0) else {
        return say.line("MATCH: ** NO **");
    };
    let anywhere = matches!(place, Place::Whole(b"*"));
    let answer = if anywhere { "YES" } else { "YES/CHECK OFFSET" };
    let noun = if number == 1 { "match at offset:" } else { "matches at offsets:" };
    // The last one comes first, as in ClamAV.
    let places: Vec<String> = places.iter().rev().map(u64::to_string).collect();
    let least = if is_all { "" } else { "at least " };
    say.line(format!("MATCH: ** {answer} ** ({least}{number} {noun} {})", places.join(" ")));
}

/// An image of one signature: this body, wherever it stands.
fn image(place: &Place<'_>, body: &[u8]) -> Option<Image> {
    let mut line = b"Body;Engine:51-255,Target:0;".to_vec();
    // An expression needs something that triggers it: nothing does, so it is tried by itself.
    if body.contains(&b'/') {
        return None;
    }
    line.extend_from_slice(b"0;");
    line.extend_from_slice(body);
    if let Place::Part(letters) = place
        && !letters.is_empty()
    {
        line.extend_from_slice(b"::");
        line.extend_from_slice(letters);
    }
    let input = candor_signature::Input { name: "body.ldb", bytes: &line };
    let mut builder = Builder::new();
    clamav::load(&[input], clamav::Options::default(), &mut builder, &mut |_| ());
    if builder.is_empty() {
        return None;
    }
    Image::from_vec(builder.finish().ok()?).ok()
}

/// Where the body stands, and whether these are all places.
fn places(image: &Image, bytes: &[u8]) -> (Vec<u64>, bool) {
    let facts = Facts::default();
    let mut scratch = Scratch::new();
    let mut places: Vec<u64> = Vec::new();
    let mut from = 0_usize;
    for _ in 0..SEARCHES {
        let Some(rest) = bytes.get(from..) else { return (places, true) };
        let subject = Subject {
            bytes: rest,
            file_type: FileType::BinaryData,
            target: Target::Any,
            file_size: u64::try_from(rest.len()).unwrap_or(u64::MAX),
            facts: &facts,
            parents: &[],
            rules: None,
        };
        let mut hits = Vec::new();
        let undecided = image.search(&subject, &Limits::default(), &mut scratch, &mut hits);
        let start = u64::try_from(from).unwrap_or(u64::MAX);
        let found = hits.iter().flat_map(|hit| &hit.matches).map(|one| one.offset.saturating_add(start));
        places.extend(found);
        places.sort_unstable();
        places.dedup();
        if !undecided.is_empty() || places.len() >= TOLD {
            return (places, false);
        }
        let last = places.last().copied().filter(|last| *last >= start && !hits.is_empty());
        let Some(last) = last.and_then(|last| usize::try_from(last).ok()) else { return (places, true) };
        from = last.saturating_add(1);
    }
    (places, false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_is_found() {
        let image = image(&Place::Whole(b"*"), b"4d41524b").unwrap();
        let text = [&b"MARK "[..]; 30].concat();
        let (found, is_all) = places(&image, &text);
        assert!(is_all);
        assert_eq!(found, (0..30).map(|number| number * 5).collect::<Vec<_>>());
        assert_eq!(places(&image, b"mark"), (Vec::new(), true));
        assert_eq!(places(&image, b""), (Vec::new(), true));
    }

    #[test]
    fn a_search_without_end_is_given_up() {
        let image = image(&Place::Whole(b"*"), b"41414141").unwrap();
        let (found, is_all) = places(&image, &vec![b'A'; 4000]);
        assert!(!is_all && !found.is_empty());
    }
}
