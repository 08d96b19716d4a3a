//! One marker in every container that is opened, in every way that it can be packed, and in containers
//! within containers: it is found, and the path to it is the right one.

use candor_database::Image;
use candor_fixtures::archive::{self, Cab, RAR, SevenZip};
use candor_fixtures::marker::{MARKER, combinations, packings};
use candor_fixtures::zip_methods;
use candor_model::Verdict;

use crate::{scan, signatures};

fn image() -> Image {
    let digits: String = MARKER.iter().map(|byte| format!("{byte:02x}")).collect();
    signatures(&[("test.ndb", &format!("Test.Marker:0:*:{digits}\n"))])
}

#[track_caller]
fn check(image: &Image, name: &str, bytes: &[u8], path: &[&str]) {
    let report = scan(image, bytes);
    let reasons = &report.incomplete;
    assert_eq!(report.verdict, Verdict::Infected, "{name}: {} bytes, {reasons:?}", bytes.len());
    let is_there = report.findings.iter().any(|finding| finding.path == path);
    let found: Vec<_> = report.findings.iter().map(|finding| &finding.path).collect();
    assert!(is_there, "{name}: {found:?}");
}

#[test]
fn a_marker_is_found_in_every_container_and_in_containers_in_others() {
    let image = image();
    let all = combinations();
    assert!(all.len() > 3 * packings().len());
    for combination in all {
        let path: Vec<&str> = combination.path.iter().map(String::as_str).collect();
        check(&image, &combination.name, &combination.bytes, &path);
    }
}

#[test]
fn a_marker_is_found_in_packages() {
    let image = image();
    let deb = archive::deb(&[("a", MARKER)]);
    check(&image, "deb", &deb, &["data.tar.xz", "content", "a"]);
    let rpm = archive::rpm(&[("a", MARKER)]);
    check(&image, "rpm", &rpm, &["payload", "content", "a"]);
    let uuencoded = format!("begin 644 a\n{}`\nend\n", uuencoded(MARKER));
    check(&image, "uuencoded", uuencoded.as_bytes(), &["a"]);
}

fn uuencoded(bytes: &[u8]) -> String {
    let digit = |value: u32| if value & 63 == 0 { '`' } else { char::from_u32((value & 63) + 32).unwrap() };
    bytes
        .chunks(45)
        .map(|line| {
            let mut text = digit(u32::try_from(line.len()).unwrap()).to_string();
            for group in line.chunks(3) {
                let value =
                    (0..3).fold(0, |value, at| value << 8 | u32::from(group.get(at).copied().unwrap_or(0)));
                text.extend([18, 12, 6, 0].map(|shift| digit(value >> shift)));
            }
            text + "\n"
        })
        .collect()
}

#[test]
fn a_marker_is_found_behind_other_bytes() {
    let image = image();
    let zip = zip_methods::archive(&[zip_methods::pack("a", MARKER, 8)]);
    let picture = [&b"GIF89a"[..], &[1; 500]].concat();
    check(&image, "zip behind a picture", &[picture, zip.clone()].concat(), &["@506", "a"]);
    let program =
        candor_fixtures::executable::Executable::new(candor_fixtures::executable::Kind::Pe32, Vec::new());
    let program = program.build().0;
    let path = format!("@{}", program.len());
    check(&image, "self-extracting zip", &[program.clone(), zip].concat(), &[&path, "a"]);
    for (name, archive) in [
        ("self-extracting 7z", archive::seven_zip(SevenZip::Lzma2, None, &[("a", MARKER)])),
        ("self-extracting rar", archive::rar(RAR[4], false, false, None, &[("a", MARKER)])),
        ("self-extracting cab", archive::cab(Cab::MsZip, &[("a", MARKER)])),
    ] {
        check(&image, name, &[program.clone(), archive].concat(), &[&path, "a"]);
    }
}

#[test]
fn a_marker_is_found_in_an_image_that_begins_as_something_else() {
    let image = image();
    let honest = archive::iso(&[("a", MARKER)]);
    for magic in [&b""[..], b"\x89PNG\r\n\x1a\n", b"%PDF-1.7\n", b"BM\x3a\0\0\0", b"{\\rtf1}", b"PK\x03\x04"]
    {
        let mut bytes = honest.clone();
        bytes[..magic.len()].copy_from_slice(magic);
        check(&image, "image", &bytes, &["a"]);
    }
}

#[test]
fn a_marker_is_found_behind_the_end_of_an_archive() {
    let image = image();
    let zip = zip_methods::archive(&[zip_methods::pack("a", MARKER, 8)]);
    let other = zip_methods::archive(&[zip_methods::pack("b", b"content", 8)]);
    let page =
        candor_fixtures::document::pdf(&[("/Filter /FlateDecode", candor_fixtures::stream::zlib(MARKER))]);
    for (name, front, behind) in [
        ("7z", archive::seven_zip(SevenZip::Lzma2, None, &[("b", b"content")]), &zip),
        ("cab", archive::cab(Cab::MsZip, &[("b", b"content")]), &zip),
        ("zip", other, &page),
    ] {
        let place = format!("@{}", front.len());
        let bytes = [&front[..], behind].concat();
        let report = scan(&image, &bytes);
        assert_eq!(report.verdict, Verdict::Infected, "{name}");
        assert!(report.findings.iter().any(|finding| finding.path.first() == Some(&place)), "{name}");
    }
}
