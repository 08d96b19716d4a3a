//! Objects with honest and with scattered digits.

use candor_fixtures::document;
use candor_model::FileType;

use crate::collected::{Collected, survives_damage};

#[test]
fn objects_are_given_without_their_header() {
    let bytes = document::rtf("Word.Document.8", b"the object");
    let found = Collected::of(FileType::Rtf, &bytes).children;
    assert_eq!(found.len(), 1);
    assert_eq!(
        (found[0].member.name.as_str(), found[0].bytes.as_slice()),
        ("Word.Document.8", &b"the object"[..])
    );
}

#[test]
fn digits_may_be_scattered() {
    let bytes =
        b"{\\rt{\\object{\\*\\objdata 4 1\r\n4{\\*\\x ff}2\\foo12 4\\'ff3{4 4}\\bin2 }}45}}{\\objdata 5a}";
    let found = Collected::of(FileType::Rtf, bytes).children;
    assert_eq!(found[0].bytes, b"ABCD}}E");
    assert_eq!(found[1].bytes, b"Z");
}

#[test]
fn damage_is_survived() {
    survives_damage(FileType::Rtf, &document::rtf("Package", b"the object"));
}
