//! Puts runs of bytes where the offsets of a signature want them, in a file of the right kind.

use candor_database::ir::{Offset, OffsetBase, TargetDescription};
use candor_fixtures::executable::{Executable, Kind, SectionRecipe};
use candor_model::{Facts, FileType, Target};

use super::bytes::Run;

/// A file that was laid out.
pub(super) struct Layout {
    pub(super) bytes: Vec<u8>,
    pub(super) facts: Facts,
    pub(super) file_type: FileType,
    /// Where each run starts, in the order they were given.
    pub(super) places: Vec<usize>,
}

/// Lays out `runs`, each with its offset.
pub(super) fn lay_out(
    target: Target,
    description: Option<&TargetDescription>,
    runs: &[(Offset, Run)],
) -> Result<Layout, &'static str> {
    let (mut bytes, facts, file_type) = host(target, description, runs)?;
    let mut places = vec![0; runs.len()];
    let mut tail = Vec::new();
    // First what has its place, then what goes anywhere, then what is counted from the end.
    for (place, (offset, run)) in places.iter_mut().zip(runs) {
        if let Some(at) = fixed(*offset, &facts)? {
            *place = at;
            put(&mut bytes, at, run)?;
        }
    }
    for (place, (offset, run)) in places.iter_mut().zip(runs) {
        if offset.base == OffsetBase::Any {
            bytes.extend([0; 4]);
            bytes.extend(&run.before);
            *place = bytes.len();
            bytes.extend(&run.bytes);
            bytes.extend(&run.behind);
            bytes.extend([0; 4]);
        }
    }
    if let Some(range) = description.and_then(|description| description.file_size) {
        let least = usize::try_from(range.min).map_err(|_| "is for very large files")?;
        if least > MAX_LENGTH {
            return Err("is for very large files");
        }
        if bytes.len() < least {
            bytes.resize(least, 0);
        }
    }
    for (_, run) in runs.iter().filter(|(offset, _)| matches!(offset.base, OffsetBase::End(_))) {
        tail.resize(tail.len().max(run.before.len() + run.bytes.len()), 0);
    }
    let distances = runs.iter().filter_map(|(offset, _)| match offset.base {
        OffsetBase::End(distance) => usize::try_from(distance).ok(),
        _ => None,
    });
    let missing = distances.max().unwrap_or(0).saturating_sub(bytes.len());
    if missing > MAX_LENGTH {
        return Err("has too large an offset");
    }
    bytes.extend(tail);
    bytes.extend(std::iter::repeat_n(0, missing));
    let length = bytes.len();
    for (place, (offset, run)) in places.iter_mut().zip(runs) {
        if let OffsetBase::End(distance) = offset.base {
            let at = usize::try_from(distance).ok().and_then(|distance| length.checked_sub(distance));
            let at = at.ok_or("has too large an offset")?;
            // A run that reaches over the end may start later, as far as its shift allows.
            let late = (at + run.bytes.len()).saturating_sub(length);
            if late as u64 > offset.shift {
                return Err("does not fit between its offset and the end");
            }
            let at = at - late;
            *place = at;
            put(&mut bytes, at, run)?;
        }
    }
    Ok(Layout { bytes, facts, file_type, places })
}

const MAX_LENGTH: usize = 8 << 20;

/// An empty file, or an executable with room for what is in it.
fn host(
    target: Target,
    description: Option<&TargetDescription>,
    runs: &[(Offset, Run)],
) -> Result<(Vec<u8>, Facts, FileType), &'static str> {
    let kind = match target {
        Target::Pe => Kind::Pe32,
        Target::Elf => Kind::Elf64,
        Target::MachO => Kind::MachO64,
        _ => {
            let file_type = FileType::ALL.iter().copied().find(|known| known.target() == target);
            return Ok((Vec::new(), Facts::default(), file_type.unwrap_or(FileType::BinaryData)));
        }
    };
    let mut sections = 1_u64;
    let mut room = 0_u64;
    for (offset, run) in runs {
        let length = u64::try_from(run.bytes.len() + run.behind.len()).unwrap_or(u64::MAX);
        let distance = match offset.base {
            OffsetBase::EntryPoint(distance) => distance.unsigned_abs(),
            OffsetBase::LastSection(distance) => distance,
            OffsetBase::Section { index, distance } => {
                sections = sections.max(u64::from(index) + 1);
                distance
            }
            OffsetBase::WithinSection(index) => {
                sections = sections.max(u64::from(index) + 1);
                0
            }
            OffsetBase::VersionInfo => return Err("is anchored at version information"),
            _ => 0,
        };
        room = room.saturating_add(distance).saturating_add(length);
    }
    if let Some(range) = description.and_then(|description| description.sections) {
        sections = sections.max(range.min);
    }
    if sections > 90 || room > 1 << 20 {
        return Err("has too large an offset");
    }
    let length = usize::try_from(room).unwrap_or(0) + 0x40;
    let sections = (0..sections)
        .map(|index| SectionRecipe { name: format!("s{index}"), bytes: vec![0; length] })
        .collect();
    let mut recipe = Executable::new(kind, sections);
    recipe.entry = (0, u32::try_from(room / 2).unwrap_or(0));
    if let Some(range) = description.and_then(|description| description.entry_point) {
        let (_, facts) = recipe.build();
        let first = facts
            .executable
            .and_then(|executable| executable.sections.into_iter().find(|it| it.raw_offset > 0));
        let first = first.map_or(0, |section| section.raw_offset);
        let distance = range.min.max(first) - first;
        recipe.entry = (0, u32::try_from(distance).map_err(|_| "wants a far entry point")?);
    }
    let (bytes, facts) = recipe.build();
    Ok((bytes, facts, kind.file_type()))
}

/// The place that `offset` names, if it does not depend on the length.
fn fixed(offset: Offset, facts: &Facts) -> Result<Option<usize>, &'static str> {
    let executable = facts.executable.as_ref();
    let section = |index: u32| executable.and_then(|it| it.sections.get(usize::try_from(index).ok()?));
    let place = match offset.base {
        OffsetBase::Any | OffsetBase::End(_) => return Ok(None),
        OffsetBase::Start(distance) => Some(distance),
        OffsetBase::EntryPoint(distance) => {
            executable.and_then(|it| it.entry_point).and_then(|entry| entry.checked_add_signed(distance))
        }
        OffsetBase::Section { index, distance } => {
            section(index).map(|section| section.raw_offset + distance)
        }
        OffsetBase::LastSection(distance) => {
            executable.and_then(|it| it.sections.last()).map(|section| section.raw_offset + distance)
        }
        // Not at the very start: the headers of ELF files belong to their first, empty section.
        OffsetBase::WithinSection(index) => {
            section(index).map(|section| section.raw_offset + section.raw_size / 4)
        }
        OffsetBase::VersionInfo => None,
    };
    place
        .and_then(|place| usize::try_from(place).ok())
        .map(Some)
        .ok_or("refers to a place that cannot be made")
}

fn put(bytes: &mut Vec<u8>, at: usize, run: &Run) -> Result<(), &'static str> {
    let start = at.saturating_sub(run.before.len());
    if at > MAX_LENGTH {
        return Err("has too large an offset");
    }
    let end = at + run.bytes.len() + run.behind.len();
    if bytes.len() < end {
        bytes.resize(end, 0);
    }
    bytes[start..at].copy_from_slice(&run.before[run.before.len() - (at - start)..]);
    bytes[at..at + run.bytes.len()].copy_from_slice(&run.bytes);
    bytes[at + run.bytes.len()..end].copy_from_slice(&run.behind);
    Ok(())
}
