//! OLE2 compound files: Office documents before 2007, installer databases, mails of Outlook. Every stream is
//! a child; so are the sources of macros, embedded packages and compressed objects of presentations.
//!
//! Layouts: MS-CFB, MS-OVBA, MS-OLEDS 2.3.6 (packages), MS-PPT 2.10.34 (objects), MS-OFFCRYPTO, MS-OXMSG.
//!
//! ```text
//! 0    d0cf11e0a1b11ae1, sizes of sectors, where directory and tables start, 109 sectors of the table
//! then sectors: chains through the table, small streams in chains of their own inside of one stream
//! ```
//!
//! Hostile files have chains that loop, directories that lead back into themselves, macros whose directory
//! is damaged, and sources that are not what the compiled code next to them does. All streams are given,
//! whether the directory tree leads to them or not. Tables and directory often stand at the end, so that a file that is cut
//! short has neither: its macros are looked for in its sectors.

mod compound;
mod encryption;
mod hancom;
mod presentation;
mod stomping;
#[cfg(test)]
mod tests;
mod vba;
mod xlm;

use std::collections::{BTreeMap, BTreeSet};

use candor_model::{Anomaly, ChildKind, Content, FileType, Flow, Member, Reason, Sink};

use crate::codec;
use crate::lzfu;
use crate::password;
use crate::quarantine::mcafee;
use crate::reader::{Reader, clipped, until_nul};
use crate::work::Work;
use compound::{Compound, Stream};

/// Streams that passwords are tried on: each password costs up to a hundred thousand rounds of a hash.
const ATTEMPTS: u32 = 3;
/// Directories of macros that are asked where sources start. Sources that no
/// directory leads to are found by how they begin.
const DIRECTORIES: usize = 64;
/// Longest source of one module.
const SOURCE: usize = 16 << 20;
/// The property of a mail that holds its text as RTF: MS-OXMSG 2.1.1 and MS-OXPROPS 2.941 (`PidTagRtfCompressed`).
const COMPRESSED_RTF: &str = "__substg1.0_10090102";

/// Where the last sector ends that is in use.
pub(crate) fn end(bytes: &[u8]) -> Option<u64> {
    Compound::with_table(bytes)?.end()
}

/// Gives streams, macros and embedded objects.
pub(crate) fn unpack(bytes: &[u8], sink: &mut dyn Sink) {
    let Some(compound) = Compound::parse(bytes) else {
        // The source of a macro bears this type too, so that signatures for documents are for it.
        if bytes.starts_with(b"\xd0\xcf\x11\xe0") {
            sink.incomplete(Reason::Malformed("OLE2 header".to_owned()));
        }
        return;
    };
    if !compound.is_whole {
        sink.incomplete(Reason::Malformed("the directory of a compound file is cut short".to_owned()));
    }
    let mut walk = Walk {
        compound: &compound,
        sink,
        position: 0,
        sources: BTreeSet::new(),
        attempts: ATTEMPTS,
        work: Work::of(bytes),
        is_damaged: !compound.is_whole,
    };
    if walk.all() == Flow::Continue && walk.is_damaged {
        let _ = walk.salvage(bytes);
    }
}

/// Gives the compound file in a Hancom document's object, behind the four bytes of its length.
pub(crate) fn unpack_prefixed(bytes: &[u8], sink: &mut dyn Sink) {
    let Some(content) = bytes.get(4..).filter(|content| !content.is_empty()) else {
        sink.incomplete(Reason::Malformed("the length of an object".to_owned()));
        return;
    };
    let real_size = u64::try_from(content.len()).ok();
    let member = Member { position: 1, real_size, ..Member::default() };
    let _ = sink.child(ChildKind::Embedded { offset: 4 }, &member, Content::Bytes(content));
}

