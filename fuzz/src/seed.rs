//! One small file of every format that is opened.

use candor_fixtures::archive::{self, CAB, Cpio, RAR, SEVEN_ZIP, SevenZip};
use candor_fixtures::executable::{Executable, Kind, SectionRecipe};
use candor_fixtures::zip::{Member, build};
use candor_fixtures::{bytecode, container, document, postscript, quarantine, stream, zip_methods};

const HTML: &[u8] = b"<html><!-- a comment --><p>A needle &amp; a &#84;OOL</p>\
    <script>var a = unescape('%61%62') + \"c\";</script><img src=\"data:text/plain;base64,bmVlZGxl\">";

pub(crate) fn files() -> Vec<Vec<u8>> {
    let mut files: Vec<Vec<u8>> = Kind::ALL.iter().map(|kind| executable(*kind)).collect();
    let text = b"Some TEXT with a needle\t in it\r\n".to_vec();
    let zipped = zip(&[("a.txt", &text, true), ("b.html", HTML, false)]);
    files.push(archive::tar(&[("inner.zip", &zipped)]));
    files.push(zip(&[("inner.zip", &zipped, true)]));
    files.extend(streams(&text));
    files.extend(archives(&text));
    files.extend(documents(&text));
    files.extend(postscript::PACKINGS.iter().map(|(_, _, pack)| pack(&text)));
    files.extend(container::PACKINGS.iter().map(|(_, _, pack)| pack(&text)));
    files.push(quarantine::malwarebytes(r"C:\a.exe", "Trojan.X", "2024-09-28T07:05:03Z", &text).1);
    let strings: [&[u8]; 2] = [b"http://example.com/a", b"zero\xc0\x80 \xed\xa0\xbd\xed\xb8\x80"];
    files.push(bytecode::dex(b"035", &[b"LMain;"], &strings));
    files.push(bytecode::dex_container(&[(&[b"LMain;"], &strings), (&[b"LOther;"], &strings)]));
    files.push(bytecode::java_class(b"Main", b"java/lang/Object", &strings));
    files.push(active_mime(&text));
    files.push(zisofs(&text));
    files.push(bundle(&executable(Kind::Elf64)));
    files.push(universal(&executable(Kind::MachO64)));
    files.push(
        b"\x30\x2f\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02\xa0\x22\x30\x20\x02\x01\x01\x31\0\
          \x30\x17\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01\xa0\x0a\x04\x08a needle\x31\0"
            .to_vec(),
    );
    files.push(zipped);
    files.push(HTML.to_vec());
    files.push(text);
    files
}

fn executable(kind: Kind) -> Vec<u8> {
    let section =
        |name: &str| SectionRecipe { name: name.to_owned(), bytes: b"section with a needle".to_vec() };
    let mut recipe = Executable::new(kind, vec![section(".text"), section(".data")]);
    if matches!(kind, Kind::Pe32 | Kind::Pe32Plus) {
        recipe.version = vec![("CompanyName".to_owned(), "Example".to_owned())];
        recipe.imports = vec![("ws2_32.dll".to_owned(), vec!["send".to_owned(), "recv".to_owned()])];
    }
    recipe.build().0
}

fn zip(members: &[(&str, &[u8], bool)]) -> Vec<u8> {
    let member = |(name, bytes, deflate): &(&str, &[u8], bool)| Member {
        name: (*name).to_owned(),
        bytes: bytes.to_vec(),
        deflate: *deflate,
        encrypted: false,
    };
    build(&members.iter().map(member).collect::<Vec<_>>())
}

/// What Word keeps macros in.
fn active_mime(text: &[u8]) -> Vec<u8> {
    let mut file = b"ActiveMime\0\0\x01\xf0\x04\0\0\0\xff\xff\xff\xff\0\0\x07\xf0".to_vec();
    file.resize(0x32, 0);
    file.extend(stream::zlib(text));
    file
}

/// A file of one block as `mkzftree` packs it.
fn zisofs(text: &[u8]) -> Vec<u8> {
    let data = stream::zlib(text);
    let [length, packed] = [text, &data].map(|bytes| u32::try_from(bytes.len()).unwrap_or(u32::MAX));
    let little =
        |numbers: &[u32]| numbers.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<u8>>();
    let header = [&b"\x37\xe4\x53\x96\xc9\xdb\xd6\x07"[..], &length.to_le_bytes(), &[4, 15, 0, 0]].concat();
    [header, little(&[24, 24 + packed]), data].concat()
}

/// A program with an archive of PyInstaller of one entry.
fn bundle(program: &[u8]) -> Vec<u8> {
    let data = stream::zlib(b"print('needle')");
    let length = u32::try_from(data.len()).unwrap_or(u32::MAX);
    let big = |numbers: &[u32]| numbers.iter().flat_map(|number| number.to_be_bytes()).collect::<Vec<u8>>();
    let table = [&big(&[23, 0, length, 15])[..], b"\x01smain\0"].concat();
    let cookie = big(&[length + 23 + 24, length, 23, 311]);
    [program, &data, &table, b"MEI\x0c\x0b\x0a\x0b\x0e", &cookie].concat()
}

/// A universal binary of one slice.
fn universal(slice: &[u8]) -> Vec<u8> {
    let length = u32::try_from(slice.len()).unwrap_or(u32::MAX);
    let numbers = [0xcafe_babe, 1, 0x0100_0007, 3, 32, length, 0, 0_u32];
    numbers.iter().flat_map(|number| number.to_be_bytes()).chain(slice.iter().copied()).collect()
}

