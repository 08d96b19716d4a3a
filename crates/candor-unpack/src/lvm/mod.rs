//! Physical volumes of LVM2: the logical volumes that stand on them.
//!
//! Layout: <https://github.com/libyal/libvslvm/blob/main/documentation/Logical%20Volume%20Manager%20(LVM)%20format.asciidoc>
//! and `man 8 pvck`.
//!
//! ```text
//! one of the first four sectors: "LABELONE", 8 its number, 16 check, 20 where the header is; 24 "LVM2 001"
//!       the header: 32 letters of its name, its length, areas of data, areas of metadata
//!       an area of metadata: check, " LVM2 x[5A%r0N*>", version, place, length; which texts in it count
//!       a text: the group, its physical volumes, its logical volumes in segments of extents
//! ```
//!
//! Each physical volume of a group has the text of all, so of several texts of one group the newest with the right
//! check counts. A logical volume of linear and striped segments whose physical volumes are all there is given; every
//! other one is told by its name: thin ones, caches, RAID, snapshots, those on a disk that is elsewhere.
//!
//! Hostile texts have segments over one another (each is read where it is said to stand, and paid for), segments behind
//! the end of the disk (what is there is given, the rest is an error), and as many volumes as they have letters.

mod logical;
#[cfg(test)]
mod tests;
mod text;

use std::collections::{BTreeMap, BTreeSet};

use candor_model::{ChildKind, Content, Flow, Member, Reason, Sink};

use crate::crc::IEEE;
use crate::medium::{Medium, Whole, taken};
use crate::reader::{Reader, clipped};

pub use logical::LogicalVolume;
use text::Section;

const SECTOR: u64 = 512;
/// What checks begin with.
const START: u32 = 0xf597_a6cf;
/// Bytes of one text. How many areas a physical volume has, and texts an area, is bounded by the sector that says where
/// they are.
const TEXT: u64 = 8 << 20;
/// Groups, and logical volumes of all; names, values and sections of all texts.
const GROUPS: usize = 64;
const LOGICAL: usize = 4096;
const NODES: usize = 500_000;
/// Letters of a name.
const NAME: usize = 128;

/// A logical volume as it is found.
#[derive(Debug)]
pub enum Found<'a> {
    /// One that can be read.
    Volume(LogicalVolume<'a>),
    /// One that cannot be, and why.
    Closed(String),
}

/// What takes logical volumes, with the names of the group and of the volume.
pub(crate) type Take<'t> = dyn FnMut(&mut dyn Sink, &str, &Found<'_>) -> Flow + 't;

/// Gives the logical volumes on one physical volume.
pub(crate) fn unpack(bytes: &[u8], sink: &mut dyn Sink) {
    walk(&[&bytes], sink, &mut children(&[bytes]));
}

