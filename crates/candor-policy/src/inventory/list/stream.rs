//! Arrays of a JSON document, element by element: a document with a million elements is never held whole.

use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

/// What a document holds at its top.
pub(super) enum Piece {
    /// The next element of the array of this name.
    Element(Value),
    /// A value that is neither array nor object, or an object that was asked for.
    Member(Value),
}

/// Reads an object (or, by the name `""`, an array): gives the elements of the arrays in `arrays` and the members
/// in `members` to `take`, which says whether it wants more.
///
/// # Errors
/// Where it stops being JSON. What came before was given.
pub(super) fn each(
    bytes: &[u8],
    arrays: &[&str],
    members: &[&str],
    take: &mut dyn FnMut(&str, Piece) -> bool,
) -> Result<(), serde_json::Error> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let mut stopped = false;
    let top = Top { arrays, members, take, stopped: &mut stopped };
    let read = json.deserialize_any(top);
    if stopped { Ok(()) } else { read }
}

struct Top<'a, 'take> {
    arrays: &'a [&'a str],
    members: &'a [&'a str],
    take: &'take mut dyn FnMut(&str, Piece) -> bool,
    stopped: &'take mut bool,
}

impl<'de> Visitor<'de> for Top<'_, '_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object or an array")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            if self.arrays.contains(&key.as_str()) {
                let elements = Elements { name: &key, take: &mut *self.take, stopped: &mut *self.stopped };
                map.next_value_seed(elements)?;
            } else if self.members.contains(&key.as_str()) {
                let value = map.next_value()?;
                if !(self.take)(&key, Piece::Member(value)) {
                    *self.stopped = true;
                }
            } else {
                map.next_value::<IgnoredAny>()?;
            }
            if *self.stopped {
                return Err(serde::de::Error::custom("enough"));
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<(), A::Error> {
        Elements { name: "", take: self.take, stopped: self.stopped }.visit_seq(seq)
    }
}

struct Elements<'a, 'take> {
    name: &'a str,
    take: &'take mut dyn FnMut(&str, Piece) -> bool,
    stopped: &'take mut bool,
}

impl<'de> DeserializeSeed<'de> for Elements<'_, '_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Elements<'_, '_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an array")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while let Some(element) = seq.next_element_seed(Whole)? {
            if !(self.take)(self.name, Piece::Element(element)) {
                *self.stopped = true;
                return Err(serde::de::Error::custom("enough"));
            }
        }
        Ok(())
    }
}

struct Whole;

impl<'de> DeserializeSeed<'de> for Whole {
    type Value = Value;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        Value::deserialize(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str, most: usize) -> (Vec<String>, bool) {
        let mut seen = Vec::new();
        let read = each(text.as_bytes(), &["a"], &["m"], &mut |name, piece| {
            let value = match piece {
                Piece::Element(value) | Piece::Member(value) => value,
            };
            seen.push(format!("{name}={value}"));
            seen.len() < most
        });
        (seen, read.is_ok())
    }

    #[test]
    fn elements_come_one_by_one_and_what_came_before_damage_is_kept() {
        assert_eq!(
            names(r#"{"x":[9],"a":[1,{"b":2}],"m":3}"#, 9),
            (vec!["a=1".into(), "a={\"b\":2}".into(), "m=3".into()], true)
        );
        assert_eq!(names(r#"{"a":[1,2,"#, 9), (vec!["a=1".into(), "a=2".into()], false));
        assert_eq!(names(r#"{"a":[1,2,3"#, 2), (vec!["a=1".into(), "a=2".into()], true));
        assert_eq!(names("[7]", 9), (vec!["=7".into()], true));
        assert!(names(r#"{"a":null,"m":1}"#, 9).1);
        assert!(names(r#"{"a":{"b":1},"m":1}"#, 9).1);
        assert!(!names(&"[".repeat(100_000), 9).1);
    }
}
