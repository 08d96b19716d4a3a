//! Containers of one file each that are none of the common archives: disks, encodings, embedded data.

use std::io::Write as _;

use crate::wim::{Wim, wim};
use crate::{archive, installer, quarantine, stream, virtual_disk, volume};

/// A way to put one file into another: a name for it, what the path calls the file inside, and the packer.
pub type Packing = (&'static str, &'static str, fn(&[u8]) -> Vec<u8>);

/// Every container here whose child is the file itself.
pub const PACKINGS: &[Packing] = &[
    ("onenote", "@100", onenote),
    ("word xml", "a", word_xml),
    ("szdd", "content", szdd),
    ("cryptff", "content", cryptff),
    ("hwp 3", "a", |bytes| crate::document::hwp3(true, &[("a", bytes)], b"x")),
    ("binhex", "a", binhex),
    ("swf", "data 1", swf),
    ("gpt", "a", gpt),
    ("apm", "a", apm),
    ("mbr", "@1024", mbr),
    ("tnef", "a", |bytes| tnef(&[("a", bytes)])),
    ("xar", "a", xar),
    ("dmg", "a", dmg),
    ("hfs+", "a", hfs),
    ("hfs+ lzvn, forked", "a", |bytes| hfs_compressed(8, bytes)),
    ("apfs", "folder/a", |bytes| volume::apfs(&[("b", b"x"), ("folder/a", bytes)])),
    ("apfs zlib", "a", |bytes| apfs(3, bytes)),
    ("apfs zlib, forked", "a", |bytes| apfs(4, bytes)),
    ("apfs lzvn", "a", |bytes| apfs(7, bytes)),
    ("apfs lzvn, forked", "a", |bytes| apfs(8, bytes)),
    ("apfs lzfse", "a", |bytes| apfs(11, bytes)),
    ("apfs lzfse, forked", "a", |bytes| apfs(12, bytes)),
    ("nsis", "a", |bytes| installer::nsis(installer::Nsis::Deflate, true, &[("a", bytes)])),
    ("chm stored", "a", |bytes| installer::chm(&[("a", bytes)])),
    ("chm lzx", "a", |bytes| installer::chm(&[("b", b"x"), ("a", bytes)])),
    ("sis", "a", |bytes| installer::sis(&[("b", b"x"), ("a", bytes)])),
    ("sisx", "#2", |bytes| installer::sisx(&[("a", bytes)])),
    ("installshield", "a", |bytes| installer::installshield(&[("b", b"x"), ("a", bytes)])),
    ("installshield, keyed", "a", |bytes| {
        installer::installshield_keyed(false, &[("b", b"x"), ("a", bytes)])
    }),
    ("installshield stream", "a", |bytes| installer::installshield_keyed(true, &[("b", b"x"), ("a", bytes)])),
    ("squashfs", "a", |bytes| volume::squashfs(volume::SquashFs::Gzip, &[("b", b"x"), ("a", bytes)])),
    ("udf", "a", |bytes| volume::udf(false, &[("b", b"x"), ("a", bytes)])),
    ("udf metadata", "a", |bytes| volume::udf(true, &[("b", b"x"), ("a", bytes)])),
    ("fat12", "a", |bytes| volume::fat(12, &[("b", b"x"), ("a", bytes)])),
    ("fat16", "a", |bytes| volume::fat(16, &[("b", b"x"), ("a", bytes)])),
    ("fat32", "folder/a", |bytes| volume::fat(32, &[("b", b"x"), ("folder/a", bytes)])),
    ("exfat", "folder/a", |bytes| volume::exfat(&[("b", b"x"), ("folder/a", bytes)])),
    ("ntfs", "a", |bytes| volume::ntfs(&[("b", b"x"), ("a", bytes)])),
    ("ntfs stream", "b:s", |bytes| volume::ntfs(&[("b", b"x"), ("b:s", bytes)])),
    ("alz stored", "a", |bytes| archive::alz(&[("b", 0, b"x"), ("a", 0, bytes)])),
    ("alz bzip2", "a", |bytes| archive::alz(&[("b", 1, b"x"), ("a", 1, bytes)])),
    ("alz deflate", "a", |bytes| archive::alz(&[("b", 2, b"x"), ("a", 2, bytes)])),
    ("egg stored", "a", |bytes| archive::egg(0, false, &[("b", b"x"), ("a", bytes)])),
    ("egg deflate", "a", |bytes| archive::egg(1, false, &[("b", b"x"), ("a", bytes)])),
    ("egg bzip2, solid", "a", |bytes| archive::egg(2, true, &[("b", b"x"), ("a", bytes)])),
    ("egg lzma", "a", |bytes| archive::egg(4, false, &[("b", b"x"), ("a", bytes)])),
    ("wim", "folder/a", |bytes| wim(Wim::Xpress, &[("b", b"x"), ("folder/a", bytes)])),
    ("wim lzms", "folder/a", |bytes| wim(Wim::Lzms, &[("b", b"x"), ("folder/a", bytes)])),
    ("wim solid", "folder/a", |bytes| wim(Wim::Solid(2), &[("b", b"x"), ("folder/a", bytes)])),
    ("wim for pipes", "folder/a", |bytes| wim(Wim::Piped, &[("b", b"x"), ("folder/a", bytes)])),
    ("ext extents", "folder/a", |bytes| volume::ext(true, &[("b", b"x"), ("folder/a", bytes)])),
    ("ext blocks", "folder/a", |bytes| volume::ext(false, &[("b", b"x"), ("folder/a", bytes)])),
    ("lvm", "vg/a", |bytes| volume::lvm(1, "vg", &[("a", volume::Lvm::Linear, bytes)]).remove(0)),
    ("lvm, in pieces", "vg/a", |bytes| volume::lvm(1, "vg", &[("a", volume::Lvm::Pieces, bytes)]).remove(0)),
    ("xfs 4", "folder/a", |bytes| volume::xfs(4, &[("b", b"x"), ("folder/a", bytes)])),
    ("xfs 5", "folder/a", |bytes| volume::xfs(5, &[("b", b"x"), ("folder/a", bytes)])),
    ("btrfs", "folder/a", |bytes| volume::btrfs(volume::Btrfs::Stored, &[("b", b"x"), ("folder/a", bytes)])),
    ("btrfs zlib", "folder/a", |bytes| {
        volume::btrfs(volume::Btrfs::Zlib, &[("b", b"x"), ("folder/a", bytes)])
    }),
    ("btrfs lzo", "folder/a", |bytes| volume::btrfs(volume::Btrfs::Lzo, &[("b", b"x"), ("folder/a", bytes)])),
    ("btrfs zstd", "folder/a", |bytes| {
        volume::btrfs(volume::Btrfs::Zstd, &[("b", b"x"), ("folder/a", bytes)])
    }),
    ("arc packed", "A", |bytes| archive::arc(&[("B", 3, b"x"), ("A", 3, bytes)])),
    ("arc squeezed", "A", |bytes| archive::arc(&[("B", 4, b"x"), ("A", 4, bytes)])),
    ("arc crunched without runs", "A", |bytes| archive::arc(&[("B", 5, b"x"), ("A", 5, bytes)])),
    ("arc crunched, old hash", "A", |bytes| archive::arc(&[("B", 6, b"x"), ("A", 6, bytes)])),
    ("arc crunched, new hash", "A", |bytes| archive::arc(&[("B", 7, b"x"), ("A", 7, bytes)])),
    ("arc crunched", "A", |bytes| archive::arc(&[("B", 8, b"x"), ("A", 8, bytes)])),
    ("arc squashed", "A", |bytes| archive::arc(&[("B", 9, b"x"), ("A", 9, bytes)])),
    ("zoo stored", "a", |bytes| archive::zoo(&[("a", 0, bytes.to_vec(), bytes.len())])),
    ("zoo lzw", "a", |bytes| archive::zoo(&[("a", 1, stream::zoo_lzw(bytes), bytes.len())])),
    ("arj fastest", "a", |bytes| archive::arj(&[("a", 4, stream::arj_fastest(bytes), bytes.len())])),
    ("arj, garbled", "a", |bytes| archive::arj_garbled(b"infected", &[("a", 0, bytes.to_vec(), bytes)])),
    ("arj fastest, garbled", "a", |bytes| {
        archive::arj_garbled(b"infected", &[("a", 4, stream::arj_fastest(bytes), bytes)])
    }),
    ("vhd fixed", "disk", virtual_disk::vhd_fixed),
    ("vhd", "disk", virtual_disk::vhd),
    ("vmdk", "disk", |bytes| virtual_disk::vmdk(false, bytes)),
    ("vmdk stream", "disk", |bytes| virtual_disk::vmdk(true, bytes)),
    ("qcow2", "disk", |bytes| virtual_disk::qcow2(0, bytes)),
    ("qcow2 deflate", "disk", |bytes| virtual_disk::qcow2(1, bytes)),
    ("qcow2 zstd", "disk", |bytes| virtual_disk::qcow2(2, bytes)),
    ("vhdx", "disk", virtual_disk::vhdx),
    ("installshield 3", "folder\\a", |bytes| {
        installer::installshield_archive(&[("b", true, b"x"), ("folder\\a", false, bytes)])
    }),
    ("installshield cabinet", "#1", |bytes| {
        installer::installshield_cabinet(9, false, false, &[("a", bytes)]).remove(1)
    }),
    ("quarantine of kaspersky", "C:\\a", |bytes| quarantine::klqb("C:\\a", bytes, 0)),
    ("quarantine of kaspersky, server", "#1", |bytes| {
        quarantine::named("kaspersky-server", &quarantine::kaspersky_server(bytes))
    }),
    ("quarantine of defender", "#2", |bytes| quarantine::defender(&[(1, "", bytes)])),
    ("quarantine of symantec", "C:\\a", |bytes| quarantine::symantec("C:\\a", "X", 1, bytes, 7)),
    ("quarantine of symantec, in place", "C:\\a", |bytes| quarantine::symantec_located("C:\\a", "X", bytes)),
    ("quarantine of avira", "C:\\a", |bytes| quarantine::avira("C:\\a", "X", 1, bytes)),
    ("quarantine of g data", "C:\\a", |bytes| quarantine::gdata("C:\\a", "X", 1, bytes)),
    ("quarantine of malwarebytes", "#1", |bytes| {
        quarantine::named("malwarebytes", &quarantine::malwarebytes("a", "X", "", bytes).0)
    }),
    ("quarantine of eset", "#1", |bytes| quarantine::named("eset", &quarantine::eset(bytes))),
    ("quarantine of mcafee", "C:\\a", |bytes| quarantine::mcafee("C:\\a", "X", bytes)),
];

