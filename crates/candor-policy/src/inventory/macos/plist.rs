//! Property lists, as XML and binary.
//!
//! Formats: <https://github.com/apple-oss-distributions/CF> describes both. Binary: `bplist00`, objects, a
//! table of where they are, and 32 bytes at the end that say where that table is.
//!
//! Hostile lists have containers within themselves. Depth and number of values are bounded; what is beyond
//! is left out.

use std::collections::BTreeMap;

use crate::inventory::bytes::{be16, be64, run, size};
use crate::inventory::time;
use crate::inventory::xml::{Event, Xml};

const DEPTH: u32 = 16;
const VALUES: u32 = 200_000;

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Array(Vec<Self>),
    Boolean(bool),
    Data(Vec<u8>),
    /// RFC 3339.
    Date(String),
    Dictionary(BTreeMap<String, Self>),
    Integer(i64),
    Real(f64),
    Text(String),
}

impl Value {
    /// Reads a property list of either form.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        if bytes.starts_with(b"bplist0") { Binary::read(bytes) } else { xml(bytes) }
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Dictionary(values) => values.get(key),
            _ => None,
        }
    }

    /// The text at a key; empty when there is none.
    pub(crate) fn text(&self, key: &str) -> &str {
        match self.get(key) {
            Some(Self::Text(text) | Self::Date(text)) => text,
            _ => "",
        }
    }
}

fn xml(bytes: &[u8]) -> Option<Value> {
    let text = crate::inventory::bytes::lossy(bytes);
    let mut events = Xml::new(&text);
    let mut left = VALUES;
    loop {
        match events.next()? {
            Event::Start { name: "plist", .. } => return value(&mut events, None, DEPTH, &mut left),
            // Old ones have no element around them.
            Event::Start { name: "dict", .. } => return value(&mut events, Some("dict"), DEPTH, &mut left),
            _ => (),
        }
    }
}

/// The next value; `None` at the end of what is around it.
fn value<'t>(events: &mut Xml<'t>, begun: Option<&'t str>, depth: u32, left: &mut u32) -> Option<Value> {
    let depth = depth.checked_sub(1)?;
    *left = left.checked_sub(1)?;
    let mut kind = begun;
    while kind.is_none() {
        match events.next()? {
            Event::Start { name, .. } => kind = Some(name),
            Event::End { .. } => return None,
            Event::Text(_) => (),
        }
    }
    let value = match kind? {
        "dict" => {
            let mut values = BTreeMap::new();
            loop {
                match events.next() {
                    Some(Event::Start { name: "key", .. }) => {
                        let key = events.text_until("key");
                        match value(events, None, depth, left) {
                            Some(value) => drop(values.insert(key, value)),
                            None => break,
                        }
                    }
                    Some(Event::Start { name, .. }) => events.skip_element(name),
                    Some(Event::Text(_)) => (),
                    Some(Event::End { .. }) | None => break,
                }
            }
            Value::Dictionary(values)
        }
        "array" => {
            let mut values = Vec::new();
            while let Some(value) = value(events, None, depth, left) {
                values.push(value);
            }
            Value::Array(values)
        }
        "true" => {
            events.skip_element("true");
            Value::Boolean(true)
        }
        "false" => {
            events.skip_element("false");
            Value::Boolean(false)
        }
        "integer" => Value::Integer(events.text_until("integer").trim().parse().unwrap_or(0)),
        "real" => Value::Real(events.text_until("real").trim().parse().unwrap_or(0.0)),
        "date" => Value::Date(events.text_until("date").trim().to_owned()),
        "data" => Value::Data(crate::inventory::certificates::base64(&events.text_until("data"))?),
        other => Value::Text(events.text_until(other)),
    };
    Some(value)
}

struct Binary<'a> {
    bytes: &'a [u8],
    table: usize,
    width: usize,
    reference: usize,
    left: u32,
}