/// Gives logical volumes as children: those that stand in `bytes` in one piece where they stand.
pub(crate) fn children<'b>(
    media: &'b [&'b [u8]],
) -> impl FnMut(&mut dyn Sink, &str, &Found<'_>) -> Flow + 'b {
    let mut position = 0_u64;
    move |sink, name, found| {
        position = position.saturating_add(1);
        let member = Member { name: name.to_owned(), position, ..Member::default() };
        let volume = match found {
            Found::Volume(volume) => volume,
            Found::Closed(why) => {
                let reason = Reason::Unsupported(format!("the logical volume {name}: {why}"));
                return sink.child(ChildKind::Extracted, &member, Content::Absent(reason));
            }
        };
        let length = volume.length();
        let member = Member { real_size: Some(length), ..member };
        let piece = volume.piece().and_then(|(index, offset)| Some((media.get(index)?, offset)));
        let Some((bytes, offset)) = piece else {
            let mut stream = Whole { medium: volume, at: 0 };
            return sink.child(ChildKind::Extracted, &member, Content::Stream(&mut stream));
        };
        let content = clipped(bytes, offset, length);
        if u64::try_from(content.len()).unwrap_or(0) < length {
            let why = format!("the logical volume {name} reaches behind the end");
            sink.incomplete(Reason::Malformed(why));
        }
        // Where it stands is only of this file's use when there is one file, and when that is as long.
        let is_inside = offset <= u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let kind = match media {
            [_] if is_inside => ChildKind::Embedded { offset },
            _ => ChildKind::Extracted,
        };
        sink.child(kind, &member, Content::Bytes(content))
    }
}

/// Whether a medium begins with the label of a physical volume.
pub fn is_physical(medium: &dyn Medium) -> bool {
    label(medium).is_some()
}

/// Gives the logical volumes of all groups that the physical volumes `media` are of.
pub fn walk(media: &[&dyn Medium], sink: &mut dyn Sink, take: &mut Take<'_>) {
    let mut physical: BTreeMap<Vec<u8>, usize> = BTreeMap::new();
    let mut groups: BTreeMap<String, Group> = BTreeMap::new();
    let mut unknown: BTreeMap<Vec<u8>, usize> = BTreeMap::new();
    let mut nodes = NODES;
    for (index, medium) in media.iter().enumerate() {
        let Some(label) = label(*medium) else {
            sink.incomplete(Reason::Malformed("the label of a physical volume of LVM".to_owned()));
            continue;
        };
        if !label.is_sound {
            sink.incomplete(Reason::Malformed(
                "the check of the label of a physical volume of LVM".to_owned(),
            ));
        }
        if physical.insert(label.name.clone(), index).is_some() {
            sink.incomplete(Reason::Malformed("two physical volumes of LVM with one name".to_owned()));
        }
        // One that no area says anything of is of a group all the same, or of none.
        if label.areas.is_empty() {
            unknown.insert(label.name.clone(), index);
        }
        for (offset, length) in label.areas {
            if let Err(reason) =
                area(&Area { medium: *medium, offset, length }, &mut nodes, sink, &mut groups)
            {
                sink.incomplete(reason);
                return;
            }
        }
    }
    for group in groups.values() {
        let known = group.physical().into_values().map(|volume| volume.name);
        known.for_each(|name| {
            unknown.remove(&name);
        });
    }
    if !unknown.is_empty() {
        let why = "what is said of a physical volume of LVM stands on another disk".to_owned();
        sink.incomplete(Reason::Unsupported(why));
    }
    let mut left = LOGICAL;
    for group in groups.values() {
        if !group.is_sound {
            let why = format!("the metadata of the volume group {}", group.name);
            sink.incomplete(Reason::Malformed(why));
        }
        if group.each(media, &physical, &mut left, sink, take) == Flow::Stop {
            return;
        }
    }
    if left == 0 {
        sink.incomplete(Reason::Children);
    }
}

/// What the label of a physical volume says.
struct Label {
    name: Vec<u8>,
    /// Place and length of its areas of metadata.
    areas: Vec<(u64, u64)>,
    is_sound: bool,
}

fn label(medium: &dyn Medium) -> Option<Label> {
    let start = taken(medium, 0, 4 * SECTOR);
    let sector = start
        .chunks(usize::try_from(SECTOR).ok()?)
        .find(|sector| sector.starts_with(b"LABELONE") && sector.get(24..32) == Some(b"LVM2 001"))?;
    let reader = Reader::little(sector);
    let (check, offset) = (reader.at(16)?.u32()?, reader.at(20)?.u32()?);
    let is_sound = IEEE.on(START, sector.get(20..)?) == check;
    let mut header = reader.at(u64::from(offset))?;
    let name = header.take(32)?.to_vec();
    header.skip(8)?;
    // The areas of data end with zeros; where data begins is said by the metadata.
    while (header.u64()?, header.u64()?) != (0, 0) {}
    let mut areas = Vec::new();
    while let (Some(place), Some(length)) = (header.u64(), header.u64()) {
        if (place, length) == (0, 0) {
            break;
        }
        areas.push((place, length));
    }
    Some(Label { name, areas, is_sound })
}

/// An area of metadata.
struct Area<'a> {
    medium: &'a dyn Medium,
    offset: u64,
    length: u64,
}

/// Takes the groups that the texts of an area are of.
fn area(
    area: &Area<'_>,
    nodes: &mut usize,
    sink: &mut dyn Sink,
    groups: &mut BTreeMap<String, Group>,
) -> Result<(), Reason> {
    let damaged =
        |what: &str| Reason::Malformed(format!("{what} of an area of metadata of LVM at {}", area.offset));
    let header = taken(area.medium, area.offset, SECTOR);
    let reader = Reader::little(&header);
    let fields = || Some((reader.at(0)?.u32()?, reader.at(4)?.take(16)?, header.get(4..)?));
    let Some((check, _, content)) = fields().filter(|(_, mark, _)| *mark == b"\x20LVM2 x[5A%r0N*>") else {
        sink.incomplete(damaged("the mark"));
        return Ok(());
    };
    if IEEE.on(START, content) != check {
        sink.incomplete(damaged("the check"));
    }
    let Some(mut rows) = reader.at(40) else { return Ok(()) };
    loop {
        let mut row = || Some((rows.u64()?, rows.u64()?, rows.u32()?, rows.u32()?));
        let Some((offset, length, check, flags)) = row().filter(|row| (row.0, row.1) != (0, 0)) else {
            break;
        };
        if flags & 1 != 0 {
            continue;
        }
        if length > TEXT {
            sink.incomplete(Reason::Unsupported("so long metadata of LVM".to_owned()));
            continue;
        }
        sink.budget().admit(length)?;
        sink.budget().spend(length)?;
        let text = area.text(offset, length);
        let is_sound = IEEE.on(START, &text) == check && u64::try_from(text.len()) == Ok(length);
        let (content, is_whole) = text::parse(&text, nodes);
        let Some(group) = Group::read(content, is_sound && is_whole) else {
            sink.incomplete(damaged("the text"));
            continue;
        };
        let known = groups.get(&group.id);
        // A sound text is better than any other, and of these the newest.
        if known.is_none_or(|known| (known.is_sound, known.number) < (group.is_sound, group.number)) {
            if known.is_none() && groups.len() >= GROUPS {
                return Err(Reason::Children);
            }
            groups.insert(group.id.clone(), group);
        }
    }
    Ok(())
}

