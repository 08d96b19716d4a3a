//! OLE2 compound files: Office documents before 2007, installer databases, mails of Outlook. Every stream is
//! a child; so are the sources of macros, embedded packages and compressed objects of presentations.
//!
//! Layouts: MS-CFB, MS-OVBA, MS-OLEDS 2.3.6 (packages), MS-PPT 2.10.34 (objects), MS-OFFCRYPTO.
//!
//! ```text
//! 0    d0cf11e0a1b11ae1, sizes of sectors, where directory and tables start, 109 sectors of the table
//! then sectors: chains through the table, small streams in chains of their own inside of one stream
//! ```
//!
//! Hostile files have chains that loop, directories that lead back into themselves, macros whose directory
//! is damaged, and sources that are not what the compiled code next to them does. All streams are given,
//! whether the directory tree leads to them or not.

mod compound;
#[cfg(test)]
mod tests;
mod vba;

use std::collections::BTreeSet;

use candor_model::{ChildKind, Content, FileType, Flow, Member, Reason, Sink};

use crate::codec;
use crate::reader::{Reader, clipped, until_nul};
use compound::{Compound, Stream};

/// Longest source of one module.
const SOURCE: usize = 16 << 20;

/// Gives streams, macros and embedded objects.
pub(crate) fn unpack(bytes: &[u8], sink: &mut dyn Sink) {
    let Some(compound) = Compound::parse(bytes) else {
        // The source of a macro bears this type too, so that signatures for documents are for it.
        if bytes.starts_with(b"\xd0\xcf\x11\xe0") {
            sink.incomplete(Reason::Malformed("OLE2 header".to_owned()));
        }
        return;
    };
    let mut walk = Walk { compound: &compound, sink, position: 0, sources: BTreeSet::new() };
    let _ = walk.all();
}

struct Walk<'a, 'sink> {
    compound: &'a Compound<'a>,
    sink: &'sink mut dyn Sink,
    position: u64,
    /// Streams and offsets whose macro was given.
    sources: BTreeSet<(usize, usize)>,
}

impl Walk<'_, '_> {
    fn all(&mut self) -> Flow {
        let streams = &self.compound.streams;
        let modules = self.modules();
        for (index, stream) in streams.iter().enumerate() {
            // The copy is paid for when it is given; it must not be made at all when there is no room.
            if stream.length.min(1 << 32) > self.sink.budget().remaining() {
                self.sink.incomplete(Reason::ScanSize);
                return Flow::Stop;
            }
            let content = self.compound.content(stream);
            if u64::try_from(content.len()).unwrap_or(0) < stream.length {
                self.sink.incomplete(Reason::Malformed(format!("the stream {} is cut short", stream.name())));
            }
            let name = stream.path.join("/");
            if self.give(name.clone(), None, &content) == Flow::Stop
                || self.objects(stream, &name, &content) == Flow::Stop
            {
                return Flow::Stop;
            }
            let told = modules.iter().filter(|(module, _)| *module == index).map(|&(_, offset)| offset);
            let starts: Vec<usize> = told.chain(vba::beginnings(&content)).collect();
            for start in starts {
                if self.macros(index, &name, &content, start) == Flow::Stop {
                    return Flow::Stop;
                }
            }
        }
        Flow::Continue
    }

    /// Which streams are modules, and where their source starts.
    fn modules(&self) -> Vec<(usize, usize)> {
        let mut found = Vec::new();
        let streams = &self.compound.streams;
        for directory in streams.iter().filter(|stream| stream.name().eq_ignore_ascii_case("dir")) {
            for (name, offset) in vba::modules(&self.compound.content(directory)) {
                let is_module = |stream: &&Stream| {
                    stream.storage() == directory.storage() && stream.name().eq_ignore_ascii_case(&name)
                };
                if let Some(index) = streams.iter().position(|stream| is_module(&stream)) {
                    found.push((index, offset));
                }
            }
        }
        found
    }