struct Walk<'a, 'sink> {
    compound: &'a Compound<'a>,
    sink: &'sink mut dyn Sink,
    position: u64,
    /// Streams and offsets whose macro was given.
    sources: BTreeSet<(usize, usize)>,
    /// Streams whose passwords may still be tried.
    attempts: u32,
    /// For what macros cost beside their bytes.
    work: Work,
    /// Whether the directory or a stream is cut short.
    is_damaged: bool,
}

/// What reading a byte of a packed macro costs, what a byte costs that comes out, and what a stream costs that stands beside a
/// directory of macros, in the units of [`Work`]: chunks of a byte may stand for nothing, and six bytes for 4,096.
const MACRO: usize = 4;
const MADE: usize = 2;
const BESIDE: usize = 256;
/// Bytes that texts are looked for in in the time in which a parser reads one.
const LOOKED_AT: usize = 4;

impl Walk<'_, '_> {
    fn all(&mut self) -> Flow {
        let streams = &self.compound.streams;
        let modules = self.modules();
        let hancom = self.content_of("FileHeader").and_then(|header| hancom::Header::read(&header));
        if hancom.is_some_and(|header| header.is_encrypted) {
            self.sink.incomplete(Reason::Encrypted);
        }
        let is_quarantine = streams.iter().any(|stream| mcafee::holds_file(stream.name()));
        let quarantine = is_quarantine.then(|| self.content_of(mcafee::DETAILS)).flatten();
        let quarantine = quarantine.and_then(|content| mcafee::Details::read(&content));
        if let Some(details) = &quarantine {
            details.tell(self.sink);
        }
        for (index, stream) in streams.iter().enumerate() {
            // The copy is paid for when it is given; it must not be made at all when there is no room.
            if let Err(reason) = self.sink.budget().admit(stream.length.min(1 << 32)) {
                self.sink.incomplete(reason);
                return Flow::Stop;
            }
            let content = self.compound.content(stream);
            if u64::try_from(content.len()).unwrap_or(0) < stream.length {
                self.is_damaged = true;
                self.sink.incomplete(Reason::Malformed(format!("the stream {} is cut short", stream.name())));
            }
            let path = stream.path();
            let name = path.join("/");
            if self.give(name.clone(), None, &content) == Flow::Stop
                || self.set_aside(quarantine.as_ref(), &name, &content) == Flow::Stop
                || self.objects(stream, &name, &content) == Flow::Stop
                || self.deflated(hancom, &path, &name, &content) == Flow::Stop
            {
                return Flow::Stop;
            }
            let told = modules.get(&index).into_iter().flatten().copied();
            let mut seeming = vba::beginnings(&content);
            if seeming.len() > vba::STARTS {
                self.sink.incomplete(Reason::Children);
                seeming.truncate(vba::STARTS);
            }
            let starts: Vec<usize> = told.chain(seeming).collect();
            if let Some(&start) = starts.first() {
                self.compare(&name, &content, start);
            }
            for start in starts {
                if self.macros(index, &name, &content, start) == Flow::Stop {
                    return Flow::Stop;
                }
            }
        }
        Flow::Continue
    }

    /// Gives the sources of macros that stand in the sectors as they follow one another, where the tables that say which sector
    /// follows which are missing; and all sectors, when no stream is known, for what else they hold. Some were given already
    /// when it is not much that is missing.
    fn salvage(&mut self, bytes: &[u8]) -> Flow {
        let sectors = self.compound.sectors();
        if self.compound.streams.is_empty()
            && !sectors.is_empty()
            && self.give("sectors".to_owned(), None, sectors) == Flow::Stop
        {
            return Flow::Stop;
        }
        let mut starts = vba::beginnings(bytes);
        if starts.len() > vba::STARTS {
            self.sink.incomplete(Reason::Children);
            starts.truncate(vba::STARTS);
        }
        let ends = starts.iter().skip(1).copied().chain([bytes.len()]);
        for (number, (start, end)) in (1_u32..).zip(starts.iter().zip(ends)) {
            // One ends where the next begins, so that no byte is paid for twice.
            let until = bytes.get(..end).unwrap_or_default();
            if self.macros(usize::MAX, &format!("sectors/macro {number}"), until, *start) == Flow::Stop {
                return Flow::Stop;
            }
        }
        Flow::Continue
    }