impl Area<'_> {
    /// A text, which goes on at the front, behind the header, where it reaches the end of the area.
    fn text(&self, offset: u64, length: u64) -> Vec<u8> {
        let first = length.min(self.length.saturating_sub(offset));
        let mut text = taken(self.medium, self.offset.saturating_add(offset), first);
        let rest = length.saturating_sub(first);
        if rest > 0 {
            text.extend(taken(self.medium, self.offset.saturating_add(SECTOR), rest));
        }
        text
    }
}

/// A group of volumes.
struct Group {
    id: String,
    name: String,
    number: u64,
    is_sound: bool,
    content: Section,
}

/// Where a physical volume has its extents.
struct Physical {
    name: Vec<u8>,
    /// In bytes.
    first: u64,
}

impl Physical {
    fn read(section: &Section) -> Self {
        // Labels have the name without what divides it.
        let name = section.text("id").unwrap_or_default().bytes().filter(|byte| *byte != b'-').collect();
        Self { name, first: section.number("pe_start").unwrap_or(0).saturating_mul(SECTOR) }
    }
}

impl Group {
    fn read(whole: Section, is_sound: bool) -> Option<Self> {
        let is_group = |section: &Section| section.number("extent_size").is_some();
        let (name, content) = whole.sections.into_iter().find(|(_, section)| is_group(section))?;
        let id = content.text("id").unwrap_or_default().to_owned();
        let number = content.number("seqno").unwrap_or(0);
        Some(Self { id, name: plain(&name), number, is_sound, content })
    }

    /// The physical volumes by what the segments call them.
    fn physical(&self) -> BTreeMap<&str, Physical> {
        let listed = self.content.section("physical_volumes").map_or(&[][..], |section| &section.sections);
        listed.iter().map(|(name, section)| (name.as_str(), Physical::read(section))).collect()
    }

    /// Gives each logical volume that is one for itself.
    fn each(
        &self,
        media: &[&dyn Medium],
        there: &BTreeMap<Vec<u8>, usize>,
        left: &mut usize,
        sink: &mut dyn Sink,
        take: &mut Take<'_>,
    ) -> Flow {
        let extent = self.content.number("extent_size").unwrap_or(0).saturating_mul(SECTOR);
        let mut places = logical::Places { media, extent, volumes: BTreeMap::new() };
        for (name, volume) in self.physical() {
            places.volumes.insert(name, there.get(&volume.name).map(|index| (*index, volume.first)));
        }
        let listed = self.content.section("logical_volumes").map_or(&[][..], |section| &section.sections);
        // What holds the old content of another is read by nobody for itself.
        let stores: BTreeSet<&str> = listed.iter().filter_map(|(_, volume)| logical::store(volume)).collect();
        for (name, section) in listed {
            if stores.contains(name.as_str()) {
                continue;
            }
            let found = match logical::read(section, &places) {
                logical::Read::Volume(volume) => Found::Volume(volume),
                logical::Read::Closed(why) => Found::Closed(why),
                logical::Read::Part => continue,
            };
            let Some(fewer) = left.checked_sub(1) else { return Flow::Continue };
            *left = fewer;
            // A snapshot is known by the name of what keeps its changes.
            let name = logical::store(section).unwrap_or(name);
            let name = format!("{}/{}", self.name, plain(name));
            if take(sink, &name, &found) == Flow::Stop {
                return Flow::Stop;
            }
        }
        Flow::Continue
    }
}

/// A name without what would end it in a path.
fn plain(name: &str) -> String {
    let letter = |letter: char| if matches!(letter, '/' | '!') || letter.is_control() { '_' } else { letter };
    name.chars().take(NAME).map(letter).collect()
}
