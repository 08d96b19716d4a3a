//! Packages of Symbian: the old kind with tables of files, and SISX since version 9 of the system.
//!
//! Layouts: <https://thoukydides.github.io/riscos-psifs/sis.html> for the old kind, and Symbian's "SIS File
//! Format Specification" for the new one.
//!
//! ```text
//! old   0 three identifiers and their checksum; 18 number of languages, of files; 36 options;
//!       52 where the file records stand: kind, ..., names, packed lengths and places, real lengths
//! SISX  16 bytes of identifiers; then fields in one another: type, length, content, padding to four bytes
//! ```
//!
//! Hostile packages have records that overlap and fields that are longer than what holds them: each is cut
//! to what is there.

#[cfg(test)]
mod tests;

use candor_model::{ChildKind, Content, Flow, Member, Reason, Sink};

use crate::codec::{self, Decoder};
use crate::name::decoded;
use crate::reader::{Reader, clipped};
use crate::work::charge;

/// File records of an old package, and fields of a new one.
const RECORDS: u32 = 65_536;
/// Bytes of a name.
const NAME: u32 = 4096;
/// Fields in one another.
const DEPTH: u32 = 12;

/// Gives every file.
pub(crate) fn unpack(bytes: &[u8], sink: &mut dyn Sink) {
    let mut package = Package { bytes, sink, position: 0 };
    if bytes.starts_with(&0x1020_1a7a_u32.to_le_bytes()) {
        package.fields(clipped(bytes, 16, u64::MAX));
    } else if package.records().is_none() {
        package.sink.incomplete(Reason::Malformed("the file records of a Symbian package".to_owned()));
    }
}

struct Package<'a, 'sink> {
    bytes: &'a [u8],
    sink: &'sink mut dyn Sink,
    position: u64,
}

