//! Every format that is opened has tests, a fuzz target, and a row in the reference.

use std::path::Path;

use candor_unpack::FORMATS;

use super::{Complaints, Source, entries};

/// Folders of candor-unpack that are no formats.
const NO_FORMATS: [&str; 1] = ["image_hash"];

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
    for (name, _) in candor_fuzz::TARGETS {
        let file = format!("fuzz/targets/{name}.rs");
        let runs = |source: &Source| source.path == file && source.text.contains(&format!("run(\"{name}\""));
        if !sources.iter().any(runs) {
            complaints.push(format!("{file}: is missing, or runs something else"));
        }
    }
    let reference = sources.iter().find(|source| source.path == "docs/reference/formats.md");
    for format in FORMATS {
        if !reference.is_some_and(|page| page.text.contains(format.name)) {
            complaints.push(format!("docs/reference/formats.md: does not speak of {}", format.name));
        }
    }
    Ok(complaints)
}
