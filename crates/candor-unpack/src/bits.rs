//! Bits in the order of deflate and its elders, least significant first, and in the other one.

use std::io::{self, ErrorKind, Read};

/// A place in bytes, in bits.
#[derive(Clone, Debug)]
pub(crate) struct Bits<R> {
    bytes: R,
    held: u64,
    count: u32,
    read: usize,
}

impl<R: Read> Bits<R> {
    /// The start of `bytes`, which are asked for one by one.
    pub(crate) const fn new(bytes: R) -> Self {
        Self { bytes, held: 0, count: 0, read: 0 }
    }

    /// How many bytes were asked for and came.
    pub(crate) const fn read(&self) -> usize {
        self.read
    }

    /// Holds as many bits, if there are as many.
    #[inline]
    fn fill(&mut self, count: u32) -> io::Result<()> {
        while self.count < count {
            let mut byte = [0];
            if self.bytes.read(&mut byte)? == 0 {
                break;
            }
            self.read = self.read.saturating_add(1);
            self.held |= u64::from(u8::from_ne_bytes(byte)).wrapping_shl(self.count);
            self.count = self.count.saturating_add(8);
        }
        Ok(())
    }

    /// The next `count` bits, at most 32, as a number whose lowest bit came first.
    ///
    /// # Errors
    /// There are not so many.
    #[inline]
    pub(crate) fn take(&mut self, count: u32) -> io::Result<u32> {
        self.fill(count)?;
        if self.count < count {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        let taken = self.held & !u64::MAX.wrapping_shl(count);
        self.held = self.held.wrapping_shr(count);
        self.count = self.count.saturating_sub(count);
        u32::try_from(taken).map_err(|_| ErrorKind::InvalidData.into())
    }

    /// The next `count` bits, at most 32, without taking them; zeros where there are none.
    #[inline]
    pub(crate) fn peek(&mut self, count: u32) -> u32 {
        // What is wrong with the source is told when they are taken.
        let _ = self.fill(count);
        u32::try_from(self.held & !u64::MAX.wrapping_shl(count)).unwrap_or(0)
    }

    /// Passes over what is left of the byte that the last bit came from.
    pub(crate) fn align(&mut self) {
        let left = self.count % 8;
        self.held = self.held.wrapping_shr(left);
        self.count = self.count.saturating_sub(left);
    }

    /// The next bit.
    ///
    /// # Errors
    /// There is none.
    pub(crate) fn bit(&mut self) -> io::Result<bool> {
        self.take(1).map(|bit| bit == 1)
    }

    /// Appends whole bytes, behind what was passed over by [`align`](Self::align).
    ///
    /// # Errors
    /// There are not so many; those that there are, are appended.
    pub(crate) fn bytes(&mut self, count: usize, out: &mut Vec<u8>) -> io::Result<()> {
        let end = out.len().saturating_add(count);
        while self.count >= 8 && out.len() < end {
            out.push(self.byte()?);
        }
        let left = end.saturating_sub(out.len());
        let wanted = u64::try_from(left).unwrap_or(u64::MAX);
        let read = self.bytes.by_ref().take(wanted).read_to_end(out)?;
        self.read = self.read.saturating_add(read);
        if read < left { Err(ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
    }

    /// The next eight bits.
    ///
    /// # Errors
    /// There are not so many.
    pub(crate) fn byte(&mut self) -> io::Result<u8> {
        self.take(8).map(|byte| u8::try_from(byte).unwrap_or(0))
    }
}

/// A place in bytes, in bits, most significant first.
#[derive(Clone, Debug)]
pub(crate) struct HighBits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> HighBits<'a> {
    /// The start of `bytes`.
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// The next `count` bits, at most 32, as a number whose highest bit came first; zeros where there are none.
    pub(crate) fn take(&mut self, count: u32) -> u32 {
        let mut value = 0_u32;
        for _ in 0..count {
            let byte = self.bytes.get(self.at / 8).copied().unwrap_or(0);
            value = value << 1 | u32::from(byte << (self.at % 8) >> 7);
            self.at = self.at.saturating_add(1);
        }
        value
    }

    /// How many bits were taken that are not there.
    pub(crate) fn missing(&self) -> usize {
        self.at.saturating_sub(self.bytes.len().saturating_mul(8))
    }
}

/// A decoder that appends to what it decoded before, one step at a time.
pub(crate) trait Steps {
    /// Appends at least one byte to `out`, or says why not; `false` at the end. May look `WINDOW` back.
    ///
    /// # Errors
    /// The data is damaged or cut short.
    fn step(&mut self, out: &mut Vec<u8>) -> io::Result<bool>;
}

/// How far back a decoder of this kind may look.
pub(crate) const WINDOW: usize = 64 << 10;

/// Reads out of [`Steps`], keeping no more than the window.
pub(crate) struct Stepped<S> {
    steps: S,
    out: Vec<u8>,
    at: usize,
    outcome: Option<io::Result<()>>,
}

impl<S> Stepped<S> {
    /// A reader over a decoder that has not begun.
    pub(crate) const fn new(steps: S) -> Self {
        Self { steps, out: Vec::new(), at: 0, outcome: None }
    }
}

impl<S: Steps> Read for Stepped<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.out.len().saturating_sub(self.at) < buffer.len() && self.outcome.is_none() {
            if self.at > WINDOW.saturating_mul(8) {
                let cut = self.at.saturating_sub(WINDOW);
                self.out.drain(..cut);
                self.at = WINDOW;
            }
            // Buffers may be large: what was decoded is given before more is.
            if self.out.len().saturating_sub(self.at) >= WINDOW {
                break;
            }
            self.outcome = match self.steps.step(&mut self.out) {
                Ok(true) => continue,
                Ok(false) => Some(Ok(())),
                Err(error) => Some(Err(error)),
            };
        }
        let read = Read::read(&mut self.out.get(self.at..).unwrap_or_default(), buffer)?;
        self.at = self.at.saturating_add(read);
        match &mut self.outcome {
            Some(outcome) if read == 0 => std::mem::replace(outcome, Ok(())).map(|()| 0),
            _ => Ok(read),
        }
    }
}

/// Appends `length` bytes from `distance` back; what lies before the start is zeros.
pub(crate) fn copy_back(out: &mut Vec<u8>, distance: usize, length: usize) {
    let Some(start) = out.len().checked_sub(distance).filter(|_| distance > 0) else {
        for _ in 0..length {
            let byte = out.len().checked_sub(distance).and_then(|at| out.get(at)).copied();
            out.push(byte.unwrap_or(0));
        }
        return;
    };
    let mut left = length;
    while left > 0 {
        // What was copied may be copied along: a run of one byte doubles each time.
        let count = out.len().saturating_sub(start).min(left);
        out.extend_from_within(start..start.saturating_add(count));
        left = left.saturating_sub(count);
    }
}