impl<'a> Package<'a, '_> {
    fn give(&mut self, name: String, packed: &'a [u8], real: u64, is_packed: bool) -> Flow {
        self.position = self.position.saturating_add(1);
        let member = Member {
            name,
            position: self.position,
            compressed_size: u64::try_from(packed.len()).ok(),
            real_size: Some(real),
            ..Member::default()
        };
        let mut decoder: Decoder<'_> = if is_packed { codec::zlib(packed) } else { Box::new(packed) };
        self.sink.child(ChildKind::Extracted, &member, Content::Stream(&mut decoder))
    }

    /// The old kind; `None` when the records end too early or one is unknown.
    fn records(&mut self) -> Option<()> {
        let start = Reader::little(self.bytes);
        let is_release_6 = start.at(4)?.u32()? == 0x1000_3a12;
        let languages = start.at(18)?.u16()?;
        let count = start.at(20)?.u16()?;
        let options = start.at(36)?.u16()?;
        let (is_wide, is_packed) = (options & 1 != 0, options & 8 == 0 && is_release_6);
        let mut reader = start.at(u64::from(start.at(52)?.u32()?))?;
        // Records of conditions stand between those of files, which alone are counted.
        let mut left = count;
        for _ in 0..RECORDS {
            if left == 0 {
                return Some(());
            }
            let kind = reader.u32()?;
            match kind {
                0 | 1 => left = left.saturating_sub(1),
                // Options: names of each in every language, and which are chosen.
                2 => {
                    left = left.saturating_sub(1);
                    let options = u64::from(reader.u32()?);
                    reader.skip(options.checked_mul(8)?.checked_mul(u64::from(languages))?)?;
                    reader.skip(16)?;
                    continue;
                }
                3 | 4 => {
                    left = left.saturating_sub(1);
                    let length = reader.u32()?;
                    reader.skip(u64::from(length))?;
                    continue;
                }
                5 | 6 => {
                    left = left.saturating_sub(1);
                    continue;
                }
                _ => return None,
            }
            reader.skip(8)?;
            let (source_length, source) = (reader.u32()?, reader.u32()?);
            let (target_length, target) = (reader.u32()?, reader.u32()?);
            let name = match target_length {
                0 => self.name(source, source_length, is_wide),
                _ => self.name(target, target_length, is_wide),
            };
            // Any number of records may have the same name, and no content.
            if !charge(u64::from(source_length.max(target_length).min(NAME)).saturating_mul(2), self.sink) {
                return Some(());
            }
            let copies = if kind == 1 { usize::from(languages) } else { 1 };
            let mut numbers =
                |count: usize| (0..count).map(|_| reader.u32().map(u64::from)).collect::<Option<Vec<u64>>>();
            let (lengths, places) = (numbers(copies)?, numbers(copies)?);
            let sizes = if is_release_6 { numbers(copies)? } else { lengths.clone() };
            if is_release_6 {
                reader.skip(8)?;
            }
            for ((length, place), size) in lengths.into_iter().zip(places).zip(sizes) {
                let packed = clipped(self.bytes, place, length);
                if u64::try_from(packed.len()).unwrap_or(0) < length {
                    self.sink.incomplete(Reason::Malformed(format!("the file {name} is cut short")));
                }
                if !packed.is_empty() && self.give(name.clone(), packed, size, is_packed) == Flow::Stop {
                    return Some(());
                }
            }
        }
        self.sink.incomplete(Reason::Children);
        Some(())
    }

    fn name(&self, place: u32, length: u32, is_wide: bool) -> String {
        let bytes = clipped(self.bytes, u64::from(place), u64::from(length.min(NAME)));
        if is_wide {
            encoding_rs::UTF_16LE.decode_without_bom_handling(bytes).0.into_owned()
        } else {
            decoded(bytes)
        }
    }

    /// The new kind: gives what is packed, wherever in the fields it stands.
    fn fields(&mut self, bytes: &'a [u8]) {
        let mut open = vec![(Fields::new(bytes, None), 0_u32)];
        for _ in 0..RECORDS {
            let Some((fields, depth)) = open.last_mut() else { return };
            let depth = *depth;
            let Some((kind, content)) = fields.next() else {
                if fields.is_cut {
                    self.sink.incomplete(Reason::Malformed("a field of a Symbian package".to_owned()));
                }
                open.pop();
                continue;
            };
            match kind {
                // An array says the type of its elements once.
                2 => {
                    let mut reader = Reader::little(content);
                    match reader.u32() {
                        Some(_) if depth >= DEPTH => self.sink.incomplete(Reason::Depth),
                        Some(kind) => {
                            open.push((Fields::new(reader.rest(), Some(kind)), depth.saturating_add(1)));
                        }
                        None => {}
                    }
                }
                // Contents, data, units of data, and files.
                12 | 30 | 31 | 32 if depth >= DEPTH => self.sink.incomplete(Reason::Depth),
                12 | 30 | 31 | 32 => {
                    open.push((Fields::new(content, None), depth.saturating_add(1)));
                }
                3 => {
                    let mut reader = Reader::little(content);
                    let Some((method, length)) = { || Some((reader.u32()?, reader.u64()?)) }() else {
                        continue;
                    };
                    // The first of them describes the package; it has the names in it.
                    let name = if self.position == 0 { "controller".to_owned() } else { String::new() };
                    if self.give(name, reader.rest(), length, method == 1) == Flow::Stop {
                        return;
                    }
                }
                _ => {}
            }
        }
        self.sink.incomplete(Reason::Children);
    }
}

/// Fields one after another.
struct Fields<'a> {
    reader: Reader<'a>,
    /// The type of all of them, where they are elements of an array.
    kind: Option<u32>,
    is_cut: bool,
}

impl<'a> Fields<'a> {
    const fn new(bytes: &'a [u8], kind: Option<u32>) -> Self {
        Self { reader: Reader::little(bytes), kind, is_cut: false }
    }

    fn next(&mut self) -> Option<(u32, &'a [u8])> {
        // Less than a type and a length are padding.
        if self.reader.rest().len() < 8 && self.kind.is_none() || self.reader.rest().len() < 4 {
            return None;
        }
        let kind = match self.kind {
            Some(kind) => kind,
            None => self.reader.u32()?,
        };
        let length = self.reader.u32()?;
        let length = match length >> 31 {
            0 => u64::from(length),
            _ => u64::from(length & 0x7fff_ffff) | u64::from(self.reader.u32()?) << 31,
        };
        let content = clipped(self.reader.rest(), 0, length);
        if self.reader.skip(length).is_none() {
            self.is_cut = true;
            let left = u64::try_from(self.reader.rest().len()).unwrap_or(0);
            let _ = self.reader.skip(left);
        } else {
            let padding = length.wrapping_neg() % 4;
            let _ = self.reader.skip(padding);
        }
        Some((kind, content))
    }
}
