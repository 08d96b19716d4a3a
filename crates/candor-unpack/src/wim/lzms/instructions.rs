//! Operands of instructions of x86, which the packer made absolute so that those to one target are alike.
//!
//! Everything that is packed goes through this, programs or not. What tells them apart: in code the same targets
//! come again, and operands near a target that came again are the ones that were changed.

/// How near, in bytes, the target must have come before, for what names it to be taken for code.
const NEAR_TARGET: i32 = 65_535;
/// How far behind such a place operands are changed.
const NEAR_CODE: i32 = 1_023;
/// Bytes at the end that are left alone.
const TAIL: usize = 16;

/// Undoes it in the chunk of `length` bytes that begins with `chunk`.
pub(super) fn make_relative(chunk: &mut [u8], length: usize) {
    // Too short for an instruction and the tail.
    let Some(end) = length.checked_sub(TAIL).filter(|end| *end > 1) else { return };
    // Where each target was named last, by its lowest sixteen bits; where one was named that came before.
    let mut named = vec![i32::MIN / 2; 1 << 16];
    let mut code = i32::MIN / 2;
    // What begins with the chunk is not looked at.
    let mut at = 1_usize;
    while at < end {
        let rest = chunk.get_mut(at..).unwrap_or_default();
        let Some((width, near)) = opcode(rest) else {
            // Most bytes begin no instruction that matters.
            let skipped = rest.iter().skip(1).position(|byte| is_first(*byte));
            let Some(skipped) = skipped else { return };
            at = at.saturating_add(1).saturating_add(skipped);
            continue;
        };
        let next = at.saturating_add(width).saturating_add(4);
        let Some(near) = near else {
            at = next;
            continue;
        };
        let Some(operand) = rest.get_mut(width..).and_then(|rest| rest.first_chunk_mut::<4>()) else {
            return;
        };
        let (counted, place) = (u32::try_from(at).unwrap_or(0), i32::try_from(at).unwrap_or(i32::MAX));
        if place.saturating_sub(code) <= near {
            *operand = u32::from_le_bytes(*operand).wrapping_sub(counted).to_le_bytes();
        }
        let target = u32::from_le_bytes(*operand).wrapping_add(counted) & 0xffff;
        let last = i32::try_from(next).unwrap_or(i32::MAX).saturating_sub(1);
        if let Some(before) = named.get_mut(usize::try_from(target).unwrap_or(0)) {
            if last.saturating_sub(*before) <= NEAR_TARGET {
                code = last;
            }
            *before = last;
        }
        at = next;
    }
}

/// The length of the opcode that `bytes` begin with, and how near to code it must be for its operand to be changed;
/// none, if it never is.
fn opcode(bytes: &[u8]) -> Option<(usize, Option<i32>)> {
    Some(match bytes {
        // Loads, and addresses, relative to the instruction.
        [0x48, 0x8b, 0x05 | 0x0d, ..] => (3, Some(NEAR_CODE)),
        [0x48 | 0x4c, 0x8d, registers, ..] if registers & 7 == 5 => (3, Some(NEAR_CODE)),
        // A call. One byte is little to go by.
        [0xe8, ..] => (1, Some(NEAR_CODE / 2)),
        // A jump.
        [0xe9, ..] => (1, None),
        // An addition that nobody interrupts.
        [0xf0, 0x83, 0x05, ..] => (3, Some(NEAR_CODE)),
        // A call through a pointer.
        [0xff, 0x15, ..] => (2, Some(NEAR_CODE)),
        _ => return None,
    })
}

const fn is_first(byte: u8) -> bool {
    matches!(byte, 0x48 | 0x4c | 0xe8 | 0xe9 | 0xf0 | 0xff)
}