    /// The file in a stream of a quarantine, as it was before.
    fn set_aside(&mut self, quarantine: Option<&mcafee::Details>, name: &str, content: &[u8]) -> Flow {
        let Some(details) = quarantine.filter(|_| mcafee::holds_file(name)) else { return Flow::Continue };
        self.position = self.position.saturating_add(1);
        details.give(name, self.position, content, self.sink)
    }

    /// Which streams are modules, and where their source starts.
    fn modules(&mut self) -> BTreeMap<usize, Vec<usize>> {
        let mut found: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        let streams = &self.compound.streams;
        let directories = streams.iter().filter(|stream| stream.name().eq_ignore_ascii_case("dir"));
        for (count, directory) in directories.enumerate() {
            if count >= DIRECTORIES {
                self.sink.incomplete(Reason::Children);
                break;
            }
            let packed = self.compound.content(directory);
            if !self.work.pay(packed.len().saturating_mul(MACRO), self.sink) {
                return found;
            }
            let Some((content, is_whole)) = vba::directory(&packed) else {
                continue;
            };
            let beside = streams.iter().enumerate().rev();
            let beside: Vec<_> = beside.filter(|(_, stream)| stream.is_beside(directory)).collect();
            // Sixteen mebibytes come out of twenty kibibytes, and sixty-four streams may be the same ones.
            let price = content.len().saturating_mul(MADE).saturating_add(streams.len());
            if !self.work.pay(price.saturating_add(beside.len().saturating_mul(BESIDE)), self.sink) {
                return found;
            }
            // The first of a name counts.
            let beside: BTreeMap<String, usize> = beside
                .into_iter()
                .map(|(index, stream)| (stream.name().to_ascii_lowercase(), index))
                .collect();
            let (modules, are_all) = vba::modules(&content);
            if !(is_whole && are_all) {
                self.sink.incomplete(Reason::Children);
            }
            for (name, offset) in modules {
                if let Some(index) = beside.get(&name.to_ascii_lowercase()) {
                    found.entry(*index).or_default().push(offset);
                }
            }
        }
        found
    }

    /// Tells when the compiled code of a module is not what its source says.
    fn compare(&mut self, name: &str, content: &[u8], start: usize) {
        let Some((compiled, packed)) = content.split_at_checked(start) else { return };
        let Some(source) = self.source(packed) else { return };
        let source = source.map(|(source, _)| source);
        let (work, sink) = (&mut self.work, &mut *self.sink);
        let mut may_look = |length: usize| work.pay(length / LOOKED_AT, sink);
        if let Some(what) = stomping::contradiction(compiled, source.as_deref(), &mut may_look) {
            self.sink.anomaly(Anomaly::StompedMacros);
            self.sink.detail("stomped-macro", format!("{name}: {what}"));
        }
    }

    /// The source of a macro, if there is one, and whether that is all; `None` when it cannot be paid for.
    #[expect(clippy::option_option, reason = "what is not paid for is no module without a source")]
    fn source(&mut self, packed: &[u8]) -> Option<Option<(Vec<u8>, bool)>> {
        if packed.first() != Some(&1) {
            return Some(None);
        }
        self.work.pay(packed.len().saturating_mul(MACRO), self.sink).then_some(())?;
        let source = vba::decompressed(packed, SOURCE);
        let made = source.as_ref().map_or(0, |(source, _)| source.len());
        self.work.pay(made.saturating_mul(MADE), self.sink).then_some(source)
    }

