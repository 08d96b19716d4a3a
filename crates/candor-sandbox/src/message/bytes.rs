//! Reading and writing values of messages: little-endian, lengths in front, every bound checked.

/// What is wrong with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Malformed {
    /// It ends too early.
    #[error("a message is cut short")]
    Short,
    /// It is longer than it says.
    #[error("a message has more bytes than it accounts for")]
    Surplus,
    /// A text is not UTF-8.
    #[error("a text is not UTF-8")]
    Text,
    /// A number stands for nothing.
    #[error("a message has an unknown {0}")]
    Unknown(&'static str),
    /// There is more than there may be.
    #[error("a message has too many or too long {0}")]
    Excess(&'static str),
    /// It speaks another version of the format.
    #[error("a message is of version {0}")]
    Version(u8),
    /// It comes at a time when it should not.
    #[error("a message comes out of turn")]
    OutOfTurn,
}

/// Takes values from the front of a run of bytes.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(super) const fn end(&self) -> Result<(), Malformed> {
        if self.rest.is_empty() { Ok(()) } else { Err(Malformed::Surplus) }
    }

    pub(super) fn bytes(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(Malformed::Short)?;
        self.rest = rest;
        Ok(taken)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(Malformed::Short)?;
        self.rest = rest;
        Ok(*taken)
    }

    pub(super) fn u8(&mut self) -> Result<u8, Malformed> {
        self.array().map(|[byte]| byte)
    }

    pub(super) fn u16(&mut self) -> Result<u16, Malformed> {
        self.array().map(u16::from_le_bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32, Malformed> {
        self.array().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Result<u64, Malformed> {
        self.array().map(u64::from_le_bytes)
    }

    pub(super) fn flag(&mut self) -> Result<bool, Malformed> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Malformed::Unknown("flag")),
        }
    }

    pub(super) fn run(&mut self, most: usize) -> Result<&'a [u8], Malformed> {
        let length = usize::from(self.u16()?);
        if length > most {
            return Err(Malformed::Excess("bytes in a text"));
        }
        self.bytes(length)
    }

    pub(super) fn text(&mut self, most: usize) -> Result<&'a str, Malformed> {
        std::str::from_utf8(self.run(most)?).map_err(|_| Malformed::Text)
    }

    pub(super) fn option<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, Malformed>,
    ) -> Result<Option<T>, Malformed> {
        if self.flag()? { read(self).map(Some) } else { Ok(None) }
    }

    /// So many values, each of `least` bytes at least: what is not there is not made room for.
    pub(super) fn list<T>(
        &mut self,
        (most, least, what): (usize, usize, &'static str),
        mut read: impl FnMut(&mut Self) -> Result<T, Malformed>,
    ) -> Result<Vec<T>, Malformed> {
        let count = usize::try_from(self.u32()?).map_err(|_| Malformed::Excess(what))?;
        if count > most {
            return Err(Malformed::Excess(what));
        }
        if count.checked_mul(least).is_none_or(|bytes| bytes > self.rest.len()) {
            return Err(Malformed::Short);
        }
        let mut values = Vec::with_capacity(count);
        for _ in 0..count {
            values.push(read(self)?);
        }
        Ok(values)
    }
}

pub(super) fn put_u32(out: &mut Vec<u8>, value: u32) {
    out.extend_from_slice(&value.to_le_bytes());
}

pub(super) fn put_u64(out: &mut Vec<u8>, value: u64) {
    out.extend_from_slice(&value.to_le_bytes());
}

/// At most `most` bytes, behind their length.
pub(super) fn put_run(out: &mut Vec<u8>, bytes: &[u8], most: usize) {
    let bytes = bytes.get(..most).unwrap_or(bytes);
    let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(bytes.get(..usize::from(length)).unwrap_or_default());
}

/// As much of a text as fits into `most` bytes.
pub(super) fn shorten(text: &str, most: usize) -> &str {
    text.get(..text.floor_char_boundary(most)).unwrap_or(text)
}

/// At most `most` values behind their number.
pub(super) fn put_list<T>(
    out: &mut Vec<u8>,
    values: &[T],
    most: usize,
    mut put: impl FnMut(&mut Vec<u8>, &T),
) {
    let values = values.get(..most).unwrap_or(values);
    put_u32(out, u32::try_from(values.len()).unwrap_or(u32::MAX));
    values.iter().for_each(|value| put(out, value));
}
