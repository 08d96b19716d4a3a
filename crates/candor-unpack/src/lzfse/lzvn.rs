//! LZVN, a compression of Apple's: what stands in the first byte of each step says how many bytes follow as they
//! are, and how far back and how long a copy is.
//!
//! Layout: <https://github.com/lzfse/lzfse> describes the steps.
//!
//! ```text
//! 00000110            the end            0000x110, 000x0110  nothing
//! LLMMMDDD D*8        a near copy        LLMMM111 D*16       one from anywhere
//! LLMMM110            as far as the last 101LLMMM D*6MM D*8  one in the middle
//! 1110LLLL, 11100000 L*8     bytes       1111MMMM, 11110000 M*8  a copy as far as the last
//! ```

use crate::reader::Reader;

/// Appends what a stream holds until there are `most` bytes; whether it came to its end.
pub(crate) fn unpack(data: &[u8], out: &mut Vec<u8>, most: usize) -> bool {
    steps(data, out, most).is_some()
}

fn steps(data: &[u8], out: &mut Vec<u8>, most: usize) -> Option<()> {
    let mut reader = Reader::little(data);
    let mut distance = 0_usize;
    loop {
        let step = reader.u8()?;
        let (literal, copy) = match step {
            6 => return Some(()),
            0x0e | 0x16 => continue,
            0xe0 => (usize::from(reader.u8()?).saturating_add(16), 0),
            0xe1..=0xef => (usize::from(step & 15), 0),
            0xf0 => (0, usize::from(reader.u8()?).saturating_add(16)),
            0xf1..=0xff => (0, usize::from(step & 15)),
            0xa0..=0xbf => {
                let more = reader.u16()?;
                distance = usize::from(more >> 2);
                let length = usize::from(step & 7) << 2 | usize::from(more & 3);
                (usize::from(step >> 3 & 3), length.saturating_add(3))
            }
            0x70..=0x7f | 0xd0..=0xdf => return None,
            _ => {
                match step & 7 {
                    6 if step < 0x40 => return None,
                    6 => {}
                    7 => distance = usize::from(reader.u16()?),
                    high => distance = usize::from(high) << 8 | usize::from(reader.u8()?),
                }
                (usize::from(step >> 6), usize::from(step >> 3 & 7).saturating_add(3))
            }
        };
        let bytes = reader.take(u64::try_from(literal).ok()?)?;
        super::append(out, bytes, copy, distance, most)?;
    }
}

#[cfg(test)]
mod tests {
    use candor_fixtures::volume::lzvn;

    use super::unpack;

    fn unpacked(data: &[u8], most: usize) -> (Vec<u8>, bool) {
        let mut out = Vec::new();
        let is_whole = unpack(data, &mut out, most);
        (out, is_whole)
    }

    #[test]
    fn steps_of_every_kind_give_what_was_packed() {
        let far: Vec<u8> = (0..9_000_u32).flat_map(|number| (number * number).to_le_bytes()).collect();
        let texts: [&[u8]; 6] = [
            b"",
            b"abc",
            &b"abcabcabcx".repeat(400),
            &[0; 70_000],
            &[&far[..], &far[..3000], b"x", &far[9000..]].concat(),
            &b"tobeornottobeorabcdabcdXabcdY".repeat(9),
        ];
        for text in texts {
            let packed = lzvn(text);
            assert!(unpacked(&packed, text.len()) == (text.to_vec(), true), "{}", text.len());
            // Cut anywhere, it gives its start.
            for length in (0..packed.len() - 7).step_by(1 + packed.len() / 50) {
                let (start, is_whole) = unpacked(&packed[..length], text.len());
                assert!(text.starts_with(&start) && !is_whole);
            }
            let (start, _) = unpacked(&packed, text.len() / 2);
            assert!(start == text[..text.len() / 2]);
        }
    }

    #[test]
    fn copies_of_nothing_and_unknown_steps_are_damage() {
        for data in [
            &[0x38, 1][..],
            &[0xe1, b'a', 0, 2],
            &[0xe1, b'a', 0, 0],
            &[0xf1],
            &[0x1e],
            &[0x70],
            &[0xd0],
            &[],
        ] {
            assert!(!unpacked(data, 100).1, "{data:x?}");
        }
        assert_eq!(unpacked(&[0xe1, b'a', 0x0e, 0x16, 0x08, 1, 6], 100), (b"aaaaa".to_vec(), true));
    }
}
