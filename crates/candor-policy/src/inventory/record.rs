//! Items as records: how a worker that reads hostile bytes tells what it saw, and how whoever asked takes it.
//!
//! A record is JSON of bounded size. Whoever takes it checks every bound again: a worker may have been taken over.

use serde::{Deserialize, Serialize};

use super::inside::Found;
use super::items::{Beside, LONGEST_TEXT, MOST_TRAITS, clean, clean_state};
use super::{Coverage, CoverageState, Interest, Item, Reader, disk, image, plan};

/// What one record says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Record {
    /// The next item.
    Item(Item),
    /// The last word about a source.
    Coverage(Coverage),
}

/// The reader that is asked for when nothing but the bytes can tell.
pub const ANY: &str = "any";

/// The reader that is asked for when a source is the index of a folder with an OCI layout, whose other files stand
/// beside it.
pub const LAYOUT: &str = "oci-layout";

/// What is said of a source that no reader knows.
pub const UNKNOWN: &str = "no reader knows what it is";

/// The name by which a source is handed over: which reader, and where it stands.
#[must_use]
pub fn name(reader: Option<Reader>, path: &str) -> String {
    // Of a long path the end tells more.
    let start = path.ceil_char_boundary(path.len().saturating_sub(900));
    format!("{}:{}", reader.map_or(ANY, Reader::name), path.get(start..).unwrap_or_default())
}

/// The name by which the index of a folder with an OCI layout is handed over.
#[must_use]
pub fn layout_name(path: &str) -> String {
    name(None, path).replacen(ANY, LAYOUT, 1)
}

/// Reads one source by the name that [`name`] gave it: gives records to `say`, and returns the last one.
/// Archives that hold an image of a container are many sources in one, and so are images of disks: of those,
/// `interest` says what else matters.
pub fn read(
    name: &str,
    bytes: &[u8],
    partial: Option<&str>,
    interest: &dyn Interest,
    say: &mut dyn FnMut(&[u8]),
) -> Vec<u8> {
    read_beside(name, bytes, partial, &[], interest, say)
}

