//! Items of every kind, codes against a plain definition, and damage.

use candor_fixtures::lzms::{Item, encode, items, lzms};

use super::adaptive::lengths;
use super::slots::{DISTANCES, LENGTHS};

fn unpacked(packed: &[u8], length: usize) -> (Vec<u8>, bool) {
    let mut out = Vec::new();
    let outcome = super::unpack(packed, &mut out, length);
    assert!(out.len() <= length);
    (out, outcome.is_ok())
}

/// Numbers that repeat only after long.
fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    (0..length).map(|_| next()).collect()
}

#[test]
fn items_of_every_kind_are_undone() {
    let rows = (0..900_u32).flat_map(|row| [row * 3, row << 9]).flat_map(u32::to_le_bytes);
    let words = (0..4_000_u32).flat_map(|word| (word * 77 % 1_013).to_string().into_bytes());
    let content: Vec<u8> =
        noise(3_000, 5).into_iter().chain(rows).chain(words).chain(noise(3_000, 5)).chain([0; 900]).collect();
    let items = items(&content);
    let some = |wanted: fn(&Item) -> bool| items.iter().any(wanted);
    assert!(some(|item| matches!(item, Item::Literal(_))));
    assert!(some(|item| matches!(item, Item::Copy(..))));
    assert!(some(|item| matches!(item, Item::Delta(..))));
    assert_eq!(unpacked(&encode(&items, content.len()), content.len()), (content, true));
}

#[test]
fn recent_places_count_from_the_item_after_the_next() {
    // From three back, which is recent from the start, as are one and two; then all orders of what was used.
    let mut items: Vec<Item> = b"abcdefghijkl".iter().map(|byte| Item::Literal(*byte)).collect();
    let mut length = items.len();
    let distances = [3, 3, 1, 2, 12, 7, 12, 12, 7, 3, 9, 9, 12, 12, 7, 9];
    for (number, distance) in distances.into_iter().enumerate() {
        items.push(Item::Copy(distance, 4 + number));
        length += 4 + number;
        if number % 3 == 0 {
            items.push(Item::Literal(b'x'));
            length += 1;
        }
        if number % 4 == 1 {
            items.push(Item::Delta(number % 3, 1 + number % 2, 3));
            length += 3;
        }
    }
    let mut expected = Vec::new();
    for item in &items {
        let (place, count) = (expected.len(), expected.len());
        match *item {
            Item::Literal(byte) => expected.push(byte),
            Item::Copy(distance, length) => {
                (0..length).for_each(|at| expected.push(expected[place + at - distance]));
            }
            Item::Delta(power, steps, length) => {
                for at in count..count + length {
                    let (span, distance) = (1 << power, steps << power);
                    let sum: u8 = expected[at - span].wrapping_add(expected[at - distance]);
                    expected.push(sum.wrapping_sub(expected[at - distance - span]));
                }
            }
        }
    }
    assert_eq!(expected.len(), length);
    assert_eq!(unpacked(&encode(&items, length), length), (expected, true));
}

#[test]
fn groups_hold_what_they_should() {
    let distances = &*DISTANCES;
    assert_eq!(distances.count(), 799);
    assert_eq!((distances.reaching(0), distances.reaching(1), distances.reaching(9)), (0, 1, 9));
    assert_eq!((distances.reaching(12), distances.reaching(13)), (9, 10));
    assert_eq!(LENGTHS.count(), 54);
    // The farthest in the largest chunk is below the last group.
    assert!(distances.reaching(64 << 20) < 799);
}

