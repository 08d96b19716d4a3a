//! Files whose cost does not stand in their length, nor in what they unpack to: keys that take millions of rounds,
//! dictionaries of gigabytes, lists of references, rows that are longer than what is in them, thousands of small things.

use std::fs::File;
use std::io::Write;

use candor_fixtures::archive::{self, SevenZip};
use candor_fixtures::executable::{Executable, Kind, SectionRecipe};
use candor_fixtures::nothing::{self, Nothing};
use candor_fixtures::ranges::{self, Step};
use candor_fixtures::{bytecode, document, seven_zip, stream, wim, zip, zip_methods};

use super::{Case, MEBIBYTE, Promise, zeros};

/// A password that is in no list.
const UNKNOWN: &str = "no one knows this one";

/// Places of [`archive::RAR`].
const RAR_3: usize = 2;
const RAR_5: usize = 4;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = keys();
    cases.extend(unpacked());
    cases.extend(work());
    cases.extend(again());
    cases.extend(decoders());
    cases.extend(of_nothing());
    cases
}

/// Twelve times 38 MiB of blocks that hold nothing.
fn of_nothing() -> Vec<Case> {
    fn member(kind: Nothing, method: u16) -> Vec<u8> {
        let data = kind.stream(38 * MEBIBYTE);
        zip_methods::archive(&[zip_methods::Packed { data, ..zip_methods::pack("a", &[0; 1 << 20], method) }])
    }
    fn gzip(kind: Nothing) -> Vec<u8> {
        [&b"\x1f\x8b\x08\0\0\0\0\0\0\xff"[..], &kind.stream(38 * MEBIBYTE)].concat()
    }
    fn installer(kind: Nothing) -> Vec<u8> {
        let header = b"\0\0\0\0\xef\xbe\xad\xdeNullsoftInst\xe8\x03\0\0\0\0\x70\x02\0\0\0";
        [&header[..], &kind.stream(38 * MEBIBYTE)].concat()
    }
    vec![
        ("gzip of empty blocks", Promise::Incomplete, |out| packed(out, 12, &gzip(Nothing::KnownCodes))),
        ("gzip of empty blocks with codes", Promise::Incomplete, |out| {
            packed(out, 12, &gzip(Nothing::OwnCodes))
        }),
        ("gzip of empty stored blocks", Promise::Incomplete, |out| packed(out, 12, &gzip(Nothing::Stored))),
        ("ZIP of empty blocks", Promise::Incomplete, |out| packed(out, 12, &member(Nothing::KnownCodes, 8))),
        ("ZIP of empty blocks, deflate64", Promise::Incomplete, |out| {
            packed(out, 12, &member(Nothing::KnownCodes, 9))
        }),
        ("ZIP of empty blocks with codes, deflate64", Promise::Incomplete, |out| {
            packed(out, 12, &member(Nothing::OwnCodes, 9))
        }),
        ("installer of empty blocks", Promise::Incomplete, |out| {
            packed(out, 12, &installer(Nothing::KnownCodes))
        }),
        ("installer of empty blocks with codes", Promise::Incomplete, |out| {
            packed(out, 12, &installer(Nothing::OwnCodes))
        }),
        ("Zstandard of empty blocks", Promise::Incomplete, |out| {
            packed(out, 12, &Nothing::Zstd.stream(38 * MEBIBYTE))
        }),
        ("Zstandard of runs of no byte", Promise::Incomplete, |out| {
            packed(out, 12, &Nothing::ZstdRun.stream(38 * MEBIBYTE))
        }),
        ("Zstandard of copies in no bits", Promise::Incomplete, |out| {
            packed(out, 12, &Nothing::ZstdCopies.stream(256 << 10))
        }),
        ("xz of chunks of a byte", Promise::Incomplete, |out| {
            packed(out, 12, &Nothing::Xz.stream(38 * MEBIBYTE))
        }),
        ("bzip2 of blocks of a byte", Promise::Incomplete, |out| {
            packed(out, 12, &Nothing::Bzip2.stream(38 * MEBIBYTE))
        }),
        ("cabinet of blocks of a byte, LZX", Promise::Incomplete, |out| {
            packed(out, 12, &nothing::cabinet(1100))
        }),
        ("7z of blocks of a byte, Brotli", Promise::Incomplete, |out| {
            packed(out, 12, &seven_zip::of_nothing(true, 38 * MEBIBYTE))
        }),
        ("7z of chunks of a byte, LZMA2 behind BCJ2", Promise::Incomplete, |out| {
            packed(out, 12, &seven_zip::of_nothing(false, 38 * MEBIBYTE))
        }),
        ("RAR 5 of empty blocks with codes", Promise::Incomplete, |out| {
            packed(out, 12, &nothing::rar(true, 38 * MEBIBYTE))
        }),
        ("RAR 3 of empty blocks with codes", Promise::Incomplete, |out| {
            packed(out, 12, &nothing::rar(false, 38 * MEBIBYTE))
        }),
        ("LZ4 of blocks of a byte", Promise::Incomplete, |out| {
            packed(out, 12, &Nothing::Lz4.stream(38 * MEBIBYTE))
        }),
        ("LZMA of letters by themselves, which a copy would do for", Promise::Incomplete, |out| {
            packed(out, 12, &ranges::lzma(Step::Literal, 38 << 20))
        }),
        ("LZMA of copies of one letter", Promise::Incomplete, |out| {
            packed(out, 12, &ranges::lzma(Step::ShortCopy, 38 << 20))
        }),
    ]
}

