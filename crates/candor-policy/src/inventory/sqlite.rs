//! Tables of SQLite files, as far as databases of packages and of quarantines need them: rows in the order of
//! their keys, no indexes, no queries.
//!
//! Format: <https://www.sqlite.org/fileformat2.html>
//!
//! Hostile files have pages that lead back to themselves and cells outside of their page. A page is visited
//! once at most; what is damaged is left out and told.
//!
//! A database that was not closed has newer pages in a log beside it (`-wal`): what was committed there takes the
//! place of what the file has (<https://www.sqlite.org/fileformat2.html#walformat>).

use std::collections::{BTreeMap, BTreeSet};

use super::bytes::{array, be16, be32, run, size};

/// How deep trees of pages may be. SQLite itself allows 20.
const DEPTH: u32 = 24;

/// Bytes of one row.
const LONGEST: usize = 64 << 20;

/// Columns of one row.
const COLUMNS: usize = 256;

/// A file of SQLite.
#[derive(Debug)]
pub(crate) struct Database<'a> {
    bytes: &'a [u8],
    page: usize,
    usable: usize,
    /// Pages of the log that take the place of those of the file.
    newer: BTreeMap<u32, &'a [u8]>,
    /// Whether the log is damaged before its end.
    is_torn: bool,
}

/// Where the rows of a table begin.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Table(u32);

/// One value of a row.
#[derive(Debug)]
enum Value {
    Null,
    Integer(i64),
    /// Where in the row it stands.
    Text(usize, usize),
    Blob(usize, usize),
}

/// One row.
#[derive(Debug)]
pub(crate) struct Row {
    bytes: Vec<u8>,
    values: Vec<Value>,
}

impl Row {
    pub(crate) fn blob(&self, column: usize) -> Option<&[u8]> {
        match self.values.get(column)? {
            Value::Blob(at, length) | Value::Text(at, length) => run(&self.bytes, *at, *length),
            _ => None,
        }
    }

    pub(crate) fn text(&self, column: usize) -> Option<String> {
        match self.values.get(column)? {
            Value::Text(at, length) => {
                run(&self.bytes, *at, *length).map(|text| String::from_utf8_lossy(text).into_owned())
            }
            _ => None,
        }
    }

    pub(crate) fn integer(&self, column: usize) -> Option<i64> {
        match self.values.get(column)? {
            Value::Integer(value) => Some(*value),
            _ => None,
        }
    }
}

impl<'a> Database<'a> {
    /// A database with the log that stands beside it; an empty one for none.
    pub(crate) fn open(bytes: &'a [u8], log: &'a [u8]) -> Option<Self> {
        let log = Log::read(log);
        // All of a new database may stand in its log.
        let first = log.pages.get(&1).copied().unwrap_or(bytes);
        let (page, usable) = Self::sizes(first)?;
        // A log with pages of another size is of another database.
        let newer = if log.page == page { log.pages } else { BTreeMap::new() };
        let is_torn = log.is_torn || (log.page != page && log.page != 0);
        if newer.is_empty() && Self::sizes(bytes).is_none() {
            return None;
        }
        Some(Self { bytes, page, usable, newer, is_torn })
    }

    /// Whether some of what the log holds cannot be read.
    pub(crate) const fn is_torn(&self) -> bool {
        self.is_torn
    }

    /// The size of pages, and how much of each is used, as the first one says.
    fn sizes(bytes: &[u8]) -> Option<(usize, usize)> {
        if !bytes.starts_with(b"SQLite format 3\0") {
            return None;
        }
        let page = match be16(bytes, 16)? {
            1 => 65_536,
            other => usize::from(other),
        };
        let [reserved] = array(bytes, 20)?;
        let usable = page.checked_sub(usize::from(reserved))?;
        // 1 is UTF-8; the others are not written by what is read here.
        let encoding = be32(bytes, 56)?;
        let is_sound = page.is_power_of_two() && (512..=65_536).contains(&page) && usable >= 480;
        (is_sound && encoding <= 1).then_some((page, usable))
    }

    /// The table of this name.
    pub(crate) fn table(&self, name: &str) -> Option<Table> {
        let mut found = None;
        self.rows(Table(1), &mut |row| {
            let is_it = row.text(0).as_deref() == Some("table")
                && row.text(1).is_some_and(|known| known.eq_ignore_ascii_case(name));
            if is_it {
                found = row.integer(3).and_then(|root| u32::try_from(root).ok());
            }
            found.is_none()
        });
        found.map(Table)
    }

