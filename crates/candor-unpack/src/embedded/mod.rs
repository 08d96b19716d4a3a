//! Objects inside of bytes that are something else: programs in programs, archives behind programs and
//! pictures, documents behind text.
//!
//! It runs over every layer whose own format does not say where everything in it is. A few magics are looked
//! for, each long enough that it is rare, or with fields behind it that are, and what stands behind one must make
//! sense before it is given. So that ten thousand magics are no ten thousand children, an object whose end is known
//! hides what is inside of it, and one whose end is not is given once a kind, to the end of the layer.

pub(crate) mod payload;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, packed};
use candor_model::{ChildKind, Content, FileType, Flow, Member, Reason, Sink};
use memchr::memmem;

use crate::arj;
use crate::autoit;
use crate::crc;
use crate::elf::class_and_order;
use crate::nsis;
use crate::pe::PortableExecutable;
use crate::reader::{Reader, clipped};
use crate::recognised::is_only_recognised;
use crate::squashfs;
use crate::work::{Work, units};

/// Objects of one kind that are given, and places of its magic that are looked at. That there are more is said.
const OBJECTS: usize = 256;
const PLACES: usize = 10_000;
/// What it costs to come upon a magic, in bytes that are read.
const MAGIC: usize = 32;
/// The same where the bytes behind it say at once that it is none.
const SHORT: usize = 8;

/// How far before its own header a program may start.
const STUB: usize = 0x1000;
/// How far behind the version of a PDF its first object stands.
const NEAR: usize = 4092;

/// How far behind the first line of a mail that is found the next one stands that is looked for.
const HEADER: u64 = 256;

/// What stands at a place.
struct Object {
    start: usize,
    /// Its end, when its header says.
    end: Option<usize>,
}

/// What is behind and between archives of ZIP, they find themselves.
const ZIP: &[u8] = b"PK\x03\x04";

type Kind = (&'static [u8], fn(&mut Known<'_>, usize) -> Option<Object>);

/// Magics, and what must stand around them.
const KINDS: [Kind; 14] = [
    (b"PE\0\0", program),
    (ZIP, zip),
    (b"7z\xbc\xaf\x27\x1c", seven_zip),
    (b"Rar!\x1a\x07", rar),
    (b"MSCF\0\0\0\0", cabinet),
    (b"%PDF-", pdf),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", compound),
    (b"{\\rtf1", rtf),
    (b"\x7fELF", elf),
    (&autoit::MAGIC, script),
    (nsis::MAGIC, nullsoft),
    (b"MIME-Version:", mail),
    (squashfs::MAGIC, image),
    (arj::MAGIC, arj),
];

/// What is known of a layer while magics in it are looked at. Thousands of them may stand in a few kibibytes, so none of them
/// looks once more at what others looked at, but for checksums, which go over as many bytes as the layer has, twice.
struct Known<'a> {
    bytes: &'a [u8],
    /// How far DOS headers were looked for, and where each of them that points ahead says that its program goes on.
    headers_until: usize,
    programs: BTreeMap<usize, usize>,
    /// The first object of a PDF behind the last place that was asked.
    pdf_object: Option<usize>,
    /// Bytes that checksums may still go over.
    sums: usize,
    is_over: bool,
}

impl<'a> Known<'a> {
    const fn of(bytes: &'a [u8]) -> Self {
        let sums = bytes.len().saturating_mul(2);
        Self { bytes, headers_until: 0, programs: BTreeMap::new(), pdf_object: None, sums, is_over: false }
    }

    /// Where the program starts whose header stands here: the nearest one that says so.
    fn program(&mut self, at: usize) -> Option<usize> {
        let nearest = at.saturating_sub(STUB).max(self.headers_until);
        for found in memmem::find_iter(self.bytes.get(nearest..at)?, b"MZ") {
            let start = nearest.saturating_add(found);
            let header = Reader::little(self.bytes.get(start..).unwrap_or_default());
            let pointer = header.at(0x3c).and_then(|mut at| at.u32());
            let pointer = pointer.and_then(|pointer| usize::try_from(pointer).ok());
            if let Some(pointer) = pointer.filter(|pointer| (1..=STUB).contains(pointer)) {
                self.programs.insert(start.saturating_add(pointer), start);
            }
        }
        self.headers_until = at;
        while self.programs.first_key_value().is_some_and(|(place, _)| *place < at) {
            self.programs.pop_first();
        }
        self.programs.remove(&at)
    }