/// What decoders cost before their first byte: tables, dictionaries and models.
fn decoders() -> Vec<Case> {
    vec![
        ("ZIP of a member of 4 MiB that only clears the table of its strings", Promise::Quick, |out| {
            // Four times the codes 256 and 2, of nine bits each.
            let clearing = (0..4).fold(0_u128, |bits, place| bits | (256 | 2 << 9) << (18 * place));
            let data = clearing.to_le_bytes()[..9].repeat(4 * MEBIBYTE / 9);
            out.write_all(&zip_methods::archive(&[zip_methods::Packed {
                data,
                ..zip_methods::pack("a", &[0; 100], 1)
            }]))
        }),
        ("ZIP of 9,000 members of 20 KiB, deflated", Promise::Quick, |out| members(out, 8)),
        ("ZIP of 9,000 members of 20 KiB, bzip2", Promise::Quick, |out| members(out, 12)),
        ("ZIP of 9,000 members of 20 KiB, LZMA with dictionaries of 1 GiB", Promise::Quick, |out| {
            members(out, 14)
        }),
        ("ZIP of 9,000 members of 20 KiB, Zstandard", Promise::Quick, |out| members(out, 93)),
        ("ZIP of 9,000 members of 20 KiB, xz", Promise::Quick, |out| members(out, 95)),
        ("ZIP of 9,000 members of 20 KiB, PPMd with models of 256 MiB", Promise::Incomplete, |out| {
            members(out, 98)
        }),
        ("ZIP of 200 archives of 7z, PPMd with models of 32 MiB", Promise::Incomplete, |out| {
            nested(out, 200, |_| archive::seven_zip(SevenZip::Ppmd, None, &[("a", &vec![0; 100 << 10])]))
        }),
    ]
}

/// Members that unpack to 20 KiB, and ask for as much memory as they may.
fn members(out: &mut File, method: u16) -> std::io::Result<()> {
    let mut member = zip_methods::pack("a", &[0; 20 << 10], method);
    match method {
        // Behind the version, and the length of the properties with the first of them.
        14 => member.data[5..9].copy_from_slice(&(1_u32 << 30).to_le_bytes()),
        // The mebibytes stand between the order and what is to be done when they are used up.
        98 => {
            member.data[0] |= 0xf0;
            member.data[1] |= 0x0f;
        }
        _ => (),
    }
    out.write_all(&zip_methods::archive(&vec![member; 9_000]))
}