/// Lengths that a code may have, and no other of these frequencies takes fewer bits.
fn is_best(frequencies: &[u32]) {
    let lengths = lengths(frequencies);
    let full: u64 = lengths.iter().map(|length| 1_u64 << (15 - length)).sum();
    assert_eq!(full, 1 << 15, "{frequencies:?}: {lengths:?}");
    let cost: u64 =
        lengths.iter().zip(frequencies).map(|(length, often)| u64::from(*length) * u64::from(*often)).sum();
    // The cost of a best code is the sum of all that is joined.
    let mut heap: std::collections::BinaryHeap<std::cmp::Reverse<u64>> =
        frequencies.iter().map(|often| std::cmp::Reverse(u64::from(*often))).collect();
    let mut best = 0;
    while heap.len() > 1 {
        let sum = heap.pop().unwrap().0 + heap.pop().unwrap().0;
        best += sum;
        heap.push(std::cmp::Reverse(sum));
    }
    if lengths.iter().all(|length| *length < 15) {
        assert_eq!(cost, best, "{frequencies:?}: {lengths:?}");
    } else {
        assert!(cost >= best);
    }
}

#[test]
fn codes_are_full_and_as_short_as_can_be() {
    for seed in 0..60 {
        let symbols = 2 + usize::from(noise(1, seed * 97 + 3)[0]);
        let frequencies: Vec<u32> = noise(symbols, seed + 1)
            .into_iter()
            .map(|byte| 1 + u32::from(byte) % (1 + seed as u32 * 4))
            .collect();
        is_best(&frequencies);
    }
    // As uneven as can be: the longest would have 29 bits.
    let mut uneven = vec![1, 1];
    while uneven.len() < 30 {
        uneven.push(uneven[uneven.len() - 1] + uneven[uneven.len() - 2]);
    }
    is_best(&uneven);
    assert_eq!(lengths(&[5]), [1]);
    assert_eq!(lengths(&[]), [0_u8; 0]);
    // Rarest symbols have the longest codes; of those that came as often, the first ones.
    assert_eq!(lengths(&[1, 1, 1]), [2, 2, 1]);
    assert_eq!(lengths(&[1, 9, 1, 4]), [3, 1, 3, 2]);
}

#[test]
fn operands_are_made_relative_again() {
    let mut code = Vec::new();
    for number in 0..400_u32 {
        let to = |target: u32, at: usize| target.wrapping_sub(at as u32).to_le_bytes();
        // Calls of three targets, loads, jumps and noise.
        match number % 7 {
            0..=2 => {
                let place = code.len();
                code.push(0xe8);
                code.extend(to(0x1000 * (number % 3), place));
            }
            3 => {
                code.extend([0x48, 0x8d, 0x0d]);
                code.extend(to(0x5550, code.len() - 3));
            }
            4 => code.extend([0xe9, 0xe8, 1, 2, 3, 0x90]),
            5 => {
                code.extend([0xff, 0x15]);
                code.extend(to(0x8888, code.len() - 2));
            }
            _ => code.extend(noise(40, u64::from(number))),
        }
    }
    let packed = lzms(&code);
    assert_eq!(unpacked(&packed, code.len()), (code.clone(), true));
    // It did something, and it does so as far as the bytes go when the rest is missing.
    let mut plain = Vec::new();
    let untranslated = encode(&items(&code), code.len());
    super::unpack(&untranslated, &mut plain, code.len()).unwrap();
    assert_ne!(plain, code);
}

