//! Programs of Python in one file, as Nuitka makes them (`--onefile`): a payload behind a program for
//! Windows, Linux or macOS, or, by newer versions, within it: in a resource, or among its constants.
//!
//! ```text
//! payload: "KA" | 'Y' packed, 'X' not | entries
//! entry:   name, NUL | flags 1, not on Windows, newer versions | length 8 | CRC-32 4, in some | data
//! ```
//!
//! Names are UTF-16 on Windows. An empty name ends the entries. Either all entries are one stream of
//! Zstandard, or each is one with its packed length (4) before it. Which of the fields are there stands
//! nowhere; it shows in where the first entry, a program, begins.

#[cfg(test)]
mod tests;

use std::io::{self, Read};

use candor_model::{ChildKind, Content, Flow, Member, Reason, Sink};
use memchr::memmem;

use crate::codec;
use crate::name::decoded;
use crate::reader::clipped;
use crate::work::Work;

/// Entries of a payload.
const ENTRIES: u64 = 65_536;
/// Bytes of a name.
const NAME: usize = 4096;
/// Bytes at the start of the entries that show how they are built.
const START: usize = 8192;
/// Bytes of one payload that are unpacked without being looked at, to come to what follows them.
const SKIPPED: u64 = 256 << 20;
/// How many bytes are searched in the time in which one is read.
const AT_ONCE: usize = 16;
/// What it costs to look at the start of a payload, and to unpack it. In the units of [`candor_model::Budget::pay_work`].
const LOOK: usize = 512;
const STREAM: usize = 128 << 10;
const ZSTANDARD: &[u8] = b"\x28\xb5\x2f\xfd";

/// Gives the files of the payload of a program, if it has one: behind it, or in one of these stretches of it (offset and length).
pub(crate) fn unpack(bytes: &[u8], stretches: &[(u64, u64)], sink: &mut dyn Sink) -> Flow {
    let mut work = Work::of(bytes);
    let behind = behind(bytes);
    if let Some(at) = behind
        && one(bytes.get(at..bytes.len().saturating_sub(8)), &mut work, sink) == Flow::Stop
    {
        return Flow::Stop;
    }
    for (&(offset, length), magic) in stretches.iter().flat_map(|it| [(it, b"KAX"), (it, b"KAY")]) {
        let stretch = clipped(bytes, offset, length);
        // They may all be the same bytes.
        if !work.pay(stretch.len() / AT_ONCE, sink) {
            break;
        }
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        for at in memmem::find_iter(stretch, magic) {
            let at = at.saturating_add(start);
            if work.is_over() {
                break;
            }
            if behind != Some(at) && one(bytes.get(at..), &mut work, sink) == Flow::Stop {
                return Flow::Stop;
            }
        }
    }
    Flow::Continue
}

/// Gives the files of a payload, if it is one.
fn one(payload: Option<&[u8]>, work: &mut Work, sink: &mut dyn Sink) -> Flow {
    let payload = payload.unwrap_or_default();
    let Some(packed) = is_payload(payload) else { return Flow::Continue };
    let content = payload.get(3..).unwrap_or_default();
    let is_stream = packed && content.starts_with(ZSTANDARD);
    if !work.pay(if is_stream { STREAM } else { LOOK }, sink) {
        return Flow::Continue;
    }
    let mut entries: codec::Decoder<'_> =
        if is_stream { codec::zstd_frame(content) } else { Box::new(content) };
    let mut start = Vec::new();
    // What is damaged shows again below.
    let _ = (&mut entries).take(START as u64).read_to_end(&mut start);
    let Some(layout) = Layout::of(&start, packed && !is_stream) else { return Flow::Continue };
    sink.detail("bundle", "Nuitka".to_owned());
    give(&mut start.chain(entries), layout, sink)
}

/// Where the payload behind a program starts: the last eight bytes say where that is, or how long it is.
fn behind(bytes: &[u8]) -> Option<usize> {
    let last = (bytes.len() as u64).checked_sub(8)?;
    let told = clipped(bytes, last, 8).first_chunk().copied().map(u64::from_le_bytes)?;
    let places = [Some(told), last.checked_sub(told)];
    let mut places = places.into_iter().flatten().filter(|&at| at > 0 && at < last);
    let found = places.find(|&at| is_payload(clipped(bytes, at, 3)).is_some())?;
    usize::try_from(found).ok()
}

/// Whether a payload that starts here is packed.
fn is_payload(bytes: &[u8]) -> Option<bool> {
    match bytes.get(..3)? {
        b"KAY" => Some(true),
        b"KAX" => Some(false),
        _ => None,
    }
}

