//! Images of every released format version are kept, and answer as an image made today does.
//!
//! To add one for a new version, run this test with `CANDOR_KEEP_IMAGE=1`: it writes the file if there is
//! none. A file that is there is never written over; to replace one of a version that is not released yet,
//! remove it first.

use std::path::{Path, PathBuf};

use candor_database::Image;

use crate::sample;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/images")
}

#[test]
fn an_image_of_the_current_version_is_kept() {
    let version = Image::from_vec(sample::image()).unwrap().info().format;
    let path = folder().join(format!("format-{version}.candor"));
    if std::env::var_os("CANDOR_KEEP_IMAGE").is_some() && !path.exists() {
        std::fs::write(&path, sample::image()).unwrap();
    }
    assert!(path.exists(), "{} is missing: see the top of this file", path.display());
}

#[test]
fn the_sample_has_rules_that_match_and_rules_that_do_not() {
    let answers = sample::ask(&Image::from_vec(sample::image()).unwrap());
    let is_rule = |record: &&candor_database::SignatureRecord| record.name.starts_with("YARA.");
    let all: Vec<_> = answers.records.iter().filter(is_rule).collect();
    let found = |name: &str| {
        let id = all.iter().find(|record| record.name == name).unwrap().id;
        answers.rules.iter().any(|hit| hit.signature == id)
    };
    let matching: Vec<&str> =
        all.iter().map(|record| record.name.as_str()).filter(|name| found(name)).collect();
    let numbers = (0..16).filter(|number| ![1, 9].contains(number));
    assert_eq!(matching, numbers.map(|number| format!("YARA.Sample-{number}")).collect::<Vec<_>>());
    assert_eq!(all.len(), 16);
}

#[test]
fn kept_images_open_and_answer() {
    let today = sample::ask(&Image::from_vec(sample::image()).unwrap());
    let mut seen = 0;
    for entry in std::fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "candor") {
            let image = Image::open(&std::fs::File::open(&path).unwrap()).unwrap();
            image.check().unwrap();
            assert_eq!(sample::ask(&image), today, "{}", path.display());
            seen += 1;
        }
    }
    assert!(seen > 0);
}
