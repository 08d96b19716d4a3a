//! Archives of one kind or another. Members are names and contents; packers of compressions that nobody
//! writes any more use the least of them that a decoder must know.

use rars::ArchiveVersion;

use crate::quantum::quantum;
pub use crate::seven_zip::{SEVEN_ZIP, SevenZip, seven_zip};
use crate::stream;

/// A file of an archive.
pub type File<'a> = (&'a str, &'a [u8]);

fn u16_of(length: usize) -> u16 {
    u16::try_from(length).unwrap_or(u16::MAX)
}

fn u32_of(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum()
}

fn padded(mut bytes: Vec<u8>, to: usize) -> Vec<u8> {
    bytes.resize(bytes.len().next_multiple_of(to), 0);
    bytes
}

/// A tar archive.
#[must_use]
pub fn tar(files: &[File<'_>]) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, content) in files {
        let mut header = [0_u8; 512];
        for (slot, byte) in header.iter_mut().zip(name.bytes().take(100)) {
            *slot = byte;
        }
        header[100..108].copy_from_slice(b"0000644\0");
        header[124..136].copy_from_slice(format!("{:011o}\0", content.len()).as_bytes());
        header[148..156].fill(b' ');
        header[156] = b'0';
        header[257..265].copy_from_slice(b"ustar\x0000");
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        out.extend(padded([&header[..], content].concat(), 512));
    }
    out.extend([0; 1024]);
    out
}

/// The headers of cpio.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cpio {
    /// Binary, least significant byte first.
    Binary,
    /// Binary, most significant byte first.
    BinaryBig,
    /// With checksums.
    Crc,
    /// In hexadecimal.
    Newc,
    /// In octal.
    Odc,
}

