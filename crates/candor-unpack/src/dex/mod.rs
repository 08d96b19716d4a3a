//! Dalvik executables (DEX, versions 035 to 041): what the header says, the names of the classes, and the strings.
//!
//! Layout: <https://source.android.com/docs/core/runtime/dex-format>
//!
//! ```text
//! dex\n035\0 | adler-32 4 | SHA-1 20 | length 4 | length of the header 4 | 0x12345678 | link 8 | map 4
//!   | count and offset, 8 bytes each: strings, types, prototypes, fields, methods, classes | data 8
//! string: offset 4 -> length in characters as LEB128 | modified UTF-8 | 0
//! type: number of its string 4         class: number of its type 4 | 28 more
//! ```
//!
//! From version 041 on, several of them stand in a file one after another and share their data. Strings stand in the
//! file as they are, but for a length in front of each; given as one text, they meet signatures for text, and those that
//! stretch over a whole line. Hostile files let a million entries point to one string: no more is read than the file has
//! bytes, twice. A file whose header says a wrong sum is run all the same by some systems, so that is a fact. What
//! stands behind the end that the header says is given, as for other programs; archives in it are found by their magic.

#[cfg(test)]
mod tests;

use candor_model::{Flow, Reason, Sink};

use crate::adler::adler;
use crate::behind;
use crate::hash::Hash;
use crate::mutf8::{Lines, class_name};
use crate::reader::{Order, Reader, clipped, until_nul};

/// Programs in one file.
const PROGRAMS: usize = 64;
/// Classes that are told.
const CLASSES: u32 = 64;

/// Gives the strings, and what stands behind the end.
pub(crate) fn unpack(bytes: &[u8], sink: &mut dyn Sink) {
    if bytes.starts_with(b"cdex") {
        // Its strings stand in another file as often as in this one.
        sink.detail("dex", format!("compact, version {}", version(bytes)));
        return;
    }
    let mut lines = Lines::default();
    // Bytes of strings that may be read.
    let mut left = u64::try_from(bytes.len()).unwrap_or(u64::MAX).saturating_mul(2);
    let mut end = 0;
    for number in 0..PROGRAMS {
        let Some(program) = Program::read(bytes, end) else {
            if number == 0 {
                sink.incomplete(Reason::Malformed("the header of a DEX file".to_owned()));
            }
            break;
        };
        program.tell(sink);
        let count = program.strings(&mut left, &mut lines);
        if count < program.strings.count {
            let total = program.strings.count;
            sink.incomplete(Reason::Malformed(format!("{count} of {total} strings could be read")));
        }
        let behind = end.saturating_add(u64::from(program.length));
        let is_last = program.is_alone || u64::from(program.length) < HEADER;
        end = behind;
        if is_last {
            break;
        }
    }
    // With a length of nothing, what is behind would be all of it once more.
    if lines.give(sink) == Flow::Continue && end >= HEADER {
        behind::overlay(bytes, end, sink);
    }
}

/// Length of the header before version 041.
const HEADER: u64 = 0x70;

/// The three digits behind the name.
fn version(bytes: &[u8]) -> String {
    String::from_utf8_lossy(clipped(bytes, 4, 3)).into_owned()
}

/// A table of the header.
#[derive(Clone, Copy, Debug)]
struct Table {
    count: u32,
    offset: u32,
}

impl Table {
    fn read(header: &mut Reader<'_>) -> Option<Self> {
        Some(Self { count: header.u32()?, offset: header.u32()? })
    }

    /// The place of a row.
    fn row<'a>(self, start: Reader<'a>, row: u32, length: u64) -> Option<Reader<'a>> {
        let inside = u64::from(row).checked_mul(length)?;
        (row < self.count).then(|| start.at(inside.checked_add(u64::from(self.offset))?)).flatten()
    }
}

/// One program.
struct Program<'a> {
    /// From its header to the end of the file.
    bytes: &'a [u8],
    /// What offsets count from.
    base: Reader<'a>,
    /// No other one follows.
    is_alone: bool,
    checksum: u32,
    signature: &'a [u8],
    length: u32,
    strings: Table,
    types: Table,
    methods: Table,
    classes: Table,
}

