//! Scans of real formats with real signatures.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod archives;
mod bombs;
mod cuts;
mod documents;
mod icons;
mod markers;
mod text;

use candor_database::{Builder, Image};
use candor_engine::{Options, Scanner};
use candor_model::{Interrupt, Report};
use candor_signature::Input;
use candor_signature::clamav::{self, load};

/// The EICAR test file, in two parts so that this source is not found itself.
fn eicar() -> Vec<u8> {
    let halves = [r"X5O!P%@AP[4\PZX54(P^)7CC)7}", "$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"];
    halves.concat().into_bytes()
}

/// An image of databases given as file name and text.
fn signatures(files: &[(&str, &str)]) -> Image {
    let mut builder = Builder::new();
    let inputs: Vec<_> = files.iter().map(|(name, text)| Input { name, bytes: text.as_bytes() }).collect();
    load(&inputs, clamav::Options::default(), &mut builder, &mut |diagnostic| panic!("{diagnostic}"));
    Image::from_vec(builder.finish().unwrap()).unwrap()
}

/// A scan that reports everything.
fn scan(image: &Image, bytes: &[u8]) -> Report {
    let options = Options { all_matches: true, ..Options::default() };
    Scanner::new(image, options).scan(bytes, "file", &Interrupt::new())
}

#[test]
fn a_container_that_cannot_be_opened_is_never_clean() {
    let image = signatures(&[("a.ndb", "Nothing:0:*:6e6f7468696e67206c696b652074686973")]);
    let mut scanner = Scanner::new(&image, Options::default());
    let mut bytes = b"\0\0\x31\0\0\0\x90**ACE**\x14\x14".to_vec();
    bytes.extend_from_slice(&[0x5a; 64]);
    let report = scanner.scan(&bytes, "a.ace", &Interrupt::new());
    assert_eq!(report.verdict, candor_model::Verdict::Incomplete);
    let codes: Vec<_> = report.incomplete.iter().map(|trouble| trouble.reason.code()).collect();
    assert_eq!(codes, ["unsupported"]);
}
