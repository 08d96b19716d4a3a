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
