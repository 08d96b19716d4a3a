//! Small files that are made to cost much: each ends within its budget, and says what it left out.

use candor_engine::{Options, Scanner};
use candor_fixtures::{archive, container, document, stream, zip_methods};
use candor_model::{Interrupt, Limits, Reason, Report, Verdict};

use crate::signatures;

const LIMITS: Limits = Limits {
    max_file_size: 16 << 20,
    max_scan_size: 24 << 20,
    max_growth: 32,
    max_memory: 20 << 20,
    max_depth: 17,
    max_children: 600,
    max_ratio: 2_000,
    max_normalise: 4 << 20,
    max_regex_size: 1 << 20,
    regex_steps: 100_000,
    search_steps: 1_000_000_000,
};

fn scan(bytes: &[u8]) -> Report {
    let image = signatures(&[("a.ndb", "Nothing:0:*:6e6f7468696e67206c696b652074686973")]);
    let options = Options { limits: LIMITS, all_matches: true, ..Options::default() };
    let report = Scanner::new(&image, options).scan(bytes, "bomb", &Interrupt::new());
    assert!(report.bytes <= LIMITS.max_scan_size, "{} bytes", report.bytes);
    assert!(report.layers.len() <= LIMITS.max_children as usize + 2, "{} layers", report.layers.len());
    report
}

#[track_caller]
fn check(name: &str, bytes: &[u8], expected: &[Reason]) {
    let report = scan(bytes);
    assert_eq!(report.verdict, Verdict::Incomplete, "{name}");
    let reasons: Vec<_> = report.incomplete.iter().map(|missed| &missed.reason).collect();
    assert!(reasons.iter().any(|reason| expected.contains(reason)), "{name}: {reasons:?}");
}

fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let members: Vec<_> = members.iter().map(|(name, bytes)| zip_methods::pack(name, bytes, 8)).collect();
    zip_methods::archive(&members)
}

#[test]
fn zeros_in_every_compressor_are_cut() {
    // More than the largest layer; the compressors that pack best also reach the ratio.
    let zeros = vec![0_u8; 20 << 20];
    let limits = [Reason::FileSize, Reason::Ratio, Reason::ScanSize];
    for (name, pack) in [
        ("gzip", stream::gzip as fn(&[u8]) -> Vec<u8>),
        ("bzip2", stream::bzip2),
        ("xz", stream::xz),
        ("lzma", stream::lzma),
        ("lzip", stream::lzip),
        ("zstd", stream::zstd),
        ("lz4", stream::lz4),
    ] {
        check(name, &pack(&zeros), &limits);
    }
    check("zip", &zip(&[("a", &zeros)]), &limits);
    check("7z", &archive::seven_zip(archive::SevenZip::Lzma2, None, &[("a", &zeros)]), &limits);
    check("pdf", &document::pdf(&[("/Filter /FlateDecode", stream::zlib(&zeros))]), &limits);
    check(
        "pdf chain",
        &document::pdf(&[("/Filter [/Fl /Fl]", stream::zlib(&stream::zlib(&zeros)))]),
        &limits,
    );
    check("swf", &container::swf_zlib(&zeros), &limits);
    check("xar", &container::xar(&zeros), &limits);
}

#[test]
fn archives_of_archives_end_with_the_members_that_are_allowed() {
    // Sixteen in each of sixteen, five times: a million files.
    let mut bytes = vec![0_u8; 4096];
    for _ in 0..5 {
        let names: Vec<String> = (0..16).map(|number| format!("lib {number}")).collect();
        let members: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &bytes[..])).collect();
        bytes = zip(&members);
    }
    check("nest", &bytes, &[Reason::Children, Reason::ScanSize]);
    let mut bytes = vec![0_u8; 64];
    for _ in 0..40 {
        bytes = stream::gzip(&bytes);
    }
    check("deep", &bytes, &[Reason::Depth]);
}