impl Binary<'_> {
    fn read(bytes: &[u8]) -> Option<Value> {
        let end = bytes.get(bytes.len().checked_sub(32)?..)?;
        let (width, reference) = (usize::from(*end.get(6)?), usize::from(*end.get(7)?));
        if !(1..=8).contains(&width) || !(1..=8).contains(&reference) {
            return None;
        }
        let mut binary = Binary { bytes, table: size(be64(end, 24)?), width, reference, left: VALUES };
        binary.value(be64(end, 16)?, DEPTH)
    }

    fn number(bytes: &[u8]) -> u64 {
        bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
    }

    fn value(&mut self, index: u64, depth: u32) -> Option<Value> {
        let depth = depth.checked_sub(1)?;
        self.left = self.left.checked_sub(1)?;
        let entry = size(index).checked_mul(self.width)?.checked_add(self.table)?;
        let at = size(Self::number(run(self.bytes, entry, self.width)?));
        let marker = *self.bytes.get(at)?;
        let at = at.checked_add(1)?;
        let low = marker & 0xf;
        Some(match marker >> 4 {
            0 => Value::Boolean(low == 9),
            1 => {
                let length = 1_usize.checked_shl(u32::from(low)).filter(|length| *length <= 16)?;
                let bytes = run(self.bytes, at, length)?;
                Value::Integer(Self::number(bytes.get(length.saturating_sub(8)..)?).cast_signed())
            }
            2 if low == 3 => Value::Real(f64::from_bits(be64(self.bytes, at)?)),
            2 => Value::Real(f64::from(f32::from_bits(crate::inventory::bytes::be32(self.bytes, at)?))),
            3 => Value::Date(time::from_apple(f64::from_bits(be64(self.bytes, at)?))?),
            4 => {
                let (length, at) = self.length(low, at)?;
                Value::Data(run(self.bytes, at, length)?.to_vec())
            }
            5 => {
                let (length, at) = self.length(low, at)?;
                Value::Text(String::from_utf8_lossy(run(self.bytes, at, length)?).into_owned())
            }
            6 => {
                let (length, at) = self.length(low, at)?;
                let raw = run(self.bytes, at, length.checked_mul(2)?)?;
                let units: Vec<u16> =
                    (0..length).filter_map(|unit| be16(raw, unit.checked_mul(2)?)).collect();
                Value::Text(String::from_utf16_lossy(&units))
            }
            8 => Value::Integer(0),
            10 | 12 => {
                let (length, at) = self.length(low, at)?;
                let mut values = Vec::new();
                for number in 0..length {
                    values.extend(self.value(self.reference(at, number)?, depth));
                    if self.left == 0 {
                        break;
                    }
                }
                Value::Array(values)
            }
            13 => {
                let (length, at) = self.length(low, at)?;
                let mut values = BTreeMap::new();
                for number in 0..length {
                    let key = self.value(self.reference(at, number)?, depth);
                    let value = self.value(self.reference(at, number.checked_add(length)?)?, depth);
                    if let (Some(Value::Text(key)), Some(value)) = (key, value) {
                        values.insert(key, value);
                    }
                    if self.left == 0 {
                        break;
                    }
                }
                Value::Dictionary(values)
            }
            _ => return None,
        })
    }

    /// A length in the marker, or in a number behind it.
    fn length(&self, low: u8, at: usize) -> Option<(usize, usize)> {
        if low < 15 {
            return Some((usize::from(low), at));
        }
        let marker = *self.bytes.get(at)?;
        let width =
            1_usize.checked_shl(u32::from(marker & 0xf)).filter(|width| marker >> 4 == 1 && *width <= 8)?;
        let start = at.checked_add(1)?;
        Some((size(Self::number(run(self.bytes, start, width)?)), start.checked_add(width)?))
    }

    fn reference(&self, at: usize, number: usize) -> Option<u64> {
        let at = number.checked_mul(self.reference)?.checked_add(at)?;
        run(self.bytes, at, self.reference).map(Self::number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `plutil -convert binary1` makes of `{a = "é"; b = (1, true, 2024-09-29 04:00:00);}`.
    fn binary() -> Vec<u8> {
        let mut bytes = b"bplist00".to_vec();
        let mut places = Vec::new();
        let moment = f64::from(1_727_582_400_i32 - 978_307_200).to_be_bytes();
        let objects: [&[u8]; 8] = [
            &[0xd2, 1, 2, 3, 4],
            &[0x51, b'a'],
            &[0x51, b'b'],
            &[0x61, 0, 0xe9],
            &[0xa3, 5, 6, 7],
            &[0x10, 1],
            &[9],
            &[&[0x33][..], &moment].concat(),
        ];
        for object in objects {
            places.push(bytes.len() as u8);
            bytes.extend(object);
        }
        let table = bytes.len() as u64;
        bytes.extend(&places);
        bytes.extend([0, 0, 0, 0, 0, 0, 1, 1]);
        for number in [8, 0, table] {
            bytes.extend(u64::to_be_bytes(number));
        }
        bytes
    }

    #[test]
    fn both_forms_say_the_same() {
        let xml = r#"<?xml version="1.0"?><!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
            <plist version="1.0"><dict><key>a</key><string>&#233;</string>
            <key>b</key><array><integer>1</integer><true/><date>2024-09-29T04:00:00Z</date></array></dict></plist>"#;
        let read = Value::read(xml.as_bytes()).unwrap();
        assert_eq!(read.text("a"), "é");
        let expected =
            vec![Value::Integer(1), Value::Boolean(true), Value::Date("2024-09-29T04:00:00Z".to_owned())];
        assert_eq!(read.get("b"), Some(&Value::Array(expected)));
        assert_eq!(Value::read(&binary()), Some(read));
    }

    #[test]
    fn lists_within_themselves_come_to_an_end() {
        let mut bytes = binary();
        // The array becomes one of itself, twice.
        let at = bytes.iter().position(|byte| *byte == 0xa3).unwrap();
        bytes[at + 1] = 4;
        bytes[at + 2] = 4;
        bytes[at + 3] = 4;
        assert!(Value::read(&bytes).is_some());
        let deep = "<array>".repeat(100_000);
        assert_eq!(Value::read(format!("<plist>{deep}").as_bytes()).map(|_| ()), Some(()));
    }

    #[test]
    fn damage_never_panics() {
        let whole = binary();
        for at in 0..whole.len() {
            for value in [0, 1, 0x7f, 0xff] {
                let mut damaged = whole.clone();
                damaged[at] = value;
                let _ = Value::read(&damaged);
            }
            let _ = Value::read(&whole[..at]);
        }
    }
}
