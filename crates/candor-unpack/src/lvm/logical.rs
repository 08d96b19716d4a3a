//! One logical volume: its segments, and reading from them.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};

use super::SECTOR;
use super::text::{Section, Value};
use crate::medium::Medium;

/// Segments of one volume, and pieces that one segment is spread over.
const SEGMENTS: usize = 1 << 16;
const STRIPES: usize = 128;

/// A logical volume.
pub struct LogicalVolume<'a> {
    media: Vec<&'a dyn Medium>,
    /// By where they begin; none is empty.
    segments: Vec<Segment>,
    length: u64,
}

impl std::fmt::Debug for LogicalVolume<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "LogicalVolume({} bytes in {} segments)", self.length, self.segments.len())
    }
}

struct Segment {
    first: u64,
    length: u64,
    /// Medium and offset of each piece that it is spread over.
    places: Vec<(usize, u64)>,
    /// Bytes that stand together in one piece; of no matter when there is only one.
    stripe: u64,
}

/// What segments are read with.
pub(super) struct Places<'m> {
    pub(super) media: &'m [&'m dyn Medium],
    /// Bytes of an extent.
    pub(super) extent: u64,
    /// Medium and first extent of each physical volume; `None` for one that is not there.
    pub(super) volumes: BTreeMap<&'m str, Option<(usize, u64)>>,
}

/// What became of a logical volume.
pub(super) enum Read<'a> {
    Volume(LogicalVolume<'a>),
    /// Why it cannot be read.
    Closed(String),
    /// It is a part of another, and none for itself.
    Part,
}

/// The volume that keeps what a snapshot changes, if this one is a snapshot.
pub(super) fn store(volume: &Section) -> Option<&str> {
    volume.section("segment1").and_then(|segment| segment.text("cow_store"))
}

/// Puts a logical volume together.
pub(super) fn read<'m>(volume: &Section, places: &Places<'m>) -> Read<'m> {
    let is_visible = volume.says("status", "VISIBLE");
    let mut segments: Vec<Segment> = Vec::new();
    let count = volume.number("segment_count").unwrap_or(0);
    let listed = volume.sections.iter().filter(|(name, _)| name.starts_with("segment"));
    let mut found: Vec<&Section> = listed.map(|(_, segment)| segment).take(SEGMENTS).collect();
    if let Some(kind) = found.iter().filter_map(|segment| segment.text("type")).find(|kind| !is_plain(kind)) {
        // A snapshot is a volume that nobody sees: what it is of is told by its origin.
        return match (kind, is_visible) {
            ("snapshot", _) => {
                let origin = found.iter().find_map(|segment| segment.text("origin")).unwrap_or_default();
                Read::Closed(format!("it is a snapshot of {}, which is not read", super::plain(origin)))
            }
            (_, true) => Read::Closed(format!("it is of a kind ({}) that is not read", super::plain(kind))),
            (_, false) => Read::Part,
        };
    }
    if !is_visible {
        return Read::Part;
    }
    if u64::try_from(found.len()) != Ok(count) || found.is_empty() {
        return Read::Closed("segments of it are missing".to_owned());
    }
    found.sort_by_key(|segment| segment.number("start_extent"));
    let mut next = 0_u64;
    for segment in found {
        match read_segment(segment, places, next) {
            Ok(segment) => {
                next = next.saturating_add(segment.length);
                segments.push(segment);
            }
            Err(why) => return Read::Closed(why),
        }
    }
    Read::Volume(LogicalVolume { media: places.media.to_vec(), segments, length: next })
}

fn is_plain(kind: &str) -> bool {
    matches!(kind, "striped" | "linear")
}

/// Reads a segment that has to begin at `next`.
fn read_segment(segment: &Section, places: &Places<'_>, next: u64) -> Result<Segment, String> {
    let damaged = || "what is said of a segment of it makes no sense".to_owned();
    let extents = |name: &str| segment.number(name)?.checked_mul(places.extent);
    let (Some(first), Some(length)) = (extents("start_extent"), extents("extent_count")) else {
        return Err(damaged());
    };
    let list = segment.list("stripes");
    let (pairs, rest) = list.as_chunks::<2>();
    let is_long = segment.number("stripe_count").is_some_and(|count| u64::try_from(pairs.len()) != Ok(count));
    if first != next
        || length == 0
        || pairs.is_empty()
        || pairs.len() > STRIPES
        || !rest.is_empty()
        || is_long
    {
        return Err(damaged());
    }
    let mut stands = Vec::new();
    for pair in pairs {
        let [Value::Text(name), Value::Number(start)] = pair else { return Err(damaged()) };
        match places.volumes.get(name.as_str()) {
            Some(Some((index, begin))) => {
                let offset = start.checked_mul(places.extent).and_then(|offset| offset.checked_add(*begin));
                stands.push((*index, offset.ok_or_else(damaged)?));
            }
            Some(None) => {
                return Err(format!("a part of it stands on {}, which is not there", super::plain(name)));
            }
            None => return Err(damaged()),
        }
    }
    let stripe = segment.number("stripe_size").unwrap_or(0).saturating_mul(SECTOR);
    if stands.len() > 1 && stripe == 0 {
        return Err(damaged());
    }
    Ok(Segment { first, length, places: stands, stripe })
}

impl Segment {
    /// Medium and place of what stands at `at` in the segment, and how much stands there together.
    fn place(&self, at: u64) -> Option<(usize, u64, u64)> {
        let left = self.length.checked_sub(at)?;
        if let [(index, offset)] = self.places[..] {
            return Some((index, offset.checked_add(at)?, left));
        }
        let count = u64::try_from(self.places.len()).ok()?;
        let (number, within) = (at.checked_div(self.stripe)?, at.checked_rem(self.stripe)?);
        let which = usize::try_from(number.checked_rem(count)?).ok()?;
        let (index, offset) = *self.places.get(which)?;
        let row = number.checked_div(count)?.checked_mul(self.stripe)?.checked_add(within)?;
        Some((index, offset.checked_add(row)?, left.min(self.stripe.checked_sub(within)?)))
    }
}

impl LogicalVolume<'_> {
    /// Medium and offset, when it stands there in one piece.
    pub(super) fn piece(&self) -> Option<(usize, u64)> {
        let [first, ..] = &self.segments[..] else { return None };
        let [(index, start)] = first.places[..] else { return None };
        let follows = |segment: &Segment| {
            matches!(segment.places[..], [(other, offset)]
                if other == index && start.checked_add(segment.first) == Some(offset))
        };
        self.segments.iter().all(follows).then_some((index, start))
    }
}

impl Medium for LogicalVolume<'_> {
    fn length(&self) -> u64 {
        self.length
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() || offset >= self.length {
            return Ok(0);
        }
        let behind = self.segments.partition_point(|segment| segment.first <= offset);
        let segment = behind.checked_sub(1).and_then(|index| self.segments.get(index));
        let place = segment.and_then(|segment| segment.place(offset.checked_sub(segment.first)?));
        let missing = || io::Error::new(ErrorKind::UnexpectedEof, "a segment behind the end of its disk");
        let (index, place, most) = place.ok_or_else(missing)?;
        let most = usize::try_from(most).unwrap_or(usize::MAX).min(buffer.len());
        let buffer = buffer.get_mut(..most).unwrap_or_default();
        let medium = self.media.get(index).ok_or_else(missing)?;
        match medium.read_at(place, buffer)? {
            0 => Err(missing()),
            read => Ok(read),
        }
    }
}
