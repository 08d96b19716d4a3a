//! Checked reading of an image's bytes, and its mirror for writing.
//!
//! Everything in an image is little-endian and read by value: nothing is transmuted, so alignment and
//! the machine's byte order do not matter, and a damaged image gives `None` instead of a panic.

/// The `index`-th of an array of `u32`.
#[inline]
pub(crate) fn u32_at(bytes: &[u8], index: usize) -> Option<u32> {
    bytes.get(index.checked_mul(4)?..)?.first_chunk().map(|raw| u32::from_le_bytes(*raw))
}

/// The `index`-th of an array of `u64`.
#[inline]
pub(crate) fn u64_at(bytes: &[u8], index: usize) -> Option<u64> {
    bytes.get(index.checked_mul(8)?..)?.first_chunk().map(|raw| u64::from_le_bytes(*raw))
}

/// The `index`-th of an array of records of `width` bytes.
#[inline]
pub(crate) fn record_at(bytes: &[u8], index: usize, width: usize) -> Option<&[u8]> {
    run(bytes, index.checked_mul(width)?, width)
}

/// `length` bytes from `start` on.
#[inline]
pub(crate) fn run(bytes: &[u8], start: usize, length: usize) -> Option<&[u8]> {
    bytes.get(start..start.checked_add(length)?)
}

/// Takes one value after another from the front of a run of bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Reads from the start of `bytes`.
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// What is not read yet.
    pub(crate) const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The next `length` bytes.
    pub(crate) fn bytes(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(taken)
    }

    /// One byte.
    pub(crate) fn u8(&mut self) -> Option<u8> {
        let (&first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(first)
    }

    /// A `u32` of four bytes.
    pub(crate) fn u32(&mut self) -> Option<u32> {
        let (raw, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(u32::from_le_bytes(*raw))
    }

    /// A `u64` of eight bytes.
    pub(crate) fn u64(&mut self) -> Option<u64> {
        let (raw, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(u64::from_le_bytes(*raw))
    }

    /// A number of one to ten bytes: see [`put_varint`].
    pub(crate) fn varint(&mut self) -> Option<u64> {
        let mut value = 0_u64;
        for place in 0..10_u32 {
            let byte = self.u8()?;
            let bits = u64::from(byte & 0x7f);
            let shift = place.checked_mul(7)?;
            let moved = bits.checked_shl(shift)?;
            if moved.checked_shr(shift)? != bits {
                return None;
            }
            value |= moved;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    /// A varint that must fit a `usize`, a length or a count. It cannot exceed what is left when every
    /// thing counted takes a byte at least, and then allocating as much as it says is harmless.
    pub(crate) fn length(&mut self) -> Option<usize> {
        usize::try_from(self.varint()?).ok().filter(|length| *length <= self.rest.len())
    }

    /// Bytes behind their length.
    pub(crate) fn run(&mut self) -> Option<&'a [u8]> {
        let length = self.length()?;
        self.bytes(length)
    }

    /// Text behind its length.
    pub(crate) fn text(&mut self) -> Option<&'a str> {
        std::str::from_utf8(self.run()?).ok()
    }
}

/// Appends a number, seven bits a byte, lowest first; the top bit says that more follow (LEB128).
pub(crate) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    loop {
        let low = value.to_le_bytes()[0] & 0x7f;
        value >>= 7;
        if value == 0 {
            out.push(low);
            return;
        }
        out.push(low | 0x80);
    }
}

/// Appends a length as a varint.
pub(crate) fn put_length(out: &mut Vec<u8>, length: usize) {
    // A `usize` has at most 64 bits on every platform that Rust knows.
    put_varint(out, u64::try_from(length).unwrap_or(u64::MAX));
}

/// Appends bytes behind their length.
pub(crate) fn put_run(out: &mut Vec<u8>, bytes: &[u8]) {
    put_length(out, bytes.len());
    out.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn arrays_are_read_by_index_and_end_where_they_end() {
        let bytes = [1, 0, 0, 0, 2, 0, 0, 0, 3];
        assert_eq!(u32_at(&bytes, 1), Some(2));
        assert_eq!(u32_at(&bytes, 2), None);
        assert_eq!(u64_at(&bytes, 0), Some(0x2_0000_0001));
        assert_eq!(u64_at(&bytes, usize::MAX), None);
        assert_eq!(record_at(&bytes, 2, 3), Some(&[0, 0, 3][..]));
        assert_eq!(record_at(&bytes, 3, 3), None);
        assert_eq!(run(&bytes, usize::MAX, 2), None);
    }

    #[test]
    fn overlong_varints_are_refused() {
        assert_eq!(Reader::new(&[0xff; 9]).varint(), None);
        assert_eq!(Reader::new(&[0x80; 11]).varint(), None);
        assert_eq!(Reader::new(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2]).varint(), None);
    }

    #[test]
    fn a_length_cannot_exceed_what_is_left() {
        assert_eq!(Reader::new(&[2, 7]).length(), None);
        assert_eq!(Reader::new(&[1, 7]).run(), Some(&[7][..]));
    }

    proptest! {
        #[test]
        fn varints_come_back(values: Vec<u64>) {
            let mut out = Vec::new();
            values.iter().for_each(|value| put_varint(&mut out, *value));
            let mut reader = Reader::new(&out);
            for value in values {
                prop_assert_eq!(reader.varint(), Some(value));
            }
            prop_assert!(reader.rest().is_empty());
        }
    }
}