    /// Whether an object of a PDF begins in the next few kibibytes.
    fn has_pdf_object(&mut self, at: usize) -> bool {
        if self.pdf_object.is_none_or(|place| place < at) {
            let found = self.bytes.get(at..).and_then(|rest| memmem::find(rest, b" obj"));
            self.pdf_object = Some(found.map_or(usize::MAX, |found| at.saturating_add(found)));
        }
        self.pdf_object.is_some_and(|place| place.saturating_sub(at) <= NEAR)
    }

    /// Whether a checksum may go over so many bytes.
    fn may_sum(&mut self, length: usize) -> bool {
        let left = self.sums.checked_sub(length);
        self.is_over |= left.is_none();
        self.sums = left.unwrap_or(self.sums);
        left.is_some()
    }
}

/// Whether bytes begin with something that is found by its magic wherever it stands.
pub(crate) fn begins_with_magic(bytes: &[u8]) -> bool {
    // The installer's magic stands behind its flags.
    bytes.starts_with(b"MZ")
        || bytes.get(4..).is_some_and(|rest| rest.starts_with(nsis::MAGIC))
        || KINDS.iter().any(|(magic, _)| *magic != arj::MAGIC && bytes.starts_with(magic))
        || arj(&mut Known::of(bytes), 0).is_some()
}

/// Whether layers of this type are searched. So are those that are only told by their type and hide nothing: nobody else looks
/// into them.
pub(crate) const fn applies(file_type: FileType) -> bool {
    (is_only_recognised(file_type) && !file_type.hides_content()) || is_searched(file_type)
}

const fn is_searched(file_type: FileType) -> bool {
    matches!(
        file_type,
        FileType::BinaryData
            | FileType::TextAscii
            | FileType::TextUtf8
            | FileType::TextUtf16Le
            | FileType::TextUtf16Be
            | FileType::Script
            | FileType::Html
            | FileType::HtmlUtf16
            | FileType::Uuencoded
            | FileType::ScrEnc
            | FileType::XmlWord
            | FileType::XmlXl
            | FileType::XmlHwp
            // What is packed has no magics in it, so one of them is behind it.
            | FileType::Lzma
            | FileType::Compress
            | FileType::MsExe
            | FileType::Elf
            | FileType::MachO
            | FileType::Dex
            | FileType::Java
            | FileType::Gif
            | FileType::Png
            | FileType::Jpeg
            | FileType::Tiff
            | FileType::Graphics
            | FileType::Riff
            | FileType::Lnk
            | FileType::Ps
            | FileType::Pdf
            | FileType::Rtf
            | FileType::Swf
    )
}

/// What is known about the objects of one kind while a layer is searched.
#[derive(Clone, Copy, Default)]
struct Search {
    /// Magics before this are inside of an object that was given.
    from: usize,
    /// Objects that were given.
    given: usize,
    /// Magics that were looked at.
    looked_at: usize,
    /// Whether what was given reaches to the end of the layer.
    is_over: bool,
}

impl Search {
    /// Why a magic that is in nothing that was given is not looked at.
    const fn refuses(&self) -> Option<Reason> {
        if self.given >= OBJECTS {
            Some(Reason::Children)
        } else if self.looked_at >= PLACES {
            Some(Reason::Work)
        } else {
            None
        }
    }
}

/// Looks for all magics: by vectors where the processor has them, which is several times as
/// fast as the automaton that stands in for them elsewhere.
struct Magics {
    /// Those of three bytes or more, in one pass. What vectors compare is as long as the shortest of them: with one of two bytes,
    /// texts made of the first two of another would be looked at byte by byte.
    long: Searcher,
    /// The numbers of these among all.
    numbers: Vec<usize>,
    /// The one of two bytes, of which there is one at most.
    short: Option<(usize, memmem::Finder<'static>)>,
}

enum Searcher {
    Vectors(Box<packed::Searcher>),
    Automaton(AhoCorasick),
}

impl Magics {
    fn of(kinds: &[Kind]) -> Option<Self> {
        let is_short = |magic: &[u8]| magic.len() < 3;
        let all = || kinds.iter().map(|(magic, _)| *magic).enumerate();
        let long = || all().filter(|(_, magic)| !is_short(magic));
        let magics = || long().map(|(_, magic)| magic);
        let vectors = packed::Searcher::new(magics()).map(|searcher| Searcher::Vectors(Box::new(searcher)));
        let searcher = vectors.or_else(|| AhoCorasick::new(magics()).ok().map(Searcher::Automaton))?;
        let mut short = all().filter(|(_, magic)| is_short(magic));
        let one = short.next().map(|(number, magic)| (number, memmem::Finder::new(magic)));
        debug_assert!(short.next().is_none(), "places are given in their order for one short magic");
        Some(Self { long: searcher, numbers: long().map(|(number, _)| number).collect(), short: one })
    }