#[test]
fn members_that_overlap_are_paid_for_each() {
    let packed = zip_methods::pack("a", &vec![0_u8; 2 << 20], 8);
    let one = zip_methods::archive(&[packed]);
    let directory = memchr::memmem::rfind(&one, b"PK\x01\x02").unwrap();
    let end = memchr::memmem::rfind(&one, b"PK\x05\x06").unwrap();
    let row = &one[directory..end];
    let count = 1000_u16;
    let mut bytes = one[..directory].to_vec();
    bytes.extend(row.repeat(usize::from(count)));
    let mut tail = one[end..].to_vec();
    tail[8..10].copy_from_slice(&count.to_le_bytes());
    tail[10..12].copy_from_slice(&count.to_le_bytes());
    let length = u32::try_from(row.len() * usize::from(count)).unwrap();
    tail[12..16].copy_from_slice(&length.to_le_bytes());
    bytes.extend(tail);
    check("overlapping", &bytes, &[Reason::ScanSize]);
}

#[test]
fn deep_and_wide_mail_ends() {
    let mut deep = String::from("From: a@b\r\nMIME-Version: 1.0\r\n");
    for level in 0..2000 {
        deep += &format!("Content-Type: multipart/mixed; boundary=b{level}\r\n\r\n--b{level}\r\n");
    }
    check("deep mail", deep.as_bytes(), &[Reason::Depth, Reason::Children]);
    let mut nested = "Subject: x\r\n\r\nx".to_owned();
    for level in 0..40 {
        nested = format!(
            "From: a@b\r\nContent-Type: multipart/mixed; boundary=b{level}\r\n\r\n--b{level}\r\nContent-Type: message/rfc822\r\n\r\n{nested}"
        );
    }
    check("mail in mail", nested.as_bytes(), &[Reason::Depth]);
    let part = "--x\r\nContent-Type: text/plain\r\n\r\nx\r\n";
    let wide =
        "From: a@b\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n".to_owned() + &part.repeat(9000);
    check("wide mail", wide.as_bytes(), &[Reason::Children]);
}

#[test]
fn entities_are_text_and_nothing_more() {
    let mut text = "<?xml version=\"1.0\"?><!DOCTYPE lolz [<!ENTITY lol \"lol\">".to_owned();
    for level in 1..10 {
        text += &format!("<!ENTITY lol{level} \"{}\">", "&lol;".repeat(10));
    }
    text += "]><lolz>&lol9;</lolz>";
    let report = scan(text.as_bytes());
    assert!(report.bytes < 16 << 10, "{}", report.bytes);
}

#[test]
fn an_archive_that_is_its_own_member_ends() {
    // A stored member that claims to begin at the start of the archive it is in.
    let mut inner = b"PK\x03\x04\x14\0\0\0\0\0\0\0\0\0\0\0\0\0".to_vec();
    inner.extend([0xff, 0xff, 0, 0, 0xff, 0xff, 0, 0, 1, 0, 0, 0, b'q']);
    check("quine", &inner.repeat(3000), &[Reason::Depth, Reason::Children, Reason::ScanSize]);
}

#[test]
fn images_of_nothing_are_cut() {
    // A partition of two tebibytes of zeros, and one that is the same piece of the file again and again.
    let mut rows = vec![(2_u32, Vec::new())];
    let mut sparse = container::dmg_of(&rows);
    let table = memchr::memmem::find(&sparse, b"<data>").unwrap() + 6;
    // The count of sectors stands in bytes 220 to 228 of the table, which is base64 of three bytes in four.
    let place = table + 220 / 3 * 4;
    sparse[place..place + 8].copy_from_slice(b"AAAAAP//");
    check("sparse", &sparse, &[Reason::FileSize, Reason::Ratio, Reason::ScanSize]);
    rows = vec![(0x8000_0005, stream::zlib(&[0; 512])); 60_000];
    check("long", &container::dmg_of(&rows), &[Reason::FileSize, Reason::Ratio, Reason::ScanSize]);
}