    fn macros(&mut self, index: usize, name: &str, content: &[u8], start: usize) -> Flow {
        if !self.sources.insert((index, start)) {
            return Flow::Continue;
        }
        let source = content.get(start..).and_then(|rest| vba::decompressed(rest, SOURCE));
        let Some(source) = source else { return Flow::Continue };
        // Signatures for macros are written for documents and for text, so it is searched as both.
        match self.give(format!("{name}.vba"), None, &source) {
            Flow::Continue => self.give(format!("{name}.vba"), Some(FileType::MsOle2), &source),
            Flow::Stop => Flow::Stop,
        }
    }

    fn objects(&mut self, stream: &Stream, name: &str, content: &[u8]) -> Flow {
        match stream.name() {
            "\u{1}Ole10Native" => match package(content) {
                Some((label, data)) => self.give(format!("{name}/{label}"), None, data),
                None => Flow::Continue,
            },
            "EncryptedPackage" => {
                self.sink.incomplete(Reason::Encrypted);
                Flow::Continue
            }
            "WordDocument" => {
                let flags = content.get(10..12).unwrap_or_default();
                if matches!(flags, [_, high] if high & 1 != 0) {
                    self.sink.incomplete(Reason::Encrypted);
                }
                Flow::Continue
            }
            "Workbook" | "Book" => {
                if has_password(content) {
                    self.sink.incomplete(Reason::Encrypted);
                }
                Flow::Continue
            }
            "PowerPoint Document" => self.presentation(name, content),
            _ => Flow::Continue,
        }
    }

    /// Gives the objects inside of a presentation: records of kind 0x1011, compressed or not.
    fn presentation(&mut self, name: &str, content: &[u8]) -> Flow {
        let mut reader = Reader::little(content);
        while let (Some(head), Some(kind), Some(length)) = (reader.u16(), reader.u16(), reader.u32()) {
            // A container holds records.
            if head & 15 == 15 {
                continue;
            }
            let body = clipped(reader.rest(), 0, u64::from(length));
            if kind == 0x1011 {
                let is_compressed = head >> 4 == 1;
                let flow = if is_compressed {
                    let data = body.get(4..).unwrap_or_default();
                    self.stream(format!("{name}/object"), data)
                } else {
                    self.give(format!("{name}/object"), None, body)
                };
                if flow == Flow::Stop {
                    return flow;
                }
            }
            if reader.skip(u64::from(length)).is_none() {
                break;
            }
        }
        Flow::Continue
    }

    fn stream(&mut self, name: String, data: &[u8]) -> Flow {
        self.position = self.position.saturating_add(1);
        let compressed_size = u64::try_from(data.len()).ok();
        let member = Member { name, position: self.position, compressed_size, ..Member::default() };
        self.sink.child(ChildKind::Extracted, &member, Content::Stream(&mut codec::zlib(data)))
    }

    fn give(&mut self, name: String, file_type: Option<FileType>, content: &[u8]) -> Flow {
        self.position = self.position.saturating_add(1);
        let real_size = u64::try_from(content.len()).ok();
        let member = Member { name, position: self.position, real_size, file_type, ..Member::default() };
        self.sink.child(ChildKind::Extracted, &member, Content::Bytes(content))
    }
}

/// Name and content of a package: length, flags, label, path, flags, path of a temporary copy, length, data.
pub(crate) fn package(content: &[u8]) -> Option<(String, &[u8])> {
    let mut reader = Reader::little(content);
    reader.skip(6)?;
    let text = |reader: &mut Reader<'_>| {
        let found = until_nul(reader.rest()).to_vec();
        reader.skip(u64::try_from(found.len()).ok()?.checked_add(1)?)?;
        Some(found)
    };
    let label = text(&mut reader)?;
    text(&mut reader)?;
    reader.skip(4)?;
    let temporary = reader.u32()?;
    reader.skip(u64::from(temporary))?;
    let length = reader.u32()?;
    Some((crate::name::decoded(&label), clipped(reader.rest(), 0, u64::from(length))))
}

/// Whether a workbook has the record that says how it is encrypted, among those that may stand before it.
fn has_password(content: &[u8]) -> bool {
    let mut reader = Reader::little(content);
    for _ in 0..8 {
        let (Some(kind), Some(length)) = (reader.u16(), reader.u16()) else { return false };
        if kind == 0x2f {
            return true;
        }
        if reader.skip(u64::from(length)).is_none() {
            return false;
        }
    }
    false
}
