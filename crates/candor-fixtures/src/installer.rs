//! Installers and help files: containers that programs bring along.

use crate::archive::{File, lzx_uncompressed};
use crate::{dcl, stream};

fn u16_of(length: usize) -> u16 {
    u16::try_from(length).unwrap_or(u16::MAX)
}

fn u32_of(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

fn numbers(values: &[usize]) -> Vec<u8> {
    values.iter().flat_map(|value| u32_of(*value).to_le_bytes()).collect()
}

/// The compressions of the Nullsoft installer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nsis {
    /// None.
    Stored,
    /// Its deflate.
    Deflate,
    /// Stored blocks of its deflate.
    DeflateStored,
    /// Its bzip2.
    Bzip2,
    /// LZMA.
    Lzma,
}

/// Every compression of the Nullsoft installer.
pub const NSIS: [Nsis; 5] = [Nsis::Stored, Nsis::Deflate, Nsis::DeflateStored, Nsis::Bzip2, Nsis::Lzma];

/// What stands behind the program of a Nullsoft installer; `is_solid` for all in one stream.
#[must_use]
pub fn nsis(method: Nsis, is_solid: bool, files: &[File<'_>]) -> Vec<u8> {
    let pack = |content: &[u8]| match method {
        Nsis::Stored => content.to_vec(),
        Nsis::Deflate => stream::deflate(content),
        Nsis::DeflateStored => nsis_stored(content),
        Nsis::Bzip2 => nsis_bzip2(content),
        Nsis::Lzma => {
            let packed = stream::lzma_with_end(content);
            [&packed[..1], &[0, 0, 0x80, 0], &packed[13..]].concat()
        }
    };
    let piece = |content: &[u8]| {
        let packed = pack(content);
        let mark = if method == Nsis::Stored { 0 } else { 1 << 31 };
        [&(u32_of(packed.len()) | mark).to_le_bytes()[..], &packed].concat()
    };
    let plain = |content: &[u8]| [&u32_of(content.len()).to_le_bytes()[..], content].concat();
    let mut data = Vec::new();
    let mut entries = Vec::new();
    let mut strings = vec![0];
    for (name, content) in files {
        // No time is set.
        entries.extend(numbers(&[20, 0, strings.len(), data.len()]));
        entries.extend([0xff; 12]);
        strings.extend([name.as_bytes(), b"\0"].concat());
        data.extend(if is_solid { plain(content) } else { piece(content) });
    }
    // Pages, sections, instructions, strings, and four more blocks.
    let behind = 68 + entries.len();
    let mut script =
        numbers(&[0, 68, 0, 68, 0, 68, files.len(), behind, strings.len(), 0, 0, 0, 0, 0, 0, 0, 0]);
    script.extend(entries);
    script.extend(strings);
    let packed =
        if is_solid { pack(&[plain(&script), data].concat()) } else { [piece(&script), data].concat() };
    let mut out = b"\0\0\0\0\xef\xbe\xad\xdeNullsoftInst".to_vec();
    out.extend(numbers(&[script.len(), 28 + packed.len() + 4]));
    out.extend(packed);
    out.extend([0; 4]);
    out
}

/// Stored blocks whose length stands there once.
fn nsis_stored(content: &[u8]) -> Vec<u8> {
    let chunks: Vec<&[u8]> =
        if content.is_empty() { vec![content] } else { content.chunks(40_000).collect() };
    let mut out = Vec::new();
    for (index, chunk) in chunks.iter().enumerate() {
        out.push(u8::from(index + 1 == chunks.len()));
        out.extend(u16_of(chunk.len()).to_le_bytes());
        out.extend_from_slice(chunk);
    }
    out
}

/// Blocks of bzip2 without headers and checksums.
fn nsis_bzip2(content: &[u8]) -> Vec<u8> {
    let packed = stream::bzip2(content);
    let bits: Vec<bool> =
        packed.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1 == 1)).collect();
    let number =
        |from: usize| bits[from..from + 48].iter().fold(0_u64, |value, bit| value << 1 | u64::from(*bit));
    let byte = |value: u8| (0..8).rev().map(move |bit| value >> bit & 1 == 1);
    let marks: Vec<usize> = (32..=bits.len() - 80)
        .filter(|at| matches!(number(*at), 0x3141_5926_5359 | 0x1772_4538_5090))
        .collect();
    let mut kept: Vec<bool> = Vec::new();
    for block in marks.windows(2) {
        kept.extend(byte(0x31));
        // Six bytes of the block's mark, four of its sum, one bit for randomised blocks.
        kept.extend(&bits[block[0] + 81..block[1]]);
    }
    kept.extend(byte(0x17));
    kept.chunks(8)
        .map(|bits| {
            (0..8).fold(0, |value, bit| value << 1 | u8::from(bits.get(bit).copied().unwrap_or(false)))
        })
        .collect()
}

