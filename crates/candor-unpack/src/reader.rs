//! How every parser here reads: a place in bytes, a byte order, and reads that cannot leave the bytes.
//!
//! Offsets of files are `u64`, whatever the machine. A read that does not fit gives `None` and leaves the
//! place where it was; what that means is for the format to say.

/// The order of bytes in a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// Most significant byte first.
    Big,
    /// Least significant byte first.
    Little,
}

/// A place in `bytes`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    order: Order,
}

impl<'a> Reader<'a> {
    /// The start of `bytes`.
    pub(crate) const fn new(bytes: &'a [u8], order: Order) -> Self {
        Self { bytes, at: 0, order }
    }

    /// The start of `bytes`, least significant byte first.
    pub(crate) const fn little(bytes: &'a [u8]) -> Self {
        Self::new(bytes, Order::Little)
    }

    /// The same bytes at `offset` from their start; `None` behind their end.
    pub(crate) fn at(self, offset: u64) -> Option<Self> {
        let at = usize::try_from(offset).ok()?;
        (at <= self.bytes.len()).then_some(Self { at, ..self })
    }

    /// Offset from the start of the bytes.
    pub(crate) const fn position(&self) -> usize {
        self.at
    }

    /// What is left.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    /// The next `length` bytes.
    pub(crate) fn take(&mut self, length: u64) -> Option<&'a [u8]> {
        let end = self.at.checked_add(usize::try_from(length).ok()?)?;
        let taken = self.bytes.get(self.at..end)?;
        self.at = end;
        Some(taken)
    }

    /// Passes over `length` bytes.
    pub(crate) fn skip(&mut self, length: u64) -> Option<()> {
        self.take(length).map(|_| ())
    }

    /// As many bytes as the next two say.
    pub(crate) fn take_counted(&mut self) -> Option<&'a [u8]> {
        let length = self.u16()?;
        self.take(u64::from(length))
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let taken = *self.rest().first_chunk()?;
        self.at = self.at.checked_add(N)?;
        Some(taken)
    }

    /// The next byte.
    pub(crate) fn u8(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// The next two bytes as a number.
    pub(crate) fn u16(&mut self) -> Option<u16> {
        self.array().map(|bytes| match self.order {
            Order::Big => u16::from_be_bytes(bytes),
            Order::Little => u16::from_le_bytes(bytes),
        })
    }

    /// The next four bytes as a number.
    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.array().map(|bytes| match self.order {
            Order::Big => u32::from_be_bytes(bytes),
            Order::Little => u32::from_le_bytes(bytes),
        })
    }

    /// The next eight bytes as a number.
    pub(crate) fn u64(&mut self) -> Option<u64> {
        self.array().map(|bytes| match self.order {
            Order::Big => u64::from_be_bytes(bytes),
            Order::Little => u64::from_le_bytes(bytes),
        })
    }

    /// A number of eight bytes when `is_wide`, of four otherwise.
    pub(crate) fn word(&mut self, is_wide: bool) -> Option<u64> {
        if is_wide { self.u64() } else { self.u32().map(u64::from) }
    }
}

/// `length` bytes of `bytes` from `offset`, as far as they reach.
pub(crate) fn clipped(bytes: &[u8], offset: u64, length: u64) -> &[u8] {
    let total = bytes.len();
    let start = usize::try_from(offset).unwrap_or(total).min(total);
    let end = usize::try_from(offset.saturating_add(length)).unwrap_or(total).min(total);
    bytes.get(start..end).unwrap_or_default()
}

/// What comes before the first NUL.
pub(crate) fn until_nul(bytes: &[u8]) -> &[u8] {
    let end = memchr::memchr(0, bytes).unwrap_or(bytes.len());
    bytes.get(..end).unwrap_or_default()
}

/// `bytes` without the NULs at its end.
pub(crate) fn without_nuls(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last.saturating_add(1));
    bytes.get(..end).unwrap_or_default()
}
