//! The bytes that formats start with, and the few that are looked for anywhere in the prefix.
//!
//! One table, ordered by the first byte and found through an index over it that is made at compile time,
//! so that a layer is compared with two or three rows and not with two hundred.

use candor_model::FileType;
use memchr::memmem;

/// One magic at the start of a file.
pub(crate) struct Row {
    /// The bytes.
    pub(crate) magic: &'static [u8],
    /// What they mean.
    pub(crate) file_type: FileType,
    /// What else must hold, for magics that are too short to decide alone.
    check: fn(&[u8]) -> bool,
}

#[cfg(test)]
impl Row {
    /// Whether the bytes alone decide.
    pub(crate) fn is_certain(&self) -> bool {
        std::ptr::fn_addr_eq(self.check, always as fn(&[u8]) -> bool)
    }
}

/// The type of a file that starts with `prefix`, when a magic at a fixed place decides it.
pub(crate) fn identify(prefix: &[u8]) -> Option<FileType> {
    let first = usize::from(*prefix.first()?);
    let start = usize::from(*INDEX.get(first)?);
    let end = usize::from(*INDEX.get(first.checked_add(1)?)?);
    ROWS.get(start..end)?
        .iter()
        .find(|row| prefix.starts_with(row.magic) && (row.check)(prefix))
        .map(|row| row.file_type)
        .or_else(|| java_or_universal(prefix))
        .or_else(|| python(prefix))
        .or_else(|| further_on(prefix))
}

/// The type that a magic anywhere in `prefix` decides.
pub(crate) fn anywhere(prefix: &[u8]) -> Option<FileType> {
    if prefix.contains(&b'<')
        && let Some(found) = xml(prefix)
    {
        return Some(found);
    }
    if memmem::find(prefix, b"\xa3\x48\x4b\xbe\x98\x6c\x4a\xa9\x99\x4c\x53\x0a\x86\xd6\x48\x7dAU3!EA0")
        .is_some()
    {
        return Some(FileType::AutoIt);
    }
    if memmem::find(prefix, b"\xef\xbe\xad\xdeNullsoftInst").is_some() {
        return Some(FileType::Nulsft);
    }
    // Readers accept a document that starts anywhere in the first kilobyte.
    let is_pdf = |name: &[u8]| {
        memmem::find_iter(prefix, name).any(|at| prefix.get(at.saturating_add(6)) == Some(&b'.') || at == 0)
    };
    (is_pdf(b"%PDF-") || is_pdf(b"%pdf-")).then_some(FileType::Pdf)
}

/// Documents that are one XML file.
fn xml(prefix: &[u8]) -> Option<FileType> {
    let has = |text: &[u8]| memmem::find(prefix, text).is_some();
    if has(b"<xdp:xdp") {
        return Some(FileType::Xdp);
    }
    let text = prefix.strip_prefix(b"\xef\xbb\xbf").unwrap_or(prefix);
    if !text.starts_with(b"<?xml version=\"1.0\"") {
        return None;
    }
    // A name-space prefix of two letters at most stands before these in what Office writes.
    let element = |name: &[u8]| {
        memmem::find_iter(prefix, name).any(|at| {
            let before = prefix.get(at.saturating_sub(4)..at).unwrap_or_default();
            before.ends_with(b"<") || (before.ends_with(b":") && before.contains(&b'<'))
        })
    };
    if element(b"wordDocument") || has(b"progid=\"Word.Document\"") {
        Some(FileType::XmlWord)
    } else if element(b"Workbook") {
        Some(FileType::XmlXl)
    } else if has(b"<HWPML") {
        Some(FileType::XmlHwp)
    } else {
        None
    }
}

/// Both start with the same four bytes. What follows is the number of slices in one and the version in
/// the other, and neither comes near the values of the other.
fn java_or_universal(prefix: &[u8]) -> Option<FileType> {
    let rest = prefix.strip_prefix(b"\xca\xfe\xba\xbe")?;
    let count = u32::from_be_bytes(*rest.first_chunk()?);
    if count < 0x20 {
        return Some(FileType::MachOUniversal);
    }
    // Versions 45 (Java 1.0) and up; the minor version is 0xffff in classes that use preview features.
    (45..=200).contains(&(count & 0xffff)).then_some(FileType::Java)
}

