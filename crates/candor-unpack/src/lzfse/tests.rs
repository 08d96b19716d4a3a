//! Streams of Apple's own program, damage, and what claims much.

use candor_fixtures::volume::lzfse;

use super::unpack;

/// What `compress` of <https://github.com/lzfse/lzfse> makes of [`squares`], and of [`words`].
const SQUARES: &str = "62767832b21500000402700e008c0020e9b0d2fffdd400009f0000003f34c005f3688d75742a008080c08d00303e8123011f\
     880100193770113218f905be01b8195c6d46b2801000000000002000007c2400000000004c000000e05ff827fe8647e1c378\
     12be8be7e05ff821000000000000000000804002040048060100000000000000000000000000000000000000000000000000\
     0000000000000000000000800083129f8e677f5b71851f6a253c35df224db0131b70ff8b2dd12ada4e9629dc5c0c86c74abe\
     7270eadf5013e4244ac57e45d52ba6abb8277d234e032f86f1f2dbec5144f6345a96c066eebec3c1b6b390ff1acd367dfc36\
     46b2b0105a4b9cc0f314b5f67d2cffee4ef1f2c520a9ce0f704e3f6a9464b160348de237a1803483523e58e43c7f78dc1c2a\
     5a8951111967e7a12fec0db0b4848af173aafc8cea514f83814a6903ea06bd7e1ea3ddc82a150332d9b0221d04d49d6c845a\
     43aa8c583301bac0df1a491a665c09ee3a71263c115b1a44734552a014b05feda7ef0afefc7cf70700000000000000000000\
     c26359019c913f43caabf3ffbfe129d8758270fcdb68f1f730a76333d72d3fa9ade87af0538c8d072760652fd1e72b2327a2\
     4e520609ff7b897da8851c5843b06a116f5b1d106d5b009105390aaa6214190dee66f442be5f47ae58c87d2b0cab1671603d\
     22bc7bee7609c48b2056d4965c482935e524eaaf24b9b6d0e20416a7c11337a944a038f9a4273bdf931a067293aef66d13d8\
     570c78602525340ac738e23804d85403dcb021e9f0e4326a622ee2c01bb84dabd199202b61f664bf7af772f4e61b35ecb8aa\
     c10062767824";
const WORDS: &str = "6276786e6901000067000000e00f74686520717569636b2062726f776e20666f78206a756d7073206f76657220081fe00f6c\
     617a7920646f6720616e642072756e7320617761792066726f6d206974203842f0d0680100f00f40626590346f66ea736d61\
     6c6c2074657874060000000000000062767824";

fn bytes(digits: &str) -> Vec<u8> {
    digits
        .as_bytes()
        .as_chunks::<2>()
        .0
        .iter()
        .map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

fn squares() -> Vec<u8> {
    let text: String = (0..110).map(|number| format!("{number} squared is {}\n", number * number)).collect();
    [text.as_bytes(), &[0; 3000], &text.as_bytes()[..500]].concat()
}

fn words() -> Vec<u8> {
    let text = b"the quick brown fox jumps over the lazy dog and runs away from it ".repeat(6);
    [&text[..300], &[0; 40], b"end of the small text"].concat()
}

#[test]
fn streams_of_the_reference_are_unpacked() {
    for (packed, expected, kind) in [(SQUARES, squares(), b"bvx2"), (WORDS, words(), b"bvxn")] {
        let packed = bytes(packed);
        assert!(packed.starts_with(kind));
        let (out, is_whole) = unpack(&packed, expected.len());
        assert!(out == expected && is_whole);
        let (out, is_whole) = unpack(&packed, 1000.min(expected.len() - 1));
        assert!(expected.starts_with(&out) && out.len() == 1000.min(expected.len() - 1) && !is_whole);
    }
}

/// The same block with its frequencies as they are.
#[test]
fn frequencies_need_not_be_packed() {
    let packed = bytes(SQUARES);
    let word = |at: usize| u64::from_le_bytes(*packed[at..].first_chunk().unwrap());
    let (first, second, third) = (word(8), word(16), word(24));
    let field = |word: u64, at: u32, width: u32| (word >> at & ((1 << width) - 1)) as u32;
    let header = field(third, 0, 32) as usize;
    let payload = &packed[header..packed.len() - 4];
    let mut wide = b"bvx1".to_vec();
    wide.extend_from_slice(&packed[4..8]);
    for number in [
        payload.len() as u32,
        field(first, 0, 20),
        field(first, 40, 20),
        field(first, 20, 20),
        field(second, 40, 20),
    ] {
        wide.extend(number.to_le_bytes());
    }
    let unused = |word: u64| (field(word, 60, 3).cast_signed() - 7).to_le_bytes();
    wide.extend(unused(first));
    for at in [0, 10, 20, 30] {
        wide.extend((field(second, at, 10) as u16).to_le_bytes());
    }
    wide.extend(unused(second));
    for at in [32, 42, 52] {
        wide.extend((field(third, at, 10) as u16).to_le_bytes());
    }
    for frequency in super::packed_frequencies(&packed[32..header]) {
        wide.extend(frequency.to_le_bytes());
    }
    wide.resize(772, 0);
    let stream = [&wide[..], payload, b"bvx$"].concat();
    let (out, is_whole) = unpack(&stream, 10_000);
    assert!(out == squares() && is_whole);
}

#[test]
fn blocks_as_they_are_and_by_lzvn_follow_one_another() {
    let text = words().repeat(30);
    let packed = lzfse(&text);
    assert!(unpack(&packed, text.len()) == (text.clone(), true));
    let (start, is_whole) = unpack(&packed[..packed.len() - 20], text.len());
    assert!(text.starts_with(&start) && start.len() > text.len() / 4 && !is_whole);
}

#[test]
fn damage_ends_and_gives_no_more_than_is_asked_for() {
    for whole in [bytes(SQUARES), bytes(WORDS), lzfse(&words())] {
        let mut damaged = whole.clone();
        for at in 0..whole.len() {
            for value in [0, 1, 0x7f, 0xff, whole[at] ^ 0x10] {
                damaged[at] = value;
                let (out, _) = unpack(&damaged, 6000);
                assert!(out.len() <= 6000);
            }
            damaged[at] = whole[at];
            assert!(!unpack(&whole[..at], 6000).1);
        }
    }
}

/// Forty thousand literals without a byte that comes of them, again and again.
#[test]
fn a_block_costs_what_it_gives() {
    let packed = bytes(SQUARES);
    let mut nothing = packed[..packed.len() - 4].to_vec();
    nothing[4..8].copy_from_slice(&[0; 4]);
    assert!(unpack(&nothing.repeat(20), 6000).0.is_empty());
}

#[test]
fn copies_that_have_no_bits_are_not_made_for_long() {
    const COPIES: u32 = 10_000;
    // Every state is one of the same symbol: no literals, a copy of one byte, from one byte back.
    let mut frequencies = [0_u16; 360];
    (frequencies[0], frequencies[21], frequencies[41], frequencies[104]) = (64, 64, 256, 1024);
    let header = [&b"bvx1"[..], &COPIES.to_le_bytes(), &[0; 8], &COPIES.to_le_bytes(), &[0; 30]].concat();
    let block = [header, frequencies.map(u16::to_le_bytes).concat(), vec![0; 2]].concat();
    let stream = |count| [&b"bvx-\x01\0\0\0a"[..], &block.repeat(count), b"bvx$"].concat();
    for count in [1, 1000] {
        let (out, is_whole) = unpack(&stream(count), usize::MAX);
        assert!(!is_whole && out == vec![b'a'; COPIES as usize + 1], "{count}: {}", out.len());
    }
}