/// A file with every bit the other way.
#[must_use]
pub fn cryptff(bytes: &[u8]) -> Vec<u8> {
    let plain = [&b"IFSQ\x01\0\0\0\0\0\0\0\0\0\0\0"[..], bytes].concat();
    plain.iter().map(|byte| !byte).collect()
}

fn u32_of(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

fn at(bytes: &mut [u8], place: usize, value: &[u8]) {
    bytes[place..place + value.len()].copy_from_slice(value);
}

/// A section of OneNote with an embedded file.
#[must_use]
pub fn onenote(content: &[u8]) -> Vec<u8> {
    let mut out = b"\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d\xae\xb1\x53\x78\xd0\x29\x96\xd3".to_vec();
    out.resize(64, 0);
    out.extend(b"\xe7\x16\xe3\xbd\x65\x26\x11\x45\xa4\xc4\x8d\x4d\x0b\x7a\x9e\xac");
    out.extend(u64::from(u32_of(content.len())).to_le_bytes());
    out.extend([0; 12]);
    out.extend(content);
    out
}

/// Base64.
#[must_use]
pub fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let group = |group: &[u8]| {
        let value = group.iter().fold(0_usize, |value, &byte| value << 8 | usize::from(byte))
            << (8 * (3 - group.len()));
        let digits = (0..=group.len()).map(|at| char::from(DIGITS[value >> (18 - 6 * at) & 63]));
        digits.chain("===".chars().take(3 - group.len())).collect::<String>()
    };
    bytes.chunks(3).map(group).collect()
}

