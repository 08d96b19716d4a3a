//! Two bytes beside a run: what is looked at before the anchor.
//!
//! An anchor is three places of memory away from its entry, and short runs occur everywhere. Two bytes of the surroundings,
//! of those that are known for certain the two that are rarest in ordinary files, stand in the entry itself and turn
//! most of them down. They are folded like everything in the index.

use crate::content::frequency::{fold, surprise};

/// Stands for the place of a byte that is not there.
const NOWHERE: u32 = 63;

/// The two tests for a run of `width` bytes that stands at `at` in these surroundings: each the place in the
/// surroundings in six bits and the byte in eight, in one half of the number.
pub(super) fn pack(probe: &[(u8, u8)], at: usize, width: usize) -> u32 {
    let run = at..at.saturating_add(width);
    let is_certain = |mask: u8| matches!(mask, 0xff | 0xdf);
    let mut known: Vec<(u32, u8)> = (0_u32..NOWHERE)
        .zip(probe)
        .filter(|(place, (_, mask))| is_certain(*mask) && !run.contains(&(*place as usize)))
        .map(|(place, (value, _))| (place, fold(*value)))
        .collect();
    known.sort_by_key(|(_, byte)| std::cmp::Reverse(surprise(&[*byte])));
    let mut known = known.into_iter();
    let mut half = || known.next().map_or(NOWHERE, |(place, byte)| place | u32::from(byte) << 6);
    half() | half() << 16
}

/// Whether both bytes stand in `bytes` around surroundings that start at `start`.
#[inline]
pub(super) fn holds(tests: u32, bytes: &[u8], start: usize) -> bool {
    [tests & 0xffff, tests >> 16].into_iter().all(|test| {
        let place = test & 63;
        let byte = || start.checked_add(place as usize).and_then(|at| bytes.get(at));
        place == NOWHERE || byte().is_some_and(|byte| u32::from(fold(*byte)) == test >> 6)
    })
}

#[cfg(test)]
mod tests {
    use super::{holds, pack};

    fn exact(bytes: &[u8]) -> Vec<(u8, u8)> {
        bytes.iter().map(|byte| (*byte, 0xff)).collect()
    }

    #[test]
    fn the_two_rarest_bytes_beside_the_run_are_tested() {
        let tests = pack(&exact(b"\0\0\x10\0\xd7\0\0\x9b"), 2, 2);
        assert!(holds(tests, b"\0\0\x10\0\xd7\0\0\x9b", 0));
        assert!(holds(tests, b"..\0\0\0\0\xd7\0\0\x9b", 2), "the run itself was found already");
        for place in [4, 7] {
            let mut other = *b"\0\0\x10\0\xd7\0\0\x9b";
            other[place] = 0;
            assert!(!holds(tests, &other, 0), "{place}");
        }
    }

    #[test]
    fn case_does_not_count_and_what_is_known_in_part_is_not_tested() {
        let tests = pack(&[(b'A', 0xff), (b'B', 0xdf), (b'c', 0xff), (0x40, 0xf0)], 0, 1);
        assert!(holds(tests, b"abcx", 0));
        assert!(holds(tests, b"aBC\xff", 0));
        assert!(!holds(tests, b"aBd\xff", 0));
        assert!(!holds(tests, b"aBC\xff", 1), "what reaches over the end does not stand there");
    }

    #[test]
    fn a_run_that_is_all_there_is_stands_everywhere() {
        assert!(holds(pack(&exact(b"ab"), 0, 2), b"", 9));
    }
}
