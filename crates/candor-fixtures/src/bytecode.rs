//! Programs for virtual machines of Java: Dalvik executables and classes.

use sha1::{Digest, Sha1};

fn length(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX)
}

fn leb128(mut value: usize) -> Vec<u8> {
    let mut out = Vec::new();
    loop {
        let low = u8::try_from(value & 0x7f).unwrap_or(0);
        value >>= 7;
        if value == 0 {
            out.push(low);
            return out;
        }
        out.push(low | 0x80);
    }
}

/// A Dalvik executable of this version, as in `b"035"`, with these classes (as in `Lcom/example/A;`) and strings, all
/// as they are kept.
#[must_use]
pub fn dex(version: &[u8; 3], classes: &[&[u8]], strings: &[&[u8]]) -> Vec<u8> {
    let mut file = dex_at(0, version, classes, strings);
    seal(&mut file);
    file
}

/// Classes and strings of a program.
pub type Program<'a> = (&'a [&'a [u8]], &'a [&'a [u8]]);

/// Several of them in one file, each with its classes and strings; version 041.
#[must_use]
pub fn dex_container(programs: &[Program<'_>]) -> Vec<u8> {
    let mut file = Vec::new();
    for (classes, strings) in programs {
        let mut program = dex_at(length(&file), b"041", classes, strings);
        seal(&mut program);
        file.extend(program);
    }
    file
}

/// One whose offsets count from `base` bytes before its start.
fn dex_at(base: u32, version: &[u8; 3], classes: &[&[u8]], strings: &[&[u8]]) -> Vec<u8> {
    let header: u32 = if version >= b"041" { 0x78 } else { 0x70 };
    let all: Vec<&[u8]> = classes.iter().chain(strings).copied().collect();
    let (count, classes) = (u32::try_from(all.len()).unwrap_or(0), u32::try_from(classes.len()).unwrap_or(0));
    let (types, definitions) = (header + 4 * count, header + 4 * count + 4 * classes);
    let data = definitions + 32 * classes;
    let (mut offsets, mut texts) = (Vec::new(), Vec::new());
    for string in &all {
        offsets.extend((base + data + length(&texts)).to_le_bytes());
        let characters = string.iter().filter(|byte| **byte & 0xc0 != 0x80).count();
        texts.extend(leb128(characters));
        texts.extend_from_slice(string);
        texts.push(0);
    }
    let mut file = [&b"dex\n"[..], version, &[0; 25]].concat();
    let numbers = [
        [data + length(&texts), header],
        [0x1234_5678, 0],
        [0, 0],
        [count, base + header],
        [classes, base + types],
        [0, 0],
        [0, 0],
        [7, 0],
        [classes, base + definitions],
        [length(&texts), base + data],
    ];
    file.extend(numbers.as_flattened().iter().flat_map(|number| number.to_le_bytes()));
    file.resize(header as usize, 0);
    file.extend(offsets);
    file.extend((0..classes).flat_map(u32::to_le_bytes));
    for class in 0..classes {
        file.extend(class.to_le_bytes());
        file.resize(file.len() + 28, 0);
    }
    file.extend(texts);
    file
}

/// Puts the digest and the checksum of the rest into the header.
fn seal(file: &mut [u8]) {
    let digest = Sha1::digest(&file[32..]);
    file[12..32].copy_from_slice(&digest);
    let (mut low, mut high) = (1_u32, 0_u32);
    for byte in &file[12..] {
        low = (low + u32::from(*byte)) % 65_521;
        high = (high + low) % 65_521;
    }
    file[8..12].copy_from_slice(&(high << 16 | low).to_le_bytes());
}

/// A class of this name and parent (as in `java/lang/Object`), with these strings in its pool, one field, and one
/// method with an attribute.
#[must_use]
pub fn java_class(name: &[u8], parent: &[u8], strings: &[&[u8]]) -> Vec<u8> {
    let text =
        |text: &[u8]| [&[1][..], &u16::try_from(text.len()).unwrap_or(u16::MAX).to_be_bytes(), text].concat();
    let mut pool = [text(name), vec![7, 0, 1], text(parent), vec![7, 0, 3], text(b"member")].concat();
    // One constant of every other kind, two of which take two places.
    for (tag, length) in [(3, 4), (4, 4), (5, 8), (6, 8), (8, 2), (9, 4), (10, 4), (11, 4), (12, 4), (15, 3)]
    {
        pool.push(tag);
        pool.resize(pool.len() + length, 0);
    }
    for (tag, length) in [(16, 2), (17, 4), (18, 4), (19, 2), (20, 2)] {
        pool.push(tag);
        pool.resize(pool.len() + length, 0);
    }
    strings.iter().for_each(|string| pool.extend(text(string)));
    let count = u16::try_from(5 + 10 + 2 + 5 + strings.len() + 1).unwrap_or(u16::MAX);
    let attribute = [&[0, 5][..], &4_u32.to_be_bytes(), b"code"].concat();
    [
        &b"\xca\xfe\xba\xbe\0\0\0\x34"[..],
        &count.to_be_bytes(),
        &pool,
        // Flags, the class, its parent, one interface.
        &[0, 0x21, 0, 2, 0, 4, 0, 1, 0, 4],
        &[0, 1, 0, 2, 0, 5, 0, 5, 0, 0],
        &[0, 1, 0, 1, 0, 5, 0, 5, 0, 1],
        &attribute,
        &[0, 0],
    ]
    .concat()
}