/// A document of Word 2003 with embedded data.
#[must_use]
pub fn word_xml(content: &[u8]) -> Vec<u8> {
    format!(
        "<?xml version=\"1.0\"?><w:wordDocument><w:binData w:name=\"a\">{}</w:binData></w:wordDocument>",
        base64(content)
    )
    .into_bytes()
}

/// A file as `COMPRESS.EXE` packs it, with literals alone.
#[must_use]
pub fn szdd(content: &[u8]) -> Vec<u8> {
    let mut out = b"SZDD\x88\xf0\x27\x33A\0".to_vec();
    out.extend(u32_of(content.len()).to_le_bytes());
    out.extend(content.chunks(8).flat_map(|literals| [&[0xff], literals].concat()));
    out
}

/// The characters of BinHex for `bytes`.
#[must_use]
pub fn binhex_digits(bytes: &[u8]) -> Vec<u8> {
    const DIGITS: &[u8; 64] = b"!\"#$%&'()*+,-012345689@ABCDEFGHIJKLMNPQRSTUVXYZ[`abcdefhijklmpqr";
    let bits: Vec<bool> =
        bytes.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1 != 0)).collect();
    bits.chunks(6)
        .map(|bits| {
            let value = bits.iter().fold(0_usize, |value, bit| value << 1 | usize::from(*bit));
            DIGITS[value << (6 - bits.len())]
        })
        .collect()
}