    /// Gives rows to `take` until it wants no more; says whether all pages on the way could be read.
    pub(crate) fn rows(&self, table: Table, take: &mut dyn FnMut(&Row) -> bool) -> bool {
        let mut walk = Walk {
            database: self,
            seen: BTreeSet::new(),
            left: self
                .bytes
                .len()
                .saturating_add(self.newer.len().saturating_mul(self.page))
                .saturating_mul(2),
            whole: true,
            take,
        };
        walk.page(table.0, DEPTH);
        walk.whole
    }

    fn page(&self, number: u32) -> Option<&'a [u8]> {
        if let Some(page) = self.newer.get(&number) {
            return Some(page);
        }
        run(self.bytes, size(number.checked_sub(1)?).checked_mul(self.page)?, self.page)
    }

    /// The payload of a cell of a table's leaf: what stands in the page, and the pages that it goes on in.
    fn payload(&self, page: &[u8], at: usize, length: usize) -> Option<Vec<u8>> {
        let most = self.bytes.len().saturating_add(self.newer.len().saturating_mul(self.page));
        if length > LONGEST || length > most {
            return None;
        }
        // "Cell payload overflow pages" of the format.
        let most = self.usable.checked_sub(35)?;
        if length <= most {
            return run(page, at, length).map(<[u8]>::to_vec);
        }
        let least = self.usable.checked_sub(12)?.checked_mul(32)?.checked_div(255)?.checked_sub(23)?;
        let rest = length.checked_sub(least)?.checked_rem(self.usable.checked_sub(4)?)?;
        let local = least.checked_add(rest)?;
        let local = if local <= most { local } else { least };
        let mut out = run(page, at, local)?.to_vec();
        let mut next = be32(page, at.checked_add(local)?)?;
        while out.len() < length {
            let page = self.page(next)?;
            let wanted = length.checked_sub(out.len())?.min(self.usable.checked_sub(4)?);
            out.extend_from_slice(run(page, 4, wanted)?);
            next = be32(page, 0)?;
        }
        Some(out)
    }
}

/// What a log holds that was committed.
#[derive(Default)]
struct Log<'a> {
    /// The size of its pages; 0 without a log.
    page: usize,
    pages: BTreeMap<u32, &'a [u8]>,
    is_torn: bool,
}

impl<'a> Log<'a> {
    /// Reads a log up to the last frame that commits something.
    ///
    /// ```text
    /// 0    magic (its last bit: numbers are summed most significant byte first), version, size of pages,
    ///      number of checkpoints, two salts, two sums (u32 each, big-endian)
    /// 32   frames: number of the page, pages of the database after a commit or 0, salts, sums; the page
    /// ```
    fn read(bytes: &'a [u8]) -> Self {
        let mut log = Self::default();
        if bytes.is_empty() {
            return log;
        }
        let whole = || {
            let (magic, page) = (be32(bytes, 0)?, size(be32(bytes, 8)?));
            let is_big = match magic {
                0x377f_0682 => false,
                0x377f_0683 => true,
                _ => return None,
            };
            let is_sound = page.is_power_of_two() && (512..=65_536).contains(&page);
            let sums = sum((0, 0), bytes.get(..24)?, is_big);
            let is_own = sums == (be32(bytes, 24)?, be32(bytes, 28)?);
            (is_sound && is_own).then_some((page, is_big, sums))
        };
        let Some((page, is_big, mut sums)) = whole() else {
            // SQLite passes over a log that does not begin as one does; it may have held something.
            log.is_torn = true;
            return log;
        };
        log.page = page;
        let salts = bytes.get(16..24);
        let mut pending: Vec<(u32, &[u8])> = Vec::new();
        for frame in bytes.get(32..).unwrap_or_default().chunks(page.saturating_add(24)) {
            let Some((head, content)) =
                frame.split_at_checked(24).filter(|(_, content)| content.len() == page)
            else {
                break;
            };
            // What is left of an earlier round of the log has other salts.
            if head.get(8..16) != salts {
                break;
            }
            sums = sum(sum(sums, head.get(..8).unwrap_or_default(), is_big), content, is_big);
            let (Some(number), Some(length)) = (be32(head, 0), be32(head, 4)) else { break };
            if Some(sums) != be32(head, 16).zip(be32(head, 20)) || number == 0 {
                log.is_torn = true;
                break;
            }
            pending.push((number, content));
            if length > 0 {
                log.pages.extend(pending.drain(..));
            }
        }
        log
    }
}

