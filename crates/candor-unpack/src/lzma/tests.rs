//! LZMA and what it comes in, beside the library that packed it.

use std::io::{BufRead, BufReader, Read};

use candor_fixtures::ranges::{self, Step};
use candor_fixtures::stream::{self, CheckType, FilterType, Xz};
use candor_model::{Budget, Interrupt, Limits};
use lzma_rust2::{LzipReader, LzmaReader, XzReader};
use proptest::prelude::*;

use crate::codec;
use crate::pace::Pace;

/// Enough for everything that is tried here.
fn pace() -> Pace {
    Pace::with(1 << 40)
}

/// What a decoder gives until it fails, and whether it came to its end.
fn all(mut decoder: impl Read) -> (Vec<u8>, bool) {
    let mut out = Vec::new();
    let is_whole = decoder.read_to_end(&mut out).is_ok();
    (out, is_whole)
}

/// Text in which much comes again, at all distances, with what does not.
fn text(length: usize) -> Vec<u8> {
    let mut seed = 7_u32;
    let mut out: Vec<u8> = Vec::new();
    while out.len() < length {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let word = (seed >> 8) as usize;
        match seed >> 30 {
            0 => out.extend(seed.to_le_bytes()),
            1 => out.extend(std::iter::repeat_n((seed >> 9) as u8, word % 700)),
            _ => {
                let from = word % out.len().max(1);
                let part = out[from..].iter().take(word % 90).copied().collect::<Vec<u8>>();
                out.extend(part);
                out.push(b'a' + (word % 26) as u8);
            }
        }
    }
    out.truncate(length);
    out
}

/// Gives its bytes in pieces of these lengths, one after another.
struct Pieces<'a> {
    rest: &'a [u8],
    lengths: &'a [usize],
    at: usize,
}

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let mut bytes = self.fill_buf()?;
        let read = bytes.read(buffer)?;
        self.consume(read);
        Ok(read)
    }
}

impl BufRead for Pieces<'_> {
    fn fill_buf(&mut self) -> std::io::Result<&[u8]> {
        let length = self.lengths[self.at % self.lengths.len()].min(self.rest.len());
        Ok(&self.rest[..length])
    }

    fn consume(&mut self, count: usize) {
        self.rest = &self.rest[count..];
        self.at += 1;
    }
}

#[test]
fn what_was_packed_comes_out() {
    for length in [0, 1, 2, 300, 4096, 70_000, 3 << 20] {
        let text = text(length);
        assert!(all(codec::xz(&stream::xz(&text), &pace())) == (text.clone(), true), "{length}");
        assert!(all(codec::lzip(&stream::lzip(&text), &pace())) == (text.clone(), true), "{length}");
        for packed in [stream::lzma(&text), stream::lzma_with_end(&text)] {
            assert!(all(codec::lzma_alone(&packed, &pace())) == (text.clone(), true), "{length}");
        }
    }
}

#[test]
fn pieces_of_any_length_make_no_difference() {
    let text = text(40_000);
    let (lzma, xz) = (stream::lzma(&text), stream::xz(&text));
    for lengths in [&[1][..], &[1, 2, 3], &[23, 24, 25], &[47, 1, 1, 48, 7], &[4096]] {
        let pieces = |rest| Pieces { rest, lengths, at: 0 };
        let header = 13;
        let decoder = codec::lzma(pieces(&lzma[header..]), 0x5d, 1 << 20, text.len() as u64, &pace());
        assert!(all(decoder) == (text.clone(), true), "{lengths:?}");
        // Behind the headers of the stream and of the only block.
        let start = 12 + (usize::from(xz[12]) + 1) * 4;
        assert!(
            all(codec::lzma2(pieces(&xz[start..]), 8 << 20, &pace())) == (text.clone(), true),
            "{lengths:?}"
        );
    }
}

#[test]
fn a_small_window_is_gone_round() {
    // A copy may reach back as far as the dictionary says, and no further; what comes out is more.
    let text = text(300_000);
    let packed = stream::lzma(&text);
    let whole = all(codec::lzma(&packed[13..], 0x5d, 300_000, text.len() as u64, &pace()));
    assert!(whole == (text.clone(), true));
    let (start, is_whole) = all(codec::lzma(&packed[13..], 0x5d, 4096, text.len() as u64, &pace()));
    assert!(!is_whole && start.len() > 4096 && text.starts_with(&start));
    let near: Vec<u8> = text[..5000].iter().copied().cycle().take(100_000).collect();
    let packed = stream::lzma(&near);
    for dictionary in [5000, 5001, 6000, 16_384, 16_385, 99_999, 100_000] {
        let decoder = codec::lzma(&packed[13..], 0x5d, dictionary, near.len() as u64, &pace());
        assert!(all(decoder) == (near.clone(), true), "{dictionary}");
    }
}