    fn macros(&mut self, index: usize, name: &str, content: &[u8], start: usize) -> Flow {
        if !self.sources.insert((index, start)) {
            return Flow::Continue;
        }
        let source = content.get(start..).and_then(|rest| self.source(rest)).flatten();
        let Some((source, is_whole)) = source else { return Flow::Continue };
        self.sink.anomaly(Anomaly::VbaMacros);
        if !is_whole {
            let why = format!("the source of {name} behind the first {} MiB", SOURCE >> 20);
            self.sink.incomplete(Reason::Unsupported(why));
        }
        // Signatures for macros are written for documents and for text, so it is searched as both.
        match self.give(format!("{name}.vba"), None, &source) {
            Flow::Continue => self.give(format!("{name}.vba"), Some(FileType::MsOle2), &source),
            Flow::Stop => Flow::Stop,
        }
    }

    fn objects(&mut self, stream: &Stream, name: &str, content: &[u8]) -> Flow {
        match stream.name() {
            "\u{1}Ole10Native" => {
                // Data of any kind behind their length; those of a package are the file that it names.
                let data = clipped(content, 4, u64::MAX);
                match package(data) {
                    Some((label, file)) => self.give(format!("{name}/{label}"), None, file),
                    None if data.is_empty() => Flow::Continue,
                    None => self.give(format!("{name}/content"), None, data),
                }
            }
            COMPRESSED_RTF => {
                self.position = self.position.saturating_add(1);
                lzfu::give(content, format!("{name}.rtf"), self.position, self.sink)
            }
            "EncryptedPackage" => {
                let passwords = self.passwords();
                let info = self.described("EncryptionInfo", &passwords);
                let plain =
                    info.and_then(|info| encryption::package(&info, content, &passwords, self.sink.budget()));
                self.opened(format!("{name}/content"), plain)
            }
            "WordDocument" if matches!(content.get(10..12), Some([_, high]) if high & 1 != 0) => {
                self.text_document(stream, name, content)
            }
            "Workbook" | "Book" => match encryption::file_pass(content) {
                Some(header) => {
                    let blocks = encryption::Blocks::open(header, &self.passwords());
                    let plain = blocks.map(|blocks| blocks.workbook(content));
                    if let Some(plain) = &plain
                        && self.formulas(name, plain) == Flow::Stop
                    {
                        return Flow::Stop;
                    }
                    self.opened(format!("{name}/content"), plain)
                }
                None => self.formulas(name, content),
            },
            "PowerPoint Document" => match self.content_of("Current User") {
                Some(user) if presentation::is_encrypted(&user) => {
                    self.locked_presentation(name, &user, content)
                }
                _ => self.presentation(name, content),
            },
            _ => Flow::Continue,
        }
    }

    /// Gives an encrypted document of Word: its text, and the two streams beside it that are encrypted under the same key, each
    /// from its first block on (MS-DOC 2.2.6.2 and 2.2.6.3).
    fn text_document(&mut self, stream: &Stream, name: &str, content: &[u8]) -> Flow {
        let is_first = content.get(11).is_some_and(|high| high & 2 != 0);
        let table_name = if is_first { "1Table" } else { "0Table" };
        let passwords = self.passwords();
        let table = self.described(table_name, &passwords);
        let blocks = table.and_then(|table| encryption::Blocks::open(&table, &passwords));
        // How long the description is at the beginning of the table.
        let described =
            Reader::little(content).at(14).and_then(|mut reader| reader.u32()).map_or(0, u64::from);
        // What says how it is encrypted is not.
        let opened = |blocks: &encryption::Blocks, content: &[u8], open: u64| {
            let plain = blocks.decrypted(content, 512);
            [clipped(content, 0, open), clipped(&plain, open, u64::MAX)].concat()
        };
        let plain = blocks.as_ref().map(|blocks| opened(blocks, content, 68));
        if self.opened(format!("{name}/content"), plain) == Flow::Stop {
            return Flow::Stop;
        }
        let Some(blocks) = blocks else { return Flow::Continue };
        for (other, open) in [(table_name, described), ("Data", 0)] {
            let beside =
                self.compound.streams.iter().find(|each| each.name() == other && each.is_beside(stream));
            let Some(beside) = beside else { continue };
            if let Err(reason) = self.sink.budget().admit(beside.length.min(1 << 32)) {
                self.sink.incomplete(reason);
                return Flow::Stop;
            }
            let plain = opened(&blocks, &self.compound.content(beside), open);
            if self.give(format!("{}/content", beside.path().join("/")), None, &plain) == Flow::Stop {
                return Flow::Stop;
            }
        }
        Flow::Continue
    }

