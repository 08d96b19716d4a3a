//! Scans of real formats with real signatures.
#![expect(clippy::unwrap_used, reason = "a test that cannot build its signatures has failed")]

mod archives;
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
