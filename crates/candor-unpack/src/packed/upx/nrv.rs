//! NRV2B, NRV2D and NRV2E: literals and copies, told apart by bits that stand between the bytes.
//!
//! The bits come in words of 32, 16 or 8, highest bit first, each word where the first of its bits is needed.
//! An offset is a number of as many bits as it takes, with a bit behind each that says whether more come; its
//! lowest eight bits are a byte of their own. A number of all ones is the end.

/// Offsets beyond which a copy is one byte longer.
const FAR_B: u32 = 0xd00;
const FAR: u32 = 0x500;

struct Input<'a> {
    bytes: &'a [u8],
    at: usize,
    held: u32,
    left: u32,
    width: usize,
}

impl Input<'_> {
    fn byte(&mut self) -> Option<u32> {
        let byte = *self.bytes.get(self.at)?;
        self.at = self.at.checked_add(1)?;
        Some(u32::from(byte))
    }

    fn bit(&mut self) -> Option<u32> {
        if self.left == 0 {
            let end = self.at.checked_add(self.width)?;
            let word = self.bytes.get(self.at..end)?;
            self.held = word.iter().rev().fold(0_u32, |held, byte| held.wrapping_shl(8) | u32::from(*byte));
            self.at = end;
            self.left = u32::try_from(self.width.checked_mul(8)?).ok()?;
        }
        self.left = self.left.checked_sub(1)?;
        Some(self.held.wrapping_shr(self.left) & 1)
    }

    /// A number of as many bits as it takes, from `start` on.
    fn number(&mut self, start: u32) -> Option<u32> {
        let mut number = start;
        loop {
            number = number.checked_mul(2)?.checked_add(self.bit()?)?;
            if self.bit()? == 1 {
                return Some(number);
            }
        }
    }

    /// The first part of an offset, in the way of NRV2D and NRV2E.
    fn interleaved(&mut self) -> Option<u32> {
        let mut number = 1_u32;
        loop {
            number = number.checked_mul(2)?.checked_add(self.bit()?)?;
            if self.bit()? == 1 {
                return Some(number);
            }
            number = number.checked_sub(1)?.checked_mul(2)?.checked_add(self.bit()?)?;
        }
    }
}

/// What `bytes` unpack to, at most `size` bytes of it; `None` when they do not say what comes next.
pub(super) fn unpack(method: u8, bytes: &[u8], size: usize) -> Option<Vec<u8>> {
    let index = method.checked_sub(2)?;
    let width = match index % 3 {
        0 => 4,
        1 => 1,
        _ => 2,
    };
    let mut input = Input { bytes, at: 0, held: 0, left: 0, width };
    let mut out = Vec::new();
    let mut last = 1_u32;
    while out.len() < size {
        if input.bit()? == 1 {
            out.push(u8::try_from(input.byte()?).ok()?);
            continue;
        }
        let copy = match index / 3 {
            0 => copy_b(&mut input, &mut last)?,
            1 => copy_d(&mut input, &mut last)?,
            _ => copy_e(&mut input, &mut last)?,
        };
        let Some((offset, length)) = copy else { break };
        let start = out.len().checked_sub(usize::try_from(offset).ok()?)?;
        let length = usize::try_from(length).ok()?.min(size.checked_sub(out.len())?);
        for place in 0..length {
            let byte = *out.get(start.checked_add(place)?)?;
            out.push(byte);
        }
    }
    Some(out)
}

/// Offset and length of a copy; nothing inside at the end.
type Copy = Option<(u32, u32)>;

fn copy_b(input: &mut Input<'_>, last: &mut u32) -> Option<Copy> {
    let first = input.number(1)?;
    if first != 2 {
        let offset = first.checked_sub(3)?.wrapping_mul(256) | input.byte()?;
        if offset == u32::MAX {
            return Some(None);
        }
        *last = offset.checked_add(1)?;
    }
    let mut length = input.bit()?;
    length = length.wrapping_mul(2) | input.bit()?;
    if length == 0 {
        length = input.number(1)?.checked_add(2)?;
    }
    Some(Some((*last, length.checked_add(1)?.checked_add(u32::from(*last > FAR_B))?)))
}

/// The offset of NRV2D and NRV2E, and the bit of the length that it holds.
fn offset(input: &mut Input<'_>, last: &mut u32) -> Option<Option<u32>> {
    let first = input.interleaved()?;
    if first == 2 {
        return Some(Some(input.bit()?));
    }
    let offset = first.checked_sub(3)?.wrapping_mul(256) | input.byte()?;
    if offset == u32::MAX {
        return Some(None);
    }
    *last = (offset >> 1).checked_add(1)?;
    Some(Some(!offset & 1))
}

fn copy_d(input: &mut Input<'_>, last: &mut u32) -> Option<Copy> {
    let Some(bit) = offset(input, last)? else { return Some(None) };
    let mut length = bit.wrapping_mul(2) | input.bit()?;
    if length == 0 {
        length = input.number(1)?.checked_add(2)?;
    }
    Some(Some((*last, length.checked_add(1)?.checked_add(u32::from(*last > FAR))?)))
}

fn copy_e(input: &mut Input<'_>, last: &mut u32) -> Option<Copy> {
    let Some(bit) = offset(input, last)? else { return Some(None) };
    let length = if bit == 1 {
        input.bit()?.wrapping_add(1)
    } else if input.bit()? == 1 {
        input.bit()?.wrapping_add(3)
    } else {
        input.number(1)?.checked_add(3)?
    };
    Some(Some((*last, length.checked_add(1)?.checked_add(u32::from(*last > FAR))?)))
}
