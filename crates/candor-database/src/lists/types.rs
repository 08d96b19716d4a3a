//! File-type rules (`.ftm`), made ready for the many layers that they are tried on.

use std::fmt;

use candor_model::{Facts, FileType};
use memchr::memmem::Finder;

use crate::content::evaluate::{Layer, Steps, find};
use crate::image::Image;
use crate::ir::{Element, FileMagic, MagicKind, OffsetBase, Pattern};

/// What one rule may cost on one layer. They see a kilobyte: only a rule made to be slow comes near.
const STEPS: u64 = 1 << 20;

/// The rules of an image that know a type by its bytes.
#[derive(Debug, Default)]
pub struct TypeRules {
    patterns: Vec<Rule>,
    places: Vec<MagicAt>,
}

/// A rule on bytes at a place.
#[derive(Debug)]
pub(super) struct MagicAt {
    pub(super) for_partition: bool,
    pub(super) required: FileType,
    pub(super) detected: FileType,
    pub(super) offset: usize,
    pub(super) bytes: Vec<u8>,
}

impl MagicAt {
    /// The type that it knows `bytes` to be, which are of type `current` as far as is known.
    pub(super) fn detects(&self, bytes: &[u8], partition: bool, current: FileType) -> Option<FileType> {
        // Nearly always this one byte says that it does not.
        let differs = bytes.get(self.offset) != self.bytes.first();
        if differs || self.bytes.is_empty() || self.for_partition != partition {
            return None;
        }
        let applies = self.required == FileType::Any || current == FileType::Any || self.required == current;
        let found = applies && bytes.get(self.offset..)?.starts_with(&self.bytes);
        found.then_some(self.detected)
    }
}

struct Rule {
    required: FileType,
    detected: FileType,
    pattern: Pattern,
    /// Bytes of the pattern that must be there.
    literal: Option<Finder<'static>>,
}

impl TypeRules {
    /// Those of `image`, but for those about the end of a file: only its beginning is looked at.
    #[must_use]
    pub fn new(image: &Image) -> Self {
        Self {
            patterns: image.magic_patterns().filter_map(|(_, magic)| Rule::new(magic)).collect(),
            places: image.magics().collect(),
        }
    }

    /// What [`Image::magic`] says.
    #[must_use]
    pub fn magic(&self, bytes: &[u8], partition: bool, current: FileType) -> Option<FileType> {
        // The last one decides.
        self.places.iter().rev().find_map(|magic| magic.detects(bytes, partition, current))
    }

    /// The type of something that begins with `prefix` and is of type `current` as far as is known. Of
    /// several rules that fit, the one decides whose type has the largest number, as in ClamAV, and types
    /// that are looked for inside of files have the largest. When it is one of what stands inside of other
    /// files or of a disk, which is found otherwise, nothing is decided.
    #[must_use]
    pub fn detect(&self, prefix: &[u8], current: FileType) -> Option<FileType> {
        let facts = Facts::default();
        let layer = Layer { bytes: prefix, facts: &facts };
        self.patterns
            .iter()
            .filter(|rule| rule.required == FileType::Any || rule.required == current)
            .filter(|rule| rule.literal.as_ref().is_none_or(|literal| literal.find(prefix).is_some()))
            .filter(|rule| {
                find(&rule.pattern, layer, 1, &mut Steps::new(STEPS)).is_ok_and(|found| found.count > 0)
            })
            .map(|rule| rule.detected)
            .max_by_key(|detected| (is_found_inside(*detected), detected.number()))
            .filter(|detected| !is_elsewhere(*detected))
    }
}

impl Rule {
    fn new(magic: FileMagic) -> Option<Self> {
        let FileMagic { kind: MagicKind::Pattern { pattern, .. }, required, detected } = magic else {
            return None;
        };
        if matches!(pattern.offset.base, OffsetBase::End(_)) {
            return None;
        }
        let literal = pattern
            .parts
            .iter()
            .flat_map(|part| &part.elements)
            .filter_map(|element| match element {
                Element::Bytes(bytes) if !pattern.ignore_case => Some(bytes),
                _ => None,
            })
            .max_by_key(|bytes| bytes.len())
            .map(|bytes| Finder::new(bytes).into_owned());
        Some(Self { required, detected, pattern, literal })
    }
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} -> {}", self.required, self.detected)
    }
}

/// Whether ClamAV looks for things of this type inside of other files.
const fn is_found_inside(file_type: FileType) -> bool {
    is_elsewhere(file_type)
        || matches!(
            file_type,
            FileType::AutoIt
                | FileType::Html
                | FileType::IshieldMsi
                | FileType::Mail
                | FileType::Mhtml
                | FileType::MsExe
                | FileType::Nulsft
                | FileType::Xdp
                | FileType::XmlHwp
                | FileType::XmlWord
                | FileType::XmlXl
        )
}

/// Whether a type is of what stands inside of files, or of disks.
const fn is_elsewhere(file_type: FileType) -> bool {
    matches!(
        file_type,
        FileType::Any
            | FileType::Error
            | FileType::Ignored
            | FileType::ZipSfx
            | FileType::RarSfx
            | FileType::CabSfx
            | FileType::ArjSfx
            | FileType::SevenZipSfx
            | FileType::EggSfx
            | FileType::Apm
            | FileType::Gpt
            | FileType::Mbr
            | FileType::Dmg
            | FileType::Iso9660
            | FileType::Udf
    )
}
