//! Archives that are cut short in front of the list of their members, which stands at their end: what the first block packs
//! stands behind the start header, and its beginning says whether it is LZMA or LZMA2, as 7-Zip packs by default. So its
//! members can be looked at all the same, one behind the other, though nobody knows where one ends.

use std::io::{ErrorKind, Read};

use candor_model::{ChildKind, Content, Flow, Member, Sink};
use lzma_rust2::filter::bcj::BcjReader;

use crate::codec::{self, DICTIONARY, Decoder};
use crate::pace::Pace;
use crate::reader::clipped;
use crate::work::units;

/// Where the packed bytes begin.
const START: u64 = 32;
/// Properties of LZMA that nearly everybody writes: three bits of the last literal, two of the position.
const PROPERTIES: u8 = 0x5d;
/// How much of it has to come out before it is believed, unless the archive ends before.
const PROBE: u64 = 4096;
/// What its decisions may cost, in the units of [`Pace`].
const PROBING: u64 = 1 << 18;

/// Gives what the first block packs, as far as it goes.
pub(super) fn give(bytes: &[u8], sink: &mut dyn Sink) {
    let packed = clipped(bytes, START, u64::MAX);
    let Some(beginning) = beginning(packed) else { return };
    // Programs are changed before they are packed, or are not.
    let is_program = [&b"MZ"[..], b"\x7fELF"].iter().any(|magic| beginning.starts_with(magic));
    for (position, is_changed) in [(1, false), (2, true)] {
        if is_changed && !is_program {
            return;
        }
        let length = units(packed.len());
        let pace = Pace::coding(length, sink.budget());
        let Some(decoder) = decoder(packed, &pace) else { return };
        let mut decoder: Decoder<'_> =
            if is_changed { Box::new(BcjReader::new_x86(decoder, 0)) } else { decoder };
        let member = Member {
            name: if is_changed { "first block, as programs".to_owned() } else { "first block".to_owned() },
            position,
            compressed_size: Some(length),
            ..Member::default()
        };
        let flow = sink.child(ChildKind::Extracted, &member, Content::Stream(&mut decoder));
        pace.settle(sink.budget());
        if flow == Flow::Stop {
            return;
        }
    }
}

/// What comes out first; none when that is damage, as it is where something else is packed or encrypted.
fn beginning(packed: &[u8]) -> Option<Vec<u8>> {
    let mut beginning = Vec::new();
    match decoder(packed, &Pace::with(PROBING))?.take(PROBE).read_to_end(&mut beginning) {
        Err(error) if error.kind() != ErrorKind::UnexpectedEof => None,
        _ => Some(beginning).filter(|beginning| !beginning.is_empty()),
    }
}

fn decoder<'a>(packed: &'a [u8], pace: &Pace) -> Option<Decoder<'a>> {
    match packed.first()? {
        // LZMA2 begins anew in its first chunk, and LZMA with a zero.
        1 | 0xe0.. => Some(codec::lzma2(packed, DICTIONARY, pace)),
        0 => Some(codec::lzma(packed, PROPERTIES, DICTIONARY, u64::MAX, pace)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use candor_fixtures::archive::{SevenZip, seven_zip};
    use candor_model::{FileType, Reason};

    use crate::collected::{Collected, survives_damage};

    /// Text that packs to about a half.
    fn text() -> Vec<u8> {
        let mut seed = 7_u32;
        let digits = std::iter::repeat_with(|| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            b'0' + (seed >> 16) as u8 % 10
        });
        digits.take(300_000).collect()
    }

    /// The archive up to so many bytes behind what is packed.
    fn cut(archive: &[u8], behind: usize) -> &[u8] {
        let end = 32 + u64::from_le_bytes(archive[12..20].try_into().unwrap()) as usize;
        &archive[..end + behind]
    }

    /// And up to so many bytes before its end.
    fn shorter(archive: &[u8], missing: usize) -> &[u8] {
        let packed = cut(archive, 0);
        &packed[..packed.len() - missing]
    }

    #[test]
    fn the_first_block_of_an_archive_without_its_list_is_given() {
        let text = text();
        let files = [("a", &text[..]), ("b", b"second")];
        for method in [SevenZip::Lzma, SevenZip::Lzma2] {
            let archive = seven_zip(method, None, &files);
            let found = Collected::of(FileType::SevenZip, cut(&archive, 3));
            assert!(matches!(found.incomplete[..], [Reason::Malformed(_)]), "{:?}", found.incomplete);
            assert_eq!(found.children.len(), 1, "{method:?}");
            assert!(found.children[0].bytes.starts_with(&text), "{method:?}");
            // And half of it.
            let half = cut(&archive, 0).len() / 2;
            let found = Collected::of(FileType::SevenZip, shorter(&archive, half));
            let given = &found.children[0].bytes;
            assert!(text.starts_with(given) && given.len() > text.len() / 4, "{method:?} {}", given.len());
            assert!(matches!(found.children[0].absent, Some(Reason::Malformed(_))), "{method:?}");
            survives_damage(FileType::SevenZip, cut(&seven_zip(method, None, &files[1..]), 2));
        }
        // Part of one chunk.
        let short = [&b"content ".repeat(2000)[..], &text[..1000]].concat();
        let archive = seven_zip(SevenZip::Lzma2, None, &[("a", &short)]);
        let found = Collected::of(FileType::SevenZip, shorter(&archive, 200));
        let given = &found.children[0].bytes;
        assert!(short.starts_with(given) && given.len() > 16_000, "{}", given.len());
        let short = seven_zip(SevenZip::Lzma, None, &[("a", b"content")]);
        assert!(Collected::of(FileType::SevenZip, cut(&short, 0)).children[0].bytes.starts_with(b"content"));
    }

    #[test]
    fn programs_are_given_as_they_were_before_they_were_packed() {
        let program = [&b"MZ"[..], &b"\xe8\x10\0\0\0 text ".repeat(1000)].concat();
        let archive = seven_zip(SevenZip::Lzma2WithX86, None, &[("a.exe", &program)]);
        let found = Collected::of(FileType::SevenZip, cut(&archive, 0)).children;
        assert_eq!((found.len(), found[1].bytes == program, found[0].bytes == program), (2, true, false));
    }

    #[test]
    fn what_is_packed_otherwise_gives_nothing() {
        let text = text();
        let nothing = |archive: &[u8]| {
            let found = Collected::of(FileType::SevenZip, cut(archive, 2));
            assert_eq!((found.children.len(), found.incomplete.len()), (0, 1));
        };
        for method in [SevenZip::Ppmd, SevenZip::Bzip2, SevenZip::Deflate, SevenZip::Copy] {
            nothing(&seven_zip(method, None, &[("a", &text)]));
        }
        // Something encrypted may begin with anything.
        let mut archive = seven_zip(SevenZip::Copy, None, &[("a", &text)]);
        for (place, digits) in archive[32..].iter_mut().zip(text.windows(3)) {
            *place = digits.iter().fold(7, |sum, digit| u8::wrapping_mul(sum, 5).wrapping_add(*digit));
        }
        for first in [0, 0xe0, 0xff] {
            archive[32] = first;
            nothing(&archive);
        }
    }

    #[test]
    fn what_is_given_is_paid_for() {
        let text = text();
        let archive = seven_zip(SevenZip::Lzma2, None, &[("a", &text)]);
        let found = Collected::packed_before(FileType::SevenZip, cut(&archive, 2), text.len() as u64);
        assert_eq!(found.children[0].absent, Some(Reason::Work));
        assert!(found.children[0].bytes.len() < text.len() / 4);
    }
}