/// A number in groups of seven bits, most significant first.
fn encoded(value: usize) -> Vec<u8> {
    let groups = (0..5).rev().map(|group| value >> (7 * group)).skip_while(|value| *value == 0);
    let mut out: Vec<u8> = groups.map(|group| u8::try_from(group & 0x7f).unwrap_or(0) | 0x80).collect();
    match out.last_mut() {
        Some(last) => *last &= 0x7f,
        None => out.push(0),
    }
    out
}

/// A help file: the first file stands as it is, all others in the section that LZX packs.
#[must_use]
pub fn chm(files: &[File<'_>]) -> Vec<u8> {
    chm_with_resets(2, files)
}

/// The same, with the compression reset every so many frames.
#[must_use]
pub fn chm_with_resets(interval: usize, files: &[File<'_>]) -> Vec<u8> {
    let mut stored = Vec::new();
    let mut packed = Vec::new();
    let mut rows: Vec<(String, usize, usize, usize)> = Vec::new();
    for (index, (name, content)) in files.iter().enumerate() {
        let section = usize::from(index > 0);
        let place = if index == 0 { &mut stored } else { &mut packed };
        rows.push((format!("/{name}"), section, place.len(), content.len()));
        place.extend_from_slice(content);
    }
    let mut content = Vec::new();
    let mut places = Vec::new();
    for (index, frame) in packed.chunks(32 << 10).enumerate() {
        places.extend(u64::from(u32_of(content.len())).to_le_bytes());
        content.extend(lzx_uncompressed(index.is_multiple_of(interval), frame));
    }
    let mut table = numbers(&[2, places.len() / 8, 8, 40]);
    for value in [packed.len(), content.len(), 0x8000] {
        table.extend(u64::from(u32_of(value)).to_le_bytes());
    }
    table.extend(places);
    let control = [&6_u32.to_le_bytes()[..], b"LZXC", &numbers(&[2, interval, 2, 1, 0])].concat();
    let storage = "::DataSpace/Storage/MSCompressed/";
    let transform = "Transform/{7FC28940-9D31-11D0-9B27-00A0C91E9C7C}/InstanceData/ResetTable";
    for (name, part) in [("Content", content), ("ControlData", control), (transform, table)] {
        rows.push((format!("{storage}{name}"), 0, stored.len(), part.len()));
        stored.extend(part);
    }
    let chunks: Vec<Vec<u8>> = rows
        .chunks(8)
        .map(|rows| {
            let mut chunk = b"PMGL\0\0\0\0\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff".to_vec();
            for (name, section, offset, length) in rows {
                chunk.extend(encoded(name.len()));
                chunk.extend_from_slice(name.as_bytes());
                chunk.extend([*section, *offset, *length].into_iter().flat_map(encoded));
            }
            let unused = 4096 - chunk.len();
            chunk[4..8].copy_from_slice(&u32_of(unused).to_le_bytes());
            chunk.resize(4096, 0);
            chunk
        })
        .collect();
    let length = 84 + 4096 * chunks.len();
    let mut out = b"ITSF".to_vec();
    out.extend(numbers(&[3, 96, 1, 0, 0x409]));
    out.resize(56, 0);
    for value in [96, 0, 96, length, 96 + length] {
        out.extend(u64::from(u32_of(value)).to_le_bytes());
    }
    out.extend(b"ITSP");
    out.extend(numbers(&[1, 84, 10, 4096, 2, 1]));
    out.extend([0xff; 4]);
    out.extend(numbers(&[0, chunks.len() - 1]));
    out.extend([0xff; 4]);
    out.extend(numbers(&[chunks.len(), 0x409]));
    out.resize(96 + 84, 0);
    out.extend(chunks.concat());
    out.extend(stored);
    out
}

/// An old package of Symbian.
#[must_use]
pub fn sis(files: &[File<'_>]) -> Vec<u8> {
    let wide = |name: &str| name.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let records = 100;
    let mut data = Vec::new();
    let mut rows = Vec::new();
    // A condition and its end around the files.
    rows.extend(numbers(&[3, 4, 0]));
    let behind = records + 12 + files.len() * 52 + 4;
    for (name, content) in files {
        let (name, packed) = (wide(name), stream::zlib(content));
        let place = behind + data.len();
        let fields =
            [0, 0, 0, 0, 0, name.len(), place, packed.len(), place + name.len(), content.len(), 0, 0];
        rows.extend(numbers(&fields));
        data.extend([name, packed].concat());
    }
    rows.extend(numbers(&[6]));
    let mut out = numbers(&[0x1020_3040, 0x1000_3a12, 0x1000_0419, 0]);
    out.extend([0, 0, 1, 0]);
    out.extend(u16_of(files.len() + 2).to_le_bytes());
    out.resize(36, 0);
    out.push(1);
    out.resize(52, 0);
    out.extend(numbers(&[records]));
    out.resize(records, 0);
    out.extend(rows);
    out.resize(behind, 0);
    out.extend(data);
    out
}

/// A package of Symbian 9, without a description of what is in it. Files have no names.
#[must_use]
pub fn sisx(files: &[File<'_>]) -> Vec<u8> {
    let padded = |mut bytes: Vec<u8>| {
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    };
    let element = |content: &[u8]| padded([&u32_of(content.len()).to_le_bytes()[..], content].concat());
    let field = |kind: usize, content: &[u8]| [numbers(&[kind]), element(content)].concat();
    let compressed = |content: &[u8]| {
        let packed = stream::zlib(content);
        field(3, &[numbers(&[1, content.len(), 0]), packed].concat())
    };
    let array = |kind: usize, elements: Vec<Vec<u8>>| {
        let elements: Vec<u8> = elements.iter().flat_map(|content| element(content)).collect();
        field(2, &[numbers(&[kind]), elements].concat())
    };
    let files = files.iter().map(|(_, content)| compressed(content)).collect();
    let unit = array(32, files);
    let data = field(30, &array(31, vec![unit]));
    let contents = [field(34, &[0, 0]), compressed(b"the controller"), data].concat();
    [numbers(&[0x1020_1a7a, 0, 0x2000_0000, 0]), field(12, &contents)].concat()
}

/// What stands behind an installer of InstallShield, with the files as they are.
#[must_use]
pub fn installshield(files: &[File<'_>]) -> Vec<u8> {
    let file = |(name, content): &File<'_>| {
        let words = format!("{name}\0Disk1\\{name}\01.0.0.0\0{}\0", content.len());
        [words.as_bytes(), content].concat()
    };
    files.iter().flat_map(file).collect()
}

/// The same under keys from their names, packed by zlib; `is_stream` for the newer kind.
#[must_use]
pub fn installshield_keyed(is_stream: bool, files: &[File<'_>]) -> Vec<u8> {
    let mut out = if is_stream { b"ISSetupStream\0".to_vec() } else { b"InstallShield\0".to_vec() };
    out.extend(u16_of(files.len()).to_le_bytes());
    out.resize(46, 0);
    for (name, content) in files {
        let packed = stream::zlib(content);
        let length = u32_of(packed.len()).to_le_bytes();
        if is_stream {
            let wide: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
            out.extend(numbers(&[wide.len(), 6]));
            out.extend([&[0; 2][..], &length, &[0; 8], &[1, 0], &wide].concat());
        } else {
            let mut field = name.as_bytes().to_vec();
            field.resize(260, 0);
            out.extend([&field[..], &[6, 0, 0, 0], &[0; 4], &length, &[0; 8], &[1, 0], &[0; 30]].concat());
        }
        let key: Vec<u8> = name
            .bytes()
            .zip([0x13, 0x35, 0x86, 0x07].into_iter().cycle())
            .map(|(byte, magic)| byte ^ magic)
            .collect();
        let veiled = |(place, byte): (usize, &u8)| (!byte ^ key[place % 1024 % key.len()]).rotate_left(4);
        out.extend(packed.iter().enumerate().map(veiled));
    }
    out
}

/// An archive of InstallShield 3: names, with a folder in front or none, whether a file stands as it is, and contents.
#[must_use]
pub fn installshield_archive(files: &[(&str, bool, &[u8])]) -> Vec<u8> {
    let mut folders: Vec<&str> = vec![""];
    let mut out = vec![0; 255];
    let mut rows = Vec::new();
    for (path, is_stored, content) in files {
        let (folder, name) = path.split_once('\\').unwrap_or(("", path));
        let index = folders.iter().position(|known| *known == folder).unwrap_or_else(|| {
            folders.push(folder);
            folders.len() - 1
        });
        let packed = if *is_stored { content.to_vec() } else { dcl::implode(content) };
        rows.push(1);
        rows.extend(u16_of(index).to_le_bytes());
        rows.extend(numbers(&[content.len(), packed.len(), out.len(), 0, 0]));
        rows.extend(u16_of(31 + name.len()).to_le_bytes());
        rows.extend([if *is_stored { 0x10 } else { 0 }, 0, 0, 1, u8::try_from(name.len()).unwrap_or(0)]);
        rows.extend(name.as_bytes());
        rows.push(0);
        out.extend(packed);
    }
    let place = out.len();
    for folder in &folders {
        out.extend([0, 0]);
        out.extend(u16_of(6 + folder.len() + 5).to_le_bytes());
        out.extend(u16_of(folder.len()).to_le_bytes());
        out.extend(folder.as_bytes());
        out.extend([0; 5]);
    }
    let first = out.len();
    out.extend(rows);
    let mut put = |at: usize, value: &[u8]| out[at..at + value.len()].copy_from_slice(value);
    put(0, b"\x13\x5d\x65\x8c\x3a\x01\x02\0");
    put(12, &u16_of(files.len()).to_le_bytes());
    put(30, &[1, 1]);
    put(41, &u32_of(place).to_le_bytes());
    put(49, &u16_of(folders.len()).to_le_bytes());
    put(51, &u32_of(first).to_le_bytes());
    out
}

/// A cabinet of InstallShield: its directory, and the files with content. `version` is 5, or 6 and up; what
/// `split` says is split over two of the latter.
#[must_use]
pub fn installshield_cabinet(version: u32, is_veiled: bool, split: bool, files: &[File<'_>]) -> Vec<Vec<u8>> {
    let is_wide = version > 5;
    let word = |value: usize| {
        let value = u64::from(u32_of(value));
        if is_wide { value.to_le_bytes().to_vec() } else { value.to_le_bytes()[..4].to_vec() }
    };
    let number = (1 << 24 | version << 12).to_le_bytes();
    let volume = |first: usize, last: usize, places: [(usize, usize); 2], data: &[u8]| {
        let mut out = [b"ISc(", &number[..], &[0; 12]].concat();
        out.extend(numbers(&[200, 0, first, last]));
        for (offset, packed) in places {
            out.extend([word(offset), word(0), word(packed)].concat());
        }
        out.resize(200, 0);
        out.extend_from_slice(data);
        out
    };
    let mut data = Vec::new();
    let mut places = Vec::new();
    for (_, content) in files {
        let packed: Vec<u8> = content
            .chunks(30_000)
            .flat_map(|chunk| {
                let packed = stream::deflate(chunk);
                [&u16_of(packed.len()).to_le_bytes()[..], &packed].concat()
            })
            .collect();
        let veil = |(at, byte): (usize, &u8)| {
            let key = u8::try_from(at % 0x47).unwrap_or(0);
            if is_veiled { byte.wrapping_add(key).rotate_left(2) ^ 0xd5 } else { *byte }
        };
        places.push((200 + data.len(), packed.len()));
        data.extend(packed.iter().enumerate().map(veil));
    }
    // The last file is the one that is split, after its first bytes.
    let last = files.len() - 1;
    let (last_offset, last_length) = places[last];
    let cut = if split { last_offset + 5 } else { last_offset + last_length };
    let mut volumes =
        vec![volume(0, last, [places[0], (last_offset, cut - last_offset)], &data[..cut - 200])];
    if split {
        let rest = &data[cut - 200..];
        volumes.push(volume(last, last, [(200, rest.len()); 2], rest));
    }
    // The directory: one folder, names, files.
    let flags = |index: usize| 4 | (u16::from(is_veiled) << 1) | u16::from(split && index == last);
    let mut table = Vec::new();
    let first_entry = 4 * (1 + files.len());
    let entry_length = if is_wide { 87 } else { 42 };
    let names = first_entry + entry_length * files.len();
    let mut strings = b"\0".to_vec();
    let mut entries = Vec::new();
    for (index, (name, content)) in files.iter().enumerate() {
        let name_place = names + strings.len();
        strings.extend([name.as_bytes(), b"\0"].concat());
        let (offset, packed) = places[index];
        if is_wide {
            let mut entry = flags(index).to_le_bytes().to_vec();
            entry.extend([word(content.len()), word(packed), word(offset), vec![0; 32]].concat());
            entry.extend(numbers(&[name_place]));
            entry.resize(84, 0);
            entry.extend([0, 1, 0]);
            entries.extend(entry);
        } else {
            let mut entry = numbers(&[name_place, 0]);
            entry.extend(flags(index).to_le_bytes());
            entry.extend(numbers(&[content.len(), packed]));
            entry.resize(38, 0);
            entry.extend(numbers(&[offset]));
            entries.extend(entry);
        }
        table.extend(numbers(&[first_entry + index * entry_length]));
    }
    let table = [numbers(&[names]), table, entries, strings].concat();
    let mut directory = vec![0; 64];
    directory[12..16].copy_from_slice(&64_u32.to_le_bytes());
    directory[28..32].copy_from_slice(&1_u32.to_le_bytes());
    directory[40..44].copy_from_slice(&u32_of(files.len()).to_le_bytes());
    directory[44..48].copy_from_slice(&u32_of(first_entry).to_le_bytes());
    directory.extend(table);
    let mut header = [b"ISc(", &number[..], &[0; 4]].concat();
    header.extend(numbers(&[64, directory.len()]));
    header.resize(64, 0);
    header.extend(directory);
    volumes.insert(0, header);
    volumes
}

/// An installer of InstallShield with a cabinet of two files with content.
#[must_use]
pub fn installshield_with_cabinet(version: u32, files: &[File<'_>]) -> Vec<u8> {
    let parts = installshield_cabinet(version, version > 5, true, files);
    installshield(&[("data1.cab", &parts[1]), ("data1.hdr", &parts[0]), ("data2.cab", &parts[2])])
}