/// Passwords: what trying one costs stands in the file.
fn keys() -> Vec<Case> {
    vec![
        ("RAR 5, the most rounds for a key", Promise::Incomplete, |out| out.write_all(&rar_of_rounds(24))),
        ("RAR 5, 2,000 members under passwords", Promise::Incomplete, |out| {
            out.write_all(&rar(RAR_5, 2_000))
        }),
        ("RAR 3, 40 members under passwords", Promise::Incomplete, |out| out.write_all(&rar(RAR_3, 40))),
        ("7z, a header of 2^24 rounds", Promise::Incomplete, |out| out.write_all(&seven_zip_header(24))),
        ("7z, a member of 2^22 rounds", Promise::Incomplete, |out| {
            out.write_all(&seven_zip_of_rounds(22, UNKNOWN))
        }),
        ("7z, a member of 2^24 rounds", Promise::Incomplete, |out| {
            out.write_all(&seven_zip_of_rounds(24, UNKNOWN))
        }),
        ("ZIP, 60,000 members under AES", Promise::Incomplete, |out| {
            let member = zip_methods::pack("a", b"content", 8).with_aes(UNKNOWN.as_bytes());
            out.write_all(&salted(&member, 60_000))
        }),
        ("ZIP of 100 archives of 7z, each of 2^19 rounds", Promise::Incomplete, |out| {
            nested(out, 100, |_| seven_zip_of_rounds(19, UNKNOWN))
        }),
        ("ZIP of 100 archives of RAR 5", Promise::Incomplete, |out| {
            let inner = rar(RAR_5, 200);
            nested(out, 100, |_| inner.clone())
        }),
        ("ZIP of 100 archives of RAR 3", Promise::Incomplete, |out| {
            let inner = rar(RAR_3, 1);
            nested(out, 100, |_| inner.clone())
        }),
        ("ZIP of 100 ZIPs of 600 members under AES", Promise::Incomplete, |out| {
            let member = zip_methods::pack("a", b"content", 8).with_aes(UNKNOWN.as_bytes());
            nested(out, 100, |_| salted(&member, 600))
        }),
    ]
}

/// What unpacks to much by the newest decoders, and what asks for much memory.
fn unpacked() -> Vec<Case> {
    vec![
        ("7z of 1 GiB of zeros, Brotli", Promise::Incomplete, |out| {
            out.write_all(&archive::seven_zip(SevenZip::Brotli, None, &[("a", &zeros(1024))]))
        }),
        ("7z of 1 GiB of zeros, Zstandard", Promise::Incomplete, |out| {
            out.write_all(&archive::seven_zip(SevenZip::Zstd, None, &[("a", &zeros(1024))]))
        }),
        ("7z of 300 MiB of zeros, Deflate64 behind two filters", Promise::Incomplete, |out| {
            out.write_all(&archive::seven_zip(SevenZip::Deflate64WithTwoFilters, None, &[("a", &zeros(300))]))
        }),
        ("a Windows image of 300 MiB of zeros, LZMS", Promise::Incomplete, |out| {
            out.write_all(&wim::wim(wim::Wim::Lzms, &[("a", &zeros(300))]))
        }),
        ("a Windows image of 300 MiB of zeros, LZMS, solid", Promise::Incomplete, |out| {
            out.write_all(&wim::wim(wim::Wim::Solid(1), &[("a", &zeros(300))]))
        }),
        ("a module of Java with 1 GiB of zeros", Promise::Incomplete, |out| {
            out.write_all(b"JM\x01\0")?;
            out.write_all(&zip_methods::archive(&[zip_methods::pack("classes/a", &zeros(1024), 8)]))
        }),
        ("LZMA with a dictionary of 4 GiB", Promise::Quick, |out| {
            let mut bytes = stream::lzma(&zeros(1));
            bytes[1..5].fill(0xff);
            out.write_all(&bytes)
        }),
        ("lzip with a dictionary of 512 MiB", Promise::Quick, |out| {
            let mut bytes = stream::lzip(&zeros(1));
            bytes[5] = 29;
            out.write_all(&bytes)
        }),
        ("7z of 1 MiB, LZMA with a dictionary of 4 GiB", Promise::Quick, |out| {
            let mut bytes = archive::seven_zip(SevenZip::Lzma, None, &[("a", &zeros(1))]);
            with_header(&mut bytes, |header| {
                let place = header.windows(4).position(|part| part == [3, 1, 1, 5]);
                place.into_iter().for_each(|place| header[place + 5..place + 9].fill(0xff));
            });
            out.write_all(&bytes)
        }),
    ]
}

