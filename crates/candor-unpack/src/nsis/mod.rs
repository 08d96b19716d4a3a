//! Installers of the Nullsoft Scriptable Install System.
//!
//! Layout: <https://nsis.sourceforge.io/Docs/> and `fileform.h` of its source (zlib licence).
//!
//! ```text
//! 0   flags, 0xdeadbeef, "NullsoftInst", length of the script, length of everything from 0 on
//! 28  one stream: length and script, then length and data of each file; or
//!     each of them packed on its own: length, with its highest bit set if packed, and data
//!     a checksum
//! ```
//!
//! Nothing says which compression it is; the first bytes do. The script holds the names of the files, and
//! says where their data stand: files that it speaks of and that are not there are told. The script is given
//! too, because what it does stands in it as text.

mod bzip2;
mod script;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io::{self, Read};

use candor_model::{Budget, ChildKind, Content, Flow, Member, Reason, Sink};
use lzma_rust2::filter::bcj::BcjReader;
use memchr::memmem;

use crate::bits::Stepped;
use crate::codec::{self, Decoder};
use crate::inflate::Dialect;
use crate::pace::{Pace, Paced};
use crate::reader::{Reader, clipped};
use crate::work::{Allowance, Paid, Price, units};

/// The second and the third field of the header. Early versions wrote it with a large S.
pub(crate) const MAGIC: &[u8] = b"\xef\xbe\xad\xdeNull";

/// Where the header may begin, behind the start of the bytes.
const NEAR: usize = 4096;

/// Whether a header stands in front of `at`, the place of [`MAGIC`]; and where its data end.
pub(crate) fn header(bytes: &[u8], at: usize) -> Option<(usize, usize)> {
    let start = at.checked_sub(4)?;
    let mut reader = Reader::little(bytes.get(at..)?).at(8)?;
    let rest = reader.take(8)?;
    let (script, length) = (reader.u32()?, reader.u32()?);
    let is_header = rest.eq_ignore_ascii_case(b"softInst") && script > 0 && length >= 28;
    is_header.then_some((start, start.saturating_add(usize::try_from(length).unwrap_or(usize::MAX))))
}

/// Gives the script and every file.
pub(crate) fn unpack(bytes: &[u8], sink: &mut dyn Sink) {
    let near = bytes.get(..bytes.len().min(NEAR)).unwrap_or_default();
    let found = memmem::find_iter(near, MAGIC).find_map(|at| header(bytes, at));
    let Some((start, end)) = found else {
        sink.incomplete(Reason::Malformed("the header of an installer".to_owned()));
        return;
    };
    if end > bytes.len() {
        sink.incomplete(Reason::Malformed("the data of an installer are cut short".to_owned()));
    }
    let data = bytes.get(start.saturating_add(28)..end.min(bytes.len())).unwrap_or_default();
    let script = Reader::little(bytes).at(u64::try_from(start).unwrap_or(0).saturating_add(20));
    let script = script.and_then(|mut reader| reader.u32()).unwrap_or(0);
    let mut installer = Installer { data, script: u64::from(script), sink, given: 0, names: BTreeMap::new() };
    let method = Method::of(data, script);
    let flow = match method {
        (method, true) => installer.solid(method),
        (method, false) => installer.apart(method),
    };
    if flow == Flow::Continue && !installer.names.is_empty() {
        let count = installer.names.len();
        sink.incomplete(Reason::Malformed(format!("{count} files of an installer are not there")));
    }
}

/// How data are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Method {
    Stored,
    Deflate,
    Bzip2,
    Lzma,
    /// With a byte in front that says whether it is for programs.
    FilteredLzma,
}

impl Method {
    /// The method of an installer, and whether all is one stream.
    fn of(data: &[u8], script: u32) -> (Self, bool) {
        let first = Reader::little(data).u32().unwrap_or(0);
        let behind = data.get(4..).unwrap_or_default();
        match Self::certain(data) {
            _ if first == script => (Self::Stored, false),
            Some(method @ (Self::Lzma | Self::FilteredLzma)) => (method, true),
            _ if first >> 24 == 0x80 => (Self::certain(behind).unwrap_or(Self::Deflate), false),
            method => (method.unwrap_or(Self::Deflate), true),
        }
    }

