//! Filters: where calls and jumps say how far they go, UPX writes where they go to, as the same place is called again and again.
//!
//! Filters of x86 write the place with its highest byte first and, where it does not need all four, a byte in front of it that
//! stands behind no other call: the rest are left as they are. Those of ARM count in instructions.

/// Calls that tell something.
const CALLS: u32 = 16;

/// Undoes a filter in what it was applied to.
pub(super) fn undo(filter: u8, mark: u8, code: &mut [u8]) {
    match filter {
        0x11..=0x16 => x86(filter, None, code),
        0x24..=0x26 | 0x46 | 0x49 => x86(filter, Some(mark), code),
        0x50 => arm(code, 0x00ff_ffff, |word| word & 0x0f00_0000 == 0x0b00_0000),
        0x52 => arm(code, 0x03ff_ffff, |word| word & 0x7c00_0000 == 0x1400_0000),
        _ => (),
    }
}

/// The byte that a filter of x86 seems to have put into calls, where nothing says it: no other stands behind so many of them.
pub(super) fn likely_mark(code: &[u8]) -> Option<u8> {
    let mut counts = [0_u32; 256];
    for pair in code.windows(2) {
        if let [0xe8, first] = *pair
            && let Some(count) = counts.get_mut(usize::from(first))
        {
            *count = count.saturating_add(1);
        }
    }
    let calls = counts.iter().fold(0, |sum: u32, count| sum.saturating_add(*count));
    let (mark, most) = (0..=u8::MAX).zip(counts).max_by_key(|(_, count)| *count)?;
    (most >= CALLS && most > calls / 2).then_some(mark)
}

fn x86(filter: u8, mark: Option<u8>, code: &mut [u8]) {
    let has_calls = !matches!(filter, 0x12 | 0x15 | 0x25);
    let has_jumps = !matches!(filter, 0x11 | 0x14 | 0x24);
    let (mut at, mut before) = (0_usize, 0);
    while let Some([opcode, operand @ ..]) = code.get_mut(at..).and_then(<[u8]>::first_chunk_mut::<5>) {
        let is_kind = match *opcode {
            0xe8 => has_calls,
            0xe9 => has_jumps,
            0x80..=0x8f => filter == 0x49 && before == 0x0f,
            _ => false,
        };
        let [first, second, third, fourth] = *operand;
        if is_kind && mark.is_none_or(|mark| mark == first) {
            let address = match mark {
                Some(_) => u32::from_be_bytes([0, second, third, fourth]),
                None if filter <= 0x13 => u32::from_le_bytes(*operand),
                None => u32::from_be_bytes(*operand),
            };
            let place = u32::try_from(at).unwrap_or(0).wrapping_add(1);
            *operand = address.wrapping_sub(place).to_le_bytes();
            (at, before) = (at.saturating_add(5), 0);
        } else {
            (at, before) = (at.saturating_add(1), *opcode);
        }
    }
}

/// The bits of `mask` in instructions of four bytes.
fn arm(code: &mut [u8], mask: u32, is_call: fn(u32) -> bool) {
    for (place, bytes) in (0_u32..).zip(code.as_chunks_mut::<4>().0) {
        let word = u32::from_le_bytes(*bytes);
        if is_call(word) {
            *bytes = (word & !mask | word.wrapping_sub(place) & mask).to_le_bytes();
        }
    }
}
