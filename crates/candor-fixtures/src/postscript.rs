//! Programs in PostScript that bring something along.

use std::fmt::Write as _;

use crate::container::Packing;
use crate::stream;

/// Ways to bring it along.
pub const PACKINGS: &[Packing] = &[
    ("ps base 85", "data 1", |bytes| filtered(&["ASCII85"], bytes)),
    ("ps digits", "data 1", |bytes| filtered(&["ASCIIHex"], bytes)),
    ("ps deflate", "data 1", |bytes| filtered(&["Flate"], bytes)),
    ("ps lzw", "data 1", |bytes| filtered(&["LZW"], bytes)),
    ("ps runs", "data 1", |bytes| filtered(&["RunLength"], bytes)),
    ("ps base 85, deflate", "data 1", |bytes| filtered(&["ASCII85", "Flate"], bytes)),
    ("ps base 85, lzw", "data 1", |bytes| filtered(&["ASCII85", "LZW"], bytes)),
    ("ps digits, runs", "data 1", |bytes| filtered(&["ASCIIHex", "RunLength"], bytes)),
    ("ps eexec", "eexec 1", |bytes| eexec(false, bytes)),
    ("ps eexec, digits", "eexec 1", |bytes| eexec(true, bytes)),
    ("ps string", "string 1", |bytes| {
        [b"%!PS-Adobe-3.0\n/a <", digits(&[bytes, &[0; 64]].concat()).as_bytes(), b"> def\n"].concat()
    }),
    ("eps preview", "preview 1", |bytes| {
        let lines = digits(bytes).as_bytes().chunks(60).fold(Vec::new(), |mut lines, line| {
            lines.extend([b"% ", line, b"\r\n"].concat());
            lines
        });
        [b"%!PS-Adobe-3.0 EPSF-3.0\r\n%%BeginPreview: 8 8 1 2\r\n", &lines[..], b"%%EndPreview\r\n"].concat()
    }),
    ("eps for dos", "TIFF", |bytes| for_dos(&[b"%!PS-Adobe-3.0\nshowpage\n", b"", bytes])),
];

/// A program that reads `bytes` behind these filters, named without `Decode`; the first one is next to the file.
#[must_use]
pub fn filtered(filters: &[&str], bytes: &[u8]) -> Vec<u8> {
    let mut data = bytes.to_vec();
    for filter in filters.iter().rev() {
        data = match *filter {
            "ASCII85" => base_85(&data),
            "ASCIIHex" => format!("{}>", digits(&data)).into_bytes(),
            "Flate" => stream::zlib(&data),
            "LZW" => lzw(&data),
            "RunLength" => runs(&data),
            _ => data,
        };
    }
    let chain = filters.iter().fold(String::new(), |mut chain, filter| {
        let _ = write!(chain, " /{filter}Decode filter");
        chain
    });
    [b"%!PS-Adobe-3.0\ncurrentfile", chain.as_bytes(), b" cvx exec\n", &data, b"\nshowpage\n"].concat()
}

/// A font that hides a program with `bytes` in it.
#[must_use]
pub fn eexec(is_digits: bool, bytes: &[u8]) -> Vec<u8> {
    let mut key = 55_665_u16;
    let plain = [b"salt", bytes, b" mark currentfile closefile"].concat();
    let hidden: Vec<u8> = plain
        .iter()
        .map(|byte| {
            let hidden = byte ^ key.to_be_bytes()[0];
            key = key.wrapping_add(u16::from(hidden)).wrapping_mul(52_845).wrapping_add(22_719);
            hidden
        })
        .collect();
    let hidden = if is_digits { digits(&hidden).into_bytes() } else { hidden };
    [b"%!PS-AdobeFont-1.0: A\ncurrentfile eexec\n", &hidden[..], b"\n", &[b'0'; 64], b"\ncleartomark\n"]
        .concat()
}

/// A file for DOS of a program, a metafile and a TIFF file, each of which may be empty.
#[must_use]
pub fn for_dos(parts: &[&[u8]; 3]) -> Vec<u8> {
    let mut file = b"\xc5\xd0\xd3\xc6".to_vec();
    let mut offset = 32_u32;
    for part in parts {
        let length = u32::try_from(part.len()).unwrap_or(u32::MAX);
        file.extend(if length == 0 { 0 } else { offset }.to_le_bytes());
        file.extend(length.to_le_bytes());
        offset = offset.wrapping_add(length);
    }
    file.extend([0xff, 0xff, 0, 0]);
    parts.iter().for_each(|part| file.extend_from_slice(part));
    file
}

/// Bytes as digits.
#[must_use]
pub fn digits(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut digits, byte| {
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}

/// Bytes in base 85, in lines, with its end.
#[must_use]
pub fn base_85(bytes: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    for group in bytes.chunks(4) {
        let mut padded = [0; 4];
        padded[..group.len()].copy_from_slice(group);
        let mut value = u32::from_be_bytes(padded);
        let mut characters = [0; 5];
        for character in characters.iter_mut().rev() {
            *character = b'!' + u8::try_from(value % 85).unwrap_or(0);
            value /= 85;
        }
        text.extend_from_slice(&characters[..=group.len()]);
    }
    let mut lines = text.chunks(72).collect::<Vec<_>>().join(&b'\n');
    lines.extend(b"~>");
    lines
}

/// Codes of nine bits that stand for one byte each; the table is emptied before a tenth would be needed.
fn lzw(bytes: &[u8]) -> Vec<u8> {
    let codes = bytes
        .chunks(200)
        .flat_map(|chunk| std::iter::once(256_u32).chain(chunk.iter().map(|byte| u32::from(*byte))));
    let (mut held, mut count, mut out) = (0_u32, 0, Vec::new());
    for code in codes.chain([257]) {
        held = held << 9 | code;
        count += 9;
        while count >= 8 {
            count -= 8;
            out.push((held >> count).to_le_bytes()[0]);
        }
        held &= (1 << count) - 1;
    }
    out.push((held << (8 - count)).to_le_bytes()[0]);
    out
}

/// Runs of bytes as they are.
fn runs(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for run in bytes.chunks(128) {
        out.push(u8::try_from(run.len() - 1).unwrap_or(0));
        out.extend_from_slice(run);
    }
    out.push(128);
    out
}