    /// The number of each that is found, and its place, in the order of places.
    fn places<'a>(&'a self, bytes: &'a [u8]) -> impl Iterator<Item = (usize, usize)> + 'a {
        let place = |found: aho_corasick::Match| {
            let number = self.numbers.get(found.pattern().as_usize());
            (number.copied().unwrap_or(usize::MAX), found.start())
        };
        let long: Box<dyn Iterator<Item = (usize, usize)> + 'a> = match &self.long {
            Searcher::Vectors(searcher) => Box::new(searcher.find_iter(bytes).map(place)),
            Searcher::Automaton(searcher) => Box::new(searcher.find_iter(bytes).map(place)),
        };
        let short = self.short.iter();
        let short = short.flat_map(|(number, magic)| magic.find_iter(bytes).map(|place| (*number, place)));
        let (mut long, mut short) = (long.peekable(), short.peekable());
        std::iter::from_fn(move || match (long.peek(), short.peek()) {
            (Some((_, first)), Some((_, second))) if second < first => short.next(),
            (None, _) => short.next(),
            _ => long.next(),
        })
    }
}

static MAGICS: LazyLock<Option<Magics>> = LazyLock::new(|| Magics::of(&KINDS));

/// Gives what is found behind the first byte.
pub(crate) fn search(bytes: &[u8], sink: &mut dyn Sink) {
    search_for(bytes, 0, [Search { from: 1, ..Search::default() }; KINDS.len()], sink);
}

/// Gives what is found from `start` on, which is not the start of the layer: in front of it, others looked.
pub(crate) fn search_behind(bytes: &[u8], start: usize, sink: &mut dyn Sink) {
    let behind = bytes.get(start..).unwrap_or_default();
    search_for(behind, start, [Search::default(); KINDS.len()], sink);
}

/// Gives what is found in a part of a ZIP archive that begins at `base` and is no member; what the archive begins with is
/// none of it.
pub(crate) fn search_gap(gap: &[u8], base: usize, sink: &mut dyn Sink) {
    let mut searches = [Search { from: usize::from(base == 0), ..Search::default() }; KINDS.len()];
    for (search, (magic, _)) in searches.iter_mut().zip(KINDS) {
        search.is_over = magic == ZIP;
    }
    search_for(gap, base, searches, sink);
}

fn search_for(bytes: &[u8], base: usize, mut searches: [Search; KINDS.len()], sink: &mut dyn Sink) {
    let Some(magics) = MAGICS.as_ref() else { return };
    let mut known = Known::of(bytes);
    give_all((&mut known, base), (&KINDS, &mut searches), magics.places(bytes), sink);
    if known.is_over {
        sink.incomplete(Reason::Work);
    }
}

