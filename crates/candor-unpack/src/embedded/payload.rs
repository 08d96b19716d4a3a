//! Archives behind a script that unpacks them, as makeself and installers for Unix have them: `tail -n +42 "$0" | tar xz`.
//!
//! The script says in its own words where its payload begins, which nobody has to understand: that is the start of a line, with
//! something packed there. What has a magic that is rare anywhere is found by it, as in all other bytes.

use std::sync::LazyLock;

use candor_model::{FileType, Sink};

use super::{Kind, Known, Magics, Object, Search, give_all};
use crate::{cpio, tar};

/// What payloads begin with behind the end of a line; `ustar` stands in the header of a tar archive.
const KINDS: [Kind; 11] = [
    (b"\n\x1f\x8b\x08", packed),
    (b"\n\x1f\x9d", packed),
    (b"\nBZh", packed),
    (b"\n\xfd7zXZ\0", packed),
    (b"\n\x28\xb5\x2f\xfd", packed),
    (b"\n\x04\x22\x4d\x18", packed),
    (b"\nLZIP\x01", packed),
    (b"\n]\0\0", packed),
    (b"\n\xed\xab\xee\xdb", packed),
    (b"\n07070", packed),
    (b"ustar", archive),
];
/// How far in a header of tar that is.
const USTAR: usize = 257;

static MAGICS: LazyLock<Option<Magics>> = LazyLock::new(|| Magics::of(&KINDS));

/// Whether layers like this are searched.
pub(crate) fn applies(file_type: FileType, bytes: &[u8]) -> bool {
    file_type == FileType::Script || bytes.starts_with(b"#!")
}

/// Gives the first payload of each kind, to the end of the layer.
pub(crate) fn search(bytes: &[u8], sink: &mut dyn Sink) {
    if let Some(magics) = MAGICS.as_ref() {
        let mut searches = [Search::default(); KINDS.len()];
        give_all((&mut Known::of(bytes), 0), (&KINDS, &mut searches), magics.places(bytes), sink);
    }
}

/// The start of something packed whose first fields make sense.
fn packed(Known { bytes, .. }: &mut Known<'_>, at: usize) -> Option<Object> {
    let start = at.checked_add(1)?;
    let rest = bytes.get(start..)?;
    let is_sound = match rest {
        [0x1f, 0x8b, _, flags, ..] => flags & 0xe0 == 0,
        [0x1f, 0x9d, flags, ..] => flags & 0x60 == 0 && (9..=16).contains(&(flags & 0x1f)),
        [b'B', _, _, level, block @ ..] => (b'1'..=b'9').contains(level) && block.starts_with(b"1AY&SY"),
        [0x28, _, _, _, flags, ..] => flags & 8 == 0,
        [4, _, _, _, flags, ..] => flags >> 6 == 1,
        [b'L', _, _, _, _, size, ..] => (12..=29).contains(&(size & 0x1f)),
        // The end of the size of the content, or of ones where it is not known, and the zero that every stream begins with.
        [b']', fields @ ..] => matches!(fields.get(9..13), Some([0, 0, 0, 0] | [0xff, 0xff, 0xff, 0])),
        [b'0', ..] => cpio::begins_with_header(rest),
        _ => true,
    };
    is_sound.then_some(Object { start, end: None })
}

/// A header that begins a line, whose checksum holds.
fn archive(Known { bytes, .. }: &mut Known<'_>, at: usize) -> Option<Object> {
    let start = at.checked_sub(USTAR)?;
    let is_line = bytes.get(start.checked_sub(1)?) == Some(&b'\n');
    let is_sound = is_line && bytes.get(start..).is_some_and(tar::begins_with_header);
    is_sound.then_some(Object { start, end: None })
}
