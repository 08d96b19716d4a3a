//! A reader of DER (X.690), as far as certificates and signed data need it. Lengths are those of the shortest form;
//! nothing is copied, nothing is believed.

/// Tags that are used.
pub(super) const INTEGER: u8 = 0x02;
pub(super) const BITS: u8 = 0x03;
pub(super) const OCTETS: u8 = 0x04;
pub(super) const IDENTIFIER: u8 = 0x06;
pub(super) const UTC_TIME: u8 = 0x17;
pub(super) const LONG_TIME: u8 = 0x18;
pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const SET: u8 = 0x31;
pub(super) const FIRST: u8 = 0xa0;
pub(super) const THIRD: u8 = 0xa3;

/// One value: its tag, what is in it, and all of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Value<'a> {
    pub(super) tag: u8,
    pub(super) content: &'a [u8],
    pub(super) whole: &'a [u8],
}

/// Values one behind the other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Values<'a>(pub(super) &'a [u8]);

impl<'a> Values<'a> {
    /// The next value; `None` at the end and when what follows is none.
    pub(super) fn next(&mut self) -> Option<Value<'a>> {
        let (tag, rest) = self.0.split_first()?;
        // Tags of more than one byte occur in neither.
        if tag & 0x1f == 0x1f {
            return None;
        }
        let (first, rest) = rest.split_first()?;
        let (length, rest) = if *first < 0x80 {
            (usize::from(*first), rest)
        } else {
            let count = usize::from(first & 0x7f);
            if count == 0 || count > 4 {
                return None;
            }
            let (digits, rest) = rest.split_at_checked(count)?;
            let length = digits
                .iter()
                .try_fold(0_usize, |sum, digit| sum.checked_mul(256)?.checked_add(usize::from(*digit)))?;
            if length < 0x80 || digits.first() == Some(&0) {
                return None;
            }
            (length, rest)
        };
        let (content, after) = rest.split_at_checked(length)?;
        let used = self.0.len().checked_sub(after.len())?;
        let whole = self.0.get(..used)?;
        self.0 = after;
        Some(Value { tag: *tag, content, whole })
    }

    /// The next value, which must have this tag.
    pub(super) fn expect(&mut self, tag: u8) -> Option<Value<'a>> {
        self.next().filter(|value| value.tag == tag)
    }

    /// The next value when it has this tag; else nothing is taken.
    pub(super) fn optional(&mut self, tag: u8) -> Option<Value<'a>> {
        if self.0.first() == Some(&tag) { self.next() } else { None }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'a> Value<'a> {
    /// What is in it.
    pub(super) const fn values(&self) -> Values<'a> {
        Values(self.content)
    }
}

/// The one value that these bytes are.
pub(super) fn only(bytes: &[u8], tag: u8) -> Option<Value<'_>> {
    let mut values = Values(bytes);
    let value = values.expect(tag)?;
    values.is_empty().then_some(value)
}