/// A cpio archive.
#[must_use]
pub fn cpio(kind: Cpio, files: &[File<'_>]) -> Vec<u8> {
    let trailer: &[File<'_>] = &[("TRAILER!!!", b"")];
    let mut out = Vec::new();
    for (name, content) in files.iter().chain(trailer) {
        let name = [name.as_bytes(), b"\0"].concat();
        let (header, to) = match kind {
            Cpio::Binary | Cpio::BinaryBig => {
                let size = u32_of(content.len());
                let (high, low) = ((size >> 16) as u16, (size & 0xffff) as u16);
                let fields = [0x71c7, 0, 0, 0o100_644, 0, 0, 1, 0, 0, 0, u16_of(name.len()), high, low];
                let is_big = kind == Cpio::BinaryBig;
                let bytes = |field: u16| if is_big { field.to_be_bytes() } else { field.to_le_bytes() };
                (fields.into_iter().flat_map(bytes).collect(), 2)
            }
            Cpio::Odc => {
                let head = "070707000000000000100644000000000000000001000000";
                let text = format!("{head}00000000000{:06o}{:011o}", name.len(), content.len());
                (text.into_bytes(), 1)
            }
            Cpio::Newc | Cpio::Crc => {
                let magic = if kind == Cpio::Crc { "070702" } else { "070701" };
                let mut fields = [0; 13];
                fields[1] = 0o100_644;
                fields[4] = 1;
                fields[6] = content.len();
                fields[11] = name.len();
                let fields: String = fields.iter().map(|field| format!("{field:08x}")).collect();
                (format!("{magic}{fields}").into_bytes(), 4)
            }
        };
        out.extend(padded([header, name].concat(), to));
        out.extend(padded(content.to_vec(), to));
    }
    out
}

/// An ar archive.
#[must_use]
pub fn ar(files: &[File<'_>]) -> Vec<u8> {
    let mut out = b"!<arch>\n".to_vec();
    for (name, content) in files {
        let name = format!("{name}/");
        out.extend(
            format!("{name:<16}0           0     0     100644  {:<10}`\n", content.len()).into_bytes(),
        );
        out.extend_from_slice(content);
        if content.len() % 2 == 1 {
            out.push(b'\n');
        }
    }
    out
}

/// A Debian package of these files.
#[must_use]
pub fn deb(files: &[File<'_>]) -> Vec<u8> {
    let data = stream::xz(&tar(files));
    ar(&[("debian-binary", b"2.0\n"), ("control.tar.gz", &stream::gzip(&tar(&[]))), ("data.tar.xz", &data)])
}

/// An RPM package of these files.
#[must_use]
pub fn rpm(files: &[File<'_>]) -> Vec<u8> {
    let header = |entries: u32, data: &[u8]| {
        let table = vec![0; 16 * usize::try_from(entries).unwrap_or(0)];
        let counts = [entries.to_be_bytes(), u32_of(data.len()).to_be_bytes()].concat();
        [b"\x8e\xad\xe8\x01\0\0\0\0", &counts[..], &table, data].concat()
    };
    let mut lead = b"\xed\xab\xee\xdb\x03\0".to_vec();
    lead.resize(96, 0);
    let signature = padded(header(1, b"signature"), 8);
    [lead, signature, header(2, b"header"), stream::gzip(&cpio(Cpio::Newc, files))].concat()
}

/// The compressions of cabinets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cab {
    /// None.
    Stored,
    /// Deflate.
    MsZip,
    /// Uncompressed blocks of LZX.
    Lzx,
    /// Quantum, with a window of two to this power.
    Quantum(u8),
}

/// The compressions of cabinets, each once.
pub const CAB: [Cab; 4] = [Cab::Stored, Cab::MsZip, Cab::Lzx, Cab::Quantum(18)];

/// A cabinet of one folder.
#[must_use]
pub fn cab(method: Cab, files: &[File<'_>]) -> Vec<u8> {
    cab_of(&[(method, files)])
}

/// A cabinet of these folders.
#[must_use]
pub fn cab_of(folders: &[(Cab, &[File<'_>])]) -> Vec<u8> {
    let (mut rows, mut heads, mut blocks) = (Vec::new(), Vec::new(), Vec::new());
    for (number, (method, files)) in folders.iter().enumerate() {
        let content: Vec<u8> = files.iter().flat_map(|(_, content)| content.iter().copied()).collect();
        let chunks: Vec<&[u8]> = content.chunks(32 << 10).collect();
        let packed: Vec<Vec<u8>> = match method {
            Cab::Stored => chunks.iter().map(|chunk| chunk.to_vec()).collect(),
            Cab::MsZip => chunks.iter().map(|chunk| [b"CK", &stream::deflate(chunk)[..]].concat()).collect(),
            Cab::Lzx => {
                chunks.iter().enumerate().map(|(index, chunk)| lzx_uncompressed(index == 0, chunk)).collect()
            }
            Cab::Quantum(window) => quantum(u32::from(*window), &content),
        };
        heads.push((
            blocks.len(),
            chunks.len(),
            match method {
                Cab::Stored => [0, 0],
                Cab::MsZip => [1, 0],
                Cab::Lzx => [3, 15],
                Cab::Quantum(window) => [0x72, *window],
            },
        ));
        for (chunk, packed) in chunks.iter().zip(packed) {
            blocks.extend([0; 4]);
            blocks.extend(u16_of(packed.len()).to_le_bytes());
            blocks.extend(u16_of(chunk.len()).to_le_bytes());
            blocks.extend(packed);
        }
        let mut offset = 0;
        for (name, content) in *files {
            rows.extend(u32_of(content.len()).to_le_bytes());
            rows.extend(u32_of(offset).to_le_bytes());
            rows.extend(u16_of(number).to_le_bytes());
            rows.extend([0, 0, 0, 0, 0x20, 0]);
            rows.extend([name.as_bytes(), b"\0"].concat());
            offset += content.len();
        }
    }
    let first_file = 36 + 8 * folders.len();
    let first_block = first_file + rows.len();
    let mut out = b"MSCF\0\0\0\0".to_vec();
    out.extend(u32_of(first_block + blocks.len()).to_le_bytes());
    out.extend([0; 4]);
    out.extend(u32_of(first_file).to_le_bytes());
    out.extend([0, 0, 0, 0, 3, 1]);
    out.extend(u16_of(folders.len()).to_le_bytes());
    out.extend(u16_of(folders.iter().map(|(_, files)| files.len()).sum()).to_le_bytes());
    out.extend([0, 0, 0, 0, 0, 0]);
    for (offset, count, method) in heads {
        out.extend(u32_of(first_block + offset).to_le_bytes());
        out.extend(u16_of(count).to_le_bytes());
        out.extend(method);
    }
    out.extend(rows);
    out.extend(blocks);
    out
}

/// A chunk of LZX: no translation of calls (in the first chunk alone), then one uncompressed block.
pub(crate) fn lzx_uncompressed(is_first: bool, chunk: &[u8]) -> Vec<u8> {
    let mut bits: Vec<bool> = Vec::new();
    let mut put = |value: usize, width: usize| bits.extend((0..width).rev().map(|bit| value >> bit & 1 == 1));
    if is_first {
        put(0, 1);
    }
    put(3, 3);
    put(chunk.len(), 24);
    // One bit at least up to the next word.
    let padding = 16 - bits.len() % 16;
    bits.extend(vec![false; padding]);
    let words = bits.chunks(16).flat_map(|word| {
        let value = word.iter().fold(0_u16, |value, &bit| value << 1 | u16::from(bit));
        value.to_le_bytes()
    });
    let mut out: Vec<u8> = words.collect();
    for distance in [1_u32; 3] {
        out.extend(distance.to_le_bytes());
    }
    out.extend_from_slice(chunk);
    if chunk.len() % 2 == 1 {
        out.push(0);
    }
    out
}

/// An LHA archive with headers of a level from 0 to 2.
#[must_use]
pub fn lha(level: u8, files: &[(&str, &str, Vec<u8>, usize)]) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, method, data, real) in files {
        let sizes = [u32_of(data.len()).to_le_bytes(), u32_of(*real).to_le_bytes()].concat();
        let head = [method.as_bytes(), &sizes, &[0, 0, 0, 0, 0x20, level]].concat();
        let short = [&[name.len().to_le_bytes()[0]][..], name.as_bytes(), &[0, 0]].concat();
        let long = [&u16_of(name.len() + 3).to_le_bytes()[..], &[1], name.as_bytes(), &[0, 0]].concat();
        let header = match level {
            0 => {
                let body = [&head[..], &short].concat();
                [&[body.len().to_le_bytes()[0], 0][..], &body].concat()
            }
            1 => {
                let size = (u32_of(data.len() + name.len() + 3)).to_le_bytes();
                let mut body = [&head[..], &[0, 0, 0, b'U']].concat();
                body[5..9].copy_from_slice(&size);
                let first = [&[(body.len() + 2).to_le_bytes()[0], 0][..], &body].concat();
                [first, long].concat()
            }
            _ => {
                let body = [&head[..], &[0, 0, b'U'], &long].concat();
                [&u16_of(body.len() + 2).to_le_bytes()[..], &body].concat()
            }
        };
        out.extend(header);
        out.extend_from_slice(data);
    }
    out.push(0);
    out
}

/// What `-lh5-` and its like make of a byte that is repeated: a block whose trees have one code each.
#[must_use]
pub fn lh5_run(byte: u8, count: u16, place_bits: usize) -> Vec<u8> {
    let fields = [
        (usize::from(count), 16),
        (0, 5),
        (0, 5),
        (0, 9),
        (usize::from(byte), 9),
        (0, place_bits),
        (0, place_bits),
    ];
    let bits: Vec<bool> = fields
        .iter()
        .flat_map(|&(value, width)| (0..width).rev().map(move |bit| value >> bit & 1 == 1))
        .collect();
    let bytes = bits
        .chunks(8)
        .map(|bits| (0..8).fold(0, |byte, at| byte << 1 | u8::from(bits.get(at) == Some(&true))));
    // Decoders read ahead.
    bytes.chain([0, 0]).collect()
}

/// An ARJ archive: names, methods, data, real lengths.
#[must_use]
pub fn arj(files: &[(&str, u8, Vec<u8>, usize)]) -> Vec<u8> {
    let header = |(name, method, data, real): &(&str, u8, Vec<u8>, usize)| {
        (arj_header(name, [0, *method, 0, 0], [data.len(), *real], 0), data.clone())
    };
    arj_of(files.iter().map(header))
}

/// An ARJ archive whose members are garbled under a password: names, methods, data, contents.
#[must_use]
pub fn arj_garbled(password: &[u8], files: &[(&str, u8, Vec<u8>, &[u8])]) -> Vec<u8> {
    const MODIFIER: u8 = 0x9d;
    let header = |(name, method, data, content): &(&str, u8, Vec<u8>, &[u8])| {
        let lengths = [data.len(), content.len()];
        let header = arj_header(name, [1, *method, 0, MODIFIER], lengths, crc32(content));
        let key = password.iter().map(|byte| byte.wrapping_add(MODIFIER)).cycle();
        (header, data.iter().zip(key).map(|(byte, key)| byte ^ key).collect())
    };
    arj_of(files.iter().map(header))
}

/// With flags, method, kind and what is added to a password; lengths packed and not.
fn arj_header(name: &str, bytes: [u8; 4], lengths: [usize; 2], sum: u32) -> Vec<u8> {
    let mut body = vec![30, 11, 1, 0];
    body.extend(bytes);
    body.extend([0; 4]);
    body.extend(lengths.map(u32_of).into_iter().chain([sum]).flat_map(u32::to_le_bytes));
    body.resize(30, 0);
    body.extend([name.as_bytes(), b"\0\0"].concat());
    let check = crc32(&body).to_le_bytes();
    [b"\x60\xea", &u16_of(body.len()).to_le_bytes()[..], &body, &check, &[0, 0]].concat()
}

fn arj_of(members: impl Iterator<Item = (Vec<u8>, Vec<u8>)>) -> Vec<u8> {
    let mut out = arj_header("archive.arj", [0, 0, 2, 0], [0, 0], 0);
    members.for_each(|(header, data)| out.extend([header, data].concat()));
    out.extend(b"\x60\xea\0\0");
    out
}

/// An ISO 9660 image with Joliet's names as well.
#[must_use]
pub fn iso(files: &[File<'_>]) -> Vec<u8> {
    let both = |value: usize| [u32_of(value).to_le_bytes(), u32_of(value).to_be_bytes()].concat();
    let record = |name: &[u8], sector: usize, length: usize, flags: u8| {
        let mut body = [&both(sector)[..], &both(length), &[0; 7], &[flags, 0, 0, 1, 0, 0, 1]].concat();
        body.push(name.len().to_le_bytes()[0]);
        body.extend_from_slice(name);
        if name.len().is_multiple_of(2) {
            body.push(0);
        }
        [&[(body.len() + 2).to_le_bytes()[0], 0][..], &body].concat()
    };
    let (plain_root, joliet_root, first_file) = (19, 20, 21);
    let mut sector = first_file;
    let mut content = Vec::new();
    let mut plain = [record(&[0], plain_root, 2048, 2), record(&[1], plain_root, 2048, 2)].concat();
    let mut joliet = [record(&[0], joliet_root, 2048, 2), record(&[1], joliet_root, 2048, 2)].concat();
    for (index, (name, bytes)) in files.iter().enumerate() {
        plain.extend(record(format!("FILE{index}.;1").as_bytes(), sector, bytes.len(), 0));
        let wide: Vec<u8> = name.encode_utf16().flat_map(u16::to_be_bytes).collect();
        joliet.extend(record(&wide, sector, bytes.len(), 0));
        content.extend(padded(bytes.to_vec(), 2048));
        sector += bytes.len().div_ceil(2048);
    }
    let descriptor = |kind: u8, root: usize, escape: &[u8]| {
        let mut bytes = [&[kind][..], b"CD001\x01"].concat();
        bytes.resize(88, 0);
        bytes.extend_from_slice(escape);
        bytes.resize(156, 0);
        bytes.extend(record(&[0], root, 2048, 2));
        padded(bytes, 2048)
    };
    let mut out = vec![0; 16 * 2048];
    out.extend(descriptor(1, plain_root, b""));
    out.extend(descriptor(2, joliet_root, b"%/E"));
    out.extend(padded(b"\xffCD001\x01".to_vec(), 2048));
    out.extend(padded(plain, 2048));
    out.extend(padded(joliet, 2048));
    out.extend(content);
    out
}

/// The versions of RAR that [`rar`] writes.
pub const RAR: [ArchiveVersion; 6] = [
    ArchiveVersion::Rar15,
    ArchiveVersion::Rar20,
    ArchiveVersion::Rar29,
    ArchiveVersion::Rar40,
    ArchiveVersion::Rar50,
    ArchiveVersion::Rar70,
];

/// A RAR archive, stored, packed, or packed as one.
#[must_use]
pub fn rar(
    version: ArchiveVersion,
    store: bool,
    solid: bool,
    password: Option<&str>,
    files: &[File<'_>],
) -> Vec<u8> {
    let mut builder = rars::Builder::new(version)
        .store(store)
        .solid(solid)
        .password(password.map(|password| password.as_bytes().to_vec()));
    for (name, content) in files {
        if builder.add_bytes(name.as_bytes().to_vec(), content.to_vec(), None, None).is_err() {
            return Vec::new();
        }
    }
    builder.to_bytes().unwrap_or_default()
}

/// An ALZ archive: names, methods (0 to 2; of others, data of the method 0) and contents.
#[must_use]
pub fn alz(files: &[(&str, u8, &[u8])]) -> Vec<u8> {
    let mut out = b"ALZ\x01\x0a\0\0\0".to_vec();
    for (name, method, content) in files {
        let packed = match method {
            1 => stream::bzip2(content),
            2 => stream::deflate(content),
            _ => content.to_vec(),
        };
        out.extend(b"BLZ\x01");
        out.extend(u16_of(name.len()).to_le_bytes());
        out.extend([0x20, 0, 0, 0, 0, 0x40, 0, *method, 0]);
        out.extend(crc32(content).to_le_bytes());
        out.extend(u32_of(packed.len()).to_le_bytes());
        out.extend(u32_of(content.len()).to_le_bytes());
        out.extend(name.as_bytes());
        out.extend(packed);
    }
    out.extend(b"CLZ\x01");
    out.extend([0; 8]);
    out.extend(b"CLZ\x02");
    out
}

/// An EGG archive of this method (0 stored, 1 deflate, 2 bzip2, 4 LZMA; of others, stored data), with blocks of
/// 50,000 bytes.
#[must_use]
pub fn egg(method: u8, is_solid: bool, files: &[File<'_>]) -> Vec<u8> {
    const END: u32 = 0x08e2_8222;
    let field = |mark: u32, flags: u8, content: &[u8]| {
        [&mark.to_le_bytes()[..], &[flags], &u16_of(content.len()).to_le_bytes(), content].concat()
    };
    let blocks = |content: &[u8]| {
        let mut out = Vec::new();
        for block in content.chunks(50_000) {
            let packed = match method {
                1 => stream::deflate(block),
                2 => stream::bzip2(block),
                4 => {
                    let packed = stream::lzma(block);
                    [b"\x09\x14\x05\0", &packed[..5], &packed[13..]].concat()
                }
                _ => block.to_vec(),
            };
            out.extend(0x02b5_0c13_u32.to_le_bytes());
            out.extend([method, 0]);
            for value in [u32_of(block.len()), u32_of(packed.len()), crc32(block), END] {
                out.extend(value.to_le_bytes());
            }
            out.extend(packed);
        }
        out
    };
    let mut out = b"EGGA\0\x01\x01\0\0\0\0\0\0\0".to_vec();
    if is_solid {
        out.extend(field(0x24e5_a060, 0, b""));
    }
    out.extend(END.to_le_bytes());
    for (name, content) in files {
        out.extend(0x0a85_90e3_u32.to_le_bytes());
        out.extend([0; 4]);
        out.extend(u64::from(u32_of(content.len())).to_le_bytes());
        out.extend(field(0x0a85_91ac, 0, name.as_bytes()));
        out.extend(END.to_le_bytes());
        if !is_solid {
            out.extend(blocks(content));
        }
    }
    if is_solid {
        out.extend(blocks(
            &files.iter().flat_map(|(_, content)| content.iter().copied()).collect::<Vec<_>>(),
        ));
    }
    out.extend(END.to_le_bytes());
    out
}

/// An ARC archive: names, methods (1 to 9; of others, stored data) and contents.
#[must_use]
pub fn arc(files: &[(&str, u8, &[u8])]) -> Vec<u8> {
    let runs = |content: &[u8]| {
        let mut out = Vec::new();
        for run in content.chunk_by(|before, after| before == after).flat_map(|run| run.chunks(255)) {
            let byte = run[0];
            if byte == 0x90 {
                out.extend([0x90, 0].repeat(run.len()));
            } else if run.len() > 3 {
                out.extend([byte, 0x90, u8::try_from(run.len()).unwrap_or(0)]);
            } else {
                out.extend_from_slice(run);
            }
        }
        out
    };
    // Codes of eight bits for all bytes, but for the last, which has nine, as has the end.
    let squeezed = |content: &[u8]| {
        let mut nodes: Vec<[i16; 2]> = Vec::new();
        for node in 0..255_i16 {
            let child = |child: i16| if child < 255 { child } else { -(child - 255) - 1 };
            nodes.push([child(2 * node + 1), child(2 * node + 2)]);
        }
        // The last leaf becomes a node with the last byte and the end.
        nodes[254][1] = 255;
        nodes.push([-256, -257]);
        let mut out = u16_of(nodes.len()).to_le_bytes().to_vec();
        out.extend(nodes.iter().flatten().flat_map(|child| child.to_le_bytes()));
        let mut bits: Vec<bool> = Vec::new();
        for symbol in content.iter().map(|byte| u32::from(*byte)).chain([256]) {
            bits.extend((0..8).rev().map(|bit| symbol.min(255) >> bit & 1 == 1));
            if symbol >= 255 {
                bits.push(symbol == 256);
            }
        }
        out.extend(bits.chunks(8).map(|bits| {
            bits.iter().enumerate().fold(0, |byte, (place, bit)| byte | u8::from(*bit) << place)
        }));
        out
    };
    let mut out = Vec::new();
    for (name, method, content) in files {
        let packed = match method {
            3 => runs(content),
            4 => squeezed(&runs(content)),
            5 => stream::crunched(content, false),
            6 | 7 => stream::crunched(&runs(content), *method == 7),
            8 => [&[12], &stream::compress(&runs(content), 12)[3..]].concat(),
            9 => stream::compress(content, 13)[3..].to_vec(),
            _ => content.to_vec(),
        };
        let mut field = name.as_bytes().to_vec();
        field.resize(13, 0);
        out.extend([&[0x1a, *method][..], &field, &u32_of(packed.len()).to_le_bytes(), &[0; 6]].concat());
        if *method != 1 {
            out.extend(u32_of(content.len()).to_le_bytes());
        }
        out.extend(packed);
    }
    out.extend([0x1a, 0]);
    out
}

/// A Zoo archive: names, methods, data and real lengths.
#[must_use]
pub fn zoo(files: &[(&str, u8, Vec<u8>, usize)]) -> Vec<u8> {
    const ENTRY: usize = 58;
    let mut out = padded(b"ZOO 2.10 Archive.\x1a".to_vec(), 20);
    out.extend(0xfdc4_a7dc_u32.to_le_bytes());
    out.extend(42_u32.to_le_bytes());
    out.resize(42, 0);
    let entry = |name: &str, method: u8, next: usize, place: usize, real: usize, packed: usize| {
        let mut entry = 0xfdc4_a7dc_u32.to_le_bytes().to_vec();
        entry.extend([1, method]);
        entry.extend([u32_of(next).to_le_bytes(), u32_of(place).to_le_bytes()].concat());
        entry.extend([0; 6]);
        entry.extend([u32_of(real).to_le_bytes(), u32_of(packed).to_le_bytes()].concat());
        entry.extend([0; 10]);
        entry.extend(name.as_bytes());
        entry.resize(ENTRY, 0);
        entry
    };
    for (name, method, data, real) in files {
        let place = out.len() + ENTRY;
        out.extend(entry(name, *method, place + data.len(), place, *real, data.len()));
        out.extend(data);
    }
    out.extend(entry("", 0, 0, 0, 0, 0));
    out
}