/// Much to do for each byte.
fn work() -> Vec<Case> {
    vec![
        ("PDF with 20,000 streams whose rows are 16 MiB long", Promise::Quick, |out| {
            let parameters = "/Filter /FlateDecode /DecodeParms << /Predictor 12 /Columns 16777215 >>";
            out.write_all(&document::pdf(&vec![(parameters, stream::zlib(b"\x02content")); 20_000]))
        }),
        ("PDF with 20,000 streams of a million colours", Promise::Quick, |out| {
            let parameters = "/Filter /FlateDecode /DecodeParms << /Predictor 2 /Colors 1048576 /BitsPerComponent 1 /Columns 9 >>";
            out.write_all(&document::pdf(&vec![(parameters, stream::zlib(b"content")); 20_000]))
        }),
        ("PDF with a million columns in each of 3 million rows of nothing", Promise::Quick, |out| {
            let parameters = "/Filter /FlateDecode /DecodeParms << /Predictor 2 /Colors 1048576 /BitsPerComponent 1 /Columns 1 >>";
            out.write_all(&document::pdf(&[(parameters, stream::zlib(&zeros(100)))]))
        }),
        ("PDF whose lengths are references to references, 20,000 in a row", Promise::Quick, |out| {
            writeln!(out, "%PDF-1.7")?;
            for number in 1..=20_000 {
                writeln!(out, "{number} 0 obj {} 0 R endobj", number + 1)?;
            }
            for number in 30_000..50_000 {
                writeln!(
                    out,
                    "{number} 0 obj << /Length 1 0 R /Filter 2 0 R /DecodeParms 3 0 R >> stream\nabc\nendstream endobj"
                )?;
            }
            writeln!(out, "trailer << /Root 1 0 R >>\n%%EOF")
        }),
        ("PDF with 3,000 streams that hold 3,000 objects each", Promise::Quick, |out| {
            let mut first = String::new();
            (0..3_000).for_each(|number| first += &format!("{} {number} ", number + 10_000));
            let head = format!("/Type /ObjStm /N 3000 /First {} /Filter /FlateDecode", first.len());
            let objects = stream::zlib(&[first.as_bytes(), &b"1 ".repeat(3_000)].concat());
            out.write_all(&document::pdf(&vec![(head.as_str(), objects); 3_000]))
        }),
        ("PDF of nothing but brackets", Promise::Quick, |out| {
            write!(out, "%PDF-1.7\n1 0 obj ")?;
            (0..20).try_for_each(|_| out.write_all(&b"<<[(".repeat(MEBIBYTE / 4)))
        }),
        ("RTF of nothing but brackets", Promise::Quick, |out| {
            write!(out, "{{\\rtf1 ")?;
            (0..20).try_for_each(|_| out.write_all(&b"{\\object{".repeat(MEBIBYTE / 9)))
        }),
        ("DEX with a million names that are one string", Promise::Quick, |out| {
            out.write_all(&dex_of_one_string())
        }),
        ("DEX with a million strings", Promise::Quick, |out| {
            let strings: Vec<&[u8]> = vec![b"a"; 1_000_000];
            out.write_all(&bytecode::dex(b"035", &[], &strings))
        }),
        ("a program with 90 sections that are all of its 32 MiB", Promise::Quick, |out| {
            let section = |number: usize| SectionRecipe {
                name: format!(".s{number}"),
                bytes: if number == 0 { zeros(32) } else { vec![0; 512] },
            };
            let (mut bytes, _) = Executable::new(Kind::Pe32, (0..90).map(section).collect()).build();
            let header = bytes.windows(4).position(|part| part == b"PE\0\0").unwrap_or(0);
            let table = header + 24 + usize::from(bytes[header + 20]);
            let first: [u8; 8] = bytes[table + 16..table + 24].try_into().unwrap_or_default();
            for number in 1..90 {
                bytes[table + 40 * number + 16..][..8].copy_from_slice(&first);
            }
            out.write_all(&bytes)
        }),
        ("OLE2 whose table of sectors leads round", Promise::Quick, |out| {
            let mut bytes = document::compound("a", &[("stream", zeros(4))]);
            // All of the table but its own place: each sector is followed by the first one.
            let place = 512 * (1 + usize::from(bytes[76]));
            for entry in bytes.chunks_exact_mut(4).skip(place / 4).take(128).filter(|entry| entry[3] == 0) {
                entry.fill(0);
            }
            out.write_all(&bytes)
        }),
        ("XML with a million elements in one another", Promise::Quick, |out| {
            write!(out, "<?xml version=\"1.0\"?><?mso-application progid=\"Word.Document\"?>")?;
            out.write_all(&b"<w:t>".repeat(1_000_000))
        }),
        ("a mail whose boundary is 60 KiB long, and 20,000 lines almost like it", Promise::Quick, |out| {
            let boundary = "a".repeat(60 << 10);
            write!(out, "From: a@b\r\nContent-Type: multipart/mixed; boundary=\"{boundary}\"\r\n\r\n")?;
            let line = format!("--{}b\r\n", &boundary[..2_000]);
            (0..20_000).try_for_each(|_| out.write_all(line.as_bytes()))
        }),
        ("a mail with 100,000 headers", Promise::Quick, |out| {
            (0..100_000)
                .try_for_each(|number| write!(out, "Content-Type-{number}: a; b=c; d*{number}=e\r\n"))?;
            write!(out, "From: a@b\r\n\r\ntext\r\n")
        }),
        ("a mail with 300,000 beginnings of uuencode", Promise::Quick, |out| {
            write!(out, "From: a@b\r\nSubject: c\r\n\r\n")?;
            (0..300_000).try_for_each(|_| write!(out, "begin 644 a\r\n"))
        }),
        ("a picture of 900 million points", Promise::Quick, |out| out.write_all(&picture(30_000))),
        ("ZIP of 20,000 members of one byte, in a ZIP of as many", Promise::Quick, |out| {
            let members: Vec<_> =
                (0..20_000).map(|number| zip_methods::pack(&format!("{number}"), b"a", 8)).collect();
            let inner = zip_methods::archive(&members);
            let mut all = members;
            all.push(zip_methods::pack("inner.zip", &inner, 8));
            out.write_all(&zip_methods::archive(&all))
        }),
        ("HTML of 20 MiB of links in one another", Promise::Quick, |out| {
            write!(out, "<html><body>")?;
            (0..20).try_for_each(|_| out.write_all(&b"<a href=\"http://a.example/\">".repeat(MEBIBYTE / 28)))
        }),
        ("script of 20 MiB of escapes", Promise::Quick, |out| {
            write!(out, "<script>")?;
            (0..20).try_for_each(|_| out.write_all(&b"unescape('%75%6e');".repeat(MEBIBYTE / 19)))
        }),
    ]
}

