//! The address space of an emulated process: a few runs of bytes, and what was written to.
//!
//! There is no protection: unpackers ask for the rights that they need, and what they were granted makes no
//! difference to what they leave behind.

use std::cell::Cell;

/// Bytes of a page.
pub(super) const PAGE: u32 = 0x1000;

/// An address that nothing is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) address: u32,
    pub(super) write: bool,
}

/// What a run of bytes is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// The program as it was loaded.
    Image,
    /// Asked for by the program.
    Heap,
    /// Stack, process block, places of functions.
    System,
}

/// One run of bytes.
#[derive(Debug)]
pub(super) struct Region {
    pub(super) base: u32,
    pub(super) bytes: Vec<u8>,
    pub(super) purpose: Purpose,
    /// Pages that were written to.
    written: Vec<bool>,
}

impl Region {
    /// Whether anything was written to it.
    pub(super) fn is_written(&self) -> bool {
        self.written.contains(&true)
    }
}

/// All of them.
#[derive(Debug)]
pub(super) struct Memory {
    regions: Vec<Region>,
    /// Where the last access was.
    last: Cell<usize>,
    left: u64,
}

/// Regions at most: every access may have to look through all of them.
const REGIONS: usize = 64;

impl Memory {
    /// Room for at most `limit` bytes.
    pub(super) const fn new(limit: u64) -> Self {
        Self { regions: Vec::new(), last: Cell::new(0), left: limit }
    }

    /// Adds `length` zeros at `base`, if there is room.
    pub(super) fn map(&mut self, base: u32, length: u32, purpose: Purpose) -> Option<()> {
        let length = length.checked_next_multiple_of(PAGE)?.max(PAGE);
        self.left = self.left.checked_sub(u64::from(length))?;
        let end = base.checked_add(length)?;
        let overlaps = |region: &Region| region.base < end && base < region.end();
        if self.regions.len() >= REGIONS || self.regions.iter().any(overlaps) {
            return None;
        }
        let bytes = vec![0; usize::try_from(length).ok()?];
        let written = vec![false; usize::try_from(length / PAGE).ok()?];
        self.regions.push(Region { base, bytes, purpose, written });
        Some(())
    }

    /// Puts bytes somewhere as a loader does; they do not count as written.
    pub(super) fn place(&mut self, address: u32, bytes: &[u8]) {
        if let Some((place, at)) = self.locate(address)
            && let Some(region) = self.regions.get_mut(place)
        {
            let room = region.bytes.get_mut(at..).unwrap_or_default();
            for (to, from) in room.iter_mut().zip(bytes) {
                *to = *from;
            }
        }
    }

    /// All regions.
    pub(super) fn regions(&self) -> &[Region] {
        &self.regions
    }

    /// The first address above all that the program asked for.
    pub(super) fn heap_end(&self, start: u32) -> u32 {
        let heap = self.regions.iter().filter(|region| region.purpose == Purpose::Heap);
        heap.map(Region::end).max().unwrap_or(start).max(start)
    }

    /// Whether the program wrote to the page of an address.
    pub(super) fn was_written(&self, address: u32) -> bool {
        self.locate(address).is_some_and(|(place, at)| {
            let page = at >> 12;
            self.regions.get(place).and_then(|region| region.written.get(page)).copied().unwrap_or(false)
        })
    }

    fn locate(&self, address: u32) -> Option<(usize, usize)> {
        let within = |region: &Region| {
            let at = usize::try_from(address.checked_sub(region.base)?).ok()?;
            (at < region.bytes.len()).then_some(at)
        };
        let last = self.last.get();
        if let Some(at) = self.regions.get(last).and_then(within) {
            return Some((last, at));
        }
        let found =
            self.regions.iter().enumerate().find_map(|(place, region)| Some((place, within(region)?)));
        if let Some((place, _)) = found {
            self.last.set(place);
        }
        found
    }

    fn array<const N: usize>(&self, address: u32) -> Result<[u8; N], Fault> {
        if let Some((place, at)) = self.locate(address)
            && let Some(bytes) = self.regions.get(place).and_then(|region| region.bytes.get(at..))
            && let Some(found) = bytes.first_chunk::<N>()
        {
            return Ok(*found);
        }
        // Over the edge of a region, perhaps into the next one.
        let mut bytes = [0; N];
        for (offset, byte) in (0_u32..).zip(&mut bytes) {
            let address = address.wrapping_add(offset);
            let found = self.locate(address).and_then(|(place, at)| self.regions.get(place)?.bytes.get(at));
            *byte = *found.ok_or(Fault { address, write: false })?;
        }
        Ok(bytes)
    }

    pub(super) fn u8(&self, address: u32) -> Result<u8, Fault> {
        self.array::<1>(address).map(|[byte]| byte)
    }

    pub(super) fn u16(&self, address: u32) -> Result<u16, Fault> {
        self.array(address).map(u16::from_le_bytes)
    }

    pub(super) fn u32(&self, address: u32) -> Result<u32, Fault> {
        self.array(address).map(u32::from_le_bytes)
    }

    /// A number of 8, 16 or 32 bits.
    pub(super) fn load(&self, address: u32, width: u32) -> Result<u32, Fault> {
        match width {
            8 => self.u8(address).map(u32::from),
            16 => self.u16(address).map(u32::from),
            _ => self.u32(address),
        }
    }

    /// Writes a number of 8, 16 or 32 bits.
    pub(super) fn store(&mut self, address: u32, width: u32, value: u32) -> Result<(), Fault> {
        let bytes = value.to_le_bytes();
        let bytes = bytes.get(..usize::try_from(width / 8).unwrap_or(4)).unwrap_or(&bytes);
        self.write(address, bytes)
    }

    /// Writes bytes.
    pub(super) fn write(&mut self, address: u32, bytes: &[u8]) -> Result<(), Fault> {
        if let Some((place, at)) = self.locate(address)
            && let Some(region) = self.regions.get_mut(place)
            && let Some(end) = at.checked_add(bytes.len())
            && let Some(room) = region.bytes.get_mut(at..end)
        {
            room.copy_from_slice(bytes);
            for page in (at >> 12)..=(end.saturating_sub(1) >> 12) {
                if let Some(written) = region.written.get_mut(page) {
                    *written = true;
                }
            }
            return Ok(());
        }
        if bytes.len() <= 1 {
            return Err(Fault { address, write: true });
        }
        for (offset, byte) in (0_u32..).zip(bytes) {
            self.write(address.wrapping_add(offset), std::slice::from_ref(byte))?;
        }
        Ok(())
    }

    /// Text up to a NUL, as far as it is text.
    pub(super) fn text(&self, address: u32) -> String {
        let mut text = String::new();
        for offset in 0..256 {
            match self.u8(address.wrapping_add(offset)) {
                Ok(byte) if byte != 0 => text.push(char::from(byte)),
                _ => break,
            }
        }
        text
    }
}

impl Region {
    fn end(&self) -> u32 {
        self.base.saturating_add(u32::try_from(self.bytes.len()).unwrap_or(u32::MAX))
    }
}
