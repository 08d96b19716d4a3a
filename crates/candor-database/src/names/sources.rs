//! The table of sources: the files that signatures were written in.

use crate::builder::BuildError;
use crate::bytes::{Reader, put_run, run, u32_at};
use crate::image::{ImageWriter, LINE, SectionKind};
use crate::ir::{Refusal, Source, SourceId};

/// It came out of a verified container.
const OFFICIAL: u8 = 1;

/// It only counts when the user asks for potentially unwanted applications.
const POTENTIALLY_UNWANTED: u8 = 2;

/// The languages that a record can be read back with: a record lives in the image, its language in the
/// program.
const LANGUAGES: [&str; 38] = [
    "cat", "cbc", "cdb", "cfg", "crb", "db", "fp", "ftm", "gdb", "hdb", "hdu", "hsb", "hsu", "idb", "ign",
    "ign2", "imp", "info", "ioc", "ldb", "ldu", "mdb", "mdu", "msb", "msu", "ndb", "ndu", "pdb", "pwdb",
    "rmd", "sdb", "sfp", "text", "wdb", "yar", "yara", "zmd", "candor",
];

/// What the record of an unknown language is read as.
const OTHER: &str = "other";

/// Sources as they are announced, with the number of signatures of each.
#[derive(Debug, Default)]
pub(crate) struct SourcesBuilder {
    sources: Vec<(Source, u64)>,
}

impl SourcesBuilder {
    /// Takes a source and gives it a number.
    pub(crate) fn push(&mut self, source: Source) -> Result<SourceId, Refusal> {
        let id = u16::try_from(self.sources.len()).map_err(|_| Refusal::TooMany("sources"))?;
        self.sources.push((source, 0));
        Ok(SourceId(id))
    }

    /// The count of signatures of a source; `None` when it was not announced.
    pub(crate) fn count(&mut self, id: SourceId) -> Option<&mut u64> {
        self.sources.get_mut(usize::from(id.0)).map(|(_, count)| count)
    }

    /// Writes the table.
    pub(crate) fn finish(self, writer: &mut ImageWriter) -> Result<(), BuildError> {
        let too_large = || BuildError::TooLarge(SectionKind::Sources.name());
        let mut records = Vec::new();
        let mut starts = Vec::with_capacity(self.sources.len());
        for (source, count) in &self.sources {
            starts.push(u32::try_from(records.len()).map_err(|_| too_large())?);
            let official = if source.official { OFFICIAL } else { 0 };
            let potentially_unwanted = if source.potentially_unwanted { POTENTIALLY_UNWANTED } else { 0 };
            records.push(official | potentially_unwanted);
            records.extend_from_slice(&count.to_le_bytes());
            put_run(&mut records, source.language.as_bytes());
            put_run(&mut records, source.name.as_bytes());
        }
        let count = u32::try_from(starts.len()).map_err(|_| too_large())?;
        writer.section_with(SectionKind::Sources, LINE, |out| {
            out.extend_from_slice(&count.to_le_bytes());
            out.extend(starts.iter().flat_map(|start| start.to_le_bytes()));
            out.extend_from_slice(&records);
        });
        Ok(())
    }
}

/// The table of sources of an image.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sources<'a> {
    starts: &'a [u8],
    records: &'a [u8],
}

/// One source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SourceRecord<'a> {
    /// Name for people.
    pub(crate) name: &'a str,
    /// The language.
    pub(crate) language: &'static str,
    /// Whether it came out of a verified container.
    pub(crate) official: bool,
    /// Whether it only counts when the user asks for potentially unwanted applications.
    pub(crate) potentially_unwanted: bool,
    /// Number of signatures from it.
    pub(crate) signatures: u64,
}

impl<'a> Sources<'a> {
    /// The table in this section; one without sources when it is damaged.
    pub(crate) fn new(section: &'a [u8]) -> Self {
        Self::split(section).unwrap_or(Self { starts: &[], records: &[] })
    }

    fn split(section: &'a [u8]) -> Option<Self> {
        let length = usize::try_from(u32_at(section, 0)?).ok()?.checked_mul(4)?;
        Some(Self { starts: run(section, 4, length)?, records: section.get(length.checked_add(4)?..)? })
    }

    /// The source with this number.
    pub(crate) fn find(self, id: u16) -> Option<SourceRecord<'a>> {
        let start = usize::try_from(u32_at(self.starts, usize::from(id))?).ok()?;
        let mut reader = Reader::new(self.records.get(start..)?);
        let flags = reader.u8()?;
        let signatures = reader.u64()?;
        let language = reader.text()?;
        Some(SourceRecord {
            name: reader.text()?,
            language: LANGUAGES.into_iter().find(|known| *known == language).unwrap_or(OTHER),
            official: flags & OFFICIAL != 0,
            potentially_unwanted: flags & POTENTIALLY_UNWANTED != 0,
            signatures,
        })
    }

    /// Every source, in the order of its number.
    pub(crate) fn iter(self) -> impl Iterator<Item = SourceRecord<'a>> {
        (0..=u16::MAX).take(self.starts.len() / 4).filter_map(move |id| self.find(id))
    }
}