/// The same bytes read again and again, by many layers that each may ask for some of it.
fn again() -> Vec<Case> {
    vec![
        ("ZIP of 4 mails of 10 MiB with 256 files in one another", Promise::Incomplete, |out| {
            let mail =
                [MAIL.as_bytes(), b"\r\n", &b"begin 644 a\n".repeat(256), &b"z\n".repeat(5 * MEBIBYTE)];
            packed(out, 4, &mail.concat())
        }),
        ("ZIP of 10 mails of 20 MiB with 256 words in one line", Promise::Incomplete, |out| {
            let mail = [MAIL.as_bytes(), b"\r\n", &b"begin ".repeat(256), &vec![b'a'; 20 * MEBIBYTE]];
            packed(out, 10, &mail.concat())
        }),
        ("ZIP of 100 mails with 4,000 boundaries that never come", Promise::Incomplete, |out| {
            let part = "--b\nX: y\nContent-Type: multipart/x; boundary=tent-Typf\n\n";
            let head = "Content-Type: multipart/x; boundary=b\n\n";
            packed(out, 100, format!("{MAIL}{head}{}", part.repeat(4_000)).as_bytes())
        }),
        ("PDF with 20,000 references to one array", Promise::Quick, |out| {
            let (references, array) = ("/JS 1 0 R ".repeat(20_000), "a ".repeat(500_000));
            write!(out, "%PDF-1.7\n2 0 obj<<{references}>>endobj\n1 0 obj [{array}]")
        }),
        ("ZIP of 100 PDFs with 4,000 scripts in one another", Promise::Quick, |out| {
            packed(out, 100, format!("%PDF-1.7\n1 0 obj<<{}>>endobj\n", "/JS[".repeat(4_000)).as_bytes())
        }),
        ("ZIP of 500 PDFs under passwords of 256 bits", Promise::Incomplete, |out| {
            let (long, short) = ("41".repeat(48), "41".repeat(32));
            let key = format!("/V 5 /R 6 /P -1 /O <{long}> /U <{long}> /OE <{short}> /UE <{short}>");
            let pdf = format!("%PDF-1.7\n1 0 obj << {key} >> endobj\ntrailer << /Encrypt 1 0 R >>\n");
            packed(out, 500, pdf.as_bytes())
        }),
        ("ZIP of 20 layers with 9,900 beginnings of RAR 5", Promise::Incomplete, |out| {
            let mark = b"Rar!\x1a\x07\x01\0\x01\x02\x03\x04\xff\xff\x7f";
            packed(out, 20, &[b"\x01\x02\x03\x04", &mark.repeat(9_900)[..], &zeros(2)].concat())
        }),
        ("ZIP of 200 layers with 9,000 beginnings of programs", Promise::Quick, |out| {
            packed(out, 200, &[b"\x01\x02", &b"MZ".repeat(1_000)[..], &b"MZPE\0\0".repeat(9_000)].concat())
        }),
        ("ZIP of 2,000 packed programs that never end", Promise::Incomplete, |out| {
            packed(out, 2_000, &endless_program())
        }),
        ("ZIP of nothing but headers whose names are 64 KiB long", Promise::Quick, |out| {
            out.write_all(&b"PK\x03\x04\x14\0\xff\xff\0\0".repeat(2 * MEBIBYTE / 10))
        }),
        ("ZIP of twelve times 38 MiB of script", Promise::Incomplete, |out| {
            let line = b"var a=unescape(\"%41%42\");/*x*/ b=a+\"c\";\n";
            packed(out, 12, &[&b"<html><script>"[..], &line.repeat(38 * MEBIBYTE / line.len())].concat())
        }),
        ("ZIP of twelve times 38 MiB of PostScript", Promise::Incomplete, |out| {
            let line = b"<41424344> pop currentfile /ASCIIHexDecode filter\n";
            packed(out, 12, &[&b"%!PS-Adobe-3.0\n"[..], &line.repeat(38 * MEBIBYTE / line.len())].concat())
        }),
        ("bzip2, a mebibyte of streams of nothing", Promise::Incomplete, |out| {
            let nothing = stream::bzip2(b"");
            out.write_all(&nothing.repeat(MEBIBYTE / nothing.len()))
        }),
        ("ZIP of 20 times 20 MiB of frames of nothing, Zstandard", Promise::Incomplete, |out| {
            let nothing = stream::zstd(b"");
            packed(out, 20, &nothing.repeat(20 * MEBIBYTE / nothing.len()))
        }),
        ("ZIP of twelve times 38 MiB of names that 127 functions declare", Promise::Incomplete, |out| {
            let functions: String = (0..127).map(|number| format!("function(){{var a{number};")).collect();
            let script = format!("<html><script>var b1;{functions}{}", "b1 ".repeat(38 * MEBIBYTE / 3));
            packed(out, 12, script.as_bytes())
        }),
        ("ZIP of 12 mails of 24 MiB, 64 boundaries and nothing but dashes", Promise::Incomplete, |out| {
            let head =
                |number: u32| format!("Content-Type: multipart/x; boundary=b{number}\n\n--b{number}\n");
            let heads: String = (0..64).map(head).collect();
            packed(out, 12, format!("{MAIL}{heads}\n{}", "--\n".repeat(8 * MEBIBYTE)).as_bytes())
        }),
        ("ZIP of 12 PDFs of 38 MiB of names with escapes", Promise::Incomplete, |out| {
            packed(out, 12, format!("%PDF-1.7\n{}", "/A#41#42 ".repeat(38 * MEBIBYTE / 9)).as_bytes())
        }),
        ("ZIP of 12 texts for Word of 38 MiB of digits", Promise::Incomplete, |out| {
            packed(
                out,
                12,
                format!("{{\\rtf1 {{\\object{{\\*\\objdata {}", "01050000".repeat(38 * MEBIBYTE / 8))
                    .as_bytes(),
            )
        }),
        ("ZIP of 200 members whose password is right and content is not", Promise::Incomplete, |out| {
            let member = zip_methods::pack("a", &zeros(100), 8).with_traditional_encryption(b"infected");
            let members: Vec<_> = (0..200_u32)
                .map(|number| {
                    let mut member = member.clone();
                    // The first byte of the sum says that it is the password.
                    member.crc32 ^= number + 1;
                    member
                })
                .collect();
            out.write_all(&zip_methods::archive(&members))
        }),
    ]
}

