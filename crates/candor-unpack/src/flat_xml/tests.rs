//! Base64 in elements, and what is none.

use candor_fixtures::container;
use candor_model::{FileType, Reason};

use crate::collected::{Collected, survives_damage};

#[test]
fn base64_in_elements_is_decoded() {
    let text =
        b"<a><w:binData w:name=\"x.mso\">Y29u\ndGVudA==</w:binData><pkg:binaryData>Mg==</pkg:binaryData>\
        <chunk>Mw==</chunk><binDataX>NA==</binDataX><w:binData/><my binData>NQ==</my></a>";
    let found = Collected::of(FileType::XmlWord, text).children;
    let shown: Vec<_> =
        found.iter().map(|child| (child.member.name.as_str(), child.bytes.as_slice())).collect();
    assert_eq!(shown, [("x.mso", &b"content"[..]), ("", b"2"), ("", b"3")]);
}

#[test]
fn entities_are_not_expanded() {
    let mut text = "<?xml version=\"1.0\"?><!DOCTYPE a [<!ENTITY b0 \"binData\">".to_owned();
    for level in 1..64 {
        text += &format!("<!ENTITY b{level} \"{}\">", format!("&b{};", level - 1).repeat(16));
    }
    text += "]><w:binData>&b63;</w:binData>";
    let found = Collected::of(FileType::XmlWord, text.as_bytes());
    assert!(found.budget.bytes() < 100, "{}", found.budget.bytes());
}

#[test]
fn damage_is_survived() {
    survives_damage(FileType::XmlWord, &container::word_xml(b"content"));
}

#[test]
fn documents_that_end_within_base64_are_cut_short() {
    let absent = |text: &str| {
        let found = Collected::of(FileType::XmlWord, text.as_bytes());
        assert_eq!(found.children[0].bytes, b"content");
        found.children[0].absent.clone()
    };
    let cut = Some(Reason::Malformed("base64 in a document is cut short".to_owned()));
    assert_eq!(absent("<w:binData>Y29udGVudA=="), cut);
    assert_eq!(absent("<w:binData>Y29udGVudA==<"), None);
}

#[test]
fn files_elsewhere_are_found_and_those_in_elements_are_given_once() {
    let file = [&b"PK\x03\x04"[..], &[0x14; 200]].concat();
    let digits = container::base64(&file);
    let text = format!(
        "<a><w:binData w:name=\"x\">{digits}</w:binData><b c=\"{digits}\"/><chunk>{digits}</chunk></a>"
    );
    let found = Collected::of(FileType::XmlWord, text.as_bytes()).children;
    let names: Vec<_> = found.iter().map(|child| (&child.member.name[..], child.bytes == file)).collect();
    assert_eq!(names, [("x", true), ("", true), ("base64 1", true)]);
}
