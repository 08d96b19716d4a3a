//! Text and what is made of it.

use candor_model::{FileType, Normalisation, Verdict};

use crate::{scan, signatures};

#[test]
fn text_is_found_whatever_its_case_and_spacing() {
    // `plain text here`, for normalised text.
    let image = signatures(&[("test.ndb", "Test.Text:7:*:706c61696e20746578742068657265\n")]);
    let report = scan(&image, b"this is PLAIN \t TEXT\n\nHERE, they said\n");
    assert_eq!((report.verdict, report.file_type), (Verdict::Infected, FileType::TextAscii));
    assert_eq!(report.findings[0].normalised, Some(Normalisation::Text));
    assert_eq!(scan(&image, b"this is PLAINTEXT HERE, they said\n").verdict, Verdict::Clean);
}