/// A file with a data fork alone, as BinHex text.
#[must_use]
pub fn binhex(content: &[u8]) -> Vec<u8> {
    let mut plain = b"\x01a\0TEXTTEXT\0\0".to_vec();
    plain.extend(u32_of(content.len()).to_be_bytes());
    plain.extend([0; 6]);
    plain.extend(content);
    plain.extend([0; 4]);
    let folded: Vec<u8> =
        plain.iter().flat_map(|&byte| if byte == 0x90 { vec![0x90, 0] } else { vec![byte] }).collect();
    let mut out = b"(This file must be converted with BinHex 4.0)\n:".to_vec();
    out.extend(binhex_digits(&folded));
    out.push(b':');
    out
}

fn film(content: &[u8]) -> Vec<u8> {
    // An empty stage, rate, count, the tag of data with its long length, the tag of the end.
    let mut out = vec![0, 0, 0, 1, 0];
    out.extend((87_u16 << 6 | 0x3f).to_le_bytes());
    out.extend(u32_of(content.len() + 6).to_le_bytes());
    out.extend([1, 0, 0, 0, 0, 0]);
    out.extend(content);
    out.extend([0, 0]);
    out
}

fn film_head(kind: u8, content: &[u8]) -> Vec<u8> {
    let length = u32_of(film(content).len() + 8);
    [&[kind, b'W', b'S', 9][..], &length.to_le_bytes()].concat()
}

/// A stored film with data.
#[must_use]
pub fn swf(content: &[u8]) -> Vec<u8> {
    [film_head(b'F', content), film(content)].concat()
}

/// A film that zlib packs.
#[must_use]
pub fn swf_zlib(content: &[u8]) -> Vec<u8> {
    [film_head(b'C', content), stream::zlib(&film(content))].concat()
}

/// A film that LZMA packs.
#[must_use]
pub fn swf_lzma(content: &[u8]) -> Vec<u8> {
    let packed = stream::lzma(&film(content));
    let (properties, data) = (&packed[..5], &packed[13..]);
    [film_head(b'Z', content), u32_of(data.len()).to_le_bytes().to_vec(), properties.to_vec(), data.to_vec()]
        .concat()
}