    fn certain(data: &[u8]) -> Option<Self> {
        // Properties that all installers use, a dictionary of whole 64 KiB below 4 GiB, a first byte of 0.
        let is_lzma =
            |data: &[u8]| matches!(data.first_chunk(), Some([0x5d, 0, 0, _, _, 0, next]) if next & 0x80 == 0);
        match data {
            _ if is_lzma(data) => Some(Self::Lzma),
            [0 | 1, rest @ ..] if is_lzma(rest) => Some(Self::FilteredLzma),
            [0x31, second, ..] if *second < 14 => Some(Self::Bzip2),
            _ => None,
        }
    }

    /// What its bytes cost.
    const fn price(self) -> Price {
        match self {
            Self::Deflate | Self::Bzip2 => Price::of(1),
            // Its decisions are paid for.
            Self::Stored | Self::Lzma | Self::FilteredLzma => Price::of(0),
        }
    }

    /// What pays for its decisions.
    fn pace(self, data: &[u8], budget: &mut Budget) -> Pace {
        match self {
            Self::Lzma | Self::FilteredLzma => Pace::coding(units(data.len()), budget),
            Self::Stored | Self::Deflate | Self::Bzip2 => Pace::new(),
        }
    }

    fn decoder<'a>(self, data: &'a [u8], pace: &Pace) -> Decoder<'a> {
        match self {
            Self::Stored => Box::new(data),
            Self::Deflate => codec::inflate(data, Dialect::Nullsoft),
            Self::Bzip2 => {
                let steps = bzip2::Bzip2::new(data, pace.clone());
                Box::new(Paced::new(Stepped::new(steps), pace.clone()))
            }
            Self::Lzma => lzma(data, pace),
            Self::FilteredLzma => match data.split_first() {
                Some((1, rest)) => Box::new(BcjReader::new_x86(lzma(rest, pace), 0)),
                Some((_, rest)) => lzma(rest, pace),
                None => lzma(data, pace),
            },
        }
    }
}

fn lzma<'a>(data: &'a [u8], pace: &Pace) -> Decoder<'a> {
    let mut reader = Reader::little(data);
    match { || Some((reader.u8()?, reader.u32()?, reader.rest())) }() {
        Some((properties, dictionary, rest)) => codec::lzma(rest, properties, dictionary, u64::MAX, pace),
        None => codec::failed(io::ErrorKind::UnexpectedEof, "the properties of LZMA are cut short"),
    }
}

struct Installer<'a, 'sink> {
    data: &'a [u8],
    /// Length of the script.
    script: u64,
    sink: &'sink mut dyn Sink,
    given: u64,
    /// Files that the script speaks of and that were not given, by their place.
    names: BTreeMap<u64, String>,
}

impl Installer<'_, '_> {
    /// Everything in one stream.
    fn solid(&mut self, method: Method) -> Flow {
        let pace = method.pace(self.data, self.sink.budget());
        let decoder = method.decoder(self.data, &pace);
        let mut stream = Paid::new(decoder, method.price(), self.sink.budget().work());
        let flow = self.entries(&mut stream);
        stream.settle(self.sink.budget());
        pace.settle(self.sink.budget());
        flow
    }

    /// What one stream holds, one after another.
    fn entries(&mut self, stream: &mut dyn Read) -> Flow {
        let whole = u64::try_from(self.data.len()).unwrap_or(u64::MAX);
        let Ok(Some(script)) = length(stream) else {
            self.sink.incomplete(Reason::Malformed("the script of an installer".to_owned()));
            return Flow::Stop;
        };
        if self.header(&mut stream.take(script), whole) == Flow::Stop {
            return Flow::Stop;
        }
        let mut place = 0_u64;
        // The stream may end without a word: what the script speaks of shows whether it ends too early.
        while let Ok(Some(size)) = length(stream) {
            let mut member = stream.take(size);
            let flow = self.file(place, size, whole, &mut member);
            if flow == Flow::Stop {
                return Flow::Stop;
            }
            // What the sink did not want stands in front of what comes next.
            let left = member.limit();
            if left > 0 {
                let room = self.sink.budget().remaining();
                let passed = io::copy(&mut member.take(room), &mut io::sink()).unwrap_or(0);
                if let Err(reason) = self.sink.budget().spend(passed) {
                    self.sink.incomplete(reason);
                    return Flow::Stop;
                }
                if passed < left {
                    self.sink.incomplete(Reason::Malformed("a file of an installer is cut short".to_owned()));
                    return Flow::Stop;
                }
            }
            place = place.saturating_add(4).saturating_add(size);
        }
        Flow::Continue
    }

