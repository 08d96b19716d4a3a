//! Objects with honest and with scattered digits.

use candor_fixtures::document;
use candor_model::{FileType, Reason};

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

#[test]
fn that_there_are_more_objects_than_are_given_is_said() {
    let objects = |count: usize| {
        // What stands in the digits of an object is none.
        let text = format!("{{\\rt{}}}", "{\\objdata 5{\\objdata }a}".repeat(count));
        let found = Collected::of(FileType::Rtf, text.as_bytes());
        (found.children.len(), found.incomplete)
    };
    assert_eq!(objects(4096), (4096, vec![]));
    assert_eq!(objects(4097), (4096, vec![Reason::Children]));
}

#[test]
fn objects_that_end_with_the_file_before_their_length_are_cut_short() {
    let whole = document::rtf("Word.Document.8", &[b'x'; 100]);
    let absent = |bytes: &[u8]| Collected::of(FileType::Rtf, bytes).children[0].absent.clone();
    assert_eq!(absent(&whole), None);
    let cut = Some(Reason::Malformed("an object is cut short".to_owned()));
    let digits = whole.windows(2).rposition(|pair| pair == b"78").unwrap();
    assert_eq!(absent(&whole[..digits]), cut);
    // Only its group is open.
    assert_eq!(absent(&whole[..digits + 2]), None);
    // What says a wrong length and has an end is all there is.
    assert_eq!(absent(&[&whole[..digits], b"}}}"].concat()), None);
    // Not even its header is there.
    assert_eq!(absent(b"{\\rtf1{\\object{\\*\\objdata 0105000002000000"), cut);
}