#[test]
fn what_came_before_the_cut_is_given() {
    let text = text(20_000);
    let packed = [
        (0, stream::xz(&text)),
        (1, stream::lzip(&text)),
        (2, stream::lzma(&text)),
        (2, stream::lzma_with_end(&text)),
    ];
    for (kind, bytes) in packed {
        let mut most = 0;
        for cut in (0..bytes.len() - 6).step_by(7) {
            let part = &bytes[..cut];
            let (start, is_whole) = match kind {
                0 => all(codec::xz(part, &pace())),
                1 => all(codec::lzip(part, &pace())),
                _ => all(codec::lzma_alone(part, &pace())),
            };
            assert!(!is_whole || cut < 6, "{kind} {cut}");
            assert!(text.starts_with(&start), "{kind} {cut}");
            // All but what the last bytes may have been part of.
            assert!(start.len() >= most, "{kind} {cut}");
            most = start.len();
        }
        assert!(most + 900 > text.len(), "{kind} {most}");
    }
}

#[test]
fn decisions_are_paid_for() {
    for (step, decisions) in [(Step::Literal, 9), (Step::ShortCopy, 4)] {
        let bytes = ranges::lzma(step, 1 << 20);
        // Each byte that comes out pays for one and a half.
        let price = (2 * decisions - 3) << 20;
        let spent = |lent| {
            let (out, is_whole) = all(codec::lzma_alone(&bytes, &Pace::with(lent)));
            (out.len(), is_whole)
        };
        assert_eq!(spent(price), (1 << 20, true), "{step:?}");
        let (length, is_whole) = spent(price / 2);
        assert!(!is_whole && (1 << 18..3 << 18).contains(&length), "{step:?} {length}");
    }
    // What the file brings itself pays for what is usual.
    let mut budget = Budget::new(Limits::default(), Interrupt::new(), 1 << 16);
    assert!(budget.pay_work(budget.work()));
    let mut seed = 1_u32;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        // Six bits that nobody foresees.
        (seed >> 26) as u8
    })
    .take(1 << 18)
    .collect();
    let packed = stream::lzma(&noise);
    let mut budget = Budget::new(Limits::default(), Interrupt::new(), packed.len() as u64);
    assert!(budget.pay_work(budget.work()));
    let pace = Pace::coding(packed.len() as u64, &mut budget);
    assert!(all(codec::lzma_alone(&packed, &pace)).1);
    // And only the first time.
    let _ = budget.code(packed.len() as u64);
    let pace = Pace::coding(packed.len() as u64, &mut budget);
    assert!(!all(codec::lzma_alone(&packed, &pace)).1);
}

#[test]
fn what_xz_says_of_itself_is_checked() {
    let text = text(5_000);
    let bytes = stream::xz(&text);
    let (out, is_whole) = all(codec::xz(&bytes, &pace()));
    assert!(out == text && is_whole);
    // Every byte of it matters, but for what is in the blocks of others.
    for place in 0..bytes.len() {
        let mut bytes = bytes.clone();
        bytes[place] ^= 1;
        let (out, is_whole) = all(codec::xz(&bytes, &pace()));
        // A coder of ranges writes five bytes at its end, of which the last do not matter.
        let is_nothing = (out.is_empty() && place < 6)
            || (out == text && (bytes.len() - 41..bytes.len() - 35).contains(&place));
        assert!(!is_whole || is_nothing, "{place} of {}: {}", bytes.len(), out.len());
        // Behind the data, all of it is given.
        let behind = bytes.len() - 35;
        assert!(place <= behind || out == text, "{place} of {}", bytes.len());
    }
}

#[test]
fn blocks_and_filters_of_xz_are_undone() {
    let text = text(50_000);
    let program = [&b"MZ"[..], &b"\xe8\x10\0\0\0 a \xe9\0\x01\0\0".repeat(900), &text].concat();
    for check in [CheckType::None, CheckType::Crc32, CheckType::Crc64, CheckType::Sha256] {
        for filters in [
            &[][..],
            &[(FilterType::Delta, 1)],
            &[(FilterType::Delta, 256)],
            &[(FilterType::BcjX86, 0)],
            &[(FilterType::BcjX86, 4096)],
            &[(FilterType::BcjArm64, 0)],
            &[(FilterType::BcjRiscv, 0), (FilterType::Delta, 4)],
            &[(FilterType::BcjPpc, 0), (FilterType::BcjSparc, 0), (FilterType::Delta, 2)],
        ] {
            for block in [0, 4096, 30_000] {
                let bytes = stream::xz_as(&program, Xz { filters, check, block });
                let found = all(codec::xz(&bytes, &pace()));
                assert!(found == (program.clone(), true), "{check:?} {filters:?} {block} {}", found.0.len());
                // And two of them, with zeros between.
                let twice = [&bytes[..], &[0; 8], &bytes].concat();
                let found = all(codec::xz(&twice, &pace()));
                assert!(found == ([&program[..], &program].concat(), true), "{check:?} {filters:?} {block}");
            }
        }
    }
}