fn sectors(content: &[u8]) -> usize {
    content.len().div_ceil(512).max(1)
}

/// A disk with one partition from sector 2 on.
#[must_use]
pub fn mbr(content: &[u8]) -> Vec<u8> {
    let mut disk = vec![0_u8; 512 * (2 + sectors(content))];
    disk[450] = 6;
    at(&mut disk, 454, &2_u32.to_le_bytes());
    at(&mut disk, 458, &u32_of(sectors(content)).to_le_bytes());
    at(&mut disk, 510, &[0x55, 0xaa]);
    at(&mut disk, 1024, content);
    disk
}

/// A disk with a master boot record and up to four partitions.
#[must_use]
pub fn mbr_of(contents: &[&[u8]]) -> Vec<u8> {
    let mut disk = vec![0_u8; 1024];
    for (index, content) in contents.iter().enumerate() {
        let row = 446 + 16 * index;
        let start = u32_of(sectors(&disk));
        disk[row + 4] = 0x83;
        at(&mut disk, row + 8, &start.to_le_bytes());
        at(&mut disk, row + 12, &u32_of(sectors(content)).to_le_bytes());
        disk.extend_from_slice(content);
        disk.resize(disk.len().next_multiple_of(512), 0);
    }
    at(&mut disk, 510, &[0x55, 0xaa]);
    disk
}

/// A disk with a GUID partition table and one partition from sector 3 on.
#[must_use]
pub fn gpt(content: &[u8]) -> Vec<u8> {
    let mut disk = vec![0_u8; 512 * (3 + sectors(content))];
    at(&mut disk, 512, b"EFI PART");
    at(&mut disk, 584, &2_u64.to_le_bytes());
    at(&mut disk, 592, &[1, 0, 0, 0, 128, 0, 0, 0]);
    at(&mut disk, 1024 + 32, &3_u64.to_le_bytes());
    at(&mut disk, 1024 + 40, &u64::from(u32_of(2 + sectors(content))).to_le_bytes());
    at(&mut disk, 1024 + 56, b"a");
    at(&mut disk, 1536, content);
    disk
}

/// A disk with a GUID partition table that has both headers, and one partition from its sector 5 on.
#[must_use]
pub fn gpt_with_second(sector: usize, content: &[u8]) -> Vec<u8> {
    let count = content.len().div_ceil(sector).max(1);
    let last = 5 + count + 1;
    let mut disk = vec![0_u8; sector * (last + 1)];
    // The record in front says that the whole disk is taken.
    disk[450] = 0xee;
    at(&mut disk, 454, &1_u32.to_le_bytes());
    at(&mut disk, 458, &u32_of(last).to_le_bytes());
    at(&mut disk, 510, &[0x55, 0xaa]);
    let number = |value: usize| u64::from(u32_of(value)).to_le_bytes();
    let sum = |bytes: &[u8]| {
        let mut sum = flate2::Crc::new();
        sum.update(bytes);
        sum.sum().to_le_bytes()
    };
    let mut row = vec![1; 32];
    row.extend([number(5), number(4 + count), [0; 8]].concat());
    row.extend(b"a\0");
    row.resize(128, 0);
    for (place, other, rows) in [(1, last, 2), (last, 1, last - 1)] {
        let mut header = b"EFI PART\0\0\x01\0\x5c\0\0\0\0\0\0\0\0\0\0\0".to_vec();
        header.extend(
            [number(place), number(other), number(5), number(4 + count), [0; 8], [0; 8], number(rows)]
                .concat(),
        );
        header.extend([&[1, 0, 0, 0, 128, 0, 0, 0], &sum(&row)[..]].concat());
        let check = sum(&header);
        header[16..20].copy_from_slice(&check);
        at(&mut disk, place * sector, &header);
        at(&mut disk, rows * sector, &row);
    }
    at(&mut disk, 5 * sector, content);
    disk
}

