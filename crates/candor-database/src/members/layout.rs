//! What a signature on members asks for, and how it stands in its section.

use candor_model::FileType;

use super::expression;
use crate::bytes::{Reader, put_run, put_varint};
use crate::image::{ImageWriter, LINE, SectionKind, SignatureId};
use crate::ir::{ContainerMember, LegacyMember, Range, Refusal};
use crate::records::put_record;

/// What a member must be like. `None` is anything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Conditions {
    pub(super) container: Option<FileType>,
    pub(super) container_size: Option<Range>,
    pub(super) name: Option<String>,
    pub(super) compressed_size: Option<Range>,
    pub(super) real_size: Option<Range>,
    pub(super) encrypted: Option<bool>,
    pub(super) position: Option<Range>,
    pub(super) crc32: Option<u32>,
    pub(super) method: Option<u16>,
}

impl From<ContainerMember> for Conditions {
    fn from(member: ContainerMember) -> Self {
        Self {
            container: member.container,
            container_size: member.container_size,
            name: member.name,
            compressed_size: member.compressed_size,
            real_size: member.real_size,
            encrypted: member.encrypted,
            position: member.position,
            crc32: member.crc32,
            method: None,
        }
    }
}

impl From<LegacyMember> for Conditions {
    /// The greatest depth is left out. ClamAV does not look at it either, and lists written for mail
    /// worms allow fewer archives than a mail in an archive has containers.
    fn from(member: LegacyMember) -> Self {
        let exactly = |value: Option<u64>| value.map(|value| Range { min: value, max: value });
        Self {
            container: Some(member.container),
            container_size: None,
            name: member.name,
            compressed_size: exactly(member.compressed_size),
            real_size: exactly(member.real_size),
            encrypted: Some(member.encrypted),
            position: exactly(member.position),
            crc32: member.crc32,
            method: member.method,
        }
    }
}

impl Conditions {
    fn write(&self, out: &mut Vec<u8>) {
        let present = [
            self.container.is_some(),
            self.container_size.is_some(),
            self.name.is_some(),
            self.compressed_size.is_some(),
            self.real_size.is_some(),
            self.encrypted.is_some(),
            self.position.is_some(),
            self.crc32.is_some(),
            self.method.is_some(),
        ];
        put_varint(out, present.iter().rev().fold(0, |bits, present| bits << 1 | u64::from(*present)));
        let range = |out: &mut Vec<u8>, range: Option<Range>| {
            range
                .into_iter()
                .flat_map(|range| [range.min, range.max])
                .for_each(|bound| put_varint(out, bound));
        };
        out.extend(self.container.map(FileType::number));
        range(out, self.container_size);
        if let Some(name) = &self.name {
            put_run(out, name.as_bytes());
        }
        range(out, self.compressed_size);
        range(out, self.real_size);
        out.extend(self.encrypted.map(u8::from));
        range(out, self.position);
        if let Some(crc32) = self.crc32 {
            put_varint(out, crc32.into());
        }
        if let Some(method) = self.method {
            put_varint(out, method.into());
        }
    }

    /// Reads what [`write`](Self::write) wrote.
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let present = reader.varint()?;
        let has = |bit: u32| present.checked_shr(bit).is_some_and(|bits| bits & 1 == 1);
        let mut read = Self::default();
        if has(0) {
            read.container = Some(FileType::from_number(reader.u8()?)?);
        }
        read.container_size = range_if(has(1), reader)?;
        if has(2) {
            read.name = Some(reader.text()?.to_owned());
        }
        read.compressed_size = range_if(has(3), reader)?;
        read.real_size = range_if(has(4), reader)?;
        if has(5) {
            read.encrypted = Some(reader.u8()? != 0);
        }
        read.position = range_if(has(6), reader)?;
        if has(7) {
            read.crc32 = Some(u32::try_from(reader.varint()?).ok()?);
        }
        if has(8) {
            read.method = Some(u16::try_from(reader.varint()?).ok()?);
        }
        Some(read)
    }
}

/// The range that follows if there is one; the outer `None` is damage, the inner one absence.
fn range_if(present: bool, reader: &mut Reader<'_>) -> Option<Option<Range>> {
    if present { Some(Some(Range { min: reader.varint()?, max: reader.varint()? })) } else { Some(None) }
}

/// Signatures on members as they come.
#[derive(Debug, Default)]
pub(crate) struct MembersBuilder {
    section: Vec<u8>,
}

impl MembersBuilder {
    /// Takes a `.cdb` signature.
    pub(crate) fn add(&mut self, id: SignatureId, member: ContainerMember) -> Result<(), Refusal> {
        self.push(id, &member.into())
    }

    /// Takes a `.zmd` or `.rmd` signature.
    pub(crate) fn add_legacy(&mut self, id: SignatureId, member: LegacyMember) -> Result<(), Refusal> {
        self.push(id, &member.into())
    }

    fn push(&mut self, id: SignatureId, conditions: &Conditions) -> Result<(), Refusal> {
        if let Some(name) = &conditions.name {
            expression::compile(name).map_err(Refusal::Regex)?;
        }
        put_record(&mut self.section, id, |record| conditions.write(record));
        Ok(())
    }

    /// Writes the list.
    pub(crate) fn finish(self, writer: &mut ImageWriter) {
        writer.section(SectionKind::Members, LINE, &self.section);
    }
}