#[test]
fn a_damaged_block_of_known_length_takes_none_of_the_others_along() {
    let text = text(9_000);
    let mut stream = Vec::new();
    for part in text.chunks(3_000) {
        let one = stream::xz_as(part, Xz { filters: &[], check: CheckType::Crc32, block: 0 });
        if stream.is_empty() {
            stream.extend(&one[..12]);
        }
        // The only block, without its header: up to the checksum and the list.
        let start = 12 + (usize::from(one[12]) + 1) * 4;
        let list = one.len()
            - 12
            - (u32::from_le_bytes(one[one.len() - 8..][..4].try_into().unwrap()) as usize + 1) * 4;
        // The list says how long header, data and checksum are, in one or two bytes.
        let low = usize::from(one[list + 2]);
        let unpadded = if low < 0x80 { low } else { low & 0x7f | usize::from(one[list + 3]) << 7 };
        let packed = unpadded - (start - 12) - 4;
        let number = |value: usize| [value as u8 | 0x80, (value >> 7) as u8];
        let mut header =
            [&[3, 0xc0][..], &number(packed), &number(part.len()), &[0x21, 1, 16, 0, 0, 0]].concat();
        let mut sum = flate2::Crc::new();
        sum.update(&header);
        header.extend(sum.sum().to_le_bytes());
        assert_eq!(header.len(), 16);
        stream.extend([&header, &one[start..list]].concat());
    }
    let (out, _) = all(codec::xz(&stream, &pace()));
    assert!(out == text);
    // In the first block.
    stream[12 + 16 + 40] ^= 0x55;
    let (out, is_whole) = all(codec::xz(&stream, &pace()));
    assert!(!is_whole && out.ends_with(&text[3_000..]) && out.len() < text.len() + 300, "{}", out.len());
}

#[test]
fn what_lzip_says_of_itself_is_checked() {
    let text = text(5_000);
    let bytes = stream::lzip(&text);
    for place in bytes.len() - 20..bytes.len() {
        let mut bytes = bytes.clone();
        bytes[place] ^= 1;
        let (out, is_whole) = all(codec::lzip(&bytes, &pace()));
        assert!(out == text && !is_whole, "{place}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(debug_assertions) { 96 } else { 4_000 }))]

    /// Damaged in any way: as far as both go they say the same, and ours goes as far as the library, if not further.
    #[test]
    fn damage_gives_what_the_library_gives(
        length in 0_usize..6_000,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        cut in any::<prop::sample::Index>(),
        kind in 0..4,
    ) {
        let text = text(length);
        let mut bytes = match kind {
            0 => stream::lzma(&text),
            1 => stream::lzma_with_end(&text),
            2 => stream::xz(&text),
            _ => stream::lzip(&text),
        };
        if cut.index(4) == 0 {
            bytes.truncate(cut.index(bytes.len()) + 1);
        }
        for (place, value) in changes {
            let place = place.index(bytes.len());
            bytes[place] = value;
        }
        let (ours, library) = match kind {
            2 => (all(codec::xz(&bytes, &pace())), all(XzReader::new_mem_limit(&bytes[..], false, 1 << 17))),
            3 => (all(codec::lzip(&bytes, &pace())), all(LzipReader::new(&bytes[..]))),
            _ => match LzmaReader::new_mem_limit(&bytes[..], 1 << 17, None) {
                Ok(mut reader) => {
                    reader.set_defer_errors(true);
                    (all(codec::lzma_alone(&bytes, &pace())), all(reader))
                }
                Err(_) => return Ok(()),
            },
        };
        // Of a stream that is cut short, the library makes a symbol of bytes that are not there.
        let common = ours.0.len().min(library.0.len());
        prop_assert!(ours.0[..common] == library.0[..common]);
        prop_assert!(library.0.len() - common <= 273, "{} {}", ours.0.len(), library.0.len());
        prop_assert!(!library.1 || ours.1, "the library is content");
    }

    #[test]
    fn noise_does_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..300), kind in 0..3) {
        let source = BufReader::with_capacity(7, &bytes[..]);
        let _ = match kind {
            0 => all(codec::lzma(source, bytes.first().copied().unwrap_or(0), 1 << 12, 1 << 20, &pace())),
            1 => all(codec::lzma2(source, 1 << 12, &pace())),
            _ => all(codec::lzma2(&[&[0xe0, 0, 200, 0, 250, 0x5d][..], &bytes].concat()[..], 1 << 12, &pace())),
        };
    }
}