/// A disk with Apple's partition map and one partition from sector 2 on.
#[must_use]
pub fn apm(content: &[u8]) -> Vec<u8> {
    let mut disk = vec![0_u8; 512 * (2 + sectors(content))];
    at(&mut disk, 0, b"ER\x02\0");
    at(&mut disk, 512, b"PM\0\0\0\0\0\x01\0\0\0\x02");
    at(&mut disk, 524, &u32_of(sectors(content)).to_be_bytes());
    at(&mut disk, 528, b"a");
    at(&mut disk, 560, b"Apple_HFS");
    at(&mut disk, 1024, content);
    disk
}

/// A message of Outlook with these attachments.
#[must_use]
pub fn tnef(files: &[(&str, &[u8])]) -> Vec<u8> {
    let attribute = |number: u32, data: &[u8]| {
        [&[2][..], &number.to_le_bytes(), &u32_of(data.len()).to_le_bytes(), data, &[0, 0]].concat()
    };
    let mut out = b"\x78\x9f\x3e\x22\x01\0".to_vec();
    for (name, content) in files {
        out.extend(attribute(0x0006_9002, &[0; 14]));
        out.extend(attribute(0x0001_8010, &[name.as_bytes(), b"\0"].concat()));
        out.extend(attribute(0x0006_800f, content));
    }
    out
}

/// An archive with the file three times: stored and packed by bzip2 in a folder, and packed by zlib as `a`.
#[must_use]
pub fn xar(content: &[u8]) -> Vec<u8> {
    let parts = [
        ("stored", "application/octet-stream", content.to_vec()),
        ("bzip2", "application/x-bzip2", stream::bzip2(content)),
        ("a", "application/x-gzip", stream::zlib(content)),
    ];
    let mut heap = Vec::new();
    let mut rows = Vec::new();
    for (name, style, data) in parts {
        let (length, offset, size) = (data.len(), heap.len(), content.len());
        rows.push(format!(
            "<file><data><length>{length}</length><offset>{offset}</offset><size>{size}</size>\
             <encoding style=\"{style}\"/></data><name>{name}</name></file>"
        ));
        heap.extend(data);
    }
    let table =
        format!("<xar><toc><file><name>folder</name>{}{}</file>{}</toc></xar>", rows[0], rows[1], rows[2]);
    let packed = stream::zlib(table.as_bytes());
    let mut out = b"xar!\0\x1c\0\x01".to_vec();
    out.extend(u64::from(u32_of(packed.len())).to_be_bytes());
    out.extend(u64::from(u32_of(table.len())).to_be_bytes());
    out.extend([0; 4]);
    // Writing to memory does not fail.
    let _ = out.write_all(&packed);
    out.extend(heap);
    out
}

/// A disk image whose only partition is the file, packed by zlib.
#[must_use]
pub fn dmg(content: &[u8]) -> Vec<u8> {
    let rows: Vec<(u32, Vec<u8>)> =
        content.chunks(512).map(|sector| (0x8000_0005, stream::zlib(sector))).collect();
    dmg_of(&rows)
}