/// Compiled Python: a version number and CR LF. The numbers are those that were ever released.
fn python(prefix: &[u8]) -> Option<FileType> {
    let &[low, high, a, b] = prefix.first_chunk()?;
    let is_known = match (a, b) {
        (0x0d, 0x0a) => match high {
            0x0b..=0x0f => true,
            0xf2 => low >= 0x3b,
            0xf3 => low <= 0x0a,
            0xc6 => matches!(low, 0x87 | 0x88),
            0xc4 => matches!(low, 0xfc | 0xfd),
            0xeb => matches!(low, 0x2a | 0x2b),
            0xed => matches!(low, 0x2d | 0x2e),
            0x4e => matches!(low, 0x99),
            0x2e => matches!(low, 0x89),
            0x17 => matches!(low, 0x04),
            // PyPy.
            0x00 => matches!(low, 0xf0 | 0x30..=0x7f),
            0x01 => matches!(low, 0x00..=0xf0),
            _ => false,
        },
        (0x99, 0x00) => matches!((low, high), (0x02 | 0x03, 0x99)),
        _ => false,
    };
    is_known.then_some(FileType::PythonCompiled)
}

/// Magics that do not stand at offset 0.
fn further_on(prefix: &[u8]) -> Option<FileType> {
    let at = |offset: usize, magic: &[u8]| prefix.get(offset..).is_some_and(|rest| rest.starts_with(magic));
    if prefix.first() == Some(&0x1a) && is_arc(prefix) {
        return Some(FileType::Arc);
    }
    if at(7, b"**ACE**") {
        return Some(FileType::Ace);
    }
    if at(20, b"\xdc\xa7\xc4\xfd") {
        return Some(FileType::Zoo);
    }
    // A frame to be skipped, which Zstandard and LZ4 share.
    if at(1, b"\x2a\x4d\x18") && prefix.first().is_some_and(|first| first >> 4 == 5) {
        return Some(FileType::Zstd);
    }
    if at(4, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1") {
        return Some(FileType::HwpOle2);
    }
    // The method stands in the seven bytes from 2: `-lh5-`.
    if let Some(&[b'-', family, kind, level, b'-']) = prefix.get(2..)?.first_chunk() {
        let is_method = match (family, kind) {
            (b'l', b'h') => matches!(level, b'0'..=b'7' | b'd' | b'x'),
            (b'l', b'z') => matches!(level, b's' | b'4' | b'5'),
            (b'p', b'm') => matches!(level, b'0'..=b'2'),
            _ => false,
        };
        if is_method {
            return Some(FileType::LhaLzh);
        }
    }
    if at(8, b"\x19\x04\x00\x10") || at(12, b"\x19\x04\x00\x10") {
        return Some(FileType::Sis);
    }
    // A table of tensors in JSON behind its length.
    if at(8, b"{\"") && prefix.get(3..8) == Some(&[0; 5]) {
        return Some(FileType::AiModel);
    }
    at(257, b"ustar").then_some(FileType::PosixTar)
}

const fn always(_: &[u8]) -> bool {
    true
}

/// For magics of a few letters: nothing that is plain text.
fn is_binary(prefix: &[u8]) -> bool {
    crate::text::classify(prefix)
        .is_none_or(|class| !matches!(class, FileType::TextAscii | FileType::TextUtf8))
}

/// For `BM`: the two reserved fields are zero, or it is at least not text.
fn is_bitmap(prefix: &[u8]) -> bool {
    prefix.get(6..10) == Some(&[0; 4]) || is_binary(prefix)
}

/// For `begin `: an octal mode follows.
fn is_uuencoded(prefix: &[u8]) -> bool {
    let mode = prefix.get(6..).unwrap_or_default();
    let digits = mode.iter().take_while(|byte| matches!(byte, b'0'..=b'7')).count();
    (3..=4).contains(&digits) && mode.get(digits) == Some(&b' ')
}

/// For ARJ: a main header of at most 2,600 bytes.
fn is_arj(prefix: &[u8]) -> bool {
    prefix
        .get(2..)
        .and_then(|rest| rest.first_chunk())
        .is_some_and(|&size| (1..=2600).contains(&u16::from_le_bytes(size)))
}

