//! Where a pattern may start, as ranges of file offsets.

use std::ops::RangeInclusive;

use candor_database::Subject;
use candor_database::ir::{Offset, OffsetBase};
use candor_model::Section;

/// The offsets that `offset` allows in `subject`; none when it refers to something that is not there.
pub(super) fn allowed(offset: Offset, subject: &Subject<'_>) -> Vec<RangeInclusive<u64>> {
    let length = u64::try_from(subject.bytes.len()).unwrap_or(u64::MAX);
    let executable = subject.facts.executable.as_ref();
    let section = |index: usize| executable.and_then(|executable| executable.sections.get(index));
    let from = |start: Option<u64>| -> Vec<RangeInclusive<u64>> {
        start.map(|start| start..=start.saturating_add(offset.shift)).into_iter().collect()
    };
    match offset.base {
        OffsetBase::Any => vec![0..=u64::MAX],
        OffsetBase::Start(distance) => from(Some(distance)),
        OffsetBase::End(distance) => from(length.checked_sub(distance)),
        OffsetBase::EntryPoint(distance) => {
            let entry = executable.and_then(|executable| executable.entry_point);
            from(entry.and_then(|entry| entry.checked_add_signed(distance)))
        }
        OffsetBase::Section { index, distance } => from(
            section(usize::try_from(index).unwrap_or(usize::MAX))
                .and_then(|section| behind(section, distance)),
        ),
        OffsetBase::LastSection(distance) => {
            let last = executable.and_then(|executable| executable.sections.last());
            from(last.and_then(|section| behind(section, distance)))
        }
        OffsetBase::WithinSection(index) => section(usize::try_from(index).unwrap_or(usize::MAX))
            // The first byte behind the section still counts as inside.
            .map(|section| section.raw_offset..=section.raw_offset.saturating_add(section.raw_size))
            .into_iter()
            .collect(),
        // A shift means nothing here: a pattern starts right at a key.
        OffsetBase::VersionInfo => {
            let strings = executable.map_or(&[][..], |executable| executable.version_strings.as_slice());
            strings.iter().map(|string| string.offset..=string.offset).collect()
        }
    }
}

/// Whether `position` lies in one of `ranges`.
pub(super) fn contains(ranges: &[RangeInclusive<u64>], position: usize) -> bool {
    u64::try_from(position).is_ok_and(|position| ranges.iter().any(|range| range.contains(&position)))
}

fn behind(section: &Section, distance: u64) -> Option<u64> {
    section.raw_offset.checked_add(distance)
}