/// As `wimcapture --compress=LZMS` packs [`text`].
const PACKED: &str = "\
    610f91ab23d86cfec6cf91a99ec3725d8f1bce41e0f8b63929ece8afe0b647aa78e1eb809a3f234b1af47f1c614a32f8\
    108ad9c65b1ed5dc06cd110ca36543eee0026bcec273c0a9a8f5207ccdde706e94ef1fdbff7f046eb963218dc862069c\
    adff564300008036a37698225d6963da96e4b49f722dc87d037e8f0e35bc58b109a04a0dbaf304d004d163cb0f400f04\
    a1335e0598686e2fc00a7842b896d13ac8aed603f0151ae0c0aaceb8c18ac0e1ea73934d1d0e379d1aec86cb5e0de706\
    c3e91e7383e1706db11eb98ac0e1968283cde07089dc60325cf64a001b0ca7633a1bac081c6e844cdd72ba006032f3eb\
    becfc16ebaec3735d84d776a58cd66c59f95da0d576633d8cc66a50893d9905bd95783dd74e2ca42ed860bd60d9663c3\
    7dca06c3e1bec7a1c16eb8ec3533984d57733258cd86dc2627db188d0d579f1c6c66a3a930192e7b95a719cca67bcc0c\
    56840dd7169acc5a5c00363359b5b8ef3562dd6cd65f66b09a6e062ba243b41c8ca6860b00079ba9e1bebfc164baec36\
    32580d5744d626989a6d846a072c870b006606c3e1beafb463375cf60a0d198c862b022643110d272aed4434dca07032\
    9acde6262b62ab30e4150d47844d36221a6e4035580e1780161e9c192e3833d80d97bdb220069be9fe1283f930c37925\
    26ebcb0cd74936b321a7b9c60fb411b38e46c411656ec21b514664f726cc1971441a110683e1926213d2c8cc8438628d\
    c8a68c0c689313e68834229a3132d9099c0956fb2221664b00e7cad9dcb7b970b6e9b1ef6fb6e933978d562373d568c5\
    6d30ef345ace35a3d15c325acc157311670361a9d8666f203020656e696c";

fn text() -> Vec<u8> {
    let lines: String = (0..90_u32).map(|line| format!("line {line} of {}, ", line * line)).collect();
    let numbers = (0..300_u32).flat_map(|number| (number * 1_001 + 7).to_le_bytes());
    let calls = (0..60_u32).flat_map(|number| {
        let operand = (0x4000 + number % 3 * 0x100).wrapping_sub(number * 9).to_le_bytes();
        [&[0xe8][..], &operand, &[0x90, 0x8b, 0xc3, 0x50]].concat()
    });
    lines.into_bytes().into_iter().chain(numbers).chain(calls).collect()
}

#[test]
fn what_another_encoder_packs_is_read() {
    let packed: Vec<u8> = PACKED
        .as_bytes()
        .chunks(2)
        .map(|digits| u8::from_str_radix(std::str::from_utf8(digits).unwrap(), 16).unwrap())
        .collect();
    let text = text();
    assert_eq!(unpacked(&packed, text.len()), (text.clone(), true));
    // Bits are read from the end, so that what is cut there is another stream.
    for length in 0..packed.len() {
        let (out, is_whole) = unpacked(&packed[..length], text.len());
        assert!(!is_whole || out != text, "{length}");
    }
    let mut damaged = packed.clone();
    for at in (0..packed.len()).step_by(3) {
        for value in [0, 0xff, packed[at].wrapping_add(1)] {
            damaged[at] = value;
            unpacked(&damaged, text.len());
        }
        damaged[at] = packed[at];
    }
}

#[test]
fn copies_stay_in_the_chunk() {
    let literal = Item::Literal(b'a');
    // One byte is there: two bytes back is before the start, also in a list that already holds something.
    for items in [
        vec![literal, Item::Copy(2, 3)],
        vec![literal, Item::Delta(0, 1, 3)],
        vec![literal, literal, Item::Delta(1, 1, 2)],
    ] {
        let mut out = b"before".to_vec();
        assert!(super::unpack(&encode(&items, 30), &mut out, 30).is_err());
        assert!(out.starts_with(b"beforea") && out.len() < 9);
    }
    // Longer than what is left.
    assert_eq!(unpacked(&encode(&[literal, Item::Copy(1, 40)], 30), 30), (b"a".to_vec(), false));
    // Half a word, nothing, and what ends too early.
    assert_eq!(unpacked(&[1, 2, 3], 30), (Vec::new(), false));
    assert!(!unpacked(&[], 300).1 && !unpacked(&[0; 8], 3_000).1);
    assert_eq!(unpacked(&encode(&[literal], 1), 1), (b"a".to_vec(), true));
}