/// `text` in every compression.
/// A stream of xz with filters and with several blocks.
fn filtered(text: &[u8]) -> Vec<u8> {
    let filters = [(stream::FilterType::Delta, 3), (stream::FilterType::BcjX86, 0)];
    stream::xz_as(
        &text.repeat(3),
        stream::Xz { filters: &filters, check: stream::CheckType::Sha256, block: 4096 },
    )
}

fn streams(text: &[u8]) -> Vec<Vec<u8>> {
    vec![
        stream::gzip(text),
        stream::bzip2(text),
        stream::xz(text),
        filtered(text),
        stream::lzma(text),
        stream::lzip(text),
        stream::zstd(text),
        stream::lz4(text),
        stream::lz4_legacy(text),
        stream::compress(text, 16),
    ]
}

/// `text` in every archive.
fn archives(text: &[u8]) -> Vec<Vec<u8>> {
    let files = &[("a.txt", text), ("b.html", HTML)];
    let mut archives: Vec<Vec<u8>> = [Cpio::Binary, Cpio::BinaryBig, Cpio::Crc, Cpio::Newc, Cpio::Odc]
        .iter()
        .map(|kind| archive::cpio(*kind, files))
        .collect();
    archives.extend(CAB.iter().map(|method| archive::cab(*method, files)));
    archives.extend(SEVEN_ZIP.iter().map(|method| archive::seven_zip(*method, None, files)));
    archives.extend(
        zip_methods::METHODS
            .iter()
            .map(|method| zip_methods::archive(&[zip_methods::pack("a.txt", text, *method)])),
    );
    archives.extend(RAR.iter().map(|version| archive::rar(*version, false, false, None, files)));
    archives.extend([
        archive::seven_zip(SevenZip::Zstd, Some("infected"), files),
        archive::deb(files),
        archive::rpm(files),
        archive::lha(1, &[("a", "-lh5-", archive::lh5_run(b'A', 100, 4), 100)]),
        archive::arj(&[("a", 1, archive::lh5_run(b'A', 100, 5), 100)]),
        archive::iso(files),
    ]);
    archives
}

/// `text` in every document.
fn documents(text: &[u8]) -> Vec<Vec<u8>> {
    let module = document::vba(b"Attribute VB_Name = \"A\"");
    let tokens = b"\x17\x08\0calc.exe\x42\x01\x6e\0".to_vec();
    let workbook = document::macro_workbook(1, &[document::Formula { row: 0, column: 0, tokens }]);
    let streams = [("dir", document::vba_directory("A", 0)), ("A", module)];
    vec![
        document::compound("VBA", &streams),
        document::compound("", &[("Workbook", workbook)]),
        [&[0, 6, 0, 0], &document::compound("", &[("stream", text.to_vec())])[..]].concat(),
        document::rtf("Package", text),
        b"{\\rtf1\\fromhtml1{\\*\\htmltag <a>}\\u-1 ?{\\objdata 4{\\b 1}1{\\objdata 42}}}".to_vec(),
        document::compound("", &[("__substg1.0_10090102", document::compressed_rtf(text))]),
        document::compound("", &[("\u{1}Ole10Native", text.to_vec())]),
        // A list of properties with a body in HTML.
        b"\x78\x9f\x3e\x22\x01\0\x01\x03\x90\x06\0\x14\0\0\0\x01\0\0\0\x02\x01\x13\x10\x01\0\0\0\x03\0\0\0<p>\0\0\0".to_vec(),
        document::pdf(&[("/Filter /FlateDecode", stream::zlib(text))]),
        b"From: a@b\nContent-Type: multipart/mixed; boundary=x\n\n--x\nContent-Transfer-Encoding: base64\n\n\
            bmVlZGxl\n--x--\n"
            .to_vec(),
        [
            &b"\xa3\x48\x4b\xbe\x98\x6c\x4a\xa9\x99\x4c\x53\x0a\x86\xd6\x48\x7dAU3!EA06"[..],
            &[0; 16],
            b"\x6b\x43\xca\x52",
            &[0xbc, 0xad, 0, 0, 0x20, 0xf8, 0, 0, 1],
            &[0; 64],
        ]
        .concat(),
        [&b"\x4c\0\0\0\x01\x14\x02\0\0\0\0\0\xc0\0\0\0\0\0\0\x46\xa0\0\0\0"[..], &[0; 52], b"\x02\0/\0c\0"]
            .concat(),
        b"\x89PNG\r\n\x1a\n\0\0\0\0IEND....".to_vec(),
        b"GIF89a\x01\0\x01\0\0\0\0\x2c\0\0\0\0\x01\0\x01\0\0\x02\x02\x44\x01\0\x3b".to_vec(),
        b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0\xff\xda\0\x02data\xff\xd9".to_vec(),
        b"II\x2a\0\x08\0\0\0\0\0\0\0\0\0".to_vec(),
        b"RIFF\x10\0\0\0ACONanih\x24\0\0\0".to_vec(),
        b"#@~^DgAAAA==\\ko$K6,JC\x7fV^GJqAQAAA==^#~@".to_vec(),
        b"begin 644 a\n#8W5T\n`\nend\n".to_vec(),
    ]
}