fn give_all(
    (known, base): (&mut Known<'_>, usize),
    (kinds, searches): (&[Kind], &mut [Search]),
    places: impl Iterator<Item = (usize, usize)>,
    sink: &mut dyn Sink,
) {
    let bytes = known.bytes;
    let mut work = Work::of(bytes);
    for (number, at) in places {
        let (Some((magic, check)), Some(search)) = (kinds.get(number), searches.get_mut(number)) else {
            return;
        };
        // The magic of ARJ has two bytes, which stand anywhere, and the number 60,000 begins with them.
        let is_none =
            *magic == arj::MAGIC && bytes.get(at..).is_none_or(|rest| arj::main_header(rest).is_none());
        if !work.pay(if is_none { SHORT } else { MAGIC }, sink) {
            return;
        }
        if is_none || search.is_over || at < search.from {
            continue;
        }
        if let Some(reason) = search.refuses() {
            search.is_over = true;
            sink.incomplete(reason);
            continue;
        }
        search.looked_at = search.looked_at.saturating_add(1);
        let Some(object) = check(known, at).filter(|object| base > 0 || object.start > 0) else {
            continue;
        };
        let end = object.end.unwrap_or(bytes.len()).min(bytes.len());
        let Some(content) = bytes.get(object.start..end).filter(|content| !content.is_empty()) else {
            continue;
        };
        search.from = end;
        search.given = search.given.saturating_add(1);
        search.is_over = object.end.is_none();
        let offset = units(base.saturating_add(object.start));
        let flow = sink.child(ChildKind::Embedded { offset }, &Member::default(), Content::Bytes(content));
        if flow == Flow::Stop || searches.iter().all(|search| search.is_over) {
            return;
        }
    }
}

/// `PE\0\0`: a DOS header before it points here, and the sections say how far the program goes.
fn program(known: &mut Known<'_>, at: usize) -> Option<Object> {
    let start = known.program(at)?;
    let file = PortableExecutable::parse(known.bytes.get(start..)?)?;
    let end = usize::try_from(file.end_of_sections()?).ok()?;
    Some(Object { start, end: Some(start.saturating_add(end).max(at.saturating_add(4))) })
}

/// A local header with a method that exists and a name that could be one.
fn zip(Known { bytes, .. }: &mut Known<'_>, at: usize) -> Option<Object> {
    let header = bytes.get(at..)?;
    let mut reader = Reader::little(header).at(4)?;
    let (version, _, method) = (reader.u16()?, reader.u16()?, reader.u16()?);
    let mut lengths = Reader::little(header).at(26)?;
    let name_length = lengths.u16()?;
    let name = clipped(header, 30, u64::from(name_length));
    let is_sound = version & 0xff <= 63
        && (method <= 20 || (92..=99).contains(&method))
        && name_length > 0
        && name.len() == usize::from(name_length)
        && name.iter().all(|&byte| byte >= 0x20);
    is_sound.then_some(Object { start: at, end: None })
}

/// A start header whose checksum holds.
fn seven_zip(Known { bytes, .. }: &mut Known<'_>, at: usize) -> Option<Object> {
    let header = Reader::little(bytes.get(at..)?);
    let claimed = header.at(8)?.u32()?;
    let sum = crc::of_content(header.at(12)?.take(20)?);
    let mut place = header.at(12)?;
    let (offset, size) = (place.u64()?, place.u64()?);
    let length = usize::try_from(offset.checked_add(size)?.checked_add(32)?).ok()?;
    (sum == claimed).then_some(Object { start: at, end: Some(at.saturating_add(length)) })
}

/// A mark with a first header behind it whose checksum holds: programs that read archives have marks, too.
fn rar(known: &mut Known<'_>, at: usize) -> Option<Object> {
    let rest = known.bytes.get(at.checked_add(6)?..)?;
    let is_sound = match rest.split_first()? {
        (0, header) => {
            // Version 4: half of a checksum, type, flags, size; the header is what the size says.
            let reader = Reader::little(header);
            let (sum, kind) = (reader.at(0)?.u16()?, *header.get(2)?);
            let size = usize::from(reader.at(5)?.u16()?);
            let summed = header.get(2..size).filter(|_| kind == 0x73 && size >= 13)?;
            known.may_sum(summed.len()) && sum == (crc::of_content(summed) & 0xffff) as u16
        }
        (1, header) => {
            // Version 5: checksum, then the size as a number of up to three bytes, which the checksum covers.
            let header = header.strip_prefix(&[0])?;
            let sum = Reader::little(header).u32()?;
            let rest = header.get(4..)?;
            let mut size = 0_usize;
            let mut length = 0_usize;
            for byte in rest.iter().take(3) {
                size |= usize::from(byte & 0x7f) << length.checked_mul(7)?;
                length = length.checked_add(1)?;
                if byte & 0x80 == 0 {
                    break;
                }
            }
            let summed = rest.get(..length.checked_add(size)?)?;
            known.may_sum(summed.len()) && sum == crc::of_content(summed)
        }
        _ => false,
    };
    is_sound.then_some(Object { start: at, end: None })
}

/// A superblock that makes sense: behind programs that run from one, and between parts of firmware.
fn image(Known { bytes, .. }: &mut Known<'_>, at: usize) -> Option<Object> {
    let is_sound = bytes.get(at..).is_some_and(squashfs::begins_with_superblock);
    is_sound.then_some(Object { start: at, end: None })
}

/// A header of the archive whose checksum holds, with extensions, another header or the end behind it.
fn arj(known: &mut Known<'_>, at: usize) -> Option<Object> {
    let (header, sum, behind) = arj::main_header(known.bytes.get(at..)?)?;
    let goes_on = match behind {
        [0, 0, next @ ..] => next.starts_with(arj::MAGIC),
        _ => behind.len() > 2,
    };
    let is_sound = goes_on && known.may_sum(header.len()) && sum == crc::of_content(header);
    is_sound.then_some(Object { start: at, end: None })
}

/// A version that exists, and a size that fits.
fn cabinet(Known { bytes, .. }: &mut Known<'_>, at: usize) -> Option<Object> {
    let header = Reader::little(bytes.get(at..)?);
    let size = usize::try_from(header.at(8)?.u32()?).ok()?;
    let is_sound = header.at(24)?.take(2)? == [3, 1] && size > 36 && header.at(12)?.u32()? == 0;
    is_sound.then_some(Object { start: at, end: Some(at.saturating_add(size)) })
}

/// A version, and an object somewhere behind it.
fn pdf(known: &mut Known<'_>, at: usize) -> Option<Object> {
    let rest = known.bytes.get(at..)?;
    // A program that writes PDF has the same letters, and something else behind them.
    let is_version =
        matches!(rest.get(5..9), Some([b'1' | b'2', b'.', b'0'..=b'9', b'\r' | b'\n' | b' ' | b'%']));
    (is_version && known.has_pdf_object(at)).then_some(Object { start: at, end: None })
}

/// The mark of the byte order, and a size of sectors that exists.
fn compound(Known { bytes, .. }: &mut Known<'_>, at: usize) -> Option<Object> {
    let header = Reader::little(bytes.get(at..)?);
    let (order, shift) = (header.at(28)?.u16()?, header.at(30)?.u16()?);
    (order == 0xfffe && matches!(shift, 9 | 12)).then_some(Object { start: at, end: None })
}

/// A line of a header, with one soon behind it that tells of parts, or of one that is encoded: Office opens such a page
/// wherever it begins. Translations of messages have such lines, too, and tell of text.
fn mail(Known { bytes, .. }: &mut Known<'_>, at: usize) -> Option<Object> {
    let is_line = at.checked_sub(1).and_then(|before| bytes.get(before)).is_none_or(|byte| *byte == b'\n');
    let header = clipped(bytes, u64::try_from(at).ok()?, HEADER);
    let has = |word: &[u8]| memmem::find(header, word).is_some();
    let is_header = is_line && has(b"\nContent-") && (has(b"multipart/") || has(b"base64"));
    is_header.then_some(Object { start: at, end: None })
}

fn rtf(_: &mut Known<'_>, at: usize) -> Option<Object> {
    Some(Object { start: at, end: None })
}

/// The magic of a compiled script, and its version behind it.
fn script(Known { bytes, .. }: &mut Known<'_>, at: usize) -> Option<Object> {
    let version = bytes.get(at.checked_add(16)?..)?;
    version.starts_with(b"AU3!EA0").then_some(Object { start: at, end: None })
}

/// Flags in front, and lengths behind.
fn nullsoft(Known { bytes, .. }: &mut Known<'_>, at: usize) -> Option<Object> {
    let (start, end) = nsis::header(bytes, at)?;
    Some(Object { start, end: Some(end) })
}

/// A class, byte order, version and type that exist; the section table stands at the end of most files.
fn elf(Known { bytes, .. }: &mut Known<'_>, at: usize) -> Option<Object> {
    let file = bytes.get(at..)?;
    let (is_wide, order) = class_and_order(file)?;
    let start = Reader::new(file, order);
    let kind = start.at(16)?.u16()?;
    let version = start.at(20)?.u32()?;
    if !(1..=4).contains(&kind) || version != 1 {
        return None;
    }
    let table = start.at(if is_wide { 40 } else { 32 })?.word(is_wide)?;
    let mut counts = start.at(if is_wide { 58 } else { 46 })?;
    let (size, count) = (u64::from(counts.u16()?), u64::from(counts.u16()?));
    let end = table.checked_add(size.checked_mul(count)?)?;
    let end = usize::try_from(end).ok().filter(|&end| end > 64).unwrap_or(usize::MAX);
    Some(Object { start: at, end: Some(at.saturating_add(end)) })
}