/// A program that may write to its code, as packed ones do, and jumps to where it is.
fn endless_program() -> Vec<u8> {
    let section = SectionRecipe { name: ".packed".to_owned(), bytes: [0xeb, 0xfe].repeat(256) };
    let (mut bytes, _) = Executable::new(Kind::Pe32, vec![section]).build();
    let header = bytes.windows(4).position(|part| part == b"PE\0\0").unwrap_or(0);
    let table = header + 24 + usize::from(bytes[header + 20]);
    bytes[table + 36..table + 40].copy_from_slice(&0xe000_0020_u32.to_le_bytes());
    bytes.copy_within(table + 12..table + 16, header + 40);
    bytes
}

/// What a mail begins with.
const MAIL: &str = "From: a@b\r\nSubject: c\r\nMIME-Version: 1.0\r\n";

/// So many copies of a file in a ZIP archive, each with its own number behind it.
pub(super) fn packed(out: &mut File, count: u32, file: &[u8]) -> std::io::Result<()> {
    let pack = |number: u32| {
        zip_methods::pack(&number.to_string(), &[file, format!("\0{number}").as_bytes()].concat(), 8)
    };
    out.write_all(&zip_methods::archive(&(0..count).map(pack).collect::<Vec<_>>()))
}

fn nested(out: &mut File, count: u32, archive: impl Fn(u32) -> Vec<u8>) -> std::io::Result<()> {
    let members: Vec<_> = (0..count)
        .map(|number| {
            let mut inner = archive(number);
            // What is alike would be looked at once.
            inner.extend(number.to_le_bytes());
            zip_methods::pack(&format!("{number}"), &inner, 0)
        })
        .collect();
    out.write_all(&zip_methods::archive(&members))
}