/// A disk image with one partition of these rows, each of one sector.
#[must_use]
pub fn dmg_of(rows: &[(u32, Vec<u8>)]) -> Vec<u8> {
    let mut data = Vec::new();
    let mut table = b"mish\0\0\0\x01".to_vec();
    table.resize(16, 0);
    table.extend(u64::from(u32_of(rows.len())).to_be_bytes());
    table.resize(200, 0);
    table.extend((u32_of(rows.len()) + 1).to_be_bytes());
    for (sector, (kind, packed)) in rows.iter().enumerate() {
        table.extend([kind.to_be_bytes(), [0; 4]].concat());
        for field in [sector, 1, data.len(), packed.len()] {
            table.extend(u64::from(u32_of(field)).to_be_bytes());
        }
        data.extend_from_slice(packed);
    }
    table.extend([0xff; 4]);
    table.resize(table.len() + 36, 0);
    let list = format!(
        "<plist><dict><key>blkx</key><array><dict><key>Data</key><data>{}</data><key>Name</key>\
         <string>a</string></dict></array></dict></plist>",
        base64(&table)
    );
    // A whole number of sectors, so that the image can stand on a disk.
    data.resize((data.len() + list.len()).next_multiple_of(512) - list.len(), 0);
    let mut trailer = b"koly\0\0\0\x04\0\0\x02\0".to_vec();
    trailer.resize(512, 0);
    at(&mut trailer, 32, &u64::from(u32_of(data.len())).to_be_bytes());
    at(&mut trailer, 216, &u64::from(u32_of(data.len())).to_be_bytes());
    at(&mut trailer, 224, &u64::from(u32_of(list.len())).to_be_bytes());
    [data, list.into_bytes(), trailer].concat()
}

/// A container of APFS whose only file is compressed by this method, or where the attribute has no room for it by the
/// method's sister for forks.
fn apfs(method: u32, content: &[u8]) -> Vec<u8> {
    // As macOS has it, `MAX_DECMPFS_XATTR_SIZE`.
    let fits = volume::compressed(method, content).first().is_some_and(|(_, bytes)| bytes.len() <= 3802);
    let method = if fits { method } else { method + 1 };
    let entries = vec![volume::apfs::Entry::compressed("a", method, content)];
    volume::apfs::container(&[volume::apfs::Volume {
        name: "volume",
        entries,
        ..volume::apfs::Volume::default()
    }])
}

/// A volume of HFS+ whose only file, `a`, is compressed by this method.
#[must_use]
pub fn hfs_compressed(method: u32, content: &[u8]) -> Vec<u8> {
    let attributes = volume::compressed(method, content);
    let fork_of_file = attributes.get(1).map_or(&[][..], |(_, fork)| fork);
    let fork = |length: usize, first: usize| {
        let mut out = u64::from(u32_of(length)).to_be_bytes().to_vec();
        out.resize(16, 0);
        out.extend([u32_of(first), u32_of(length.div_ceil(512))].map(u32::to_be_bytes).concat());
        out.resize(80, 0);
        out
    };
    let text = |name: &str| {
        let units: Vec<u8> = name.encode_utf16().flat_map(u16::to_be_bytes).collect();
        [&u16::try_from(name.len()).unwrap_or(0).to_be_bytes()[..], &units].concat()
    };
    // A header, and a leaf with records of these keys and values.
    let tree = |records: &[(Vec<u8>, Vec<u8>)]| {
        let (mut header, mut leaf) = (vec![0; 8192], vec![0; 8192]);
        header[8] = 1;
        at(&mut header, 32, &8192_u16.to_be_bytes());
        leaf[8] = 0xff;
        at(&mut leaf, 10, &u16::try_from(records.len()).unwrap_or(0).to_be_bytes());
        let mut place = 14;
        for (index, (key, value)) in records.iter().enumerate() {
            let padding = vec![0; key.len() % 2];
            let record =
                [&u16::try_from(key.len()).unwrap_or(0).to_be_bytes()[..], key, &padding, value].concat();
            at(&mut leaf, 8190 - 2 * index, &u16::try_from(place).unwrap_or(0).to_be_bytes());
            at(&mut leaf, place, &record);
            place += record.len();
        }
        at(&mut leaf, 8190 - 2 * records.len(), &u16::try_from(place).unwrap_or(0).to_be_bytes());
        [header, leaf].concat()
    };
    let mut file =
        [&[0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 17][..], &[0; 29], &[0x20], &[0; 46], &[0; 80]].concat();
    file.extend(fork(fork_of_file.len(), 68));
    let folder = [&[0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2][..], &[0; 76]].concat();
    let catalog = tree(&[
        ([&1_u32.to_be_bytes()[..], &text("volume")].concat(), folder),
        ([&2_u32.to_be_bytes()[..], &text("a")].concat(), file),
    ]);
    let (name, attribute) = &attributes[0];
    let head = [0x10, 0, 0, u32_of(attribute.len())].map(u32::to_be_bytes).concat();
    let attributes = tree(&[(
        [&[0, 0, 0, 0, 0, 17, 0, 0, 0, 0][..], &text(name)].concat(),
        [&head, attribute].into_iter().flatten().copied().collect(),
    )]);
    let mut out = vec![0; 4 * 512];
    at(&mut out, 1024, b"H+\0\x04");
    at(&mut out, 1064, &512_u32.to_be_bytes());
    at(&mut out, 1024 + 272, &fork(catalog.len(), 4));
    at(&mut out, 1024 + 352, &fork(attributes.len(), 36));
    out.extend([&catalog[..], &attributes, fork_of_file].concat());
    out.resize(out.len().next_multiple_of(512), 0);
    out
}