impl<'a> Program<'a> {
    /// The program whose header stands at `offset`; `None` when there is none.
    fn read(file: &'a [u8], offset: u64) -> Option<Self> {
        let bytes = clipped(file, offset, u64::MAX);
        if !bytes.starts_with(b"dex\n") {
            return None;
        }
        let order = match bytes.get(40..44)? {
            b"\x12\x34\x56\x78" => Order::Big,
            _ => Order::Little,
        };
        let start = Reader::new(bytes, order);
        let mut header = start.at(8)?;
        let checksum = header.u32()?;
        let signature = header.take(20)?;
        let length = header.u32()?;
        let mut header = start.at(56)?;
        let strings = Table::read(&mut header)?;
        let types = Table::read(&mut header)?;
        header.skip(16)?;
        let methods = Table::read(&mut header)?;
        let classes = Table::read(&mut header)?;
        let is_alone = bytes.get(4..7)? < &b"041"[..];
        let base = start;
        let program =
            Self { bytes, base, is_alone, checksum, signature, length, strings, types, methods, classes };
        if is_alone || offset == 0 {
            return Some(program);
        }
        // Where data are shared, offsets count from the start of the file, and tables stand behind their header.
        let is_of_file = u64::from(strings.offset) >= offset;
        Some(if is_of_file { Self { base: Reader::new(file, order), ..program } } else { program })
    }

    /// Tells what the header says, and where the file is another.
    fn tell(&self, sink: &mut dyn Sink) {
        sink.detail(
            "dex",
            format!(
                "version {}, {} classes, {} strings, {} methods",
                version(self.bytes),
                self.classes.count,
                self.strings.count,
                self.methods.count
            ),
        );
        let own = clipped(self.bytes, 0, u64::from(self.length));
        if u64::try_from(own.len()).is_ok_and(|length| length < u64::from(self.length)) {
            let there = own.len();
            sink.incomplete(Reason::Malformed(format!("{there} of {} bytes are there", self.length)));
        } else {
            if adler(own.get(12..).unwrap_or_default()) != self.checksum {
                sink.detail("damaged", "its checksum is that of another file".to_owned());
            }
            if Hash::Sha1.of(&[own.get(32..).unwrap_or_default()]) != self.signature {
                sink.detail("damaged", "its SHA-1 digest is that of another file".to_owned());
            }
        }
        for class in 0..self.classes.count.min(CLASSES) {
            let Some(name) = self.class(class) else { break };
            sink.detail("class", class_name(name));
        }
    }

    /// The name of a class.
    fn class(&self, class: u32) -> Option<&'a [u8]> {
        let class = self.classes.row(self.base, class, 32)?.u32()?;
        let name = self.types.row(self.base, class, 4)?.u32()?;
        self.string(name, 1 << 16)
    }

    /// A string, of which at most so many bytes are read.
    fn string(&self, string: u32, most: u64) -> Option<&'a [u8]> {
        let offset = self.strings.row(self.base, string, 4)?.u32()?;
        let mut place = self.base.at(u64::from(offset))?;
        // How many characters it has says less than where its zero is.
        for _ in 0..5 {
            if place.u8()? & 0x80 == 0 {
                break;
            }
        }
        Some(until_nul(clipped(place.rest(), 0, most)))
    }

    /// Adds the strings, while `left` bytes may be read; how many were.
    fn strings(&self, left: &mut u64, lines: &mut Lines) -> u32 {
        for number in 0..self.strings.count {
            let Some(string) = self.string(number, *left).filter(|_| *left > 0) else { return number };
            // The length in front of it and the zero behind it.
            *left = left.saturating_sub(u64::try_from(string.len()).unwrap_or(u64::MAX).saturating_add(1));
            if !lines.push(string) {
                // Told by itself.
                return self.strings.count;
            }
        }
        self.strings.count
    }
}
