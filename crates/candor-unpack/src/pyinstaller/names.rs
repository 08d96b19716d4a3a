//! The names of the modules in an archive of them: a table that Python writes with `marshal`, of which as much is read as such
//! tables need.
//!
//! ```text
//! [ count  then tuples: name, (kind, place, length)      newer versions
//! { name, (kind, place, length), … 0                      older ones
//! ```
//!
//! A type whose highest bit is set is numbered, in the order in which such begin, and may be named by its number later.

use std::collections::BTreeMap;

use crate::reader::Reader;

/// Values that are read in all, and how deep they may stand in one another.
const VALUES: usize = 10 * super::ENTRIES;
const DEPTH: usize = 4;

/// Where each module stands, and what it is called. As far as the table can be read.
pub(super) fn names(table: &[u8]) -> BTreeMap<u64, &[u8]> {
    let mut marshal = Marshal { reader: Reader::little(table), known: Vec::new(), left: VALUES };
    let mut names = BTreeMap::new();
    // Whatever the outermost value is, each name stands before its place.
    let mut values = Vec::new();
    let _ = marshal.value(0, &mut values);
    let mut name = None;
    let mut numbers = Vec::new();
    for value in values {
        match value {
            Value::Text(text) => {
                name = Some(text);
                numbers.clear();
            }
            Value::Number(number) => numbers.push(number),
            Value::Other => numbers.push(0),
        }
        if let (Some(text), [_, place, _]) = (name, &numbers[..]) {
            names.entry(*place).or_insert(text);
            name = None;
        }
    }
    names
}

#[derive(Clone, Copy, Debug)]
enum Value<'a> {
    Text(&'a [u8]),
    Number(u64),
    Other,
}

struct Marshal<'a> {
    reader: Reader<'a>,
    /// What was numbered.
    known: Vec<Value<'a>>,
    left: usize,
}

impl<'a> Marshal<'a> {
    /// Reads the next value; those of no parts are appended to `out` in their order.
    fn value(&mut self, depth: usize, out: &mut Vec<Value<'a>>) -> Option<()> {
        self.left = self.left.checked_sub(1)?;
        let kind = self.reader.u8()?;
        let (kind, is_numbered) = (kind & 0x7f, kind & 0x80 != 0);
        let number = is_numbered.then(|| {
            self.known.push(Value::Other);
            self.known.len().saturating_sub(1)
        });
        let short = |reader: &mut Reader<'a>| reader.u8().map(u64::from);
        let long = |reader: &mut Reader<'a>| reader.u32().map(u64::from);
        let value = match kind {
            b'z' | b'Z' => {
                let length = short(&mut self.reader)?;
                Value::Text(self.reader.take(length)?)
            }
            b'a' | b'A' | b'u' | b't' | b's' => {
                let length = long(&mut self.reader)?;
                Value::Text(self.reader.take(length)?)
            }
            b'i' => Value::Number(long(&mut self.reader)?),
            b'I' => Value::Number(self.reader.u64()?),
            b'l' => {
                // Digits of 15 bits.
                let digits = long(&mut self.reader)?;
                let mut number = 0_u64;
                for digit in 0..u32::try_from(digits).ok().filter(|digits| *digits <= 4)? {
                    number |= u64::from(self.reader.u16()?).checked_shl(digit.saturating_mul(15))?;
                }
                Value::Number(number)
            }
            b'r' => {
                let known = usize::try_from(self.reader.u32()?).ok()?;
                *self.known.get(known)?
            }
            b'N' | b'T' | b'F' => Value::Other,
            b'(' | b')' | b'[' => {
                let count = if kind == b')' { short(&mut self.reader) } else { long(&mut self.reader) }?;
                let depth = depth.checked_add(1).filter(|depth| *depth <= DEPTH)?;
                for _ in 0..count {
                    self.value(depth, out)?;
                }
                return Some(());
            }
            b'{' => {
                let depth = depth.checked_add(1).filter(|depth| *depth <= DEPTH)?;
                while self.reader.rest().first() != Some(&b'0') {
                    self.value(depth, out)?;
                }
                return self.reader.skip(1);
            }
            _ => return None,
        };
        if let Some(known) = number.and_then(|number| self.known.get_mut(number)) {
            *known = value;
        }
        out.push(value);
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::names;

    #[test]
    fn tables_of_all_versions_are_read() {
        // What Python 3.11 writes of [("a", (0, 17, 5)), ("pkg.é", (1, 300, 9))], with numbered values.
        let list = b"\xdb\x02\0\0\0\xa9\x02\xda\x01a\xa9\x03\xe9\0\0\0\0\xe9\x11\0\0\0\xe9\x05\0\0\0\
            \xa9\x02\xf5\x06\0\0\0pkg.\xc3\xa9\xa9\x03\xe9\x01\0\0\0\xe9\x2c\x01\0\0\xe9\x09\0\0\0";
        let found = names(list);
        assert_eq!(found.get(&17), Some(&&b"a"[..]));
        assert_eq!(found.get(&300), Some(&"pkg.é".as_bytes()));
        // A dictionary, a number that was numbered before, and one of many digits.
        let dictionary = b"{z\x01a)\x03\xe9\0\0\0\0i\x11\0\0\0i\x05\0\0\0z\x01b)\x03r\0\0\0\0l\x02\0\0\0\x01\0\x01\0i\x05\0\0\0\
            0";
        let found = names(dictionary);
        assert_eq!(found.into_iter().collect::<Vec<_>>(), [(17, &b"a"[..]), (0x8001, b"b")]);
    }

    #[test]
    fn what_is_damaged_is_read_as_far_as_it_goes() {
        let list = b"[\xff\xff\xff\x7f)\x02z\x01a)\x03i\0\0\0\0i\x11\0\0\0i\x05\0\0\0)\x02z\xff";
        assert_eq!(names(list).len(), 1);
        assert!(names(&b"(\xff\xff\xff\xff".repeat(1000)).is_empty());
        for end in 0..list.len() {
            assert!(names(&list[..end]).len() <= 1);
        }
        // An empty list a million times over.
        assert!(names(&[&b"[\xff\xff\xff\xff"[..], &b")\0".repeat(1 << 20)].concat()).is_empty());
    }
}