/// For `1f 9d`: a code size of 9 to 16 bits, and no flag that nobody defined.
fn is_compress(prefix: &[u8]) -> bool {
    prefix.get(2).is_some_and(|&flags| flags & 0x60 == 0 && (9..=16).contains(&(flags & 0x1f)))
}

/// For ARC: a method that exists, a name in characters that one can have, and lengths that make sense.
fn is_arc(prefix: &[u8]) -> bool {
    let (Some(&method), Some(name)) = (prefix.get(1), prefix.get(2..15)) else { return false };
    let length = name.iter().position(|byte| *byte == 0).unwrap_or(0);
    let (name, rest) = name.split_at_checked(length).unwrap_or_default();
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'()-.@^_`{}~+ ".contains(byte);
    let number =
        |at: usize| prefix.get(at..).and_then(|rest| rest.first_chunk().copied()).map(u32::from_le_bytes);
    // Less than four letters are: descriptions of terminals begin like an archive, and have a name there.
    let is_length = |at: usize| number(at).is_some_and(|length| length < 1 << 29);
    matches!(method, 1..=11 | 30)
        && !name.is_empty()
        && name.iter().all(is_name)
        && !rest.is_empty()
        && is_length(15)
        && (method == 1 || is_length(25))
}

/// For `LZIP`: a version, and a dictionary of 4 KiB to 512 MiB.
fn is_lzip(prefix: &[u8]) -> bool {
    matches!(prefix.get(4..6), Some([0 | 1, size]) if (12..=29).contains(&(size & 0x1f)))
}

/// For `.lzma`, which has no magic: the properties that every encoder writes, a dictionary whose size is a
/// power of two or one and a half of it, a length that is unknown or sane, and the first byte of a range
/// coder, which is always 0.
fn is_lzma(prefix: &[u8]) -> bool {
    let number = |at: usize| prefix.get(at..).and_then(|rest| rest.first_chunk().copied());
    let (Some(dictionary), Some(length)) = (number(1).map(u32::from_le_bytes), prefix.get(5..13)) else {
        return false;
    };
    let length = length.first_chunk().copied().map(u64::from_le_bytes);
    let is_size =
        |size: u32| size.is_power_of_two() || (size.is_multiple_of(3) && (size / 3).is_power_of_two());
    (dictionary == u32::MAX || (dictionary >= 4096 && is_size(dictionary)))
        && length.is_some_and(|length| length == u64::MAX || (1..1 << 38).contains(&length))
        && prefix.get(13) == Some(&0)
}

/// For `BZh`: a block size follows, and then a block or the end of the stream.
fn is_bzip2(prefix: &[u8]) -> bool {
    matches!(prefix.get(3), Some(b'1'..=b'9')) && is_binary(prefix)
}

/// For `\0asm`: a version, of a module (1) or of a component.
fn is_wasm(prefix: &[u8]) -> bool {
    matches!(prefix.get(4..8), Some([1..=0x20, 0, 0 | 1, 0]))
}

/// For `!BDN`: what the file is for stands behind its checksum.
fn is_pst(prefix: &[u8]) -> bool {
    matches!(prefix.get(8..10), Some(b"SM" | b"AB" | b"SO"))
}

/// For `dex\n` and `cdex`: a version of three digits.
fn is_dex(prefix: &[u8]) -> bool {
    matches!(prefix.get(4..8), Some([b'0', b'0'..=b'9', b'0'..=b'9', 0]))
}

/// For `KLQB`: a version, and the upper half of where the content begins, which is never used.
fn is_klqb(prefix: &[u8]) -> bool {
    matches!(prefix.get(4..16), Some([1..=15, 0, 0, 0, _, _, 0, 0, 0, 0, 0, 0]))
}

/// For `ca fe ba be`: a length, and behind as many bytes the mark of the second part.
fn is_gdata(prefix: &[u8]) -> bool {
    let length =
        prefix.get(4..).and_then(|rest| rest.first_chunk()).map(|length| u32::from_le_bytes(*length));
    let second = length.and_then(|length| usize::try_from(length).ok()?.checked_add(8));
    second.and_then(|at| prefix.get(at..)).is_some_and(|rest| rest.starts_with(b"\xba\xad\xf0\x0d"))
}

