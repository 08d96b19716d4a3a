//! Encodes names as they come, so that the builder never holds more than the encoded table.

use super::{
    BLOCK, LINE_BEHIND, LONGEST, LONGEST_END, MIDDLE_BEHIND, MIDDLE_BITS, SHARED_BEHIND, SOURCE_BEHIND,
};
use crate::builder::BuildError;
use crate::bytes::{put_run, put_varint};
use crate::image::{ImageWriter, LINE, SectionKind, SignatureId};
use crate::ir::{Header, Refusal};

/// The table as far as it is written.
#[derive(Debug, Default)]
pub(crate) struct NamesBuilder {
    encoded: Vec<u8>,
    blocks: Vec<u32>,
    count: u32,
    /// What the next name is compared with.
    name: Vec<u8>,
    source: u16,
    line: u32,
}

impl NamesBuilder {
    /// Number of names taken so far.
    pub(crate) const fn len(&self) -> u32 {
        self.count
    }

    /// The number that a signature with this header would get.
    ///
    /// # Errors
    /// The table has no room for it.
    pub(crate) fn next(&self, header: &Header<'_>) -> Result<SignatureId, Refusal> {
        if header.name.len() > LONGEST {
            return Err(Refusal::TooMany("bytes in a name"));
        }
        // A block starts at an offset of four bytes, and the count itself must fit.
        let room = u32::try_from(self.encoded.len()).is_ok();
        match self.count.checked_add(1) {
            Some(_) if room => Ok(SignatureId(self.count)),
            _ => Err(Refusal::TooMany("signatures")),
        }
    }

    /// Takes the name that [`next`](Self::next) gave a number to.
    pub(crate) fn push(&mut self, header: &Header<'_>) {
        let name = header.name.as_bytes();
        let (source, line) = (header.source.0, header.line);
        if usize::try_from(self.count).is_ok_and(|count| count.is_multiple_of(BLOCK)) {
            self.blocks.push(u32::try_from(self.encoded.len()).unwrap_or(u32::MAX));
            put_varint(&mut self.encoded, source.into());
            put_varint(&mut self.encoded, line.into());
            put_run(&mut self.encoded, name);
            self.name.clear();
            self.name.extend_from_slice(name);
        } else {
            self.push_difference(name, source, line);
        }
        (self.source, self.line) = (source, line);
        self.count = self.count.saturating_add(1);
    }

    fn push_difference(&mut self, name: &[u8], source: u16, line: u32) {
        let shared = self.name.iter().zip(name).take_while(|(before, now)| before == now).count();
        let short = u8::try_from(shared).ok().filter(|short| *short < SHARED_BEHIND);
        let next_line = Some(line) == self.line.checked_add(1);
        let mut control = short.unwrap_or(SHARED_BEHIND);
        if source != self.source {
            control |= SOURCE_BEHIND;
        } else if !next_line {
            control |= LINE_BEHIND;
        }
        self.encoded.push(control);
        if control & SOURCE_BEHIND != 0 {
            put_varint(&mut self.encoded, source.into());
            put_varint(&mut self.encoded, line.into());
        } else if control & LINE_BEHIND != 0 {
            put_varint(&mut self.encoded, zigzag(i64::from(line).wrapping_sub(self.line.into())));
        }
        if short.is_none() {
            put_varint(&mut self.encoded, shared as u64);
        }
        self.push_middle(shared, name);
        self.name.truncate(shared);
        self.name.extend_from_slice(name.get(shared..).unwrap_or_default());
    }

    /// Appends what stands between the shared start and the shared end.
    fn push_middle(&mut self, shared: usize, name: &[u8]) {
        let before = self.name.get(shared..).unwrap_or_default();
        let rest = name.get(shared..).unwrap_or_default();
        let same = before.iter().rev().zip(rest.iter().rev()).take_while(|(before, now)| before == now);
        let end = same.take(LONGEST_END).count();
        let middle = rest.get(..rest.len().saturating_sub(end)).unwrap_or_default();
        let short = u8::try_from(middle.len()).ok().filter(|short| *short < MIDDLE_BEHIND);
        let end = u8::try_from(end).unwrap_or(0);
        self.encoded.push(short.unwrap_or(MIDDLE_BEHIND) | end << MIDDLE_BITS);
        if short.is_none() {
            put_varint(&mut self.encoded, middle.len() as u64);
        }
        self.encoded.extend_from_slice(middle);
    }

    /// Writes the table.
    pub(crate) fn finish(self, writer: &mut ImageWriter) -> Result<(), BuildError> {
        if u32::try_from(self.encoded.len()).is_err() {
            return Err(BuildError::TooLarge(SectionKind::Names.name()));
        }
        writer.section_with(SectionKind::NameBlocks, LINE, |out| {
            out.extend(self.blocks.iter().flat_map(|start| start.to_le_bytes()));
        });
        writer.section(SectionKind::Names, LINE, &self.encoded);
        Ok(())
    }
}

/// Small numbers of either sign as small numbers: 0, -1, 1, -2, …
const fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)).cast_unsigned()
}
