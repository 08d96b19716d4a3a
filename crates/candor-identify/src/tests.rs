//! One case a rule, and the look-alikes that each rule must leave alone.

use candor_model::FileType::{self, *};

use crate::{PREFIX, has_page, identify, magic};

/// A path, a line of a log, and what stands between them.
const SYMANTEC: [u8; 0x190] = {
    let mut bytes = [0; 0x190];
    bytes[0] = b'C';
    let mut at = 0x180;
    while at < 0x188 {
        bytes[at] = b',';
        at += 1;
    }
    bytes
};

const TEXT: &[u8] = b"just some ordinary text in a file, no magic here\n";

fn joined(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

fn binary() -> Vec<u8> {
    let mut bytes = vec![0, 1, 2, 3, 0, 0];
    bytes.extend(0..=255_u8);
    bytes
}

#[track_caller]
fn check(bytes: &[u8], expected: FileType) {
    assert_eq!(identify(bytes), expected, "{:?}", &bytes[..bytes.len().min(60)]);
}

fn utf16(text: &str, little: bool) -> Vec<u8> {
    text.encode_utf16()
        .flat_map(|unit| if little { unit.to_le_bytes() } else { unit.to_be_bytes() })
        .collect()
}

#[test]
fn every_magic_decides_before_binary_data() {
    for row in magic::ROWS {
        let tail: &[u8] = match row.file_type {
            Bzip2 => b"91AY&SY",
            Compress => b"\x90",
            Lzip => b"\x01\x17",
            Lzma => b"\0\x10\0\xff\xff\xff\xff\xff\xff\xff\xff\0",
            Arj => b"\x22\0\x22\x03",
            Uuencoded => b"644 name\n",
            Wasm => b"\x01\0\0\0",
            Pst => b"\x01\x02\x03\x04SM",
            Dex => b"035\0",
            KasperskyQuarantine => b"\x01\0\0\0\x40\0\0\0\0\0\0\0",
            GdataQuarantine => b"\x04\0\0\0xxxx\xba\xad\xf0\x0d",
            SymantecQuarantine => &SYMANTEC,
            _ => b"",
        };
        check(&joined(&[row.magic, tail, &binary()]), row.file_type);
    }
}

#[test]
fn short_magics_leave_text_alone() {
    for start in [
        "BMW is a car\n",
        "FWS is short\n",
        "CWS\n\n",
        "ZWSP is a space\n",
        "MMMM\n",
        "BZhello\n",
        "GIF is a format\n",
    ] {
        check(start.as_bytes(), TextAscii);
    }
    check(b"begin procedure x\n", TextAscii);
    check(b"FROM debian:12\nRUN true\n", TextAscii);
}

#[test]
fn text_is_told_from_data() {
    check(TEXT, TextAscii);
    check("naïve café\n".as_bytes(), TextUtf8);
    check(b"caf\xe9 au lait\n", TextAscii);
    check(b"#!/bin/sh\nexit 0\n", Script);
    check(&joined(&[TEXT, b"\x01", TEXT]), TextUtf16Be);
    check(&joined(&[TEXT, b"\0\0\0\0", TEXT]), BinaryData);
    check(&joined(&[b"\xff\xfe\x01\0\x02\0", &binary()]), TextUtf16Le);
    check(&joined(&[b"\xfe\xff", &utf16("text", false)]), TextUtf16Be);
    check(&utf16("text without a mark", true), TextUtf16Le);
    check(&utf16("text without a mark", false), TextUtf16Be);
    check(&binary(), BinaryData);
    check(b"", TextAscii);
}

#[test]
fn a_character_cut_by_the_prefix_is_still_utf_8() {
    let text = "é".repeat(2000);
    check(format!("x{text}").as_bytes(), TextUtf8);
}

#[test]
fn html_is_found_at_any_depth_of_text() {
    for tag in [
        "<html>",
        "<HEAD>",
        "<sCrIpT src=x>",
        "<iframe src=x>",
        "<img src=x>",
        "<a href=x>",
        "<A class=y HREF=x>",
        "<table>",
        "<!doctype HTML>",
    ] {
        check(&joined(&[TEXT, tag.as_bytes(), TEXT]), Html);
        check(&joined(&[&TEXT.repeat(5000), tag.as_bytes(), TEXT]), Html);
    }
    for tag in ["<Table>", "<body>", "<a name=x>", "<hr>", "<p>"] {
        check(&joined(&[TEXT, tag.as_bytes(), TEXT]), TextAscii);
    }
    check(&joined(&[&binary(), b"<html>"]), Html);
    check(&joined(&[&binary().repeat(8), b"<html>"]), BinaryData);
}

#[test]
fn anchors_without_end_stay_linear() {
    let hostile = b"<a ".repeat(1 << 18);
    check(&hostile, TextAscii);
    let mut found = hostile;
    found.extend_from_slice(b"href");
    check(&found, Html);
}

#[test]
fn wide_html_is_found_in_both_orders() {
    let page = "some text <html><body>hello</body></html>";
    check(&joined(&[b"\xff\xfe", &utf16(page, true)]), HtmlUtf16);
    check(&joined(&[b"\xfe\xff", &utf16(page, false)]), HtmlUtf16);
    check(&utf16(page, true), HtmlUtf16);
    check(&utf16("<a name=x href=y>", false), HtmlUtf16);
}

#[test]
fn mail_is_told_from_text() {
    check(b"Received: from x\r\nSubject: y\r\n", Mail);
    check(b"From me Mon Jan 1\n", Mail);
    check(b"X-Foo: bar\nFrom: x\nMIME-Version: 1.0\nContent-Type: text/plain\n", Mail);
    check(b"X-Foo: bar\nMIME-Version: 1.0\nContent-Type: text/plain\n", Mhtml);
    check(b"MIME-Version: 1.0\nContent-Type: multipart/related\n", Mhtml);
    check(b"X-Foo: bar\nContent-Type: text/plain\nMIME-Version: 1.0\n", TextAscii);
    check(b"from here on\n", TextAscii);
}

#[test]
fn java_and_universal_binaries_share_a_magic() {
    check(b"\xca\xfe\xba\xbe\0\0\0\x02\x01\0\0\x07", MachOUniversal);
    check(b"\xca\xfe\xba\xbe\0\0\0\x34\0\x10", Java);
    check(b"\xca\xfe\xba\xbe\xff\xff\0\x45\0\x10", Java);
    check(b"\xca\xfe\xba\xbe\0\0\0\x25\0\x10\0\0", BinaryData);
}

#[test]
fn compiled_python_is_known_by_version() {
    check(b"\xa7\x0d\x0d\x0a\0\0\0\0", PythonCompiled);
    check(b"\x03\xf3\x0d\x0a\0\0\0\0", PythonCompiled);
    check(b"ab\r\nordinary", TextAscii);
}

#[test]
fn documents_may_start_late() {
    check(&joined(&[&[b'x'; 1000], b"%PDF-1.4\n", TEXT]), Pdf);
    check(&joined(&[&binary(), b"%PDF-1.4\n"]), Pdf);
    check(b"the string %PDF- alone\n", TextAscii);
    check(b"<?xml version=\"1.0\"?>\n<w:wordDocument xmlns:w=\"x\">", XmlWord);
    check(b"<?xml version=\"1.0\"?>\n<Workbook xmlns=\"x\">", XmlXl);
    check(b"<?xml version=\"1.0\"?>\n<Other><MyWorkbook/>", TextAscii);
    check(b"<?xml version=\"1.0\"?>\n<xdp:xdp xmlns=\"x\">", Xdp);
}

#[test]
fn disks_are_known_by_what_stands_further_on() {
    let at = |offset: usize, magic: &[u8], length: usize| {
        let mut image = vec![0; length];
        image[offset..offset + magic.len()].copy_from_slice(magic);
        image
    };
    check(&at(32_769, b"CD001\x01", 40_000), Iso9660);
    check(&at(32_769, b"BEA01", 40_000), Udf);
    check(&at(512, b"EFI PART", 4096), Gpt);
    let mut large_sectors = at(4096, b"EFI PART", 8192);
    check(&large_sectors, BinaryData);
    large_sectors[510..512].copy_from_slice(b"\x55\xaa");
    check(&large_sectors, Gpt);
    check(&at(510, b"\x55\xaa", 4096), Mbr);
    check(&at(1024, b"H+\0\x04", 4096), PartHfsPlus);
    check(&at(4096, b"koly", 4608), Dmg);
    let mut table = at(510, b"\x55\xaa", 4096);
    table[462] = 7;
    check(&table, BinaryData);
}

fn tar_header(name: &[u8], magic: &[u8]) -> Vec<u8> {
    let mut header = vec![0; 512];
    header[..name.len()].copy_from_slice(name);
    header[100..108].copy_from_slice(b"0000644\0");
    header[124..136].copy_from_slice(b"00000000000\0");
    header[257..257 + magic.len()].copy_from_slice(magic);
    header[148..156].fill(b' ');
    let sum: u32 = header.iter().map(|&byte| u32::from(byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    header
}

#[test]
fn tar_wins_over_the_name_of_its_first_member() {
    check(&tar_header(b"name", b"ustar\x0000"), PosixTar);
    check(&tar_header(b"name", b"ustar  \0"), PosixTar);
    check(&tar_header(b"MZ-looks-like-a-program", b"ustar\x0000"), PosixTar);
    check(&tar_header(b"[aliases]", b""), OldTar);
    let mut damaged = tar_header(b"MZ", b"ustar\x0000");
    damaged[150] ^= 1;
    check(&damaged, MsExe);
    check(b"[aliases]\nalias=ls\n", TextAscii);
    check(&vec![0; 1024], BinaryData);
}

fn zip_member(name: &str, data: &[u8]) -> Vec<u8> {
    let mut member = b"PK\x03\x04\x14\0\0\0\0\0\0\0\0\0\0\0\0\0".to_vec();
    let size = u32::try_from(data.len()).unwrap().to_le_bytes();
    member.extend_from_slice(&size);
    member.extend_from_slice(&size);
    member.extend_from_slice(&u16::try_from(name.len()).unwrap().to_le_bytes());
    member.extend_from_slice(&[0, 0]);
    member.extend_from_slice(name.as_bytes());
    member.extend_from_slice(data);
    member
}

#[test]
fn documents_in_zip_are_known_by_their_members() {
    let archive =
        |names: &[&str]| -> Vec<u8> { names.iter().flat_map(|name| zip_member(name, b"data")).collect() };
    check(&archive(&["[Content_Types].xml", "_rels/.rels", "word/document.xml"]), OoxmlWord);
    check(&archive(&["[Content_Types].xml", "docProps/app.xml", "xl/workbook.xml"]), OoxmlXl);
    check(&archive(&["_rels/.rels", "ppt/presentation.xml"]), OoxmlPpt);
    check(&archive(&["[Content_Types].xml", "other.xml"]), Zip);
    check(&archive(&["a.txt", "word/document.xml"]), Zip);
    check(&zip_member("mimetype", b"application/hwp+zip"), OoxmlHwp);
}

#[test]
fn document_members_behind_data_descriptors_are_found_in_the_central_directory() {
    let mut archive = zip_member("[Content_Types].xml", b"data");
    archive[18..26].fill(0);
    let start = u32::try_from(archive.len()).unwrap();
    archive.extend_from_slice(b"PK\x01\x02");
    archive.extend_from_slice(&[0; 24]);
    archive.extend_from_slice(&17_u16.to_le_bytes());
    archive.extend_from_slice(&[0; 16]);
    archive.extend_from_slice(b"word/document.xml");
    archive.extend_from_slice(b"PK\x05\x06\0\0\0\0\x01\0\x01\0\0\0\0\0");
    archive.extend_from_slice(&start.to_le_bytes());
    archive.extend_from_slice(&[0, 0]);
    check(&archive, OoxmlWord);
}

proptest::proptest! {
    #[test]
    fn a_certain_magic_decides_whatever_follows(
        start in 0..magic::ROWS.len(),
        tail in proptest::collection::vec(proptest::num::u8::ANY, 0..3000),
    ) {
        let row = &magic::ROWS[start];
        let found = identify(&joined(&[row.magic, &tail]));
        let is_refined = row.file_type == Zip && matches!(found, OoxmlWord | OoxmlXl | OoxmlPpt | OoxmlHwp);
        if row.is_certain() {
            proptest::prop_assert!(found == row.file_type || is_refined, "{:?}", found);
        }
    }

    #[test]
    fn any_bytes_have_a_type(
        bytes in proptest::collection::vec(proptest::sample::select(b"<a hrefPK\x03\x04MZ\xff\xfe\0\n: \x80".to_vec()), 0..3000),
    ) {
        let found = identify(&bytes);
        proptest::prop_assert!(found != Any && found != Error);
    }
}

/// An empty image with these bytes at these places.
fn image(parts: &[(usize, &[u8])]) -> Vec<u8> {
    let mut bytes = vec![0; 4096];
    for (place, part) in parts {
        bytes[*place..place + part.len()].copy_from_slice(part);
    }
    bytes
}

#[test]
fn volumes_are_told_from_boot_records() {
    let end: (usize, &[u8]) = (510, b"\x55\xaa");
    check(&image(&[(3, b"NTFS    "), end]), Ntfs);
    check(&image(&[(3, b"EXFAT   "), end]), Fat);
    let fat = b"\xeb\x3c\x90mkfs.fat\0\x02\x04\x01\0\x02\0\x02\0\x50\xf8\x14\0";
    check(&image(&[(0, fat), end]), Fat);
    // Without a number of tables that could be, it is a boot record, if it has a table.
    check(&image(&[(0, fat), (16, &[7]), end]), Mbr);
    check(&image(&[(1024, &[9]), (1080, b"\x53\xef")]), Ext);
    check(&image(&[(24, &[1, 0, 0, 0x80]), (32, b"NXSB")]), Apfs);
    check(&image(&[(24, &[13]), (32, b"NXSB")]), BinaryData);
    check(&image(&[(1080, b"\x53\xef")]), BinaryData);
    check(&image(&[(1024, &[9]), (1049, &[1]), (1080, b"\x53\xef")]), BinaryData);
    check(&image(&[(512, b"LABELONE\x01"), (536, b"LVM2 001")]), Lvm);
    check(&image(&[(1536, b"LABELONE\x03"), (1560, b"LVM2 001")]), Lvm);
    check(&image(&[(512, b"LABELONE\x02"), (536, b"LVM2 001")]), BinaryData);
    check(&image(&[(512, b"LABELONE\x01"), (536, b"LVM1 001")]), BinaryData);
    check(&image(&[(0, b"XFSB\0\0\x10\0"), (120, &[12])]), Xfs);
    check(&image(&[(0, b"XFSB\0\0\x10\0")]), BinaryData);
    let mut btrfs = vec![0; 0x1_1000];
    btrfs[0x1_0040..0x1_0048].copy_from_slice(b"_BHRfS_M");
    check(&btrfs, Btrfs);
    // The footer of a disk comes before what is on the disk.
    check(&image(&[(0, fat), end, (4096 - 512, b"conectix\0\0\0\x02")]), Vhd);
}

#[test]
fn installers_are_known_by_their_mark_or_their_first_file() {
    check(&joined(&[b"InstallShield\0\x05\0", &[0; 40]]), IshieldMsi);
    check(&joined(&[b"NB10", &[0; 12], b"C:\\setup.pdb\0ISSetupStream\0\x01\0", &[0; 40]]), IshieldMsi);
    check(&joined(&[b"a.exe\0Disk1\\A.EXE\x001.0\x0012\0", &binary()]), IshieldMsi);
    check(&joined(&[b"a\0Disk1\\a\x001.0\x0012\0", &binary()]), IshieldMsi);
    let wide = utf16("a.exe\0Disk1\\a.exe\x001.0\x0012\0", true);
    check(&joined(&[&wide, &binary()]), IshieldMsi);
    // A path that is another's, a length that is none, no files.
    check(&joined(&[b"a.exe\0Disk1\\b.exe\x001.0\x0012\0", &binary()]), BinaryData);
    check(&joined(&[b"a.exe\0Disk1\\a.exe\x001.0\0x12\0", &binary()]), BinaryData);
    check(&joined(&[b"InstallShield\0\0\0", &binary()]), BinaryData);
}

#[test]
fn archives_of_the_eighties_need_more_than_a_byte() {
    let arc = joined(&[b"\x1a\x08NAME.EXT\0\0\0\0\0\x10\0\0\0", &[1; 6], b"\x20\0\0\0data", &binary()]);
    check(&arc, Arc);
    for (place, byte) in [(1, 99), (2, 0), (3, 1), (18, 0x80)] {
        let mut other = arc.clone();
        other[place] = byte;
        check(&other, BinaryData);
    }
    // A description of a terminal: lengths, and then names.
    let terminal = joined(&[
        b"\x1a\x01\x41\0\x2b\0\x0f\0\x69\x01\xc9\x02screen-s|VT 100/ANSI X3.64 virtual terminal\0",
        &binary(),
    ]);
    check(&terminal, BinaryData);
    check(&joined(&[b"ZOO 2.10 Archive.\x1a\0\0\xdc\xa7\xc4\xfd", &binary()]), Zoo);
    check(&joined(&[b"\0\0\x31\0\0\0\x90**ACE**\x14\x14", &binary()]), Ace);
}

#[test]
fn quarantines_need_more_than_a_mark() {
    // A class of Java and a universal binary begin like a file of G Data.
    check(b"\xca\xfe\xba\xbe\0\0\0\x34\0\x10\x0a\0\x03", Java);
    check(b"\xca\xfe\xba\xbe\0\0\0\x02\x01\0\0\x07", MachOUniversal);
    check(b"KLQB is a text\n", TextAscii);
    check(&joined(&[b"KLQB\x01\0\0\0\x40\0\0\0\0\x01\0\0", &binary()]), BinaryData);
    for (place, byte) in [(0, 0), (1, 1), (0x183, 0), (0x17f, b'x')] {
        let mut other = SYMANTEC;
        other[place] = byte;
        if place == 0x183 {
            other[0x181..0x188].fill(0);
        }
        check(&joined(&[b"\x90\x12\0\0", &other, &binary()]), BinaryData);
    }
    check(&joined(&[b"\x0b\xad\0\x98\x91\xfd\xde\x69", &binary()]), BinaryData);
}

#[test]
fn the_last_part_of_a_zip_archive_is_told_by_its_end() {
    let end = |part: u16, comment: u16| {
        let numbers = [part, 0, 1, 1, 30, 0, 0, 0, comment];
        let numbers: Vec<u8> = numbers.iter().flat_map(|number: &u16| number.to_le_bytes()).collect();
        joined(&[&binary(), b"PK\x05\x06", &numbers])
    };
    check(&end(3, 0), Zip);
    // An archive in one part is found as an object in what is before it; all ones are in another record.
    check(&end(0, 0), BinaryData);
    check(&end(0xffff, 0), BinaryData);
    check(&end(3, 1), BinaryData);
}

#[test]
fn images_are_known_behind_any_magic() {
    let image = |parts: &[(usize, &[u8])]| {
        let mut bytes = vec![0; 70_000];
        for (at, part) in parts {
            bytes[*at..at + part.len()].copy_from_slice(part);
        }
        bytes
    };
    let png: (usize, &[u8]) = (0, b"\x89PNG\r\n\x1a\n");
    let is_beside = |bytes: &[u8]| crate::images(identify(bytes), bytes).collect::<Vec<_>>();
    let ext: [(usize, &[u8]); 2] = [(1024, &[16, 0, 0, 0]), (1080, b"\x53\xef")];
    for (place, magic, file_type) in [
        (32_769, &b"CD001"[..], Iso9660),
        (32_769, b"BEA01", Udf),
        (1024, b"H+\0\x04", PartHfsPlus),
        (0x1_0040, b"_BHRfS_M", Btrfs),
        (70_000 - 512, b"koly", Dmg),
        (70_000 - 512, b"conectix\0\0\0", Vhd),
        (510, b"\x55\xaa", Mbr),
    ] {
        let bytes = image(&[png, (place, magic)]);
        assert_eq!((identify(&bytes), is_beside(&bytes)), (Png, vec![file_type]));
        // Alone, it is nothing else.
        assert_eq!(is_beside(&image(&[(place, magic)])), []);
    }
    assert_eq!(is_beside(&image(&[png, ext[0], ext[1]])), [Ext]);
    // Disks that start from a stick are both; a volume has a boot sector, and a disk of fixed size what is on it.
    assert_eq!(is_beside(&image(&[(512, b"EFI PART"), (510, b"\x55\xaa"), (32_769, b"CD001")])), [Iso9660]);
    assert_eq!(is_beside(&image(&[(3, b"NTFS    "), (510, b"\x55\xaa")])), []);
    assert_eq!(is_beside(&image(&[(70_000 - 512, b"conectix\0\0\0"), ext[0], ext[1]])), []);
    assert_eq!(is_beside(TEXT), []);
}

#[test]
fn pages_in_front_of_what_is_no_text_are_told() {
    let page = b"<html><body>text";
    for found in [Gif, Wasm, AiModel, Java, Iso9660, Ext] {
        assert!(has_page(found, &[&b"\0\x01\x02\x03"[..], page].concat()), "{found}");
        assert!(!has_page(found, &[&[1; PREFIX][..], page].concat()), "{found}");
    }
    for found in [Html, Zip, PosixTar, Mail, TextAscii] {
        assert!(!has_page(found, page), "{found}");
    }
}