/// So many copies of a member under AES, each with a salt of its own.
fn salted(member: &zip_methods::Packed, count: u32) -> Vec<u8> {
    let members: Vec<_> = (0..count)
        .map(|number| {
            let mut member = member.clone();
            member.data[..4].copy_from_slice(&number.to_le_bytes());
            member
        })
        .collect();
    zip_methods::archive(&members)
}

/// An archive of the version that stands at this place of [`archive::RAR`].
fn rar(version: usize, members: usize) -> Vec<u8> {
    let names: Vec<String> = (0..members).map(|number| number.to_string()).collect();
    let files: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &b"content"[..])).collect();
    archive::rar(archive::RAR[version], true, false, Some(UNKNOWN), &files)
}

/// RAR 5 that says so many rounds, as a power of two.
fn rar_of_rounds(power: u8) -> Vec<u8> {
    let mut bytes = rar(RAR_5, 1);
    // The record of the encryption: its kind, version and flags, then the power.
    let Some(record) = bytes.windows(4).position(|part| matches!(part, [1, 0, 0..=3, 15])) else {
        return bytes;
    };
    bytes[record + 3] = power;
    // The header of the member begins with its sum and its length, and lies in front of the record.
    for start in (8..record).rev() {
        let length = usize::from(bytes[start + 4]);
        let sum = |bytes: &[u8]| crc32(&bytes[start + 4..start + 5 + length]).to_le_bytes();
        if start + 5 + length <= bytes.len() {
            let mut before = bytes.clone();
            before[record + 3] = 15;
            if before[start..start + 4] == sum(&before) {
                let sum = sum(&bytes);
                bytes[start..start + 4].copy_from_slice(&sum);
                return bytes;
            }
        }
    }
    bytes
}

