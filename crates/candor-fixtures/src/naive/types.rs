//! File-type rules (`.ftm`): what something is that Candor's own rules know as text or data only.

use candor_database::Subject;
use candor_database::ir::{FileMagic, MagicKind, OffsetBase};
use candor_model::{Facts, FileType, Target};

use super::{MacroGroups, pattern};

/// As much as rules see.
const BEGINNING: usize = 1024;

/// What rules, in the order in which they were loaded, say of something that begins with `bytes` and is of type `known`
/// otherwise. `None`: it stays what it is.
#[must_use]
pub fn file_type(rules: &[&FileMagic], bytes: &[u8], known: FileType) -> Option<FileType> {
    let bytes = bytes.get(..BEGINNING).unwrap_or(bytes);
    // Bytes at a place go first, whatever they require; of several the last one decides.
    let by_bytes = rules.iter().rev().find(|rule| match &rule.kind {
        MagicKind::At { offset, bytes: wanted, partition: false } => usize::try_from(*offset)
            .ok()
            .and_then(|offset| bytes.get(offset..))
            .is_some_and(|rest| !wanted.is_empty() && rest.starts_with(wanted)),
        _ => false,
    });
    if let Some(rule) = by_bytes {
        return Some(rule.detected).filter(|found| *found != FileType::Ignored);
    }
    rules
        .iter()
        .filter(|rule| rule.required == FileType::Any || rule.required == known)
        .filter(
            |rule| matches!(&rule.kind, MagicKind::Pattern { pattern, .. } if is_in(pattern, bytes, known)),
        )
        .map(|rule| rule.detected)
        .max_by_key(|found| (is_looked_for_inside(*found), found.number()))
        .filter(|found| !STANDS_ELSEWHERE.contains(found))
}

fn is_in(pattern: &candor_database::ir::Pattern, bytes: &[u8], known: FileType) -> bool {
    let facts = Facts::default();
    let subject = Subject {
        bytes,
        file_type: known,
        target: Target::Any,
        file_size: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
        facts: &facts,
        parents: &[],
        rules: None,
    };
    // The end is not looked at.
    !matches!(pattern.offset.base, OffsetBase::End(_))
        && !pattern::hits(pattern, &MacroGroups::default(), &subject).is_empty()
}

/// Types that ClamAV looks for inside of files of other types: they win over all that are not.
fn is_looked_for_inside(file_type: FileType) -> bool {
    STANDS_ELSEWHERE.contains(&file_type) || STANDS_ANYWHERE.contains(&file_type)
}

/// Those that may be what a whole file is, too.
const STANDS_ANYWHERE: [FileType; 11] = [
    FileType::AutoIt,
    FileType::Html,
    FileType::IshieldMsi,
    FileType::Mail,
    FileType::Mhtml,
    FileType::MsExe,
    FileType::Nulsft,
    FileType::Xdp,
    FileType::XmlHwp,
    FileType::XmlWord,
    FileType::XmlXl,
];

/// Those that are found in another way, and what is no type.
const STANDS_ELSEWHERE: [FileType; 15] = [
    FileType::Any,
    FileType::Apm,
    FileType::ArjSfx,
    FileType::CabSfx,
    FileType::Dmg,
    FileType::EggSfx,
    FileType::Error,
    FileType::Gpt,
    FileType::Ignored,
    FileType::Iso9660,
    FileType::Mbr,
    FileType::RarSfx,
    FileType::SevenZipSfx,
    FileType::Udf,
    FileType::ZipSfx,
];