/// The sum of a log: over pairs of numbers of four bytes.
fn sum((mut one, mut two): (u32, u32), bytes: &[u8], is_big: bool) -> (u32, u32) {
    let number = |bytes: [u8; 4]| if is_big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) };
    for [a, b, c, d, e, f, g, h] in bytes.as_chunks::<8>().0 {
        one = one.wrapping_add(number([*a, *b, *c, *d])).wrapping_add(two);
        two = two.wrapping_add(number([*e, *f, *g, *h])).wrapping_add(one);
    }
    (one, two)
}

struct Walk<'a, 'take> {
    database: &'a Database<'a>,
    seen: BTreeSet<u32>,
    /// Bytes of rows that may still be put together.
    left: usize,
    whole: bool,
    take: &'take mut dyn FnMut(&Row) -> bool,
}

impl Walk<'_, '_> {
    /// Walks the tree below a page; says whether to go on.
    fn page(&mut self, number: u32, depth: u32) -> bool {
        let page = self.database.page(number).filter(|_| depth > 0 && self.seen.insert(number));
        let Some(page) = page else {
            self.whole = false;
            return true;
        };
        // The first page begins with the header of the file.
        let start = if number == 1 { 100 } else { 0 };
        let (kind, count) = (page.get(start).copied(), be16(page, start.saturating_add(3)).unwrap_or(0));
        match kind {
            Some(0x0d) => self.leaf(page, start.saturating_add(8), count),
            Some(0x05) => {
                for place in pointers(page, start.saturating_add(12), count) {
                    match be32(page, place) {
                        Some(child) if !self.page(child, depth.saturating_sub(1)) => return false,
                        Some(_) => (),
                        None => self.whole = false,
                    }
                }
                be32(page, start.saturating_add(8))
                    .is_none_or(|last| self.page(last, depth.saturating_sub(1)))
            }
            _ => {
                self.whole = false;
                true
            }
        }
    }

    fn leaf(&mut self, page: &[u8], start: usize, count: u16) -> bool {
        for place in pointers(page, start, count) {
            let Some(row) = self.row(page, place) else {
                self.whole = false;
                continue;
            };
            if !(self.take)(&row) {
                return false;
            }
        }
        true
    }

    fn row(&mut self, page: &[u8], at: usize) -> Option<Row> {
        let (length, at) = varint(page, at)?;
        // The number of the row.
        let (_, at) = varint(page, at)?;
        let length = size(length);
        self.left = self.left.checked_sub(length.max(1))?;
        let bytes = self.database.payload(page, at, length)?;
        let (end, mut at) = varint(&bytes, 0)?;
        let mut place = size(end);
        let mut values = Vec::new();
        while at < size(end) && values.len() < COLUMNS {
            let (kind, next) = varint(&bytes, at)?;
            at = next;
            let (value, length) = match kind {
                0 => (Value::Null, 0),
                1..=6 => {
                    let length = [1, 2, 3, 4, 6, 8].get(size(kind).checked_sub(1)?).copied()?;
                    (Value::Integer(integer(run(&bytes, place, length)?)), length)
                }
                7 => (Value::Null, 8),
                8 => (Value::Integer(0), 0),
                9 => (Value::Integer(1), 0),
                10 | 11 => return None,
                _ => {
                    let length = size(kind.checked_sub(12)? / 2);
                    run(&bytes, place, length)?;
                    let is_text = kind % 2 == 1;
                    (if is_text { Value::Text(place, length) } else { Value::Blob(place, length) }, length)
                }
            };
            values.push(value);
            place = place.checked_add(length)?;
        }
        Some(Row { bytes, values })
    }
}

fn pointers(page: &[u8], start: usize, count: u16) -> impl Iterator<Item = usize> {
    let table = page.get(start..).unwrap_or_default();
    table.as_chunks::<2>().0.iter().take(usize::from(count)).map(|raw| usize::from(u16::from_be_bytes(*raw)))
}

/// Up to nine bytes, seven bits each but the last.
fn varint(bytes: &[u8], at: usize) -> Option<(u64, usize)> {
    let mut value = 0_u64;
    for step in 0..9_usize {
        let place = at.checked_add(step)?;
        let byte = *bytes.get(place)?;
        if step == 8 {
            return Some((value << 8 | u64::from(byte), place.checked_add(1)?));
        }
        value = value << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some((value, place.checked_add(1)?));
        }
    }
    None
}

fn integer(bytes: &[u8]) -> i64 {
    let is_negative = bytes.first().is_some_and(|first| first & 0x80 != 0);
    bytes.iter().fold(if is_negative { -1 } else { 0 }, |value, byte| value << 8 | i64::from(*byte))
}
