//! exFAT: entries of 32 bytes in sets, one for the attributes, one for the place, and some for the name.

use std::collections::BTreeSet;
use std::io::Read as _;

use candor_model::{ChildKind, Content, Flow, Member, Reason, Sink};

use super::{DIRECTORY, ENTRIES, ENTRY, FOLDERS, PATH, directory_cut, extent};
use crate::extents::{Extent, Extents};
use crate::medium::{Medium, Window, taken};
use crate::reader::Reader;
use crate::work::{charge, units};

/// What an entry of a set costs besides its first, in the units of [`candor_model::Budget::pay_work`].
const FURTHER: u64 = 16;

#[derive(Clone, Copy)]
struct Volume<'a> {
    medium: &'a dyn Medium,
    table: Window<'a>,
    clusters: u64,
    cluster: u64,
}

/// Where a file or directory stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Place {
    first: u32,
    length: u64,
    /// Whether its clusters follow one another, so that the table says nothing about them.
    is_contiguous: bool,
}

impl<'a> Volume<'a> {
    fn read(medium: &'a dyn Medium) -> Option<(Self, u32)> {
        let boot = taken(medium, 0, 512);
        let mut fields = Reader::little(&boot).at(80)?;
        let (table, table_length, clusters) = (fields.u32()?, fields.u32()?, fields.u32()?);
        fields.skip(4)?;
        let root = fields.u32()?;
        let (&sector, &cluster) = (boot.get(108)?, boot.get(109)?);
        if !(9..=12).contains(&sector) || cluster > 25 {
            return None;
        }
        let bytes_of = |sectors: u32| u64::from(sectors).wrapping_shl(u32::from(sector));
        let volume = Self {
            medium,
            table: Window::new(medium, bytes_of(table), bytes_of(table_length)),
            clusters: bytes_of(clusters),
            cluster: bytes_of(1).wrapping_shl(u32::from(cluster)),
        };
        Some((volume, root))
    }

    fn stream(self, place: Place) -> Extents<'a, Box<dyn Iterator<Item = Extent> + 'a>> {
        let first = Some(place.first).filter(|first| *first >= 2);
        let chain: Box<dyn Iterator<Item = u32> + 'a> = if place.is_contiguous {
            Box::new(std::iter::successors(first, |cluster| cluster.checked_add(1)))
        } else {
            Box::new(std::iter::successors(first, move |cluster| {
                let entry = taken(&self.table, u64::from(*cluster).saturating_mul(4), 4);
                let next = Reader::little(&entry).u32()?;
                (2..0xffff_fff7).contains(&next).then_some(next)
            }))
        };
        let pieces = chain.map(move |cluster| extent(self.clusters, self.cluster, cluster));
        Extents::new(self.medium, Box::new(pieces), place.length)
    }
}

/// Gives every file.
pub(super) fn walk(medium: &dyn Medium, sink: &mut dyn Sink) {
    let Some((volume, root)) = Volume::read(medium) else {
        sink.incomplete(Reason::Malformed("the boot sector of an exFAT volume".to_owned()));
        return;
    };
    // The root goes on to the end of its chain.
    let mut open = vec![(Place { first: root, length: u64::MAX, is_contiguous: false }, String::new())];
    let mut seen = BTreeSet::new();
    let (mut position, mut left) = (0_u64, ENTRIES);
    while let Some((place, path)) = open.pop() {
        if !seen.insert(place.first) {
            continue;
        }
        let mut content = Vec::new();
        // One byte more shows whether there is more.
        let place = Place { length: place.length.min(DIRECTORY.saturating_add(1)), ..place };
        // It ends where its chain ends, which is no error here.
        let mut stream = volume.stream(place);
        let _ = stream.read_to_end(&mut content);
        if stream.is_in_piece() {
            sink.incomplete(directory_cut(&path));
        }
        if let Err(reason) = sink.budget().spend(u64::try_from(content.len()).unwrap_or(u64::MAX)) {
            sink.incomplete(reason);
            return;
        }
        let mut entries = content.as_chunks::<32>().0.iter();
        let mut is_cut = u64::try_from(content.len()).is_ok_and(|length| length > DIRECTORY);
        while let Some(entry) = entries.next() {
            // Behind the end there is nothing, however long the directory is.
            if entry.first() == Some(&0) {
                is_cut = false;
                break;
            }
            let Some(fewer) = left.checked_sub(1) else {
                sink.incomplete(Reason::Children);
                return;
            };
            left = fewer;
            let &[0x85, count, _, _, attributes, ..] = entry else { continue };
            // The entries behind it are looked at once more where each of them is the first of a set.
            let price = u64::from(count).saturating_mul(FURTHER).saturating_add(ENTRY);
            if !charge(price.saturating_add(units(path.len())), sink) {
                return;
            }
            let Some((name, place)) = set(entries.clone().take(usize::from(count))) else { continue };
            let name = format!("{path}{name}");
            if attributes & 16 != 0 {
                if open.len() >= FOLDERS {
                    sink.incomplete(Reason::Children);
                    return;
                }
                if name.len() < PATH {
                    open.push((place, name + "/"));
                } else {
                    sink.incomplete(Reason::Depth);
                }
                continue;
            }
            if place.length == 0 {
                continue;
            }
            position = position.saturating_add(1);
            let member = Member { name, position, real_size: Some(place.length), ..Member::default() };
            let mut stream = volume.stream(place);
            if sink.child(ChildKind::Extracted, &member, Content::Stream(&mut stream)) == Flow::Stop {
                return;
            }
        }
        if is_cut {
            sink.incomplete(Reason::Children);
        }
    }
}

/// Name and place of a file, from the entries behind its first.
fn set<'e>(entries: impl Iterator<Item = &'e [u8; 32]>) -> Option<(String, Place)> {
    let mut place = None;
    let mut units: Vec<u16> = Vec::new();
    let mut length = 0;
    for entry in entries {
        match entry {
            &[0xc0, flags, _, name_length, ..] => {
                let first = Reader::little(entry).at(20)?.u32()?;
                // What stands behind the valid length is zeros, whatever the clusters hold.
                let valid = Reader::little(entry).at(8)?.u64()?;
                let whole = Reader::little(entry).at(24)?.u64()?;
                length = usize::from(name_length);
                place = Some(Place { first, length: valid.min(whole), is_contiguous: flags & 2 != 0 });
            }
            [0xc1, _, name @ ..] => {
                units.extend(name.as_chunks::<2>().0.iter().map(|unit| u16::from_le_bytes(*unit)));
            }
            _ => {}
        }
    }
    units.truncate(length);
    place.map(|place| (String::from_utf16_lossy(&units), place))
}
