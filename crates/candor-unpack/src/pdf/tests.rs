//! Streams under every filter, in chains, with wrong lengths, and scripts.

use candor_fixtures::{document, stream};
use candor_model::{FileType, Limits, Reason};

use crate::collected::{Collected, survives_damage};

fn shown(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let found = Collected::of(FileType::Pdf, bytes).children;
    found.into_iter().map(|child| (child.member.name, child.bytes)).collect()
}

fn only(dictionary: &str, data: &[u8]) -> Vec<u8> {
    shown(&document::pdf(&[(dictionary, data.to_vec())])).remove(0).1
}

#[test]
fn every_filter_is_undone() {
    assert_eq!(only("", b"content"), b"content");
    assert_eq!(only("/Filter /FlateDecode", &stream::zlib(b"content")), b"content");
    assert_eq!(only("/Filter [/Fl]", &stream::zlib(b"content")), b"content");
    assert_eq!(only("/Filter /ASCIIHexDecode", b"636f 6e74656e74>"), b"content");
    assert_eq!(only("/Filter /ASCII85Decode", b"<~87cUR D]j7B\nEbo80z~>junk"), b"Hello world!\0\0\0\0");
    assert_eq!(only("/Filter /RunLengthDecode", b"\x02abc\xfed\x80junk"), b"abcddd");
    let mut encoder = weezl::encode::Encoder::with_tiff_size_switch(weezl::BitOrder::Msb, 8);
    let text: Vec<u8> = (0..2000_u32).flat_map(u32::to_le_bytes).collect();
    assert!(only("/Filter /LZWDecode", &encoder.encode(&text).unwrap()) == text);
}

#[test]
fn chains_and_escaped_names_are_followed() {
    let packed = stream::zlib(&stream::zlib(b"content"));
    let digits: String = packed.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(
        only("/Filter [/ASCIIHexDecode /Fl#61teDecode /FlateDecode]", (digits + ">").as_bytes()),
        b"content"
    );
}

#[test]
fn predictors_are_undone() {
    // Two rows of four: the first as it is, the second as the difference to the one above it.
    let rows = [&[0, 1, 2, 3, 4][..], &[2, 1, 1, 1, 1], &[1, 1, 1, 1, 1]].concat();
    let found =
        only("/Filter /FlateDecode /DecodeParms << /Predictor 12 /Columns 4 >>", &stream::zlib(&rows));
    assert_eq!(found, [1, 2, 3, 4, 2, 3, 4, 5, 1, 2, 3, 4]);
}

#[test]
fn wrong_lengths_are_seen_through() {
    for length in ["0", "3", "99999", "7 0 R", "(x)"] {
        let text = format!("%PDF-1.4\n1 0 obj\n<< /Length {length} >>\nstream\ncontent\nendstream\nendobj\n");
        assert_eq!(shown(text.as_bytes()), [("object 1".to_owned(), b"content".to_vec())], "{length}");
    }
    let cut = b"%PDF-1.4\n12 0 obj << /Filter/FlateDecode >> stream\r\n".to_vec();
    assert_eq!(
        shown(&[cut, stream::zlib(b"content")].concat())[0],
        ("object 12".to_owned(), b"content".to_vec())
    );
}

#[test]
fn scripts_are_children_wherever_they_stand() {
    let text = b"%PDF-1.4\n1 0 obj << /S /JavaScript /JS (app.alert\\(1\\);\\101 (x)) >> endobj\n2 0 obj << /#4a#53 <6170> >> endobj";
    let scripts: Vec<_> = shown(text).into_iter().map(|(_, script)| script).collect();
    assert_eq!(scripts, [b"app.alert(1);A (x)".to_vec(), b"ap".to_vec()]);
    let objects = stream::zlib(b"5 0 << /JS (hidden) >>");
    let found = shown(&document::pdf(&[("/Type /ObjStm /Filter /FlateDecode", objects)]));
    assert_eq!(found[1], ("JavaScript".to_owned(), b"hidden".to_vec()));
}

#[test]
fn an_encrypted_file_says_so() {
    let found = Collected::of(FileType::Pdf, b"%PDF-1.4\ntrailer << /Encrypt 5 0 R >>");
    assert_eq!(found.incomplete, [Reason::Encrypted]);
}

#[test]
fn a_chain_that_multiplies_is_cut() {
    let mut data = vec![0; 8 << 20];
    for _ in 0..3 {
        data = stream::zlib(&data);
    }
    let bytes = document::pdf(&[("/Filter [/FlateDecode /FlateDecode /FlateDecode]", data)]);
    let limits = Limits { max_scan_size: 4 << 20, ..Limits::default() };
    let found = Collected::with_limits(FileType::Pdf, &bytes, limits);
    assert!(found.budget.bytes() <= 4 << 20);
}

#[test]
fn damage_is_survived() {
    let bytes = document::pdf(&[
        ("/Filter [/FlateDecode] /DecodeParms [<< /Predictor 15 /Columns 4 >>]", stream::zlib(&[2; 300])),
        ("/Filter /RunLengthDecode", b"\x02abc\xfed\x80".to_vec()),
        ("/Type /ObjStm /Filter /ASCIIHexDecode", b"2f4a532028782900>".to_vec()),
    ]);
    survives_damage(FileType::Pdf, &bytes);
}