/// The head of a 7z archive whose header is encrypted so.
fn seven_zip_header(power: u8) -> Vec<u8> {
    let mut bytes = b"7z\xbc\xaf\x27\x1c\0\x04\0\0\0\0".to_vec();
    // One packed stream of sixteen bytes, one method with eighteen bytes of properties: no salt, a vector of sixteen.
    let method = [0x24, 6, 0xf1, 7, 1, 18, 0x40 | power, 15];
    let encoded =
        [&[0x17, 6, 0, 1, 9, 16, 0, 7, 0x0b, 1, 0, 1][..], &method, &[9; 16], &[0x0c, 16, 0, 0]].concat();
    bytes.extend(16_u64.to_le_bytes());
    bytes.extend((encoded.len() as u64).to_le_bytes());
    bytes.extend(crc32(&encoded).to_le_bytes());
    bytes.extend([7; 16]);
    bytes.extend(encoded);
    sum_of_start(&mut bytes);
    bytes
}

/// An archive whose member is encrypted so.
fn seven_zip_of_rounds(power: u8, password: &str) -> Vec<u8> {
    let mut bytes = archive::seven_zip(SevenZip::Zstd, Some(password), &[("a", b"content")]);
    with_header(&mut bytes, |header| {
        let place = header.windows(5).position(|part| part == [6, 0xf1, 7, 1, 18]);
        place.into_iter().for_each(|place| header[place + 5] = 0x40 | power);
    });
    bytes
}

/// Changes the header of a 7z archive, and its sums with it.
fn with_header(bytes: &mut [u8], change: impl Fn(&mut [u8])) {
    let number = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap_or_default());
    let start = 32 + usize::try_from(number(12)).unwrap_or(0);
    let end = start + usize::try_from(number(20)).unwrap_or(0);
    change(&mut bytes[start..end]);
    let sum = crc32(&bytes[start..end]).to_le_bytes();
    bytes[28..32].copy_from_slice(&sum);
    sum_of_start(bytes);
}

fn sum_of_start(bytes: &mut [u8]) {
    let sum = crc32(&bytes[12..32]).to_le_bytes();
    bytes[8..12].copy_from_slice(&sum);
}

fn crc32(bytes: &[u8]) -> u32 {
    zip::Member { name: String::new(), bytes: bytes.to_vec(), deflate: false, encrypted: false }.crc()
}

/// A table of strings that all lead to one of a kibibyte.
fn dex_of_one_string() -> Vec<u8> {
    const COUNT: u32 = 1_000_000;
    let data = 0x70 + 4 * COUNT;
    let mut bytes = vec![0; 0x70];
    bytes[..8].copy_from_slice(b"dex\n035\0");
    let length = data + 2 + 1024 + 1;
    for (at, number) in [(32, length), (36, 0x70), (40, 0x1234_5678), (56, COUNT), (60, 0x70)] {
        bytes[at..at + 4].copy_from_slice(&number.to_le_bytes());
    }
    (0..COUNT).for_each(|_| bytes.extend(data.to_le_bytes()));
    bytes.extend([0x80, 8]);
    bytes.extend([b'a'; 1024]);
    bytes.push(0);
    bytes
}

/// A PNG of so many columns and rows, grey and black.
fn picture(size: u32) -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut chunk = |kind: &[u8; 4], data: &[u8]| {
        bytes.extend(u32::try_from(data.len()).unwrap_or(0).to_be_bytes());
        let whole = [kind, data].concat();
        bytes.extend_from_slice(&whole);
        bytes.extend(crc32(&whole).to_be_bytes());
    };
    chunk(b"IHDR", &[&size.to_be_bytes()[..], &size.to_be_bytes(), &[8, 0, 0, 0, 0]].concat());
    let rows = vec![0; usize::try_from(size).unwrap_or(0) * (usize::try_from(size).unwrap_or(0) + 1)];
    chunk(b"IDAT", &stream::zlib(&rows));
    chunk(b"IEND", b"");
    bytes
}