/// The same of a source with other files beside it.
pub fn read_beside(
    name: &str,
    bytes: &[u8],
    partial: Option<&str>,
    beside: &[Beside<'_>],
    interest: &dyn Interest,
    say: &mut dyn FnMut(&[u8]),
) -> Vec<u8> {
    let (reader, path) = name.split_once(':').unwrap_or((ANY, name));
    let file = path.rsplit('/').next().unwrap_or(path);
    if reader == LAYOUT {
        let read = |give: &mut Give<'_>| image::layout(path, bytes, beside, interest, give);
        return Record::Coverage(many("image", path, partial, read, say)).encode();
    }
    if reader == ANY && image::is_archive(bytes) {
        let read = |give: &mut Give<'_>| image::read(path, bytes, interest, give);
        return Record::Coverage(many("image", path, partial, read, say)).encode();
    }
    if reader == ANY
        && let Some(file_type) = disk::is_image(bytes)
    {
        let read = |give: &mut Give<'_>| disk::read(path, file_type, bytes, interest, give);
        return Record::Coverage(many("disk", path, partial, read, say)).encode();
    }
    let reader = if reader == ANY { plan::reader_for(file, bytes) } else { Reader::by_name(reader) };
    let not_read = |why: &str| Coverage {
        reader: ANY.to_owned(),
        path: path.to_owned(),
        state: CoverageState::NotRead(why.to_owned()),
        items: 0,
    };
    let mut coverage = match (reader, partial) {
        (_, Some(why)) if bytes.is_empty() => not_read(why),
        (None, _) => not_read(UNKNOWN),
        (Some(reader), _) => {
            reader.read_beside(path, bytes, beside, &mut |item| say(&Record::Item(item).encode()))
        }
    };
    if let (Some(why), CoverageState::Read) = (partial, &coverage.state) {
        coverage.state = CoverageState::Partly(why.to_owned());
    }
    Record::Coverage(coverage).encode()
}

/// What takes what comes of many sources in one.
type Give<'g> = dyn FnMut(Found) + 'g;

fn many(
    reader: &str,
    path: &str,
    partial: Option<&str>,
    read: impl FnOnce(&mut Give<'_>) -> CoverageState,
    say: &mut dyn FnMut(&[u8]),
) -> Coverage {
    let mut items = 0_u64;
    let state = read(&mut |found| {
        say(&match found {
            Found::Item(item) => {
                items = items.saturating_add(1);
                Record::Item(item).encode()
            }
            Found::Coverage(coverage) => Record::Coverage(coverage).encode(),
        });
    });
    let state = match (partial, state) {
        (Some(why), CoverageState::Read) => CoverageState::Partly(why.to_owned()),
        (_, state) => state,
    };
    Coverage { reader: reader.to_owned(), path: clean(path), state: clean_state(state), items }
}

impl Record {
    /// The bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// What bytes say; `None` when it is nothing that [`read`] would say.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let record: Self = serde_json::from_slice(bytes).ok()?;
        let is_sound = match &record {
            Self::Item(item) => {
                is_short(&item.name)
                    && may_be_short(&item.version)
                    && is_short(&item.place.reader)
                    && is_short(&item.place.path)
                    && may_be_short(&item.place.inside)
                    && item.traits.len() <= MOST_TRAITS
                    && item.traits.iter().all(|one| is_short(&one.value))
                    && item.moments.values().all(|moment| is_short(moment))
            }
            Self::Coverage(coverage) => {
                is_short(&coverage.reader)
                    && is_short(&coverage.path)
                    && match &coverage.state {
                        CoverageState::Partly(why) | CoverageState::NotRead(why) => is_short(why),
                        CoverageState::Read | CoverageState::Absent => true,
                    }
            }
        };
        is_sound.then_some(record)
    }
}

/// Whether a reader would say a text: it is bounded and has nothing that drives a terminal.
pub(crate) fn is_short(text: &str) -> bool {
    text.len() <= LONGEST_TEXT && !text.contains(char::is_control)
}

/// The same of one that may be missing.
pub(crate) fn may_be_short(text: &Option<String>) -> bool {
    text.as_deref().is_none_or(is_short)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::{ItemKind, Surface};

    struct Nothing;

    impl Interest for Nothing {
        fn is_wanted(&self, _: &str, _: bool) -> bool {
            false
        }
    }

    #[test]
    fn what_is_said_is_taken_as_it_was() {
        let mut said = Vec::new();
        let last = read(
            &name(Some(Reader::Dpkg), "var/lib/dpkg/status"),
            b"Package: a\nVersion: 1\n",
            None,
            &Nothing,
            &mut |record| {
                said.push(Record::decode(record).unwrap());
            },
        );
        let [Record::Item(item)] = &said[..] else { panic!("{said:?}") };
        assert_eq!((item.kind, item.name.as_str()), (ItemKind::Package, "a"));
        let Some(Record::Coverage(coverage)) = Record::decode(&last) else { panic!("{last:?}") };
        assert_eq!((coverage.items, coverage.state), (1, CoverageState::Read));
    }

    #[test]
    fn what_was_not_wholly_handed_over_is_never_said_to_be_read() {
        let state = |bytes: &[u8], why: Option<&str>| {
            let last = read("dpkg:status", bytes, why, &Nothing, &mut |_| ());
            let Some(Record::Coverage(coverage)) = Record::decode(&last) else { panic!() };
            coverage.state
        };
        assert_eq!(
            state(b"Package: a\n", Some("it became shorter")),
            CoverageState::Partly("it became shorter".to_owned())
        );
        assert_eq!(
            state(b"", Some("input/output error")),
            CoverageState::NotRead("input/output error".to_owned())
        );
        assert_eq!(state(b"Package: a\n", None), CoverageState::Read);
    }

    #[test]
    fn records_that_nobody_would_say_are_refused() {
        let item = Item::new(ItemKind::Package, "a").with(Surface::LinuxPackage, "a");
        assert!(Record::decode(&Record::Item(item.clone()).encode()).is_some());
        let long = Item { name: "x".repeat(LONGEST_TEXT + 1), ..item.clone() };
        assert_eq!(Record::decode(&Record::Item(long).encode()), None);
        let control = Item { version: Some("\u{1b}[31m".to_owned()), ..item.clone() };
        assert_eq!(Record::decode(&Record::Item(control).encode()), None);
        let mut many = item;
        many.traits = vec![many.traits[0].clone(); MOST_TRAITS + 1];
        assert_eq!(Record::decode(&Record::Item(many).encode()), None);
        for bytes in [&b""[..], b"{}", b"[[[[", b"{\"item\":1}"] {
            assert_eq!(Record::decode(bytes), None);
        }
    }
}
