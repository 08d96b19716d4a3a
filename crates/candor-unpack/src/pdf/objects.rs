//! Where objects stand, for the few values that only a reference leads to.
//!
//! Any value of a dictionary may stand elsewhere: the filter of a stream, its parameters, its length, a script. A
//! reader follows, so a file hides from who does not. The cross-reference table is not asked, as it may be wrong: of
//! several objects of one number, the last in the file counts.

use std::cell::{Cell, OnceCell};

use memchr::memmem;

use super::extent::HEAD;
use super::filter::FILTERS;
use super::value::{Lexer, Value};

/// Objects that are known at most.
const OBJECTS: usize = 1 << 20;
/// How much of an object is read: values that say how a stream is read are short.
const SHORT: usize = 1 << 10;
/// How many references may lead to one another.
const STEPS: u32 = 4;
/// How many references are followed in one file.
const FOLLOWED: u32 = 1 << 16;
/// What the word `obj` costs, in bytes that are read.
const OBJECT: usize = 32;

/// Pays for so many bytes, or says that it cannot.
type Pay<'a> = &'a mut dyn FnMut(usize) -> bool;

pub(super) struct Objects<'a> {
    bytes: &'a [u8],
    /// Numbers with what stands behind the word `obj`, sorted; found when they are first asked for.
    places: OnceCell<Vec<(u64, usize)>>,
    /// How many references may still be followed.
    left: Cell<u32>,
    /// Whether something was not looked for, or not read to its end.
    is_cut: Cell<bool>,
}

impl<'a> Objects<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, places: OnceCell::new(), left: Cell::new(FOLLOWED), is_cut: Cell::new(false) }
    }

    /// Whether a reference may lead to something else than was found, because there is too much to look for it.
    pub(super) const fn is_cut(&self) -> bool {
        self.is_cut.get()
    }

    /// What stands in the file from the object of this number on.
    pub(super) fn text(&self, number: u64, pay: Pay<'_>) -> Option<&'a [u8]> {
        let Some(left) = self.left.get().checked_sub(1) else {
            self.is_cut.set(true);
            return None;
        };
        self.left.set(left);
        let places = self.places.get_or_init(|| {
            let (places, are_all) = places(self.bytes, pay);
            self.is_cut.set(self.is_cut.get() || !are_all);
            places
        });
        let end = places.partition_point(|(known, _)| *known <= number);
        let (found, at) = places.get(end.checked_sub(1)?)?;
        if *found == number { self.bytes.get(*at..) } else { None }
    }

    /// `value`, or what it refers to; of a list, what each of its first values refers to, one more than count.
    pub(super) fn resolved(&self, value: &Value, pay: Pay<'_>) -> Value {
        match self.followed(value, pay) {
            Value::Array(values) => {
                let follow = |value: &Value| self.followed(value, pay);
                Value::Array(values.iter().take(FILTERS.saturating_add(1)).map(follow).collect())
            }
            other => other,
        }
    }

    fn followed(&self, value: &Value, pay: Pay<'_>) -> Value {
        let mut value = value.clone();
        for _ in 0..STEPS {
            let Value::Reference(number) = value else { break };
            let Some(text) = self.text(number, pay) else { break };
            let mut lexer = Lexer::new(text.get(..SHORT).unwrap_or(text));
            let found = lexer.value();
            self.is_cut.set(self.is_cut.get() || (text.len() > SHORT && lexer.rest().is_empty()));
            match found {
                Some(found) => value = found,
                None => break,
            }
        }
        value
    }
}

/// Numbers and places of the objects, and whether these are all.
fn places(bytes: &[u8], pay: Pay<'_>) -> (Vec<(u64, usize)>, bool) {
    let mut is_paid = true;
    let mut places: Vec<(u64, usize)> = memmem::find_iter(bytes, b"obj")
        .take_while(|_| {
            is_paid = pay(OBJECT);
            is_paid
        })
        .filter_map(|at| {
            let head = bytes.get(at.saturating_sub(HEAD)..at)?;
            let mut words = head.rsplit(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
            let mut number = || std::str::from_utf8(words.next()?).ok()?.parse::<u64>().ok();
            let (_, number) = (number()?, number()?);
            Some((number, at.saturating_add(3)))
        })
        .take(OBJECTS.saturating_add(1))
        .collect();
    let are_all = is_paid && places.len() <= OBJECTS;
    places.truncate(OBJECTS);
    // Those of one number stay in the order of the file.
    places.sort_by_key(|(number, _)| *number);
    (places, are_all)
}