/// Which fields an entry has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Layout {
    is_wide: bool,
    has_flags: bool,
    has_checksum: bool,
    packs_each: bool,
}

impl Layout {
    /// That of entries that begin with `start`.
    fn of(start: &[u8], packs_each: bool) -> Option<Self> {
        let is_wide = start.get(1) == Some(&0);
        let name = if is_wide {
            let (units, _) = start.as_chunks::<2>();
            units.iter().take(NAME).position(|unit| *unit == [0, 0])?.checked_add(1)?.checked_mul(2)?
        } else {
            memchr::memchr(0, start.get(..start.len().min(NAME))?)?.checked_add(1)?
        };
        let behind = start.get(name..)?;
        let has_flags_and_checksum = [(false, false), (true, false), (false, true), (true, true)]
            .into_iter()
            .find(|&(flags, checksum)| {
                let fields = 8_usize
                    .saturating_add(usize::from(flags))
                    .saturating_add(if checksum { 4 } else { 0 })
                    .saturating_add(if packs_each { 4 } else { 0 });
                let magics: &[&[u8]] = if packs_each {
                    &[ZSTANDARD]
                } else {
                    &[b"MZ", b"\x7fELF", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe"]
                };
                behind.get(fields..).is_some_and(|data| magics.iter().any(|magic| data.starts_with(magic)))
            })?;
        let (has_flags, has_checksum) = has_flags_and_checksum;
        Some(Self { is_wide, has_flags, has_checksum, packs_each })
    }
}

/// Gives every entry.
fn give(entries: &mut dyn Read, layout: Layout, sink: &mut dyn Sink) -> Flow {
    let mut position = 0_u64;
    let mut skippable = SKIPPED;
    loop {
        let entry = match Entry::read(entries, layout) {
            Ok(Some(entry)) => entry,
            Ok(None) => return Flow::Continue,
            Err(error) => {
                sink.incomplete(Reason::Malformed(format!("the payload of Nuitka: {error}")));
                return Flow::Continue;
            }
        };
        position = position.saturating_add(1);
        if position > ENTRIES {
            sink.incomplete(Reason::Children);
            return Flow::Continue;
        }
        let member = Member {
            name: entry.name,
            position,
            compressed_size: layout.packs_each.then_some(entry.stored),
            real_size: Some(entry.length),
            ..Member::default()
        };
        let mut stored = (&mut *entries).take(entry.stored);
        let flow = if layout.packs_each {
            let mut content = codec::zstd_frame(&mut stored);
            sink.child(ChildKind::Extracted, &member, Content::Stream(&mut content))
        } else {
            sink.child(ChildKind::Extracted, &member, Content::Stream(&mut stored))
        };
        if flow == Flow::Stop {
            return Flow::Stop;
        }
        // What nobody asked for stands before the next entry.
        let Some(rest) = skippable.checked_sub(stored.limit()) else {
            sink.incomplete(Reason::ScanSize);
            return Flow::Continue;
        };
        skippable = rest;
        if let Err(error) = io::copy(&mut stored, &mut io::sink()) {
            sink.incomplete(Reason::Malformed(format!("the payload of Nuitka: {error}")));
            return Flow::Continue;
        }
    }
}

struct Entry {
    name: String,
    length: u64,
    /// Bytes that stand for it in the payload.
    stored: u64,
}

impl Entry {
    /// The next one; `None` at the end.
    fn read(entries: &mut dyn Read, layout: Layout) -> io::Result<Option<Self>> {
        let mut name = Vec::new();
        loop {
            let mut unit = [0_u8; 2];
            let unit = unit.get_mut(..if layout.is_wide { 2 } else { 1 }).unwrap_or_default();
            entries.read_exact(unit)?;
            if unit.iter().all(|&byte| byte == 0) {
                break;
            }
            if name.len() >= NAME {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "a name without an end"));
            }
            name.extend_from_slice(unit);
        }
        if name.is_empty() {
            return Ok(None);
        }
        let name =
            if layout.is_wide { encoding_rs::UTF_16LE.decode(&name).0.into_owned() } else { decoded(&name) };
        if layout.has_flags {
            entries.read_exact(&mut [0])?;
        }
        let mut length = [0; 8];
        entries.read_exact(&mut length)?;
        let length = u64::from_le_bytes(length);
        if layout.has_checksum {
            entries.read_exact(&mut [0; 4])?;
        }
        let mut packed = [0; 4];
        if layout.packs_each {
            entries.read_exact(&mut packed)?;
        }
        let stored = if layout.packs_each { u64::from(u32::from_le_bytes(packed)) } else { length };
        Ok(Some(Self { name, length, stored }))
    }
}
