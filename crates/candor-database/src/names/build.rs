//! Encodes names as they come, so that the builder never holds more than the encoded table, nor that where it can be put aside.

use super::{
    BLOCK, LINE_BEHIND, LONGEST, LONGEST_END, MIDDLE_BEHIND, MIDDLE_BITS, SHARED_BEHIND, SOURCE_BEHIND,
};
use crate::builder::BuildError;
use crate::bytes::{put_run, put_varint};
use crate::image::{ImageWriter, LINE, SectionKind, SignatureId};
use crate::ir::{Header, Refusal};
use crate::spill::{Pile, Spill};

/// The table as far as it is written.
#[derive(Debug, Default)]
pub(crate) struct NamesBuilder {
    encoded: Pile,
    blocks: Vec<u32>,
    count: u32,
    /// What the next name is compared with.
    name: Vec<u8>,
    source: u16,
    line: u32,
}

impl NamesBuilder {
    /// An empty table.
    pub(crate) fn new(spill: &Spill) -> Self {
        Self { encoded: Pile::new(spill), ..Self::default() }
    }

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
            self.encoded.append(|out| {
                put_varint(out, source.into());
                put_varint(out, line.into());
                put_run(out, name);
            });
            self.name.clear();
            self.name.extend_from_slice(name);
        } else {
            let Self { encoded, name: before, .. } = self;
            let shared = before.iter().zip(name).take_while(|(before, now)| before == now).count();
            let written = (self.source, self.line);
            encoded.append(|out| {
                put_difference(out, (before.as_slice(), name), shared, written, (source, line))
            });
            before.truncate(shared);
            before.extend_from_slice(name.get(shared..).unwrap_or_default());
        }
        (self.source, self.line) = (source, line);
        self.count = self.count.saturating_add(1);
    }

    /// Writes the table.
    pub(crate) fn finish(self, writer: &mut ImageWriter) -> Result<(), BuildError> {
        if u32::try_from(self.encoded.len()).is_err() {
            return Err(BuildError::TooLarge(SectionKind::Names.name()));
        }
        writer.section_with(SectionKind::NameBlocks, LINE, |out| {
            out.extend(self.blocks.iter().flat_map(|start| start.to_le_bytes()));
        });
        writer.section_with(SectionKind::Names, LINE, |out| self.encoded.write(out))
    }
}

/// Appends a name by what it has in common with the one before: their first `shared` bytes. `written` and `now` are
/// the source and the line of both.
fn put_difference(
    out: &mut Vec<u8>,
    (before, name): (&[u8], &[u8]),
    shared: usize,
    written: (u16, u32),
    now: (u16, u32),
) {
    let ((source_before, line_before), (source, line)) = (written, now);
    let short = u8::try_from(shared).ok().filter(|short| *short < SHARED_BEHIND);
    let next_line = Some(line) == line_before.checked_add(1);
    let mut control = short.unwrap_or(SHARED_BEHIND);
    if source != source_before {
        control |= SOURCE_BEHIND;
    } else if !next_line {
        control |= LINE_BEHIND;
    }
    out.push(control);
    if control & SOURCE_BEHIND != 0 {
        put_varint(out, source.into());
        put_varint(out, line.into());
    } else if control & LINE_BEHIND != 0 {
        put_varint(out, zigzag(i64::from(line).wrapping_sub(line_before.into())));
    }
    if short.is_none() {
        put_varint(out, shared as u64);
    }
    let before = before.get(shared..).unwrap_or_default();
    put_middle(out, before, name.get(shared..).unwrap_or_default());
}

/// Appends what stands in `name` between the start and the end that it shares with the name before, of both of which the
/// start is left out.
fn put_middle(out: &mut Vec<u8>, before: &[u8], name: &[u8]) {
    let same = before.iter().rev().zip(name.iter().rev()).take_while(|(before, now)| before == now);
    let end = same.take(LONGEST_END).count();
    let middle = name.get(..name.len().saturating_sub(end)).unwrap_or_default();
    let short = u8::try_from(middle.len()).ok().filter(|short| *short < MIDDLE_BEHIND);
    let end = u8::try_from(end).unwrap_or(0);
    out.push(short.unwrap_or(MIDDLE_BEHIND) | end << MIDDLE_BITS);
    if short.is_none() {
        put_varint(out, middle.len() as u64);
    }
    out.extend_from_slice(middle);
}

/// Small numbers of either sign as small numbers: 0, -1, 1, -2, …
const fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)).cast_unsigned()
}
