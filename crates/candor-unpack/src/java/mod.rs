//! Java classes: what the class is called, which it extends, for which Java it was made, and the strings of its
//! constant pool.
//!
//! Layout: chapter 4 of the Java Virtual Machine Specification.
//!
//! ```text
//! ca fe ba be | minor 2 | major 2 | constants 2 | a tag and what it says for each | access 2 | this 2 | super 2
//!   | interfaces: count 2, 2 each | fields | methods | attributes
//! field, method: count 2, each: access 2 | name 2 | type 2 | attributes
//! attributes: count 2, each: name 2 | length 4 | bytes
//! ```
//!
//! Long and double numbers take two places in the pool. Constants with a tag that there is not end the walk, as nobody
//! knows how long they are; what was read until then is kept, and the rest is told. Everything is walked once, and
//! nothing is longer than the file.

#[cfg(test)]
mod tests;

use candor_model::{Flow, Reason, Sink};

use crate::behind;
use crate::mutf8::{Lines, class_name};
use crate::reader::{Order, Reader};
use crate::work::units;

/// Gives the strings, and what stands behind the end.
pub(crate) fn unpack(bytes: &[u8], sink: &mut dyn Sink) {
    let mut reader = Reader::new(bytes, Order::Big);
    let mut lines = Lines::default();
    let walked = class(&mut reader, &mut lines, sink);
    if walked.is_none() {
        let at = reader.position();
        sink.incomplete(Reason::Malformed(format!("a class that ends or makes no sense at byte {at}")));
    }
    if lines.give(sink) == Flow::Stop || walked.is_none() {
        return;
    }
    behind::overlay(bytes, units(reader.position()), sink);
}

/// Walks through a class and tells what it is; `None` where that is not possible any further.
fn class(reader: &mut Reader<'_>, lines: &mut Lines, sink: &mut dyn Sink) -> Option<()> {
    reader.skip(4)?;
    let (minor, major) = (reader.u16()?, reader.u16()?);
    sink.detail("class-version", version(major, minor));
    let pool = Pool::read(reader, lines)?;
    reader.skip(2)?;
    let (own, parent) = (reader.u16()?, reader.u16()?);
    if let Some(name) = pool.class(own) {
        sink.detail("class", name);
    }
    if let Some(name) = pool.class(parent) {
        sink.detail("super-class", name);
    }
    let interfaces = reader.u16()?;
    reader.skip(u64::from(interfaces).checked_mul(2)?)?;
    members(reader)?;
    let methods = members(reader)?;
    sink.detail("methods", methods.to_string());
    attributes(reader)
}

/// A version for people.
fn version(major: u16, minor: u16) -> String {
    // Java 1.0 and 1.1 have 45, and each one after it one more.
    match major.checked_sub(44) {
        Some(java @ 5..) => format!("{major}.{minor} (Java {java})"),
        Some(java) => format!("{major}.{minor} (Java 1.{java})"),
        None => format!("{major}.{minor}"),
    }
}

/// Passes over fields or methods; how many there are.
fn members(reader: &mut Reader<'_>) -> Option<u16> {
    let count = reader.u16()?;
    for _ in 0..count {
        reader.skip(6)?;
        attributes(reader)?;
    }
    Some(count)
}

/// Passes over attributes.
fn attributes(reader: &mut Reader<'_>) -> Option<()> {
    let count = reader.u16()?;
    for _ in 0..count {
        reader.skip(2)?;
        let length = reader.u32()?;
        reader.skip(u64::from(length))?;
    }
    Some(())
}

/// A constant that a name can be found by.
#[derive(Clone, Copy, Debug)]
enum Constant<'a> {
    Text(&'a [u8]),
    /// A class, by the number of the constant that is its name.
    Class(u16),
    /// Something else, or the second place of a long number.
    Other,
}

/// The constants, by their numbers.
struct Pool<'a>(Vec<Constant<'a>>);

impl<'a> Pool<'a> {
    /// Reads them, and adds the strings to `lines`; `None` where that is not possible any further.
    fn read(reader: &mut Reader<'a>, lines: &mut Lines) -> Option<Self> {
        let count = usize::from(reader.u16()?);
        let mut pool = vec![Constant::Other];
        let mut has_room = true;
        while pool.len() < count {
            let tag = reader.u8()?;
            let constant = match tag {
                1 => {
                    let text = reader.take_counted()?;
                    has_room = has_room && lines.push(text);
                    Constant::Text(text)
                }
                7 => Constant::Class(reader.u16()?),
                _ => {
                    if pass(reader, tag)? {
                        pool.push(Constant::Other);
                    }
                    Constant::Other
                }
            };
            pool.push(constant);
        }
        Some(Self(pool))
    }

    fn class(&self, number: u16) -> Option<String> {
        let Constant::Class(name) = self.0.get(usize::from(number))? else { return None };
        let Constant::Text(name) = self.0.get(usize::from(*name))? else { return None };
        Some(class_name(name))
    }
}

/// Passes over a constant of this tag; whether it takes two places.
fn pass(reader: &mut Reader<'_>, tag: u8) -> Option<bool> {
    // Numbers, members, and what methods are reached by.
    let length = match tag {
        8 | 16 | 19 | 20 => 2,
        15 => 3,
        3 | 4 | 9 | 10 | 11 | 12 | 17 | 18 => 4,
        5 | 6 => 8,
        _ => return None,
    };
    reader.skip(length)?;
    Some(matches!(tag, 5 | 6))
}