    /// Each piece on its own.
    fn apart(&mut self, method: Method) -> Flow {
        let mut reader = Reader::little(self.data);
        let mut base = None;
        // A checksum stands behind the last.
        while reader.rest().len() > 4 {
            let place = u64::try_from(reader.position()).unwrap_or(u64::MAX);
            let Some(word) = reader.u32() else { break };
            let length = u64::from(word & 0x7fff_ffff);
            let data = clipped(reader.rest(), 0, length);
            let is_cut = reader.skip(length).is_none();
            if is_cut {
                self.sink.incomplete(Reason::Malformed("a file of an installer is cut short".to_owned()));
            }
            let method = if word >> 31 == 1 { method } else { Method::Stored };
            let pace = method.pace(data, self.sink.budget());
            let decoder = method.decoder(data, &pace);
            let mut decoder = Paid::new(decoder, method.price(), self.sink.budget().work());
            let packed = u64::try_from(data.len()).unwrap_or(u64::MAX);
            let flow = match base {
                None => {
                    base = Some(u64::try_from(reader.position()).unwrap_or(u64::MAX));
                    self.header(&mut decoder, packed)
                }
                Some(base) => self.file(place.saturating_sub(base), length, packed, &mut decoder),
            };
            decoder.settle(self.sink.budget());
            pace.settle(self.sink.budget());
            if flow == Flow::Stop || is_cut {
                return Flow::Stop;
            }
        }
        Flow::Continue
    }

    /// Gives the script, and keeps what it says of files.
    fn header(&mut self, stream: &mut dyn Read, packed: u64) -> Flow {
        let room = self.sink.budget().growth(packed).min(self.script);
        let mut script = Vec::new();
        let outcome = stream.take(room).read_to_end(&mut script);
        if outcome.is_err() || u64::try_from(script.len()).unwrap_or(0) < self.script {
            self.sink.incomplete(Reason::Malformed("the script of an installer is cut short".to_owned()));
        }
        let work = Allowance::new(self.sink.budget().work());
        self.names = script::names(&script, &work);
        work.settle(self.sink);
        let member = Member {
            name: "script".to_owned(),
            position: 1,
            compressed_size: Some(packed),
            real_size: Some(self.script),
            ..Member::default()
        };
        self.given = 1;
        let held = u64::try_from(script.len()).unwrap_or(u64::MAX);
        if let Err(reason) = self.sink.budget().admit(held) {
            self.sink.incomplete(reason);
            return Flow::Continue;
        }
        self.sink.child(ChildKind::Extracted, &member, Content::Bytes(&script))
    }

    fn file(&mut self, place: u64, length: u64, packed: u64, stream: &mut dyn Read) -> Flow {
        self.given = self.given.saturating_add(1);
        let member = Member {
            name: self.names.remove(&place).unwrap_or_default(),
            position: self.given,
            compressed_size: Some(packed),
            real_size: Some(length),
            ..Member::default()
        };
        self.sink.child(ChildKind::Extracted, &member, Content::Stream(stream))
    }
}

/// The next length in a stream; `None` at its end.
fn length(stream: &mut dyn Read) -> io::Result<Option<u64>> {
    let mut bytes = [0; 4];
    let mut filled = 0;
    while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match stream.read(rest)? {
            0 => return Ok(None),
            read => filled = filled.saturating_add(read),
        }
    }
    // Some versions mark lengths inside of the stream like those outside.
    Ok(Some(u64::from(u32::from_le_bytes(bytes) & 0x7fff_ffff)))
}