    /// The content of the first stream of this name.
    fn content_of(&self, name: &str) -> Option<Vec<u8>> {
        let stream = self.compound.streams.iter().find(|stream| stream.name() == name)?;
        Some(self.compound.content(stream))
    }

    /// The content of the first stream of this name, which says how another is encrypted; nothing when no password is
    /// left to be tried, as any number of streams may ask for it.
    fn described(&self, name: &str, passwords: &[Vec<u8>]) -> Option<Vec<u8>> {
        if passwords.is_empty() { None } else { self.content_of(name) }
    }

    fn passwords(&mut self) -> Vec<Vec<u8>> {
        let Some(left) = self.attempts.checked_sub(1) else { return Vec::new() };
        self.attempts = left;
        encryption::candidates(&password::candidates(self.sink))
    }

    /// Gives what was decrypted, or says that nothing was.
    fn opened(&mut self, name: String, plain: Option<Vec<u8>>) -> Flow {
        match plain {
            Some(plain) => self.give(name, None, &plain),
            None => {
                self.sink.incomplete(Reason::Encrypted);
                Flow::Continue
            }
        }
    }

    /// Gives what a stream of a Hancom document holds.
    fn deflated(
        &mut self,
        header: Option<hancom::Header>,
        path: &[String],
        name: &str,
        content: &[u8],
    ) -> Flow {
        if !header.is_some_and(|header| header.is_deflated(path)) {
            return Flow::Continue;
        }
        self.position = self.position.saturating_add(1);
        let member = Member {
            name: format!("{name}/content"),
            position: self.position,
            compressed_size: u64::try_from(content.len()).ok(),
            ..Member::default()
        };
        let mut decoder = codec::deflate(content);
        self.sink.child(ChildKind::Extracted, &member, Content::Stream(&mut decoder))
    }

    /// Gives the macros of Excel 4 in a workbook as text.
    fn formulas(&mut self, name: &str, workbook: &[u8]) -> Flow {
        let Some(macros) = xlm::read(workbook) else { return Flow::Continue };
        self.sink.anomaly(Anomaly::XlmMacros);
        for sheet in macros.hidden {
            self.sink.detail("macro-sheet", format!("hidden: {sheet}"));
        }
        if let Some(missing) = macros.missing {
            self.sink.incomplete(Reason::Malformed(missing.to_owned()));
        }
        self.give(format!("{name}.xlm"), None, macros.text.as_bytes())
    }

    /// Gives an encrypted presentation, and the objects inside of it.
    fn locked_presentation(&mut self, name: &str, user: &[u8], content: &[u8]) -> Flow {
        let passwords = self.passwords();
        let work = &mut self.work;
        let sink = &mut *self.sink;
        let mut pay = |bytes: usize| work.pay(bytes, sink);
        let plain = presentation::decrypted(user, content, &passwords, &mut pay);
        if let Some(plain) = &plain
            && self.presentation(name, plain) == Flow::Stop
        {
            return Flow::Stop;
        }
        self.opened(format!("{name}/content"), plain)
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

/// Name and content of a package: flags, label, path, flags, path of a temporary copy, length, data. `None` of what is none: the
/// flags are not those of a package, and there is no content of the length that is said.
pub(crate) fn package(content: &[u8]) -> Option<(String, &[u8])> {
    let mut reader = Reader::little(content);
    let is_marked = reader.u16()? == 2;
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
    let length = u64::from(reader.u32()?);
    let data = clipped(reader.rest(), 0, length);
    let is_whole = length > 0 && u64::try_from(data.len()).ok()? == length;
    (is_marked || is_whole).then(|| (crate::name::decoded(&label), data))
}
