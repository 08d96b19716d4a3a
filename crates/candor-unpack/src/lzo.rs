//! LZO1X, as file systems pack blocks with it.
//!
//! Notes on the format: <https://docs.kernel.org/staging/lzo.html>. Our own, because no kept library in Rust alone
//! reads it with a bound on what comes out.
//!
//! A byte says what follows: so many bytes as they are, or a copy of what came out before. What it means depends on how
//! many bytes as they are came behind the last copy: none, one to three, or more.

use crate::reader::{Reader, clipped};

/// Appends what `packed` unpacks to; `None` when it is damaged, or is more than `most` bytes. What came out before the
/// damage is kept.
pub(crate) fn decode(packed: &[u8], out: &mut Vec<u8>, most: usize) -> Option<()> {
    let base = out.len();
    let most = base.checked_add(most)?;
    let mut reader = Reader::little(packed);
    // How many bytes as they are came last: 4 for more than three.
    let mut state = 0_u8;
    if let Some(&first @ 18..) = packed.first() {
        reader.skip(1)?;
        let count = first.checked_sub(17)?;
        literals(&mut reader, out, usize::from(count), most)?;
        state = count.min(4);
    }
    loop {
        let code = reader.u8()?;
        let (length, distance, behind) = match code {
            0..16 if state == 0 => {
                let count = run(code, 15, &mut reader)?.checked_add(3)?;
                literals(&mut reader, out, count, most)?;
                state = 4;
                continue;
            }
            0..16 => {
                let far = usize::from(reader.u8()?) << 2 | usize::from(code >> 2);
                let (length, near) = if state == 4 { (3, 2049) } else { (2, 1) };
                (length, far.checked_add(near)?, code)
            }
            16..32 => {
                let length = run(code & 7, 7, &mut reader)?.checked_add(2)?;
                let word = reader.u16()?;
                let far = usize::from(code & 8) << 11 | usize::from(word >> 2);
                if far == 0 {
                    return Some(());
                }
                (length, far.checked_add(0x4000)?, low(word))
            }
            32..64 => {
                let length = run(code & 31, 31, &mut reader)?.checked_add(2)?;
                let word = reader.u16()?;
                (length, usize::from(word >> 2).checked_add(1)?, low(word))
            }
            64.. => {
                let far = usize::from(reader.u8()?) << 3 | usize::from(code >> 2 & 7);
                let (least, more) = if code < 128 { (3_usize, code >> 5 & 1) } else { (5, code >> 5 & 3) };
                (least.checked_add(usize::from(more))?, far.checked_add(1)?, code)
            }
        };
        let start = out.len().checked_sub(distance).filter(|start| *start >= base)?;
        if out.len().checked_add(length)? > most {
            return None;
        }
        for at in (start..).take(length) {
            let byte = *out.get(at)?;
            out.push(byte);
        }
        state = behind & 3;
        literals(&mut reader, out, usize::from(state), most)?;
    }
}

/// A length: what the code has, or, when that is none, `more` than what bytes behind it add up to.
fn run(code: u8, more: usize, reader: &mut Reader<'_>) -> Option<usize> {
    if code != 0 {
        return Some(usize::from(code));
    }
    let mut length = more;
    loop {
        match reader.u8()? {
            0 => length = length.checked_add(255)?,
            last => return length.checked_add(usize::from(last)),
        }
    }
}

fn literals(reader: &mut Reader<'_>, out: &mut Vec<u8>, count: usize, most: usize) -> Option<()> {
    let room = most.saturating_sub(out.len());
    let wanted = u64::try_from(count.min(room)).ok()?;
    out.extend_from_slice(clipped(reader.rest(), 0, wanted));
    reader.skip(u64::try_from(count).ok()?)?;
    (count <= room).then_some(())
}

fn low(word: u16) -> u8 {
    let [low, _] = word.to_le_bytes();
    low
}

#[cfg(test)]
mod tests {
    use super::decode;

    fn unpacked(packed: &[u8]) -> (Vec<u8>, bool) {
        let mut out = b"before".to_vec();
        let is_whole = decode(packed, &mut out, 100_000).is_some();
        (out.split_off(6), is_whole)
    }

    const END: &[u8] = &[0x11, 0, 0];

    #[test]
    fn every_kind_of_code_is_read() {
        let literal = |text: &[u8]| [&[17 + text.len() as u8][..], text].concat();
        let check = |code: &[u8], expected: &[u8]| {
            let packed = [&literal(b"abcdefgh")[..], code, END].concat();
            assert_eq!(unpacked(&packed), ([b"abcdefgh", expected].concat(), true), "{code:?}");
        };
        // Three and eight bytes back: 3 or 4, and 5 to 8 of them; one byte as it is behind.
        check(&[0b0100_1000, 0], b"fgh");
        check(&[0b0111_1101, 0, b'!'], b"abcd!");
        check(&[0b1000_1000, 0], b"fghfg");
        check(&[0b1111_1100, 0], b"abcdefgh");
        // Up to 16 KiB back, short and long.
        check(&[0b0010_0001, 7 << 2, 0], b"abc");
        check(&[0b0010_0000, 1, 0, 0], &[b'h'; 34]);
        check(&[0b0010_0000, 0, 1, 0, 0], &[b'h'; 289]);
        // A copy of two behind three bytes as they are.
        check(&[0b0100_1011, 0, b'x', b'y', b'z', 0b0000_0100, 0], b"fghxyzyz");
        // Many bytes as they are, by both ways of saying how many.
        let many = [b'm'; 300];
        let packed = [&[0, 0, 27][..], &many, END].concat();
        assert_eq!(unpacked(&packed), (many.to_vec(), true));
        let packed = [&[3][..], b"sixsix", END].concat();
        assert_eq!(unpacked(&packed), (b"sixsix".to_vec(), true));
        // Far copies: of three behind more than three bytes, and beyond 16 KiB.
        let far: Vec<u8> = (0..2060_u32).map(|at| (at % 251) as u8).collect();
        let packed = [&[0; 9][..], &[2], &far, &[0b0000_0000, 0], END].concat();
        let mut expected = far.clone();
        expected.extend_from_slice(&far[11..14]);
        assert_eq!(unpacked(&packed), (expected, true));
        let zeros = [&[18, b'z', 0b0010_0000][..], &[0; 70], &[1, 0, 0]].concat();
        let packed = [&zeros[..], &[0b0001_0001, 1 << 2, 0], END].concat();
        assert_eq!(unpacked(&packed), (vec![b'z'; 1 + 70 * 255 + 34 + 3], true));
    }

    #[test]
    fn what_came_before_the_damage_is_kept() {
        assert_eq!(unpacked(&[21, b'a', b'b']), (b"ab".to_vec(), false));
        // A copy from before the start, one without an end, and more than there may be.
        assert_eq!(unpacked(&[21, b'a', b'b', b'c', b'd', 0b0101_0000, 9]), (b"abcd".to_vec(), false));
        assert_eq!(unpacked(&[21, b'a', b'b', b'c', b'd']), (b"abcd".to_vec(), false));
        assert_eq!(unpacked(&[]), (Vec::new(), false));
        let bomb = [&[18, b'z', 0b0010_0000][..], &[0; 900], &[1, 0, 0]].concat();
        assert_eq!(unpacked(&bomb), (b"z".to_vec(), false));
        let mut out = Vec::new();
        assert_eq!(decode(&[18, b'a', 0x11, 0, 0], &mut out, 0), None);
        assert_eq!(out, b"");
    }
}
