//! Every parser has tests, a fuzz target with inputs of its own, and a row in the reference; every version
//! of the image format has a kept image.

use std::path::Path;

use candor_database::{Builder, Image};
use candor_model::FileType;
use candor_unpack::FORMATS;

use super::{Complaints, Source, entries};

/// Folders of candor-unpack that are no formats.
const NO_FORMATS: [&str; 2] = ["image_hash", "module"];

pub(super) fn check(root: &Path, sources: &[Source]) -> anyhow::Result<Complaints> {
    let mut complaints = Complaints::new();
    let folder = root.join("crates/candor-unpack/src");
    for path in entries(&folder)?.into_iter().filter(|path| path.is_dir()) {
        let format = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let own = format!("crates/candor-unpack/src/{format}/");
        let has_tests = |source: &Source| {
            source.path.starts_with(&own)
                && source.path.ends_with("tests.rs")
                && source.text.contains("#[test]")
        };
        if !sources.iter().any(has_tests) {
            complaints.push(format!("{own}: has no tests"));
        }
        if NO_FORMATS.contains(&format.as_str()) {
            continue;
        }
        let target = format!("unpack_{format}");
        if !candor_fuzz::TARGETS.iter().any(|(name, _)| *name == target) {
            complaints.push(format!("{own}: has no fuzz target {target}"));
        }
    }
    targets(sources, &mut complaints);
    inputs(&mut complaints);
    for (page, names) in pages() {
        let text =
            sources.iter().find(|source| source.path == page).map_or("", |source| source.text.as_str());
        for name in names.iter().filter(|name| !text.contains(name.as_str())) {
            complaints.push(format!("{page}: does not speak of {name}"));
        }
    }
    let version = Image::from_vec(Builder::new().finish()?)?.info().format;
    let kept = format!("testdata/images/format-{version}.candor");
    if !root.join(&kept).is_file() {
        complaints.push(format!("{kept}: is missing; testdata/images/README.md says how it is made"));
    }
    Ok(complaints)
}

/// Each target has its program.
fn targets(sources: &[Source], complaints: &mut Complaints) {
    let manifest = sources.iter().find(|source| source.path == "fuzz/Cargo.toml");
    for (name, _) in candor_fuzz::TARGETS {
        let file = format!("fuzz/targets/{name}.rs");
        let call = format!("candor_fuzz::{name}(");
        let runs = |source: &Source| source.path == file && source.text.contains(&call);
        let built = manifest.is_some_and(|manifest| manifest.text.contains(&format!("name = \"{name}\"\n")));
        if !built || !sources.iter().any(runs) {
            complaints.push(format!("{file}: is missing, not built, or runs something else"));
        }
    }
}

/// Among the inputs that fuzzing begins with there is a file of every format that is opened.
fn inputs(complaints: &mut Complaints) {
    let files = candor_fuzz::seeds("scan");
    let types: Vec<FileType> = files.iter().map(|file| candor_identify::identify(file)).collect();
    for format in FORMATS {
        if !format.types.iter().any(|known| types.contains(known)) {
            complaints.push(format!("fuzz/src/seed.rs: has no file of the format {}", format.name));
        }
    }
}

/// Pages of the reference that speak of every format, and of every signature language.
fn pages() -> [(&'static str, Vec<String>); 2] {
    let formats = FORMATS.iter().map(|format| format.name.to_owned()).collect();
    let languages =
        candor_signature::clamav::extensions().map(|extension| format!("`{extension}`")).collect();
    [("docs/reference/formats.md", formats), ("docs/guide/databases.md", languages)]
}