/// A volume of HFS+ with the file three times: as `a`, and as both forks of `folder/b`.
#[must_use]
pub fn hfs(content: &[u8]) -> Vec<u8> {
    const BLOCK: usize = 512;
    let blocks = content.len().div_ceil(BLOCK).max(1);
    let fork = |length: usize, first: usize, count: usize| {
        let mut out = u64::from(u32_of(length)).to_be_bytes().to_vec();
        out.resize(16, 0);
        out.extend([u32_of(first).to_be_bytes(), u32_of(count).to_be_bytes()].concat());
        out.resize(80, 0);
        out
    };
    // Blocks 4 to 19 hold the catalog: a header and one leaf of 4,096 bytes each.
    let data = 20;
    let record = |parent: u32, name: &str, value: Vec<u8>| {
        let units: Vec<u8> = name.encode_utf16().flat_map(u16::to_be_bytes).collect();
        let length = u16::try_from(name.len()).unwrap_or(0).to_be_bytes();
        let key = [&parent.to_be_bytes()[..], &length, &units].concat();
        [&u16::try_from(key.len()).unwrap_or(0).to_be_bytes()[..], &key, &value].concat()
    };
    let folder = |id: u32| [&[0, 1, 0, 0, 0, 0, 0, 0][..], &id.to_be_bytes(), &[0; 76]].concat();
    let file = |id: u32, has_resources: bool| {
        let mut out = [&[0, 2, 0, 0, 0, 0, 0, 0][..], &id.to_be_bytes()].concat();
        out.resize(88, 0);
        out.extend(fork(content.len(), data, blocks));
        out.extend(if has_resources { fork(content.len(), data, blocks) } else { fork(0, 0, 0) });
        out
    };
    let records = [
        record(1, "volume", folder(2)),
        record(2, "a", file(17, false)),
        record(2, "folder", folder(16)),
        record(16, "b", file(18, true)),
    ];
    let mut header = vec![0_u8; 4096];
    header[8] = 1;
    at(&mut header, 32, &4096_u16.to_be_bytes());
    let mut leaf = vec![0_u8; 4096];
    leaf[8] = 0xff;
    at(&mut leaf, 10, &[0, 4]);
    let mut place = 14;
    for (index, record) in records.iter().enumerate() {
        at(&mut leaf, 4094 - 2 * index, &u16::try_from(place).unwrap_or(0).to_be_bytes());
        at(&mut leaf, place, record);
        place += record.len();
    }
    at(&mut leaf, 4094 - 2 * records.len(), &u16::try_from(place).unwrap_or(0).to_be_bytes());
    let mut volume = vec![0_u8; BLOCK * (data + blocks + 2)];
    at(&mut volume, 1024, b"H+\0\x04");
    at(&mut volume, 1064, &u32_of(BLOCK).to_be_bytes());
    at(&mut volume, 1024 + 272, &fork(8192, 4, 16));
    at(&mut volume, 4 * BLOCK, &[header, leaf].concat());
    at(&mut volume, data * BLOCK, content);
    volume
}