/// For the place of the payload in a file of Symantec: a path, NULs behind it, and a line of a log.
fn is_symantec(prefix: &[u8]) -> bool {
    let Some((path, line)) = prefix.get(4..).and_then(|rest| rest.split_at_checked(0x180)) else {
        return false;
    };
    let length = path.iter().position(|byte| *byte == 0).unwrap_or(path.len());
    let (text, rest) = path.split_at_checked(length).unwrap_or_default();
    let line = line.get(..line.iter().position(|byte| *byte == 0).unwrap_or(line.len())).unwrap_or_default();
    !text.is_empty()
        && text.iter().all(|byte| *byte >= b' ')
        && rest.iter().all(|byte| *byte == 0)
        && line.iter().filter(|byte| **byte == b',').count() >= 4
}

const fn row(magic: &'static [u8], file_type: FileType) -> Row {
    Row { magic, file_type, check: always }
}

const fn checked(magic: &'static [u8], file_type: FileType, check: fn(&[u8]) -> bool) -> Row {
    Row { magic, file_type, check }
}

/// Every magic at offset 0, by first byte; among those with the same first byte, the longer first.
pub(crate) const ROWS: &[Row] = &[
    row(b"\0\0\0\x0cjP  \r\n\x87\n", FileType::Graphics),
    checked(b"\0asm", FileType::Wasm, is_wasm),
    checked(b"\x02\x21\x4c\x18", FileType::Lz4, is_binary),
    row(b"\x04\x22\x4d\x18", FileType::Lz4),
    // The kind and the attributes of the first stream, under the key of all installations.
    row(b"\x0b\xad\0\x98\x91\xfd\xde\x68", FileType::DefenderQuarantine),
    row(b"\x13\x5d\x65\x8c\x3a\x01\x02\0", FileType::IshieldCab),
    row(b"\x1f\x8b", FileType::Gzip),
    checked(b"\x1f\x9d", FileType::Compress, is_compress),
    row(b"!<arch>\n", FileType::Ar),
    checked(b"!BDN", FileType::Pst, is_pst),
    row(b"#@~^", FileType::ScrEnc),
    row(b"%!PS-Adobe-", FileType::Ps),
    row(b"%PDF-", FileType::Pdf),
    row(b"(\xb5\x2f\xfd", FileType::Zstd),
    row(b"(This file must be converted with BinHex 4.0)", FileType::BinHex),
    row(b"-chest- ", FileType::ClosedQuarantine),
    row(b"070701", FileType::CpioNewc),
    row(b"070702", FileType::CpioCrc),
    row(b"070707", FileType::CpioOdc),
    row(b"7\xe4\x53\x96\xc9\xdb\xd6\x07", FileType::Zisofs),
    row(b"7z\xbc\xaf\x27\x1c", FileType::SevenZip),
    row(b"ALZ\x01", FileType::Alz),
    checked(b"ActiveMime", FileType::ActiveMime, is_binary),
    row(b"AntiVir Qua\0\0\0\0\0", FileType::AviraQuarantine),
    checked(b"BZh", FileType::Bzip2, is_bzip2),
    checked(b"BM", FileType::Graphics, is_bitmap),
    row(b"CANDOR-QUARANTINE\n", FileType::NamedQuarantine),
    checked(b"CWS", FileType::Swf, is_binary),
    row(b"EGGA", FileType::Egg),
    checked(b"FWS", FileType::Swf, is_binary),
    row(b"GIF87a", FileType::Gif),
    row(b"GIF89a", FileType::Gif),
    row(b"GGUF", FileType::AiModel),
    checked(b"GIF", FileType::Gif, is_binary),
    row(b"HWP Document File V3.00 \x1a\x01\x02\x03\x04\x05", FileType::Hwp3),
    row(b"II*\0", FileType::Tiff),
    row(b"II+\0", FileType::Tiff),
    row(b"ISc(", FileType::IshieldCab),
    row(b"ITSF", FileType::MsChm),
    row(b"KDMV", FileType::Vmdk),
    checked(b"KLQB", FileType::KasperskyQuarantine, is_klqb),
    row(b"KWAJ\x88\xf0\x27\xd1", FileType::MsSzdd),
    checked(b"LZIP", FileType::Lzip, is_lzip),
    row(b"L\0\0\0\x01\x14\x02\0\0\0\0\0\xc0\0\0\0\0\0\0\x46", FileType::Lnk),
    row(b"MSCF\0\0\0\0", FileType::MsCab),
    row(b"MSWIM\0\0\0", FileType::Wim),
    row(b"MM\0*", FileType::Tiff),
    row(b"MM\0+", FileType::Tiff),
    row(b"MZ", FileType::MsExe),
    row(b"PK\x07\x08PK\x03\x04", FileType::Zip),
    row(b"PK00PK\x03\x04", FileType::Zip),
    row(b"PK\x03\x04", FileType::Zip),
    row(b"PK\x05\x06", FileType::Zip),
    row(b"QFI\xfb", FileType::Qcow2),
    row(b"RIFF", FileType::Riff),
    row(b"RIFX", FileType::Riff),
    row(b"Rar!", FileType::Rar),
    row(b"SZ \x88\xf0\x27\x33\xd1", FileType::MsSzdd),
    row(b"SZDD", FileType::MsSzdd),
    row(b"WLPWM\0\0\0", FileType::Wim),
    checked(b"ZWS", FileType::Swf, is_binary),
    checked(b"]\0", FileType::Lzma, is_lzma),
    checked(b"\x60\xea", FileType::Arj, is_arj),
    checked(b"begin ", FileType::Uuencoded, is_uuencoded),
    checked(b"cdex", FileType::Dex, is_dex),
    row(b"conectix", FileType::Vhd),
    checked(b"dex\n", FileType::Dex, is_dex),
    checked(b"hsqs", FileType::SquashFs, is_binary),
    row(b"\x71\xc7", FileType::CpioOld),
    checked(b"sqsh", FileType::SquashFs, is_binary),
    row(b"vhdxfile", FileType::Vhdx),
    row(b"xar!", FileType::Xar),
    row(b"x\x9f\x3e\x22", FileType::Tnef),
    row(b"\x7a\x1a\x20\x10", FileType::Sis),
    row(b"{\\rt", FileType::Rtf),
    row(b"\x7fELF", FileType::Elf),
    row(b"\x89PNG", FileType::Png),
    checked(b"\x90\x12\0\0", FileType::SymantecQuarantine, is_symantec),
    // `VSBX` with every bit the other way.
    row(b"\xa9\xac\xbd\xa7", FileType::ClosedQuarantine),
    row(b"\xb6\xb9\xac\xae\xfe\xff\xff\xff", FileType::CryptFf),
    // The first characters of a description in JSON, under the key of all installations.
    row(b"\xba\x51\x74\xa3\x59\xdb", FileType::MalwarebytesQuarantine),
    row(b"\xc5\xd0\xd3\xc6", FileType::Ps),
    row(b"\xc7\x71", FileType::CpioOld),
    checked(b"\xca\xfe\xba\xbe", FileType::GdataQuarantine, is_gdata),
    row(b"\xca\xfe\xba\xbf\0\0\0", FileType::MachOUniversal),
    row(b"\xce\xfa\xed\xfe", FileType::MachO),
    row(b"\xcf\xfa\xed\xfe", FileType::MachO),
    row(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", FileType::MsOle2),
    row(b"\xd3\x45\xc5\x99\x92\xfd\xdf\x68\xc2\xf9\x91\xc7\x81\xfa\xfc\x90", FileType::DefenderQuarantine),
    row(b"\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d\xae\xb1\x53\x78\xd0\x29\x96\xd3", FileType::OneNote),
    row(b"\xed\xab\xee\xdb", FileType::Rpm),
    row(b"\xfd7zXZ\0", FileType::Xz),
    row(b"\xfe\xed\xfa\xce", FileType::MachO),
    row(b"\xfe\xed\xfa\xcf", FileType::MachO),
    row(b"\xff\xd8\xff", FileType::Jpeg),
];

/// For every first byte, where its rows start in [`ROWS`].
const INDEX: [u8; 257] = {
    let mut index = [0; 257];
    let mut byte = 0;
    let mut row = 0;
    #[expect(
        clippy::indexing_slicing,
        clippy::cast_possible_truncation,
        reason = "evaluated at compile time, where each of them is an error"
    )]
    while byte < 256 {
        index[byte] = row as u8;
        while row < ROWS.len() && ROWS[row].magic[0] as usize == byte {
            row += 1;
        }
        byte += 1;
        index[byte] = row as u8;
    }
    assert!(row == ROWS.len(), "the rows are not ordered by their first byte");
    index
};
